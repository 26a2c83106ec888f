// The key derivation of RFC 7296 §2.14, §2.17 and §2.18 over NIST's vectors, with the PRFs alone.
#include <gtest/gtest.h>

#include "crypto/prf.h"
#include "tests/vectors/json_file.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;
using model::Prf;

std::filesystem::path kdf_file(const char* name) { return shared_folder() / "kdf" / name; }

Prf prf_of(std::string_view name) {
    if (name == "HMAC_SHA2_256" || name == "sha256") return Prf::hmac_sha2_256;
    if (name == "HMAC_SHA2_384" || name == "sha384") return Prf::hmac_sha2_384;
    if (name == "HMAC_SHA2_512" || name == "sha512") return Prf::hmac_sha2_512;
    return Prf::hmac_sha1;
}

TEST(Kdf, CavpValues) {
    const auto path = kdf_file("ikev2-kdf-cavp.json");
    NEED_FILE(path, "the folder of shared vectors");
    const Json file = read_json(path);
    for (const Json& each : file.at("vectors")) {
        SCOPED_TRACE(each.at("name").get<std::string>());
        const Prf which = prf_of(each.at("prf").get<std::string>());
        const Bytes key = octets(each.at("key").get<std::string>()), seed = octets(each.at("seed").get<std::string>());
        const Bytes out = octets(each.at("out").get<std::string>());
        const SecretBytes computed =
            each.at("kind") == "prf+" ? prf_plus(which, key, {seed}, out.size()) : prf(which, seed, {key});
        EXPECT_EQ(hex(computed.reveal()), hex(out));
    }
}

struct Exchange {
    Bytes initiator_nonce, responder_nonce, initiator_spi, responder_spi, secret, new_secret;
};

void check_exchange(Prf which, const Exchange& in, const Json& out) {
    const auto expected = [&](const char* name) { return octets(out.at(name).get<std::string>()); };
    // SKEYSEED = prf(Ni | Nr, g^ir); keys = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr).
    const SecretBytes seed = prf(which, concat({in.initiator_nonce, in.responder_nonce}), {in.secret});
    EXPECT_EQ(hex(seed.reveal()), hex(expected("sKeySeed")));
    const Bytes keys = expected("derivedKeyingMaterial");
    const SecretBytes derived =
        prf_plus(which, seed.reveal(), {in.initiator_nonce, in.responder_nonce, in.initiator_spi, in.responder_spi},
                 keys.size());
    EXPECT_EQ(hex(derived.reveal()), hex(keys));
    // SK_d comes first: KEYMAT = prf+(SK_d, Ni | Nr), or with g^ir (new) before the nonces.
    const ByteView sk_d = derived.reveal().first(prf_size(which));
    const Bytes child = expected("derivedKeyingMaterialChild"), child_ke = expected("derivedKeyingMaterialDh");
    EXPECT_EQ(hex(prf_plus(which, sk_d, {in.initiator_nonce, in.responder_nonce}, child.size()).reveal()), hex(child));
    EXPECT_EQ(
        hex(prf_plus(which, sk_d, {in.new_secret, in.initiator_nonce, in.responder_nonce}, child_ke.size()).reveal()),
        hex(child_ke));
    // A rekeyed IKE SA: SKEYSEED = prf(SK_d, g^ir (new) | Ni | Nr).
    EXPECT_EQ(hex(prf(which, sk_d, {in.new_secret, in.initiator_nonce, in.responder_nonce}).reveal()),
              hex(expected("sKeySeedReKey")));
}

Exchange exchange_of(const Json& in) {
    const auto field = [&](const char* name) { return octets(in.at(name).get<std::string>()); };
    return {field("nInit"), field("nResp"), field("spiInit"), field("spiResp"), field("gir"), field("girNew")};
}

TEST(Kdf, AcvpPrompts) {
    const auto path = kdf_file("ikev2-kdf-acvp-prompts.json");
    NEED_FILE(path, "the folder of shared vectors");
    const Json file = read_json(path);
    for (const Json& each : file.at("vectors"))
        check_exchange(prf_of(each.at("hash").get<std::string>()), exchange_of(each), each);
}

TEST(Kdf, AcvpSample) {
    const auto path = kdf_file("acvp-sample-ikev2-sha1.json");
    NEED_FILE(path, "the folder of shared vectors");
    const Json file = read_json(path);
    check_exchange(Prf::hmac_sha1, exchange_of(file.at("input")), file.at("answer"));
}

}  // namespace
}  // namespace cygnet::vectors
