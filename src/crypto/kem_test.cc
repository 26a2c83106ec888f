// FrodoKEM and Classic McEliece, in each library that has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "crypto/catalogue.h"
#include "crypto/job.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using model::Ke;

Bytes octets(std::string_view text) { return *from_hex(text); }

std::string digest_of(ByteView data) {
    Bytes digest(size_of(Hash::sha2_256));
    const std::array parts{data};
    best_hash(Hash::sha2_256).digest(Hash::sha2_256, parts, digest);
    return hex(digest);
}

bool there(Ke method) { return shape_of(method).has_value(); }

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

// The first answer of each set in the submitters' known answers. The seeds are what their generator of random octets draws from
// the seed of that answer; public keys, and FrodoKEM's ciphertexts, are here by their SHA-256.
struct FrodoAnswer {
    Ke method;
    const char* pair_seed;
    const char* encapsulation_seed;
    const char* public_digest;
    const char* ciphertext_digest;
    const char* secret;
};
constexpr FrodoAnswer frodo_answers[] = {
    {Ke::frodokem_640_aes,
     "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2db505d7cfad1b497499323c8686325e47"
     "92f267aafa3f87ca60d01cb54f29202a",
     "eb4a7c66ef4eba2ddb38c88d8bc706b1d639002198172a7b1942eca8f6c001ba26202bee59ac275484ea767d41d8d357",
     "4419f4f14c3363551186b99382bf3e62ac2382b7b5d4ca70392dda5869c8bda1",
     "56d2bdd0c6e92bc365f286be757e46a0e040c875ef5020bbbfabee002852e7e4",
     "ee5ba8cebb0b41e9030ca1fbc3beadb9"},
    {Ke::frodokem_640_shake,
     "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2db505d7cfad1b497499323c8686325e47"
     "92f267aafa3f87ca60d01cb54f29202a",
     "eb4a7c66ef4eba2ddb38c88d8bc706b1d639002198172a7b1942eca8f6c001ba26202bee59ac275484ea767d41d8d357",
     "10e63efe340a73d46d78f768cfea235d0d7da1e9c636d6edc32d2a4ed4b13cdc",
     "2711c7e863c9d81c08182b3ee1e1c953cbffb15dd50bff8825c6c2a71a4fd01d",
     "2ed42ce7d5dbfb115f2e2bdcb650b3fa"},
    {Ke::frodokem_976_aes,
     "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2db505d7cfad1b497499323c8686325e47"
     "92f267aafa3f87ca60d01cb54f29202a3e784ccb7ebcdcfd45542b7f6af778742e0f4479175084aa",
     "ee716762c15e3b72aa7650a63b9a510040b03c0fe70475c0463bbc45a0ba5b7980dd46eef82fb062035077d042f306bb"
     "6391040e0dd965f1fda9d183ca9fccb48fc010b184ab0033",
     "477d38490e9cf967dd038af6b934d075127c0d05159de04fc937b6165b3df21d",
     "641fa30089d397828ca9d1c0f2807bebe870a3bdc7dc5ba8866c543ebf47bc98",
     "d9388d1b0f97c5db5f9b4a7e99427cfe90e3e10c5c569d02"},
    {Ke::frodokem_976_shake,
     "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2db505d7cfad1b497499323c8686325e47"
     "92f267aafa3f87ca60d01cb54f29202a3e784ccb7ebcdcfd45542b7f6af778742e0f4479175084aa",
     "ee716762c15e3b72aa7650a63b9a510040b03c0fe70475c0463bbc45a0ba5b7980dd46eef82fb062035077d042f306bb"
     "6391040e0dd965f1fda9d183ca9fccb48fc010b184ab0033",
     "75ed58dd9cb2501af13e56bbd8579b7317998d828ca293e39809f4004404e789",
     "6e358f98cf02ecbf38b8df5061491dec1eae052ea6806561c3a4aa5ed215f7a3",
     "5b6e5a69a3d5f8e75eea3a6e95595ed0278da55b8b373142"},
    {Ke::frodokem_1344_aes,
     "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2db505d7cfad1b497499323c8686325e47"
     "92f267aafa3f87ca60d01cb54f29202a3e784ccb7ebcdcfd45542b7f6af778742e0f4479175084aa488b3b74340678aa"
     "38e22e9628b0a161fdeb0bd252173b9c",
     "9f08587687ff66765c671de73e918d2823ca573ff4e7a31a9160324026e540eacb3a04e0d54c75deb9705bfdfbdf935a"
     "7528802ee6e5b0c6a73b2b761d9bd0848a6e4cf3fc4ca84f14e0331af35bfef41e42b13a6dae6df937f738c1857ba1ca",
     "e283bfd59bcca4da5380bca9e43c0dfcc3b3b2b4d3f3a02c642e0d439203ee81",
     "4a377dba12e378eb9a82320281c9e86108d831b2debae1e19cc5195fe86d7320",
     "376955161273fc667f3feae5ec98681820dbd759971bb0a2d2bec4510f557e83"},
    {Ke::frodokem_1344_shake,
     "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2db505d7cfad1b497499323c8686325e47"
     "92f267aafa3f87ca60d01cb54f29202a3e784ccb7ebcdcfd45542b7f6af778742e0f4479175084aa488b3b74340678aa"
     "38e22e9628b0a161fdeb0bd252173b9c",
     "9f08587687ff66765c671de73e918d2823ca573ff4e7a31a9160324026e540eacb3a04e0d54c75deb9705bfdfbdf935a"
     "7528802ee6e5b0c6a73b2b761d9bd0848a6e4cf3fc4ca84f14e0331af35bfef41e42b13a6dae6df937f738c1857ba1ca",
     "974d5514fb13114bb667527e84090b6de0dfeea01435c60a3edc570d331a5bd6",
     "aa07799759e87ad1d080b2d1eb31d11e3ef93e665df9a8bae5027f4e40fc7a46",
     "8d20f971464df19e0561bdd385afd0e2ef0ce212efd45a632f5d2c64f3d66aac"},
};

