#include "daemon/driver.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "daemon/test_backend.h"

namespace cygnet::daemon {
namespace {

using model::IpAddress;

// A wire to another Driver; what is sent arrives a turn of the loop later.
class FakeNetwork final : public Network {
public:
    explicit FakeNetwork(os::EventLoop& loop) : loop_(loop) {}

    Result<> send(const model::Path& path, ByteView message) override {
        sent.push_back(keep(message));
        loop_.post([this, path, octets = keep(message)] {
            if (peer != nullptr) peer->datagram_arrived({path.remote, path.local}, octets);
        });
        return {};
    }
    Result<> send_keepalive(const model::Path&) override { return {}; }
    void open_stream(const model::Path&) override {}
    void close_stream(model::StreamId) override {}
    void prove_stream(model::StreamId) override {}
    std::vector<ike::AddressPair> paths_to(const std::vector<IpAddress>&) override { return {}; }
    dataplane::ChildBackend& children() override { return backend; }
    Result<> add_address(const IpAddress& address) override {
        addresses.push_back(address);
        return {};
    }
    Result<> remove_address(const IpAddress& address) override {
        std::erase(addresses, address);
        return {};
    }

    Driver* peer = nullptr;
    FakeBackend backend;
    std::vector<Bytes> sent;
    std::vector<IpAddress> addresses;

private:
    os::EventLoop& loop_;
};

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

model::HostPattern host(std::string_view text) { return {.text = std::string(text), .range = model::AddressRange::single(address(text))}; }

struct Side {
    std::string_view name, own, other, inner;
};
constexpr Side left_side{"left.example", "192.0.2.1", "192.0.2.2", "10.1.0.0/24"};
constexpr Side right_side{"right.example", "192.0.2.2", "192.0.2.1", "10.2.0.0/24"};

model::AuthConfig round(std::string_view id) {
    model::AuthConfig auth;
    auth.auth = model::AuthClass::psk;
    auth.auth_text = "psk";
    auth.id = model::Identity::parse(id);
    return auth;
}

std::shared_ptr<const model::Config> config(const Side& own, const Side& other) {
    auto connection = std::make_shared<model::Connection>();
    connection->name = "net";
    connection->local_addrs = {host(own.own)};
    connection->remote_addrs = {host(own.other)};
    connection->local = {round(own.name)};
    connection->remote = {round(other.name)};
    model::ChildConfig child;
    child.name = "net";
    child.local_ts = {*model::ConfiguredSelector::parse(own.inner)};
    child.remote_ts = {*model::ConfiguredSelector::parse(other.inner)};
    connection->children = {child};
    auto secret = std::make_shared<model::SharedSecret>();
    secret->name = "ike-1";
    secret->secret = SecretBytes::copy_of(bytes_of("a secret of two drivers"));
    auto all = std::make_shared<model::Config>();
    all->connections.emplace("net", connection);
    all->secrets.emplace("ike-1", secret);
    return all;
}

// One daemon without its sockets.
struct End {
    End(os::EventLoop& loop, os::JobPool& jobs, std::uint64_t seed, const Side& own, const Side& other)
        : rng(seed), network(loop), driver(loop, jobs, log, rng, {}) {
        driver.use(network);
        driver.on_event([this](const model::Event& event) { events.push_back(event); }, [this] { return hears_of_sas; });
        driver.configure(config(own, other), std::make_shared<ike::Credentials>());
    }
    template <class T>
    std::size_t count() const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(), [](const auto& event) { return std::holds_alternative<T>(event); }));
    }

    Log log{-1};
    SeededRng rng;
    FakeNetwork network;
    Driver driver;
    std::vector<model::Event> events;
    bool hears_of_sas = true;
};

class TwoDrivers : public ::testing::Test {
protected:
    TwoDrivers() {
        left.network.peer = &right.driver;
        right.network.peer = &left.driver;
    }
    // Runs the loop until `condition`, or for at most two seconds; returns the condition.
    template <class Condition>
    bool run_until(Condition condition) {
        os::Timer poll(loop, [&] { loop.stop(); });
        const Instant end = os::now() + seconds(2);
        while (!condition() && os::now() < end) {
            poll.set(os::now() + milliseconds(5));
            loop.run();
            loop.restart();
        }
        return condition();
    }
    std::optional<CommandOutcome> initiate() {
        std::optional<CommandOutcome> outcome;
        const model::Path path{{address("192.0.2.1"), 500}, {address("192.0.2.2"), 500}};
        left.driver.initiate("net", "net", path, [&](const CommandOutcome& done) { outcome = done; });
        run_until([&] { return outcome.has_value(); });
        return outcome;
    }

    os::EventLoop loop;
    os::JobPool jobs{loop, 2};
    End left{loop, jobs, 1, left_side, right_side};
    End right{loop, jobs, 2, right_side, left_side};
};

TEST_F(TwoDrivers, bring_a_tunnel_up_and_install_it_at_both_ends) {
    const auto outcome = initiate();
    ASSERT_TRUE(outcome && outcome->result) << (outcome ? outcome->result.error().text() : "no answer");
    ASSERT_EQ(left.network.backend.children.size(), 1U);
    ASSERT_EQ(right.network.backend.children.size(), 1U);
    const auto& a = left.network.backend.children[0];
    const auto& b = right.network.backend.children[0];
    EXPECT_EQ(a.spi_in, b.spi_out);
    EXPECT_EQ(a.spi_out, b.spi_in);
    EXPECT_TRUE(a.out.encr.equals(b.in.encr.reveal()));
    EXPECT_EQ(left.count<model::ChildUp>(), 1U);
    EXPECT_EQ(right.count<model::IkeUp>(), 1U);
}

