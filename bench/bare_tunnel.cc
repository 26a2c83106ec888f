// One end of a tunnel without any protection: what the device gives, a packet or a super-packet, goes into UDP as it is, and
// back. One thread per direction, which sleeps until there is something: no tunnel in userspace can do less.
//
//   bare_tunnel DEVICE LOCAL REMOTE
//
// Makes the device, says "ready", and runs until it is killed. Addresses and routes are the caller's business.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "dataplane/tun_device.h"
#include "os/fd.h"

namespace {

using namespace cygnet;

constexpr std::uint16_t port = 7200;
constexpr std::size_t packet_octets_max = 65535;
constexpr int segment_octets = 1400;  // of a UDP super-packet, on the wire

[[noreturn]] void fail(const std::string& what) {
    fmt::print(stderr, "bare_tunnel: {}\n", what);
    std::exit(1);
}

sockaddr_in address_of(const char* text) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) fail(fmt::format("{} is not an IPv4 address", text));
    return address;
}

os::Fd open_socket(const char* local, const char* remote) {
    os::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in here = address_of(local), there = address_of(remote);
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&here), sizeof here) < 0 ||
        ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&there), sizeof there) < 0)
        fail(fmt::format("UDP socket from {} to {}: {}", local, remote, std::strerror(errno)));
    const int on = 1;
    if (::setsockopt(socket.number(), SOL_UDP, UDP_SEGMENT, &segment_octets, sizeof segment_octets) < 0 ||
        ::setsockopt(socket.number(), SOL_UDP, UDP_GRO, &on, sizeof on) < 0)
        fail(fmt::format("UDP super-packets: {}", std::strerror(errno)));
    return socket;
}

void carry(int from, int to) {
    std::vector<std::uint8_t> packet(sizeof(dataplane::VnetHeader) + packet_octets_max);
    for (;;) {
        const ssize_t size = ::read(from, packet.data(), packet.size());
        if (size > 0) [[maybe_unused]] const auto written = ::write(to, packet.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 4) fail("usage: bare_tunnel DEVICE LOCAL REMOTE");
    const auto device = dataplane::TunDevice::open(words[1], 1, true);
    if (!device) fail(device.error().text());
    const int tun = device->fd(0);
    if (::fcntl(tun, F_SETFL, ::fcntl(tun, F_GETFL) & ~O_NONBLOCK) < 0) fail("the device cannot be waited for");
    const os::Fd socket = open_socket(words[2], words[3]);
    fmt::print("ready\n");
    std::fflush(stdout);
    const std::jthread back(carry, socket.number(), tun);
    carry(tun, socket.number());
}
