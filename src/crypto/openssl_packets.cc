// OpenSSL: every suite of ESP packets, for any processor. Contexts are not for several threads: each thread has one
// and gives it a key for a batch. HMACs use the plain hash functions, because EVP takes memory for each message.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "crypto/openssl_evp.h"
#include "crypto/packet_rows.h"

namespace cygnet::crypto {
namespace {

using evp::Context;
using evp::must;

constexpr const char* library_name = "OpenSSL";

EVP_CIPHER_CTX* context_of_thread() {
    thread_local const Context context(EVP_CIPHER_CTX_new());
    ASSERT(context);
    return context.get();
}

// A thread's context with a key, for one batch. The context outlives the SA: zeros take the place of its key.
class KeyedContext {
public:
    KeyedContext(const EVP_CIPHER* cipher, ByteView key, bool encrypt, bool ccm = false, std::size_t icv_size = 0)
        : context_(context_of_thread()) {
        evp::set_key(context_, cipher, ccm, key, icv_size, encrypt);
    }
    KeyedContext(const KeyedContext&) = delete;
    KeyedContext& operator=(const KeyedContext&) = delete;
    ~KeyedContext() {
        static constexpr std::array<std::uint8_t, 32> zeros{};
        must(EVP_EncryptInit_ex2(context_, nullptr, zeros.data(), nullptr, nullptr));
    }
    EVP_CIPHER_CTX* get() const { return context_; }

private:
    EVP_CIPHER_CTX* context_;
};

AeadKind kind_of(PacketMode mode) {
    if (mode == PacketMode::aes_ccm) return AeadKind::aes_ccm;
    return mode == PacketMode::chacha20_poly1305 ? AeadKind::chacha20_poly1305 : AeadKind::aes_gcm;
}

class AeadEngine {
public:
    static constexpr const char* library = library_name;
    explicit AeadEngine(const PacketKeying& keying)
        : cipher_(evp::aead_of(kind_of(keying.mode), keying.key.size())),
          key_(SecretBytes::copy_of(keying.key)),
          icv_size_(keying.shape.icv_size),
          iv_size_(keying.shape.iv_size),
          ccm_(keying.mode == PacketMode::aes_ccm),
          gmac_(keying.mode == PacketMode::aes_gmac) {}

    class Session {
    public:
        Session(const AeadEngine& engine, bool encrypt)
            : engine_(engine), context_(engine.cipher_, engine.key_.reveal(), encrypt, engine.ccm_, engine.icv_size_) {}
        void seal(const AeadParts& parts, std::size_t icv_size) const {
            const auto [aad, count, text] = pieces_of(parts);
            evp::seal(context_.get(), engine_.ccm_, parts.nonce.data(), Parts(aad).first(count), text,
                      {parts.icv, icv_size});
        }
        bool open(const AeadParts& parts, std::size_t icv_size) const {
            const auto [aad, count, text] = pieces_of(parts);
            return evp::open(context_.get(), engine_.ccm_, parts.nonce.data(), Parts(aad).first(count), text,
                             {parts.icv, icv_size});
        }

    private:
        struct Pieces {
            std::array<ByteView, 2> aad;
            std::size_t count;
            MutableByteView text;
        };
        // RFC 4543 §3.3 with its figure 4: GMAC has IV and text as additional data.
        Pieces pieces_of(const AeadParts& parts) const {
            const ByteView aad(parts.aad, parts.aad_size);
            if (!engine_.gmac_) return {{aad, {}}, 1, {parts.text, parts.text_size}};
            return {{aad, {parts.text - engine_.iv_size_, parts.text_size + engine_.iv_size_}}, 2, {}};
        }
        const AeadEngine& engine_;
        KeyedContext context_;
    };
    Session sealing() const { return Session(*this, true); }
    Session opening() const { return Session(*this, false); }

private:
    const EVP_CIPHER* cipher_;
    SecretBytes key_;
    std::size_t icv_size_, iv_size_;
    bool ccm_, gmac_;
};

// ---- encrypt, then MAC --------------------------------------------------------------------------------

template <class S, std::size_t BlockSize, std::size_t Size, auto Start, auto Update, auto Finish>
struct Sha {
    using State = S;
    static constexpr std::size_t block = BlockSize, size = Size;
    static constexpr auto start = Start;
    static constexpr auto update = Update;
    static constexpr auto finish = Finish;
};
using Sha1 = Sha<SHA_CTX, SHA_CBLOCK, SHA_DIGEST_LENGTH, SHA1_Init, SHA1_Update, SHA1_Final>;
using Sha256 = Sha<SHA256_CTX, SHA256_CBLOCK, SHA256_DIGEST_LENGTH, SHA256_Init, SHA256_Update, SHA256_Final>;
using Sha384 = Sha<SHA512_CTX, SHA512_CBLOCK, SHA384_DIGEST_LENGTH, SHA384_Init, SHA384_Update, SHA384_Final>;
using Sha512 = Sha<SHA512_CTX, SHA512_CBLOCK, SHA512_DIGEST_LENGTH, SHA512_Init, SHA512_Update, SHA512_Final>;

// RFC 2104. The states after the padded key are copied for each packet.
template <class Sha>
class PacketHmac {
public:
    explicit PacketHmac(ByteView key) {
        pad(key, 0x36, inner_);
        pad(key, 0x5c, outer_);
    }
    PacketHmac(const PacketHmac&) = delete;
    PacketHmac& operator=(const PacketHmac&) = delete;
    ~PacketHmac() {
        OPENSSL_cleanse(&inner_, sizeof inner_);
        OPENSSL_cleanse(&outer_, sizeof outer_);
    }
    using Mac = std::array<std::uint8_t, Sha::size>;
    Mac compute(ByteView first, ByteView second) const {
        Mac mac;
        auto state = inner_;
        must(Sha::update(&state, first.data(), first.size()));
        must(Sha::update(&state, second.data(), second.size()));
        must(Sha::finish(mac.data(), &state));
        state = outer_;
        must(Sha::update(&state, mac.data(), mac.size()));
        must(Sha::finish(mac.data(), &state));
        return mac;
    }

private:
    static void pad(ByteView key, std::uint8_t with, typename Sha::State& state) {
        std::array<std::uint8_t, Sha::block> block;
        block.fill(with);
        ASSERT(key.size() <= block.size());
        for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
        must(Sha::start(&state));
        must(Sha::update(&state, block.data(), block.size()));
        wipe(block);
    }
    typename Sha::State inner_, outer_;
};

template <class Sha>
class MacPackets final : public PacketCipher {
public:
    explicit MacPackets(const PacketKeying& keying)
        : framing_(keying), key_(SecretBytes::copy_of(keying.key)), hmac_(keying.integ_key) {}

