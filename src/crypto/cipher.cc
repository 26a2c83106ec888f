#include "crypto/cipher.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

constexpr std::size_t aes_block_size = 16;
constexpr std::size_t explicit_iv_size = 8;  // of all combined modes

struct AeadFacts {
    AeadKind kind;
    std::size_t key_size;
    std::size_t icv_size;
    std::size_t salt_size;
};

std::optional<AeadFacts> aead_of(const CipherSuite& suite) {
    const std::size_t key_size = suite.key_bits / 8U;
    switch (suite.encr) {
        case model::Encr::aes_gcm_8: return AeadFacts{AeadKind::aes_gcm, key_size, 8, 4};
        case model::Encr::aes_gcm_12: return AeadFacts{AeadKind::aes_gcm, key_size, 12, 4};
        case model::Encr::aes_gcm_16: return AeadFacts{AeadKind::aes_gcm, key_size, 16, 4};
        case model::Encr::aes_ccm_8: return AeadFacts{AeadKind::aes_ccm, key_size, 8, 3};
        case model::Encr::aes_ccm_12: return AeadFacts{AeadKind::aes_ccm, key_size, 12, 3};
        case model::Encr::aes_ccm_16: return AeadFacts{AeadKind::aes_ccm, key_size, 16, 3};
        case model::Encr::chacha20_poly1305:
            if (suite.key_bits != 0) return std::nullopt;  // RFC 7634 §4: one key size, no attribute
            return AeadFacts{AeadKind::chacha20_poly1305, 32, 16, 4};
        default: return std::nullopt;
    }
}

std::optional<CipherShape> aead_shape(const CipherSuite& suite, const AeadFacts& facts) {
    if (suite.integ != model::Integ::none || !best_aead(facts.kind, facts.key_size)) return std::nullopt;
    return CipherShape{.encr_key_size = facts.key_size + facts.salt_size,
                       .integ_key_size = 0,
                       .iv_size = explicit_iv_size,
                       .block_size = 1,
                       .icv_size = facts.icv_size};
}

std::optional<CipherShape> cbc_shape(const CipherSuite& suite) {
    const auto integ = integ_of(suite.integ);
    if (suite.encr != model::Encr::aes_cbc || !integ || !best_cbc(suite.key_bits / 8U)) return std::nullopt;
    return CipherShape{.encr_key_size = suite.key_bits / 8U,
                       .integ_key_size = integ->key_size,
                       .iv_size = aes_block_size,
                       .block_size = aes_block_size,
                       .icv_size = integ->icv_size};
}

// The parts of one message have the sizes of the shape: our callers' duty, whatever the peer sent.
bool fits(const CipherShape& shape, ByteView iv, ByteView text, ByteView icv) {
    return iv.size() == shape.iv_size && icv.size() == shape.icv_size && text.size() % shape.block_size == 0;
}

}  // namespace

struct Cipher::Impl {
    virtual ~Impl() = default;
    virtual void seal(ByteView aad, ByteView iv, MutableByteView text, MutableByteView icv) = 0;
    virtual bool open(ByteView aad, ByteView iv, MutableByteView text, ByteView icv) = 0;
    CipherShape shape;
};

namespace {

// RFC 5282 §4, RFC 7634 §2: the nonce is salt | IV.
struct CombinedMode final : Cipher::Impl {
    CombinedMode(const AeadFacts& facts, ByteView key)
        : aead(best_aead(facts.kind, facts.key_size)->make(facts.kind, key.first(facts.key_size), facts.icv_size)),
          salt_size(facts.salt_size) {
        std::ranges::copy(key.subspan(facts.key_size), nonce.begin());
    }
    ~CombinedMode() override { wipe(nonce); }

    void seal(ByteView aad, ByteView iv, MutableByteView text, MutableByteView icv) override {
        aead->seal(nonce_of(iv), aad, text, icv);
    }
    bool open(ByteView aad, ByteView iv, MutableByteView text, ByteView icv) override {
        return aead->open(nonce_of(iv), aad, text, icv);
    }
    ByteView nonce_of(ByteView iv) {
        std::ranges::copy(iv, nonce.begin() + static_cast<std::ptrdiff_t>(salt_size));
        return ByteView(nonce).first(salt_size + explicit_iv_size);
    }

