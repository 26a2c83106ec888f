#include "dataplane/userspace_backend.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <thread>

#include "dataplane/bypass.h"
#include "dataplane/clear_check.h"
#include "dataplane/kernel_path_mtu.h"
#include "dataplane/routes.h"
#include "dataplane/worker.h"
#include "model/limits.h"
#include "os/event_loop.h"

namespace cygnet::dataplane {
namespace {

constexpr std::size_t events_per_dispatch = 64;
constexpr Duration reclaim_pause = milliseconds(10);

struct Installed {
    esp::ChildPointer child;
    std::uint64_t order = 0;  // of its activation; 0: not active
    bool draining = false;    // removed, in its grace
};

// Each prefix is a route and an entry of the table; a peer may choose ranges that have hundreds of them.
Result<> check_prefixes(const esp::PacketSelectors& remote) {
    std::size_t prefixes = 0;
    for (std::size_t i = 0; i < remote.size(); ++i) prefixes += esp::prefixes_of(remote[i]).size();
    if (prefixes <= model::limits::prefixes_per_child) return {};
    return fail(Errc::limit, "traffic selectors",
                fmt::format("they are {} prefixes, a child has at most {}", prefixes, model::limits::prefixes_per_child));
}

Result<> check_options(model::KernelOptions options) {
    if (options.hw_offload == model::HwOffload::automatic) options.hw_offload = model::HwOffload::no;
    if (options == model::KernelOptions{}) return {};
    return fail(Errc::unsupported, "child",
                "it has marks, interface ids, a priority or hw_offload, which only the kernel's ESP has (--esp kernel)");
}

Result<> mark_socket(int socket, std::uint32_t mark) {
    if (::setsockopt(socket, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0) return {};
    return fail(Errc::system, "SO_MARK", fmt::format("{}; CAP_NET_ADMIN is needed: run as root", std::strerror(errno)));
}

model::PacketDrops named(const esp::DropCounts& counts) {
    model::PacketDrops all;
    all.reserve(counts.size());
    for (std::size_t i = 1; i < counts.size(); ++i)  // 0: not dropped
        all.push_back({esp::name_of(static_cast<esp::Drop>(i)), counts[i]});
    return all;
}

// Signals are the control thread's.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

}  // namespace

struct UserspaceBackend::Impl {
    Impl(UserspaceConfig given, BackendEvents callbacks, TunDevice device)
        : config(std::move(given)), events(std::move(callbacks)), tun(std::move(device)) {}
    ~Impl();

    Result<> open_carriers();
    Result<> open_carriers_of(std::size_t number);
    Result<> start();
    void publish(esp::ForwardingTable next);
    void forget(std::map<model::ChildId, Installed>::iterator child);
    void remember_path(const esp::Child& child);
    void forget_path(const esp::Child& child);
    void end_graces();
    void set_timer();
    void look_again();
    void dispatch_some(EventQueue& queue);
    void dispatch(const EventQueue::Popped& popped);
    Result<> open_clear_check();
    Result<> refuse_clear(const esp::Child& child);
    void forget_clear(const esp::Child& child);
    Result<> install_bypass(const model::PolicySpec& spec);
    void remove_bypass(model::PolicyId policy);

