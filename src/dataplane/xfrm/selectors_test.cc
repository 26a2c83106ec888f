#include "dataplane/xfrm/selectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cygnet::dataplane::xfrm {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

model::TrafficSelectors selectors(std::initializer_list<const char*> texts) {
    model::TrafficSelectors all;
    for (const char* text : texts) all.push_back(model::ConfiguredSelector::parse(text)->selector);
    return all;
}

std::vector<Selector> of(std::initializer_list<const char*> local, std::initializer_list<const char*> remote) {
    return selectors_of(selectors(local), selectors(remote)).value();
}

TEST(XfrmSelectors, APairOfPrefixesIsOnePolicy) {
    const auto all = of({"10.1.0.0/16"}, {"10.2.0.0/24"});
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].source.text(), "10.1.0.0/16");
    EXPECT_EQ(all[0].destination.text(), "10.2.0.0/24");
    EXPECT_EQ(reversed(all[0]).source.text(), "10.2.0.0/24");
}

TEST(XfrmSelectors, RangesAreCutIntoPrefixesAndFamiliesDoNotMix) {
    EXPECT_THAT(of({"10.1.0.1-10.1.0.2"}, {"10.2.0.0/24"}), SizeIs(2));
    EXPECT_THAT(of({"10.1.0.0/16", "fd00:1::/64"}, {"10.2.0.0/24", "fd00:2::/64"}), SizeIs(2));
    EXPECT_FALSE(selectors_of(selectors({"10.1.0.0/16"}), selectors({"fd00::/64"})));
}

TEST(XfrmSelectors, PortsAreMasks) {
    EXPECT_THAT(masks_of(80, 80), ElementsAre(MaskedPort{80, 0xffff}));
    EXPECT_THAT(masks_of(0, 65535), ElementsAre(MaskedPort{0, 0}));
    EXPECT_THAT(masks_of(1024, 65535), SizeIs(6));
    EXPECT_THAT(masks_of(5, 8), ElementsAre(MaskedPort{5, 0xffff}, MaskedPort{6, 0xfffe}, MaskedPort{8, 0xffff}));
    // Each port of a range, and no other, matches exactly one of its masks.
    for (const auto& [first, last] : {std::pair{1, 65534}, {7, 7}, {100, 4711}, {32768, 65535}})
        for (int port = 0; port < 65536; ++port) {
            int matches = 0;
            for (const MaskedPort& mask : masks_of(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)))
                matches += (port & mask.mask) == mask.value;
            ASSERT_EQ(matches, first <= port && port <= last) << port;
        }
}

TEST(XfrmSelectors, APortOfTheOtherEndIsTheDestinations) {
    const auto all = of({"10.1.0.0/16"}, {"10.2.0.1/32[tcp/443]"});
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].protocol, 6);
    EXPECT_EQ(all[0].destination_port, (MaskedPort{443, 0xffff}));
    EXPECT_EQ(reversed(all[0]).source_port, (MaskedPort{443, 0xffff}));
}

// RFC 7296 §3.13.1; the kernel keeps type and code where ports are, in both directions alike.
TEST(XfrmSelectors, IcmpTypesAndCodes) {
    auto local = selectors({"10.1.0.0/16[icmp]"}), remote = selectors({"10.2.0.0/16[icmp]"});
    local[0].first_port = remote[0].first_port = 8 * 256;
    local[0].last_port = remote[0].last_port = 8 * 256 + 255;
    const auto all = selectors_of(local, remote).value();
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].source_port, (MaskedPort{8, 0xffff}));
    EXPECT_EQ(all[0].destination_port, MaskedPort{});
    EXPECT_EQ(reversed(all[0]).source_port, (MaskedPort{8, 0xffff}));
}

TEST(XfrmSelectors, WhatTheKernelCannotSayIsRefused) {
    auto opaque = selectors({"10.1.0.0/16[tcp]"});
    opaque[0].first_port = 65535;
    opaque[0].last_port = 0;
    const auto refused = selectors_of(opaque, selectors({"10.2.0.0/16[tcp]"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    const auto many = selectors_of(selectors({"10.1.0.1-10.1.255.254"}), selectors({"10.2.0.1-10.2.255.254"}));
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, Errc::limit);
}

TEST(XfrmSelectors, TheLongerRemotePrefixComesFirstThenPortsThenTheLocalOne) {
    const auto priority = [](const char* local, const char* remote) { return priority_of(of({local}, {remote}).front()); };
    EXPECT_LT(priority("10.0.0.0/8", "10.2.0.0/24"), priority("10.1.0.1/32[tcp/80]", "10.2.0.0/16"));
    EXPECT_LT(priority("10.0.0.0/8[tcp/80]", "10.2.0.0/24"), priority("10.0.0.0/8[tcp]", "10.2.0.0/24"));
    EXPECT_LT(priority("10.0.0.0/8[tcp]", "10.2.0.0/24"), priority("10.1.0.1/32", "10.2.0.0/24"));
    EXPECT_LT(priority("10.1.0.0/16", "10.2.0.0/24"), priority("10.0.0.0/8", "10.2.0.0/24"));
}

TEST(XfrmSelectors, AnAcquiredPacketHasPortsWhereItsProtocolDoes) {
    Selector flow{.source = {*model::IpAddress::parse("10.1.0.1"), 32},
                  .destination = {*model::IpAddress::parse("10.2.0.1"), 32},
                  .protocol = 17,
                  .source_port = {1000, 0xffff},
                  .destination_port = {53, 0xffff}};
    EXPECT_EQ(ends_of(flow).remote.text(), "10.2.0.1/32[udp/53]");
    flow.protocol = 47;
    flow.source_port.value = flow.destination_port.value = 0;
    EXPECT_TRUE(ends_of(flow).remote.all_ports());
    flow.protocol = 1;
    flow.source_port.value = 8;
    EXPECT_EQ(ends_of(flow).local.first_port, 8 * 256);
    EXPECT_EQ(ends_of(flow).remote.first_port, 8 * 256);
}

}  // namespace
}  // namespace cygnet::dataplane::xfrm
