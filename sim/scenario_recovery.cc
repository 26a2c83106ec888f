// A gateway loses its state, and its peers come back: by tickets (RFC 5723), told by tokens (RFC 6290), or the long way.
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

using model::Counter;
using model::Resumption;

std::uint64_t resumed(const Node& node) { return node.engine().counters()[Counter::ike_resumed]; }

GatewayOptions recovering(Resumption resumption, bool crash_detection) {
    return {.resumption = resumption, .crash_detection = crash_detection, .dpd_action = model::Action::start};
}

// b is gone for a second; nobody tells a.
void restart_b(World& world, Gateways& gateways) {
    gateways.b.crash();
    world.run_for(seconds(1));
    gateways.b.start();
}

bool back(World& world, Gateways& gateways, Duration limit) {
    return world.run_until([&] { return gateways.is_up() && world.idle(); }, limit);
}

void the_gateway_restarts_with_its_keys(World& world) {
    Gateways gateways(world, recovering(Resumption::ticket, false));
    gateways.up();
    restart_b(world, gateways);
    world.expect(back(world, gateways, minutes(10)), "the tunnel comes back");
    world.expect(resumed(gateways.a) == 1 && resumed(gateways.b) == 1, "with the ticket");
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
    // The resumed SA got a ticket of its own.
    restart_b(world, gateways);
    world.expect(back(world, gateways, minutes(10)), "it comes back once more");
    world.expect(resumed(gateways.a) == 2, "with another ticket");
}

void the_gateway_loses_its_keys(World& world) {
    Gateways gateways(world, recovering(Resumption::ticket, false));
    gateways.up();
    gateways.b.lose_kept_secrets();
    restart_b(world, gateways);
    world.expect(back(world, gateways, minutes(10)), "the tunnel comes back");
    world.expect(resumed(gateways.a) == 0 && resumed(gateways.b) == 0, "by a full handshake");
    world.expect(gateways.b.engine().counters()[Counter::ticket_refused] == 1, "after TICKET_NACK");
}

void the_link_fails_with_stateful_tickets(World& world) {
    GatewayOptions gateway = recovering(Resumption::stateful, false);
    gateway.dpd_action = model::Action::none;
    Gateways gateways(world, recovering(Resumption::stateful, false), gateway);
    gateways.up();
    world.network.link.cut = true;
    // The initiator has given up and presents its ticket, whatever the other end has noticed by then.
    world.run_until([&] { return gateways.a.backend().living() == 0 && !gateways.a.list().empty(); }, minutes(10));
    world.network.link.cut = false;
    world.expect(back(world, gateways, minutes(10)), "the tunnel comes back");
    world.expect(resumed(gateways.a) == 1 && resumed(gateways.b) == 1, "with the ticket");
}

void a_restart_is_told_at_once(World& world) {
    Gateways gateways(world, recovering(Resumption::ticket, true));
    gateways.up();
    world.run_for(seconds(10));
    restart_b(world, gateways);
    // The next message of a is its question whether b lives, 30 s after the last one.
    world.expect(back(world, gateways, seconds(40)), "one round trip tells a, and two bring the tunnel back");
    world.expect(gateways.a.reported().alert_types.contains("peer-crashed"), "a knows what happened");
    world.expect(resumed(gateways.a) == 1, "with the ticket");
}

void a_restart_without_tokens_takes_long(World& world) {
    Gateways gateways(world, recovering(Resumption::no, false));
    gateways.up();
    world.run_for(seconds(10));
    restart_b(world, gateways);
    world.expect(!back(world, gateways, seconds(100)), "a still believes in the old IKE SA");
    world.expect(back(world, gateways, minutes(5)), "until it has asked often enough");
}

void a_restart_after_rekeys(World& world) {
    Gateways gateways(world, recovering(Resumption::ticket, true));
    gateways.up();
    world.rekey(gateways.a, the_ike);
    gateways.rest();
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.run_for(seconds(5));
    restart_b(world, gateways);
    world.expect(back(world, gateways, seconds(60)), "the tokens and the tickets are those of the new IKE SA");
    world.expect(resumed(gateways.a) == 1, "a resumed whichever side had rekeyed last");
}

