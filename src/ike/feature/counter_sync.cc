#include "ike/feature/counter_sync.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"
#include "ike/exchange/tasks.h"
#include "ike/feature/feature.h"
#include "ike/rekey.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

// Beyond it there would be no room left for messages before the IDs wrap (RFC 7296 §2.2).
constexpr std::uint32_t message_id_max = model::limits::message_id_rekey;
// RFC 6311 §5.2: after such a jump the numbers may run out.
constexpr std::uint64_t jump_that_asks_for_a_rekey = std::uint64_t{1} << 30;

// Of one IKE SA.
struct CounterSync {
    std::uint32_t last_m1 = 0;  // of the peer's last synchronization
};

struct Numbers {
    std::uint32_t nonce = 0, send = 0, receive = 0;  // the sender's next own ID, and the one it expects
};

Bytes encoded(const Numbers& numbers) {
    Bytes data;
    Writer writer(data);
    writer.u32(numbers.nonce);
    writer.u32(numbers.send);
    writer.u32(numbers.receive);
    return data;
}

std::optional<Numbers> numbers_in(const wire::Message& message) {
    const wire::NotifyPayload* notify = message.notify(NotifyType::ikev2_message_id_sync);
    if (notify == nullptr || notify->data.size() != 12) return std::nullopt;
    Reader reader(notify->data);
    return Numbers{.nonce = *reader.u32("nonce"), .send = *reader.u32("send"), .receive = *reader.u32("receive")};
}

// §5.1: no payloads but the two notifications.
bool holds_nothing_else(const wire::Message& message, bool request) {
    return std::ranges::all_of(message.payloads, [&](const wire::Payload& payload) {
        const auto* notify = std::get_if<wire::NotifyPayload>(&payload);
        return notify != nullptr && (notify->message_type == NotifyType::ikev2_message_id_sync ||
                                     (request && notify->message_type == NotifyType::ipsec_replay_counter_sync));
    });
}

std::optional<std::uint64_t> delta_in(const wire::Message& message) {
    const wire::NotifyPayload* notify = message.notify(NotifyType::ipsec_replay_counter_sync);
    if (notify == nullptr) return std::nullopt;
    Reader reader(notify->data);
    if (notify->data.size() == 4) return *reader.u32("delta");
    if (notify->data.size() == 8) return *reader.u64("delta");
    return std::nullopt;
}

// §5.2: the counters of outgoing packets of all children.
void skip_sequence_numbers(Context& context, std::uint64_t count) {
    for (const auto& [id, child] : context.sa.children) {
        context.effects.push_back(SkipSequenceNumbers{.child = id, .count = count});
        if (count >= jump_that_asks_for_a_rekey) context.enqueue(RekeyChildTask{.child = id});
    }
    context.log(model::LogGroup::ike, 1,
                fmt::format("the sequence numbers of the children of {} go on {} higher", context.sa.name(), count));
}

void jump(Context& context, std::uint32_t next_request, std::uint32_t expected_request) {
    IkeSa& sa = context.sa;
    sa.window.jump(next_request, expected_request);
    sa.arriving.reset();
    context.count(Counter::counters_synchronized);
    context.log(model::LogGroup::ike, 1,
                fmt::format("message IDs of {} synchronized: we go on with {}, the peer with {}", sa.name(),
                            next_request, expected_request));
}

// The peer's request that we were working on is answered by nobody any more.
void drop_peer_exchange(Context& context) {
    IkeSa& sa = context.sa;
    if (const auto* answering = sa.theirs.find<AnsweringNewSa>()) forget_peer_rekey(sa, answering->made);
    sa.theirs.reset();
    std::optional<JobId>& job = sa.jobs[static_cast<std::size_t>(Slot::theirs)];
    if (job) context.core.jobs.erase(static_cast<std::uint64_t>(*job));
    job.reset();
}

Result<> seal_and_send(Context& context, wire::MessageBuilder& payloads, bool response) {
    IkeSa& sa = context.sa;
    wire::Header header = response ? context.response_header(ExchangeType::informational)
                                   : context.request_header(ExchangeType::informational);
    header.message_id = 0;
    const wire::Chain chain = payloads.take_chain();
    // §5.1, RFC 7383 §3: never in fragments.
    SentMessage datagrams = TRY(sa.protection->seal(header, chain, std::nullopt, context.core.rng));
    trace_sent(context, header, chain, datagrams);
    context.send(datagrams, response ? sa.answer_path() : sa.path);
    if (response) return {};
    sa.own_exchange = ExchangeType::informational;
    const RetransmissionSchedule when = context.schedule(datagrams);
    sa.window.send_synchronization(std::move(datagrams), context.now, when);
    return {};
}

// ---- we are the peer ------------------------------------------------------------------------------

