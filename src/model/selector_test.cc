#include "model/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cygnet::model {
namespace {

using testing::ElementsAre;

TrafficSelector selector(std::string_view text) {
    const auto parsed = ConfiguredSelector::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(ConfiguredSelector{}).selector;
}

TEST(ConfiguredSelector, ReadsProtocolsAndPorts) {
    EXPECT_EQ(selector("10.1.0.0/16").text(), "10.1.0.0/16");
    EXPECT_EQ(selector("10.1.0.1[tcp/80]").text(), "10.1.0.1/32[tcp/80]");
    EXPECT_EQ(selector("10.1.0.1[udp]").text(), "10.1.0.1/32[udp]");
    EXPECT_EQ(selector("10.0.0.1/32[/443]").text(), "10.0.0.1/32[0/443]");
    EXPECT_EQ(selector("10.0.0.1/32[tcp/1000-2000]").text(), "10.0.0.1/32[tcp/1000-2000]");
    EXPECT_EQ(selector("::/0[ipv6-icmp/128]").text(), "::/0[ipv6-icmp/128]");
    EXPECT_EQ(selector("0.0.0.0/0[tcp/opaque]").text(), "0.0.0.0/0[tcp/OPAQUE]");
    EXPECT_EQ(selector("0.0.0.0/0[17/any]").text(), "0.0.0.0/0[udp]");
    const auto dynamic = ConfiguredSelector::parse("dynamic[udp/1701]");
    ASSERT_TRUE(dynamic && dynamic->dynamic);
    EXPECT_EQ(dynamic->text(), "dynamic[udp/1701]");
    for (const char* text : {"10.1.0.0/40", "10.1.0.0/16[tcp", "10.1.0.0/16[tcp/70000]", "dynamic[tcp/9-1]",
                             "10.1.0.0/16[no-such-protocol]", "moon"})
        EXPECT_FALSE(ConfiguredSelector::parse(text)) << text;
}

TEST(ConfiguredSelector, ResolvesDynamicToOwnAddresses) {
    const std::vector<IpAddress> own{*IpAddress::parse("10.3.0.1"), *IpAddress::parse("2001:db8::1")};
    const auto dynamic = *ConfiguredSelector::parse("dynamic[udp/1701]");
    EXPECT_EQ(text_of(dynamic.resolve(own)), "10.3.0.1/32[udp/1701] 2001:db8::1/128[udp/1701]");
    const auto fixed = *ConfiguredSelector::parse("10.1.0.0/16");
    EXPECT_EQ(text_of(fixed.resolve(own)), "10.1.0.0/16");
}

TEST(TrafficSelector, MatchesPackets) {
    const auto web = selector("10.1.0.0/16[tcp/80]");
    const auto host = *IpAddress::parse("10.1.2.3");
    EXPECT_TRUE(web.matches(host, 6, 80));
    EXPECT_FALSE(web.matches(host, 17, 80));
    EXPECT_FALSE(web.matches(host, 6, 81));
    EXPECT_FALSE(web.matches(*IpAddress::parse("10.2.0.1"), 6, 80));
}

// RFC 7296 §2.9
TEST(Narrow, TakesWhatPolicyAllowsInTheOrderOfTheOffer) {
    const auto narrowed = [](std::vector<TrafficSelector> offered, std::vector<TrafficSelector> policy) {
        return text_of(narrow(offered, policy));
    };
    EXPECT_EQ(narrowed({selector("10.0.0.0/8")}, {selector("10.1.0.0/16")}), "10.1.0.0/16");
    EXPECT_EQ(narrowed({selector("10.1.0.0/16")}, {selector("10.0.0.0/8")}), "10.1.0.0/16");
    EXPECT_EQ(narrowed({selector("10.2.0.0/16"), selector("10.1.0.0/16")},
                       {selector("10.1.0.0/16"), selector("10.2.0.0/16")}),
              "10.2.0.0/16 10.1.0.0/16");
    EXPECT_EQ(narrowed({selector("10.1.0.0/16[tcp/80]"), selector("10.1.0.0/16")}, {selector("10.1.0.0/16")}),
              "10.1.0.0/16")
        << "a selector inside another one adds nothing";
    EXPECT_EQ(narrowed({selector("10.1.0.0/16[tcp]")}, {selector("10.1.0.0/16[udp]")}), "");
    EXPECT_EQ(narrowed({selector("10.1.0.0/16")}, {selector("2001:db8::/32")}), "");
    EXPECT_EQ(narrowed({selector("10.1.0.0/16[tcp/opaque]")}, {selector("10.1.0.0/16")}), "10.1.0.0/16[tcp/OPAQUE]");
    EXPECT_EQ(narrowed({selector("10.1.0.0/16[tcp/opaque]")}, {selector("10.1.0.0/16[tcp/80]")}), "");
}

}  // namespace
}  // namespace cygnet::model
