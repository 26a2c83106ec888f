#include "model/proposal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cygnet::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Proposal> ike(std::string_view text) {
    auto parsed = parse_proposals(Protocol::ike, text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
    return parsed.value_or(std::vector<Proposal>{});
}
std::vector<Proposal> esp(std::string_view text) {
    auto parsed = parse_proposals(Protocol::esp, text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
    return parsed.value_or(std::vector<Proposal>{});
}

Proposal of(Protocol protocol, std::vector<Transform> transforms, std::uint8_t number = 1) {
    return {.number = number, .protocol = protocol, .transforms = std::move(transforms)};
}

const Transform gcm256 = Transform::of(Encr::aes_gcm_16, 256);
const Transform cbc256 = Transform::of(Encr::aes_cbc, 256);
const Transform sha256 = Transform::of(Integ::hmac_sha2_256_128);
const Transform prf256 = Transform::of(Prf::hmac_sha2_256);
const Transform x25519 = Transform::of(Ke::curve25519);

// RFC 7296 §2.7 [38]: one proposal, one transform of each type.
TEST(Choose, TakesTheFirstProposalThatBothSidesKnow) {
    const auto own = ike("aes256gcm16-prfsha384-x25519,aes256-sha256-ecp256");
    const auto offer = ike("aes128-sha256-ecp256,aes256-sha256-ecp256-x25519");
    const auto chosen = choose(own, offer, {});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->number, 2);
    EXPECT_EQ(chosen->encr, Encr::aes_cbc);
    EXPECT_EQ(chosen->key_bits, 256);
    EXPECT_EQ(chosen->integ, Integ::hmac_sha2_256_128);
    EXPECT_EQ(chosen->prf, Prf::hmac_sha2_256);
    EXPECT_EQ(chosen->ke, Ke::ecp_256);
    EXPECT_EQ(chosen->as_answer().transforms.size(), 4u);  // one of each type
}

TEST(Choose, FollowsOwnOrThePeersOrderAsToldTo) {
    const auto own = ike("aes256-sha256-x25519-ecp256,aes128-sha256-x25519");
    const auto offer = ike("aes128-sha256-x25519,aes256-sha256-ecp256-x25519");
    EXPECT_EQ(choose(own, offer, {.prefer_own_order = true})->number, 2);
    EXPECT_EQ(choose(own, offer, {.prefer_own_order = true})->ke, Ke::curve25519);
    EXPECT_EQ(choose(own, offer, {.prefer_own_order = false})->number, 1);
    const auto ecp_first = ike("aes256-sha256-ecp256-x25519");
    EXPECT_EQ(choose(own, ecp_first, {.prefer_own_order = false})->ke, Ke::ecp_256);
}

// RFC 7296 §3.3.4 [54]: what is not configured is not accepted.
TEST(Choose, RefusesWithBothListsInTheSentence) {
    const auto chosen = choose(ike("aes256-sha256-x25519"), ike("aes128-sha256-x25519"), {});
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, Errc::no_match);
    EXPECT_EQ(chosen.error().reaction, Reaction::notify_peer);
    EXPECT_EQ(chosen.error().notify, 14);
    EXPECT_THAT(chosen.error().detail, HasSubstr("AES_CBC_128"));
    EXPECT_THAT(chosen.error().detail, HasSubstr("AES_CBC_256"));
}

// RFC 7296 §3.3.6
// RFC 7296 §3.3.6 [39]: unacceptable, but the others count.
TEST(Choose, SkipsProposalsWithUnknownTransformTypesButReadsTheOthers) {
    const auto own = ike("aes256gcm16-prfsha256-x25519");
    const Transform strange{static_cast<TransformType>(200), 1, {}, {}};
    const std::vector<Proposal> offer{of(Protocol::ike, {gcm256, prf256, x25519, strange}, 1),
                                      of(Protocol::ike, {gcm256, prf256, x25519}, 2)};
    const auto chosen = choose(own, offer, {});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->number, 2);
}

