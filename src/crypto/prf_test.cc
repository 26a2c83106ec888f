#include "crypto/prf.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

Bytes repeat(std::uint8_t octet, std::size_t count) { return Bytes(count, octet); }

struct Case {
    Bytes key, data;
    const char* sha2_256;
    const char* sha2_384;
    const char* sha2_512;
};

// RFC 4231 §4.2 to §4.8 without the truncated one; RFC 4868 §2.7.1 takes the same as PRFs.
const std::vector<Case>& rfc4231() {
    static const std::vector<Case> cases = {
        {repeat(0x0b, 20), keep(bytes_of("Hi There")),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
         "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
         "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
        {keep(bytes_of("Jefe")), keep(bytes_of("what do ya want for nothing?")),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
        {repeat(0xaa, 131), keep(bytes_of("Test Using Larger Than Block-Size Key - Hash Key First")),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
         "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
         "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
         "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    };
    return cases;
}

const char* expected(const Case& each, Hash hash) {
    return hash == Hash::sha2_256 ? each.sha2_256 : hash == Hash::sha2_384 ? each.sha2_384 : each.sha2_512;
}

TEST(Prf, EveryRowGivesTheValuesOfRfc4231) {
    for (const Library& library : libraries()) {
        for (const HashRow& row : library.hashes) {
            if (row.hash == Hash::sha1) continue;
            for (const Case& each : rfc4231()) {
                SCOPED_TRACE(std::string(library.name) + " " + hex(each.key));
                Bytes once(size_of(row.hash)), kept(size_of(row.hash));
                const std::vector<ByteView> parts = {ByteView(each.data).first(3), ByteView(each.data).subspan(3), {}};
                row.hmac(row.hash, each.key, parts, once);
                EXPECT_EQ(hex(once), expected(each, row.hash));
                const auto keyed = row.make_hmac(row.hash, each.key);
                for (int i = 0; i < 2; ++i) {
                    keyed->compute(parts, kept);
                    EXPECT_EQ(hex(kept), expected(each, row.hash));
                }
            }
        }
    }
}

TEST(Prf, EveryRowHashesAndMacsWithSha1) {
    // FIPS 180 "abc"; RFC 2202 §3, first case.
    const std::vector<ByteView> abc = {bytes_of("a"), bytes_of("bc")};
    const std::vector<ByteView> hi = {bytes_of("Hi There")};
    for (const Library& library : libraries()) {
        for (const HashRow& row : library.hashes) {
            if (row.hash != Hash::sha1) continue;
            Bytes out(20);
            row.digest(Hash::sha1, abc, out);
            EXPECT_EQ(hex(out), "a9993e364706816aba3e25717850c26c9cd0d89d") << library.name;
            row.hmac(Hash::sha1, repeat(0x0b, 20), hi, out);
            EXPECT_EQ(hex(out), "b617318655057264e28bc0b6fb378c8ef146be00") << library.name;
        }
    }
}

TEST(Prf, HashesTheConcatenationOfItsParts) {
    EXPECT_EQ(hex(sha1({bytes_of("abc")})), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex(sha2_256({bytes_of("a"), {}, bytes_of("bc")})),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(hmac_sha2_256(bytes_of("Jefe"), {bytes_of("what do ya want "), bytes_of("for nothing?")})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Prf, TakesAnEmptyKeyAndNoData) {
    // HMAC_SHA256("", "")
    EXPECT_EQ(hex(prf(model::Prf::hmac_sha2_256, {}, {}).reveal()),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Prf, PlusIsTheChainOfSection2_13) {
    const Bytes key = repeat(7, 32);
    const Bytes nonces = repeat(1, 32), spis = repeat(2, 16);
    const std::uint8_t one = 1, two = 2, three = 3;
    for (const auto which :
         {model::Prf::hmac_sha1, model::Prf::hmac_sha2_256, model::Prf::hmac_sha2_384, model::Prf::hmac_sha2_512}) {
        const SecretBytes t1 = prf(which, key, {nonces, spis, {&one, 1}});
        const SecretBytes t2 = prf(which, key, {t1.reveal(), nonces, spis, {&two, 1}});
        const SecretBytes t3 = prf(which, key, {t2.reveal(), nonces, spis, {&three, 1}});
        const Bytes whole = concat({t1.reveal(), t2.reveal(), t3.reveal()});
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, prf_size(which), 2 * prf_size(which) + 1, 3 * prf_size(which)})
            EXPECT_EQ(hex(prf_plus(which, key, {nonces, spis}, size).reveal()), hex(ByteView(whole).first(size)));
    }
    EXPECT_EQ(prf_plus(model::Prf::hmac_sha1, key, {nonces}, 255 * 20).size(), 255U * 20U);
}

TEST(Prf, SizesAreThoseOfTheHashesAndZeroForUnknownOnes) {
    EXPECT_EQ(prf_size(model::Prf::hmac_sha1), 20U);
    EXPECT_EQ(prf_size(model::Prf::hmac_sha2_384), 48U);
    EXPECT_EQ(prf_size(model::Prf::hmac_md5), 0U);
    EXPECT_EQ(prf_size(model::Prf::aes128_xcbc), 0U);
}

TEST(SystemRng, FillsEveryOctetAndDiffersEachTime) {
    SystemRng rng;
    Bytes seen(600);
    // An octet that stayed zero in 16 fills of 600 was never written.
    for (int i = 0; i < 16; ++i) {
        const Bytes fresh = rng.bytes(600);
        for (std::size_t j = 0; j < fresh.size(); ++j) seen[j] = static_cast<std::uint8_t>(seen[j] | fresh[j]);
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 0);
    EXPECT_NE(rng.bytes(32), rng.bytes(32));
}

}  // namespace
}  // namespace cygnet::crypto