TEST_F(TwoDrivers, that_sas_come_up_is_told_to_those_who_hear_it) {
    left.hears_of_sas = false;
    ASSERT_TRUE(initiate()->result);
    EXPECT_EQ(left.count<model::IkeUp>(), 0U);
    EXPECT_EQ(left.count<model::ChildUp>(), 0U);
    EXPECT_GT(left.count<model::LogLine>(), 0U);
    EXPECT_EQ(right.count<model::ChildUp>(), 1U);
    std::optional<CommandOutcome> outcome;
    left.driver.terminate({.ike = "net"}, false, [&](const CommandOutcome& done) { outcome = done; });
    EXPECT_TRUE(run_until([&] { return outcome.has_value(); }));
    EXPECT_EQ(left.count<model::IkeDown>(), 1U) << "what keeps connections up hears of their end";
}

TEST_F(TwoDrivers, terminate_removes_the_tunnel_at_both_ends) {
    ASSERT_TRUE(initiate()->result);
    std::optional<CommandOutcome> outcome;
    right.driver.terminate({.ike = "net"}, false, [&](const CommandOutcome& done) { outcome = done; });
    EXPECT_TRUE(run_until([&] { return outcome.has_value() && left.driver.list().empty(); }));
    EXPECT_TRUE(outcome && outcome->result);
    EXPECT_TRUE(left.network.backend.children.empty());
    EXPECT_TRUE(right.network.backend.children.empty());
}

TEST_F(TwoDrivers, a_child_that_cannot_be_installed_is_ended_at_both_ends) {
    right.network.backend.broken = true;
    ASSERT_TRUE(initiate()->result);
    const auto childless = [](const End& end) {
        const auto sas = end.driver.list();
        return sas.size() == 1 && sas[0].children.empty();
    };
    EXPECT_TRUE(run_until([&] { return childless(left) && childless(right); }));
    EXPECT_EQ(left.count<model::ChildUp>(), 1U);
    EXPECT_EQ(left.count<model::ChildDown>(), 1U);
    EXPECT_TRUE(left.network.backend.children.empty());
}

TEST_F(TwoDrivers, a_packet_that_meets_a_trap_brings_the_child_up) {
    std::optional<CommandOutcome> outcome;
    left.driver.install("net", "net", std::nullopt, [&](const CommandOutcome& done) { outcome = done; });
    ASSERT_TRUE(outcome && outcome->result) << outcome->result.error().text();
    ASSERT_EQ(left.network.backend.policies.size(), 1U);
    const auto& spec = left.network.backend.policies[0];
    const model::PacketEnds packet{.local = model::TrafficSelector::of(model::AddressRange::single(spec.local[0].addresses.first)),
                                   .remote = model::TrafficSelector::of(model::AddressRange::single(spec.remote[0].addresses.first))};
    left.driver.acquire(spec.id, packet, model::Path{{address("192.0.2.1"), 500}, {address("192.0.2.2"), 500}});
    EXPECT_TRUE(run_until([&] { return left.network.backend.children.size() == 1 && right.network.backend.children.size() == 1; }));
    left.driver.uninstall("net", "net", [](const CommandOutcome&) {});
    EXPECT_TRUE(left.network.backend.policies.empty());
}

TEST_F(TwoDrivers, a_policy_that_cannot_be_installed_is_taken_back) {
    left.network.backend.broken = true;
    left.driver.install("net", "net", std::nullopt, [](const CommandOutcome&) {});
    EXPECT_TRUE(left.driver.engine().policies().empty());
}

TEST_F(TwoDrivers, list_shows_the_counters_of_the_data_plane) {
    ASSERT_TRUE(initiate()->result);
    left.network.backend.counted = {.bytes_in = 100, .packets_in = 1, .bytes_out = 200, .packets_out = 2};
    const auto sas = left.driver.list();
    ASSERT_EQ(sas.size(), 1U);
    ASSERT_EQ(sas[0].children.size(), 1U);
    EXPECT_EQ(sas[0].children[0].usage.bytes_out, 200U);
    EXPECT_EQ(sas[0].children[0].drops, left.network.backend.packet_drops(sas[0].children[0].id));
    EXPECT_FALSE(sas[0].children[0].drops.empty());
}

TEST_F(TwoDrivers, rekeying_replaces_the_child_and_removes_the_old_one) {
    ASSERT_TRUE(initiate()->result);
    const auto before = left.network.backend.children[0].spi_in;
    std::optional<CommandOutcome> outcome;
    left.driver.rekey({.child = "net"}, false, [&](const CommandOutcome& done) { outcome = done; });
    EXPECT_TRUE(run_until([&] {
        return outcome && left.network.backend.children.size() == 1 && right.network.backend.children.size() == 1 &&
               left.network.backend.children[0].spi_in != before;
    }));
    EXPECT_TRUE(outcome && outcome->result);
}

TEST_F(TwoDrivers, nonsense_datagrams_are_counted_and_answered_by_nothing) {
    const model::Path path{{address("192.0.2.1"), 500}, {address("192.0.2.9"), 500}};
    for (const std::size_t size : {0U, 1U, 27U, 28U, 1000U}) left.driver.datagram_arrived(path, Bytes(size));
    EXPECT_TRUE(left.driver.list().empty());
    EXPECT_TRUE(left.network.sent.empty());
    EXPECT_GE(left.driver.engine().counters()[model::Counter::malformed_header], 4U);
}

}  // namespace
}  // namespace cygnet::daemon