struct McElieceAnswer {
    Ke method;
    const char* public_digest;
    const char* ciphertext;
    const char* secret;
};
constexpr const char* mceliece_seed = "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d";
constexpr McElieceAnswer mceliece_answers[] = {
    {Ke::mceliece_348864, "78acb228d709d09d0e19c3da84dae5071b93b2bd2cafe1376625702355016b88",
     "def61908a70a3099e45b4d5d91957ade70f571d210d525d655db7294515f91d97795f2353615bc7cdf13502181e5bcc8"
     "c9abfef31819d66dd2760363694f789602264a3e24445681a0183ce343a2264fdff96c82ab318ae888d105d52d59bc1b",
     "b4f9ff1e4390e3be0bbcebff9a525ae83b191211896aa8786ce8bc511c9f78c3"},
    {Ke::mceliece_348864f, "da845c3e86c66474946d5fcad5abfb10d78a43a21b457269cb8d32c9acb50228",
     "e205bb2814ded1582864f2b1d2a26397411ee4e61f6998ff61cd55e4c4fb35ab99788d00f42d2d3b79b0820035749776"
     "caa82730b1ebe2b81230424fcbcb8b5a804b0fa3025b108175456f80f4abd1786c5db02c6564333de9fe67ed4a92d6fe",
     "4b5ea75dd51be56be739f6ec6babc2cbe538683303b05934d33d93256d1ab6ef"},
    {Ke::mceliece_460896, "1c9b151441f06fbb82910825b2b91aec9c49d6338f666ba4f9f8c0c339803985",
     "cf78c42a38795e0f5d6bac38acdee6c4c9536f93bcc32e08b8ce0b886e737aa5ad51cc0e2e5b9176b67f0327ea117334"
     "dcd5664adcffb39f1932c498b210a56eb5c9e9c7c5db03dc46c5d2450d1f05c152533be30aa544f20ff11cac1ffebb91"
     "9d69b033642ac0abc1c174afcbe9f22433a5d3e2048621a7982cc08d5d9e37bc65abe96df8a651758894b6e58a34e42c"
     "b82798be3fd7b3d96de27e65",
     "132d477d0c24306181c6ad01590d39be9b2404ed32ccbe0eb1f169680212cc1c"},
    {Ke::mceliece_460896f, "49fc893f2a13b9ee7ed8e28b8170a6d407bfc549c861b2eca31e279715da6722",
     "bcf3c98e2ec96f127540b844f4df0b176e2460c97d6eb82423b3833aeff0680fc4b3f758e3a6fa03a23d8419ca0b4641"
     "91ab245ca5c7e112df24fce728c40b414da2f6b058796774da463966ac5fd21476350e46c3ccd07a317a33dc29132809"
     "baa255a41d6456d01301ac08c94b2d57148cea41e7afe036f17d3ce62f46ec31c7feb07ded1767f861389ec89180e107"
     "698afafa0976381f04a0ca06",
     "89f6bdb539a46e0df0d8be3bedabcf11a1d0c8f68e707f97081826b5a78a7ea5"},
    {Ke::mceliece_6688128, "8b2627696124c1ce1e2da633ff9cace84f3229a87c2523f219826fb1b7385895",
     "01278f7400972fd05aa6368a4f8662497a5a31a3e968bf81b49ebdfb8331769ea1bb5275ad46d33f8d6624c2f305f961"
     "dc8812850b20c2fe3c7e8fb0393bbbfffc0458a01765ec519ab332da952047b8a87c618d3bf28046b94f82872a75d1c0"
     "90dbe768168df6d7d6755fafb5ae050ae520bf7ed641c90161dfb70e4a5ef9a8d64856cac821d98b00e8145d3462a4db"
     "6cf2e0c002dba11257d7716e22f18f8e28113cdf5fe7581cc82854165ab93e36d4080f8e7b8116667e9c12d515a443ea"
     "002e609c6f5ee839ff282d8eaaf6bb8c",
     "7b35200a8387a2bb376394a68473e7abe5ce392484dabe6c1ef0ee2cd9f68022"},
    {Ke::mceliece_6688128f, "36645a9b413bda481af1a8c4d4c591352ae3a6c0e31152e4605ea5b0fb164690",
     "640b4da81c3198d4707e02cad713e8eb6be431076e3ee7d6aa5323a9c551fefe8bdc978052a55244d9347c2db4a5ef76"
     "c6fff4ee3f3e973acbd58c0e03665daf1857b2987cf463994cc31e95645f81cf2e18f7d5ebbc1212689b6f8765692ddd"
     "0f7852faced8471bda55737ed4e3129ade84e246c20d02780d590d47d6d90bb2a6fa7141b72290db4ee1478e09b1b48b"
     "7d8cce4f37e329a1ed8f9bbac4dac6040358ced8b4b96289ab5be27a95fb35a0d603dcc7e94d8c9a9728a3896d1ee556"
     "f5e185dc542da1cb07a7480d5618d647",
     "29f45674cfb52e295cd31e5303b7387515699a764777742b5a487798d41218c8"},
    {Ke::mceliece_6960119, "9b8867b9e4fc850f3587f8712b0b1201d79a6fda5d9a0d03e512a4d3c6e7960d",
     "63c39d29314866a0fe528b3d5de37d5c6f72279ee711036198b0c2ca1f293d3541e0d1467d63d2e5c92b8060001cf002"
     "017f60b954c5dc457ba63c59bbe330bb66bc8726e605acd0e90cd7167376f68cc071d4f931349564ef28d7eab3d1ff61"
     "563ee1defd95a548004979736ab1b39be08d57a49f39988f23574a5a06fc4c317f08c1b842ef844773be74701e57ec91"
     "107de40c6eeb222630621a6fbf2a4cb8ccb9c395abd85fdc03c0fbe0e56ec9f7052b90608e21653fa2de1ad62c68c265"
     "6c06",
     "ace16b9d437e56401128ede4ee3a1c45cfe13d8e8288a3754db4d9b78c5a3ddf"},
    {Ke::mceliece_6960119f, "47b684e96f4ea298154ac6a62baa36cef89e8a202eccc665766ab043b9560fee",
     "39444056b95687cf222efc56c4febd99d0ef6ef718376889840dcb35721b04960fef47473b538c512d3cfb2e78a378ca"
     "a7b20986ed4f0d13670282dd64110e06c71ece1b05e0d0cdfa0389eedc1454f8d14430cb3c3339c754fdb36b8ebe611d"
     "12a6117751fd2a834444b0b0ed1ad8464c328424958bf8b75a2ab8e7d537e40abb33fc775f4bee8ea92c8439698c9910"
     "5d7b520d6398684c1db9b0421a89ab514c75914b5d8c3c511e0b55bba6f2b5e27c64d8c2e2afa5a12b66df5946baebd2"
     "8804",
     "2fdca51b72431a9534e670d9ed6c8c085d57aa409c41e21668e03ed0c569ba43"},
    {Ke::mceliece_8192128, "0d5c25b2b448f32f53eedc1e099e44d5775cada6fa1647e9364fc25e2c20834f",
     "ad9728e7519c5f851fda1148cf652893c8884288930995416f95798c4f2e0151ff617828cbcbc74ba3870d04e41fb875"
     "be651a8070e23b89d47362833d899abb57d25886fd9b71c2027c3f32fb5d699922053ba4e7297e9ee87838dbc06677e0"
     "b4eb4d9edea0945a6d0a01020bb30c33cf0498373b9af3517dd20331ffb1f8177946251efa80be477e96d8acaf5f2ab9"
     "3de67868de506b44e0a1fa058176450a380901a5aa0e033642a7eccd50c77916268ad225afb3b7a1560faf4cf476acff"
     "bbfa30d1eff17fbd73b109cf9ff2ecc0",
     "82351702a2c3973644cb735fc9b6cea8fe526d7d729ee134fc12c0201690e854"},
    {Ke::mceliece_8192128f, "6b64c728a6837de64348bfb347c390b6e33416173db54af888ab1327e0479d6d",
     "f220f073d58e77c3af5c366c94cedff259e4144c8fba8ecbf833582c2922429431d7bcca15d587405cf646411ce11395"
     "0de7b15e92acff8bdb99385be1917f7ee68cba58c32505282c568d67ee29c84b07988c9d4d02cd5a21544a3050d24b70"
     "01b3232fbc534f2033ab7a10ab4e5c816a0ce7b1fbdb46d2dbb5fac934bcfa57c675265564af3400ea4dced7e68bedb0"
     "af4c52a25bfba6be2162aa7adb8ef685efbc119407a6938af904630b7e755a9d2f7496f06129ee7538d09144107bd51b"
     "c725d6d5a73f419d8277bbc195ff4c7f",
     "bc1e92fbd34b7907c0fa2568c5e5fa936af7a6f0c2ee642bdfc760d894683f92"},
};

