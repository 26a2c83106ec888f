// What changes per packet on one child SA pair, and the keys: owned by the SA, shared by the successive
// forwarding tables that name it.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/instant.h"
#include "base/result.h"
#include "crypto/packet_cipher.h"
#include "crypto/packet_mac.h"
#include "esp/drop.h"
#include "esp/on_first_use.h"
#include "esp/path_mtu.h"
#include "esp/prefetch.h"
#include "esp/replay_window.h"
#include "esp/spin_lock.h"
#include "model/sa_spec.h"

namespace cygnet::esp {

// Packets, inner octets and the time of the last one; read at any time by the control thread.
class TrafficCounter {
public:
    void add(std::uint64_t packets, std::uint64_t octets, Instant now) {
        packets_.fetch_add(packets, std::memory_order_relaxed);
        octets_.fetch_add(octets, std::memory_order_relaxed);
        last_us_.store(now.since_start().count(), std::memory_order_relaxed);
    }
    std::uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }
    std::uint64_t octets() const { return octets_.load(std::memory_order_relaxed); }
    Instant last() const { return Instant::after_start(Duration(last_us_.load(std::memory_order_relaxed))); }

private:
    std::atomic<std::uint64_t> packets_{0}, octets_{0};
    std::atomic<std::int64_t> last_us_{0};
};

// Sequence numbers of an outbound SA. Any worker may reserve; none is ever given out twice, and after
// the last one there are no more (RFC 4303 §3.3.3).
class SequenceCounter {
public:
    explicit SequenceCounter(bool esn) : last_(esn ? ~0ULL : 0xffff'ffffULL) {}

    struct Range {
        std::uint64_t first;
        std::size_t count;  // fewer than wanted only at the end of the SA
    };
    Range reserve(std::size_t wanted) {
        std::uint64_t used = used_.load(std::memory_order_relaxed);
        std::size_t count;
        do {
            count = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, last_ - used));
        } while (!used_.compare_exchange_weak(used, used + count, std::memory_order_relaxed));
        return {used + 1, count};
    }
    // Jumps ahead by so many, to the end at most: after a fail-over (RFC 6311 §5.2).
    void skip(std::uint64_t count) {
        std::uint64_t used = used_.load(std::memory_order_relaxed);
        while (!used_.compare_exchange_weak(used, used + std::min(count, last_ - used), std::memory_order_relaxed)) {
        }
    }
    // Jumps ahead in tests. Never backwards.
    void skip_to(std::uint64_t used) {
        ASSERT(used >= used_.load(std::memory_order_relaxed) && used <= last_);
        used_.store(used, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> used_{0};
    std::uint64_t last_;
};

// The cipher of one direction. What a library prepares of a key for speed takes 1 KiB: an SA without packets keeps the key alone.
class SaCipher {
public:
    // The suite has this shape, and the keys its sizes.
    SaCipher(const crypto::CipherSuite& suite, bool esn, const model::DirectionKeys& keys);
    const crypto::PacketCipher& prepared() const;
    void prefetch() const {
        if (const auto* known = prepared_.peek()) esp::prefetch(known, prepared_octets);
    }

private:
    static constexpr std::size_t prepared_octets = 1088;  // AES-GCM; what lies behind a smaller one does no harm
    crypto::CipherSuite suite_;
    bool esn_;
    std::uint16_t encr_key_size_;
    SecretBytes keys_;  // encryption, then integrity
    OnFirstUse<crypto::PacketCipher> prepared_;
};

// The packets of an SPI come to one worker, but for those that the kernel has joined with packets of another SPI.
struct InboundSa {
    SpinLock lock;  // of the window, and of what the workers have told
    ReplayWindow window;
    TrafficCounter received{};
    std::uint32_t spi;
    crypto::PacketShape shape;
    SaCipher cipher;
};

struct OutboundSa {
    SaCipher cipher;
    std::uint32_t spi;
    crypto::PacketShape shape;
    SequenceCounter sequence;
    TrafficCounter sent{};
    PathMtu path_mtu{};
};

// The keys of an AH SA (esp/ah.h), in both directions.
struct AhKeys {
    crypto::MacShape shape;
    bool esn = false;
    std::unique_ptr<const crypto::PacketMac> in{}, out{};
};

struct SaRuntime {
    // Errors: unsupported (cipher, mode), bad_length (keys), bad_value (SPI, window).
    static Result<std::shared_ptr<SaRuntime>> make(const model::ChildSaSpec& spec);
    SaRuntime(const model::ChildSaSpec& spec, const crypto::PacketShape& shape);
    SaRuntime(const SaRuntime&) = delete;
    SaRuntime& operator=(const SaRuntime&) = delete;

    model::ChildUsage usage() const;

    // Workers write to one half each, mostly. What they write lies at the two ends, further apart than a cache line.
    InboundSa in;
    SaDropCounters drops;
    // What a worker has told the control thread, so that it is said once.
    std::atomic<bool> told_inbound_seen{false};
    model::Endpoint told_remote{};  // under in.lock, as the next
    Instant told_violation{};       // a packet outside the selectors
    OutboundSa out;
    std::unique_ptr<const AhKeys> ah{};  // nothing: ESP
};
static_assert(sizeof(InboundSa) - sizeof(SpinLock) - sizeof(ReplayWindow) - sizeof(TrafficCounter) + sizeof(SaCipher) >= 64);

}  // namespace cygnet::esp
