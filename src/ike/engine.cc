#include "ike/engine.h"

#include "base/sorted_blocks.h"
#include "ike/commands.h"
#include "ike/core.h"
#include "ike/dispatch.h"
#include "ike/feature/invalid_selectors.h"
#include "ike/feature/feature.h"
#include "ike/feature/redirect.h"
#include "ike/ppk.h"
#include "ike/receive.h"
#include "ike/rekey.h"
#include "ike/resources.h"
#include "ike/snapshot.h"
#include "ike/stream.h"
#include "ike/timers.h"

namespace cygnet::ike {

// Routes inputs to the SAs, and keeps the order of their deadlines.
struct Engine::Impl {
    Core core;
    SortedBlocks<std::pair<Instant, model::IkeSaId>> deadlines{};
    std::vector<model::IkeSaId> touched{};  // of settle(): its memory is used again

    void settle(Instant now, Effects& effects);
    void schedule(IkeSa& sa, Instant deadline);

    void take(const Datagram& input, Instant now, Effects& effects) { receive_datagram(core, input, now, effects); }
    void take(JobDone& input, Instant now, Effects& effects) {
        resume_job(core, input.id, std::move(input.result), now, effects);
    }
    void take(Fetched& input, Instant now, Effects& effects) { take_fetched(core, std::move(input), now, effects); }
    void take(PpksObtained& input, Instant now, Effects& effects) {
        if (std::size_t& under_way = core.features.of<PpkWishes>().under_way; under_way != 0) --under_way;
        resume_job(core, input.id, std::move(input.answer), now, effects);
    }
    void take(const Tick&, Instant, Effects&) {}  // Passed deadlines are looked after in every step.
    void take(Configure& input, Instant now, Effects& effects) {
        core.config = std::move(input.config);
        core.features.of<KeyPads>().clear();
        if (input.credentials) {
            core.credentials = std::move(input.credentials);
            core.revocations->forget_verdicts();
        }
        follow_configuration(core, effects);
        core.failures.keep_only(*core.config);
        tell_of_changes(now, effects);
    }
    // Established SAs keep what they were made with; extensions hear of what is written now.
    void tell_of_changes(Instant now, Effects& effects);
    void take(const Initiate& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(const Terminate& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(const Rekey& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(const InstallPolicies& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(const UninstallPolicies& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(const Acquire& input, Instant now, Effects& effects) { acquire(core, input, now, effects); }
    void take(const ResourceWanted& input, Instant now, Effects& effects) { want_resource(core, input, now, effects); }
    void take(const SelectorsViolated& input, Instant now, Effects& effects) {
        report_violation(core, input, now, effects);
    }
    void take(const Clone& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(const Synchronize& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
    void take(RestoreSecrets& input, Instant, Effects& effects);
    void take(const UsageReport& input, Instant now, Effects&);
    void take(const InboundSeen& input, Instant now, Effects& effects);
    void take(const PeerMoved& input, Instant now, Effects& effects);
    void take(const StreamOpened& input, Instant now, Effects& effects) { stream_opened(core, input, now, effects); }
    void take(const StreamClosed& input, Instant now, Effects& effects) { stream_closed(core, input, now, effects); }
    void take(HostAddresses& input, Instant now, Effects& effects);
    void take(const PathsFound& input, Instant now, Effects& effects);
    void take(GatewayFound& input, Instant now, Effects& effects) { go_to_gateway(core, std::move(input), now, effects); }
    void take(const Redirect& input, Instant now, Effects& effects) { run_command(core, input, now, effects); }
};

namespace {

bool passed(std::uint64_t used, std::uint64_t limit) { return limit != 0 && used >= limit; }

}  // namespace

void Engine::Impl::tell_of_changes(Instant now, Effects& effects) {
    for (const auto& [id, sa] : core.sas()) {
        if (!sa.established() || sa.closed) continue;
        const auto configured = core.config->connections.find(sa.connection->name);
        if (configured == core.config->connections.end() || configured->second == sa.connection) continue;
        Context context{.core = core, .sa = *core.find_sa(id), .now = now, .effects = effects, .slot = Slot::own};
        run_hooks(&Feature::reconfigured, context, *configured->second);
    }
}

void Engine::Impl::take(RestoreSecrets& input, Instant, Effects& effects) {
    auto kept = KeptSecrets::decoded(input.secrets.reveal());
    if (kept)
        core.kept = std::move(*kept);
    else
        effects.push_back(Report{model::LogLine{.group = model::LogGroup::ike,
                                                .level = 0,
                                                .message = "beginning with new secrets, earlier tickets and crash "
                                                           "tokens are void: " + kept.error().text()}});
}

// Volume lifetimes (RFC 4301 §4.4.2.1): whichever direction reaches the limit first.
void Engine::Impl::take(const UsageReport& input, Instant now, Effects&) {
    IkeSa* sa = core.find_sa_of_child(input.child);
    if (sa == nullptr) return;
    Child& child = sa->children.at(input.child);
    if (input.usage.packets_in != 0 || input.usage.packets_out != 0) child.usage = input.usage;
    child.note_activity();
    core.touch(sa->id);
    if (!child.volumes) return;
    VolumeLimits& limits = *child.volumes;
    const std::uint64_t bytes = std::max(input.usage.bytes_in, input.usage.bytes_out);
    const std::uint64_t packets = std::max(input.usage.packets_in, input.usage.packets_out);
    if (passed(bytes, limits.expire_bytes) || passed(packets, limits.expire_packets)) {
        limits.expire_bytes = limits.expire_packets = 0;
        child.expire_at = now;
    }
    if (passed(bytes, limits.rekey_bytes) || passed(packets, limits.rekey_packets)) {
        limits.rekey_bytes = limits.rekey_packets = 0;
        if (!child.replacement) child.rekey_at = now;
    }
}

// RFC 7296 §2.8: the peer's first packet on a new SA shows that it has the keys.
void Engine::Impl::take(const InboundSeen& input, Instant now, Effects& effects) {
    IkeSa* sa = core.find_sa_of_child(input.child);
    if (sa == nullptr) return;
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    activate(context, sa->children.at(input.child));
}

void Engine::Impl::take(const PeerMoved& input, Instant now, Effects& effects) {
    IkeSa* sa = core.find_sa_of_child(input.child);
    if (sa == nullptr) return;
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    if (input.path.tcp()) {
        if (stream_is_foreign(core, *sa, input.path)) return;
        core.touch(sa->id);
        return follow_stream(context, input.path);
    }
    if (sa->path.tcp()) return;
    if (!sa->dynamic_update) return run_hooks(&Feature::esp_moved, context, input.path.remote);
    if (sa->nat_local || !sa->nat_remote || sa->path.remote == input.path.remote) return;
    context.move_peer(input.path.remote);
}

void Engine::Impl::take(HostAddresses& input, Instant now, Effects& effects) {
    core.host_addresses = std::move(input.usable);
    core.other_addresses = std::move(input.others);
    for (const auto& [id, sa] : core.sas()) {
        if (sa.closed || sa.half_open()) continue;
        Context context{.core = core, .sa = *core.find_sa(id), .now = now, .effects = effects};
        run_hooks(&Feature::host_changed, context);
        core.touch(id);
    }
}

void Engine::Impl::take(const PathsFound& input, Instant now, Effects& effects) {
    IkeSa* sa = core.find_sa(input.sa);
    if (sa == nullptr || sa->closed || sa->half_open()) return;
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    run_hooks(&Feature::paths_found, context, input.pairs);
    core.touch(sa->id);
}

// The end of a step: tasks begin where nothing else is under way, closed SAs vanish, deadlines are noted.
void Engine::Impl::settle(Instant now, Effects& effects) {
    while (core.take_touched(touched)) {
        for (const model::IkeSaId id : touched) {
            IkeSa* sa = core.find_sa(id);
            if (sa == nullptr) continue;
            Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
            dispatch_early(context);
            begin_waiting_tasks(context);
            if (sa->arriving && sa->arriving->empty()) sa->arriving.reset();
            if (!sa->closed) {
                schedule(*sa, sa->next_deadline());
                continue;
            }
            schedule(*sa, Instant::never());
            core.destroy_sa(id);
        }
    }
}

void Engine::Impl::schedule(IkeSa& sa, Instant deadline) {
    if (sa.scheduled == deadline) return;
    if (sa.scheduled != Instant::never()) deadlines.erase({sa.scheduled, sa.id});
    sa.scheduled = deadline;
    if (deadline != Instant::never()) deadlines.insert({deadline, sa.id});
}

Engine::Engine(Rng& rng, EngineSettings settings) : impl_(std::make_unique<Impl>(Core(rng, settings))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;

void Engine::step(Instant now, Input input, Effects& effects) {
    std::visit([&](auto& kind) { impl_->take(kind, now, effects); }, input);
    impl_->settle(now, effects);
    while (!impl_->deadlines.empty() && impl_->deadlines.begin()->first <= now) {
        const model::IkeSaId id = impl_->deadlines.begin()->second;
        IkeSa* sa = impl_->core.find_sa(id);
        ASSERT(sa != nullptr);
        impl_->core.touch(id);
        Context context{.core = impl_->core, .sa = *sa, .now = now, .effects = effects};
        run_deadlines(context);
        impl_->settle(now, effects);
    }
}

void Engine::set_resources(model::Resource workers) { impl_->core.settings.resources = workers; }

void Engine::set_announces_sas(bool heard) { impl_->core.settings.announces_sas = heard; }

void Engine::set_unix_seconds_at_start(std::int64_t unix_seconds) {
    impl_->core.settings.unix_seconds_at_start = unix_seconds;
}

Instant Engine::next_deadline() const {
    return impl_->deadlines.empty() ? Instant::never() : impl_->deadlines.begin()->first;
}

std::vector<model::IkeStatus> Engine::list(Instant now) const {
    std::vector<model::IkeStatus> all;
    for (const auto& [id, sa] : impl_->core.sas()) all.push_back(ike_status(sa, now));
    return all;
}

std::optional<model::IkeStatus> Engine::find(model::IkeSaId id, Instant now) const {
    const IkeSa* sa = impl_->core.find_sa(id);
    if (sa == nullptr) return std::nullopt;
    return ike_status(*sa, now);
}

std::vector<model::PolicyStatus> Engine::policies() const { return policy_statuses(impl_->core.policies); }

const model::Counters& Engine::counters() const { return impl_->core.counters; }

model::Counters Engine::counters(std::string_view connection) const {
    const auto found = impl_->core.connection_counters.find(connection);
    return found == impl_->core.connection_counters.end() ? model::Counters{} : found->second.all();
}

Engine::CertificateCaches Engine::certificate_caches() const {
    return {.chains = impl_->core.chains, .revocations = impl_->core.revocations};
}

std::vector<model::Failure> Engine::failures(std::string_view connection) const {
    return impl_->core.failures.of(connection);
}
std::vector<model::Failure> Engine::failures() const { return impl_->core.failures.all(); }
std::vector<model::Failure> Engine::stranger_failures() const {
    const auto& strangers = impl_->core.failures.strangers();
    return {strangers.begin(), strangers.end()};
}

bool Engine::carries(const std::string& connection, const std::string& child) const {
    for (const IkeSa* sa : impl_->core.of_connection(connection)) {
        if (!sa->established() || sa->replaced_by) continue;
        if (child.empty()) return true;
        for (const auto& [id, up] : sa->children)
            if (up.config->name == child && up.state != model::ChildState::deleting) return true;
    }
    return false;
}

void Engine::note_failure(model::Failure failure) { impl_->core.failures.note(std::move(failure)); }

Engine::Population Engine::population() const {
    const Core& core = impl_->core;
    return {.ike_sas = core.sas().size(), .half_open = core.admission.half_open(), .children = core.child_count()};
}

std::vector<Engine::PoolStatus> Engine::pools() const {
    std::vector<PoolStatus> all;
    for (const auto& [name, pool] : impl_->core.config->pools) all.push_back(impl_->core.pools.status(*pool));
    return all;
}

}  // namespace cygnet::ike
