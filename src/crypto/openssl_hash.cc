// OpenSSL: hashes and HMAC. Algorithms are fetched once; a fetch by name costs more than a short hash.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>

#include "crypto/handle.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using Digest = Handle<EVP_MD, EVP_MD_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Mac = Handle<EVP_MAC, EVP_MAC_free>;
using MacContext = Handle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

constexpr std::array<const char*, 4> names = {"SHA1", "SHA256", "SHA384", "SHA512"};
std::size_t index_of(Hash hash) { return static_cast<std::size_t>(hash); }

const EVP_MD* digest_of(Hash hash) {
    static const std::array<Digest, 4> digests = [] {
        std::array<Digest, 4> fetched;
        for (std::size_t i = 0; i < names.size(); ++i) {
            fetched[i].reset(EVP_MD_fetch(nullptr, names[i], nullptr));
            ASSERT(fetched[i]);
        }
        return fetched;
    }();
    return digests[index_of(hash)].get();
}

// An HMAC context with its hash chosen and without a key: copied for each use.
const EVP_MAC_CTX* hmac_template(Hash hash) {
    static const std::array<MacContext, 4> contexts = [] {
        const Mac mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
        ASSERT(mac);
        std::array<MacContext, 4> made;
        for (std::size_t i = 0; i < names.size(); ++i) {
            made[i].reset(EVP_MAC_CTX_new(mac.get()));
            const OSSL_PARAM parameters[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(names[i]), 0),
                OSSL_PARAM_construct_end()};
            ASSERT(made[i] && EVP_MAC_CTX_set_params(made[i].get(), parameters));
        }
        return made;
    }();
    return contexts[index_of(hash)].get();
}

void digest(Hash hash, Parts data, MutableByteView out) {
    thread_local const DigestContext context(EVP_MD_CTX_new());
    ASSERT(EVP_DigestInit_ex2(context.get(), digest_of(hash), nullptr));
    for (const ByteView part : data) ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()));
    ASSERT(out.size() == size_of(hash) && EVP_DigestFinal_ex(context.get(), out.data(), nullptr));
}

MacContext keyed_context(Hash hash, ByteView key) {
    MacContext context(EVP_MAC_CTX_dup(hmac_template(hash)));
    // An empty key must still be a key: a null pointer would mean "keep the old one".
    const std::uint8_t none = 0;
    ASSERT(context && EVP_MAC_init(context.get(), key.empty() ? &none : key.data(), key.size(), nullptr));
    return context;
}

void finish(EVP_MAC_CTX* context, Parts data, MutableByteView out) {
    for (const ByteView part : data)
        if (!part.empty()) ASSERT(EVP_MAC_update(context, part.data(), part.size()));
    std::size_t size = 0;
    ASSERT(EVP_MAC_final(context, out.data(), &size, out.size()) && size == out.size());
}

void hmac(Hash hash, ByteView key, Parts data, MutableByteView out) {
    const MacContext context = keyed_context(hash, key);
    finish(context.get(), data, out);
}

class KeyedHmac final : public Hmac {
public:
    KeyedHmac(Hash hash, ByteView key) : context_(keyed_context(hash, key)) {}
    void compute(Parts data, MutableByteView out) const override {
        const MacContext copy(EVP_MAC_CTX_dup(context_.get()));
        ASSERT(copy);
        finish(copy.get(), data, out);
    }

private:
    MacContext context_;
};

std::unique_ptr<Hmac> make_hmac(Hash hash, ByteView key) { return std::make_unique<KeyedHmac>(hash, key); }

constexpr HashRow rows[] = {
    {Hash::sha1, digest, hmac, make_hmac},
    {Hash::sha2_256, digest, hmac, make_hmac},
    {Hash::sha2_384, digest, hmac, make_hmac},
    {Hash::sha2_512, digest, hmac, make_hmac},
};

}  // namespace

std::span<const HashRow> openssl_hashes() { return rows; }

std::string openssl_version() { return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace cygnet::crypto
