// Two backends with fixed keys on two hosts of one machine, and real traffic between them.
//
//   10.1.0.1, 2001:db8:1::1                                        10.2.0.1, 2001:db8:2::1
//        left ── 192.0.2.1, 2001:db8::1 ══ veth ══ 192.0.2.2, 2001:db8::2 ── right
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstring>

#include "base/rng.h"
#include "dataplane/test_hosts.h"
#include "dataplane/userspace_backend.h"
#include "esp/test_packets.h"
#include "os/event_loop.h"
#include "os/fd.h"
#include "os/socket_address.h"

namespace cygnet::dataplane::testing {

using esp::Drop;

// Before there are threads: namespaces need root, or a user namespace in which we are root.
[[gnu::constructor]] inline void become_root() {
    if (::geteuid() == 0) return;
    const std::string uid = fmt::format("0 {} 1", ::geteuid()), gid = fmt::format("0 {} 1", ::getegid());
    if (::unshare(CLONE_NEWUSER) != 0) return;
    const auto write = [](const char* path, const std::string& text) {
        if (FILE* file = std::fopen(path, "w")) {
            std::fputs(text.c_str(), file);
            std::fclose(file);
        }
    };
    write("/proc/self/setgroups", "deny");
    write("/proc/self/uid_map", uid);
    write("/proc/self/gid_map", gid);
}

struct Side {
    TestHost host;
    std::unique_ptr<UserspaceBackend> backend;
    std::vector<std::pair<model::Path, Bytes>> ike;
    std::vector<model::ChildId> seen;
    std::vector<model::Endpoint> moved;
    std::vector<model::StreamId> corrupt;
    std::vector<model::PacketEnds> acquired;
    std::vector<Bytes> violations;
    std::vector<std::pair<model::ChildId, model::Resource>> wishes;  // of workers for SAs of their own
    Side* stream_peer = nullptr;  // what goes into a stream comes out there
    model::Path stream_path;      // as the peer knows it
    bool stream_full = false;

    // The control thread's turn: waits until `done` or a second has passed.
    template <class Done>
    bool dispatch_until(Done done) {
        for (int i = 0; i < 100 && !done(); ++i) {
            pollfd waiting{backend->event_fd(), POLLIN, 0};
            if (::poll(&waiting, 1, 10) == 1) backend->dispatch_events();
            receive_ike();
        }
        return done();
    }
    void receive_ike() {
        for (auto& socket : backend->ike_port().sockets())
            backend->ike_port().receive(
                socket, [this](const model::Path& path, ByteView message) { ike.emplace_back(path, keep(message)); },
                [this](const model::Path& path, ByteView packet) { backend->take_packet(path, packet); });
    }
    std::uint64_t dropped(Drop drop) const { return backend->drops()[static_cast<std::size_t>(drop)]; }
};

class Tunnel : public ::testing::Test {
protected:
    void SetUp() override {
        if (!left.host.made() || !right.host.made())
            GTEST_SKIP() << "needs root or user namespaces, for network namespaces";
        if (!os::Fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)).open())
            GTEST_SKIP() << "needs read and write access to /dev/net/tun";
        const int status = left.host.shell(
            "ip link set lo up && ip link add veth type veth peer name veth netns " + right.host.path() +
            " 2>/dev/null && ip link set veth up && ip addr add 192.0.2.1/24 dev veth && "
            "ip addr add 2001:db8::1/64 dev veth nodad && ip addr add 10.1.0.1 dev lo && "
            "ip addr add 2001:db8:1::1 dev lo nodad");
        if (status != 0) GTEST_SKIP() << "needs iproute2 and veth devices";
        ASSERT_EQ(right.host.shell("ip link set lo up && ip link set veth up && ip addr add 192.0.2.2/24 dev veth && "
                                   "ip addr add 2001:db8::2/64 dev veth nodad && ip addr add 10.2.0.1 dev lo && "
                                   "ip addr add 2001:db8:2::1 dev lo nodad"),
                  0);
    }

    void open(Side& side, UserspaceConfig config = {}) {
        BackendEvents events;
        events.ike_datagram = [&side](const model::Path& path, ByteView bytes) {
            side.ike.emplace_back(path, keep(bytes));
        };
        events.inbound_seen = [&side](model::ChildId child) { side.seen.push_back(child); };
        events.peer_moved = [&side](model::ChildId, const model::Path& to) { side.moved.push_back(to.remote); };
        events.acquire = [&side](model::PolicyId, const model::PacketEnds& packet) { side.acquired.push_back(packet); };
        events.selectors_violated = [&side](model::ChildId, ByteView packet) { side.violations.push_back(keep(packet)); };
        events.resource_wanted = [&side](model::ChildId child, model::Resource worker) { side.wishes.emplace_back(child, worker); };
        events.stream_corrupt = [&side](model::StreamId stream) { side.corrupt.push_back(stream); };
        events.stream_packet = [&side](model::StreamId, ByteView packet) {
            if (side.stream_full || side.stream_peer == nullptr) return false;
            side.stream_peer->backend->take_packet(side.stream_path, packet);
            return true;
        };
        side.host.run([&] {
            auto opened = UserspaceBackend::open(config, std::move(events));
            if (opened)
                side.backend = std::move(*opened);
            else
                open_error = opened.error().text();
        });
    }
    void open_both(const UserspaceConfig& config = {}) {
        open(left, config);
        open(right, config);
        if (left.backend == nullptr || right.backend == nullptr) FAIL() << open_error;
    }
    void install(Side& side, model::ChildSaSpec spec) {
        const auto installed = side.host.run([&] { return side.backend->install(std::move(spec)); });
        ASSERT_TRUE(installed) << installed.error().text();
    }
    void install_both(const model::ChildSaSpec& spec) {
        install(left, copy(spec));
        install(right, esp::testing::mirrored(spec));
    }
    static model::ChildSaSpec copy(const model::ChildSaSpec& spec) {
        model::ChildSaSpec made = esp::testing::mirrored(esp::testing::mirrored(spec));
        made.path = spec.path;  // with its stream
        return made;
    }
    bool ping(std::string_view to = "10.2.0.1", int count = 1) {
        return left.host.shell(fmt::format("ping -q -n -c {} -i 0.05 -W 3 {} >/dev/null", count, to)) == 0;
    }

    void TearDown() override {
        for (Side* side : {&left, &right})
            if (side->backend) side->host.run([&] { side->backend.reset(); });
    }

    Side left, right;
    std::string open_error;
};

