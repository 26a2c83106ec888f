// The keys of an IKE SA at work: messages are sealed into SK or SKF payloads and opened again.
// RFC 7296 §3.14, RFC 5282, RFC 7383 §2.5 and §2.6.
#pragma once

#include <optional>

#include "base/boxed.h"
#include "base/rng.h"
#include "crypto/cipher.h"
#include "ike/keys.h"
#include "ike/window.h"
#include "wire/protected.h"
#include "wire/reassembly.h"

namespace cygnet::ike {

// How large one IP datagram may be, and which part of it is not the IKE message.
struct FragmentLimit {
    std::size_t ip_octets = 0;
    std::size_t overhead = 0;
};

class Protection {
public:
    // Takes the keys over. Fails with unsupported if the suite is not in the catalogue of this build.
    static Result<Protection> make(const model::ChosenProposal& proposal, IkeKeys keys, bool initiator);

    const SecretBytes& sk_d() const { return sk_d_; }
    // SK_p of each side, for AUTH: until the IKE SA is established.
    const SecretBytes& sk_p(bool initiator) const { return initiator ? auth_->of_initiator : auth_->of_responder; }
    void drop_auth_keys() { auth_.reset(); }

    // RFC 8784 §3: a PPK goes into SK_d, SK_pi and SK_pr. What they were before takes it out again.
    struct Unmixed {
        SecretBytes d, pi, pr;
    };
    Unmixed mix_ppk(model::Prf prf, const SecretBytes& ppk);
    void take_back(Unmixed before);

    // One datagram, or the fragments of a message that is larger than `limit`; no limit: never fragmented.
    Result<SentMessage> seal(const wire::Header& header, const wire::Chain& chain, std::optional<FragmentLimit> limit,
                             Rng& rng);

    // A message of ours that was sealed before, cut in another way (RFC 7383 §2.5.2) or not at all (RFC 9329 §7.5).
    Result<SentMessage> recut(const SentMessage& sent, std::optional<FragmentLimit> limit, Rng& rng);

    // Verifies and decrypts one datagram. Fragments are collected in `fragments`, which may be nullptr when fragments
    // were not negotiated; nothing is returned until the message is complete. Every error is the sender's, who
    // is not authenticated: integrity, or state for a fragment that is not worth a look.
    Result<std::optional<wire::Reassembled>> open(ByteView datagram, wire::Reassembly* fragments) const;

private:
    struct AuthKeys {
        SecretBytes of_initiator, of_responder;
    };
    Protection(const crypto::CipherSuite& suite, IkeKeys keys, bool initiator);
    // Messages are rare and keyed ciphers large: each message has its own.
    Result<crypto::Cipher> cipher(bool by_initiator) const;
    Result<Bytes> seal_one(const crypto::Cipher& cipher, wire::Unsealed unsealed, Rng& rng);
    static Result<std::optional<wire::Reassembled>> open_with(const crypto::Cipher& cipher, ByteView datagram,
                                                              wire::Reassembly* fragments);

    crypto::CipherSuite suite_;
    bool initiator_;  // we are
    SecretBytes sk_d_;
    SecretBytes sk_;  // SK_ai | SK_ei | SK_ar | SK_er: side by side they take less
    Boxed<AuthKeys> auth_;
    std::uint64_t next_iv_ = 1;
};

wire::ProtectionSizes sizes_of(const crypto::CipherShape& shape);

}  // namespace cygnet::ike
