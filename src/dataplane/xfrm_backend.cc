#include "dataplane/xfrm_backend.h"

#include <net/if.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "dataplane/xfrm/offload.h"
#include "dataplane/xfrm/selectors.h"
#include "dataplane/xfrm/sockets.h"
#include "dataplane/xfrm/statistics.h"
#include "dataplane/xfrm/suites.h"
#include "model/limits.h"
#include "os/event_loop.h"

namespace cygnet::dataplane {

using namespace xfrm;

namespace {

// Reqids of our own, by which we know again what a cygnetd that was killed left behind.
constexpr std::uint32_t first_reqid = 0x4379'0000, last_reqid = 0x4379'ffff;

// A window that the kernel takes: it has no ESN without one, on either side.
std::uint32_t window_of(const model::ChildSaSpec& spec, bool inbound) {
    constexpr std::uint32_t least = 32;
    const std::uint32_t window = std::min(spec.replay_window, model::limits::kernel_replay_window_packets_max);
    if (spec.esn && window == 0) return model::limits::kernel_replay_window_packets_max;  // as good as none
    return inbound ? window : (spec.esn ? least : 0);
}

// Policies of a mark or an interface are for packets that somebody else leads there; a route would lead others past them.
bool for_all_packets(const model::KernelOptions& options) { return options.mark_out.mask == 0 && options.if_id_out == 0; }

model::IpAddress loopback(model::Family family) {
    return *model::IpAddress::parse(family == model::Family::v4 ? "127.0.0.1" : "::1");
}

// What both states of a pair have alike.
// BEET mode: what the header says that does not travel. Whichever protocols there are is the policies' affair.
Selector inner_addresses(const model::ChildSaSpec& spec, bool inbound) {
    const auto host = [](const model::TrafficSelectors& selectors) {
        const model::IpAddress& address = selectors.front().addresses.first;
        return Prefix{address, static_cast<unsigned>(8 * address.bytes().size())};
    };
    return {.source = host(inbound ? spec.remote : spec.local), .destination = host(inbound ? spec.local : spec.remote)};
}

State half_of(const model::ChildSaSpec& spec, bool inbound) {
    State state;
    state.mode = spec.mode;
    if (spec.mode == model::ChildMode::beet) state.selector = inner_addresses(spec, inbound);
    state.esn = spec.esn;
    state.replay.window = window_of(spec, inbound);
    state.limits = spec.limits;
    state.copy_dscp_in = spec.headers.dscp_in;
    state.copy_dscp_out = spec.headers.dscp_out;
    state.copy_ecn = spec.headers.copy_ecn;
    state.copy_df = spec.headers.dont_fragment == model::DontFragment::copy;
    state.unrelated_icmp = spec.icmp_errors != model::IcmpErrors::no;
    return state;
}

}  // namespace

// ---- start and end ------------------------------------------------------------------------------

Result<std::unique_ptr<XfrmBackend>> XfrmBackend::open(const XfrmConfig& config, BackendEvents events) {
    auto kernel = TRY(open_kernel());
    auto backend = std::make_unique<XfrmBackend>(std::move(kernel), config, std::move(events));
    TRY(backend->probe());
    backend->port_ = TRY(IkePort::open(config.port));
    backend->timer_ = os::Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    for (const int fd : {backend->kernel_->event_fd(), backend->timer_.number()}) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        if (::epoll_ctl(backend->epoll_.number(), EPOLL_CTL_ADD, fd, &event) != 0)
            return fail(Errc::system, "epoll", std::strerror(errno));
    }
    // Who has the port is the only cygnetd here.
    backend->remove_leftovers();
    TRY(backend->open_routes());
    if (!config.refused_icmp.empty())
        backend->icmp_check_.emplace(TRY(
            ClearCheck::open({.mark = config.mark, .ports = {config.port, config.ike_port}, .refused = config.refused_icmp})));
    for (const os::UdpSocket& socket : backend->port_->sockets()) {
        TRY(take_esp_out(socket.fd()));
        TRY(backend->exempt_from_tunnel(socket.fd()));
    }
    return backend;
}

