// What a CREATE_CHILD_SA exchange makes, together with the IKE_FOLLOWUP_KE exchanges that belong to it:
// the same for the side that began it and the side that answers. RFC 7296 §1.3, RFC 9370 §2.2.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "crypto/job.h"
#include "ike/child.h"
#include "ike/effects.h"
#include "ike/key_pieces.h"
#include "ike/message.h"
#include "model/ppk.h"
#include "model/status.h"

namespace cygnet::ike {

class Core;
struct Context;

// An SPI that is ours as long as this lives, or until an SA takes it over: of 32 bits for a child's inbound half, of 64 bits
// for an IKE SA.
template <class Spi>
class Reserved {
public:
    explicit Reserved(Core& core);
    Reserved(Reserved&& other) noexcept : core_(std::exchange(other.core_, nullptr)), value_(other.value_) {}
    Reserved& operator=(Reserved&& other) noexcept;
    ~Reserved() { release(); }

    Spi value() const { return value_; }
    Spi take() {
        core_ = nullptr;
        return value_;
    }

private:
    void release();
    Core* core_;
    Spi value_;
};
using ReservedSpi = Reserved<std::uint32_t>;
using ReservedIkeSpi = Reserved<std::uint64_t>;

// RFC 9611: a child SA of one worker of the data plane beside one that serves them all; or that one, should it be lost.
struct ResourceWish {
    model::ChildId like{};  // its selectors and algorithms
    model::Resource resource = model::every_resource;
};

struct NewChild {
    std::string name;                          // of the child's configuration
    std::optional<model::ChildId> replaces{};  // a rekey
    ReservedSpi spi_in;
    ChildTerms terms{};  // once agreed
    Boxed<ResourceWish> wish{};                               // of ours
    model::Resource resource = model::every_resource;         // that sends through it
};
struct NewIkeSa {
    ReservedIkeSpi own_spi;
    std::uint64_t peer_spi = 0;  // once agreed, like the proposal
    model::ChosenProposal proposal{};
    bool clone = false;  // RFC 7791: beside the old one, without its children
};

struct NewSa {
    std::variant<NewChild, NewIkeSa> what;
    Bytes nonce_i{}, nonce_r{};          // "initiator" of this exchange
    std::vector<SecretBytes> secrets{};  // SK(0) of KE, then of each follow-up exchange
    Boxed<model::Ppk> ppk{};             // once agreed: it goes into SK_d (RFC 9867)
    std::size_t rounds_done = 0;         // IKE_FOLLOWUP_KE exchanges

    const model::ChosenProposal& proposal() const;
    // The method of the follow-up exchange that comes next, if one does.
    std::optional<model::Ke> next_additional() const;
    Nonces nonces() const { return {nonce_i, nonce_r}; }
    // RFC 7296 §2.8.1: what decides between two rekeys of the same SA; the lower one loses.
    const Bytes& lowest_nonce() const { return nonce_i < nonce_r ? nonce_i : nonce_r; }
    bool makes_ike_sa() const { return std::holds_alternative<NewIkeSa>(what); }
    bool clones_ike_sa() const { return makes_ike_sa() && std::get<NewIkeSa>(what).clone; }
    bool rekeys_ike_sa() const { return makes_ike_sa() && !clones_ike_sa(); }
    bool rekeys(model::ChildId child) const;
};

// The peer's rekey of something that we answered.
template <class Id>
struct PeerRekey {
    Bytes lowest_nonce;
    std::optional<Id> replacement{};  // nothing while its follow-up exchanges run
};

// A CREATE_CHILD_SA exchange that we began.
struct CreatingSa {
    NewSa made;
    std::optional<CommandId> command{};
    unsigned attempts = 0;  // earlier ones of the same task
    std::vector<model::Proposal> offered{};
    SelectorPair offered_selectors{};
    ChildNotices notices{};
    std::vector<model::Ppk> ppks{};     // that we offer
    Boxed<model::PacketEnds> packet{};  // of the task
    bool single_pair = false;
    std::optional<crypto::KeOffer> offer{};  // of the key exchange that runs
    Boxed<OutgoingKey> pieces{};             // whose public value leaves in pieces
    bool answered = false;                   // only follow-up exchanges remain
    Bytes link{};                            // ADDITIONAL_KEY_EXCHANGE, to be echoed
    Received response{};                     // while a job runs
    std::vector<std::uint32_t> deleted_by_peer{};  // SPIs that meant nothing to us when their Delete came
};

// One that the peer began, while a job runs for it.
struct AnsweringNewSa {
    NewSa made;
    Bytes peer_public{};  // of its KE payload
    Boxed<IncomingKey> pieces{};  // of which it was made
};

// One that the peer began and whose next IKE_FOLLOWUP_KE we await.
struct FollowupSeries {
    NewSa made;
    Bytes link{};
    Boxed<IncomingKey> pieces{};  // of the public value that comes
};

}  // namespace cygnet::ike
