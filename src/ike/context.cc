#include "ike/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ike/exchange/tasks.h"
#include "ike/feature/feature.h"
#include "ike/key_transfer.h"
#include "ike/match.h"
#include "ike/overlap.h"
#include "ike/rekey.h"
#include "ike/resources.h"
#include "ike/snapshot.h"
#include "ike/stream.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

// A lifetime with its random part taken off, so that two peers rarely rekey at once; 0 is for ever.
Instant after(Instant now, Duration time, Duration rand_time, Rng& rng) {
    if (time <= Duration{0}) return Instant::never();
    const auto spread = static_cast<std::uint64_t>(std::max(rand_time, Duration{0}).count());
    const Duration early{spread == 0 ? 0 : static_cast<Duration::rep>(rng.below(spread))};
    return now + std::max(time - early, Duration{seconds(1)});
}

// The same for a volume.
std::uint64_t less(std::uint64_t volume, std::uint64_t spread, Rng& rng) {
    if (volume == 0 || spread == 0) return volume;
    return std::max<std::uint64_t>(volume - std::min(volume, rng.below(spread)), 1);
}

// When a data plane ends an SA by itself because nobody has: some time after we should have, 0 for never.
std::uint64_t hard_seconds(Duration life_time) {
    constexpr Duration grace = seconds(30);
    if (life_time <= Duration{0}) return 0;
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(life_time + grace).count());
}

// What was under way when something failed.
std::string phase_text(const IkeSa& sa) {
    switch (sa.phase()) {
        case Phase::connecting: return model::name_of(model::ExchangeType::ike_sa_init);
        case Phase::authenticating:
            return model::name_of(sa.own_exchange == model::ExchangeType::ike_intermediate
                                      ? model::ExchangeType::ike_intermediate
                                      : model::ExchangeType::ike_auth);
        case Phase::established:
            if (sa.own) return model::name_of(sa.own_exchange);
            if (sa.window.processing_request()) return model::name_of(sa.peer_exchange);
            return {};
        case Phase::deleting: break;
    }
    return model::name_of(model::ExchangeType::informational);
}

// ", CPIs 4f31_i 0002_o"
std::string indices_of(const model::Ipcomp& ipcomp) {
    return ipcomp.agreed() ? fmt::format(", CPIs {:04x}_i {:04x}_o", ipcomp.cpi_in, ipcomp.cpi_out) : std::string();
}

}  // namespace

wire::Header Context::request_header(model::ExchangeType exchange) const {
    return {.spi_i = sa.spis.initiator,
            .spi_r = sa.spis.responder,
            .exchange = exchange,
            .initiator = sa.initiator,
            .response = false,
            .message_id = sa.window.next_request()};
}

wire::Header Context::response_header(model::ExchangeType exchange) const {
    return {.spi_i = sa.spis.initiator,
            .spi_r = sa.spis.responder,
            .exchange = exchange,
            .initiator = sa.initiator,
            .response = true,
            .message_id = sa.window.expected_request()};
}

namespace {

// What we have to show may be more than a message holds: of no use to send again, so that both sides hear of it at once.
std::unexpected<Error> cannot_send(model::ExchangeType exchange, Error error) {
    if (error.code != Errc::limit || exchange != model::ExchangeType::ike_auth) return fail(std::move(error));
    return end_sa(model::NotifyType::authentication_failed, Errc::limit, "IKE message",
                  Explanation{.kind = "certificate",
                              .what = "our message to the peer is longer than the 64 KiB that IKE carries",
                              .ours = error.detail,
                              .advice = "take keys with smaller signatures or a shorter chain of certificates"});
}

}  // namespace

Result<Next> Context::request(model::ExchangeType exchange, wire::MessageBuilder& payloads) {
    ASSERT(!sa.window.outstanding() && sa.protection);
    const wire::Header header = request_header(exchange);
    const wire::Chain chain = payloads.take_chain();
    auto sealed = sa.protection->seal(header, chain, request_limit(*this), core.rng);
    if (!sealed) return cannot_send(exchange, std::move(sealed.error()));
    SentMessage datagrams = std::move(*sealed);
    trace_sent(*this, header, chain, datagrams);
    send(datagrams, sa.path);
    sa.own_exchange = exchange;
    const RetransmissionSchedule when = schedule(datagrams);
    sa.window.send_request(std::move(datagrams), now, when);
    watch_message_ids();
    return Next::sent_request;
}

