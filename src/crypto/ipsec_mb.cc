// intel-ipsec-mb: everything for ESP packets. It compares no tags, so we do.
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>

#include "crypto/handle.h"
#include "crypto/packet_rows.h"

namespace cygnet::crypto {
namespace {

constexpr std::size_t icv_size_max = 32;
constexpr const char* library_name = "ipsec-mb";

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
// With a queue of jobs, which is empty whenever nobody works on a batch.
IMB_MGR* manager_of_thread() {
    thread_local const Handle<IMB_MGR, free_mb_mgr> made = make_manager();
    return made.get();
}

bool verifies(const std::uint8_t* computed, const std::uint8_t* icv, std::size_t size) {
    return equal_in_constant_time({computed, size}, {icv, size});
}

// ---- one packet at a time -----------------------------------------------------------------------------

struct GcmFunctions {
    aes_gcm_enc_dec_t encrypt, decrypt;
    aes_gmac_init_t gmac_init;
    aes_gmac_update_t gmac_update;
    aes_gmac_finalize_t gmac_finalize;
};

class GcmKey {
public:
    explicit GcmKey(ByteView key) {
        const IMB_MGR* of = manager();
        switch (key.size()) {
            case 16:
                IMB_AES128_GCM_PRE(of, key.data(), &data_);
                call = {of->gcm128_enc, of->gcm128_dec, of->gmac128_init, of->gmac128_update, of->gmac128_finalize};
                break;
            case 24:
                IMB_AES192_GCM_PRE(of, key.data(), &data_);
                call = {of->gcm192_enc, of->gcm192_dec, of->gmac192_init, of->gmac192_update, of->gmac192_finalize};
                break;
            default:
                IMB_AES256_GCM_PRE(of, key.data(), &data_);
                call = {of->gcm256_enc, of->gcm256_dec, of->gmac256_init, of->gmac256_update, of->gmac256_finalize};
        }
    }
    GcmKey(const GcmKey&) = delete;
    GcmKey& operator=(const GcmKey&) = delete;
    ~GcmKey() { wipe({reinterpret_cast<std::uint8_t*>(&data_), sizeof data_}); }

    const gcm_key_data* data() const { return &data_; }

    GcmFunctions call{};

private:
    // The library loads it in whole cache lines; its header aligns the type only where LINUX is defined.
    alignas(64) gcm_key_data data_;
};

// AES-GCM goes through the direct calls: one packet is wide enough for the vector code, a queue adds time.
class Gcm {
public:
    static constexpr const char* library = library_name;
    explicit Gcm(const PacketKeying& keying) : key_(keying.key) {}
    explicit Gcm(ByteView key) : key_(key) {}

    const Gcm& sealing() const { return *this; }
    const Gcm& opening() const { return *this; }

    void seal(const AeadParts& parts, std::size_t icv_size) const {
        gcm_context_data context;
        key_.call.encrypt(key_.data(), &context, parts.text, parts.text, parts.text_size, parts.nonce.data(), parts.aad,
                          parts.aad_size, parts.icv, icv_size);
    }
    bool open(const AeadParts& parts, std::size_t icv_size) const {
        gcm_context_data context;
        std::array<std::uint8_t, 16> computed;
        key_.call.decrypt(key_.data(), &context, parts.text, parts.text, parts.text_size, parts.nonce.data(), parts.aad,
                          parts.aad_size, computed.data(), icv_size);
        return verifies(computed.data(), parts.icv, icv_size);
    }

private:
    GcmKey key_;
};

// RFC 4543 §3.3 with its figure 4: the IV and the text follow SPI and sequence number as additional data.
class Gmac {
public:
    static constexpr const char* library = library_name;
    explicit Gmac(const PacketKeying& keying) : key_(keying.key), iv_size_(keying.shape.iv_size) {}

    const Gmac& sealing() const { return *this; }
    const Gmac& opening() const { return *this; }

