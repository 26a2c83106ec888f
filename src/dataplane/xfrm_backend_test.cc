#include "dataplane/xfrm_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/xfrm/statistics.h"
#include "dataplane/xfrm/test_kernel.h"

namespace cygnet::dataplane {
namespace {

using namespace xfrm;
using model::ChildId;
using model::PolicyId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Duration minute = minutes(1);

model::IpAddress address(std::string_view text) { return *model::IpAddress::parse(text); }
model::TrafficSelectors selectors(const char* text) { return {model::ConfiguredSelector::parse(text)->selector}; }
const model::Path path{{address("192.0.2.1"), 500}, {address("192.0.2.2"), 500}};

class XfrmBackendTest : public testing::Test {
protected:
    XfrmBackendTest() {
        BackendEvents events;
        events.inbound_seen = [this](ChildId child) { seen.push_back(child); };
        events.limit_reached = [this](ChildId child) { limited.push_back(child); };
        events.peer_moved = [this](ChildId, const model::Path& to) { moved.push_back(to); };
        events.acquire = [this](PolicyId policy, const model::PacketEnds& ends) { acquired.emplace_back(policy, ends); };
        backend.emplace(std::make_unique<TestKernel>(kernel),
                        XfrmConfig{.port = 4500, .now = [this] { return now; }, .unix_seconds = [] { return std::int64_t{1'000'000}; }},
                        std::move(events));
    }

    static model::ChildSaSpec spec(std::uint64_t id, const char* remote = "10.2.0.0/16") {
        model::ChildSaSpec child{.id = ChildId{id}};
        child.spi_in = static_cast<std::uint32_t>(0x1000 + id);
        child.spi_out = static_cast<std::uint32_t>(0x2000 + id);
        child.encr = model::Encr::aes_gcm_16;
        child.key_bits = 256;
        child.in.encr = SecretBytes(36);
        child.out.encr = SecretBytes(36);
        child.esn = true;
        child.local = selectors("10.1.0.0/16");
        child.remote = selectors(remote);
        child.path = path;
        return child;
    }
    static model::PolicySpec trap(std::uint64_t id, model::PolicyKind kind = model::PolicyKind::trap) {
        return {.id = PolicyId{id}, .kind = kind, .local = selectors("10.1.0.0/16"), .remote = selectors("10.2.0.0/16"), .reqid = 3};
    }
    const Template& protect(Direction direction) { return *kernel.policy(direction)->action.protect; }

