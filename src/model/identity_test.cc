#include "model/identity.h"

#include <gtest/gtest.h>

namespace cygnet::model {
namespace {

Identity parsed(std::string_view text) { return Identity::parse(text); }
Identity of(IdType type, std::string_view text) { return {type, keep(bytes_of(text))}; }

// Stands for crypto::parse_distinguished_name: the rules here are about when it is asked.
Result<Bytes> fake_dn(std::string_view text) {
    if (!text.starts_with("C=") && !text.starts_with("CN=")) return fail(Errc::bad_syntax, "DN");
    return concat({bytes_of("DER:"), bytes_of(text)});
}

// RFC 7296 §3.5 [63]: the ID types that must be configurable.
TEST(Identity, FindsItsTypeByTheFormOfTheText) {
    EXPECT_EQ(parsed("192.0.2.1"), Identity::of(*IpAddress::parse("192.0.2.1")));
    EXPECT_EQ(parsed("2001:db8::1"), Identity::of(*IpAddress::parse("2001:db8::1")));
    EXPECT_EQ(parsed("moon.example"), of(IdType::fqdn, "moon.example"));
    EXPECT_EQ(parsed("@moon.example"), of(IdType::fqdn, "moon.example"));
    EXPECT_EQ(parsed("carol@example"), of(IdType::rfc822_addr, "carol@example"));
    EXPECT_EQ(parsed("@@carol"), of(IdType::rfc822_addr, "carol"));
    EXPECT_EQ(parsed("@#0102ff"), (Identity{IdType::key_id, {1, 2, 255}}));
    EXPECT_EQ(parsed("not:an:address"), of(IdType::key_id, "not:an:address"));
    EXPECT_EQ(parsed("10.1.2.300"), of(IdType::fqdn, "10.1.2.300"));
    for (const char* any : {"", "%any", "%any6", "0.0.0.0", "*", "::", "0::0"})
        EXPECT_TRUE(parsed(any).is_any()) << any;
}

TEST(Identity, TakesDistinguishedNamesFromTheParserGiven) {
    EXPECT_EQ(Identity::parse("C=CH, CN=moon", fake_dn), of(IdType::der_asn1_dn, "DER:C=CH, CN=moon"));
    EXPECT_EQ(Identity::parse("a=b", fake_dn), of(IdType::key_id, "a=b"));
    EXPECT_EQ(parsed("C=CH, CN=moon"), of(IdType::key_id, "C=CH, CN=moon"));
    EXPECT_EQ(Identity::parse("asn1dn:CN=moon", fake_dn), of(IdType::der_asn1_dn, "DER:CN=moon"));
    EXPECT_EQ(Identity::parse("asn1dn:#3000"), (Identity{IdType::der_asn1_dn, {0x30, 0}}));
}

TEST(Identity, ObeysExplicitPrefixes) {
    EXPECT_EQ(parsed("fqdn:192.0.2.1"), of(IdType::fqdn, "192.0.2.1"));
    EXPECT_EQ(parsed("dns:moon"), of(IdType::fqdn, "moon"));
    EXPECT_EQ(parsed("EMAIL:carol"), of(IdType::rfc822_addr, "carol"));
    EXPECT_EQ(parsed("keyid:#0a0b"), (Identity{IdType::key_id, {10, 11}}));
    EXPECT_EQ(parsed("keyid:abc"), of(IdType::key_id, "abc"));
    EXPECT_EQ(parsed("ipv4:192.0.2.1"), parsed("192.0.2.1"));
    EXPECT_EQ(parsed("ipv6:fe80::1"), parsed("fe80::1"));
    EXPECT_EQ(parsed("{11}:abc"), of(IdType::key_id, "abc"));
    EXPECT_EQ(parsed("{201}:#ff"), (Identity{static_cast<IdType>(201), {255}}));
    EXPECT_EQ(parsed("ipv4:moon").type, IdType::key_id) << "the value does not fit its prefix";
}

TEST(Identity, MatchesWildcardsWithoutCase) {
    EXPECT_TRUE(parsed("%any").matches(parsed("moon.example")));
    EXPECT_TRUE(parsed("moon.example").matches(parsed("Moon.Example")));
    EXPECT_FALSE(parsed("moon.example").matches(parsed("moon.example.org")));
    EXPECT_TRUE(parsed("*.example").matches(parsed("moon.example")));
    EXPECT_FALSE(parsed("*.example").matches(parsed("moon.example.org")));
    EXPECT_TRUE(parsed("*@example").matches(parsed("carol@EXAMPLE")));
    EXPECT_FALSE(parsed("*.example").matches(of(IdType::rfc822_addr, "moon.example")));
    EXPECT_TRUE(parsed("a*b*c").matches(parsed("axxbyybzc")));
    EXPECT_FALSE(parsed("a*b*c").matches(parsed("axxbyybz")));
    EXPECT_TRUE(parsed("@#01").matches(parsed("@#01")));
    EXPECT_FALSE(parsed("@#01").matches(parsed("@#02")));
    EXPECT_FALSE(parsed("192.0.2.1").matches(parsed("192.0.2.2")));
    EXPECT_FALSE(parsed("moon").matches({})) << "nobody is not somebody";
    EXPECT_TRUE(parsed("*.example").has_wildcards());
    EXPECT_FALSE(parsed("@#2a").has_wildcards()) << "0x2a is the octet of a star, not a wildcard";
}

TEST(Identity, PrintsWhatItParses) {
    for (const char* text : {"moon.example", "carol@example", "192.0.2.1", "2001:db8::1", "@#0102", "%any"})
        EXPECT_EQ(parsed(text).text(), text);
    EXPECT_EQ(parsed("keyid:branch").text(), "branch");
    EXPECT_EQ(of(IdType::fqdn, "a\nb").text(), "a\\x0ab") << "a log line stays one line";
    EXPECT_EQ((Identity{IdType::der_asn1_dn, {0x30, 0}}).text(), "{9}:#3000");
    EXPECT_EQ((Identity{IdType::der_asn1_dn, {0x30, 0}}).text([](ByteView) { return std::string("CN=x"); }),
              "CN=x");
    EXPECT_EQ((Identity{IdType::ipv4_addr, {1, 2, 3}}).text(), "{1}:#010203") << "a peer's wrong size";
}

// swanctl.conf(5): connections.<conn>.local.id, the types of identities.
TEST(Identity, KnowsSubnetsAndRangesAsPatternsForAddresses) {
    const auto accepts = [](const char* pattern, const char* peer) {
        return Identity::parse(pattern).matches(Identity::parse(peer));
    };
    EXPECT_TRUE(accepts("10.1.0.0/16", "10.1.2.3"));
    EXPECT_FALSE(accepts("10.1.0.0/16", "10.2.0.1"));
    EXPECT_TRUE(accepts("10.1.0.5-10.1.0.9", "10.1.0.9"));
    EXPECT_FALSE(accepts("10.1.0.5-10.1.0.9", "10.1.0.10"));
    EXPECT_TRUE(accepts("ipv4net:192.0.2.0/24", "192.0.2.255"));
    EXPECT_TRUE(accepts("ipv6net:2001:db8::/32", "2001:db8::1"));
    EXPECT_FALSE(accepts("2001:db8::/32", "192.0.2.1"));
    EXPECT_TRUE(accepts("ipv6range:2001:db8::1-2001:db8::9", "2001:db8::5"));
    EXPECT_FALSE(accepts("10.1.0.0/16", "fqdn:10.1.2.3")) << "a name that looks like an address is a name";
    EXPECT_FALSE(accepts("ipv4net:192.0.2.0/24", "ipv4net:192.0.2.0/24")) << "no peer is a subnet";
    EXPECT_TRUE(Identity::parse("10.1.0.0/16").has_wildcards());
    EXPECT_EQ(Identity::parse("10.1.0.0/16").text(), "10.1.0.0/16");
    EXPECT_EQ(Identity::parse("a-b.example").type, IdType::fqdn);
    EXPECT_EQ(Identity::parse("ipv4net:2001:db8::/32").type, IdType::key_id) << "the wrong family is no such prefix";
}

TEST(Identity, MatchesEachTypeOnlyWithItself) {
    const char* texts[] = {"fqdn:a",  "rfc822:a", "keyid:a",   "asn1gn:#860161", "192.0.2.1",
                           "2001:db8::1", "@#61",  "{200}:abc"};
    for (const char* one : texts)
        for (const char* other : texts) {
            const bool same_key = (std::string(one) == "@#61" && std::string(other) == "keyid:a") ||
                                  (std::string(one) == "keyid:a" && std::string(other) == "@#61");
            EXPECT_EQ(Identity::parse(one).matches(Identity::parse(other)), one == other || same_key)
                << one << " and " << other;
        }
}

}  // namespace
}  // namespace cygnet::model
