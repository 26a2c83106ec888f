// Rows of hostile-inputs.md from a peer that has an identity, and from those on its path.
#include <gtest/gtest.h>

#include "sim/hostile_stage.h"

namespace cygnet::sim {
namespace {

using model::Protocol;

void establish(HostileStage& stage) { stage.establish(); }

wire::MessageBuilder one(const wire::Payload& payload) {
    wire::MessageBuilder message;
    message.add(payload);
    return message;
}

const auto range = [](const char* text) { return std::array{model::TrafficSelector::of(*model::AddressRange::parse(text))}; };

std::vector<model::Proposal> esp(const char* text, std::uint32_t spi) {
    auto proposals = *model::parse_proposals(Protocol::esp, text);
    for (model::Proposal& proposal : proposals) {
        proposal.spi.clear();
        Writer(proposal.spi).u32(spi);
    }
    return proposals;
}

// A request for a child like the first one; `omit` none of it.
wire::MessageBuilder child_request(HostileStage& stage, std::vector<model::Proposal> proposals,
                                   PayloadType omit = PayloadType::none) {
    wire::MessageBuilder message;
    if (omit != PayloadType::sa) message.add(wire::SaPayload{std::move(proposals)});
    if (omit != PayloadType::nonce) message.add(wire::NoncePayload{stage.peer.nonce_i});
    if (omit != PayloadType::ts_i) message.add(wire::TsiPayload::of(range("10.1.0.0/16")));
    if (omit != PayloadType::ts_r) message.add(wire::TsrPayload::of(range("10.2.0.0/16")));
    return message;
}

// A peer may ask for new SAs no faster.
void keep_pace(HostileStage& stage) { stage.peer.now = stage.peer.now + seconds(1); }

// ---- message IDs, reflection, what comes without keys ---------------------------------------------------

void wrong_ids(HostileStage& stage) {
    const std::uint32_t next = stage.peer.next_id;
    const std::uint32_t ids[] = {0, next + 1, next + 1000, 0x80000000, 0xffffffff};
    stage.say(stage.peer.sealed(stage.peer.header(ExchangeType::informational, ids[stage.turn % 5]), {}));
}

void responses_without_requests(HostileStage& stage) {
    constexpr ExchangeType exchanges[] = {ExchangeType::informational, ExchangeType::create_child_sa, ExchangeType::ike_auth};
    wire::Header header = stage.peer.header(exchanges[stage.turn % 3], static_cast<std::uint32_t>(stage.turn % 5));
    header.response = true;
    stage.say(stage.peer.sealed(header, {}));
}

void the_last_request_again(HostileStage& stage) {
    if (stage.datagrams.empty()) {
        stage.datagrams = {stage.peer.sealed(stage.peer.header(ExchangeType::informational, stage.peer.next_id++), {})};
        stage.say(stage.datagrams.front());
    }
    stage.say(stage.datagrams.front());
}

void its_own_messages(HostileStage& stage) {
    if (stage.datagrams.empty())
        stage.datagrams =
            stage.say(stage.peer.sealed(stage.peer.header(ExchangeType::informational, stage.peer.next_id++), {}));
    stage.say(stage.datagrams.front());
}

void swapped_roles(HostileStage& stage) {
    wire::Header header = stage.peer.header(ExchangeType::informational, stage.peer.next_id);
    if (stage.turn % 2 == 0) header.initiator = false;
    else header.spi_i ^= 1;
    stage.say(stage.peer.sealed(header, {}));
}

void notifications_in_the_clear(HostileStage& stage) {
    constexpr NotifyType types[] = {NotifyType::invalid_syntax, NotifyType::no_proposal_chosen,
                                    NotifyType::authentication_failed, NotifyType::invalid_major_version,
                                    NotifyType::invalid_ike_spi, NotifyType::cookie, NotifyType::redirect};
    constexpr ExchangeType exchanges[] = {ExchangeType::informational, ExchangeType::ike_auth, ExchangeType::create_child_sa};
    wire::MessageBuilder message;
    message.notify(types[stage.turn % 7]).add(wire::DeletePayload{.protocol = Protocol::ike, .spi_size = 0, .spis = {}});
    wire::Header header = stage.peer.header(exchanges[stage.turn % 3], stage.peer.next_id);
    header.response = stage.turn % 2 == 0;
    stage.say(message.finish(header));
}

void first_requests_on_its_spis(HostileStage& stage) {
    wire::MessageBuilder message;
    message.notify(NotifyType::invalid_syntax);
    wire::Header header = stage.peer.header(ExchangeType::ike_sa_init, 0);
    header.response = stage.turn % 2 == 0;
    stage.say(message.finish(header));
}

void damaged(HostileStage& stage) {
    Bytes datagram = stage.peer.sealed(stage.peer.header(ExchangeType::informational, stage.peer.next_id), {});
    datagram[28 + stage.turn % (datagram.size() - 28)] ^= 0x40;
    stage.say(datagram);
}

// ---- requests that make no sense ------------------------------------------------------------------------

void rekeys_of_nothing(HostileStage& stage) {
    keep_pace(stage);
    constexpr Protocol protocols[] = {Protocol::none, Protocol::ike, Protocol::ah, Protocol::esp, static_cast<Protocol>(255)};
    constexpr std::size_t sizes[] = {0, 1, 4, 8};
    const Bytes spi(sizes[stage.turn % 4], 0xab);
    wire::MessageBuilder message;
    message.add(wire::NotifyPayload{
        .protocol = protocols[stage.turn % 5], .message_type = NotifyType::rekey_sa, .spi = spi, .data = {}});
    message.add(wire::SaPayload{esp("aes256gcm16", 0x1000)}).add(wire::NoncePayload{stage.peer.nonce_i});
    message.add(wire::TsiPayload::of(range("10.1.0.0/16"))).add(wire::TsrPayload::of(range("10.2.0.0/16")));
    stage.say(ExchangeType::create_child_sa, std::move(message));
}

void deletes_of_nothing(HostileStage& stage) {
    constexpr std::pair<Protocol, std::uint8_t> kinds[] = {{Protocol::none, 4}, {Protocol::ah, 4}, {Protocol::esp, 8},
                                                           {Protocol::esp, 1}, {Protocol::esp, 4},
                                                           {static_cast<Protocol>(255), 4}};
    const auto [protocol, size] = kinds[stage.turn % 6];
    const Bytes spis(std::size_t{8} * size, 0xcd);
    stage.say(ExchangeType::informational, one(wire::DeletePayload{.protocol = protocol, .spi_size = size, .spis = spis}));
}

// A child that is made, and deleted twice in one message that says more about it.
void deletes_twice(HostileStage& stage) {
    keep_pace(stage);
    const auto spi = static_cast<std::uint32_t>(0x10000 + stage.turn);
    stage.say(ExchangeType::create_child_sa, child_request(stage, esp("aes256gcm16", spi)));
    Bytes spis;
    Writer writer(spis);
    for (int i = 0; i < 100; ++i) writer.u32(spi);
    wire::MessageBuilder message;
    for (int i = 0; i < 2; ++i) message.add(wire::DeletePayload{.protocol = Protocol::esp, .spi_size = 4, .spis = spis});
    message.add(wire::NotifyPayload{.protocol = Protocol::esp,
                                    .message_type = NotifyType::invalid_selectors,
                                    .spi = ByteView(spis).first(4),
                                    .data = {}});
    stage.say(ExchangeType::informational, std::move(message));
}

void unknown_critical(HostileStage& stage) {
    stage.say(ExchangeType::informational,
              one(wire::UnknownPayload{.type = static_cast<PayloadType>(200), .critical = true, .body = Bytes(8)}));
}

void suites_without_keys(HostileStage& stage) {
    keep_pace(stage);
    model::Proposal gmac{.number = 1, .protocol = Protocol::esp, .spi = {0, 0, 0x10, 0},
                         .transforms = {{.type = model::TransformType::encr, .id = 21, .key_bits = 256}}};
    if (stage.turn % 2 == 0) gmac.transforms = {{.type = model::TransformType::encr, .id = 11}};  // ENCR_NULL
    stage.say(ExchangeType::create_child_sa, child_request(stage, {gmac}));
}

void selectors_of_others(HostileStage& stage) {
    keep_pace(stage);
    wire::MessageBuilder message;
    message.add(wire::SaPayload{esp("aes256gcm16", 0x1000)}).add(wire::NoncePayload{stage.peer.nonce_i});
    std::vector<model::TrafficSelector> many(255, range("203.0.113.0/24").front());
    message.add(wire::TsiPayload::of(many)).add(wire::TsrPayload::of(many));
    stage.say(ExchangeType::create_child_sa, std::move(message));
}

// An end follows each of these: the peer is broken (RFC 7296 §2.21.3).
void broken_payloads(HostileStage& stage) {
    stage.establish();
    static const Bytes bodies[] = {{255, 0, 0, 0, 7, 0, 0, 8}, {1, 0, 0, 0, 7, 0, 0xff, 0xff}, {2, 0, 0, 0}};
    wire::MessageBuilder message = child_request(stage, esp("aes256gcm16", 0x1000), PayloadType::ts_i);
    message.add(wire::UnknownPayload{.type = PayloadType::ts_i, .critical = false, .body = bodies[stage.turn % 3]});
    stage.say(ExchangeType::create_child_sa, std::move(message));
}

void values_of_another_size(HostileStage& stage) {
    stage.establish();
    constexpr std::size_t sizes[] = {0, 31, 33, 20'000};
    wire::MessageBuilder message;
    model::Proposal ike = model::parse_proposals(Protocol::ike, "aes256gcm16-prfsha384-x25519")->front();
    ike.spi = Bytes(8, static_cast<std::uint8_t>(1 + stage.turn % 200));
    const Bytes value(sizes[stage.turn % 4], 9);
    message.add(wire::SaPayload{{ike}}).add(wire::KePayload{.method = model::Ke::curve25519, .data = value});
    message.add(wire::NoncePayload{stage.peer.nonce_i});
    stage.say(ExchangeType::create_child_sa, std::move(message));
    stage.leave();
}

void incomplete_children(HostileStage& stage) {
    stage.establish();
    constexpr PayloadType all[] = {PayloadType::sa, PayloadType::nonce, PayloadType::ts_i, PayloadType::ts_r};
    stage.say(ExchangeType::create_child_sa, child_request(stage, esp("aes256gcm16", 0x1000), all[stage.turn % 4]));
    stage.leave();
}

void senseless_exchanges(HostileStage& stage) {
    stage.establish();
    constexpr ExchangeType exchanges[] = {ExchangeType::ike_auth, ExchangeType::ike_intermediate,
                                          static_cast<ExchangeType>(33), static_cast<ExchangeType>(250)};
    stage.say(exchanges[stage.turn % 4] == ExchangeType::ike_auth
                  ? stage.peer.sealed(stage.peer.header(ExchangeType::ike_auth, stage.peer.next_id++),
                                      stage.peer.auth().take_chain())
                  : stage.peer.sealed(stage.peer.header(exchanges[stage.turn % 4], stage.peer.next_id++), {}));
    stage.leave();
}

void rounds_without_a_beginning(HostileStage& stage) {
    const Bytes value(32, 9), data(8, 1);
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::curve25519, .data = value});
    message.notify(NotifyType::additional_key_exchange, data);
    stage.say(ExchangeType::ike_followup_ke, std::move(message));
}

// ---- more than is reasonable ----------------------------------------------------------------------------

void children_too_fast(HostileStage& stage) {
    stage.say(ExchangeType::create_child_sa,
              child_request(stage, esp("aes256gcm16", static_cast<std::uint32_t>(0x10000 + stage.turn))));
}
void children_without_end(HostileStage& stage) {
    keep_pace(stage);
    children_too_fast(stage);
}
void fill_with_children(HostileStage& stage) {
    stage.establish();
    for (std::size_t i = 0; i < 2 * model::limits::children_per_ike_sa; ++i) {
        children_without_end(stage);
        ++stage.turn;
        stage.forget_children();
    }
}

// The budget for new SAs is used up.
void spend_the_budget(HostileStage& stage) {
    fill_with_children(stage);
    for (unsigned i = 0; i < model::limits::create_child_requests_at_once; ++i) children_too_fast(stage);
}

void liveness_checks(HostileStage& stage) { stage.say(ExchangeType::informational, {}); }

// ---- extensions -----------------------------------------------------------------------------------------

// RFC 6290: we hold a token of the peer's.
void believe_in_crash_tokens(HostileStage& stage) {
    model::Connection gateway = ike::test::connection(false);
    gateway.crash_detection = true;
    stage.configure(std::move(gateway));
    stage.greet();
    wire::MessageBuilder auth = stage.peer.auth();
    auth.notify(NotifyType::quick_crash_detection, Bytes(32, 0x77));
    stage.peer.send(ExchangeType::ike_auth, std::move(auth));
}
void guessed_crash_tokens(HostileStage& stage) {
    stage.peer.now = stage.peer.now + milliseconds(100);  // otherwise they are not even looked at
    wire::MessageBuilder message;
    const Bytes token(stage.turn % 2 == 0 ? 32 : 16, static_cast<std::uint8_t>(stage.turn % 100));
    message.notify(NotifyType::invalid_ike_spi).notify(NotifyType::quick_crash_detection, token);
    wire::Header header = stage.peer.header(ExchangeType::informational, stage.peer.next_id);
    header.response = true;
    stage.say(message.finish(header));
}

// RFC 5723 §4.3.1: the ticket has been used.
void resume_once(HostileStage& stage) {
    model::Connection gateway = ike::test::connection(false);
    gateway.resumption = model::Resumption::ticket;
    stage.configure(std::move(gateway));
    stage.greet();
    wire::MessageBuilder auth = stage.peer.auth();
    auth.notify(NotifyType::ticket_request);
    ike::test::ScriptedPeer& peer = stage.peer;
    const auto answers = peer.send(ExchangeType::ike_auth, std::move(auth));
    const Bytes ticket = keep(answers.at(0).notify(NotifyType::ticket_lt_opaque)->data.subspan(4));
    const SecretBytes old_d = peer.protection->sk_d().clone();
    stage.meet_new_peer();
    wire::MessageBuilder message, proof;
    message.add(wire::NoncePayload{peer.nonce_i}).notify(NotifyType::ticket_opaque, ticket);
    peer.init_request = message.finish(
        {.spi_i = peer.spis.initiator, .exchange = ExchangeType::ike_session_resume, .initiator = true});
    const Bytes datagram = stage.say(peer.init_request).at(0);
    const auto answer = *wire::parse_message(datagram);
    peer.spis.responder = answer.header.spi_r;
    peer.nonce_r = keep(answer.find<wire::NoncePayload>()->data);
    peer.protection = std::move(*ike::Protection::make(
        peer.proposal, ike::keys_after_resumption(peer.proposal, old_d, {peer.nonce_i, peer.nonce_r}, peer.spis), true));
    const model::Identity who = model::Identity::parse("a.example");
    const SecretBytes& key = peer.protection->sk_p(true);
    const ike::AuthData made = ike::resumed_auth(
        peer.proposal.prf, key,
        ike::signed_octets(peer.proposal.prf, peer.init_request, peer.nonce_r, key, ike::id_payload_body(who), {}));
    proof.add(wire::IdiPayload{.id_type = who.type, .data = who.data});
    proof.add(wire::AuthPayload{.method = made.method, .data = made.data});
    peer.send(ExchangeType::ike_auth, std::move(proof));
    EXPECT_EQ(stage.count(Counter::ike_resumed), 1u) << stage.victim.log();
    stage.datagrams = {peer.init_request};
}
void replayed_ticket(HostileStage& stage) {
    stage.peer.now = stage.peer.now + milliseconds(10);
    Bytes& request = stage.datagrams.front();
    for (std::size_t i = 0; i < 4; ++i) request[i] = static_cast<std::uint8_t>((stage.turn + 1) >> (8 * i));
    stage.say(request);
}

void redirects(HostileStage& stage) {
    const Bytes gateway{1, 4, 198, 51, 100, 1};
    wire::MessageBuilder message;
    stage.say(ExchangeType::informational, std::move(message.notify(NotifyType::redirect, gateway)));
}

const Row rows[] = {
    {"C9_message_IDs_outside_the_window", establish, wrong_ids, Counter::unexpected_message_id, Left::the_sa},
    {"C9_responses_without_requests", establish, responses_without_requests, Counter::unexpected_message_id, Left::the_sa},
    {"2_one_request_again_and_again", establish, the_last_request_again, Counter::duplicate_request, Left::the_sa, 100'000,
     true},
    {"C9_3_reflection_of_its_own_messages", establish, its_own_messages, Counter::invalid_spi, Left::the_sa},
    {"C9_swapped_roles_and_SPIs", establish, swapped_roles, Counter::invalid_spi, Left::the_sa},
    {"C12_notifications_in_the_clear", establish, notifications_in_the_clear, Counter::unprotected_message, Left::the_sa},
    {"C12_IKE_SA_INIT_on_established_SPIs", establish, first_requests_on_its_spis, Counter::unexpected_message_id,
     Left::the_sa},
    {"C12_damaged_messages", establish, damaged, Counter::invalid, Left::the_sa},
    {"B7_REKEY_SA_of_other_protocols_and_sizes", establish, rekeys_of_nothing, Counter::child_not_found, Left::the_sa,
     100'000, true},
    {"B7_Delete_of_other_protocols_and_sizes", establish, deletes_of_nothing, Counter::delete_unknown, Left::the_sa, 100'000,
     true},
    {"B8_Delete_twice_and_more_about_the_same_SA", establish, deletes_twice, Counter::delete_unknown, Left::the_sa, 3000, true},
    {"B10_critical_payloads_that_nobody_knows", establish, unknown_critical, Counter::unknown_critical_payload, Left::the_sa,
     100'000, true},
    {"B9_ESP_suites_without_keys", establish, suites_without_keys, Counter::no_proposal_chosen, Left::the_sa, 100'000, true},
    {"A14_255_selectors_of_others", establish, selectors_of_others, Counter::ts_unacceptable, Left::the_sa, 20'000, true},
    {"A14_malformed_selectors", nullptr, broken_payloads, Counter::malformed_payload, Left::nothing, costly, true},
    {"A5_public_values_longer_than_their_group", nullptr, values_of_another_size, Counter::bad_ke_value, Left::nothing,
     costly, true},
    {"B1_CREATE_CHILD_SA_lacks_each_of_its_payloads", nullptr, incomplete_children, Counter::payload_missing,
     Left::nothing, costly, true},
    {"C11_C13_exchanges_of_another_time", nullptr, senseless_exchanges, Counter::unexpected_exchange, Left::nothing, costly,
     true},
    {"C13_IKE_FOLLOWUP_KE_without_a_beginning", establish, rounds_without_a_beginning, Counter::state_not_found, Left::the_sa,
     100'000, true},
    {"2_children_without_end", fill_with_children, children_without_end, Counter::no_additional_sas, Left::the_sa, 100'000,
     true},
    {"2_children_and_rekeys_too_fast", spend_the_budget, children_too_fast, Counter::temporary_failure_sent, Left::the_sa,
     100'000, true},
    {"3_crash_tokens_that_are_guessed", believe_in_crash_tokens, guessed_crash_tokens, Counter::crash_token_wrong,
     Left::the_sa},
    {"3_a_ticket_replayed", resume_once, replayed_ticket, Counter::ticket_refused, Left::the_sa, 100'000, true},
    {"3_REDIRECT_from_an_initiator", establish, redirects, Counter::redirect_refused, Left::the_sa, 100'000, true},
    {"2_message_IDs_without_end", establish, liveness_checks, Counter::info_in_req, Left::the_sa, 100'000, true},
};

class Peers : public testing::TestWithParam<Row> {};
// RFC 7296 §2.4 [21]: no SA ends by unprotected messages; §2.1 [11, 12]: only a repeated request is answered again;
// §3.10 [34]: REKEY_SA and Delete of other protocols and sizes do nothing.
TEST_P(Peers, leave_nothing_behind) { run_row(GetParam()); }
INSTANTIATE_TEST_SUITE_P(HostileInputs, Peers, testing::ValuesIn(rows), name_of_row);

}  // namespace
}  // namespace cygnet::sim
