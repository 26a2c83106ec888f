// Botan 3, its KEMs: FrodoKEM with AES and with SHAKE, and Classic McEliece where libmceliece is missing.
#include <botan/cmce.h>
#include <botan/frodokem.h>
#include <botan/pubkey.h>
#include <botan/rng.h>
#include <botan/version.h>

#include <exception>

#include "crypto/rows.h"
#include "crypto/seeded_octets.h"

namespace cygnet::crypto {
namespace {

using model::Ke;

std::unexpected<Error> bad_value(Ke method, const std::exception& why) {
    return fail(Errc::bad_value, "KE payload", name_of(method) + ": Botan refuses the peer's value: " + why.what());
}

std::unexpected<Error> library_failure(Ke method, const std::exception& why) {
    return fail(Errc::system, "key exchange", name_of(method) + ": Botan fails: " + why.what());
}

// Botan's functions take a generator; it gives them what follows from our seed.
class SeededGenerator final : public Botan::RandomNumberGenerator {
public:
    SeededGenerator(ByteView seed, SeedUse use) : octets_(seed, use) {}
    bool accepts_input() const override { return false; }
    std::string name() const override { return "seed"; }
    void clear() override {}
    bool is_seeded() const override { return true; }

private:
    void fill_bytes_with_input(std::span<std::uint8_t> output, std::span<const std::uint8_t> /*input*/) override {
        octets_.fill(output);
    }
    SeededOctets octets_;
};

struct Frodo {
    using Public = Botan::FrodoKEM_PublicKey;
    using Private = Botan::FrodoKEM_PrivateKey;
    static Botan::FrodoKEMMode set_of(Ke method) {
        using Botan::FrodoKEMMode;
        switch (method) {
            case Ke::frodokem_640_aes: return FrodoKEMMode::FrodoKEM640_AES;
            case Ke::frodokem_976_aes: return FrodoKEMMode::FrodoKEM976_AES;
            case Ke::frodokem_1344_aes: return FrodoKEMMode::FrodoKEM1344_AES;
            case Ke::frodokem_640_shake: return FrodoKEMMode::FrodoKEM640_SHAKE;
            case Ke::frodokem_976_shake: return FrodoKEMMode::FrodoKEM976_SHAKE;
            default: return FrodoKEMMode::FrodoKEM1344_SHAKE;
        }
    }
    static constexpr SeedUse encapsulation_seed = SeedUse::verbatim;  // u | salt
    static bool has_padding(Ke /*method*/, ByteView /*ciphertext*/) { return false; }
};

struct McEliece {
    using Public = Botan::Classic_McEliece_PublicKey;
    using Private = Botan::Classic_McEliece_PrivateKey;
    static Botan::Classic_McEliece_Parameter_Set set_of(Ke method) {
        using Set = Botan::Classic_McEliece_Parameter_Set;
        switch (method) {
            case Ke::mceliece_348864: return Set::ClassicMcEliece_348864;
            case Ke::mceliece_348864f: return Set::ClassicMcEliece_348864f;
            case Ke::mceliece_460896: return Set::ClassicMcEliece_460896;
            case Ke::mceliece_460896f: return Set::ClassicMcEliece_460896f;
            case Ke::mceliece_6688128: return Set::ClassicMcEliece_6688128;
            case Ke::mceliece_6688128f: return Set::ClassicMcEliece_6688128f;
            case Ke::mceliece_6960119: return Set::ClassicMcEliece_6960119;
            case Ke::mceliece_6960119f: return Set::ClassicMcEliece_6960119f;
            case Ke::mceliece_8192128: return Set::ClassicMcEliece_8192128;
            default: return Set::ClassicMcEliece_8192128f;
        }
    }
    static constexpr SeedUse encapsulation_seed = SeedUse::derived;  // it draws until it has a vector of the right weight
    // Ciphertexts of 13 * 119 bits leave five of the last octet unused: Botan looks at those of public keys alone.
    static bool has_padding(Ke method, ByteView ciphertext) {
        return (method == Ke::mceliece_6960119 || method == Ke::mceliece_6960119f) && (ciphertext.back() & 0xf8) != 0;
    }
};

constexpr const char* no_kdf = "Raw";

// Botan throws; nothing passes the library's file.
template <class Kem>
Result<KePair> pair(Ke method, ByteView seed) try {
    SeededGenerator generator(seed, SeedUse::verbatim);
    const typename Kem::Private key(generator, Kem::set_of(method));
    return KePair{SecretBytes::copy_of(key.raw_private_key_bits()), key.raw_public_key_bits()};
} catch (const std::exception& why) {
    return library_failure(method, why);
}

template <class Kem>
Result<KeAnswer> encapsulate(Ke method, ByteView peer_public, ByteView seed) try {
    const typename Kem::Public key(peer_public, Kem::set_of(method));
    SeededGenerator generator(seed, Kem::encapsulation_seed);
    Botan::PK_KEM_Encryptor encryptor(key, no_kdf);
    KeAnswer answer{Bytes(encryptor.encapsulated_key_length()), SecretBytes(encryptor.shared_key_length(0))};
    encryptor.encrypt(answer.public_value, answer.shared_secret.reveal_for_writing(), generator, 0);
    return answer;
} catch (const std::exception& why) {
    return bad_value(method, why);
}

// A ciphertext that decodes to nothing gives a secret of its own: implicit rejection.
template <class Kem>
Result<SecretBytes> decapsulate(Ke method, ByteView private_value, ByteView ciphertext) try {
    if (Kem::has_padding(method, ciphertext))
        return fail(Errc::bad_value, "KE payload", name_of(method) + ": padding bits of the ciphertext are set");
    const typename Kem::Private key(private_value, Kem::set_of(method));
    SeededGenerator unused({}, SeedUse::derived);
    Botan::PK_KEM_Decryptor decryptor(key, unused, no_kdf);
    SecretBytes secret(decryptor.shared_key_length(0));
    decryptor.decrypt(secret.reveal_for_writing(), ciphertext, 0);
    return secret;
} catch (const std::exception& why) {
    return bad_value(method, why);
}

// Sizes of FrodoKEM's specification, §2.6 and §3: n octets of security, and twice as many of salt and of seedSE.
constexpr KeRow frodo_row(Ke method, std::size_t public_size, std::size_t ciphertext_size, std::size_t n) {
    return {method, {public_size, ciphertext_size, true}, n + 2 * n + 16, pair<Frodo>, nullptr, encapsulate<Frodo>, decapsulate<Frodo>, n + 2 * n};
}
constexpr KeRow mceliece_row(Ke method, std::size_t public_size, std::size_t ciphertext_size) {
    return {method, {public_size, ciphertext_size, true}, 32, pair<McEliece>, nullptr, encapsulate<McEliece>, decapsulate<McEliece>};
}

constexpr KeRow ke_rows[] = {
    frodo_row(Ke::frodokem_640_aes, 9616, 9752, 16),
    frodo_row(Ke::frodokem_976_aes, 15632, 15792, 24),
    frodo_row(Ke::frodokem_1344_aes, 21520, 21696, 32),
    frodo_row(Ke::frodokem_640_shake, 9616, 9752, 16),
    frodo_row(Ke::frodokem_976_shake, 15632, 15792, 24),
    frodo_row(Ke::frodokem_1344_shake, 21520, 21696, 32),
    mceliece_row(Ke::mceliece_348864, 261'120, 96),
    mceliece_row(Ke::mceliece_348864f, 261'120, 96),
    mceliece_row(Ke::mceliece_460896, 524'160, 156),
    mceliece_row(Ke::mceliece_460896f, 524'160, 156),
    mceliece_row(Ke::mceliece_6688128, 1'044'992, 208),
    mceliece_row(Ke::mceliece_6688128f, 1'044'992, 208),
    mceliece_row(Ke::mceliece_6960119, 1'047'319, 194),
    mceliece_row(Ke::mceliece_6960119f, 1'047'319, 194),
    mceliece_row(Ke::mceliece_8192128, 1'357'824, 208),
    mceliece_row(Ke::mceliece_8192128f, 1'357'824, 208),
};

std::string version() { return "Botan " + Botan::short_version_string(); }

}  // namespace

Library botan() { return {.name = "Botan", .version = version, .key_exchanges = ke_rows, .signatures = botan_signatures()}; }

}  // namespace cygnet::crypto
