// Tunnels that come up, carry packets and go down.
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

void classic_tunnel(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
    const auto command = world.terminate(gateways.a, the_ike);
    world.run_for(seconds(1));
    world.expect(gateways.a.outcome(command)->has_value(), "the operator hears that it is done");
    world.expect(gateways.is_down(), "nothing is left after the terminate");
}

void both_ends_begin_at_once(World& world) {
    Gateways gateways(world, {});
    world.initiate(gateways.a, gateways.b);
    world.initiate(gateways.b, gateways.a);
    gateways.rest();
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
    gateways.expect_a_clean_end(gateways.a);
}

void post_quantum_tunnel(World& world) {
    Gateways gateways(world, {.ike = hybrid, .post_quantum = model::PostQuantum::required});
    gateways.up();
    const auto proposal = gateways.a.list().front().proposal;
    world.expect(proposal && proposal->additional == std::vector{model::Ke::ml_kem_768}, "ML-KEM-768 was run");
}

void post_quantum_fallback(World& world) {
    Gateways gateways(world, {.ike = hybrid_or_classic}, {.ike = classic});
    gateways.up();
    world.expect(gateways.a.list().front().proposal->additional.empty(), "the classic proposal was taken");
}

void post_quantum_is_required(World& world) {
    Gateways gateways(world, {.ike = hybrid_or_classic, .post_quantum = model::PostQuantum::required}, {.ike = classic});
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(5));
    world.expect(gateways.a.outcome(command) && !gateways.a.outcome(command)->has_value(), "no tunnel without ML-KEM");
    world.expect(gateways.is_down(), "nothing is left of the attempt");
}

void hybrid_over_a_lossy_narrow_path(World& world) {
    world.network.link = {.delay = milliseconds(40), .jitter = milliseconds(30), .loss = 200, .duplication = 100, .detour = 50, .mtu_octets = 1280};
    Gateways gateways(world, {.ike = "aes256gcm16-prfsha384-x25519-ke1_mlkem1024"});
    gateways.up(minutes(5));
}

// FrodoKEM's values are ten fragments each; children and rekeys run it as well.
void frodo_over_a_lossy_path(World& world) {
    if (!has_frodo()) return;
    world.network.link = {.delay = milliseconds(40), .jitter = milliseconds(30), .loss = 50, .duplication = 20, .detour = 20, .mtu_octets = 1280};
    Gateways gateways(world, {.ike = frodo_hybrid,
                              .esp = "aes256gcm16-x25519-ke1_frodo640",
                              .post_quantum = model::PostQuantum::required,
                              .ike_rekey_time = minutes(12),
                              .child_rekey_time = minutes(5)});
    gateways.up(minutes(5));
    world.run_for(minutes(30));
    world.expect(gateways.rest(), "the tunnel is up after its rekeys");
    const auto status = gateways.a.list().front();
    world.expect(status.proposal && status.proposal->additional == std::vector{model::Ke::ml_kem_768, model::Ke::frodokem_640_aes},
                 "both KEMs were run");
    world.expect(gateways.a.engine().counters()[model::Counter::followup_out_req] + gateways.b.engine().counters()[model::Counter::followup_out_req] != 0,
                 "children and rekeys run them in follow-up exchanges");
}

void another_group_is_asked_for(World& world) {
    Gateways gateways(world, {.ike = "aes256gcm16-prfsha384-x25519-ecp256"}, {.ike = "aes256gcm16-prfsha384-ecp256"});
    gateways.up();
    world.expect(gateways.a.list().front().proposal->ke == model::Ke::ecp_256, "the second attempt used ECP-256");
}

void cookies_are_demanded(World& world) {
    Gateways gateways(world, {}, {.engine = {.always_cookie = true}});
    gateways.up();
    world.expect(gateways.b.engine().counters()[model::Counter::cookie_sent] == 1, "one cookie was sent");
}

void puzzles_are_demanded(World& world) {
    Gateways gateways(world, {}, {.engine = {.puzzles = ike::Puzzles::always, .puzzle_difficulty_min = 8}});
    gateways.up();
    gateways.talk();
    world.run_for(seconds(1));
    gateways.expect_nothing_lost();
    world.expect(gateways.b.engine().counters()[model::Counter::puzzle_solved] == 2, "both puzzles were solved");
}

// RFC 7296 §2.7 [38, 54]: all proposals rejected.
void nothing_in_common(World& world) {
    Gateways gateways(world, {.ike = "aes128gcm16-prfsha256-ecp256"}, {.ike = classic});
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(5));
    world.expect(gateways.a.outcome(command) && !gateways.a.outcome(command)->has_value(), "the command fails");
    world.expect(gateways.is_down(), "nothing is left of the attempt");
    world.expect(gateways.b.reported().alert_types.contains("proposal-mismatch-ike"), "the responder's operator hears why");
}

void another_secret(World& world) {
    Gateways gateways(world, {.secret = "correct horse"}, {.secret = "battery staple"});
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(5));
    world.expect(gateways.a.outcome(command) && !gateways.a.outcome(command)->has_value(), "the command fails");
    world.expect(gateways.is_down(), "nothing is left of the attempt");
    world.expect(gateways.a.backend().pairs().empty() && gateways.b.backend().pairs().empty(), "no child was installed");
}

void a_peer_that_is_not_there(World& world) {
    Gateways gateways(world, {});
    gateways.b.crash();
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(5));
    world.expect(gateways.a.outcome(command) && !gateways.a.outcome(command)->has_value(), "the command fails");
    world.expect(gateways.is_down(), "nothing is left of the attempt");
}

void other_ciphers(World& world) {
    Gateways gateways(world, {.ike = "aes256-sha384-ecp384", .esp = "chacha20poly1305"});
    gateways.up();
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

void a_child_that_cannot_be(World& world) {
    Gateways gateways(world, {.esp = "camellia256-sha256"});
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(1));
    world.expect(gateways.a.outcome(command) && !gateways.a.outcome(command)->has_value(), "the command fails, and nothing else does");
    world.expect(gateways.is_down(), "nothing is left of the attempt");
}

constexpr Scenario scenarios[] = {
    {"a classic tunnel comes up, carries packets and goes down", classic_tunnel},
    {"both ends begin at once", both_ends_begin_at_once},
    {"a post-quantum tunnel", post_quantum_tunnel},
    {"ML-KEM and FrodoKEM over a lossy path", frodo_over_a_lossy_path},
    {"a peer without ML-KEM gets the classic proposal", post_quantum_fallback},
    {"a peer without ML-KEM is refused when it is required", post_quantum_is_required},
    {"a hybrid handshake over a lossy path of 1280 octets", hybrid_over_a_lossy_narrow_path},
    {"the responder asks for another group", another_group_is_asked_for},
    {"the responder demands a cookie", cookies_are_demanded},
    {"puzzles are demanded", puzzles_are_demanded},
    {"no proposal in common", nothing_in_common},
    {"the two ends have different secrets", another_secret},
    {"the peer is not there", a_peer_that_is_not_there},
    {"AES-CBC with HMAC for IKE, ChaCha20-Poly1305 for the child", other_ciphers},
    {"a child whose cipher the data plane lacks", a_child_that_cannot_be},
};

}  // namespace

std::span<const Scenario> tunnel_scenarios() { return scenarios; }

}  // namespace cygnet::sim