Result<Next> Context::respond(model::ExchangeType exchange, wire::MessageBuilder& payloads) {
    ASSERT(sa.window.processing_request() && sa.protection);
    const wire::Header header = response_header(exchange);
    const wire::Chain chain = payloads.take_chain();
    auto sealed = sa.protection->seal(header, chain, answer_limit(*this), core.rng);
    if (!sealed) return cannot_send(exchange, std::move(sealed.error()));
    SentMessage datagrams = std::move(*sealed);
    trace_sent(*this, header, chain, datagrams);
    send(datagrams, sa.answer_path());
    sa.window.answer_request(std::move(datagrams));
    watch_message_ids();
    return Next::answered;
}

void Context::watch_message_ids() {
    const std::uint32_t highest = std::max(sa.window.next_request(), sa.window.expected_request());
    if (highest < model::limits::message_id_rekey || !sa.established()) return;
    const bool too_late = highest >= model::limits::message_id_delete;
    if (too_late) sa.timer(Timer::rekey) = Instant::never();
    Instant& timer = sa.timer(too_late ? Timer::expire : Timer::rekey);
    // Once in a while: the peer may refuse it.
    const bool due_soon = timer != Instant::never() && timer <= now + model::limits::message_id_pause;
    if (!due_soon && !sa.replaced_by) timer = now + model::limits::message_id_pause;
}

Next Context::request_in_clear(Bytes datagram, model::ExchangeType exchange) {
    trace_sent_in_clear(*this, datagram);
    SentMessage datagrams;
    datagrams.push_back(std::move(datagram));
    send(datagrams, sa.path);
    sa.own_exchange = exchange;
    const RetransmissionSchedule when = schedule(datagrams);
    sa.window.send_request(std::move(datagrams), now, when);
    return Next::sent_request;
}

Next Context::respond_in_clear(Bytes datagram) {
    trace_sent_in_clear(*this, datagram);
    SentMessage datagrams;
    datagrams.push_back(std::move(datagram));
    send(datagrams, sa.answer_path());
    sa.window.answer_request(std::move(datagrams));
    return Next::answered;
}

RetransmissionSchedule Context::schedule(const SentMessage& datagrams) const {
    const EngineSettings& settings = core.settings;
    const RetransmissionSchedule usual{.first = settings.retransmit_first,
                                       .factor = settings.retransmit_factor,
                                       .tries = settings.retransmit_tries + sa.extra_transmissions};
    if (sa.path.tcp()) return usual.without_retransmission();
    if (!sa.protection) return usual;
    const auto probing = probing_schedule(*this, datagrams);
    if (const auto paced = piece_schedule(*this, probing, usual)) return *paced;
    return probing.value_or(usual);
}

void Context::send(const SentMessage& datagrams, const model::Path& path) {
    for (const Bytes& datagram : datagrams) effects.push_back(Send{.path = path, .datagram = datagram});
    sa.last_sent = now;
}

Next Context::start(crypto::Job job, Resume resume) {
    const JobId id = core.next_job_id();
    if (auto* verify = std::get_if<crypto::VerifyJob>(&job)) {
        verify->chains = core.chains;
        verify->revocations = core.revocations;
        verify->sources = core.credentials->revocation;
    }
    if (auto* sign = std::get_if<crypto::SignJob>(&job)) run_hooks(&Feature::before_signature, *this, *sign);
    sa.jobs[static_cast<std::size_t>(slot)] = id;
    core.jobs[static_cast<std::uint64_t>(id)] = {.sa = sa.id, .slot = slot, .resume = resume};
    if (!look_up_first(*this, id, job)) effects.push_back(StartJob{.id = id, .job = std::move(job)});
    return Next::waiting;
}

Next Context::obtain(PpkWish wish, Resume resume) {
    const JobId id = core.next_job_id();
    sa.jobs[static_cast<std::size_t>(slot)] = id;
    core.jobs[static_cast<std::uint64_t>(id)] = {.sa = sa.id, .slot = slot, .resume = resume};
    effects.push_back(ObtainPpks{.id = id, .wish = std::move(wish)});
    return Next::waiting;
}

void Context::enqueue(Task task) {
    if (sa.tasks.size() >= model::limits::queued_exchanges_per_ike_sa) {
        count(model::Counter::limit_reached);
        const auto command = command_of(task);
        finish_command(command, fail(Errc::limit, "queue", "too many exchanges wait for their turn in " + sa.name()));
        return;
    }
    sa.tasks.push_back(std::move(task));
}

Next Context::finish() {
    sa.own.reset();
    return Next::finished;
}

Instant Context::early(Duration time, Duration rand_time) const { return after(now, time, rand_time, core.rng); }

