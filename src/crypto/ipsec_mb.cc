// intel-ipsec-mb: AES-GCM and ChaCha20-Poly1305 for ESP packets. It compares no tags, so we do.
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>

#include "crypto/handle.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

constexpr std::size_t icv_size = 16;

Handle<IMB_MGR, free_mb_mgr> make_manager() {
    Handle<IMB_MGR, free_mb_mgr> fresh(alloc_mb_mgr(0));
    ASSERT(fresh);
    init_mb_mgr_auto(fresh.get(), nullptr);
    return fresh;
}

// A manager is a table of functions for this processor; the direct calls do not change it.
const IMB_MGR* manager() {
    static const Handle<IMB_MGR, free_mb_mgr> made = make_manager();
    return made.get();
}

bool verifies(const std::array<std::uint8_t, icv_size>& computed, const std::uint8_t* icv) {
    return equal_in_constant_time(computed, {icv, icv_size});
}

// AES-GCM goes through the direct calls: one packet is wide enough for the vector code, a queue adds time.
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

// ChaCha20-Poly1305 goes through the job interface, whose one call for cipher and MAC is a fifth faster than
// the three direct ones. Each job is complete when it returns; the queue belongs to the thread.
class ChachaPacketCipher final : public PacketCipher {
public:
    explicit ChachaPacketCipher(ByteView key) { std::ranges::copy(key, key_.begin()); }
    ~ChachaPacketCipher() override { wipe(key_); }

    void seal(std::span<AeadPacket> batch) const override {
        for (AeadPacket& packet : batch) run(packet, IMB_DIR_ENCRYPT, packet.icv);
    }
    void open(std::span<AeadPacket> batch) const override {
        for (AeadPacket& packet : batch) {
            std::array<std::uint8_t, icv_size> computed;
            run(packet, IMB_DIR_DECRYPT, computed.data());
            packet.authentic = verifies(computed, packet.icv);
        }
    }
    const char* implementation() const override { return "ipsec-mb"; }

private:
    static IMB_MGR* manager_of_thread() {
        thread_local const Handle<IMB_MGR, free_mb_mgr> made = make_manager();
        return made.get();
    }
    void run(const AeadPacket& packet, IMB_CIPHER_DIRECTION direction, std::uint8_t* icv) const {
        IMB_MGR* queue = manager_of_thread();
        IMB_JOB* job = IMB_GET_NEXT_JOB(queue);
        job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
        job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
        job->cipher_direction = direction;
        job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
        job->enc_keys = job->dec_keys = key_.data();
        job->key_len_in_bytes = key_.size();
        job->iv = packet.nonce.data();
        job->iv_len_in_bytes = packet.nonce.size();
        job->src = job->dst = packet.text;
        job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = packet.text_size;
        job->u.CHACHA20_POLY1305.aad = packet.aad;
        job->u.CHACHA20_POLY1305.aad_len_in_bytes = packet.aad_size;
        job->auth_tag_output = icv;
        job->auth_tag_output_len_in_bytes = icv_size;
        const IMB_JOB* done = IMB_SUBMIT_JOB_NOCHECK(queue);
        ASSERT(done && done->status == IMB_STATUS_COMPLETED);
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
