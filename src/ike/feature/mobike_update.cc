// RFC 4555 §3.5, §3.8, §3.10: the initiator chooses a path, tells the responder, and looks for another when it fails.
#include <algorithm>

#include "ike/feature/mobike.h"
#include "ike/match.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

using model::LogGroup;
using model::NotifyType;

AddressPair pair_of(const model::Path& path) { return {path.local.address, path.remote.address}; }

bool contains(const std::vector<AddressPair>& pairs, const AddressPair& pair) {
    return std::ranges::find(pairs, pair) != pairs.end();
}

// The ports stay: both ends have been on the NAT-T port since IKE_AUTH (§3.3).
model::Path path_between(const IkeSa& sa, const AddressPair& pair) {
    return {.local = {pair.local, sa.path.local.port}, .remote = {pair.remote, sa.path.remote.port}};
}

std::vector<AddressPair> usable_pairs(const IkeSa& sa, const Mobility& mobility) {
    std::vector<AddressPair> usable;
    if (!mobility.ways) return usable;
    for (const AddressPair& pair : mobility.ways->candidates)
        if (admits(sa.connection->local_addrs, pair.local) && !contains(mobility.ways->refused, pair)) usable.push_back(pair);
    return usable;
}

bool is_private(const model::IpAddress& address) {
    constexpr const char* ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"};
    return std::ranges::any_of(ranges,
                               [&](const char* range) { return model::AddressRange::parse(range)->contains(address); });
}

// §3.5: until the answer says more, a private address towards a public one suggests a NAT.
void suspect_nat(Context& context, const AddressPair& pair) {
    IkeSa& sa = context.sa;
    if (sa.udp_encapsulation || !sa.nat_traversal) return;
    if (is_private(pair.local) && !is_private(pair.remote)) sa.udp_encapsulation = true;
}

void move_to(Context& context, Mobility& mobility, const AddressPair& pair) {
    IkeSa& sa = context.sa;
    if (!mobility.is_updating()) mobility.ways.made().before = sa.path;
    if (sa.window.outstanding()) mobility.strayed = mobility.update_stale = true;
    suspect_nat(context, pair);
    context.move(path_between(sa, pair));
    begin_update(context);
}

void choose_path(Context& context, Mobility& mobility) {
    if (context.sa.path.tcp()) return;  // RFC 9329: a stream that ends is opened again, from wherever we are then.
    const AddressPair current = pair_of(context.sa.path);
    const std::vector<AddressPair> usable = usable_pairs(context.sa, mobility);
    if (contains(usable, current)) return;
    if (usable.empty()) {
        // An address that local_addrs names may be on a link of its own, where no route leads to the peer.
        const auto& ours = context.core.host_addresses;
        const auto& others = context.core.other_addresses;
        if (std::ranges::find(ours, current.local) != ours.end() || std::ranges::find(others, current.local) != others.end())
            return;
        return context.log(LogGroup::ike, 1, "no path to the peer is left; IKE_SA " + context.sa.name() + " stays on " +
                                                 context.sa.path.text());
    }
    const auto same_peer = std::ranges::find(usable, current.remote, &AddressPair::remote);
    move_to(context, mobility, same_peer != usable.end() ? *same_peer : usable.front());
}

// The responder's request that is not answered has its list of addresses.
bool tells_addresses(const IkeSa& sa, const Mobility& mobility) {
    return sa.own.holds<AwaitingInformational>() && !mobility.check;
}

bool build_update(Context& context, wire::MessageBuilder& message) {
    Mobility* mobility = mobility_of(context.sa);
    if (mobility == nullptr || !std::exchange(mobility->update_wanted, false)) return false;
    mobility->update_stale = false;
    message.notify(NotifyType::update_sa_addresses);
    add_own_addresses(context, message, false);
    if (context.sa.nat_traversal) add_nat_detection(context, message, context.sa.path);
    add_no_nats(context, message);
    return true;
}

void note_how_we_are_seen(Mobility& mobility, const Received& answer) {
    const wire::NotifyPayload* hash = answer.message.notify(NotifyType::nat_detection_destination_ip);
    if (hash == nullptr || hash->data.size() != NatHash{}.size()) return;
    std::ranges::copy(hash->data, mobility.ways.made().seen_as.emplace().begin());
}

// §3.9: one changed packet must not cost the path.
void retry_after_nat(Context& context, Mobility& mobility) {
    if (++mobility.unexpected_nats <= model::limits::unexpected_nat_retries) return begin_update(context);
    mobility.unexpected_nats = 0;
    context.alert("mobike-failure", "the peer of " + context.sa.name() + " sees a NAT that is not allowed on " +
                                        context.sa.path.text() + ": it has not followed");
}

// §3.5: other addresses, or else those that the peer still uses.
void give_way(Context& context, Mobility& mobility) {
    IkeSa& sa = context.sa;
    mobility.ways.made().refused.push_back(pair_of(sa.path));
    context.log(LogGroup::ike, 1, "the peer does not accept the path " + sa.path.text());
    const std::vector<AddressPair> usable = usable_pairs(sa, mobility);
    if (!usable.empty()) return move_to(context, mobility, usable.front());
    context.alert("mobike-failure", "the peer of " + sa.name() + " accepts no path that is left (its mobike_addrs)");
    if (const auto before = std::exchange(mobility.ways->before, std::nullopt)) context.move(*before);
}

