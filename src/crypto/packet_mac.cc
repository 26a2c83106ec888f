#include "crypto/packet_mac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>

#include "base/big_endian.h"
#include "base/secret.h"
#include "crypto/handle.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using Mac = Handle<EVP_MAC, EVP_MAC_free>;
using MacContext = Handle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

constexpr std::size_t salt_size = 4, iv_size = 8, gmac_tag_size = 16, mac_octets_max = 64;

std::size_t gmac_key_size(model::Integ integ) {
    switch (integ) {
        case model::Integ::aes_128_gmac: return 16;
        case model::Integ::aes_192_gmac: return 24;
        case model::Integ::aes_256_gmac: return 32;
        default: return 0;
    }
}

// HMAC or CMAC, cut to the size of the tag (RFC 2404 §3, RFC 4868 §2.3, RFC 4494 §2).
class CutMac final : public PacketMac {
public:
    CutMac(MacContext keyed, std::size_t tag_size) : keyed_(std::move(keyed)), tag_size_(tag_size) {}

    void seal(std::span<const ByteView> parts, std::uint64_t, MutableByteView field) const override {
        ASSERT(field.size() == tag_size_);
        const MacContext context(EVP_MAC_CTX_dup(keyed_.get()));
        ASSERT(context);
        for (const ByteView part : parts)
            if (!part.empty()) ASSERT(EVP_MAC_update(context.get(), part.data(), part.size()));
        std::array<std::uint8_t, mac_octets_max> mac;
        std::size_t size = 0;
        ASSERT(EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) && size >= tag_size_);
        std::copy_n(mac.begin(), tag_size_, field.begin());
    }
    bool verify(std::span<const ByteView> parts, ByteView field) const override {
        if (field.size() != tag_size_) return false;
        std::array<std::uint8_t, mac_octets_max> expected;
        const auto tag = MutableByteView(expected).first(tag_size_);
        seal(parts, 0, tag);
        return equal_in_constant_time(tag, field);
    }

private:
    MacContext keyed_;
    std::size_t tag_size_;
};

// RFC 4543 §3.2: the nonce is the salt and the IV; the tag is over the parts alone.
class Gmac final : public PacketMac {
public:
    Gmac(MacContext keyed, ByteView salt) : keyed_(std::move(keyed)) { std::ranges::copy(salt, salt_.begin()); }

    void seal(std::span<const ByteView> parts, std::uint64_t sequence, MutableByteView field) const override {
        ASSERT(field.size() == iv_size + gmac_tag_size);
        store_be(field.data(), sequence);
        compute(parts, field.first(iv_size), field.subspan(iv_size));
    }
    bool verify(std::span<const ByteView> parts, ByteView field) const override {
        if (field.size() != iv_size + gmac_tag_size) return false;
        std::array<std::uint8_t, gmac_tag_size> expected;
        compute(parts, field.first(iv_size), expected);
        return equal_in_constant_time(expected, field.subspan(iv_size));
    }

private:
    void compute(std::span<const ByteView> parts, ByteView iv, MutableByteView tag) const {
        std::array<std::uint8_t, salt_size + iv_size> nonce;
        std::ranges::copy(salt_, nonce.begin());
        std::ranges::copy(iv, nonce.begin() + salt_size);
        const MacContext context(EVP_MAC_CTX_dup(keyed_.get()));
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, nonce.data(), nonce.size()),
                                         OSSL_PARAM_construct_end()};
        ASSERT(context && EVP_MAC_CTX_set_params(context.get(), parameters));
        for (const ByteView part : parts)
            if (!part.empty()) ASSERT(EVP_MAC_update(context.get(), part.data(), part.size()));
        std::size_t size = 0;
        ASSERT(EVP_MAC_final(context.get(), tag.data(), &size, tag.size()) && size == tag.size());
    }

    MacContext keyed_;
    std::array<std::uint8_t, salt_size> salt_{};
};

// `parameter` names the hash of HMAC or the cipher of the others.
MacContext keyed_context(const char* algorithm, const char* parameter, const char* value, ByteView key) {
    const Mac mac(EVP_MAC_fetch(nullptr, algorithm, nullptr));
    MacContext context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(parameter, const_cast<char*>(value), 0),
                                     OSSL_PARAM_construct_end()};
    ASSERT(context && EVP_MAC_init(context.get(), key.data(), key.size(), parameters));
    return context;
}

const char* name_of(Hash hash) {
    constexpr std::array<const char*, 4> names = {"SHA1", "SHA256", "SHA384", "SHA512"};
    return names.at(static_cast<std::size_t>(hash));
}

}  // namespace

std::optional<MacShape> mac_shape_of(model::Integ integ) {
    if (const auto hmac = integ_of(integ))
        return MacShape{.key_size = static_cast<std::uint8_t>(hmac->key_size), .iv_size = 0, .tag_size = static_cast<std::uint8_t>(hmac->icv_size)};
    if (integ == model::Integ::aes_cmac_96) return MacShape{.key_size = 16, .iv_size = 0, .tag_size = 12};
    if (const std::size_t key = gmac_key_size(integ))
        return MacShape{.key_size = static_cast<std::uint8_t>(key + salt_size), .iv_size = iv_size, .tag_size = gmac_tag_size};
    return std::nullopt;
}

Result<std::unique_ptr<PacketMac>> make_packet_mac(model::Integ integ, ByteView key) {
    const auto shape = mac_shape_of(integ);
    if (!shape) return fail(Errc::unsupported, "AH integrity", model::name_of(integ));
    if (key.size() != shape->key_size) return fail(Errc::bad_length, "AH key");
    if (const auto hmac = integ_of(integ))
        return std::make_unique<CutMac>(keyed_context("HMAC", OSSL_MAC_PARAM_DIGEST, name_of(hmac->hash), key), shape->tag_size);
    if (integ == model::Integ::aes_cmac_96)
        return std::make_unique<CutMac>(keyed_context("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", key), shape->tag_size);
    const ByteView cipher_key = key.first(key.size() - salt_size);
    const char* cipher = cipher_key.size() == 16 ? "AES-128-GCM" : cipher_key.size() == 24 ? "AES-192-GCM" : "AES-256-GCM";
    return std::make_unique<Gmac>(keyed_context("GMAC", OSSL_MAC_PARAM_CIPHER, cipher, cipher_key), key.last(salt_size));
}

}  // namespace cygnet::crypto
