// Children of every kind: selectors, modes, traps, and IKE SAs that begin without one.
#include <fmt/format.h>

#include <algorithm>

#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

std::vector<model::ConfiguredSelector> selectors(std::initializer_list<const char*> texts) {
    std::vector<model::ConfiguredSelector> parsed;
    for (const char* text : texts) parsed.push_back(*model::ConfiguredSelector::parse(text));
    return parsed;
}

model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

// The options with something to change in the child "net", or in the connection.
template <class Change>
GatewayOptions with_child(Change change) {
    return {.tune = [change](model::Connection& connection) { change(connection.children.front()); }};
}
template <class Change>
GatewayOptions with_connection(Change change) {
    return {.tune = change};
}

bool done(Node& node, ike::CommandId command) { return node.outcome(command) && node.outcome(command)->has_value(); }

std::size_t children_at(const Node& node) { return node.backend().living(); }

// Waits until the node has so many children that carry packets.
void await_children(World& world, const Node& node, std::size_t count, Duration limit, const char* why) {
    world.expect(world.run_until([&] { return children_at(node) == count && world.idle(); }, limit), why);
}

// RFC 7296 §2.9, §2.9.2 [81, 82]: several selectors on both sides, of which some meet.
void several_selectors(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) {
                          child.local_ts = selectors({"10.1.0.0/24", "10.1.8.0-10.1.9.255", "10.5.0.0/16[tcp/80-90]"});
                          child.remote_ts = selectors({"10.2.0.0/16", "10.6.0.0/16[icmp/8]"});
                      }),
                      with_child([](model::ChildConfig& child) {
                          child.local_ts = selectors({"10.2.0.0/24", "10.2.7.0/24", "10.6.0.0/16"});
                          child.remote_ts = selectors({"10.1.0.0/16", "10.5.0.0/16[tcp/85-100]"});
                      }));
    gateways.up();
    const model::ChildStatus child = gateways.a.list().front().children.front();
    world.expect(model::text_of(child.local) == "10.1.0.0/24 10.1.8.0/23 10.5.0.0/16[tcp/85-90]", "a's side is narrowed: " + model::text_of(child.local));
    world.expect(model::text_of(child.remote) == "10.2.0.0/24 10.2.7.0/24 10.6.0.0/16[icmp/8]", "b's side is narrowed: " + model::text_of(child.remote));
    world.add_flow(gateways.a, gateways.b, ip("10.1.8.1"), ip("10.2.7.1"));
    gateways.talk();
    world.run_for(seconds(2));
    world.rekey(gateways.a, the_child);
    gateways.rest();
    world.rekey(gateways.b, the_child);
    gateways.rest();
    world.expect(model::text_of(gateways.b.list().front().children.front().local) == "10.2.0.0/24 10.2.7.0/24 10.6.0.0/16[icmp/8]", "a rekey keeps the selectors");
    gateways.expect_nothing_lost();
}

void no_selectors_in_common(World& world) {
    Gateways gateways(world, {}, with_child([](model::ChildConfig& child) { child.remote_ts = selectors({"10.9.0.0/16"}); }));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(!done(gateways.a, command), "the command fails");
    world.expect(gateways.a.list().size() == 1 && children_at(gateways.a) + children_at(gateways.b) == 0, "the IKE SA stays, without its child");
    world.expect(gateways.b.engine().counters()[model::Counter::ts_unacceptable] == 1, "b counts it");
    world.expect(gateways.b.reported().alert_types.contains("ts-mismatch"), "b's operator hears why");
}

// ---- one pair of addresses for each child -----------------------------------------------------------

