// An attacker between two engines who breaks the key exchange of IKE_SA_INIT and has the credential of one end. RFC 7296 §2.15
// lets each end's AUTH cover its own first message alone: what the end without a secret said, the attacker changes as it likes.
// With IKE_SA_INIT_FULL_TRANSCRIPT_AUTH the other end's AUTH covers it, too.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ike/test_certificates.h"
#include "ike/test_peer.h"
#include "ike/test_ppk.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::DowngradeProtection;
using model::ExchangeType;
using model::NotifyType;

// The same message without some notifications.
Bytes without(ByteView datagram, const std::vector<NotifyType>& types) {
    const auto message = *wire::parse_message(datagram);
    wire::MessageBuilder stripped;
    for (const wire::Payload& payload : message.payloads) {
        const auto* notify = std::get_if<wire::NotifyPayload>(&payload);
        if (notify != nullptr && std::ranges::find(types, notify->message_type) != types.end()) continue;
        stripped.add(payload);
    }
    return stripped.finish(message.header);
}

// The same with nothing but the first key exchange offered.
Bytes without_additional(ByteView datagram) {
    const auto message = *wire::parse_message(datagram);
    wire::MessageBuilder stripped;
    for (const wire::Payload& payload : message.payloads) {
        const auto* sa = std::get_if<wire::SaPayload>(&payload);
        if (sa == nullptr) {
            stripped.add(payload);
            continue;
        }
        auto proposals = sa->proposals;
        for (model::Proposal& proposal : proposals)
            std::erase_if(proposal.transforms, [](const auto& transform) { return model::is_additional_ke(transform.type); });
        stripped.add(wire::SaPayload{proposals});
    }
    return stripped.finish(message.header);
}

constexpr const char* classic = "aes256gcm16-prfsha384-x25519";
constexpr const char* hybrid_or_classic = "aes256gcm16-prfsha384-x25519-ke1_mlkem512,aes256gcm16-prfsha384-x25519";
constexpr const char* optional_round = "aes256gcm16-prfsha384-x25519-ke1_mlkem512-ke1_none";

// What the attacker takes out of the first messages, and whose credential it has.
struct Plan {
    std::vector<NotifyType> from_request{}, from_response{};
    bool additional_key_exchanges = false;  // out of the offer
    bool as_initiator = true;               // it can prove to be the initiator, else the responder
    bool ppk = false;                       // both ends have one, and use it if they can
    const char* proposals = optional_round;  // of both
};

// One end proves nothing, so that whoever breaks the key exchange can speak for it; the other has a certificate.
class Attack {
public:
    explicit Attack(Plan attackers_plan) : plan(std::move(attackers_plan)) {}

    Plan plan;
    Instant now = Instant::after_start(seconds(1000));
    Node a{1, settings()}, b{2, settings()};  // the initiator and the responder
    DowngradeProtection protection_a = DowngradeProtection::preferred, protection_b = DowngradeProtection::preferred;
    model::PostQuantum post_quantum = model::PostQuantum::preferred;

    Attack& without_protection() {
        protection_a = protection_b = DowngradeProtection::off;
        return *this;
    }
    // Whether both ends believe in each other.
    bool succeeds() {
        configure();
        const model::Endpoint at_a{address("192.0.2.1"), 500}, at_b{address("192.0.2.2"), 500};
        step(a, Initiate{.id = CommandId{1}, .connection = "gw", .child = "net", .path = {at_a, at_b}});
        for (unsigned messages = 0; messages < 40 && !(a.outbox.empty() && b.outbox.empty()); ++messages) {
            Node& from = a.outbox.empty() ? b : a;
            Send send = std::move(from.outbox.front());
            from.outbox.pop_front();
            const Bytes datagram = meddle(send.datagram, &from == &a);
            step(&from == &a ? b : a,
                 Datagram{.path = {.local = send.path.remote, .remote = send.path.local}, .bytes = datagram});
        }
        return established(a) && established(b);
    }
    bool established(const Node& node) const {
        const auto all = node.engine.list(now);
        return all.size() == 1 && all.front().state == model::IkeState::established;
    }
    std::string logs() const { return a.log() + "---\n" + b.log(); }

private:
    static EngineSettings settings() { return {.unix_seconds_at_start = crypto::test_now}; }