    TestTables kernel;
    Instant now = Instant::after_start(seconds(1000));
    std::vector<ChildId> seen, limited;
    std::vector<model::Path> moved;
    std::vector<std::pair<PolicyId, model::PacketEnds>> acquired;
    std::optional<XfrmBackend> backend;
};

// RFC 3173: inside of ESP, which then has transport mode, since the inner state makes the tunnel.
TEST_F(XfrmBackendTest, AChildWithCompressionIsFourStates) {
    model::ChildSaSpec compressed = spec(1);
    compressed.ipcomp = {.cpi_in = 0x333, .cpi_out = 2};
    compressed.headers.copy_ecn = false;
    ASSERT_TRUE(backend->install(std::move(compressed)));
    ASSERT_THAT(kernel.states, SizeIs(4));
    for (const auto& [spi, cpi] : {std::pair(0x1001U, 0x333U), std::pair(0x2001U, 2U)}) {
        const State &esp = *kernel.state(spi), &inner = *kernel.state(cpi);
        EXPECT_EQ(inner.id.protocol, IPPROTO_COMP);
        EXPECT_EQ(inner.suite.compression->name, "deflate");
        EXPECT_FALSE(inner.suite.aead);
        EXPECT_EQ(inner.mode, model::ChildMode::tunnel);
        EXPECT_EQ(esp.mode, model::ChildMode::transport);
        EXPECT_EQ(inner.id.destination, esp.id.destination);
        EXPECT_EQ(inner.reqid, esp.reqid);
        EXPECT_FALSE(inner.copy_ecn) << "what a tunnel does with headers";
    }
    for (const Direction direction : {Direction::in, Direction::forward, Direction::out}) {
        const PolicyAction& action = kernel.policy(direction)->action;
        ASSERT_TRUE(action.compress);
        EXPECT_EQ(action.compress->mode, model::ChildMode::tunnel);
        EXPECT_EQ(action.compress->spi, direction == Direction::out ? 2U : 0U);
        EXPECT_EQ(action.compress->optional, direction != Direction::out) << "packets may come as they were";
        EXPECT_EQ(action.protect->mode, model::ChildMode::transport);
        EXPECT_FALSE(action.protect->optional);
    }
    model::Path elsewhere = path;
    elsewhere.remote.address = address("192.0.2.9");
    backend->move(ChildId{1}, elsewhere, false);
    EXPECT_EQ(kernel.state(2)->id.destination, elsewhere.remote.address);
    EXPECT_EQ(kernel.state(0x333)->source, elsewhere.remote.address);
    EXPECT_EQ(kernel.policy(Direction::out)->action.compress->destination, elsewhere.remote.address);
    backend->remove(ChildId{1}, minute);
    EXPECT_EQ(kernel.state(2), nullptr) << "nothing goes out any more";
    EXPECT_NE(kernel.state(0x333), nullptr);
    backend->remove(ChildId{1}, Duration{0});
    EXPECT_THAT(kernel.states, IsEmpty());
}

TEST_F(XfrmBackendTest, InBeetModeTheStatesKnowTheInnerAddresses) {
    model::ChildSaSpec beet = spec(1, "10.2.0.1");
    beet.mode = model::ChildMode::beet;
    beet.local = selectors("10.1.0.1[tcp/80]");
    ASSERT_TRUE(backend->install(std::move(beet)));
    const State &in = *kernel.state(0x1001), &out = *kernel.state(0x2001);
    EXPECT_EQ(in.mode, model::ChildMode::beet);
    EXPECT_EQ(in.selector->source.text(), "10.2.0.1/32");
    EXPECT_EQ(in.selector->destination.text(), "10.1.0.1/32");
    EXPECT_EQ(out.selector->source.text(), "10.1.0.1/32");
    EXPECT_EQ(out.selector->protocol, 0) << "protocols and ports are the policies' affair";
    EXPECT_EQ(protect(Direction::out).mode, model::ChildMode::beet);
    EXPECT_EQ(kernel.policy(Direction::out)->name.selector.protocol, 6);
    model::ChildSaSpec both = spec(2, "10.2.0.1");
    both.mode = model::ChildMode::beet;
    both.local = selectors("10.1.0.1");
    both.ipcomp = {.cpi_in = 0x333, .cpi_out = 2};
    EXPECT_FALSE(backend->install(std::move(both)));
    EXPECT_THAT(kernel.states, SizeIs(2));
}

TEST_F(XfrmBackendTest, AKernelWithoutCompressionSaysWhatItLacks) {
    EXPECT_TRUE(backend->can_compress());
    EXPECT_THAT(kernel.states, IsEmpty());
    kernel.missing_algorithms.insert("deflate");
    model::ChildSaSpec compressed = spec(1);
    compressed.ipcomp = {.cpi_in = 0x333, .cpi_out = 2};
    const auto refused = backend->install(std::move(compressed));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("ipcomp = no"));
    EXPECT_THAT(kernel.states, IsEmpty());
    TestTables bare;
    bare.missing_algorithms.insert("deflate");
    EXPECT_FALSE(XfrmBackend(std::make_unique<TestKernel>(bare), XfrmConfig{.port = 4500, .now = [] { return Instant(); }}, {}).can_compress());
}

TEST_F(XfrmBackendTest, AChildIsTwoStatesAndThreePolicies) {
    ASSERT_TRUE(backend->install(spec(1)));
    ASSERT_THAT(kernel.states, SizeIs(2));
    const State& in = *kernel.state(0x1001);
    const State& out = *kernel.state(0x2001);
    EXPECT_EQ(in.source, path.remote.address);
    EXPECT_EQ(in.id.destination, path.local.address);
    EXPECT_EQ(out.id.destination, path.remote.address);
    EXPECT_TRUE(in.esn && out.esn);
    EXPECT_EQ(in.replay.window, 128u);
    EXPECT_EQ(out.replay.window, 32u) << "no ESN without a window, which the sender does not use";
    EXPECT_EQ(in.suite.aead->name, "rfc4106(gcm(aes))");
    EXPECT_FALSE(in.encapsulation);
    ASSERT_THAT(kernel.policies, SizeIs(3));
    EXPECT_EQ(protect(Direction::out).spi, 0x2001u);
    EXPECT_EQ(protect(Direction::out).destination, path.remote.address);
    EXPECT_EQ(protect(Direction::in).spi, 0u);
    EXPECT_EQ(protect(Direction::in).reqid, in.reqid);
    EXPECT_EQ(protect(Direction::forward), protect(Direction::in));
    EXPECT_EQ(kernel.policy(Direction::in)->name.selector.source.text(), "10.2.0.0/16");
}

TEST_F(XfrmBackendTest, HeadersFollowEachOtherAsTheChildSays) {
    auto child = spec(1);
    child.headers = {.dont_fragment = model::DontFragment::copy, .copy_ecn = false, .dscp_out = false, .dscp_in = true};
    child.icmp_errors = model::IcmpErrors::no;
    ASSERT_TRUE(backend->install(std::move(child)));
    const State& in = *kernel.state(0x1001);
    EXPECT_TRUE(in.copy_df && in.copy_dscp_in && !in.copy_dscp_out && !in.copy_ecn && !in.unrelated_icmp);
    ASSERT_TRUE(backend->install(spec(2)));
    EXPECT_FALSE(kernel.state(0x2002)->copy_df) << "the default";
    child = spec(3);
    child.headers.dont_fragment = model::DontFragment::set;
    EXPECT_FALSE(backend->install(std::move(child))) << "the kernel cannot";
}

TEST_F(XfrmBackendTest, TransportModeForwardsNothing) {
    auto child = spec(1);
    child.mode = model::ChildMode::transport;
    child.local = selectors("192.0.2.1");
    child.remote = selectors("192.0.2.2");
    ASSERT_TRUE(backend->install(std::move(child)));
    EXPECT_EQ(kernel.policy(Direction::forward), nullptr);
    EXPECT_EQ(protect(Direction::out).mode, model::ChildMode::transport);
    EXPECT_EQ(kernel.state(0x1001)->mode, model::ChildMode::transport);
}

TEST_F(XfrmBackendTest, EncapsulationHasThePortsOfThePath) {
    auto child = spec(1);
    child.udp_encapsulation = true;
    child.path = {{path.local.address, 4500}, {path.remote.address, 21000}};
    ASSERT_TRUE(backend->install(std::move(child)));
    EXPECT_EQ(kernel.state(0x1001)->encapsulation, (Encapsulation{21000, 4500}));
    EXPECT_EQ(kernel.state(0x2001)->encapsulation, (Encapsulation{4500, 21000}));
}

TEST_F(XfrmBackendTest, MarksInterfacesAndPrioritiesAreTheChilds) {
    auto child = spec(1);
    child.kernel = {.mark_in = {1, 0xff}, .mark_out = {2, 0xff}, .set_mark_in = {3, 0xff}, .set_mark_out = {4, 0xff},
                    .if_id_in = 5, .if_id_out = 6, .priority = 7};
    ASSERT_TRUE(backend->install(std::move(child)));
    EXPECT_EQ(kernel.state(0x1001)->id.mark, model::Mark{}) << "mark_in is of policies alone unless mark_in_sa says so";
    EXPECT_EQ(kernel.state(0x2001)->id.mark, (model::Mark{2, 0xff}));
    EXPECT_EQ(kernel.state(0x1001)->set_mark, (model::Mark{3, 0xff}));
    EXPECT_EQ(kernel.state(0x2001)->set_mark, (model::Mark{4, 0xff}));
    EXPECT_EQ(kernel.state(0x1001)->interface, 5u);
    EXPECT_EQ(kernel.policy(Direction::in)->name.mark, (model::Mark{1, 0xff}));
    EXPECT_EQ(kernel.policy(Direction::out)->name.interface, 6u);
    EXPECT_EQ(kernel.policy(Direction::out)->action.priority, 7u);
    backend->remove(ChildId{1}, Duration{0});
    EXPECT_THAT(kernel.policies, IsEmpty());
    EXPECT_THAT(kernel.states, IsEmpty());
}

TEST_F(XfrmBackendTest, ACardIsAskedAndOneThatCannotIsToldUnlessItNeedNot) {
    auto child = spec(1);
    child.path.local.address = address("127.0.0.1");
    child.kernel.hw_offload = model::HwOffload::packet;
    ASSERT_TRUE(backend->install(std::move(child)));
    ASSERT_TRUE(kernel.state(0x1001)->offload && kernel.policy(Direction::out)->action.offload);
    EXPECT_TRUE(kernel.state(0x1001)->offload->inbound && kernel.state(0x1001)->offload->packets);
    EXPECT_NE(kernel.state(0x1001)->offload->device, 0u) << "the device with the local address";
    backend->remove(ChildId{1}, Duration{0});

    kernel.cards_can = false;
    child = spec(1);
    child.kernel.hw_offload = model::HwOffload::crypto;
    const auto refused = backend->install(std::move(child));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("does no ESP: set hw_offload = no or auto"));
    EXPECT_THAT(kernel.states, IsEmpty());
    child = spec(1);
    child.kernel.hw_offload = model::HwOffload::automatic;
    EXPECT_TRUE(backend->install(std::move(child)));
}

