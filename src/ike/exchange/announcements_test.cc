// SUPPORTED_AUTH_METHODS (RFC 9593) in the messages that carry it, and what follows from it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ike/test_certificates.h"
#include "ike/test_peer.h"
#include "ike/test_ppk.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::KeyKind;
using model::NotifyType;
using model::PayloadType;
using model::SignatureHash;

// Keys and certificates take their time to make: each is made once.
const std::string& key_of(const std::string& name, crypto::KeyType type) {
    static std::map<std::pair<std::string, crypto::KeyType>, std::string> made;
    std::string& key = made[{name, type}];
    if (key.empty()) key = crypto::make_test_key(type);
    return key;
}

// A CA with a name of its own.
struct NamedAuthority {
    explicit NamedAuthority(const std::string& name)
        : key(key_of(name, crypto::KeyType::ecdsa_256)),
          certificate(crypto::make_test_certificate({.subject = "CN=" + name,
                                                     .basic_constraints = "critical,CA:TRUE",
                                                     .key_usage = "critical,keyCertSign,cRLSign"},
                                                    key, {}, key)) {}
    const std::string& key;
    Bytes certificate;
};

// So many that the CERTREQ alone fills a datagram.
const std::vector<crypto::Certificate>& many_authorities() {
    static const std::vector<crypto::Certificate> many = [] {
        std::vector<crypto::Certificate> made;
        for (unsigned i = 0; i < 60; ++i) made.push_back(parsed(NamedAuthority("Other CA " + std::to_string(i)).certificate));
        return made;
    }();
    return many;
}

// A host with certificates of several CAs.
struct Host {
    std::shared_ptr<Credentials> credentials = std::make_shared<Credentials>();
    std::vector<Bytes> leaves{};

    Host& add(const NamedAuthority& issuer, const std::string& dns, crypto::KeyType type) {
        const std::string& key = key_of(dns, type);
        leaves.push_back(crypto::make_test_certificate(
            {.subject = "CN=" + dns, .alternative_names = "DNS:" + dns, .key_usage = "digitalSignature"}, key,
            issuer.certificate, issuer.key));
        credentials->certificates.push_back(parsed(leaves.back()));
        const auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
        credentials->private_keys.emplace(private_key.public_key().key_id(), private_key);
        return *this;
    }
    Host& trust(const NamedAuthority& authority) {
        credentials->authorities.push_back(parsed(authority.certificate));
        return *this;
    }
    Host& trust_many() {
        for (const crypto::Certificate& authority : many_authorities()) credentials->authorities.push_back(authority);
        return *this;
    }
};

std::vector<model::MessageTrace> messages(const Node& node, ExchangeType exchange, bool sent) {
    std::vector<model::MessageTrace> found;
    for (const auto& trace : node.events_of<model::MessageTrace>())
        if (trace.exchange == exchange && trace.sent == sent) found.push_back(trace);
    return found;
}
std::size_t count_of(const model::MessageTrace& message, NotifyType type) {
    return static_cast<std::size_t>(
        std::ranges::count_if(message.payloads, [&](const auto& payload) { return payload.notify == type; }));
}
bool has(const model::MessageTrace& message, PayloadType type) {
    return std::ranges::any_of(message.payloads, [&](const auto& payload) { return payload.type == type; });
}
bool has(const model::MessageTrace& message, NotifyType type) { return count_of(message, type) != 0; }

class Announcing : public testing::Test {
protected:
    static EngineSettings settings() { return {.unix_seconds_at_start = crypto::test_now}; }

    NamedAuthority authority{"CA"}, other{"Second CA"};
    Pair pair{settings(), settings()};
    model::Connection at_a = with_certificates(true), at_b = with_certificates(false);
    Host a, b;