    void seal(const AeadParts& parts, std::size_t icv_size) const { compute(parts, parts.icv, icv_size); }
    bool open(const AeadParts& parts, std::size_t icv_size) const {
        std::array<std::uint8_t, 16> computed;
        compute(parts, computed.data(), icv_size);
        return verifies(computed.data(), parts.icv, icv_size);
    }

private:
    void compute(const AeadParts& parts, std::uint8_t* icv, std::size_t icv_size) const {
        gcm_context_data context;
        key_.call.gmac_init(key_.data(), &context, parts.nonce.data(), parts.nonce.size());
        key_.call.gmac_update(key_.data(), &context, parts.aad, parts.aad_size);
        key_.call.gmac_update(key_.data(), &context, parts.text - iv_size_, parts.text_size + iv_size_);
        key_.call.gmac_finalize(key_.data(), &context, icv, icv_size);
    }
    GcmKey key_;
    std::size_t iv_size_;
};

// ChaCha20-Poly1305 goes through the job interface, whose one call for cipher and MAC is a fifth faster than
// the three direct ones. Each job is complete when it returns.
class Chacha {
public:
    static constexpr const char* library = library_name;
    explicit Chacha(const PacketKeying& keying) : Chacha(keying.key) {}
    explicit Chacha(ByteView key) { std::ranges::copy(key, key_.begin()); }
    Chacha(const Chacha&) = delete;
    Chacha& operator=(const Chacha&) = delete;
    ~Chacha() { wipe(key_); }

    const Chacha& sealing() const { return *this; }
    const Chacha& opening() const { return *this; }

    void seal(const AeadParts& parts, std::size_t icv_size) const { run(parts, IMB_DIR_ENCRYPT, parts.icv, icv_size); }
    bool open(const AeadParts& parts, std::size_t icv_size) const {
        std::array<std::uint8_t, 16> computed;
        run(parts, IMB_DIR_DECRYPT, computed.data(), icv_size);
        return verifies(computed.data(), parts.icv, icv_size);
    }

private:
    void run(const AeadParts& parts, IMB_CIPHER_DIRECTION direction, std::uint8_t* icv, std::size_t icv_size) const {
        IMB_MGR* queue = manager_of_thread();
        IMB_JOB* job = IMB_GET_NEXT_JOB(queue);
        job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
        job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
        job->cipher_direction = direction;
        job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
        job->enc_keys = job->dec_keys = key_.data();
        job->key_len_in_bytes = key_.size();
        job->iv = parts.nonce.data();
        job->iv_len_in_bytes = parts.nonce.size();
        job->src = job->dst = parts.text;
        job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = parts.text_size;
        job->u.CHACHA20_POLY1305.aad = parts.aad;
        job->u.CHACHA20_POLY1305.aad_len_in_bytes = parts.aad_size;
        job->auth_tag_output = icv;
        job->auth_tag_output_len_in_bytes = icv_size;
        const IMB_JOB* done = IMB_SUBMIT_JOB_NOCHECK(queue);
        ASSERT(done && done->status == IMB_STATUS_COMPLETED);
    }
    std::array<std::uint8_t, 32> key_;
};

// ---- many packets at a time ---------------------------------------------------------------------------

// The round keys of both directions; none for the NULL cipher.
class AesKey {
public:
    explicit AesKey(ByteView key) : size(key.size()) {
        const IMB_MGR* of = manager();
        switch (size) {
            case 16: IMB_AES_KEYEXP_128(of, key.data(), encrypt, decrypt); break;
            case 24: IMB_AES_KEYEXP_192(of, key.data(), encrypt, decrypt); break;
            case 32: IMB_AES_KEYEXP_256(of, key.data(), encrypt, decrypt); break;
            default: break;
        }
    }
    AesKey(const AesKey&) = delete;
    AesKey& operator=(const AesKey&) = delete;
    ~AesKey() {
        wipe(encrypt);
        wipe(decrypt);
    }

    std::size_t size;
    alignas(16) std::uint8_t encrypt[15 * 16]{};
    alignas(16) std::uint8_t decrypt[15 * 16]{};
};

// Packets of a batch go into the queue together, where several are computed side by side; the queue is emptied before
// the batch is handed back, so nothing waits for packets to come. A Work holds what a job points to.
constexpr std::size_t jobs_max = 64;

template <class Work, class Fill>
void run_jobs(std::span<EspPacket> batch, std::array<Work, jobs_max>& works, Fill fill) {
    IMB_MGR* queue = manager_of_thread();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        IMB_JOB* job = IMB_GET_NEXT_JOB(queue);
        fill(batch[i], works[i], *job);
        IMB_SUBMIT_JOB_NOCHECK(queue);
    }
    const IMB_JOB* done;
    while ((done = IMB_FLUSH_JOB(queue)) != nullptr) ASSERT(done->status == IMB_STATUS_COMPLETED);
}

template <class Piece>
void in_pieces(std::span<EspPacket> batch, Piece piece) {
    for (; batch.size() > jobs_max; batch = batch.subspan(jobs_max)) piece(batch.first(jobs_max));
    piece(batch);
}

class CcmPackets final : public PacketCipher {
public:
    explicit CcmPackets(const PacketKeying& keying) : framing_(keying), key_(keying.key) {}