TEST_F(XfrmBackendTest, AChildThatTheKernelRefusesLeavesNothingBehind) {
    kernel.refuse[XFRM_MSG_UPDPOLICY] = EINVAL;
    const auto refused = backend->install(spec(1));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("EINVAL \"because the test says so\""));
    EXPECT_THAT(kernel.states, IsEmpty());
    kernel.refuse = {{XFRM_MSG_NEWSA, EPROTONOSUPPORT}};
    const auto without_esp = backend->install(spec(1));
    ASSERT_FALSE(without_esp);
    EXPECT_THAT(without_esp.error().detail, HasSubstr("the kernel has no ESP (CONFIG_INET_ESP"));
    EXPECT_EQ(backend->usage(ChildId{1}), std::nullopt);
    kernel.refuse.clear();
    EXPECT_TRUE(backend->install(spec(1))) << "and it can come again";
}

// Two peers behind one NAT may choose the same SPI.
TEST_F(XfrmBackendTest, WhatAnotherHasIsNotTakenFromHim) {
    ASSERT_TRUE(backend->install(spec(1)));
    auto second = spec(2, "10.3.0.0/16");
    second.spi_out = 0x2001;
    const auto refused = backend->install(std::move(second));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("EEXIST"));
    EXPECT_THAT(kernel.states, SizeIs(2)) << "those of the first child";
    kernel.events = {Expire{.id = kernel.state(0x2001)->id, .bytes = 1}};
    backend->dispatch_events();
    EXPECT_THAT(limited, ElementsAre(ChildId{1}));
}

