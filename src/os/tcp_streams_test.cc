#include "os/tcp_streams.h"

#include <gtest/gtest.h>

#include <map>

namespace cygnet::os {
namespace {

using model::StreamId;

const model::IpAddress localhost = model::IpAddress::v4(0x7f000001);
constexpr auto ours = static_cast<StreamId>(2);

class TcpStreamsTest : public ::testing::Test {
protected:
    TcpStreamsTest()
        : streams_(loop_, {.connect = seconds(5), .unacknowledged = seconds(5), .keepalive_idle = seconds(60), .close_grace = seconds(5)},
                   {.admits = [this](const model::Endpoint&) { return admits_; },
                    .opened = [this](const model::Path& path, bool came_in) { opened_(path, came_in); },
                    .received = [this](StreamId stream, ByteView octets) { received_(stream, octets); },
                    .closed =
                        [this](StreamId stream, const std::string& reason) {
                            closed_[stream] = reason;
                            if (closed_.size() == ends_) loop_.stop();
                        }},
                   [this](int) -> Result<> {
                       ++prepared_;
                       return {};
                   }) {}
    model::Path path_to(std::uint16_t port) const { return {.local = {localhost, 0}, .remote = {localhost, port}, .stream = ours}; }

    EventLoop loop_;
    bool admits_ = true;
    std::size_t ends_ = 2;
    int prepared_ = 0;
    std::map<StreamId, std::string> closed_;
    std::function<void(const model::Path&, bool)> opened_ = [](const model::Path&, bool) {};
    std::function<void(StreamId, ByteView)> received_ = [](StreamId, ByteView) {};
    TcpStreams streams_;
};

TEST_F(TcpStreamsTest, OctetsGoBothWaysAndBothEndsKnowThePorts) {
    const std::uint16_t port = *streams_.listen(model::Family::v4, 0);
    std::map<bool, model::Path> paths;
    std::string heard;
    opened_ = [&](const model::Path& path, bool came_in) {
        paths[came_in] = path;
        streams_.send(path.stream, bytes_of(came_in ? "from the listener" : "from the caller"));
    };
    received_ = [&](StreamId stream, ByteView octets) {
        heard += text_of(octets);
        if (heard.size() >= 32) streams_.close(stream);
    };
    streams_.connect(path_to(port));
    loop_.run();
    EXPECT_EQ(heard.size(), 32u);
    EXPECT_EQ(paths[true].remote, paths[false].local);
    EXPECT_EQ(paths[true].local, paths[false].remote);
    EXPECT_EQ(paths[false].stream, ours);
    EXPECT_FALSE(model::opened_by_us(paths[true].stream));
    EXPECT_EQ(closed_.size(), 2u);
    EXPECT_EQ(prepared_, 3) << "the listener, the caller's end and the end that came in";
}

TEST_F(TcpStreamsTest, WhatIsQueuedIsSentBeforeTheEnd) {
    const std::uint16_t port = *streams_.listen(model::Family::v4, 0);
    const Bytes much(8 * 1024 * 1024, 7);
    std::size_t heard = 0;
    opened_ = [&](const model::Path& path, bool came_in) {
        if (came_in) return;
        streams_.send(path.stream, much);
        EXPECT_GT(streams_.queued(path.stream), 0u);
        streams_.close(path.stream);
        streams_.send(path.stream, much);
    };
    received_ = [&](StreamId, ByteView octets) { heard += octets.size(); };
    streams_.connect(path_to(port));
    loop_.run();
    EXPECT_EQ(heard, much.size()) << "all of it, and nothing after close()";
}

TEST_F(TcpStreamsTest, APortThatNobodyListensOnIsAnEnd) {
    std::uint16_t port = 0;
    {
        EventLoop other;
        TcpStreams unused(other, {}, {}, [](int) -> Result<> { return {}; });
        port = *unused.listen(model::Family::v4, 0);
    }
    ends_ = 1;
    streams_.connect(path_to(port));
    EXPECT_TRUE(closed_.empty()) << "never within the call";
    loop_.run();
    EXPECT_NE(closed_.at(ours).find("refused"), std::string::npos);
}

TEST_F(TcpStreamsTest, WhoIsNotAdmittedIsClosedWithoutAWord) {
    const std::uint16_t port = *streams_.listen(model::Family::v4, 0);
    admits_ = false;
    ends_ = 1;
    streams_.connect(path_to(port));
    loop_.run();
    EXPECT_TRUE(closed_.contains(ours));
}

TEST_F(TcpStreamsTest, APortInUseIsAnErrorThatSaysWhatToDo) {
    const std::uint16_t port = *streams_.listen(model::Family::v4, 0);
    const auto second = streams_.listen(model::Family::v4, port);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("--tcp-port"), std::string::npos);
}

}  // namespace
}  // namespace cygnet::os