    void seal(std::span<EspPacket> batch) const override {
        in_pieces(batch, [this](std::span<EspPacket> piece) {
            std::array<Work, jobs_max> works;
            run_jobs(piece, works, [this](const EspPacket& packet, Work& work, IMB_JOB& job) {
                framing_.to_seal(packet, work.parts);
                fill(job, work.parts, IMB_DIR_ENCRYPT, work.parts.icv);
            });
        });
    }
    void open(std::span<EspPacket> batch) const override {
        in_pieces(batch, [this](std::span<EspPacket> piece) {
            std::array<Work, jobs_max> works;
            run_jobs(piece, works, [this](const EspPacket& packet, Work& work, IMB_JOB& job) {
                framing_.to_open(packet, work.parts);
                fill(job, work.parts, IMB_DIR_DECRYPT, work.computed.data());
            });
            for (std::size_t i = 0; i < piece.size(); ++i)
                piece[i].authentic = verifies(works[i].computed.data(), works[i].parts.icv, framing_.icv_size());
        });
    }
    const char* implementation() const override { return library_name; }

private:
    struct Work {
        AeadParts parts;
        std::array<std::uint8_t, 16> computed;
    };
    void fill(IMB_JOB& job, const AeadParts& parts, IMB_CIPHER_DIRECTION direction, std::uint8_t* icv) const {
        job.cipher_mode = IMB_CIPHER_CCM;
        job.hash_alg = IMB_AUTH_AES_CCM;
        job.cipher_direction = direction;
        job.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
        job.enc_keys = job.dec_keys = key_.encrypt;
        job.key_len_in_bytes = key_.size;
        job.iv = parts.nonce.data();
        job.iv_len_in_bytes = framing_.nonce_size();
        job.src = job.dst = parts.text;
        job.cipher_start_src_offset_in_bytes = job.hash_start_src_offset_in_bytes = 0;
        job.msg_len_to_cipher_in_bytes = job.msg_len_to_hash_in_bytes = parts.text_size;
        job.u.CCM.aad = parts.aad;
        job.u.CCM.aad_len_in_bytes = parts.aad_size;
        job.auth_tag_output = icv;
        job.auth_tag_output_len_in_bytes = framing_.icv_size();
    }
    AeadFraming framing_;
    AesKey key_;
};

// RFC 2104: the hash's state after the padded key, inside and outside.
class HmacKey {
public:
    HmacKey(Hash hash, ByteView key) {
        const IMB_MGR* of = manager();
        const hash_one_block_t one_block = hash == Hash::sha1       ? of->sha1_one_block
                                           : hash == Hash::sha2_256 ? of->sha256_one_block
                                           : hash == Hash::sha2_384 ? of->sha384_one_block
                                                                    : of->sha512_one_block;
        algorithm = hash == Hash::sha1       ? IMB_AUTH_HMAC_SHA_1
                    : hash == Hash::sha2_256 ? IMB_AUTH_HMAC_SHA_256
                    : hash == Hash::sha2_384 ? IMB_AUTH_HMAC_SHA_384
                                             : IMB_AUTH_HMAC_SHA_512;
        pad(one_block, key, 0x36, inner);
        pad(one_block, key, 0x5c, outer);
    }
    HmacKey(const HmacKey&) = delete;
    HmacKey& operator=(const HmacKey&) = delete;
    ~HmacKey() {
        wipe(inner);
        wipe(outer);
    }

