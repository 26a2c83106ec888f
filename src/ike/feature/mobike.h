// RFC 4555: an IKE SA that outlives the addresses of its ends. "Initiator" means here, as there, the side that began the
// first of the IKE SAs that rekeys made of each other.
//
//   the initiator's network changes ─► FindPaths ─► PathsFound ─► move() ─► UPDATE_SA_ADDRESSES ─► the responder follows,
//   or its request is not answered  ─► the same request by every other path ─► move() to the one that answered
//   the responder follows           ─► COOKIE2 to the new address ─► ESP follows, too (return_routability)
//   the responder's network changes ─► another address of its own, and the new list to the initiator
#pragma once

#include <optional>
#include <vector>

#include "base/shared.h"
#include "ike/context.h"
#include "ike/nat.h"

namespace cygnet::ike {

// Most peers have one address, and most gateways the same ones for all of them.
using AddressList = std::vector<model::IpAddress>;

// What an initiator knows of the ways to the peer.
struct Ways {
    std::vector<AddressPair> candidates{};  // to which routes lead, best first
    std::vector<AddressPair> refused{};     // by UNACCEPTABLE_ADDRESSES
    std::optional<model::Path> before{};    // the path that the peer knows, during an update
    std::optional<NatHash> seen_as{};       // NAT_DETECTION_DESTINATION_IP of the last answer to an update or check
};

// Of a peer that has, or had, more than one.
struct FurtherAddresses {
    AddressList listed{};  // by the peer
    AddressList proven{};  // the oldest first
};

// What MOBIKE keeps of an IKE SA whose ends both have it.
struct Mobility {
    bool decides = false;  // we are the initiator: paths are ours to choose (§3.5)

    // ---- who has which addresses; each list is complete, the address in use included
    Shared<AddressList> announced{};               // ours, as the peer was told last
    model::IpAddress peer_address{};               // that the peer's list came from
    model::IpAddress proven{};                     // where the peer has answered last (§3.7)
    Boxed<FurtherAddresses> further{};
    std::optional<std::uint32_t> newest_update{};  // message ID of the peer's last update (§3.5, §3.6)
    bool list_wanted = false;                      // the peer is to hear of our addresses

    // ---- the responder
    bool esp_elsewhere = false;  // the newest ESP came from another address than the peer should use (§3.12)
    Boxed<model::Endpoint> esp_from{};  // where the newest ESP came from, if not from where IKE goes

    // ---- the initiator
    bool update_wanted = false;  // "pending_update"
    bool update_stale = false;   // the answer that we await says nothing: addresses have changed since
    bool strayed = false;        // the outstanding request has gone by more than one path
    std::uint8_t unexpected_nats = 0;
    Boxed<Ways> ways{};

    // ---- return routability (§3.7)
    struct Check {
        Bytes cookie{};
        model::IpAddress target{};
        bool moved = false;  // meanwhile: the answer shows nothing
    };
    Boxed<Check> check{};

    bool is_updating() const { return ways && ways->before; }
    AddressList peer_addresses() const;
};

// The state if both ends have MOBIKE.
inline Mobility* mobility_of(IkeSa& sa) { return sa.features.find<Mobility>(); }

// ---- mobike.cc
// Our usable addresses that the connection admits.
AddressList own_addresses(const Context& context);
// Adds our list if the peer does not know it yet, or `always`.
void add_own_addresses(Context& context, wire::MessageBuilder& message, bool always);
// §3.9: without NAT traversal the addresses of the header are protected.
void add_no_nats(Context& context, wire::MessageBuilder& message);
// Takes over what NAT detection found: encapsulation and keepalives.
void use_nat_findings(Context& context, const NatFindings& findings);
// The peer hears of our addresses, if they are others than it knows.
void announce_if_changed(Context& context);

// ---- mobike_update.cc: the initiator
// Sends UPDATE_SA_ADDRESSES as soon as the window is free.
void begin_update(Context& context);
// Asks which paths there are.
void ask_for_paths(Context& context);
void paths_found(Context& context, const std::vector<AddressPair>& pairs);
// Sends our outstanding request by the other paths, too.
void try_other_paths(Context& context, const SentMessage& request);
void answer_came(Context& context, const model::Path& from);
// The peer's view of our address in the answer to a liveness check (§3.8).
void compare_mapping(Context& context, const Received& answer);

// ---- mobike_routability.cc: whoever follows
// ESP stays where it is until the peer has answered from its new address.
void check_routability(Context& context, const Carriage& carriage);
// A rekey in the middle of a check: the successor makes it again.
void repeat_check(Context& context);
bool is_proven(const Mobility& mobility, model::IpAddress address);
void note_proven(Mobility& mobility, model::IpAddress address);

}  // namespace cygnet::ike
