#include "cli/commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/client.h"
#include "cli/json.h"
#include "cli/text.h"

namespace cygnet::cli {
namespace {

using nlohmann::ordered_json;

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void print_json(const ordered_json& value) { print(value.dump(2) + "\n"); }

std::string sentence(const Error& error) { return error.detail.empty() ? error.text() : error.detail; }

int complain(const Common& common, std::string_view what, ExitStatus status) {
    if (common.json) print_json(ordered_json{{"success", false}, {"error", std::string(what)}});
    fmt::print(stderr, "cygnet: {}\n", what);
    return status;
}

// Connects and runs one command; whatever goes wrong ends in one line and its exit status.
template <class Run>
int with_daemon(const Common& common, Run&& run) {
    auto client = Client::connect(common.uri);
    if (!client) return complain(common, sentence(client.error()), unreachable);
    const Result<int> result = run(*client);
    return result ? *result : complain(common, sentence(result.error()), failed);
}

// `with_sa`: where lines of several SAs are mixed.
std::string log_line(const vici::Section& line, bool with_sa) {
    const auto ike = line.text("ikesa-name");
    std::string out = fmt::format("[{}] ", line.text("group").value_or("?"));
    if (ike && with_sa) out += fmt::format("{}[{}] ", *ike, line.text("ikesa-uniqueid").value_or("?"));
    return out + std::string(line.text("msg").value_or("")) + "\n";
}

// What a name stands for: a connection with its children, or one child.
struct Target {
    std::string connection;
    std::vector<std::string> children{};
};
Result<Target> find_target(Client& client, const std::string& name, bool only_child) {
    std::optional<Target> by_connection, by_child;
    std::string names;
    TRY(client.subscribe("list-conn"));
    TRY(client.request("list-conns", {}, [&](const std::string&, const vici::Section& message) {
        for (const vici::Entry& entry : message.entries()) {
            if (entry.section() == nullptr) continue;
            Target target{.connection = entry.name};
            if (const vici::Section* children = entry.section()->section("children"))
                for (const vici::Entry& child : children->entries()) {
                    const auto mode = child.section() != nullptr ? child.section()->text("mode") : std::nullopt;
                    if (mode != "PASS" && mode != "DROP") target.children.push_back(child.name);  // these have no SA
                    names += (names.empty() ? "" : ", ") + entry.name + "/" + child.name;
                    if (child.name == name && !by_child) by_child = Target{entry.name, {name}};
                }
            if (entry.name == name) by_connection = target;
        }
    }));
    if (by_connection && !only_child) return *by_connection;
    if (by_child) return *by_child;
    return fail(Errc::not_found, "configuration",
                fmt::format("no {} is named '{}'; configured: {}", only_child ? "child" : "connection or child", name,
                            names.empty() ? "nothing" : names));
}

// initiate and terminate: log lines while it runs, then whether it worked.
struct Outcome {
    bool success = false;
    std::string error{};
    ordered_json answer{};
};
Result<Outcome> run_command(Client& client, const Common& common, const std::string& command, const vici::Section& request,
                            bool quiet, ordered_json& lines) {
    const vici::Section answer = TRY(client.request(command, request, [&](const std::string&, const vici::Section& line) {
        if (common.json) lines.push_back(to_json(line));
        else if (!quiet) print(log_line(line, false));
    }));
    return Outcome{answer.flag("success"), std::string(answer.text("errmsg").value_or("")), to_json(answer)};
}

Result<int> bring_up(Client& client, const Common& common, const UpOptions& options) {
    const Target target = TRY(find_target(client, options.name, options.only_child));
    TRY(client.subscribe("control-log"));
    std::vector<std::string> children = target.children;
    if (children.empty()) children.emplace_back();  // a connection without children: its IKE SA alone
    ordered_json lines = ordered_json::array(), up = ordered_json::array();
    for (const std::string& child : children) {
        vici::Section request;
        if (!child.empty()) request.add("child", child);
        request.add("ike", target.connection).add("timeout", std::uint64_t{options.timeout_s} * 1000).add("loglevel", "1");
        const Outcome outcome = TRY(run_command(client, common, "initiate", request, options.quiet, lines));
        if (!outcome.success) return fail(Errc::state, "initiate", outcome.error);
        const std::string what = child.empty() ? target.connection : target.connection + "/" + child;
        up.push_back(what);
        if (!common.json) print(what + " is up\n");
    }
    if (common.json) print_json(ordered_json{{"success", true}, {"up", up}, {"log", lines}});
    return succeeded;
}

Result<int> bring_down(Client& client, const Common& common, const DownOptions& options) {
    const Target target = TRY(find_target(client, options.name, options.only_child));
    const bool whole = target.connection == options.name && !options.only_child;
    TRY(client.subscribe("control-log"));
    vici::Section request;
    request.add(whole ? "ike" : "child", options.name).add_flag("force", options.force);
    request.add("timeout", std::uint64_t{options.timeout_s} * 1000).add("loglevel", "1");
    ordered_json lines = ordered_json::array();
    const Outcome outcome = TRY(run_command(client, common, "terminate", request, options.quiet, lines));
    if (!outcome.success) return fail(Errc::state, "terminate", outcome.error);
    if (common.json) print_json(ordered_json{{"success", true}, {"answer", outcome.answer}, {"log", lines}});
    else print(options.name + " is down\n");
    return succeeded;
}

Result<int> show_counters(Client& client, const Common& common, const std::string& name) {
    vici::Section request;
    if (!name.empty()) request.add("name", name);
    const vici::Section answer = TRY(client.request("get-counters", request));
    if (!answer.flag("success")) return fail(Errc::not_found, "counters", std::string(answer.text("errmsg").value_or("")));
    const vici::Section* all = answer.section("counters");
    const vici::Section* values = all == nullptr || all->empty() ? nullptr : all->entries().front().section();
    const vici::Section none;
    ordered_json object = ordered_json::object();
    for (const vici::Entry& counter : (values != nullptr ? *values : none).entries()) {
        if (counter.text() == nullptr) continue;
        if (common.json) object[counter.name] = std::stoull(*counter.text());
        else if (*counter.text() != "0") print(fmt::format("{:<28} {:>12}\n", counter.name, *counter.text()));
    }
    if (common.json) print_json(object);
    return succeeded;
}

Result<int> show_status(Client& client, const Common& common, const StatusOptions& options) {
    if (options.counters) return show_counters(client, common, options.name);
    TRY(client.subscribe("list-sa"));
    vici::Section request;
    if (!options.name.empty()) request.add("ike", options.name);
    ordered_json sas = ordered_json::array();
    std::string text;
    TRY(client.request("list-sas", request, [&](const std::string&, const vici::Section& message) {
        text += status_text(message);
        for (const vici::Entry& entry : message.entries()) {
            if (entry.section() == nullptr) continue;
            ordered_json sa{{"name", entry.name}};
            sa.update(to_json(*entry.section()));
            sas.push_back(std::move(sa));
        }
    }));
    if (common.json) {
        print_json(sas);
        return succeeded;
    }
    print(text.empty() ? std::string("no SAs; `cygnet up NAME` brings one up\n") : text);
    if (!options.name.empty()) return succeeded;
    const vici::Section stats = TRY(client.request("stats", {}));
    if (const auto plane = stats.text("data-plane")) print(fmt::format("{}\n", *plane));
    return succeeded;
}

// ---- why -----------------------------------------------------------------------------------------------

Result<int> show_why(Client& client, const Common& common, const WhyOptions& options) {
    TRY(client.subscribe("why"));
    vici::Section request;
    if (!options.name.empty()) request.add("ike", options.name);
    ordered_json connections = ordered_json::object();
    std::string out;
    const vici::Section answer = TRY(client.request("why", request, [&](const std::string&, const vici::Section& message) {
        connections.update(to_json(message));
        out += why_text(message);
    }));
    if (!answer.flag("success")) return fail(Errc::not_found, "why", std::string(answer.text("errmsg").value_or("")));
    ordered_json strangers = ordered_json::array();
    if (const vici::Section* all = answer.section("strangers"))
        for (const vici::Entry& stranger : all->entries()) {
            if (stranger.section() == nullptr) continue;
            strangers.push_back(to_json(*stranger.section()));
            out += stranger_text(*stranger.section());
        }
    if (common.json && !options.name.empty()) print_json(connections.contains(options.name) ? connections[options.name] : ordered_json{});
    else if (common.json) print_json(ordered_json{{"connections", connections}, {"strangers", strangers}});
    else print(out.empty() ? std::string("nothing is in trouble\n") : out);
    return succeeded;
}

// ---- log ------------------------------------------------------------------------------------------------

ordered_json message_json(const vici::Section& message) {
    ordered_json raw = to_json(message);
    return {{"time_ms", static_cast<double>(raw.value("time-us", std::uint64_t{0})) / 1000},
            {"sa", raw["ikesa-uniqueid"]},
            {"sent", raw["direction"] == "sent"},
            {"exchange", raw["exchange"]},
            {"response", raw["kind"] == "response"},
            {"id", raw["message-id"]},
            {"octets", raw["octets"]},
            {"datagrams", raw["datagrams"]},
            {"retransmission", raw.value("retransmission", false)},
            {"payloads", raw["payloads"]}};
}

Result<int> show_messages(Client& client, const Common& common, bool follow) {
    TRY(client.subscribe("message"));
    const vici::Section answer = TRY(client.request("get-messages"));
    std::vector<vici::Section> messages;
    if (const vici::Section* recorded = answer.section("messages"))
        for (const vici::Entry& entry : recorded->entries())
            if (entry.section() != nullptr) messages.push_back(*entry.section());
    if (common.json && !follow) {
        ordered_json all = ordered_json::array();
        for (const vici::Section& message : messages) all.push_back(message_json(message));
        print_json(all);
        return succeeded;
    }
    // One object in each line, so that a reader need not wait for the end.
    if (common.json)
        for (const vici::Section& message : messages) print(message_json(message).dump() + "\n");
    else
        print(ladder_text(messages, "this host", "peer"));
    if (!follow) return succeeded;
    const std::uint64_t start = messages.empty() ? 0 : std::stoull(std::string(messages.front().text("time-us").value_or("0")));
    TRY(client.listen([&](const std::string&, const vici::Section& message) {
        print(common.json ? message_json(message).dump() + "\n" : ladder_line(message, start));
    }));
    return succeeded;
}

Result<int> follow_log(Client& client, const Common& common) {
    TRY(client.subscribe("log"));
    TRY(client.listen([&](const std::string&, const vici::Section& line) {
        print(common.json ? to_json(line).dump() + "\n" : log_line(line, true));
    }));
    return succeeded;
}

}  // namespace

int up(const Common& common, const UpOptions& options) {
    return with_daemon(common, [&](Client& client) { return bring_up(client, common, options); });
}

int down(const Common& common, const DownOptions& options) {
    return with_daemon(common, [&](Client& client) { return bring_down(client, common, options); });
}

int clone(const Common& common, const std::string& connection) {
    return with_daemon(common, [&](Client& client) -> Result<int> {
        vici::Section request;
        request.add("ike", connection);
        const vici::Section answer = TRY(client.request("clone", request));
        if (!answer.flag("success")) return fail(Errc::state, "clone", std::string(answer.text("errmsg").value_or("")));
        if (common.json) print_json(ordered_json{{"success", true}});
        else print(connection + " has another IKE SA\n");
        return succeeded;
    });
}

int status(const Common& common, const StatusOptions& options) {
    return with_daemon(common, [&](Client& client) { return show_status(client, common, options); });
}

int why(const Common& common, const WhyOptions& options) {
    return with_daemon(common, [&](Client& client) { return show_why(client, common, options); });
}

int log(const Common& common, const LogOptions& options) {
    return with_daemon(common, [&](Client& client) {
        return options.messages ? show_messages(client, common, options.follow) : follow_log(client, common);
    });
}

int reload(const Common& common) {
    return with_daemon(common, [&](Client& client) -> Result<int> {
        const vici::Section answer = TRY(client.request("reload-settings"));
        if (!answer.flag("success")) return fail(Errc::bad_syntax, "configuration", std::string(answer.text("errmsg").value_or("")));
        if (common.json) print_json(ordered_json{{"success", true}});
        else print("the configuration is loaded\n");
        return succeeded;
    });
}

}  // namespace cygnet::cli