    void configure() {
        const bool anonymous_a = plan.as_initiator;
        const auto shown = anonymous_a ? proven("b.example") : proven("a.example");
        for (const bool at_a : {true, false}) {
            model::Connection made = connection(at_a);
            made.proposals = *model::parse_proposals(model::Protocol::ike, plan.proposals);
            made.downgrade_protection = at_a ? protection_a : protection_b;
            made.post_quantum = post_quantum;
            made.children.front().local_ts = made.children.front().remote_ts = {{.dynamic = true, .selector = {}}};
            prove(made.local.front(), at_a == anonymous_a);
            prove(made.remote.front(), at_a != anonymous_a);
            if (plan.ppk) made = with_ppk(std::move(made));
            auto config = config_of(made);
            if (plan.ppk) add_ppks(*config, {{"k1", ppk_one}});
            step(at_a ? a : b, Configure{config, shown});
        }
    }
    // Made once: RSA keys take their time.
    static std::shared_ptr<Credentials> proven(const std::string& name) {
        static const Authority authority;
        static std::map<std::string, std::shared_ptr<Credentials>> made;
        std::shared_ptr<Credentials>& known = made[name];
        if (!known) known = credentials(authority, authority, {.dns = name.c_str(), .type = crypto::KeyType::rsa});
        return known;
    }
    static void prove(model::AuthConfig& round, bool nothing) {
        round.auth = nothing ? model::AuthClass::null : model::AuthClass::pubkey;
        round.auth_text = nothing ? "null" : "pubkey";
        if (nothing) round.id = {};
    }
    void step(Node& node, Input input) {
        Effects effects;
        node.engine.step(now, std::move(input), effects);
        for (Effect& effect : effects)
            if (auto* obtain = std::get_if<ObtainPpks>(&effect))
                step(node, PpksObtained{obtain->id, node.pads.obtain(obtain->wish)});
        for (StartJob& job : node.take(effects)) {
            crypto::JobResult result = crypto::run(std::move(job.job));
            if (const auto* secret = std::get_if<Result<SecretBytes>>(&result); secret != nullptr && &node == &a && !broken_)
                broken_ = (*secret)->clone();
            step(node, JobDone{job.id, std::move(result)});
        }
    }
    Bytes meddle(const Bytes& datagram, bool to_b) {
        const auto header = *wire::parse_header(datagram);
        if (header.exchange == ExchangeType::ike_sa_init) {
            Bytes& seen = to_b ? seen_request_ : seen_response_;
            (to_b ? sent_request_ : sent_response_) = datagram;
            seen = without(datagram, to_b ? plan.from_request : plan.from_response);
            if (to_b && plan.additional_key_exchanges) seen = without_additional(seen);
            return seen;
        }
        const bool first_auth = header.exchange == ExchangeType::ike_auth && header.message_id == 1;
        return to_b == plan.as_initiator && first_auth ? forged(datagram, to_b) : datagram;
    }
    Protection protection_of(bool initiator) const {
        const auto request = *wire::parse_message(sent_request_), response = *wire::parse_message(sent_response_);
        const auto chosen = response.find<wire::SaPayload>()->proposals;
        const auto proposal = *model::choose(chosen, chosen, {});
        const Bytes nonce_i = keep(request.find<wire::NoncePayload>()->data);
        const Bytes nonce_r = keep(response.find<wire::NoncePayload>()->data);
        const Spis spis{.initiator = response.header.spi_i, .responder = response.header.spi_r};
        return *Protection::make(proposal, initial_keys(proposal, broken_->reveal(), {nonce_i, nonce_r}, spis), initiator);
    }
    // IKE_AUTH with an AUTH that fits what the receiver has seen of IKE_SA_INIT: NULL authentication needs nothing but keys.
    Bytes forged(const Bytes& datagram, bool to_b) {
        Protection reader = protection_of(!to_b), writer = protection_of(to_b);
        const auto opened = reader.open(datagram, nullptr);
        if (!opened || !*opened) return datagram;
        const auto payloads = *wire::parse_payloads((*opened)->chain.first, (*opened)->chain.octets);
        wire::MessageBuilder message;
        for (const wire::Payload& payload : payloads) {
            if (!std::holds_alternative<wire::AuthPayload>(payload)) message.add(payload);
            if (to_b && std::holds_alternative<wire::IdiPayload>(payload)) add_auth(message, payload, writer, to_b);
            if (!to_b && std::holds_alternative<wire::IdrPayload>(payload)) add_auth(message, payload, writer, to_b);
        }
        SeededRng rng(9);
        return writer.seal(*wire::parse_header(datagram), message.take_chain(), std::nullopt, rng)->front();
    }
    void add_auth(wire::MessageBuilder& message, const wire::Payload& id, const Protection& keys, bool to_b) const {
        model::Identity name{.type = model::IdType::null, .data = {}};
        if (const auto* idi = std::get_if<wire::IdiPayload>(&id)) name = {.type = idi->id_type, .data = keep(idi->data)};
        if (const auto* idr = std::get_if<wire::IdrPayload>(&id)) name = {.type = idr->id_type, .data = keep(idr->data)};
        const Bytes& of_sender = to_b ? seen_request_ : seen_response_;
        const Bytes& of_receiver = to_b ? sent_response_ : sent_request_;
        const bool whole = said(of_sender) && said(of_receiver);
        const auto other = *wire::parse_message(to_b ? sent_response_ : sent_request_);
        const Bytes octets =
            signed_octets(model::Prf::hmac_sha2_384, whole ? concat({Bytes(8), of_receiver, of_sender}) : of_sender,
                          other.find<wire::NoncePayload>()->data, keys.sk_p(to_b), id_payload_body(name), {});
        const AuthData auth = null_auth(keys.sk_p(to_b), model::Prf::hmac_sha2_384, octets);
        message.add(wire::AuthPayload{.method = auth.method, .data = auth.data});
    }
    static bool said(const Bytes& datagram) {
        return wire::parse_message(datagram)->notify(NotifyType::ike_sa_init_full_transcript_auth) != nullptr;
    }

