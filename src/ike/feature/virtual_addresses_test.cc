// The CP payload of IKE_AUTH, RFC 7296 §2.19 and §3.15, with a scripted initiator.
#include <gtest/gtest.h>

#include <algorithm>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::CfgAttribute;
using model::CfgType;
using model::ExchangeType;
using model::NotifyType;

struct Attributes : ::testing::Test {
    Node victim{2};
    ScriptedPeer peer{victim};
    std::vector<ScriptedPeer::Answer> answers{};

    // A gateway with this pool, which gives a DNS server and a netmask with each address.
    void configure(const char* addresses) {
        model::Connection gateway = connection(false);
        gateway.children.front().remote_ts = {{.dynamic = true, .selector = {}}};
        gateway.pools = {"p"};
        auto config = config_of(gateway);
        config->pools["p"] = std::make_shared<const model::Pool>(
            model::Pool{.name = "p",
                        .addresses = *model::AddressRange::parse(addresses),
                        .base_text = addresses,
                        .attributes = {{CfgAttribute::internal_ip4_dns, {10, 2, 0, 53}},
                                       {CfgAttribute::internal_ip4_netmask, {255, 255, 0, 0}}}});
        peer.step(Configure{config, nullptr});
    }
    // IKE_AUTH with this in front of the child; a child for any address.
    const wire::CpPayload* ask(std::vector<wire::ConfigurationAttribute> wanted, CfgType type = CfgType::request) {
        peer.spis.initiator += 1;
        peer.spis.responder = 0;
        peer.next_id = 1;
        peer.init();
        wire::MessageBuilder message = peer.auth({model::PayloadType::sa, model::PayloadType::ts_i, model::PayloadType::ts_r});
        if (!wanted.empty()) message.add(wire::CpPayload{.cfg_type = type, .attributes = std::move(wanted)});
        model::Proposal esp = model::parse_proposals(model::Protocol::esp, "aes256gcm16")->front();
        esp.spi = {1, 2, 3, 4};
        const std::array any{model::TrafficSelector::of(*model::AddressRange::parse("0.0.0.0/0"))};
        message.add(wire::SaPayload{{esp}}).add(wire::TsiPayload::of(any)).add(wire::TsrPayload::of(any));
        answers = peer.send(ExchangeType::ike_auth, std::move(message));
        EXPECT_EQ(answers.size(), 1u);
        EXPECT_EQ(victim.engine.list(peer.now).back().state, model::IkeState::established) << "the IKE SA stays";
        return find<wire::CpPayload>();
    }
    template <class T>
    const T* find() const {
        for (const wire::Payload& payload : answers.front().payloads)
            if (const auto* found = std::get_if<T>(&payload)) return found;
        return nullptr;
    }
    static const wire::ConfigurationAttribute* attribute(const wire::CpPayload& reply, CfgAttribute type) {
        const auto found = std::ranges::find(reply.attributes, type, &wire::ConfigurationAttribute::type);
        return found == reply.attributes.end() ? nullptr : &*found;
    }
    std::uint64_t refused() const { return victim.engine.counters()[model::Counter::address_refused]; }
};

// RFC 7296 §2.19 [90]: the answer has what was asked for, and the child is for that address.
TEST_F(Attributes, AnAddressThatWasAskedForIsAssigned) {
    configure("10.3.0.0/28");
    const Bytes wanted{10, 3, 0, 9};
    const auto* reply = ask({{CfgAttribute::internal_ip4_address, wanted}});
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(reply->cfg_type, CfgType::reply);
    ASSERT_NE(attribute(*reply, CfgAttribute::internal_ip4_address), nullptr);
    EXPECT_EQ(keep(attribute(*reply, CfgAttribute::internal_ip4_address)->value), wanted);
    ASSERT_NE(find<wire::TsiPayload>(), nullptr);
    EXPECT_EQ(find<wire::TsiPayload>()->known(),
              model::TrafficSelectors{model::TrafficSelector::of(model::AddressRange::single(address("10.3.0.9")))});
}

