#include "model/address.h"

#include <gtest/gtest.h>

namespace cygnet::model {
namespace {

IpAddress ip(std::string_view text) {
    const auto address = IpAddress::parse(text);
    EXPECT_TRUE(address) << text;
    return address.value_or(IpAddress());
}
AddressRange range(std::string_view text) {
    const auto parsed = AddressRange::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(AddressRange());
}

TEST(IpAddress, ReadsAndPrintsBothFamilies) {
    for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::", "fe80::1:2"})
        EXPECT_EQ(ip(text).text(), text);
    EXPECT_EQ(ip("192.0.2.1").v4_host_order(), 0xc0000201u);
    EXPECT_EQ(IpAddress::v4(0xc0000201), ip("192.0.2.1"));
    EXPECT_EQ(IpAddress::from_bytes(ip("2001:db8::1").bytes()), ip("2001:db8::1"));
    for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.1 ", "moon", "2001::db8::1", "1.2.3.4/8"})
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    EXPECT_FALSE(IpAddress::from_bytes(Bytes(5)));
}

TEST(IpAddress, CountsUpAcrossOctets) {
    EXPECT_EQ(ip("10.0.0.255").next(), ip("10.0.1.0"));
    EXPECT_EQ(ip("2001:db8::ffff").next(), ip("2001:db8::1:0"));
    EXPECT_FALSE(ip("255.255.255.255").next());
    EXPECT_LT(ip("10.0.0.255"), ip("10.0.1.0"));
    EXPECT_TRUE(ip("::").is_any());
    EXPECT_FALSE(ip("::1").is_any());
}

TEST(AddressRange, ReadsPrefixesRangesAndAddresses) {
    EXPECT_EQ(range("10.1.2.3/16"), (AddressRange{ip("10.1.0.0"), ip("10.1.255.255")}));
    EXPECT_EQ(range("10.1.0.1-10.1.0.9"), (AddressRange{ip("10.1.0.1"), ip("10.1.0.9")}));
    EXPECT_EQ(range("10.1.0.1"), AddressRange::single(ip("10.1.0.1")));
    EXPECT_EQ(range("::/0"), AddressRange::all(Family::v6));
    EXPECT_EQ(range("0.0.0.0/0"), AddressRange::all(Family::v4));
    for (const char* text : {"10.1.0.0/33", "10.1.0.9-10.1.0.1", "10.1.0.1-::1", "10.1.0.0/", "x/8", "10.1.0.0/8x"})
        EXPECT_FALSE(AddressRange::parse(text)) << text;
}

TEST(AddressRange, PrintsPrefixesWhereItCan) {
    EXPECT_EQ(range("10.1.0.0/16").text(), "10.1.0.0/16");
    EXPECT_EQ(range("10.1.0.1").text(), "10.1.0.1/32");
    EXPECT_EQ(range("10.1.0.0-10.1.255.255").text(), "10.1.0.0/16");
    EXPECT_EQ(range("10.1.0.1-10.1.0.9").text(), "10.1.0.1..10.1.0.9");
    EXPECT_EQ(range("10.1.0.1-10.1.0.2").prefix_bits(), std::nullopt) << "not aligned";
    EXPECT_EQ(range("2001:db8::/33").text(), "2001:db8::/33");
}

TEST(AddressRange, ContainsAndIntersects) {
    EXPECT_TRUE(range("10.1.0.0/16").contains(ip("10.1.255.255")));
    EXPECT_FALSE(range("10.1.0.0/16").contains(ip("10.2.0.0")));
    EXPECT_FALSE(range("0.0.0.0/0").contains(ip("::")));
    EXPECT_TRUE(range("10.1.0.0/16").contains(range("10.1.2.0/24")));
    EXPECT_FALSE(range("10.1.2.0/24").contains(range("10.1.0.0/16")));
    EXPECT_EQ(range("10.1.0.0-10.1.0.9").intersect(range("10.1.0.5-10.1.0.20")), range("10.1.0.5-10.1.0.9"));
    EXPECT_FALSE(range("10.1.0.0/24").intersect(range("10.1.1.0/24")));
}

TEST(Endpoint, PrintsAsSwanctlDoes) {
    const Path path{{ip("192.0.2.1"), 500}, {ip("2001:db8::1"), 4500}};
    EXPECT_EQ(path.local.text(), "192.0.2.1[500]");
    EXPECT_EQ(path.text(), "192.0.2.1[500] - 2001:db8::1[4500]");
}

}  // namespace
}  // namespace cygnet::model
