#include "ike/sa.h"

#include <fmt/format.h>

#include <algorithm>

namespace cygnet::ike {

Handshake& IkeSa::handshake() {
    if (auto* connecting = std::get_if<Connecting>(&state)) return *connecting->handshake;
    return *std::get<Authenticating>(state).handshake;
}

const Handshake& IkeSa::handshake() const { return const_cast<IkeSa*>(this)->handshake(); }

void IkeSa::take_keys(Protection keys) {
    protection = std::move(keys);
    state = Authenticating{std::move(std::get<Connecting>(state).handshake)};
}

std::string IkeSa::name() const {
    return fmt::format("{}[{}]", connection ? connection->name : "(unnamed)", static_cast<std::uint32_t>(id));
}

void IkeSa::answer_by(const model::Path& from) {
    if (from == path) other_answer_path.reset();
    else other_answer_path = from;
}

void IkeSa::go_by(const model::Path& next) {
    const model::Path answers = answer_path();
    path = next;
    answer_by(answers);
}

void IkeSa::set_reauthenticates(std::optional<model::IkeSaId> old) {
    if (old || intent) intent.made().reauthenticates = old;
    if (established()) forget_intent();
}

void IkeSa::forget_intent() {
    if (intent && !intent->reauthenticates) intent.reset();
}

std::span<const model::IpAddress> IkeSa::own_virtual_addresses() const {
    return virtual_addresses ? std::span<const model::IpAddress>(virtual_addresses->own) : std::span<const model::IpAddress>();
}

std::span<const LeasedAddress> IkeSa::peer_virtual_addresses() const {
    return virtual_addresses ? std::span<const LeasedAddress>(virtual_addresses->peer) : std::span<const LeasedAddress>();
}

Instant IkeSa::next_deadline() const {
    Instant next = std::min(window.deadline(), *std::ranges::min_element(timers));
    for (const auto& [key, child] : children)
        next = std::min({next, child.rekey_at, child.expire_at, child.idle_at()});
    return next;
}

void Child::note_activity() {
    if (!usage) return;
    if (usage->packets_in != 0) active_at = std::max(active_at, usage->last_in);
    if (usage->packets_out != 0) active_at = std::max(active_at, usage->last_out);
}

Instant Child::idle_at() const {
    if (config->inactivity <= Duration{0} || replacement || redundant) return Instant::never();
    return active_at + config->inactivity;
}

Child* IkeSa::child_with_spi_in(std::uint32_t spi) {
    for (auto& [key, child] : children)
        if (child.spi_in == spi) return &child;
    return nullptr;
}

Child* IkeSa::child_with_spi_out(model::Protocol protocol, std::uint32_t spi) {
    for (auto& [key, child] : children)
        if (child.spi_out == spi && child.protocol() == protocol) return &child;
    return nullptr;
}

ChildAddresses IkeSa::child_addresses() const {
    const auto vips = own_virtual_addresses();
    ChildAddresses addresses{.local = {vips.begin(), vips.end()}, .remote = {}};
    if (addresses.local.empty()) addresses.local.push_back(path.local.address);
    for (const LeasedAddress& lease : peer_virtual_addresses()) addresses.remote.push_back(lease.address);
    if (addresses.remote.empty()) addresses.remote.push_back(path.remote.address);
    return addresses;
}

OuterPath IkeSa::outer() const {
    return {.local = path.local.address,
            .remote = path.remote.address,
            .nat_local = nat_local,
            .nat_remote = nat_remote,
            .encapsulated = carriage().udp_encapsulation || path.tcp()};
}

}  // namespace cygnet::ike