void resumption_under_load(World& world) {
    GatewayOptions loaded = recovering(Resumption::ticket, true);
    loaded.engine.always_cookie = true;
    Gateways gateways(world, recovering(Resumption::ticket, true), loaded);
    gateways.up();
    restart_b(world, gateways);
    world.expect(back(world, gateways, seconds(60)), "the tunnel comes back");
    world.expect(resumed(gateways.b) == 1 && gateways.b.engine().counters()[Counter::cookie_sent] >= 1, "after a cookie");
}

void who_deletes_does_not_resume(World& world) {
    Gateways gateways(world, recovering(Resumption::ticket, true));
    gateways.up();
    world.terminate(gateways.a, the_ike);
    world.run_until([&] { return gateways.is_down(); }, minutes(1));
    gateways.up();
    world.expect(resumed(gateways.b) == 0 && gateways.b.engine().counters()[Counter::resume_in_req] == 0,
                 "the second tunnel is a new one");
}

// What a standby member does that has taken over b's IKE SA (RFC 6311).
void a_cluster_fails_over(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    // Lost on the way to the member that died.
    world.network.link.cut = true;
    world.rekey(gateways.a, the_child);
    world.run_for(seconds(1));
    world.network.link.cut = false;
    gateways.talk();
    const ike::CommandId command{0x6311};
    gateways.b.expect_command(command);
    gateways.b.step(ike::Synchronize{.id = command, .which = the_ike, .skip_message_ids = 64, .skip_packets = 10'000});
    world.run_for(seconds(10));
    gateways.rest();
    world.expect(gateways.b.outcome(command) && gateways.b.outcome(command)->has_value(), "the counters are synchronized");
    world.expect(gateways.a.reported().child_rekeyed == 1, "what a had under way was done again");
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    gateways.expect_nothing_lost();
}

void an_ike_sa_is_cloned(World& world) {
    Gateways gateways(world, {.ike = hybrid});
    gateways.up();
    gateways.talk();
    const ike::CommandId command{0x7791};
    gateways.a.expect_command(command);
    gateways.a.step(ike::Clone{.id = command, .which = the_ike});
    world.run_until([&] { return gateways.a.outcome(command).has_value() && world.idle(); }, minutes(1));
    world.expect(gateways.a.list().size() == 2 && gateways.b.list().size() == 2, "both IKE SAs stay");
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.expect(gateways.a.list().size() == 2, "each is rekeyed by itself");
    gateways.expect_nothing_lost();
    world.terminate(gateways.a, the_ike);
    world.run_until([&] { return gateways.is_down(); }, minutes(1));
    world.expect(gateways.is_down(), "and ends");
}

constexpr Scenario scenarios[] = {
    {"the gateway restarts and its ticket keys are kept", the_gateway_restarts_with_its_keys},
    {"the gateway restarts and its ticket keys are lost", the_gateway_loses_its_keys},
    {"the link fails and stateful tickets bring the tunnel back", the_link_fails_with_stateful_tickets},
    {"a crash token tells at once that the gateway restarted", a_restart_is_told_at_once},
    {"a restart without crash tokens is noticed late", a_restart_without_tokens_takes_long},
    {"the gateway restarts after the IKE SA was rekeyed by both ends", a_restart_after_rekeys},
    {"a resumption answers a cookie", resumption_under_load},
    {"who deletes an IKE SA does not resume it", who_deletes_does_not_resume},
    {"a cluster fails over and synchronizes its counters", a_cluster_fails_over},
    {"an IKE SA is cloned, rekeyed and ended", an_ike_sa_is_cloned},
};

}  // namespace

std::span<const Scenario> recovery_scenarios() { return scenarios; }

}  // namespace cygnet::sim
