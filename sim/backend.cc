#include "sim/backend.h"

#include <algorithm>

namespace cygnet::sim {
namespace {

constexpr std::uint64_t window_packets = 64;

// FNV-1a: no more than a name for the keys.
std::uint64_t mix(std::uint64_t digest, ByteView octets) {
    for (const std::uint8_t octet : octets) digest = (digest ^ octet) * 0x100000001b3U;
    return digest;
}

bool contains(const model::TrafficSelectors& selectors, const model::IpAddress& address) {
    return std::ranges::any_of(selectors, [&](const auto& one) { return one.addresses.contains(address); });
}

// RFC 4303 §3.4.3.
bool passes_window(FakeBackend::Pair& pair, std::uint64_t sequence) {
    if (sequence > pair.highest_in) {
        const std::uint64_t ahead = sequence - pair.highest_in;
        pair.window = ahead >= window_packets ? 1 : pair.window << ahead | 1;
        pair.highest_in = sequence;
        return true;
    }
    const std::uint64_t behind = pair.highest_in - sequence;
    if (behind >= window_packets || (pair.window >> behind & 1) != 0) return false;
    pair.window |= std::uint64_t{1} << behind;
    return true;
}

}  // namespace

std::uint64_t digest_of(const model::ChildSaSpec& spec, const model::DirectionKeys& keys) {
    const std::uint16_t cpi = &keys == &spec.in ? spec.ipcomp.cpi_in : spec.ipcomp.cpi_out;
    const std::uint16_t shape[] = {static_cast<std::uint16_t>(spec.encr), spec.key_bits, static_cast<std::uint16_t>(spec.integ), spec.esn,
                                   static_cast<std::uint16_t>(spec.mode), cpi};
    std::uint64_t digest = 0xcbf29ce484222325U;
    for (const std::uint16_t value : shape) digest = mix(digest, Bytes{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
    return mix(mix(digest, keys.encr.reveal()), keys.integ.reveal());
}

bool FakeBackend::install(const model::ChildSaSpec& spec) {
    for (const auto& [id, pair] : pairs_)
        if (pair.spi_in == spec.spi_in || id == spec.id) return false;
    pairs_[spec.id] = {.id = spec.id,
                       .spi_in = spec.spi_in,
                       .spi_out = spec.spi_out,
                       .digest_in = digest_of(spec, spec.in),
                       .digest_out = digest_of(spec, spec.out),
                       .local = spec.local,
                       .remote = spec.remote,
                       .path = spec.path,
                       .udp_encapsulation = spec.udp_encapsulation,
                       .activation = spec.outbound_active ? ++activations_ : 0,
                       .resource = spec.resource,
                       .per_resource = spec.per_resource};
    return true;
}

bool FakeBackend::activate(model::ChildId child, model::Resource resource) {
    const auto found = pairs_.find(child);
    if (found == pairs_.end() || found->second.removed) return false;
    found->second.activation = ++activations_;
    found->second.resource = resource;
    return true;
}

bool FakeBackend::remove(model::ChildId child, Instant until) {
    const auto found = pairs_.find(child);
    if (found == pairs_.end() || found->second.removed) return false;
    found->second.removed = until;
    return true;
}

bool FakeBackend::move(model::ChildId child, const model::Path& path, bool udp_encapsulation) {
    const auto found = pairs_.find(child);
    if (found == pairs_.end() || found->second.removed) return false;
    found->second.path = path;
    found->second.udp_encapsulation = udp_encapsulation;
    return true;
}

bool FakeBackend::install_policy(const model::PolicySpec& spec) { return policies_.emplace(spec.id, spec).second; }

bool FakeBackend::remove_policy(model::PolicyId policy) { return policies_.erase(policy) != 0; }

std::optional<model::PolicyId> FakeBackend::trap_for(const InnerPacket& inner) const {
    for (const auto& [id, policy] : policies_)
        if (policy.kind == model::PolicyKind::trap && contains(policy.local, inner.source) &&
            contains(policy.remote, inner.destination))
            return id;
    return std::nullopt;
}

bool FakeBackend::skip_sequence_numbers(model::ChildId child, std::uint64_t count) {
    const auto found = pairs_.find(child);
    if (found == pairs_.end() || found->second.removed) return false;
    found->second.next_sequence += count;
    return true;
}

std::optional<OutboundPacket> FakeBackend::send(const InnerPacket& inner, Instant now, model::Resource worker) {
    const auto rank = [worker](const Pair& pair) {
        const int whose = pair.resource == worker ? 2 : pair.resource == model::every_resource ? 1 : 0;
        return std::pair{whose, pair.activation};
    };
    Pair* chosen = nullptr;
    for (auto& [id, pair] : pairs_) {
        if (pair.removed || pair.activation == 0) continue;
        if (!contains(pair.local, inner.source) || !contains(pair.remote, inner.destination)) continue;
        if (chosen == nullptr || rank(pair) > rank(*chosen)) chosen = &pair;
    }
    if (chosen == nullptr) return std::nullopt;
    ++chosen->usage.packets_out;
    chosen->usage.last_out = now;
    return OutboundPacket{.packet = {.spi = chosen->spi_out, .sequence = chosen->next_sequence++, .key_digest = chosen->digest_out, .inner = inner},
                          .path = chosen->path,
                          .udp_encapsulation = chosen->udp_encapsulation,
                          .child = chosen->id,
                          .wishes_own = chosen->per_resource && chosen->resource != worker && worker != model::every_resource};
}

FakeBackend::Inbound FakeBackend::receive(const EspPacket& packet, Instant now) {
    std::erase_if(pairs_, [now](const auto& entry) { return entry.second.removed && *entry.second.removed <= now; });
    const auto found = std::ranges::find_if(pairs_, [&](const auto& entry) { return entry.second.spi_in == packet.spi; });
    if (found == pairs_.end()) return {.verdict = Verdict::unknown_spi};
    Pair& pair = found->second;
    if (pair.digest_in != packet.key_digest) return {.verdict = Verdict::wrong_key, .child = pair.id};
    if (!passes_window(pair, packet.sequence)) return {.verdict = Verdict::replayed, .child = pair.id};
    if (!contains(pair.local, packet.inner.destination) || !contains(pair.remote, packet.inner.source))
        return {.verdict = Verdict::wrong_selector, .child = pair.id};
    ++pair.usage.packets_in;
    pair.usage.last_in = now;
    return {.verdict = Verdict::delivered, .child = pair.id, .first_use = pair.activation == 0 && !pair.removed};
}

std::size_t FakeBackend::living() const {
    return static_cast<std::size_t>(std::ranges::count_if(pairs_, [](const auto& entry) { return !entry.second.removed; }));
}

}  // namespace cygnet::sim
