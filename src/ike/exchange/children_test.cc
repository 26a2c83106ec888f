// Children that a peer asks for in ways that no honest one does, and the limits.
#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

model::TrafficSelector ts(std::string_view text) { return model::ConfiguredSelector::parse(text)->selector; }

model::Proposal esp_proposal(std::uint32_t spi) {
    model::Proposal esp = model::parse_proposals(model::Protocol::esp, "aes256gcm16")->front();
    Writer(esp.spi).u32(spi);
    return esp;
}

class HostileChildren : public testing::Test {
protected:
    void configure(model::Connection connection) { peer.step(Configure{config_of(std::move(connection)), nullptr}); }
    void establish() { peer.establish(); }

    // CREATE_CHILD_SA for these selectors, with what `before` adds in front of SA.
    ScriptedPeer::Answer ask(std::vector<wire::Selector> tsi, std::vector<wire::Selector> tsr, void (*before)(wire::MessageBuilder&) = nullptr) {
        wire::MessageBuilder message;
        if (before != nullptr) before(message);
        message.add(wire::SaPayload{{esp_proposal(++spi)}}).add(wire::NoncePayload{nonce});
        message.add(wire::TsiPayload{std::move(tsi)}).add(wire::TsrPayload{std::move(tsr)});
        auto answers = peer.send(ExchangeType::create_child_sa, std::move(message));
        EXPECT_EQ(answers.size(), 1U) << victim.log();
        return answers.empty() ? ScriptedPeer::Answer{} : std::move(answers.front());
    }
    template <class T>
    static const T* find(const ScriptedPeer::Answer& answer) {
        for (const wire::Payload& payload : answer.payloads)
            if (const auto* found = std::get_if<T>(&payload)) return found;
        return nullptr;
    }

    Node victim{1};
    ScriptedPeer peer{victim};
    Bytes nonce = Bytes(32, 9);
    std::uint32_t spi = 0x0a00'0000;
};

// RFC 7296 §3.13.1: a selector of an unknown type matches nothing; those beside it count.
TEST_F(HostileChildren, SelectorsOfUnknownTypesMatchNothing) {
    configure(connection(false));
    establish();
    const wire::UnknownSelector strange{.ts_type = static_cast<model::TsType>(99), .second_octet = 0, .body = nonce};
    EXPECT_NE(ask({strange}, {ts("10.2.0.0/16")}).notify(NotifyType::ts_unacceptable), nullptr);
    EXPECT_NE(ask({ts("10.1.0.0/16")}, {strange, strange}).notify(NotifyType::ts_unacceptable), nullptr);
    const auto answer = ask({strange, ts("10.1.5.0/24")}, {ts("10.2.0.0/16"), strange});
    ASSERT_NE(find<wire::TsiPayload>(answer), nullptr);
    EXPECT_EQ(model::text_of(find<wire::TsiPayload>(answer)->known()), "10.1.5.0/24");
    EXPECT_EQ(victim.engine.counters()[Counter::ts_unacceptable], 2U);
}

// RFC 7296 §3.13.1 [83]: refused, like everything that selects nothing.
TEST_F(HostileChildren, SelectorsThatEndBeforeTheyBeginAreRefused) {
    configure(connection(false));
    establish();
    model::TrafficSelector ports = ts("10.1.0.0/16[tcp/80]");
    ports.first_port = 90;
    model::TrafficSelector range = ts("10.1.0.0/16");
    std::swap(range.addresses.first, range.addresses.last);
    for (const model::TrafficSelector& wrong : {ports, range})
        EXPECT_NE(ask({wrong}, {ts("10.2.0.0/16")}).notify(NotifyType::ts_unacceptable), nullptr);
    EXPECT_EQ(victim.engine.population().children, 1U);
}

