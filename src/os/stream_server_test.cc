#include "os/stream_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "os/fd.h"
#include "os/files.h"

namespace cygnet::os {
namespace {

class StreamServerTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "cygnet-os-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        path_ = folder_ + "/control";
    }
    void TearDown() override {
        server_.reset();
        remove_file(path_);
        ::rmdir(folder_.c_str());
    }
    Result<std::unique_ptr<StreamServer>> listen(StreamLimits limits = {}) {
        return StreamServer::listen(loop_, "unix://" + path_, limits,
                                    {.opened = [this](ClientId id) { opened_.push_back(id); },
                                     .received = [this](ClientId id, ByteView octets) { received_(id, octets); },
                                     .closed =
                                         [this](ClientId) {
                                             ++closed_;
                                             loop_.stop();
                                         }});
    }
    Fd connect() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
        EXPECT_EQ(::connect(fd.number(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        return fd;
    }

    EventLoop loop_;
    std::string folder_, path_;
    std::unique_ptr<StreamServer> server_;
    std::vector<ClientId> opened_;
    std::function<void(ClientId, ByteView)> received_ = [](ClientId, ByteView) {};
    int closed_ = 0;
};

TEST_F(StreamServerTest, octets_go_both_ways_until_the_client_leaves) {
    server_ = *listen();
    received_ = [this](ClientId id, ByteView octets) { server_->send(id, keep(octets)); };
    Fd client = connect();
    std::string answer(5, ' ');
    std::thread other([&] {
        ASSERT_EQ(::write(client.number(), "hello", 5), 5);
        ASSERT_EQ(::recv(client.number(), answer.data(), 5, MSG_WAITALL), 5);
        client.close();
    });
    loop_.run();
    other.join();
    EXPECT_EQ(answer, "hello");
    EXPECT_EQ(opened_.size(), 1U);
    EXPECT_EQ(closed_, 1);
}

TEST_F(StreamServerTest, a_client_that_does_not_read_is_cut_off_at_the_limit) {
    server_ = *listen({.queued_octets = 1024 * 1024});
    received_ = [this](ClientId id, ByteView) {
        for (int i = 0; i < 100; ++i) server_->send(id, Bytes(64 * 1024));
        EXPECT_LE(server_->queued(id), 1024U * 1024U + 64U * 1024U);
    };
    const Fd client = connect();
    ASSERT_EQ(::write(client.number(), "x", 1), 1);
    loop_.run();
    EXPECT_EQ(closed_, 1);
}

TEST_F(StreamServerTest, what_was_queued_before_close_still_arrives) {
    server_ = *listen();
    received_ = [this](ClientId id, ByteView) {
        server_->send(id, Bytes(300 * 1024));
        server_->close(id);
    };
    const Fd client = connect();
    std::size_t size = 0;
    std::thread other([&] {
        ASSERT_EQ(::write(client.number(), "x", 1), 1);
        Bytes buffer(64 * 1024);
        for (ssize_t part; (part = ::read(client.number(), buffer.data(), buffer.size())) > 0;) size += static_cast<std::size_t>(part);
    });
    loop_.run();
    other.join();
    EXPECT_EQ(size, 300U * 1024U);
}

TEST_F(StreamServerTest, an_answer_to_a_client_that_has_left_ends_that_client_alone) {
    server_ = *listen();
    received_ = [this](ClientId id, ByteView) { server_->send(id, Bytes(1024)); };
    Fd client = connect();
    ASSERT_EQ(::write(client.number(), "x", 1), 1);
    client.close();
    loop_.run();
    EXPECT_EQ(closed_, 1);
}

TEST_F(StreamServerTest, more_clients_than_the_limit_are_turned_away) {
    server_ = *listen({.clients = 2});
    const Fd first = connect(), second = connect(), third = connect();
    Timer end(loop_, [this] { loop_.stop(); });
    end.set(now() + milliseconds(30));
    loop_.run();
    EXPECT_EQ(opened_.size(), 2U);
    char octet = 0;
    EXPECT_EQ(::read(third.number(), &octet, 1), 0);
}

TEST_F(StreamServerTest, the_socket_file_is_private_and_goes_with_the_server) {
    server_ = *listen();
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0660U);
    server_.reset();
    EXPECT_FALSE(exists(path_));
}

TEST_F(StreamServerTest, replaces_a_file_left_over_but_not_a_live_socket) {
    server_ = *listen();
    const auto second = listen();
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("another daemon answers"), std::string::npos);
    server_.reset();
    ASSERT_TRUE(write_private_file(path_, bytes_of("left over")));
    auto third = listen();
    ASSERT_TRUE(third);
    server_ = std::move(*third);
    EXPECT_TRUE(connect().open());
}

TEST_F(StreamServerTest, a_wrong_uri_says_what_is_accepted) {
    for (const char* uri : {"", "unix://", "tcp://", "tcp://localhost", "tcp://127.0.0.1:99999", "/run/charon.vici"}) {
        const auto server = StreamServer::listen(loop_, uri, {}, {});
        ASSERT_FALSE(server) << uri;
        EXPECT_NE(server.error().detail.find("is accepted"), std::string::npos) << server.error().detail;
    }
}

}  // namespace
}  // namespace cygnet::os
