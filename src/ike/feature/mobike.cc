// RFC 4555: negotiation, lists of addresses, and the side that follows.
#include "ike/feature/mobike.h"

#include <algorithm>

#include "ike/feature/feature.h"
#include "ike/match.h"

namespace cygnet::ike {
namespace {

using model::IpAddress;
using model::LogGroup;
using model::NotifyType;

// ---- the peer's list ------------------------------------------------------------------------------

bool can_be_a_peer(const IpAddress& address) {
    const std::uint8_t first = address.bytes()[0];
    const bool multicast = address.family() == model::Family::v4 ? first >= 224 : first == 0xff;
    return !address.is_any() && !multicast;
}

bool changes_list(const wire::Message& message) {
    return message.notify(NotifyType::additional_ip4_address) != nullptr ||
           message.notify(NotifyType::additional_ip6_address) != nullptr ||
           message.notify(NotifyType::no_additional_addresses) != nullptr;
}

// §3.4, §3.6: the list replaces the old one; the address that the message came from belongs to it.
void take_peer_addresses(Mobility& mobility, const Received& received) {
    AddressList addresses{received.path.remote.address};
    for (const NotifyType type : {NotifyType::additional_ip4_address, NotifyType::additional_ip6_address}) {
        const auto family = type == NotifyType::additional_ip4_address ? model::Family::v4 : model::Family::v6;
        for (const wire::NotifyPayload* notify : received.message.notifies(type)) {
            const auto address = IpAddress::from_bytes(notify->data);
            if (!address || address->family() != family || !can_be_a_peer(*address)) continue;
            if (addresses.size() >= model::limits::peer_addresses) break;
            if (std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
        }
    }
    mobility.peer_address = addresses.front();
    addresses.erase(addresses.begin());
    if (mobility.further || !addresses.empty()) mobility.further.made().listed = std::move(addresses);
}

// ---- NAT prohibition (§3.9) -----------------------------------------------------------------------

Bytes addresses_and_ports(const model::Endpoint& source, const model::Endpoint& destination) {
    Bytes octets;
    Writer writer(octets);
    writer.bytes(source.address.bytes());
    writer.bytes(destination.address.bytes());
    writer.u16(source.port);
    writer.u16(destination.port);
    return octets;
}

bool meets_unexpected_nat(Context& context, const Received& received) {
    const wire::NotifyPayload* claimed = received.message.notify(NotifyType::no_nats_allowed);
    if (claimed == nullptr) return false;
    if (equal(claimed->data, addresses_and_ports(received.path.remote, received.path.local))) return false;
    context.log(LogGroup::ike, 1, "the peer allows no NAT, but its message's addresses were changed on the way from " +
                                      received.path.remote.text());
    return true;
}

// ---- the responder follows (§3.5) -----------------------------------------------------------------

bool acceptable(const IkeSa& sa, const model::Path& path) {
    const auto& allowed = sa.connection->mobike_addrs;
    return can_be_a_peer(path.remote.address) && (allowed.empty() || admits(allowed, path.remote.address));
}

void follow(Context& context, Mobility& mobility, const Received& request) {
    IkeSa& sa = context.sa;
    const Carriage old = sa.carriage();
    const bool new_address = request.path.remote.address != sa.path.remote.address;
    if (mobility.check && new_address) mobility.check->moved = true;
    const bool prove = sa.connection->return_routability && !is_proven(mobility, request.path.remote.address);
    if (prove) check_routability(context, old);
    else sa.esp_stays.reset();
    const auto findings = sa.nat_traversal ? find_nats(request) : std::nullopt;
    context.move(request.path);
    if (findings) use_nat_findings(context, *findings);
    mobility.esp_from.reset();
}

void update_addresses(Context& context, Mobility& mobility, const Received& request, wire::MessageBuilder& answer) {
    // §3.5: the initiator decides which addresses are used.
    if (mobility.decides)
        return context.log(LogGroup::ike, 1, "UPDATE_SA_ADDRESSES of a peer that has nothing to decide is ignored");
    if (!acceptable(context.sa, request.path)) {
        context.log(LogGroup::ike, 1,
                    "the peer may not move to " + request.path.remote.text() + ": mobike_addrs does not have it");
        answer.notify(NotifyType::unacceptable_addresses);
        return;
    }
    // RFC 9329 §6.1: the stream that the newest message came in is the path.
    if (!request.path.tcp() && !context.sa.path.tcp()) follow(context, mobility, request);
}

// §4.2.5: copied as it is, whatever the request is about.
void copy_cookie(const Received& request, wire::MessageBuilder& answer) {
    if (const wire::NotifyPayload* cookie = request.message.notify(NotifyType::cookie2))
        answer.notify(NotifyType::cookie2, cookie->data);
}

// §3.5, §3.6: with a window above one an older update may come after a newer one.
bool is_outdated(Mobility& mobility, std::uint32_t message_id) {
    if (mobility.newest_update && message_id < *mobility.newest_update) return true;
    mobility.newest_update = message_id;
    return false;
}

Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder& answer) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr) return {};
    copy_cookie(request, answer);
    const bool update = request.message.notify(NotifyType::update_sa_addresses) != nullptr;
    const bool list = changes_list(request.message);
    if (update || list) {
        if (meets_unexpected_nat(context, request)) {
            answer.notify(NotifyType::unexpected_nat_detected);
            return {};
        }
        if (!is_outdated(*mobility, request.message.header.message_id)) {
            if (list) take_peer_addresses(*mobility, request);
            if (update) update_addresses(context, *mobility, request, answer);
            if (list && mobility->decides) ask_for_paths(context);
        }
    }
    // §3.8: answered in kind; of itself it changes nothing.
    if (sa.nat_traversal && find_nats(request)) add_nat_detection(context, answer, request.path);
    return {};
}

