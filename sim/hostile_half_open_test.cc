// Rows of hostile-inputs.md between IKE_SA_INIT and the proof of who the peer is: it has keys, but no identity.
#include <gtest/gtest.h>

#include "sim/hostile_stage.h"

namespace cygnet::sim {
namespace {

void greet(HostileStage& stage) { stage.greet(); }

wire::MessageBuilder sealed_garbage(std::size_t octets = 96) {
    wire::MessageBuilder message;
    message.add(wire::SkPayload{.first = PayloadType::id_i, .content = Bytes(octets, 3)});
    return message;
}

// The keys exist: something authentic, though senseless, has come.
void greet_and_force_keys(HostileStage& stage) {
    stage.greet();
    stage.say(sealed_garbage().finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

// ---- without keys ---------------------------------------------------------------------------------------

void early_exchanges(HostileStage& stage) {
    constexpr ExchangeType exchanges[] = {ExchangeType::create_child_sa, ExchangeType::informational,
                                          ExchangeType::ike_followup_ke, static_cast<ExchangeType>(99)};
    stage.say(sealed_garbage().finish(stage.peer.header(exchanges[stage.turn % 4], 1)));
}

void early_notifications(HostileStage& stage) {
    constexpr NotifyType types[] = {NotifyType::invalid_syntax, NotifyType::authentication_failed,
                                    NotifyType::invalid_ike_spi, NotifyType::no_proposal_chosen};
    wire::MessageBuilder message;
    message.notify(types[stage.turn % 4]);
    wire::Header header = stage.peer.header(stage.turn % 2 == 0 ? ExchangeType::informational : ExchangeType::ike_auth, 1);
    header.response = stage.turn % 3 == 0;
    stage.say(message.finish(header));
}

void wrong_early_ids(HostileStage& stage) {
    constexpr std::uint32_t ids[] = {0, 2, 0x7fffffff, 0xffffffff};
    stage.say(sealed_garbage().finish(stage.peer.header(ExchangeType::ike_auth, ids[stage.turn % 4])));
}

void value_in_no_group(HostileStage& stage) {
    Bytes value(32, 0);
    value.front() = static_cast<std::uint8_t>(stage.turn % 2);  // 0 and 1 have small order
    stage.greet("aes256gcm16-prfsha384-x25519", std::move(value));
    stage.say(sealed_garbage().finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

void point_on_no_curve(HostileStage& stage) {
    stage.greet("aes256gcm16-prfsha256-ecp256", Bytes(64, stage.turn % 2 == 0 ? 0x00 : 0x5a));
    stage.say(sealed_garbage().finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

void number_in_no_group(HostileStage& stage) {
    // 0, 1 and a number above the prime.
    Bytes value(256, stage.turn % 3 == 2 ? 0xff : 0);
    value.back() = static_cast<std::uint8_t>(stage.turn % 3 == 2 ? 0xff : stage.turn % 2);
    stage.greet("aes256gcm16-prfsha256-modp2048", std::move(value));
    stage.say(sealed_garbage().finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

void encapsulation_key_above_the_modulus(HostileStage& stage) {
    stage.greet("aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::ml_kem_768, .data = Bytes(stage.turn % 2 == 0 ? 1184 : 1183, 0xff)});
    stage.say(ExchangeType::ike_intermediate, std::move(message));
}

// ---- garbage that keys must tell ------------------------------------------------------------------------

void garbage_for_auth(HostileStage& stage) {
    stage.greet();
    for (std::size_t i = 0; i <= model::limits::forged_messages_per_half_open; ++i)
        stage.say(sealed_garbage().finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

void short_fragments(HostileStage& stage) {
    wire::MessageBuilder message;
    constexpr std::size_t sizes[] = {0, 1, 7, 8, 15, 23, 24};
    const Bytes content(sizes[stage.turn % 7], 1);
    message.add(wire::SkfPayload{.first = PayloadType::id_i, .number = 1, .total = 2, .content = content});
    stage.say(message.finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

void senseless_fragments(HostileStage& stage) {
    constexpr std::pair<std::uint16_t, std::uint16_t> places[] = {{0, 0}, {0, 2}, {3, 2}, {1, 0}, {65535, 65534}};
    const auto [number, total] = places[stage.turn % 5];
    Bytes body(48, 1);
    body[0] = static_cast<std::uint8_t>(number >> 8);
    body[1] = static_cast<std::uint8_t>(number);
    body[2] = static_cast<std::uint8_t>(total >> 8);
    body[3] = static_cast<std::uint8_t>(total);
    wire::MessageBuilder message;
    message.add(wire::UnknownPayload{.type = PayloadType::skf, .critical = false, .body = body});
    stage.say(message.finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

// Unknown payloads before the fragment, up to the limit and beyond it.
void outer_payloads(HostileStage& stage) {
    wire::MessageBuilder message;
    const std::size_t count = 120 + stage.turn % 20;
    for (std::size_t i = 0; i < count; ++i)
        message.add(wire::UnknownPayload{.type = static_cast<PayloadType>(200), .critical = false, .body = {}});
    message.add(wire::SkfPayload{.first = PayloadType::id_i, .number = 1, .total = 2, .content = Bytes(7, 1)});
    stage.say(message.finish(stage.peer.header(ExchangeType::ike_auth, 1)));
}

// The first fragments of messages that never become whole.
void lonely_fragments(HostileStage& stage) {
    stage.greet();
    wire::MessageBuilder message;
    message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = Bytes(3000, 1)});
    auto fragments = stage.peer.protection->seal(stage.peer.header(ExchangeType::ike_auth, 1), message.take_chain(),
                                                 ike::FragmentLimit{.ip_octets = 576, .overhead = 28}, stage.victim.rng);
    for (std::size_t i = 0; i + 1 < fragments->size(); ++i) stage.say((*fragments)[i]);
    stage.pass(minutes(1));
}

// ---- under the keys, without identity -------------------------------------------------------------------

void request(HostileStage& stage, ExchangeType exchange, wire::MessageBuilder message) {
    stage.say(stage.peer.sealed(stage.peer.header(exchange, 1), message.take_chain()));
}

void establish_by_another_exchange(HostileStage& stage) {
    constexpr ExchangeType exchanges[] = {ExchangeType::create_child_sa, ExchangeType::informational,
                                          ExchangeType::ike_followup_ke, static_cast<ExchangeType>(200)};
    wire::MessageBuilder message;
    message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::esp, "aes256gcm16")});
    message.add(wire::NoncePayload{stage.peer.nonce_i});
    message.add(wire::DeletePayload{.protocol = model::Protocol::ike, .spi_size = 0, .spis = {}});
    message.notify(NotifyType::authentication_failed);
    request(stage, exchanges[stage.turn % 4], std::move(message));
}

void rounds_that_nobody_negotiated(HostileStage& stage) {
    stage.greet();
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::ml_kem_768, .data = Bytes(1184, 1)});
    stage.say(ExchangeType::ike_intermediate, std::move(message));
}

void rounds_of_another_kind(HostileStage& stage) {
    stage.greet("aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(32, 9)});
    stage.say(ExchangeType::ike_intermediate, std::move(message));
}

void round_without_a_value(HostileStage& stage) {
    stage.greet("aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    wire::MessageBuilder message;
    message.notify(NotifyType::initial_contact);  // and no KE payload at all
    stage.say(ExchangeType::ike_intermediate, std::move(message));
}

// The value of a round where nothing protects it.
void greet_hybrid(HostileStage& stage) { stage.greet("aes256gcm16-prfsha384-x25519-ke1_mlkem768"); }
void round_in_the_clear(HostileStage& stage) {
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::ml_kem_768, .data = Bytes(1184, 1)});
    stage.say(message.finish(stage.peer.header(ExchangeType::ike_intermediate, 1)));
}

void auth_without_its_rounds(HostileStage& stage) {
    stage.greet("aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    stage.say(ExchangeType::ike_auth, stage.peer.auth());
}

void auth_without_a_payload(HostileStage& stage) {
    constexpr PayloadType all[] = {PayloadType::id_i, PayloadType::ts_i, PayloadType::ts_r, PayloadType::sa};
    stage.greet();
    stage.say(ExchangeType::ike_auth, stage.peer.auth({all[stage.turn % 4]}));
}

// An EAP payload where AUTH should be: Success, a response to nothing, one of no length.
void eap_that_nobody_began(HostileStage& stage) {
    static const Bytes bodies[] = {{3, 1, 0, 4}, {2, 1, 0, 5, 26}, {3, 0, 0, 4}};
    stage.greet();
    wire::MessageBuilder message = stage.peer.auth({PayloadType::auth});
    message.add(wire::UnknownPayload{.type = PayloadType::eap, .critical = false, .body = bodies[stage.turn % 3]});
    stage.say(ExchangeType::ike_auth, std::move(message));
    EXPECT_EQ(stage.sas(), 1u);
}

// The proof is that of another identity, which the secret would fit as well.
void misbound_identity(HostileStage& stage) {
    stage.greet();
    wire::MessageBuilder message;
    const model::Identity other = model::Identity::parse("bystander.example");
    message.add(wire::IdiPayload{.id_type = other.type, .data = other.data});
    wire::MessageBuilder rest = stage.peer.auth({PayloadType::id_i});
    const wire::Chain chain = rest.take_chain();
    const auto payloads = *wire::parse_payloads(chain.first, chain.octets);
    for (const wire::Payload& payload : payloads) message.add(payload);
    stage.say(ExchangeType::ike_auth, std::move(message));
    EXPECT_EQ(stage.sas(), 1u);
}

// Somebody on the path has taken something out of the first request: the initiator signs what it sent, the victim checks
// what it got.
void stripped_first_request(HostileStage& stage) {
    stage.greet();
    const wire::Message got = *wire::parse_message(stage.peer.init_request);
    wire::MessageBuilder sent;
    auto proposals = got.find<wire::SaPayload>()->proposals;
    if (stage.turn % 3 == 0) {
        proposals.push_back(proposals.front());
        proposals.back().number = 2;
    }
    if (stage.turn % 3 == 1)  // an additional key exchange
        proposals.front().transforms.push_back({.type = model::TransformType::addke1, .id = 36});
    sent.add(wire::SaPayload{std::move(proposals)}).add(*got.find<wire::KePayload>()).add(*got.find<wire::NoncePayload>());
    if (stage.turn % 3 == 2) sent.notify(NotifyType::signature_hash_algorithms, Bytes{0, 2, 0, 3});
    sent.notify(NotifyType::intermediate_exchange_supported).notify(NotifyType::ikev2_fragmentation_supported);
    stage.peer.init_request = sent.finish(got.header);
    stage.say(ExchangeType::ike_auth, stage.peer.auth());
    EXPECT_EQ(stage.sas(), 1u);
}

// After its refusal an attempt is nobody's, however right what follows is.
void rejected_attempt_that_goes_on(HostileStage& stage) {
    stage.greet();
    stage.say(ExchangeType::ike_auth, stage.peer.auth({PayloadType::auth}));
    stage.say(ExchangeType::ike_auth, stage.peer.auth());
    EXPECT_EQ(stage.sas(), 1u);
}

void auth_with_id(HostileStage& stage, model::IdType type, ByteView id) {
    stage.greet();
    wire::MessageBuilder message;
    message.add(wire::IdiPayload{.id_type = type, .data = id});
    message.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = Bytes(48, 1)});
    stage.say(ExchangeType::ike_auth, std::move(message));
}

void identities_that_are_none(HostileStage& stage) {
    constexpr std::size_t sizes[] = {0, 4097, 60'000};
    auth_with_id(stage, model::IdType::fqdn, Bytes(sizes[stage.turn % 3], 'a'));
}

void long_identities(HostileStage& stage) {
    constexpr std::size_t sizes[] = {1, 255, 500, 1500, 4096};
    constexpr model::IdType types[] = {model::IdType::fqdn, model::IdType::key_id, model::IdType::ipv4_addr,
                                       model::IdType::der_asn1_dn, static_cast<model::IdType>(250)};
    auth_with_id(stage, types[stage.turn % 5], Bytes(sizes[stage.turn / 5 % 5], 'a'));
}

// Lengths of DER that lie, nest or never end.
void crafted_names(HostileStage& stage) {
    static const Bytes names[] = {{0x30}, {0x30, 0x80}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, {0x30, 0x02, 0x31, 0x7f},
                                  {0x30, 0x0a, 0x31, 0x08, 0x30, 0x06, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c},
                                  Bytes(4000, 0x30)};
    auth_with_id(stage, model::IdType::der_asn1_dn, names[stage.turn % 6]);
}

void wrong_proofs(HostileStage& stage) {
    stage.greet();
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse("a.example");
    message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
    constexpr model::AuthMethod methods[] = {model::AuthMethod::shared_key, static_cast<model::AuthMethod>(1),
                                             model::AuthMethod::digital_signature, static_cast<model::AuthMethod>(200)};
    constexpr std::size_t sizes[] = {48, 0, 47, 20'000, 1};
    message.add(wire::AuthPayload{.method = methods[stage.turn % 4], .data = Bytes(sizes[stage.turn / 4 % 5], 0xff)});
    stage.say(ExchangeType::ike_auth, std::move(message));
}

void certificates_without_end(HostileStage& stage) {
    stage.greet();
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse("a.example");
    message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
    const Bytes certificate = stage.turn % 2 == 0 ? Bytes(15'000, 0x30) : Bytes(500, 0x30);
    for (int i = 0; i < (stage.turn % 2 == 0 ? 4 : 100); ++i)
        message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = certificate});
    message.add(wire::AuthPayload{.method = model::AuthMethod::digital_signature, .data = Bytes(64, 1)});
    stage.say(ExchangeType::ike_auth, std::move(message));
}

// RFC 9593: 10,000 methods that nobody knows, 15,000 of one that everybody does, lengths that lead nowhere; and a wrong proof.
void announcements_without_end(HostileStage& stage) {
    stage.greet();
    static constexpr std::uint8_t methods[][3] = {{3, 200, 0}, {2, 2, 2}, {3, 14, 1}};
    Bytes data;
    for (unsigned i = 0; i < 10'000; ++i) append(data, methods[stage.turn % 3]);
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse("a.example");
    message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
    message.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = Bytes(48, 1)});
    message.notify(NotifyType::supported_auth_methods, data);
    stage.say(ExchangeType::ike_auth, std::move(message));
}

void nonsense_under_the_keys(HostileStage& stage) {
    stage.greet();
    static const Bytes bodies[] = {{255, 0, 0, 0, 7, 0, 0, 8}, {1, 0, 0, 0, 7, 0, 0xff, 0xff}, {}, {2, 0, 0, 0}};
    wire::MessageBuilder message = stage.peer.auth({PayloadType::ts_i});
    message.add(wire::UnknownPayload{.type = PayloadType::ts_i, .critical = false, .body = bodies[stage.turn % 4]});
    stage.say(ExchangeType::ike_auth, std::move(message));
}

void sk_inside_sk(HostileStage& stage) {
    stage.greet();
    stage.say(ExchangeType::ike_auth, sealed_garbage());
}

const Row rows[] = {
    {"C1_C2_C3_exchanges_that_come_before_IKE_AUTH", greet, early_exchanges, Counter::unexpected_exchange, Left::the_sa},
    {"C12_notifications_in_the_clear_after_IKE_SA_INIT", greet, early_notifications, Counter::unprotected_message, Left::the_sa},
    {"C9_message_IDs_without_a_place", greet, wrong_early_ids, Counter::unexpected_message_id, Left::the_sa},
    {"D2_X25519_values_of_small_order", nullptr, value_in_no_group, Counter::bad_ke_value, Left::nothing, costly},
    {"D2_points_on_no_curve", nullptr, point_on_no_curve, Counter::bad_ke_value, Left::nothing, costly},
    {"D1_numbers_outside_the_MODP_group", nullptr, number_in_no_group, Counter::bad_ke_value, Left::nothing, 60},
    {"D8_ML_KEM_keys_that_are_none", nullptr, encapsulation_key_above_the_modulus, Counter::bad_ke_value, Left::nothing,
     costly},
    {"2_garbage_in_place_of_IKE_AUTH", nullptr, garbage_for_auth, Counter::integrity_failed, Left::nothing, costly},
    {"A4_fragments_shorter_than_their_header", greet_and_force_keys, short_fragments, Counter::malformed_payload,
     Left::the_sa},
    {"A4_fragments_of_senseless_numbers", greet_and_force_keys, senseless_fragments, Counter::malformed_payload,
     Left::the_sa},
    {"A3_unknown_payloads_before_a_fragment", greet_and_force_keys, outer_payloads, Counter::malformed_payload,
     Left::the_sa},
    {"2_fragments_of_what_never_becomes_whole", nullptr, lonely_fragments, Counter::half_open_expired, Left::nothing, costly},
    {"C1_C2_other_exchanges_under_the_keys", greet, establish_by_another_exchange, Counter::unexpected_exchange,
     Left::the_sa},
    {"C13_a_round_that_nobody_negotiated", nullptr, rounds_that_nobody_negotiated, Counter::round_refused, Left::nothing,
     costly},
    {"C13_a_round_of_another_method", nullptr, rounds_of_another_kind, Counter::round_refused, Left::nothing, costly},
    {"C13_a_round_without_a_value", nullptr, round_without_a_value, Counter::payload_missing, Left::nothing, costly},
    {"C13_a_round_outside_of_SK", greet_hybrid, round_in_the_clear, Counter::unprotected_message, Left::the_sa},
    {"C13_IKE_AUTH_without_the_rounds_before_it", nullptr, auth_without_its_rounds, Counter::round_refused, Left::nothing,
     costly},
    {"B1_IKE_AUTH_lacks_each_of_its_payloads", nullptr, auth_without_a_payload, Counter::payload_missing, Left::nothing,
     costly, true},
    {"C4_EAP_that_nobody_began", nullptr, eap_that_nobody_began, Counter::authentication_failed, Left::nothing, costly},
    {"3_a_proof_for_another_identity", nullptr, misbound_identity, Counter::authentication_failed, Left::nothing, costly},
    {"3_a_first_request_that_was_stripped", nullptr, stripped_first_request, Counter::authentication_failed, Left::nothing,
     costly},
    {"C8_a_rejected_attempt_that_goes_on", nullptr, rejected_attempt_that_goes_on, Counter::invalid_spi, Left::nothing,
     costly},
    {"A1_identities_of_no_octets_or_of_more_than_4096", nullptr, identities_that_are_none, Counter::identity_refused,
     Left::nothing, costly},
    {"A1_identities_of_1_to_4096_octets", nullptr, long_identities, Counter::authentication_failed, Left::nothing, costly},
    {"A2_E1_distinguished_names_of_crafted_DER", nullptr, crafted_names, Counter::authentication_failed, Left::nothing,
     costly},
    {"D4_D7_proofs_of_any_method_and_length", nullptr, wrong_proofs, Counter::authentication_failed, Left::nothing, costly},
    {"E8_certificates_without_end", nullptr, certificates_without_end, Counter::authentication_failed, Left::nothing,
     costly},
    {"3_announcements_without_end", nullptr, announcements_without_end, Counter::announcement_excess, Left::nothing, costly},
    {"A14_selectors_that_are_none", nullptr, nonsense_under_the_keys, Counter::malformed_payload, Left::nothing, costly},
    {"B6_SK_inside_SK", nullptr, sk_inside_sk, Counter::malformed_payload, Left::nothing, costly},
};

class HalfOpen : public testing::TestWithParam<Row> {};
// RFC 7296 §1 [25]: nothing but IKE_AUTH comes next; §3.14 [29]: no SK inside SK. RFC 6989 §2 [49]: values are checked.
TEST_P(HalfOpen, leaves_nothing_behind) { run_row(GetParam()); }
INSTANTIATE_TEST_SUITE_P(HostileInputs, HalfOpen, testing::ValuesIn(rows), name_of_row);

}  // namespace
}  // namespace cygnet::sim
