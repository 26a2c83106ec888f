#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/rows.h"
#include "tests/vectors/json_file.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;
using model::Ke;

// Calls `check` with each row of the method, in every library; says how many there are.
template <class Check>
int for_each_row(Ke method, Check check) {
    int rows = 0;
    for (const Library& library : libraries())
        for (const KeRow& row : library.key_exchanges)
            if (row.method == method) {
                SCOPED_TRACE(library.name);
                check(row);
                ++rows;
            }
    return rows;
}

TEST(Wycheproof, X25519) {
    NEED_WYCHEPROOF("x25519");
    int run = 0;
    for_each_test(read_json(wycheproof_file("x25519")), [&](const WycheproofTest& each) {
        const Bytes shared = each.octets("shared");
        const bool zero = std::ranges::all_of(shared, [](std::uint8_t octet) { return octet == 0; });
        run += for_each_row(Ke::curve25519, [&](const KeRow& row) {
            const auto secret = row.agree(Ke::curve25519, each.octets("private"), each.octets("public"));
            // RFC 8031 §2 forbids the result of zeros that the "acceptable" tests allow.
            ASSERT_EQ(secret.has_value(), !zero);
            if (secret) {
                EXPECT_EQ(hex(secret->reveal()), hex(shared));
            }
        });
    });
    EXPECT_GT(run, 300);
}

// The private value as the group's rows take it: as long as the group's order.
Bytes padded(Bytes number, std::size_t size) {
    while (number.size() > size && number.front() == 0) number.erase(number.begin());
    number.insert(number.begin(), size - std::min(size, number.size()), 0);
    return number;
}

void run_ecdh(const std::string& name, Ke method) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        Bytes point = each.octets("public");
        // RFC 5903 §7: x | y. Compressed points and empty ones cannot be written in a KE payload.
        const std::size_t size = shape_of(method)->initiator_size;
        if (point.size() != size + 1 || point.front() != 4) {
            EXPECT_NE(point.size(), size) << "would be taken for a KE payload";
            return;
        }
        point.erase(point.begin());
        run += for_each_row(method, [&](const KeRow& row) {
            const auto secret = row.agree(method, padded(each.octets("private"), row.seed_size), point);
            ASSERT_EQ(secret.has_value(), !each.invalid());
            if (secret) {
                EXPECT_EQ(hex(secret->reveal()), hex(each.octets("shared")));
            }
        });
    });
    EXPECT_GT(run, 100);
}

TEST(Wycheproof, EcdhP256) { run_ecdh("ecdh_secp256r1_ecpoint", Ke::ecp_256); }
TEST(Wycheproof, EcdhP384) { run_ecdh("ecdh_secp384r1_ecpoint", Ke::ecp_384); }
TEST(Wycheproof, EcdhP521) { run_ecdh("ecdh_secp521r1_ecpoint", Ke::ecp_521); }

void run_ml_kem_key_generation(const std::string& name, Ke method) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        if (each.octets("seed").size() != 64) return;
        run += for_each_row(method, [&](const KeRow& row) {
            const auto pair = row.pair(method, each.octets("seed"));
            ASSERT_TRUE(pair);
            EXPECT_EQ(hex(pair->public_value), hex(each.octets("ek")));
            EXPECT_EQ(hex(pair->private_value.reveal()), hex(each.octets("dk")));
        });
    });
    EXPECT_GT(run, 20);
}

void run_ml_kem_encapsulation(const std::string& name, Ke method) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        const Bytes key = each.octets("ek");
        if (key.size() != shape_of(method)->initiator_size) {
            EXPECT_TRUE(each.invalid());
            EXPECT_EQ(ke_answer(method, key).error().code, Errc::bad_length);
            return;
        }
        run += for_each_row(method, [&](const KeRow& row) {
            const auto answer = row.encapsulate(method, key, each.octets("m"));
            ASSERT_EQ(answer.has_value(), each.valid());
            if (!answer) {
                EXPECT_EQ(answer.error().code, Errc::bad_value);
                return;
            }
            EXPECT_EQ(hex(answer->public_value), hex(each.octets("c")));
            EXPECT_EQ(hex(answer->shared_secret.reveal()), hex(each.octets("K")));
        });
    });
    EXPECT_GT(run, 20);
}

void run_ml_kem(const std::string& name, Ke method) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        if (each.octets("seed").size() != 64) {
            EXPECT_TRUE(each.invalid());
            return;
        }
        const Bytes ciphertext = each.octets("c");
        run += for_each_row(method, [&](const KeRow& row) {
            const auto pair = row.pair(method, each.octets("seed"));
            ASSERT_TRUE(pair);
            // ke_finish refuses ciphertexts of another size before a row sees them.
            if (ciphertext.size() != row.shape.responder_size) {
                EXPECT_TRUE(each.invalid());
                return;
            }
            const auto secret = row.decapsulate(method, pair->private_value.reveal(), ciphertext);
            ASSERT_EQ(secret.has_value(), each.valid());
            EXPECT_EQ(hex(secret->reveal()), hex(each.octets("K")));
        });
    });
    EXPECT_GT(run, 50);
}

TEST(Wycheproof, MlKem512KeyGeneration) { run_ml_kem_key_generation("mlkem_512_keygen_seed", Ke::ml_kem_512); }
TEST(Wycheproof, MlKem768KeyGeneration) { run_ml_kem_key_generation("mlkem_768_keygen_seed", Ke::ml_kem_768); }
TEST(Wycheproof, MlKem1024KeyGeneration) { run_ml_kem_key_generation("mlkem_1024_keygen_seed", Ke::ml_kem_1024); }
TEST(Wycheproof, MlKem512Encapsulation) { run_ml_kem_encapsulation("mlkem_512_encaps", Ke::ml_kem_512); }
TEST(Wycheproof, MlKem768Encapsulation) { run_ml_kem_encapsulation("mlkem_768_encaps", Ke::ml_kem_768); }
TEST(Wycheproof, MlKem1024Encapsulation) { run_ml_kem_encapsulation("mlkem_1024_encaps", Ke::ml_kem_1024); }
TEST(Wycheproof, MlKem512) { run_ml_kem("mlkem_512", Ke::ml_kem_512); }
TEST(Wycheproof, MlKem768) { run_ml_kem("mlkem_768", Ke::ml_kem_768); }
TEST(Wycheproof, MlKem1024) { run_ml_kem("mlkem_1024", Ke::ml_kem_1024); }

}  // namespace
}  // namespace cygnet::vectors
