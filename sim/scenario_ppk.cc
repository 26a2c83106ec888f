// Postquantum preshared keys on bad links: RFC 8784, RFC 9867, one-time keys, and how they change.
#include <set>

#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

using model::Counter;
using model::PpkExchange;
using model::PpkRekey;

constexpr const char* key = "one key for all time, of two sides";
constexpr unsigned five_percent = 50;  // in 1000

std::string ppk_of(const Node& node) {
    const auto all = node.list();
    return all.size() == 1 ? all.front().ppk_id.value_or("") : "";
}

// Both ends use the same one.
void expect_ppk(World& world, const Gateways& gateways) {
    const std::string at_a = ppk_of(gateways.a);
    world.expect(!at_a.empty() && at_a == ppk_of(gateways.b), "both ends use the same PPK");
}

void comes_up_with(World& world, const GatewayOptions& options) {
    world.network.link.loss = five_percent;
    Gateways gateways(world, options);
    gateways.up(minutes(5));
    expect_ppk(world, gateways);
    world.network.link.loss = 0;
    world.rekey(gateways.b, the_ike);
    world.rekey(gateways.a, the_child);
    gateways.rest();
    expect_ppk(world, gateways);
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

void by_auth(World& world) {
    comes_up_with(world, {.ike = hybrid, .ppk = key, .ppk_use = {.required = true, .exchange = PpkExchange::auth}});
}
void by_intermediate(World& world) {
    comes_up_with(world, {.ike = hybrid, .ppk = key, .ppk_use = {.required = true, .exchange = PpkExchange::intermediate}});
}
void by_intermediate_alone(World& world) { comes_up_with(world, {.ppk = key, .ppk_use = {.required = true}}); }

// Every rekey takes a key of its own, at both ends, whatever is lost.
void every_rekey_has_its_own(World& world) {
    world.network.link.loss = five_percent;
    Gateways gateways(world, {.ike = hybrid, .esp = "aes256gcm16-x25519-ke1_mlkem768", .pads = 40, .ppk_use = {.required = true, .rekey = PpkRekey::required}});
    gateways.up(minutes(5));
    std::string last = ppk_of(gateways.a);
    for (int i = 0; i < 4; ++i) {
        world.rekey(i % 2 == 0 ? gateways.a : gateways.b, the_ike);
        gateways.rest();
        expect_ppk(world, gateways);
        world.expect(ppk_of(gateways.a) != last, "the rekey took another PPK");
        last = ppk_of(gateways.a);
        world.rekey(i % 2 == 0 ? gateways.b : gateways.a, the_child);
        gateways.rest();
        const auto child = gateways.a.list().front().children.front().ppk_id;
        world.expect(child.has_value() && child == gateways.b.list().front().children.front().ppk_id, "the child has one of its own");
    }
    world.network.link.loss = 0;
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

// What a has used stays used, although it forgets everything else.
void crashes_use_no_key_twice(World& world) {
    Gateways gateways(world, {.pads = 20, .ppk_use = {.required = true}});
    std::set<std::string> seen;
    for (int i = 0; i < 5; ++i) {
        gateways.up(minutes(5));
        expect_ppk(world, gateways);
        world.expect(seen.insert(ppk_of(gateways.a)).second, "no PPK comes a second time");
        gateways.a.crash();
        gateways.b.crash();
        world.run_for(seconds(1));
        gateways.a.start();
        gateways.b.start();
    }
}

// One end has run out of what the other demands.
void the_pads_run_out(World& world) {
    Gateways gateways(world, {.pads = 1, .ppk_use = {.required = true}});
    gateways.up();
    world.terminate(gateways.a, the_ike);
    world.run_until([&] { return gateways.is_down(); }, minutes(1));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_until([&] { return gateways.a.outcome(command).has_value(); }, minutes(5));
    world.expect(gateways.a.outcome(command) && !*gateways.a.outcome(command), "nothing comes up without a PPK");
    world.expect(gateways.a.engine().counters()[Counter::ppk_unavailable] == 1, "and a knows why");
    world.run_until([&] { return gateways.is_down(); }, minutes(5));
    world.expect(gateways.is_down(), "and nothing is left");
}

constexpr Scenario scenarios[] = {
    {"a PPK goes into IKE_AUTH at 5 % loss", by_auth},
    {"a PPK goes into IKE_INTERMEDIATE with ML-KEM at 5 % loss", by_intermediate},
    {"a PPK has an IKE_INTERMEDIATE exchange of its own at 5 % loss", by_intermediate_alone},
    {"every rekey has a one-time PPK of its own at 5 % loss", every_rekey_has_its_own},
    {"crashes use no one-time PPK twice", crashes_use_no_key_twice},
    {"the one-time PPKs run out", the_pads_run_out},
};

}  // namespace

std::span<const Scenario> ppk_scenarios() { return scenarios; }

}  // namespace cygnet::sim
