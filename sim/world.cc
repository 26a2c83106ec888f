#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace cygnet::sim {
namespace {

// A run that makes so many events in one instant never comes to rest.
constexpr std::size_t events_per_instant_max = 20'000;

using SpiPairs = std::multiset<std::pair<std::uint64_t, std::uint64_t>>;

SpiPairs ike_spis(const std::vector<model::IkeStatus>& sas) {
    SpiPairs pairs;
    for (const model::IkeStatus& sa : sas) pairs.insert({sa.spi_i, sa.spi_r});
    return pairs;
}

SpiPairs child_spis(const std::vector<model::IkeStatus>& sas, bool swapped) {
    SpiPairs pairs;
    for (const model::IkeStatus& sa : sas)
        for (const model::ChildStatus& child : sa.children)
            pairs.insert(swapped ? std::pair<std::uint64_t, std::uint64_t>{child.spi_out, child.spi_in}
                                 : std::pair<std::uint64_t, std::uint64_t>{child.spi_in, child.spi_out});
    return pairs;
}

bool settled(const std::vector<model::IkeStatus>& sas) {
    return std::ranges::all_of(sas, [](const model::IkeStatus& sa) {
        return sa.state == model::IkeState::established && sa.tasks_queued.empty() && sa.tasks_active.empty() &&
               std::ranges::all_of(sa.children, [](const model::ChildStatus& child) { return child.state == model::ChildState::installed; });
    });
}

}  // namespace

World::World(std::uint64_t seed) : rng(seed) {}

Node& World::add(NodeSettings settings) { return nodes_.emplace_back(std::move(settings), rng.u64(), *this); }

Node& World::node(std::string_view name) {
    const auto found = std::ranges::find_if(nodes_, [&](const Node& node) { return node.name() == name; });
    ASSERT(found != nodes_.end());
    return *found;
}

// ---- time -----------------------------------------------------------------------------------------

void World::after(Duration delay, std::move_only_function<void()> action) { queue_.emplace(now_ + delay, std::move(action)); }

bool World::advance(Instant end) {
    Node* due = nullptr;
    for (Node& node : nodes_)
        if (node.running() && (due == nullptr || node.next_deadline() < due->next_deadline())) due = &node;
    const Instant deadline = due == nullptr ? Instant::never() : due->next_deadline();
    const Instant queued = queue_.empty() ? Instant::never() : queue_.begin()->first;
    const Instant next = std::min(deadline, queued);
    if (next > end || next == Instant::never()) return false;
    now_ = std::max(now_, next);
    if (deadline <= queued) {
        due->step(ike::Tick{});
        return true;
    }
    auto event = queue_.extract(queue_.begin());
    event.mapped()();
    return true;
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
    const Instant end = now_ + limit;
    std::size_t in_this_instant = 0;
    for (Instant last = now_; !failed(); last = now_) {
        if (condition()) return true;
        if (!advance(end)) break;
        in_this_instant = now_ == last ? in_this_instant + 1 : 0;
        if (in_this_instant > events_per_instant_max) checkers.fail("the world never comes to rest");
    }
    if (failed()) return false;
    now_ = end;
    return condition();
}

void World::run_for(Duration time) {
    run_until([] { return false; }, time);
}

// ---- the network ----------------------------------------------------------------------------------

void World::tell_fate(const std::string& who, const Packet& packet, const std::string& fate) {
    const char* kind = packet.ike() != nullptr ? "IKE message" : std::holds_alternative<EspPacket>(packet.content) ? "ESP packet" : "keepalive";
    story.tell({.at = now_, .who = "network", .what = fmt::format("{} of {}, {} octets, to {}: {}", kind, who, packet.ip_octets(), packet.to.text(), fate)});
}

void World::transmit(Node& from, Packet packet) {
    if (packet.stream == model::StreamId::none) return transmit_from(from.name(), std::move(packet));
    if (!meddler || meddler(packet)) streams.send(from, std::move(packet));
}

Node* World::find(const model::IpAddress& address) {
    const auto node = std::ranges::find_if(nodes_, [&](const Node& one) { return one.has(address); });
    return node == nodes_.end() ? nullptr : &*node;
}

void World::transmit_from(const std::string& who, Packet packet) {
    if (meddler && !meddler(packet)) return;
    const Packet original = packet;
    std::string fate;
    for (Network::Arrival& arrival : network.carry(std::move(packet), now_, rng, fate)) {
        const bool counts = original.ike() != nullptr;
        packets_under_way_ += counts;
        after(arrival.at - now_, [this, counts, one = std::move(arrival.packet)]() mutable {
            packets_under_way_ -= counts;
            arrive(std::move(one));
        });
    }
    if (!fate.empty()) tell_fate(who, original, fate);
}

void World::arrive(Packet packet) {
    const auto delivered = network.deliver(packet, now_);
    if (!delivered) return tell_fate("somebody", packet, "the NAT has no mapping for it");
    const auto listener = listeners_.find(delivered->to.address);
    if (listener != listeners_.end()) return listener->second(*delivered);
    if (Node* node = find(delivered->to.address)) node->receive(*delivered);
}

void World::compute(Node& node, ike::JobId id, crypto::Job job) {
    Duration delay{0};
    if (faults.job_delay > Duration{0}) delay = Duration{static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(faults.job_delay.count())))};
    if (faults.job_stall != 0 && rng.below(1000) < faults.job_stall) delay += faults.stall;
    ++jobs_under_way_;
    after(delay, [this, &node, id, incarnation = node.incarnation(), work = std::move(job)]() mutable {
        --jobs_under_way_;
        if (!node.running() || node.incarnation() != incarnation) return;
        node.step(ike::JobDone{.id = id, .result = crypto::run(std::move(work))});
    });
}