void Context::start_timers() {
    const model::Connection& connection = *sa.connection;
    // A rekey does not lengthen what was authenticated (RFC 4478 §2).
    const Instant reauth = sa.timer(Timer::reauth), authentication_end = sa.timer(Timer::authentication_end);
    sa.timers.fill(Instant::never());
    sa.timer(Timer::reauth) = reauth;
    sa.timer(Timer::authentication_end) = authentication_end;
    if (waits_for_stream(core, sa)) sa.timer(Timer::stream) = now;
    sa.timer(Timer::rekey) = after(now, connection.rekey_time, connection.rand_time, core.rng);
    if (sa.timer(Timer::rekey) != Instant::never())
        sa.timer(Timer::expire) = now + connection.rekey_time + connection.over_time;
    if (connection.dpd_delay > Duration{0}) sa.timer(Timer::liveness) = now + connection.dpd_delay;
    // RFC 9329 §6.6: not over TCP.
    if (sa.nat_local && !sa.path.tcp()) sa.timer(Timer::nat_keepalive) = now + model::limits::nat_keepalive;
}

void Context::establish_rekeyed() {
    ASSERT(sa.half_open() && sa.protection);
    sa.state = Established{.since = now};
    sa.protection->drop_auth_keys();
    core.proposals.unify(sa.proposal);
    core.own_ids.unify(sa.own_id);
    core.admission.closed(sa.id);
    core.index_established(sa);
    start_timers();
}

void Context::announce_rekeyed(const IkeSa& old) {
    log(model::LogGroup::ike, 0,
        fmt::format("IKE_SA {} rekeyed: {} takes over with SPIs {:016x}_i {:016x}_r", old.name(), sa.name(),
                    sa.spis.initiator, sa.spis.responder));
    report(model::IkeRekeyed{ike_status(old, now), status()});
}

void Context::establish() {
    establish_rekeyed();
    sa.window.forget_answers();
    log(model::LogGroup::ike, 0,
        fmt::format("IKE_SA {} established between {}[{}]...{}[{}]", sa.name(), sa.path.local.address.text(),
                    text_of(sa.own_id), sa.path.remote.address.text(), text_of(sa.peer_id)));
    core.failures.came_up(sa.connection->name, sa.id);
    if (core.settings.announces_sas) report(model::IkeUp{status()});
    run_hooks(&Feature::established, *this);
}

void Context::note_failure(const Explanation& why, const std::string& child) {
    model::Failure failure{.connection = sa.connection ? sa.connection->name : std::string(),
                           .child = child,
                           .why = why,
                           .phase = phase_text(sa),
                           .peer = sa.path.remote,
                           .sa = sa.id,
                           .when = now};
    // Whoever sends from anywhere and has not said who it is must not hide what happened to the peer that we expect.
    const bool unknown = !sa.initiator && sa.half_open() && sa.peer_id == model::Identity{};
    if (unknown && sa.connection && !expects_address(*sa.connection, sa.path.remote.address)) failure.connection.clear();
    core.failures.note(std::move(failure));
}

Next Context::close(const std::string& reason) { return close(Explanation{.what = reason}); }

Next Context::close(const Explanation& why) {
    if (sa.closed) return Next::closed;
    const std::string reason = why.sentence();
    if (!sa.replaced_by) note_failure(why);
    repeat_in_successor(*this);
    const bool was_up = established_since(sa).has_value() && !sa.replaced_by;
    const model::IkeStatus last = status();
    run_hooks(&Feature::closing, *this);
    while (!sa.children.empty()) drop_child(sa.children.begin()->first, reason, Duration{0});
    for (const LeasedAddress& lease : sa.peer_virtual_addresses()) core.pools.release(lease.pool, lease.address);
    for (const model::IpAddress& address : sa.own_virtual_addresses()) {
        if (core.holds_address(sa.connection->name, address, sa.id)) continue;
        effects.push_back(AssignAddress{
            .sa = sa.id, .connection = sa.connection->name, .address = address, .dns = {}, .remove = true});
    }
    for (const WaitingCommand& command : commands_of(sa)) {
        Result<> result;
        if (!command.wants_the_end) result = fail(explained({.code = Errc::state, .where = "IKE SA"}, why));
        finish_command(command.id, std::move(result));
    }
    log(model::LogGroup::ike, was_up ? 0 : 1, fmt::format("IKE_SA {} ended: {}", sa.name(), reason));
    if (was_up) report(model::IkeDown{last, reason});
    // Of a first child that did not come to be.
    if (const auto* auth = sa.own.find<InitiatingAuth>(); auth != nullptr && auth->spi_in != 0)
        core.release_child_spi(auth->spi_in);
    sa.closed = true;
    release_successor(*this);
    leave_stream(*this);
    sa.own.reset();
    sa.theirs.reset();
    sa.followup_series.reset();
    sa.tasks.clear();
    effects.push_back(Close{sa.id});
    return Next::closed;
}

