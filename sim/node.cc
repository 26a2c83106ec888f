#include "sim/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cygnet::sim {
namespace {

constexpr std::size_t ip_and_udp_octets = 28;
constexpr std::size_t marker_octets = 4;
constexpr std::size_t esp_octets = 200;


const char* text_of(FakeBackend::Verdict verdict) {
    switch (verdict) {
        case FakeBackend::Verdict::delivered: return "delivered";
        case FakeBackend::Verdict::unknown_spi: return "of an unknown SPI";
        case FakeBackend::Verdict::wrong_key: return "that other keys made";
        case FakeBackend::Verdict::replayed: return "for the second time";
        case FakeBackend::Verdict::wrong_selector: return "outside the traffic selectors";
    }
    return "";
}

}  // namespace

std::size_t Packet::ip_octets() const {
    if (const Bytes* message = ike()) return ip_and_udp_octets + (from.port == 500 ? 0 : marker_octets) + message->size();
    return std::holds_alternative<Keepalive>(content) ? ip_and_udp_octets + 1 : esp_octets;
}

Node::Node(NodeSettings settings, std::uint64_t seed, Surroundings& surroundings)
    : settings_(std::move(settings)), surroundings_(surroundings), seed_(seed), usable_{settings_.address} {
    start();
}

void Node::crash() {
    tell("crashes");
    engine_.reset();
    backend_ = {};
    held_.clear();
    for (auto& [id, outcome] : commands_)
        if (!outcome) outcome = fail(Errc::system, "node", "crashed");
}

void Node::start() {
    ++incarnation_;
    // A host that starts again draws other numbers than before.
    rng_ = std::make_unique<SeededRng>(seed_ + incarnation_ * 0x9e3779b9U);
    engine_ = std::make_unique<ike::Engine>(*rng_, settings_.engine);
    tell("starts");
    if (!kept_.empty()) step(ike::RestoreSecrets{kept_.clone()});
    step(ike::Configure{settings_.config, settings_.credentials});
    step(ike::HostAddresses{.usable = usable_, .others = others_});
}

void Node::step(ike::Input input) {
    if (!running()) return;
    ike::Effects effects;
    engine_->step(surroundings_.now(), std::move(input), effects);
    surroundings_.checkers.judge(*this, effects);
    for (ike::Effect& effect : effects) execute(effect);
    if (!held_.empty()) send_held();
    // There is no web in this world.
    for (const ike::FetchId id : std::exchange(fetches_, {}))
        step(ike::Fetched{.id = id, .content = fail(Errc::timeout, "fetch", "nobody is there")});
    for (const ike::ObtainPpks& obtain : std::exchange(ppk_wishes_, {}))
        step(ike::PpksObtained{.id = obtain.id, .answer = settings_.pads.obtain(obtain.wish)});
    surroundings_.checkers.judge_state(*this, surroundings_.now());
    for (ike::Input& next : std::exchange(inputs_, {})) step(std::move(next));
}

bool Node::has(model::IpAddress address) const {
    return std::ranges::find(usable_, address) != usable_.end() || std::ranges::find(others_, address) != others_.end();
}

// Only addresses are known here.
ike::GatewayFound Node::gateway_path(const ike::FindGateway& asked) const {
    const auto remote = model::IpAddress::parse(asked.gateway);
    if (!remote) return {.id = asked.id, .path = fail(Errc::not_found, "host name", "cannot resolve \"" + asked.gateway + "\"")};
    return {.id = asked.id, .path = model::Path{.local = {address(), 500}, .remote = {*remote, 500}}};
}

void Node::move(std::vector<model::IpAddress> usable, std::vector<model::IpAddress> others) {
    usable_ = std::move(usable);
    others_ = std::move(others);
    settings_.address = usable_.front();
    tell("has the address " + settings_.address.text() + " now");
    step(ike::HostAddresses{.usable = usable_, .others = others_});
}

ike::PathsFound Node::paths(const ike::FindPaths& asked) const {
    ike::PathsFound found{.sa = asked.sa, .pairs = {}};
    for (const model::IpAddress& remote : asked.remotes)
        for (const model::IpAddress& local : usable_)
            if (local.family() == remote.family()) found.pairs.push_back({local, remote});
    return found;
}

