#include "sim/hosts.h"

#include <fmt/format.h>

#include <algorithm>

namespace cygnet::sim {
namespace {

model::AuthConfig shared_key_round(const char* name, const char* id) {
    return {.name = name, .auth = model::AuthClass::psk, .auth_text = "psk", .id = model::Identity::parse(id)};
}

model::ChildConfig child_of(bool at_a, const GatewayOptions& options) {
    const auto selector = [](const char* text) { return std::vector{*model::ConfiguredSelector::parse(text)}; };
    model::ChildConfig child;
    child.name = "net";
    child.local_ts = selector(at_a ? "10.1.0.0/16" : "10.2.0.0/16");
    child.remote_ts = selector(at_a ? "10.2.0.0/16" : "10.1.0.0/16");
    child.esp_proposals = model::parse_proposals(model::Protocol::esp, options.esp).value();
    child.dpd_action = options.dpd_action;
    child.ipcomp = options.ipcomp;
    child.lifetime.rekey_time = options.child_rekey_time;
    child.lifetime.life_time = options.child_rekey_time * 11 / 10;
    child.lifetime.rand_time = options.child_rekey_time / 10;
    return child;
}

model::Connection connection_of(bool at_a, const GatewayOptions& options) {
    model::Connection connection;
    connection.name = "gw";
    connection.local = {shared_key_round("local", at_a ? "a.example" : "b.example")};
    connection.remote = {shared_key_round("remote", at_a ? "b.example" : "a.example")};
    if (options.rounds_a > 1) (at_a ? connection.local : connection.remote).push_back(shared_key_round("second", "alice@example"));
    if (options.rounds_b > 1) (at_a ? connection.remote : connection.local).push_back(shared_key_round("second", "bob@example"));
    connection.unique = options.unique;
    connection.proposals = model::parse_proposals(model::Protocol::ike, options.ike).value();
    connection.post_quantum = options.post_quantum;
    connection.fragmentation = options.fragmentation;
    connection.rekey_time = options.ike_rekey_time;
    connection.reauth_time = options.reauth_time;
    connection.over_time = connection.rand_time = std::max(options.ike_rekey_time, options.reauth_time) / 10;
    connection.dpd_delay = options.dpd_delay;
    connection.encap = options.encap;
    connection.fragment_size = options.fragment_size;
    connection.tcp = options.tcp;
    connection.mobike = options.mobike;
    connection.return_routability = options.return_routability;
    connection.redirect_to = options.redirect_to;
    connection.redirect_at = options.redirect_at;
    connection.resumption = options.resumption;
    connection.crash_detection = options.crash_detection;
    connection.downgrade_protection = options.downgrade_protection;
    connection.window = options.window;
    if (options.ppk != nullptr || options.pads != 0) connection.ppk = options.ppk_use;
    if (options.ppk != nullptr) connection.ppk->ids = {model::PpkPattern::parse("k1")};
    if (options.pads != 0) connection.ppk->source.pads = "/pads";
    connection.children = {child_of(at_a, options)};
    if (options.tune) options.tune(connection);
    return connection;
}

}  // namespace

NodeSettings gateway(bool at_a, const GatewayOptions& options) {
    auto config = std::make_shared<model::Config>();
    model::SharedSecret secret{.name = "ike-1", .owners = {}, .secret = SecretBytes::copy_of(bytes_of(options.secret))};
    config->secrets["ike-1"] = std::make_shared<const model::SharedSecret>(std::move(secret));
    config->connections["gw"] = std::make_shared<const model::Connection>(connection_of(at_a, options));
    if (options.ppk != nullptr) {
        model::PpkSecret ppk{.name = "ppk-1", .ids = {model::PpkPattern::parse("k1")}, .key = SecretBytes::copy_of(bytes_of(options.ppk))};
        config->ppks["ppk-1"] = std::make_shared<const model::PpkSecret>(std::move(ppk));
    }
    ike::test::FakePads pads;
    pads.fill(options.pads);
    return {.name = at_a ? "a" : "b", .address = at_a ? address_a : address_b, .config = std::move(config),
            .credentials = options.credentials, .engine = options.engine,
            .peer = at_a ? address_b : address_a, .tcp_port = options.tcp_port, .pads = std::move(pads)};
}

Gateways::Gateways(World& in, const GatewayOptions& at_a, const GatewayOptions& at_b)
    : world(in), a(in.add(gateway(true, at_a))), b(in.add(gateway(false, at_b))) {}

bool Gateways::up(Duration limit) {
    world.initiate(a, b);
    const bool done = world.run_until([this] { return is_up() && world.idle(); }, limit);
    world.expect(done, "the tunnel comes up");
    return done;
}

bool Gateways::is_up() const {
    const auto at_a = a.list();
    return at_a.size() == 1 && at_a.front().children.size() == 1 && world.agree(a, b);
}

bool Gateways::is_down() const { return a.list().empty() && b.list().empty(); }

bool Gateways::rest(Duration limit) {
    const bool done = world.run_until([this] { return world.agree(a, b); }, limit);
    world.expect(done, done ? "" : "both ends come to rest and agree; " + world.stand_of(a, b));
    return done;
}

void Gateways::talk(Duration interval) {
    world.add_flow(a, b, inner_a, inner_b);
    world.add_flow(b, a, inner_b, inner_a);
    world.start_traffic(interval);
}

void Gateways::expect_the_same_tunnel() {
    world.expect(is_up(), "one IKE SA and one child remain");
    expect_nothing_lost();
}

void Gateways::expect_a_clean_end(Node& by) {
    world.terminate(by, the_ike);
    world.run_for(seconds(10));
    world.expect(is_down(), "nothing is left after the terminate");
}

void Gateways::expect_nothing_lost() {
    world.stop_traffic();
    world.run_for(seconds(1));
    for (const Flow& flow : world.flows()) {
        world.expect(flow.delivered > 0, "packets flow from " + flow.from->name());
        world.expect(flow.delivered == flow.sent && flow.unsent == 0,
                     fmt::format("no packet from {} is lost: {} of {} arrived, {} found no SA", flow.from->name(), flow.delivered,
                                 flow.sent, flow.unsent));
    }
}

}  // namespace cygnet::sim