void Context::move(const model::Path& path) {
    if (path == sa.path) return;
    log(model::LogGroup::ike, 1, fmt::format("IKE_SA {} moves from {} to {}", sa.name(), sa.path.text(), path.text()));
    count(model::Counter::address_update);
    if (!sa.replaced_by) report(model::IkeMoved{status(), path});
    sa.go_by(path);
    move_children();
    if (const SentMessage* again = sa.window.repeat_at_once(now)) {
        trace_repeated(*this, *again);
        send(*again, sa.path);
    }
}

void Context::move_children() {
    const Carriage carriage = sa.carriage();
    for (auto& [id, child] : sa.children) {
        // RFC 4555 §1.2: only tunnels move; transport mode is between the addresses of its selectors.
        if (child.terms.mode == model::ChildMode::transport) continue;
        child.udp_encapsulation = carriage.udp_encapsulation && child.protocol() != model::Protocol::ah;
        if (carriage.udp_encapsulation && !child.udp_encapsulation)
            log(model::LogGroup::ike, 1,
                fmt::format("CHILD_SA {}{{{}}} is AH, which passes no NAT: its packets will not arrive", child.config->name, child.unique_id));
        effects.push_back(
            MoveChild{.child = id, .path = carriage.path, .udp_encapsulation = child.udp_encapsulation});
    }
}

void Context::move_peer(const model::Endpoint& remote) {
    log(model::LogGroup::ike, 1,
        fmt::format("the peer of {} moved from {} to {}", sa.name(), sa.path.remote.text(), remote.text()));
    model::Path path = sa.path;
    path.remote = remote;
    sa.go_by(path);
    for (const auto& [id, child] : sa.children)
        effects.push_back(MoveChild{.child = id, .path = sa.path, .udp_encapsulation = child.udp_encapsulation});
}

Child& Context::add_child(const model::ChildConfig& config, ChildTerms terms, model::ChildSaSpec spec, bool rekey) {
    ASSERT(!sa.children.contains(spec.id));
    const model::ChildLifetime& life = config.lifetime;
    Child child{.id = spec.id,
                .unique_id = core.next_child_unique_id(),
                .udp_encapsulation = spec.udp_encapsulation,
                .outbound_active = spec.outbound_active,
                .connection = sa.connection,
                .config = &config,
                .spi_in = spec.spi_in,
                .spi_out = spec.spi_out,
                .resource = spec.resource,
                .terms = std::move(terms),
                .installed_at = now,
                .rekey_at = after(now, life.rekey_time, life.rand_time, core.rng),
                .expire_at = life.life_time > Duration{0} ? now + life.life_time : Instant::never()};
    const VolumeLimits volumes{.rekey_bytes = less(life.rekey_bytes, life.rand_bytes, core.rng),
                               .rekey_packets = less(life.rekey_packets, life.rand_packets, core.rng),
                               .expire_bytes = life.life_bytes,
                               .expire_packets = life.life_packets};
    if (volumes.any()) child.volumes = volumes;
    core.proposals.unify(child.terms.proposal);
    const Policy* policy = core.policies.find(sa.connection->name, config.name);
    const std::uint32_t reqid = policy != nullptr ? policy->reqid : config.reqid;
    child.reqid = reqid != 0 ? reqid : child.unique_id;
    child.active_at = now;
    spec.reqid = reqid;
    spec.limits = {.soft_bytes = volumes.rekey_bytes,
                   .hard_bytes = volumes.expire_bytes,
                   .soft_packets = volumes.rekey_packets,
                   .hard_packets = volumes.expire_packets,
                   .hard_seconds = hard_seconds(life.life_time)};
    displace_anonymous(*this, child.terms.selectors);
    effects.push_back(InstallChild{std::move(spec)});
    Child& added = sa.children.emplace(child.id, std::move(child)).first->second;
    core.index_child(added, sa);
    log(model::LogGroup::ike, 0,
        fmt::format("CHILD_SA {}{{{}}} established with SPIs {:08x}_i {:08x}_o{} and TS {} === {}{}", config.name,
                    added.unique_id, added.spi_in, added.spi_out, indices_of(added.terms.ipcomp),
                    model::text_of(added.terms.selectors.local), model::text_of(added.terms.selectors.remote), for_resource(added.resource)));
    if (config.ipcomp && !added.terms.ipcomp.agreed())
        log(model::LogGroup::ike, 1,
            fmt::format("CHILD_SA {}{{{}}} is not compressed: the peer does not want it", config.name, added.unique_id));
    if (!rekey && core.settings.announces_sas) report(model::ChildUp{status(), status(added)});
    return added;
}

