// Tickets of session resumption, RFC 5723: what an IKE SA leaves behind so that its peer can come back without a key
// exchange and without credentials.
//
//   by value       kind = 1 (1) | key id (8) | IV (8) | state, sealed with AES-256-GCM | ICV (16)
//   by reference   kind = 2 (1) | serial (16): the state stays here
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/rng.h"
#include "base/secret.h"
#include "ike/credentials.h"
#include "ike/keys.h"
#include "ike/kept_secrets.h"
#include "model/config.h"
#include "model/status.h"

namespace cygnet::ike {

using TicketSerial = std::array<std::uint8_t, 16>;
using PolicyDigest = std::array<std::uint8_t, 32>;

// What both sides know again, §5: "from the ticket".
struct ResumptionState {
    std::string connection{};
    model::Identity own_id{}, peer_id{};
    std::vector<model::Transform> transforms{};  // of the IKE SA
    SecretBytes d{};                             // its SK_d
    PolicyDigest policy{};                       // see policy_digest()
    std::int64_t authenticated_at = 0;           // with credentials; seconds since 1970
    Bytes ppk_id{};                              // of the PPK that SK_d came from; empty: none
    bool full_transcript = false;                // its proofs covered both first messages, and so will those of the resumption

    // Fails when this build no longer has the algorithms.
    Result<model::ChosenProposal> proposal() const;
};

// ---- the side that gives tickets out ------------------------------------------------------------

struct Ticket {
    TicketSerial serial{};
    std::int64_t expires = 0;  // seconds since 1970
    Spis spis{};               // of the IKE SA, only to find it (§5, note 4)
    ResumptionState state{};
};

class TicketOffice {
public:
    struct Issued {
        Bytes octets{};
        TicketSerial serial{};
        bool new_key = false;  // was added to `kept`, which must be stored before the ticket leaves
    };
    // Seals the state or keeps it, as `kind` says.
    Issued issue(Ticket ticket, model::Resumption kind, KeptSecrets& kept, std::int64_t now, Rng& rng);
    // Fails for what is not ours, not whole, used, revoked or out of date; the detail says which.
    Result<Ticket> open(ByteView octets, const KeptSecrets& kept, std::int64_t now);
    // The SA that was resumed is established, or the ticket's own SA was deleted: it is good for nothing any more
    // (§4.3.1, §9.8).
    void invalidate(const TicketSerial& serial, std::int64_t expires, std::int64_t now);
    std::size_t remembered() const { return by_expiry_.size(); }

private:
    bool renew_key(KeptSecrets& kept, std::int64_t now, Rng& rng);
    void remember(const TicketSerial& serial, std::int64_t expires, std::int64_t now);
    void forget(const TicketSerial& serial, std::int64_t expires);

    std::uint64_t sealing_key_ = 0;  // one of this engine's own: an earlier one's IVs may be used up
    std::uint64_t next_iv_ = 1;
    std::map<TicketSerial, Ticket> kept_{};                            // by reference
    std::set<std::pair<std::int64_t, TicketSerial>> by_expiry_{};      // of those kept, used and revoked
    std::set<TicketSerial> invalid_{};
};

// ---- the side that presents them ----------------------------------------------------------------

struct StoredTicket {
    Bytes octets{};
    Instant expires{};
    model::IkeSaId sa{};           // whose resumption it is
    model::IpAddress responder{};  // who gave it to us
    ResumptionState state{};
};

// Which credentials and which policy authenticated the peer, bound to the old SA's keys. A ticket is good only while
// its connection would still authenticate the same peer in the same way.
PolicyDigest policy_digest(const model::Connection& connection, const model::Config& config,
                           const Credentials& credentials, const ResumptionState& state);

}  // namespace cygnet::ike