// RFC 7296 §3.3.6 [40]: the other transforms still count.
TEST(Choose, SkipsTransformsWithUnknownNumbersOrAttributes) {
    const auto own = ike("aes256gcm16-prfsha256-x25519-ecp256");
    Transform odd = x25519;
    odd.other_attributes.push_back({.type = 99, .fixed = true, .value = {0, 1}});
    const Transform unknown{TransformType::ke, 999, {}, {}};
    const std::vector<Proposal> offer{of(
        Protocol::ike, {gcm256, prf256, odd, unknown, Transform::of(Ke::ecp_256)})};
    EXPECT_EQ(choose(own, offer, {})->ke, Ke::ecp_256);
    const std::vector<Proposal> only_odd{of(Protocol::ike, {gcm256, prf256, odd})};
    EXPECT_FALSE(choose(own, only_odd, {}));
}

// RFC 7296 §3.3.6 [39]: unacceptable without a mandatory type.
TEST(Choose, RefusesProposalsThatLackAMandatoryType) {
    const auto own = ike("aes256gcm16-prfsha256-x25519,aes256-sha256-x25519");
    const std::vector<std::vector<Transform>> incomplete{
        {prf256, x25519}, {gcm256, x25519}, {gcm256, prf256}, {cbc256, prf256, x25519}};
    for (const auto& transforms : incomplete) {
        const std::vector<Proposal> offer{of(Protocol::ike, transforms)};
        EXPECT_FALSE(choose(own, offer, {})) << offer.front().text();
    }
    const std::vector<Proposal> no_esn{of(Protocol::esp, {gcm256})};
    EXPECT_FALSE(choose(esp("aes256gcm16"), no_esn, {}));
}

// RFC 7296 §2.18 [110]: NONE is never accepted.
TEST(Choose, NeverLeavesAnIkeSaWithoutKeyExchange) {
    const auto own = std::vector{of(Protocol::ike, {gcm256, prf256, Transform::of(Ke::none)})};
    EXPECT_FALSE(choose(own, own, {}));
}

// RFC 5282 §8
// RFC 7296 §3.3 [42]: AEAD without integrity, and never mixed.
TEST(Choose, TakesAnAeadWithoutIntegrityOrWithNoneAlone) {
    const auto own = esp("aes256gcm16,aes256-sha256");
    const Transform sn = Transform::of(Sn::bits_32);
    const Transform none = Transform::of(Integ::none);
    const auto with = [&](std::vector<Transform> transforms) {
        return choose(own, std::vector{of(Protocol::esp, std::move(transforms))}, {});
    };
    EXPECT_EQ(with({gcm256, sn})->transforms.size(), 2u);
    EXPECT_THAT(with({gcm256, none, sn})->as_answer().transforms, ElementsAre(gcm256, none, sn));
    EXPECT_FALSE(with({gcm256, sha256, sn}));
    EXPECT_FALSE(with({gcm256, none, sha256, sn}));
    EXPECT_FALSE(with({cbc256, none, sn}));
    EXPECT_EQ(with({gcm256, cbc256, sha256, sn})->encr, Encr::aes_cbc);
}

// RFC 7296 §3.3.5
// RFC 7296 §3.3.5 [43]: always with variable keys, never with fixed ones.
TEST(Choose, HoldsKeyLengthsToTheRules) {
    const Transform sn = Transform::of(Sn::bits_32);
    const std::vector<Proposal> no_length{
        of(Protocol::esp, {Transform::of(Encr::aes_gcm_16), gcm256, sn})};
    EXPECT_FALSE(choose(esp("aes256gcm16"), no_length, {})) << "the whole proposal is rejected";
    const std::vector<Proposal> chacha_with_length{
        of(Protocol::esp, {Transform::of(Encr::chacha20_poly1305, 256), sn})};
    EXPECT_FALSE(choose(esp("chacha20poly1305"), chacha_with_length, {}));
    Transform prf_with_length = prf256;
    prf_with_length.key_bits = 256;
    const std::vector<Proposal> prf{of(Protocol::ike, {gcm256, prf_with_length, x25519})};
    EXPECT_FALSE(choose(ike("aes256gcm16-prfsha256-x25519"), prf, {}));
}

