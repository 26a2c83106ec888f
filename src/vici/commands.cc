// Commands on SAs, and the table.
#include "vici/commands.h"

#include <algorithm>
#include <iterator>

#include "crypto/x509.h"
#include "vici/diagnosis.h"
#include "vici/sections.h"
#include "vici/values.h"

namespace cygnet::vici {
namespace {

struct Named {
    std::string_view name;
    Commands::Handler handler;
};
constexpr Named table[] = {
    {"version", Commands::version},
    {"stats", Commands::stats},
    {"reload-settings", Commands::reload_settings},
    {"initiate", Commands::initiate},
    {"terminate", Commands::terminate},
    {"rekey", Commands::rekey},
    {"clone", Commands::clone},
    {"redirect", Commands::redirect},
    {"install", Commands::install},
    {"uninstall", Commands::uninstall},
    {"list-sas", Commands::list_sas},
    {"list-policies", Commands::list_policies},
    {"list-conns", Commands::list_conns},
    {"get-conns", Commands::get_conns},
    {"list-certs", Commands::list_certs},
    {"list-authorities", Commands::list_authorities},
    {"get-authorities", Commands::get_authorities},
    {"load-conn", Commands::load_conn},
    {"unload-conn", Commands::unload_conn},
    {"load-cert", Commands::load_cert},
    {"load-key", Commands::load_key},
    {"unload-key", Commands::unload_key},
    {"get-keys", Commands::get_keys},
    {"load-token", Commands::not_yet},
    {"load-shared", Commands::load_shared},
    {"unload-shared", Commands::unload_shared},
    {"get-shared", Commands::get_shared},
    {"flush-certs", Commands::flush_certs},
    {"clear-creds", Commands::clear_creds},
    {"load-authority", Commands::load_authority},
    {"unload-authority", Commands::unload_authority},
    {"load-pool", Commands::load_pool},
    {"unload-pool", Commands::unload_pool},
    {"get-pools", Commands::get_pools},
    {"get-algorithms", Commands::get_algorithms},
    {"get-counters", Commands::get_counters},
    {"reset-counters", Commands::reset_counters},
    {"get-messages", Commands::get_messages},  // our own
    {"why", Commands::why},                    // our own
};

constexpr std::string_view events[] = {
    "log",        "control-log", "list-sa",      "list-policy", "list-conn", "list-cert", "list-authority",
    "ike-updown", "ike-rekey",   "ike-update",   "child-updown", "child-rekey", "alert",
    "message", "why",  // our own
};

// Milliseconds: 0 waits for ever, -1 does not wait at all.
struct Waiting {
    bool at_all = true;
    std::optional<Duration> at_most{};
    std::string text{};
};
std::optional<Waiting> parse_waiting(const Section& request) {
    const auto text = request.text("timeout");
    if (!text || *text == "0") return Waiting{};
    if (*text == "-1") return Waiting{.at_all = false};
    constexpr std::uint64_t milliseconds_max = 0x7fffffff;
    const auto value = parse_number(*text, milliseconds_max);
    if (!value) return std::nullopt;
    return Waiting{.at_most = milliseconds(*value), .text = std::string(*text)};
}

int log_level(const Section& request) {
    const auto level = parse_number(request.text("loglevel").value_or("1"), 4);
    return level ? static_cast<int>(*level) : 1;
}

std::optional<std::uint32_t> id_of(const Section& request, std::string_view key) {
    const auto text = request.text(key);
    const auto id = text ? parse_number(*text, 0xffffffff) : std::nullopt;
    if (!id) return std::nullopt;
    return static_cast<std::uint32_t>(*id);
}

// Nothing when the request names no SA.
std::optional<ike::SaSelector> selector_of(const Section& request) {
    ike::SaSelector selector{.ike = std::string(request.text("ike").value_or("")),
                             .child = std::string(request.text("child").value_or("")),
                             .ike_id = id_of(request, "ike-id"),
                             .child_id = id_of(request, "child-id")};
    const bool empty = selector.ike.empty() && selector.child.empty() && !selector.ike_id && !selector.child_id;
    if (empty) return std::nullopt;
    return selector;
}

bool matches(const ike::SaSelector& selector, const model::IkeStatus& sa, const model::ChildStatus* child) {
    if (!selector.ike.empty() && selector.ike != sa.name) return false;
    if (selector.ike_id && *selector.ike_id != static_cast<std::uint32_t>(sa.id)) return false;
    if (child == nullptr) return true;
    if (!selector.child.empty() && selector.child != child->name) return false;
    return !selector.child_id || *selector.child_id == child->unique_id;
}

std::uint32_t count_matches(const std::vector<model::IkeStatus>& sas, const ike::SaSelector& selector) {
    const bool of_children = !selector.child.empty() || selector.child_id.has_value();
    std::uint32_t count = 0;
    for (const model::IkeStatus& sa : sas) {
        if (!of_children) count += matches(selector, sa, nullptr) ? 1 : 0;
        else
            for (const model::ChildStatus& child : sa.children) count += matches(selector, sa, &child) ? 1 : 0;
    }
    return count;
}

}  // namespace

Commands::Handler Commands::find(std::string_view name) {
    const auto row = std::ranges::find(table, name, &Named::name);
    return row == std::end(table) ? nullptr : row->handler;
}

bool Commands::is_event(std::string_view name) { return std::ranges::find(events, name) != std::end(events); }

void Commands::refuse(Service& service, ClientId client, const std::string& errmsg) {
    Section message;
    message.add("success", "no").add("errmsg", errmsg);
    service.respond(client, std::move(message));
}

void Commands::event(Service& service, ClientId client, std::string_view name, Section message) {
    const auto found = service.clients_.find(client);
    if (found == service.clients_.end() || !found->second.events.contains(name)) return;
    service.send(client, {.type = PacketType::event, .name = std::string(name), .message = std::move(message)});
}

void Commands::not_yet(Service& service, Instant, ClientId client, const Section&) {
    refuse(service, client, "this command is not supported by this version of Cygnet");
}

void Commands::initiate(Service& service, Instant now, ClientId client, const Section& request) {
    service.apply_changes();
    const std::string ike(request.text("ike").value_or("")), child(request.text("child").value_or(""));
    const auto waiting = parse_waiting(request);
    if (!waiting) return refuse(service, client, "invalid value for: timeout");
    if (ike.empty() && child.empty()) return refuse(service, client, "missing configuration name");
    const auto& connections = service.applied_->connections;
    const model::Connection* connection = nullptr;
    if (ike.empty()) connection = service.store_.connection_of_child(child);
    else if (const auto found = connections.find(ike); found != connections.end()) connection = found->second.get();
    if (connection == nullptr || (!child.empty() && connection->child(child) == nullptr)) {
        const bool about_child = !child.empty();
        return refuse(service, client, about_child ? "CHILD_SA config '" + child + "' not found"
                                                   : "IKE_SA config '" + ike + "' not found");
    }
    const std::string what = child.empty() ? "IKE_SA '" + ike + "'" : "CHILD_SA '" + child + "'";
    if (!waiting->at_all) {
        service.control_.initiate(connection->name, child, [](const Result<>&, std::uint32_t) {});
        Section message;
        return service.respond(client, std::move(message.add("success", "yes")));
    }
    auto finished = service.begin(now, client,
                                  {.failure_text = "establishing " + what + " failed",
                                   .timeout_text = what + " not established after " + waiting->text + "ms",
                                   .connection = connection->name,
                                   .log_level = log_level(request)},
                                  waiting->at_most);
    service.control_.initiate(connection->name, child, std::move(finished));
}

void Commands::terminate(Service& service, Instant now, ClientId client, const Section& request) {
    service.apply_changes();
    const auto selector = selector_of(request);
    const auto waiting = parse_waiting(request);
    if (!selector) return refuse(service, client, "missing terminate selector");
    if (!waiting) return refuse(service, client, "invalid value for: timeout");
    const std::vector<model::IkeStatus> sas = service.control_.ike_sas();
    const std::uint32_t expected = count_matches(sas, *selector);
    if (!selector->ike.empty()) service.control_.leave_down(selector->ike);
    for (const model::IkeStatus& sa : sas)
        if (count_matches({sa}, *selector) != 0) service.control_.leave_down(sa.name);
    if (!waiting->at_all && expected != 0) {
        service.control_.terminate(*selector, request.flag("force"), [](const Result<>&, std::uint32_t) {});
        Section message;
        message.add("success", "yes").add("matches", std::uint64_t{expected}).add("terminated", std::uint64_t{expected});
        return service.respond(client, std::move(message));
    }
    auto finished = service.begin(now, client,
                                  {.failure_text = "not all matching SAs could be terminated",
                                   .timeout_text = "not all matching SAs could be terminated",
                                   .none_text = "no matching SAs to terminate found",
                                   .connection = selector->ike,
                                   .log_level = log_level(request),
                                   .counts_matches = true,
                                   .counts_terminated = true,
                                   .matches_expected = expected},
                                  waiting->at_most);
    if (expected == 0) return finished(Result<>(), 0);
    service.control_.terminate(*selector, request.flag("force"), std::move(finished));
}

void Commands::rekey(Service& service, Instant now, ClientId client, const Section& request) {
    service.apply_changes();
    const auto selector = selector_of(request);
    if (!selector) return refuse(service, client, "missing rekey selector");
    const std::uint32_t expected = count_matches(service.control_.ike_sas(), *selector);
    auto finished = service.begin(now, client,
                                  {.failure_text = "rekeying failed",
                                   .none_text = "no matching SAs to rekey found",
                                   .connection = selector->ike,
                                   .counts_matches = true,
                                   .matches_expected = expected},
                                  std::nullopt);
    if (expected == 0) return finished(Result<>(), 0);
    service.control_.rekey(*selector, request.flag("reauth"), std::move(finished));
}

void Commands::redirect(Service& service, Instant now, ClientId client, const Section& request) {
    service.apply_changes();
    ike::Redirect command{.ike = std::string(request.text("ike").value_or("")),
                          .ike_id = id_of(request, "ike-id"),
                          .gateway = std::string(request.text("gateway").value_or(""))};
    if (const auto peer = request.text("peer-ip")) {
        command.peer_address = model::AddressRange::parse(*peer);
        if (!command.peer_address) return refuse(service, client, "invalid value for: peer-ip");
    }
    if (const auto peer = request.text("peer-id")) command.peer_id = model::Identity::parse(*peer, crypto::parse_distinguished_name);
    if (command.gateway.empty()) return refuse(service, client, "missing target gateway");
    if (!is_gateway(command.gateway)) return refuse(service, client, "invalid value for: gateway");
    if (command.ike.empty() && !command.ike_id && !command.peer_address && !command.peer_id)
        return refuse(service, client, "missing redirect selector");
    auto finished = service.begin(now, client,
                                  {.failure_text = "redirecting failed",
                                   .none_text = "no matching SAs to redirect found",
                                   .connection = command.ike,
                                   .counts_matches = true},
                                  std::nullopt);
    service.control_.redirect(command, std::move(finished));
}

// Ours: a second IKE SA beside the first.
void Commands::clone(Service& service, Instant now, ClientId client, const Section& request) {
    const auto selector = selector_of(request);
    if (!selector || !selector->child.empty() || selector->child_id) return refuse(service, client, "missing IKE_SA to clone");
    const std::uint32_t expected = count_matches(service.control_.ike_sas(), *selector);
    auto finished = service.begin(now, client,
                                  {.failure_text = "cloning failed",
                                   .none_text = "no matching SAs to clone found",
                                   .connection = selector->ike,
                                   .counts_matches = true,
                                   .matches_expected = expected},
                                  std::nullopt);
    if (expected == 0) return finished(Result<>(), 0);
    service.control_.clone(*selector, std::move(finished));
}

void Commands::list_sas(Service& service, Instant now, ClientId client, const Section& request) {
    const ike::SaSelector selector = selector_of(request).value_or(ike::SaSelector{});
    const bool of_children = !selector.child.empty() || selector.child_id.has_value();
    for (model::IkeStatus& sa : service.control_.ike_sas()) {
        if (!matches(selector, sa, nullptr)) continue;
        std::erase_if(sa.children, [&](const model::ChildStatus& child) { return !matches(selector, sa, &child); });
        if (of_children && sa.children.empty()) continue;
        std::string trouble;
        if (sa.state == model::IkeState::connecting)
            for (const model::Failure& failure : service.control_.failures(sa.name))
                if (failure.child.empty() && failure.sa == sa.id) trouble = failure.why.sentence();
        event(service, client, "list-sa", list_sa(sa, now, trouble));
    }
    service.respond(client, {});
}

// Whether connections are up and why not: one event for the one that `ike` names, or for each that is in trouble; in the
// answer those of strangers, whom no connection expects.
void Commands::why(Service& service, Instant now, ClientId client, const Section& request) {
    service.apply_changes();
    const std::string wanted(request.text("ike").value_or(""));
    const auto& connections = service.applied_->connections;
    if (!wanted.empty() && !connections.contains(wanted))
        return refuse(service, client, "IKE_SA config '" + wanted + "' not found");
    std::map<std::string, std::vector<model::IkeStatus>, std::less<>> sas;
    for (model::IkeStatus& sa : service.control_.ike_sas())
        if (wanted.empty() || sa.name == wanted) sas[sa.name].push_back(std::move(sa));
    std::map<std::string, std::vector<model::Failure>, std::less<>> failures;
    for (model::Failure& failure : service.control_.failures(wanted)) failures[failure.connection].push_back(std::move(failure));
    if (!wanted.empty()) failures.try_emplace(wanted);
    for (const auto& [name, of_connection] : failures) {
        const auto connection = connections.find(name);
        if (connection == connections.end()) continue;
        Section told = diagnosis({*connection->second, sas[name], of_connection, service.control_.next_attempt(name)}, now);
        if (wanted.empty() && told.section(name)->text("state") == "up") continue;
        event(service, client, "why", std::move(told));
    }
    Section message, strangers;
    std::size_t number = 0;
    if (wanted.empty())
        for (const model::Failure& failure : service.control_.stranger_failures())
            strangers.add_section(std::to_string(number++)) = failure_section(failure, now);
    message.add("success", "yes").add_section("strangers") = std::move(strangers);
    service.respond(client, std::move(message));
}

// ---- traps and shunts -----------------------------------------------------------------------------------

void Commands::install(Service& service, Instant now, ClientId client, const Section& request) {
    service.apply_changes();
    const std::string ike(request.text("ike").value_or("")), child(request.text("child").value_or(""));
    if (child.empty()) return refuse(service, client, "missing configuration name");
    const auto& connections = service.applied_->connections;
    const model::Connection* connection = nullptr;
    if (ike.empty()) connection = service.store_.connection_of_child(child);
    else if (const auto found = connections.find(ike); found != connections.end()) connection = found->second.get();
    if (connection == nullptr || connection->child(child) == nullptr)
        return refuse(service, client, "configuration name not found");
    auto finished = service.begin(
        now, client, {.failure_text = "installing policy '" + child + "' failed", .connection = connection->name}, {});
    service.control_.install(connection->name, child, std::move(finished));
}

void Commands::uninstall(Service& service, Instant now, ClientId client, const Section& request) {
    const std::string child(request.text("child").value_or(""));
    if (child.empty()) return refuse(service, client, "missing configuration name");
    auto finished =
        service.begin(now, client, {.failure_text = "uninstalling policy '" + child + "' failed"}, {});
    service.control_.uninstall(std::string(request.text("ike").value_or("")), child, std::move(finished));
}

void Commands::list_policies(Service& service, Instant, ClientId client, const Section& request) {
    const auto ike = request.text("ike").value_or(""), child = request.text("child").value_or("");
    // Without a kind all are meant; only the presence of the key counts.
    const bool all = !request.has("drop") && !request.has("pass") && !request.has("trap");
    for (const model::PolicyStatus& policy : service.control_.policies()) {
        if (!all && !request.has(name_of(policy.kind))) continue;
        if ((!ike.empty() && ike != policy.connection) || (!child.empty() && child != policy.child)) continue;
        event(service, client, "list-policy", list_policy(policy));
    }
    service.respond(client, {});
}

}  // namespace cygnet::vici