    IMB_HASH_ALG algorithm{};
    alignas(16) std::uint8_t inner[64]{};
    alignas(16) std::uint8_t outer[64]{};

private:
    // A block is at least as long as any of our keys.
    static void pad(hash_one_block_t one_block, ByteView key, std::uint8_t with, std::uint8_t* state) {
        std::array<std::uint8_t, 128> block;
        block.fill(with);
        ASSERT(key.size() <= 64);
        for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
        one_block(block.data(), state);
        wipe(block);
    }
};

class MacPackets final : public PacketCipher {
public:
    explicit MacPackets(const PacketKeying& keying)
        : framing_(keying), key_(keying.key), hmac_(keying.hash, keying.integ_key) {}

    void seal(std::span<EspPacket> batch) const override {
        in_pieces(batch, [this](std::span<EspPacket> piece) {
            std::array<Work, jobs_max> works;
            run_jobs(piece, works, [this](const EspPacket& packet, Work& work, IMB_JOB& job) {
                job.cipher_direction = IMB_DIR_ENCRYPT;
                job.chain_order = IMB_ORDER_CIPHER_HASH;
                fill_mac(job, packet, framing_.icv(packet));
                fill_encryption(job, packet, work);
            });
        });
    }
    void open(std::span<EspPacket> batch) const override {
        in_pieces(batch, [this](std::span<EspPacket> piece) {
            std::array<Work, jobs_max> works;
            run_jobs(piece, works, [this](const EspPacket& packet, Work& work, IMB_JOB& job) {
                job.cipher_direction = IMB_DIR_DECRYPT;
                job.chain_order = IMB_ORDER_HASH_CIPHER;
                std::memcpy(work.received.data(), framing_.icv(packet), framing_.icv_size());
                fill_mac(job, packet, work.computed.data());
                fill_decryption(job, packet, work);
            });
            for (std::size_t i = 0; i < piece.size(); ++i)
                piece[i].authentic = verifies(works[i].computed.data(), works[i].received.data(), framing_.icv_size());
        });
    }
    const char* implementation() const override { return library_name; }

private:
    struct Work {
        std::array<std::uint8_t, 16> iv;
        std::array<std::uint8_t, icv_size_max> received, computed;
    };

    // The high half of the sequence number lies for the moment where the ICV does.
    void fill_mac(IMB_JOB& job, const EspPacket& packet, std::uint8_t* icv) const {
        job.hash_alg = hmac_.algorithm;
        job.src = packet.data;
        job.hash_start_src_offset_in_bytes = 0;
        job.msg_len_to_hash_in_bytes = framing_.covered(packet);
        if (framing_.esn()) {
            store_be(framing_.icv(packet), static_cast<std::uint32_t>(packet.sequence >> 32));
            job.msg_len_to_hash_in_bytes += 4;
        }
        job.u.HMAC._hashed_auth_key_xor_ipad = hmac_.inner;
        job.u.HMAC._hashed_auth_key_xor_opad = hmac_.outer;
        job.auth_tag_output = icv;
        job.auth_tag_output_len_in_bytes = framing_.icv_size();
    }
    void fill_cipher(IMB_JOB& job, IMB_CIPHER_MODE mode, const EspPacket& packet, MutableByteView text,
                     const std::uint8_t* iv) const {
        job.cipher_mode = mode;
        job.enc_keys = key_.encrypt;
        job.dec_keys = key_.decrypt;
        job.key_len_in_bytes = key_.size;
        job.iv = iv;
        job.iv_len_in_bytes = 16;
        job.dst = text.data();
        job.cipher_start_src_offset_in_bytes = static_cast<std::uint64_t>(text.data() - packet.data);
        job.msg_len_to_cipher_in_bytes = text.size();
    }
    void fill_counter(IMB_JOB& job, const EspPacket& packet, Work& work) const {
        work.iv = framing_.counter_block(packet);
        fill_cipher(job, IMB_CIPHER_CNTR, packet, framing_.text(packet), work.iv.data());
    }
    void fill_encryption(IMB_JOB& job, const EspPacket& packet, Work& work) const {
        static constexpr std::array<std::uint8_t, 16> zeros{};
        switch (framing_.mode()) {
            case PacketMode::aes_cbc:
                fill_cipher(job, IMB_CIPHER_CBC, packet, framing_.with_unpredictable_iv(packet), zeros.data());
                break;
            case PacketMode::aes_ctr:
                framing_.write_counter_iv(packet);
                fill_counter(job, packet, work);
                break;
            default: fill_cipher(job, IMB_CIPHER_NULL, packet, framing_.text(packet), zeros.data());
        }
    }
    void fill_decryption(IMB_JOB& job, const EspPacket& packet, Work& work) const {
        switch (framing_.mode()) {
            case PacketMode::aes_cbc:
                fill_cipher(job, IMB_CIPHER_CBC, packet, framing_.text(packet), framing_.iv(packet));
                break;
            case PacketMode::aes_ctr: fill_counter(job, packet, work); break;
            default: fill_cipher(job, IMB_CIPHER_NULL, packet, framing_.text(packet), nullptr);
        }
    }

