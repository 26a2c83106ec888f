// Rows of hostile-inputs.md in which the victim begins: whoever answers first, or whoever it was sent to, says what it likes.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/hostile_stage.h"

namespace cygnet::sim {
namespace {

const Bytes nonce(32, 8);
constexpr const char* with_large_key = "aes256gcm16-prfsha384-x25519-ke1_mceliece348864f";

// The victim's first request, and what a responder makes of it.
struct Responder {
    HostileStage& stage;
    Bytes request{}, response{};
    std::uint64_t spi_i = 0;
    Bytes nonce_i{};
    model::ChosenProposal proposal{};
    std::optional<ike::Protection> protection{};
    const char* takes = "aes256gcm16-prfsha384-x25519";  // of the victim's offer
    std::uint8_t number = 2;                             // which is second there

    // The operator of the victim wants the tunnel; its request has arrived here.
    explicit Responder(HostileStage& on) : stage(on) {
        const ike::test::ScriptedPeer& peer = stage.peer;
        const model::Path path = peer.path();
        auto sent = stage.command(ike::Initiate{.id = {}, .connection = "gw", .child = "net", .path = path});
        take(std::move(sent));
    }
    // The operator gives up what is left.
    ~Responder() { stage.command(ike::Terminate{.id = {}, .which = {.ike = "gw"}, .force = true}); }
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;

    void take(std::vector<Bytes> sent) {
        if (sent.empty()) return;
        request = std::move(sent.front());
        spi_i = wire::parse_header(request)->spi_i;
    }
    wire::Header header(ExchangeType exchange, std::uint32_t id, std::uint64_t spi_r = 0x5555) const {
        return {.spi_i = spi_i, .spi_r = spi_r, .exchange = exchange, .initiator = false, .response = true, .message_id = id};
    }
    void answer(wire::MessageBuilder message, std::uint64_t spi_r = 0x5555) {
        take(stage.say(message.finish(header(ExchangeType::ike_sa_init, 0, spi_r))));
    }
    void refuse(NotifyType type, ByteView data = {}) {
        wire::MessageBuilder message;
        message.notify(type, data);
        answer(std::move(message), 0);
    }
    std::vector<model::Proposal> choice(const char* text) const {
        auto proposals = *model::parse_proposals(model::Protocol::ike, text);
        for (model::Proposal& one : proposals) one.number = number;
        return proposals;
    }
    std::vector<model::Proposal> choice() const { return choice(takes); }
    wire::MessageBuilder acceptance(const std::vector<model::Proposal>& chosen, ByteView value) const {
        wire::MessageBuilder message;
        message.add(wire::SaPayload{chosen}).add(wire::KePayload{.method = model::Ke::curve25519, .data = value});
        return std::move(message.add(wire::NoncePayload{nonce}));
    }
    // An honest IKE_SA_INIT: both have keys, and the victim's IKE_AUTH request is here.
    void greet() {
        const auto message = *wire::parse_message(request);
        const auto own = *crypto::ke_answer(model::Ke::curve25519, message.find<wire::KePayload>()->data);
        const auto proposals = choice();
        proposal = *model::choose(proposals, proposals, {});
        const ike::Spis spis{.initiator = spi_i, .responder = 0x5555};
        nonce_i = keep(message.find<wire::NoncePayload>()->data);
        protection = std::move(*ike::Protection::make(
            proposal, ike::initial_keys(proposal, own.shared_secret.reveal(), {nonce_i, nonce}, spis), false));
        wire::MessageBuilder accepted = acceptance(proposals, own.public_value);
        if (!proposal.additional.empty())
            accepted.notify(NotifyType::intermediate_exchange_supported).add(wire::VendorIdPayload{bytes_of(model::private_use::vendor_id)});
        response = accepted.finish(header(ExchangeType::ike_sa_init, 0));
        take(stage.say(response));
    }
    // IDr and AUTH as the one whom the victim calls, who says that `as_sent` was its IKE_SA_INIT answer.
    wire::MessageBuilder proof(ByteView as_sent, const char* name = "a.example") const {
        const model::Identity id = model::Identity::parse(name);
        const Bytes octets = ike::signed_octets(proposal.prf, keep(as_sent), nonce_i, protection->sk_p(false),
                                                ike::id_payload_body(id), {});
        const SecretBytes mic =
            ike::shared_key_mic(proposal.prf, SecretBytes::copy_of(bytes_of("correct horse")), octets);
        wire::MessageBuilder message;
        message.add(wire::IdrPayload{.id_type = id.type, .data = id.data});
        return std::move(message.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = mic.reveal()}));
    }
    void answer_auth(wire::MessageBuilder message) { answer_sealed(ExchangeType::ike_auth, 1, std::move(message)); }
    // What the victim says next.
    std::vector<Bytes> answer_sealed(ExchangeType exchange, std::uint32_t id, wire::MessageBuilder message) {
        const auto sealed = protection->seal(header(exchange, id), message.take_chain(), {}, stage.victim.rng);
        return stage.say(sealed->front());
    }
};