void one_pair_at_a_time(World& world) {
    Gateways gateways(world, {}, with_child([](model::ChildConfig& child) { child.single_pair = true; }));
    world.install(gateways.a, gateways.b);
    world.add_flow(gateways.a, gateways.b, ip("10.1.0.1"), ip("10.2.0.1"));
    world.add_flow(gateways.a, gateways.b, ip("10.1.0.1"), ip("10.2.0.2"));
    world.start_traffic(seconds(1));
    await_children(world, gateways.a, 2, minutes(1), "each pair of addresses has a child of its own");
    world.run_for(seconds(5));
    gateways.expect_nothing_lost();
    const auto sas = gateways.b.list();
    for (const model::ChildStatus& child : sas.front().children)
        world.expect(child.local.size() == 1 && child.local.front().single_address() && child.remote.front().single_address(), "each child is one pair");
}

void one_pair_without_a_packet(World& world) {
    Gateways gateways(world, {}, with_child([](model::ChildConfig& child) { child.single_pair = true; }));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(!done(gateways.a, command) && children_at(gateways.a) == 0, "an initiator that cannot name a packet is refused");
}

// ---- SAs of single workers, RFC 9611 -------------------------------------------------------------

GatewayOptions with_workers(model::Resource workers) {
    GatewayOptions options = with_child([](model::ChildConfig& child) {
        child.per_cpu_sas = true;
        child.lifetime.rekey_time = seconds(40);
        child.lifetime.rand_time = seconds(20);
    });
    options.engine.resources = workers;
    return options;
}

bool each_has_its_own(const Node& node, model::Resource workers) {
    const auto sas = node.list();
    for (model::Resource worker = 0; worker < workers; ++worker)
        if (sas.size() != 1 || std::ranges::find(sas.front().children, worker, &model::ChildStatus::resource) == sas.front().children.end()) return false;
    return true;
}

// RFC 9611 §3 [109]: whoever wants them first; the first SA carries what has none of its own yet.
void each_worker_has_its_own(World& world, model::Resource at_a, model::Resource at_b) {
    Gateways gateways(world, with_workers(at_a), with_workers(at_b));
    world.network.link = {.delay = milliseconds(30), .jitter = milliseconds(5)};
    gateways.up();
    for (model::Resource worker = 0; worker < at_a; ++worker) world.add_flow(gateways.a, gateways.b, inner_a, inner_b).worker = worker;
    for (model::Resource worker = 0; worker < at_b; ++worker) world.add_flow(gateways.b, gateways.a, inner_b, inner_a).worker = worker;
    world.start_traffic(milliseconds(100));
    const auto complete = [&] { return each_has_its_own(gateways.a, at_a) && each_has_its_own(gateways.b, at_b); };
    world.expect(world.run_until(complete, seconds(20)), "each worker gets an SA of its own");
    const std::size_t children = children_at(gateways.a);
    world.expect(children >= 1 + std::max(at_a, at_b) && children <= 1 + at_a + at_b, "no more SAs than workers at both ends");
    world.run_for(minutes(2));
    world.rekey(gateways.b, the_ike);
    world.run_for(minutes(1));
    world.stop_traffic();
    gateways.rest();
    world.expect(complete() && children_at(gateways.a) == children, "rekeys keep them");
    gateways.expect_nothing_lost();
}
void two_workers_at_both_ends(World& world) { each_worker_has_its_own(world, 2, 2); }
void few_and_many_workers(World& world) { each_worker_has_its_own(world, 1, 5); }

// ---- transport mode -----------------------------------------------------------------------------------

void make_transport(model::ChildConfig& child) {
    child.mode = model::ChildMode::transport;
    child.local_ts = child.remote_ts = selectors({"dynamic"});
}

void transport_mode(World& world) {
    Gateways gateways(world, with_child(make_transport));
    gateways.up();
    world.expect(gateways.a.list().front().children.front().mode == model::ChildMode::transport, "a has transport mode");
    world.expect(gateways.b.list().front().children.front().mode == model::ChildMode::transport, "b has transport mode");
    world.add_flow(gateways.a, gateways.b, address_a, address_b);
    world.add_flow(gateways.b, gateways.a, address_b, address_a);
    world.start_traffic(milliseconds(20));
    world.rekey(gateways.b, the_child);
    gateways.rest();
    world.expect(gateways.a.list().front().children.front().mode == model::ChildMode::transport, "a rekey keeps the mode");
    gateways.expect_nothing_lost();
}