// The parts that policy allows of 255 selectors may be more than 255: the answer holds as many as it can.
TEST_F(HostileChildren, AsManySelectorsAsAPayloadHolds) {
    model::Connection halves = connection(false);
    halves.children.front().remote_ts = {*model::ConfiguredSelector::parse("10.1.0.0/17"), *model::ConfiguredSelector::parse("10.1.128.0/17")};
    configure(halves);
    establish();
    std::vector<wire::Selector> many;
    for (std::uint16_t port = 1; port <= model::limits::selectors_per_ts_payload; ++port) {
        model::TrafficSelector one = ts("10.1.0.0/16[tcp]");
        one.first_port = one.last_port = port;
        many.emplace_back(one);
    }
    wire::MessageBuilder message;
    message.add(wire::SaPayload{{esp_proposal(++spi)}}).add(wire::NoncePayload{nonce});
    message.add(wire::TsiPayload{std::move(many)}).add(wire::TsrPayload::of(std::array{ts("10.2.0.0/16")}));
    EXPECT_FALSE(peer.send(ExchangeType::create_child_sa, std::move(message)).empty());
    const auto sa = victim.engine.list(peer.now).at(0);
    ASSERT_EQ(sa.children.size(), 2U);
    EXPECT_EQ(sa.children[1].remote.size(), model::limits::selectors_per_ts_payload);
}

// A payload whose count is not that of its selectors.
TEST_F(HostileChildren, WrongCountsOfSelectorsEndTheSa) {
    for (const int difference : {-1, 1, 200}) {
        Node another(2);
        ScriptedPeer liar(another);
        liar.step(Configure{config_of(connection(false)), nullptr});
        liar.establish();
        wire::MessageBuilder message;
        message.add(wire::SaPayload{{esp_proposal(0x0b00'0001)}}).add(wire::NoncePayload{nonce});
        message.add(wire::TsiPayload::of(std::array{ts("10.1.0.0/16")})).add(wire::TsrPayload::of(std::array{ts("10.2.0.0/16")}));
        wire::Chain chain = message.take_chain();
        // The last payload is TSr: generic header, then the count.
        std::uint8_t& count = chain.octets[chain.octets.size() - 16 - 4];
        ASSERT_EQ(count, 1);
        count = static_cast<std::uint8_t>(count + difference);
        const auto answers = liar.opened(liar.raw(liar.sealed(liar.header(ExchangeType::create_child_sa, liar.next_id++), chain)));
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_NE(answers[0].notify(NotifyType::invalid_syntax), nullptr) << difference;
    }
}

// RFC 7296 §2.22 [88]: IPCOMP_SUPPORTED is politely not chosen, however often it comes.
TEST_F(HostileChildren, CompressionIsNotChosen) {
    configure(connection(false));
    establish();
    const auto answer = ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}, [](wire::MessageBuilder& message) {
        message.notify(NotifyType::ipcomp_supported, Bytes{0x12, 0x34, 3}).notify(NotifyType::ipcomp_supported, Bytes{0x12, 0x35, 2}).notify(NotifyType::ipcomp_supported, Bytes{});
    });
    EXPECT_NE(find<wire::SaPayload>(answer), nullptr) << "the child comes up without";
    EXPECT_EQ(answer.notify(NotifyType::ipcomp_supported), nullptr);
}

// RFC 7296 §1.3.1 [84, 86, 87]: what we do not accept is not echoed.
TEST_F(HostileChildren, NoticesAreEchoedOnlyWhereTheyAreAccepted) {
    model::Connection fragments = connection(false);
    fragments.children.front().non_first_fragments = true;
    configure(fragments);
    establish();
    const auto answer = ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}, [](wire::MessageBuilder& message) {
        message.notify(NotifyType::use_transport_mode).notify(NotifyType::non_first_fragments_also).notify(NotifyType::esp_tfc_padding_not_supported);
    });
    EXPECT_NE(find<wire::SaPayload>(answer), nullptr);
    EXPECT_EQ(answer.notify(NotifyType::use_transport_mode), nullptr);
    EXPECT_NE(answer.notify(NotifyType::non_first_fragments_also), nullptr);
    EXPECT_EQ(answer.notify(NotifyType::esp_tfc_padding_not_supported), nullptr) << "our data plane strips it";
}

