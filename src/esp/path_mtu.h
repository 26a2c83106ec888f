// How long packets may be: the path of an outbound SA, and what that leaves for inner packets (RFC 4301 §8.2).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/instant.h"

namespace cygnet::esp {

struct Child;

// What the workers know of an SA's path; read and written by any of them. Octets are those of an outer IP packet.
class PathMtu {
public:
    // 0: not known, or not any more (§8.2.2: it ages).
    std::uint32_t at(Instant now) const { return known_.at(now); }
    std::uint32_t newest() const { return known_.octets(); }
    void set(std::uint32_t octets, Instant until) { known_.set(octets, until); }
    void forget() { known_.forget(); }

    // A packet of the peer as long as this has come in one piece. True if that is news.
    bool prove(std::uint32_t octets, Instant now, Instant until) {
        const bool news = octets > proven_.at(now);
        if (octets >= proven_.at(now)) proven_.set(octets, until);
        return news;
    }
    std::uint32_t proven(Instant now) const { return proven_.at(now); }

    // The peer's packets have come in fragments of this length: the path takes no longer ones. True if that is news.
    bool cap(std::uint32_t octets, Instant now, Instant until) {
        const bool news = octets != capped(now);
        cap_.set(octets, until);
        return news;
    }
    std::uint32_t capped(Instant now) const { return cap_.at(now); }  // 0: by nothing

    // Another path: nothing is known of it.
    void restart() {
        known_.forget();
        proven_.forget();
        cap_.forget();
        next_probe_us_.store(0, std::memory_order_relaxed);
        probes_.store(0, std::memory_order_relaxed);
    }

    // Whether it is time to show the peer a long packet: now, and at intervals that double up to `longest`.
    bool probe_is_due(Instant now, Duration longest) {
        if (now.since_start().count() < next_probe_us_.load(std::memory_order_relaxed)) return false;
        const unsigned sent = std::min(probes_.load(std::memory_order_relaxed), doublings_max);
        probes_.store(sent + 1, std::memory_order_relaxed);
        const Duration pause = std::min<Duration>(longest, seconds(std::int64_t{1} << sent));
        next_probe_us_.store((now + pause).since_start().count(), std::memory_order_relaxed);
        return true;
    }
    // The peer shows us long packets as well: where none arrives, none gets through.
    bool peer_probes() const { return peer_probes_.load(std::memory_order_relaxed); }
    void set_peer_probes() { peer_probes_.store(true, std::memory_order_relaxed); }

private:
    class Aging {
    public:
        std::uint32_t at(Instant now) const {
            return now.since_start().count() < until_us_.load(std::memory_order_relaxed) ? octets() : 0;
        }
        std::uint32_t octets() const { return octets_.load(std::memory_order_relaxed); }
        void set(std::uint32_t octets, Instant until) {
            octets_.store(octets, std::memory_order_relaxed);
            until_us_.store(until.since_start().count(), std::memory_order_relaxed);
        }
        void forget() { until_us_.store(0, std::memory_order_relaxed); }

    private:
        std::atomic<std::int64_t> until_us_{0};
        std::atomic<std::uint32_t> octets_{0};
    };
    Aging known_, proven_, cap_;
    static constexpr unsigned doublings_max = 20;
    std::atomic<std::int64_t> next_probe_us_{0};
    std::atomic<unsigned> probes_{0};
    std::atomic<bool> peer_probes_{false};
};

// The longest inner packet, with its IP header, that a path takes in one piece; TCP streams take all. And what ESP
// carries of it: in transport mode the IP header stays outside.
std::size_t inner_mtu(const Child& child, std::uint32_t path_mtu);
std::size_t payload_mtu(const Child& child, std::uint32_t path_mtu);
// The IP packet that carries so many octets of ESP.
std::size_t outer_size(const Child& child, std::size_t esp_octets);

}  // namespace cygnet::esp