TEST(FrodoKem, GivesTheKnownAnswers) {
    if (!there(Ke::frodokem_976_aes)) GTEST_SKIP() << "this build has no Botan";
    for (const FrodoAnswer& each : frodo_answers) {
        ASSERT_TRUE(there(each.method));
        for_each_row(each.method, [&](const KeRow& row) {
            ASSERT_EQ(row.seed_size, octets(each.pair_seed).size());
            ASSERT_EQ(row.encapsulation_seed_size, octets(each.encapsulation_seed).size());
            const auto pair = row.pair(row.method, octets(each.pair_seed));
            ASSERT_TRUE(pair) << pair.error().detail;
            EXPECT_EQ(pair->public_value.size(), row.shape.initiator_size);
            EXPECT_EQ(digest_of(pair->public_value), each.public_digest);
            const auto answer = row.encapsulate(row.method, pair->public_value, octets(each.encapsulation_seed));
            ASSERT_TRUE(answer) << answer.error().detail;
            EXPECT_EQ(answer->public_value.size(), row.shape.responder_size);
            EXPECT_EQ(digest_of(answer->public_value), each.ciphertext_digest);
            EXPECT_EQ(hex(answer->shared_secret.reveal()), each.secret);
            const auto secret = row.decapsulate(row.method, pair->private_value.reveal(), answer->public_value);
            ASSERT_TRUE(secret) << secret.error().detail;
            EXPECT_EQ(hex(secret->reveal()), each.secret);
        });
    }
}