TEST_F(XfrmBackendTest, NoEspInTcpStreams) {
    auto child = spec(1);
    child.path.stream = model::StreamId{2};
    ASSERT_FALSE(backend->install(std::move(child)));
    EXPECT_THAT(kernel.requests, IsEmpty());
}

// RFC 7296 §2.8: the responder of a rekey sends on the new SA when the peer has used it.
TEST_F(XfrmBackendTest, ARekeyedChildTakesOverWhenItIsActivated) {
    ASSERT_TRUE(backend->install(spec(1)));
    auto next = spec(2);
    next.outbound_active = false;
    ASSERT_TRUE(backend->install(std::move(next)));
    EXPECT_EQ(protect(Direction::out).spi, 0x2001u);
    EXPECT_EQ(kernel.state(0x1002)->reqid, kernel.state(0x1001)->reqid) << "what arrives on either is accepted";
    EXPECT_EQ(kernel.state(0x1002)->limits.soft_packets, 1u);
    kernel.events = {Expire{.id = kernel.state(0x1002)->id, .packets = 1}};
    backend->dispatch_events();
    EXPECT_THAT(seen, ElementsAre(ChildId{2}));
    backend->activate(ChildId{2}, model::every_resource);
    EXPECT_EQ(protect(Direction::out).spi, 0x2002u);
    backend->remove(ChildId{1}, minute);
    EXPECT_EQ(protect(Direction::out).spi, 0x2002u);
    EXPECT_EQ(kernel.state(0x2001), nullptr) << "nothing is sent on it any more";
    EXPECT_NE(kernel.state(0x1001), nullptr) << "late packets are taken";
    backend->remove(ChildId{1}, Duration{0});
    EXPECT_EQ(kernel.state(0x1001), nullptr);
    EXPECT_THAT(kernel.policies, SizeIs(3));
}