void Node::receive(const Packet& packet) {
    if (!running()) return;
    if (const Bytes* message = packet.ike()) return step(ike::Datagram{.path = packet.path_at_receiver(), .bytes = *message});
    const auto* esp = std::get_if<EspPacket>(&packet.content);
    if (esp == nullptr) return;
    const FakeBackend::Inbound inbound = backend_.receive(*esp, surroundings_.now());
    surroundings_.checkers.judge(*this, inbound.verdict);
    if (inbound.verdict != FakeBackend::Verdict::delivered) return tell(fmt::format("drops an ESP packet {}, SPI {:08x}", text_of(inbound.verdict), esp->spi));
    surroundings_.inner_packet_arrived(*this, esp->inner);
    const FakeBackend::Pair pair = backend_.pairs().at(inbound.child);
    if (inbound.first_use) step(ike::InboundSeen{inbound.child});
    const bool moved = packet.stream != model::StreamId::none ? pair.path.stream != packet.stream
                                                              : pair.udp_encapsulation && pair.path.remote != packet.from;
    if (moved) step(ike::PeerMoved{.child = inbound.child, .path = packet.path_at_receiver()});
}

bool Node::send(const InnerPacket& packet, model::Resource worker) {
    if (!running()) return false;
    if (try_send(packet, worker)) return true;
    const auto trap = backend_.trap_for(packet);
    if (!trap || held_.size() >= model::limits::held_packets_per_policy) return false;
    held_.push_back(packet);
    const auto end = [](const model::IpAddress& address) {
        return model::TrafficSelector::of(model::AddressRange::single(address));
    };
    ike::Acquire acquire{.policy = *trap, .packet = {.local = end(packet.source), .remote = end(packet.destination)}};
    if (settings_.peer) acquire.path = {.local = {address(), 500}, .remote = {*settings_.peer, 500}};
    step(acquire);
    return true;
}

// In their order, those that have an SA now.
void Node::send_held() {
    std::deque<InnerPacket> waiting = std::exchange(held_, {});
    for (const InnerPacket& packet : waiting)
        if (!try_send(packet)) held_.push_back(packet);
}

bool Node::try_send(const InnerPacket& packet, model::Resource worker) {
    const auto out = backend_.send(packet, surroundings_.now(), worker);
    if (!out) return false;
    if (out->wishes_own) step(ike::ResourceWanted{.child = out->child, .resource = worker});
    Packet datagram{.from = out->path.local, .to = out->path.remote, .content = out->packet, .stream = out->path.stream};
    if (!out->udp_encapsulation && !out->path.tcp()) datagram.from.port = datagram.to.port = 0;
    surroundings_.transmit(*this, std::move(datagram));
    return true;
}

void Node::report_usage() {
    std::vector<ike::UsageReport> reports;
    for (const auto& [id, pair] : backend_.pairs())
        if (!pair.removed) reports.push_back({.child = id, .usage = pair.usage});
    for (ike::UsageReport& report : reports) step(std::move(report));
}

std::vector<model::IkeStatus> Node::list() const {
    return running() ? engine_->list(surroundings_.now()) : std::vector<model::IkeStatus>();
}

std::optional<Result<>> Node::outcome(ike::CommandId id) const {
    const auto found = commands_.find(id);
    return found == commands_.end() ? std::nullopt : found->second;
}

bool Node::commands_pending() const {
    return std::ranges::any_of(commands_, [](const auto& command) { return !command.second; });
}

