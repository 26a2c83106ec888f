// OpenSSL: X25519, ECP and MODP groups, and ML-KEM from version 3.5. The groups work on points and
// numbers directly: a key object per value would cost more than the arithmetic saves in code.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include <fmt/format.h>

#include "crypto/handle.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using model::Ke;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Number = Handle<BIGNUM, BN_clear_free>;
using NumberContext = Handle<BN_CTX, BN_CTX_free>;
using Montgomery = Handle<BN_MONT_CTX, BN_MONT_CTX_free>;
using Group = Handle<EC_GROUP, EC_GROUP_free>;
using Point = Handle<EC_POINT, EC_POINT_clear_free>;

std::unexpected<Error> bad_value(Ke method, const char* why) {
    ERR_clear_error();
    return fail(Errc::bad_value, "KE payload", fmt::format("{}: {}", name_of(method), why));
}
std::unexpected<Error> library_failure(Ke method, const char* call) {
    ERR_clear_error();
    return fail(Errc::system, "key exchange", fmt::format("{}: OpenSSL failed in {}", name_of(method), call));
}

int size_as_int(std::size_t size) { return static_cast<int>(size); }

// X25519, RFC 7748 and RFC 8031.

const EVP_PKEY* x25519_base_key(ByteView octets, bool is_private, Key& holder) {
    holder.reset(is_private ? EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, octets.data(), octets.size())
                            : EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, octets.data(), octets.size()));
    return holder.get();
}

Result<KePair> x25519_pair(Ke method, ByteView seed) {
    Key key;
    KePair pair{SecretBytes::copy_of(seed), Bytes(32)};
    std::size_t size = pair.public_value.size();
    if (!x25519_base_key(seed, true, key) || !EVP_PKEY_get_raw_public_key(key.get(), pair.public_value.data(), &size))
        return library_failure(method, "EVP_PKEY_new_raw_private_key");
    return pair;
}

Result<SecretBytes> x25519_agree(Ke method, ByteView private_value, ByteView peer_public) {
    Key own, peer;
    if (!x25519_base_key(private_value, true, own) || !x25519_base_key(peer_public, false, peer))
        return library_failure(method, "EVP_PKEY_new_raw_public_key");
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
    SecretBytes secret(32);
    std::size_t size = secret.size();
    if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0) != 1)
        return library_failure(method, "EVP_PKEY_derive_set_peer_ex");
    // RFC 8031 §2, RFC 7748 §6.1: a result of zeros comes from a point of small order.
    if (EVP_PKEY_derive(context.get(), secret.reveal_for_writing().data(), &size) != 1)
        return bad_value(method, "the peer's value has small order");
    return secret;
}

// ECP groups, RFC 5903: x | y on the wire, x alone is the shared secret.

struct Curve {
    Group group;
    std::size_t size = 0;  // of a coordinate and of a private value
};

const Curve& curve_of(Ke method) {
    const auto make = [](int nid, std::size_t size) {
        Curve curve{Group(EC_GROUP_new_by_curve_name(nid)), size};
        ASSERT(curve.group);
        return curve;
    };
    static const Curve p256 = make(NID_X9_62_prime256v1, 32);
    static const Curve p384 = make(NID_secp384r1, 48);
    static const Curve p521 = make(NID_secp521r1, 66);
    return method == Ke::ecp_256 ? p256 : method == Ke::ecp_384 ? p384 : p521;
}

Result<KePair> ecp_pair(Ke method, ByteView seed) {
    const Curve& curve = curve_of(method);
    SecretBytes value = SecretBytes::copy_of(seed);
    // 521 bits in 66 octets: the upper seven bits are none of the number.
    if (method == Ke::ecp_521) value.reveal_for_writing()[0] &= 1;
    const NumberContext numbers(BN_CTX_secure_new());
    const Number scalar(BN_bin2bn(value.reveal().data(), size_as_int(value.size()), nullptr));
    const Point point(EC_POINT_new(curve.group.get()));
    if (!numbers || !scalar || !point) return library_failure(method, "BN_bin2bn");
    if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(curve.group.get())) >= 0)
        return bad_value(method, "the private value is out of range");
    BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
    std::array<std::uint8_t, 1 + 2 * 66> encoded;
    const std::size_t size = 1 + 2 * curve.size;
    if (!EC_POINT_mul(curve.group.get(), point.get(), scalar.get(), nullptr, nullptr, numbers.get()) ||
        EC_POINT_point2oct(curve.group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(), size,
                           numbers.get()) != size)
        return library_failure(method, "EC_POINT_mul");
    return KePair{std::move(value), Bytes(encoded.begin() + 1, encoded.begin() + static_cast<std::ptrdiff_t>(size))};
}

