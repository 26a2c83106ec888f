// What carries IKE and ESP: TCP where UDP does not pass (RFC 9329), and fragments that fit the path (RFC 7383 §2.5.2).
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

using model::Counter;

constexpr std::uint16_t tcp_port = 4500;
const GatewayOptions falls_back{.tcp = model::Tcp::fallback, .tcp_port = tcp_port};
const GatewayOptions only_tcp{.tcp = model::Tcp::always, .tcp_port = tcp_port};

bool over_tcp(const Node& node) {
    const auto all = node.list();
    return all.size() == 1 && all.front().path.tcp();
}
std::uint64_t count(const Node& node, Counter counter) { return node.engine().counters()[counter]; }

void expect_a_tunnel_over_tcp(World& world, Gateways& gateways) {
    world.expect(over_tcp(gateways.a) && over_tcp(gateways.b), "both ends use TCP");
    world.expect(world.streams.count() == 1, "there is one stream");
}

// ---- TCP ------------------------------------------------------------------------------------------

// RFC 9329 §5.1, §6.1, §6.2 [133]: UDP first, then TCP, where nothing is retransmitted.
void udp_is_blocked(World& world) {
    world.network.link.udp_blocked = true;
    Gateways gateways(world, falls_back);
    gateways.up();
    expect_a_tunnel_over_tcp(world, gateways);
    world.expect(count(gateways.a, Counter::tcp_fallback) == 1, "a fell back once");
    gateways.talk();
    world.run_for(minutes(2));
    gateways.expect_nothing_lost();
    world.expect(count(gateways.a, Counter::retransmitted) == 1, "nothing but the first request over UDP is retransmitted");
    world.terminate(gateways.a, the_ike);
    world.run_for(seconds(10));
    world.expect(gateways.is_down() && world.streams.count() == 0, "nothing is left, no stream either");
}

// §5.1: UDP comes first.
void udp_is_preferred(World& world) {
    Gateways gateways(world, falls_back);
    gateways.up();
    world.expect(!over_tcp(gateways.a) && world.streams.count() == 0, "UDP works, so nobody opens a stream");
}

void a_later_attempt_is_over_udp_again(World& world) {
    world.network.link.udp_blocked = true;
    Gateways gateways(world, falls_back);
    gateways.up();
    world.terminate(gateways.a, the_ike);
    world.run_for(seconds(5));
    world.network.link.udp_blocked = false;
    gateways.up();
    world.expect(!over_tcp(gateways.a) && world.streams.count() == 0, "the next tunnel is over UDP");
}

void tcp_from_the_start(World& world) {
    world.network.link = {.delay = milliseconds(30), .loss = 300, .duplication = 100, .detour = 100};
    Gateways gateways(world, only_tcp);
    gateways.up(seconds(5));
    expect_a_tunnel_over_tcp(world, gateways);
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.rekey(gateways.a, the_child);
    gateways.rest();
    world.expect(gateways.is_up() && world.streams.count() == 1, "rekeys stay in the same stream");
    gateways.talk();
    world.run_for(seconds(5));
    gateways.expect_nothing_lost();
}