    UserspaceConfig config;
    BackendEvents events;
    TunDevice tun;
    std::optional<Routes> routes;
    std::vector<AhPort> ah_ports;
    std::vector<std::vector<Carrier>> carriers;  // of each worker, until it takes them
    std::optional<IkePort> ike_port;
    bool segments = false, raw = false;
    esp::Published<esp::ForwardingTable> table{std::make_unique<esp::ForwardingTable>(), config.workers};
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    os::Fd epoll, timer;
    std::map<model::ChildId, Installed> children;
    SharedValues<esp::PacketSelectors> locals;
    struct InstalledPolicy {
        esp::ChildPointer policy;
        model::TrafficSelectors remote;  // of its routes
    };
    std::map<model::PolicyId, InstalledPolicy> policies;
    struct Bypass {
        model::TrafficSelectors local, remote;
        std::vector<BypassRule> rules{};
    };
    std::map<model::PolicyId, Bypass> bypasses;
    std::optional<ClearCheck> clear_check;
    std::string clear_unchecked;  // why there is none
    std::multimap<Instant, model::ChildId> graces;  // when removed children end
    // By both outer addresses: the SA that came last, whose knowledge of the path the next one begins with.
    std::map<std::pair<model::IpAddress, model::IpAddress>, std::weak_ptr<esp::SaRuntime>> last_between;
    std::uint64_t activations = 0;
    esp::DropCounters drops;  // before a worker had the packet
    KernelPathMtu kernel_path_mtu{config.mark};
};

// ---- start and end ------------------------------------------------------------------------------

Result<std::unique_ptr<UserspaceBackend>> UserspaceBackend::open(UserspaceConfig config, BackendEvents events) {
    if (!config.now) config.now = os::now;
    if (config.workers == 0) config.workers = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, workers_max);
    TunDevice tun = TRY(TunDevice::open(config.device, config.workers, config.offload));
    auto impl = std::make_unique<Impl>(std::move(config), std::move(events), std::move(tun));
    TRY(impl->open_carriers());
    Netlink netlink = TRY(Netlink::open());
    TRY(netlink.bring_up(impl->tun.index(), impl->config.mtu));
    if (impl->config.install_routes)
        impl->routes.emplace(TRY(Routes::open(std::move(netlink), {impl->tun.index(), impl->config.routing_table,
                                                                   impl->config.rule_priority, impl->config.mark,
                                                                   impl->config.mtu})));
    if (impl->config.check_clear) TRY(impl->open_clear_check());
    TRY(impl->start());
    return std::unique_ptr<UserspaceBackend>(new UserspaceBackend(std::move(impl)));
}

UserspaceBackend::UserspaceBackend(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UserspaceBackend::~UserspaceBackend() = default;

Result<> UserspaceBackend::Impl::open_carriers() {
    ike_port = TRY(IkePort::open_beside(config.port, config.workers));
    for (const os::UdpSocket& socket : ike_port->sockets()) TRY(mark_socket(socket.fd(), config.mark));
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        if (!config.raw_esp) break;
        auto port = AhPort::open(family, config.mark);
        if (!port && port.error().code != Errc::unsupported) return fail(port.error());
        if (port) ah_ports.push_back(std::move(*port));
    }
    carriers.resize(config.workers);
    for (std::size_t i = 0; i < config.workers; ++i) TRY(open_carriers_of(i));
    return {};
}

Result<> UserspaceBackend::Impl::open_carriers_of(std::size_t number) {
    const CarrierOptions options{config.port, config.mark, config.offload, number, config.workers};
    for (const auto kind : {CarrierKind::udp, CarrierKind::raw}) {
        if (kind == CarrierKind::raw && !config.raw_esp) continue;
        for (const auto family : {model::Family::v4, model::Family::v6}) {
            auto carrier = Carrier::open(kind, family, options);
            if (!carrier && family == model::Family::v6 && carrier.error().code == Errc::unsupported) continue;
            if (!carrier) return fail(carrier.error());
            if (kind == CarrierKind::raw) raw = true;
            segments |= carrier->segments();
            carriers[number].push_back(std::move(*carrier));
        }
    }
    return {};
}

Result<> UserspaceBackend::Impl::start() {
    for (std::size_t i = 0; i < config.workers; ++i)
        workers.push_back(std::make_unique<Worker>(
            WorkerParts{i, config.workers, tun.fd(i), tun.offload(), config.mark, std::move(carriers[i]), ah_ports, &table, config.now}));
    epoll = os::Fd(::epoll_create1(EPOLL_CLOEXEC));
    timer = os::Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    std::vector<int> heard{timer.number()};
    for (const auto& worker : workers) heard.insert(heard.end(), {worker->events().fd(), worker->to_streams().fd()});
    for (const int fd : heard) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        if (::epoll_ctl(epoll.number(), EPOLL_CTL_ADD, fd, &event) != 0)
            return fail(Errc::system, "epoll", std::strerror(errno));
    }
    const SignalsBlocked blocked;
    for (const auto& worker : workers) {
        threads.emplace_back([&worker = *worker] { worker.run(); });
        pthread_setname_np(threads.back().native_handle(), "dataplane");
    }
    return {};
}

