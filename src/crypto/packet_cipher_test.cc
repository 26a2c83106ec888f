#include "crypto/packet_cipher.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/packet_rows.h"

namespace cygnet::crypto {
namespace {

using model::Encr;
using model::Integ;

Bytes octets(std::string_view text) { return *from_hex(text); }

Bytes key_from(std::size_t size, std::uint8_t first) {
    Bytes key(size);
    for (auto& octet : key) octet = first++;
    return key;
}

struct Keyed {
    CipherSuite suite;
    Bytes encr, integ;
};

std::unique_ptr<PacketCipher> make(const Keyed& keyed, bool esn, const char* library) {
    return make_packet_cipher(keyed.suite, esn, keyed.encr, keyed.integ, library).value();
}

Keyed test_keys(const CipherSuite& suite) {
    const PacketShape shape = packet_shape_of(suite).value();
    return {suite, key_from(shape.encr_key_size, 0x80), key_from(shape.integ_key_size, 0xa0)};
}

EspPacket packet_in(Bytes& octets, std::uint64_t sequence) {
    return {.data = octets.data(),
            .sequence = sequence,
            .size = static_cast<std::uint32_t>(octets.size()),
            .authentic = false};
}

// SPI 0x20000002, the sequence number, and room around the text.
Bytes unsealed(const PacketShape& shape, std::uint64_t sequence, ByteView text) {
    Bytes packet(esp_header_size);
    store_be<std::uint32_t>(packet.data(), 0x2000'0002);
    store_be(packet.data() + 4, static_cast<std::uint32_t>(sequence));
    packet.resize(shape.text_at());
    append(packet, text);
    packet.resize(packet.size() + shape.icv_size);
    return packet;
}

struct KnownAnswer {
    CipherSuite suite;
    bool esn;
    const char* packet;
};

// Made once with another program (Python's cryptography and hmac) from the keys 0x80 … and 0xa0 …, the text 0, 1 … 47
// and the sequence numbers 0xfffffff0 and, extended, 0x100000007.
constexpr KnownAnswer known_answers[] = {
    {{Encr::aes_gcm_16, 128, Integ::none},
     false,
     "20000002fffffff000000000fffffff02faf62ec376b052a85ede7054996e117567993390ca59a65967abfa6a83ea406"
     "ef0179d081e9538d72ebbc18cf62d36a4f89aa800d6ba0a765bd23e115bee213"},
    {{Encr::aes_gcm_16, 128, Integ::none},
     true,
     "20000002000000070000000100000007f2b75118dd7ce28afed20a52ffb008d97e3f4f38c1cefd315b3a50bd3eaf0d27"
     "ee7a761a159966a78623e7e400d8552f8fc06fd381413482ca88e7720756ec23"},
    {{Encr::aes_gcm_16, 192, Integ::none},
     true,
     "2000000200000007000000010000000724868e5c9399cebe7ffe4a93e9e13e98e1769114e236ae79b9f525ca2220ebc4"
     "c5248a6a8d7436e936a4088279b3ee3e6ce414a21965677188ea290865e32fd5"},
    {{Encr::aes_gcm_16, 256, Integ::none},
     false,
     "20000002fffffff000000000fffffff0b1f11579c8c25b37dc4e07a7b97c8428a6557946328fcfe4600ef609573aeddf"
     "654d11f2810dbad6f2f403152ad757ee5e491d7ba4cae9f6ecf9a21970070575"},
    {{Encr::aes_gcm_16, 256, Integ::none},
     true,
     "200000020000000700000001000000072e592851d309cbd240bca34b5b6f02d8c78267902845cb2cd0e045f86f673fec"
     "500ce51ebb80da0808d473db2c90543f58ad484060128f4a24a25e4390847289"},
    {{Encr::chacha20_poly1305, 0, Integ::none},
     false,
     "20000002fffffff000000000fffffff0aaefb73097b70d74d400b16585e9a6aeabbb7aef5b8e006055215c0e2d176e84"
     "130567a8081d10be044d433a74d811c10d352fc8022ac597ea8fa2c0c6c5d6c6"},
    {{Encr::chacha20_poly1305, 0, Integ::none},
     true,
     "20000002000000070000000100000007ea3f1b3cc1173109a749a2b5b7753f45b2c618c62e514a963cd54dd9ff0fd778"
     "39a500ff4c3083011a3db4cbf2fe8da2f6e2ed77ef5413b6128f068c4e20e4ff"},
    {{Encr::aes_gcm_12, 128, Integ::none},
     false,
     "20000002fffffff000000000fffffff02faf62ec376b052a85ede7054996e117567993390ca59a65967abfa6a83ea406"
     "ef0179d081e9538d72ebbc18cf62d36a4f89aa800d6ba0a765bd23e1"},
    {{Encr::aes_gcm_12, 128, Integ::none},
     true,
     "20000002000000070000000100000007f2b75118dd7ce28afed20a52ffb008d97e3f4f38c1cefd315b3a50bd3eaf0d27"
     "ee7a761a159966a78623e7e400d8552f8fc06fd381413482ca88e772"},
    {{Encr::aes_gcm_8, 256, Integ::none},
     false,
     "20000002fffffff000000000fffffff0b1f11579c8c25b37dc4e07a7b97c8428a6557946328fcfe4600ef609573aeddf"
     "654d11f2810dbad6f2f403152ad757ee5e491d7ba4cae9f6"},
    {{Encr::aes_gcm_8, 256, Integ::none},
     true,
     "200000020000000700000001000000072e592851d309cbd240bca34b5b6f02d8c78267902845cb2cd0e045f86f673fec"
     "500ce51ebb80da0808d473db2c90543f58ad484060128f4a"},
    {{Encr::aes_ccm_16, 256, Integ::none},
     false,
     "20000002fffffff000000000fffffff02686e57d8b8f15002129847028642940b03fe2deeeab182ccce387d56254ef8c"
     "33ad7727bb0611e8cc1ec86e5590a3efd565d0a3e851db4c84cd6240f489611b"},
    {{Encr::aes_ccm_16, 256, Integ::none},
     true,
     "200000020000000700000001000000072c020b14c159e425c958dd7553ab6c4f18cf3665c64adf94516a94eb002ce80a"
     "30edc63b9a11917ecd999f78626f4966d39ceb99e8d6cecddd08b02e558f39ba"},
    {{Encr::aes_ccm_12, 192, Integ::none},
     true,
     "2000000200000007000000010000000750b55bb086550c980ba308ddc94d8965988af8cbfa5cd97dfc868ce4ec19a9b0"
     "957ce24f5ccf4ae7bceb6ba8094218d4c6af91f1a89d305e92808fa2"},
    {{Encr::aes_ccm_8, 128, Integ::none},
     false,
     "20000002fffffff000000000fffffff08f6cf8179a087ff25b0f20053b517d617b33e1a6386bb66c8c70eb1f7244064d"
     "faceba601dc1c5e2177fdd8e0ac82c94addddb4f6dc2d033"},
    {{Encr::aes_ccm_8, 128, Integ::none},
     true,
     "20000002000000070000000100000007e6d89c27e7104bc308a7ff378079d70bd7b9c8c14b926a01ae0f742dcdccc5d3"
     "86f39bd4c7a909d999be23a973096ff90bc4e3c00528b502"},
    {{Encr::null_auth_aes_gmac, 128, Integ::none},
     false,
     "20000002fffffff000000000fffffff0000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f1ea5f29d7cd969111b5240c16e599ff0"},
    {{Encr::null_auth_aes_gmac, 128, Integ::none},
     true,
     "20000002000000070000000100000007000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2ff562a07f0bcf2d4654092598c559e83e"},
    {{Encr::null_auth_aes_gmac, 256, Integ::none},
     false,
     "20000002fffffff000000000fffffff0000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f622f9fd85f7e799ebe493a56baaaa571"},
    {{Encr::null_auth_aes_gmac, 256, Integ::none},
     true,
     "20000002000000070000000100000007000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f6501ec4793e2fbf93e6f18c4b77cc763"},
    {{Encr::aes_cbc, 128, Integ::hmac_sha2_256_128},
     false,
     "20000002fffffff01ada8f35fe4da85502e299ee443050fad679fd221b4d100bd137d30f4736022b2215660fc42d0064"
     "89e97eca05f49b1f88ce42a5de7a09965d3296c4ad29ee60a9c92e4eddf8366b6dd2b3dc365d27b5"},
    {{Encr::aes_cbc, 128, Integ::hmac_sha2_256_128},
     true,
     "20000002000000078402d9faf4b9eac0cce9df7e3f3041c71247d2af0a7e23416856235bb3ef71ee06ca04ca8cb3660c"
     "204d239fd94a013d4ed2de493321a179dd5bd4d144deff3b4c42a1ebba721de4490f411b2139d6c4"},
    {{Encr::aes_cbc, 192, Integ::hmac_sha2_384_192},
     true,
     "2000000200000007b228908b0d2946e4365b939203061d138ded5e8037c3728316df24e52eb818dabf49f2529d853dcd"
     "f65587c80ac996d8c1279d03bde2fe494290bbf66c5776f4421715b59f88a4139df820097c2112d70e402a91f52e879f"},
    {{Encr::aes_cbc, 256, Integ::hmac_sha2_512_256},
     false,
     "20000002fffffff09caf30d6695b2582753c7e1b0a5359918486d3e114d6708ee93399c27889fc801c22d33dfc870a0a"
     "a91086e4c05267e6affa1ff6716f5b9816151e5cfc2792ad354922fc118af433bb823119bba02a85bb032e3b664b57e0"
     "6b3462bdd0e0ea82"},
    {{Encr::aes_cbc, 256, Integ::hmac_sha2_512_256},
     true,
     "2000000200000007f1518a01dc02b77f12834f364b976d4917e07ee6f74da61bbbc4e0b7d90363150976fa4e37d95263"
     "5af57fd0bfb9d80793f9138949ef6f8d1d3ecfc06a34691c9f2fffa4b9f494a336ea073b6a52467735cb548f2c733046"
     "a26a48599f90cafd"},
    {{Encr::aes_cbc, 256, Integ::hmac_sha1_96},
     false,
     "20000002fffffff09caf30d6695b2582753c7e1b0a5359918486d3e114d6708ee93399c27889fc801c22d33dfc870a0a"
     "a91086e4c05267e6affa1ff6716f5b9816151e5cfc2792ad7c565eebba360cd93a17c707"},
    {{Encr::aes_cbc, 256, Integ::hmac_sha1_96},
     true,
     "2000000200000007f1518a01dc02b77f12834f364b976d4917e07ee6f74da61bbbc4e0b7d90363150976fa4e37d95263"
     "5af57fd0bfb9d80793f9138949ef6f8d1d3ecfc06a34691c384c2459fe47c8b4206ede02"},
    {{Encr::aes_ctr, 128, Integ::hmac_sha2_512_256},
     false,
     "20000002fffffff000000000fffffff09042e4d4120a30ff502ed0169426a2d83fbf72fc277b153a95fdf7155986f107"
     "6649a3093c95aa55a64a8f96980e94364b46b1d3b54875ce190acca874ff1816f198413a112557af59e6ab638d0ce57f"},
    {{Encr::aes_ctr, 128, Integ::hmac_sha2_512_256},
     true,
     "2000000200000007000000010000000752ef133a7cd187979f0e5bc0a1842a93e2a74108cd6cf29aeec21a42efa018c9"
     "4e0f7f08f1fecd016b0a608d0e9f3d178c7863e46b9d357ccf0fa669f1ae465a2be69b8c9100c61bba0435a8e229ddf4"},
    {{Encr::aes_ctr, 192, Integ::hmac_sha2_256_128},
     true,
     "200000020000000700000001000000079586a72bd2e9d7cd7d6511fda6bb586034969e4c8389deae6fee5a83f9f12e88"
     "d146a124d2069e4989c515fa1210dbf42044b964fd20ee892cac9e0eee030a58"},
    {{Encr::aes_ctr, 256, Integ::hmac_sha2_384_192},
     false,
     "20000002fffffff000000000fffffff0e61f692de420d0b2126176148946f736a1e10569d8d24b27cc5e17b7a96c9438"
     "9665497602bfffd4503ec639670addef3ffafcfd05acc8e6876776bf76f6493504305e955acffc34"},
    {{Encr::aes_ctr, 256, Integ::hmac_sha2_384_192},
     true,
     "20000002000000070000000100000007adafd46b6db14de7e1b6b9a9483bf0d13e493841c319dbc250acb35b4b7f12c8"
     "f7b257a01875fb1ce0d075c85f570fdc2dea78276140bc97e9b48a8570a4e0486a9ce49bff0a2d94"},
    {{Encr::null, 0, Integ::hmac_sha2_256_128},
     false,
     "20000002fffffff0000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2fee7ccb0af02628bca5686d6031e7bd03"},
    {{Encr::null, 0, Integ::hmac_sha2_256_128},
     true,
     "2000000200000007000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2fd66781c7349187ef5c6140da62ea03eb"},
    {{Encr::null, 0, Integ::hmac_sha2_512_256},
     false,
     "20000002fffffff0000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2fb2dc5d93ecbd605ec0606659375796bd696edbfcf6b85ab439201f5427eb1037"},
    {{Encr::null, 0, Integ::hmac_sha2_512_256},
     true,
     "2000000200000007000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2f89159b3229678661e7b0005ac7f5ddc7099db57b3c91bf10396a98ca63bb524d"},
    {{Encr::aes_gcm_16_iiv, 256, Integ::none},
     false,
     "20000002fffffff0b1f11579c8c25b37dc4e07a7b97c8428a6557946328fcfe4600ef609573aeddf654d11f2810dbad6"
     "f2f403152ad757ee5e491d7ba4cae9f6ecf9a21970070575"},
    {{Encr::aes_gcm_16_iiv, 256, Integ::none},
     true,
     "20000002000000072e592851d309cbd240bca34b5b6f02d8c78267902845cb2cd0e045f86f673fec500ce51ebb80da08"
     "08d473db2c90543f58ad484060128f4a24a25e4390847289"},
    {{Encr::aes_ccm_8_iiv, 128, Integ::none},
     false,
     "20000002fffffff08f6cf8179a087ff25b0f20053b517d617b33e1a6386bb66c8c70eb1f7244064dfaceba601dc1c5e2"
     "177fdd8e0ac82c94addddb4f6dc2d033"},
    {{Encr::aes_ccm_8_iiv, 128, Integ::none},
     true,
     "2000000200000007e6d89c27e7104bc308a7ff378079d70bd7b9c8c14b926a01ae0f742dcdccc5d386f39bd4c7a909d9"
     "99be23a973096ff90bc4e3c00528b502"},
    {{Encr::chacha20_poly1305_iiv, 0, Integ::none},
     false,
     "20000002fffffff0aaefb73097b70d74d400b16585e9a6aeabbb7aef5b8e006055215c0e2d176e84130567a8081d10be"
     "044d433a74d811c10d352fc8022ac597ea8fa2c0c6c5d6c6"},
    {{Encr::chacha20_poly1305_iiv, 0, Integ::none},
     true,
     "2000000200000007ea3f1b3cc1173109a749a2b5b7753f45b2c618c62e514a963cd54dd9ff0fd77839a500ff4c308301"
     "1a3db4cbf2fe8da2f6e2ed77ef5413b6128f068c4e20e4ff"},
};

std::string name_of_case(const CipherSuite& suite, const char* library) {
    return name_of(suite.encr) + " " + std::to_string(suite.key_bits) + " " + name_of(suite.integ) + " in " + library;
}

// RFC 4106 §3 to §6 [188], RFC 4309 §3 to §6, RFC 7634 §2 [191], RFC 4543 §3, RFC 3602 §3, RFC 3686 §3 and §4,
// RFC 4868 §2.3. RFC 8750 §4 [189]: an implicit IV is the sequence number.
TEST(PacketCipher, gives_the_known_answers_in_every_library) {
    const Bytes text = key_from(48, 0);
    for (const KnownAnswer& known : known_answers) {
        const std::uint64_t sequence = known.esn ? 0x1'0000'0007 : 0xffff'fff0;
        const auto libraries = packet_cipher_implementations(known.suite);
        ASSERT_FALSE(libraries.empty()) << name_of(known.suite.encr);
        for (const char* library : libraries) {
            SCOPED_TRACE(name_of_case(known.suite, library));
            const auto cipher = make(test_keys(known.suite), known.esn, library);
            // Two at once, and twice: nothing may be left over from the packet before.
            const PacketShape shape = *packet_shape_of(known.suite);
            Bytes packets[] = {unsealed(shape, sequence, text), unsealed(shape, sequence, text)};
            EspPacket batch[] = {packet_in(packets[0], sequence), packet_in(packets[1], sequence)};
            cipher->seal(batch);
            EXPECT_EQ(hex(packets[0]), known.packet);
            EXPECT_EQ(hex(packets[1]), known.packet);
            cipher->open(batch);
            for (int i : {0, 1}) {
                EXPECT_TRUE(batch[i].authentic);
                EXPECT_EQ(hex(ByteView(packets[i]).subspan(shape.text_at(), text.size())), hex(text));
            }
        }
    }
}

// Every suite once.
std::vector<CipherSuite> all_suites() {
    std::vector<CipherSuite> suites;
    for (const KnownAnswer& known : known_answers)
        if (suites.empty() || !(suites.back() == known.suite)) suites.push_back(known.suite);
    return suites;
}

TEST(PacketCipher, opens_in_every_library_what_the_others_seal_at_every_size) {
    for (const CipherSuite& suite : all_suites()) {
        const PacketShape shape = *packet_shape_of(suite);
        for (const char* from : packet_cipher_implementations(suite))
            for (const char* to : packet_cipher_implementations(suite)) {
                const auto sealing = make(test_keys(suite), true, from), opening = make(test_keys(suite), true, to);
                for (std::size_t size = shape.alignment; size < 500; size += shape.alignment) {
                    const Bytes text(size, 0x22);
                    const std::uint64_t sequence = 0xffff'ff00 + size;
                    Bytes octets = unsealed(shape, sequence, text);
                    EspPacket packet = packet_in(octets, sequence);
                    sealing->seal({&packet, 1});
                    opening->open({&packet, 1});
                    ASSERT_TRUE(packet.authentic) << name_of_case(suite, from) << " to " << to << ", " << size;
                    ASSERT_TRUE(std::ranges::equal(ByteView(octets).subspan(shape.text_at(), size), text));
                }
            }
    }
}

// A batch longer than any queue: each packet meets its own verdict.
TEST(PacketCipher, tells_forged_packets_of_a_batch_from_the_others) {
    constexpr std::size_t count = 150;
    for (const CipherSuite& suite : all_suites())
        for (const char* library : packet_cipher_implementations(suite)) {
            SCOPED_TRACE(name_of_case(suite, library));
            const PacketShape shape = *packet_shape_of(suite);
            const auto cipher = make(test_keys(suite), false, library);
            std::vector<Bytes> packets;
            std::vector<EspPacket> batch;
            for (std::size_t i = 0; i < count; ++i)
                packets.push_back(unsealed(shape, i + 1, Bytes(16 * (i % 9 + 1), 7)));
            for (std::size_t i = 0; i < count; ++i) batch.push_back(packet_in(packets[i], i + 1));
            cipher->seal(batch);
            for (std::size_t i = 0; i < count; i += 7) packets[i][packets[i].size() - 1 - i % shape.icv_size] ^= 0x10;
            cipher->open(batch);
            for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(batch[i].authentic, i % 7 != 0) << i;
        }
}

// RFC 4303 §2.2.1 [179]: the high half counts although it is not sent.
TEST(PacketCipher, authenticates_the_high_half_of_extended_numbers) {
    for (const CipherSuite& suite : all_suites())
        for (const char* library : packet_cipher_implementations(suite)) {
            const auto cipher = make(test_keys(suite), true, library);
            Bytes octets = unsealed(*packet_shape_of(suite), 5, Bytes(32, 1));
            EspPacket packet = packet_in(octets, 5);
            cipher->seal({&packet, 1});
            packet.sequence += 1ULL << 32;
            cipher->open({&packet, 1});
            EXPECT_FALSE(packet.authentic) << name_of_case(suite, library);
        }
}

// RFC 3602 §3: unpredictable, and different for each packet.
TEST(PacketCipher, chooses_ivs_of_cbc_that_the_number_does_not_show) {
    const CipherSuite suite{Encr::aes_cbc, 128, Integ::hmac_sha2_256_128};
    for (const char* library : packet_cipher_implementations(suite)) {
        const auto cipher = make(test_keys(suite), false, library);
        std::vector<Bytes> ivs;
        for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
            Bytes octets = unsealed(*packet_shape_of(suite), sequence, Bytes(16));
            EspPacket packet = packet_in(octets, sequence);
            cipher->seal({&packet, 1});
            ivs.emplace_back(octets.begin() + 8, octets.begin() + 24);
        }
        std::ranges::sort(ivs);
        EXPECT_EQ(std::ranges::unique(ivs).begin(), ivs.end());
        // Nothing of the counter is seen: no IV shares its first octets with another.
        for (std::size_t i = 1; i < ivs.size(); ++i)
            EXPECT_NE(hex(ByteView(ivs[i - 1]).first(4)), hex(ByteView(ivs[i]).first(4)));
    }
}

// Text that a standard gives, with a MAC of ours behind it.
struct CipherCase {
    const char* name;
    CipherSuite suite;
    const char* key;  // with the salt
    const char* header_and_iv;
    const char* plain;
    const char* cipher;
};
constexpr CipherCase cipher_cases[] = {
    {"RFC 3602 case 5",
     {Encr::aes_cbc, 128, Integ::hmac_sha2_256_128},
     "90d382b410eeba7ad938c46cec1a82bf",
     "0000432100000001e96e8c08ab465763fd098d45dd3ff893",
     "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2f30313233343536370102030405060708090a0b0c0d0e0e01",
     "f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52"
     "775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6"},
    {"RFC 3686 vector 2",
     {Encr::aes_ctr, 128, Integ::hmac_sha2_384_192},
     "7e24067817fae0d743d6ce1f32539163006cb6db",
     "0000432100000001c0543b59da48d90b",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"},
    {"RFC 3686 vector 6",
     {Encr::aes_ctr, 192, Integ::hmac_sha2_256_128},
     "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe0007bdfd",
     "00004321000000015cbd60278dcc0912",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
     "96893fc55e5c722f540b7dd1ddf7e758d288bc95c691658845"
     "36c811662f2188abee0935"},
    {"RFC 3686 vector 7",
     {Encr::aes_ctr, 256, Integ::hmac_sha2_512_256},
     "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c10400000060",
     "0000432100000001db5672c97aa8f0b2",
     "53696e676c6520626c6f636b206d7367",
     "145ad01dbf824ec7560863dc71e3e0c0"},
};

TEST(PacketCipher, opens_the_vectors_of_rfc_3602_and_rfc_3686) {
    for (const CipherCase& each : cipher_cases) {
        const IntegFacts integ = *integ_of(each.suite.integ);
        const Bytes integ_key = key_from(integ.key_size, 1),
                    sealed = concat({octets(each.header_and_iv), octets(each.cipher)});
        Bytes mac(size_of(integ.hash));
        const std::vector<ByteView> parts = {sealed};
        best_hash(integ.hash).hmac(integ.hash, integ_key, parts, mac);
        for (const char* library : packet_cipher_implementations(each.suite)) {
            SCOPED_TRACE(std::string(each.name) + " in " + library);
            const auto cipher = make({each.suite, octets(each.key), integ_key}, false, library);
            Bytes packet = concat({sealed, ByteView(mac).first(integ.icv_size)});
            EspPacket opened = packet_in(packet, 1);
            cipher->open({&opened, 1});
            EXPECT_TRUE(opened.authentic);
            EXPECT_EQ(hex(ByteView(packet).subspan(octets(each.header_and_iv).size(), octets(each.plain).size())),
                      each.plain);
        }
    }
}

// RFC 4303 §1 [187], RFC 2410 §2: integrity alone leaves the text as it is.
TEST(PacketCipher, leaves_the_text_of_null_and_gmac_readable) {
    for (const CipherSuite& suite : {CipherSuite{Encr::null, 0, Integ::hmac_sha2_256_128},
                                     CipherSuite{Encr::null_auth_aes_gmac, 256, Integ::none}}) {
        const PacketShape shape = *packet_shape_of(suite);
        const Bytes text = key_from(20, 0x41);
        Bytes octets = unsealed(shape, 9, text);
        EspPacket packet = packet_in(octets, 9);
        make(test_keys(suite), false, nullptr)->seal({&packet, 1});
        EXPECT_TRUE(std::ranges::equal(ByteView(octets).subspan(shape.text_at(), text.size()), text));
    }
}

struct ShapeCase {
    CipherSuite suite;
    std::size_t encr_key, integ_key;
    unsigned iv, icv, alignment;
};
// KEYMAT: RFC 4106 §8.1, RFC 4309 §7.1, RFC 7634 §2, RFC 4543 §5.4, RFC 3686 §5.1, RFC 4868 §2.6.
constexpr ShapeCase shape_cases[] = {
    {{Encr::aes_gcm_16, 256, Integ::none}, 36, 0, 8, 16, 4},
    {{Encr::aes_gcm_8, 128, Integ::none}, 20, 0, 8, 8, 4},
    {{Encr::aes_ccm_12, 192, Integ::none}, 27, 0, 8, 12, 4},
    {{Encr::chacha20_poly1305, 0, Integ::none}, 36, 0, 8, 16, 4},
    {{Encr::null_auth_aes_gmac, 192, Integ::none}, 28, 0, 8, 16, 4},
    {{Encr::aes_cbc, 256, Integ::hmac_sha2_256_128}, 32, 32, 16, 16, 16},
    {{Encr::aes_cbc, 128, Integ::hmac_sha1_96}, 16, 20, 16, 12, 16},
    {{Encr::aes_ctr, 256, Integ::hmac_sha2_512_256}, 36, 64, 8, 32, 4},
    {{Encr::null, 0, Integ::hmac_sha2_384_192}, 0, 48, 0, 24, 4},
    {{Encr::aes_gcm_16_iiv, 128, Integ::none}, 20, 0, 0, 16, 4},
    {{Encr::aes_ccm_8_iiv, 256, Integ::none}, 35, 0, 0, 8, 4},
    {{Encr::chacha20_poly1305_iiv, 0, Integ::none}, 36, 0, 0, 16, 4},
};

TEST(PacketShapes, are_those_of_the_rfcs) {
    for (const ShapeCase& each : shape_cases) {
        const auto shape = packet_shape_of(each.suite);
        ASSERT_TRUE(shape) << name_of(each.suite.encr);
        EXPECT_EQ(shape->encr_key_size, each.encr_key);
        EXPECT_EQ(shape->integ_key_size, each.integ_key);
        EXPECT_EQ(shape->iv_size, each.iv);
        EXPECT_EQ(shape->icv_size, each.icv);
        EXPECT_EQ(shape->alignment, each.alignment);
    }
}

// RFC 8221 §4 and §6 [57], RFC 4303 §3.2 [186]: encryption is never without integrity, NULL neither, and a combined mode
// has its own.
TEST(PacketShapes, do_not_exist_for_what_is_no_suite) {
    for (const CipherSuite& suite :
         {CipherSuite{Encr::null, 0, Integ::none}, CipherSuite{Encr::aes_cbc, 128, Integ::none},
          CipherSuite{Encr::aes_ctr, 256, Integ::none}, CipherSuite{Encr::aes_gcm_16, 128, Integ::hmac_sha2_256_128},
          CipherSuite{Encr::null_auth_aes_gmac, 128, Integ::hmac_sha2_256_128},
          CipherSuite{Encr::aes_gcm_16, 0, Integ::none}, CipherSuite{Encr::aes_gcm_16, 130, Integ::none},
          CipherSuite{Encr::aes_cbc, 64, Integ::hmac_sha2_256_128},
          CipherSuite{Encr::chacha20_poly1305, 256, Integ::none},
          CipherSuite{Encr::null, 128, Integ::hmac_sha2_256_128}, CipherSuite{Encr::aes_cbc, 128, Integ::aes_xcbc_96},
          CipherSuite{Encr::triple_des, 0, Integ::hmac_sha1_96},
          CipherSuite{Encr::camellia_cbc, 128, Integ::hmac_sha2_256_128}, CipherSuite{}})
        EXPECT_FALSE(packet_shape_of(suite)) << name_of(suite.encr) << suite.key_bits;
}

TEST(PacketCipher, is_not_made_from_wrong_keys_or_by_unknown_libraries) {
    const CipherSuite suite{Encr::aes_gcm_16, 128, Integ::none};
    EXPECT_EQ(make_packet_cipher(suite, false, Bytes(19), {}).error().code, Errc::bad_length);
    EXPECT_EQ(make_packet_cipher(suite, false, Bytes(20), Bytes(1)).error().code, Errc::bad_length);
    EXPECT_EQ(make_packet_cipher(suite, false, Bytes(20), {}, "abacus").error().code, Errc::unsupported);
    EXPECT_EQ(make_packet_cipher({}, false, {}, {}).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace cygnet::crypto