// ---- operators ------------------------------------------------------------------------------------

ike::CommandId World::next_command(Node& at) {
    const auto id = static_cast<ike::CommandId>(++last_command_);
    at.expect_command(id);
    return id;
}

ike::CommandId World::initiate(Node& from, const Node& to, const std::string& child) {
    ++initiated_;
    const ike::CommandId id = next_command(from);
    const model::IpAddress remote = network.nat && to.address() == network.nat->inside() ? network.nat->outside() : to.address();
    story.tell({.at = now_, .who = from.name(), .what = fmt::format("command {}: initiate {}", static_cast<std::uint64_t>(id), child)});
    from.step(ike::Initiate{.id = id, .connection = "gw", .child = child, .path = {.local = {from.address(), 500}, .remote = {remote, 500}}});
    return id;
}

ike::CommandId World::install(Node& at, const Node& peer, const std::string& child) {
    const ike::CommandId id = next_command(at);
    story.tell({.at = now_, .who = at.name(), .what = fmt::format("command {}: install {}", static_cast<std::uint64_t>(id), child)});
    at.step(ike::InstallPolicies{.id = id, .connection = "gw", .child = child, .path = model::Path{.local = {at.address(), 500}, .remote = {peer.address(), 500}}});
    return id;
}

ike::CommandId World::rekey(Node& at, ike::SaSelector which) {
    const ike::CommandId id = next_command(at);
    story.tell({.at = now_, .who = at.name(), .what = fmt::format("command {}: rekey {}", static_cast<std::uint64_t>(id), which.child.empty() ? "the IKE SA" : which.child)});
    at.step(ike::Rekey{.id = id, .which = std::move(which)});
    return id;
}

ike::CommandId World::reauthenticate(Node& at, ike::SaSelector which) {
    const auto id = next_command(at);
    ++initiated_;
    story.tell({.at = now_, .who = at.name(), .what = fmt::format("command {}: reauthenticate", static_cast<std::uint64_t>(id))});
    at.step(ike::Rekey{.id = id, .which = std::move(which), .reauthenticate = true});
    return id;
}

ike::CommandId World::terminate(Node& at, ike::SaSelector which, bool force) {
    const ike::CommandId id = next_command(at);
    story.tell({.at = now_, .who = at.name(), .what = fmt::format("command {}: terminate {}", static_cast<std::uint64_t>(id), which.child.empty() ? "the IKE SA" : which.child)});
    at.step(ike::Terminate{.id = id, .which = std::move(which), .force = force});
    return id;
}

// ---- traffic --------------------------------------------------------------------------------------

Flow& World::add_flow(Node& from, Node& to, model::IpAddress source, model::IpAddress destination) {
    return flows_.emplace_back(Flow{.from = &from, .to = &to, .source = source, .destination = destination});
}

void World::start_traffic(Duration interval) {
    traffic_interval_ = interval;
    pulse(++traffic_generation_);
}

void World::pulse(std::uint64_t generation) {
    if (traffic_interval_ == Duration{0} || generation != traffic_generation_) return;
    for (Flow& flow : flows_) {
        const InnerPacket packet{.source = flow.source, .destination = flow.destination, .serial = ++last_serial_};
        serials_[packet.serial] = &flow;
        if (flow.from->send(packet, flow.worker)) ++flow.sent;
        else ++flow.unsent;
    }
    if (now_ - usage_reported_ >= seconds(1)) {
        usage_reported_ = now_;
        for (Node& node : nodes_) node.report_usage();
    }
    after(traffic_interval_, [this, generation] { pulse(generation); });
}

void World::inner_packet_arrived(Node& at, const InnerPacket& packet) {
    const auto found = serials_.find(packet.serial);
    if (found == serials_.end()) return checkers.fail(at.name() + " takes a packet twice");
    Flow& flow = *found->second;
    serials_.erase(found);
    if (flow.to != &at) return checkers.fail(at.name() + " takes a packet for somebody else");
    ++flow.delivered;
}

// ---- verdicts -------------------------------------------------------------------------------------

void World::expect(bool condition, const std::string& what) {
    if (!condition) checkers.fail("expected: " + what);
}

bool World::agree(const Node& a, const Node& b) const {
    if (!idle() || a.commands_pending() || b.commands_pending()) return false;
    const auto at_a = a.list(), at_b = b.list();
    return settled(at_a) && settled(at_b) && ike_spis(at_a) == ike_spis(at_b) && child_spis(at_a, false) == child_spis(at_b, true);
}

std::string World::stand_of(const Node& a, const Node& b) const {
    std::string text = fmt::format("{} packets and {} jobs under way", packets_under_way_, jobs_under_way_);
    for (const Node* node : {&a, &b}) {
        text += fmt::format("; {} has", node->name());
        for (const model::IkeStatus& sa : node->list()) {
            text += fmt::format(" {}[{}] {} ({} tasks", sa.name, static_cast<std::uint32_t>(sa.id), model::name_of(sa.state),
                                sa.tasks_queued.size());
            for (const model::ChildStatus& child : sa.children) text += fmt::format(", {} {}", child.name, model::name_of(child.state));
            text += ")";
        }
        if (node->commands_pending()) text += " commands that are not done";
    }
    return text;
}

}  // namespace cygnet::sim
