// Public values that no payload holds, in pieces: docs/protocol/large-key-exchange.md.
#include "crypto/key_exchange.h"
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

using model::Counter;

// 261,120 octets, and the largest with 1,357,824.
constexpr const char* small = "aes256gcm16-prfsha384-x25519-ke1_mceliece348864";
constexpr const char* largest = "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_mceliece8192128f";
constexpr unsigned five_percent = 50;  // in 1000

std::uint64_t count(const Node& node, Counter counter) { return node.engine().counters()[counter]; }

void expect_one_transfer(World& world, const Gateways& gateways) {
    world.expect(count(gateways.a, Counter::large_key_sent) == 1 && count(gateways.b, Counter::large_key_received) == 1,
                 "one large public value went from a to b");
}

void carries_traffic(World& world, Gateways& gateways) {
    world.network.link.loss = 0;
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

void comes_up_with(World& world, const GatewayOptions& options, Duration limit) {
    Gateways gateways(world, options);
    gateways.up(limit);
    expect_one_transfer(world, gateways);
    carries_traffic(world, gateways);
}

void on_a_good_link(World& world) {
    Gateways gateways(world, {.ike = small});
    gateways.up(seconds(2));
    expect_one_transfer(world, gateways);
    world.expect(count(gateways.a, Counter::retransmitted) == 0, "nothing was sent twice");
    world.expect(count(gateways.a, Counter::intermediate_out_req) < 12, "the pieces grow where nothing is lost");
}

// Lost, doubled and reordered fragments; only what was lost is sent again.
void on_a_lossy_link(World& world) {
    world.network.link = {.delay = milliseconds(20), .jitter = milliseconds(5), .loss = five_percent, .duplication = 20, .detour = 10};
    comes_up_with(world, {.ike = small}, minutes(1));
}

void the_largest(World& world) {
    world.network.link.loss = five_percent;
    comes_up_with(world, {.ike = largest}, minutes(2));
}

void over_tcp(World& world) {
    world.network.link.loss = five_percent;
    comes_up_with(world, {.ike = largest, .tcp = model::Tcp::always, .tcp_port = 4500}, minutes(1));
}

// A path that carries 1000 octets: the first piece shows it.
void on_a_narrow_link(World& world) {
    world.network.link.mtu_octets = 1000;
    comes_up_with(world, {.ike = small}, minutes(1));
}

// Each piece fits one datagram.
void without_fragmentation(World& world) {
    world.network.link = {.loss = five_percent, .mtu_octets = 1280};
    comes_up_with(world, {.ike = small, .fragmentation = model::Fragmentation::no}, minutes(3));
}

// RFC 9370 §2.2.4: the rekeys' values come in IKE_FOLLOWUP_KE exchanges, from either side.
void in_rekeys(World& world) {
    world.network.link.loss = five_percent;
    Gateways gateways(world, {.ike = small, .esp = "aes256gcm16-x25519-ke1_mceliece348864f"});
    gateways.up(minutes(1));
    for (int i = 0; i < 2; ++i) {
        world.rekey(i == 0 ? gateways.a : gateways.b, the_ike);
        gateways.rest();
        world.rekey(i == 0 ? gateways.b : gateways.a, the_child);
        gateways.rest();
    }
    world.expect(count(gateways.a, Counter::large_key_sent) == 3 && count(gateways.b, Counter::large_key_sent) == 2,
                 "each rekey brought a value, each side two of them");
    carries_traffic(world, gateways);
}

// Both rekey at once: one of them gives up in the midst of its pieces.
void in_rekeys_that_cross(World& world) {
    Gateways gateways(world, {.ike = small});
    gateways.up();
    world.rekey(gateways.a, the_ike);
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.expect(gateways.is_up(), "one IKE SA and one child remain");
    carries_traffic(world, gateways);
}

// The link is cut in the midst of a transfer, for as long as a request is repeated: it goes on where it stood.
void after_a_cut(World& world) {
    Gateways gateways(world, {.ike = small});
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_until([&] { return count(gateways.b, Counter::intermediate_in_req) == 3; }, seconds(5));
    world.network.link.cut = true;
    world.run_for(seconds(12));
    world.network.link.cut = false;
    world.run_until([&] { return gateways.a.outcome(command).has_value(); }, seconds(30));
    world.expect(gateways.is_up(), "the transfer went on");
    expect_one_transfer(world, gateways);
}

// The initiator is gone for good: what came of its value is let go.
void the_initiator_vanishes(World& world) {
    Gateways gateways(world, {.ike = small});
    world.initiate(gateways.a, gateways.b);
    world.run_until([&] { return count(gateways.b, Counter::intermediate_in_req) == 3; }, seconds(5));
    gateways.a.crash();
    world.run_for(seconds(70));
    world.expect(gateways.b.list().empty(), "b has forgotten the half of it");
    gateways.a.start();
    gateways.up();
}

void with_a_ppk(World& world) {
    world.network.link.loss = five_percent;
    Gateways gateways(world, {.ike = small, .ppk = "one key for all time, of two sides",
                              .ppk_use = {.required = true, .exchange = model::PpkExchange::intermediate}});
    gateways.up(minutes(1));
    const auto all = gateways.b.list();
    world.expect(all.size() == 1 && all.front().ppk_id == "k1", "the PPK came with the last piece");
}

constexpr Scenario scenarios[] = {
    {"a large public value comes in pieces", on_a_good_link},
    {"a large public value comes in pieces at 5 % loss", on_a_lossy_link},
    {"the largest public value comes in pieces at 5 % loss", the_largest},
    {"the largest public value comes in pieces over TCP", over_tcp},
    {"a large public value on a narrow path", on_a_narrow_link},
    {"a large public value without fragmentation", without_fragmentation},
    {"rekeys with large public values at 5 % loss", in_rekeys},
    {"rekeys with large public values cross", in_rekeys_that_cross},
    {"the link is cut while a large public value comes", after_a_cut},
    {"the initiator vanishes while its large public value comes", the_initiator_vanishes},
    {"a PPK comes with the last piece of a large public value", with_a_ppk},
};

}  // namespace

std::span<const Scenario> large_key_scenarios() {
    // Builds without the library of these methods say so when they are configured.
    if (!crypto::shape_of(model::Ke::mceliece_348864)) return {};
    return scenarios;
}

}  // namespace cygnet::sim