TEST_F(XfrmBackendTest, TheOlderOfTwoChildrenIsUsedAgainWhenTheNewerGoes) {
    ASSERT_TRUE(backend->install(spec(1)));
    ASSERT_TRUE(backend->install(spec(2)));
    EXPECT_EQ(protect(Direction::out).spi, 0x2002u);
    backend->remove(ChildId{2}, Duration{0});
    EXPECT_EQ(protect(Direction::out).spi, 0x2001u);
}

TEST_F(XfrmBackendTest, AGraceEndsByTheClock) {
    ASSERT_TRUE(backend->install(spec(1)));
    backend->remove(ChildId{1}, minute);
    EXPECT_EQ(kernel.policy(Direction::out), nullptr);
    EXPECT_NE(kernel.policy(Direction::in), nullptr);
    EXPECT_TRUE(backend->usage(ChildId{1}));
}

TEST_F(XfrmBackendTest, ATrapWaitsForItsChildAndIsThereAgainAfterIt) {
    ASSERT_TRUE(backend->install_policy(trap(5)));
    ASSERT_THAT(kernel.policies, SizeIs(3));
    EXPECT_EQ(protect(Direction::out).reqid, 3u);
    EXPECT_THAT(kernel.states, IsEmpty());
    kernel.events = {Acquire{.reqid = 3, .flow = {.source = {address("10.1.0.1"), 32}, .destination = {address("10.2.0.1"), 32}}}};
    backend->dispatch_events();
    ASSERT_THAT(acquired, SizeIs(1));
    EXPECT_EQ(acquired[0].first, PolicyId{5});
    EXPECT_EQ(acquired[0].second.remote.text(), "10.2.0.1/32");

    auto child = spec(1);
    child.reqid = 3;
    ASSERT_TRUE(backend->install(std::move(child)));
    EXPECT_EQ(protect(Direction::out).spi, 0x2001u);
    EXPECT_EQ(protect(Direction::in).source, path.remote.address);
    backend->remove(ChildId{1}, Duration{0});
    EXPECT_EQ(protect(Direction::out).spi, 0u);
    backend->remove_policy(PolicyId{5});
    EXPECT_THAT(kernel.policies, IsEmpty());
    kernel.events = {Acquire{.reqid = 3}};
    backend->dispatch_events();
    EXPECT_THAT(acquired, SizeIs(1)) << "late, of a trap that is gone";
}

TEST_F(XfrmBackendTest, ShuntsDropOrPass) {
    ASSERT_TRUE(backend->install_policy(trap(1, model::PolicyKind::drop)));
    EXPECT_TRUE(kernel.policy(Direction::out)->action.drop);
    EXPECT_FALSE(kernel.policy(Direction::out)->action.protect);
    backend->remove_policy(PolicyId{1});
    ASSERT_TRUE(backend->install_policy(trap(2, model::PolicyKind::pass)));
    EXPECT_FALSE(kernel.policy(Direction::out)->action.drop);
    EXPECT_FALSE(kernel.policy(Direction::out)->action.protect);
}

TEST_F(XfrmBackendTest, LimitsAreTheKernelsTooAndItsExpiriesAreTold) {
    auto child = spec(1);
    child.limits = {.soft_bytes = 1000, .hard_bytes = 2000, .hard_seconds = 60};
    ASSERT_TRUE(backend->install(std::move(child)));
    EXPECT_EQ(kernel.state(0x2001)->limits.hard_bytes, 2000u);
    kernel.state(0x2001)->bytes = 1200;
    kernel.events = {Expire{.id = kernel.state(0x2001)->id, .bytes = 1200}};
    backend->dispatch_events();
    EXPECT_THAT(limited, ElementsAre(ChildId{1}));
    EXPECT_EQ(backend->usage(ChildId{1})->bytes_out, 1200u);
    // At a hard one the state is gone; what it had counted is not.
    kernel.events = {Expire{.id = kernel.state(0x2001)->id, .hard = true, .bytes = 2050, .packets = 3}};
    std::erase_if(kernel.states, [](const State& state) { return state.id.spi == 0x2001; });
    backend->dispatch_events();
    EXPECT_THAT(limited, ElementsAre(ChildId{1}, ChildId{1}));
    EXPECT_EQ(backend->usage(ChildId{1})->bytes_out, 2050u);
}