void through_a_nat_over_tcp(World& world) {
    world.network.nat.emplace(address_a, model::IpAddress::v4(0xcb007109), seconds(60));
    Gateways gateways(world, only_tcp);
    gateways.up();
    world.expect(gateways.a.list().front().nat_local, "the NAT is seen");
    world.expect(!gateways.a.list().front().children.front().udp_encapsulation, "and changes nothing about the form of ESP");
    world.run_for(minutes(5));
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

// RFC 9329 §6.1 [133]: the SA outlives its stream, and the originator opens another.
void the_stream_is_reset(World& world) {
    Gateways gateways(world, only_tcp);
    gateways.up();
    const auto before = gateways.a.list().front().spi_i;
    world.streams.reset();
    world.expect(world.streams.count() == 0, "the stream is gone");
    world.run_for(seconds(3));
    expect_a_tunnel_over_tcp(world, gateways);
    world.expect(gateways.a.list().front().spi_i == before, "with the same IKE SA");
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

// §6.2: what waits for an answer is sent again in the new stream, in both directions.
void requests_survive_their_stream(World& world) {
    Gateways gateways(world, only_tcp);
    gateways.up();
    world.rekey(gateways.a, the_child);
    world.rekey(gateways.b, the_ike);
    world.streams.reset();
    gateways.rest(seconds(20));
    world.expect(gateways.is_up(), "one IKE SA and one child remain");
    world.expect(gateways.b.reported().ike_rekeyed == 1, "b's rekey got through");
}

// RFC 9329 §1.2 [133]: after a rekey by b it is still a who opens streams.
void the_originator_remains(World& world) {
    Gateways gateways(world, only_tcp);
    gateways.up();
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    world.expect(gateways.b.list().front().initiator, "b is the initiator of the new IKE SA");
    world.streams.reset();
    world.run_for(seconds(3));
    expect_a_tunnel_over_tcp(world, gateways);
    world.rekey(gateways.b, the_child);
    gateways.rest();
}

void a_stream_dies_in_silence(World& world) {
    GatewayOptions options = only_tcp;
    options.dpd_delay = seconds(10);
    Gateways gateways(world, options);
    gateways.up();
    world.streams.reset(true);
    world.run_for(seconds(40));
    expect_a_tunnel_over_tcp(world, gateways);
}

void the_link_is_cut_over_tcp(World& world) {
    Gateways gateways(world, only_tcp);
    gateways.up();
    world.network.link.cut = true;
    world.rekey(gateways.a, the_child);
    world.run_for(seconds(60));
    world.network.link.cut = false;
    gateways.rest(minutes(1));
    world.expect(gateways.is_up(), "the tunnel survived");
    gateways.talk();
    world.run_for(seconds(2));
    gateways.expect_nothing_lost();
}

// The patience of a request ends over TCP too (§6.2).
void the_peer_vanishes_over_tcp(World& world) {
    Gateways gateways(world, only_tcp);
    gateways.up();
    gateways.b.crash();
    world.run_for(minutes(5));
    world.expect(gateways.a.list().empty(), "a notices that b is dead");
    gateways.b.start();
    gateways.up();
}

void nobody_listens(World& world) {
    world.network.link.udp_blocked = true;
    GatewayOptions deaf = falls_back;
    deaf.tcp_port = 0;
    Gateways gateways(world, falls_back, deaf);
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(minutes(1));
    const auto outcome = gateways.a.outcome(command);
    world.expect(outcome && !outcome->has_value(), "the command fails");
    world.expect(outcome && outcome->error().detail.find("refused") != std::string::npos, "and says that TCP was refused");
    world.expect(gateways.is_down(), "nothing is left of the attempt");
}

// §5: TCP is for peers for whom it is configured.
void tcp_is_not_configured(World& world) {
    GatewayOptions without = only_tcp;
    without.tcp = model::Tcp::no;
    Gateways gateways(world, only_tcp, without);
    const auto command = world.initiate(gateways.a, gateways.b);
    world.run_for(seconds(5));
    const auto outcome = gateways.a.outcome(command);
    world.expect(outcome && !outcome->has_value(), "b has no connection for a peer over TCP");
    world.expect(gateways.is_down() && world.streams.count() == 0, "nothing is left of the attempt");
}

// §6.3: the TCP handshake has shown what a cookie would.
void no_cookie_over_tcp(World& world) {
    GatewayOptions cautious = only_tcp;
    cautious.engine.always_cookie = true;
    Gateways gateways(world, only_tcp, cautious);
    gateways.up();
    world.expect(count(gateways.b, Counter::cookie_sent) == 0, "no cookie was sent");
}

// ---- fragments and the path -------------------------------------------------------------------------

constexpr const char* large = "aes256gcm16-prfsha384-x25519-ke1_mlkem1024";
GatewayOptions ambitious() { return {.ike = large, .esp = "aes256gcm16-x25519-ke1_mlkem1024", .fragment_size = 1500}; }

void fragments_of_1500(World& world) {
    Gateways gateways(world, ambitious());
    gateways.up(seconds(2));
    world.expect(count(gateways.a, Counter::fragment_size_lowered) == 0, "the first size fits");
}

// RFC 7383 §2.5.2 [147]: from large to small, soon.
void down_to(World& world, std::size_t mtu, std::uint64_t steps) {
    world.network.link.mtu_octets = mtu;
    Gateways gateways(world, ambitious());
    gateways.up(seconds(30));
    world.expect(count(gateways.a, Counter::fragment_size_lowered) == steps, "as many sizes are tried as it takes");
    // In subsequent exchanges, and in the peer's, the size that worked comes first.
    world.rekey(gateways.a, the_ike);
    gateways.rest(seconds(2));
    world.rekey(gateways.a, the_child);
    gateways.rest(seconds(2));
    world.terminate(gateways.a, the_ike);
    world.run_for(seconds(3));
    gateways.up(seconds(2));
    world.expect(count(gateways.a, Counter::fragment_size_lowered) == steps, "and the next IKE SA begins with it");
}
void down_to_1400(World& world) { down_to(world, 1400, 1); }
void down_to_1280(World& world) { down_to(world, 1280, 1); }
void down_to_576(World& world) { down_to(world, 600, 2); }

void the_path_becomes_narrow(World& world) {
    Gateways gateways(world, ambitious());
    gateways.up(seconds(2));
    world.network.link.mtu_octets = 1300;
    world.rekey(gateways.b, the_ike);
    gateways.rest(seconds(30));
    world.rekey(gateways.a, the_child);
    gateways.rest(seconds(30));
    world.expect(gateways.is_up(), "both rekeys found the smaller size");
}

// Requests get through and answers do not: the responder is never told, but asked again.
void only_answers_are_too_large(World& world) {
    GatewayOptions small = ambitious();
    small.fragment_size = 1280;
    world.network.link.mtu_octets = 1300;
    Gateways gateways(world, small, ambitious());
    gateways.up(seconds(30));
}

void narrow_and_lossy(World& world) {
    world.network.link = {.delay = milliseconds(40), .jitter = milliseconds(30), .loss = 150, .duplication = 100, .detour = 50, .mtu_octets = 1300};
    Gateways gateways(world, ambitious());
    gateways.up(minutes(5));
    world.rekey(gateways.a, the_child);
    gateways.rest();
    world.rekey(gateways.b, the_ike);
    gateways.rest();
}

constexpr Scenario scenarios[] = {
    {"UDP is blocked: IKE and ESP fall back to TCP", udp_is_blocked},
    {"UDP works and is preferred to TCP", udp_is_preferred},
    {"a later attempt is over UDP again", a_later_attempt_is_over_udp_again},
    {"TCP from the start, over a lossy link", tcp_from_the_start},
    {"TCP through a NAT", through_a_nat_over_tcp},
    {"the TCP stream is reset", the_stream_is_reset},
    {"the TCP stream is reset while both ends rekey", requests_survive_their_stream},
    {"the TCP originator remains after a rekey by the other side", the_originator_remains},
    {"the TCP stream dies in silence", a_stream_dies_in_silence},
    {"the link is cut under a TCP stream", the_link_is_cut_over_tcp},
    {"the peer vanishes over TCP", the_peer_vanishes_over_tcp},
    {"nobody listens on the TCP port", nobody_listens},
    {"TCP is not configured for this peer", tcp_is_not_configured},
    {"no cookie over TCP", no_cookie_over_tcp},
    {"fragments of 1500 octets", fragments_of_1500},
    {"fragments come down to 1400 octets", down_to_1400},
    {"fragments come down to 1280 octets", down_to_1280},
    {"fragments come down to 576 octets", down_to_576},
    {"the path becomes narrow", the_path_becomes_narrow},
    {"only the answers are too large for the path", only_answers_are_too_large},
    {"a narrow and lossy path", narrow_and_lossy},
};

}  // namespace

std::span<const Scenario> transport_scenarios() { return scenarios; }

}  // namespace cygnet::sim