// RFC 7296 §2.22 [88]: each side's packets carry the index that the other side chose, after rekeys as well.
void compression(World& world) {
    Gateways gateways(world, {.ipcomp = true});
    gateways.up();
    const auto indices = [](const Node& node) { return node.list().front().children.front().ipcomp; };
    const auto expect_agreement = [&](const char* when) {
        const model::Ipcomp a = indices(gateways.a), b = indices(gateways.b);
        world.expect(a.agreed() && a.cpi_in >= model::cpi_first && a.cpi_in <= model::cpi_last && b.cpi_in >= model::cpi_first && b.cpi_in <= model::cpi_last,
                     fmt::format("the indices are those of negotiation {}", when));
        world.expect(a.cpi_in == b.cpi_out && a.cpi_out == b.cpi_in, fmt::format("both have the same indices {}", when));
        return a;
    };
    const model::Ipcomp first = expect_agreement("after IKE_AUTH");
    gateways.talk();
    world.rekey(gateways.a, the_child);
    gateways.rest();
    const model::Ipcomp second = expect_agreement("after a rekey by a");
    world.expect(first != second, "a rekey has indices of its own");
    world.rekey(gateways.b, the_child);
    gateways.rest();
    expect_agreement("after a rekey by b");
    world.rekey(gateways.a, the_ike);
    gateways.rest();
    expect_agreement("when the IKE SA was rekeyed");
    gateways.expect_nothing_lost();
}

// §2.22: who does not answer, or does not ask, wants none.
void compression_of_one_side(World& world, bool at_a) {
    Gateways gateways(world, {.ipcomp = at_a}, {.ipcomp = !at_a});
    gateways.up();
    gateways.talk();
    world.rekey(gateways.a, the_child);
    gateways.rest();
    world.rekey(gateways.b, the_child);
    gateways.rest();
    for (const Node* node : {&gateways.a, &gateways.b})
        world.expect(!node->list().front().children.front().ipcomp.agreed(), node->name() + " does without compression");
    gateways.expect_nothing_lost();
}
void compression_is_declined(World& world) { compression_of_one_side(world, true); }
void compression_is_not_offered(World& world) { compression_of_one_side(world, false); }

// ---- BEET mode ----------------------------------------------------------------------------------------

void make_beet(model::ChildConfig& child) { child.mode = model::ChildMode::beet; }
void between(model::ChildConfig& child, const char* local, const char* remote) {
    child.local_ts = selectors({local});
    child.remote_ts = selectors({remote});
}

// The responder may have more addresses than one, the initiator's narrow them.
void beet_mode(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) {
                          make_beet(child);
                          between(child, "10.1.0.1", "10.2.0.1");
                      }),
                      with_child([](model::ChildConfig& child) {
                          make_beet(child);
                          between(child, "10.2.0.0/16", "10.1.0.0/16");
                      }));
    gateways.up();
    const auto expect_beet = [&](const char* when) {
        for (const Node* node : {&gateways.a, &gateways.b})
            world.expect(node->list().front().children.front().mode == model::ChildMode::beet, fmt::format("{} has BEET mode {}", node->name(), when));
    };
    expect_beet("after IKE_AUTH");
    world.add_flow(gateways.a, gateways.b, ip("10.1.0.1"), ip("10.2.0.1"));
    world.start_traffic(milliseconds(20));
    world.rekey(gateways.a, the_child);
    gateways.rest();
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.rekey(gateways.b, the_child);
    gateways.rest();
    expect_beet("after rekeys by both");
    gateways.expect_nothing_lost();
}