XfrmBackend::XfrmBackend(std::unique_ptr<Kernel> kernel, const XfrmConfig& config, BackendEvents events)
    : kernel_(std::move(kernel)),
      config_(config),
      events_(std::move(events)),
      claims_(*kernel_),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      next_reqid_(first_reqid) {}

XfrmBackend::~XfrmBackend() {
    claims_.withdraw_all();
    for (const auto& [id, child] : children_) {
        if (child.has_in) static_cast<void>(kernel_->change(remove_state(child.in)));
        if (child.has_out) static_cast<void>(kernel_->change(remove_state(child.out)));
        remove_compression(child.compressed_in);
        remove_compression(child.compressed_out);
    }
}

Result<> XfrmBackend::open_routes() {
    netlink_.emplace(TRY(Netlink::open()));
    // What a process that was killed left behind: no device of its own took it along.
    netlink_->clear_table(config_.routing_table);
    // Virtual addresses are the loopback device's: from there no packet leaves by mistake.
    routes_.emplace(TRY(Routes::open(TRY(Netlink::open()), {.device = ::if_nametoindex("lo"),
                                                            .table = config_.routing_table,
                                                            .priority = config_.rule_priority,
                                                            .mark = config_.mark})));
    return {};
}

// Any cipher will do: a kernel without ESP takes none.
Result<> XfrmBackend::probe() {
    for (const model::Encr encr : {model::Encr::aes_gcm_16, model::Encr::aes_cbc, model::Encr::chacha20_poly1305})
        if (can(model::Transform::of(encr))) return {};
    return fail(Errc::unsupported, "kernel ESP",
                "the kernel has no ESP that Cygnet can use (CONFIG_INET_ESP and CONFIG_INET6_ESP; modprobe esp4, esp6): use "
                "Cygnet's own (--esp userspace)");
}

void XfrmBackend::remove_leftovers() {
    const auto ours = [](std::uint32_t reqid) { return first_reqid <= reqid && reqid <= last_reqid; };
    if (const auto policies = kernel_->list(XFRM_MSG_GETPOLICY))
        for (const SecretBytes& body : *policies) {
            const auto policy = read_policy(body.reveal());
            if (policy && policy->action.protect && ours(policy->action.protect->reqid))
                static_cast<void>(kernel_->change(xfrm::remove_policy(policy->name)));
        }
    if (const auto states = kernel_->list(XFRM_MSG_GETSA))
        for (const SecretBytes& body : *states) {
            const auto state = read_state(body.reveal());
            if (state && ours(state->reqid)) static_cast<void>(kernel_->change(remove_state(state->id)));
        }
}

// ---- what the kernel can ------------------------------------------------------------------------

// Tried once, with a state between this host and itself that is gone at once.
bool XfrmBackend::can(const model::Transform& transform) const {
    const bool encryption = transform.type == model::TransformType::encr;
    if (!encryption && transform.type != model::TransformType::integ) return true;
    if (!encryption && transform.id == static_cast<std::uint16_t>(model::Integ::none)) return true;
    const std::uint16_t key_bits = encryption ? transform.key_bits.value_or(0) : 0;
    const std::pair<std::uint32_t, std::uint16_t> key{static_cast<std::uint32_t>(transform.type) << 16 | transform.id, key_bits};
    if (const auto known = known_.find(key); known != known_.end()) return known->second;

    const auto encr = encryption ? static_cast<model::Encr>(transform.id) : model::Encr::null;
    const auto integ = encryption ? model::Integ::hmac_sha2_256_128 : static_cast<model::Integ>(transform.id);
    const auto encr_octets = key_octets(encr, key_bits), integ_octets = key_octets(integ);
    bool possible = encr_octets && integ_octets;
    if (possible) {
        model::DirectionKeys keys{.encr = SecretBytes(*encr_octets), .integ = SecretBytes(*integ_octets)};
        // Some ciphers refuse weak keys, of which all zeros is one.
        for (std::size_t i = 0; i < *encr_octets; ++i) keys.encr.reveal_for_writing()[i] = static_cast<std::uint8_t>(i * 7 + 1);
        State state;
        state.id = {.spi = 0x100, .destination = loopback(model::Family::v4)};
        state.source = state.id.destination;
        state.reqid = first_reqid;
        state.suite = *suite_of(encr, integ, keys);
        const auto tried = kernel_->change(add_state(state));
        if (tried) static_cast<void>(kernel_->change(remove_state(state.id)));
        possible = tried || (tried.error().number != ENOSYS && tried.error().number != ENOENT && tried.error().number != EPROTONOSUPPORT &&
                             tried.error().number != EINVAL);
    }
    known_[key] = possible;
    return possible;
}

