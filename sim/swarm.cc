#include "sim/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/hosts.h"

namespace cygnet::sim {
namespace {

// A third of all worlds is perfect: there no packet may be lost.
enum class Weather : std::uint8_t { perfect, fair, foul };

struct Plan {
    GatewayOptions at_a{}, at_b{};
    Weather weather{};
    LinkSettings link{};
    Faults faults{};
    bool nat = false, crashes = false, deletions = false, reauthentications = false, resets = false, moves = false;
    unsigned operations = 0;
    Duration active{};

    std::string text() const;
};

std::string Plan::text() const {
    return fmt::format("ike {} esp {}, delay {} ms, loss {}, duplication {}, detours {} in 1000, MTU {}, jobs up to {} ms{}{}{}{}{}{}, {} operations in {} s{}{}",
                       at_a.ike, at_a.esp, link.delay.count() / 1000, link.loss, link.duplication, link.detour, link.mtu_octets,
                       faults.job_delay.count() / 1000, nat ? ", NAT" : "", at_a.tcp == model::Tcp::no ? "" : resets ? ", TCP with resets" : ", TCP", crashes ? ", crashes" : "", deletions ? ", deletions" : "", reauthentications ? ", reauthentications" : "", moves ? ", moves" : at_a.mobike ? "" : ", no MOBIKE", operations,
                       active.count() / 1'000'000, at_a.ike_rekey_time > Duration{0} ? ", short lifetimes" : "", at_a.pads != 0 ? ", one-time PPKs" : at_a.ppk != nullptr ? ", a PPK" : "") +
           (at_a.ipcomp && at_b.ipcomp ? ", IPComp" : "");
}

template <class T, std::size_t n>
T pick(Rng& rng, const T (&from)[n]) {
    return from[rng.below(n)];
}

bool chance(Rng& rng, unsigned one_in) { return rng.below(one_in) == 0; }

Duration draw(Rng& rng, Duration least, Duration most) {
    return least + Duration{static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>((most - least).count()) + 1))};
}

// docs/protocol/large-key-exchange.md.
constexpr const char* in_pieces = "aes256gcm16-prfsha384-x25519-ke1_mceliece348864f";
bool has_mceliece() { return crypto::shape_of(model::Ke::mceliece_348864f).has_value(); }

// Without fragments a public value of Frodo fits no datagram, and those in pieces take a minute.
bool sends_large_values(const GatewayOptions& side) {
    const std::string_view ike = side.ike;
    return ike == frodo_hybrid || ike == in_pieces;
}

// RFC 8784 or RFC 9867, with one key for all time or with one-time keys, which also go into rekeys.
void draw_ppk(GatewayOptions& side, Rng& rng) {
    if (!chance(rng, 3)) return;
    side.ppk_use.exchange = pick(rng, {model::PpkExchange::any, model::PpkExchange::auth, model::PpkExchange::intermediate});
    if (chance(rng, 2)) side.ppk = "one key for all time, of two sides";
    if (side.ppk == nullptr || chance(rng, 2)) side.pads = 200;
    if (side.pads != 0) side.ppk_use.rekey = pick(rng, {model::PpkRekey::no, model::PpkRekey::yes});
    side.ppk_use.required = side.ppk != nullptr && chance(rng, 2);
}

