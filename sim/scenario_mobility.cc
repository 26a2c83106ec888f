// Hosts that move (RFC 4555), and gateways that send their peers elsewhere (RFC 5685).
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

const model::IpAddress a_v6 = *model::IpAddress::parse("2001:db8::a"), b_v6 = *model::IpAddress::parse("2001:db8::b");
const model::IpAddress nat_outside = model::IpAddress::v4(0xcb007109);

model::Endpoint peer_of(const Node& node) { return node.list().front().path.remote; }

// RFC 4555 §3.5: ESP goes on by both paths as long as both live.
void under_load(World& world, const GatewayOptions& options) {
    Gateways gateways(world, options);
    gateways.up();
    gateways.talk();
    world.run_for(milliseconds(500));
    for (const auto& [here, old] : {std::pair{address_a2, address_a}, std::pair{address_a3, address_a2}, std::pair{address_a, address_a3}}) {
        gateways.a.move({here}, {old});
        gateways.rest(seconds(10));
        world.run_for(milliseconds(300));
        world.expect(peer_of(gateways.b).address == here, "b follows");
    }
    world.expect(gateways.b.reported().ike_moved == 3, "each move is reported once");
    gateways.expect_nothing_lost();
}

void moves_under_load(World& world) { under_load(world, {}); }
void moves_without_proof(World& world) { under_load(world, {.return_routability = false}); }

// RFC 7296 §2.25, hostile inputs C10: a move in the middle of everything else.
void moves_while_rekeying(World& world) {
    world.network.link.jitter = milliseconds(5);
    Gateways gateways(world, {.ike = hybrid, .esp = "aes256gcm16-x25519-ke1_mlkem768"});
    gateways.up();
    gateways.talk();
    bool away = false;
    for (const auto& [by_a, what] : {std::pair{true, the_child}, std::pair{false, the_child}, std::pair{true, the_ike}, std::pair{false, the_ike}}) {
        for (const Duration gap : {milliseconds(0), milliseconds(11), milliseconds(25), milliseconds(47)}) {
            world.rekey(by_a ? gateways.a : gateways.b, what);
            world.run_for(gap);
            away = !away;
            gateways.a.move({away ? address_a2 : address_a}, {away ? address_a : address_a2});
            gateways.rest();
            world.run_for(seconds(7));
            world.expect(gateways.is_up(), "one IKE SA and one child remain");
            world.expect(peer_of(gateways.b).address == gateways.a.address(), "b follows");
        }
    }
    gateways.expect_nothing_lost();
}

void moves_while_being_deleted(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    world.terminate(gateways.b, the_ike);
    gateways.a.move({address_a2});
    world.run_for(minutes(1));
    world.expect(gateways.is_down(), "nothing is left");
}

// RFC 4555 §3.10, §3.1: the old address is gone at once, and the network loses a fifth of what it carries.
void moves_through_bad_weather(World& world) {
    world.network.link.loss = 200;
    world.network.link.jitter = milliseconds(30);
    Gateways gateways(world, {});
    gateways.up(minutes(5));
    for (const auto& here : {address_a2, address_a3, address_a, address_a2}) {
        gateways.a.move({here});
        world.run_for(seconds(2));
    }
    gateways.rest();
    world.expect(gateways.is_up() && peer_of(gateways.b).address == address_a2, "b has followed to the last place");
    world.network.link.loss = 0;
    gateways.talk();
    world.run_for(seconds(1));
    gateways.expect_nothing_lost();
}

void an_uplink_dies_without_a_word(World& world) {
    Gateways gateways(world, {.dpd_delay = seconds(10)});
    gateways.a.move({address_a, address_a2});
    gateways.up();
    gateways.talk(milliseconds(100));
    world.run_for(seconds(2));
    world.network.dead.insert(address_a);
    world.run_for(seconds(40));
    world.expect(gateways.is_up() && peer_of(gateways.b).address == address_a2, "a has found its other uplink");
    const auto before = world.flows().back().delivered;
    world.run_for(seconds(2));
    world.expect(world.flows().back().delivered >= before + 18, "packets arrive again");
}

void the_responder_has_two_uplinks(World& world) {
    Gateways gateways(world, {.dpd_delay = seconds(10)});
    gateways.b.move({address_b, address_b2});
    gateways.up();
    gateways.talk(milliseconds(100));
    world.network.dead.insert(address_b);
    world.run_for(seconds(40));
    world.expect(gateways.is_up() && peer_of(gateways.a).address == address_b2, "a goes to b's other address");
}

// RFC 4555 §3.5, §3.6: the responder leaves by itself what it has lost.
void the_responder_moves(World& world) {
    Gateways gateways(world, {});
    gateways.b.move({address_b, address_b2});
    gateways.up();
    gateways.talk();
    gateways.b.move({address_b2}, {});
    gateways.rest(minutes(1));
    world.expect(peer_of(gateways.a).address == address_b2, "a knows");
    world.rekey(gateways.a, the_ike);
    gateways.rest(minutes(1));
    world.expect(gateways.is_up(), "the tunnel works");
}

void from_ipv4_to_ipv6(World& world) {
    Gateways gateways(world, {});
    gateways.b.move({address_b, b_v6});
    gateways.up();
    gateways.talk();
    gateways.a.move({a_v6}, {address_a});
    gateways.rest(minutes(1));
    world.expect(peer_of(gateways.b).address == a_v6, "b sends IPv6");
    gateways.a.move({address_a}, {a_v6});
    gateways.rest(minutes(1));
    world.expect(peer_of(gateways.b).address == address_a, "and IPv4 again");
    gateways.expect_nothing_lost();
}