// ---- policies of children -----------------------------------------------------------------------

PolicyName XfrmBackend::name_of(Direction direction, const Selector& outbound, const model::KernelOptions& options) const {
    const bool out = direction == Direction::out;
    return {.direction = direction,
            .selector = out ? outbound : reversed(outbound),
            .mark = out ? options.mark_out : options.mark_in,
            .interface = out ? options.if_id_out : options.if_id_in};
}

// The SA that sends is named; received packets may come on each of a group, as during a rekey.
PolicyAction XfrmBackend::action_of(const Child& child, Direction direction, const Selector& outbound) const {
    Template protect{.reqid = child.reqid, .mode = child.mode, .protocol = child.out.protocol};
    if (direction == Direction::out) {
        protect.source = child.path.local.address;
        protect.destination = child.path.remote.address;
        protect.spi = child.out.spi;
    } else {
        protect.source = child.path.remote.address;
        protect.destination = child.path.local.address;
    }
    const auto compress = compression_of(child, protect, direction);
    if (compress) protect.mode = model::ChildMode::transport;
    PolicyAction action{.protect = protect, .compress = compress, .priority = child.options.priority != 0 ? child.options.priority : priority_of(outbound)};
    if (child.options.hw_offload == model::HwOffload::packet) action.offload = Offload{.device = child.device, .packets = true};
    return action;
}

Result<> XfrmBackend::claim(model::ChildId id, const Child& child, Direction direction) {
    for (const Selector& selector : child.selectors) {
        const auto put = claims_.put(name_of(direction, selector, child.options), id, std::max<std::uint64_t>(child.order, 1),
                                     action_of(child, direction, selector));
        if (!put) return fail(explained(put.error(), "policy", "a policy"));
    }
    return {};
}

void XfrmBackend::withdraw(const Owner& owner, Direction direction, const std::vector<Selector>& selectors,
                           const model::KernelOptions& options) {
    for (const Selector& selector : selectors) claims_.withdraw(name_of(direction, selector, options), owner);
}

Result<> XfrmBackend::claim_inbound(model::ChildId id, const Child& child) {
    TRY(claim(id, child, Direction::in));
    if (child.mode == model::ChildMode::tunnel) TRY(claim(id, child, Direction::forward));
    return {};
}

// ---- routes -------------------------------------------------------------------------------------

// Without a route a packet meets no policy, and with another one it may have an address that the policy does not know.
bool XfrmBackend::route(const model::TrafficSelectors& local, const model::TrafficSelectors& remote, const model::IpAddress& towards) {
    if (!routes_) return false;
    const auto device = netlink_->device_towards(towards, config_.mark);
    if (!device || *device == 0) return false;
    if (routes_->add(local, remote, 0, *device)) return true;
    static_cast<void>(routes_->remove(remote));
    return false;
}

// ---- children -----------------------------------------------------------------------------------

