// The key schedule as pure functions: RFC 7296 §2.13 to §2.18, RFC 9370 §2.2.2 to §2.2.4.
#pragma once

#include <cstdint>
#include <span>

#include "base/secret.h"
#include "crypto/cipher.h"
#include "model/iana.h"
#include "model/proposal.h"
#include "model/sa_spec.h"

namespace cygnet::ike {

// The seven keys of an IKE SA, named as in RFC 7296 §2.14.
struct IkeKeys {
    SecretBytes d, ai, ar, ei, er, pi, pr;
};

struct Spis {
    std::uint64_t initiator = 0;
    std::uint64_t responder = 0;
    bool operator==(const Spis&) const = default;
};

struct Nonces {
    ByteView initiator, responder;
};

// SKEYSEED = prf(Ni | Nr, g^ir); then prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr), §2.14.
IkeKeys initial_keys(const model::ChosenProposal& proposal, ByteView shared_secret, const Nonces& nonces,
                     const Spis& spis);

// RFC 9370 §2.2.2: SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr), nonces and SPIs of IKE_SA_INIT.
IkeKeys keys_after_intermediate(const model::ChosenProposal& proposal, const SecretBytes& old_d, ByteView shared_secret,
                                const Nonces& nonces, const Spis& spis);

// RFC 7296 §2.18, RFC 9370 §2.2.4: SKEYSEED = prf(SK_d of the old SA, SK(0) | Ni | Nr | SK(1) | …), computed with the old SA's
// PRF, the keys expanded with the new one. `shared_secrets`: of KE, then of each follow-up exchange.
IkeKeys keys_after_rekey(model::Prf old_prf, const SecretBytes& old_d, const model::ChosenProposal& proposal,
                         std::span<const SecretBytes> shared_secrets, const Nonces& nonces, const Spis& new_spis);

// RFC 5723 §5.1: SKEYSEED = prf(SK_d of the old SA, "Resumption" | Ni | Nr).
IkeKeys keys_after_resumption(const model::ChosenProposal& proposal, const SecretBytes& old_d, const Nonces& nonces,
                              const Spis& spis);

// RFC 8784 §3: prf+ (PPK, key), as large as the key. RFC 9867 makes SK_d' and SKEYSEED' of SK_d in the same way.
SecretBytes mixed_with_ppk(model::Prf prf, const SecretBytes& ppk, const SecretBytes& key);

// RFC 9867: what follows the IKE_INTERMEDIATE exchange that agreed on a PPK. Nonces and SPIs of IKE_SA_INIT.
IkeKeys keys_after_ppk(const model::ChosenProposal& proposal, const SecretBytes& old_d, const SecretBytes& ppk,
                       const Nonces& nonces, const Spis& spis);

// RFC 9867, PPK Confirmation: the first octets of prf(PPK, Ni | Nr | SPIi | SPIr); in CREATE_CHILD_SA without Nr.
inline constexpr std::size_t ppk_confirmation_octets = 8;
Bytes ppk_confirmation(model::Prf prf, const SecretBytes& ppk, const Nonces& nonces, const Spis& spis);

// §2.17: KEYMAT = prf+ (SK_d, [SK(0)] | Ni | Nr [| SK(1) …]); initiator-to-responder keys first, encryption before
// integrity. "Initiator" is who began the exchange that makes the child.
struct ChildKeys {
    model::DirectionKeys initiator_to_responder, responder_to_initiator;
};
Result<ChildKeys> child_keys(model::Prf prf, const SecretBytes& d, const model::ChosenProposal& proposal,
                             std::span<const SecretBytes> shared_secrets, const Nonces& nonces);

// AUTH octets. §2.15: the message as sent | the other side's nonce | prf(SK_p, ID payload body [| IntAuth per RFC 9242 §3.3.2]).
// `id_payload_body`: ID type, three reserved octets, data. `int_auth` is empty without IKE_INTERMEDIATE.
Bytes signed_octets(model::Prf prf, ByteView init_message, ByteView peer_nonce, const SecretBytes& sk_p,
                    ByteView id_payload_body, ByteView int_auth);

// §2.15: prf(Shared Secret, "Key Pad for IKEv2"), and with it prf(key_pad, octets), the proof that one has the secret.
SecretBytes key_pad(model::Prf prf, const SecretBytes& shared_secret);
SecretBytes shared_key_mic(model::Prf prf, const SecretBytes& shared_secret, ByteView octets);

// RFC 9242 §3.3.2: IntAuth_i*/IntAuth_r* = prf(SK_p of the time, previous | IntAuth_*I/R).
Bytes int_auth_step(model::Prf prf, const SecretBytes& sk_p, ByteView previous, ByteView message_octets);
// IntAuth = IntAuth_iN | IntAuth_rN | IKE_AUTH message ID, the same for both signers.
Bytes int_auth(ByteView last_initiator, ByteView last_responder, std::uint32_t auth_message_id);

}  // namespace cygnet::ike
