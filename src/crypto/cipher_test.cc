#include "crypto/cipher.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using model::Encr;
using model::Integ;

Bytes octets(std::string_view text) { return *from_hex(text); }

struct AeadCase {
    const char* name;
    AeadKind kind;
    const char* key;
    const char* nonce;
    const char* aad;
    const char* plain;
    const char* cipher;
    const char* icv;
};

constexpr const char* gcm_nonce = "cafebabefacedbaddecaf888";
constexpr const char* gcm_aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr const char* gcm_plain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
    "b16aedf5aa0de657ba637b39";

// The GCM specification's cases 4, 10 and 16; RFC 8439 §2.8.2; RFC 7634 appendix A.
constexpr AeadCase aead_cases[] = {
    {"GCM case 4", AeadKind::aes_gcm, "feffe9928665731c6d6a8f9467308308", gcm_nonce, gcm_aad, gcm_plain,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
     "1ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"GCM case 10", AeadKind::aes_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c", gcm_nonce, gcm_aad,
     gcm_plain,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f47"
     "18e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {"GCM case 16", AeadKind::aes_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", gcm_nonce,
     gcm_aad, gcm_plain,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
     "c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"RFC 8439", AeadKind::chacha20_poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492063"
     "6f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
     "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
    {"RFC 7634", AeadKind::chacha20_poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "a0a1a2a31011121314151617", "0102030400000005",
     "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213"
     "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
     "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7"
     "2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0",
     "76aaa8266b7fb0f7b11b369907e1ad43"},
};

// Calls `check` with each row of this kind and key size, in every library.
template <class Check>
void for_each_row(const AeadCase& each, Check check) {
    const std::size_t key_size = octets(each.key).size();
    for (const Library& library : libraries())
        for (const AeadRow& row : library.aeads)
            if (row.kind == each.kind && row.key_size == key_size) {
                SCOPED_TRACE(std::string(each.name) + " in " + library.name);
                check(row);
            }
}

TEST(Aead, EveryRowGivesTheValuesOfTheStandards) {
    for (const AeadCase& each : aead_cases) {
        for_each_row(each, [&](const AeadRow& row) {
            Bytes text = octets(each.plain), icv(16);
            const auto aead = row.make(row.kind, octets(each.key), 16);
            aead->seal(octets(each.nonce), octets(each.aad), text, icv);
            EXPECT_EQ(hex(text), each.cipher);
            EXPECT_EQ(hex(icv), each.icv);
            EXPECT_TRUE(aead->open(octets(each.nonce), octets(each.aad), text, icv));
            EXPECT_EQ(hex(text), each.plain);
            icv[15] ^= 0x80;
            text = octets(each.cipher);
            EXPECT_FALSE(aead->open(octets(each.nonce), octets(each.aad), text, icv));
        });
    }
}

struct CbcCase {
    const char* key;
    const char* iv;
    const char* plain;
    const char* cipher;
};

// RFC 3602 §4 cases 1 and 4; NIST SP 800-38A F.2.3 and F.2.5.
constexpr CbcCase cbc_cases[] = {
    {"06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41", "53696e676c6520626c6f636b206d7367",
     "e353779c1079aeb82708942dbe77181a"},
    {"56e47a38c5598974bc46903dba290349", "8ce82eefbea0da3c44699ed7db51b7d9",
     "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
     "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
     "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e35907aa632c3ffdf868bb7b29d3d46ad"
     "83ce9f9a102ee99d49a53e87f4c3da55"},
    {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f",
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f",
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
};

TEST(Cbc, EveryRowGivesTheValuesOfTheStandards) {
    for (const CbcCase& each : cbc_cases) {
        const Bytes key = octets(each.key);
        for (const Library& library : libraries()) {
            for (const CbcRow& row : library.cbcs) {
                if (row.key_size != key.size()) continue;
                const auto cbc = row.make(key);
                Bytes text = octets(each.plain);
                // Twice: nothing may be left over from the message before.
                for (int i = 0; i < 2; ++i) {
                    cbc->encrypt(octets(each.iv), text);
                    EXPECT_EQ(hex(text), each.cipher) << library.name;
                    cbc->decrypt(octets(each.iv), text);
                    EXPECT_EQ(hex(text), each.plain) << library.name;
                }
            }
        }
    }
}

std::vector<CipherSuite> all_suites() {
    std::vector<CipherSuite> suites = {{Encr::chacha20_poly1305, 0, Integ::none}};
    for (const int each : {128, 192, 256}) {
        const auto bits = static_cast<std::uint16_t>(each);
        for (const Encr encr : {Encr::aes_gcm_8, Encr::aes_gcm_12, Encr::aes_gcm_16, Encr::aes_ccm_8, Encr::aes_ccm_12,
                                Encr::aes_ccm_16})
            suites.push_back({encr, bits, Integ::none});
        for (const Integ integ :
             {Integ::hmac_sha1_96, Integ::hmac_sha2_256_128, Integ::hmac_sha2_384_192, Integ::hmac_sha2_512_256})
            suites.push_back({Encr::aes_cbc, bits, integ});
    }
    return suites;
}

TEST(Cipher, EverySuiteOpensWhatItSealedAndNoticesChanges) {
    for (const CipherSuite& suite : all_suites()) {
        const auto shape = shape_of(suite);
        ASSERT_TRUE(shape) << name_of(suite.encr) << suite.key_bits;
        const auto cipher = Cipher::make(suite, Bytes(shape->encr_key_size, 1), Bytes(shape->integ_key_size, 2));
        ASSERT_TRUE(cipher);
        const Bytes aad(32, 3), iv(shape->iv_size, 4), plain(5 * 16, 5);
        Bytes text = plain, icv(shape->icv_size);
        ASSERT_TRUE(cipher->seal(aad, iv, text, icv));
        EXPECT_NE(text, plain);
        const Bytes sealed = text;
        ASSERT_TRUE(cipher->open(aad, iv, text, icv));
        EXPECT_EQ(text, plain);
        for (const int part : {0, 1, 2, 3}) {
            Bytes other_aad = aad, other_iv = iv, other_icv = icv;
            text = sealed;
            if (part == 0) other_aad.back() ^= 1;
            if (part == 1) other_iv.back() ^= 1;
            if (part == 2) text.back() ^= 1;
            if (part == 3) other_icv.back() ^= 1;
            const auto opened = cipher->open(other_aad, other_iv, text, other_icv);
            ASSERT_FALSE(opened);
            EXPECT_EQ(opened.error().code, Errc::integrity);
        }
    }
}

TEST(Cipher, ShapesAreThoseOfTheRfcs) {
    const auto gcm = shape_of({Encr::aes_gcm_16, 256, Integ::none});
    EXPECT_EQ(gcm->encr_key_size, 36U);  // RFC 4106 §8.1
    EXPECT_EQ(gcm->iv_size, 8U);
    EXPECT_EQ(gcm->icv_size, 16U);
    EXPECT_TRUE(gcm->aead());
    EXPECT_EQ(shape_of({Encr::aes_gcm_8, 128, Integ::none})->icv_size, 8U);
    EXPECT_EQ(shape_of({Encr::aes_ccm_12, 128, Integ::none})->encr_key_size, 19U);  // RFC 5282 §7.1: a salt of 3 octets
    const auto chacha = shape_of({Encr::chacha20_poly1305, 0, Integ::none});
    EXPECT_EQ(chacha->encr_key_size, 36U);  // RFC 7634 §2
    const auto cbc = shape_of({Encr::aes_cbc, 192, Integ::hmac_sha2_384_192});
    EXPECT_EQ(cbc->encr_key_size, 24U);
    EXPECT_EQ(cbc->integ_key_size, 48U);  // RFC 4868 §2.6
    EXPECT_EQ(cbc->icv_size, 24U);
    EXPECT_EQ(cbc->block_size, 16U);
    EXPECT_EQ(cbc->iv_size, 16U);
}

// RFC 7296 §5 [55], RFC 4303 §3.2 [186]: NULL encryption and NONE integrity are no suite.
TEST(Cipher, SuitesThatMakeNoSenseHaveNoShape) {
    for (const CipherSuite& suite :
         {CipherSuite{Encr::aes_gcm_16, 128, Integ::hmac_sha2_256_128}, CipherSuite{Encr::aes_gcm_16, 0, Integ::none},
          CipherSuite{Encr::aes_gcm_16, 130, Integ::none}, CipherSuite{Encr::aes_cbc, 128, Integ::none},
          CipherSuite{Encr::aes_cbc, 100, Integ::hmac_sha1_96}, CipherSuite{Encr::chacha20_poly1305, 256, Integ::none},
          CipherSuite{Encr::triple_des, 0, Integ::hmac_sha1_96}, CipherSuite{},
          // RFC 8750 §7, RFC 7296 §5: for ESP alone.
          CipherSuite{Encr::aes_gcm_16_iiv, 256, Integ::none}, CipherSuite{Encr::null, 0, Integ::hmac_sha2_256_128},
          CipherSuite{Encr::null_auth_aes_gmac, 128, Integ::none}})
        EXPECT_FALSE(shape_of(suite)) << name_of(suite.encr) << suite.key_bits;
}

TEST(Cipher, WrongSizesAreErrorsNotAccidents) {
    const CipherSuite suite{Encr::aes_cbc, 128, Integ::hmac_sha2_256_128};
    EXPECT_EQ(Cipher::make(suite, Bytes(17), Bytes(32)).error().code, Errc::bad_length);
    EXPECT_EQ(Cipher::make(suite, Bytes(16), Bytes(31)).error().code, Errc::bad_length);
    EXPECT_EQ(Cipher::make({}, Bytes(16), Bytes(31)).error().code, Errc::unsupported);
    const auto cipher = Cipher::make(suite, Bytes(16), Bytes(32));
    Bytes text(15), icv(16);
    EXPECT_EQ(cipher->open(Bytes(28), Bytes(16), text, icv).error().code, Errc::bad_length);
    text.resize(16);
    EXPECT_EQ(cipher->open(Bytes(28), Bytes(15), text, icv).error().code, Errc::bad_length);
    icv.resize(12);
    EXPECT_EQ(cipher->seal(Bytes(28), Bytes(16), text, icv).error().code, Errc::bad_length);
}

// RFC 7296 §3.14: the MAC covers header, IV and ciphertext, cut as RFC 4868 §2.3 says.
TEST(Cipher, TheMacOfCbcIsOverAadIvAndCiphertext) {
    const CipherSuite suite{Encr::aes_cbc, 128, Integ::hmac_sha2_256_128};
    const auto cipher =
        Cipher::make(suite, octets(cbc_cases[0].key), Bytes(32, 0x0b));
    Bytes text = octets(cbc_cases[0].plain), icv(16), mac(32);
    ASSERT_TRUE(cipher->seal(bytes_of("header"), octets(cbc_cases[0].iv), text, icv));
    EXPECT_EQ(hex(text), cbc_cases[0].cipher);
    const Bytes covered = concat({bytes_of("header"), octets(cbc_cases[0].iv), text});
    const std::vector<ByteView> parts = {covered};
    best_hash(Hash::sha2_256).hmac(Hash::sha2_256, Bytes(32, 0x0b), parts, mac);
    EXPECT_EQ(hex(icv), hex(ByteView(mac).first(16)));
}

}  // namespace
}  // namespace cygnet::crypto
