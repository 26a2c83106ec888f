// A data plane without kernel and without ciphers: an "encrypted" packet carries the digest of its keys, and
// whoever holds the same keys under the same SPI can read it. It follows effects as the real one does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/instant.h"
#include "model/sa_spec.h"

namespace cygnet::sim {

struct InnerPacket {
    model::IpAddress source, destination;
    std::uint64_t serial = 0;              // names it in the checkers' books
};
struct EspPacket {
    std::uint32_t spi = 0;
    std::uint64_t sequence = 0;
    std::uint64_t key_digest = 0;          // in place of ciphertext and ICV
    InnerPacket inner{};
};
// What a packet needs to get out: the outer path and the form.
struct OutboundPacket {
    EspPacket packet;
    model::Path path;
    bool udp_encapsulation = false;
    model::ChildId child{};
    bool wishes_own = false;  // the worker may have an SA of its own (RFC 9611)
};

// Equal for both ends of one direction, and only for them: the keys, the mode and the index of compression.
std::uint64_t digest_of(const model::ChildSaSpec& spec, const model::DirectionKeys& keys);

class FakeBackend {
public:
    enum class Verdict : std::uint8_t { delivered, unknown_spi, wrong_key, replayed, wrong_selector };
    struct Inbound {
        Verdict verdict{};
        model::ChildId child{};
        bool first_use = false;            // the child's outbound half waits for this (RFC 7296 §2.8)
    };

    // False when the effect makes no sense: unknown children, an SPI that is in use.
    bool install(const model::ChildSaSpec& spec);
    bool activate(model::ChildId child, model::Resource resource);
    bool remove(model::ChildId child, Instant until);
    bool move(model::ChildId child, const model::Path& path, bool udp_encapsulation);
    bool skip_sequence_numbers(model::ChildId child, std::uint64_t count);

    bool install_policy(const model::PolicySpec& spec);
    bool remove_policy(model::PolicyId policy);
    // The trap that a packet meets which no SA takes; nothing if there is none.
    std::optional<model::PolicyId> trap_for(const InnerPacket& inner) const;
    const std::map<model::PolicyId, model::PolicySpec>& policies() const { return policies_; }

    // Through the SA that was activated last among those whose selectors match, the worker's own before one of all; nothing
    // without one.
    std::optional<OutboundPacket> send(const InnerPacket& inner, Instant now, model::Resource worker = model::every_resource);
    Inbound receive(const EspPacket& packet, Instant now);

    struct Pair {
        model::ChildId id{};
        std::uint32_t spi_in = 0, spi_out = 0;
        std::uint64_t digest_in = 0, digest_out = 0;
        model::TrafficSelectors local{}, remote{};
        model::Path path{};
        bool udp_encapsulation = false;
        std::uint64_t activation = 0;      // 0: outbound is not active
        model::Resource resource = model::every_resource;
        bool per_resource = false;
        std::optional<Instant> removed{};  // inbound ends then
        std::uint64_t next_sequence = 1;
        std::uint64_t highest_in = 0, window = 0;
        model::ChildUsage usage{};
    };
    const std::map<model::ChildId, Pair>& pairs() const { return pairs_; }
    std::size_t living() const;            // not removed, grace periods not counted

private:
    std::map<model::ChildId, Pair> pairs_{};
    std::map<model::PolicyId, model::PolicySpec> policies_{};
    std::uint64_t activations_ = 0;
};

}  // namespace cygnet::sim
