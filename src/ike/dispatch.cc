#include "ike/dispatch.h"

#include "ike/exchange/tasks.h"
#include "ike/feature/feature.h"
#include "ike/rekey.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::LogGroup;
using model::NotifyType;

void answer_with(Context& context, const Error& error, Bytes data = {}) {
    if (!context.sa.window.processing_request() || !context.sa.protection) return;
    const auto notify = static_cast<NotifyType>(error.notify);
    if (notify == NotifyType::temporary_failure) context.count(Counter::temporary_failure_sent);
    wire::MessageBuilder message;
    message.notify(notify, data);
    if (const auto sent = context.respond(context.sa.peer_exchange, message); !sent)
        context.log(LogGroup::ike, 1, "no answer could be made: " + sent.error().text());
}

// An error in the peer's exchange: it must learn of it, as long as it is worth an answer.
void conclude_theirs(Context& context, const Error& error) {
    context.sa.theirs.reset();
    switch (error.reaction) {
        case Reaction::ignore: context.sa.window.abandon_request(); return;
        case Reaction::notify_peer: answer_with(context, error); return;
        case Reaction::end_sa:
        case Reaction::tell_operator:
            if (error.notify != 0) answer_with(context, error);
            context.close(explanation_of(error));
            return;
    }
}

// An error in our own exchange: a peer that answers nonsense, or something of ours that failed.
void conclude_own(Context& context, const Error& error) {
    if (error.reaction == Reaction::ignore) {
        // Before there are keys anybody may have answered.
        if (!context.sa.protection) context.count(Counter::unproven_answer);
        return;
    }
    context.close(explanation_of(error));
}

bool free_for_a_task(const IkeSa& sa, Instant now) {
    if (sa.closed || !sa.established() || sa.tasks.empty()) return false;
    if (sa.own || sa.window.outstanding()) return false;
    if (sa.jobs[static_cast<std::size_t>(Slot::own)] || awaits_peer(sa)) return false;
    // What the peer asked for is being made: our exchanges begin when both sides see the outcome (RFC 7296 §2.25).
    // Not so in an SA that was replaced: a peer that lost may have given up its series (RFC 9370 §2.2.4).
    if (!sa.replaced_by && (sa.theirs || sa.followup_series)) return false;
    const Instant pause = sa.timers[static_cast<std::size_t>(Timer::retry_tasks)];
    return pause == Instant::never() || pause <= now;
}

// §2.5: the whole request is refused; only the type goes back.
void refuse_critical(Context& context, const wire::UnknownPayload& payload, const RequestDigest& request) {
    context.count(Counter::unknown_critical_payload);
    const Error error{.code = Errc::unsupported,
                      .where = "payload",
                      .notify = static_cast<std::uint16_t>(NotifyType::unsupported_critical_payload),
                      .detail = "critical payload " + model::name_of(payload.type) + " is unknown"};
    context.log(LogGroup::ike, 1, error.text());
    if (context.slot == Slot::theirs) {
        context.sa.window.begin_request(request);
        answer_with(context, error, {static_cast<std::uint8_t>(payload.type)});
    }
    if (context.slot == Slot::own || context.sa.half_open()) context.close(error.text());
}

// The peer has answered, and a job makes of its answer an SA that its next request may already be about.
bool completing_own_exchange(const IkeSa& sa) {
    if (!sa.jobs[static_cast<std::size_t>(Slot::own)]) return false;
    const auto* creating = sa.own.find<CreatingSa>();
    return creating != nullptr ? creating->answered : sa.own.holds<InitiatingAuth>();
}

void dispatch_postponed(Context context) {
    Boxed<Arriving>& arriving = context.sa.arriving;
    if (context.sa.closed || !arriving || !arriving->postponed || completing_own_exchange(context.sa)) return;
    Received request = std::move(*arriving->postponed);
    arriving->postponed.reset();
    context.sa.window.abandon_request();
    dispatch(context, std::move(request));
}

}  // namespace

void conclude(Context& context, Result<Next> result) {
    if (result || context.sa.closed) return;
    const Error& error = result.error();
    // The end of an SA says its reason itself.
    const bool ends = context.slot == Slot::own
                          ? error.reaction != Reaction::ignore
                          : error.reaction == Reaction::end_sa || error.reaction == Reaction::tell_operator;
    context.log(LogGroup::ike, ends ? 2 : 1, error.explanation ? error.detail : error.text());
    if (context.slot == Slot::theirs)
        conclude_theirs(context, error);
    else
        conclude_own(context, error);
}