// ---- IKE_SA_INIT ----------------------------------------------------------------------------------------

void endless_cookies(HostileStage& stage) {
    Responder responder(stage);
    for (unsigned i = 0; i < 2 * model::limits::sa_init_retries; ++i)
        responder.refuse(NotifyType::cookie, Bytes(16, static_cast<std::uint8_t>(i)));
}

void endless_groups(HostileStage& stage) {
    Responder responder(stage);
    for (unsigned i = 0; i < 2 * model::limits::sa_init_retries; ++i)
        responder.refuse(NotifyType::invalid_ke_payload, Bytes{0, static_cast<std::uint8_t>(i % 2 == 0 ? 19 : 31)});
}

void senseless_cookies(HostileStage& stage) {
    Responder responder(stage);
    responder.refuse(NotifyType::cookie);
    responder.refuse(NotifyType::cookie, Bytes(65));
    responder.refuse(NotifyType::invalid_ke_payload);
    responder.refuse(NotifyType::invalid_ke_payload, Bytes{4, 1});
    responder.refuse(NotifyType::invalid_ke_payload, Bytes{0, 31, 0});
}

void puzzles_too_hard(HostileStage& stage) {
    Responder responder(stage);
    responder.refuse(NotifyType::puzzle, Bytes{0, 5, 8});  // and no cookie
    wire::MessageBuilder message;
    message.notify(NotifyType::cookie, nonce).notify(NotifyType::puzzle, Bytes{0, 5, 255});
    responder.answer(std::move(message), 0);
}

void forged_refusals(HostileStage& stage) {
    Responder responder(stage);
    for (const NotifyType type : {NotifyType::invalid_syntax, NotifyType::authentication_failed, NotifyType::invalid_ike_spi,
                                  NotifyType::invalid_major_version, NotifyType::redirect, NotifyType::invalid_spi})
        responder.refuse(type);
    EXPECT_EQ(stage.sas(), 2u) << "it is still trying";
}

// RFC 5685 §3: whoever did not see the request does not know its nonce.
void forged_redirects(HostileStage& stage) {
    Responder responder(stage);
    const Bytes gateway{1, 4, 198, 51, 100, 1};
    responder.refuse(NotifyType::redirect, gateway);
    responder.refuse(NotifyType::redirect, concat({gateway, Bytes(32, 1)}));
    responder.refuse(NotifyType::redirect, Bytes{3, 255, 'x'});
    EXPECT_EQ(stage.sas(), 2u) << "it is still trying";
}

void choices_that_are_none(HostileStage& stage) {
    Responder responder(stage);
    const char* const others[] = {"aes128-sha1-modp2048", "aes256gcm16-prfsha384-x25519-ke1_mlkem1024",
                                  "aes256gcm16-prfsha384-x25519,aes128gcm16-prfsha256-x25519"};
    if (stage.turn % 4 == 3)
        responder.answer(responder.acceptance(responder.choice("aes256gcm16-prfsha384-x448"), Bytes(32, 9)));
    else
        responder.answer(responder.acceptance(responder.choice(others[stage.turn % 4]), Bytes(32, 9)));
    EXPECT_EQ(stage.sas(), 1u);
}

void values_in_no_group(HostileStage& stage) {
    Responder responder(stage);
    responder.answer(responder.acceptance(responder.choice(), Bytes(stage.turn % 2 == 0 ? 32 : 31, 0)));
    EXPECT_EQ(stage.sas(), 1u);
}

void answers_without_an_spi(HostileStage& stage) {
    Responder responder(stage);
    responder.answer(responder.acceptance(responder.choice(), Bytes(32, 9)), 0);
    wire::MessageBuilder nothing, critical;
    responder.answer(std::move(nothing));
    critical.add(wire::UnknownPayload{.type = static_cast<PayloadType>(99), .critical = true, .body = nonce});
    responder.answer(std::move(critical));
    EXPECT_EQ(stage.sas(), 2u);
}

void reflected_requests(HostileStage& stage) {
    Responder responder(stage);
    stage.say(responder.request);
    Bytes as_response = responder.request;
    as_response[19] = 0x20;
    stage.say(as_response);
}

// ---- IKE_AUTH -------------------------------------------------------------------------------------------

void garbage_for_the_answer(HostileStage& stage) {
    Responder responder(stage);
    responder.greet();
    wire::MessageBuilder message;
    message.add(wire::SkPayload{.first = PayloadType::id_r, .content = Bytes(96, 3)});
    for (int i = 0; i < 10; ++i) stage.say(message.finish(responder.header(ExchangeType::ike_auth, 1)));
    EXPECT_EQ(stage.sas(), 2u);
}