TEST(Choose, RefusesTypesThatDoNotBelongToTheProtocol) {
    const Transform sn = Transform::of(Sn::bits_32);
    const std::vector<Proposal> ike_with_sn{of(Protocol::ike, {gcm256, prf256, x25519, sn})};
    EXPECT_FALSE(choose(ike("aes256gcm16-prfsha256-x25519"), ike_with_sn, {}));
    const std::vector<Proposal> esp_with_prf{of(Protocol::esp, {gcm256, prf256, sn})};
    EXPECT_FALSE(choose(esp("aes256gcm16"), esp_with_prf, {}));
    EXPECT_FALSE(choose(esp("aes256gcm16"), ike("aes256gcm16-prfsha256-x25519"), {}));
}

// RFC 4303 §2.2.1 [179]: by negotiation.
TEST(Choose, ChoosesSequenceNumbers) {
    EXPECT_EQ(choose(default_esp_proposals(), esp("aes256gcm16-noesn-esn"), {})->sn,
              Sn::bits_64_partial);
    EXPECT_EQ(choose(default_esp_proposals(), esp("aes256gcm16"), {})->sn, Sn::bits_32);
    EXPECT_FALSE(choose(esp("aes256gcm16-esn"), esp("aes256gcm16-noesn"), {}));
}

// RFC 7296 §1.2: no key exchange in IKE_AUTH.
TEST(Choose, IgnoresKeyExchangesInIkeAuth) {
    const SelectionRules rules{.ignore_key_exchange = true};
    const auto own = esp("aes256gcm16-ecp256-ke1_mlkem768");
    const auto plain = choose(own, esp("aes256gcm16"), rules);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->ke, Ke::none);
    EXPECT_TRUE(plain->additional.empty());
    const auto none = choose(own, esp("aes256gcm16-none"), rules);
    EXPECT_TRUE(none->as_answer().has(TransformType::ke));
    EXPECT_EQ(without_key_exchange(own), esp("aes256gcm16"));
}

TEST(Choose, MakesPfsADemandOfBothSides) {
    EXPECT_FALSE(choose(esp("aes256gcm16-ecp256"), esp("aes256gcm16"), {}));
    EXPECT_FALSE(choose(esp("aes256gcm16"), esp("aes256gcm16-ecp256"), {}));
    EXPECT_EQ(choose(esp("aes256gcm16"), esp("aes256gcm16-ecp256-none"), {})->ke, Ke::none);
    EXPECT_EQ(choose(esp("aes256gcm16-ecp256-none"), esp("aes256gcm16-none-ecp256"), {})->ke,
              Ke::ecp_256);
}

// RFC 9370 §2.2.1: the RFC's example with methods of today's registry.
// RFC 9370 §2.2.1 [155]: one method or NONE for each type.
TEST(AdditionalKeyExchange, RunsTheExampleOfTheRfc) {
    const auto offer = ike("aes256gcm16-modp4096-prfsha256-ke2_mlkem512-ke2_mlkem768-"
                           "ke3_mlkem512-ke3_mlkem768-ke5_mlkem1024-ke5_none");
    const auto own = ike("aes256gcm16-modp4096-prfsha256-ke2_mlkem768-ke3_mlkem768-ke3_mlkem512-"
                         "ke5_none-ke5_mlkem1024");
    const auto chosen = choose(own, offer, {});
    ASSERT_TRUE(chosen);
    EXPECT_THAT(chosen->additional, ElementsAre(Ke::ml_kem_768, Ke::ml_kem_512));
    EXPECT_EQ(chosen->as_answer().text(),
              "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/MODP_4096/KE2_ML_KEM_768/KE3_ML_KEM_512/"
              "KE5_NONE");
    const auto checked = check_choice(offer, chosen->as_answer(), {});
    ASSERT_TRUE(checked);
    EXPECT_EQ(*checked, *chosen);
}

// RFC 9370 §2.2.2 [158]: types 6 to 12 are unknown then.
TEST(AdditionalKeyExchange, IsAnUnknownTypeWithoutIkeIntermediate) {
    const SelectionRules old{.additional_key_exchanges = false};
    const auto offer = default_ike_proposals();
    const auto chosen = choose(default_ike_proposals(), offer, old);
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->number, 2);
    EXPECT_TRUE(chosen->additional.empty());
    EXPECT_FALSE(choose(offer, std::vector{offer.front()}, old));
    const auto hybrid = choose(offer, offer, {});
    EXPECT_FALSE(check_choice(offer, hybrid->as_answer(), old));
}

