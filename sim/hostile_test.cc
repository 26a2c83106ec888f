// The rows of hostile-inputs.md against an engine: the stage, and what must hold after each row. The program counts what is
// allocated and not freed, so that a leak of one octet in 100,000 repetitions shows.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

#include "sim/hostile_stage.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef COUNTS_ALLOCATIONS
#define COUNTS_ALLOCATIONS 1
#endif

namespace {

thread_local std::int64_t living_blocks = 0;
thread_local std::uint64_t allocations = 0;

}  // namespace

#if COUNTS_ALLOCATIONS
void* operator new(std::size_t size) {
    ++living_blocks;
    ++allocations;
    if (void* block = std::malloc(size != 0 ? size : 1)) return block;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* block) noexcept {
    if (block == nullptr) return;
    --living_blocks;
    std::free(block);
}
void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
void operator delete[](void* block, std::size_t) noexcept { operator delete(block); }
#endif

namespace cygnet::sim {
namespace {

using ike::test::address;
using model::Path;

const Path to_bystander{.local = {address("192.0.2.2"), 500}, .remote = {address("192.0.2.9"), 500}};
const model::IpAddress inner_bystander = address("10.9.0.1"), inner_victim = address("10.2.0.1");

constexpr const char* suites =
    "aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes256gcm16-prfsha384-x25519,aes256gcm16-prfsha256-ecp256,"
    "aes256gcm16-prfsha256-modp2048";

// Time passes quickly here.
void never_rekeys(model::Connection& connection) {
    connection.rekey_time = Duration{0};
    connection.children.front().lifetime = {.rekey_time = Duration{0}, .life_time = Duration{0}};
}

// The connection "by" beside "gw" of the tests in src/ike: the bystander's.
model::Connection bystander_connection(bool at_victim) {
    const auto selector = [](const char* text) { return std::vector{*model::ConfiguredSelector::parse(text)}; };
    model::Connection made = ike::test::connection(!at_victim);
    made.name = "by";
    (at_victim ? made.remote : made.local).front().id = model::Identity::parse("bystander.example");
    made.children.front().name = "by";
    never_rekeys(made);
    (at_victim ? made.children.front().remote_ts : made.children.front().local_ts) = selector("10.9.0.0/16");
    return made;
}

}  // namespace

HostileStage::HostileStage(ike::EngineSettings settings) : victim(2, settings) {
    victim.keeps_events = bystander_.keeps_events = false;
    configure(ike::test::connection(false));
    bystander_.step(peer.now, ike::Configure{ike::test::config_of(bystander_connection(false)), nullptr});
    const Path path{.local = to_bystander.remote, .remote = to_bystander.local};
    bystander_.step(peer.now, ike::Initiate{.id = {}, .connection = "by", .child = "by", .path = path});
    exchange_with_bystander();
}

void HostileStage::configure(model::Connection gateway, std::shared_ptr<const ike::Credentials> credentials) {
    configure(std::move(gateway), suites, std::move(credentials));
}

void HostileStage::configure(model::Connection gateway, const char* proposals, std::shared_ptr<const ike::Credentials> credentials) {
    never_rekeys(gateway);
    gateway.proposals = *model::parse_proposals(model::Protocol::ike, proposals);
    auto config = ike::test::config_of(std::move(gateway));
    config->connections["by"] = std::make_shared<const model::Connection>(bystander_connection(true));
    peer.step(ike::Configure{std::move(config), std::move(credentials)});
}

void HostileStage::exchange_with_bystander() {
    while (!bystander_.outbox.empty() || !victim.outbox.empty()) {
        if (!bystander_.outbox.empty()) {
            const ike::Send send = std::move(bystander_.outbox.front());
            bystander_.outbox.pop_front();
            peer.step(ike::Datagram{.path = to_bystander, .bytes = send.datagram});
        } else {
            const ike::Send send = std::move(victim.outbox.front());
            victim.outbox.pop_front();
            const Path path{.local = to_bystander.remote, .remote = to_bystander.local};
            if (send.path.remote == path.local) bystander_.step(peer.now, ike::Datagram{.path = path, .bytes = send.datagram});
        }
    }
    follow(victim, backend_);
    follow(bystander_, bystander_backend_);
}

void HostileStage::follow(ike::test::Node& node, FakeBackend& backend) {
    for (const model::ChildSaSpec& spec : std::exchange(node.installed, {})) backend.install(spec);
    for (const model::ChildId child : std::exchange(node.activated, {})) backend.activate(child, model::every_resource);
    for (const model::ChildId child : std::exchange(node.removed, {})) backend.remove(child, peer.now);
}

void HostileStage::forget_children() {
    for (const model::ChildId child : std::exchange(victim.removed, {}))
        if (backend_.pairs().contains(child)) backend_.remove(child, peer.now);
    victim.installed.clear();
    victim.done.clear();
    victim.assigned.clear();
    victim.keepalives.clear();
    victim.moved.clear();
    victim.activated.clear();
}

bool HostileStage::bystander_is_well() {
    const auto carries = [&](FakeBackend& from, FakeBackend& to, model::IpAddress source, model::IpAddress destination) {
        const auto packet = from.send({.source = source, .destination = destination, .serial = ++serial_}, peer.now);
        return packet && to.receive(packet->packet, peer.now).verdict == FakeBackend::Verdict::delivered;
    };
    const auto talks = [&] {
        return carries(backend_, bystander_backend_, inner_victim, inner_bystander) &&
               carries(bystander_backend_, backend_, inner_bystander, inner_victim);
    };
    if (!talks()) return false;
    bystander_.step(peer.now, ike::Rekey{.id = {}, .which = {.child = "by"}});
    exchange_with_bystander();
    const auto all = bystander_.engine.list(peer.now);
    return talks() && all.size() == 1 && all.front().children.size() == 1 && all.front().children.front().spi_in != 0;
}

std::vector<Bytes> HostileStage::say(ByteView datagram, std::uint8_t last_octet) {
    Path path = ike::test::ScriptedPeer::path();
    if (last_octet != 0) path.remote.address = model::IpAddress::v4(0xcb007100U + last_octet);
    peer.step(ike::Datagram{.path = path, .bytes = datagram});
    std::vector<Bytes> replies = peer.sent();
    std::size_t octets = 0;
    for (const Bytes& reply : replies) octets += reply.size();
    replies_max = std::max(replies_max, replies.size());
    excessive_replies += octets > datagram.size();
    octets_in += datagram.size();
    octets_out += octets;
    return replies;
}

std::vector<ike::test::ScriptedPeer::Answer> HostileStage::say(model::ExchangeType exchange, wire::MessageBuilder message) {
    return peer.opened(say(peer.sealed(peer.header(exchange, peer.next_id++), message.take_chain())));
}

void HostileStage::meet_new_peer() {
    peer.spis = {.initiator = ++spi_, .responder = 0};
    peer.protection.reset();
    peer.next_id = 1;
    peer.sent_value.clear();
}

void HostileStage::greet(const char* proposal, Bytes value) {
    // However often a row is repeated, it comes slowly enough to meet neither cookies nor puzzles (limits.h: requests and wasted
    // secrets per second), which have rows of their own.
    pass(milliseconds(25));
    meet_new_peer();
    peer.sent_value = std::move(value);
    peer.init(proposal);
    if (!peer.protection) throw std::runtime_error("the first request was not answered with keys: " + victim.log());
}

void HostileStage::establish() {
    greet();
    peer.send(model::ExchangeType::ike_auth, peer.auth());
}

void HostileStage::leave() {
    wire::MessageBuilder message;
    message.add(wire::DeletePayload{.protocol = model::Protocol::ike, .spi_size = 0, .spis = {}});
    peer.send(model::ExchangeType::informational, std::move(message));
}

void HostileStage::pass(Duration time) {
    const Instant end = peer.now + time;
    while (victim.engine.next_deadline() <= end) {
        peer.now = std::max(peer.now, victim.engine.next_deadline());
        peer.step(ike::Tick{});
        peer.sent();
    }
    peer.now = end;
}

namespace {

void repeat(HostileStage& stage, const Row& row, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        row.act(stage);
        ++stage.turn;
        stage.forget_children();
    }
    if (row.left == Left::nothing) stage.pass(minutes(2));
}

// As many as the row says, or as whoever has the time for more says: make hostile.
std::size_t repetitions_of(const Row& row) {
    if (const char* wanted = std::getenv("CYGNET_HOSTILE_REPETITIONS")) return std::strtoul(wanted, nullptr, 10);
    return COUNTS_ALLOCATIONS ? row.repetitions : std::min<std::size_t>(row.repetitions, 3000);
}

}  // namespace