void draw_options(Plan& plan, Rng& rng) {
    static constexpr const char* ike[] = {classic, classic, hybrid, hybrid_or_classic, "aes256-sha256-x25519", "aes256gcm16-prfsha384-x25519-ecp256"};
    static constexpr const char* esp[] = {"aes256gcm16", "aes256gcm16-x25519", "aes256gcm16-x25519-ke1_mlkem768", "chacha20poly1305", "aes128gcm16-x25519,aes256gcm16-ecp256"};
    plan.at_a.ike = pick(rng, ike);
    const auto larger = rng.below(12);
    if (larger == 0) plan.at_a.ike = has_frodo() ? frodo_hybrid : hybrid;
    if (larger == 1) plan.at_a.ike = has_mceliece() ? in_pieces : hybrid;
    plan.at_a.esp = pick(rng, esp);
    if (chance(rng, 3)) {
        plan.at_a.ike_rekey_time = draw(rng, seconds(60), seconds(300));
        plan.at_a.child_rekey_time = draw(rng, seconds(40), seconds(200));
    }
    if (chance(rng, 6)) plan.at_a.reauth_time = draw(rng, seconds(60), seconds(300));
    if (chance(rng, 6)) plan.at_a.rounds_a = plan.at_a.rounds_b = 2;
    if (chance(rng, 6) && !sends_large_values(plan.at_a)) plan.at_a.fragmentation = model::Fragmentation::no;
    plan.at_a.encap = chance(rng, 6);
    plan.at_a.fragment_size = pick(rng, {std::size_t{1280}, std::size_t{1280}, std::size_t{1500}});
    plan.at_a.mobike = !chance(rng, 4);
    plan.at_a.return_routability = !chance(rng, 4);
    plan.at_a.resumption = pick(rng, {model::Resumption::no, model::Resumption::stateful, model::Resumption::ticket});
    plan.at_a.crash_detection = chance(rng, 2);
    plan.at_a.window = pick(rng, {1U, 1U, 4U, 16U});
    draw_ppk(plan.at_a, rng);
    plan.at_b = plan.at_a;
    static constexpr model::Childless childless[] = {model::Childless::allow, model::Childless::prefer, model::Childless::never};
    for (GatewayOptions* side : {&plan.at_a, &plan.at_b})
        side->tune = [how = pick(rng, childless)](model::Connection& connection) { connection.childless = how; };
    if (chance(rng, 3)) plan.at_a.dpd_action = model::Action::start;
    if (chance(rng, 4)) plan.at_b.resumption = model::Resumption::no;
    if (chance(rng, 4)) plan.at_a.downgrade_protection = model::DowngradeProtection::off;
    if (chance(rng, 4)) plan.at_b.downgrade_protection = model::DowngradeProtection::off;
    plan.at_b.engine.always_cookie = chance(rng, 4);
    if (chance(rng, 8)) plan.at_b.engine.puzzles = ike::Puzzles::always;
    plan.at_b.engine.puzzle_difficulty_min = 8;
    // One end may insist on what both offer. They may disagree about the group that comes first, and about ML-KEM.
    const bool always_post_quantum = std::string_view(plan.at_a.ike) == hybrid || std::string_view(plan.at_a.ike) == frodo_hybrid;
    if (always_post_quantum && chance(rng, 2)) {
        GatewayOptions& strict = chance(rng, 2) ? plan.at_a : plan.at_b;
        strict.post_quantum = model::PostQuantum::required;
        if (std::string_view(strict.esp) != "aes256gcm16-x25519-ke1_mlkem768") plan.at_a.esp = plan.at_b.esp = "aes256gcm16";
    }
    if (std::string_view(plan.at_a.ike) == hybrid_or_classic && chance(rng, 2)) plan.at_b.ike = classic;
}

void draw_weather(Plan& plan, Rng& rng) {
    plan.weather = pick(rng, {Weather::perfect, Weather::fair, Weather::foul});
    plan.link.delay = draw(rng, milliseconds(1), milliseconds(80));
    if (plan.weather == Weather::perfect) return;
    plan.link.jitter = draw(rng, Duration{0}, milliseconds(60));
    plan.link.duplication = static_cast<unsigned>(rng.below(100));
    plan.link.detour = static_cast<unsigned>(rng.below(50));
    if (chance(rng, 2)) plan.faults = {.job_delay = draw(rng, Duration{0}, seconds(1)), .job_stall = static_cast<unsigned>(rng.below(100))};
    plan.nat = chance(rng, 3);
    if (plan.at_a.fragmentation == model::Fragmentation::yes && chance(rng, 3)) plan.link.mtu_octets = 1280;
    if (plan.weather == Weather::fair) return;
    plan.link.loss = static_cast<unsigned>(rng.below(300));
    plan.crashes = chance(rng, 3);
}

// Over TCP from the start, or because nothing else passes.
void draw_tcp(Plan& plan, Rng& rng) {
    plan.link.udp_blocked = chance(rng, 2);
    plan.at_a.tcp = plan.at_b.tcp = plan.link.udp_blocked ? model::Tcp::fallback : model::Tcp::always;
    plan.at_a.tcp_port = plan.at_b.tcp_port = 4500;
    plan.resets = plan.weather != Weather::perfect && chance(rng, 2);
}

Plan draw_plan(Rng& rng) {
    Plan plan;
    draw_options(plan, rng);
    draw_weather(plan, rng);
    plan.deletions = chance(rng, 3);
    plan.reauthentications = chance(rng, 3);
    if (chance(rng, 6)) draw_tcp(plan, rng);
    plan.moves = plan.at_a.mobike && plan.at_a.tcp == model::Tcp::no && chance(rng, 2);
    plan.operations = static_cast<unsigned>(1 + rng.below(10));
    plan.active = draw(rng, seconds(5), seconds(240));
    for (GatewayOptions* side : {&plan.at_a, &plan.at_b}) side->ipcomp = !chance(rng, 3);
    return plan;
}

// To another address; the others go on receiving, as uplinks do that are no longer the best.
void wander(World& world, Gateways& gateways, bool at_a) {
    const std::vector<model::IpAddress> places = at_a ? std::vector{address_a, address_a2, address_a3} : std::vector{address_b, address_b2};
    Node& who = at_a ? gateways.a : gateways.b;
    const model::IpAddress here = places[world.rng.below(places.size())];
    std::vector<model::IpAddress> others = places;
    std::erase(others, here);
    if (here != who.address()) who.move({here}, std::move(others));
}

