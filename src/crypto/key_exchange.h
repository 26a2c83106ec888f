// Key exchange methods (transform types 4 and 6 to 12): Diffie-Hellman groups and KEMs behind the
// same three steps, as RFC 9370 and draft-ietf-ipsecme-ikev2-mlkem use them.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/iana.h"

namespace cygnet::crypto {

// Sizes of the KE payload's data in octets. initiator == responder for Diffie-Hellman.
struct KeShape {
    std::size_t initiator_size = 0;
    std::size_t responder_size = 0;
    bool kem = false;
};
// Nothing if the method is not in the catalogue of this build.
std::optional<KeShape> shape_of(model::Ke method);

// A private value waiting for the peer's public one. Move-only, wiped.
class KePrivate {
public:
    struct Impl;
    explicit KePrivate(std::unique_ptr<Impl> impl);
    KePrivate(KePrivate&&) noexcept;
    KePrivate& operator=(KePrivate&&) noexcept;
    ~KePrivate();
    const Impl& impl() const { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

struct KeOffer {
    model::Ke method{};
    Bytes public_value;
    KePrivate private_value;
};
struct KeAnswer {
    Bytes public_value;
    SecretBytes shared_secret;
};

// The initiator's step (also the responder's own share of a Diffie-Hellman group).
Result<KeOffer> ke_offer(model::Ke method);

// The responder's step: own public value (or ciphertext) and the shared secret. Fails with
// bad_length or bad_value when the peer's value is not acceptable (RFC 6989; FIPS 203 modulus check; RFC 8031 §2
// all-zero result): the caller answers INVALID_SYNTAX.
Result<KeAnswer> ke_answer(model::Ke method, ByteView peer_public);

// The initiator's last step, with the same checks.
Result<SecretBytes> ke_finish(const KeOffer& offer, ByteView peer_public);

}  // namespace cygnet::crypto
