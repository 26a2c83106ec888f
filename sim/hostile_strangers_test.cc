// Rows of hostile-inputs.md that need no key: whoever can send a datagram can send these.
#include <gtest/gtest.h>

#include "sim/hostile_stage.h"

namespace cygnet::sim {
namespace {

using model::Transform;
using Datagrams = std::vector<Bytes>;

const wire::Header first_header{.spi_i = 0x1122, .exchange = ExchangeType::ike_sa_init, .initiator = true};
const Bytes nonce(32, 7), key(32, 9);

// ---- what the rows send ---------------------------------------------------------------------------------

std::vector<model::Proposal> suite(const char* text = "aes256gcm16-prfsha384-x25519") {
    return *model::parse_proposals(model::Protocol::ike, text);
}

Bytes first_request(const std::vector<model::Proposal>& proposals, model::Ke method = model::Ke::curve25519,
                    ByteView value = key) {
    wire::MessageBuilder message;
    message.add(wire::SaPayload{proposals}).add(wire::KePayload{.method = method, .data = value});
    message.add(wire::NoncePayload{nonce}).notify(NotifyType::ikev2_fragmentation_supported);
    return message.finish(first_header);
}

Bytes with_payload(PayloadType type, ByteView body, bool critical = false) {
    wire::MessageBuilder message;
    message.add(wire::SaPayload{suite()}).add(wire::KePayload{.method = model::Ke::curve25519, .data = key});
    message.add(wire::UnknownPayload{.type = type, .critical = critical, .body = body});
    return message.finish(first_header);
}

Bytes with_octet(Bytes datagram, std::size_t at, std::uint8_t value) {
    datagram[at] = value;
    return datagram;
}

// One SA payload of this body, with the other two payloads that a first request needs.
Bytes with_sa_body(ByteView body) {
    wire::MessageBuilder message;
    message.add(wire::UnknownPayload{.type = PayloadType::sa, .critical = false, .body = body});
    message.add(wire::KePayload{.method = model::Ke::curve25519, .data = key}).add(wire::NoncePayload{nonce});
    return message.finish(first_header);
}

Bytes sa_body() {
    Bytes body;
    Writer writer(body);
    wire::write(writer, wire::SaPayload{suite("aes256-sha256-prfsha256-x25519")});
    return body;
}

Datagrams short_ones() {
    Datagrams all;
    for (std::size_t size = 0; size < 28; ++size) all.emplace_back(size, 0x5a);
    return all;
}

Datagrams wrong_lengths() {
    const Bytes whole = first_request(suite());
    Bytes longer = whole;
    longer.resize(longer.size() + 100);
    return {with_octet(whole, 27, 0xff), with_octet(whole, 24, 0xff), with_octet(whole, 27, 10), longer,
            Bytes(65507, 0x21), Bytes(whole.begin(), whole.end() - 1)};
}

Datagrams other_major_versions() {
    Datagrams all;
    for (const std::uint8_t version : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x10, 0x1f, 0x30, 0xf0}) {
        all.push_back(with_octet(first_request(suite()), 17, version));
        all.push_back(with_octet(Bytes(28, 0x11), 17, version));
        all.back()[24] = all.back()[25] = all.back()[26] = 0;
        all.back()[27] = 28;
    }
    return all;
}

// Every place at which a first request can end too early, the header's length adjusted.
Datagrams cut_short() {
    const Bytes whole = first_request(suite("aes256-sha256-prfsha256-x25519"));
    Datagrams all;
    for (std::size_t size = 29; size < whole.size(); ++size) {
        all.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        all.back()[26] = static_cast<std::uint8_t>(size >> 8);
        all.back()[27] = static_cast<std::uint8_t>(size);
    }
    return all;
}

// Each of the octets of an SA payload that are lengths or counts, wrong in its own way.
Datagrams broken_sa_payloads() {
    const Bytes body = sa_body();
    Datagrams all;
    for (const std::size_t at : {2U, 3U, 6U, 7U, 10U, 11U})
        for (const std::uint8_t value : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x07, 0x7f, 0xff})
            if (body[at] != value) all.push_back(with_sa_body(with_octet(body, at, value)));
    for (std::size_t size = 1; size < body.size(); size += 3) all.push_back(with_sa_body(ByteView(body).first(size)));
    return all;
}