    // Either end has one certificate of this kind.
    void give_keys(crypto::KeyType of_a, crypto::KeyType of_b) {
        a.add(authority, "a.example", of_a).trust(authority);
        b.add(authority, "b.example", of_b).trust(authority);
    }
    bool initiate() {
        pair.step(pair.a, Configure{config_of(at_a), a.credentials});
        pair.step(pair.b, Configure{config_of(at_b), b.credentials});
        return pair.initiate(pair.a).result.has_value() && pair.up();
    }
    std::string logs() const { return pair.a.log() + "---\n" + pair.b.log(); }
    std::uint64_t count(const Node& node, Counter counter) const { return node.engine.counters()[counter]; }
};

// RFC 9593 §3.1 [74]: in the answer to IKE_SA_INIT and in the IKE_AUTH request, and nowhere else.
TEST_F(Announcing, HappensInTheFirstAnswerAndInTheFirstProof) {
    give_keys(crypto::KeyType::ecdsa_256, crypto::KeyType::ecdsa_256);
    ASSERT_TRUE(initiate()) << logs();
    constexpr auto methods = NotifyType::supported_auth_methods;
    EXPECT_FALSE(has(messages(pair.a, ExchangeType::ike_sa_init, true).front(), methods));
    EXPECT_EQ(count_of(messages(pair.b, ExchangeType::ike_sa_init, true).front(), methods), 1u);
    EXPECT_EQ(count_of(messages(pair.a, ExchangeType::ike_auth, true).front(), methods), 1u);
    EXPECT_FALSE(has(messages(pair.b, ExchangeType::ike_auth, true).front(), methods));
    EXPECT_TRUE(messages(pair.a, ExchangeType::ike_intermediate, true).size() == 1) << "of ML-KEM";
    EXPECT_TRUE(contains(pair.a.log(), "the peer accepts ")) << logs();
    EXPECT_TRUE(contains(pair.b.log(), "the peer announced that it accepts this")) << logs();
    EXPECT_EQ(count(pair.a, Counter::announcement_ignored) + count(pair.b, Counter::announcement_ignored), 0u);
}

TEST_F(Announcing, CanBeSwitchedOff) {
    give_keys(crypto::KeyType::ecdsa_256, crypto::KeyType::ecdsa_256);
    at_a.announce_auth = at_b.announce_auth = false;
    ASSERT_TRUE(initiate()) << logs();
    for (const Node* node : {&pair.a, &pair.b})
        for (const auto& trace : node->events_of<model::MessageTrace>())
            EXPECT_FALSE(has(trace, NotifyType::supported_auth_methods));
}

// RFC 9593 §3 [76]: an RSA key signs in the one way that the other end accepts, without a word about it in its own configuration.
TEST_F(Announcing, MakesAnRsaKeySignAsThePeerDemands) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::rsa);
    for (model::AuthConfig* remote : {&at_a.remote.front(), &at_b.remote.front()}) {
        remote->key_kinds = {KeyKind::rsa};
        remote->rsa_pss = true;
        remote->hashes = {SignatureHash::sha2_512};
    }
    ASSERT_TRUE(initiate()) << logs();
    EXPECT_TRUE(contains(pair.a.log(), "a signature with RSA-PSS with SHA2_512: the peer announced")) << logs();
    EXPECT_TRUE(contains(pair.b.log(), "a signature with RSA-PSS with SHA2_512: the peer announced")) << logs();
}

// The choice of the certificate follows, too.
TEST_F(Announcing, LeadsToTheCertificateThatThePeerAccepts) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::rsa);
    a.add(authority, "a.example", crypto::KeyType::ecdsa_384);
    b.add(authority, "b.example", crypto::KeyType::ed25519);
    at_a.local.front().certificates = a.leaves;
    at_b.local.front().certificates = b.leaves;
    at_b.remote.front().key_kinds = {KeyKind::ecdsa};
    at_a.remote.front().key_kinds = {KeyKind::ed25519};
    ASSERT_TRUE(initiate()) << logs();
    EXPECT_TRUE(contains(pair.a.log(), "our proof is a signature with ECDSA")) << logs();
    EXPECT_TRUE(contains(pair.b.log(), "our proof is a signature with Ed25519")) << logs();
}

