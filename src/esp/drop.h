// Why a packet went no further. Every drop has one name, per child SA and in total.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "esp/on_first_use.h"

namespace cygnet::esp {

enum class Drop : std::uint8_t {
    none,  // not dropped
    // Inbound, before authentication: nothing of the packet may be believed.
    too_short,     // less than header, IV, one block and ICV
    misaligned,    // a text that is no multiple of the suite's alignment, RFC 4303 §2.4
    reserved_spi,  // RFC 4303 §2.1: SPI 1 to 255
    unknown_spi,
    sequence_zero,  // never sent by an honest peer
    replayed,
    before_window,
    integrity_failed,
    // Inbound, authentic: the peer's mistake.
    bad_padding,
    dummy,  // next header 59, RFC 4303 §2.6: dropped silently, that is its purpose
    bad_next_header,
    bad_inner_packet,   // not IP of the announced version, or longer than the plaintext
    ecn_not_capable,    // RFC 6040 §4.2: congestion outside, an inner packet that knows no ECN
    selector_mismatch,  // RFC 4301 §5.2
    ipcomp_wrong_index,    // not the CPI of this SA
    ipcomp_malformed,      // no header, or no DEFLATE that ends where the packet does
    ipcomp_too_long,       // more than an IP packet can hold: a bomb
    ipcomp_trailing,       // octets behind the compressed ones
    icmp_mismatch,      // RFC 4301 §6.2: an ICMP error about a packet that is not of its SA
    bad_ah_header,      // RFC 4302 §2.2: a length or an IP header around it that cannot be
    // Inbound, in the clear; the kernel drops and counts them (dataplane/clear_check.h).
    unprotected,        // RFC 4301 §5.2 step 3: a policy protects or discards such packets
    icmp_refused,       // RFC 4301 §6.1.1: an unauthenticated ICMP message of a type that is not accepted
    // Outbound.
    bad_packet,          // from the TUN device, not IP
    no_policy,           // no child SA for it: it never leaves in the clear
    policy_drop,         // a shunt says so
    trap_queue_full,     // too many wait for a child to come up
    trap_timeout,        // it did not come up in time
    too_big_for_path,    // its sender is told (RFC 4301 §8.2.1)
    not_transportable,   // a fragment, or an IP header with options, in transport mode
    sequence_exhausted,  // RFC 4303 §3.3.3: the SA stops, it never wraps
    // Around: system calls and queues.
    too_large,        // super-packet that does not fit our buffers
    carrier_refused,  // the kernel did not take the ESP packet
    device_refused,   // the TUN device did not take the inner packet
    not_esp,          // on the NAT-T port: neither ESP, IKE nor keepalive
    ike_queue_full,   // IKE arrived faster than the control thread takes it
    event_queue_full,
    count
};
inline constexpr std::size_t drop_count = static_cast<std::size_t>(Drop::count);
std::string_view name_of(Drop drop);  // "unknown-spi"

using DropCounts = std::array<std::uint64_t, drop_count>;

// Written by workers, read by anyone at any time.
class DropCounters {
public:
    void add(Drop drop, std::uint64_t packets = 1) {
        values_[static_cast<std::size_t>(drop)].fetch_add(packets, std::memory_order_relaxed);
    }
    std::uint64_t operator[](Drop drop) const {
        return values_[static_cast<std::size_t>(drop)].load(std::memory_order_relaxed);
    }
    DropCounts read() const;

private:
    std::array<std::atomic<std::uint64_t>, drop_count> values_{};
};

// The same of one SA. Most never drop a packet.
class SaDropCounters {
public:
    void add(Drop drop, std::uint64_t packets = 1) {
        counters_.get([] { return std::make_unique<DropCounters>(); }).add(drop, packets);
    }
    std::uint64_t operator[](Drop drop) const { return read()[static_cast<std::size_t>(drop)]; }
    DropCounts read() const {
        const DropCounters* counters = counters_.peek();
        return counters != nullptr ? counters->read() : DropCounts{};
    }

private:
    OnFirstUse<DropCounters> counters_;
};

}  // namespace cygnet::esp
