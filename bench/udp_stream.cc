// A UDP stream of many flows whose receiver counts, for measuring a path from outside.
//
//   udp_stream receive ADDRESS PORT COUNTER
//   udp_stream send SOURCE DESTINATION PORT COUNTER PAYLOAD SECONDS window N|rate PACKETS-PER-S
//
// Both run on one machine: COUNTER is a file, mapped by both, in which the receiver counts packets. With a window, no
// more than N packets are on their way, so that a path shows what it can carry and not how it drops; what has not
// arrived 20 ms after the window was full is lost. Payloads of 1000 octets and more are sent with segmentation offload,
// smaller ones are not; the receiver takes what the kernel has joined. The sender prints what arrived while it sent.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/measurement.h"
#include "os/fd.h"

namespace {

using namespace cygnet;
using bench::nanoseconds_now;

constexpr std::size_t flows = 64;
constexpr std::size_t offload_payload = 1000;  // octets and more
constexpr std::size_t calls = 64;              // packets of one sendmmsg or buffers of one recvmmsg
constexpr double lost_after_ns = 20e6;

[[noreturn]] void fail(std::string_view what) {
    fmt::print(stderr, "udp_stream: {}: {}\n", what, std::strerror(errno));
    std::exit(1);
}

sockaddr_in address_of(const char* text, const char* port) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<std::uint16_t>(std::stoul(port))), .sin_addr = {}, .sin_zero = {}};
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) fail(text);
    return address;
}

// Packets that arrived: in a page that sender and receiver share.
std::atomic<std::uint64_t>& counter_in(const char* path) {
    const os::Fd file(::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.number() < 0 || ::ftruncate(file.number(), 4096) != 0) fail(path);
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (page == MAP_FAILED) fail(path);
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    return *static_cast<std::atomic<std::uint64_t>*>(page);
}

os::Fd socket_at(const sockaddr_in& address) {
    os::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
    const int octets = 8 << 20;
    if (::setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets) != 0)
        ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    return socket;
}

// Messages of one system call, with room for the one control message of segmentation offload.
class Messages {
public:
    explicit Messages(std::size_t octets) {
        for (std::size_t i = 0; i < calls; ++i) {
            buffers_[i].resize(octets, 0x55);
            vectors_[i] = {buffers_[i].data(), octets};
            headers[i].msg_hdr.msg_iov = &vectors_[i];
            headers[i].msg_hdr.msg_iovlen = 1;
        }
    }
    void expect_control() {
        for (std::size_t i = 0; i < calls; ++i) {
            headers[i].msg_hdr.msg_control = controls_[i].octets;
            headers[i].msg_hdr.msg_controllen = sizeof controls_[i].octets;
        }
    }
    std::array<mmsghdr, calls> headers{};

private:
    union Control {
        cmsghdr aligned;
        char octets[CMSG_SPACE(sizeof(int))];
    };
    std::array<std::vector<std::uint8_t>, calls> buffers_;
    std::array<iovec, calls> vectors_{};
    std::array<Control, calls> controls_{};
};

std::size_t packets_of(msghdr& header, std::size_t octets) {
    const cmsghdr* control = CMSG_FIRSTHDR(&header);
    if (control == nullptr || control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO) return 1;
    int segment = 0;
    std::memcpy(&segment, CMSG_DATA(control), sizeof segment);
    return (octets + static_cast<std::size_t>(segment) - 1) / static_cast<std::size_t>(segment);
}

[[noreturn]] void receive(const sockaddr_in& address, std::atomic<std::uint64_t>& counter) {
    const os::Fd socket = socket_at(address);
    const int on = 1;
    ::setsockopt(socket.number(), SOL_UDP, UDP_GRO, &on, sizeof on);
    Messages messages(65536);
    fmt::print("ready\n");
    std::fflush(stdout);
    for (;;) {
        messages.expect_control();
        const int received = ::recvmmsg(socket.number(), messages.headers.data(), calls, MSG_WAITFORONE, nullptr);
        if (received < 0) fail("recvmmsg");
        std::size_t packets = 0;
        for (auto& message : std::span(messages.headers).first(static_cast<std::size_t>(received)))
            packets += packets_of(message.msg_hdr, message.msg_len);
        counter.fetch_add(packets, std::memory_order_release);
    }
}

