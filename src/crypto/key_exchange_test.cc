#include "crypto/key_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using model::Ke;

Bytes octets(std::string_view text) { return *from_hex(text); }

struct Agreement {
    Ke method;
    const char* private_i;
    const char* public_i;
    const char* private_r;
    const char* public_r;
    const char* secret;
};

// RFC 8031 appendix A and RFC 5903 §8.
constexpr Agreement agreements[] = {
    {Ke::curve25519, "751fb4308655b476b6789b7325f9ea8cddd16a58533ff6d9e60009464a5f9d94",
     "48d5ddd4061257ba166fa3f9bbdb74f1a4e81c089384fa77f790709f0dfbc766",
     "0a54645253290d60ddadd0e030bacd9e5501efdc220755a1e978f1b839a05688",
     "0be7c1f5aad87d7e448662673298a443478b859745179eaf564c79c0ef6eee25",
     "c74950607a12327f3204d94b6825bfb068b7f8319a9e3708ed3d43ce8130c950"},
    {Ke::ecp_256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59a"
     "b1f45b33accf5f58389e0577b8990bb3",
     "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6a"
     "ac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {Ke::ecp_384, "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
     "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
     "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
     "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"},
    {Ke::ecp_521,
     "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777"
     "f5957b2639bab072462f68c27a57382d4a52",
     "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564"
     "941885942af5a7f4601723c4195d176ced3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4"
     "a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
     "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2"
     "f869cca7458aa4a4effc311f5cb151685eb9",
     "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6"
     "c2912d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d985207"
     "7b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
     "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06"
     "b3c715a3a8cc3151f2bee417996d19f3ddea"},
};

constexpr Ke groups[] = {Ke::modp_2048, Ke::modp_3072, Ke::modp_4096, Ke::ecp_256,
                         Ke::ecp_384,   Ke::ecp_521,   Ke::curve25519};
constexpr Ke kems[] = {Ke::ml_kem_512, Ke::ml_kem_768, Ke::ml_kem_1024};

// Calls `check` with each row of the method, in every library.
template <class Check>
void for_each_row(Ke method, Check check) {
    for (const Library& library : libraries())
        for (const KeRow& row : library.key_exchanges)
            if (row.method == method) {
                SCOPED_TRACE(name_of(method) + " of " + library.name);
                check(row);
            }
}

TEST(KeyExchange, EveryRowGivesTheValuesOfTheRfcs) {
    for (const Agreement& each : agreements) {
        for_each_row(each.method, [&](const KeRow& row) {
            const auto i = row.pair(each.method, octets(each.private_i));
            const auto r = row.pair(each.method, octets(each.private_r));
            ASSERT_TRUE(i && r);
            EXPECT_EQ(hex(i->public_value), each.public_i);
            EXPECT_EQ(hex(r->public_value), each.public_r);
            EXPECT_EQ(hex(row.agree(each.method, i->private_value.reveal(), r->public_value)->reveal()), each.secret);
            EXPECT_EQ(hex(row.agree(each.method, r->private_value.reveal(), i->public_value)->reveal()), each.secret);
        });
    }
}

TEST(KeyExchange, BothEndsOfEveryMethodShareOneSecret) {
    for (const Ke method : model::key_exchange_methods()) {
        const auto shape = shape_of(method);
        if (!shape) continue;
        SCOPED_TRACE(name_of(method));
        const auto offer = ke_offer(method);
        ASSERT_TRUE(offer);
        EXPECT_EQ(offer->public_value.size(), shape->initiator_size);
        const auto answer = ke_answer(method, offer->public_value);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->public_value.size(), shape->responder_size);
        const auto secret = ke_finish(*offer, answer->public_value);
        ASSERT_TRUE(secret);
        EXPECT_FALSE(secret->empty());
        EXPECT_TRUE(secret->equals(answer->shared_secret.reveal()));
    }
}

