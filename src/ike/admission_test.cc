#include "ike/admission.h"

#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using namespace model::limits;

const Instant start = Instant::after_start(seconds(1000));

model::IpAddress host(std::uint32_t number) { return model::IpAddress::v4(0x0b000000 + number); }
bool demands_cookie(Admission& admission, Instant now, const model::IpAddress& from) {
    return admission.demand(now, from).cookie;
}
model::IkeSaId id(std::uint32_t number) { return static_cast<model::IkeSaId>(number); }

TEST(Admission, DemandsCookiesWhileMuchIsHalfOpenAndStopsAtHalfOfIt) {
    Admission admission(EngineSettings{});
    std::uint32_t opened = 0;
    for (; !demands_cookie(admission, start, host(opened)); ++opened)
        admission.opened(id(opened), Standing::unproven, host(opened));
    EXPECT_EQ(opened, half_open_before_cookies);
    const Instant later = start + minutes(1);
    for (std::uint32_t i = 0; i < opened / 2 - 1; ++i) admission.closed(id(i));
    EXPECT_TRUE(demands_cookie(admission, later, host(1)));
    admission.closed(id(opened / 2));
    EXPECT_FALSE(demands_cookie(admission, later, host(1)));
}

TEST(Admission, DemandsCookiesWhileManyAsk) {
    Admission admission(EngineSettings{});
    for (unsigned i = 0; i < requests_per_second_before_cookies; ++i)
        EXPECT_FALSE(demands_cookie(admission, start, host(i)));
    EXPECT_TRUE(demands_cookie(admission, start, host(0)));
    EXPECT_TRUE(demands_cookie(admission, start + seconds(1), host(0)));
    EXPECT_FALSE(demands_cookie(admission, start + seconds(4), host(0)));
}

// RFC 8019 §4.2: one address, or one IPv6 site.
TEST(Admission, DemandsCookiesOfAPrefixThatOpensManyAndOfNobodyElse) {
    Admission admission(EngineSettings{});
    const auto site = [](unsigned number) {
        return *model::IpAddress::parse("2001:db8:0:1::" + std::to_string(number + 1));
    };
    for (std::uint32_t i = 0; i < half_open_per_prefix_before_cookies; ++i) {
        EXPECT_FALSE(demands_cookie(admission, start, site(i)));
        admission.opened(id(i), Standing::unproven, site(i));
    }
    EXPECT_TRUE(demands_cookie(admission, start, site(1000)));
    EXPECT_FALSE(demands_cookie(admission, start, *model::IpAddress::parse("2001:db8:0:2::1")));
    EXPECT_FALSE(demands_cookie(admission, start, host(1)));
}

TEST(Admission, HasRoomForProvenAddressesWhateverUnprovenOnesHold) {
    Admission admission(EngineSettings{});
    for (std::uint32_t i = 0; admission.has_room(Standing::unproven, host(7)); ++i)
        admission.opened(id(i), Standing::unproven, host(7));
    EXPECT_EQ(admission.half_open(), half_open_before_cookies);
    EXPECT_TRUE(admission.has_room(Standing::proven, host(7)));
}

TEST(Admission, BoundsWhatOneProvenPrefixAndAllOfThemHold) {
    Admission admission(EngineSettings{});
    std::uint32_t opened = 0;
    for (; admission.has_room(Standing::proven, host(7)); ++opened) admission.opened(id(opened), Standing::proven, host(7));
    EXPECT_EQ(opened, half_open_per_prefix);
    for (; admission.has_room(Standing::proven, host(opened)); ++opened)
        admission.opened(id(opened), Standing::proven, host(opened));
    EXPECT_EQ(opened, half_open_total);
    for (std::uint32_t i = 0; i < opened; ++i) admission.closed(id(i));
    EXPECT_EQ(admission.half_open(), 0u);
    EXPECT_TRUE(admission.has_room(Standing::proven, host(7)));
}

// RFC 8019 §6: puzzles are the last step.
TEST(Admission, DemandsMoreWorkTheMoreIsHalfOpen) {
    Admission never(EngineSettings{}), admission(EngineSettings{.puzzles = Puzzles::by_load});
    std::uint32_t opened = 0;
    for (; admission.demand(start, host(opened)).puzzle_difficulty == 0; ++opened) {
        admission.opened(id(opened), Standing::proven, host(opened));
        never.opened(id(opened), Standing::proven, host(opened));
    }
    EXPECT_EQ(opened, half_open_before_puzzles);
    EXPECT_EQ(never.demand(start, host(1)).puzzle_difficulty, 0u);
    EXPECT_EQ(admission.demand(start, host(1)).puzzle_difficulty, puzzle_difficulty_min);
    for (; admission.has_room(Standing::proven, host(opened)); ++opened)
        admission.opened(id(opened), Standing::proven, host(opened));
    // Who only returned a cookie leaves room for those who worked.
    EXPECT_LT(opened, half_open_total);
    for (; admission.has_room(Standing::worked, host(opened)); ++opened)
        admission.opened(id(opened), Standing::worked, host(opened));
    EXPECT_EQ(opened, half_open_total);
    EXPECT_EQ(admission.demand(start, host(1)).puzzle_difficulty, puzzle_difficulty_max);
}

