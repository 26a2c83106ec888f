#include "daemon/driver.h"

#include <fmt/format.h>

#include "crypto/job.h"
#include "os/files.h"

namespace cygnet::daemon {

using model::LogGroup;

namespace {

constexpr Duration usage_interval = seconds(1);
constexpr std::size_t secrets_octets_max = 4096;
constexpr std::size_t effects_kept = 64;  // room for those of a step; one that ends very many SAs has more

std::uint64_t packets_of(const model::ChildUsage& usage) { return usage.packets_in + usage.packets_out; }

}  // namespace

Driver::Driver(os::EventLoop& loop, os::JobPool& jobs, Log& log, Rng& rng, const ike::EngineSettings& settings)
    : jobs_(jobs),
      log_(log),
      engine_(rng, settings),
      fetcher_(loop),
      ppk_sources_(loop),
      deadline_(loop, [this] { step(ike::Tick{}); }),
      usage_timer_(loop, [this] { read_usage(); }) {}

// ---- inputs -------------------------------------------------------------------------------------

void Driver::configure(std::shared_ptr<const model::Config> config, std::shared_ptr<const ike::Credentials> credentials) {
    auto fitted = fitting_.fit(config, network_->children());
    std::string missing;
    for (const auto& transform : fitted.left_out) missing += (missing.empty() ? "" : ", ") + transform;
    if (!missing.empty())
        log_.write(LogGroup::cfg, 0, fmt::format("the data plane has no {}: left out of the proposals of child SAs", missing));
    for (const auto& child : fitted.hopeless)
        log_.write(LogGroup::cfg, 0, fmt::format("connection {}: the data plane has none of the ESP proposals of this child", child));
    step(ike::Configure{std::move(fitted.config), std::move(credentials)});
}

void Driver::datagram_arrived(const model::Path& path, ByteView message) { step(ike::Datagram{path, message}); }

void Driver::inbound_seen(model::ChildId child) { step(ike::InboundSeen{child}); }

void Driver::peer_moved(model::ChildId child, const model::Path& path) { step(ike::PeerMoved{child, path}); }

void Driver::limit_reached(model::ChildId child) {
    if (const auto usage = network_->children().usage(child)) step(ike::UsageReport{child, *usage});
}

void Driver::stream_opened(const model::Path& path) { step(ike::StreamOpened{path}); }

void Driver::stream_closed(model::StreamId stream, const std::string& reason) { step(ike::StreamClosed{stream, reason}); }

void Driver::selectors_violated(model::ChildId child, ByteView packet) {
    step(ike::SelectorsViolated{child, keep(packet)});
}

void Driver::acquire(model::PolicyId policy, const model::PacketEnds& packet, std::optional<model::Path> path) {
    step(ike::Acquire{policy, packet, path});
}

void Driver::resource_wanted(model::ChildId child, model::Resource worker) { step(ike::ResourceWanted{child, worker}); }

void Driver::addresses_changed(ike::HostAddresses addresses) { step(std::move(addresses)); }

void Driver::gateway_found(ike::RedirectId id, Result<model::Path> path) { step(ike::GatewayFound{id, std::move(path)}); }

void Driver::initiate(std::string connection, std::string child, const model::Path& path, Finished finished) {
    step(ike::Initiate{remember(std::move(finished)), std::move(connection), std::move(child), path});
}

void Driver::terminate(ike::SaSelector which, bool force, Finished finished) {
    step(ike::Terminate{remember(std::move(finished)), std::move(which), force});
}

void Driver::rekey(ike::SaSelector which, bool reauthenticate, Finished finished) {
    step(ike::Rekey{remember(std::move(finished)), std::move(which), reauthenticate});
}

void Driver::install(std::string connection, std::string child, std::optional<model::Path> path, Finished finished) {
    step(ike::InstallPolicies{remember(std::move(finished)), std::move(connection), std::move(child), path});
}

void Driver::uninstall(std::string connection, std::string child, Finished finished) {
    step(ike::UninstallPolicies{remember(std::move(finished)), std::move(connection), std::move(child)});
}

void Driver::redirect(ike::Redirect which, Finished finished) {
    which.id = remember(std::move(finished));
    step(std::move(which));
}

void Driver::clone(ike::SaSelector which, Finished finished) {
    step(ike::Clone{remember(std::move(finished)), std::move(which)});
}

ike::CommandId Driver::remember(Finished finished) {
    const auto id = ike::CommandId{next_command_++};
    commands_.emplace(id, std::move(finished));
    return id;
}

void Driver::step(ike::Input input) {
    inputs_.push_back(std::move(input));
    if (stepping_) return;
    stepping_ = true;
    while (!inputs_.empty()) {
        ike::Input next = std::move(inputs_.front());
        inputs_.pop_front();
        // Gateways without a battery learn the time after they start.
        engine_.set_unix_seconds_at_start(os::unix_seconds_at_start());
        engine_.set_announces_sas(hears_of_sas_());
        engine_.step(os::now(), std::move(next), effects_);
        execute(effects_);
        effects_.clear();
    }
    if (effects_.capacity() > effects_kept) effects_.shrink_to_fit();
    stepping_ = false;
    deadline_.set(engine_.next_deadline());
}

// ---- effects ------------------------------------------------------------------------------------

struct Driver::Executor {
    Driver& driver;