void refusals_in_the_clear(HostileStage& stage) {
    Responder responder(stage);
    responder.greet();
    for (const NotifyType type : {NotifyType::authentication_failed, NotifyType::invalid_syntax, NotifyType::invalid_ike_spi}) {
        wire::MessageBuilder message;
        message.notify(type);
        stage.say(message.finish(responder.header(ExchangeType::ike_auth, 1)));
    }
    EXPECT_EQ(stage.sas(), 2u);
}

void rogue_responder(HostileStage& stage) {
    Responder responder(stage);
    responder.greet();
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse(stage.turn % 2 == 0 ? "a.example" : "evil.example");
    message.add(wire::IdrPayload{.id_type = id.type, .data = id.data});
    message.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = Bytes(48, 1)});
    responder.answer_auth(std::move(message));
    EXPECT_TRUE(stage.victim.installed.empty());
}

void answers_without_a_proof(HostileStage& stage) {
    Responder responder(stage);
    responder.greet();
    wire::MessageBuilder message;
    if (stage.turn % 2 == 0) message.add(wire::IdrPayload{.id_type = model::IdType::fqdn, .data = nonce});
    message.notify(NotifyType::initial_contact);
    responder.answer_auth(std::move(message));
    EXPECT_TRUE(stage.victim.installed.empty());
}

// Somebody on the path has changed the first answer: the responder signs what it sent, the victim checks what it got.
void stripped_first_answer(HostileStage& stage) {
    Responder responder(stage);
    responder.greet();
    wire::Message sent = *wire::parse_message(responder.response);
    wire::MessageBuilder other;
    for (const wire::Payload& payload : sent.payloads) other.add(payload);
    constexpr NotifyType stripped[] = {NotifyType::intermediate_exchange_supported, NotifyType::signature_hash_algorithms,
                                       NotifyType::use_ppk, NotifyType::childless_ikev2_supported};
    other.notify(stripped[stage.turn % 4]);
    responder.answer_auth(responder.proof(other.finish(sent.header)));
    EXPECT_TRUE(stage.victim.installed.empty());
}

// EAP that nobody began, with a name or without.
void answer_with_eap(HostileStage& stage, ByteView body) {
    Responder responder(stage);
    responder.greet();
    wire::MessageBuilder message;
    if (stage.turn % 2 == 0) message.add(wire::IdrPayload{.id_type = model::IdType::fqdn, .data = bytes_of("a.example")});
    message.add(wire::UnknownPayload{.type = PayloadType::eap, .critical = false, .body = body});
    responder.answer_auth(std::move(message));
    EXPECT_TRUE(stage.victim.installed.empty());
    EXPECT_LE(stage.sas(), 2u);
}

void eap_for_the_answer(HostileStage& stage) {
    static const Bytes success{3, 1, 0, 4}, request{1, 1, 0, 5, 26};
    answer_with_eap(stage, stage.turn % 3 == 0 ? success : request);
}
void eap_of_wrong_lengths(HostileStage& stage) {
    static const Bytes bodies[] = {{3, 1, 0, 0}, {1, 1, 0, 9, 26}, {3, 1}};
    answer_with_eap(stage, bodies[stage.turn % 3]);
}

// C6: the operator has taken away the key that the victim proves itself with.
void forget_own_key(HostileStage& stage) {
    model::Connection gateway = ike::test::connection(false);
    gateway.local.front().auth = model::AuthClass::pubkey;
    stage.configure(std::move(gateway), std::make_shared<ike::Credentials>());
}
void begun_without_a_key(HostileStage& stage) {
    Responder responder(stage);
    responder.greet();
    EXPECT_EQ(stage.sas(), 1u);
}

// docs/protocol/large-key-exchange.md §7: a responder that does not wait for the last piece of our public value, and one that
// has nothing to say when it is there.
void offer_a_large_key(HostileStage& stage) { stage.configure(ike::test::connection(false), with_large_key); }
void large_key_answered_too_early(HostileStage& stage) {
    Responder responder(stage);
    responder.takes = with_large_key;
    responder.number = 1;
    responder.greet();
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::mceliece_348864f, .data = Bytes(96, 1)});
    responder.answer_sealed(ExchangeType::ike_intermediate, 1, std::move(message));
    EXPECT_EQ(stage.sas(), 1u);
}
void large_key_answered_by_nothing(HostileStage& stage) {
    Responder responder(stage);
    responder.takes = with_large_key;
    responder.number = 1;
    responder.greet();
    for (std::uint32_t id = 1; stage.sas() == 2 && id < 300; ++id) responder.answer_sealed(ExchangeType::ike_intermediate, id, {});
    EXPECT_EQ(stage.sas(), 1u);
}