Datagrams broken_payloads() {
    Datagrams all;
    all.push_back(with_payload(PayloadType::ke, {}));
    all.push_back(with_payload(PayloadType::nonce, Bytes(15)));
    all.push_back(with_payload(PayloadType::nonce, Bytes(257)));
    all.push_back(with_payload(PayloadType::nonce, {}));
    all.push_back(with_payload(PayloadType::notify, Bytes{0, 8, 0x40, 4, 1}));  // an SPI longer than the payload
    all.push_back(with_payload(PayloadType::notify, Bytes{0, 0xff}));
    all.push_back(with_payload(PayloadType::certreq, {}));
    all.push_back(with_payload(PayloadType::ts_i, Bytes{255, 0, 0, 0, 7, 0, 0, 8}));
    all.push_back(with_payload(PayloadType::delete_, Bytes{3, 4, 0xff, 0xff}));
    all.push_back(with_payload(PayloadType::cp, Bytes{1, 0, 0, 0, 0, 1, 0xff, 0xff}));
    all.push_back(with_payload(PayloadType::eap, Bytes{1, 1, 0, 0}));
    return all;
}

Datagrams incomplete() {
    Datagrams all;
    const wire::Message whole = wire::parse_message(first_request(suite())).value();
    for (std::size_t left_out = 0; left_out < 3; ++left_out) {
        wire::MessageBuilder less;
        if (left_out != 0) less.add(wire::SaPayload{suite()});
        if (left_out != 1) less.add(wire::KePayload{.method = model::Ke::curve25519, .data = key});
        if (left_out != 2) less.add(wire::NoncePayload{nonce});
        all.push_back(less.finish(first_header));
    }
    wire::MessageBuilder none;
    all.push_back(none.finish(first_header));
    return all;
}

Datagrams ill_sorted_proposals() {
    using model::Encr, model::Prf, model::Integ, model::Ke;
    const Transform gcm = Transform::of(Encr::aes_gcm_16, 256), cbc = Transform::of(Encr::aes_cbc, 256);
    const Transform prf = Transform::of(Prf::hmac_sha2_256), x25519 = Transform::of(Ke::curve25519);
    const Transform integ = Transform::of(Integ::hmac_sha2_256_128);
    const Transform md5{.type = model::TransformType::prf, .id = 1}, des3{.type = model::TransformType::encr, .id = 3};
    const Transform unknown_type{.type = static_cast<model::TransformType>(241), .id = 1};
    const Transform internal{.type = model::TransformType::ke, .id = 1025};
    Datagrams all;
    for (const std::vector<Transform>& transforms : std::vector<std::vector<Transform>>{
             {gcm, prf}, {gcm, x25519}, {cbc, prf, x25519}, {gcm, integ, prf, x25519}, {prf, x25519}, {},
             {gcm, md5, x25519}, {des3, prf, integ, x25519}, {gcm, prf, x25519, unknown_type}, {gcm, prf, internal}})
        all.push_back(first_request({model::Proposal{.number = 1, .transforms = transforms}}));
    model::Proposal esp = suite().front();
    esp.protocol = model::Protocol::esp;
    all.push_back(first_request({esp}));
    return all;
}

Datagrams far_too_many() {
    Datagrams all;
    wire::MessageBuilder empty_ones;
    for (int i = 0; i < 1000; ++i)
        empty_ones.add(wire::UnknownPayload{.type = PayloadType::vendor_id, .critical = false, .body = {}});
    all.push_back(empty_ones.finish(first_header));
    std::vector<model::Proposal> proposals;
    for (std::uint8_t number = 1; number <= 200; ++number) {
        proposals.push_back(suite().front());
        proposals.back().number = number;
    }
    all.push_back(first_request(proposals));
    return all;
}

Datagrams of_the_other_ike_version() {
    Datagrams all;
    for (std::uint8_t type = 1; type <= 32; ++type) {
        wire::MessageBuilder message;
        for (int i = 0; i < 3; ++i)
            message.add(wire::UnknownPayload{.type = static_cast<PayloadType>(type), .critical = false, .body = nonce});
        all.push_back(message.finish(first_header));
    }
    return all;
}

Datagrams critical_unknowns() {
    return {with_payload(static_cast<PayloadType>(1), nonce, true), with_payload(static_cast<PayloadType>(128), nonce, true)};
}