// RFC 9370 §2.2.1 [155]: no duplicates.
TEST(AdditionalKeyExchange, NeverRunsAMethodTwice) {
    const auto twice = ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem768");
    EXPECT_FALSE(choose(twice, twice, {}));
    const auto twice_or_none =
        ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem768-ke2_none");
    EXPECT_THAT(choose(twice_or_none, twice_or_none, {})->additional, ElementsAre(Ke::ml_kem_768));
    const auto like_the_first = ike("aes256gcm16-prfsha256-x25519-ke1_x25519");
    EXPECT_FALSE(choose(like_the_first, like_the_first, {}));
}

TEST(AdditionalKeyExchange, TreatsAnOmittedRoundAsNone) {
    const auto required = ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768");
    const auto optional = ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke1_none");
    const auto classic = ike("aes256gcm16-prfsha256-x25519");
    EXPECT_FALSE(choose(required, classic, {}));
    EXPECT_FALSE(choose(classic, required, {}));
    const auto chosen = choose(optional, classic, {});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->transforms.size(), 3u) << "nothing is answered that was not offered";
    EXPECT_EQ(choose(classic, optional, {})->transforms.size(), 4u) << "KE1_NONE is answered";
}

// RFC 9370 §2.2.1 [154]: types 6 to 12.
TEST(AdditionalKeyExchange, RunsInTheOrderOfTypesNotOfTheMessage) {
    const auto offer = ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem1024");
    Proposal answer = offer.front();
    std::swap(answer.transforms[3], answer.transforms[4]);
    EXPECT_THAT(check_choice(offer, answer, {})->additional,
                ElementsAre(Ke::ml_kem_768, Ke::ml_kem_1024));
}

TEST(CheckChoice, AcceptsWhatTheResponderChose) {
    const auto offer = ike("aes256gcm16-aes128gcm16-prfsha384-prfsha256-x25519-ecp256");
    const auto chosen = choose(ike("aes128gcm16-prfsha256-ecp256"), offer, {});
    EXPECT_EQ(*check_choice(offer, chosen->as_answer(), {}), *chosen);
}

// RFC 7296 §3.3.6 [38, 41]: the answer must be one of the offers.
TEST(CheckChoice, RefusesWhatWasNotOffered) {
    const auto offer = ike("aes256gcm16-prfsha256-x25519-ecp256,aes256-sha256-x25519");
    const auto refused = [&](Proposal answer) { return !check_choice(offer, answer, {}); };
    EXPECT_FALSE(refused(of(Protocol::ike, {gcm256, prf256, x25519})));
    EXPECT_TRUE(refused(of(Protocol::ike, {gcm256, prf256, x25519}, 3)));
    EXPECT_TRUE(refused(of(Protocol::ike, {gcm256, prf256, x25519}, 2)));
    EXPECT_TRUE(refused(of(Protocol::esp, {gcm256, prf256, x25519})));
    EXPECT_TRUE(refused(of(Protocol::ike, {Transform::of(Encr::aes_gcm_16, 128), prf256, x25519})));
    EXPECT_TRUE(refused(of(Protocol::ike, {gcm256, prf256, x25519, Transform::of(Ke::ecp_256)})));
    EXPECT_TRUE(refused(of(Protocol::ike, {gcm256, x25519})));
    EXPECT_TRUE(refused(of(Protocol::ike, {gcm256, prf256})));
    EXPECT_TRUE(refused(of(Protocol::ike, {cbc256, prf256, x25519}, 2))) << "no integrity";
    EXPECT_TRUE(refused(of(Protocol::ike, {gcm256, prf256, x25519, sha256})));
}

// RFC 9370 §2.2.1 [156]: the exchange fails.
TEST(CheckChoice, RefusesTheSameMethodInTwoRounds) {
    const auto offer = ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem768-ke2_none");
    Proposal answer = of(Protocol::ike, {gcm256, prf256, x25519,
                                         Transform::additional(1, Ke::ml_kem_768),
                                         Transform::additional(2, Ke::ml_kem_768)});
    const auto checked = check_choice(offer, answer, {});
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().detail, HasSubstr("twice"));
    answer.transforms.back() = Transform::additional(2, Ke::none);
    EXPECT_TRUE(check_choice(offer, answer, {}));
    answer.transforms.pop_back();
    EXPECT_TRUE(check_choice(offer, answer, {})) << "leaving a round out says NONE";
}