// RFC 9593 §3.2 [75]: what the peer accepts below one CA it need not accept below another.
TEST_F(Announcing, LinksMethodsToAuthorities) {
    a.add(authority, "a.example", crypto::KeyType::rsa).add(other, "a.example", crypto::KeyType::ecdsa_256);
    a.trust(authority).trust(other);
    b.add(authority, "b.example", crypto::KeyType::ecdsa_256).trust(authority).trust(other);
    at_a.local.front().certificates = a.leaves;
    // ECDSA below the first CA only, which a has an RSA certificate of; RSA below the second.
    at_b.remote.front().key_kinds = {KeyKind::ecdsa};
    at_b.remote.front().ca_certificates = {authority.certificate};
    model::Connection second = at_b;
    second.name = "second";
    second.remote.front().key_kinds = {KeyKind::rsa};
    second.remote.front().ca_certificates = {other.certificate};
    auto config = config_of(at_b);
    config->connections["second"] = std::make_shared<const model::Connection>(second);
    pair.step(pair.a, Configure{config_of(at_a), a.credentials});
    pair.step(pair.b, Configure{config, b.credentials});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_TRUE(contains(pair.a.log(), " below CA 1")) << logs();
    EXPECT_EQ(count(pair.a, Counter::announcement_unmatched), 1u) << "neither certificate is accepted";
    // Each CA has the right one now.
    a.add(authority, "a.example", crypto::KeyType::ecdsa_256);
    at_a.local.front().certificates = a.leaves;
    pair.step(pair.a, Configure{config_of(at_a), a.credentials});
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_EQ(pair.b.only_sa(pair.now).name, "gw");
}

// RFC 9593 §3.1 [76]: it is a hint. A PSK goes out where certificates were announced, and the operator sees both beside each
// other when the peer refuses it.
TEST_F(Announcing, IsAHintAndExplainsARefusal) {
    give_keys(crypto::KeyType::ecdsa_256, crypto::KeyType::ecdsa_256);
    at_a = connection(true);
    at_a.remote.front() = with_certificates(true).remote.front();
    EXPECT_FALSE(initiate());
    EXPECT_EQ(count(pair.a, Counter::announcement_unmatched), 1u);
    const auto failures = pair.a.engine.failures();
    ASSERT_FALSE(failures.empty());
    const Explanation& why = failures.front().why;
    EXPECT_STREQ(why.kind, "method");
    EXPECT_TRUE(contains(why.ours, "a pre-shared key")) << why.sentence();
    EXPECT_TRUE(contains(why.theirs, "it accepts ML-DSA-65") || contains(why.theirs, "it accepts Ed25519")) << why.sentence();
}

// The classic failure between suites, with a peer that says nothing: an initiator whose RSA-PSS is refused begins again with
// PKCS#1, and remembers what went through.
TEST_F(Announcing, IsNotNeededToFindThePaddingOfAnRsaSignature) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::ecdsa_256);
    at_b.announce_auth = false;
    Host strict;  // trusts nobody, so that it refuses the first signature
    strict.add(authority, "b.example", crypto::KeyType::ecdsa_256).trust(other);
    pair.step(pair.a, Configure{config_of(at_a), a.credentials});
    pair.step(pair.b, Configure{config_of(at_b), strict.credentials});
    unsigned attempts = 0;
    pair.meddler = [&](Send& send) {
        const bool first = send.datagram[18] == 34 && send.path.local.address == address("192.0.2.1");
        if (first && ++attempts == 2) pair.step(pair.b, Configure{config_of(at_b), b.credentials});
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_EQ(attempts, 2u);
    EXPECT_TRUE(contains(pair.a.log(), "RSA-PSS with SHA2_256: the peer accepts the hash")) << logs();
    EXPECT_TRUE(contains(pair.a.log(), "RSA with SHA2_256: the peer refused RSA-PSS")) << logs();
    pair.terminate(pair.a, {.ike = "gw"});
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_EQ(attempts, 3u) << "it goes on with what went through";
    // A refusal of that, too, was not about the padding.
    pair.terminate(pair.a, {.ike = "gw"});
    pair.step(pair.b, Configure{config_of(at_b), strict.credentials});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(attempts, 4u);
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(attempts, 6u) << "both again";
    // Where the configuration wants PSS there is no other.
    at_a.local.front().rsa_pss = true;
    pair.step(pair.a, Configure{config_of(at_a), a.credentials});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(attempts, 7u);
}

