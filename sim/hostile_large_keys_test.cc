// docs/protocol/large-key-exchange.md §7 and §8: pieces of a public value that are none, from a peer that has keys, but no
// identity.
#include <gtest/gtest.h>

#include <array>

#include "crypto/key_exchange.h"
#include "sim/hostile_stage.h"
#include "wire/key_piece.h"

namespace cygnet::sim {
namespace {

using model::Ke;

constexpr const char* proposal = "aes256gcm16-prfsha384-x25519-ke1_mceliece348864";
constexpr const char* two_methods = "aes256gcm16-prfsha384-x25519-ke1_mceliece348864-ke2_mceliece348864f";
constexpr std::uint32_t whole = 261'120;
constexpr std::size_t smallest = model::limits::key_piece_octets_min;

bool in_this_build() { return crypto::shape_of(Ke::mceliece_348864).has_value(); }

void configure(HostileStage& stage, const char* proposals) {
    stage.configure(ike::test::connection(false), proposals);
    stage.peer.private_numbers = true;
}
void one_method(HostileStage& stage) { configure(stage, proposal); }
void two_of_them(HostileStage& stage) { configure(stage, two_methods); }

std::vector<ike::test::ScriptedPeer::Answer> say_payload(HostileStage& stage, ByteView data, Ke method = Ke::mceliece_348864) {
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = method, .data = data});
    return stage.say(ExchangeType::ike_intermediate, std::move(message));
}

auto say_piece(HostileStage& stage, std::uint32_t offset, std::size_t octets, std::uint32_t total = whole, Ke method = Ke::mceliece_348864) {
    const Bytes data(octets, 0x5a);
    return say_payload(stage, wire::written(wire::KeyPiece{.total = total, .offset = offset, .data = data}), method);
}

// A half-open IKE SA, and a piece that it takes.
void begin(HostileStage& stage, std::size_t octets = smallest) {
    stage.greet(proposal);
    const auto answers = say_piece(stage, 0, octets);
    ASSERT_EQ(answers.size(), 1U) << stage.victim.log();
    EXPECT_TRUE(answers.front().payloads.empty()) << "the answer to a piece is empty";
}

void expect_the_end(HostileStage& stage, const std::vector<ike::test::ScriptedPeer::Answer>& answers, NotifyType type = NotifyType::invalid_syntax) {
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_NE(answers.front().notify(type), nullptr);
    EXPECT_EQ(stage.sas(), 1U) << "but the bystander's";
}

// ---- §4, §5.1 -----------------------------------------------------------------------------------

