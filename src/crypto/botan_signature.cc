// Botan 3: SLH-DSA, FIPS 205.
#include <botan/pubkey.h>
#include <botan/rng.h>
#include <botan/slh_dsa.h>

#include <exception>

#include "crypto/public_key.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

// Botan's own generator is not built: it takes what the operating system gives.
class SystemOctets final : public Botan::RandomNumberGenerator {
public:
    bool accepts_input() const override { return false; }
    std::string name() const override { return "system"; }
    void clear() override {}
    bool is_seeded() const override { return true; }

private:
    void fill_bytes_with_input(std::span<std::uint8_t> output, std::span<const std::uint8_t> /*input*/) override {
        fill_random(output);
    }
};

Botan::SLH_DSA_Parameters parameters_of(KeyType type) {
    using Set = Botan::SLH_DSA_Parameter_Set;
    constexpr Set sets[] = {Set::SLHDSA128Small, Set::SLHDSA128Fast, Set::SLHDSA192Small,
                            Set::SLHDSA192Fast,  Set::SLHDSA256Small, Set::SLHDSA256Fast};
    // KeyType has them in this order, first with SHA-2, then with SHAKE.
    const auto place = static_cast<std::size_t>(type) - static_cast<std::size_t>(KeyType::slh_dsa_sha2_128s);
    const bool sha2 = place < std::size(sets);
    return Botan::SLH_DSA_Parameters::create(sets[sha2 ? place : place - std::size(sets)],
                                             sha2 ? Botan::SLH_DSA_Hash_Type::Sha256 : Botan::SLH_DSA_Hash_Type::Shake256);
}

std::unexpected<Error> refuse(const char* where, const std::exception& why) {
    return fail(Errc::bad_value, where, std::string("Botan refuses it: ") + why.what());
}

Result<KeyObject> read_public(ByteView spki) try {
    const PublicKeyFacts facts = TRY(read_public_key_facts(spki));
    return KeyObject(std::make_shared<const Botan::SLH_DSA_PublicKey>(facts.key_bits, parameters_of(facts.type)));
} catch (const std::exception& why) {
    return refuse("public key", why);
}

// The root in the key must be that of its seeds: as much work as making a key, once.
Result<KeyObject> read_private(ByteView pkcs8) try {
    const PostQuantumKey file = TRY(read_post_quantum_key(pkcs8));
    auto key = std::make_shared<const Botan::SLH_DSA_PrivateKey>(file.expanded.reveal(), parameters_of(file.type));
    SystemOctets random;
    if (!key->check_key(random, true)) return fail(Errc::bad_value, "private key", "its root is not that of its seeds");
    return KeyObject(std::move(key));
} catch (const std::exception& why) {
    return refuse("private key", why);
}

Result<Bytes> public_of(const void* key) {
    return static_cast<const Botan::SLH_DSA_PrivateKey*>(key)->raw_public_key_bits();
}

// pqc-auth §6: hedged, in pure mode, with an empty context.
Result<Bytes> sign_with(const void* key, const SignatureScheme& scheme, ByteView data) try {
    SystemOctets random;
    Botan::PK_Signer signer(*static_cast<const Botan::SLH_DSA_PrivateKey*>(key), random, "Randomized");
    return signer.sign_message(data, random);
} catch (const std::exception& why) {
    return fail(Errc::system, "signature", "Botan failed to sign with " + scheme.text() + ": " + why.what());
}

bool verify_with(const void* key, const SignatureScheme& /*scheme*/, ByteView data, ByteView signature) try {
    Botan::PK_Verifier verifier(*static_cast<const Botan::SLH_DSA_PublicKey*>(key), "");
    return verifier.verify_message(data, signature);
} catch (const std::exception&) {
    return false;
}

constexpr SignatureRow row(KeyType type) {
    return {type, read_public, read_private, sign_with, verify_with, public_of};
}
constexpr SignatureRow rows[] = {
    row(KeyType::slh_dsa_sha2_128s),  row(KeyType::slh_dsa_sha2_128f),  row(KeyType::slh_dsa_sha2_192s),
    row(KeyType::slh_dsa_sha2_192f),  row(KeyType::slh_dsa_sha2_256s),  row(KeyType::slh_dsa_sha2_256f),
    row(KeyType::slh_dsa_shake_128s), row(KeyType::slh_dsa_shake_128f), row(KeyType::slh_dsa_shake_192s),
    row(KeyType::slh_dsa_shake_192f), row(KeyType::slh_dsa_shake_256s), row(KeyType::slh_dsa_shake_256f),
};

}  // namespace

std::span<const SignatureRow> botan_signatures() { return rows; }

}  // namespace cygnet::crypto