    std::optional<SecretBytes> broken_{};  // the secret of the key exchange, which the attacker computes
    Bytes sent_request_{}, seen_request_{}, sent_response_{}, seen_response_{};
};

constexpr NotifyType transcript = NotifyType::ike_sa_init_full_transcript_auth;

// What may be taken out of a request: RFC 9242 and with it RFC 9370, the additional key exchanges themselves, PPKs (RFC 8784 and
// RFC 9867), and what the initiator can verify, so that the responder signs in the oldest way.
std::vector<Plan> attacks_on_requests() {
    return {{.from_request = {NotifyType::intermediate_exchange_supported}, .proposals = hybrid_or_classic},
            {.additional_key_exchanges = true},
            {.from_request = {NotifyType::use_ppk, NotifyType::use_ppk_int}, .additional_key_exchanges = true, .ppk = true},
            {.from_request = {NotifyType::signature_hash_algorithms}, .additional_key_exchanges = true}};
}
// Of a response: that the responder verifies newer signatures than those with SHA-1.
Plan attack_on_response() {
    return {.from_response = {NotifyType::signature_hash_algorithms, NotifyType::supported_auth_methods},
            .as_initiator = false,
            .proposals = classic};
}

TEST(FullTranscript, IsAgreedOnWhereBothKnowIt) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << pair.b.log();
    EXPECT_TRUE(pair.a.only_sa(pair.now).full_transcript && pair.b.only_sa(pair.now).full_transcript);
    EXPECT_EQ(pair.a.engine.counters()[Counter::transcript_authenticated], 1u);
    EXPECT_EQ(pair.b.engine.counters()[Counter::transcript_authenticated], 1u);
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    EXPECT_TRUE(pair.a.only_sa(pair.now).full_transcript) << "a rekeyed IKE SA comes from the same handshake";
}

// Off the wire for a peer that does not know it, in either role.
TEST(FullTranscript, IsNotUsedWhereOneDoesNotKnowIt) {
    for (const bool known_by_a : {true, false}) {
        Pair pair;
        model::Connection at_a = connection(true), at_b = connection(false);
        (known_by_a ? at_b : at_a).downgrade_protection = DowngradeProtection::off;
        pair.configure(at_a, at_b);
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << pair.b.log();
        EXPECT_FALSE(pair.a.only_sa(pair.now).full_transcript || pair.b.only_sa(pair.now).full_transcript);
    }
}

// RFC 7296 §2.15: the other end's AUTH covers its own message, which the attacker left alone.
TEST(FullTranscript, WithoutItAnAttackOnTheRequestSucceeds) {
    for (const Plan& plan : attacks_on_requests()) {
        Attack attack(plan);
        EXPECT_TRUE(attack.without_protection().succeeds()) << attack.logs();
        EXPECT_TRUE(attack.a.only_sa(attack.now).proposal->additional.empty()) << "the attacker reads everything";
    }
}
TEST(FullTranscript, WithoutItAnAttackOnTheResponseSucceeds) {
    Attack attack(attack_on_response());
    EXPECT_TRUE(attack.without_protection().succeeds()) << attack.logs();
    EXPECT_NE(attack.a.log().find("before RFC 7427"), std::string::npos) << attack.logs();
}