TEST(Defaults, OfferMlKemFirstAndThenTheSameWithoutIt) {
    const auto proposals = default_ike_proposals();
    ASSERT_EQ(proposals.size(), 2u);
    EXPECT_EQ(proposals[0].text(), "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768");
    EXPECT_EQ(proposals[1].text(), "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519");
    EXPECT_EQ(proposals[1].number, 2);
    EXPECT_EQ(proposals, ike("aes256gcm16-prfsha384-x25519-ke1_mlkem768,"
                             "aes256gcm16-prfsha384-x25519"));
    EXPECT_EQ(proposals, ike("default"));
    EXPECT_EQ(default_esp_proposals(), esp("aes256gcm16iiv-aes256gcm16-esn-noesn,"
                                           "chacha20poly1305iiv-chacha20poly1305-esn-noesn"));
}

// RFC 8221 §5 and §6: nothing goes out readable because nobody has said otherwise, and nothing without integrity.
TEST(DefaultProposals, NeverOfferPlaintext) {
    for (const auto& [protocol, proposals] : {std::pair{Protocol::ike, default_ike_proposals()},
                                              std::pair{Protocol::esp, default_esp_proposals()}})
        for (const Proposal& proposal : proposals)
            for (const Transform& encr : proposal.of_type(TransformType::encr)) {
                EXPECT_TRUE(is_aead(static_cast<Encr>(encr.id))) << encr.text();
                EXPECT_NE(encr.id, static_cast<std::uint16_t>(Encr::null_auth_aes_gmac));
                EXPECT_TRUE(protocol == Protocol::esp || !has_implicit_iv(static_cast<Encr>(encr.id))) << encr.text();
            }
}

TEST(PostQuantum, MeansThatEveryChoiceRunsMlKem) {
    EXPECT_TRUE(is_post_quantum(default_ike_proposals()[0]));
    EXPECT_FALSE(is_post_quantum(default_ike_proposals()[1]));
    EXPECT_TRUE(is_post_quantum(ike("aes256-sha256-mlkem768").front()));
    EXPECT_FALSE(is_post_quantum(ike("aes256-sha256-mlkem768-x25519").front()));
    EXPECT_FALSE(is_post_quantum(ike("aes256-sha256-x25519-ke1_mlkem768-ke1_none").front()));
    EXPECT_TRUE(is_post_quantum(ike("aes256-sha256-x25519-ke1_ecp256-ke3_mlkem512").front()));
}

std::string left_of(const KeyExchangePolicy& policy, std::vector<Proposal> proposals) {
    std::string text;
    std::uint8_t number = 0;
    for (const Proposal& proposal : allowed_by(policy, std::move(proposals))) {
        EXPECT_EQ(proposal.number, ++number);
        text += (text.empty() ? "" : ",") + proposal.keywords();
    }
    return text;
}

TEST(KeyExchangePolicy, OrdersOrLeavesOutWhatIsNotPostQuantum) {
    const auto mixed = ike("aes256-sha256-x25519,aes128-sha256-x25519-ke1_mlkem768,aes128-sha256-mlkem512,aes256-sha384-x25519-ke1_mlkem768-ke1_none");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::preferred}, mixed),
              "aes128-sha256-x25519-ke1_mlkem768,aes128-sha256-mlkem512,aes256-sha256-x25519,aes256-sha384-x25519-ke1_mlkem768-ke1_none");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::required}, mixed), "aes128-sha256-x25519-ke1_mlkem768,aes128-sha256-mlkem512");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::off}, mixed), "aes256-sha256-x25519,aes256-sha384-x25519-ke1_none");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::off}, ike("aes128-sha256-x25519-mlkem512")), "aes128-sha256-x25519");
}

TEST(KeyExchangePolicy, LeavesChildrenTheKeysOfTheIkeSa) {
    const auto mixed = *parse_proposals(Protocol::esp, "aes256gcm16-x25519,aes128gcm16,aes256gcm16-x25519-ke1_mlkem768");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::required}, mixed), "aes128gcm16,aes256gcm16-x25519-ke1_mlkem768");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::preferred}, mixed), "aes128gcm16,aes256gcm16-x25519-ke1_mlkem768,aes256gcm16-x25519");
    EXPECT_EQ(left_of({.post_quantum = PostQuantum::off}, mixed), "aes256gcm16-x25519,aes128gcm16");
}