TEST(TfcPadding, IsDeclinedWhereTheDataPlaneCannotStripIt) {
    Node victim(1, {.takes_tfc_padding = false});
    ScriptedPeer peer(victim);
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.init();
    const auto answers = peer.send(ExchangeType::ike_auth, peer.auth());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_NE(answers[0].notify(NotifyType::esp_tfc_padding_not_supported), nullptr);
}

template <std::uint32_t spi>
void rekey(wire::MessageBuilder& message) {
    Bytes octets;
    Writer(octets).u32(spi);
    message.add(wire::NotifyPayload{.protocol = model::Protocol::esp, .message_type = NotifyType::rekey_sa, .spi = octets, .data = {}});
}
constexpr std::uint32_t first_child = 0x01020304;  // that ScriptedPeer receives on

// RFC 7296 §1.3.3, §2.25 [112, 117]: REKEY_SA names the SA by the SPI that its sender receives on; one that we do not know
// is answered by that name.
TEST_F(HostileChildren, ARekeyOfAnUnknownChildIsAnsweredWithItsSpi) {
    configure(connection(false));
    establish();
    const auto answer = ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}, rekey<0x09090909>);
    const auto* unknown = answer.notify(NotifyType::child_sa_not_found);
    ASSERT_NE(unknown, nullptr);
    EXPECT_EQ(unknown->protocol, model::Protocol::esp);
    EXPECT_EQ(hex(unknown->spi), "09090909");
    EXPECT_EQ(victim.engine.population().children, 1U);
    EXPECT_NE(find<wire::SaPayload>(ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}, rekey<first_child>)), nullptr);
}

// RFC 7296 §2.9.2 [82]: what carries traffic is not narrowed by a rekey.
TEST_F(HostileChildren, ARekeyThatIsNarrowerIsRefused) {
    configure(connection(false));
    establish();
    EXPECT_NE(ask({ts("10.1.5.0/24")}, {ts("10.2.0.0/16")}, rekey<first_child>).notify(NotifyType::ts_unacceptable), nullptr);
    EXPECT_NE(ask({ts("10.1.0.0/16[tcp]")}, {ts("10.2.0.0/16")}, rekey<first_child>).notify(NotifyType::ts_unacceptable), nullptr);
    const auto wider = ask({ts("0.0.0.0/0")}, {ts("0.0.0.0/0")}, rekey<first_child>);
    ASSERT_NE(find<wire::TsiPayload>(wider), nullptr);
    EXPECT_EQ(model::text_of(find<wire::TsiPayload>(wider)->known()), "10.1.0.0/16");
}