Result<SecretBytes> ecp_agree(Ke method, ByteView private_value, ByteView peer_public) {
    const Curve& curve = curve_of(method);
    const EC_GROUP* group = curve.group.get();
    const NumberContext numbers(BN_CTX_secure_new());
    const Number scalar(BN_bin2bn(private_value.data(), size_as_int(private_value.size()), nullptr));
    const Number x(BN_secure_new());
    const Point peer(EC_POINT_new(group)), shared(EC_POINT_new(group));
    if (!numbers || !scalar || !x || !peer || !shared) return library_failure(method, "EC_POINT_new");
    BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);

    std::array<std::uint8_t, 1 + 2 * 66> encoded{POINT_CONVERSION_UNCOMPRESSED};
    std::ranges::copy(peer_public, encoded.begin() + 1);
    // RFC 6989 §2.3: both coordinates below the prime and the point on the curve. The cofactor is 1, so
    // every such point but infinity, which has no such encoding, generates the whole group.
    if (!EC_POINT_oct2point(group, peer.get(), encoded.data(), 1 + peer_public.size(), numbers.get()))
        return bad_value(method, "the peer's point is not on the curve");
    SecretBytes secret(curve.size);
    if (!EC_POINT_mul(group, shared.get(), nullptr, peer.get(), scalar.get(), numbers.get()) ||
        !EC_POINT_get_affine_coordinates(group, shared.get(), x.get(), nullptr, numbers.get()) ||
        BN_bn2binpad(x.get(), secret.reveal_for_writing().data(), size_as_int(secret.size())) < 0)
        return library_failure(method, "EC_POINT_mul");
    return secret;
}

// MODP groups, RFC 3526: all values as long as the prime, with leading zeros.

struct Modp {
    Number prime;
    Number prime_minus_one;
    Montgomery montgomery;
    std::size_t size = 0;
};

const Modp& modp_of(Ke method) {
    const auto make = [](BIGNUM* (*prime)(BIGNUM*)) {
        const NumberContext numbers(BN_CTX_new());
        Modp group{Number(prime(nullptr)), Number(BN_new()), Montgomery(BN_MONT_CTX_new())};
        ASSERT(group.prime && BN_copy(group.prime_minus_one.get(), group.prime.get()) &&
               BN_sub_word(group.prime_minus_one.get(), 1) &&
               BN_MONT_CTX_set(group.montgomery.get(), group.prime.get(), numbers.get()));
        group.size = static_cast<std::size_t>(BN_num_bytes(group.prime.get()));
        return group;
    };
    static const Modp modp_2048 = make(BN_get_rfc3526_prime_2048);
    static const Modp modp_3072 = make(BN_get_rfc3526_prime_3072);
    static const Modp modp_4096 = make(BN_get_rfc3526_prime_4096);
    return method == Ke::modp_2048 ? modp_2048 : method == Ke::modp_3072 ? modp_3072 : modp_4096;
}

// base ^ private_value mod p, in constant time.
Result<SecretBytes> modp_power(Ke method, const BIGNUM* base, ByteView private_value) {
    const Modp& group = modp_of(method);
    const NumberContext numbers(BN_CTX_secure_new());
    const Number exponent(BN_bin2bn(private_value.data(), size_as_int(private_value.size()), nullptr));
    const Number power(BN_secure_new());
    SecretBytes out(group.size);
    if (!numbers || !exponent || !power) return library_failure(method, "BN_bin2bn");
    BN_set_flags(exponent.get(), BN_FLG_CONSTTIME);
    if (!BN_mod_exp_mont_consttime(power.get(), base, exponent.get(), group.prime.get(), numbers.get(),
                                   group.montgomery.get()) ||
        BN_bn2binpad(power.get(), out.reveal_for_writing().data(), size_as_int(out.size())) < 0)
        return library_failure(method, "BN_mod_exp_mont_consttime");
    return out;
}

Result<KePair> modp_pair(Ke method, ByteView seed) {
    SecretBytes value = SecretBytes::copy_of(seed);
    // The length of the exponent must not vary: its highest bit is set.
    value.reveal_for_writing()[0] |= 0x80;
    const Number generator(BN_new());
    if (!generator || !BN_set_word(generator.get(), 2)) return library_failure(method, "BN_set_word");
    const SecretBytes power = TRY(modp_power(method, generator.get(), value.reveal()));
    return KePair{std::move(value), keep(power.reveal())};
}

Result<SecretBytes> modp_agree(Ke method, ByteView private_value, ByteView peer_public) {
    const Modp& group = modp_of(method);
    const Number peer(BN_bin2bn(peer_public.data(), size_as_int(peer_public.size()), nullptr));
    if (!peer) return library_failure(method, "BN_bin2bn");
    // RFC 6989 §2.1: 1 < r < p - 1; these groups have safe primes, so nothing more is needed.
    if (BN_is_zero(peer.get()) || BN_is_one(peer.get()) || BN_cmp(peer.get(), group.prime_minus_one.get()) >= 0)
        return bad_value(method, "the peer's value is not between 1 and p - 1");
    return modp_power(method, peer.get(), private_value);
}

