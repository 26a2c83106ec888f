// The outer side: sockets that carry ESP, in UDP (RFC 3948) or as IP protocol 50, many packets per call.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/address.h"
#include "os/fd.h"

namespace cygnet::dataplane {

enum class CarrierKind : std::uint8_t { udp, raw, stream };  // the last one is no Carrier: TCP is the control thread's

struct CarrierOptions {
    std::uint16_t port = 0;  // UDP
    std::uint32_t mark = 0;  // SO_MARK
    bool offload = true;     // UDP_GRO and UDP_SEGMENT
    // This one of so many sockets of its kind. The UDP ones join the IkePort, which deals what comes by its SPI; likewise each
    // of protocol 50 keeps its share, but for those beyond the fourth, which only send.
    std::size_t number = 0, of = 1;
};

// One datagram as received: with UDP_GRO, several of equal size in a row.
struct ReceivedDatagram {
    std::uint8_t* data;
    std::size_t size;
    std::size_t segment_size;  // all but the last are this long
    model::Path path;
    std::uint8_t traffic_class;
    std::uint32_t fragment_octets;  // of the longest IP fragment, if it came in several; else 0
};

// Memory for one receiving call; may serve several sockets of one thread, one after the other.
class ReceiveBuffers {
public:
    ReceiveBuffers();

    static constexpr std::size_t datagrams = 16;
    static constexpr std::size_t datagram_octets = 65536;

private:
    friend class Carrier;
    static constexpr std::size_t control_octets = 128;
    struct Control {
        alignas(8) std::uint8_t octets[control_octets];
    };
    std::vector<std::uint8_t> data_;
    std::vector<mmsghdr> messages_;
    std::vector<iovec> pieces_;
    std::vector<sockaddr_storage> sources_;
    std::vector<Control> controls_;
    std::vector<ReceivedDatagram> received_;
};

class Carrier {
public:
    // For all addresses. Errors: unsupported when the host has no such family; system, with what to do.
    static Result<Carrier> open(CarrierKind kind, model::Family family, const CarrierOptions& options);

    int fd() const { return fd_.number(); }
    CarrierKind kind() const { return kind_; }
    model::Family family() const { return family_; }
    bool segments() const { return segments_; }  // UDP_SEGMENT works, as far as we know

    // What waits, up to ReceiveBuffers::datagrams; valid until the next call. ESP of protocol 50 comes
    // without its IP header. `full`: there may be more.
    struct Batch {
        std::span<ReceivedDatagram> datagrams;
        bool full;
    };
    Batch receive(ReceiveBuffers& buffers) const;

    // Sends packets that lie side by side, each `segment_size` octets but the last, from path.local.address
    // (unless "any") to path.remote. Waits a moment when the socket is full.
    struct Outgoing {
        const model::Path* path;
        std::uint8_t traffic_class;
        bool dont_fragment;  // IPv4 only
        std::span<const std::uint8_t> octets;
        std::size_t segment_size;
    };
    struct Sent {
        std::size_t packets;
        bool too_long;  // for the path in one piece: refused, or cut by the kernel
    };
    Sent send(const Outgoing& packets);

    std::uint64_t send_calls() const { return send_calls_; }

private:
    Result<> configure(const CarrierOptions& options);
    Result<> join_port();
    void set_dont_fragment(bool wanted);
    std::optional<std::size_t> send_segmented(const Outgoing& packets);
    Sent send_one_by_one(const Outgoing& packets);
    void describe(const msghdr& message, ReceivedDatagram& datagram) const;

    os::Fd fd_;
    CarrierKind kind_ = CarrierKind::udp;
    model::Family family_ = model::Family::v4;
    std::uint16_t port_ = 0;
    bool segments_ = false;
    bool dont_fragment_ = false;
    std::uint64_t send_calls_ = 0;
};

}  // namespace cygnet::dataplane