// RFC 7296 §1.3 [125]: NO_ADDITIONAL_SAS at the limit; what is there stays.
TEST_F(HostileChildren, NoMoreThanTheLimit) {
    configure(connection(false));
    establish();
    for (std::size_t i = 1; i < model::limits::children_per_ike_sa; ++i)
        ASSERT_NE(find<wire::SaPayload>(ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")})), nullptr);
    EXPECT_NE(ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")}).notify(NotifyType::no_additional_sas), nullptr);
    EXPECT_EQ(victim.engine.population().children, model::limits::children_per_ike_sa);
    EXPECT_EQ(victim.engine.counters()[Counter::no_additional_sas], 1U);
}

// RFC 7296 §1.3 [125]: the side that is told so makes a new IKE SA for the child.
TEST(NoAdditionalSas, LeadsToANewIkeSa) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    for (std::size_t i = 0; i < model::limits::children_per_ike_sa; ++i) ASSERT_TRUE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1U);
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    for (const Node* node : {&pair.a, &pair.b}) {
        EXPECT_EQ(node->engine.population().ike_sas, 2U);
        EXPECT_EQ(node->engine.population().children, model::limits::children_per_ike_sa + 1);
    }
    EXPECT_TRUE(pair.initiate(pair.a).result) << "further ones go there";
    EXPECT_EQ(pair.a.engine.population().ike_sas, 2U);
}

// RFC 7296 §1.3 [125]: an IKE SA that the peer does not rekey begins anew. The peer authenticated first, so it is asked to.
TEST_F(HostileChildren, ARefusedRekeyOfTheIkeSaLeadsToANewAuthentication) {
    configure(connection(false));
    establish();
    peer.step(Rekey{.id = CommandId{7}, .which = {.ike = "gw"}});
    ASSERT_EQ(peer.sent().size(), 1U);
    wire::Header header = peer.header(ExchangeType::create_child_sa, 0);
    header.response = true;
    wire::MessageBuilder refusal;
    refusal.notify(NotifyType::no_additional_sas);
    const auto answers = peer.opened(peer.raw(peer.sealed(header, refusal.take_chain())));
    ASSERT_EQ(answers.size(), 1U) << victim.log();
    EXPECT_EQ(answers[0].header.exchange, ExchangeType::informational);
    EXPECT_NE(answers[0].notify(NotifyType::auth_lifetime), nullptr);
    EXPECT_EQ(victim.engine.population().children, 1U) << "what is there stays";
}

// RFC 6023 §3 [108]: without SA only where we said that we understand it; else INVALID_SYNTAX.
TEST_F(HostileChildren, AChildlessStartThatWasNotOfferedIsRefused) {
    model::Connection never = connection(false);
    never.childless = model::Childless::never;
    configure(never);
    peer.init();
    const auto init = *wire::parse_message(peer.init_response);
    EXPECT_EQ(init.notify(NotifyType::childless_ikev2_supported), nullptr);
    const auto answers = peer.send(ExchangeType::ike_auth, peer.auth({model::PayloadType::sa, model::PayloadType::ts_i, model::PayloadType::ts_r}));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_NE(answers[0].notify(NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(victim.engine.population().ike_sas, 0U);
}

TEST_F(HostileChildren, AChildlessStartThatWasOfferedIsTaken) {
    configure(connection(false));
    peer.init();
    const auto init = *wire::parse_message(peer.init_response);
    const auto* offered = init.notify(NotifyType::childless_ikev2_supported);
    ASSERT_NE(offered, nullptr);
    EXPECT_EQ(offered->protocol, model::Protocol::ike);  // RFC 6023 §4
    const auto answers = peer.send(ExchangeType::ike_auth, peer.auth({model::PayloadType::sa, model::PayloadType::ts_i, model::PayloadType::ts_r}));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(find<wire::SaPayload>(answers[0]), nullptr);
    EXPECT_EQ(find<wire::TsiPayload>(answers[0]), nullptr);
    EXPECT_EQ(victim.engine.list(peer.now).at(0).state, model::IkeState::established);
    EXPECT_NE(find<wire::SaPayload>(ask({ts("10.1.0.0/16")}, {ts("10.2.0.0/16")})), nullptr) << "its child comes later";
}

TEST_F(HostileChildren, HalfAChildInIkeAuthIsRefused) {
    for (const auto missing : {model::PayloadType::sa, model::PayloadType::ts_i, model::PayloadType::ts_r}) {
        Node another(2);
        ScriptedPeer liar(another);
        liar.step(Configure{config_of(connection(false)), nullptr});
        liar.init();
        const auto answers = liar.send(ExchangeType::ike_auth, liar.auth({missing}));
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_NE(answers[0].notify(NotifyType::invalid_syntax), nullptr);
        EXPECT_EQ(another.engine.population().ike_sas, 0U);
    }
}

}  // namespace
}  // namespace cygnet::ike::test
