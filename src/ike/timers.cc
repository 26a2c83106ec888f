#include "ike/timers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ike/dispatch.h"
#include "ike/exchange/ike_followup_ke.h"
#include "ike/exchange/ike_sa_init.h"
#include "ike/explain.h"
#include "ike/feature/feature.h"
#include "ike/feature/reauthentication.h"
#include "ike/overlap.h"
#include "ike/policies.h"
#include "ike/rekey.h"
#include "ike/stream.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::LogGroup;

// keyingtries: the attempt begins anew; the command waits on. One that presented a ticket is not counted.
bool try_again(Context& context, const Explanation& why) {
    IkeSa& sa = context.sa;
    const unsigned tries = sa.connection->keyingtries;
    const bool resuming = sa.own.holds<InitiatingResumption>();
    if (!sa.initiator || !sa.half_open() || !sa.intent) return false;
    Intent& intent = *sa.intent;
    if (!resuming && tries != 0 && intent.attempt >= tries) return false;
    if (!resuming) {
        ++intent.attempt;
        intent.over_tcp = false;
    }
    context.log(LogGroup::ike, 1, fmt::format("the peer did not answer, beginning attempt {}", intent.attempt));
    begin_again(context, why);
    return true;
}

// RFC 9329 §5.1: UDP does not get through; the same attempt goes on over TCP, with an SPI of its own.
bool fall_back(Context& context) {
    IkeSa& sa = context.sa;
    if (sa.connection->tcp != model::Tcp::fallback || !sa.initiator || !sa.half_open() || sa.path.tcp() || !sa.intent) return false;
    sa.intent->over_tcp = true;
    context.count(Counter::tcp_fallback);
    context.log(LogGroup::ike, 0,
                fmt::format("{} does not answer over UDP, trying TCP port {}", sa.path.remote.address.text(),
                            sa.connection->remote_tcp_port));
    begin_again(context, no_answer(sa));
    return true;
}

void retransmit(Context& context) {
    IkeSa& sa = context.sa;
    const bool silent = sa.phase() == Phase::connecting && sa.window.transmissions() >= model::limits::tcp_fallback_transmissions;
    if (silent && fall_back(context)) return;
    const SentMessage* again = sa.window.retransmit(context.now);
    if (again == nullptr) {
        if (probe_smaller(context)) return;
        context.count(Counter::retransmission_timeout);
        return give_up_on_peer(context, no_answer(sa));
    }
    context.log(
        LogGroup::ike, 1,
        fmt::format("retransmit {} of request with message ID {}", sa.window.transmissions() - 1, sa.window.next_request()));
    // What an operator sees who does not want to wait for the end.
    if (sa.half_open()) context.note_failure(no_answer(sa));
    trace_repeated(context, *again);
    context.send(*again, sa.path);
    run_hooks(&Feature::retransmitted, context, *again);
}

void end_half_open(Context& context) {
    context.count(Counter::half_open_expired);
    context.alert("half-open-timeout",
                  fmt::format("{} did not finish its authentication in time", context.sa.path.remote.text()));
    context.close(Explanation{
        .kind = "no-answer",
        .what = context.sa.path.remote.text() + " began an IKE SA but did not authenticate in time",
        .advice = "it went away, refused our answer, or its next messages are lost: let UDP port 4500 and IP fragments pass"});
}

void drop_fragments(Context& context) {
    context.count(Counter::fragment_refused);
    if (context.sa.arriving) context.sa.arriving->incomplete.clear();
}

// §2.4: ask only when nothing came in for a while, neither IKE nor ESP.
void check_liveness(Context& context) {
    IkeSa& sa = context.sa;
    Instant heard = sa.last_received;
    const bool esp_counts = std::ranges::none_of(all_features(), [&](const Feature* feature) {
        return feature->distrusts_esp != nullptr && feature->distrusts_esp(sa);
    });
    for (const auto& [id, child] : sa.children)
        if (esp_counts && child.usage && child.usage->packets_in != 0) heard = std::max(heard, child.usage->last_in);
    const Instant due = heard + sa.connection->dpd_delay;
    sa.timer(Timer::liveness) = std::max(due, context.now + sa.connection->dpd_delay / 2);
    if (due > context.now || sa.window.outstanding() || !sa.tasks.empty()) return;
    context.enqueue(LivenessTask{});
}

// RFC 3948 §4: keep our NAT's mapping when we were silent.
void keep_mapping(Context& context) {
    IkeSa& sa = context.sa;
    Instant spoke = sa.last_sent;
    for (const auto& [id, child] : sa.children)
        if (child.usage && child.usage->packets_out != 0) spoke = std::max(spoke, child.usage->last_out);
    if (context.now - spoke >= model::limits::nat_keepalive) {
        context.effects.push_back(SendKeepalive{sa.path});
        sa.last_sent = spoke = context.now;
    }
    sa.timer(Timer::nat_keepalive) = spoke + model::limits::nat_keepalive;
}

void expire(Context& context) {
    if (context.sa.replaced_by) {
        context.close("rekeyed");
        return;
    }
    context.alert("ike-sa-expired", "IKE_SA " + context.sa.name() + " reached its hard lifetime and is deleted");
    context.enqueue(DeleteIkeTask{.why = {.kind = "closed",
                                          .what = "it reached its hard lifetime without a rekey",
                                          .advice = "let rekey_time + over_time be longer, or look why rekeys fail"},
                                  .spares_successor = true});
}