// RFC 4555 §3.8.
void nats_come_and_go(World& world) {
    Gateways gateways(world, {.dpd_delay = seconds(10)});
    gateways.up();
    world.network.nat.emplace(address_a, nat_outside, seconds(120));
    world.run_for(seconds(30));
    world.expect(gateways.a.list().front().nat_local && gateways.b.list().front().nat_remote, "both see the NAT");
    world.expect(gateways.b.list().front().children.front().udp_encapsulation, "ESP is in UDP");
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();

    const auto mapping = peer_of(gateways.b);
    world.network.nat->rebind();
    world.run_for(seconds(30));
    world.expect(peer_of(gateways.b) != mapping && peer_of(gateways.b).address == nat_outside, "b knows the new mapping");

    world.network.nat.reset();
    world.run_for(seconds(30));
    world.expect(peer_of(gateways.b).address == address_a, "b sends to a itself");
    world.expect(!gateways.a.list().front().nat_local && !gateways.a.list().front().children.front().udp_encapsulation, "no encapsulation is left");
    gateways.rest();
}

void behind_a_nat_and_away(World& world) {
    world.network.nat.emplace(address_a, nat_outside, seconds(120));
    Gateways gateways(world, {});
    gateways.up();
    gateways.a.move({address_a2}, {address_a});
    gateways.rest(minutes(1));
    world.expect(peer_of(gateways.b).address == address_a2 && !gateways.b.list().front().nat_remote, "no NAT in the new place");
    gateways.a.move({address_a}, {address_a2});
    gateways.rest(minutes(1));
    world.expect(peer_of(gateways.b).address == nat_outside && gateways.b.list().front().nat_remote, "and the NAT again");
    gateways.talk();
    world.run_for(seconds(1));
    gateways.expect_nothing_lost();
}

// ---- RFC 5685 -------------------------------------------------------------------------------------

NodeSettings second_gateway(const GatewayOptions& options) {
    NodeSettings settings = gateway(false, options);
    settings.name = std::string(1, 'c');
    settings.address = address_b2;
    return settings;
}

void sent_elsewhere(World& world, model::RedirectAt when) {
    Gateways gateways(world, {}, {.redirect_to = address_b2.text(), .redirect_at = when});
    Node& c = world.add(second_gateway({}));
    world.initiate(gateways.a, gateways.b);
    world.run_until([&] { return world.agree(gateways.a, c) && c.list().size() == 1; }, seconds(10));
    world.expect(world.agree(gateways.a, c) && c.list().size() == 1, "the tunnel is with c");
    world.expect(gateways.b.list().empty(), "b has nothing");
    world.expect(!gateways.a.commands_pending(), "the command is done");
}
void sent_elsewhere_at_first(World& world) { sent_elsewhere(world, model::RedirectAt::init); }
void sent_elsewhere_once_known(World& world) { sent_elsewhere(world, model::RedirectAt::auth); }

// §7.
void sent_round_and_round(World& world) {
    Gateways gateways(world, {}, {.redirect_to = address_b2.text(), .redirect_at = model::RedirectAt::init});
    Node& c = world.add(second_gateway({.redirect_to = address_b.text(), .redirect_at = model::RedirectAt::init}));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(1));
    world.expect(gateways.a.list().empty() && gateways.b.list().empty() && c.list().empty(), "nobody has anything");
    world.expect(gateways.a.outcome(command) && !gateways.a.outcome(command)->has_value(), "the command fails");
    world.expect(gateways.a.engine().counters()[model::Counter::redirected] == model::limits::redirects_per_period, "after five redirects");
}

// §5: the new gateway first; no packet meets a closed door.
void sent_away_in_the_middle(World& world) {
    Gateways gateways(world, {});
    Node& c = world.add(second_gateway({}));
    gateways.up();
    world.add_flow(gateways.a, c, inner_a, inner_b);
    const auto command = static_cast<ike::CommandId>(1000);
    gateways.b.expect_command(command);
    gateways.b.step(ike::Redirect{.id = command, .ike = "gw", .gateway = address_b2.text()});
    world.run_until([&] { return world.agree(gateways.a, c) && c.list().size() == 1 && gateways.b.list().empty(); }, seconds(10));
    world.expect(gateways.b.list().empty() && c.list().size() == 1 && gateways.a.list().size() == 1, "the tunnel has gone to c");
    world.expect(gateways.b.outcome(command) && gateways.b.outcome(command)->has_value(), "the redirect is done");
    world.start_traffic(milliseconds(20));
    world.run_for(seconds(1));
    gateways.expect_nothing_lost();
}

constexpr Scenario scenarios[] = {
    {"the initiator moves under load", moves_under_load},
    {"the initiator moves under load, believed at once", moves_without_proof},
    {"the initiator moves while either end rekeys", moves_while_rekeying},
    {"the initiator moves while the IKE SA is deleted", moves_while_being_deleted},
    {"the initiator moves and moves through a lossy network", moves_through_bad_weather},
    {"an uplink of the initiator dies without a word", an_uplink_dies_without_a_word},
    {"an uplink of the responder dies without a word", the_responder_has_two_uplinks},
    {"the responder loses its address", the_responder_moves},
    {"from IPv4 to IPv6 and back", from_ipv4_to_ipv6},
    {"a NAT appears, rebinds and disappears", nats_come_and_go},
    {"out from behind a NAT and back", behind_a_nat_and_away},
    {"redirected before any state", sent_elsewhere_at_first},
    {"redirected once authenticated", sent_elsewhere_once_known},
    {"two gateways that redirect to each other", sent_round_and_round},
    {"redirected with a tunnel up", sent_away_in_the_middle},
};

}  // namespace

std::span<const Scenario> mobility_scenarios() { return scenarios; }

}  // namespace cygnet::sim