UserspaceBackend::Impl::~Impl() {
    for (std::size_t i = 0; i < threads.size(); ++i) workers[i]->stop();
    for (std::thread& thread : threads) thread.join();
}

// A container may have no packet filter of its own: then we say so, and go on.
Result<> UserspaceBackend::Impl::open_clear_check() {
    auto opened = ClearCheck::open({.table = config.device,
                                    .device = tun.index(),
                                    .mark = config.mark,
                                    .ports = {config.port, config.ike_port},
                                    .refused = config.refused_icmp});
    if (opened) clear_check.emplace(std::move(*opened));
    else if (!config.refused_icmp.empty()) return fail(opened.error());
    else clear_unchecked = opened.error().detail;
    return {};
}

// ---- children -----------------------------------------------------------------------------------

Result<> UserspaceBackend::install(model::ChildSaSpec spec) {
    Impl& impl = *impl_;
    if (impl.children.contains(spec.id)) return fail(Errc::state, "child", "installed already");
    TRY(check_options(spec.kernel));
    if (impl.table.newest().inbound(spec.spi_in) != nullptr)
        return fail(Errc::state, "child", fmt::format("SPI {:08x} is in use", spec.spi_in));
    if (spec.protocol == model::Protocol::ah && (spec.udp_encapsulation || spec.path.tcp()))
        return fail(Errc::unsupported, "AH", "it passes neither NATs nor TCP streams");
    auto child = esp::make_child(spec, TRY(esp::SaRuntime::make(spec)), &impl.locals);
    TRY(check_prefixes(child->remote));
    TRY(impl.refuse_clear(*child));
    if (impl.routes) {
        const auto mtu = esp::inner_mtu(*child, impl.kernel_path_mtu.ask(spec.path.remote.address));
        if (auto added = impl.routes->add(spec.local, spec.remote, mtu); !added) {
            static_cast<void>(impl.routes->remove(spec.remote));
            impl.forget_clear(*child);
            return added;
        }
    }
    impl.remember_path(*child);
    Installed& installed = impl.children[spec.id];
    installed.child = child;
    esp::ForwardingTable next = impl.table.newest().with_inbound(child);
    if (spec.outbound_active) {
        installed.order = ++impl.activations;
        next = next.with_outbound(child, installed.order);
    }
    impl.publish(std::move(next));
    return {};
}

void UserspaceBackend::activate(model::ChildId child, model::Resource resource) {
    const auto found = impl_->children.find(child);
    if (found == impl_->children.end() || found->second.draining || found->second.order != 0) return;
    Installed& installed = found->second;
    installed.order = ++impl_->activations;
    esp::ForwardingTable next = impl_->table.newest();
    if (installed.child->resource != resource) {
        installed.child = esp::given_to(*installed.child, resource);
        next = next.with_inbound(installed.child);
    }
    impl_->publish(next.with_outbound(installed.child, installed.order));
}

void UserspaceBackend::remove(model::ChildId child, Duration grace) {
    Impl& impl = *impl_;
    const auto found = impl.children.find(child);
    if (found == impl.children.end()) return;
    Installed& installed = found->second;
    if (installed.draining) {
        if (grace <= Duration{0}) impl.forget(found);
        return;
    }
    if (installed.order != 0) impl.publish(impl.table.newest().without_outbound(*installed.child));
    if (impl.routes) static_cast<void>(impl.routes->remove(esp::addresses_of(installed.child->remote)));
    impl.forget_clear(*installed.child);
    if (grace <= Duration{0}) return impl.forget(found);
    installed.draining = true;
    impl.graces.emplace(impl.config.now() + grace, child);
    impl.set_timer();
}

void UserspaceBackend::move(model::ChildId child, const model::Path& path, bool udp_encapsulation) {
    Impl& impl = *impl_;
    const auto found = impl.children.find(child);
    if (found == impl.children.end()) return;
    Installed& installed = found->second;
    impl.forget_path(*installed.child);
    const auto elsewhere = esp::moved(*installed.child, path, udp_encapsulation);
    esp::ForwardingTable next = impl.table.newest().with_inbound(elsewhere);
    if (installed.order != 0 && !installed.draining)
        next = next.without_outbound(*installed.child).with_outbound(elsewhere, installed.order);
    installed.child = elsewhere;
    elsewhere->sa->out.path_mtu.restart();
    impl.publish(std::move(next));
}