void Node::execute(ike::Effect& effect) {
    Checkers& checkers = surroundings_.checkers;
    const Instant now = surroundings_.now();
    if (auto* send = std::get_if<ike::Send>(&effect))
        surroundings_.transmit(*this, {.from = send->path.local, .to = send->path.remote, .content = std::move(send->datagram), .stream = send->path.stream});
    else if (const auto* open = std::get_if<ike::OpenStream>(&effect))
        surroundings_.open_stream(*this, open->path);
    else if (const auto* end = std::get_if<ike::CloseStream>(&effect))
        surroundings_.close_stream(*this, end->stream);
    else if (auto* keepalive = std::get_if<ike::SendKeepalive>(&effect))
        surroundings_.transmit(*this, {.from = keepalive->path.local, .to = keepalive->path.remote, .content = Keepalive{}});
    else if (auto* job = std::get_if<ike::StartJob>(&effect))
        surroundings_.compute(*this, job->id, std::move(job->job));
    else if (auto* fetch = std::get_if<ike::Fetch>(&effect))
        fetches_.push_back(fetch->id);
    else if (auto* obtain = std::get_if<ike::ObtainPpks>(&effect))
        ppk_wishes_.push_back(std::move(*obtain));
    else if (auto* install = std::get_if<ike::InstallChild>(&effect)) {
        const model::ChildSaSpec& spec = install->spec;
        tell(fmt::format("installs child {} with SPIs {:08x} in, {:08x} out{}", static_cast<std::uint64_t>(spec.id), spec.spi_in, spec.spi_out,
                         spec.outbound_active ? "" : ", outbound later"));
        checkers.require(backend_.install(spec), *this, "installs a child whose SPI or name is in use");
        checkers.installed(*this, spec);
    } else if (auto* activate = std::get_if<ike::ActivateChild>(&effect)) {
        tell(fmt::format("activates child {}", static_cast<std::uint64_t>(activate->child)));
        checkers.require(backend_.activate(activate->child, activate->resource), *this, "activates a child that does not exist");
    } else if (auto* remove = std::get_if<ike::RemoveChild>(&effect)) {
        tell(fmt::format("removes child {}{}", static_cast<std::uint64_t>(remove->child), remove->grace > Duration{0} ? ", inbound later" : ""));
        checkers.require(backend_.remove(remove->child, now + remove->grace), *this, "removes a child that does not exist");
    } else if (auto* move = std::get_if<ike::MoveChild>(&effect)) {
        tell(fmt::format("moves child {} to {}", static_cast<std::uint64_t>(move->child), move->path.remote.text()));
        checkers.require(backend_.move(move->child, move->path, move->udp_encapsulation), *this, "moves a child that does not exist");
    } else if (auto* policy = std::get_if<ike::InstallPolicy>(&effect)) {
        checkers.require(backend_.install_policy(policy->spec), *this, "installs a policy twice");
    } else if (auto* gone = std::get_if<ike::RemovePolicy>(&effect)) {
        checkers.require(backend_.remove_policy(gone->policy), *this, "removes a policy that does not exist");
    } else if (auto* skip = std::get_if<ike::SkipSequenceNumbers>(&effect)) {
        checkers.require(backend_.skip_sequence_numbers(skip->child, skip->count), *this, "skips sequence numbers of a child that does not exist");
    } else if (auto* assign = std::get_if<ike::AssignAddress>(&effect)) {
        tell(fmt::format("{} the address {}", assign->remove ? "gives up" : "takes", assign->address.text()));
        if (assign->remove) std::erase(assigned_, assign->address);
        else assigned_.push_back(assign->address);
    } else if (auto* keep = std::get_if<ike::KeepSecrets>(&effect))
        kept_ = std::move(keep->secrets);
    else if (auto* report = std::get_if<ike::Report>(&effect))
        note(report->event);
    else if (auto* done = std::get_if<ike::CommandDone>(&effect)) {
        const auto found = commands_.find(done->id);
        checkers.require(found != commands_.end() && !found->second, *this, "finishes a command that does not run");
        tell(fmt::format("command {} {}", static_cast<std::uint64_t>(done->id), done->result ? "is done" : "failed: " + done->result.error().text()));
        commands_[done->id] = std::move(done->result);
    } else if (auto* find = std::get_if<ike::FindPaths>(&effect)) {
        inputs_.push_back(paths(*find));
    } else if (auto* gateway = std::get_if<ike::FindGateway>(&effect)) {
        inputs_.push_back(gateway_path(*gateway));
    } else if (auto* close = std::get_if<ike::Close>(&effect))
        tell(fmt::format("IKE SA {} is gone", static_cast<std::uint32_t>(close->sa)));
}

void Node::note(const model::Event& event) {
    if (const auto* line = std::get_if<model::LogLine>(&event)) return tell(line->message, &line->ike_id);
    if (const auto* message = std::get_if<model::MessageTrace>(&event)) return tell(describe(*message), &message->ike_id, message->message_id);
    if (const auto* alert = std::get_if<model::Alert>(&event)) {
        ++reported_.alerts;
        ++reported_.alert_types[alert->type];
    }
    reported_.ike_up += std::holds_alternative<model::IkeUp>(event);
    reported_.ike_down += std::holds_alternative<model::IkeDown>(event);
    reported_.ike_moved += std::holds_alternative<model::IkeMoved>(event);
    reported_.ike_rekeyed += std::holds_alternative<model::IkeRekeyed>(event);
    reported_.child_up += std::holds_alternative<model::ChildUp>(event);
    reported_.child_down += std::holds_alternative<model::ChildDown>(event);
    reported_.child_rekeyed += std::holds_alternative<model::ChildRekeyed>(event);
}

void Node::tell(std::string what, const model::IkeSaId* id, std::optional<std::uint32_t> message_id) {
    Story::Line line{.at = surroundings_.now(), .who = name(), .message_id = message_id, .what = std::move(what)};
    const auto sa = id != nullptr && running() ? engine_->find(*id, surroundings_.now()) : std::nullopt;
    if (sa) {
        line.spi_i = sa->spi_i;
        line.spi_r = sa->spi_r;
        line.state = model::name_of(sa->state);
    }
    surroundings_.story.tell(line);
}

}  // namespace cygnet::sim