// What it is asked of depends on what the peer says of itself, not on what it is.
void beet_mode_that_the_peer_does_not_know(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) {
                          make_beet(child);
                          between(child, "10.1.0.1", "10.2.0.1");
                      }), {});
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(!done(gateways.a, command) && children_at(gateways.a) + children_at(gateways.b) == 0, "no child");
}

void beet_mode_with_networks(World& world) {
    Gateways gateways(world, with_child(make_beet));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(!done(gateways.a, command) && children_at(gateways.a) + children_at(gateways.b) == 0, "no child between networks");
}

void beet_mode_that_is_not_asked_for(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) { between(child, "10.1.0.1", "10.2.0.1"); }),
                      with_child([](model::ChildConfig& child) {
                          make_beet(child);
                          between(child, "10.2.0.0/16", "10.1.0.0/16");
                      }));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(!done(gateways.a, command) && children_at(gateways.a) == 0, "a responder with BEET mode makes no tunnel");
    world.expect(gateways.b.engine().counters()[model::Counter::ts_unacceptable] == 1, "it says so");
}

// RFC 7296 §1.3.1 [84]: the responder declines, the initiator does not want a tunnel and deletes it.
void transport_mode_is_declined(World& world, model::Childless childless) {
    Gateways gateways(world, with_connection([childless](model::Connection& connection) {
                          make_transport(connection.children.front());
                          connection.childless = childless;
                      }),
                      with_child([](model::ChildConfig& child) { child.local_ts = child.remote_ts = selectors({"dynamic"}); }));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(gateways.a.outcome(command) && !done(gateways.a, command), "the command fails");
    world.expect(gateways.a.list().size() == 1 && gateways.b.list().size() == 1, "the IKE SA stays");
    world.expect(children_at(gateways.a) + children_at(gateways.b) == 0, "the tunnel is deleted at both ends");
}
void first_child_declined(World& world) { transport_mode_is_declined(world, model::Childless::allow); }
void later_child_declined(World& world) { transport_mode_is_declined(world, model::Childless::prefer); }

void transport_mode_is_demanded(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) { child.local_ts = child.remote_ts = selectors({"dynamic"}); }), with_child(make_transport));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(!done(gateways.a, command) && children_at(gateways.b) == 0, "a responder with transport mode makes no tunnel");
}

// ---- RFC 6023 -----------------------------------------------------------------------------------------

void childless(World& world, model::Childless at_a, model::Childless at_b, bool comes_up, bool child_comes_later) {
    Gateways gateways(world, with_connection([at_a](model::Connection& connection) { connection.childless = at_a; }),
                      with_connection([at_b](model::Connection& connection) { connection.childless = at_b; }));
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(10));
    world.expect(done(gateways.a, command) == comes_up, "the command ends as it should");
    world.expect(gateways.is_up() == comes_up, comes_up ? "the tunnel is up" : "there is no tunnel");
    const bool later = gateways.a.engine().counters()[model::Counter::create_child_out_req] == 1;
    world.expect(later == child_comes_later, "the child has its own exchange only where that was agreed");
    if (!comes_up) return;
    gateways.talk();
    world.run_for(seconds(1));
    gateways.expect_nothing_lost();
}
void childless_preferred(World& world) { childless(world, model::Childless::prefer, model::Childless::allow, true, true); }
void childless_forced(World& world) { childless(world, model::Childless::force, model::Childless::force, true, true); }
void childless_preferred_in_vain(World& world) { childless(world, model::Childless::prefer, model::Childless::never, true, false); }
// RFC 6023 §3 [108]: never to a peer that did not say that it knows it.
void childless_forced_in_vain(World& world) { childless(world, model::Childless::force, model::Childless::never, false, false); }
void childless_demanded_by_responder(World& world) { childless(world, model::Childless::allow, model::Childless::force, false, false); }