// Its route leads the packets here; the table says what becomes of them.
Result<> UserspaceBackend::install_policy(const model::PolicySpec& spec) {
    Impl& impl = *impl_;
    if (impl.policies.contains(spec.id)) return fail(Errc::state, "policy", "installed already");
    TRY(check_options(spec.kernel));
    if (spec.kind == model::PolicyKind::pass) return impl.install_bypass(spec);
    auto policy = esp::make_policy(spec);
    TRY(check_prefixes(policy->remote));
    TRY(impl.refuse_clear(*policy));
    if (impl.routes) {
        if (auto added = impl.routes->add(spec.local, spec.remote, 0); !added) {
            static_cast<void>(impl.routes->remove(spec.remote));
            impl.forget_clear(*policy);
            return added;
        }
    }
    impl.policies[spec.id] = {.policy = policy, .remote = spec.remote};
    impl.publish(impl.table.newest().with_outbound(policy, 0));
    return {};
}

void UserspaceBackend::remove_policy(model::PolicyId policy) {
    Impl& impl = *impl_;
    const auto found = impl.policies.find(policy);
    if (found == impl.policies.end()) return impl.remove_bypass(policy);
    if (impl.routes) static_cast<void>(impl.routes->remove(found->second.remote));
    impl.forget_clear(*found->second.policy);
    esp::ForwardingTable next = impl.table.newest().without_outbound(*found->second.policy);
    impl.policies.erase(found);
    impl.publish(std::move(next));
    impl.look_again();
}

Result<> UserspaceBackend::Impl::install_bypass(const model::PolicySpec& spec) {
    if (bypasses.contains(spec.id)) return fail(Errc::state, "policy", "installed already");
    if (!routes) return fail(Errc::unsupported, "mode = pass", "Cygnet does not install routes here: nothing need pass by them");
    const auto wanted = TRY(bypass_rules(spec.local, spec.remote));
    if (clear_check) TRY(clear_check->add(ClearCheck::Verdict::pass, spec.local, spec.remote));
    Bypass& bypass = bypasses[spec.id];
    bypass = {.local = spec.local, .remote = spec.remote};
    for (const BypassRule& rule : wanted) {
        if (auto added = routes->add_bypass(rule); !added) {
            remove_bypass(spec.id);
            return added;
        }
        bypass.rules.push_back(rule);
    }
    return {};
}

// RFC 4301 §5.2 step 3: what a policy protects, or discards, must not come in the clear.
Result<> UserspaceBackend::Impl::refuse_clear(const esp::Child& child) {
    if (!clear_check) return {};
    return clear_check->add(ClearCheck::Verdict::refuse, esp::selectors_of(*child.local), esp::selectors_of(child.remote));
}

void UserspaceBackend::Impl::forget_clear(const esp::Child& child) {
    if (clear_check) clear_check->remove(ClearCheck::Verdict::refuse, esp::selectors_of(*child.local), esp::selectors_of(child.remote));
}

void UserspaceBackend::Impl::remove_bypass(model::PolicyId policy) {
    const auto found = bypasses.find(policy);
    if (found == bypasses.end()) return;
    for (const BypassRule& rule : found->second.rules) static_cast<void>(routes->remove_bypass(rule));
    if (clear_check) clear_check->remove(ClearCheck::Verdict::pass, found->second.local, found->second.remote);
    bypasses.erase(found);
}

void UserspaceBackend::skip_sequence_numbers(model::ChildId child, std::uint64_t count) {
    const auto found = impl_->children.find(child);
    if (found != impl_->children.end()) found->second.child->sa->out.sequence.skip(count);
}

std::optional<model::ChildUsage> UserspaceBackend::usage(model::ChildId child) const {
    const auto found = impl_->children.find(child);
    if (found == impl_->children.end()) return std::nullopt;
    return found->second.child->sa->usage();
}

void UserspaceBackend::Impl::publish(esp::ForwardingTable next) {
    table.publish(std::make_unique<const esp::ForwardingTable>(std::move(next)));
    if (!policies.empty()) look_again();
    set_timer();
}

