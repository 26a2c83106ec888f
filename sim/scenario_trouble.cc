// NATs, crashes, slow hosts and links that go away.
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

// a is behind a NAT that forgets idle mappings.
void hide_a(World& world, Duration timeout = seconds(60)) { world.network.nat.emplace(address_a, model::IpAddress::v4(0xcb007109), timeout); }

// RFC 7296 §2.23 [128, 129]: a mismatch moves IKE and ESP to the NAT-T port.
void through_a_nat(World& world) {
    hide_a(world);
    Gateways gateways(world, {});
    gateways.up();
    world.expect(gateways.a.list().front().nat_local && gateways.b.list().front().nat_remote, "both ends see the NAT");
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

void keepalives_hold_the_mapping(World& world) {
    hide_a(world, seconds(30));
    Gateways gateways(world, {.dpd_delay = seconds(0)});
    gateways.up();
    world.run_for(minutes(10));
    world.rekey(gateways.b, the_child);
    gateways.rest(seconds(2));
    world.expect(gateways.is_up(), "b still reaches a after ten silent minutes");
}

void the_nat_rebinds(World& world) {
    hide_a(world);
    Gateways gateways(world, {.mobike = false});
    gateways.up();
    const auto before = gateways.b.list().front().path.remote;
    world.network.nat->rebind();
    gateways.talk(milliseconds(100));
    world.run_for(seconds(5));
    world.expect(gateways.b.list().front().path.remote != before, "b follows a's new port");
    const Flow& back = world.flows().back();
    world.expect(back.sent - back.delivered <= 3, "b's packets find their way again");
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.expect(gateways.is_up(), "the tunnel works over the new mapping");
}

// RFC 7296 §2.11 [9, 20]: whatever port a request comes from, its SA is found by SPI and the answer goes back there.
void the_nat_rebinds_in_a_handshake(World& world) {
    hide_a(world);
    world.network.link.loss = 100;
    Gateways gateways(world, {.ike = hybrid});
    world.after(milliseconds(25), [&world] { world.network.nat->rebind(); });
    gateways.up(minutes(5));
}

// RFC 7296 §2.23 [129, 130]: ESP in UDP without a NAT.
void encapsulation_without_nat(World& world) {
    Gateways gateways(world, {.encap = true}, {});
    gateways.up();
    world.expect(gateways.a.list().front().children.front().udp_encapsulation, "ESP is in UDP");
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

void the_peer_crashes(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    gateways.b.crash();
    world.run_for(minutes(5));
    world.expect(gateways.a.list().empty(), "a notices that b is dead");
    gateways.b.start();
    gateways.up();
}

void a_crash_that_nobody_saw(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    gateways.b.crash();
    gateways.b.start();
    world.initiate(gateways.b, gateways.a);
    world.run_for(minutes(6));
    gateways.rest();
    world.expect(gateways.is_up(), "the old IKE SA is gone, the new one works");
}

void the_link_is_cut_for_a_while(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    world.network.link.cut = true;
    world.rekey(gateways.a, the_child);
    world.rekey(gateways.b, the_ike);
    world.run_for(seconds(50));
    world.network.link.cut = false;
    gateways.rest();
    world.expect(gateways.is_up(), "the tunnel survived");
    world.expect(gateways.a.reported().child_rekeyed == 1 && gateways.b.reported().ike_rekeyed == 1, "both rekeys were made up for");
}

void every_answer_is_lost_once(World& world) {
    Gateways gateways(world, {.ike = hybrid, .esp = "aes256gcm16-x25519-ke1_mlkem768"});
    std::map<Bytes, int> seen;
    world.meddler = [&seen](Packet& packet) { return packet.ike() == nullptr || ++seen[*packet.ike()] > 1; };
    gateways.up(minutes(2));
    world.rekey(gateways.b, the_child);
    gateways.rest();
    world.rekey(gateways.a, the_ike);
    gateways.rest();
    world.expect(gateways.is_up(), "every message got through on its second transmission");
    world.meddler = nullptr;
}

void slow_hosts(World& world) {
    world.faults = {.job_delay = seconds(3), .job_stall = 300, .stall = seconds(8)};
    Gateways gateways(world, {.ike = hybrid, .esp = "aes256gcm16-x25519-ke1_mlkem768"});
    gateways.up(minutes(3));
    world.rekey(gateways.a, the_ike);
    world.rekey(gateways.b, the_child);
    gateways.rest();
    world.expect(gateways.is_up(), "one IKE SA and one child remain");
}

constexpr Scenario scenarios[] = {
    {"through a NAT", through_a_nat},
    {"keepalives hold the mapping of a silent tunnel", keepalives_hold_the_mapping},
    {"the NAT rebinds", the_nat_rebinds},
    {"the NAT rebinds in the middle of a lossy handshake", the_nat_rebinds_in_a_handshake},
    {"ESP in UDP is forced without a NAT", encapsulation_without_nat},
    {"the peer crashes and starts again", the_peer_crashes},
    {"the peer crashes, starts again and initiates", a_crash_that_nobody_saw},
    {"the link is cut while both ends rekey", the_link_is_cut_for_a_while},
    {"every message is lost once", every_answer_is_lost_once},
    {"hosts that take seconds for their key exchanges", slow_hosts},
};

}  // namespace

std::span<const Scenario> trouble_scenarios() { return scenarios; }

}  // namespace cygnet::sim
