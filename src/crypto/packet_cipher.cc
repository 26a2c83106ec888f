#include "crypto/packet_cipher.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "crypto/packet_rows.h"
#include "model/proposal.h"

namespace cygnet::crypto {
namespace {

using model::Encr;

// Everything in which one encryption algorithm of ESP differs from another, in octets. Without an ICV of its own it
// takes that of an integrity algorithm.
struct Row {
    Encr encr;
    PacketMode mode;
    std::uint8_t salt_size, iv_size, icv_size, alignment;
};
constexpr Row rows[] = {
    {Encr::aes_gcm_16, PacketMode::aes_gcm, 4, 8, 16, 4},  // RFC 4106 §3.1, §4, §6
    {Encr::aes_gcm_12, PacketMode::aes_gcm, 4, 8, 12, 4},
    {Encr::aes_gcm_8, PacketMode::aes_gcm, 4, 8, 8, 4},
    {Encr::aes_gcm_16_iiv, PacketMode::aes_gcm, 4, 0, 16, 4},  // RFC 8750 §4
    {Encr::aes_ccm_16, PacketMode::aes_ccm, 3, 8, 16, 4},      // RFC 4309 §3.1, §4, §6
    {Encr::aes_ccm_12, PacketMode::aes_ccm, 3, 8, 12, 4},
    {Encr::aes_ccm_8, PacketMode::aes_ccm, 3, 8, 8, 4},
    {Encr::aes_ccm_8_iiv, PacketMode::aes_ccm, 3, 0, 8, 4},
    {Encr::chacha20_poly1305, PacketMode::chacha20_poly1305, 4, 8, 16, 4},  // RFC 7634 §2
    {Encr::chacha20_poly1305_iiv, PacketMode::chacha20_poly1305, 4, 0, 16, 4},
    {Encr::null_auth_aes_gmac, PacketMode::aes_gmac, 4, 8, 16, 4},  // RFC 4543 §3.1, §3.2, §3.4
    {Encr::aes_cbc, PacketMode::aes_cbc, 0, 16, 0, 16},             // RFC 3602 §3, §4
    {Encr::aes_ctr, PacketMode::aes_ctr, 4, 8, 0, 4},               // RFC 3686 §3.1, §4
    {Encr::null, PacketMode::null, 0, 0, 0, 4},                     // RFC 2410 §2
};

const Row* row_of(Encr encr) {
    const auto row = std::ranges::find(rows, encr, &Row::encr);
    return row == std::end(rows) ? nullptr : row;
}

std::optional<std::size_t> key_size_of(const Row& row, std::uint16_t key_bits) {
    if (row.mode == PacketMode::null || row.mode == PacketMode::chacha20_poly1305) {
        if (key_bits != 0) return std::nullopt;  // RFC 7634 §4: one size, no attribute
        return row.mode == PacketMode::null ? 0 : 32;
    }
    if (key_bits == 0 || key_bits % 8 != 0) return std::nullopt;
    return key_bits / 8U;
}

// The shape, if it is a suite at all, whoever computes it.
std::optional<PacketShape> shape_in(const Row& row, const CipherSuite& suite) {
    const auto key_size = key_size_of(row, suite.key_bits);
    const auto integ = integ_of(suite.integ);
    const bool combined = row.icv_size != 0;
    // RFC 8221 §4 and §6: a combined mode goes alone, and nothing else does.
    if (!key_size || (combined ? suite.integ != model::Integ::none : !integ)) return std::nullopt;
    return PacketShape{.encr_key_size = static_cast<std::uint16_t>(*key_size + row.salt_size),
                       .integ_key_size = static_cast<std::uint16_t>(combined ? 0 : integ->key_size),
                       .salt_size = row.salt_size,
                       .iv_size = row.iv_size,
                       .icv_size = combined ? row.icv_size : static_cast<std::uint8_t>(integ->icv_size),
                       .alignment = row.alignment};
}

// Calls `take` with each implementation of the suite, best first, until it says that it is done.
template <class Take>
void for_each_implementation(const CipherSuite& suite, Take take) {
    const Row* row = row_of(suite.encr);
    const auto shape = row != nullptr ? shape_in(*row, suite) : std::nullopt;
    if (!shape) return;
    for (const Library& library : libraries())
        for (const PacketRow& packets : library.packets)
            if (packets.mode == row->mode && packets.key_size + row->salt_size == shape->encr_key_size &&
                take(library.name, packets, *shape))
                return;
}

}  // namespace

std::optional<PacketShape> packet_shape_of(const CipherSuite& suite) {
    std::optional<PacketShape> found;
    for_each_implementation(suite, [&](const char*, const PacketRow&, const PacketShape& shape) {
        found = shape;
        return true;
    });
    return found;
}

Result<std::unique_ptr<PacketCipher>> make_packet_cipher(const CipherSuite& suite, bool esn, ByteView encr_key,
                                                         ByteView integ_key, const char* implementation) {
    const auto shape = packet_shape_of(suite);
    if (!shape) return fail(Errc::unsupported, "ESP suite", "it is not in the catalogue of this build");
    if (encr_key.size() != shape->encr_key_size || integ_key.size() != shape->integ_key_size)
        return fail(Errc::bad_length, "ESP keys",
                    fmt::format("keys of {} and {} octets wanted, {} and {} given", shape->encr_key_size,
                                shape->integ_key_size, encr_key.size(), integ_key.size()));
    const std::size_t key_size = encr_key.size() - shape->salt_size;
    PacketKeying keying{.mode = row_of(suite.encr)->mode,
                        .shape = *shape,
                        .esn = esn,
                        .key = encr_key.first(key_size),
                        .salt = encr_key.subspan(key_size),
                        .integ_key = integ_key};
    if (const auto integ = integ_of(suite.integ)) keying.hash = integ->hash;
    std::unique_ptr<PacketCipher> made;
    for_each_implementation(suite, [&](const char* name, const PacketRow& row, const PacketShape&) {
        if (implementation != nullptr && std::strcmp(implementation, name) != 0) return false;
        made = row.make(keying);
        return true;
    });
    if (!made) return fail(Errc::unsupported, "ESP suite", fmt::format("{} does not have it", implementation));
    return made;
}

std::vector<const char*> packet_cipher_implementations(const CipherSuite& suite) {
    std::vector<const char*> names;
    for_each_implementation(suite, [&](const char* name, const PacketRow&, const PacketShape&) {
        names.push_back(name);
        return false;
    });
    return names;
}

}  // namespace cygnet::crypto