// ---- our own list ---------------------------------------------------------------------------------

// Of the engine: lists that many IKE SAs have alike.
struct Lists {
    SharedValues<AddressList> known{};
};
// Of a handshake: what the initiator's IKE_AUTH says.
struct Offered {
    Shared<AddressList> addresses{};
};

Shared<AddressList> shared_list(Context& context, AddressList addresses) {
    if (addresses.empty()) return {};
    Shared<AddressList> list(std::move(addresses));
    context.core.features.of<Lists>().known.unify(list);
    return list;
}

// All but the one that the message comes from; false if that is the only one.
bool add_list(wire::MessageBuilder& message, const IkeSa& sa, const AddressList& addresses) {
    bool any = false;
    for (const IpAddress& address : addresses) {
        if (address == sa.path.local.address) continue;
        any = true;
        message.notify(address.family() == model::Family::v4 ? NotifyType::additional_ip4_address
                                                             : NotifyType::additional_ip6_address,
                       address.bytes());
    }
    return any;
}

bool build_list(Context& context, wire::MessageBuilder& message) {
    Mobility* mobility = mobility_of(context.sa);
    if (mobility == nullptr || !std::exchange(mobility->list_wanted, false)) return false;
    add_own_addresses(context, message, true);
    add_no_nats(context, message);
    return true;
}

Result<> list_answered(Context& context, const Received& answer) {
    Mobility& mobility = *mobility_of(context.sa);
    const bool refused = answer.message.notify(NotifyType::unexpected_nat_detected) != nullptr;
    if (!refused) return {};
    mobility.announced = {};
    if (++mobility.unexpected_nats <= model::limits::unexpected_nat_retries) announce_if_changed(context);
    return {};
}

// §3.5: the one exception: the address that the responder uses is no longer there.
void leave_lost_address(Context& context) {
    IkeSa& sa = context.sa;
    const auto own = own_addresses(context);
    const auto is_there = [&](const std::vector<IpAddress>& addresses) {
        return std::ranges::find(addresses, sa.path.local.address) != addresses.end();
    };
    if (sa.path.tcp() || own.empty() || is_there(context.core.host_addresses) || is_there(context.core.other_addresses)) return;
    const auto same_family = std::ranges::find(own, sa.path.remote.address.family(), &IpAddress::family);
    if (same_family == own.end()) return;
    model::Path path = sa.path;
    path.local.address = *same_family;
    if (sa.esp_stays) sa.esp_stays->path.local.address = *same_family;
    context.move(path);
}