#if OPENSSL_VERSION_NUMBER >= 0x30500000L
// ML-KEM, FIPS 203. The private value that we keep is the expanded decapsulation key.

const char* ml_kem_name(Ke method) {
    return method == Ke::ml_kem_512 ? "ML-KEM-512" : method == Ke::ml_kem_768 ? "ML-KEM-768" : "ML-KEM-1024";
}

Key ml_kem_key(Ke method, const char* parameter, int selection, ByteView octets) {
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, ml_kem_name(method), nullptr));
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(parameter, const_cast<std::uint8_t*>(octets.data()), octets.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* key = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, selection, const_cast<OSSL_PARAM*>(parameters)) != 1)
        return nullptr;
    return Key(key);
}

Result<KePair> ml_kem_pair(Ke method, ByteView seed) {
    const Key key = ml_kem_key(method, OSSL_PKEY_PARAM_ML_KEM_SEED, EVP_PKEY_KEYPAIR, seed);
    if (!key) return library_failure(method, "EVP_PKEY_fromdata");
    std::size_t public_size = 0, private_size = 0;
    EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0, &public_size);
    EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, nullptr, 0, &private_size);
    KePair pair{SecretBytes(private_size), Bytes(public_size)};
    if (EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, pair.public_value.data(), public_size,
                                        nullptr) != 1 ||
        EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY,
                                        pair.private_value.reveal_for_writing().data(), private_size, nullptr) != 1)
        return library_failure(method, "EVP_PKEY_get_octet_string_param");
    return pair;
}

Result<KeAnswer> ml_kem_encapsulate(Ke method, ByteView peer_public, ByteView seed) {
    // FIPS 203 §7.2: reading the key checks that every coefficient is below the modulus.
    const Key key = ml_kem_key(method, OSSL_PKEY_PARAM_PUB_KEY, EVP_PKEY_PUBLIC_KEY, peer_public);
    if (!key) return bad_value(method, "the peer's encapsulation key fails the modulus check");
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME, const_cast<std::uint8_t*>(seed.data()), seed.size()),
        OSSL_PARAM_construct_end()};
    std::size_t ciphertext_size = 0, secret_size = 0;
    if (!context || EVP_PKEY_encapsulate_init(context.get(), parameters) != 1 ||
        EVP_PKEY_encapsulate(context.get(), nullptr, &ciphertext_size, nullptr, &secret_size) != 1)
        return library_failure(method, "EVP_PKEY_encapsulate_init");
    KeAnswer answer{Bytes(ciphertext_size), SecretBytes(secret_size)};
    if (EVP_PKEY_encapsulate(context.get(), answer.public_value.data(), &ciphertext_size,
                             answer.shared_secret.reveal_for_writing().data(), &secret_size) != 1)
        return library_failure(method, "EVP_PKEY_encapsulate");
    return answer;
}

Result<SecretBytes> ml_kem_decapsulate(Ke method, ByteView private_value, ByteView ciphertext) {
    const Key key = ml_kem_key(method, OSSL_PKEY_PARAM_PRIV_KEY, EVP_PKEY_KEYPAIR, private_value);
    if (!key) return library_failure(method, "EVP_PKEY_fromdata");
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    SecretBytes secret(32);
    std::size_t size = secret.size();
    if (!context || EVP_PKEY_decapsulate_init(context.get(), nullptr) != 1 ||
        EVP_PKEY_decapsulate(context.get(), secret.reveal_for_writing().data(), &size, ciphertext.data(),
                             ciphertext.size()) != 1)
        return library_failure(method, "EVP_PKEY_decapsulate");
    return secret;
}
#endif

// Exponents are about twice as long as the strength that RFC 3526 §8 gives the groups.
constexpr KeRow rows[] = {
    {Ke::modp_2048, {256, 256}, 32, modp_pair, modp_agree},
    {Ke::modp_3072, {384, 384}, 36, modp_pair, modp_agree},
    {Ke::modp_4096, {512, 512}, 44, modp_pair, modp_agree},
    {Ke::ecp_256, {64, 64}, 32, ecp_pair, ecp_agree},
    {Ke::ecp_384, {96, 96}, 48, ecp_pair, ecp_agree},
    {Ke::ecp_521, {132, 132}, 66, ecp_pair, ecp_agree},
    {Ke::curve25519, {32, 32}, 32, x25519_pair, x25519_agree},
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
    {Ke::ml_kem_512, {800, 768, true}, 64, ml_kem_pair, nullptr, ml_kem_encapsulate, ml_kem_decapsulate},
    {Ke::ml_kem_768, {1184, 1088, true}, 64, ml_kem_pair, nullptr, ml_kem_encapsulate, ml_kem_decapsulate},
    {Ke::ml_kem_1024, {1568, 1568, true}, 64, ml_kem_pair, nullptr, ml_kem_encapsulate, ml_kem_decapsulate},
#endif
};

}  // namespace

std::span<const KeRow> openssl_key_exchanges() { return rows; }

}  // namespace cygnet::crypto