inline os::SocketAddress address_of(std::string_view text, std::uint16_t port) {
    return os::SocketAddress::of({*model::IpAddress::parse(text), port});
}

// Sends `octets` from left to right over TCP, for 20 seconds at most; what arrived.
inline Bytes tcp_transfer(TestHost& left, TestHost& right, std::string_view to, const Bytes& octets) {
    const auto address = address_of(to, 5000);
    const os::Fd listener = right.run([&] {
        os::Fd fd(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(fd.number(), address.get(), address.size), 0);
        EXPECT_EQ(::listen(fd.number(), 1), 0);
        const timeval patience{20, 0};  // of accept()
        ::setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return fd;
    });
    const os::Fd sender = left.run([&] {
        os::Fd fd(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval patience{5, 0};
        ::setsockopt(fd.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        return fd;
    });
    Bytes received;
    std::thread receiver([&] {
        const os::Fd connection(::accept(listener.number(), nullptr, nullptr));
        const timeval patience{5, 0};
        ::setsockopt(connection.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        Bytes part(1 << 18);
        for (ssize_t size; (size = ::recv(connection.number(), part.data(), part.size(), 0)) > 0;)
            append(received, ByteView(part).first(static_cast<std::size_t>(size)));
    });
    if (::connect(sender.number(), address.get(), address.size) == 0) {
        const Instant end = os::now() + seconds(20);
        for (std::size_t at = 0; at < octets.size() && os::now() < end;) {
            const ssize_t size = ::send(sender.number(), octets.data() + at, octets.size() - at, 0);
            if (size <= 0) break;
            at += static_cast<std::size_t>(size);
        }
    } else {
        ADD_FAILURE() << "no connection to " << to << ": " << std::strerror(errno);
        ::shutdown(listener.number(), SHUT_RD);
    }
    ::shutdown(sender.number(), SHUT_WR);
    receiver.join();
    return received;
}

inline const Bytes& test_octets() {
    static const Bytes octets = [] {
        SeededRng rng(1);
        return rng.bytes(20'000'000);
    }();
    return octets;
}

}  // namespace cygnet::dataplane::testing