TEST(Admission, DemandsWorkOfOnePrefixThatHoldsMany) {
    Admission admission(EngineSettings{.puzzles = Puzzles::by_load});
    for (std::uint32_t i = 0; i < half_open_per_prefix_before_puzzles; ++i)
        admission.opened(id(i), Standing::proven, host(7));
    EXPECT_EQ(admission.demand(start, host(7)).puzzle_difficulty, puzzle_difficulty_min);
    EXPECT_EQ(admission.demand(start, host(8)).puzzle_difficulty, 0u);
}

// ---- the same, seen from outside ------------------------------------------------------------------------

class AdmissionOfEngine : public testing::Test {
protected:
    AdmissionOfEngine() { peer.step(Configure{config_of(connection(false)), nullptr}); }

    Bytes first_request(std::uint64_t spi_i, ByteView cookie = {}) {
        wire::MessageBuilder message;
        if (!cookie.empty()) message.notify(model::NotifyType::cookie, cookie);
        message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519")});
        message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(32, 9)});
        message.add(wire::NoncePayload{peer.nonce_i});
        return message.finish({.spi_i = spi_i, .exchange = ExchangeType::ike_sa_init, .initiator = true});
    }
    std::vector<Bytes> send_from(const model::IpAddress& from, ByteView datagram) {
        model::Path path = ScriptedPeer::path();
        path.remote.address = from;
        peer.step(Datagram{.path = path, .bytes = datagram});
        return peer.sent();
    }
    void fill() {
        for (std::uint32_t i = 0; i < half_open_before_cookies; ++i) send_from(host(i), first_request(i + 1));
    }
    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }

    Node victim{2};
    ScriptedPeer peer{victim};
};

TEST_F(AdmissionOfEngine, LetsInWhoReturnsTheCookie) {
    fill();
    const auto asked = send_from(host(5000), first_request(0x77));
    ASSERT_EQ(asked.size(), 1u);
    const auto demand = *wire::parse_message(asked.front());
    ASSERT_NE(demand.notify(model::NotifyType::cookie), nullptr);
    EXPECT_LE(asked.front().size(), first_request(0x77).size());
    EXPECT_EQ(victim.engine.population().half_open, half_open_before_cookies);
    const auto answered =
        send_from(host(5000), first_request(0x77, demand.notify(model::NotifyType::cookie)->data));
    ASSERT_EQ(answered.size(), 1u);
    EXPECT_NE(wire::parse_message(answered.front())->find<wire::KePayload>(), nullptr);
}

// RFC 7296 §2.6 [52]: a wrong cookie is as good as none.
TEST_F(AdmissionOfEngine, AsksAgainForAWrongCookie) {
    fill();
    const auto asked = send_from(host(5000), first_request(0x77, Bytes(25, 1)));
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_NE(wire::parse_message(asked.front())->notify(model::NotifyType::cookie), nullptr);
    EXPECT_EQ(count(Counter::cookie_wrong), 1u);
}

// RFC 8019 §4.1: less patience under load.
TEST_F(AdmissionOfEngine, LetsHalfOpenSasGoSoonerUnderLoad) {
    fill();
    const auto asked = send_from(host(5000), first_request(0x77));
    ASSERT_EQ(asked.size(), 1u);
    const auto demand = *wire::parse_message(asked.front());
    const Bytes cookie = keep(demand.notify(model::NotifyType::cookie)->data);
    send_from(host(5000), first_request(0x77, cookie));
    EXPECT_EQ(victim.engine.population().half_open, half_open_before_cookies + 1);
    peer.now = peer.now + half_open_life_under_load + seconds(1);
    peer.step(Tick{});
    EXPECT_EQ(victim.engine.population().half_open, half_open_before_cookies);
    peer.now = peer.now + half_open_life;
    peer.step(Tick{});
    EXPECT_EQ(victim.engine.population().half_open, 0u);
}

TEST_F(AdmissionOfEngine, RepeatsItsFirstAnswerOnlySoOften) {
    const Bytes request = first_request(0x77);
    std::size_t answers = 0;
    for (int i = 0; i < 100; ++i) answers += send_from(host(1), request).size();
    EXPECT_EQ(answers, 1 + first_answer_repeats);
    EXPECT_EQ(victim.engine.population().half_open, 1u);
}

TEST_F(AdmissionOfEngine, NeverAnswersWithMoreThanWasAsked) {
    fill();
    wire::MessageBuilder message;
    message.add(wire::NoncePayload{Bytes(16, 1)});
    const Bytes little = message.finish({.spi_i = 1, .exchange = ExchangeType::ike_sa_init, .initiator = true});
    EXPECT_TRUE(send_from(host(5000), little).empty());
    wire::MessageBuilder nothing;
    EXPECT_TRUE(send_from(host(5000), nothing.finish({.spi_i = 1, .spi_r = 2, .exchange = ExchangeType::informational,
                                                      .initiator = true})).empty());
}

}  // namespace
}  // namespace cygnet::ike::test
