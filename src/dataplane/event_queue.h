// What a worker tells the control thread, and the ESP packets that either gives the other: a bounded ring
// with one writer and one reader, and a descriptor that becomes readable.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "model/sa_spec.h"
#include "os/fd.h"

namespace cygnet::dataplane {

enum class EventKind : std::uint8_t {
    ike_datagram, inbound_seen, peer_moved, acquire, selectors_violated, esp_packet, stream_corrupt, resource_wanted
};

struct Event {
    EventKind kind = EventKind::ike_datagram;
    model::ChildId child{};     // inbound_seen, peer_moved, selectors_violated, esp_packet, resource_wanted
    model::Path path{};         // of what arrived, or of a stream
    model::PolicyId policy{};   // acquire
    model::PacketEnds ends{};   // acquire
    model::Resource resource = model::every_resource;  // resource_wanted: the worker
};

class EventQueue {
public:
    // `octets`: of the ring; a power of two.
    explicit EventQueue(std::size_t octets);

    // The writer's side. False when there is no room: the event is lost.
    bool push(const Event& event, ByteView datagram = {});

    // The reader's side. The datagram's view holds until the next call.
    struct Popped {
        Event event;
        ByteView datagram;
    };
    std::optional<Popped> pop();
    bool empty() const { return written_.load() == read_; }

    int fd() const { return fd_.number(); }
    // Makes the descriptor readable, or not; before looking for events it is cleared, so that none is missed.
    void signal();
    void clear_signal();

private:
    struct Record {
        std::uint32_t datagram_size;  // or `wrap`: the rest of the ring is not used
        Event event;
    };
    static constexpr std::uint32_t wrap = ~0U;
    static std::size_t record_size(std::size_t datagram_size);

    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> ring_;
    os::Fd fd_;
    // Octets ever written and ever read; their difference is what waits.
    alignas(64) std::atomic<std::uint64_t> written_{0};
    alignas(64) std::atomic<std::uint64_t> released_{0};
    std::uint64_t read_ = 0;  // the reader's own; released one record later
};

}  // namespace cygnet::dataplane