// Somebody who changes the list on the way brings about a signature that local.auth allows, and is found out.
TEST_F(Announcing, IsNoWayToADowngrade) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::rsa);
    at_a.announce_auth = false;
    pair.meddler = [&](Send& send) {
        if (send.datagram[18] != 34 || send.path.local.address != address("192.0.2.2")) return true;
        const auto message = *wire::parse_message(send.datagram);
        wire::MessageBuilder changed;
        for (const wire::Payload& payload : message.payloads) {
            const auto* notify = std::get_if<wire::NotifyPayload>(&payload);
            if (notify == nullptr || notify->message_type != NotifyType::supported_auth_methods) changed.add(payload);
        }
        changed.notify(NotifyType::supported_auth_methods,
                       encoded({{.method = model::AuthMethod::digital_signature,
                                 .scheme = crypto::SignatureScheme{crypto::SignatureScheme::Kind::rsa_pkcs1,
                                                                   SignatureHash::sha2_512}}}));
        send.datagram = changed.finish(message.header);
        return true;
    };
    EXPECT_FALSE(initiate());
    EXPECT_EQ(count(pair.b, Counter::authentication_failed), 1u) << "both first messages are authenticated";
    EXPECT_TRUE(contains(pair.a.log(), "RSA with SHA2_512: the peer announced")) << logs();
}

// RFC 9593 §3.1 [74]: with several rounds each has its own list.
TEST_F(Announcing, TellsEachRoundByItself) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::ecdsa_256);
    const model::Connection psk_a = connection(true), psk_b = connection(false);
    at_a.local.insert(at_a.local.begin(), psk_a.local.front());
    at_b.remote.insert(at_b.remote.begin(), psk_b.remote.front());
    at_b.remote.back().rsa_pss = true;
    at_b.remote.back().hashes = {SignatureHash::sha2_384};
    ASSERT_TRUE(initiate()) << logs();
    EXPECT_EQ(count_of(messages(pair.b, ExchangeType::ike_sa_init, true).front(), NotifyType::supported_auth_methods), 2u);
    EXPECT_EQ(count_of(messages(pair.a, ExchangeType::ike_auth, true).front(), NotifyType::supported_auth_methods), 1u);
    EXPECT_TRUE(contains(pair.a.log(), "RSA-PSS with SHA2_384")) << logs();
    EXPECT_EQ(count(pair.a, Counter::announcement_unmatched), 0u) << logs();
}

// ---- IKE_INTERMEDIATE, RFC 9593 §3.1 ----------------------------------------------------------------

