#include "ike/exchange/ike_session_resume.h"

#include "ike/exchange/ike_sa_init.h"
#include "ike/feature/feature.h"
#include "ike/feature/session_resumption.h"
#include "ike/match.h"
#include "ike/ppk.h"
#include "ike/timers.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::ExchangeType;
using model::LogGroup;
using model::NotifyType;
using model::PayloadType;

// Who both are and what they agreed on, §5: "from the ticket". The additional key exchanges of the old SA made its keys.
void take_identities(IkeSa& sa, const ResumptionState& state) {
    sa.own_id = state.own_id;
    sa.peer_id = state.peer_id;
    note_ppk(sa, state.ppk_id);
    sa.peer_can.full_transcript = state.full_transcript;
    sa.handshake().rounds.resumed = true;
    sa.handshake().additional_done = static_cast<unsigned>(sa.proposal->additional.size());
}

// §5.1: the keys of the new SA; the handshake goes on under their protection.
Result<> take_keys(IkeSa& sa, const SecretBytes& old_d) {
    sa.take_keys(TRY(Protection::make(
        sa.proposal, keys_after_resumption(sa.proposal, old_d, sa.handshake().nonces(), sa.spis), sa.initiator)));
    return {};
}

// ---- initiator ----------------------------------------------------------------------------------

Result<Next> send_request(Context& context) {
    IkeSa& sa = context.sa;
    const auto& resuming = sa.own.get<InitiatingResumption>();
    wire::MessageBuilder message;
    if (!resuming.cookie.empty()) message.notify(NotifyType::cookie, resuming.cookie);
    message.add(wire::NoncePayload{sa.handshake().nonce_i});
    message.notify(NotifyType::ticket_opaque, resuming.ticket);
    run_hooks(&Feature::offer, context, message);
    sa.handshake().init_request = message.finish(context.request_header(ExchangeType::ike_session_resume));
    return context.request_in_clear(sa.handshake().init_request, ExchangeType::ike_session_resume);
}

Result<Next> receive_response(Context& context, Received response) {
    IkeSa& sa = context.sa;
    TRY(check_first_answer(context, sa.own.holds<InitiatingResumption>(), response.message.header));
    run_hooks(&Feature::accept, context, response);
    take_first_answer(sa, response);
    const auto& presented = sa.features.of<Resumption>().presented;
    ASSERT(presented.has_value());
    TRY(take_keys(sa, presented->state.d));
    return continue_handshake(context);
}

// Nobody has authenticated these: they may be forged. All that they can do is cost a full handshake.
Result<Next> receive_notification(Context& context, Received response) {
    IkeSa& sa = context.sa;
    auto* resuming = sa.own.find<InitiatingResumption>();
    if (resuming == nullptr || !sa.window.awaits_response(0))
        return ignore(Errc::state, "IKE_SESSION_RESUME", "a response that nobody waits for");
    const wire::NotifyPayload* cookie = response.message.notify(NotifyType::cookie);
    if (cookie != nullptr && ++resuming->retries <= model::limits::sa_init_retries) {
        if (cookie->data.empty() || cookie->data.size() > model::limits::cookie_octets_max)
            return ignore(Errc::bad_length, "COOKIE", "it must have 1 to 64 octets");
        resuming->cookie = keep(cookie->data);
        sa.window.withdraw_request();
        return send_request(context);
    }
    const wire::NotifyPayload* error = response.message.error();
    const wire::NotifyPayload* refusal =
        error != nullptr ? error : response.message.notify(NotifyType::ticket_nack);
    if (cookie == nullptr && refusal == nullptr)
        return ignore(Errc::bad_value, "IKE_SESSION_RESUME", "a response without Nonce");
    // §4.3.2: the regular exchange in its place, without this ticket.
    sa.features.of<Resumption>().presented.reset();
    const std::string answer = refusal != nullptr ? model::name_of(refusal->message_type) : "cookies without end";
    return begin_again(context, Explanation{.what = "the peer does not resume the session (" + answer + ")"});
}

// ---- responder ----------------------------------------------------------------------------------

struct Acceptance {
    Ticket ticket;
    std::shared_ptr<const model::Connection> connection;
    model::ChosenProposal proposal;
};

