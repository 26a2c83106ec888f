#include "ike/keys.h"

#include <algorithm>
#include <array>

#include "base/big_endian.h"
#include "base/reader.h"
#include "crypto/packet_cipher.h"
#include "crypto/packet_mac.h"
#include "crypto/prf.h"

namespace cygnet::ike {
namespace {

// Hands out consecutive pieces of a key stream, each as a secret of its own.
class KeyStream {
public:
    explicit KeyStream(SecretBytes stream) : stream_(std::move(stream)) {}
    SecretBytes next(std::size_t size) {
        ASSERT(used_ + size <= stream_.size());
        SecretBytes piece = SecretBytes::copy_of(stream_.reveal().subspan(used_, size));
        used_ += size;
        return piece;
    }

private:
    SecretBytes stream_;
    std::size_t used_ = 0;
};

crypto::CipherShape shape_of(const model::ChosenProposal& proposal) {
    const auto shape = crypto::shape_of({proposal.encr, proposal.key_bits, proposal.integ});
    ASSERT(shape.has_value());  // Only proposals of the catalogue are ever chosen.
    return *shape;
}

std::array<std::uint8_t, 16> octets_of(const Spis& spis) {
    std::array<std::uint8_t, 16> octets;
    store_be(octets.data(), spis.initiator);
    store_be(octets.data() + 8, spis.responder);
    return octets;
}

// RFC 7296 §2.14: {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr).
IkeKeys expand(const model::ChosenProposal& proposal, const SecretBytes& skeyseed, const Nonces& nonces,
               const Spis& spis) {
    const crypto::CipherShape shape = shape_of(proposal);
    const std::size_t prf_size = crypto::prf_size(proposal.prf);
    const std::size_t size = 3 * prf_size + 2 * shape.integ_key_size + 2 * shape.encr_key_size;
    KeyStream stream(
        crypto::prf_plus(proposal.prf, skeyseed.reveal(), {nonces.initiator, nonces.responder, octets_of(spis)}, size));
    IkeKeys keys;
    keys.d = stream.next(prf_size);
    keys.ai = stream.next(shape.integ_key_size);
    keys.ar = stream.next(shape.integ_key_size);
    keys.ei = stream.next(shape.encr_key_size);
    keys.er = stream.next(shape.encr_key_size);
    keys.pi = stream.next(prf_size);
    keys.pr = stream.next(prf_size);
    return keys;
}

// SK(0) | Ni | Nr | SK(1) | … as one secret; without shared secrets Ni | Nr.
SecretBytes rekey_input(std::span<const SecretBytes> shared_secrets, const Nonces& nonces) {
    std::size_t size = nonces.initiator.size() + nonces.responder.size();
    for (const SecretBytes& secret : shared_secrets) size += secret.size();
    SecretBytes input(size);
    MutableByteView rest = input.reveal_for_writing();
    const auto add = [&](ByteView part) {
        std::ranges::copy(part, rest.begin());
        rest = rest.subspan(part.size());
    };
    if (!shared_secrets.empty()) add(shared_secrets.front().reveal());
    add(nonces.initiator);
    add(nonces.responder);
    for (std::size_t i = 1; i < shared_secrets.size(); ++i) add(shared_secrets[i].reveal());
    return input;
}

}  // namespace

IkeKeys initial_keys(const model::ChosenProposal& proposal, ByteView shared_secret, const Nonces& nonces,
                     const Spis& spis) {
    const Bytes key = concat({nonces.initiator, nonces.responder});
    return expand(proposal, crypto::prf(proposal.prf, key, {shared_secret}), nonces, spis);
}

IkeKeys keys_after_intermediate(const model::ChosenProposal& proposal, const SecretBytes& old_d, ByteView shared_secret,
                                const Nonces& nonces, const Spis& spis) {
    const SecretBytes skeyseed =
        crypto::prf(proposal.prf, old_d.reveal(), {shared_secret, nonces.initiator, nonces.responder});
    return expand(proposal, skeyseed, nonces, spis);
}

IkeKeys keys_after_rekey(model::Prf old_prf, const SecretBytes& old_d, const model::ChosenProposal& proposal,
                         std::span<const SecretBytes> shared_secrets, const Nonces& nonces, const Spis& new_spis) {
    const SecretBytes skeyseed = crypto::prf(old_prf, old_d.reveal(), {rekey_input(shared_secrets, nonces).reveal()});
    return expand(proposal, skeyseed, nonces, new_spis);
}

IkeKeys keys_after_resumption(const model::ChosenProposal& proposal, const SecretBytes& old_d, const Nonces& nonces,
                              const Spis& spis) {
    const SecretBytes skeyseed =
        crypto::prf(proposal.prf, old_d.reveal(), {bytes_of("Resumption"), nonces.initiator, nonces.responder});
    return expand(proposal, skeyseed, nonces, spis);
}

SecretBytes mixed_with_ppk(model::Prf prf, const SecretBytes& ppk, const SecretBytes& key) {
    return crypto::prf_plus(prf, ppk.reveal(), {key.reveal()}, key.size());
}

IkeKeys keys_after_ppk(const model::ChosenProposal& proposal, const SecretBytes& old_d, const SecretBytes& ppk,
                       const Nonces& nonces, const Spis& spis) {
    return expand(proposal, mixed_with_ppk(proposal.prf, ppk, old_d), nonces, spis);
}

Bytes ppk_confirmation(model::Prf prf, const SecretBytes& ppk, const Nonces& nonces, const Spis& spis) {
    const SecretBytes whole = crypto::prf(prf, ppk.reveal(), {nonces.initiator, nonces.responder, octets_of(spis)});
    return keep(whole.reveal().first(ppk_confirmation_octets));
}

namespace {

struct KeySizes {
    std::size_t encr, integ;
};

Result<KeySizes> key_sizes_of(const model::ChosenProposal& proposal) {
    if (proposal.protocol == model::Protocol::ah) {
        const auto shape = crypto::mac_shape_of(proposal.integ);
        if (!shape) return fail(Errc::unsupported, "AH proposal", "no implementation of the chosen AH algorithm");
        return KeySizes{0, shape->key_size};
    }
    const auto shape = crypto::packet_shape_of({proposal.encr, proposal.key_bits, proposal.integ});
    if (!shape) return fail(Errc::unsupported, "ESP proposal", "no implementation of the chosen ESP algorithms");
    return KeySizes{shape->encr_key_size, shape->integ_key_size};
}

}  // namespace

Result<ChildKeys> child_keys(model::Prf prf, const SecretBytes& d, const model::ChosenProposal& proposal,
                             std::span<const SecretBytes> shared_secrets, const Nonces& nonces) {
    const auto sizes = TRY(key_sizes_of(proposal));
    const std::size_t size = 2 * (sizes.encr + sizes.integ);
    KeyStream stream(crypto::prf_plus(prf, d.reveal(), {rekey_input(shared_secrets, nonces).reveal()}, size));
    ChildKeys keys;
    for (model::DirectionKeys* direction : {&keys.initiator_to_responder, &keys.responder_to_initiator}) {
        direction->encr = stream.next(sizes.encr);
        direction->integ = stream.next(sizes.integ);
    }
    return keys;
}

Bytes signed_octets(model::Prf prf, ByteView init_message, ByteView peer_nonce, const SecretBytes& sk_p,
                    ByteView id_payload_body, ByteView int_auth) {
    const SecretBytes maced_id = crypto::prf(prf, sk_p.reveal(), {id_payload_body});
    return concat({init_message, peer_nonce, maced_id.reveal(), int_auth});
}

SecretBytes key_pad(model::Prf prf, const SecretBytes& shared_secret) {
    return crypto::prf(prf, shared_secret.reveal(), {bytes_of("Key Pad for IKEv2")});
}

SecretBytes shared_key_mic(model::Prf prf, const SecretBytes& shared_secret, ByteView octets) {
    return crypto::prf(prf, key_pad(prf, shared_secret).reveal(), {octets});
}

Bytes int_auth_step(model::Prf prf, const SecretBytes& sk_p, ByteView previous, ByteView message_octets) {
    return keep(crypto::prf(prf, sk_p.reveal(), {previous, message_octets}).reveal());
}

Bytes int_auth(ByteView last_initiator, ByteView last_responder, std::uint32_t auth_message_id) {
    Bytes octets = concat({last_initiator, last_responder});
    Writer(octets).u32(auth_message_id);
    return octets;
}

}  // namespace cygnet::ike
