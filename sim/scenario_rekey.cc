// Rekeys, alone and crossing, with packets flowing: none may be lost.
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

const char* const pfs = "aes256gcm16-x25519";
const char* const hybrid_pfs = "aes256gcm16-x25519-ke1_mlkem768";

// With a tunnel up and packets flowing both ways: what is asked happens, and nothing is lost.
void rekey_under_load(World& world, const GatewayOptions& options, bool by_a, bool by_b, const ike::SaSelector& what_a,
                      const ike::SaSelector& what_b, Duration gap = Duration{0}) {
    world.network.link.jitter = milliseconds(5);
    Gateways gateways(world, options);
    gateways.up();
    gateways.talk();
    world.run_for(milliseconds(500));
    if (by_a) world.rekey(gateways.a, what_a);
    world.run_for(gap);
    if (by_b) world.rekey(gateways.b, what_b);
    gateways.rest();
    world.run_for(seconds(10));
    gateways.expect_the_same_tunnel();
    gateways.expect_a_clean_end(gateways.b);
}

void child_by_initiator(World& world) { rekey_under_load(world, {}, true, false, the_child, the_child); }
void child_by_responder(World& world) { rekey_under_load(world, {.esp = pfs}, false, true, the_child, the_child); }
void child_with_ml_kem(World& world) { rekey_under_load(world, {.ike = hybrid, .esp = hybrid_pfs}, true, false, the_child, the_child); }
void ike_by_initiator(World& world) { rekey_under_load(world, {}, true, false, the_ike, the_ike); }
void ike_by_responder(World& world) { rekey_under_load(world, {.ike = hybrid}, false, true, the_ike, the_ike); }
void children_collide(World& world) { rekey_under_load(world, {.esp = pfs}, true, true, the_child, the_child, milliseconds(3)); }
void ml_kem_children_collide(World& world) { rekey_under_load(world, {.esp = hybrid_pfs}, true, true, the_child, the_child, milliseconds(3)); }
void ike_sas_collide(World& world) { rekey_under_load(world, {}, true, true, the_ike, the_ike, milliseconds(3)); }
void hybrid_ike_sas_collide(World& world) { rekey_under_load(world, {.ike = hybrid}, true, true, the_ike, the_ike, milliseconds(3)); }
void ike_sa_and_child(World& world) { rekey_under_load(world, {.esp = pfs}, true, true, the_ike, the_child, milliseconds(3)); }
void hybrid_ike_sa_and_child(World& world) { rekey_under_load(world, {.ike = hybrid, .esp = hybrid_pfs}, true, true, the_child, the_ike, milliseconds(12)); }

void lifetimes_for_an_hour(World& world) {
    Gateways gateways(world, {.ike = hybrid, .esp = pfs, .ike_rekey_time = minutes(9), .child_rekey_time = minutes(4)});
    gateways.up();
    gateways.talk(milliseconds(500));
    world.run_for(hours(1));
    gateways.rest();
    gateways.expect_the_same_tunnel();
    world.expect(gateways.a.reported().ike_rekeyed >= 6 && gateways.a.reported().child_rekeyed >= 14, "both were rekeyed again and again");
    world.expect(gateways.a.reported().ike_down == 0 && gateways.b.reported().child_down == 0, "nothing was down in between");
}

void deleted_while_rekeyed(World& world) {
    Gateways gateways(world, {.esp = pfs});
    gateways.up();
    world.rekey(gateways.a, the_child);
    world.run_for(milliseconds(3));
    world.terminate(gateways.b, the_child);
    gateways.rest();
    world.run_for(minutes(1));
    world.expect(world.agree(gateways.a, gateways.b), "both ends agree");
}

void both_delete_at_once(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    world.terminate(gateways.a, the_ike);
    world.terminate(gateways.b, the_ike);
    world.run_for(seconds(10));
    world.expect(gateways.is_down(), "nothing is left");
    world.expect(!gateways.a.commands_pending() && !gateways.b.commands_pending(), "both operators hear that it is done");
}

constexpr Scenario scenarios[] = {
    {"the initiator rekeys the child", child_by_initiator},
    {"the responder rekeys the child with a fresh key exchange", child_by_responder},
    {"a child is rekeyed with X25519 and ML-KEM-768", child_with_ml_kem},
    {"the initiator rekeys the IKE SA", ike_by_initiator},
    {"the responder rekeys a hybrid IKE SA", ike_by_responder},
    {"two child rekeys collide", children_collide},
    {"two child rekeys with ML-KEM collide", ml_kem_children_collide},
    {"two IKE SA rekeys collide", ike_sas_collide},
    {"two hybrid IKE SA rekeys collide", hybrid_ike_sas_collide},
    {"an IKE SA rekey meets a child rekey", ike_sa_and_child},
    {"a hybrid IKE SA rekey meets a hybrid child rekey", hybrid_ike_sa_and_child},
    {"an hour of short lifetimes without a lost packet", lifetimes_for_an_hour},
    {"a child is deleted while it is rekeyed", deleted_while_rekeyed},
    {"both ends delete the IKE SA at once", both_delete_at_once},
};

}  // namespace

std::span<const Scenario> rekey_scenarios() { return scenarios; }

}  // namespace cygnet::sim