// RFC 7296 §3.15.1 [92]: no length means any; what nobody knows is ignored; a netmask comes with an address only.
TEST_F(Attributes, UnknownOnesAreIgnored) {
    configure("10.3.0.0/28");
    const Bytes strange(300, 0xee), short_address{10, 3};
    const auto* reply = ask({{static_cast<CfgAttribute>(16'000), strange},
                             {CfgAttribute::supported_attributes, {}},
                             {CfgAttribute::application_version, {}},
                             {CfgAttribute::internal_ip4_address, {}},
                             {CfgAttribute::internal_ip4_netmask, {}}});
    ASSERT_NE(reply, nullptr);
    for (const wire::ConfigurationAttribute& one : reply->attributes)
        EXPECT_NE(one.type, static_cast<CfgAttribute>(16'000));
    ASSERT_NE(attribute(*reply, CfgAttribute::internal_ip4_address), nullptr);
    EXPECT_EQ(attribute(*reply, CfgAttribute::internal_ip4_address)->value.size(), 4u);
    EXPECT_NE(attribute(*reply, CfgAttribute::internal_ip4_netmask), nullptr);
    // An address that is none counts as any.
    ASSERT_NE(ask({{CfgAttribute::internal_ip4_address, short_address}}), nullptr);
    EXPECT_EQ(find<wire::CpPayload>()->attributes.front().value.size(), 4u);
}

// RFC 7296 §3.15.1 [92]: not without an address.
TEST_F(Attributes, ANetmaskAloneIsNotGiven) {
    configure("10.3.0.0/28");
    EXPECT_EQ(ask({{CfgAttribute::internal_ip4_netmask, {}}, {CfgAttribute::internal_ip4_dns, {}}}), nullptr);
    EXPECT_NE(answers.front().notify(NotifyType::internal_address_failure), nullptr);
}

// RFC 7296 §2.19, §4 [90, 91]: no reply without a request, but the reason why there is no child.
TEST_F(Attributes, ThoseWhoAskForNoneAreTold) {
    configure("10.3.0.0/28");
    EXPECT_EQ(ask({}), nullptr);
    EXPECT_NE(answers.front().notify(NotifyType::failed_cp_required), nullptr);
    EXPECT_EQ(find<wire::SaPayload>(), nullptr);
    // RFC 7296 §3.15.1 [94]: we take no settings.
    EXPECT_EQ(ask({{CfgAttribute::internal_ip4_address, {}}}, CfgType::set), nullptr);
    EXPECT_NE(answers.front().notify(NotifyType::failed_cp_required), nullptr);
    EXPECT_EQ(refused(), 2u);
    EXPECT_EQ(victim.engine.population().children, 0u);
}

// RFC 7296 §3.15.1 [94]: CFG_SET in an exchange of its own changes nothing and is acknowledged by nothing.
TEST_F(Attributes, SettingsOfThePeerAreIgnored) {
    configure("10.3.0.0/28");
    ask({{CfgAttribute::internal_ip4_address, {}}});
    const Bytes value{10, 9, 9, 9};
    wire::MessageBuilder message;
    message.add(wire::CpPayload{.cfg_type = CfgType::set, .attributes = {{CfgAttribute::internal_ip4_address, value}}});
    answers = peer.send(ExchangeType::informational, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(answers.front().payloads.empty());
}

// RFC 7296 §3.15.4 [93]: only the child fails.
TEST_F(Attributes, WithoutAnAddressOfItsFamilyTheChildFails) {
    configure("10.3.0.4/32");
    EXPECT_EQ(ask({{CfgAttribute::internal_ip6_address, {}}}), nullptr);
    EXPECT_NE(answers.front().notify(NotifyType::internal_address_failure), nullptr);
    EXPECT_EQ(find<wire::SaPayload>(), nullptr);
    EXPECT_EQ(refused(), 1u);
}

// RFC 8983 §5 [96]: the families that there are, whatever was asked for; nothing to those who asked for none.
TEST_F(Attributes, TheFamiliesThatThereAreAreNamed) {
    configure("10.3.0.0/28");
    const auto named = [&] {
        return std::pair(answers.front().notify(NotifyType::ip4_allowed) != nullptr,
                         answers.front().notify(NotifyType::ip6_allowed) != nullptr);
    };
    for (const auto& wanted : std::vector<std::vector<wire::ConfigurationAttribute>>{
             {{CfgAttribute::internal_ip4_address, {}}},
             {{CfgAttribute::internal_ip6_address, {}}},
             {{CfgAttribute::internal_ip4_address, {}}, {CfgAttribute::internal_ip6_address, {}}}}) {
        ask(wanted);
        EXPECT_EQ(named(), std::pair(true, false));
    }
    ask({});
    EXPECT_EQ(named(), std::pair(false, false));
    configure("2001:db8:3::/120");
    ask({{CfgAttribute::internal_ip4_address, {}}});
    EXPECT_EQ(named(), std::pair(false, true));
}

// RFC 8983 §5 [95]: whoever wants addresses of both families asks for both at once.
TEST(VirtualAddresses, AreAskedForInBothFamilies) {
    Pair pair;
    model::Connection roaming = connection(true), gateway = connection(false);
    roaming.vips = {model::IpAddress::any(model::Family::v4), model::IpAddress::any(model::Family::v6)};
    roaming.children.front().local_ts = {{.dynamic = true, .selector = {}}};
    gateway.children.front().remote_ts = {{.dynamic = true, .selector = {}}};
    gateway.pools = {"four", "six"};
    auto config = config_of(gateway);
    for (const auto& [name, range] : {std::pair{"four", "10.3.0.0/28"}, std::pair{"six", "2001:db8:3::/120"}})
        config->pools[name] = std::make_shared<const model::Pool>(model::Pool{
            .name = name, .addresses = *model::AddressRange::parse(range), .base_text = range, .attributes = {}});
    pair.step(pair.a, Configure{config_of(roaming), nullptr});
    pair.step(pair.b, Configure{config, nullptr});
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    ASSERT_EQ(pair.a.assigned.size(), 2u);
    EXPECT_NE(pair.a.assigned[0].address.family(), pair.a.assigned[1].address.family());
}

}  // namespace
}  // namespace cygnet::ike::test
