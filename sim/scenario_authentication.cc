// Several authentications, and a new one in the middle of the traffic: no packet may be lost.
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

enum class By : std::uint8_t { initiator, responder };

// With a tunnel up and packets flowing both ways: the IKE SA gets a successor, meanwhile something else may happen.
void reauthenticate_under_load(World& world, const GatewayOptions& options, By by, const std::function<void(Gateways&)>& meanwhile = {}) {
    world.network.link.jitter = milliseconds(5);
    Gateways gateways(world, options);
    gateways.up();
    gateways.talk();
    world.run_for(seconds(6));
    const auto before = gateways.a.list().front().id;
    world.reauthenticate(by == By::initiator ? gateways.a : gateways.b, the_ike);
    if (meanwhile) meanwhile(gateways);
    world.run_for(seconds(30));
    gateways.rest();
    gateways.expect_the_same_tunnel();
    world.expect(gateways.a.list().front().id != before, "the IKE SA is a new one");
    gateways.expect_a_clean_end(gateways.b);
}

void by_initiator(World& world) { reauthenticate_under_load(world, {}, By::initiator); }
void by_responder(World& world) { reauthenticate_under_load(world, {.ike = hybrid}, By::responder); }
void with_two_rounds(World& world) { reauthenticate_under_load(world, {.rounds_a = 2, .rounds_b = 2}, By::initiator); }
void where_one_is_kept(World& world) { reauthenticate_under_load(world, {.unique = model::UniquePolicy::keep}, By::initiator); }
void where_one_is_replaced(World& world) { reauthenticate_under_load(world, {.unique = model::UniquePolicy::replace}, By::initiator); }

void meets_child_rekey(World& world) {
    reauthenticate_under_load(world, {.esp = "aes256gcm16-x25519"}, By::initiator, [&](Gateways& gateways) {
        world.run_for(milliseconds(12));
        world.rekey(gateways.b, the_child);
    });
}

void meets_ike_rekey(World& world) {
    reauthenticate_under_load(world, {}, By::initiator, [&](Gateways& gateways) {
        world.run_for(milliseconds(12));
        world.rekey(gateways.b, the_ike);
    });
}

void both_sides_ask(World& world) {
    reauthenticate_under_load(world, {}, By::initiator, [&](Gateways& gateways) {
        world.run_for(milliseconds(3));
        world.reauthenticate(gateways.b, the_ike);
    });
}

void reauth_time_for_an_hour(World& world) {
    Gateways gateways(world, {.ike = hybrid, .esp = "aes256gcm16-x25519", .ike_rekey_time = minutes(5), .child_rekey_time = minutes(4), .reauth_time = minutes(9)});
    gateways.up();
    gateways.talk(milliseconds(500));
    world.run_for(hours(1));
    gateways.rest();
    gateways.expect_the_same_tunnel();
    world.expect(gateways.a.engine().counters()[model::Counter::reauthenticated] >= 6, "the peers authenticated again and again");
}

// RFC 4478 §2: only the responder has a reauth_time.
void lifetime_of_the_responder(World& world) {
    Gateways gateways(world, {}, {.reauth_time = minutes(9)});
    gateways.up();
    gateways.talk(milliseconds(500));
    world.run_for(hours(1));
    gateways.rest();
    gateways.expect_the_same_tunnel();
    world.expect(gateways.a.engine().counters()[model::Counter::reauthenticated] >= 6, "the initiator obeyed again and again");
}

void several_rounds(World& world) {
    world.network.link.loss = 100;
    Gateways gateways(world, {.ike = hybrid, .rounds_a = 2, .rounds_b = 2});
    gateways.up(minutes(5));
    world.network.link.loss = 0;
    world.expect(gateways.a.list().front().local_id == model::Identity::parse("alice@example"), "the second identity counts");
    gateways.expect_a_clean_end(gateways.a);
}

constexpr Scenario scenarios[] = {
    {"the initiator authenticates again", by_initiator},
    {"the responder asks for a new authentication", by_responder},
    {"two authentications of each side are repeated", with_two_rounds},
    {"a new authentication where a second SA is refused", where_one_is_kept},
    {"a new authentication where a second SA replaces the first", where_one_is_replaced},
    {"a new authentication meets a child rekey", meets_child_rekey},
    {"a new authentication meets an IKE SA rekey", meets_ike_rekey},
    {"both operators want a new authentication", both_sides_ask},
    {"an hour of short authentications without a lost packet", reauth_time_for_an_hour},
    {"an hour with AUTH_LIFETIME of the responder", lifetime_of_the_responder},
    {"each side proves two identities on a lossy path", several_rounds},
};

}  // namespace

std::span<const Scenario> authentication_scenarios() { return scenarios; }

}  // namespace cygnet::sim
