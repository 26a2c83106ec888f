#include "ike/stream.h"

#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::StreamId;

constexpr auto first = static_cast<StreamId>(3), second = static_cast<StreamId>(5);

model::Path path_in(StreamId stream) {
    model::Path path = ScriptedPeer::path();
    path.local.port = 4500;
    path.remote.port = static_cast<std::uint16_t>(40'000 + static_cast<std::uint64_t>(stream));
    path.stream = stream;
    return path;
}

// A peer that can have an IKE SA with the victim over the stream `first`.
class OverTcp : public ::testing::Test {
protected:
    OverTcp() {
        model::Connection with_tcp = connection(false);
        with_tcp.tcp = model::Tcp::fallback;
        peer.step(Configure{config_of(with_tcp), nullptr});
    }
    void establish_over_tcp() {
        peer.over = path_in(first);
        peer.establish();
    }
    // What the victim does about one input, without the ends of jobs.
    Effects effects_of(Input input) {
        Effects effects;
        victim.engine.step(peer.now, std::move(input), effects);
        return effects;
    }
    Effects send(StreamId stream, ExchangeType exchange, wire::MessageBuilder message) {
        last = peer.sealed(peer.header(exchange, peer.next_id++), message.take_chain());
        return effects_of(Datagram{.path = path_in(stream), .bytes = last});
    }
    template <class T>
    static std::vector<T> all(const Effects& effects) {
        std::vector<T> found;
        for (const Effect& effect : effects)
            if (const T* one = std::get_if<T>(&effect)) found.push_back(*one);
        return found;
    }
    model::Path path() { return victim.engine.list(peer.now).at(0).path; }

    Node victim{7};
    ScriptedPeer peer{victim};
    Bytes last{};
};

// RFC 9329 §6.1 [133]: the answer goes where the request came from, and our own messages follow.
TEST_F(OverTcp, TheResponderAnswersInTheStreamOfTheRequest) {
    establish_over_tcp();
    EXPECT_EQ(path().stream, first);
    const Effects effects = send(first, ExchangeType::informational, {});
    const auto sent = all<Send>(effects);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent.front().path, path_in(first));
}

TEST_F(OverTcp, AnAuthenticMessageInAnotherStreamMovesTheSaAndItsChildren) {
    establish_over_tcp();
    const Effects effects = send(second, ExchangeType::informational, {});
    EXPECT_EQ(path().stream, second);
    const auto moved = all<MoveChild>(effects);
    ASSERT_EQ(moved.size(), 1u);
    EXPECT_EQ(moved.front().path, path_in(second));
    EXPECT_FALSE(moved.front().udp_encapsulation);
    ASSERT_EQ(all<StreamProven>(effects).size(), 1u);
    EXPECT_EQ(all<StreamProven>(effects).front().stream, second);
    ASSERT_EQ(all<CloseStream>(effects).size(), 1u) << "nobody uses the first stream any more";
    EXPECT_EQ(all<CloseStream>(effects).front().stream, first);
}

// §6.1: a retransmission is answered and moves nothing; neither does what is not authentic.
TEST_F(OverTcp, WhatIsOldOrForgedMovesNothing) {
    establish_over_tcp();
    send(first, ExchangeType::informational, {});
    const auto repeated = all<Send>(effects_of(Datagram{.path = path_in(second), .bytes = last}));
    ASSERT_EQ(repeated.size(), 1u);
    EXPECT_EQ(repeated.front().path.stream, second);
    EXPECT_EQ(path().stream, first);
    Bytes forged = last;
    forged.back() ^= 1;
    forged[23] += 1;  // the next message ID
    effects_of(Datagram{.path = path_in(second), .bytes = forged});
    EXPECT_EQ(path().stream, first);
}

// RFC 9329 §6.1 [133]: IKE SAs share no stream.
TEST_F(OverTcp, ASecondIkeSaInOneStreamIsRefused) {
    establish_over_tcp();
    Bytes request = peer.init_request;
    request[0] ^= 0xff;
    EXPECT_TRUE(all<Send>(effects_of(Datagram{.path = path_in(first), .bytes = request})).empty());
    EXPECT_EQ(victim.engine.counters()[Counter::tcp_stream_refused], 1u);
    EXPECT_EQ(victim.engine.population().ike_sas, 1u);
}