// FrodoKEM's specification, §8.1: a ciphertext that was changed, in c1, c2 or the salt, gives another secret and no error.
TEST(FrodoKem, RejectsImplicitly) {
    for (const FrodoAnswer& each : frodo_answers)
        for_each_row(each.method, [&](const KeRow& row) {
            const auto pair = row.pair(row.method, octets(each.pair_seed));
            const auto answer = row.encapsulate(row.method, pair->public_value, octets(each.encapsulation_seed));
            const std::size_t size = answer->public_value.size();
            std::vector<SecretBytes> secrets;
            secrets.push_back(answer->shared_secret.clone());
            for (const std::size_t at : {std::size_t{0}, size - row.encapsulation_seed_size, size - 1}) {
                Bytes changed = answer->public_value;
                changed[at] ^= 1;
                auto secret = row.decapsulate(row.method, pair->private_value.reveal(), changed);
                ASSERT_TRUE(secret);
                EXPECT_EQ(secret->size(), answer->shared_secret.size());
                for (const SecretBytes& other : secrets) EXPECT_FALSE(secret->equals(other.reveal()));
                // The same each time: it depends on nothing that a second look could tell.
                EXPECT_TRUE(row.decapsulate(row.method, pair->private_value.reveal(), changed)->equals(secret->reveal()));
                secrets.push_back(*std::move(secret));
            }
        });
}

