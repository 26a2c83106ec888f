// Extensions of the protocol, one file each, behind a few typed hooks. Their order in the registry is
// the order in which hooks run. The core calls hooks and never asks whether an extension is on: a feature
// that the peer does not support leaves no trace in the SA, and its later hooks do nothing.
//
// What an extension keeps of an SA is a struct of its own in IkeSa::features; INFORMATIONAL exchanges of its own are an
// InformationalTask. A hook appears here with its first users; further ones (mix_keys, auth_octets, child_offer,
// child_accept, path_changed) have their places in the architecture.
#pragma once

#include <optional>
#include <span>

#include "ike/context.h"

namespace cygnet::ike {

// An attribute of CP with its own octets.
struct OwnedAttribute {
    model::CfgAttribute type{};
    Bytes value{};
};
using OwnedAttributes = std::vector<OwnedAttribute>;

// What a message that asks for the first keys of an SA deserves: their computation, to wait for another one, nothing.
enum class Worth : std::uint8_t { keys, patience, nothing };

// What a stranger is told instead of an answer.
struct Refusal {
    model::NotifyType type{};
    Bytes data{};
    Boxed<Explanation> why{};  // for our operator; nothing: it is no failure
};

// A request for an SA that is not there.
struct UnknownSa {
    const wire::Header& header;
    std::size_t octets;
    Instant now;
};

struct Feature {
    const char* name;
    const char* rfc;
    // IKE_SA_INIT: adds our notifications to the request, or to the answer.
    void (*offer)(Context&, wire::MessageBuilder&) = nullptr;
    // IKE_SA_INIT: reads what the peer's message says. The responder's runs before a proposal is chosen.
    void (*accept)(Context&, const Received&) = nullptr;
    // Responder of IKE_SA_INIT, before there is any state: a notification in place of an answer.
    std::optional<Refusal> (*refuse_first)(Core&, const model::Connection&, const Received&) = nullptr;
    // Initiator of IKE_SA_INIT: whether the answer may be the responder's; an error leaves the request outstanding.
    Result<> (*believe_first)(Context&, const Received&) = nullptr;
    // Initiator of IKE_SA_INIT: an answer of nothing but notifications; nothing if it says nothing to this extension.
    std::optional<Result<Next>> (*first_refused)(Context&, const Received&) = nullptr;
    // Initiator: begins with another exchange than IKE_SA_INIT.
    std::optional<Result<Next>> (*first_exchange)(Context&) = nullptr;
    // Initiator with keys: begins an exchange that must precede IKE_AUTH, if one is left.
    std::optional<Result<Next>> (*next_exchange)(Context&) = nullptr;
    // IKE_INTERMEDIATE: adds to the request or the answer of ours; reads the peer's. Responder: whether the peer may begin one
    // that brings no key exchange.
    void (*intermediate_offer)(Context&, wire::MessageBuilder&) = nullptr;
    Result<> (*intermediate_accept)(Context&, const Received&) = nullptr;
    bool (*awaits_intermediate)(Context&) = nullptr;
    // Responder, before there are keys: what a protected message is worth.
    Worth (*worth_of_keys)(Context&, ByteView datagram) = nullptr;
    // Responder: fails while an exchange that must precede IKE_AUTH is missing.
    Result<> (*ready_for_auth)(Context&) = nullptr;
    // IKE_AUTH, before and after our signature is made.
    void (*before_signature)(Context&, crypto::SignJob&) = nullptr;
    void (*after_signature)(Context&, const crypto::SignedAuth&) = nullptr;
    // IKE_AUTH: adds notifications to the message that carries SA, ours in either role; reads the peer's once its AUTH is
    // verified (a failure refuses the peer).
    void (*auth_offer)(Context&, wire::MessageBuilder&) = nullptr;
    Result<> (*auth_accept)(Context&, const Received&) = nullptr;
    // IKE_AUTH: the responder makes no child; the initiator, after auth_accept, goes another way than to the established SA.
    bool (*withholds_child)(Context&) = nullptr;
    std::optional<Result<Next>> (*leaves)(Context&) = nullptr;
    // CP of IKE_AUTH, RFC 7296 §2.19: what we ask for; what we assign (errors fail the child); what we were assigned.
    void (*config_request)(Context&, OwnedAttributes&) = nullptr;
    Result<> (*config_assign)(Context&, const wire::CpPayload* request, OwnedAttributes& reply) = nullptr;
    Result<> (*config_accept)(Context&, const wire::CpPayload* reply) = nullptr;
    // A request of the peer in an INFORMATIONAL exchange: reacts, and adds to the answer. Deletions have been carried out.
    Result<> (*informational_request)(Context&, const Received&, wire::MessageBuilder& answer) = nullptr;
    // A request of the peer in a CREATE_CHILD_SA exchange, before anything is computed for it.
    Result<> (*create_child_request)(Context&, const Received&) = nullptr;
    // Our liveness check: adds to the request, reads the answer.
    void (*liveness)(Context&, wire::MessageBuilder&) = nullptr;
    void (*liveness_answered)(Context&, const Received&) = nullptr;
    // Our request has gone out again by `path`, and may go elsewhere, too; its answer came this way.
    void (*retransmitted)(Context&, const SentMessage&) = nullptr;
    void (*answer_came)(Context&, const model::Path&) = nullptr;
    // News of the network, for established SAs: of the host's addresses, of the ways to the peer, of the peer's ESP while
    // IkeSa::dynamic_update is off.
    void (*host_changed)(Context&) = nullptr;
    void (*paths_found)(Context&, const std::vector<AddressPair>&) = nullptr;
    void (*esp_moved)(Context&, const model::Endpoint&) = nullptr;
    // True while the peer's ESP says nothing about whether the peer hears us.
    bool (*distrusts_esp)(IkeSa&) = nullptr;
    // The SA's connection is configured in another way now.
    void (*reconfigured)(Context&, const model::Connection& now) = nullptr;
    // Adds to what operators see of the SA.
    void (*describe)(const IkeSa&, model::IkeStatus&) = nullptr;
    // The life of an SA: after IKE_AUTH; a rekey has made its successor (which may yet lose against another); it ends.
    void (*established)(Context&) = nullptr;
    void (*inherited)(Context& heir, IkeSa& old) = nullptr;
    // RFC 7791: the same for a clone; the original stays as it is.
    void (*cloned)(Context& clone, IkeSa& original) = nullptr;
    void (*closing)(Context&) = nullptr;
    // An unprotected message names an SA that we do not have: adds to the answer, which must not become larger than it.
    void (*unknown_sa)(Core&, const UnknownSa&, wire::MessageBuilder& answer) = nullptr;
    // An unprotected message for an SA that has keys: true if it means something all the same.
    bool (*unprotected)(Context&, const wire::Message&) = nullptr;
    // An authentic request of the peer has a message ID beyond our window.
    void (*beyond_window)(Context&, std::uint32_t message_id) = nullptr;
    // An authentic INFORMATIONAL message with ID 0, whole, of an established SA: true if an extension took it, whatever the
    // window says.
    bool (*message_id_zero)(Context&, const wire::Message&) = nullptr;
    // One of its deadlines has passed.
    void (*timer)(Context&, Timer) = nullptr;
};

std::span<const Feature* const> all_features();

// Runs a hook of every feature that has it.
template <class Hook, class... Arguments>
void run_hooks(Hook hook, Arguments&&... arguments) {
    for (const Feature* feature : all_features())
        if (feature->*hook) (feature->*hook)(arguments...);
}
// The same for hooks that may fail: stops at the first failure.
template <class Hook, class... Arguments>
Result<> try_hooks(Hook hook, Arguments&&... arguments) {
    for (const Feature* feature : all_features())
        if (feature->*hook) TRY((feature->*hook)(arguments...));
    return {};
}

extern const Feature fragmentation;
extern const Feature signature_hashes;
extern const Feature nat_detection;
extern const Feature multiple_ke;
extern const Feature puzzles;
extern const Feature peer_budget;
extern const Feature virtual_addresses;
extern const Feature childless;
extern const Feature invalid_selectors;
extern const Feature reauthentication;
extern const Feature ocsp;
extern const Feature mobike;
extern const Feature redirect;
extern const Feature session_resumption;
extern const Feature crash_detection;
extern const Feature window_size;
extern const Feature counter_sync;
extern const Feature cloning;
extern const Feature beet;
extern const Feature private_numbers;
extern const Feature ppk_mixing;
extern const Feature auth_announcements;
extern const Feature full_transcript;

}  // namespace cygnet::ike