    void operator()(ike::Send& effect) {
        // A stream may end at any time; what it should have carried is sent again in the next one.
        if (auto sent = driver.network_->send(effect.path, effect.datagram); !sent)
            driver.log_.write(LogGroup::net, effect.path.tcp() ? 2 : 1, fmt::format("cannot send: {}", sent.error().text()));
    }
    void operator()(ike::SendKeepalive& effect) {
        // A keepalive that is lost is as good as one that cannot be sent: the next one follows.
        if (auto sent = driver.network_->send_keepalive(effect.path); !sent)
            driver.log_.write(LogGroup::net, 2, fmt::format("cannot send a keepalive: {}", sent.error().text()));
    }
    void operator()(ike::StartJob& effect) { driver.run(effect); }
    void operator()(ike::Fetch& effect) { driver.fetch(effect); }
    void operator()(ike::ObtainPpks& effect) { driver.obtain(effect); }
    void operator()(ike::InstallChild& effect) { driver.install(effect); }
    void operator()(ike::ActivateChild& effect) { driver.network_->children().activate(effect.child, effect.resource); }
    void operator()(ike::RemoveChild& effect) {
        driver.children_.erase(effect.child);
        driver.network_->children().remove(effect.child, effect.grace);
    }
    void operator()(ike::MoveChild& effect) {
        driver.network_->children().move(effect.child, effect.path, effect.udp_encapsulation);
    }
    void operator()(ike::InstallPolicy& effect) { driver.install(effect); }
    void operator()(ike::RemovePolicy& effect) { driver.network_->children().remove_policy(effect.policy); }
    void operator()(ike::SkipSequenceNumbers& effect) {
        driver.network_->children().skip_sequence_numbers(effect.child, effect.count);
    }
    void operator()(ike::AssignAddress& effect) { driver.assign(effect); }
    void operator()(ike::FindPaths& effect) {
        driver.step(ike::PathsFound{effect.sa, driver.network_->paths_to(effect.remotes)});
    }
    void operator()(ike::FindGateway& effect) {
        driver.find_gateway_(effect.id, std::move(effect.connection), effect.gateway);
    }
    void operator()(ike::Persist&) {}
    void operator()(ike::KeepSecrets& effect) { driver.store(effect); }
    void operator()(ike::Report& effect) { driver.report(std::move(effect.event)); }
    void operator()(ike::CommandDone& effect) { driver.finish(effect); }
    void operator()(ike::Close&) {}
    void operator()(ike::OpenStream& effect) { driver.network_->open_stream(effect.path); }
    void operator()(ike::CloseStream& effect) { driver.network_->close_stream(effect.stream); }
    void operator()(ike::StreamProven& effect) { driver.network_->prove_stream(effect.stream); }
};

void Driver::execute(ike::Effects& effects) {
    for (auto& effect : effects) std::visit(Executor{*this}, effect);
}

void Driver::keep_secrets_in(std::string path) {
    secrets_path_ = std::move(path);
    if (!os::exists(secrets_path_)) return;
    auto secrets = os::read_file(secrets_path_, secrets_octets_max);
    if (!secrets) return log_.write(LogGroup::dmn, 0, fmt::format("beginning with new secrets: {}", secrets.error().text()));
    step(ike::RestoreSecrets{SecretBytes::take(std::move(*secrets))});
}

// A host that cannot write goes on: after a restart its tickets and tokens are void, that is all.
void Driver::store(const ike::KeepSecrets& effect) {
    if (secrets_path_.empty()) return;
    if (const auto kept = os::replace_private_file(secrets_path_, effect.secrets.reveal()); !kept)
        log_.write(LogGroup::dmn, 0,
                   fmt::format("tickets and crash detection tokens will be void after a restart: {}; make the folder "
                               "writable or choose another with --state-dir",
                               kept.error().text()));
}

void Driver::run(ike::StartJob& effect) {
    const bool brief = crypto::is_brief(effect.job);
    auto work = [this, id = effect.id, job = std::move(effect.job)]() mutable -> os::JobPool::Finish {
        return [this, id, result = crypto::run(std::move(job))]() mutable { step(ike::JobDone{id, std::move(result)}); };
    };
    if (brief)
        jobs_.submit_brief(std::move(work));
    else
        jobs_.submit(std::move(work));
}

void Driver::fetch(const ike::Fetch& effect) {
    fetcher_.start(effect.what, [this, id = effect.id](Result<Bytes> content) { step(ike::Fetched{id, std::move(content)}); });
}

void Driver::obtain(ike::ObtainPpks& effect) {
    ppk_sources_.start(std::move(effect.wish), [this, id = effect.id](Result<model::PpkAnswer> answer) {
        step(ike::PpksObtained{id, std::move(answer)});
    });
}

void Driver::install(ike::InstallChild& effect) {
    const auto id = effect.spec.id;
    const auto spi = effect.spec.spi_in;
    if (auto installed = network_->children().install(std::move(effect.spec)); !installed) {
        const auto& why = installed.error();
        log_.write(LogGroup::knl, 0,
                   fmt::format("cannot install child SA {:08x}, ending it: {}", spi, why.detail.empty() ? why.text() : why.detail));
        give_up(id);
        return;
    }
    children_.emplace(id, 0);
    if (children_.size() == 1) usage_timer_.set(os::now() + usage_interval);
}

void Driver::install(const ike::InstallPolicy& effect) {
    const auto installed = network_->children().install_policy(effect.spec);
    if (installed) return;
    const auto& why = installed.error();
    log_.write(LogGroup::knl, 0, fmt::format("cannot install a policy, taking it back: {}", why.detail.empty() ? why.text() : why.detail));
    for (const auto& policy : engine_.policies())
        if (policy.id == effect.spec.id) return uninstall(policy.connection, policy.child, [](const CommandOutcome&) {});
}

// A child that the data plane does not take must not stay up at the peer, which would send into nothing.
void Driver::give_up(model::ChildId id) {
    for (const auto& sa : engine_.list(os::now())) {
        for (const auto& child : sa.children) {
            if (child.id == id) return terminate({.child_id = child.unique_id}, false, [](const CommandOutcome&) {});
        }
    }
}

void Driver::assign(const ike::AssignAddress& effect) {
    const auto done = effect.remove ? network_->remove_address(effect.address) : network_->add_address(effect.address);
    if (!done) {
        log_.problem(LogGroup::knl, done.error());
    } else if (effect.remove) {
        log_.write(LogGroup::knl, 1, fmt::format("virtual address {} removed", effect.address.text()));
    } else {
        log_.write(LogGroup::knl, 1, fmt::format("virtual address {} of connection {} added", effect.address.text(), effect.connection));
    }
}

void Driver::report(model::Event event) {
    if (auto* down = std::get_if<model::ChildDown>(&event)) fill_usage(*down->child);
    if (const auto* line = std::get_if<model::LogLine>(&event)) log_.write(*line);
    if (const auto* trace = std::get_if<model::MessageTrace>(&event); trace != nullptr && log_.wants(trace_level)) log_.write(line_of(*trace));
    listener_(event);
}

void Driver::finish(ike::CommandDone& effect) {
    auto command = commands_.extract(effect.id);
    if (!command.empty()) command.mapped()(CommandOutcome{std::move(effect.result), effect.matches});
}

// ---- usage --------------------------------------------------------------------------------------

void Driver::read_usage() {
    if (children_.empty()) return;
    std::vector<ike::UsageReport> changed;
    for (auto& [id, told] : children_) {
        const auto usage = network_->children().usage(id);
        if (!usage || packets_of(*usage) == told) continue;
        told = packets_of(*usage);
        changed.push_back({id, *usage});
    }
    // The reports come after the loop: each may remove children.
    for (const auto& report : changed) step(report);
    if (!children_.empty()) usage_timer_.set(os::now() + usage_interval);
}

void Driver::fill_usage(model::ChildStatus& child) const {
    if (const auto usage = network_->children().usage(child.id)) child.usage = *usage;
    child.drops = network_->children().packet_drops(child.id);
}

std::vector<model::IkeStatus> Driver::list() const {
    auto sas = engine_.list(os::now());
    for (auto& sa : sas)
        for (auto& child : sa.children) fill_usage(child);
    return sas;
}

}  // namespace cygnet::daemon
