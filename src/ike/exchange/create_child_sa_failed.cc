// How a CREATE_CHILD_SA exchange of ours ends without an SA.
#include "ike/exchange/create_child_sa.h"
#include "ike/explain.h"
#include "ike/rekey.h"
#include "ike/resources.h"

namespace cygnet::ike {
namespace {

// What a lifetime or a jump of the counters (RFC 6311 §5.2) wants stays due: not at once, but until the SA ends.
void rekey_later(Context& context, const CreatingSa& exchange) {
    const Instant later = context.now + model::limits::rekey_retry;
    if (exchange.made.rekeys_ike_sa() && !context.sa.replaced_by) context.sa.timer(Timer::rekey) = later;
    const auto* child = std::get_if<NewChild>(&exchange.made.what);
    if (child == nullptr || !child->replaces) return;
    const auto old = context.sa.children.find(*child->replaces);
    if (old != context.sa.children.end() && !old->second.replacement) old->second.rekey_at = later;
}

}  // namespace

Next retry_later(Context& context, const std::string& reason) {
    CreatingSa exchange = std::move(context.sa.own.get<CreatingSa>());
    context.sa.own.reset();
    settle_for_peer_rekey(context, exchange.made);
    const unsigned attempts = exchange.attempts + 1;
    if (attempts >= model::limits::temporary_failures) {
        if (!exchange.command) rekey_later(context, exchange);
        if (const auto* further = std::get_if<NewChild>(&exchange.made.what); further != nullptr && further->wish)
            put_off(context, further->name);
        context.log(model::LogGroup::ike, 1, "CREATE_CHILD_SA failed: " + reason);
        context.finish_command(exchange.command, fail(Errc::state, "CREATE_CHILD_SA", reason));
        return context.finish();
    }
    context.log(model::LogGroup::ike, 1, "CREATE_CHILD_SA: " + reason + ", trying again");
    // Not both sides at the same moment again (RFC 7296 §2.25).
    const Duration jitter{static_cast<Duration::rep>(context.core.rng.below(1'000'000))};
    IkeSa* heir = context.sa.replaced_by ? context.core.find_sa(*context.sa.replaced_by) : nullptr;
    Context target = context.of(heir != nullptr ? *heir : context.sa);
    target.sa.timer(Timer::retry_tasks) = context.now + model::limits::temporary_failure_pause + jitter;
    const auto* child = std::get_if<NewChild>(&exchange.made.what);
    if (child == nullptr)
        target.enqueue(RekeyIkeTask{
            .command = exchange.command, .attempts = attempts, .clone = exchange.made.clones_ike_sa()});
    else if (child->replaces)
        target.enqueue(RekeyChildTask{.child = *child->replaces, .command = exchange.command, .attempts = attempts});
    else
        target.enqueue(create_again(exchange, exchange.command, attempts));
    return context.finish();
}

CreateChildTask create_again(const CreatingSa& exchange, std::optional<CommandId> command, unsigned attempts) {
    const NewChild& child = std::get<NewChild>(exchange.made.what);
    return {.child = child.name,
            .command = command,
            .attempts = attempts,
            .packet = exchange.packet,
            .single_pair = exchange.single_pair,
            .wish = child.wish};
}

Next give_up(Context& context, const std::string& reason) { return give_up(context, Explanation{.what = reason}); }

Next give_up(Context& context, const Explanation& why) {
    const std::string reason = why.sentence();
    CreatingSa exchange = std::move(context.sa.own.get<CreatingSa>());
    context.sa.own.reset();
    // A rekey that failed leaves what it should replace: nothing is down.
    const auto* child = std::get_if<NewChild>(&exchange.made.what);
    if (child != nullptr && child->wish) put_off(context, child->name);
    else if (child != nullptr && !child->replaces) context.note_failure(why, child->name);
    settle_for_peer_rekey(context, exchange.made);
    context.log(model::LogGroup::ike, 1, "CREATE_CHILD_SA failed: " + reason);
    context.finish_command(exchange.command, fail(explained({.code = Errc::state, .where = "CREATE_CHILD_SA"}, why)));
    return context.finish();
}

Next child_not_found(Context& context) {
    const auto* child = std::get_if<NewChild>(&context.sa.own.get<CreatingSa>().made.what);
    const auto found =
        child != nullptr && child->replaces ? context.sa.children.find(*child->replaces) : context.sa.children.end();
    if (found != context.sa.children.end()) {
        replace_deleted_child(context, found->second);
        if (!found->second.replacement && is_further(found->second)) note_lost(context, found->second);
        else if (!found->second.replacement) context.enqueue(CreateChildTask{.child = child->name});
        context.remove_child(found->first, "the peer does not know it any more");
    }
    return give_up(context, "the peer does not know the child");
}

Next refused_for_good(Context& context, const wire::Message& answer) {
    const model::NotifyType said = answer.error()->message_type;
    const CreatingSa& exchange = context.sa.own.get<CreatingSa>();
    const auto* child = std::get_if<NewChild>(&exchange.made.what);
    if (child == nullptr)
        return give_up(context, why_rekey_refused(context.sa.connection->name, exchange.offered, said));
    const Explanation why = why_child_refused({.connection = context.sa.connection->name,
                                               .child = child->name,
                                               .proposals = exchange.offered,
                                               .selectors = exchange.offered_selectors},
                                              answer);
    if (said == model::NotifyType::no_proposal_chosen) context.alert("proposal-mismatch-child", why.sentence());
    if (said == model::NotifyType::ts_unacceptable) context.alert("ts-mismatch", why.sentence());
    return give_up(context, why);
}

}  // namespace cygnet::ike