// Botan takes seconds for the large sets: there the smallest, and the one whose values have padding bits, stand for all.
bool takes_too_long(const KeRow& row) {
    return row.pair != best_key_exchange(row.method)->pair && row.method != Ke::mceliece_348864f && row.method != Ke::mceliece_6960119f;
}

TEST(McEliece, GivesTheKnownAnswers) {
    if (!there(Ke::mceliece_348864)) GTEST_SKIP() << "this build has neither libmceliece nor Botan";
    for (const McElieceAnswer& each : mceliece_answers) {
        ASSERT_TRUE(there(each.method));
        for_each_row(each.method, [&](const KeRow& row) {
            if (takes_too_long(row)) return;
            const auto pair = row.pair(row.method, octets(mceliece_seed));
            ASSERT_TRUE(pair) << pair.error().detail;
            EXPECT_EQ(pair->public_value.size(), row.shape.initiator_size);
            EXPECT_EQ(digest_of(pair->public_value), each.public_digest);
            const Bytes ciphertext = octets(each.ciphertext);
            ASSERT_EQ(ciphertext.size(), row.shape.responder_size);
            const auto secret = row.decapsulate(row.method, pair->private_value.reveal(), ciphertext);
            ASSERT_TRUE(secret) << secret.error().detail;
            EXPECT_EQ(hex(secret->reveal()), each.secret);
        });
    }
}

// One library's private key opens what the other made for its public key.
TEST(McEliece, LibrariesAgreeWithEachOther) {
    const Ke method = Ke::mceliece_348864f;
    for_each_row(method, [&](const KeRow& ours) {
        for_each_row(method, [&](const KeRow& theirs) {
            const auto pair = ours.pair(method, Bytes(32, 9));
            const auto answer = theirs.encapsulate(method, pair->public_value, Bytes(32, 4));
            ASSERT_TRUE(answer);
            EXPECT_TRUE(ours.decapsulate(method, pair->private_value.reveal(), answer->public_value)->equals(answer->shared_secret.reveal()));
            // The seed decides, and each seed otherwise.
            EXPECT_EQ(theirs.encapsulate(method, pair->public_value, Bytes(32, 4))->public_value, answer->public_value);
            EXPECT_NE(theirs.encapsulate(method, pair->public_value, Bytes(32, 5))->public_value, answer->public_value);
        });
    });
}

TEST(McEliece, RejectsImplicitly) {
    const McElieceAnswer& known = mceliece_answers[1];
    for_each_row(known.method, [&](const KeRow& row) {
        const auto pair = row.pair(row.method, octets(mceliece_seed));
        Bytes changed = octets(known.ciphertext);
        for (std::uint8_t& octet : changed) octet ^= 0x5a;
        const auto secret = row.decapsulate(row.method, pair->private_value.reveal(), changed);
        ASSERT_TRUE(secret);
        EXPECT_EQ(secret->size(), 32U);
        EXPECT_NE(hex(secret->reveal()), known.secret);
        EXPECT_TRUE(row.decapsulate(row.method, pair->private_value.reveal(), changed)->equals(secret->reveal()));
    });
}

// Classic McEliece, "Representation of objects as byte strings": rows of 5413 bits and ciphertexts of 1547 bits have padding bits, and whoever
// finds one set refuses, whatever the private key.
TEST(McEliece, RefusesValuesWhosePaddingBitsAreSet) {
    const Ke method = Ke::mceliece_6960119f;
    for_each_row(method, [&](const KeRow& row) {
        const auto pair = row.pair(method, octets(mceliece_seed));
        Bytes key = pair->public_value;
        key[676] |= 0x80;
        const auto refused = row.encapsulate(method, key, Bytes(32, 4));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::bad_value);
        Bytes ciphertext = octets(mceliece_answers[7].ciphertext);
        ASSERT_EQ(mceliece_answers[7].method, method);
        ciphertext.back() |= 0x80;
        const auto closed = row.decapsulate(method, pair->private_value.reveal(), ciphertext);
        ASSERT_FALSE(closed);
        EXPECT_EQ(closed.error().code, Errc::bad_value);
    });
}

TEST(SlowKems, AreNoBriefJobs) {
    for (const Ke method : model::key_exchange_methods()) {
        if (!is_frodokem(method) && !is_mceliece(method)) continue;
        EXPECT_FALSE(is_brief(Job(KeOfferJob{.method = method}))) << name_of(method);
        EXPECT_FALSE(is_brief(Job(KeAnswerJob{.method = method}))) << name_of(method);
    }
}

}  // namespace
}  // namespace cygnet::crypto
