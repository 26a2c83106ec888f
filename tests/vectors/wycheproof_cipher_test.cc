#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/rows.h"
#include "tests/vectors/json_file.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;

// One AEAD test through a row's single-message form, both ways.
void check_single(const AeadRow& row, const WycheproofTest& each) {
    const auto aead = row.make(row.kind, each.octets("key"), 16);
    Bytes text = each.octets("ct");
    const bool opened = aead->open(each.octets("iv"), each.octets("aad"), text, each.octets("tag"));
    EXPECT_EQ(opened, each.valid());
    if (!each.valid()) return;
    EXPECT_EQ(hex(text), hex(each.octets("msg")));
    Bytes icv(16);
    aead->seal(each.octets("iv"), each.octets("aad"), text, icv);
    EXPECT_EQ(hex(text), hex(each.octets("ct")));
    EXPECT_EQ(hex(icv), hex(each.octets("tag")));
}

// The same through its packet form.
void check_packet(const AeadRow& row, const WycheproofTest& each) {
    const auto cipher = row.make_packet_cipher(row.kind, each.octets("key"));
    Bytes text = each.octets("ct"), icv = each.octets("tag");
    const Bytes aad = each.octets("aad");
    AeadPacket packet{};
    std::ranges::copy(each.octets("iv"), packet.nonce.begin());
    packet.aad = aad.data();
    packet.aad_size = static_cast<std::uint32_t>(aad.size());
    packet.text = text.data();
    packet.text_size = static_cast<std::uint32_t>(text.size());
    packet.icv = icv.data();
    cipher->open({&packet, 1});
    EXPECT_EQ(packet.authentic, each.valid());
    if (!each.valid()) return;
    EXPECT_EQ(hex(text), hex(each.octets("msg")));
    cipher->seal({&packet, 1});
    EXPECT_EQ(hex(text), hex(each.octets("ct")));
    EXPECT_EQ(hex(icv), hex(each.octets("tag")));
}

void run_aead(const std::string& name, AeadKind kind) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        // RFC 4106 §4 and RFC 7634 §2: nonces of 12 octets only.
        if (each.octets("iv").size() != 12 || each.octets("tag").size() != 16) return;
        for (const Library& library : libraries()) {
            for (const AeadRow& row : library.aeads) {
                if (row.kind != kind || row.key_size != each.octets("key").size()) continue;
                SCOPED_TRACE(library.name);
                if (row.make) check_single(row, each);
                if (row.make_packet_cipher) check_packet(row, each);
                ++run;
            }
        }
    });
    EXPECT_GT(run, 100);
}

TEST(Wycheproof, AesGcm) { run_aead("aes_gcm", AeadKind::aes_gcm); }
TEST(Wycheproof, ChaCha20Poly1305) { run_aead("chacha20_poly1305", AeadKind::chacha20_poly1305); }

void run_hmac(const std::string& name, Hash hash) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        const Bytes message = each.octets("msg"), tag = each.octets("tag");
        const std::vector<ByteView> parts = {ByteView(message).first(message.size() / 2),
                                             ByteView(message).subspan(message.size() / 2)};
        for (const Library& library : libraries()) {
            for (const HashRow& row : library.hashes) {
                if (row.hash != hash) continue;
                SCOPED_TRACE(library.name);
                Bytes once(size_of(hash)), kept(size_of(hash));
                row.hmac(hash, each.octets("key"), parts, once);
                row.make_hmac(hash, each.octets("key"))->compute(parts, kept);
                EXPECT_EQ(once, kept);
                once.resize(tag.size());  // some tests cut the tag
                EXPECT_EQ(once == tag, each.valid());
                ++run;
            }
        }
    });
    EXPECT_GT(run, 50);
}

TEST(Wycheproof, HmacSha1) { run_hmac("hmac_sha1", Hash::sha1); }
TEST(Wycheproof, HmacSha256) { run_hmac("hmac_sha256", Hash::sha2_256); }
TEST(Wycheproof, HmacSha384) { run_hmac("hmac_sha384", Hash::sha2_384); }
TEST(Wycheproof, HmacSha512) { run_hmac("hmac_sha512", Hash::sha2_512); }

}  // namespace
}  // namespace cygnet::vectors
