#include "crypto/signature.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/der.h"
#include "crypto/prf.h"
#include "crypto/public_key.h"
#include "crypto/rows.h"

namespace cygnet::crypto {

using model::AuthMethod;
using model::SignatureHash;
using Kind = SignatureScheme::Kind;

struct PublicKey::Impl {
    KeyType type;
    unsigned bits;
    Bytes spki, key_id, spki_hash;
    const SignatureRow* row;
    KeyObject object;
};

struct PrivateKey::Impl {
    PublicKey public_key;
    const SignatureRow* row;
    KeyObject object;
};

namespace {

bool is_ecdsa(KeyType type) {
    return type == KeyType::ecdsa_256 || type == KeyType::ecdsa_384 || type == KeyType::ecdsa_521;
}

// RFC 8247 §3.2: no SHA-1 in new signatures; RFC 8420 §2: the Edwards curves hash by themselves.
Result<> check_fit(KeyType type, const SignatureScheme& scheme) {
    const bool identity = scheme.hash == SignatureHash::identity;
    bool fits = false;
    switch (scheme.kind) {
        case Kind::rsa_pkcs1:
        case Kind::rsa_pss: fits = type == KeyType::rsa && !identity; break;
        case Kind::ecdsa: fits = is_ecdsa(type) && !identity; break;
        default: fits = one_way_of(scheme.kind)->type == type && identity; break;
    }
    if (fits && scheme.hash != SignatureHash::sha1) return {};
    return fail(Errc::unsupported, "signature",
                fmt::format("{} is not acceptable with an {} key", scheme.text(), name_of(type)));
}

Result<const SignatureRow*> row_of(KeyType type) {
    if (const SignatureRow* row = best_signature(type)) return row;
    return fail(Errc::unsupported, "key", fmt::format("no library of this build computes {}", name_of(type)));
}

std::unexpected<Error> does_not_verify() {
    return fail(Errc::authentication, "signature", "the signature does not verify");
}

}  // namespace

std::string_view name_of(KeyType type) {
    switch (type) {
        case KeyType::rsa: return "RSA";
        case KeyType::ecdsa_256: return "ECDSA-256";
        case KeyType::ecdsa_384: return "ECDSA-384";
        case KeyType::ecdsa_521: return "ECDSA-521";
        default: return one_way_of(type)->name;
    }
}

bool is_post_quantum(KeyType type) { return type >= KeyType::ml_dsa_44; }
bool supports(KeyType type) { return best_signature(type) != nullptr; }
bool hashes_itself(Kind kind) { return one_way_of(kind) != nullptr; }

std::string SignatureScheme::text() const {
    switch (kind) {
        case Kind::rsa_pkcs1: return "RSA with " + name_of(hash);
        case Kind::rsa_pss: return "RSA-PSS with " + name_of(hash);
        case Kind::ecdsa: return "ECDSA with " + name_of(hash);
        default: return one_way_of(kind)->name;
    }
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
    const PublicKeyFacts facts = TRY(read_public_key_facts(der));
    const SignatureRow* row = TRY(row_of(facts.type));
    KeyObject object = TRY(row->read_public(der));
    const auto key_id = sha1({facts.key_bits});
    const auto spki_hash = sha1({der});
    return PublicKey(std::make_shared<const Impl>(
        Impl{facts.type, facts.bits, keep(der), keep(key_id), keep(spki_hash), row, std::move(object)}));
}

KeyType PublicKey::type() const { return impl_->type; }
unsigned PublicKey::bits() const { return impl_->bits; }
const Bytes& PublicKey::spki() const { return impl_->spki; }
const Bytes& PublicKey::key_id() const { return impl_->key_id; }
const Bytes& PublicKey::spki_hash() const { return impl_->spki_hash; }

// ML-DSA and SLH-DSA. What stands beside the key in the file must belong to it.
Result<PrivateKey> PrivateKey::parse_post_quantum(ByteView pkcs8) {
    const PostQuantumKey file = TRY(read_post_quantum_key(pkcs8));
    const SignatureRow* row = TRY(row_of(file.type));
    KeyObject object = TRY(row->read_private(pkcs8));
    const Bytes public_octets = TRY(row->public_of(object.get()));
    if (!file.public_key.empty() && file.public_key != public_octets)
        return fail(Errc::bad_value, "private key", "the public key in the file is not its own");
    PublicKey public_key = TRY(PublicKey::from_spki(post_quantum_spki(file.type, public_octets)));
    return PrivateKey(std::make_shared<const Impl>(Impl{std::move(public_key), row, std::move(object)}));
}

Result<PrivateKey> PrivateKey::parse(ByteView pem_or_der) {
    if (const auto pkcs8 = post_quantum_pkcs8(pem_or_der)) return parse_post_quantum(pkcs8->reveal());
    const KeyFile file = TRY(openssl_read_private_key(pem_or_der));
    PublicKey public_key = TRY(PublicKey::from_spki(file.spki));
    const SignatureRow* row = TRY(row_of(public_key.type()));
    KeyObject object = TRY(row->read_private(file.pkcs8.reveal()));
    return PrivateKey(std::make_shared<const Impl>(Impl{std::move(public_key), row, std::move(object)}));
}

PublicKey PrivateKey::public_key() const { return impl_->public_key; }

std::vector<SignatureHash> supported_signature_hashes() {
    return {SignatureHash::sha2_256, SignatureHash::sha2_384, SignatureHash::sha2_512, SignatureHash::identity};
}

namespace {

// Against a quantum computer first; SLH-DSA, whose signatures are by far the largest, last.
std::vector<SignatureScheme> make_supported_schemes() {
    std::vector<KeyType> types = {KeyType::ml_dsa_65, KeyType::ml_dsa_87, KeyType::ml_dsa_44, KeyType::ed25519,
                                  KeyType::ed448, KeyType::ecdsa_256, KeyType::ecdsa_384, KeyType::ecdsa_521, KeyType::rsa};
    for (auto type = static_cast<std::size_t>(KeyType::slh_dsa_sha2_128s); type < key_type_count; ++type)
        types.push_back(static_cast<KeyType>(type));
    std::vector<SignatureScheme> all;
    for (const KeyType type : types) {
        if (!supports(type)) continue;
        for (const SignatureScheme& scheme : schemes_for(type, supported_signature_hashes()))
            if (std::ranges::find(all, scheme) == all.end()) all.push_back(scheme);
    }
    return all;
}

}  // namespace

std::vector<SignatureScheme> supported_schemes() {
    static const std::vector<SignatureScheme> all = make_supported_schemes();
    return all;
}

std::vector<SignatureScheme> schemes_for(KeyType type, std::span<const SignatureHash> peer_hashes) {
    std::vector<SignatureScheme> schemes;
    const auto add = [&](Kind kind, SignatureHash hash) {
        if (std::ranges::find(peer_hashes, hash) != peer_hashes.end()) schemes.push_back({kind, hash});
    };
    switch (type) {
        case KeyType::rsa:
            for (const Kind kind : {Kind::rsa_pss, Kind::rsa_pkcs1})
                for (const auto hash : {SignatureHash::sha2_256, SignatureHash::sha2_384, SignatureHash::sha2_512})
                    add(kind, hash);
            break;
        // The hash as strong as the curve first, as RFC 4754 pairs them, then the others.
        case KeyType::ecdsa_256:
            for (const auto hash : {SignatureHash::sha2_256, SignatureHash::sha2_384, SignatureHash::sha2_512})
                add(Kind::ecdsa, hash);
            break;
        case KeyType::ecdsa_384:
            for (const auto hash : {SignatureHash::sha2_384, SignatureHash::sha2_512, SignatureHash::sha2_256})
                add(Kind::ecdsa, hash);
            break;
        case KeyType::ecdsa_521:
            for (const auto hash : {SignatureHash::sha2_512, SignatureHash::sha2_384, SignatureHash::sha2_256})
                add(Kind::ecdsa, hash);
            break;
        // RFC 8420 §2, pqc-auth §3.2.1: not with a peer that did not announce Identity.
        default: add(one_way_of(type)->kind, SignatureHash::identity); break;
    }
    return schemes;
}

Result<Bytes> sign(const PrivateKey& key, const SignatureScheme& scheme, ByteView data) {
    TRY(check_fit(key.impl().public_key.type(), scheme));
    return key.impl().row->sign(key.impl().object.get(), scheme, data);
}

Result<> verify(const PublicKey& key, const SignatureScheme& scheme, ByteView data, ByteView signature) {
    TRY(check_fit(key.type(), scheme));
    if (const OneWay* one_way = one_way_of(scheme.kind); one_way != nullptr && signature.size() != one_way->signature_octets)
        return fail(Errc::bad_length, "signature",
                    fmt::format("{} octets, {} has {}", signature.size(), one_way->name, one_way->signature_octets));
    if (!key.impl().row->verify(key.impl().object.get(), scheme, data, signature)) return does_not_verify();
    return {};
}

namespace {

// What an old method stands for, RFC 4754 §3.
struct OldMethod {
    KeyType type;
    SignatureScheme scheme;
    std::size_t number_size;  // of r and of s; 0 for RSA
};

Result<OldMethod> old_method_of(AuthMethod method, KeyType type) {
    OldMethod old{};
    switch (method) {
        case AuthMethod::rsa: old = {KeyType::rsa, {Kind::rsa_pkcs1, SignatureHash::sha1}, 0}; break;
        case AuthMethod::ecdsa_256: old = {KeyType::ecdsa_256, {Kind::ecdsa, SignatureHash::sha2_256}, 32}; break;
        case AuthMethod::ecdsa_384: old = {KeyType::ecdsa_384, {Kind::ecdsa, SignatureHash::sha2_384}, 48}; break;
        case AuthMethod::ecdsa_521: old = {KeyType::ecdsa_521, {Kind::ecdsa, SignatureHash::sha2_512}, 66}; break;
        default: return fail(Errc::unsupported, "AUTH method", name_of(method));
    }
    if (old.type != type)
        return fail(Errc::unsupported, "AUTH method", fmt::format("{} with an {} key", name_of(method), name_of(type)));
    return old;
}

}  // namespace

Result<Bytes> sign_old_method(const PrivateKey& key, AuthMethod method, ByteView data) {
    const OldMethod old = TRY(old_method_of(method, key.impl().public_key.type()));
    const Bytes signature = TRY(key.impl().row->sign(key.impl().object.get(), old.scheme, data));
    if (old.number_size == 0) return signature;
    return raw_from_ecdsa_der(signature, old.number_size);
}

Result<> verify_old_method(const PublicKey& key, AuthMethod method, ByteView data, ByteView signature) {
    OldMethod old = TRY(old_method_of(method, key.type()));
    const PublicKey::Impl& impl = key.impl();
    if (old.number_size != 0) {
        if (signature.size() != 2 * old.number_size) return does_not_verify();
        if (impl.row->verify(impl.object.get(), old.scheme, data, ecdsa_der_from_raw(signature))) return {};
        return does_not_verify();
    }
    // RFC 7296 §3.8: SHA-1 by default, but senders may take another hash, which only the signature names.
    for (const SignatureHash hash :
         {SignatureHash::sha1, SignatureHash::sha2_256, SignatureHash::sha2_384, SignatureHash::sha2_512}) {
        old.scheme.hash = hash;
        if (impl.row->verify(impl.object.get(), old.scheme, data, signature)) return {};
    }
    return does_not_verify();
}

}  // namespace cygnet::crypto
