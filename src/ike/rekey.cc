#include "ike/rekey.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/exchange/create_child_ppk.h"
#include "ike/exchange/ike_followup_ke.h"
#include "ike/exchange/tasks.h"
#include "ike/feature/feature.h"
#include "ike/overlap.h"
#include "ike/stream.h"

namespace cygnet::ike {
namespace {

// How long an IKE SA that was replaced waits for its Delete: as long as a peer that has not got our last answer may ask again.
constexpr Duration replaced_sa_patience = minutes(3);
// The same when an operator waits for the end of the SA that replaced it.
constexpr Duration terminated_sa_patience = seconds(5);

Child* find_child(IkeSa& sa, std::optional<model::ChildId> id) {
    if (!id) return nullptr;
    const auto found = sa.children.find(*id);
    return found == sa.children.end() ? nullptr : &found->second;
}

const CreatingSa* own_rekey_of(const IkeSa& sa, model::ChildId child) {
    const auto* creating = sa.own.find<CreatingSa>();
    return creating != nullptr && creating->made.rekeys(child) ? creating : nullptr;
}

bool rekeying_ike_ourselves(const IkeSa& sa) {
    const auto* creating = sa.own.find<CreatingSa>();
    return creating != nullptr && creating->made.rekeys_ike_sa();
}

// ---- children -----------------------------------------------------------------------------------

// `fresh` carries the traffic of `old` from now on; whoever has to deletes `old`.
void supersede(Context& context, Child& old, Child& fresh) {
    old.replacement = fresh.id;
    old.state = model::ChildState::rekeyed;
    old.rekey_at = Instant::never();
    fresh.active_at = old.active_at;
    context.count(model::Counter::child_rekey);
    context.report(model::ChildRekeyed{context.status(), context.status(old), context.status(fresh)});
}

void note_ppk_of_child(Context& context, Child& child, const model::Ppk& ppk) {
    child.ppk_id = ppk.id.text();
    context.count(model::Counter::ppk_used);
    context.log(model::LogGroup::chd, 1, fmt::format("CHILD_SA {} uses PPK '{}' (RFC 9867)", child.config->name, ppk.id.text()));
}

Result<> complete_child(Context& context, NewSa made, MadeBy made_by) {
    IkeSa& sa = context.sa;
    const bool lost = made_by == MadeBy::us && lost_to_peer(sa, made);
    NewChild& agreed = std::get<NewChild>(made.what);
    Child* old = find_child(sa, agreed.replaces);
    const std::shared_ptr<const model::Connection> connection = old != nullptr ? old->connection : sa.connection;
    const model::ChildConfig* config = connection->child(agreed.name);
    if (config == nullptr) return fail(Errc::not_found, "child", "'" + agreed.name + "' is no longer configured");

    ChildKeys keys =
        TRY(child_keys(sa.proposal->prf, sk_d_for(sa, made), agreed.terms.proposal, made.secrets, made.nonces()));
    ChildFrame frame = context.child_frame(agreed.spi_in.value(), made_by == MadeBy::us);
    // The peer that began a rekey shows by its first packet or by its Delete that it has the new keys (RFC 7296 §2.8).
    // What is to replace a child that is gone meanwhile is deleted at once.
    const bool ours = made_by == MadeBy::us && !lost && (old != nullptr || !agreed.replaces);
    frame.outbound_active =
        ours || (made_by == MadeBy::peer && !agreed.replaces && !twin_carries(context, agreed.terms.selectors) &&
                 !(agreed.resource == model::every_resource && sibling_carries(sa, agreed.terms.selectors)));
    frame.resource = old != nullptr ? old->resource : agreed.resource;
    if (frame.resource == model::no_resource) frame.outbound_active = false;
    // RFC 9611 §3: the rekeyed SA belongs to what it belonged to, whatever the exchange says.
    if (old != nullptr) agreed.terms.per_resource = old->terms.per_resource;
    model::ChildSaSpec spec = child_spec(frame, agreed.terms, std::move(keys), *config);
    agreed.spi_in.take();
    Child& fresh = context.add_child(*config, std::move(agreed.terms), std::move(spec), agreed.replaces.has_value());
    if (old != nullptr) fresh.reqid = old->reqid;
    if (made.ppk) note_ppk_of_child(context, fresh, *made.ppk);
    if (made_by == MadeBy::peer && agreed.replaces) {
        // Our own rekey ended while a job made the answer to the peer's, and won: the peer deletes what it made.
        if (old == nullptr || old->replacement) {
            fresh.redundant = true;
            return {};
        }
        old->peer_rekey = {.lowest_nonce = made.lowest_nonce(), .replacement = fresh.id};
        if (own_rekey_of(sa, old->id) == nullptr) supersede(context, *old, fresh);
        return {};
    }
    if (old == nullptr) {
        // The peer deleted what we were replacing: nobody wants the new child (RFC 7296 §2.25.1).
        if (agreed.replaces) {
            fresh.redundant = true;
            context.enqueue(DeleteChildrenTask{.children = {fresh.id}});
        }
        return {};
    }
    if (lost) {
        // §2.8.1: the SA made with the lowest nonce is closed by the side that made it.
        fresh.redundant = true;
        if (Child* winner = find_child(sa, old->peer_rekey->replacement)) supersede(context, *old, *winner);
        context.enqueue(DeleteChildrenTask{.children = {fresh.id}});
        return {};
    }
    if (old->peer_rekey)
        if (Child* loser = find_child(sa, old->peer_rekey->replacement)) loser->redundant = true;
    supersede(context, *old, fresh);
    // RFC 9370 §2.2.4: the peer stops where it is, so that nothing of its attempt is awaited.
    if (sa.followup_series && lost_to_us(sa, sa.followup_series->made)) drop_followup_series(context);
    context.enqueue(DeleteChildrenTask{.children = {old->id}});
    return {};
}

// ---- the IKE SA ---------------------------------------------------------------------------------

// Why our tasks wait in an IKE SA that the peer's rekey has made.
struct Unready {
    bool peer_lacks_keys = true;
    bool undecided = false;
};

void end_waiting(Core& core, IkeSa& sa) {
    const auto* unready = sa.features.find<Unready>();
    if (unready == nullptr || unready->peer_lacks_keys || unready->undecided) return;
    sa.features.forget<Unready>();
    core.touch(sa.id);
}

// Everything that outlives the keys.
void copy_identity(const IkeSa& from, IkeSa& to) {
    to.own_id = from.own_id;
    to.peer_id = from.peer_id;
    to.peer_anonymous = from.peer_anonymous;
    to.answer_by(from.answer_path());
    to.nat_local = from.nat_local;
    to.nat_remote = from.nat_remote;
    to.udp_encapsulation = from.udp_encapsulation;
    to.nat_traversal = from.nat_traversal;
    to.dynamic_update = from.dynamic_update;
    to.extra_transmissions = from.extra_transmissions;
    to.esp_stays = from.esp_stays;
    to.accepts_fragments = from.accepts_fragments;
    to.sends_fragments = from.sends_fragments;
    to.fragment_ip_octets = from.fragment_ip_octets;
    to.client = from.client;
    to.peer_can = from.peer_can;
}

Result<IkeSa*> make_ike_sa(Context& context, const NewSa& made, MadeBy made_by) {
    const IkeSa& old = context.sa;
    const NewIkeSa& agreed = std::get<NewIkeSa>(made.what);
    const bool initiator = made_by == MadeBy::us;
    const Spis spis{.initiator = initiator ? agreed.own_spi.value() : agreed.peer_spi,
                    .responder = initiator ? agreed.peer_spi : agreed.own_spi.value()};
    IkeKeys keys =
        keys_after_rekey(old.proposal->prf, sk_d_for(old, made), agreed.proposal, made.secrets, made.nonces(), spis);
    Protection protection = TRY(Protection::make(agreed.proposal, std::move(keys), initiator));
    IkeSa& fresh = context.core.create_sa(initiator, old.connection, old.path, agreed.own_spi.value());
    fresh.spis = spis;
    fresh.proposal = agreed.proposal;
    fresh.protection = std::move(protection);
    copy_identity(old, fresh);
    fresh.last_received = context.now;
    Context of_fresh = context.of(fresh);
    run_hooks(agreed.clone ? &Feature::cloned : &Feature::inherited, of_fresh, context.sa);
    if (made.ppk) {
        note_ppk(fresh, *made.ppk);
        context.count(model::Counter::ppk_used);
    } else if (initiator && demands_ppk(old)) {
        // RFC 9867: what the peer made without a PPK is deleted at once.
        context.count(model::Counter::ppk_refused);
        of_fresh.enqueue(DeleteIkeTask{.why = why_ppk_missing(old)});
    }
    return &fresh;
}

// What a waiting rekey of the IKE SA wanted has happened, and the end of its lifetime is the successor's no longer.
bool is_settled_by_rekey(const Task& task) {
    if (const auto* rekey = std::get_if<RekeyIkeTask>(&task)) return !rekey->clone;
    const auto* end = std::get_if<DeleteIkeTask>(&task);
    return end != nullptr && end->spares_successor;
}

// What waited for its turn goes on in the successor.
void pass_tasks_on(Context& context, Context& of_heir) {
    for (Task& task : std::exchange(context.sa.tasks, {})) {
        if (is_settled_by_rekey(task)) context.finish_command(command_of(task), {});
        else of_heir.enqueue(std::move(task));
    }
}

// Only a Delete is left to come.
void await_delete(IkeSa& sa, model::IkeSaId heir, Instant now) {
    sa.replaced_by = heir;
    sa.timers.fill(Instant::never());
    sa.timer(Timer::expire) = now + replaced_sa_patience;
}

// RFC 7296 §2.8: the new IKE SA inherits all children.
void inherit(Context& context, IkeSa& heir) {
    IkeSa& old = context.sa;
    Context of_heir = context.of(heir);
    for (auto& [id, child] : old.children) context.core.index_child(child, heir);
    heir.children.merge(old.children);
    heir.virtual_addresses = std::exchange(old.virtual_addresses, {});
    pass_tasks_on(context, of_heir);
    await_delete(old, heir.id, context.now);
    if (auto* unready = heir.features.find<Unready>()) {
        unready->undecided = false;
        end_waiting(context.core, heir);
    }
    of_heir.announce_rekeyed(old);
}

// The peer made this one and lost: it deletes it. Perhaps it never does: it may have deleted the SA before and then not
// heard of what its own rekey of that made here.
void leave_to_peer(Context& context, IkeSa& loser, model::IkeSaId heir) {
    // What extensions have to say in a new SA, they say in the one that stays.
    std::erase_if(loser.tasks, [](const Task& task) {
        const auto* informational = std::get_if<InformationalTask>(&task);
        return informational != nullptr && !informational->outlives_keys;
    });
    if (IkeSa* successor = context.core.find_sa(heir)) {
        Context of_loser = context.of(loser), of_successor = context.of(*successor);
        pass_tasks_on(of_loser, of_successor);
    }
    await_delete(loser, heir, context.now);
}

// RFC 7791 §5.2: both IKE SAs stay, and the children remain with the old one.
Result<> complete_clone(Context& context, const NewSa& made, MadeBy made_by) {
    IkeSa& clone = *TRY(make_ike_sa(context, made, made_by));
    Context of_clone = context.of(clone);
    of_clone.establish_rekeyed();
    context.count(model::Counter::ike_cloned);
    of_clone.log(model::LogGroup::ike, 0, "IKE_SA " + context.sa.name() + " cloned as " + clone.name());
    if (context.core.settings.announces_sas) of_clone.report(model::IkeUp{of_clone.status()});
    return {};
}

Result<> complete_ike(Context& context, NewSa made, MadeBy made_by) {
    IkeSa& old = context.sa;
    const bool lost = made_by == MadeBy::us && (old.replaced_by || lost_to_peer(old, made));
    IkeSa& fresh = *TRY(make_ike_sa(context, made, made_by));
    context.of(fresh).establish_rekeyed();
    if (made_by == MadeBy::peer) {
        fresh.features.of<Unready>().undecided = !old.replaced_by && rekeying_ike_ourselves(old);
        context.count(model::Counter::ike_rekey_resp);
        if (old.replaced_by) {
            leave_to_peer(context, fresh, *old.replaced_by);  // Our own rekey ended first and won.
            return {};
        }
        old.peer_rekey = {.lowest_nonce = made.lowest_nonce(), .replacement = fresh.id};
        if (!rekeying_ike_ourselves(old)) inherit(context, fresh);
        return {};
    }
    context.count(model::Counter::ike_rekey_init);
    if (lost) {
        if (!old.replaced_by && old.peer_rekey->replacement)
            if (IkeSa* winner = context.core.find_sa(*old.peer_rekey->replacement)) inherit(context, *winner);
        fresh.replaced_by = old.replaced_by.value_or(old.id);  // Nobody hears of it.
        context.of(fresh).enqueue(DeleteIkeTask{});
        return {};
    }
    if (old.peer_rekey && old.peer_rekey->replacement)
        if (IkeSa* loser = context.core.find_sa(*old.peer_rekey->replacement)) leave_to_peer(context, *loser, fresh.id);
    inherit(context, fresh);
    context.enqueue(DeleteIkeTask{});
    return {};
}

}  // namespace

Result<> complete(Context& context, NewSa made, MadeBy made_by) {
    if (made.clones_ike_sa()) return complete_clone(context, made, made_by);
    if (made.makes_ike_sa()) return complete_ike(context, std::move(made), made_by);
    return complete_child(context, std::move(made), made_by);
}

bool lost_to_peer(const IkeSa& sa, const NewSa& made) {
    if (made.clones_ike_sa()) return false;
    if (made.rekeys_ike_sa()) return sa.peer_rekey && made.lowest_nonce() < sa.peer_rekey->lowest_nonce;
    const auto& child = std::get<NewChild>(made.what);
    if (!child.replaces) return false;
    const auto old = sa.children.find(*child.replaces);
    return old != sa.children.end() && old->second.peer_rekey &&
           made.lowest_nonce() < old->second.peer_rekey->lowest_nonce;
}

bool lost_to_us(const IkeSa& sa, const NewSa& made) {
    const auto* child = std::get_if<NewChild>(&made.what);
    if (child == nullptr || !child->replaces) return false;
    const auto old = sa.children.find(*child->replaces);
    return old != sa.children.end() && old->second.replacement.has_value();
}

bool is_undecided(const IkeSa& sa, model::ChildId child) {
    return std::ranges::any_of(sa.children, [&](const auto& entry) {
        const Child& old = entry.second;
        return !old.replacement && old.peer_rekey && old.peer_rekey->replacement == child;
    });
}

bool is_current(const IkeSa& sa, const Child& child) {
    return !child.replacement && !child.redundant && child.state != model::ChildState::deleting && !is_undecided(sa, child.id);
}

void settle_for_peer_rekey(Context& context, const NewSa& attempt) {
    IkeSa& sa = context.sa;
    if (attempt.clones_ike_sa()) return;
    if (attempt.rekeys_ike_sa()) {
        if (!sa.peer_rekey || !sa.peer_rekey->replacement || sa.replaced_by) return;
        if (IkeSa* heir = context.core.find_sa(*sa.peer_rekey->replacement)) inherit(context, *heir);
        return;
    }
    Child* old = find_child(sa, std::get<NewChild>(attempt.what).replaces);
    if (old == nullptr) return;
    if (old->state == model::ChildState::rekeying) old->state = model::ChildState::installed;
    if (!old->peer_rekey || old->replacement) return;
    if (Child* fresh = find_child(sa, old->peer_rekey->replacement)) supersede(context, *old, *fresh);
}

void note_peer_rekey(IkeSa& sa, const NewSa& made) {
    if (made.clones_ike_sa()) return;
    if (made.rekeys_ike_sa()) {
        sa.peer_rekey = {.lowest_nonce = made.lowest_nonce()};
        return;
    }
    if (Child* old = find_child(sa, std::get<NewChild>(made.what).replaces))
        old->peer_rekey = {.lowest_nonce = made.lowest_nonce()};
}

void forget_peer_rekey(IkeSa& sa, const NewSa& made) {
    if (made.clones_ike_sa()) return;
    if (made.rekeys_ike_sa()) {
        sa.peer_rekey.reset();
        return;
    }
    if (Child* old = find_child(sa, std::get<NewChild>(made.what).replaces)) old->peer_rekey.reset();
}

void replace_deleted_child(Context& context, Child& child) {
    Child* fresh = find_child(context.sa, child.replacement);
    if (fresh == nullptr && child.peer_rekey) {
        fresh = find_child(context.sa, child.peer_rekey->replacement);
        if (fresh != nullptr) supersede(context, child, *fresh);
    }
    if (fresh != nullptr) activate(context, *fresh);
}

void inherit_before_close(Context& context) {
    IkeSa& sa = context.sa;
    if (sa.replaced_by || !sa.peer_rekey || !sa.peer_rekey->replacement) return;
    IkeSa* heir = context.core.find_sa(*sa.peer_rekey->replacement);
    if (heir == nullptr) return;
    // §2.25.2: our own attempt is forgotten; what its command wanted has happened.
    if (auto* creating = sa.own.find<CreatingSa>())
        context.finish_command(std::exchange(creating->command, std::nullopt), {});
    inherit(context, *heir);
}

void take_over_children(Context& context) {
    IkeSa& sa = context.sa;
    if (!sa.children.empty()) return;
    for (IkeSa* old : context.core.of_connection(sa.connection->name)) {
        if (old->closed || old->replaced_by || !old->peer_rekey || old->peer_rekey->replacement != sa.id) continue;
        Context of_old = context.of(*old);
        inherit(of_old, sa);
    }
}

bool awaits_peer(const IkeSa& sa) { return sa.features.find<Unready>() != nullptr; }

void peer_is_ready(Core& core, IkeSa& sa) {
    if (auto* unready = sa.features.find<Unready>()) {
        unready->peer_lacks_keys = false;
        end_waiting(core, sa);
    }
}

void release_successor(Context& context) {
    const IkeSa& old = context.sa;
    IkeSa* heir = old.peer_rekey && old.peer_rekey->replacement ? context.core.find_sa(*old.peer_rekey->replacement) : nullptr;
    if (heir == nullptr) return;
    heir->features.forget<Unready>();
    context.core.touch(heir->id);
}

void repeat_in_successor(Context& context) {
    const auto* awaiting = context.sa.own.find<AwaitingInformational>();
    if (!context.sa.replaced_by || awaiting == nullptr || !awaiting->task.outlives_keys) return;
    IkeSa* heir = context.core.find_sa(*context.sa.replaced_by);
    if (heir == nullptr || heir->closed) return;
    context.of(*heir).enqueue(awaiting->task);
    context.core.touch(heir->id);
    context.sa.own.reset();
}

void hasten_successor(Context& context) {
    const IkeSa& heir = context.sa;
    if (!awaits_peer(heir)) return;
    for (IkeSa* old : context.core.of_connection(heir.connection->name)) {
        if (!old->replaced_by || !old->peer_rekey || old->peer_rekey->replacement != heir.id) continue;
        Instant& end = old->timer(Timer::expire);
        end = std::min(end, context.now + terminated_sa_patience);
        context.core.touch(old->id);
    }
}

void activate(Context& context, Child& child) {
    // The peer forgets the children of an IKE SA that is being deleted, whatever it still sends.
    if (child.outbound_active || child.resource == model::no_resource || context.sa.deleted) return;
    child.outbound_active = true;
    context.effects.push_back(ActivateChild{child.id, child.resource});
}

}  // namespace cygnet::ike