// RFC 9593 §5 [77]: an answer that would be fragmented promises the list; the initiator fetches it in an exchange of its own.
TEST_F(Announcing, MovesToAnExchangeOfItsOwnWhereTheFirstAnswerHasNoRoom) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::ecdsa_256);
    b.trust_many();
    at_a.proposals = at_b.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519");
    at_b.remote.front().rsa_pss = true;
    at_b.remote.front().hashes = {SignatureHash::sha2_384};
    ASSERT_TRUE(initiate()) << logs();
    const auto first = messages(pair.b, ExchangeType::ike_sa_init, true).front();
    EXPECT_EQ(count_of(first, NotifyType::supported_auth_methods), 1u);
    EXPECT_EQ(count_of(first, NotifyType::intermediate_exchange_supported), 1u);
    const auto requests = messages(pair.a, ExchangeType::ike_intermediate, true);
    const auto answers = messages(pair.b, ExchangeType::ike_intermediate, true);
    ASSERT_EQ(requests.size(), 1u);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(requests.front().payloads.empty() || !has(requests.front(), PayloadType::ke));
    EXPECT_TRUE(has(answers.front(), NotifyType::supported_auth_methods));
    EXPECT_FALSE(has(answers.front(), PayloadType::certreq)) << "there is nothing that links to it";
    EXPECT_TRUE(contains(pair.a.log(), "RSA-PSS with SHA2_384: the peer announced")) << logs();
}

TEST_F(Announcing, IsRepeatedUntilItComesThrough) {
    give_keys(crypto::KeyType::rsa, crypto::KeyType::ecdsa_256);
    b.trust_many();
    at_a.proposals = at_b.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519");
    unsigned turn = 0;
    pair.meddler = [&](Send&) { return ++turn % 3 != 0; };
    initiate();
    pair.pass(minutes(3));
    EXPECT_TRUE(pair.up()) << logs();
    EXPECT_TRUE(contains(pair.a.log(), "the peer announced that it accepts this")) << logs();
    EXPECT_TRUE(pair.a.only_sa(pair.now).full_transcript);
}

// RFC 9593 §3.1 [77]: with the exchanges that run anyway, in the last; CERTREQs come again with links.
TEST_F(Announcing, TravelsWithTheLastKeyExchange) {
    a.add(authority, "a.example", crypto::KeyType::rsa).trust(authority);
    b.add(authority, "b.example", crypto::KeyType::ecdsa_256).trust(authority).trust_many();
    constexpr const char* two = "aes256gcm16-prfsha384-x25519-ke1_mlkem512-ke2_ecp256";
    at_a.proposals = at_b.proposals = *model::parse_proposals(model::Protocol::ike, two);
    at_b.remote.front().rsa_pss = true;
    at_b.remote.front().ca_certificates = {authority.certificate};
    model::Connection second = at_b;
    second.name = "second";
    second.remote.front().id = model::Identity::parse("c.example");
    second.remote.front().ca_certificates.clear();
    second.remote.front().key_kinds = {KeyKind::ecdsa};
    auto config = config_of(at_b);
    config->connections["second"] = std::make_shared<const model::Connection>(second);
    pair.step(pair.a, Configure{config_of(at_a), a.credentials});
    pair.step(pair.b, Configure{config, b.credentials});
    ASSERT_TRUE(pair.initiate(pair.a).result) << logs();
    const auto answers = messages(pair.b, ExchangeType::ike_intermediate, true);
    ASSERT_EQ(answers.size(), 2u) << "no exchange of its own";
    EXPECT_FALSE(has(answers.front(), NotifyType::supported_auth_methods));
    EXPECT_TRUE(has(answers.back(), NotifyType::supported_auth_methods));
    EXPECT_TRUE(has(answers.back(), PayloadType::certreq));
    EXPECT_TRUE(contains(pair.a.log(), "our proof is a signature with RSA-PSS with SHA2_256: the peer announced")) << logs();
}

// RFC 9593 §3.1 [77]: both must know IKE_INTERMEDIATE. One that proves itself with a PSK does not ask for it.
TEST_F(Announcing, IsLeftOutWhereThereIsNoRoomAndNoOtherExchange) {
    give_keys(crypto::KeyType::ecdsa_256, crypto::KeyType::ecdsa_256);
    b.trust_many();
    at_a = connection(true);
    at_a.remote.front() = with_certificates(true).remote.front();
    at_b.remote.front() = connection(false).remote.front();
    model::Connection second = with_certificates(false);
    second.name = "second";
    at_a.proposals = at_b.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519");
    auto config = config_of(at_b);
    config->connections["second"] = std::make_shared<const model::Connection>(second);
    pair.step(pair.a, Configure{config_of(at_a), a.credentials});
    pair.step(pair.b, Configure{config, b.credentials});
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_FALSE(has(messages(pair.b, ExchangeType::ike_sa_init, true).front(), NotifyType::supported_auth_methods));
    EXPECT_TRUE(messages(pair.a, ExchangeType::ike_intermediate, true).empty());
}

