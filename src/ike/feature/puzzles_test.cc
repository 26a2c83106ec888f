#include <gtest/gtest.h>

#include <algorithm>

#include "ike/puzzle.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

constexpr unsigned bits = 8;
const EngineSettings asking{.puzzles = Puzzles::always, .puzzle_difficulty_min = bits};

model::Connection classic(bool at_a) {
    model::Connection made = connection(at_a);
    made.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519");
    return made;
}

// RFC 8019 §7: one puzzle in IKE_SA_INIT, one in IKE_AUTH.
TEST(Puzzles, AreSolvedInBothExchanges) {
    Pair pair({}, asking);
    pair.configure(classic(true), classic(false));
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(pair.b.engine.counters()[Counter::puzzle_sent], 2u);
    EXPECT_EQ(pair.b.engine.counters()[Counter::puzzle_solved], 2u);
}

// RFC 8019 §7.2.1: the keys of IKE_INTERMEDIATE are needed before IKE_AUTH: no second puzzle.
TEST(Puzzles, AreSolvedOnceBeforeAdditionalKeyExchanges) {
    Pair pair({}, asking);
    pair.configure(connection(true), connection(false));
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(pair.b.engine.counters()[Counter::puzzle_solved], 1u);
}

// RFC 8019 §7.2.2: the PS payload is in the first fragment alone.
TEST(Puzzles, AreSolvedForAnIkeAuthInFragments) {
    Pair pair({.fragment_ip_octets = 200}, asking);
    pair.configure(classic(true), classic(false));
    std::size_t fragments = 0;
    pair.meddler = [&](Send& send) {
        const auto header = *wire::parse_header(send.datagram);
        fragments += header.exchange == ExchangeType::ike_auth && !header.response;
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_TRUE(pair.up());
    EXPECT_GT(fragments, 1u);
    EXPECT_EQ(pair.b.engine.counters()[Counter::puzzle_solved], 2u);
}

// RFC 8019 §7.1.2 [194]: whoever is not willing returns the cookie alone; §7.1: and has a chance.
TEST(Puzzles, AreIgnoredByAnInitiatorThatAcceptsOnlyEasierOnes) {
    std::size_t up = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Pair pair({.puzzle_difficulty_accepted = bits - 1}, asking);
        pair.b.rng = SeededRng(seed);
        pair.configure(classic(true), classic(false));
        up += pair.initiate(pair.a).result.has_value();
        EXPECT_EQ(pair.b.engine.counters()[Counter::puzzle_solved], 0u);
        EXPECT_GE(pair.b.engine.counters()[Counter::puzzle_sent], 1u);
    }
    EXPECT_GT(up, 0u);
    EXPECT_LT(up, 40u);
}

// RFC 8019 §7.1.2 [194]: a puzzle without a cookie is ignored, and the request repeated.
TEST(Puzzles, WithoutACookieAreNone) {
    Pair pair;
    pair.configure(classic(true), classic(false));
    bool forged = false;
    pair.meddler = [&](Send& send) {
        wire::Header header = *wire::parse_header(send.datagram);
        if (header.exchange != ExchangeType::ike_sa_init || header.response || std::exchange(forged, true)) return true;
        header.response = true;
        header.initiator = false;
        wire::MessageBuilder answer;
        answer.notify(NotifyType::puzzle, written(crypto::Puzzle{.prf = model::Prf::hmac_sha2_256, .difficulty = bits}));
        pair.step(pair.a, Datagram{.path = {send.path.local, send.path.remote}, .bytes = answer.finish(header)});
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.a.engine.counters()[Counter::ike_init_out_req], 1u);
}

// ---- the responder against somebody who cheats -----------------------------------------------------------

class PuzzlesOfStranger : public testing::Test {
protected:
    PuzzlesOfStranger() { peer.step(Configure{config_of(classic(false)), nullptr}); }

    Bytes request(ByteView cookie = {}, ByteView solution = {}) {
        wire::MessageBuilder message;
        if (!cookie.empty()) message.notify(NotifyType::cookie, cookie);
        if (!solution.empty()) message.add(wire::PsPayload{solution});
        message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519")});
        message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(32, 9)});
        message.add(wire::NoncePayload{peer.nonce_i});
        return message.finish({.spi_i = 0x77, .exchange = ExchangeType::ike_sa_init, .initiator = true});
    }
    // The cookie, and the puzzle that comes with it.
    std::pair<Bytes, crypto::Puzzle> asked(const Bytes& with) {
        const auto sent = peer.raw(with);
        if (sent.size() != 1 || sent.front().size() > with.size()) return {};
        const auto answer = *wire::parse_message(sent.front());
        const auto* cookie = answer.notify(NotifyType::cookie);
        const auto* puzzle = answer.notify(NotifyType::puzzle);
        if (cookie == nullptr || puzzle == nullptr) return {};
        return {keep(cookie->data), parse_puzzle(puzzle->data).value_or(crypto::Puzzle{})};
    }
    std::ptrdiff_t secrets() const {
        constexpr std::size_t finish = 2;
        static_assert(std::is_same_v<std::variant_alternative_t<finish, crypto::Job::variant>, crypto::KeFinishJob>);
        return std::ranges::count(peer.jobs, finish);
    }
    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }
    std::size_t sas() const { return victim.engine.population().ike_sas; }

    Node victim{3, asking};
    ScriptedPeer peer{victim};
};

