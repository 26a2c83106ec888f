#include "ike/feature/invalid_selectors.h"

#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

// RFC 7296 §3.10.1, RFC 4301 §5.2 [170]: the start of the packet, and the SPI of the child.
TEST(InvalidSelectors, AreSaidToThePeerNotTooOften) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const model::ChildId child = pair.b.only_sa(pair.now).children.front().id;
    for (int i = 0; i < 10; ++i) pair.step(pair.b, SelectorsViolated{.child = child, .packet = Bytes(500, 0x45)});
    pair.run();
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::invalid_selectors_out], 1U);
    EXPECT_EQ(pair.a.engine.counters()[model::Counter::invalid_selectors_in], 1U);
    EXPECT_NE(pair.a.log().find("INVALID_SELECTORS"), std::string::npos) << "its operator learns which child: " << pair.a.log();
    EXPECT_TRUE(pair.up());
    pair.pass(seconds(11));
    pair.step(pair.b, SelectorsViolated{.child = child, .packet = Bytes(20, 0x45)});
    pair.run();
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::invalid_selectors_out], 2U);
}

TEST(InvalidSelectors, OfAChildThatIsGoneAreForgotten) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const model::ChildId child = pair.b.only_sa(pair.now).children.front().id;
    ASSERT_TRUE(pair.terminate(pair.b, {.child = "net"}).result);
    pair.step(pair.b, SelectorsViolated{.child = child, .packet = Bytes(20, 0x45)});
    pair.run();
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::invalid_selectors_out], 0U);
}

TEST(InvalidSelectors, WithANonsensicalSpiAreCountedAndAnswered) {
    Node victim(1);
    ScriptedPeer peer(victim);
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.establish();
    for (const Bytes& spi : {Bytes{}, Bytes{1, 2}, Bytes{9, 9, 9, 9}, Bytes(16, 1)}) {
        wire::MessageBuilder message;
        message.add(wire::NotifyPayload{.protocol = model::Protocol::esp, .message_type = model::NotifyType::invalid_selectors, .spi = spi, .data = {}});
        EXPECT_EQ(peer.send(model::ExchangeType::informational, std::move(message)).size(), 1U);
    }
    EXPECT_EQ(victim.engine.counters()[model::Counter::invalid_selectors_in], 4U);
    EXPECT_EQ(victim.engine.population().children, 1U) << "nothing else follows";
}

}  // namespace
}  // namespace cygnet::ike::test