Result<> update_answered(Context& context, const Received& answer) {
    Mobility& mobility = *mobility_of(context.sa);
    // §3.5: after a further change nothing in this answer counts; the next update is on its way.
    if (mobility.update_stale || mobility.update_wanted) return {};
    if (answer.message.notify(NotifyType::unexpected_nat_detected) != nullptr) {
        retry_after_nat(context, mobility);
        return {};
    }
    if (answer.message.notify(NotifyType::unacceptable_addresses) != nullptr) {
        give_way(context, mobility);
        return {};
    }
    mobility.unexpected_nats = 0;
    if (mobility.ways) mobility.ways->before.reset();
    note_how_we_are_seen(mobility, answer);
    if (context.sa.nat_traversal)
        if (const auto findings = find_nats(answer)) use_nat_findings(context, *findings);
    announce_if_changed(context);
    return {};
}

// §3.6: a responder whose address is gone reaches the initiator at any of its others.
std::vector<AddressPair> pairs_to_try(Context& context, const Mobility& mobility) {
    if (mobility.decides) return usable_pairs(context.sa, mobility);
    std::vector<AddressPair> pairs;
    if (!tells_addresses(context.sa, mobility)) return pairs;
    for (const model::IpAddress& local : own_addresses(context))
        for (const model::IpAddress& remote : mobility.peer_addresses())
            if (local.family() == remote.family() && pairs.size() < model::limits::candidate_paths)
                pairs.push_back({local, remote});
    return pairs;
}

// §3.8: the NAT has a new mapping of which the initiator need not know: it hears our ESP, and so it asks for nothing.
std::optional<model::Path> path_of_esp(const IkeSa& sa, const Mobility& mobility) {
    if (mobility.decides || !mobility.esp_from || *mobility.esp_from == sa.path.remote) return std::nullopt;
    return model::Path{.local = sa.path.local, .remote = *mobility.esp_from};
}

void try_path(Context& context, Mobility& mobility, const SentMessage& request, const model::Path& path) {
    mobility.strayed = true;
    context.log(LogGroup::ike, 2, "tries the path " + path.text());
    context.send(request, path);
}

// The peer has answered at another of its endpoints than the one that we use.
void follow_answer(Context& context, Mobility& mobility, const model::Path& from) {
    IkeSa& sa = context.sa;
    const bool mapped = path_of_esp(sa, mobility) == from;
    const AddressList list = mobility.peer_addresses();
    const bool listed = std::ranges::find(list, from.remote.address) != list.end();
    if (!mapped && !listed) return;
    const bool prove = sa.connection->return_routability && !is_proven(mobility, from.remote.address);
    if (prove) check_routability(context, sa.carriage());
    mobility.esp_from.reset();
    context.move(from);
}

}  // namespace

void begin_update(Context& context) {
    Mobility& mobility = *mobility_of(context.sa);
    if (std::exchange(mobility.update_wanted, true)) return;
    // Before all else that waits: the peer's packets still go the old way.
    context.sa.tasks.push_front(
        InformationalTask{.name = "IKE_MOBIKE", .build = build_update, .answered = update_answered});
}

void ask_for_paths(Context& context) {
    const Mobility& mobility = *mobility_of(context.sa);
    context.effects.push_back(FindPaths{.sa = context.sa.id, .remotes = mobility.peer_addresses()});
}

void paths_found(Context& context, const std::vector<AddressPair>& pairs) {
    Mobility* mobility = mobility_of(context.sa);
    if (mobility == nullptr || !mobility->decides) return;
    const auto kept = static_cast<std::ptrdiff_t>(std::min(pairs.size(), model::limits::candidate_paths));
    Ways& ways = mobility->ways.made();
    ways.candidates.assign(pairs.begin(), pairs.begin() + kept);
    ways.refused.clear();
    choose_path(context, *mobility);
    if (!mobility->update_wanted) announce_if_changed(context);
}

void try_other_paths(Context& context, const SentMessage& request) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr || sa.half_open() || sa.path.tcp()) return;
    for (const AddressPair& pair : pairs_to_try(context, *mobility))
        if (pair != pair_of(sa.path)) try_path(context, *mobility, request, path_between(sa, pair));
    if (const auto path = path_of_esp(sa, *mobility)) try_path(context, *mobility, request, *path);
}

void answer_came(Context& context, const model::Path& from) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr || !std::exchange(mobility->strayed, false)) return;
    if (!mobility->decides) {
        // §3.6: a list that went out by several paths must go out again by one.
        if (tells_addresses(sa, *mobility)) mobility->announced = {};
        follow_answer(context, *mobility, from);
        return announce_if_changed(context);
    }
    if (pair_of(from) != pair_of(sa.path) && mobility->ways && contains(mobility->ways->candidates, pair_of(from))) {
        move_to(context, *mobility, pair_of(from));
    } else if (mobility->update_stale || mobility->is_updating()) {
        // The update went by several paths: which one the peer took is not known (§3.6, §3.7).
        begin_update(context);
    }
    mobility->update_stale = true;
}

void compare_mapping(Context& context, const Received& answer) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr || !mobility->decides || !sa.nat_traversal) return;
    const auto hashes = answer.message.notifies(NotifyType::nat_detection_destination_ip);
    if (hashes.empty()) return;
    const NatHash unchanged = nat_detection_hash(sa.spis, sa.path.local);
    const auto seen_as = mobility->ways ? mobility->ways->seen_as : std::nullopt;
    const auto expected = sa.nat_local ? seen_as : std::optional(unchanged);
    const bool as_before = expected && std::ranges::any_of(hashes, [&](const wire::NotifyPayload* hash) {
        return equal(hash->data, *expected);
    });
    if (as_before) return;
    context.log(LogGroup::ike, 1, "the peer sees another address or port of ours than before");
    begin_update(context);
}

}  // namespace cygnet::ike