// ---- hooks ----------------------------------------------------------------------------------------

// §3.3: the NAT-T port from IKE_AUTH on, so that nothing changes when a NAT is met later.
void accept(Context& context, const Received&) {
    const IkeSa& sa = context.sa;
    if (sa.initiator && sa.connection->mobike && sa.nat_traversal && !sa.path.tcp()) move_to_nat_port(context);
}

void auth_offer(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    if (!sa.connection->mobike || (!sa.initiator && mobility_of(sa) == nullptr)) return;
    message.notify(NotifyType::mobike_supported);  // §4.2.1: empty when sent
    if (!sa.initiator) return add_own_addresses(context, message, false);
    sa.handshake().features.of<Offered>().addresses = shared_list(context, own_addresses(context));
    add_list(message, sa, sa.handshake().features.of<Offered>().addresses);
    add_no_nats(context, message);
}

Result<> auth_accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    if (!sa.connection->mobike || received.message.notify(NotifyType::mobike_supported) == nullptr) return {};
    Mobility& mobility = sa.features.of<Mobility>();
    if (!sa.initiator && meets_unexpected_nat(context, received))
        return end_sa(NotifyType::unexpected_nat_detected, Errc::bad_value, "MOBIKE",
                      "the peer allows no NAT, and there is one");
    mobility.decides = sa.initiator;
    if (const Offered* offered = sa.handshake().features.find<Offered>()) mobility.announced = offered->addresses;
    take_peer_addresses(mobility, received);
    return {};
}

void established(Context& context) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr) return;
    // §3.8: the host not behind NAT does not follow IKE packets that do not say UPDATE_SA_ADDRESSES.
    sa.dynamic_update = false;
    note_proven(*mobility, sa.path.remote.address);
    if (mobility->decides) return ask_for_paths(context);
    sa.extra_transmissions = 1;  // §3.11: the responder goes on for five minutes
}

void inherited(Context& heir, IkeSa& old) {
    Mobility* known = mobility_of(old);
    if (known == nullptr) return;
    Mobility& mobility = heir.sa.features.of<Mobility>();
    mobility = *known;
    mobility.newest_update.reset();
    mobility.update_stale = mobility.strayed = mobility.update_wanted = mobility.list_wanted = false;
    if (mobility.ways) {
        mobility.ways->before.reset();
        mobility.ways->seen_as.reset();  // The hashes cover the SPIs.
    }
    mobility.check.reset();
    // The peer's successor may have begun with the addresses before the update.
    if (known->decides && (known->update_wanted || known->is_updating())) begin_update(heir);
    if (known->list_wanted) mobility.announced = {};
    if (heir.sa.esp_stays) repeat_check(heir);
}

void host_changed(Context& context) {
    const Mobility* mobility = mobility_of(context.sa);
    if (mobility == nullptr) return;
    if (mobility->decides) return ask_for_paths(context);
    leave_lost_address(context);
    announce_if_changed(context);
}

// §3.8: dynamic updates may be used for ESP: a NAT's new port at once, another address once it is proven.
void esp_moved(Context& context, const model::Endpoint& remote) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr) return;
    const bool elsewhere = remote.address != sa.path.remote.address;
    mobility->esp_elsewhere = elsewhere;
    if (sa.esp_stays || sa.nat_local || !sa.nat_remote) return;
    if (elsewhere && sa.connection->return_routability && !is_proven(*mobility, remote.address)) return;
    mobility->esp_from = remote;
    for (const auto& [id, child] : sa.children)
        context.effects.push_back(MoveChild{
            .child = id, .path = {sa.path.local, remote}, .udp_encapsulation = child.udp_encapsulation});
}