void ike_sa_alone(World& world) {
    Gateways gateways(world, {});
    const auto command = world.initiate(gateways.a, gateways.b, "");
    world.run_for(seconds(5));
    world.expect(done(gateways.a, command) && gateways.a.list().size() == 1 && children_at(gateways.a) == 0, "the IKE SA is up, without a child");
    world.initiate(gateways.a, gateways.b);
    gateways.rest();
    world.expect(gateways.is_up(), "its child comes when it is asked for");
}

// ---- traps --------------------------------------------------------------------------------------------

void first_packet_brings_it_up(World& world) {
    Gateways gateways(world, {});
    world.network.link = {.delay = milliseconds(30), .jitter = milliseconds(10)};
    world.expect(done(gateways.a, world.install(gateways.a, gateways.b)), "the trap is set");
    world.run_for(minutes(1));
    world.expect(gateways.is_down(), "nothing happens before the first packet");
    world.add_flow(gateways.a, gateways.b, inner_a, inner_b);
    world.start_traffic(milliseconds(20));
    await_children(world, gateways.a, 1, seconds(10), "the first packet brings the child up");
    world.run_for(seconds(2));
    world.expect(gateways.a.engine().counters()[model::Counter::acquired] == 1, "one child for all packets");
    gateways.expect_nothing_lost();
}

void idle_child_closes_and_returns(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) {
                          child.inactivity = seconds(30);
                          child.lifetime.rekey_time = seconds(20);
                      }), {});
    world.install(gateways.a, gateways.b);
    world.add_flow(gateways.a, gateways.b, inner_a, inner_b);
    world.start_traffic(milliseconds(500));
    world.run_for(minutes(2));
    world.expect(children_at(gateways.a) == 1 && gateways.a.reported().child_down == 0, "a busy child stays, rekeyed or not");
    world.stop_traffic();
    await_children(world, gateways.a, 0, minutes(2), "an idle child closes, rekeyed or not");
    await_children(world, gateways.b, 0, seconds(5), "at both ends");
    world.start_traffic(milliseconds(500));
    await_children(world, gateways.a, 1, seconds(5), "the next packet brings it back");
    world.run_for(seconds(5));
    gateways.expect_nothing_lost();
}

void dead_peer_leaves_a_trap(World& world) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) { child.dpd_action = model::Action::trap; }), {});
    gateways.up();
    gateways.b.crash();
    world.expect(world.run_until([&] { return gateways.a.list().empty(); }, minutes(10)), "a notices that b is dead");
    world.expect(gateways.a.backend().policies().size() == 1, "and sets a trap");
    world.run_for(minutes(10));
    world.expect(gateways.a.list().empty(), "it waits for a packet");
    gateways.b.start();
    world.add_flow(gateways.a, gateways.b, inner_a, inner_b);
    world.start_traffic(milliseconds(100));
    await_children(world, gateways.a, 1, seconds(10), "the next packet brings the child back");
    gateways.expect_nothing_lost();
}

void closed_child_leaves_a_trap(World& world, const ike::SaSelector& what) {
    Gateways gateways(world, with_child([](model::ChildConfig& child) { child.close_action = model::Action::trap; }), {});
    gateways.up();
    world.terminate(gateways.b, what);
    world.run_for(seconds(5));
    world.expect(children_at(gateways.a) == 0 && gateways.a.backend().policies().size() == 1, "a trap takes the child's place");
    world.add_flow(gateways.a, gateways.b, inner_a, inner_b);
    world.start_traffic(milliseconds(100));
    await_children(world, gateways.a, 1, seconds(10), "the next packet brings it back");
    gateways.expect_nothing_lost();
}
void closed_child(World& world) { closed_child_leaves_a_trap(world, the_child); }
void closed_ike_sa(World& world) { closed_child_leaves_a_trap(world, the_ike); }

void both_ends_trap(World& world) {
    Gateways gateways(world, {});
    world.install(gateways.a, gateways.b);
    world.install(gateways.b, gateways.a);
    gateways.talk(milliseconds(50));
    world.run_for(seconds(10));
    gateways.rest();
    world.expect(children_at(gateways.a) >= 1, "the tunnel is up");
    gateways.expect_nothing_lost();
}