TEST_F(XfrmBackendTest, UsageIsReadFromBothStates) {
    ASSERT_TRUE(backend->install(spec(1)));
    kernel.state(0x1001)->bytes = 100;
    kernel.state(0x1001)->packets = 1;
    kernel.state(0x1001)->last_used = 1'000'000 - 20;
    kernel.state(0x2001)->bytes = 900;
    kernel.state(0x2001)->packets = 9;
    const auto usage = *backend->usage(ChildId{1});
    EXPECT_EQ(usage.bytes_in, 100u);
    EXPECT_EQ(usage.packets_out, 9u);
    EXPECT_EQ(usage.last_in, now - seconds(20));
    EXPECT_FALSE(backend->usage(ChildId{2}));
}

TEST_F(XfrmBackendTest, AMappingOfThePeersNatIsTold) {
    auto child = spec(1);
    child.udp_encapsulation = true;
    child.path = {{path.local.address, 4500}, {path.remote.address, 21000}};
    ASSERT_TRUE(backend->install(std::move(child)));
    kernel.events = {Mapping{.id = kernel.state(0x1001)->id, .from = {address("192.0.2.2"), 21001}},
                     Mapping{.id = {.spi = 1, .destination = path.local.address}, .from = {address("192.0.2.2"), 1}}};
    backend->dispatch_events();
    ASSERT_THAT(moved, SizeIs(1));
    EXPECT_EQ(moved[0].remote.port, 21001);
}

TEST_F(XfrmBackendTest, AMoveKeepsKeysAndWindowAndRepeatsNoNumber) {
    ASSERT_TRUE(backend->install(spec(1)));
    kernel.state(0x2001)->replay.sent = 0x1'0000'0000;
    kernel.state(0x1001)->replay.received = 77;
    kernel.state(0x2001)->bytes = 1000;
    kernel.state(0x2001)->limits.hard_bytes = 5000;
    const model::Path elsewhere{{address("198.51.100.1"), 4500}, {address("192.0.2.2"), 4500}};
    backend->move(ChildId{1}, elsewhere, true);
    ASSERT_THAT(kernel.states, SizeIs(2));
    const State& in = *kernel.state(0x1001);
    EXPECT_EQ(in.id.destination, elsewhere.local.address);
    EXPECT_EQ(in.replay.received, 77u);
    EXPECT_EQ(in.suite.aead->key.size(), 36u);
    const State& out = *kernel.state(0x2001);
    EXPECT_EQ(out.source, elsewhere.local.address);
    EXPECT_EQ(out.encapsulation, (Encapsulation{4500, 4500}));
    EXPECT_GT(out.replay.sent, 0x1'0000'0000u) << "packets may have left between the reading and the end of the old state";
    EXPECT_EQ(out.limits.hard_bytes, 4000u) << "what it has sent already counts";
    kernel.state(0x2001)->bytes = 10;
    EXPECT_EQ(backend->usage(ChildId{1})->bytes_out, 1010u);
    EXPECT_EQ(protect(Direction::out).source, elsewhere.local.address);
    EXPECT_EQ(protect(Direction::in).destination, elsewhere.local.address);
    EXPECT_EQ(std::ranges::count(kernel.requests, XFRM_MSG_MIGRATE), 1) << "what arrives is moved in one step";
}

TEST_F(XfrmBackendTest, AMoveOfPortsAloneOrWithoutMigrationReplacesTheStates) {
    auto child = spec(1);
    child.udp_encapsulation = true;
    child.path = {{path.local.address, 4500}, {path.remote.address, 21000}};
    const model::Path first = child.path;
    ASSERT_TRUE(backend->install(std::move(child)));
    backend->move(ChildId{1}, {first.local, {first.remote.address, 21001}}, true);
    EXPECT_EQ(kernel.state(0x1001)->encapsulation, (Encapsulation{21001, 4500}));
    EXPECT_EQ(std::ranges::count(kernel.requests, XFRM_MSG_MIGRATE), 0);
    kernel.refuse[XFRM_MSG_MIGRATE] = ENOPROTOOPT;  // a kernel without CONFIG_XFRM_MIGRATE
    backend->move(ChildId{1}, {first.local, {address("203.0.113.9"), 21001}}, true);
    EXPECT_EQ(kernel.state(0x1001)->source, address("203.0.113.9"));
    EXPECT_EQ(kernel.state(0x2001)->id.destination, address("203.0.113.9"));
}