TEST(KeyExchangePolicy, KeepsNumbersOfPrivateUseFromStrangers) {
    Proposal proposal = ike("aes128-sha256-x25519-ke1_mlkem768").front();
    proposal.transforms.push_back(Transform::additional(1, Ke::frodokem_976_shake));
    EXPECT_EQ(allowed_by({.private_numbers = true}, {proposal}).front().of_type(TransformType::addke1).size(), 2U);
    EXPECT_EQ(left_of({.private_numbers = false}, {proposal}), "aes128-sha256-x25519-ke1_mlkem768");
    proposal.transforms.push_back(Transform::additional(2, Ke::mceliece_348864));
    EXPECT_EQ(left_of({.private_numbers = false}, {proposal}), "");
    // These have numbers that a registry gives.
    EXPECT_FALSE(is_private_use(Ke::frodokem_1344_aes));
}

TEST(ParseProposals, KnowsTheWordsOfSwanctl) {
    EXPECT_EQ(ike("aes128-sha256-modp3072")[0].text(),
              "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072");
    EXPECT_EQ(ike("aes192ctr-sha512-prfsha384-curve448")[0].text(),
              "IKE:AES_CTR_192/HMAC_SHA2_512_256/PRF_HMAC_SHA2_384/CURVE_448");
    EXPECT_EQ(ike("chacha20poly1305-prfsha256-ecp521")[0].text(),
              "IKE:CHACHA20_POLY1305/PRF_HMAC_SHA2_256/ECP_521");
    EXPECT_EQ(esp("aes256gcm16-ecp384-ke1_mlkem768-none-ke1_none-esn-noesn")[0].text(),
              "ESP:AES_GCM_16_256/ECP_384/KE_NONE/KE1_ML_KEM_768/KE1_NONE/EXT_SEQ/NO_EXT_SEQ");
    EXPECT_EQ(esp("aes128ccm64")[0].text(), "ESP:AES_CCM_8_128/NO_EXT_SEQ");
    EXPECT_EQ(esp("aes256gcm-sha256")[0].text(), "ESP:AES_GCM_16_256/NO_EXT_SEQ");
    EXPECT_EQ(esp("aes192gmac-esn")[0].text(), "ESP:NULL_AES_GMAC_192/EXT_SEQ");
    EXPECT_EQ(esp("aes256ctr-sha384")[0].text(), "ESP:AES_CTR_256/HMAC_SHA2_384_192/NO_EXT_SEQ");
    EXPECT_EQ(esp(" aes-sha1 , null-sha256 ")[1].number, 2);
}

// RFC 8750 §5 [189]: as separate transforms, beside those with an explicit IV.
TEST(ParseProposals, HasWordsForImplicitIvs) {
    EXPECT_EQ(esp("aes128gcm16iiv-aes128gcm16")[0].text(), "ESP:AES_GCM_16_IIV_128/AES_GCM_16_128/NO_EXT_SEQ");
    EXPECT_EQ(esp("aes256ccm8iiv")[0].text(), "ESP:AES_CCM_8_IIV_256/NO_EXT_SEQ");
    EXPECT_EQ(esp("chacha20poly1305iiv")[0].text(), "ESP:CHACHA20_POLY1305_IIV/NO_EXT_SEQ");
    for (const char* words : {"aes192gcm16iiv", "aes128ccm8iiv", "chacha20poly1305iiv-esn"})
        EXPECT_EQ(esp(words)[0].keywords(), words);
    EXPECT_FALSE(parse_proposals(Protocol::esp, "aes128gcm12iiv"));
    EXPECT_FALSE(parse_proposals(Protocol::esp, "camellia128ccm8iiv"));
}

