// Strangers and people on the path. Nothing that they send may end a tunnel, stay in memory or earn a longer answer.
#include <algorithm>

#include "sim/peer.h"
#include "sim/scenario.h"
#include "wire/message.h"

namespace cygnet::sim {
namespace {

using model::ExchangeType;
using model::NotifyType;

// The tunnel still works, and nobody else left anything behind.
void expect_undisturbed(World& world, Gateways& gateways) {
    world.run_for(minutes(2));
    gateways.rest();
    world.expect(gateways.is_up(), "the tunnel stands and nothing else is left");
    world.expect(gateways.a.reported().ike_down + gateways.b.reported().ike_down == 0, "it never went down");
    world.rekey(gateways.a, the_child);
    gateways.rest();
    gateways.talk();
    world.run_for(seconds(1));
    gateways.expect_nothing_lost();
}

bool is_first_exchange(const Packet& packet) { return wire::parse_header(*packet.ike()).value().exchange == ExchangeType::ike_sa_init; }

void garbage(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    Stranger stranger(world);
    for (std::size_t size = 0; size < 64; ++size) stranger.send(gateways.b, world.rng.bytes(size));
    Bytes header = captured_first_request();
    for (std::size_t size = 0; size < header.size(); size += 7) stranger.send(gateways.b, Bytes(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size)));
    world.run_for(seconds(1));
    world.expect(stranger.replies.size() <= 64, "few of the datagrams earn an answer");
    expect_undisturbed(world, gateways);
}

void incomplete_first_requests(World& world) {
    Gateways gateways(world, {});
    Stranger stranger(world);
    const Bytes whole = captured_first_request();
    const wire::Message message = wire::parse_message(whole).value();
    for (std::size_t left_out = 0; left_out < 3; ++left_out) {  // SA, KE, Nonce
        wire::Message less = message;
        less.payloads.erase(less.payloads.begin() + static_cast<std::ptrdiff_t>(left_out));
        stranger.replies.clear();
        const Bytes request = wire::written(less);
        stranger.send(gateways.b, request);
        world.run_for(seconds(1));
        world.expect(stranger.replies.size() <= 1 && (stranger.replies.empty() || stranger.replies.front().size() <= request.size()), "at most one answer, not longer than the request");
        world.expect(gateways.b.list().empty(), "nothing is kept of a request without SA, KE or Nonce");
    }
}

void flood_of_first_requests(World& world) {
    Gateways gateways(world, {});
    Stranger stranger(world);
    Bytes request = captured_first_request();
    for (unsigned i = 0; i < 300; ++i) {
        request[0] = static_cast<std::uint8_t>(i >> 8 | 0x40);
        request[1] = static_cast<std::uint8_t>(i);
        world.checkers.ike_sas_max = 150;
        stranger.send(gateways.b, request);
    }
    world.run_for(seconds(1));
    const auto& settings = gateways.b.engine_settings();
    world.expect(gateways.b.engine().population().half_open <= settings.half_open_before_cookies, "half-open IKE SAs stay few: cookies are demanded");
    gateways.up();
    world.run_for(minutes(1));
    world.expect(gateways.b.engine().population().half_open == 0, "nothing of the flood is left after a minute");
}

void reflected(World& world) {
    Wiretap tap(world, [](Wiretap& self, const Packet& packet) {
        // Whoever sits on the path can break what nothing protects yet.
        if (is_first_exchange(packet)) return;
        Packet back = packet;
        std::swap(back.from, back.to);
        self.inject(std::move(back));
    });
    Gateways gateways(world, {.ike = hybrid});
    gateways.up();
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    expect_undisturbed(world, gateways);
}

// RFC 7383 §2.6 [143]: a bad checksum is dropped silently.
void damaged_copies_come_first(World& world) {
    Wiretap tap(world, [&world](Wiretap& self, const Packet& packet) {
        Packet copy = packet;
        auto& octets = std::get<Bytes>(copy.content);
        if (is_first_exchange(packet)) return;
        octets[world.rng.below(octets.size())] ^= 0x10;
        self.inject(copy);
        octets.resize(octets.size() / 2);
        self.inject(std::move(copy));
    });
    Gateways gateways(world, {.ike = hybrid});
    gateways.up(minutes(3));
    world.rekey(gateways.a, the_ike);
    gateways.rest();
    expect_undisturbed(world, gateways);
}

void forged_refusals_of_the_first_request(World& world) {
    Wiretap tap(world, [](Wiretap& self, const Packet& packet) {
        auto header = wire::parse_header(*packet.ike()).value();
        if (header.exchange != ExchangeType::ike_sa_init || header.response) return;
        for (const NotifyType type : {NotifyType::invalid_syntax, NotifyType::authentication_failed, NotifyType::invalid_ike_spi, NotifyType::invalid_major_version}) {
            header.response = true;
            header.initiator = false;
            header.spi_r = 0x1234;
            wire::MessageBuilder refusal;
            refusal.notify(type);
            self.inject({.from = packet.to, .to = packet.from, .content = refusal.finish(header)});
        }
    });
    Gateways gateways(world, {});
    gateways.up();
    expect_undisturbed(world, gateways);
}

// RFC 7296 §2.4 [21]: an SA is dead only after unanswered retransmissions.
void forged_messages_of_an_established_sa(World& world) {
    Gateways gateways(world, {});
    gateways.up();
    const auto sa = gateways.a.list().front();
    Wiretap tap(world, [](Wiretap&, const Packet&) {});
    for (const bool response : {false, true})
        for (const std::uint32_t id : {0U, 1U, 2U, 3U, 0x7fffffffU, 0xffffffffU})
            for (const ExchangeType exchange : {ExchangeType::ike_sa_init, ExchangeType::ike_auth, ExchangeType::informational, ExchangeType::create_child_sa}) {
                wire::MessageBuilder forged;
                forged.notify(NotifyType::authentication_failed).add(wire::DeletePayload{.protocol = model::Protocol::ike, .spi_size = 0, .spis = {}});
                const wire::Header header{.spi_i = sa.spi_i, .spi_r = sa.spi_r, .exchange = exchange, .initiator = true, .response = response, .message_id = id};
                tap.inject({.from = {address_a, 500}, .to = {address_b, 500}, .content = forged.finish(header)});
            }
    expect_undisturbed(world, gateways);
}

void everything_again_later(World& world) {
    Wiretap tap(world, [](Wiretap&, const Packet&) {});
    Gateways gateways(world, {.ike = hybrid, .esp = "aes256gcm16-x25519"});
    gateways.up();
    world.rekey(gateways.a, the_child);
    gateways.rest();
    world.rekey(gateways.b, the_ike);
    gateways.rest();
    const std::vector<Packet> recorded = tap.seen;
    world.run_for(minutes(2));
    for (const Packet& packet : recorded) tap.inject(packet);
    expect_undisturbed(world, gateways);
}

constexpr Scenario scenarios[] = {
    {"a stranger sends garbage", garbage},
    {"a stranger's first requests lack a payload", incomplete_first_requests},
    {"a stranger floods with first requests", flood_of_first_requests},
    {"every protected message is reflected to its sender", reflected},
    {"damaged copies overtake every protected message", damaged_copies_come_first},
    {"forged refusals of the first request", forged_refusals_of_the_first_request},
    {"forged messages of an established IKE SA", forged_messages_of_an_established_sa},
    {"everything that was said is repeated later", everything_again_later},
};

}  // namespace

std::span<const Scenario> hostile_scenarios() { return scenarios; }

}  // namespace cygnet::sim