TEST(KeyExchange, EveryMethodOfTheIssueIsThere) {
    for (const Ke method : groups) EXPECT_TRUE(shape_of(method)) << name_of(method);
    for (const Ke method : kems) EXPECT_TRUE(shape_of(method)) << name_of(method);
    EXPECT_FALSE(shape_of(Ke::modp_1024));
    EXPECT_EQ(ke_offer(Ke::modp_768).error().code, Errc::unsupported);
}

TEST(KeyExchange, LibrariesAgreeWithEachOther) {
    for (const Ke method : groups) {
        const auto offer = ke_offer(method);
        for_each_row(method, [&](const KeRow& row) {
            const Bytes seed(row.seed_size, 0x35);
            const auto pair = row.pair(method, seed);
            ASSERT_TRUE(pair);
            const auto theirs = row.agree(method, pair->private_value.reveal(), offer->public_value);
            ASSERT_TRUE(theirs);
            EXPECT_TRUE(ke_finish(*offer, pair->public_value)->equals(theirs->reveal()));
        });
    }
    for (const Ke method : kems) {
        const auto offer = ke_offer(method);
        for_each_row(method, [&](const KeRow& row) {
            const auto answer = row.encapsulate(method, offer->public_value, Bytes(32, 0x35));
            ASSERT_TRUE(answer);
            EXPECT_TRUE(ke_finish(*offer, answer->public_value)->equals(answer->shared_secret.reveal()));
        });
    }
}

// RFC 7296 §3.4 [48]: padded to the size of the group.
TEST(KeyExchange, ValuesOfTheWrongSizeAreRefused) {
    for (const Ke method : model::key_exchange_methods()) {
        const auto shape = shape_of(method);
        if (!shape) continue;
        const auto offer = ke_offer(method);
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, shape->initiator_size - 1, shape->initiator_size + 1})
            EXPECT_EQ(ke_answer(method, Bytes(size, 3)).error().code, Errc::bad_length) << name_of(method);
        EXPECT_EQ(ke_finish(*offer, Bytes(shape->responder_size + 1, 3)).error().code, Errc::bad_length);
    }
}

// RFC 6989 §2.1.
// RFC 6989 §2.1 [49]: 1 < y < p - 1.
TEST(KeyExchange, ModpValuesOutsideOfTheGroupAreRefused) {
    // RFC 3526 §3 to §5: the primes begin and end with 64 ones; p - 1 and p differ in the last octet alone.
    for (const Ke method : {Ke::modp_2048, Ke::modp_3072, Ke::modp_4096}) {
        const std::size_t size = shape_of(method)->initiator_size;
        Bytes value(size, 0);
        EXPECT_EQ(ke_answer(method, value).error().code, Errc::bad_value);
        value.back() = 1;
        EXPECT_EQ(ke_answer(method, value).error().code, Errc::bad_value);
        value.back() = 2;
        EXPECT_TRUE(ke_answer(method, value));
        EXPECT_EQ(ke_answer(method, Bytes(size, 0xff)).error().code, Errc::bad_value);
    }
    // RFC 3526 §3, the prime of group 14.
    const Bytes prime = octets(
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
        "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
        "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f"
        "83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
        "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510"
        "15728e5a8aacaa68ffffffffffffffff");
    Bytes value = prime;
    EXPECT_EQ(ke_answer(Ke::modp_2048, value).error().code, Errc::bad_value);
    value.back() = 0xfe;
    EXPECT_EQ(ke_answer(Ke::modp_2048, value).error().code, Errc::bad_value);
    value.back() = 0xfd;
    EXPECT_TRUE(ke_answer(Ke::modp_2048, value));
}

