// How the SAs of a child follow its path: decision 0018 says why inbound and outbound ones differ.
#include <algorithm>

#include "dataplane/xfrm/offload.h"
#include "dataplane/xfrm_backend.h"

namespace cygnet::dataplane {

using namespace xfrm;

namespace {

// What is left of limits for a state that begins to count anew.
std::uint64_t rest_of(std::uint64_t limit, std::uint64_t used) { return limit == 0 ? 0 : std::max<std::uint64_t>(limit - std::min(limit, used), 1); }

void begin_again(State& state) {
    model::SaLimits& limits = state.limits;
    limits.soft_bytes = rest_of(limits.soft_bytes, state.bytes);
    limits.hard_bytes = rest_of(limits.hard_bytes, state.bytes);
    limits.soft_packets = rest_of(limits.soft_packets, state.packets);
    limits.hard_packets = rest_of(limits.hard_packets, state.packets);
}

bool readdressed(const model::Path& before, const model::Path& after) {
    return before.local.address != after.local.address || before.remote.address != after.remote.address;
}

}  // namespace

void XfrmBackend::move(model::ChildId id, const model::Path& path, bool udp_encapsulation) {
    const auto found = children_.find(id);
    if (found == children_.end()) return;
    Child& child = found->second;
    if (path == child.path && udp_encapsulation == child.udp_encapsulation) return;
    const Child before = child;
    forget_states(child);
    child.path = path;
    child.udp_encapsulation = udp_encapsulation;
    child.in.destination = path.local.address;
    child.out.destination = path.remote.address;
    remember_states(id, child);
    if (child.options.hw_offload != model::HwOffload::no) child.device = device_of(path.local.address);
    move_inbound(before, child);
    static_cast<void>(claim_inbound(id, child));
    if (child.draining) return;
    move_outbound(before, child);
    if (child.routed) {
        static_cast<void>(routes_->remove(child.remote));
        child.routed = route(child.local, child.remote, path.remote.address);
    }
    if (child.order != 0) static_cast<void>(claim(id, child, Direction::out));
}

// Where the addresses change the kernel does it in one step, and loses nothing of what arrives meanwhile.
void XfrmBackend::move_inbound(const Child& before, Child& after) {
    auto state = read(before.in);
    if (!state) return;
    // The kernel moves the first state of a reqid that it finds, and during a rekey there are two. It cannot take the
    // encapsulation away.
    const bool alone = std::ranges::count_if(children_, [&](const auto& other) { return other.second.reqid == before.reqid; }) == 1;
    const bool possible = alone && !before.compressed_in && before.options.hw_offload == model::HwOffload::no &&
                          (after.udp_encapsulation || !before.udp_encapsulation) && readdressed(before.path, after.path);
    Counted now{};
    if (before.compressed_in) move_compression(*before.compressed_in, after.compressed_in, after, true);
    if (!possible || !migrate_inbound(before, after, now)) replace(before.in, *state, after, true);
    after.carried_in.bytes += state->bytes - std::min(state->bytes, now.bytes);
    after.carried_in.packets += state->packets - std::min(state->packets, now.packets);
}

bool XfrmBackend::migrate_inbound(const Child& before, const Child& after, Counted& now) {
    Move step{.policy = name_of(Direction::in, before.selectors.front(), before.options),
              .reqid = before.reqid,
              .mode = before.mode,
              .old_source = before.path.remote.address,
              .old_destination = before.path.local.address,
              .new_source = after.path.remote.address,
              .new_destination = after.path.local.address,
              .protocol = before.in.protocol};
    if (after.udp_encapsulation) step.encapsulation = Encapsulation{after.path.remote.port, after.path.local.port};
    if (!kernel_->change(migrate(step))) return false;
    const auto moved = read(after.in);
    if (!moved || read(before.in)) return false;
    now = {moved->bytes, moved->packets};
    return true;
}

// Not by the kernel's migration: while it clones the state the old one still sends, and the clone repeats its numbers.
void XfrmBackend::move_outbound(const Child& before, Child& after) {
    auto state = read(before.out);
    if (!state) return;
    skip(*state, numbers_under_way);
    if (before.compressed_out) move_compression(*before.compressed_out, after.compressed_out, after, false);
    replace(before.out, *state, after, false);
    after.carried_out.bytes += state->bytes;
    after.carried_out.packets += state->packets;
}

void XfrmBackend::replace(const StateId& old, State& state, const Child& child, bool inbound) {
    lead(state, child.path, child.udp_encapsulation, inbound);
    if (state.offload) state.offload->device = child.device;
    begin_again(state);
    // One that cannot be added again is missed by usage() and by its peer: the child ends by its liveness checks.
    static_cast<void>(kernel_->change(remove_state(old)));
    static_cast<void>(kernel_->change(add_state(state)));
}

}  // namespace cygnet::dataplane