// During a rekey both children have one reqid, and the kernel's migration would take either.
TEST_F(XfrmBackendTest, BothChildrenOfARekeyMove) {
    ASSERT_TRUE(backend->install(spec(1)));
    ASSERT_TRUE(backend->install(spec(2)));
    const model::Path elsewhere{{address("198.51.100.1"), 500}, {address("192.0.2.2"), 500}};
    backend->move(ChildId{2}, elsewhere, false);
    backend->move(ChildId{1}, elsewhere, false);
    EXPECT_EQ(std::ranges::count(kernel.requests, XFRM_MSG_MIGRATE), 0);
    ASSERT_THAT(kernel.states, SizeIs(4));
    for (const std::uint32_t spi : {0x1001u, 0x1002u}) EXPECT_EQ(kernel.state(spi)->id.destination, elsewhere.local.address) << spi;
    for (const std::uint32_t spi : {0x2001u, 0x2002u}) EXPECT_EQ(kernel.state(spi)->source, elsewhere.local.address) << spi;
}

// RFC 6311 §5.2.
TEST_F(XfrmBackendTest, SequenceNumbersAreSkippedUpToTheLast) {
    auto child = spec(1);
    child.esn = false;
    ASSERT_TRUE(backend->install(std::move(child)));
    kernel.state(0x2001)->replay.sent = 5;
    backend->skip_sequence_numbers(ChildId{1}, 1000);
    EXPECT_GE(kernel.state(0x2001)->replay.sent, 1005u);
    backend->skip_sequence_numbers(ChildId{1}, ~std::uint64_t{0});
    EXPECT_EQ(kernel.state(0x2001)->replay.sent, 0xffff'ffffu);
}

TEST_F(XfrmBackendTest, AlgorithmsAreTriedOnceAndThoseThatAreMissingAreKnown) {
    kernel.missing_algorithms = {"rfc7539esp(chacha20,poly1305)", "hmac(sha384)"};
    EXPECT_TRUE(backend->can(model::Transform::of(model::Encr::aes_gcm_16, 256)));
    EXPECT_FALSE(backend->can(model::Transform::of(model::Encr::chacha20_poly1305)));
    EXPECT_TRUE(backend->can(model::Transform::of(model::Integ::hmac_sha2_256_128)));
    EXPECT_FALSE(backend->can(model::Transform::of(model::Integ::hmac_sha2_384_192)));
    EXPECT_TRUE(backend->can(model::Transform::of(model::Ke::curve25519))) << "that is not the data plane's";
    EXPECT_TRUE(backend->can(model::Transform::of(model::Integ::none)));
    const auto requests = kernel.requests.size();
    EXPECT_FALSE(backend->can(model::Transform::of(model::Encr::aes_gcm_16_iiv, 256))) << "RFC 8750 is not in the kernel";
    EXPECT_FALSE(backend->can(model::Transform::of(model::Encr::chacha20_poly1305)));
    EXPECT_EQ(kernel.requests.size(), requests);
    EXPECT_THAT(kernel.states, IsEmpty());
}

TEST_F(XfrmBackendTest, AtTheEndItTakesAwayWhatItMade) {
    ASSERT_TRUE(backend->install(spec(1)));
    ASSERT_TRUE(backend->install_policy(trap(1)));
    State others;
    others.id = {.spi = 0x9999, .destination = address("192.0.2.9")};
    kernel.states.push_back(std::move(others));
    backend.reset();
    EXPECT_THAT(kernel.policies, IsEmpty());
    EXPECT_THAT(kernel.states, SizeIs(1));
}

TEST(XfrmStatistics, EachCauseHasAName) {
    const auto drops = drops_in("XfrmInError             \t0\nXfrmInNoStates          \t17\nXfrmNewInAFutureKernel  \t9\n");
    const auto found = std::ranges::find(drops, "kernel-in-no-states", &model::PacketDrop::cause);
    ASSERT_NE(found, drops.end());
    EXPECT_EQ(found->packets, 17u);
    EXPECT_EQ(drops_in("").size(), drops.size());
}

}  // namespace
}  // namespace cygnet::dataplane