void run_timer(Context& context, Timer timer) {
    switch (timer) {
        case Timer::half_open: return end_half_open(context);
        case Timer::reassembly: return drop_fragments(context);
        case Timer::liveness: return check_liveness(context);
        case Timer::nat_keepalive: return keep_mapping(context);
        case Timer::rekey: return context.enqueue(RekeyIkeTask{});
        case Timer::expire: return expire(context);
        case Timer::reauth: return reauthenticate(context, {});
        case Timer::authentication_end: return end_authentication(context);
        case Timer::retry_tasks: return;  // That it has passed is enough: tasks begin again.
        case Timer::followup_ke: return drop_followup_series(context);
        case Timer::stream: return reopen_stream(context);
        case Timer::renew_ticket: return run_hooks(&Feature::timer, context, timer);
        case Timer::count: return;
    }
}

void run_child_lifetimes(Context& context) {
    for (auto& [id, child] : context.sa.children) {
        if (child.rekey_at <= context.now) {
            child.rekey_at = Instant::never();
            context.enqueue(RekeyChildTask{.child = id});
        }
        if (child.expire_at <= context.now) {
            child.expire_at = Instant::never();
            context.enqueue(DeleteChildrenTask{.children = {id}});
        }
        if (child.idle_at() <= context.now) {
            context.log(LogGroup::ike, 1,
                        fmt::format("CHILD_SA {}{{{}}} is closed after {} s of inactivity", child.config->name,
                                    child.unique_id, std::chrono::duration_cast<seconds>(child.config->inactivity).count()));
            child.active_at = context.now;  // The next look, should the Delete have to wait.
            context.enqueue(DeleteChildrenTask{.children = {id}});
        }
    }
}

}  // namespace

// The peer is dead (RFC 7296 §2.4): no Delete, nobody would hear it. dpd_action = start brings children back.
void give_up_on_peer(Context& context, const Explanation& why) {
    IkeSa& sa = context.sa;
    inherit_before_close(context);
    if (sa.replaced_by) {
        // The peer may have forgotten it before our Delete came.
        context.close("rekeyed");
        return;
    }
    context.alert(sa.half_open() ? "peer-init-unreachable" : "retransmit-send-timeout", why.sentence());
    if (fall_back(context) || try_again(context, why)) return;
    close_and_revive(context, why, &model::ChildConfig::dpd_action);
}

void run_deadlines(Context& context) {
    IkeSa& sa = context.sa;
    if (sa.window.deadline() <= context.now) retransmit(context);
    for (std::size_t i = 0; i < sa.timers.size() && !sa.closed; ++i) {
        if (sa.timers[i] > context.now) continue;
        sa.timers[i] = Instant::never();
        run_timer(context, static_cast<Timer>(i));
    }
    if (!sa.closed) run_child_lifetimes(context);
}

model::Path fresh_path(const Context& context) {
    model::Path path = context.sa.path;
    path.stream = model::StreamId::none;
    path.local.port = context.core.settings.port;
    path.remote.port = context.sa.connection->remote_port;
    return path;
}

Next close_and_revive(Context& context, const Explanation& why, model::Action model::ChildConfig::* action) {
    IkeSa& sa = context.sa;
    std::vector<std::string> revive;
    // What is kept up comes back by the daemon, which looks names up again and tries other addresses.
    if (sa.established())
        for (const auto& [id, child] : sa.children)
            if (is_current(sa, child) && child.resource == model::every_resource &&
                !find_twin(context, child.terms.selectors)) {
                if (model::starts(child.config->*action) && !sa.connection->keep_up) revive.push_back(child.config->name);
                if (model::traps(child.config->*action)) set_trap(context, child.connection, *child.config);
            }
    std::optional<CommandId> command;
    const bool comes_back = !revive.empty() || sa.connection->keep_up;
    if (comes_back && leave_to_successor(context, command)) revive.clear();
    const model::Path path = fresh_path(context);
    const auto connection = sa.connection;
    const Next next = context.close(why);
    if (revive.empty()) {
        context.finish_command(command, fail(Errc::state, "reauthentication", why.what));
        return next;
    }
    Intent intent{.child = revive.front(), .command = command};
    IkeSa& again = initiate(context.core, connection, path, std::move(intent), context.now, context.effects);
    Context with_new = context.of(again);
    for (std::size_t i = 1; i < revive.size() && !again.closed; ++i)
        with_new.enqueue(CreateChildTask{.child = revive[i]});
    return next;
}

Next begin_again(Context& context, const Explanation& why) {
    IkeSa& sa = context.sa;
    Intent intent = std::exchange(sa.intent, {}).value_or({});
    const auto tasks = std::exchange(sa.tasks, {});
    const model::Path path = fresh_path(context);
    const auto connection = sa.connection;
    const Next next = context.close(why);
    IkeSa& again = initiate(context.core, connection, path, std::move(intent), context.now, context.effects);
    Context with_new = context.of(again);
    for (const Task& task : tasks)
        if (!again.closed) with_new.enqueue(task);
    return next;
}

IkeSa& initiate(Core& core, std::shared_ptr<const model::Connection> connection, const model::Path& path, Intent intent,
                Instant now, Effects& effects) {
    IkeSa& sa = core.create_sa(true, std::move(connection), path);
    sa.intent = std::move(intent);
    Context context{.core = core, .sa = sa, .now = now, .effects = effects};
    if (sa.connection->tcp == model::Tcp::always || sa.intent->over_tcp)
        open_stream(context);
    else
        conclude(context, begin_first_exchange(context));
    return sa;
}

}  // namespace cygnet::ike