// RFC 8750 §6 and §3.3.6 of RFC 7296: a peer without them chooses the explicit IV, and one that offers none gets none.
TEST(Choose, TakesAnImplicitIvOnlyWhereBothHaveIt) {
    const auto both = esp("aes256gcm16iiv-aes256gcm16-esn"), older = esp("aes256gcm16-esn");
    EXPECT_EQ(choose(both, both, {})->encr, Encr::aes_gcm_16_iiv);
    EXPECT_EQ(choose(older, both, {})->encr, Encr::aes_gcm_16);
    EXPECT_EQ(choose(both, older, {})->encr, Encr::aes_gcm_16);
    EXPECT_FALSE(choose(esp("aes256gcm16iiv-esn"), older, {}));
}

// RFC 8247 §2 [56], RFC 8221 §5 [57]: DES and MD5 are no words. RFC 8750 §7 [190]: nor are implicit IVs in those of IKE.
// docs/protocol/large-key-exchange.md §3: no first message holds such a value.
TEST(ParseProposals, TakeClassicMcElieceInRoundsAlone) {
    EXPECT_TRUE(parse_proposals(Protocol::ike, "aes256gcm16-prfsha384-x25519-ke2_mceliece8192128f"));
    EXPECT_TRUE(parse_proposals(Protocol::esp, "aes256gcm16-x25519-ke1_mceliece348864"));
    for (const auto& refused : {parse_proposals(Protocol::ike, "aes256gcm16-prfsha384-x25519-mceliece348864"),
                                parse_proposals(Protocol::esp, "aes256gcm16-mceliece348864")})
        EXPECT_NE(refused.error().text().find("x25519-ke1_mceliece348864"), std::string::npos);
}

TEST(ParseProposals, NamesTheWordThatItDoesNotKnow) {
    const auto error = [](Protocol protocol, std::string_view text) {
        const auto parsed = parse_proposals(protocol, text);
        return parsed ? std::string("accepted") : parsed.error().detail;
    };
    EXPECT_THAT(error(Protocol::ike, "aes256-sha256-x25518"), HasSubstr("'x25518'"));
    EXPECT_THAT(error(Protocol::ike, "aes257-sha256-x25519"), HasSubstr("'aes257'"));
    EXPECT_THAT(error(Protocol::ike, "aes256-sha256-x25519-ke8_mlkem768"), HasSubstr("'ke8_mlkem768'"));
    EXPECT_THAT(error(Protocol::ike, "aes256-sha256-x25519-ke1_sha256"), HasSubstr("'ke1_sha256'"));
    EXPECT_THAT(error(Protocol::ike, "aes256gcm16-x25519"), HasSubstr("PRF"));
    EXPECT_THAT(error(Protocol::ike, "aes256-sha256"), HasSubstr("key exchange"));
    EXPECT_THAT(error(Protocol::ike, "aes256-sha256-none"), HasSubstr("key exchange"));
    EXPECT_THAT(error(Protocol::ike, "null-sha256-x25519"), HasSubstr("encryption"));
    EXPECT_THAT(error(Protocol::ike, "aes256gmac-prfsha256-x25519"), HasSubstr("encryption"));
    EXPECT_THAT(error(Protocol::ike, "aes256gcm16iiv-prfsha256-x25519"), HasSubstr("implicit IVs"));
    EXPECT_THAT(error(Protocol::ike, "chacha20poly1305iiv-prfsha256-x25519"), HasSubstr("implicit IVs"));
    EXPECT_THAT(error(Protocol::esp, "null"), HasSubstr("integrity"));
    EXPECT_THAT(error(Protocol::ike, "aes256-x25519"), HasSubstr("integrity"));
    EXPECT_THAT(error(Protocol::ike, "sha256-x25519"), HasSubstr("encryption"));
    EXPECT_THAT(error(Protocol::esp, "aes256gcm16-aes256-sha256"), HasSubstr("alternatives"));
    EXPECT_THAT(error(Protocol::esp, "aes256gcm16-prfsha256"), HasSubstr("PRF"));
    EXPECT_THAT(error(Protocol::esp, "aes256gcm16-ke1_mlkem768"), HasSubstr("first"));
    EXPECT_THAT(error(Protocol::esp, "aes256gcm16,,aes128gcm16"), HasSubstr("empty"));
    EXPECT_THAT(error(Protocol::ike, "aes256-sha256-x25519-esn"), HasSubstr("ESP"));
}

