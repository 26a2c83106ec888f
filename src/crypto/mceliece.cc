// libmceliece: Classic McEliece in all ten parameter sets. The f forms differ in how a key is made, nothing else.
#include <mceliece.h>

#include <algorithm>

#include "crypto/rows.h"
#include "crypto/seeded_octets.h"

namespace cygnet::crypto {
namespace {

using model::Ke;

struct ParameterSet {
    Ke method;
    std::size_t public_size, private_size, ciphertext_size;
    void (*keypair)(unsigned char* public_key, unsigned char* private_key);
    int (*encapsulate)(unsigned char* ciphertext, unsigned char* secret, const unsigned char* public_key);
    int (*decapsulate)(unsigned char* secret, const unsigned char* ciphertext, const unsigned char* private_key);
};
constexpr std::size_t secret_size = 32;

// The library names each set's functions and sizes by the set.
#define CYGNET_PARAMETER_SET(set)                                                                              \
    ParameterSet {                                                                                             \
        Ke::mceliece_##set, mceliece##set##_PUBLICKEYBYTES, mceliece##set##_SECRETKEYBYTES,                    \
            mceliece##set##_CIPHERTEXTBYTES, mceliece##set##_keypair, mceliece##set##_enc, mceliece##set##_dec \
    }
const ParameterSet parameter_sets[] = {
    CYGNET_PARAMETER_SET(348864),  CYGNET_PARAMETER_SET(348864f),  CYGNET_PARAMETER_SET(460896),
    CYGNET_PARAMETER_SET(460896f), CYGNET_PARAMETER_SET(6688128),  CYGNET_PARAMETER_SET(6688128f),
    CYGNET_PARAMETER_SET(6960119), CYGNET_PARAMETER_SET(6960119f), CYGNET_PARAMETER_SET(8192128),
    CYGNET_PARAMETER_SET(8192128f)};
#undef CYGNET_PARAMETER_SET

const ParameterSet& set_of(Ke method) {
    const auto* set = std::ranges::find(parameter_sets, method, &ParameterSet::method);
    ASSERT(set != std::end(parameter_sets));
    return *set;
}

std::unexpected<Error> bad_value(Ke method, const char* what) {
    return fail(Errc::bad_value, "KE payload", name_of(method) + ": " + what);
}

// What the library gets for random octets while one of its functions runs in this thread.
thread_local SeededOctets* seeded = nullptr;

class Seeded {
public:
    Seeded(ByteView seed, SeedUse use) : octets_(seed, use) { seeded = &octets_; }
    Seeded(const Seeded&) = delete;
    Seeded& operator=(const Seeded&) = delete;
    ~Seeded() { seeded = nullptr; }

private:
    SeededOctets octets_;
};

// Its first 32 random octets are the seed of Classic McEliece's SeededKeyGen.
Result<KePair> pair(Ke method, ByteView seed) {
    const ParameterSet& set = set_of(method);
    KePair made{SecretBytes(set.private_size), Bytes(set.public_size)};
    const Seeded octets(seed, SeedUse::verbatim);
    set.keypair(made.public_value.data(), made.private_value.reveal_for_writing().data());
    return made;
}

// It draws until it has a vector of the right weight.
Result<KeAnswer> encapsulate(Ke method, ByteView peer_public, ByteView seed) {
    const ParameterSet& set = set_of(method);
    KeAnswer answer{Bytes(set.ciphertext_size), SecretBytes(secret_size)};
    const Seeded octets(seed, SeedUse::derived);
    if (set.encapsulate(answer.public_value.data(), answer.shared_secret.reveal_for_writing().data(), peer_public.data()) != 0)
        return bad_value(method, "padding bits of the peer's public key are set");
    return answer;
}

// A ciphertext that decodes to nothing gives a secret of its own (implicit rejection); whether padding bits are set, everyone sees.
Result<SecretBytes> decapsulate(Ke method, ByteView private_value, ByteView ciphertext) {
    const ParameterSet& set = set_of(method);
    SecretBytes secret(secret_size);
    if (set.decapsulate(secret.reveal_for_writing().data(), ciphertext.data(), private_value.data()) != 0)
        return bad_value(method, "padding bits of the ciphertext are set");
    return secret;
}

std::vector<KeRow> make_rows() {
    std::vector<KeRow> rows;
    for (const ParameterSet& set : parameter_sets)
        rows.push_back({.method = set.method,
                        .shape = {set.public_size, set.ciphertext_size, true},
                        .seed_size = 32,
                        .pair = pair,
                        .encapsulate = encapsulate,
                        .decapsulate = decapsulate});
    return rows;
}

std::string version() { return "libmceliece " + std::string(mceliece_version); }

}  // namespace

Library mceliece() {
    static const std::vector<KeRow> rows = make_rows();
    return {.name = "libmceliece", .version = version, .key_exchanges = rows};
}

}  // namespace cygnet::crypto

// The one function that the library leaves to who links it.
extern "C" void randombytes_internal_void_voidstar_longlong(void* out, long long size) {
    using namespace cygnet;
    const MutableByteView octets{static_cast<std::uint8_t*>(out), static_cast<std::size_t>(size)};
    if (crypto::seeded)
        crypto::seeded->fill(octets);
    else
        crypto::fill_random(octets);
}