// RFC 7296 §2.14: g^ir is padded to the length of the modulus.
// RFC 7296 §3.4 [48]: padded to the size of the group.
TEST(KeyExchange, ModpSecretsKeepTheirLeadingZeros) {
    Bytes exponent(32, 0), base(256, 0);
    exponent.back() = 2;
    base.back() = 3;
    for_each_row(Ke::modp_2048, [&](const KeRow& row) {
        const auto power = row.agree(Ke::modp_2048, exponent, base);
        ASSERT_TRUE(power);
        Bytes nine(256, 0);
        nine.back() = 9;
        EXPECT_EQ(hex(power->reveal()), hex(nine));
    });
}

// RFC 6989 §2.3.
// RFC 6989 §2.3 [49]: on the curve.
TEST(KeyExchange, PointsThatAreNotOnTheCurveAreRefused) {
    for (const Ke method : {Ke::ecp_256, Ke::ecp_384, Ke::ecp_521}) {
        for_each_row(method, [&](const KeRow& row) {
            const Bytes seed(row.seed_size, 0x21);
            const auto pair = row.pair(method, seed);
            ASSERT_TRUE(pair);
            const auto refuses = [&](const Bytes& point) {
                const auto result = row.agree(method, pair->private_value.reveal(), point);
                return !result && result.error().code == Errc::bad_value;
            };
            Bytes point = pair->public_value;
            EXPECT_FALSE(refuses(point));
            point.back() ^= 1;
            EXPECT_TRUE(refuses(point));
            EXPECT_TRUE(refuses(Bytes(point.size(), 0)));
            EXPECT_TRUE(refuses(Bytes(point.size(), 0xff)));
        });
    }
}

TEST(KeyExchange, PrivateValuesOutsideOfTheOrderAreDrawnAgain) {
    for (const Ke method : {Ke::ecp_256, Ke::ecp_384, Ke::ecp_521}) {
        for_each_row(method, [&](const KeRow& row) {
            EXPECT_EQ(row.pair(method, Bytes(row.seed_size, 0)).error().code, Errc::bad_value);
            EXPECT_EQ(row.pair(method, Bytes(row.seed_size, 0xff)).error().code, Errc::bad_value);
        });
    }
}

// RFC 8031 §2 and RFC 7748 §6.1: points of small order give zeros.
// RFC 8031 §2 [49]: no secret of zeros.
TEST(KeyExchange, X25519PointsOfSmallOrderAreRefused) {
    const char* small[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                           "0100000000000000000000000000000000000000000000000000000000000000",
                           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    for_each_row(Ke::curve25519, [&](const KeRow& row) {
        for (const char* point : small)
            EXPECT_EQ(row.agree(Ke::curve25519, Bytes(32, 0x77), octets(point)).error().code, Errc::bad_value);
    });
}

// FIPS 203 §7.2: a coefficient of 3329 or more is no encapsulation key.
// draft-ietf-ipsecme-ikev2-mlkem §3 [162]: the modulus check.
TEST(KeyExchange, MlKemKeysThatFailTheModulusCheckAreRefused) {
    for (const Ke method : kems) {
        const auto offer = ke_offer(method);
        for_each_row(method, [&](const KeRow& row) {
            Bytes key = offer->public_value;
            EXPECT_TRUE(row.encapsulate(method, key, Bytes(32, 1)));
            key[0] = 0xff;
            key[1] = static_cast<std::uint8_t>(key[1] | 0x0f);
            const auto result = row.encapsulate(method, key, Bytes(32, 1));
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code, Errc::bad_value);
        });
    }
}

// FIPS 203 §6.3: a ciphertext that was changed gives another secret, never an error.
TEST(KeyExchange, MlKemRejectsImplicitly) {
    for (const Ke method : kems) {
        const auto offer = ke_offer(method);
        auto answer = ke_answer(method, offer->public_value);
        answer->public_value[7] ^= 1;
        const auto secret = ke_finish(*offer, answer->public_value);
        ASSERT_TRUE(secret);
        EXPECT_FALSE(secret->equals(answer->shared_secret.reveal()));
    }
}

}  // namespace
}  // namespace cygnet::crypto