    MacFraming framing_;
    AesKey key_;
    HmacKey hmac_;
};

// ---- rows ---------------------------------------------------------------------------------------------

template <class Cipher>
std::unique_ptr<PacketCipher> make(const PacketKeying& keying) {
    return std::make_unique<Cipher>(keying);
}

constexpr PacketRow packet_rows[] = {
    {PacketMode::aes_gcm, 16, make<AeadPackets<Gcm>>},
    {PacketMode::aes_gcm, 24, make<AeadPackets<Gcm>>},
    {PacketMode::aes_gcm, 32, make<AeadPackets<Gcm>>},
    {PacketMode::aes_gmac, 16, make<AeadPackets<Gmac>>},
    {PacketMode::aes_gmac, 24, make<AeadPackets<Gmac>>},
    {PacketMode::aes_gmac, 32, make<AeadPackets<Gmac>>},
    {PacketMode::chacha20_poly1305, 32, make<AeadPackets<Chacha>>},
    {PacketMode::aes_ccm, 16, make<CcmPackets>},  // it has no CCM with keys of 192 bits
    {PacketMode::aes_ccm, 32, make<CcmPackets>},
    {PacketMode::aes_cbc, 16, make<MacPackets>},
    {PacketMode::aes_cbc, 24, make<MacPackets>},
    {PacketMode::aes_cbc, 32, make<MacPackets>},
    {PacketMode::aes_ctr, 16, make<MacPackets>},
    {PacketMode::aes_ctr, 24, make<MacPackets>},
    {PacketMode::aes_ctr, 32, make<MacPackets>},
    {PacketMode::null, 0, make<MacPackets>},
};

// The engines of packets, for messages of any form.
template <class Engine>
class SingleAead final : public Aead {
public:
    explicit SingleAead(ByteView key) : engine_(key) {}
    void seal(ByteView nonce, ByteView aad, MutableByteView text, MutableByteView icv) override {
        engine_.seal(parts_of(nonce, aad, text, icv.data()), icv.size());
    }
    bool open(ByteView nonce, ByteView aad, MutableByteView text, ByteView icv) override {
        return engine_.open(parts_of(nonce, aad, text, const_cast<std::uint8_t*>(icv.data())), icv.size());
    }

private:
    static AeadParts parts_of(ByteView nonce, ByteView aad, MutableByteView text, std::uint8_t* icv) {
        AeadParts parts{};
        std::ranges::copy(nonce, parts.nonce.begin());
        parts.aad = aad.data();
        parts.aad_size = static_cast<std::uint32_t>(aad.size());
        parts.text = text.data();
        parts.text_size = static_cast<std::uint32_t>(text.size());
        parts.icv = icv;
        return parts;
    }
    Engine engine_;
};

std::unique_ptr<Aead> make_aead(AeadKind kind, ByteView key, std::size_t /*icv_size*/) {
    if (kind == AeadKind::chacha20_poly1305) return std::make_unique<SingleAead<Chacha>>(key);
    return std::make_unique<SingleAead<Gcm>>(key);
}

constexpr AeadRow aead_rows[] = {
    {AeadKind::aes_gcm, 16, make_aead, false},
    {AeadKind::aes_gcm, 24, make_aead, false},
    {AeadKind::aes_gcm, 32, make_aead, false},
    {AeadKind::chacha20_poly1305, 32, make_aead, false},
};

std::string version() { return std::string("ipsec-mb ") + imb_get_version_str(); }

}  // namespace

Library ipsec_mb() { return {.name = library_name, .version = version, .aeads = aead_rows, .packets = packet_rows}; }

}  // namespace cygnet::crypto
