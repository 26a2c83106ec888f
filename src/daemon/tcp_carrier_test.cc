#include "daemon/tcp_carrier.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace cygnet::daemon {
namespace {

using model::StreamId;

const model::IpAddress localhost = model::IpAddress::v4(0x7f000001);
constexpr auto ours = static_cast<StreamId>(2);

// One loop with a carrier that listens, a carrier that calls it, and strangers who say what they like.
class TcpCarrierTest : public ::testing::Test {
protected:
    struct Side {
        std::vector<std::string> ike, esp;
        model::Path last{};
        std::map<StreamId, std::string> closed;
    };
    TcpCarrierEvents events_of(Side& side) {
        return {.ike_message = [this, &side](const model::Path& path, ByteView octets) { take(side, side.ike, path, octets); },
                .esp_packet = [this, &side](const model::Path& path, ByteView octets) { take(side, side.esp, path, octets); },
                .opened =
                    [this, &side](const model::Path& path) {
                        side.last = path;
                        opened_();
                    },
                .closed =
                    [this, &side](StreamId stream, const std::string& reason) {
                        side.closed[stream] = reason;
                        if (on_closed_(side)) loop_.stop();
                    }};
    }
    void take(Side& side, std::vector<std::string>& where, const model::Path& path, ByteView octets) {
        side.last = path;
        where.emplace_back(text_of(octets));
        heard_();
    }
    void listen(const TcpCarrierLimits& limits = {}) {
        server_ = std::make_unique<TcpCarrier>(loop_, log_, events_of(at_server_), prepare_, limits);
        const auto port = server_->listen(0);
        ASSERT_TRUE(port) << port.error().text();
        port_ = *port;
    }
    void call() {
        client_ = std::make_unique<TcpCarrier>(loop_, log_, events_of(at_client_), prepare_);
        client_->open({.local = {localhost, 0}, .remote = {localhost, port_}, .stream = ours});
    }
    // A stranger's octets; returns why the server let the stream go.
    std::string reason_for(ByteView octets) {
        os::TcpStreams stranger(loop_, {.connect = seconds(5), .unacknowledged = seconds(5), .keepalive_idle = seconds(60), .close_grace = seconds(5)},
                                {.admits = [](const model::Endpoint&) { return false; },
                                 .opened = [&](const model::Path& path, bool) { stranger.send(path.stream, octets); },
                                 .received = [](StreamId, ByteView) {},
                                 .closed = [](StreamId, const std::string&) {}},
                                prepare_);
        on_closed_ = [this](const Side& side) { return &side == &at_server_; };
        at_server_.closed.clear();
        stranger.connect({.local = {localhost, 0}, .remote = {localhost, port_}, .stream = ours});
        loop_.run();
        loop_.restart();
        return at_server_.closed.begin()->second;
    }