// Sends so many packets at once by one system call, each call from the next flow.
class Sender {
public:
    Sender(const sockaddr_in& source, const sockaddr_in& destination, std::size_t payload)
        : payload_(payload), burst_(payload >= offload_payload ? 65000 / payload : calls), octets_(burst_ * payload), messages_(payload) {
        const int segment = static_cast<int>(payload);
        for (std::size_t i = 0; i < flows; ++i) {
            sockets_.push_back(socket_at(source));
            if (::connect(sockets_.back().number(), reinterpret_cast<const sockaddr*>(&destination), sizeof destination) != 0)
                fail("connect");
            if (offload() && ::setsockopt(sockets_.back().number(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0)
                fail("UDP_SEGMENT");
        }
    }
    std::size_t burst() const { return burst_; }
    // How many went.
    std::size_t send(std::size_t packets) {
        const int socket = sockets_[next_++ % flows].number();
        if (offload()) return ::send(socket, octets_.data(), packets * payload_, 0) < 0 ? refused() : packets;
        const int sent = ::sendmmsg(socket, messages_.headers.data(), static_cast<unsigned>(packets), 0);
        return sent < 0 ? refused() : static_cast<std::size_t>(sent);
    }

private:
    bool offload() const { return payload_ >= offload_payload; }
    static std::size_t refused() {
        if (errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) fail("send");
        return 0;
    }

    std::size_t payload_, burst_, next_ = 0;
    std::vector<std::uint8_t> octets_;
    Messages messages_;
    std::vector<os::Fd> sockets_;
};

// How many packets may go now.
class Pace {
public:
    Pace(std::string_view kind, double number, const std::atomic<std::uint64_t>& arrived)
        : kind_(kind), number_(number), arrived_(arrived), started_(nanoseconds_now()), written_off_(arrived), heard_(arrived) {}

    std::size_t allowed(std::uint64_t sent, std::size_t burst) {
        const double now = nanoseconds_now();
        if (kind_ == "rate") return (now - started_) * number_ * 1e-9 >= static_cast<double>(sent + burst) ? burst : wait();
        const std::uint64_t heard = arrived_.load(std::memory_order_acquire);
        if (heard != heard_) {
            heard_ = heard;
            heard_at_ = now;
        }
        const auto under_way = static_cast<double>(sent + written_off_) - static_cast<double>(heard);
        if (under_way + static_cast<double>(burst) <= number_) return burst;
        if (now - heard_at_ > lost_after_ns) {
            written_off_ -= static_cast<std::uint64_t>(std::max(under_way, 0.0));
            heard_at_ = now;
        }
        return wait();
    }

private:
    static std::size_t wait() {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        return 0;
    }

    std::string_view kind_;
    double number_;
    const std::atomic<std::uint64_t>& arrived_;
    double started_;
    std::uint64_t written_off_;  // what had arrived before, less what was lost since
    std::uint64_t heard_;
    double heard_at_ = nanoseconds_now();
};

void send(Sender& sender, double seconds, Pace pace, const std::atomic<std::uint64_t>& counter) {
    const std::uint64_t before = counter;
    const double start = nanoseconds_now();
    std::uint64_t sent = 0;
    while (nanoseconds_now() - start < seconds * 1e9)
        if (const std::size_t packets = pace.allowed(sent, sender.burst())) sent += sender.send(packets);
    const double elapsed = (nanoseconds_now() - start) * 1e-9;
    const std::uint64_t arrived = counter - before;
    fmt::print("{{\"sent\":{},\"arrived\":{},\"seconds\":{:.4f}}}\n", sent, arrived, elapsed);
}

int usage() {
    fmt::print(stderr, "usage: udp_stream receive ADDRESS PORT COUNTER\n"
                       "       udp_stream send SOURCE DESTINATION PORT COUNTER PAYLOAD SECONDS window N|rate PACKETS-PER-S\n");
    return 2;
}

}  // namespace

int main(int count, char** words) {
    const std::span<char*> arguments(words, static_cast<std::size_t>(count));
    if (count == 5 && std::string_view(arguments[1]) == "receive")
        receive(address_of(arguments[2], arguments[3]), counter_in(arguments[4]));
    if (count != 10 || std::string_view(arguments[1]) != "send") return usage();
    const auto& counter = counter_in(arguments[5]);
    Sender sender(address_of(arguments[2], "0"), address_of(arguments[3], arguments[4]), std::stoul(arguments[6]));
    const Pace pace(arguments[8], std::stod(arguments[9]), counter);
    send(sender, std::stod(arguments[7]), pace, counter);
    return 0;
}
