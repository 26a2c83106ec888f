#include <gtest/gtest.h>

#include "crypto/der.h"
#include "crypto/x509.h"

namespace cygnet::crypto {
namespace {

Bytes octets(std::string_view text) { return *from_hex(text); }
Bytes name(std::string_view text) {
    const auto der = parse_distinguished_name(text);
    EXPECT_TRUE(der) << text;
    return der.value_or(Bytes{});
}

// One RDN of one attribute: C and CN as OpenSSL encodes them.
constexpr const char* ch_moon = "301c310b3009060355040613024348310d300b06035504030c046d6f6f6e";

TEST(DistinguishedName, IsTheDerThatOpensslMakes) {
    EXPECT_EQ(hex(name("C=CH, CN=moon")), ch_moon);
    EXPECT_EQ(hex(name("C=CH,CN=moon")), ch_moon);
    EXPECT_EQ(hex(name("  c = CH ,  cn = moon  ")), ch_moon);
    EXPECT_EQ(hex(name("/C=CH/CN=moon")), ch_moon);
    EXPECT_EQ(hex(name("2.5.4.6=CH, 2.5.4.3=moon")), ch_moon);
    // E and DC are IA5Strings.
    EXPECT_EQ(hex(name("E=a@b")), "30143112301006092a864886f70d0109011603614062");
}

TEST(DistinguishedName, PrintsAsSwanctlDoes) {
    EXPECT_EQ(distinguished_name_text(octets(ch_moon)), "C=CH, CN=moon");
    for (const char* text : {"C=CH, O=Cygnet, CN=moon", "DC=org, DC=example, UID=carol", "O=Cygnet, Inc., CN=a/b",
                             "CN=x+OU=y", "CN=", "ST=Zürich, serialNumber=7, E=a@b.example", "1.3.6.1.4.1.1=v"})
        EXPECT_EQ(distinguished_name_text(name(text)), text);
    EXPECT_EQ(distinguished_name_text(octets("0500")), "(unreadable name 0500)");
    EXPECT_EQ(distinguished_name_text(octets("3000")), "");
}

TEST(DistinguishedName, EscapesWhatWouldReadAsSomethingElse) {
    // One value that contains a separator and a type is not two.
    const Bytes spoof = name("CN=eve\\2C CN=admin");
    EXPECT_EQ(distinguished_name_text(spoof), "CN=eve\\2C CN=admin");
    EXPECT_FALSE(same_distinguished_name(spoof, name("CN=eve, CN=admin")));
    EXPECT_EQ(distinguished_name_text(name("CN=a\\0Ab\\5Cc")), "CN=a\\0Ab\\5Cc");
    EXPECT_EQ(name("CN=a\\,b"), name("CN=a,b"));
}

// Names of certificates reach logs and JSON: always UTF-8, always one line.
TEST(DistinguishedName, PrintsWellFormedUtf8WhateverTheValueHolds) {
    for (const auto& [value, printed] :
         {std::pair{"c3bc", "CN=ü"}, std::pair{"f09f8c99", "CN=🌙"}, std::pair{"fc6d", "CN=\\FCm"},
          std::pair{"c0af", "CN=\\C0\\AF"}, std::pair{"eda080", "CN=\\ED\\A0\\80"}, std::pair{"c285", "CN=\\C2\\85"},
          std::pair{"f4908080", "CN=\\F4\\90\\80\\80"}, std::pair{"e282", "CN=\\E2\\82"},
          std::pair{"2078 20", "CN=\\20x\\20"}}) {
        const Bytes attribute =
            der::element(der::sequence, {octets("0603550403"), der::element(der::utf8_string, {octets(value)})});
        const Bytes der = der::element(der::sequence, {der::element(der::set, {attribute})});
        EXPECT_EQ(distinguished_name_text(der), printed);
        EXPECT_EQ(name(printed), der);
    }
}

TEST(DistinguishedName, TextsThatAreNoNamesAreRefused) {
    for (const char* text :
         {"", "moon", "CN", "XX=moon", "=moon", "CN=moon, , O", "1.2.x=a", "3.1=a", "1.40=a", "1=a"}) {
        const auto der = parse_distinguished_name(text);
        // "CN=moon, , O" is a name whose value has commas.
        if (std::string_view(text) == "CN=moon, , O") {
            EXPECT_TRUE(der);
            continue;
        }
        ASSERT_FALSE(der) << text;
        EXPECT_EQ(der.error().code, Errc::bad_syntax);
    }
}

TEST(DistinguishedName, ComparesByValueWhateverTheStringTypes) {
    const Bytes moon = octets(ch_moon);
    // The same with PrintableString, BMPString and other case.
    EXPECT_TRUE(same_distinguished_name(moon, octets("301c310b3009060355040613024348310d300b0603550403130 46d6f6f6e")));
    EXPECT_TRUE(
        same_distinguished_name(moon, octets("3020310b3009060355040613024348311 1300f06035504031e08006d006f006f006e")));
    EXPECT_TRUE(same_distinguished_name(moon, name("C=ch, CN=MOON")));
    EXPECT_FALSE(same_distinguished_name(moon, name("CN=moon, C=CH")));
    EXPECT_FALSE(same_distinguished_name(moon, name("C=CH")));
    EXPECT_FALSE(same_distinguished_name(moon, name("C=CH, OU=moon")));
    EXPECT_FALSE(same_distinguished_name({}, {}));
    EXPECT_TRUE(same_distinguished_name(name("CN=x+OU=y"), name("OU=y+CN=x")));
    EXPECT_FALSE(same_distinguished_name(name("CN=x+OU=y"), name("CN=x, OU=y")));
}

TEST(DistinguishedName, WildcardsStandInThePatternOnly) {
    EXPECT_TRUE(distinguished_name_matches(name("C=CH, CN=*"), octets(ch_moon)));
    EXPECT_FALSE(distinguished_name_matches(octets(ch_moon), name("C=CH, CN=*")));
    EXPECT_FALSE(distinguished_name_matches(name("CN=*"), octets(ch_moon)));
    EXPECT_FALSE(same_distinguished_name(name("C=CH, CN=*"), octets(ch_moon)));
}

TEST(Der, RefusesLengthsThatAreNotTheShortest) {
    for (const char* bad :
         {"30", "3001", "308000", "30810100", "3082000100", "3084000000010000", "1f0100", "30830000800"}) {
        const Bytes input = from_hex(bad).value_or(Bytes{0x30});
        ByteView view = input;
        EXPECT_FALSE(der::read(view)) << bad;
    }
    const Bytes long_one = der::element(der::sequence, {Bytes(300, 1)});
    ByteView view = long_one;
    const auto element = der::read(view);
    ASSERT_TRUE(element);
    EXPECT_EQ(element->content.size(), 300U);
    EXPECT_TRUE(view.empty());
}

TEST(Der, ObjectIdentifiersGoBothWays) {
    for (const char* oid : {"1.2.840.113549.1.1.10", "2.5.4.3", "0.9.2342.19200300.100.1.25", "2.999.1", "1.3.101.112"})
        EXPECT_EQ(der::oid_text(der::oid_content(oid)), oid);
    EXPECT_EQ(hex(der::oid_content("1.2.840.113549")), "2a864886f70d");
    EXPECT_EQ(der::oid_text(octets("80")), "");
    EXPECT_EQ(der::oid_text({}), "");
    EXPECT_EQ(der::oid_text(Bytes(20, 0xff)), "");
}

}  // namespace
}  // namespace cygnet::crypto