    std::unique_ptr<Aead> aead;
    std::size_t salt_size;
    std::array<std::uint8_t, 12> nonce{};
};

// RFC 7296 §3.14: encrypt, then MAC over everything from the IKE header to the padding.
struct CipherWithHmac final : Cipher::Impl {
    CipherWithHmac(const IntegFacts& facts, ByteView encr_key, ByteView integ_key)
        : cbc(best_cbc(encr_key.size())->make(encr_key)),
          hmac(best_hash(facts.hash).make_hmac(facts.hash, integ_key)),
          mac_size(size_of(facts.hash)) {}

    void seal(ByteView aad, ByteView iv, MutableByteView text, MutableByteView icv) override {
        cbc->encrypt(iv, text);
        std::array<std::uint8_t, 64> mac;
        std::ranges::copy(mac_of(aad, iv, text, mac).first(icv.size()), icv.begin());
    }
    bool open(ByteView aad, ByteView iv, MutableByteView text, ByteView icv) override {
        std::array<std::uint8_t, 64> mac;
        if (!equal_in_constant_time(mac_of(aad, iv, text, mac).first(icv.size()), icv)) return false;
        cbc->decrypt(iv, text);
        return true;
    }
    ByteView mac_of(ByteView aad, ByteView iv, ByteView text, std::array<std::uint8_t, 64>& buffer) const {
        const ByteView parts[] = {aad, iv, text};
        const MutableByteView mac = MutableByteView(buffer).first(mac_size);
        hmac->compute(parts, mac);
        return mac;
    }

    std::unique_ptr<Cbc> cbc;
    std::unique_ptr<Hmac> hmac;
    std::size_t mac_size;
};

}  // namespace

std::optional<CipherShape> shape_of(const CipherSuite& suite) {
    if (suite.key_bits % 8 != 0) return std::nullopt;
    if (const auto facts = aead_of(suite)) return aead_shape(suite, *facts);
    return cbc_shape(suite);
}

Result<Cipher> Cipher::make(const CipherSuite& suite, ByteView encr_key, ByteView integ_key) {
    const auto shape = shape_of(suite);
    if (!shape) return fail(Errc::unsupported, "cipher", "this cipher suite is not in the catalogue of this build");
    if (encr_key.size() != shape->encr_key_size || integ_key.size() != shape->integ_key_size)
        return fail(Errc::bad_length, "cipher",
                    fmt::format("keys of {} and {} octets wanted, {} and {} given", shape->encr_key_size,
                                shape->integ_key_size, encr_key.size(), integ_key.size()));
    std::unique_ptr<Impl> impl;
    if (const auto facts = aead_of(suite))
        impl = std::make_unique<CombinedMode>(*facts, encr_key);
    else
        impl = std::make_unique<CipherWithHmac>(*integ_of(suite.integ), encr_key, integ_key);
    impl->shape = *shape;
    return Cipher(std::move(impl));
}

Cipher::Cipher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cipher::Cipher(Cipher&&) noexcept = default;
Cipher& Cipher::operator=(Cipher&&) noexcept = default;
Cipher::~Cipher() = default;

const CipherShape& Cipher::shape() const { return impl_->shape; }

Result<> Cipher::seal(ByteView aad, ByteView iv, MutableByteView text, MutableByteView icv) const {
    if (!fits(impl_->shape, iv, text, icv)) return fail(Errc::bad_length, "cipher");
    impl_->seal(aad, iv, text, icv);
    return {};
}

Result<> Cipher::open(ByteView aad, ByteView iv, MutableByteView text, ByteView icv) const {
    if (!fits(impl_->shape, iv, text, icv)) return fail(Errc::bad_length, "cipher");
    if (!impl_->open(aad, iv, text, icv)) return fail(Errc::integrity, "ICV");
    return {};
}

}  // namespace cygnet::crypto