void answer_request(Context& context, const wire::Message& message) {
    IkeSa& sa = context.sa;
    auto& sync = sa.features.of<CounterSync>();
    const auto drop = [&](const char* why) {
        context.count(Counter::unexpected_message_id);
        context.log(model::LogGroup::ike, 1, std::string("a synchronization of message IDs is dropped: ") + why);
    };
    const auto numbers = numbers_in(message);
    if (!numbers || !holds_nothing_else(message, true)) return drop("it has not the form that it must have");
    // §5.1: lower than or equal to the highest that came from the cluster, in whatever message.
    std::int64_t highest = std::int64_t{sa.window.expected_request()} - (sa.window.processing_request() ? 0 : 1);
    if (sa.arriving && !sa.arriving->early.empty())
        highest = std::max<std::int64_t>(highest, sa.arriving->early.rbegin()->first);
    highest = std::max<std::int64_t>(highest, sync.last_m1);
    if (numbers->send <= highest) return drop("it is old, or repeated by somebody else");
    const auto m2 = std::max<std::int64_t>(numbers->send, highest + 1);
    const std::uint32_t used = sa.window.next_request() + (sa.window.outstanding() ? 1 : 0);
    const std::uint32_t p2 = std::max(numbers->receive, used);
    if (m2 > message_id_max || p2 > message_id_max) return drop("the message IDs are about to run out");
    sync.last_m1 = numbers->send;
    drop_peer_exchange(context);
    jump(context, p2, static_cast<std::uint32_t>(m2));
    restart_own_exchange(context, "the peer's cluster has failed over");
    if (const auto delta = delta_in(message); delta && sa.peer_can.sync_replay_counters) skip_sequence_numbers(context, *delta);
    wire::MessageBuilder answer;
    answer.notify(NotifyType::ikev2_message_id_sync,
                  encoded({.nonce = numbers->nonce, .send = p2, .receive = static_cast<std::uint32_t>(m2)}));
    if (const auto sent = seal_and_send(context, answer, true); !sent)
        context.log(model::LogGroup::ike, 1, sent.error().text());
}

// ---- we are the member ----------------------------------------------------------------------------

void take_answer(Context& context, const wire::Message& message) {
    IkeSa& sa = context.sa;
    const auto* awaiting = sa.own.find<AwaitingSynchronization>();
    const auto numbers = numbers_in(message);
    // §5.1: dropped without a word; a second copy finds nobody waiting.
    if (awaiting == nullptr || !numbers || numbers->nonce != awaiting->nonce || !holds_nothing_else(message, false) ||
        numbers->receive < awaiting->next_request || numbers->send < awaiting->expected_request ||
        numbers->receive > message_id_max || numbers->send > message_id_max) {
        context.count(Counter::unexpected_message_id);
        return;
    }
    const std::optional<CommandId> command = awaiting->command;
    jump(context, numbers->receive, numbers->send);
    context.finish_command(command, {});
    context.finish();
}

std::optional<Bytes> encoded_delta(const IkeSa& sa, std::uint64_t delta) {
    const auto extended = std::ranges::count_if(sa.children, [](const auto& entry) {
        return entry.second.terms.proposal->sn != model::Sn::bits_32;
    });
    Bytes data;
    Writer writer(data);
    if (extended == 0)
        writer.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(delta, 0xffffffff)));
    else if (static_cast<std::size_t>(extended) == sa.children.size())
        writer.u64(delta);
    else
        return std::nullopt;  // §6.4: all children extended, or none
    return data;
}

// ---- hooks ----------------------------------------------------------------------------------------

void auth_offer(Context& context, wire::MessageBuilder& message) {
    // §5: the responder asserts nothing that the initiator did not.
    const PeerAbilities& peer_can = context.sa.peer_can;
    const bool all = context.sa.initiator;
    if (all || peer_can.sync_message_ids) message.notify(NotifyType::ikev2_message_id_sync_supported);
    if (all || peer_can.sync_replay_counters)
        message.notify(NotifyType::ipsec_replay_counter_sync_supported);
}

Result<> auth_accept(Context& context, const Received& received) {
    const auto said = [&](NotifyType type) { return received.message.notify(type) != nullptr; };
    context.sa.peer_can.sync_message_ids = said(NotifyType::ikev2_message_id_sync_supported);
    context.sa.peer_can.sync_replay_counters = said(NotifyType::ipsec_replay_counter_sync_supported);
    return {};
}

bool message_id_zero(Context& context, const wire::Message& message) {
    if (!context.sa.peer_can.sync_message_ids) return false;
    if (message.notify(NotifyType::ikev2_message_id_sync) == nullptr) return false;
    if (message.header.response)
        take_answer(context, message);
    else
        answer_request(context, message);
    return true;
}

// §5.2: the replay counters alone, in a regular exchange.
Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder&) {
    if (!context.sa.peer_can.sync_replay_counters) return {};
    if (const auto delta = delta_in(request.message)) skip_sequence_numbers(context, *delta);
    return {};
}

}  // namespace

Result<Next> begin_synchronize(Context& context, const SynchronizeTask& task) {
    IkeSa& sa = context.sa;
    if (!sa.peer_can.sync_message_ids) {
        context.finish_command(task.command, fail(Errc::unsupported, "synchronization",
                                                  "the peer of " + sa.name() + " does not know RFC 6311"));
        return context.finish();
    }
    if (task.skip_message_ids > message_id_max - sa.window.next_request()) {
        context.finish_command(task.command, fail(Errc::limit, "synchronization", "the message IDs are about to run out"));
        return context.finish();
    }
    AwaitingSynchronization exchange{.nonce = context.core.rng.u32(),
                                     .next_request = sa.window.next_request() + task.skip_message_ids,
                                     .expected_request = sa.window.expected_request(),
                                     .command = task.command};
    wire::MessageBuilder message;
    message.notify(NotifyType::ikev2_message_id_sync, encoded({.nonce = exchange.nonce,
                                                               .send = exchange.next_request,
                                                               .receive = exchange.expected_request}));
    if (task.skip_packets != 0 && sa.peer_can.sync_replay_counters && !sa.children.empty()) {
        // §5.2: our own counters, and the peer's, whose packets we may have missed.
        skip_sequence_numbers(context, task.skip_packets);
        if (const auto delta = encoded_delta(sa, task.skip_packets))
            message.notify(NotifyType::ipsec_replay_counter_sync, *delta);
    }
    sa.own = exchange;
    TRY(seal_and_send(context, message, false));
    return Next::sent_request;
}

constexpr Feature counter_sync{
    .name = "counter synchronization",
    .rfc = "RFC 6311",
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .informational_request = informational_request,
    .message_id_zero = message_id_zero,
};

}  // namespace cygnet::ike