void XfrmBackend::choose_reqid(const model::ChildSaSpec& spec, Child& child) {
    child.reqid = spec.reqid;
    if (spec.reqid != 0) return;
    child.group = Group{spec.local, spec.remote, spec.mode};
    Reqid& reqid = reqids_[*child.group];
    if (reqid.users++ == 0) {
        reqid.number = next_reqid_;
        next_reqid_ = next_reqid_ == last_reqid ? first_reqid : next_reqid_ + 1;
    }
    child.reqid = reqid.number;
}

void XfrmBackend::release_reqid(const Child& child) {
    if (!child.group) return;
    const auto reqid = reqids_.find(*child.group);
    if (reqid != reqids_.end() && --reqid->second.users == 0) reqids_.erase(reqid);
}

Result<> XfrmBackend::install(model::ChildSaSpec spec) {
    if (children_.contains(spec.id)) return fail(Errc::state, "child", "installed already");
    if (by_spi_in_.contains(spec.spi_in)) return fail(Errc::state, "child", fmt::format("SPI {:08x} is in use", spec.spi_in));
    if (spec.path.tcp())
        return fail(Errc::unsupported, "TCP", "the kernel's ESP does not travel in Cygnet's TCP streams: set tcp = no, or use --esp userspace");
    if (spec.per_resource)
        return fail(Errc::unsupported, "per_cpu_sas", "Cygnet binds no SA of the kernel to a CPU: set per_cpu_sas = no, or use --esp userspace");
    if (spec.headers.dont_fragment == model::DontFragment::set)
        return fail(Errc::unsupported, "copy_df", "the kernel's ESP copies DF or clears it: set copy_df = yes or no, or use --esp userspace");
    if (spec.icmp_errors == model::IcmpErrors::checked)
        return fail(Errc::unsupported, "icmp", "the kernel's ESP does not look into ICMP errors of its selectors: set icmp = yes or no, or use --esp userspace");
    Child child{.path = spec.path, .udp_encapsulation = spec.udp_encapsulation, .mode = spec.mode, .local = spec.local,
                .remote = spec.remote,
                .options = spec.kernel};
    child.selectors = TRY(selectors_of(spec.local, spec.remote));
    if (spec.mode == model::ChildMode::beet && spec.ipcomp.agreed())
        return fail(Errc::unsupported, "IPComp", "the kernel does not compress in BEET mode: set ipcomp = no, or use --esp userspace");
    State in = half_of(spec, true), out = half_of(spec, false);
    const bool ah = spec.protocol == model::Protocol::ah;
    in.suite = TRY(ah ? ah_suite_of(spec.integ, spec.in) : suite_of(spec.encr, spec.integ, spec.in));
    out.suite = TRY(ah ? ah_suite_of(spec.integ, spec.out) : suite_of(spec.encr, spec.integ, spec.out));
    in.id.protocol = out.id.protocol = ah ? IPPROTO_AH : IPPROTO_ESP;
    lead(in, spec.path, spec.udp_encapsulation, true);
    lead(out, spec.path, spec.udp_encapsulation, false);
    in.id.spi = spec.spi_in;
    out.id.spi = spec.spi_out;
    if (spec.kernel.mark_in_sa) in.id.mark = spec.kernel.mark_in;
    out.id.mark = spec.kernel.mark_out;
    in.set_mark = spec.kernel.set_mark_in;
    out.set_mark = spec.kernel.set_mark_out.mask != 0 ? spec.kernel.set_mark_out : Mark{config_.mark, ~0U};
    in.interface = spec.kernel.if_id_in;
    out.interface = spec.kernel.if_id_out;
    // 0xffffffff: as large as the path takes, which the kernel cuts it to.
    out.tfc_padding = spec.tfc_padding;
    // The first packet is told, so that we know that the peer uses it.
    if (!spec.outbound_active) in.limits.soft_packets = 1;
    child.in = in.id;
    child.out = out.id;
    choose_reqid(spec, child);
    in.reqid = out.reqid = child.reqid;
    if (spec.outbound_active) child.order = ++activations_;

    if (spec.kernel.hw_offload != model::HwOffload::no) child.device = device_of(spec.path.local.address);
    in.offload = offload_of(spec.kernel.hw_offload, child.device, true);
    out.offload = offload_of(spec.kernel.hw_offload, child.device, false);

    const auto added = children_.emplace(spec.id, std::move(child)).first;
    remember_states(spec.id, added->second);
    const auto put = [&]() -> Result<> {
        if (spec.ipcomp.agreed()) TRY(add_compression(spec, in, out, added->second));
        TRY(add(in, spec.kernel.hw_offload));
        added->second.has_in = true;
        TRY(add(out, spec.kernel.hw_offload));
        added->second.has_out = true;
        TRY(claim_inbound(spec.id, added->second));
        if (spec.outbound_active) TRY(claim(spec.id, added->second, Direction::out));
        return {};
    }();
    if (!put) {
        forget(added);
        return put;
    }
    // Packets of transport mode have the addresses of the hosts; they find their way.
    if (spec.mode != model::ChildMode::transport && for_all_packets(spec.kernel)) added->second.routed = route(spec.local, spec.remote, spec.path.remote.address);
    return put;
}