    Log log_{0};
    std::uint16_t port_ = 0;
    os::EventLoop loop_;
    std::function<Result<>(int)> prepare_ = [](int) -> Result<> { return {}; };
    std::function<void()> opened_ = [] {}, heard_ = [] {};
    std::function<bool(const Side&)> on_closed_ = [](const Side&) { return false; };
    Side at_server_, at_client_;
    std::unique_ptr<TcpCarrier> server_, client_;
};

Bytes stream_of(std::string_view prefix, std::initializer_list<std::uint8_t> rest) { return concat({bytes_of(prefix), ByteView(Bytes(rest))}); }

// RFC 9329 §3, §4 [133]: both kinds of messages in one stream, and the same stream back.
TEST_F(TcpCarrierTest, CarriesIkeAndEspBothWays) {
    listen();
    opened_ = [this] {
        ASSERT_TRUE(client_->send_ike(ours, bytes_of("request")));
        EXPECT_TRUE(client_->send_esp(ours, bytes_of("packet")));
    };
    heard_ = [this] {
        if (at_server_.esp.size() == 1 && at_client_.ike.empty()) {
            server_->prove(at_server_.last.stream);
            ASSERT_TRUE(server_->send_ike(at_server_.last.stream, bytes_of("answer")));
        }
        if (!at_client_.ike.empty()) client_->close(ours);
    };
    on_closed_ = [this](const Side&) { return !at_server_.closed.empty() && !at_client_.closed.empty(); };
    call();
    loop_.run();
    EXPECT_EQ(at_server_.ike, std::vector<std::string>{"request"});
    EXPECT_EQ(at_server_.esp, std::vector<std::string>{"packet"});
    EXPECT_EQ(at_client_.ike, std::vector<std::string>{"answer"});
    EXPECT_EQ(server_->accepted(), 0u);
}

// F10: a wrong prefix, lengths of 0 and 1. RFC 9329 §3.1: the stream is closed, and nothing of it was taken.
TEST_F(TcpCarrierTest, ClosesStreamsThatAreNoneOfOurs) {
    listen();
    EXPECT_NE(reason_for(bytes_of("GET / HTTP/1.1\r\n")).find("IKETCP"), std::string::npos);
    EXPECT_NE(reason_for(stream_of("IKETCP", {0, 0, 0, 8})).find("length 0"), std::string::npos);
    EXPECT_NE(reason_for(stream_of("IKETCP", {0, 1, 0, 8})).find("length 1"), std::string::npos);
    EXPECT_TRUE(at_server_.ike.empty() && at_server_.esp.empty());
}

TEST_F(TcpCarrierTest, ClosesStreamsThatTakeTheirTime) {
    const Duration soon = milliseconds(5), never = seconds(3600);
    const auto with = [&](Duration prefix, Duration first, Duration frame) {
        server_.reset();
        listen({.prefix_wait = prefix, .first_message_wait = first, .frame_wait = frame, .sweep_interval = soon});
    };
    with(soon, never, never);
    EXPECT_EQ(reason_for(bytes_of("IKET")), "no stream prefix in time");
    with(never, soon, never);
    EXPECT_EQ(reason_for(bytes_of("IKETCP")), "no authentic message in time");
    with(never, never, soon);
    EXPECT_EQ(reason_for(stream_of("IKETCP", {0xff, 0xff, 0, 0})), "a message was not finished in time");
}

TEST_F(TcpCarrierTest, TakesOnlySoManyStreamsFromOneNetwork) {
    listen({.streams_per_prefix = 1});
    std::size_t opened = 0;
    opened_ = [&] {
        if (++opened == 1) client_->open({.local = {localhost, 0}, .remote = {localhost, port_}, .stream = static_cast<StreamId>(4)});
    };
    on_closed_ = [this](const Side& side) { return &side == &at_client_; };
    call();
    loop_.run();
    EXPECT_TRUE(at_client_.closed.contains(static_cast<StreamId>(4)));
    EXPECT_FALSE(at_client_.closed.contains(ours));
    EXPECT_EQ(server_->accepted(), 1u);
}

// What the peer does not read is dropped if it is ESP, and ends the stream if it is IKE: memory is bounded.
TEST_F(TcpCarrierTest, DropsEspWhenTheStreamIsFull) {
    listen();
    const Bytes packet(60'000, 7);
    std::size_t taken = 0;
    opened_ = [&] {
        while (client_->send_esp(ours, packet)) ASSERT_LT(++taken, 100'000u);
        EXPECT_TRUE(client_->send_ike(ours, packet)) << "IKE still has room";
        while (client_->send_ike(ours, packet)) {}
    };
    on_closed_ = [this](const Side& side) { return &side == &at_client_; };
    call();
    loop_.run();
    EXPECT_GT(taken, 0u);
    EXPECT_EQ(at_client_.closed.at(ours), "the peer does not read");
}

TEST_F(TcpCarrierTest, RefusesToSendIntoAStreamThatIsNotThere) {
    listen();
    EXPECT_FALSE(server_->send_ike(ours, bytes_of("x")));
    EXPECT_FALSE(server_->send_esp(ours, bytes_of("x")));
}

}  // namespace
}  // namespace cygnet::daemon