// %n and the like where logs print what a peer wrote.
Datagrams format_directives() {
    const Bytes directives = keep(bytes_of("%n%s%n%s{}{0}{:999999}\x1b[2J\r\n\0"));
    return {with_payload(PayloadType::vendor_id, directives), with_payload(static_cast<PayloadType>(200), directives),
            with_payload(PayloadType::notify, concat({Bytes{0, 0, 0xff, 0xff}, directives}))};
}

Datagrams wrong_first_headers() {
    const auto with = [](wire::Header header) {
        wire::MessageBuilder message;
        message.add(wire::SaPayload{suite()}).add(wire::KePayload{.method = model::Ke::curve25519, .data = key});
        return message.add(wire::NoncePayload{nonce}).finish(header);
    };
    wire::Header id = first_header, flag = first_header, zero = first_header;
    id.message_id = 0xffffffff;
    flag.initiator = false;
    zero.spi_i = 0;
    return {with(id), with(flag), with(zero)};
}

Datagrams of_unknown_spis() {
    Datagrams all;
    for (const ExchangeType exchange :
         {ExchangeType::ike_sa_init, ExchangeType::ike_auth, ExchangeType::create_child_sa, ExchangeType::informational,
          ExchangeType::ike_intermediate, ExchangeType::ike_followup_ke, static_cast<ExchangeType>(250)})
        for (const bool response : {false, true}) {
            wire::MessageBuilder message;
            message.add(wire::SkPayload{.first = PayloadType::id_i, .content = Bytes(64, 1)});
            all.push_back(message.finish(
                {.spi_i = 5, .spi_r = 6, .exchange = exchange, .initiator = true, .response = response, .message_id = 1}));
        }
    return all;
}