void first_piece_from_the_midst(HostileStage& stage) {
    stage.greet(proposal);
    expect_the_end(stage, say_piece(stage, smallest, smallest));
}
void pieces_with_a_gap(HostileStage& stage) {
    begin(stage);
    constexpr std::uint32_t offsets[] = {smallest + 1, 2 * smallest, whole - smallest, 0xffffffff};
    expect_the_end(stage, say_piece(stage, offsets[stage.turn % 4], smallest));
}
void pieces_that_overlap(HostileStage& stage) {
    begin(stage);
    constexpr std::uint32_t offsets[] = {0, 1, smallest - 1};
    expect_the_end(stage, say_piece(stage, offsets[stage.turn % 3], smallest));
}
void wrong_totals(HostileStage& stage) {
    constexpr std::uint32_t totals[] = {0, 1, whole - 1, whole + 1, 1'357'824, 0x7fffffff, 0xffffffff};
    stage.greet(proposal);
    expect_the_end(stage, say_piece(stage, 0, smallest, totals[stage.turn % 7]));
}
void a_total_that_changes(HostileStage& stage) {
    begin(stage);
    expect_the_end(stage, say_piece(stage, smallest, smallest, stage.turn % 2 == 0 ? 2 * smallest : 0xffffffff));
}
void pieces_beyond_the_end(HostileStage& stage) {
    begin(stage, 60'000);
    for (std::uint32_t offset = 60'000; offset <= 180'000; offset += 60'000) say_piece(stage, offset, 60'000);
    expect_the_end(stage, say_piece(stage, 240'000, whole - 240'000 + 1));
}
void pieces_of_one_octet(HostileStage& stage) {
    stage.greet(proposal);
    constexpr std::size_t sizes[] = {1, 2, smallest - 1};
    expect_the_end(stage, say_piece(stage, 0, sizes[stage.turn % 3]));
}
void pieces_that_are_none(HostileStage& stage) {
    stage.greet(proposal);
    expect_the_end(stage, say_payload(stage, Bytes(stage.turn % 9, 1)));
}

// ---- what does not belong between pieces ------------------------------------------------------------

void exchanges_without_a_piece(HostileStage& stage) {
    begin(stage);
    wire::MessageBuilder message;
    message.notify(NotifyType::initial_contact);
    expect_the_end(stage, stage.say(ExchangeType::ike_intermediate, std::move(message)));
}
void auth_before_the_last_piece(HostileStage& stage) {
    begin(stage);
    expect_the_end(stage, stage.say(ExchangeType::ike_auth, stage.peer.auth()));
}
void piece_of_the_next_value(HostileStage& stage) {
    stage.greet(two_methods);
    say_piece(stage, 0, smallest);
    expect_the_end(stage, say_piece(stage, stage.turn % 2 == 0 ? 0 : smallest, smallest, whole, Ke::mceliece_348864f));
}

const Row rows[] = {
    {"C13_the_first_piece_is_from_the_midst", one_method, first_piece_from_the_midst, Counter::key_piece_gap, Left::nothing, costly},
    {"C13_a_gap_between_pieces", one_method, pieces_with_a_gap, Counter::key_piece_gap, Left::nothing, costly},
    {"C13_pieces_that_overlap", one_method, pieces_that_overlap, Counter::key_piece_overlap, Left::nothing, costly},
    {"C13_totals_that_are_no_value_s", one_method, wrong_totals, Counter::key_piece_wrong_total, Left::nothing, costly},
    {"C13_a_total_that_changes", one_method, a_total_that_changes, Counter::key_piece_wrong_total, Left::nothing, costly},
    {"C13_pieces_beyond_the_end", one_method, pieces_beyond_the_end, Counter::key_piece_beyond_end, Left::nothing, costly},
    {"C13_pieces_of_next_to_nothing", one_method, pieces_of_one_octet, Counter::key_piece_too_short, Left::nothing, costly},
    {"C13_pieces_that_cannot_be_read", one_method, pieces_that_are_none, Counter::key_piece_malformed, Left::nothing, costly},
    {"C13_an_exchange_without_a_piece", one_method, exchanges_without_a_piece, Counter::key_piece_missing, Left::nothing, costly},
    {"C13_IKE_AUTH_before_the_last_piece", one_method, auth_before_the_last_piece, Counter::key_piece_missing, Left::nothing, costly},
    {"C13_a_piece_of_the_next_value", two_of_them, piece_of_the_next_value, Counter::round_refused, Left::nothing, costly},
};

class LargeKeys : public testing::TestWithParam<Row> {};
TEST_P(LargeKeys, leave_nothing_behind) {
    if (!in_this_build()) GTEST_SKIP() << "this build has no Classic McEliece (tools/fetch-mceliece)";
    run_row(GetParam());
}
INSTANTIATE_TEST_SUITE_P(HostileInputs, LargeKeys, testing::ValuesIn(rows), name_of_row);

// ---- §8: limits -----------------------------------------------------------------------------------

class LargeKeyLimits : public testing::Test {
protected:
    void SetUp() override {
        if (!in_this_build()) GTEST_SKIP() << "this build has no Classic McEliece (tools/fetch-mceliece)";
    }
};

// Room for two values: a flood of beginnings gets no further, and those that have begun get no further either once it is full.
TEST_F(LargeKeyLimits, KeepNoMoreThanTheRoomForStrangersAndGiveItBack) {
    HostileStage stage({.key_octets_of_strangers = 2 * whole, .key_octets_per_prefix = 2 * whole});
    one_method(stage);
    struct Begun {
        ike::Spis spis;
        std::optional<ike::Protection> protection;
    };
    std::vector<Begun> begun;
    for (int i = 0; i < 7; ++i) {
        begin(stage, 40'000);
        begun.push_back({stage.peer.spis, std::move(stage.peer.protection)});
    }
    // Beyond 261,120 octets of beginnings a whole value finds no room.
    EXPECT_EQ(stage.count(Counter::large_key_no_room), 0U);
    stage.greet(proposal);
    const std::size_t before = stage.sas();
    const auto refused = say_piece(stage, 0, smallest);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_NE(refused.front().notify(NotifyType::temporary_failure), nullptr);
    EXPECT_EQ(stage.count(Counter::large_key_no_room), 1U);
    EXPECT_EQ(stage.sas(), before - 1) << "the refused half-open IKE SA is gone";
    // The others go on until the room is full: 242,240 octets are left, and what is refused then leaves 40,000.
    std::size_t taken = 0;
    for (Begun& each : begun) {
        stage.peer.spis = each.spis;
        stage.peer.protection = std::move(each.protection);
        stage.peer.next_id = 2;
        const auto answers = say_piece(stage, 40'000, 60'000);
        ASSERT_EQ(answers.size(), 1U);
        if (answers.front().notify(NotifyType::temporary_failure) == nullptr) taken += 60'000;
    }
    EXPECT_EQ(taken, 5 * 60'000U);
    EXPECT_EQ(stage.count(Counter::large_key_no_room), 3U);
    stage.pass(minutes(1));
    EXPECT_EQ(stage.sas(), 1U) << "but the bystander's";
    begin(stage, 40'000);
    EXPECT_TRUE(stage.bystander_is_well());
}

TEST_F(LargeKeyLimits, LetGoOfWhoeverSendsTooSlowly) {
    HostileStage stage;
    one_method(stage);
    begin(stage);
    for (std::uint32_t offset = smallest; offset < 4 * smallest; offset += smallest) {
        stage.pass(seconds(9));
        ASSERT_EQ(stage.sas(), 2U);
        say_piece(stage, offset, smallest);
    }
    stage.pass(seconds(5));
    EXPECT_EQ(stage.sas(), 1U) << "4 KiB in 32 s are 1 s more than 30";
    EXPECT_EQ(stage.count(Counter::half_open_expired), 1U);
}

// §7: the responder computes with what it has when all has come, and padding bits of a key of this method must be zero.
TEST_F(LargeKeyLimits, EndWithAWholeValueThatIsNone) {
    constexpr std::uint32_t octets = 1'047'319;
    HostileStage stage;
    configure(stage, "aes256gcm16-prfsha384-x25519-ke1_mceliece6960119");
    stage.greet("aes256gcm16-prfsha384-x25519-ke1_mceliece6960119");
    const Bytes data(60'000, 0xff);
    for (std::uint32_t offset = 0; offset < octets; offset += 60'000) {
        const ByteView part = ByteView(data).first(std::min<std::size_t>(60'000, octets - offset));
        say_payload(stage, wire::written(wire::KeyPiece{.total = octets, .offset = offset, .data = part}), Ke::mceliece_6960119);
    }
    EXPECT_EQ(stage.count(Counter::large_key_received), 1U);
    EXPECT_EQ(stage.count(Counter::bad_ke_value), 1U);
    EXPECT_EQ(stage.sas(), 1U) << "but the bystander's";
}

// ---- §5.4: from a peer with an identity, for a child ------------------------------------------------------

class LargeKeyFollowups : public LargeKeyLimits {
protected:
    // Its CREATE_CHILD_SA is answered, and the victim waits for the pieces.
    void begin_series() {
        constexpr const char* esp = "aes256gcm16-x25519-ke1_mceliece348864";
        model::Connection gateway = ike::test::connection(false);
        gateway.children.front().esp_proposals = *model::parse_proposals(model::Protocol::esp, esp);
        stage.configure(std::move(gateway), "aes256gcm16-prfsha384-x25519");
        stage.peer.private_numbers = true;
        stage.establish();
        auto proposals = *model::parse_proposals(model::Protocol::esp, esp);
        proposals.front().spi = {1, 2, 3, 5};
        const auto range = [](const char* text) { return std::array{model::TrafficSelector::of(*model::AddressRange::parse(text))}; };
        wire::MessageBuilder message;
        message.add(wire::SaPayload{std::move(proposals)}).add(wire::NoncePayload{stage.peer.nonce_i});
        message.add(wire::KePayload{.method = Ke::curve25519, .data = crypto::ke_offer(Ke::curve25519)->public_value});
        message.add(wire::TsiPayload::of(range("10.1.0.0/16"))).add(wire::TsrPayload::of(range("10.2.0.0/16")));
        take_link(stage.say(ExchangeType::create_child_sa, std::move(message)));
        ASSERT_FALSE(link.empty()) << stage.victim.log();
    }
    // What the victim complains of; none: it waits for the next piece.
    NotifyType say_followup(std::uint32_t offset, std::size_t octets) {
        const Bytes data(octets, 0x5a);
        const Bytes piece = wire::written(wire::KeyPiece{.total = whole, .offset = offset, .data = data});
        wire::MessageBuilder message;
        message.add(wire::KePayload{.method = Ke::mceliece_348864, .data = piece});
        message.notify(NotifyType::additional_key_exchange, link);
        const auto answers = stage.say(ExchangeType::ike_followup_ke, std::move(message));
        take_link(answers);
        for (const NotifyType type : {NotifyType::invalid_syntax, NotifyType::state_not_found})
            if (!answers.empty() && answers.front().notify(type) != nullptr) return type;
        return NotifyType::none;
    }
    void take_link(const std::vector<ike::test::ScriptedPeer::Answer>& answers) {
        const auto* found = answers.empty() ? nullptr : answers.front().notify(NotifyType::additional_key_exchange);
        if (found != nullptr) link = keep(found->data);
    }

    HostileStage stage{};
    Bytes link{};
};

TEST_F(LargeKeyFollowups, EndTheSeriesButNotTheIkeSaWhenTheyAreNone) {
    begin_series();
    EXPECT_EQ(say_followup(0, smallest), NotifyType::none);
    const Bytes before = link;
    EXPECT_EQ(say_followup(smallest, smallest), NotifyType::none);
    EXPECT_NE(link, before) << "each answer has a link of its own";
    EXPECT_EQ(say_followup(3 * smallest, smallest), NotifyType::invalid_syntax);
    EXPECT_EQ(stage.count(Counter::key_piece_gap), 1U);
    EXPECT_EQ(say_followup(2 * smallest, smallest), NotifyType::state_not_found);
    EXPECT_EQ(stage.sas(), 2U);
    EXPECT_TRUE(stage.bystander_is_well());
}

TEST_F(LargeKeyFollowups, AreForgottenWhenTheyComeTooSlowly) {
    begin_series();
    EXPECT_EQ(say_followup(0, smallest), NotifyType::none);
    for (std::uint32_t offset = smallest; offset <= 2 * smallest; offset += smallest) {
        stage.pass(seconds(9));
        EXPECT_EQ(say_followup(offset, smallest), NotifyType::none);
    }
    stage.pass(seconds(9));
    EXPECT_EQ(say_followup(3 * smallest, smallest), NotifyType::state_not_found) << "3 KiB in 20 s";
    EXPECT_EQ(stage.sas(), 2U);
}

}  // namespace
}  // namespace cygnet::sim
