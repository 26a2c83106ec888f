// intel-ipsec-mb: AES-GCM and ChaCha20-Poly1305 for ESP packets, through the direct calls: one packet is
// wide enough for its vector code, a job queue only adds time. It compares no tags, so we do.
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>

#include "crypto/handle.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

constexpr std::size_t icv_size = 16;

// The manager is a table of functions for this processor; the direct calls do not change it.
const IMB_MGR* manager() {
    static const Handle<IMB_MGR, free_mb_mgr> made = [] {
        Handle<IMB_MGR, free_mb_mgr> fresh(alloc_mb_mgr(0));
        ASSERT(fresh);
        init_mb_mgr_auto(fresh.get(), nullptr);
        return fresh;
    }();
    return made.get();
}

bool verifies(const std::array<std::uint8_t, icv_size>& computed, const std::uint8_t* icv) {
    return equal_in_constant_time(computed, {icv, icv_size});
}

class GcmPacketCipher final : public PacketCipher {
public:
    explicit GcmPacketCipher(ByteView key) {
        const IMB_MGR* functions = manager();
        switch (key.size()) {
            case 16:
                IMB_AES128_GCM_PRE(functions, key.data(), &key_);
                encrypt_ = functions->gcm128_enc;
                decrypt_ = functions->gcm128_dec;
                break;
            case 24:
                IMB_AES192_GCM_PRE(functions, key.data(), &key_);
                encrypt_ = functions->gcm192_enc;
                decrypt_ = functions->gcm192_dec;
                break;
            default:
                IMB_AES256_GCM_PRE(functions, key.data(), &key_);
                encrypt_ = functions->gcm256_enc;
                decrypt_ = functions->gcm256_dec;
        }
    }
    ~GcmPacketCipher() override { wipe({reinterpret_cast<std::uint8_t*>(&key_), sizeof key_}); }

    void seal(std::span<AeadPacket> batch) const override {
        gcm_context_data context;
        for (AeadPacket& packet : batch)
            encrypt_(&key_, &context, packet.text, packet.text, packet.text_size, packet.nonce.data(), packet.aad,
                     packet.aad_size, packet.icv, icv_size);
    }
    void open(std::span<AeadPacket> batch) const override {
        gcm_context_data context;
        for (AeadPacket& packet : batch) {
            std::array<std::uint8_t, icv_size> computed;
            decrypt_(&key_, &context, packet.text, packet.text, packet.text_size, packet.nonce.data(), packet.aad,
                     packet.aad_size, computed.data(), icv_size);
            packet.authentic = verifies(computed, packet.icv);
        }
    }
    const char* implementation() const override { return "ipsec-mb"; }

private:
    // The library loads it in whole cache lines; its header aligns the type only where LINUX is defined.
    alignas(64) gcm_key_data key_;
    aes_gcm_enc_dec_t encrypt_ = nullptr;
    aes_gcm_enc_dec_t decrypt_ = nullptr;
};

class ChachaPacketCipher final : public PacketCipher {
public:
    explicit ChachaPacketCipher(ByteView key) { std::ranges::copy(key, key_.begin()); }
    ~ChachaPacketCipher() override { wipe(key_); }

    void seal(std::span<AeadPacket> batch) const override {
        const IMB_MGR* functions = manager();
        chacha20_poly1305_context_data context;
        for (AeadPacket& packet : batch) {
            start(functions, context, packet);
            IMB_CHACHA20_POLY1305_ENC_UPDATE(functions, key_.data(), &context, packet.text, packet.text,
                                             packet.text_size);
            IMB_CHACHA20_POLY1305_ENC_FINALIZE(functions, &context, packet.icv, icv_size);
        }
        wipe({reinterpret_cast<std::uint8_t*>(&context), sizeof context});
    }
    void open(std::span<AeadPacket> batch) const override {
        const IMB_MGR* functions = manager();
        chacha20_poly1305_context_data context;
        for (AeadPacket& packet : batch) {
            std::array<std::uint8_t, icv_size> computed;
            start(functions, context, packet);
            IMB_CHACHA20_POLY1305_DEC_UPDATE(functions, key_.data(), &context, packet.text, packet.text,
                                             packet.text_size);
            IMB_CHACHA20_POLY1305_DEC_FINALIZE(functions, &context, computed.data(), icv_size);
            packet.authentic = verifies(computed, packet.icv);
        }
        wipe({reinterpret_cast<std::uint8_t*>(&context), sizeof context});
    }
    const char* implementation() const override { return "ipsec-mb"; }

private:
    void start(const IMB_MGR* functions, chacha20_poly1305_context_data& context, const AeadPacket& packet) const {
        IMB_CHACHA20_POLY1305_INIT(functions, key_.data(), &context, packet.nonce.data(), packet.aad, packet.aad_size);
    }
    std::array<std::uint8_t, 32> key_;
};

std::unique_ptr<PacketCipher> make_packet_cipher(AeadKind kind, ByteView key) {
    if (kind == AeadKind::chacha20_poly1305) return std::make_unique<ChachaPacketCipher>(key);
    return std::make_unique<GcmPacketCipher>(key);
}

constexpr AeadRow aead_rows[] = {
    {AeadKind::aes_gcm, 16, nullptr, make_packet_cipher},
    {AeadKind::aes_gcm, 24, nullptr, make_packet_cipher},
    {AeadKind::aes_gcm, 32, nullptr, make_packet_cipher},
    {AeadKind::chacha20_poly1305, 32, nullptr, make_packet_cipher},
};

std::string version() { return std::string("ipsec-mb ") + imb_get_version_str(); }

}  // namespace

Library ipsec_mb() { return {.name = "ipsec-mb", .version = version, .aeads = aead_rows}; }

}  // namespace cygnet::crypto