void Context::remove_child(model::ChildId id, const std::string& reason, Duration grace) {
    const auto found = sa.children.find(id);
    if (found == sa.children.end()) return;
    if (found->second.outbound_active) hand_over_to_sibling(*this, found->second);
    drop_child(id, reason, grace);
}

void Context::drop_child(model::ChildId id, const std::string& reason, Duration grace) {
    const auto found = sa.children.find(id);
    Child& child = found->second;
    const bool announced = !child.redundant && !child.replacement;
    child.state = model::ChildState::deleted;
    grace = std::max(grace, hand_over_to_twin(*this, child));
    log(model::LogGroup::ike, 1,
        fmt::format("CHILD_SA {}{{{}}} closed: {}", child.config->name, child.unique_id, reason));
    effects.push_back(RemoveChild{.child = id, .grace = grace});
    if (announced) report(model::ChildDown{status(), status(child)});
    core.release_child_spi(child.spi_in);
    core.forget_child(child, sa);
    sa.children.erase(found);
}

void Context::offer_compression(const model::ChildConfig& config, std::uint32_t spi_in, ChildNotices& notices) const {
    // The data plane compresses for ESP alone; a peer that takes AH would compress as well.
    const auto is_ah = [](const model::Proposal& proposal) { return proposal.protocol == model::Protocol::ah; };
    if (!config.ipcomp || std::ranges::any_of(config.esp_proposals, is_ah)) return;
    if (const auto cpi = core.cpi_of(spi_in)) notices.ipcomp = deflate_at(*cpi);
}

void Context::settle_compression(std::uint32_t spi_in, ChildTerms& terms) const {
    if (!terms.ipcomp.agreed()) return;
    const auto cpi = core.cpi_of(spi_in);
    if (cpi) terms.ipcomp.cpi_in = *cpi;
    else terms.ipcomp = {};
}

ChildFrame Context::child_frame(std::uint32_t spi_in, bool exchange_initiator) const {
    return {.id = core.next_child_id(),
            .spi_in = spi_in,
            .exchange_initiator = exchange_initiator,
            .path = sa.carriage().path,
            .udp_encapsulation = sa.carriage().udp_encapsulation && !sa.path.tcp(),
            .outbound_active = true};
}

void Context::count(model::Counter counter) {
    core.counters.add(counter);
    if (sa.connection) core.connection_counters[sa.connection->name].add(counter);
}

void Context::log(model::LogGroup group, int level, std::string message) {
    report(model::LogLine{.group = group,
                          .level = level,
                          .message = std::move(message),
                          .ike_name = sa.connection ? sa.connection->name : std::string(),
                          .ike_id = sa.id});
}

void Context::alert(std::string type, std::string message) {
    log(model::LogGroup::ike, 1, message);
    report(model::Alert{.type = std::move(type), .message = std::move(message), .sa = status()});
}

void Context::finish_command(const std::optional<CommandId>& command, Result<> result) {
    if (command) core.finish_part(*command, std::move(result), effects);
}

model::IkeStatus Context::status() const { return ike_status(sa, now); }
model::ChildStatus Context::status(const Child& child) const { return child_status(child, now); }

std::int64_t Context::unix_seconds() const {
    return core.unix_seconds(now);
}

std::unexpected<Error> refuse(model::NotifyType notify, Errc code, const char* where, std::string detail) {
    return fail(Error{.code = code,
                      .where = where,
                      .reaction = Reaction::notify_peer,
                      .notify = static_cast<std::uint16_t>(notify),
                      .detail = std::move(detail)});
}

std::unexpected<Error> end_sa(model::NotifyType notify, Errc code, const char* where, std::string detail) {
    return fail(Error{.code = code,
                      .where = where,
                      .reaction = Reaction::end_sa,
                      .notify = static_cast<std::uint16_t>(notify),
                      .detail = std::move(detail)});
}

std::unexpected<Error> refuse(model::NotifyType notify, Errc code, const char* where, Explanation why) {
    return fail(explained(std::move(refuse(notify, code, where, std::string()).error()), std::move(why)));
}

std::unexpected<Error> end_sa(model::NotifyType notify, Errc code, const char* where, Explanation why) {
    return fail(explained(std::move(end_sa(notify, code, where, std::string()).error()), std::move(why)));
}

std::unexpected<Error> ignore(Errc code, const char* where, std::string detail) {
    return fail(code, where, std::move(detail));
}

}  // namespace cygnet::ike