// Something that an operator, or fate, does at a random moment.
void act(World& world, Gateways& gateways, const Plan& plan, unsigned kind, bool at_a) {
    Node &here = at_a ? gateways.a : gateways.b, &there = at_a ? gateways.b : gateways.a;
    if (!here.running()) return;
    switch (kind) {
        case 0:
        case 1:
        case 2: world.rekey(here, the_child); return;
        case 3: world.rekey(here, the_ike); return;
        case 4:
            if (plan.reauthentications) world.reauthenticate(here, the_ike);
            else world.rekey(here, the_ike);
            return;
        case 5:
            if (plan.deletions) world.terminate(here, the_child);
            return;
        case 6:
            if (plan.deletions) world.terminate(here, the_ike);
            return;
        case 7:
            if (plan.deletions && (at_a || !plan.nat)) world.initiate(here, there);
            return;
        case 8:
            if (plan.nat) world.network.nat->rebind();
            if (plan.resets) world.streams.reset(at_a);
            return;
        case 9:
        case 10:
            if (plan.moves) wander(world, gateways, at_a);
            return;
        default: break;
    }
    if (!plan.crashes) return;
    here.crash();
    world.after(seconds(3), [&here] { here.start(); });
}

void live(World& world, Gateways& gateways, const Plan& plan) {
    for (unsigned i = 0; i < plan.operations; ++i) {
        const auto kind = static_cast<unsigned>(world.rng.below(12));
        const bool at_a = chance(world.rng, 2);
        const Duration when = draw(world.rng, Duration{0}, plan.active);
        world.after(when, [&world, &gateways, &plan, kind, at_a] { act(world, gateways, plan, kind, at_a); });
        // Crossing exchanges are what we are after: often the other side does something in the same moment.
        if (chance(world.rng, 2))
            world.after(when + draw(world.rng, Duration{0}, milliseconds(100)), [&world, &gateways, &plan, other = static_cast<unsigned>(world.rng.below(7)), at_a] {
                act(world, gateways, plan, other, !at_a);
            });
    }
    world.run_for(plan.active + seconds(4));
}

// One-time keys that one end has offered in a message that was lost are spent there alone: the other end's first choice can be one
// of them, which is refused and gone, and the operator tries again (docs/decisions/0023).
bool comes_up(World& world, Gateways& gateways, bool one_time_keys) {
    for (int tries = one_time_keys ? 3 : 1; tries > 0; --tries) {
        const auto command = world.initiate(gateways.a, gateways.b);
        world.run_until([&] { return gateways.a.outcome(command).has_value(); }, minutes(1));
        if (gateways.a.outcome(command) && gateways.a.outcome(command)->has_value()) return true;
    }
    return false;
}

void end_in_peace(World& world, Gateways& gateways, bool one_time_keys) {
    world.network.link = {.delay = world.network.link.delay,
                          .mtu_octets = world.network.link.mtu_octets,
                          .udp_blocked = world.network.link.udp_blocked};
    world.faults = {};
    // The longest wait: a request that goes out for the last time, and an end that notices by liveness.
    if (!gateways.rest(minutes(14))) return;
    world.expect(gateways.a.backend().living() <= world.initiated(), "no child is there twice");
    if (gateways.a.backend().living() == 0) {
        world.expect(comes_up(world, gateways, one_time_keys), "a tunnel comes up in peace");
        gateways.rest(minutes(2));
    }
    const auto before = world.flows().front().delivered;
    world.run_for(seconds(3));
    world.expect(world.flows().front().delivered > before, "packets arrive in peace");
}

}  // namespace

std::string run_swarm(World& world) {
    const Plan plan = draw_plan(world.rng);
    world.network.link = plan.link;
    world.faults = plan.faults;
    if (plan.nat) world.network.nat.emplace(address_a, model::IpAddress::v4(0xcb007109), seconds(60));
    Gateways gateways(world, plan.at_a, plan.at_b);
    const bool perfect = plan.weather == Weather::perfect && !plan.deletions;
    world.initiate(gateways.a, gateways.b);
    if (perfect) world.run_until([&] { return gateways.is_up(); }, seconds(30));
    gateways.talk(milliseconds(perfect ? 50 : 500));
    live(world, gateways, plan);
    if (!world.failed()) end_in_peace(world, gateways, plan.at_a.pads != 0);
    if (perfect && !world.failed()) gateways.expect_nothing_lost();
    world.stop_traffic();
    if (world.failed()) return plan.text();
    world.terminate(gateways.a, the_ike);
    world.run_until([&] { return gateways.is_down(); }, minutes(10));
    world.expect(gateways.is_down(), "nothing is left after the terminate");
    return plan.text();
}

}  // namespace cygnet::sim