// The policy is asked again: it may have changed since the ticket was made.
Result<Acceptance> judge(const Stranger& stranger, ByteView octets) {
    Core& core = stranger.core;
    const std::int64_t now = core.unix_seconds(stranger.now);
    Ticket ticket = TRY(core.features.of<TicketTables>().office.open(octets, core.kept, now));
    const auto found = core.config->connections.find(ticket.state.connection);
    const auto refused = [](std::string why) { return fail(Errc::not_found, "ticket", std::move(why)); };
    if (found == core.config->connections.end())
        return refused("its connection " + ticket.state.connection + " is no longer configured");
    const auto& connection = found->second;
    if (connection->resumption == model::Resumption::no)
        return refused("connection " + connection->name + " has resumption = no");
    if (!fits_path(*connection, stranger.request.path))
        return refused("connection " + connection->name + " is not for this address (remote_addrs, local_addrs)");
    if (policy_digest(*connection, *core.config, *core.credentials, ticket.state) != ticket.state.policy)
        return refused("the identities or credentials of connection " + connection->name + " have changed");
    model::ChosenProposal proposal = TRY(ticket.state.proposal());
    if (!fits_proposal(*connection, proposal))
        return refused("connection " + connection->name + " no longer accepts the proposal");
    return Acceptance{std::move(ticket), connection, std::move(proposal)};
}

Result<Next> answer(Context& context, const SecretBytes& old_d) {
    Handshake& handshake = context.sa.handshake();
    wire::MessageBuilder message;
    message.add(wire::NoncePayload{handshake.nonce_r});
    run_hooks(&Feature::offer, context, message);
    handshake.init_response = message.finish(context.response_header(ExchangeType::ike_session_resume));
    const Next next = context.respond_in_clear(handshake.init_response);
    TRY(take_keys(context.sa, old_d));
    return next;
}

}  // namespace

Result<Next> begin_ike_session_resume(Context& context, const StoredTicket& ticket) {
    IkeSa& sa = context.sa;
    sa.proposal = TRY(ticket.state.proposal());
    take_identities(sa, ticket.state);
    sa.handshake().nonce_i = context.core.rng.bytes(model::limits::nonce_octets);
    context.log(LogGroup::ike, 0, "resuming IKE_SA " + sa.name() + " with a ticket of " + sa.path.remote.address.text());
    sa.own = InitiatingResumption{.ticket = ticket.octets};
    return send_request(context);
}

void receive_ike_session_resume_request(Core& core, const Received& request, Standing standing, Instant now,
                                        Effects& effects) {
    const Stranger stranger{core, request, now, effects};
    const wire::Message& message = request.message;
    const auto* nonce = message.find<wire::NoncePayload>();
    const wire::NotifyPayload* octets = message.notify(NotifyType::ticket_opaque);
    if (nonce == nullptr || octets == nullptr) {
        core.counters.add(Counter::payload_missing);
        stranger.log("IKE_SESSION_RESUME without Nonce or TICKET_OPAQUE");
        if (core.may_reply_to_stranger(now)) stranger.answer(NotifyType::invalid_syntax);
        return;
    }
    if (!stranger.has_room(standing))
        return trace_stateless(core, effects, false, message, request.octets.size());
    auto accepted = judge(stranger, octets->data);
    if (!accepted) {
        core.counters.add(Counter::ticket_refused);
        trace_stateless(core, effects, false, message, request.octets.size());
        stranger.log("its ticket is refused: " + accepted.error().detail);
        return stranger.answer(NotifyType::ticket_nack);
    }
    IkeSa& sa = stranger.admit(std::move(accepted->connection), std::move(accepted->proposal), standing);
    Context context{.core = core, .sa = sa, .now = now, .effects = effects, .slot = Slot::theirs};
    take_identities(sa, accepted->ticket.state);
    context.log(LogGroup::ike, 0, request.path.remote.text() + " is resuming an IKE_SA with a ticket");
    const SecretBytes old_d = std::exchange(accepted->ticket.state.d, {});
    sa.features.of<Resumption>().accepted = std::move(accepted->ticket);
    if (const auto answered = answer(context, old_d); !answered) context.close(answered.error().text());
}

std::span<const ExchangeRow> ike_session_resume_rows() {
    static constexpr auto rows =
        first_answer_rows({.story = "the responder takes the ticket",
                           .exchange = ExchangeType::ike_session_resume,
                           .required = {PayloadType::nonce},
                           .optional = {PayloadType::notify, PayloadType::vendor_id},
                           .handle = receive_response},
                          {.story = "a cookie, or it does not take the ticket", .handle = receive_notification});
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
