// Postquantum preshared keys at work, RFC 8784 and RFC 9867: which ones we have, and which of them the two sides agree on.
//
//   IKE_SA_INIT       USE_PPK_INT and USE_PPK ─► one of the two
//   IKE_INTERMEDIATE  the last one, RFC 9867: PPK_IDENTITY_KEY … ─► PPK_IDENTITY; all keys are made anew with that PPK
//   IKE_AUTH          RFC 8784: PPK_IDENTITY, NO_PPK_AUTH ─► PPK_IDENTITY; SK_d, SK_pi and SK_pr are mixed with the PPK
//   CREATE_CHILD_SA   RFC 9867: PPK_IDENTITY_KEY … ─► PPK_IDENTITY; what is made comes from SK_d mixed with the PPK
#pragma once

#include <array>
#include <span>
#include <vector>

#include "ike/context.h"
#include "model/ppk.h"

namespace cygnet::ike {

// The PPK that came last into the keys of an IKE SA, or of one that it followed. In IkeSa::features.
struct PpkInUse {
    model::PpkId id{};
    Boxed<model::PpkSource> source{};
    std::array<std::uint8_t, 32> digest{};  // of the key: using it once more is worth nothing (RFC 9867)
};

enum class PpkMode : std::uint8_t { none, auth, intermediate };  // RFC 8784, RFC 9867

// Until the IKE SA is established. In Handshake::features.
struct PpkNegotiation {
    PpkMode mode = PpkMode::none;
    bool skipped = false;  // initiator: there is no PPK to use, so none is offered
    // RFC 9867
    bool settled = false;  // the exchange that may bring a PPK has been
    std::vector<model::Ppk> offered{};
    Boxed<model::Ppk> chosen{};  // goes into the keys when this exchange is over
    // RFC 8784
    Boxed<model::Ppk> key{};  // that AUTH is made with, or checked with
    Bytes no_ppk_auth{};      // ours, or the peer's in place of its AUTH
    Boxed<Protection::Unmixed> unmixed{};  // initiator: until the responder says whether it has the key
};
PpkNegotiation& ppk_negotiation(IkeSa& sa);
const PpkNegotiation* find_ppk_negotiation(const IkeSa& sa);

// Wishes that no source has answered yet. In Core::features.
struct PpkWishes {
    std::size_t under_way = 0;
};

// ---- ours ----------------------------------------------------------------------------------------
// Fetches what we would use with the peer, and calls `resume` with the result, at once when no source has to be asked.
Result<Next> gather_ppks(Context& context, Resume resume);
// What came of it: a one-time key first, then the configured ones.
std::vector<model::Ppk> gathered_ppks(Context& context, crypto::JobResult result);
// There is none, and the connection demands one.
std::unexpected<Error> no_ppk_at_hand(Context& context);

// Adds PPK_IDENTITY_KEY for each. `nonces`, `spis`: what the confirmation covers.
void add_ppk_offers(const IkeSa& sa, std::span<const model::Ppk> ppks, const Nonces& nonces, const Spis& spis,
                    wire::MessageBuilder& message);
// Which of them the answer chooses; nothing: none. Errors: one that we did not offer.
Result<Boxed<model::Ppk>> chosen_ppk(std::vector<model::Ppk> offered, const wire::Message& answer);

// ---- the peer's ----------------------------------------------------------------------------------
struct PpkOffer {
    model::PpkId id{};
    Bytes confirmation{};
};
// PPK_IDENTITY_KEY: what is malformed, or one too many, is counted and left out.
std::vector<PpkOffer> ppk_offers(Context& context, const wire::Message& request);

// Looks for the first offer whose very key we have and which the connection admits, uses it up if it is for one time, and
// calls `resume` with it, or with none. `nonces`, `spis`: see add_ppk_offers().
struct PpkSearch {
    std::vector<PpkOffer> offers{};
    Bytes nonce_i{}, nonce_r{};
    Spis spis{};
    std::vector<model::PpkSource> sources{};
    bool before_identity = false;  // any configured key will do until IKE_AUTH says who the peer is
    Resume resume = nullptr;
    Boxed<model::Ppk> chosen{};
};
Result<Next> search_ppk(Context& context, PpkSearch search);
// The same for the name of PPK_IDENTITY alone: the key is not used up yet.
Result<Next> find_ppk(Context& context, const model::PpkId& id, Resume resume);
Result<Next> use_up_ppk(Context& context, const model::Ppk& ppk, Resume resume);
// What a search came to.
Boxed<model::Ppk> found_ppk(Context& context, crypto::JobResult result);

// Where the keys may be from that a peer offers before it has said who it is.
std::vector<model::PpkSource> ppk_sources_for(const Core& core, const model::Path& path);

// ---- in use --------------------------------------------------------------------------------------
void note_ppk(IkeSa& sa, const model::Ppk& ppk);
// A resumed SA: its keys come from those of one that used it.
void note_ppk(IkeSa& sa, ByteView id);
bool uses_ppk(const IkeSa& sa);
// Whether the peer of the connection may use that PPK.
bool admits(const model::Connection& connection, const model::PpkId& id, const model::PpkSource* source);

}  // namespace cygnet::ike
