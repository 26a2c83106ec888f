#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

class PeerBudget : public testing::Test {
protected:
    PeerBudget() {
        peer.step(Configure{config_of(connection(false)), nullptr});
        peer.establish();
    }
    // A request that is refused anyway: for a child SA that does not exist.
    bool is_told_to_wait() {
        wire::MessageBuilder message;
        const Bytes spi{1, 1, 1, 1};
        message.add(wire::NotifyPayload{
            .protocol = model::Protocol::esp, .message_type = NotifyType::rekey_sa, .spi = spi, .data = {}});
        model::Proposal esp = model::parse_proposals(model::Protocol::esp, "aes256gcm16")->front();
        esp.spi = {1, 2, 3, 4};
        const std::array range{model::TrafficSelector::of(*model::AddressRange::parse("10.0.0.0/8"))};
        message.add(wire::SaPayload{{esp}}).add(wire::NoncePayload{peer.nonce_i});
        message.add(wire::TsiPayload::of(range)).add(wire::TsrPayload::of(range));
        const auto answers = peer.send(ExchangeType::create_child_sa, std::move(message));
        return answers.size() == 1 && answers.front().notify(NotifyType::temporary_failure) != nullptr;
    }

    Node victim{2};
    ScriptedPeer peer{victim};
};

// RFC 8019 §5: TEMPORARY_FAILURE tells a peer to slow down.
TEST_F(PeerBudget, TellsAPeerToWaitThatAsksTooOften) {
    unsigned requests = 0;
    while (!is_told_to_wait() && requests < 100'000) ++requests;
    EXPECT_EQ(requests, model::limits::create_child_requests_at_once);
    EXPECT_TRUE(is_told_to_wait());
    EXPECT_EQ(victim.engine.counters()[Counter::limit_reached], 2u);
    peer.now = peer.now + minutes(1);
    for (unsigned i = 0; i < model::limits::create_child_requests_per_minute; ++i) EXPECT_FALSE(is_told_to_wait());
    EXPECT_TRUE(is_told_to_wait());
}

TEST_F(PeerBudget, LeavesOtherExchangesAlone) {
    while (!is_told_to_wait()) {}
    EXPECT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u);
}

}  // namespace
}  // namespace cygnet::ike::test
