#include "vici/service.h"

#include <algorithm>

#include "model/limits.h"
#include "vici/commands.h"
#include "vici/sections.h"

namespace cygnet::vici {
namespace {

// load-* commands come in flocks; the engine is told when they pause.
constexpr Duration pause_before_apply = milliseconds(20);
constexpr Duration apply_at_the_latest = milliseconds(500);

Section updown(bool up, const model::IkeStatus& sa, const model::ChildStatus* child, Instant now) {
    Section message;
    message.add_flag("up", up);
    Section& section = message.add_section(sa.name);
    section = ike_section(sa);
    if (child != nullptr)
        section.add_section("child-sas").add_section(child_key(*child)) = child_section(*child, now);
    return message;
}

Section ike_rekeyed(const model::IkeRekeyed& event) {
    Section message;
    Section& section = message.add_section(event.after->name);
    section.add_section("old") = ike_section(*event.before);
    section.add_section("new") = ike_section(*event.after);
    return message;
}

// The new endpoints beside the IKE SA as it was.
Section ike_moved(const model::IkeMoved& event) {
    Section message;
    message.add("local-host", event.path.local.address.text()).add("local-port", std::uint64_t{event.path.local.port});
    message.add("remote-host", event.path.remote.address.text()).add("remote-port", std::uint64_t{event.path.remote.port});
    message.add_section(event.before->name) = ike_section(*event.before);
    return message;
}

Section child_rekeyed(const model::ChildRekeyed& event, Instant now) {
    Section message;
    Section& section = message.add_section(event.sa->name);
    section = ike_section(*event.sa);
    Section& child = section.add_section("child-sas").add_section(event.after->name);
    child.add_section("old") = child_section(*event.before, now);
    child.add_section("new") = child_section(*event.after, now);
    return message;
}

Section alert_section(const model::Alert& alert) {
    Section message;
    message.add("type", alert.type);
    if (alert.sa) {
        Section named;
        named.add_section(alert.sa->name) = ike_section(*alert.sa);
        message.add_section("ike-sa") = std::move(named);
    }
    return message.add("message", alert.message);
}

}  // namespace

Service::Service(ConfigStore& store, Control& control) : store_(store), control_(control) {}

// ---- clients ----------------------------------------------------------------------------------------------

void Service::connected(ClientId client) { clients_.try_emplace(client); }

void Service::disconnected(ClientId client) { clients_.erase(client); }

void Service::received(Instant now, ClientId client, ByteView bytes) {
    now_ = now;
    if (const auto found = clients_.find(client); found != clients_.end()) found->second.reader.feed(bytes);
    while (true) {
        // A handler may end the client: it is looked up again for each packet.
        const auto found = clients_.find(client);
        if (found == clients_.end()) return;
        const auto segment = found->second.reader.next();
        auto decoded = segment && *segment ? decode_packet(**segment) : Result<Packet>(fail(Errc::truncated, ""));
        if (segment && !*segment) return;
        if (decoded) {
            packet(now, client, *decoded);
            continue;
        }
        // Unknown packet types are ignored; anything else malformed ends the connection.
        if (segment && decoded.error().code == Errc::unsupported) continue;
        const Error& error = segment ? decoded.error() : segment.error();
        clients_.erase(client);
        control_.drop(client, "its message is malformed: " + error.text());
        return;
    }
}

void Service::packet(Instant now, ClientId client, const Packet& packet) {
    Client& state = clients_.at(client);
    switch (packet.type) {
        case PacketType::event_register: {
            const bool known = Commands::is_event(packet.name);
            if (known) state.events.insert(packet.name);
            send(client, {.type = known ? PacketType::event_confirm : PacketType::event_unknown});
            return;
        }
        case PacketType::event_unregister: {
            const bool known = state.events.erase(packet.name) != 0;
            send(client, {.type = known ? PacketType::event_confirm : PacketType::event_unknown});
            return;
        }
        case PacketType::command_request:
            if (!state.running) {
                command(now, client, packet);
            } else if (state.waiting.size() < model::limits::vici_waiting_commands) {
                state.waiting.push_back(packet);
            } else {
                clients_.erase(client);
                control_.drop(client, "it sends commands without waiting for their answers");
            }
            return;
        default: return;  // packets that only a server sends
    }
}

void Service::command(Instant now, ClientId client, const Packet& packet) {
    const Commands::Handler handler = Commands::find(packet.name);
    if (handler == nullptr) send(client, {.type = PacketType::command_unknown});
    else handler(*this, now, client, packet.message);
}

void Service::continue_client(Instant now, ClientId client) {
    while (true) {
        const auto found = clients_.find(client);
        if (found == clients_.end() || found->second.running || found->second.waiting.empty()) return;
        const Packet next = std::move(found->second.waiting.front());
        found->second.waiting.pop_front();
        command(now, client, next);
    }
}

void Service::send(ClientId client, const Packet& packet) {
    auto segment = encode(packet);
    if (!segment && packet.type == PacketType::command_response) {
        Packet failure{.type = PacketType::command_response};
        failure.message.add("success", "no").add("errmsg", "the answer does not fit into one message of 512 KiB");
        segment = encode(failure);
    }
    if (segment) control_.send(client, *std::move(segment));
}

void Service::respond(ClientId client, Section message) {
    send(client, {.type = PacketType::command_response, .message = std::move(message)});
}

// ---- events -----------------------------------------------------------------------------------------------

bool Service::anybody_hears(std::string_view event) const {
    return std::ranges::any_of(clients_, [&](const auto& entry) { return entry.second.events.contains(event); });
}

void Service::broadcast(std::string_view event, const Section& message) {
    const auto segment = encode(Packet{.type = PacketType::event, .name = std::string(event), .message = message});
    if (!segment) return;
    for (const auto& [id, client] : clients_)
        if (client.events.contains(event)) control_.send(id, *segment);
}

void Service::log(const model::LogLine& line) {
    if (line.level <= 1 && anybody_hears("log")) broadcast("log", log_section(line, true));
    for (const auto& [request, running] : running_) {
        const auto client = clients_.find(running.client);
        if (client == clients_.end() || !client->second.events.contains("control-log")) continue;
        if (line.level > running.log_level) continue;
        if (!running.connection.empty() && running.connection != line.ike_name) continue;
        send(running.client, {.type = PacketType::event, .name = "control-log", .message = log_section(line, false)});
    }
}

void Service::report(Instant now, const model::Event& event) {
    now_ = now;
    struct Visitor {
        Service& service;
        Instant now;
        void operator()(const model::LogLine& line) const { service.log(line); }
        void operator()(const model::MessageTrace& trace) const {
            if (service.traces_.size() >= model::limits::vici_traces) service.traces_.pop_front();
            service.traces_.push_back({now, trace});
            if (service.anybody_hears("message")) service.broadcast("message", trace_section(now, trace));
        }
        void operator()(const model::IkeUp& up) const { service.tell("ike-updown", [&] { return updown(true, *up.sa, nullptr, now); }); }
        void operator()(const model::IkeDown& down) const {
            service.tell("ike-updown", [&] { return updown(false, *down.sa, nullptr, now); });
        }
        void operator()(const model::IkeRekeyed& rekeyed) const { service.tell("ike-rekey", [&] { return ike_rekeyed(rekeyed); }); }
        void operator()(const model::IkeMoved& moved) const { service.tell("ike-update", [&] { return ike_moved(moved); }); }
        void operator()(const model::ChildUp& up) const {
            service.tell("child-updown", [&] { return updown(true, *up.sa, up.child.get(), now); });
        }
        void operator()(const model::ChildDown& down) const {
            service.tell("child-updown", [&] { return updown(false, *down.sa, down.child.get(), now); });
        }
        void operator()(const model::ChildRekeyed& rekeyed) const {
            service.tell("child-rekey", [&] { return child_rekeyed(rekeyed, now); });
        }
        void operator()(const model::Alert& alert) const { service.tell("alert", [&] { return alert_section(alert); }); }
    };
    std::visit(Visitor{*this, now}, event);
}

// ---- commands whose answer comes later ----------------------------------------------------------------------

Control::Finished Service::begin(Instant now, ClientId client, Running running, std::optional<Duration> timeout) {
    const RequestId request{next_request_++};
    running.client = client;
    if (timeout) running.deadline = now + *timeout;
    running_.emplace(request, std::move(running));
    clients_.at(client).running = request;
    return [this, request](const Result<>& result, std::uint32_t matches) { finished(request, result, matches); };
}

void Service::finished(RequestId request, const Result<>& result, std::uint32_t matches) {
    const auto found = running_.find(request);
    if (found == running_.end()) return;  // it was answered by its timeout
    const Running running = std::move(found->second);
    running_.erase(found);
    const auto client = clients_.find(running.client);
    if (client == clients_.end()) return;
    answer(running, result, matches);
    client->second.running.reset();
    continue_client(now_, running.client);
}

void Service::answer(const Running& running, const Result<>& result, std::uint32_t matches) {
    Section message;
    const bool none = running.counts_matches && matches == 0;
    const bool good = result.has_value() && !none;
    message.add("success", good ? "yes" : "no");
    if (running.counts_matches) message.add("matches", std::uint64_t{matches});
    if (running.counts_terminated) message.add("terminated", std::uint64_t{good ? matches : 0});
    if (!good) {
        std::string why = none ? running.none_text : running.failure_text;
        if (!none && !result.error().detail.empty()) why += ": " + result.error().detail;
        message.add("errmsg", why);
    }
    respond(running.client, std::move(message));
}

// ---- configuration and time ---------------------------------------------------------------------------------

void Service::changed(Instant now) {
    last_change_ = now;
    if (first_change_ == Instant::never()) first_change_ = now;
}

void Service::apply_changes() {
    if (first_change_ != Instant::never()) apply();
}

void Service::apply() {
    first_change_ = last_change_ = Instant::never();
    const auto before = std::exchange(applied_, store_.config());
    control_.configure(applied_, store_.credentials());
    undo_start_actions(*before);
    run_start_actions(*before);
}

// A child that was started because of its configuration ends when it is taken out of it or changed.
void Service::undo_start_actions(const model::Config& before) {
    for (const auto& [name, old] : before.connections) {
        const auto found = applied_->connections.find(name);
        const model::Connection* now = found == applied_->connections.end() ? nullptr : found->second.get();
        if (now == old.get()) continue;
        // What is kept up ends when anything about it changes; the new configuration brings it up again.
        if (old->keep_up) {
            control_.terminate({.ike = name}, false, [](const Result<>&, std::uint32_t) {});
            continue;
        }
        for (const model::ChildConfig& child : old->children) {
            const model::ChildConfig* kept = now == nullptr ? nullptr : now->child(child.name);
            // Traps end by themselves with the configuration.
            if (!model::starts(child.start_action) || (kept != nullptr && *kept == child)) continue;
            control_.terminate({.ike = name, .child = child.name}, false, [](const Result<>&, std::uint32_t) {});
        }
    }
}

void Service::run_start_actions(const model::Config& before) {
    for (const auto& [name, connection] : applied_->connections) {
        const auto found = before.connections.find(name);
        const model::Connection* old = found == before.connections.end() ? nullptr : found->second.get();
        if (old == connection.get()) continue;
        for (const model::ChildConfig& child : connection->children) {
            const model::ChildConfig* same = old == nullptr ? nullptr : old->child(child.name);
            if (same != nullptr && *same == child && !old->keep_up) continue;
            const bool shunt = model::is_shunt(child.mode) && child.start_action != model::Action::none;
            if (model::traps(child.start_action) || shunt)
                control_.install(name, child.name, [](const Result<>&, std::uint32_t) {});
            if (model::starts(child.start_action) && !shunt && !connection->keep_up) control_.start(name, child.name);
        }
    }
}

Instant Service::next_deadline() const {
    Instant next = Instant::never();
    for (const auto& [request, running] : running_) next = std::min(next, running.deadline);
    if (first_change_ != Instant::never())
        next = std::min({next, last_change_ + pause_before_apply, first_change_ + apply_at_the_latest});
    return next;
}

void Service::tick(Instant now) {
    now_ = now;
    const bool paused = first_change_ != Instant::never() &&
                        (now >= last_change_ + pause_before_apply || now >= first_change_ + apply_at_the_latest);
    if (paused) apply();
    std::vector<RequestId> late;
    for (const auto& [request, running] : running_)
        if (running.deadline <= now) late.push_back(request);
    for (const RequestId request : late) {
        const auto found = running_.find(request);
        if (found == running_.end()) continue;
        found->second.failure_text = found->second.timeout_text;
        finished(request, fail(Errc::timeout, "command"), found->second.matches_expected);
    }
}

}  // namespace cygnet::vici
