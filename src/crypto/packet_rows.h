// What a library must offer so that ESP packets of a suite can be sealed and opened, and the work that all of them
// share: nonces, additional data and what a MAC covers. Private to crypto and its tests.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "base/big_endian.h"
#include "crypto/packet_cipher.h"
#include "crypto/rows.h"

namespace cygnet::crypto {

// What a row of the catalogue makes a cipher from: keys and sizes of a suite that fits the row.
struct PacketKeying {
    PacketMode mode{};
    PacketShape shape;
    bool esn = false;
    ByteView key{}, salt{};  // of the encryption
    Hash hash{};             // with `integ_key`, for modes that are no AEAD
    ByteView integ_key{};
};

// One packet as an AEAD sees it.
struct AeadParts {
    std::array<std::uint8_t, 12> nonce;  // 11 octets for CCM
    std::array<std::uint8_t, 12> extended_aad;
    const std::uint8_t* aad;
    std::uint32_t aad_size;
    std::uint32_t text_size;
    std::uint8_t* text;
    std::uint8_t* icv;
};

// RFC 4106 §3 to §5, RFC 4309 §3 to §5, RFC 7634 §2: the nonce is salt | IV, and SPI and sequence number are
// additional data. RFC 8750 §4: an implicit IV is the sequence number, which is also what we choose as an explicit one.
class AeadFraming {
public:
    explicit AeadFraming(const PacketKeying& keying)
        : salt_size_(keying.shape.salt_size),
          text_at_(static_cast<std::uint32_t>(keying.shape.text_at())),
          icv_size_(keying.shape.icv_size),
          explicit_iv_(keying.shape.iv_size != 0),
          esn_(keying.esn) {
        std::ranges::copy(keying.salt, salt_.begin());
    }
    AeadFraming(const AeadFraming&) = delete;
    AeadFraming& operator=(const AeadFraming&) = delete;
    ~AeadFraming() { wipe(salt_); }

    void to_seal(const EspPacket& packet, AeadParts& parts) const {
        find_parts(packet, parts);
        store_be(parts.nonce.data() + salt_size_, packet.sequence);
        if (explicit_iv_) std::memcpy(packet.data + esp_header_size, parts.nonce.data() + salt_size_, iv_size);
    }
    void to_open(const EspPacket& packet, AeadParts& parts) const {
        find_parts(packet, parts);
        if (explicit_iv_)
            std::memcpy(parts.nonce.data() + salt_size_, packet.data + esp_header_size, iv_size);
        else
            store_be(parts.nonce.data() + salt_size_, packet.sequence);
    }
    std::size_t nonce_size() const { return salt_size_ + iv_size; }
    std::size_t icv_size() const { return icv_size_; }

private:
    static constexpr std::size_t iv_size = 8;

    void find_parts(const EspPacket& packet, AeadParts& parts) const {
        std::memcpy(parts.nonce.data(), salt_.data(), salt_.size());
        parts.text = packet.data + text_at_;
        parts.text_size = packet.size - text_at_ - icv_size_;
        parts.icv = packet.data + packet.size - icv_size_;
        parts.aad = packet.data;
        parts.aad_size = esp_header_size;
        if (!esn_) return;
        // RFC 4106 §5: SPI | extended sequence number.
        std::memcpy(parts.extended_aad.data(), packet.data, 4);
        store_be(parts.extended_aad.data() + 4, packet.sequence);
        parts.aad = parts.extended_aad.data();
        parts.aad_size = 12;
    }

    std::array<std::uint8_t, 4> salt_{};
    std::uint32_t salt_size_, text_at_, icv_size_;
    bool explicit_iv_, esn_;
};

// Packets through an AEAD that works on one at a time. An Engine is made from the keying, and has
//   auto sealing() const / opening() const: what serves one batch, with
//   void seal(const AeadParts&, std::size_t icv_size) and bool open(const AeadParts&, std::size_t icv_size).
template <class Engine>
class AeadPackets final : public PacketCipher {
public:
    explicit AeadPackets(const PacketKeying& keying) : framing_(keying), engine_(keying) {}

    void seal(std::span<EspPacket> batch) const override {
        auto&& session = engine_.sealing();
        AeadParts parts;
        for (const EspPacket& packet : batch) {
            framing_.to_seal(packet, parts);
            session.seal(parts, framing_.icv_size());
        }
    }
    void open(std::span<EspPacket> batch) const override {
        auto&& session = engine_.opening();
        AeadParts parts;
        for (EspPacket& packet : batch) {
            framing_.to_open(packet, parts);
            packet.authentic = session.open(parts, framing_.icv_size());
        }
    }
    const char* implementation() const override { return Engine::library; }

private:
    AeadFraming framing_;
    Engine engine_;
};

// RFC 4303 §3.3.2.1: a MAC covers everything before it, and then the high half of an extended sequence number, which
// is not sent.
class MacFraming {
public:
    explicit MacFraming(const PacketKeying& keying) : shape_(keying.shape), mode_(keying.mode), esn_(keying.esn) {
        std::ranges::copy(keying.salt, salt_.begin());
    }
    MacFraming(const MacFraming&) = delete;
    MacFraming& operator=(const MacFraming&) = delete;
    ~MacFraming() { wipe(salt_); }

    PacketMode mode() const { return mode_; }
    bool esn() const { return esn_; }
    std::size_t icv_size() const { return shape_.icv_size; }
    std::size_t covered(const EspPacket& packet) const { return packet.size - shape_.icv_size; }
    std::uint8_t* icv(const EspPacket& packet) const { return packet.data + covered(packet); }
    MutableByteView text(const EspPacket& packet) const {
        return {packet.data + shape_.text_at(), covered(packet) - shape_.text_at()};
    }
    std::uint8_t* iv(const EspPacket& packet) const { return packet.data + esp_header_size; }

    // RFC 3686 §3.1: any IV that does not repeat.
    void write_counter_iv(const EspPacket& packet) const { store_be(iv(packet), packet.sequence); }
    // RFC 3602 §3 wants an IV that nobody can foretell: the encrypted sequence number (NIST SP 800-38A appendix C).
    // As the first block of text with an IV of zeros, CBC itself encrypts it and goes on from there.
    MutableByteView with_unpredictable_iv(const EspPacket& packet) const {
        std::memset(iv(packet), 0, shape_.iv_size);
        store_be(iv(packet), packet.sequence);
        return {iv(packet), covered(packet) - esp_header_size};
    }
    // RFC 3686 §4: nonce | IV | 1.
    std::array<std::uint8_t, 16> counter_block(const EspPacket& packet) const {
        std::array<std::uint8_t, 16> block;
        std::memcpy(block.data(), salt_.data(), salt_.size());
        std::memcpy(block.data() + salt_.size(), iv(packet), 8);
        store_be<std::uint32_t>(block.data() + 12, 1);
        return block;
    }

private:
    PacketShape shape_;
    PacketMode mode_;
    bool esn_;
    std::array<std::uint8_t, 4> salt_{};
};

}  // namespace cygnet::crypto
