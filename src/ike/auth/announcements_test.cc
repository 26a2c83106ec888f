#include "ike/auth/announcements.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "ike/auth/signature_choice.h"
#include "wire/message.h"

namespace cygnet::ike {
namespace {

using crypto::KeyType;
using crypto::SignatureScheme;
using model::AuthMethod;
using model::NotifyType;
using model::SignatureHash;
using Kind = SignatureScheme::Kind;

constexpr SignatureScheme pss_256{Kind::rsa_pss, SignatureHash::sha2_256}, pkcs1_256{Kind::rsa_pkcs1, SignatureHash::sha2_256};
constexpr SignatureScheme pkcs1_384{Kind::rsa_pkcs1, SignatureHash::sha2_384};

Announcement signature(const SignatureScheme& scheme, std::uint8_t link = 0) {
    return {.method = AuthMethod::digital_signature, .cert_link = link, .scheme = scheme};
}

// The octets stay with the message.
struct Heard {
    Bytes datagram;
    ReadAnnouncements read;
};
Heard hear(std::initializer_list<Bytes> notifications) {
    wire::MessageBuilder message;
    for (const Bytes& data : notifications) message.notify(NotifyType::supported_auth_methods, data);
    Heard heard{.datagram = message.finish({.exchange = model::ExchangeType::ike_sa_init}), .read = {}};
    heard.read = read_announcements(*wire::parse_message(heard.datagram));
    return heard;
}

// RFC 9593 §3.2 [75]: the length says what follows.
TEST(Announcements, OfAllThreeFormsAreReadAsTheyAreWritten) {
    const AnnouncementList list = {signature(pss_256, 2), signature({Kind::ed25519, SignatureHash::identity}),
                                   {.method = AuthMethod::ecdsa_384, .cert_link = 3,
                                    .scheme = SignatureScheme{Kind::ecdsa, SignatureHash::sha2_384}},
                                   {.method = AuthMethod::shared_key}, {.method = AuthMethod::null}};
    const Bytes data = encoded(list);
    EXPECT_EQ(data.front(), data.size() - 10 - 3 - 2 - 2) << "the whole blob with its AlgorithmIdentifier";
    const auto heard = hear({data});
    ASSERT_EQ(heard.read.lists.size(), 1u);
    EXPECT_EQ(heard.read.lists.front(), list);
    EXPECT_EQ(heard.read.ignored, 0u);
}

// RFC 9593 §3 [76]: every scheme that we verify can be announced, and its announcement is understood.
TEST(Announcements, OfEverySchemeAreUnderstood) {
    AnnouncementList list;
    for (const SignatureScheme& scheme : crypto::supported_schemes()) list.push_back(signature(scheme));
    const auto heard = hear({encoded(list)});
    ASSERT_EQ(heard.read.lists.size(), 1u);
    EXPECT_EQ(heard.read.lists.front(), list);
}

// RFC 9593 §3.2 [75]: what is not understood is ignored, and nothing else with it.
TEST(Announcements, OfUnknownMeaningAreIgnoredOneByOne) {
    Bytes data = {4, 14, 0, 0x30,       // no AlgorithmIdentifier
                  2, 12,                // GSPM is never announced
                  3, 2, 0, 2, 1,        // PSK with a link, RSA without one
                  3, 3, 0,              // DSS
                  6, 200, 1, 2, 3, 4};  // a method of tomorrow
    append(data, encoded({signature(pss_256)}));
    const auto heard = hear({data});
    ASSERT_EQ(heard.read.lists.size(), 1u);
    EXPECT_EQ(heard.read.lists.front(), AnnouncementList{signature(pss_256)});
    EXPECT_EQ(heard.read.ignored, 6u);
}

// RFC 9593 §3.2 [75]: nobody knows where the next one begins.
TEST(Announcements, ThatAreCutOffEndTheList) {
    for (const Bytes& end : {Bytes{0}, Bytes{1, 2}, Bytes{5, 14, 0, 0x30}}) {
        Bytes data = encoded({{.method = AuthMethod::shared_key}});
        append(data, end);
        const auto heard = hear({data});
        ASSERT_EQ(heard.read.lists.size(), 1u);
        EXPECT_EQ(heard.read.lists.front().size(), 1u);
        EXPECT_EQ(heard.read.ignored, 1u);
    }
}

// RFC 9593 §3.1 [76]: an empty one says nothing yet.
TEST(Announcements, WithoutDataAreNone) { EXPECT_TRUE(hear({Bytes{}}).read.lists.empty()); }

TEST(Announcements, OfTenThousandMethodsAreLookedAtUpToTheLimit) {
    Bytes data;
    for (unsigned i = 0; i < 10'000; ++i) append(data, Bytes{2, 2});
    const auto heard = hear({data});
    ASSERT_EQ(heard.read.lists.size(), 1u);
    EXPECT_EQ(heard.read.lists.front().size(), model::limits::announcements_per_peer);
    EXPECT_TRUE(heard.read.excess);
    Bytes unknown;
    for (unsigned i = 0; i < 10'000; ++i) append(unknown, Bytes{2, 200});
    EXPECT_EQ(hear({unknown}).read.ignored, model::limits::announcements_per_peer);
}

TEST(Announcements, InManyNotificationsAreLookedAtUpToTheLimit) {
    const Bytes one = {2, 2};
    const auto heard = hear({one, one, one, one, one, one, one, one, one, one});
    EXPECT_EQ(heard.read.lists.size(), model::limits::authentication_rounds);
    EXPECT_TRUE(heard.read.excess);
}

// RFC 9593 §3.1 [74]: several notifications are one list, but with several rounds (RFC 4739) each has its own.
TEST(Announcements, CountForTheirRound) {
    const AnnouncedMethods two = {{{.method = AuthMethod::shared_key}}, {signature(pss_256)}};
    EXPECT_EQ(announced_for(two, 0, 1).size(), 2u);
    EXPECT_EQ(announced_for(two, 0, 2), two[0]);
    EXPECT_EQ(announced_for(two, 1, 2), two[1]);
    EXPECT_EQ(announced_for(two, 2, 3), two[1]) << "the last for those beyond";
    EXPECT_EQ(announced_for({two[0]}, 1, 2), two[0]) << "one list for all rounds";
    EXPECT_TRUE(announced_for({}, 0, 2).empty());
}

TEST(Announcements, AreShownInAFewWords) {
    EXPECT_EQ(text_of({signature(pss_256), signature({Kind::rsa_pss, SignatureHash::sha2_512}), signature(pkcs1_256),
                       {.method = AuthMethod::shared_key}}),
              "RSA-PSS with SHA2_256/SHA2_512, RSA with SHA2_256, " + model::name_of(AuthMethod::shared_key));
    EXPECT_EQ(text_of({signature({Kind::ml_dsa_65, SignatureHash::identity}), signature({Kind::ml_dsa_87, SignatureHash::identity}),
                       signature({Kind::ed25519, SignatureHash::identity})}),
              "ML-DSA-65/87, Ed25519");
    EXPECT_EQ(text_of({signature(pss_256, 1), signature(pss_256, 3)}), "RSA-PSS with SHA2_256 below CA 1/3");
    EXPECT_EQ(text_of(AnnouncementList{}), "nothing that we know");
}

// ---- ours -----------------------------------------------------------------------------------------

model::AuthConfig accepting(model::AuthClass auth, std::optional<bool> pss = {}, std::vector<SignatureHash> hashes = {}) {
    model::AuthConfig round{.name = "remote", .auth = auth};
    round.rsa_pss = pss;
    round.hashes = std::move(hashes);
    return round;
}

bool contains(const AnnouncementList& list, const Announcement& one) { return std::ranges::find(list, one) != list.end(); }

TEST(Announcements, AreWhatTheConfigurationAccepts) {
    const auto psk = accepting(model::AuthClass::psk), null = accepting(model::AuthClass::null);
    auto any = accepting(model::AuthClass::any);
    EXPECT_EQ(accepted_methods(std::array{AcceptedProofs{psk}}, {}), AnnouncementList{{.method = AuthMethod::shared_key}});
    EXPECT_EQ(accepted_methods(std::array{AcceptedProofs{null}}, {}), AnnouncementList{{.method = AuthMethod::null}});
    const auto all = accepted_methods(std::array{AcceptedProofs{any}}, {});
    EXPECT_TRUE(contains(all, signature(pss_256)) && contains(all, signature(pkcs1_256)));
    EXPECT_TRUE(contains(all, {.method = AuthMethod::shared_key}));
    EXPECT_FALSE(contains(all, {.method = AuthMethod::null})) << "only where it is configured";
    EXPECT_LT(std::ranges::find(all, signature(pss_256)), std::ranges::find(all, signature(pkcs1_256))) << "PSS first";
    auto strict = accepting(model::AuthClass::pubkey, true, {SignatureHash::sha2_256});
    strict.key_kinds = {model::KeyKind::rsa};
    EXPECT_EQ(accepted_methods(std::array{AcceptedProofs{strict}}, {}), AnnouncementList{signature(pss_256)});
}

// RFC 9593 §3.2 [75]: a link where a method goes with some of the requested CAs only.
TEST(Announcements, LinkToTheAuthoritiesThatTheyGoWith) {
    const Bytes one(20, 1), two(20, 2), three(20, 3);
    auto pss = accepting(model::AuthClass::pubkey, true, {SignatureHash::sha2_256});
    auto ecdsa = accepting(model::AuthClass::pubkey);
    pss.key_kinds = {model::KeyKind::rsa};
    ecdsa.key_kinds = {model::KeyKind::ecdsa};
    const auto list = accepted_methods(std::array{AcceptedProofs{pss, {one, three}}, AcceptedProofs{ecdsa, {two}}},
                                       std::array{one, two, three});
    EXPECT_TRUE(contains(list, signature(pss_256, 1)) && contains(list, signature(pss_256, 3)));
    EXPECT_FALSE(contains(list, signature(pss_256, 2)) || contains(list, signature(pss_256)));
    EXPECT_TRUE(contains(list, signature({Kind::ecdsa, SignatureHash::sha2_384}, 2)));
    const auto everywhere = accepted_methods(std::array{AcceptedProofs{pss, {one, two}}}, std::array{one, two});
    EXPECT_EQ(everywhere, AnnouncementList{signature(pss_256)}) << "with all of them: no link";
    const auto raw = accepted_methods(std::array{AcceptedProofs{pss, {one}, true}}, std::array{one, two});
    EXPECT_EQ(raw, AnnouncementList{signature(pss_256)}) << "a raw key has no CA";
}

// ---- the choice -------------------------------------------------------------------------------------

class Signing : public testing::Test {
protected:
    model::AuthConfig local{.name = "local", .auth = model::AuthClass::pubkey};
    PeerHints hints{.signature_hashes = crypto::supported_signature_hashes()};
    std::optional<SignatureChoice> announced(const AnnouncementList& list, KeyType type = KeyType::rsa,
                                             std::vector<Bytes> authorities = {}) {
        return choose_announced(type, local, hints, list, authorities);
    }
    std::string chosen(KeyType type = KeyType::rsa) {
        const auto choice = choose_signature(type, local, hints);
        if (!choice) return "none";
        return choice->method == AuthMethod::digital_signature ? choice->scheme.text() : model::name_of(choice->method);
    }
};

// RFC 9593 §3 [76]: an RSA key signs with the padding that the peer announced.
TEST_F(Signing, FollowsTheOrderOfThePeer) {
    EXPECT_EQ(announced({signature(pkcs1_384), signature(pss_256)})->scheme, pkcs1_384);
    EXPECT_EQ(announced({signature(pss_256), signature(pkcs1_384)})->scheme, pss_256);
    EXPECT_EQ(announced({signature({Kind::ed25519, SignatureHash::identity}), signature(pkcs1_256)})->place, 1u);
    EXPECT_FALSE(announced({{.method = AuthMethod::shared_key}}));
    EXPECT_FALSE(announced({}));
}

// RFC 9593 §3 [76]: the list chooses among what is allowed here, never beyond.
TEST_F(Signing, NeverGoesBeyondTheConfiguration) {
    local.rsa_pss = true;
    EXPECT_FALSE(announced({signature(pkcs1_256)}));
    EXPECT_EQ(announced({signature(pkcs1_256), signature(pss_256)})->scheme, pss_256);
    local.hashes = {SignatureHash::sha2_384};
    EXPECT_FALSE(announced({signature(pss_256)}));
    EXPECT_FALSE(announced({{.method = AuthMethod::rsa, .scheme = scheme_of_old_method(AuthMethod::rsa)}}));
    // Nor does a stripped list lead to SHA-1.
    hints.signature_hashes.reset();
    EXPECT_EQ(chosen(), "none");
    hints.signature_hashes = std::vector{SignatureHash::sha1};
    EXPECT_EQ(chosen(), "none");
}

// Libreswan announces RSA with SHA-1 before anything else.
TEST_F(Signing, TakesSha1OnlyWhereThereIsNothingElse) {
    const Announcement sha1{.method = AuthMethod::rsa, .scheme = scheme_of_old_method(AuthMethod::rsa)};
    EXPECT_EQ(announced({sha1, signature(pss_256)})->scheme, pss_256);
    EXPECT_EQ(announced({sha1})->method, AuthMethod::rsa);
}

// RFC 7427 §4: method 14 needs the peer's hashes, whatever it announces.
TEST_F(Signing, KeepsToTheHashesOfThePeer) {
    hints.signature_hashes = std::vector{SignatureHash::sha2_384};
    EXPECT_EQ(announced({signature(pss_256), signature(pkcs1_384)})->scheme, pkcs1_384);
    hints.signature_hashes.reset();
    EXPECT_FALSE(announced({signature(pss_256)}));
    EXPECT_EQ(announced({signature(pss_256), {.method = AuthMethod::rsa, .scheme = scheme_of_old_method(AuthMethod::rsa)}})->method,
              AuthMethod::rsa);
}

// RFC 9593 §3.2 [75]: a method that is linked to a CA is for certificates below it.
TEST_F(Signing, FollowsLinksToTheAuthorityOfTheCertificate) {
    const Bytes one(20, 1), two(20, 2);
    hints.authorities = {one, two};
    const AnnouncementList list = {signature(pss_256, 1), signature(pkcs1_384, 2), signature(pkcs1_256, 7)};
    EXPECT_EQ(announced(list, KeyType::rsa, {one})->scheme, pss_256);
    EXPECT_EQ(announced(list, KeyType::rsa, {two})->scheme, pkcs1_384);
    EXPECT_FALSE(announced(list, KeyType::rsa, {Bytes(20, 3)}));
    hints.authorities.clear();
    EXPECT_EQ(announced({signature(pkcs1_256, 7)}, KeyType::rsa, {})->scheme, pkcs1_256) << "no CERTREQ: links mean nothing";
}

// The classic failure between suites: PSS for a peer that knows PKCS#1 alone. Without announcements its own signature tells.
TEST_F(Signing, PadsAsThePeerDoesWhereItAnnouncesNothing) {
    EXPECT_EQ(chosen(), "RSA-PSS with SHA2_256") << "RFC 8247 §3.2: PSS is mandatory";
    hints.shown = pkcs1_256;
    EXPECT_EQ(chosen(), "RSA with SHA2_256");
    hints.shown = pss_256;
    EXPECT_EQ(chosen(), "RSA-PSS with SHA2_256");
    hints.shown = pkcs1_256;
    local.rsa_pss = true;
    EXPECT_EQ(chosen(), "RSA-PSS with SHA2_256") << "what the configuration demands";
}

TEST_F(Signing, FindsTheOldMethodForPeersWithNothingNewer) {
    hints.signature_hashes = std::vector{SignatureHash::sha1};
    EXPECT_EQ(chosen(), "none") << "no SHA-1 for a peer that knows RFC 7427";
    EXPECT_EQ(chosen(KeyType::ecdsa_384), model::name_of(AuthMethod::ecdsa_384));
    EXPECT_EQ(chosen(KeyType::ed25519), "none") << "RFC 8420: only with RFC 7427";
    hints.signature_hashes.reset();
    EXPECT_EQ(chosen(), model::name_of(AuthMethod::rsa));
}

}  // namespace
}  // namespace cygnet::ike