// A device that cannot is not always refused: then the kernel computes itself, which only "auto" allows.
Result<> XfrmBackend::add(State& state, model::HwOffload wish) {
    auto made = kernel_->change(add_state(state));
    if (!made && wish == model::HwOffload::automatic) {
        state.offload.reset();
        made = kernel_->change(add_state(state));
    }
    if (!made) return fail(explained(made.error(), "state", fmt::format("the SA {:08x}", state.id.spi)));
    if (wish == model::HwOffload::no || wish == model::HwOffload::automatic) return {};
    const auto there = read(state.id);
    if (there && there->offload) return {};
    static_cast<void>(kernel_->change(remove_state(state.id)));
    return fail(Errc::unsupported, "hw_offload",
                fmt::format("the device of {} does no ESP: set hw_offload = no or auto",
                            (state.offload->inbound ? state.id.destination : state.source).text()));
}

void XfrmBackend::activate(model::ChildId id, model::Resource) {
    const auto found = children_.find(id);
    if (found == children_.end() || found->second.draining || found->second.order != 0) return;
    found->second.order = ++activations_;
    // The names are the kernel's already, or were free a moment ago; without them the child's packets meet no policy of it.
    static_cast<void>(claim_inbound(id, found->second));
    static_cast<void>(claim(id, found->second, Direction::out));
}

void XfrmBackend::remove(model::ChildId id, Duration grace) {
    const auto found = children_.find(id);
    if (found == children_.end()) return;
    Child& child = found->second;
    if (grace <= Duration{0}) return forget(found);
    if (child.draining) return;
    child.draining = true;
    if (std::exchange(child.routed, false)) static_cast<void>(routes_->remove(child.remote));
    withdraw(id, Direction::out, child.selectors, child.options);
    if (std::exchange(child.has_out, false)) static_cast<void>(kernel_->change(remove_state(child.out)));
    remove_compression(std::exchange(child.compressed_out, std::nullopt));
    graces_.emplace(config_.now() + grace, id);
    set_timer();
}

void XfrmBackend::remember_states(model::ChildId id, const Child& child) {
    by_spi_in_[child.in.spi] = id;
    by_state_.emplace(child.in, id);
    by_state_.emplace(child.out, id);
}

void XfrmBackend::forget_states(const Child& child) {
    const auto id = by_spi_in_.extract(child.in.spi);
    for (const StateId& state : {child.in, child.out})
        if (const auto found = by_state_.find(state); found != by_state_.end() && found->second == id.mapped()) by_state_.erase(found);
}

