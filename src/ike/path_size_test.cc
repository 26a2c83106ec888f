#include "ike/path_size.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;

constexpr std::size_t udp_over_ipv4 = 28;

model::Connection large(bool at_a, std::size_t fragment_size) {
    model::Connection one = connection(at_a);
    one.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519-ke1_mlkem1024");
    one.fragment_size = fragment_size;
    return one;
}

struct Fragment {
    std::uint16_t number, total;
};
std::optional<Fragment> fragment_of(const Bytes& datagram) {
    constexpr std::size_t at = wire::header_size + wire::generic_header_size;
    if (static_cast<model::PayloadType>(datagram[wire::header_next_payload_at]) != model::PayloadType::skf) return std::nullopt;
    return Fragment{.number = static_cast<std::uint16_t>(datagram[at] << 8 | datagram[at + 1]),
                    .total = static_cast<std::uint16_t>(datagram[at + 2] << 8 | datagram[at + 3])};
}

// A path that drops what is larger, and remembers what was tried.
struct NarrowPath {
    std::size_t mtu;
    std::vector<std::size_t> totals{};  // of a's IKE_INTERMEDIATE request, in order
    std::size_t largest = 0;

    bool operator()(const Send& send) {
        const std::size_t size = send.datagram.size() + udp_over_ipv4;
        const auto header = *wire::parse_header(send.datagram);
        if (header.exchange == ExchangeType::ike_intermediate && !header.response) {
            const auto fragment = fragment_of(send.datagram);
            const std::size_t total = fragment ? fragment->total : 1;
            if (!fragment || fragment->number == 1) totals.push_back(total);
        }
        if (size <= mtu) largest = std::max(largest, size);
        return size <= mtu;
    }
};

class PathSize : public ::testing::Test {
protected:
    void begin(std::size_t mtu, std::size_t at_a = 1500, std::size_t at_b = 1500) {
        path.mtu = mtu;
        pair.configure(large(true, at_a), large(false, at_b));
        pair.meddler = [this](Send& send) { return path(send); };
        pair.initiate(pair.a);
    }
    NarrowPath path{};
    Pair pair;
};

// RFC 7383 §2.5.2 [147]: probing begins with the larger values; each smaller one raises Total.
TEST_F(PathSize, GoesDownUntilTheAnswerComes) {
    begin(1280);
    pair.pass(seconds(20));
    EXPECT_TRUE(pair.up());
    std::vector<std::size_t> distinct = path.totals;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    EXPECT_TRUE(std::ranges::is_sorted(distinct)) << "Total only rises";
    EXPECT_EQ(distinct.size(), 2u) << "1500, 1280";
    EXPECT_EQ(pair.a.engine.counters()[Counter::fragment_size_lowered], 1u);
}

// RFC 7383 §2.5.2 [147]: a few transmissions of each within a few seconds, and the timers start over with each.
TEST_F(PathSize, TriesEachSizeForAFewSeconds) {
    begin(400);
    pair.pass(milliseconds(1500));
    EXPECT_EQ(path.totals.size(), 2u) << "the first size again, after a second";
    pair.pass(milliseconds(1700));
    EXPECT_EQ(path.totals.size(), 3u) << "the next size after two more";
    pair.pass(milliseconds(3500));
    EXPECT_EQ(path.totals.size(), 3u) << "a size that usually fits has the usual time";
    pair.pass(milliseconds(1000));
    EXPECT_EQ(path.totals.size(), 4u);
}

// RFC 7383 §2.5.2 [147]: at the smallest size the request is repeated until the exchange times out.
TEST_F(PathSize, GivesUpOnlyAfterTheUsualTimeAtTheSmallestSize) {
    begin(400);
    pair.pass(seconds(150));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1u);
    EXPECT_EQ(std::ranges::count(path.totals, path.totals.back()), 6);
    pair.pass(seconds(60));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
}

// RFC 7383 §2.5.2 [147]: in subsequent exchanges the current value comes first.
TEST_F(PathSize, RemembersWhatWorkedForTheSaAndForThePeer) {
    begin(1280);
    pair.pass(seconds(20));
    ASSERT_TRUE(pair.up());
    const auto lowered = pair.a.engine.counters()[Counter::fragment_size_lowered];
    pair.rekey(pair.a, {.ike = "gw"});
    pair.terminate(pair.a);
    pair.pass(seconds(1));
    pair.initiate(pair.a);
    EXPECT_TRUE(pair.up()) << "at once, without a loss";
    EXPECT_EQ(pair.a.engine.counters()[Counter::fragment_size_lowered], lowered);
}

TEST_F(PathSize, ForgetsAfterAWhileThatAPathWasNarrow) {
    PathSizes sizes;
    const Instant now = Instant::after_start(seconds(1));
    sizes.remember(address("192.0.2.2"), 1280, now);
    EXPECT_EQ(sizes.find(address("192.0.2.2"), now), 1280u);
    EXPECT_EQ(sizes.find(address("192.0.2.3"), now), std::nullopt);
    EXPECT_EQ(sizes.find(address("192.0.2.2"), now + model::limits::path_size_memory), std::nullopt);
}

TEST_F(PathSize, RemembersOnlySoManyPeers) {
    PathSizes sizes;
    Instant now = Instant::after_start(seconds(1));
    for (std::uint32_t i = 0; i < model::limits::path_sizes_remembered + 10; ++i)
        sizes.remember(model::IpAddress::v4(0x0a000000 + i), 1280, now);
    EXPECT_EQ(sizes.size(), model::limits::path_sizes_remembered);
    now = now + model::limits::path_size_memory;
    sizes.remember(address("192.0.2.2"), 1280, now);
    EXPECT_EQ(sizes.size(), 1u) << "what is too old makes room";
}

// The answer is no larger than the request's fragments, which came through.
TEST_F(PathSize, AnswersFollowTheRequests) {
    begin(1280, 1280, 1500);
    EXPECT_TRUE(pair.up()) << "at once";
    EXPECT_LE(path.largest, 1280u);
}

// RFC 9370 §2.2.2: the answer was sealed with keys that are gone; the same request in smaller fragments still brings it back.
TEST_F(PathSize, ASmallerRequestIsRecognisedAfterTheKeysHaveChanged) {
    pair.configure(large(true, 1500), large(false, 1500));
    pair.meddler = [this](Send& send) {
        const auto header = *wire::parse_header(send.datagram);
        const bool large_answer = header.response && header.exchange == ExchangeType::ike_intermediate &&
                                  send.datagram.size() + udp_over_ipv4 > 1300;
        return !large_answer;
    };
    pair.initiate(pair.a);
    EXPECT_FALSE(pair.up());
    pair.pass(seconds(4));
    EXPECT_TRUE(pair.up()) << pair.a.log() << "---\n" << pair.b.log();
}

// A small request that is repeated says only that its answer got lost.
TEST_F(PathSize, AnAnswerThatIsAskedForAgainAndAgainGetsSmaller) {
    model::Connection quiet = large(true, 1500);
    quiet.fragmentation = model::Fragmentation::accept;  // so that its requests stay as they are
    pair.configure(quiet, large(false, 1500));
    pair.meddler = [](Send& send) {
        return send.path.local.address == address("192.0.2.1") || send.datagram.size() + udp_over_ipv4 <= 1300;
    };
    pair.initiate(pair.a);
    EXPECT_FALSE(pair.up());
    pair.pass(seconds(150));
    EXPECT_TRUE(pair.up()) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_EQ(pair.b.engine.counters()[Counter::fragment_refused], 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
