#include "daemon/control.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "daemon/path.h"
#include "model/limits.h"
#include "os/files.h"
#include "os/host.h"

namespace cygnet::daemon {

using model::LogGroup;

namespace {

os::ClientId socket_id(vici::ClientId client) { return os::ClientId{static_cast<std::uint64_t>(client)}; }
vici::ClientId service_id(os::ClientId client) { return vici::ClientId{static_cast<std::uint64_t>(client)}; }

std::string date_now() {
    const std::time_t seconds_now = os::unix_seconds();
    std::tm local{};
    ::localtime_r(&seconds_now, &local);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%b %d %H:%M:%S %Y", &local)};
}

}  // namespace

Result<std::string> HostFiles::read(const std::string& path) {
    const Bytes content = TRY(os::read_file(path, model::limits::config_file_octets));
    return std::string(text_of(content));
}

std::vector<std::string> HostFiles::glob(const std::string& pattern) { return os::matching_files(pattern); }

Control::Control(os::EventLoop& loop, os::JobPool& jobs, Log& log, Driver& driver, vici::ConfigStore& store, Rng& rng,
                 const Options& options, std::string version)
    : loop_(loop),
      jobs_(jobs),
      log_(log),
      driver_(driver),
      store_(store),
      options_(options),
      version_(std::move(version)),
      since_(date_now()),
      connector_(loop, jobs, log, driver, store, rng, options.network),
      service_(store, *this),
      deadline_(loop, [this] {
          service_.tick(os::now());
          set_deadline();
      }) {
    // Log lines reach clients through the log, whoever wrote them; all other events come from the engine.
    log_.on_line([this](const model::LogLine& line) { service_.report(os::now(), line); }, [this] { return service_.hears_lines(); });
    driver_.on_redirect([this](ike::RedirectId id, std::shared_ptr<const model::Connection> connection, const std::string& gateway) {
        find_path_to(jobs_, *connection, gateway, options_.network,
                     [this, id](Result<model::Path> path) { driver_.gateway_found(id, std::move(path)); });
    });
    driver_.on_event(
        [this](const model::Event& event) {
            if (!std::holds_alternative<model::LogLine>(event)) service_.report(os::now(), event);
            if (const auto* down = std::get_if<model::IkeDown>(&event)) connector_.lost(down->sa->name);
            if (const auto* down = std::get_if<model::ChildDown>(&event)) connector_.lost(down->sa->name);
            set_deadline();
        },
        [this] { return service_.hears_of_sas(); });
}

Control::~Control() { log_.on_line({}); }

Result<> Control::start() {
    const os::StreamLimits limits{.clients = model::limits::vici_clients, .queued_octets = model::limits::vici_queued_octets};
    server_ = TRY(os::StreamServer::listen(loop_, options_.vici, limits,
                                           {.opened = [this](os::ClientId id) { service_.connected(service_id(id)); },
                                            .received =
                                                [this](os::ClientId id, ByteView octets) {
                                                    service_.received(os::now(), service_id(id), octets);
                                                    set_deadline();
                                                },
                                            .closed =
                                                [this](os::ClientId id) {
                                                    service_.disconnected(service_id(id));
                                                    set_deadline();
                                                }}));
    service_.apply();
    set_deadline();
    return {};
}

void Control::set_deadline() { deadline_.set(service_.next_deadline()); }

// ---- clients ------------------------------------------------------------------------------------

void Control::send(vici::ClientId client, Bytes segment) { server_->send(socket_id(client), std::move(segment)); }

void Control::drop(vici::ClientId client, const std::string& why) {
    log_.write(LogGroup::cfg, 1, "control socket: client disconnected, " + why);
    server_->close(socket_id(client));
}

// ---- commands -----------------------------------------------------------------------------------

void Control::initiate(const std::string& connection, const std::string& child, Finished finished) {
    connector_.initiate(connection, child, std::move(finished));
}

void Control::start(const std::string& connection, const std::string& child) { connector_.start(connection, child); }

void Control::terminate(const ike::SaSelector& which, bool force, Finished finished) {
    driver_.terminate(which, force, [finished](const CommandOutcome& outcome) { finished(outcome.result, outcome.matches); });
}

void Control::clone(const ike::SaSelector& which, Finished finished) {
    driver_.clone(which, [finished](const CommandOutcome& outcome) { finished(outcome.result, outcome.matches); });
}

void Control::rekey(const ike::SaSelector& which, bool reauthenticate, Finished finished) {
    driver_.rekey(which, reauthenticate, [finished](const CommandOutcome& outcome) { finished(outcome.result, outcome.matches); });
}

// ---- traps --------------------------------------------------------------------------------------

void Control::install(const std::string& connection, const std::string& child, Finished finished) {
    const auto& connections = store_.config()->connections;
    const auto found = connections.find(connection);
    if (found == connections.end())
        return finished(fail(Errc::not_found, "install", fmt::format("connection {} is not configured", connection)), 0);
    find_paths(jobs_, found->second, options_.network,
               [this, connection, child, finished = std::move(finished)](const Result<Paths>& paths) {
                   // Selectors that are written out need no address of the peer.
                   const auto known = paths ? std::optional(paths->front()) : std::nullopt;
                   driver_.install(connection, child, known, [this, finished](const CommandOutcome& outcome) {
                       if (!outcome.result) log_.problem(LogGroup::cfg, outcome.result.error());
                       finished(outcome.result, outcome.matches);
                   });
               });
}

void Control::uninstall(const std::string& connection, const std::string& child, Finished finished) {
    driver_.uninstall(connection, child,
                      [finished](const CommandOutcome& outcome) { finished(outcome.result, outcome.matches); });
}

void Control::acquire(model::PolicyId policy, const model::PacketEnds& packet) {
    const auto policies = driver_.engine().policies();
    const auto named = std::ranges::find(policies, policy, &model::PolicyStatus::id);
    if (named == policies.end()) return;
    const auto& connections = store_.config()->connections;
    const auto found = connections.find(named->connection);
    if (found == connections.end() || !acquiring_.insert(policy).second) return;
    find_paths(jobs_, found->second, options_.network, [this, policy, packet](const Result<Paths>& paths) {
        acquiring_.erase(policy);
        driver_.acquire(policy, packet, paths ? std::optional(paths->front()) : std::nullopt);
    });
}

void Control::redirect(const ike::Redirect& which, Finished finished) {
    driver_.redirect(which, [finished](const CommandOutcome& outcome) { finished(outcome.result, outcome.matches); });
}

// ---- configuration ------------------------------------------------------------------------------

void Control::configure(std::shared_ptr<const model::Config> config, std::shared_ptr<const ike::Credentials> credentials) {
    log_.write(LogGroup::cfg, 1,
               fmt::format("configuration: {} connections, {} pools, {} shared secrets, {} certificates, {} authorities, {} private keys",
                           config->connections.size(), config->pools.size(), config->secrets.size(), credentials->certificates.size(),
                           credentials->authorities.size(), credentials->private_keys.size()));
    driver_.configure(config, std::move(credentials));
    connector_.configured(*config);
}

Result<> Control::reload() {
    if (!options_.config_named && !os::exists(options_.config)) return {};
    // Into a copy first: a broken file must not change half of what is configured.
    vici::ConfigStore trial = store_.copy();
    const auto complaints = vici::load_files(trial, files_, options_.config);
    if (complaints.empty()) {
        store_ = std::move(trial);
        return {};
    }
    std::string lines;
    for (const auto& complaint : complaints) lines += (lines.empty() ? "" : "\n") + complaint.line();
    return fail(Errc::bad_value, "configuration", std::move(lines));
}

void Control::reload_by_signal() {
    if (const auto done = reload(); !done) {
        log_.write(LogGroup::cfg, 0, "configuration not changed, because of errors:");
        std::string_view lines = done.error().detail;
        while (!lines.empty()) {
            const auto end = std::min(lines.find('\n'), lines.size());
            log_.write(LogGroup::cfg, 0, std::string(lines.substr(0, end)));
            lines.remove_prefix(std::min(end + 1, lines.size()));
        }
        return;
    }
    service_.apply();
    set_deadline();
}

vici::DaemonFacts Control::facts() const {
    const auto name = os::system_name();
    return {.version = version_,
            .system = name.system,
            .release = name.release,
            .machine = name.machine,
            .since = since_,
            .running = os::now().since_start(),
            .population = driver_.engine().population(),
            .workers = os::processors(),
            .data_plane = driver_.data_plane()};
}

}  // namespace cygnet::daemon