void UserspaceBackend::Impl::look_again() {
    for (const auto& worker : workers) worker->look_again();
}

// The keys go with the last table that names the child.
void UserspaceBackend::Impl::forget(std::map<model::ChildId, Installed>::iterator child) {
    esp::ForwardingTable next = table.newest().without_inbound(*child->second.child);
    forget_path(*child->second.child);
    children.erase(child);
    publish(std::move(next));
}

// A rekeyed SA must not refuse what its predecessor has carried, until the peer has proven the same path again.
void UserspaceBackend::Impl::remember_path(const esp::Child& child) {
    if (child.path.tcp()) return;
    auto& last = last_between[{child.path.local.address, child.path.remote.address}];
    const Instant now = config.now(), until = now + model::limits::path_mtu_ask;
    const auto before = last.lock();
    const std::uint32_t proven = before ? before->out.path_mtu.proven(now) : 0;
    if (proven != 0) {
        esp::PathMtu& path = child.sa->out.path_mtu;
        path.prove(proven, now, until);
        if (const std::uint32_t capped = before->out.path_mtu.capped(now)) path.cap(capped, now, until);
        if (before->out.path_mtu.peer_probes()) path.set_peer_probes();
    }
    last = child.sa;
}

void UserspaceBackend::Impl::forget_path(const esp::Child& child) {
    const auto last = last_between.find({child.path.local.address, child.path.remote.address});
    if (last != last_between.end() && (last->second.expired() || last->second.lock() == child.sa)) last_between.erase(last);
}

void UserspaceBackend::Impl::end_graces() {
    const Instant now = config.now();
    while (!graces.empty() && graces.begin()->first <= now) {
        const auto ended = children.find(graces.begin()->second);
        graces.erase(graces.begin());
        if (ended != children.end()) forget(ended);  // it may have gone early
    }
    table.reclaim();
    set_timer();
}