void run_row(const Row& row) {
    // Certificates of the tests are valid then.
    HostileStage stage({.unix_seconds_at_start = 1'800'000'000});
    if (row.prepare != nullptr) row.prepare(stage);
    const std::size_t repetitions = repetitions_of(row);
    // Tables and buffers have their size, and counters their connection, when a few repetitions are over.
    repeat(stage, row, 64);
    const std::size_t sas = stage.sas();
    const auto blocks = living_blocks;
    const std::uint64_t counted = stage.count(row.counter);
    stage.replies_max = stage.excessive_replies = 0;
    stage.octets_in = stage.octets_out = 0;
    repeat(stage, row, repetitions);
    EXPECT_EQ(living_blocks, blocks) << "memory is back to the start";
    EXPECT_EQ(stage.sas(), sas) << "no state is left";
    if (row.left == Left::nothing) {
        EXPECT_EQ(sas, 1u) << "but the bystander's";
    }
    EXPECT_GE(stage.count(row.counter), counted + repetitions) << name_of(row.counter);
    EXPECT_LE(stage.replies_max, 1u);
    if (!row.authenticated) {
        if (!row.begins) {
            EXPECT_EQ(stage.excessive_replies, 0u) << "no reply is longer than what it answers";
        }
        EXPECT_LE(stage.octets_out, stage.octets_in) << "nothing is amplified";
    }
    EXPECT_TRUE(stage.bystander_is_well());
}

namespace {

TEST(HostileStage, counts_allocations) {
    if (!COUNTS_ALLOCATIONS) GTEST_SKIP() << "the sanitizer owns the heap";
    const auto before = living_blocks;
    const auto block = std::make_unique<int>(1);
    EXPECT_EQ(living_blocks, before + 1);
}

TEST(HostileStage, has_a_bystander_who_is_well) {
    HostileStage stage;
    EXPECT_TRUE(stage.bystander_is_well());
    EXPECT_TRUE(stage.bystander_is_well());
}

TEST(HostileStage, knows_a_bystander_who_is_not) {
    HostileStage stage;
    stage.peer.step(ike::Terminate{.id = {}, .which = {.ike = "by"}, .force = true});
    EXPECT_FALSE(stage.bystander_is_well());
}

// RFC 7296 §2.6: what a flood gets costs one allocation, the reply itself (the list that it is in has its size already).
TEST(HostileStage, answers_with_a_cookie_at_the_cost_of_the_reply) {
    if (!COUNTS_ALLOCATIONS) GTEST_SKIP() << "the sanitizer owns the heap";
    HostileStage stage({.always_cookie = true});
    wire::MessageBuilder message;
    message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519")});
    message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(32, 9)});
    message.add(wire::NoncePayload{Bytes(32, 7)});
    const Bytes request = message.finish({.spi_i = 1, .exchange = model::ExchangeType::ike_sa_init, .initiator = true});
    ike::Effects effects;
    effects.reserve(8);
    const auto before = allocations;
    stage.victim.engine.step(stage.peer.now, ike::Datagram{.path = ike::test::ScriptedPeer::path(), .bytes = request}, effects);
    EXPECT_EQ(allocations, before + 1);
    ASSERT_EQ(effects.size(), 1u);
    EXPECT_LE(std::get<ike::Send>(effects.front()).datagram.size(), request.size());
}

}  // namespace
}  // namespace cygnet::sim
