#include "os/udp_socket.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace cygnet::os {
namespace {

using model::Family;
using model::IpAddress;

void wait_for_datagram(const UdpSocket& socket) {
    pollfd readable{socket.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 1000), 1);
}

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

TEST(UdpSocket, says_to_which_address_a_datagram_came_and_answers_from_it) {
    auto server = UdpSocket::bind(Family::v4, 0);
    auto client = UdpSocket::bind(Family::v4, 0);
    ASSERT_TRUE(server && client);
    // The whole of 127.0.0.0/8 is this host; the system alone would answer from 127.0.0.1.
    const model::Path towards{{address("127.0.0.7"), client->port()}, {address("127.0.0.9"), server->port()}};
    ASSERT_TRUE(client->send(towards, bytes_of("question")));

    wait_for_datagram(*server);
    Bytes buffer(100);
    const auto question = server->receive(buffer);
    ASSERT_TRUE(question);
    EXPECT_EQ(text_of(ByteView{buffer}.first(question->octets)), "question");
    EXPECT_EQ(question->path, (model::Path{towards.remote, towards.local}));

    ASSERT_TRUE(server->send(question->path, bytes_of("answer")));
    wait_for_datagram(*client);
    const auto answer = client->receive(buffer);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->path, towards);
}

TEST(UdpSocket, ipv6_works_alike) {
    auto server = UdpSocket::bind(Family::v6, 0);
    auto client = UdpSocket::bind(Family::v6, 0);
    if (!server || !client) GTEST_SKIP() << "this host has no IPv6";
    const model::Path towards{{address("::1"), client->port()}, {address("::1"), server->port()}};
    if (!client->send(towards, bytes_of("question"))) GTEST_SKIP() << "this host has no ::1";
    wait_for_datagram(*server);
    Bytes buffer(100);
    const auto question = server->receive(buffer);
    ASSERT_TRUE(question);
    EXPECT_EQ(question->path, (model::Path{towards.remote, towards.local}));
}

TEST(UdpSocket, a_datagram_longer_than_the_buffer_tells_its_length) {
    auto socket = UdpSocket::bind(Family::v4, 0);
    ASSERT_TRUE(socket);
    const model::Path to_itself{{address("127.0.0.1"), socket->port()}, {address("127.0.0.1"), socket->port()}};
    ASSERT_TRUE(socket->send(to_itself, Bytes(300)));
    wait_for_datagram(*socket);
    Bytes buffer(100);
    const auto received = socket->receive(buffer);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->octets, 300U);
    EXPECT_FALSE(socket->receive(buffer));
}

TEST(UdpSocket, a_busy_port_says_who_may_have_it) {
    auto first = UdpSocket::bind(Family::v4, 0);
    ASSERT_TRUE(first);
    const auto second = UdpSocket::bind(Family::v4, first->port());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("is another IKE daemon"), std::string::npos);
    EXPECT_NE(second.error().detail.find(std::to_string(first->port())), std::string::npos);
}

TEST(LocalAddress, is_the_one_that_the_route_to_the_peer_uses) {
    const auto local = local_address_towards(address("127.0.0.9"));
    ASSERT_TRUE(local);
    EXPECT_EQ(local->text(), "127.0.0.1");
}

}  // namespace
}  // namespace cygnet::os
