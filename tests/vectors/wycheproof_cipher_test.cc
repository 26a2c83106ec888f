#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/rows.h"
#include "tests/vectors/json_file.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;

// One test, both ways. The rows of ipsec-mb are the functions that its ESP packets go through.
void check(const AeadRow& row, const WycheproofTest& each, const Bytes& aad, const Bytes& plain, const Bytes& cipher) {
    const Bytes tag = each.octets("tag");
    const auto aead = row.make(row.kind, each.octets("key"), tag.size());
    Bytes text = cipher;
    EXPECT_EQ(aead->open(each.octets("iv"), aad, text, tag), each.valid());
    if (!each.valid()) return;
    EXPECT_EQ(hex(text), hex(plain));
    Bytes icv(tag.size());
    aead->seal(each.octets("iv"), aad, text, icv);
    EXPECT_EQ(hex(text), hex(cipher));
    EXPECT_EQ(hex(icv), hex(tag));
}

// RFC 4106 §4 and §6, RFC 4309 §4 and §6, RFC 7634 §2: the sizes that IPsec uses.
bool has_sizes_of_ipsec(AeadKind kind, const WycheproofTest& each) {
    const std::size_t nonce = each.octets("iv").size(), tag = each.octets("tag").size();
    if (kind == AeadKind::chacha20_poly1305) return nonce == 12 && tag == 16;
    return nonce == (kind == AeadKind::aes_ccm ? 11 : 12) && (tag == 8 || tag == 12 || tag == 16);
}

// A GMAC is a GCM whose message is all additional data.
void run_aead(const std::string& name, AeadKind kind, int wanted, bool gmac = false) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        if (!has_sizes_of_ipsec(kind, each)) return;
        for (const Library& library : libraries()) {
            for (const AeadRow& row : library.aeads) {
                if (row.kind != kind || row.key_size != each.octets("key").size()) continue;
                SCOPED_TRACE(library.name);
                if (gmac) check(row, each, each.octets("msg"), {}, {});
                else check(row, each, each.octets("aad"), each.octets("msg"), each.octets("ct"));
                ++run;
            }
        }
    });
    EXPECT_GT(run, wanted);
}

TEST(Wycheproof, AesGcm) { run_aead("aes_gcm", AeadKind::aes_gcm, 100); }
TEST(Wycheproof, AesGmac) { run_aead("aes_gmac", AeadKind::aes_gcm, 100, true); }
TEST(Wycheproof, AesCcm) { run_aead("aes_ccm", AeadKind::aes_ccm, 3); }
TEST(Wycheproof, ChaCha20Poly1305) { run_aead("chacha20_poly1305", AeadKind::chacha20_poly1305, 100); }

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