void XfrmBackend::forget(std::map<model::ChildId, Child>::iterator found) {
    const auto& [id, child] = *found;
    if (child.routed) static_cast<void>(routes_->remove(child.remote));
    for (const Direction direction : {Direction::out, Direction::forward, Direction::in})
        withdraw(id, direction, child.selectors, child.options);
    // What was refused because somebody else has it stays his.
    if (child.has_out) static_cast<void>(kernel_->change(remove_state(child.out)));
    if (child.has_in) static_cast<void>(kernel_->change(remove_state(child.in)));
    remove_compression(child.compressed_out);
    remove_compression(child.compressed_in);
    forget_states(child);
    release_reqid(child);
    children_.erase(found);
}

void XfrmBackend::end_graces() {
    const Instant now = config_.now();
    while (!graces_.empty() && graces_.begin()->first <= now) {
        const auto ended = children_.find(graces_.begin()->second);
        graces_.erase(graces_.begin());
        if (ended != children_.end()) forget(ended);  // it may have gone early
    }
    set_timer();
}

void XfrmBackend::set_timer() {
    itimerspec when{};
    if (!graces_.empty()) {
        const std::int64_t us = std::max<std::int64_t>((graces_.begin()->first - config_.now()).count(), 1);
        when.it_value = {.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
    }
    if (timer_.open()) ::timerfd_settime(timer_.number(), 0, &when, nullptr);
}

// ---- traps and shunts ---------------------------------------------------------------------------

Result<> XfrmBackend::install_policy(const model::PolicySpec& spec) {
    if (policies_.contains(spec.id)) return fail(Errc::state, "policy", "installed already");
    auto selectors = TRY(selectors_of(spec.local, spec.remote));
    Policy policy{.kind = spec.kind, .reqid = spec.reqid, .selectors = std::move(selectors), .remote = spec.remote, .options = spec.kernel};
    Policy& added = policies_.emplace(spec.id, std::move(policy)).first->second;
    for (const Selector& selector : added.selectors) {
        PolicyAction action{.drop = spec.kind == model::PolicyKind::drop,
                            .priority = spec.kernel.priority != 0 ? spec.kernel.priority : priority_of(selector)};
        // Where the peer is does not matter: the state that the packet asks for is never made like that.
        const auto nowhere = loopback(selector.source.address.family());
        if (spec.kind == model::PolicyKind::trap) action.protect = Template{.source = nowhere, .destination = nowhere, .reqid = spec.reqid};
        for (const Direction direction : {Direction::in, Direction::forward, Direction::out}) {
            const auto put = claims_.put(name_of(direction, selector, spec.kernel), spec.id, 0, action);
            if (put) continue;
            remove_policy(spec.id);
            return fail(explained(put.error(), "policy", "a policy"));
        }
    }
    if (spec.kind == model::PolicyKind::trap && for_all_packets(spec.kernel)) added.routed = route(spec.local, spec.remote, spec.remote.front().addresses.first);
    return {};
}

void XfrmBackend::remove_policy(model::PolicyId id) {
    const auto found = policies_.find(id);
    if (found == policies_.end()) return;
    if (found->second.routed) static_cast<void>(routes_->remove(found->second.remote));
    for (const Direction direction : {Direction::out, Direction::forward, Direction::in})
        withdraw(id, direction, found->second.selectors, found->second.options);
    policies_.erase(found);
}

// ---- counters -----------------------------------------------------------------------------------

std::expected<State, Refusal> XfrmBackend::read(const StateId& id) const {
    auto body = kernel_->ask(get_state(id));
    if (!body) return std::unexpected(body.error());
    auto state = read_state(body->reveal());
    if (!state) return std::unexpected(Refusal{.number = EBADMSG});
    return std::move(*state);
}

void XfrmBackend::skip_sequence_numbers(model::ChildId id, std::uint64_t count) {
    const auto found = children_.find(id);
    if (found == children_.end()) return;
    auto state = read(found->second.out);
    if (!state) return;
    xfrm::skip(*state, count);
    xfrm::skip(*state, numbers_under_way);
    static_cast<void>(kernel_->change(set_replay(found->second.out, state->replay)));
}

std::optional<State> XfrmBackend::counted(const StateId& id, const std::optional<Counted>& ended) const {
    if (ended) {
        State state;
        state.bytes = ended->bytes;
        state.packets = ended->packets;
        return state;
    }
    auto state = read(id);
    if (!state) return std::nullopt;
    return std::move(*state);
}

std::optional<model::ChildUsage> XfrmBackend::usage(model::ChildId id) const {
    const auto found = children_.find(id);
    if (found == children_.end()) return std::nullopt;
    const Instant now = config_.now();
    const std::int64_t unix_now = config_.unix_seconds();
    const auto at = [&](const State& state) {
        const auto used = static_cast<std::int64_t>(state.last_used);
        return used == 0 || used > unix_now ? now : now - std::min<Duration>(seconds(unix_now - used), now - Instant{});
    };
    model::ChildUsage usage;
    if (const auto in = counted(found->second.in, found->second.ended_in)) {
        usage.bytes_in = in->bytes + found->second.carried_in.bytes;
        usage.packets_in = in->packets + found->second.carried_in.packets;
        usage.last_in = at(*in);
    }
    if (const auto out = counted(found->second.out, found->second.ended_out)) {
        usage.bytes_out = out->bytes + found->second.carried_out.bytes;
        usage.packets_out = out->packets + found->second.carried_out.packets;
        usage.last_out = at(*out);
    }
    return usage;
}

model::PacketDrops XfrmBackend::packet_drops() const {
    model::PacketDrops drops = kernel_drops();
    drops.push_back({"icmp-refused", icmp_check_ ? icmp_check_->counts().icmp_refused : 0});
    return drops;
}

// ---- events -------------------------------------------------------------------------------------

void XfrmBackend::dispatch_events() {
    std::uint64_t expirations;
    if (timer_.open() && ::read(timer_.number(), &expirations, sizeof expirations) > 0) end_graces();
    for (const KernelEvent& event : kernel_->events()) std::visit([this](const auto& one) { take(one); }, event);
}

void XfrmBackend::take(const Acquire& event) {
    for (const auto& [id, policy] : policies_)
        if (policy.kind == model::PolicyKind::trap && policy.reqid == event.reqid) {
            if (events_.acquire) events_.acquire(id, ends_of(event.flow));
            return;
        }
}

void XfrmBackend::take(const Expire& event) {
    const auto found = by_state_.find(event.id);
    if (found == by_state_.end()) return;
    const model::ChildId id = found->second;
    Child& child = children_.at(id);
    const bool in = child.in == event.id;
    if (event.hard) (in ? child.ended_in : child.ended_out) = Counted{event.bytes, event.packets};
    if (in && !event.hard && child.order == 0) {
        if (events_.inbound_seen) events_.inbound_seen(id);
    } else if (events_.limit_reached) {
        events_.limit_reached(id);
    }
}

void XfrmBackend::take(const Mapping& event) {
    const auto child = by_spi_in_.find(event.id.spi);
    if (child == by_spi_in_.end()) return;
    const Child& moved = children_.at(child->second);
    if (event.id.destination != moved.in.destination || event.from == moved.path.remote) return;
    model::Path path = moved.path;
    path.remote = event.from;
    if (events_.peer_moved) events_.peer_moved(child->second, path);
}

// ---- the port and the host ----------------------------------------------------------------------

Result<> XfrmBackend::add_address(const model::IpAddress& address) { return routes_->add_address(address); }

Result<> XfrmBackend::remove_address(const model::IpAddress& address) { return routes_->remove_address(address); }

Result<> XfrmBackend::exempt_from_tunnel(int socket) const {
    TRY(bypass(socket));
    if (::setsockopt(socket, SOL_SOCKET, SO_MARK, &config_.mark, sizeof config_.mark) == 0) return {};
    return fail(Errc::system, "SO_MARK", std::strerror(errno));
}

std::string XfrmBackend::description() const {
    return fmt::format("ESP of the kernel, in UDP port {} and in IP protocol 50", config_.port);
}

}  // namespace cygnet::dataplane