const Row rows_with_large_keys[] = {
    {"C13_a_key_before_the_last_piece", offer_a_large_key, large_key_answered_too_early, Counter::key_piece_unexpected, Left::nothing, 20},
    {"C13_no_key_after_the_last_piece", offer_a_large_key, large_key_answered_by_nothing, Counter::key_piece_missing, Left::nothing, 20},
};

const Row rows[] = {
    {"C10_endless_cookies", nullptr, endless_cookies, Counter::too_many_retries, Left::nothing, costly},
    {"C10_endless_other_groups", nullptr, endless_groups, Counter::too_many_retries, Left::nothing, costly},
    {"C10_cookies_and_groups_that_are_none", nullptr, senseless_cookies, Counter::unproven_answer, Left::nothing, costly},
    {"2_puzzles_too_hard_or_without_a_cookie", nullptr, puzzles_too_hard, Counter::puzzle_refused, Left::nothing, costly},
    {"C12_forged_refusals_of_the_first_request", nullptr, forged_refusals, Counter::unproven_answer, Left::nothing, costly},
    {"3_forged_REDIRECTs", nullptr, forged_redirects, Counter::redirect_refused, Left::nothing, costly},
    {"3_choices_that_were_not_offered", nullptr, choices_that_are_none, Counter::wrong_choice, Left::nothing, costly},
    {"D1_D2_public_values_in_no_group", nullptr, values_in_no_group, Counter::bad_ke_value, Left::nothing, costly},
    {"C9_answers_without_an_SPI_or_payloads", nullptr, answers_without_an_spi, Counter::unproven_answer, Left::nothing,
     costly},
    {"3_the_first_request_reflected", nullptr, reflected_requests, Counter::unproven_answer, Left::nothing, costly},
    {"C12_garbage_in_place_of_the_IKE_AUTH_answer", nullptr, garbage_for_the_answer, Counter::integrity_failed, Left::nothing,
     costly},
    {"C12_refusals_in_the_clear_after_IKE_SA_INIT", nullptr, refusals_in_the_clear, Counter::unprotected_message, Left::nothing, costly},
    {"3_a_rogue_responder", nullptr, rogue_responder, Counter::authentication_failed, Left::nothing, costly},
    {"3_a_first_answer_that_was_stripped", nullptr, stripped_first_answer, Counter::authentication_failed, Left::nothing,
     costly},
    {"C4_EAP_in_place_of_a_proof", nullptr, eap_for_the_answer, Counter::payload_missing, Left::nothing, costly},
    {"A6_A8_EAP_of_wrong_lengths", nullptr, eap_of_wrong_lengths, Counter::malformed_payload, Left::nothing, costly},
    {"C6_our_own_key_is_missing", forget_own_key, begun_without_a_key, Counter::ike_init_in_resp, Left::nothing, costly},
    {"B1_an_IKE_AUTH_answer_without_a_proof", nullptr, answers_without_a_proof, Counter::payload_missing, Left::nothing,
     costly},
};

// RFC 7296 §2.21.4 [21]: no SA is given up because of what nobody has protected; §1.2 [46]: no loop of groups.
// RFC 6989 §2 [49]: values outside of their group end the attempt; RFC 8019 §7.1.2 [194]: puzzles that are not worth it.
// What the victim sends here answers nothing: it is its own request, in one form or another.
// What the scripted responder can do if nobody strips anything: otherwise its refusals would show little.
TEST(HostileResponder, IsBelievedWhenItSaysWhatItSent) {
    HostileStage stage;
    Responder responder(stage);
    responder.greet();
    responder.answer_auth(responder.proof(responder.response));
    EXPECT_EQ(stage.count(Counter::authentication_failed), 0u) << stage.victim.log();
    EXPECT_TRUE(std::ranges::any_of(stage.victim.engine.list(stage.peer.now), [](const model::IkeStatus& sa) {
        return sa.name == "gw" && sa.state == model::IkeState::established;
    })) << stage.victim.log();
}

class Responders : public testing::TestWithParam<Row> {};
TEST_P(Responders, leave_nothing_behind) {
    Row row = GetParam();
    row.authenticated = true;
    run_row(row);
}
INSTANTIATE_TEST_SUITE_P(HostileInputs, Responders, testing::ValuesIn(rows), name_of_row);

class RespondersToLargeKeys : public testing::TestWithParam<Row> {};
TEST_P(RespondersToLargeKeys, leave_nothing_behind) {
    if (!crypto::shape_of(model::Ke::mceliece_348864f)) GTEST_SKIP() << "this build has no Classic McEliece (tools/fetch-mceliece)";
    Row row = GetParam();
    row.authenticated = true;
    run_row(row);
}
INSTANTIATE_TEST_SUITE_P(HostileInputs, RespondersToLargeKeys, testing::ValuesIn(rows_with_large_keys), name_of_row);

}  // namespace
}  // namespace cygnet::sim