// draft-ietf-ipsecme-ikev2-downgrade-prevention: whether the attacker leaves the notification where it is, takes it out of the
// request or out of both messages, the responder's AUTH does not fit what the initiator has sent and seen.
TEST(FullTranscript, AnAttackOnTheRequestIsFoundOutByTheInitiator) {
    for (const Plan& plan : attacks_on_requests()) {
        for (const int taken_out : {0, 1, 2}) {
            Plan variant = plan;
            if (taken_out >= 1) variant.from_request.push_back(transcript);
            if (taken_out == 2) variant.from_response.push_back(transcript);
            Attack attack(variant);
                EXPECT_FALSE(attack.succeeds()) << taken_out << "\n" << attack.logs();
            EXPECT_FALSE(attack.established(attack.a));
            EXPECT_EQ(attack.a.engine.counters()[Counter::authentication_failed], 1u) << taken_out << "\n" << attack.logs();
        }
    }
}
TEST(FullTranscript, AnAttackOnTheResponseIsFoundOutByTheResponder) {
    for (const bool taken_out : {false, true}) {
        Plan plan = attack_on_response();
        if (taken_out) plan.from_response.push_back(transcript);
        Attack attack(plan);
            EXPECT_FALSE(attack.succeeds()) << attack.logs();
        EXPECT_EQ(attack.b.engine.counters()[Counter::authentication_failed], 1u) << attack.logs();
    }
}

// Who demands it does not go on without: an initiator waits for a better answer, a responder says no.
TEST(FullTranscript, CanBeDemanded) {
    for (const bool by_a : {true, false}) {
        Attack attack({.from_request = {transcript}, .from_response = {transcript}, .additional_key_exchanges = true});
        (by_a ? attack.protection_a : attack.protection_b) = DowngradeProtection::required;
        EXPECT_FALSE(attack.succeeds());
        const Node& strict = by_a ? attack.a : attack.b;
        EXPECT_EQ(strict.engine.counters()[Counter::transcript_refused], 1u) << attack.logs();
        EXPECT_NE(strict.log().find("downgrade_protection"), std::string::npos) << strict.log();
        EXPECT_FALSE(attack.established(attack.a) || attack.established(attack.b));
    }
}

// The other policies that stop an attacker even where the peer's AUTH would be forged: nothing classic is offered or taken.
TEST(FullTranscript, IsNotNeededWherePostQuantumKeyExchangesAreRequired) {
    Attack attack({.additional_key_exchanges = true, .proposals = "aes256gcm16-prfsha384-x25519-ke1_mlkem512"});
    attack.post_quantum = model::PostQuantum::required;
    EXPECT_FALSE(attack.without_protection().succeeds());
    EXPECT_FALSE(attack.established(attack.a) || attack.established(attack.b));
}

// A responder that does not know which of its connections is meant says that it knows; the one that is meant may demand it.
TEST(FullTranscript, IsDemandedByTheConnectionThatIkeAuthFinds) {
    Pair pair;
    model::Connection plain = connection(true), strict = connection(false), other = connection(false);
    plain.downgrade_protection = DowngradeProtection::off;
    strict.downgrade_protection = DowngradeProtection::required;
    other.name = "other";
    other.remote.front().id = model::Identity::parse("c.example");
    auto config = config_of(strict);
    config->connections["other"] = std::make_shared<const model::Connection>(other);
    pair.step(pair.a, Configure{config_of(plain), nullptr});
    pair.step(pair.b, Configure{config, nullptr});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.counters()[Counter::transcript_refused], 1u) << pair.b.log();
}

// The first request that counts is the last one: with the cookie, and with the method that the responder wants.
TEST(FullTranscript, CoversTheRequestsThatCameThrough) {
    Pair pair({}, {.always_cookie = true});
    model::Connection at_a = connection(true), at_b = connection(false);
    at_a.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519-ecp384");
    at_b.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-ecp384");
    pair.configure(at_a, at_b);
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << pair.b.log();
    EXPECT_TRUE(pair.a.only_sa(pair.now).full_transcript);
    EXPECT_GE(pair.a.engine.counters()[Counter::ike_init_out_req], 1u);
    EXPECT_EQ(pair.a.engine.counters()[Counter::invalid_ke_payload], 1u);
}

// RFC 5723: the ticket says whether the proofs of its IKE SA covered all, and so do those of the resumption.
TEST(FullTranscript, GoesOnInAResumption) {
    for (const bool known : {true, false}) {
        Pair pair;
        model::Connection at_a = connection(true), at_b = connection(false);
        for (model::Connection* each : {&at_a, &at_b}) {
            each->resumption = model::Resumption::ticket;
            if (!known) each->downgrade_protection = DowngradeProtection::off;
        }
        at_a.dpd_delay = seconds(10);
        at_a.children.front().dpd_action = model::Action::start;
        pair.configure(at_a, at_b);
        ASSERT_TRUE(pair.initiate(pair.a).result);
        pair.restart(pair.b);
        pair.pass(minutes(6));
        EXPECT_EQ(pair.a.engine.counters()[Counter::ike_resumed], 1u) << pair.a.log();
        EXPECT_EQ(pair.a.only_sa(pair.now).full_transcript, known);
        EXPECT_EQ(pair.b.only_sa(pair.now).full_transcript, known);
    }
}

}  // namespace
}  // namespace cygnet::ike::test