TEST(Keywords, SayWhatToWriteIntoAConfiguration) {
    for (const char* words : {"aes128-sha256-modp2048", "aes256gcm16-prfsha384-x25519-ke1_mlkem768", "aes256-sha384-prfsha512-ecp384",
                              "chacha20poly1305-prfsha256-curve25519", "aes192ctr-sha1-modp3072", "camellia256-sha512-x448"}) {
        const auto proposals = parse_proposals(Protocol::ike, words).value();
        const std::string spelled = proposals.front().keywords();
        EXPECT_EQ(parse_proposals(Protocol::ike, spelled).value(), proposals) << spelled;
    }
    EXPECT_EQ(parse_proposals(Protocol::ike, "aes128-sha256-modp2048").value().front().keywords(), "aes128-sha256-modp2048");
    EXPECT_EQ(parse_proposals(Protocol::esp, "aes256gcm16-ecp384").value().front().keywords(), "aes256gcm16-ecp384");
    EXPECT_EQ(parse_proposals(Protocol::esp, "aes256gcm16-esn-noesn").value().front().keywords(), "aes256gcm16-esn-noesn");
}

TEST(Keywords, AreNoneForWhatNobodyShouldUse) {
    const Proposal proposal{.protocol = Protocol::ike,
                            .transforms = {Transform::of(Encr::aes_cbc, 128), Transform::of(static_cast<Ke>(2))}};
    EXPECT_EQ(proposal.keywords(), "");
}

// RFC 7296 §3.3.3: integrity is AH's only algorithm that is mandatory, encryption has no place in it.
TEST(AhProposals, have_integrity_alone) {
    const auto sha = parse_proposals(Protocol::ah, "sha256-sha512-x25519-esn").value();
    EXPECT_EQ(sha.front().text(), "AH:HMAC_SHA2_256_128/HMAC_SHA2_512_256/CURVE_25519/EXT_SEQ");
    EXPECT_EQ(sha.front().keywords(), "sha256-sha512-x25519-esn");
    // RFC 4543 §5.3: a transform for each key size.
    const auto gmac = parse_proposals(Protocol::ah, "aes256gmac").value();
    EXPECT_EQ(gmac.front().of_type(TransformType::integ).front().id, std::to_underlying(Integ::aes_256_gmac));
    EXPECT_EQ(gmac.front().keywords(), "aes256gmac");
    for (const char* wrong : {"aes256gcm16", "aes128-sha256", "x25519", "sha256-prfsha256", "default", "null-sha256"})
        EXPECT_FALSE(parse_proposals(Protocol::ah, wrong)) << wrong;
}

TEST(AhProposals, are_chosen_by_their_integrity) {
    const auto own = parse_proposals(Protocol::ah, "sha256-sha512").value(), offered = parse_proposals(Protocol::ah, "sha512-sha1").value();
    const auto chosen = choose(own, offered, {.ignore_key_exchange = true});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->protocol, Protocol::ah);
    EXPECT_EQ(chosen->integ, Integ::hmac_sha2_512_256);
    EXPECT_EQ(chosen->encr, Encr::none);
    EXPECT_TRUE(check_choice(offered, chosen->as_answer(), {.ignore_key_exchange = true}));

    // With a cipher it is not understood, without integrity there is nothing in it; nor is it ESP.
    auto with_cipher = offered;
    with_cipher.front().transforms.push_back(Transform::of(Encr::aes_gcm_16, 256));
    EXPECT_FALSE(choose(own, with_cipher, {.ignore_key_exchange = true}));
    auto without = offered;
    std::erase_if(without.front().transforms, [](const Transform& t) { return t.type == TransformType::integ; });
    EXPECT_FALSE(choose(own, without, {.ignore_key_exchange = true}));
    without.front().transforms.push_back(Transform::of(Integ::none));
    EXPECT_FALSE(choose(own, without, {.ignore_key_exchange = true}));
    Proposal nothing = chosen->as_answer();
    for (Transform& transform : nothing.transforms)
        if (transform.type == TransformType::integ) transform.id = 0;
    EXPECT_FALSE(check_choice(without, nothing, {.ignore_key_exchange = true}));
    EXPECT_FALSE(choose(parse_proposals(Protocol::esp, "null-sha512").value(), offered, {.ignore_key_exchange = true}));
}

}  // namespace
}  // namespace cygnet::model