Datagrams values_of_another_length() {
    Datagrams all;
    for (const std::size_t size : {0U, 1U, 31U, 33U, 64U, 20'000U}) all.push_back(first_request(suite(), model::Ke::curve25519, Bytes(size, 9)));
    return all;
}

Datagrams keys_of_another_method() {
    return {first_request(suite(), model::Ke::modp_2048, Bytes(256, 9)),
            first_request(suite(), static_cast<model::Ke>(1025), Bytes(64, 9)),
            first_request(suite(), model::Ke::none, {})};
}

Datagrams certificate_requests() {
    const auto with = [](std::size_t hashes) {
        return with_payload(PayloadType::certreq, concat({Bytes{4}, Bytes(20 * hashes, 3)}));
    };
    return {with(3000), with(0)};
}

// IKE_SESSION_RESUME with tickets that were never issued.
Datagrams forged_tickets() {
    Datagrams all;
    for (const std::size_t size : {1U, 8U, 100U, 500U, 2000U}) {
        const Bytes ticket(size, 0x5a);
        wire::MessageBuilder message;
        message.add(wire::NoncePayload{nonce}).notify(NotifyType::ticket_opaque, ticket);
        all.push_back(message.finish({.spi_i = size, .exchange = ExchangeType::ike_session_resume, .initiator = true}));
    }
    return all;
}

// Our own error answers, thrown back at us.
Datagrams unasked_answers() {
    Datagrams all;
    for (const NotifyType type :
         {NotifyType::invalid_syntax, NotifyType::no_proposal_chosen, NotifyType::authentication_failed,
          NotifyType::invalid_major_version, NotifyType::invalid_ike_spi, NotifyType::cookie, NotifyType::redirect})
        for (const ExchangeType exchange : {ExchangeType::ike_sa_init, ExchangeType::ike_auth, ExchangeType::informational}) {
            wire::MessageBuilder message;
            message.notify(type, nonce);
            all.push_back(message.finish({.spi_i = 0x99, .exchange = exchange, .initiator = false, .response = true}));
        }
    return all;
}

// ---- the rows -------------------------------------------------------------------------------------------

struct StrangersRow {
    const char* name;
    Datagrams (*datagrams)();
    Counter counter;
};

const StrangersRow strangers[] = {
    {"A15 datagrams of 0 to 27 octets", short_ones, Counter::malformed_header},
    {"A15 the header's length is not the datagram's, 64 KiB among them", wrong_lengths, Counter::malformed_header},
    {"A15 major versions 0, 1, 3 and 15", other_major_versions, Counter::wrong_major_version},
    {"A12 A13 a first request ends too early, at any place", cut_short, Counter::malformed_payload},
    {"A13 lengths and counts of an SA payload are wrong", broken_sa_payloads, Counter::malformed_payload},
    {"A12 A13 a payload that is no such payload", broken_payloads, Counter::malformed_payload},
    {"B1 a first request lacks SA, KE, Ni or all of them", incomplete, Counter::payload_missing},
    {"B2 B3 B5 proposals without a part, with too many, of unknown algorithms or internal numbers", ill_sorted_proposals,
     Counter::no_proposal_chosen},
    {"B4 payload types of the other IKE version", of_the_other_ike_version, Counter::payload_missing},
    {"B6 1,000 empty payloads, 200 proposals", far_too_many, Counter::malformed_payload},
    {"B10 critical payloads that nobody knows", critical_unknowns, Counter::unknown_critical_payload},
    {"A11 B10 format directives and escape sequences where a log prints them", format_directives, Counter::payload_missing},
    {"C9 a first request with a message ID, without its flag or its SPI", wrong_first_headers, Counter::malformed_header},
    {"C1 C3 C7 C8 any exchange on SPIs that are nobody's", of_unknown_spis, Counter::invalid_spi},
    {"A5 D1 D2 public values of another length than their group's", values_of_another_length, Counter::bad_ke_value},
    {"B5 KE payloads of other methods than the proposal's", keys_of_another_method, Counter::invalid_ke_payload},
    {"E8 a CERTREQ with 3,000 hashes, and one with none", certificate_requests, Counter::payload_missing},
    {"3 forged tickets", forged_tickets, Counter::ticket_refused},
    {"C12 error answers that nobody asked for", unasked_answers, Counter::invalid_spi},
};

class Strangers : public testing::TestWithParam<StrangersRow> {};

// RFC 7296 §1.5, §2.21.4 [30, 31, 22]: no state and hardly a reply; §2.5 [26], §3.3 [36, 39], §3.4 [47, 48], §3.9 [50]: refused.
TEST_P(Strangers, leave_nothing_behind) {
    const StrangersRow& row = GetParam();
    static Datagrams (*datagrams)() = nullptr;
    datagrams = row.datagrams;
    run_row({.name = row.name,
             .prepare = [](HostileStage& stage) { stage.datagrams = datagrams(); },
             .act =
                 [](HostileStage& stage) {
                     // Slowly enough for being looked at without a cookie.
                     stage.peer.now = stage.peer.now + milliseconds(10);
                     stage.say_next();
                 },
             .counter = row.counter});
}
std::string name_of_row(const testing::TestParamInfo<StrangersRow>& row) {
    std::string name;
    for (const char* at = row.param.name; *at != '\0'; ++at) name += std::isalnum(static_cast<unsigned char>(*at)) != 0 ? *at : '_';
    return name;
}
INSTANTIATE_TEST_SUITE_P(HostileInputs, Strangers, testing::ValuesIn(strangers), name_of_row);

// ---- floods ---------------------------------------------------------------------------------------------

void prepare_first_request(HostileStage& stage) { stage.datagrams = {first_request(suite())}; }

// A new SPI each time; the address is a forged one, or as many as a /24 has.
void flood(HostileStage& stage) {
    Bytes& request = stage.datagrams.front();
    for (std::size_t i = 0; i < 6; ++i) request[i] = static_cast<std::uint8_t>((stage.turn + 1) >> (8 * i));
    stage.say(request, static_cast<std::uint8_t>(1 + stage.turn % 250));
}

// One that is begun for real makes a half-open SA, which the answers to its repetitions do not.
void repeat_one(HostileStage& stage) {
    if (stage.sas() == 1) stage.say(stage.datagrams.front(), 66);
    stage.say(stage.datagrams.front(), 66);
}

const Row floods[] = {
    {.name = "2 a flood of first requests from a whole network", .prepare = prepare_first_request, .act = flood,
     .counter = Counter::ike_init_in_req, .begins = true},
    {.name = "2 one first request, again and again", .prepare = prepare_first_request, .act = repeat_one,
     .counter = Counter::duplicate_request, .begins = true},
};

class Floods : public testing::TestWithParam<Row> {};
TEST_P(Floods, leave_nothing_behind) { run_row(GetParam()); }
INSTANTIATE_TEST_SUITE_P(HostileInputs, Floods, testing::ValuesIn(floods), [](const auto& row) {
    return std::string(row.index == 0 ? "of_first_requests" : "of_one_first_request");
});

}  // namespace
}  // namespace cygnet::sim