void dispatch(Context& context, Received message) {
    IkeSa& sa = context.sa;
    const wire::Header& header = message.message.header;
    if (header.response)
        context.slot = Slot::own;
    else
        context.slot = Slot::theirs;
    // Messages take effect in the order of their arrival, however slow our jobs are (RFC 7296 §2.8.1, §2.25).
    if (context.slot == Slot::theirs && completing_own_exchange(sa)) {
        sa.window.begin_request();
        sa.arriving.made().postponed = std::move(message);
        return;
    }
    if (context.slot == Slot::theirs) sa.peer_exchange = header.exchange;
    const auto* critical = message.message.unsupported_critical();
    // Before there are keys anybody may have answered: only the honest answer counts (RFC 7296 §2.21.1, §2.5).
    if (critical != nullptr && !sa.protection) {
        context.count(Counter::unknown_critical_payload);
        return context.log(LogGroup::ike, 1, "an unprotected answer with an unknown critical payload is ignored");
    }
    if (critical != nullptr) return refuse_critical(context, *critical, message.digest);
    const auto row = find_row(sa, message.message);
    if (!row) {
        const bool out_of_place = row.error().code == Errc::state;
        context.count(out_of_place ? Counter::unexpected_exchange : Counter::payload_missing);
        // Before authentication nothing that is out of place is worth an answer or an end (RFC 7296 §2.21.2).
        if (sa.half_open() && (out_of_place || !sa.protection)) return context.log(LogGroup::ike, 1, row.error().text());
        if (context.slot == Slot::theirs) sa.window.begin_request(message.digest);
        // §2.25: whatever the peer begins while we delete the SA is too late.
        if (out_of_place && sa.phase() == Phase::deleting)
            return conclude(context, refuse(NotifyType::temporary_failure, row.error().code, row.error().where,
                                            row.error().detail));
        return conclude(context,
                        end_sa(NotifyType::invalid_syntax, row.error().code, row.error().where, row.error().detail));
    }
    if (context.slot == Slot::theirs)
        sa.window.begin_request(message.digest);
    else if (sa.protection)
        sa.window.response_received();
    conclude(context, (*row)->handle(context, std::move(message)));
}

void dispatch_early(Context& context) {
    IkeSa& sa = context.sa;
    while (!sa.closed && sa.arriving && !sa.window.processing_request()) {
        auto& early = sa.arriving->early;
        const auto next = early.find(sa.window.expected_request());
        if (next == early.end()) return;
        Received request = std::move(next->second);
        early.erase(next);
        dispatch(context, std::move(request));
    }
}

void resume_job(Core& core, JobId id, crypto::JobResult result, Instant now, Effects& effects) {
    const auto found = core.jobs.find(static_cast<std::uint64_t>(id));
    if (found == core.jobs.end()) return;
    const JobTicket ticket = found->second;
    IkeSa* sa = core.find_sa(ticket.sa);
    const bool expected_still = sa != nullptr && !sa->closed && sa->jobs[static_cast<std::size_t>(ticket.slot)] == id;
    if (expected_still && wait_for_look_ups(core, id, result, now, effects)) return;
    core.jobs.erase(found);
    if (!expected_still) return;
    std::optional<JobId>& expected = sa->jobs[static_cast<std::size_t>(ticket.slot)];
    expected.reset();
    core.touch(sa->id);
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects, .slot = ticket.slot};
    if (const auto* made = std::get_if<Result<crypto::SignedAuth>>(&result); made != nullptr && *made)
        run_hooks(&Feature::after_signature, context, **made);
    conclude(context, ticket.resume(context, std::move(result)));
    dispatch_postponed(context);
}

void begin_waiting_tasks(Context& context) {
    context.slot = Slot::own;
    while (free_for_a_task(context.sa, context.now)) {
        Task task = std::move(context.sa.tasks.front());
        context.sa.tasks.pop_front();
        const std::optional<CommandId> command = command_of(task);
        Result<Next> begun = begin_task(context, std::move(task));
        if (begun) continue;
        context.sa.own.reset();
        context.finish_command(command, fail(begun.error()));
        conclude(context, std::move(begun));
    }
}

}  // namespace cygnet::ike