// §3.12: such packets do not show that the peer has heard of our last update.
bool distrusts_esp(IkeSa& sa) {
    const Mobility* mobility = mobility_of(sa);
    return mobility != nullptr && mobility->esp_elsewhere;
}

void liveness_answered(Context& context, const Received& answer) {
    if (Mobility* mobility = mobility_of(context.sa)) mobility->esp_elsewhere = false;
    compare_mapping(context, answer);
}

void liveness(Context& context, wire::MessageBuilder& message) {
    const Mobility* mobility = mobility_of(context.sa);
    if (mobility != nullptr && mobility->decides && context.sa.nat_traversal)
        add_nat_detection(context, message, context.sa.path);
}

void describe(const IkeSa& sa, model::IkeStatus& status) {
    const Mobility* mobility = sa.features.find<Mobility>();
    if (mobility == nullptr) return;
    status.mobike = true;
    status.peer_addresses = mobility->peer_addresses();
}

}  // namespace

AddressList Mobility::peer_addresses() const {
    AddressList all{peer_address};
    if (further) all.insert(all.end(), further->listed.begin(), further->listed.end());
    return all;
}

AddressList own_addresses(const Context& context) {
    AddressList own;
    for (const IpAddress& address : context.core.host_addresses) {
        if (own.size() >= model::limits::announced_addresses) break;
        if (admits(context.sa.connection->local_addrs, address)) own.push_back(address);
    }
    return own;
}

void add_own_addresses(Context& context, wire::MessageBuilder& message, bool always) {
    IkeSa& sa = context.sa;
    Mobility& mobility = *mobility_of(sa);
    const Shared<AddressList> own = shared_list(context, own_addresses(context));
    if (!always && own == mobility.announced) return;
    mobility.announced = own;
    // §3.6: in IKE_AUTH the absence of addresses says it.
    if (!add_list(message, sa, own) && sa.established()) message.notify(NotifyType::no_additional_addresses);
}

void add_no_nats(Context& context, wire::MessageBuilder& message) {
    const IkeSa& sa = context.sa;
    if (!sa.nat_traversal)
        message.notify(NotifyType::no_nats_allowed, addresses_and_ports(sa.path.local, sa.path.remote));
}

void use_nat_findings(Context& context, const NatFindings& findings) {
    IkeSa& sa = context.sa;
    const bool encapsulation = !sa.path.tcp() && (findings.local || findings.remote || sa.connection->encap);
    if (findings.local != sa.nat_local || findings.remote != sa.nat_remote)
        context.log(LogGroup::ike, 1, findings.local || findings.remote ? "a NAT is on the path" : "no NAT is on the path");
    sa.nat_local = findings.local;
    sa.nat_remote = findings.remote;
    Instant& keepalive = sa.timer(Timer::nat_keepalive);
    if (!sa.nat_local) keepalive = Instant::never();
    else if (keepalive == Instant::never()) keepalive = context.now + model::limits::nat_keepalive;
    if (sa.udp_encapsulation == encapsulation) return;
    sa.udp_encapsulation = encapsulation;
    context.move_children();
}

void announce_if_changed(Context& context) {
    Mobility& mobility = *mobility_of(context.sa);
    const AddressList own = own_addresses(context);
    if (own.empty() || own == *mobility.announced || mobility.list_wanted || context.sa.replaced_by) return;
    mobility.list_wanted = true;
    context.enqueue(InformationalTask{.name = "IKE_MOBIKE", .build = build_list, .answered = list_answered});
}

constexpr Feature mobike{
    .name = "MOBIKE",
    .rfc = "RFC 4555",
    .accept = accept,
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .informational_request = informational_request,
    .liveness = liveness,
    .liveness_answered = liveness_answered,
    .retransmitted = try_other_paths,
    .answer_came = answer_came,
    .host_changed = host_changed,
    .paths_found = paths_found,
    .esp_moved = esp_moved,
    .distrusts_esp = distrusts_esp,
    .describe = describe,
    .established = established,
    .inherited = inherited,
    .cloned = inherited,
};

}  // namespace cygnet::ike