// ---- other peers --------------------------------------------------------------------------------------

class AnnouncingPeer : public testing::Test {
protected:
    Node victim{7};
    ScriptedPeer peer{victim};
    // A connection with a shared key and one with certificates, whose lists differ.
    static void configure(ScriptedPeer& at) {
        auto config = config_of(connection(false));
        model::Connection second = with_certificates(false);
        second.name = "second";
        config->connections["second"] = std::make_shared<const model::Connection>(second);
        Host host;
        host.add(NamedAuthority("CA"), "b.example", crypto::KeyType::ecdsa_256).trust_many();
        at.step(Configure{config, host.credentials});
    }
    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }
};

// RFC 9593 §3.2 [75]: unknown announcements are ignored; any number of them costs nothing.
TEST_F(AnnouncingPeer, MayAnnounceTenThousandMethods) {
    configure(peer);
    peer.init();
    Bytes data;
    for (unsigned i = 0; i < 10'000; ++i) append(data, Bytes{2, 200});
    const auto answers = peer.send(ExchangeType::ike_auth, peer.auth().notify(NotifyType::supported_auth_methods, data));
    EXPECT_EQ(victim.engine.list(peer.now).at(0).state, model::IkeState::established) << victim.log();
    EXPECT_EQ(count(Counter::announcement_excess), 1u);
    EXPECT_EQ(count(Counter::announcement_ignored), model::limits::announcements_per_peer);
    EXPECT_EQ(count(Counter::announcement_unmatched), 1u);
}

// RFC 9593 §3.1 [74]: the initiator may say who it is before IKE_AUTH, and gets the list at once; it must be the same then.
TEST_F(AnnouncingPeer, MustBeWhomItNamedBefore) {
    for (const char* name : {"a.example", "mallory.example"}) {
        SCOPED_TRACE(name);
        Node fresh{7};
        ScriptedPeer one{fresh};
        configure(one);
        one.init();
        const auto first = *wire::parse_message(one.init_response);
        ASSERT_NE(first.notify(NotifyType::supported_auth_methods), nullptr);
        EXPECT_TRUE(first.notify(NotifyType::supported_auth_methods)->data.empty());
        wire::MessageBuilder request;
        const auto id = model::Identity::parse(name);
        request.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
        const auto answers = one.send(ExchangeType::ike_intermediate, std::move(request));
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_NE(answers.front().notify(NotifyType::supported_auth_methods), nullptr) << fresh.log();
        // Its AUTH leaves IntAuth out, so that only the order of the checks is seen: who it is comes first.
        const auto refused = one.send(ExchangeType::ike_auth, one.auth());
        ASSERT_EQ(refused.size(), 1u);
        const bool same = id == model::Identity::parse("a.example");
        EXPECT_EQ(refused.front().notify(NotifyType::invalid_syntax) == nullptr, same) << fresh.log();
        EXPECT_EQ(refused.front().notify(NotifyType::authentication_failed) != nullptr, same) << fresh.log();
    }
}

// One exchange brings the list; there is nothing to come for another one.
TEST_F(AnnouncingPeer, GetsTheListOnce) {
    configure(peer);
    peer.init();
    ASSERT_EQ(peer.send(ExchangeType::ike_intermediate, {}).size(), 1u);
    const auto refused = peer.send(ExchangeType::ike_intermediate, {});
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_NE(refused.front().notify(NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(count(Counter::round_refused), 1u);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
