#include "ike/keys.h"

#include <gtest/gtest.h>

#include "ike/nat.h"

namespace cygnet::ike {
namespace {

Bytes octets(std::string_view text) { return from_hex(text).value(); }

// The first case of the published ACVP sample for IKEv2 with SHA-1 (kdf-components, ikev2): SKEYSEED, the derived
// keying material of the IKE SA, of a child without and with a new key exchange, and the SKEYSEED of a rekey.
const Bytes shared_secret = octets("4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52");
const Bytes new_shared_secret = octets("863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330");
const Bytes nonce_i = octets("32b50d5f4a3763f3");
const Bytes nonce_r = octets("9206a04b26564cb1");
const Nonces nonces{nonce_i, nonce_r};
const Spis spis{.initiator = 0x34c9e7c188868785, .responder = 0x3ff77d760d2b2199};
const std::string keying_material =
    "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e992204fc5a670bde3f1"
    "0d6b027113936a"
    "5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd11198af1670b143d384bd275c5f594cf266b05ebadca855e424952"
    "0a441a81157435"
    "a7a56cc4";
const std::string child_material =
    "8059e3ee8810e6c3a91bc8bcd2a7a41151b8d0e6ae239c7b38093ad85ef4c5811a8e7b5d1cdabd9560b2d5e092d1f24e2d4b85eccdf0ad0dc9"
    "abd94b51ee7181";
const std::string child_material_with_ke =
    "bb43244c1860ad65ee1e211ffe8bb3661750c8f89cb9f547df7f4fa61d37301628190e38c66232eab4b3ab14c400a5197dd3730ed4820a8a10"
    "394d51e1c04000";

model::ChosenProposal sha1_proposal() {
    model::ChosenProposal proposal;
    proposal.encr = model::Encr::aes_gcm_16;
    proposal.key_bits = 128;
    proposal.prf = model::Prf::hmac_sha1;
    return proposal;
}

std::string joined(std::initializer_list<const SecretBytes*> keys) {
    std::string text;
    for (const SecretBytes* key : keys) text += hex(key->reveal());
    return text;
}

TEST(Keys, OfIkeSaInitFollowTheAcvpSample) {
    const IkeKeys keys = initial_keys(sha1_proposal(), shared_secret, nonces, spis);
    const std::string text = joined({&keys.d, &keys.ai, &keys.ar, &keys.ei, &keys.er, &keys.pi, &keys.pr});
    EXPECT_EQ(text, keying_material.substr(0, text.size()));
    EXPECT_EQ(keys.d.size(), 20U);
    EXPECT_EQ(keys.ai.size(), 0U);   // RFC 5282 §7: no SK_a with an AEAD.
    EXPECT_EQ(keys.ei.size(), 20U);  // 16 octets of key and 4 of salt.
}

// RFC 7296 §2.17 [80]: KEYMAT.
TEST(Keys, OfChildrenFollowTheAcvpSample) {
    const SecretBytes d = SecretBytes::copy_of(octets(keying_material.substr(0, 40)));
    const auto plain = child_keys(model::Prf::hmac_sha1, d, sha1_proposal(), {}, nonces);
    ASSERT_TRUE(plain);
    EXPECT_EQ(joined({&plain->initiator_to_responder.encr, &plain->responder_to_initiator.encr}),
              child_material.substr(0, 80));
    const SecretBytes secrets[] = {SecretBytes::copy_of(new_shared_secret)};
    const auto with_ke = child_keys(model::Prf::hmac_sha1, d, sha1_proposal(), secrets, nonces);
    ASSERT_TRUE(with_ke);
    EXPECT_EQ(joined({&with_ke->initiator_to_responder.encr, &with_ke->responder_to_initiator.encr}),
              child_material_with_ke.substr(0, 80));
}

// RFC 9370 §2.2.2 [157]: new keys after each.
TEST(Keys, ChangeWithEveryAdditionalKeyExchange) {
    const IkeKeys first = initial_keys(sha1_proposal(), shared_secret, nonces, spis);
    const IkeKeys second = keys_after_intermediate(sha1_proposal(), first.d, new_shared_secret, nonces, spis);
    EXPECT_FALSE(second.d.equals(first.d.reveal()));
    EXPECT_FALSE(second.ei.equals(first.ei.reveal()));
}

TEST(Keys, OfARekeyDependOnEverySharedSecretInOrder) {
    const SecretBytes d = SecretBytes::copy_of(octets(keying_material.substr(0, 40)));
    const SecretBytes one[] = {SecretBytes::copy_of(shared_secret)};
    const SecretBytes two[] = {SecretBytes::copy_of(shared_secret), SecretBytes::copy_of(new_shared_secret)};
    const SecretBytes swapped[] = {SecretBytes::copy_of(new_shared_secret), SecretBytes::copy_of(shared_secret)};
    const auto key = [&](std::span<const SecretBytes> secrets) {
        return hex(keys_after_rekey(model::Prf::hmac_sha1, d, sha1_proposal(), secrets, nonces, spis).d.reveal());
    };
    EXPECT_NE(key(one), key(two));
    EXPECT_NE(key(two), key(swapped));
}

// RFC 9242 §3.3.2 [152]: both directions and the ID of IKE_AUTH.
TEST(Keys, IntAuthChainsItsStepsAndEndsWithTheMessageId) {
    const SecretBytes p = SecretBytes::copy_of(Bytes(32, 3));
    const Bytes first = int_auth_step(model::Prf::hmac_sha2_256, p, {}, Bytes(40, 1));
    const Bytes second = int_auth_step(model::Prf::hmac_sha2_256, p, first, Bytes(40, 1));
    EXPECT_NE(first, second);
    const Bytes whole = int_auth(second, first, 3);
    ASSERT_EQ(whole.size(), 68U);
    EXPECT_EQ(hex(ByteView(whole).last(4)), "00000003");
}

// RFC 7296 §2.23 [128]: SHA-1 of SPIs, address and port.
TEST(NatDetection, HashDependsOnSpisAddressAndPort) {
    const model::Endpoint endpoint{.address = model::IpAddress::v4(0xc0000201), .port = 500};
    const NatHash hash = nat_detection_hash(spis, endpoint);
    EXPECT_EQ(hash, nat_detection_hash(spis, endpoint));
    EXPECT_NE(hash, nat_detection_hash(spis, {.address = endpoint.address, .port = 4500}));
    EXPECT_NE(hash, nat_detection_hash({.initiator = spis.initiator}, endpoint));
}

}  // namespace
}  // namespace cygnet::ike
