// What is under way in an IKE SA: tasks that wait for their turn, and one struct for each exchange
// that awaits a message or a job. An SA has at most one exchange of its own and one of its peer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/explanation.h"
#include "crypto/job.h"
#include "ike/auth/auth.h"
#include "ike/child.h"
#include "ike/effects.h"
#include "ike/message.h"
#include "ike/new_sa.h"

namespace cygnet::ike {

struct Context;

// ---- tasks: exchanges of our own that have not begun --------------------------------------------

struct CreateChildTask {
    std::string child;  // its name in the connection
    std::optional<CommandId> command{};
    unsigned attempts = 0;  // that the peer could not serve (TEMPORARY_FAILURE and the like)
    Boxed<model::PacketEnds> packet{};  // that met a trap: the first choice of the offer
    bool single_pair = false;                   // offer the packet alone (SINGLE_PAIR_REQUIRED)
    Boxed<ResourceWish> wish{};                 // a further SA of what is there (RFC 9611)
};
struct RekeyChildTask {
    model::ChildId child{};
    std::optional<CommandId> command{};
    unsigned attempts = 0;
};
struct RekeyIkeTask {
    std::optional<CommandId> command{};
    unsigned attempts = 0;
    bool clone = false;  // RFC 7791: the old IKE SA stays
};
struct DeleteChildrenTask {
    std::vector<model::ChildId> children{};
    std::optional<CommandId> command{};
};
struct DeleteIkeTask {
    std::optional<CommandId> command{};
    Explanation why{.kind = "closed", .what = "closed by this side"};
    bool spares_successor = false;  // it is these keys whose time is over: an IKE SA that takes over from them stays
};
struct LivenessTask {};
// A protected error report after which the IKE SA ends (RFC 7296 §2.21.2).
struct ReportFailureTask {
    model::NotifyType notify{};
    Explanation why{};
};
// An INFORMATIONAL exchange of an extension, which keeps what it needs in IkeSa::features.
struct InformationalTask {
    const char* name;                                 // in list-sas: "IKE_MOBIKE"
    bool (*build)(Context&, wire::MessageBuilder&);   // adds the payloads; false: no longer wanted
    Result<> (*answered)(Context&, const Received&);  // a failure that is not to be ignored ends the IKE SA
    std::optional<CommandId> command{};
    bool outlives_keys = false;  // it is about the peer: not answered before a rekey is over, it is said again in the new IKE SA
};
// RFC 6311: after a fail-over both sides agree on higher counters.
struct SynchronizeTask {
    std::uint32_t skip_message_ids = 0;  // that may have been used without our knowledge
    std::uint64_t skip_packets = 0;      // likewise, of each child and in both directions
    std::optional<CommandId> command{};
};
using Task = std::variant<CreateChildTask, RekeyChildTask, RekeyIkeTask, DeleteChildrenTask, DeleteIkeTask,
                          LivenessTask, ReportFailureTask, InformationalTask, SynchronizeTask>;

// ---- exchanges that we began --------------------------------------------------------------------

// IKE_SA_INIT, from the first key pair to the shared secret. Survives cookies and other groups.
struct InitiatingSaInit {
    std::vector<model::Proposal> proposals{};
    std::optional<crypto::KeOffer> offer{};  // nothing while a job makes it
    Bytes cookie{};
    Bytes puzzle_solution{};  // RFC 8019 §7.1.2
    unsigned retries = 0;
    std::string hint{};  // what an unauthenticated notification said
};
// IKE_SESSION_RESUME in its place, RFC 5723.
struct InitiatingResumption {
    Bytes ticket{};
    Bytes cookie{};
    unsigned retries = 0;
};
struct InitiatingIntermediate {
    model::Ke method{};  // none: the exchange is for PPKs alone (RFC 9867)
    std::optional<crypto::KeOffer> offer{};
    Boxed<OutgoingKey> pieces{};  // its public value leaves in pieces
};
struct InitiatingAuth {
    std::optional<SelectorPair> offered_selectors{};
    std::vector<model::Proposal> offered_proposals{};
    ChildNotices notices{};
    const model::ChildConfig* child = nullptr;
    std::uint32_t spi_in = 0;
    Bytes nonce_i{}, nonce_r{};  // of IKE_SA_INIT: the first child's keys
    std::optional<LocalProof> proof{};
    model::Identity peer_id{};
    Received response{};  // while the peer's proof is checked

    Nonces nonces() const { return {nonce_i, nonce_r}; }
};
struct AwaitingLiveness {};
struct AwaitingInformational {
    InformationalTask task{};
};
struct AwaitingSynchronization {
    std::uint32_t nonce = 0;
    std::uint32_t next_request = 0, expected_request = 0;  // as we proposed them
    std::optional<CommandId> command{};
};
struct AwaitingChildrenDeleted {
    std::vector<model::ChildId> children{};
    std::optional<CommandId> command{};
};
struct AwaitingIkeDeleted {
    std::optional<CommandId> command{};
    Explanation why{};
};
using OwnExchange = BoxedVariant<InitiatingSaInit, InitiatingResumption, InitiatingIntermediate, InitiatingAuth, AwaitingLiveness,
                                 AwaitingInformational, AwaitingSynchronization, AwaitingChildrenDeleted, AwaitingIkeDeleted,
                                 CreatingSa>;

// ---- exchanges of the peer that wait for a job --------------------------------------------------

struct RespondingIntermediate {
    model::Ke method{};  // none: it brings no key exchange
    Bytes peer_public{};
};
struct RespondingAuth {
    Received request{};  // while the peer's proof is checked
    model::Identity peer_id{};
    std::optional<LocalProof> proof{};
};
using PeerExchange = BoxedVariant<RespondingIntermediate, RespondingAuth, AnsweringNewSa>;

}  // namespace cygnet::ike