// The next moment at which a grace ends or a retired table should be looked at again.
void UserspaceBackend::Impl::set_timer() {
    Instant next = graces.empty() ? Instant::never() : graces.begin()->first;
    const Instant now = config.now();
    if (table.reclaim() != 0) next = std::min(next, now + reclaim_pause);
    itimerspec when{};
    if (next != Instant::never()) {
        const std::int64_t us = std::max<std::int64_t>((next - now).count(), 1);
        when.it_value = {.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
    }
    ::timerfd_settime(timer.number(), 0, &when, nullptr);
}

// ---- events and IKE -----------------------------------------------------------------------------

int UserspaceBackend::event_fd() const { return impl_->epoll.number(); }

void UserspaceBackend::dispatch_events() {
    Impl& impl = *impl_;
    std::uint64_t expirations;
    if (::read(impl.timer.number(), &expirations, sizeof expirations) > 0) impl.end_graces();
    for (const auto& worker : impl.workers) {
        impl.dispatch_some(worker->events());
        impl.dispatch_some(worker->to_streams());
    }
}

void UserspaceBackend::Impl::dispatch_some(EventQueue& queue) {
    queue.clear_signal();
    for (std::size_t i = 0; i < events_per_dispatch; ++i) {
        const auto popped = queue.pop();
        if (!popped) break;
        dispatch(*popped);
    }
    if (!queue.empty()) queue.signal();
}

void UserspaceBackend::Impl::dispatch(const EventQueue::Popped& popped) {
    const Event& event = popped.event;
    const auto found = children.find(event.child);
    switch (event.kind) {
        case EventKind::esp_packet:
            // A full stream shows itself as loss to what is inside, as a full link does.
            if (events.stream_packet && !events.stream_packet(event.path.stream, popped.datagram) && found != children.end())
                found->second.child->sa->drops.add(esp::Drop::carrier_refused);
            return;
        case EventKind::stream_corrupt:
            if (events.stream_corrupt) events.stream_corrupt(event.path.stream);
            return;
        case EventKind::ike_datagram:
            if (events.ike_datagram) events.ike_datagram(event.path, popped.datagram);
            return;
        case EventKind::inbound_seen:
            if (found != children.end() && found->second.order == 0 && events.inbound_seen)
                events.inbound_seen(event.child);
            return;
        case EventKind::peer_moved:
            if (found != children.end() && events.peer_moved) events.peer_moved(event.child, event.path);
            return;
        case EventKind::acquire:
            if (policies.contains(event.policy) && events.acquire) events.acquire(event.policy, event.ends);
            return;
        case EventKind::resource_wanted:
            if (found != children.end() && events.resource_wanted) events.resource_wanted(event.child, event.resource);
            return;
        case EventKind::selectors_violated:
            if (found != children.end() && events.selectors_violated) events.selectors_violated(event.child, popped.datagram);
            return;
    }
}

IkePort& UserspaceBackend::ike_port() { return *impl_->ike_port; }

void UserspaceBackend::take_packet(const model::Path& path, ByteView packet) {
    const bool taken = impl_->workers[0]->from_control().push({.kind = EventKind::esp_packet, .path = path}, packet);
    if (!taken) impl_->drops.add(esp::Drop::event_queue_full);
}

// ---- the device's addresses, and what is told ---------------------------------------------------

Result<> UserspaceBackend::add_address(const model::IpAddress& address) {
    if (impl_->routes) return impl_->routes->add_address(address);
    Netlink netlink = TRY(Netlink::open());
    return netlink.add_address(impl_->tun.index(), address);
}

Result<> UserspaceBackend::remove_address(const model::IpAddress& address) {
    if (impl_->routes) return impl_->routes->remove_address(address);
    Netlink netlink = TRY(Netlink::open());
    return netlink.remove_address(impl_->tun.index(), address);
}

unsigned UserspaceBackend::device() const { return impl_->tun.index(); }

std::uint32_t UserspaceBackend::mark() const { return impl_->config.mark; }

Result<> UserspaceBackend::exempt_from_tunnel(int socket) const { return mark_socket(socket, impl_->config.mark); }

model::PacketDrops UserspaceBackend::packet_drops() const { return named(drops()); }

model::PacketDrops UserspaceBackend::packet_drops(model::ChildId child) const {
    const auto counts = drops(child);
    return counts ? named(*counts) : model::PacketDrops();
}

model::Resource UserspaceBackend::resources() const { return static_cast<model::Resource>(impl_->config.workers); }

esp::DropCounts UserspaceBackend::drops() const {
    esp::DropCounts all = impl_->drops.read();
    for (const auto& worker : impl_->workers) {
        const esp::DropCounts one = worker->drops().read();
        for (std::size_t i = 0; i < all.size(); ++i) all[i] += one[i];
    }
    if (impl_->clear_check) {
        const ClearCheck::Counts clear = impl_->clear_check->counts();
        all[static_cast<std::size_t>(esp::Drop::unprotected)] += clear.unprotected;
        all[static_cast<std::size_t>(esp::Drop::icmp_refused)] += clear.icmp_refused;
    }
    return all;
}

std::optional<esp::DropCounts> UserspaceBackend::drops(model::ChildId child) const {
    const auto found = impl_->children.find(child);
    if (found == impl_->children.end()) return std::nullopt;
    return found->second.child->sa->drops.read();
}

WorkerStatistics UserspaceBackend::statistics() const {
    WorkerStatistics all;
    for (const auto& worker : impl_->workers) all += worker->statistics();
    return all;
}

std::string UserspaceBackend::description() const {
    const char* offload = "one packet per call";
    if (impl_->tun.offload() == TunOffload::tcp) offload = "TCP super-packets";
    if (impl_->tun.offload() == TunOffload::tcp_and_udp) offload = "TCP and UDP super-packets";
    return fmt::format("TUN {} with MTU {}, {}; ESP in UDP port {}{}{}; {} worker{}{}", impl_->config.device,
                       impl_->config.mtu, offload, impl_->config.port, impl_->segments ? " with segmentation" : "",
                       impl_->raw ? " and in IP protocol 50" : "", impl_->workers.size(),
                       impl_->workers.size() == 1 ? "" : "s",
                       impl_->clear_unchecked.empty()
                           ? ""
                           : "; what policies protect is accepted in the clear, too, because there is no packet filter: " + impl_->clear_unchecked);
}

}  // namespace cygnet::dataplane
