// Commands on the daemon itself: version, statistics, counters, the ladder.
#include <algorithm>
#include <chrono>

#include "crypto/catalogue.h"
#include "vici/commands.h"
#include "vici/sections.h"

namespace cygnet::vici {
namespace {

// The names of VICI's sections, in its order; kinds of our catalogue that it lacks follow.
constexpr std::string_view algorithm_kinds[] = {"encryption", "integrity", "aead", "hasher", "prf", "xof",
                                                "kdf",        "drbg",      "ke",   "rng",    "nonce-gen", "signature"};

model::Counters minus(const model::Counters& now, const model::Counters& before) {
    model::Counters rest;
    for (std::size_t i = 0; i < model::counter_count; ++i) rest.values[i] = now.values[i] - before.values[i];
    return rest;
}

// Names of ciphers stand for all their key sizes here.
std::string_view without_key_size(std::string_view algorithm) {
    for (const std::string_view size : {"_128", "_192", "_256"})
        if (algorithm.starts_with("AES_") && algorithm.ends_with(size)) algorithm.remove_suffix(size.size());
    return algorithm;
}

std::string running_text(Duration running) {
    const auto whole = std::chrono::duration_cast<seconds>(running).count();
    const auto text = [](auto count, const char* unit) {
        return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
    };
    if (whole < 120) return text(whole, "second");
    if (whole < 120 * 60) return text(whole / 60, "minute");
    if (whole < 48 * 3600) return text(whole / 3600, "hour");
    return text(whole / 86400, "day");
}

}  // namespace

void Commands::version(Service& service, Instant, ClientId client, const Section&) {
    const DaemonFacts facts = service.control_.facts();
    Section message;
    message.add("daemon", "cygnetd").add("version", facts.version).add("sysname", facts.system);
    service.respond(client, std::move(message.add("release", facts.release).add("machine", facts.machine)));
}

void Commands::stats(Service& service, Instant, ClientId client, const Section&) {
    const DaemonFacts facts = service.control_.facts();
    // Cygnet's jobs have no priorities; the keys are there for clients that read them.
    Section none;
    for (const char* priority : {"critical", "high", "medium", "low"}) none.add(priority, "0");
    Section message;
    message.add_section("uptime").add("running", running_text(facts.running)).add("since", facts.since);
    Section& workers = message.add_section("workers");
    workers.add("total", std::uint64_t{facts.workers}).add("idle", std::uint64_t{facts.workers});
    workers.add_section("active") = none;
    message.add_section("queues") = none;
    message.add("scheduled", "0");
    message.add_section("ikesas")
        .add("total", std::uint64_t{facts.population.ike_sas})
        .add("half-open", std::uint64_t{facts.population.half_open});
    message.add("data-plane", facts.data_plane);  // our own
    service.respond(client, std::move(message.add_list("plugins")));
}

void Commands::reload_settings(Service& service, Instant, ClientId client, const Section&) {
    const auto reloaded = service.control_.reload();
    service.apply();
    if (!reloaded) {
        const Error& error = reloaded.error();
        return refuse(service, client, error.detail.empty() ? error.text() : error.detail);
    }
    Section message;
    service.respond(client, std::move(message.add("success", "yes")));
}

void Commands::get_algorithms(Service& service, Instant, ClientId client, const Section&) {
    Section message;
    for (const std::string_view kind : algorithm_kinds) {
        Section rows;
        for (const crypto::CatalogueRow& row : crypto::catalogue()) {
            const std::string_view name = without_key_size(row.algorithm);
            if (row.kind == kind && !rows.has(name)) rows.add(name, row.implementation);
        }
        message.add_section(kind) = std::move(rows);
    }
    service.respond(client, std::move(message));
}

// An empty name stands for the counters of all.
model::Counters Commands::counters_of(const Service& service, std::string_view connection) {
    if (connection.empty()) return minus(service.control_.counters(), service.counted_before_);
    const auto before = service.counted_before_by_name_.find(connection);
    const model::Counters now = service.control_.counters(connection);
    return before == service.counted_before_by_name_.end() ? now : minus(now, before->second);
}

// The data plane does not know which connection a packet was meant for: its drops are among the counters of all.
Section Commands::section_of_counters(const Service& service, std::string_view connection) {
    Section section = counters_section(counters_of(service, connection));
    if (!connection.empty()) return section;
    model::PacketDrops drops = service.control_.packet_drops();
    for (std::size_t i = 0; i < std::min(drops.size(), service.dropped_before_.size()); ++i)
        drops[i].packets -= service.dropped_before_[i].packets;
    add_drops(section, drops);
    return section;
}

void Commands::get_counters(Service& service, Instant, ClientId client, const Section& request) {
    Section message;
    Section counters;
    if (request.flag("all")) {
        for (const auto& [name, connection] : service.store_.config()->connections)
            counters.add_section(name) = section_of_counters(service, name);
    } else {
        const auto name = request.text("name").value_or("");
        if (!name.empty() && !service.store_.config()->connections.contains(name))
            return refuse(service, client, "no counters found for the specified name");
        counters.add_section(name) = section_of_counters(service, name);
    }
    message.add_section("counters") = std::move(counters);
    service.respond(client, std::move(message.add("success", "yes")));
}

void Commands::reset_counters(Service& service, Instant, ClientId client, const Section& request) {
    const auto name = request.text("name").value_or("");
    const auto reset = [&](const std::string& connection) {
        service.counted_before_by_name_[connection] = service.control_.counters(connection);
    };
    if (!name.empty()) {
        reset(std::string(name));
    } else {
        service.counted_before_ = service.control_.counters();
        service.dropped_before_ = service.control_.packet_drops();
    }
    if (request.flag("all"))
        for (const auto& [connection, value] : service.store_.config()->connections) reset(connection);
    Section message;
    service.respond(client, std::move(message.add("success", "yes")));
}

// Our own: the messages sent and received of late, for the ladder.
void Commands::get_messages(Service& service, Instant, ClientId client, const Section&) {
    Section message;
    Section& messages = message.add_section("messages");
    std::size_t number = 0;
    for (const TimedTrace& trace : service.traces_)
        messages.add_section(std::to_string(number++)) = trace_section(trace.at, trace.trace);
    service.respond(client, std::move(message));
}

}  // namespace cygnet::vici