// RFC 8019 §7.1.1 [193]: always with a cookie, and of a PRF that was offered.
TEST_F(PuzzlesOfStranger, ComeWithACookieAndAnOfferedPrf) {
    const auto [cookie, puzzle] = asked(request());
    EXPECT_FALSE(cookie.empty());
    EXPECT_EQ(puzzle, (crypto::Puzzle{.prf = model::Prf::hmac_sha2_384, .difficulty = bits}));
    EXPECT_EQ(sas(), 0u);
}

// RFC 8019 §7.1.4 [193]: all four keys are checked, before any Diffie-Hellman.
TEST_F(PuzzlesOfStranger, AreNotSolvedByThreeKeysOrTheKeysOfAnotherCookie) {
    const auto [cookie, puzzle] = asked(request());
    const Bytes keys = *crypto::solve_puzzle(puzzle, cookie);
    Bytes three = keys;
    three.back() ^= 0xff;
    const Bytes other = *crypto::solve_puzzle(puzzle, Bytes(27, 1));
    for (const Bytes& wrong : {three, other, Bytes(4, 1), Bytes(16, 2)}) peer.raw(request(cookie, wrong));
    EXPECT_EQ(count(Counter::puzzle_wrong), 4u);
    EXPECT_EQ(count(Counter::puzzle_solved), 0u);
}

TEST_F(PuzzlesOfStranger, OpenOneHalfOpenSaForOneSolution) {
    const auto [cookie, puzzle] = asked(request());
    const Bytes keys = *crypto::solve_puzzle(puzzle, cookie);
    peer.raw(request(cookie, keys));
    EXPECT_EQ(count(Counter::puzzle_solved), 1u);
    EXPECT_EQ(sas(), 1u);
    // The same solution with another request.
    const Bytes first = request(cookie, keys);
    wire::Message another = *wire::parse_message(first);
    const Bytes value(32, 10);
    for (wire::Payload& payload : another.payloads)
        if (auto* ke = std::get_if<wire::KePayload>(&payload)) ke->data = value;
    peer.raw(wire::written(another));
    EXPECT_EQ(count(Counter::puzzle_solved), 1u);
    EXPECT_EQ(count(Counter::puzzle_wrong), 1u);
}

// RFC 8019 §7.2.4 [195]: IKE_AUTH without the right PS payload is dropped in silence, and costs no secret.
TEST_F(PuzzlesOfStranger, KeepTheSecretUncomputedUntilIkeAuthBringsTheSolution) {
    const auto [cookie, puzzle] = asked(request());
    const auto sent = peer.raw(request(cookie, *crypto::solve_puzzle(puzzle, cookie)));
    ASSERT_EQ(sent.size(), 1u);
    const auto answer = *wire::parse_message(sent.front());
    ASSERT_NE(answer.notify(NotifyType::puzzle), nullptr);
    peer.spis = {.initiator = 0x77, .responder = answer.header.spi_r};
    const auto auth = [&](ByteView solution) {
        wire::MessageBuilder message;
        if (!solution.empty()) message.add(wire::PsPayload{solution});
        message.add(wire::SkPayload{.first = model::PayloadType::id_i, .content = Bytes(96, 3)});
        return message.finish(peer.header(ExchangeType::ike_auth, 1));
    };
    EXPECT_TRUE(peer.raw(auth({})).empty());
    EXPECT_TRUE(peer.raw(auth(Bytes(16, 1))).empty());
    EXPECT_EQ(secrets(), 0);
    const auto octets = auth_puzzle_octets(answer.find<wire::NoncePayload>()->data, answer.header.spi_r);
    peer.raw(auth(*crypto::solve_puzzle(*parse_puzzle(answer.notify(NotifyType::puzzle)->data), octets)));
    EXPECT_EQ(secrets(), 1);
}

}  // namespace
}  // namespace cygnet::ike::test