void trap_of_an_absent_peer(World& world) {
    Gateways gateways(world, {});
    gateways.b.crash();
    world.install(gateways.a, gateways.b);
    world.add_flow(gateways.a, gateways.b, inner_a, inner_b);
    world.start_traffic(milliseconds(100));
    world.run_for(minutes(1));
    world.expect(gateways.a.held() <= model::limits::held_packets_per_policy, "few packets wait");
    world.expect(gateways.a.list().size() == 1, "one attempt at a time");
}

// RFC 7296 §3.3.3, RFC 4302: integrity alone, and rekeys from both ends while packets flow.
void ah_children(World& world) {
    const auto with_ah = [] {
        return with_child([](model::ChildConfig& child) {
            child.esp_proposals = model::parse_proposals(model::Protocol::ah, "sha256-x25519-esn").value();
        });
    };
    Gateways gateways(world, with_ah(), with_ah());
    gateways.up();
    gateways.talk();
    world.run_for(seconds(2));
    for (Node* node : {&gateways.a, &gateways.b}) {
        world.rekey(*node, the_child);
        gateways.rest();
    }
    for (const Node* node : {&gateways.a, &gateways.b}) {
        const auto children = node->list().front().children;
        world.expect(children.size() == 1 && children.front().proposal.protocol == model::Protocol::ah, "one child, with AH");
    }
}

constexpr Scenario scenarios[] = {
    {"several traffic selectors are narrowed, and kept by rekeys", several_selectors},
    {"no traffic selector in common", no_selectors_in_common},
    {"a child for each pair of addresses, as the responder wants it", one_pair_at_a_time},
    {"a responder with a child for each pair refuses all of them at once", one_pair_without_a_packet},
    {"two workers at both ends have an SA each", two_workers_at_both_ends},
    {"five workers here and one there have an SA each", few_and_many_workers},
    {"a child in transport mode", transport_mode},
    {"a child with AH, and its rekeys", ah_children},
    {"a child with compression, and its rekeys", compression},
    {"the responder declines compression", compression_is_declined},
    {"the responder has compression, the initiator does not ask for it", compression_is_not_offered},
    {"a child in BEET mode, and its rekeys", beet_mode},
    {"BEET mode that the peer does not know", beet_mode_that_the_peer_does_not_know},
    {"BEET mode between networks", beet_mode_with_networks},
    {"a responder with BEET mode is asked for a tunnel", beet_mode_that_is_not_asked_for},
    {"the responder declines transport mode for the first child", first_child_declined},
    {"the responder declines transport mode for a later child", later_child_declined},
    {"a responder with transport mode is asked for a tunnel", transport_mode_is_demanded},
    {"a childless start is preferred", childless_preferred},
    {"a childless start is forced by both", childless_forced},
    {"a childless start is preferred, the responder does not know it", childless_preferred_in_vain},
    {"a childless start is forced, the responder does not know it", childless_forced_in_vain},
    {"a responder that wants a childless start refuses the first child", childless_demanded_by_responder},
    {"an IKE SA alone, and its child later", ike_sa_alone},
    {"the first packet brings the child up and is not lost", first_packet_brings_it_up},
    {"an idle child closes and returns with the next packet", idle_child_closes_and_returns},
    {"a dead peer leaves a trap", dead_peer_leaves_a_trap},
    {"a child that the peer closes leaves a trap", closed_child},
    {"an IKE SA that the peer closes leaves a trap", closed_ike_sa},
    {"traps at both ends meet packets at once", both_ends_trap},
    {"the trap's peer is not there", trap_of_an_absent_peer},
};

}  // namespace

std::span<const Scenario> child_scenarios() { return scenarios; }

}  // namespace cygnet::sim