TEST_F(OverTcp, AnIkeSaIsNotHeardInTheStreamOfAnother) {
    establish_over_tcp();
    ScriptedPeer other{victim};
    other.spis.initiator = 0x99;
    other.over = path_in(second);
    other.establish();
    send(second, ExchangeType::informational, {});
    EXPECT_EQ(victim.engine.counters()[Counter::tcp_stream_refused], 1u);
}

// §5: where the connection does not speak of TCP, nobody comes over TCP.
TEST_F(OverTcp, AConnectionWithoutTcpIsNotFound) {
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.init();
    const Bytes request = peer.init_request;
    Bytes fresh = request;
    fresh[0] ^= 0xff;
    const auto sent = all<Send>(effects_of(Datagram{.path = path_in(first), .bytes = fresh}));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_NE(wire::parse_message(sent.front().datagram)->notify(model::NotifyType::no_proposal_chosen), nullptr);
}

// §6.1: too many messages in a row that mean nothing; a good one in between starts the count anew.
TEST_F(OverTcp, AStreamFullOfNonsenseIsClosed) {
    establish_over_tcp();
    const Bytes nonsense(40, 7);
    const auto closes = [&](std::size_t messages) {
        std::size_t closed = 0;
        for (std::size_t i = 0; i < messages; ++i)
            closed += all<CloseStream>(effects_of(Datagram{.path = path_in(first), .bytes = nonsense})).size();
        return closed;
    };
    EXPECT_EQ(closes(model::limits::tcp_bad_messages - 1), 0u);
    send(first, ExchangeType::informational, {});
    EXPECT_EQ(closes(model::limits::tcp_bad_messages - 1), 0u);
    EXPECT_EQ(closes(2), 1u);
    EXPECT_EQ(victim.engine.population().ike_sas, 1u) << "the SA lives on";
}

// RFC 9329 §6.1 [133]: the responder waits for the originator, however long its request waits.
TEST_F(OverTcp, TheResponderOpensNoStreamAndRepeatsItsRequestInTheNextOne) {
    establish_over_tcp();
    EXPECT_TRUE(all<OpenStream>(effects_of(StreamClosed{.stream = first, .reason = "reset"})).empty());
    const auto asked = all<Send>(effects_of(Rekey{.id = static_cast<CommandId>(1), .which = {.child = "net"}}));
    ASSERT_EQ(asked.size(), 1u);
    const Effects effects = send(second, ExchangeType::informational, {});
    const auto sent = all<Send>(effects);
    ASSERT_EQ(sent.size(), 2u) << "the request again, and the answer";
    EXPECT_EQ(sent.front().datagram, asked.front().datagram);
    EXPECT_EQ(sent.front().path.stream, second);
}

// RFC 9329 §6.2 [133]: over TCP nothing is retransmitted, but patience ends as over UDP.
TEST_F(OverTcp, RequestsAreNotRetransmittedAndGivenUp) {
    establish_over_tcp();
    effects_of(Rekey{.id = static_cast<CommandId>(1), .which = {.child = "net"}});
    peer.now = victim.engine.next_deadline();
    EXPECT_GT(peer.now, Instant::after_start(seconds(1000)) + seconds(120));
    EXPECT_TRUE(all<Send>(effects_of(Tick{})).empty());
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// §6.1: a packet of ESP shows the new stream as a message of IKE does.
TEST_F(OverTcp, EspInAnotherStreamMovesTheSa) {
    establish_over_tcp();
    const model::ChildId child = victim.engine.list(peer.now).at(0).children.at(0).id;
    effects_of(PeerMoved{.child = child, .path = path_in(second)});
    EXPECT_EQ(path().stream, second);
}

// Between UDP and TCP only MOBIKE moves an SA (§5).
TEST_F(OverTcp, AMessageOverUdpMovesNothing) {
    establish_over_tcp();
    wire::MessageBuilder empty;
    const auto answers = all<Send>(effects_of(Datagram{
        .path = ScriptedPeer::path(), .bytes = peer.sealed(peer.header(ExchangeType::informational, peer.next_id++), empty.take_chain())}));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_FALSE(answers.front().path.tcp()) << "it is answered where it came from";
    EXPECT_EQ(path().stream, first);
}

}  // namespace
}  // namespace cygnet::ike::test