    void seal(std::span<EspPacket> batch) const override {
        static constexpr std::array<std::uint8_t, 16> zeros{};
        const auto context = keyed_context(true);
        for (const EspPacket& packet : batch) {
            if (framing_.mode() == PacketMode::aes_cbc) {
                run(*context, zeros.data(), framing_.with_unpredictable_iv(packet));
            } else if (framing_.mode() == PacketMode::aes_ctr) {
                framing_.write_counter_iv(packet);
                run(*context, framing_.counter_block(packet).data(), framing_.text(packet));
            }
            const auto mac = mac_of(packet);
            std::memcpy(framing_.icv(packet), mac.data(), framing_.icv_size());
        }
    }
    void open(std::span<EspPacket> batch) const override {
        const auto context = keyed_context(false);
        for (EspPacket& packet : batch) {
            const auto mac = mac_of(packet);
            packet.authentic = equal_in_constant_time(ByteView(mac).first(framing_.icv_size()),
                                                      {framing_.icv(packet), framing_.icv_size()});
            if (!packet.authentic) continue;
            if (framing_.mode() == PacketMode::aes_cbc)
                run(*context, framing_.iv(packet), framing_.text(packet));
            else if (framing_.mode() == PacketMode::aes_ctr)
                run(*context, framing_.counter_block(packet).data(), framing_.text(packet));
        }
    }
    const char* implementation() const override { return library_name; }

private:
    typename PacketHmac<Sha>::Mac mac_of(const EspPacket& packet) const {
        std::array<std::uint8_t, 4> high;
        store_be(high.data(), static_cast<std::uint32_t>(packet.sequence >> 32));
        return hmac_.compute({packet.data, framing_.covered(packet)}, ByteView(high).first(framing_.esn() ? 4 : 0));
    }
    std::optional<KeyedContext> keyed_context(bool encrypt) const {
        if (framing_.mode() == PacketMode::null) return std::nullopt;
        const bool cbc = framing_.mode() == PacketMode::aes_cbc;
        return std::optional<KeyedContext>(std::in_place, cbc ? evp::cbc_of(key_.size()) : evp::ctr_of(key_.size()),
                                           key_.reveal(), encrypt);
    }
    static void run(const KeyedContext& context, const std::uint8_t* iv, MutableByteView text) {
        must(EVP_CipherInit_ex2(context.get(), nullptr, nullptr, iv, -1, nullptr));
        must(EVP_CIPHER_CTX_set_padding(context.get(), 0));  // the padding is ESP's
        ASSERT(evp::update(context.get(), text));
    }

    MacFraming framing_;
    SecretBytes key_;
    PacketHmac<Sha> hmac_;
};

// ---- rows ---------------------------------------------------------------------------------------------

std::unique_ptr<PacketCipher> make_aead(const PacketKeying& keying) {
    return std::make_unique<AeadPackets<AeadEngine>>(keying);
}

std::unique_ptr<PacketCipher> make_mac(const PacketKeying& keying) {
    switch (keying.hash) {
        case Hash::sha1: return std::make_unique<MacPackets<Sha1>>(keying);
        case Hash::sha2_256: return std::make_unique<MacPackets<Sha256>>(keying);
        case Hash::sha2_384: return std::make_unique<MacPackets<Sha384>>(keying);
        case Hash::sha2_512: return std::make_unique<MacPackets<Sha512>>(keying);
    }
    return nullptr;
}

constexpr PacketRow rows[] = {
    {PacketMode::aes_gcm, 16, make_aead},  {PacketMode::aes_gcm, 24, make_aead},
    {PacketMode::aes_gcm, 32, make_aead},  {PacketMode::aes_ccm, 16, make_aead},
    {PacketMode::aes_ccm, 24, make_aead},  {PacketMode::aes_ccm, 32, make_aead},
    {PacketMode::aes_gmac, 16, make_aead}, {PacketMode::aes_gmac, 24, make_aead},
    {PacketMode::aes_gmac, 32, make_aead}, {PacketMode::chacha20_poly1305, 32, make_aead},
    {PacketMode::aes_cbc, 16, make_mac},   {PacketMode::aes_cbc, 24, make_mac},
    {PacketMode::aes_cbc, 32, make_mac},   {PacketMode::aes_ctr, 16, make_mac},
    {PacketMode::aes_ctr, 24, make_mac},   {PacketMode::aes_ctr, 32, make_mac},
    {PacketMode::null, 0, make_mac},
};

}  // namespace

std::span<const PacketRow> openssl_packets() { return rows; }

}  // namespace cygnet::crypto
