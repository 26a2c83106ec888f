#include "bench/engine_pair.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "crypto/test_pki.h"
#include "model/config_index.h"
#include "model/proposal.h"
#include "wire/header.h"

namespace cygnet::bench {
namespace {

model::AuthConfig round(std::string_view identity, Proof proof) {
    model::AuthConfig round;
    round.auth = proof == Proof::certificate ? model::AuthClass::pubkey : model::AuthClass::psk;
    round.auth_text = proof == Proof::certificate ? "pubkey" : "psk";
    round.id = {.type = model::IdType::fqdn, .data = keep(bytes_of(identity))};
    return round;
}

std::string connection_name(std::uint32_t number) { return "bench" + std::to_string(number); }

std::vector<model::AuthConfig> rounds(std::string_view identity, const Terms& terms) {
    std::vector<model::AuthConfig> all = {round(identity, terms.proof)};
    if (!terms.ml_dsa_too) return all;
    all.front().key_kinds = {model::KeyKind::ecdsa};
    all.push_back(round(identity, terms.proof));
    all.back().key_kinds = {model::KeyKind::ml_dsa_65};
    return all;
}

std::shared_ptr<const model::Connection> connection_for(std::string_view own, std::string_view peer, const Terms& terms,
                                                        std::uint32_t number) {
    auto connection = std::make_shared<model::Connection>();
    connection->name = connection_name(number);
    connection->unique = model::UniquePolicy::never;
    const model::HostPattern any{.text = "%any", .range = {}, .any = true};
    connection->local_addrs = {any};
    connection->remote_addrs = {any};
    connection->proposals = model::parse_proposals(model::Protocol::ike, terms.proposals).value();
    if (terms.proof == Proof::ticket) {
        connection->resumption = model::Resumption::ticket;
        connection->dpd_delay = seconds(30);
    }
    connection->local = rounds(own, terms);
    connection->remote = rounds(peer, terms);
    model::ChildConfig child;
    child.name = "net";
    connection->children = {child};
    return connection;
}

// Connections of as many names: an IKE SA that is up would be used again.
struct End {
    std::string own, peer;
    bool own_numbered = false, peer_numbered = false;
    std::uint32_t connections = 1;
};
std::shared_ptr<const model::Config> config_for(const End& end, const Terms& terms) {
    model::Config config;
    for (std::uint32_t i = 0; i < end.connections; ++i) {
        const std::string own = end.own_numbered ? end.own + std::to_string(i) : end.own;
        const std::string peer = end.peer_numbered ? end.peer + std::to_string(i) : end.peer;
        config.connections[connection_name(i)] = connection_for(own, peer, terms, i);
    }
    auto secret = std::make_shared<model::SharedSecret>();
    secret->name = "ike-bench";
    secret->secret = SecretBytes::copy_of(bytes_of("a secret of thirty-two characters"));
    config.secrets["ike-bench"] = secret;
    return model::with_index(std::move(config));
}

// Both ends have a certificate of one CA.
struct Pki {
    crypto::KeyType keys{};
    std::string ca_key = crypto::make_test_key(keys);
    crypto::Certificate ca =
        crypto::Certificate::parse(crypto::make_test_certificate({.subject = "C=CH, O=Cygnet, CN=CA",
                                                                  .basic_constraints = "critical,CA:TRUE",
                                                                  .key_usage = "critical,keyCertSign,cRLSign"},
                                                                 ca_key, {}, ca_key))
            .value();

    std::shared_ptr<ike::Credentials> credentials(const std::string& name) const {
        auto made = std::make_shared<ike::Credentials>();
        equip(*made, name);
        return made;
    }
    void equip(ike::Credentials& host, const std::string& name) const {
        const std::string pem = crypto::make_test_key(keys);
        host.certificates.push_back(crypto::Certificate::parse(crypto::make_test_certificate({.subject = "C=CH, O=Cygnet, CN=" + name,
                                                                                               .alternative_names = "DNS:" + name,
                                                                                               .key_usage = "digitalSignature"},
                                                                                              pem, ca.der(), ca_key))
                                         .value());
        host.authorities.push_back(ca);
        auto key = crypto::PrivateKey::parse(bytes_of(pem)).value();
        host.private_keys.emplace(key.public_key().key_id(), key);
    }
};

ike::EngineSettings settings() {
    ike::EngineSettings settings;
    settings.half_open_before_cookies = settings.half_open_per_prefix_before_cookies = 1'000'000;
    settings.requests_per_second_before_cookies = 1'000'000;
    settings.unix_seconds_at_start = crypto::test_now;
    settings.announces_sas = false;  // as in a daemon that no VICI client listens to
    return settings;
}

}  // namespace

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void must(bool worked, const char* what) {
    if (worked) return;
    std::fprintf(stderr, "bench: %s failed\n", what);
    std::exit(1);
}

EnginePair::EnginePair(const Terms& terms, std::uint32_t set_ups) : initiator_(rng_, settings()), responder_(rng_, settings()) {
    const Pki pki{.keys = terms.keys};
    const auto initiators = pki.credentials("initiator"), responders = pki.credentials("responder");
    if (terms.ml_dsa_too) {
        const Pki other{.keys = crypto::KeyType::ml_dsa_65};
        other.equip(*initiators, "initiator");
        other.equip(*responders, "responder");
    }
    const bool named = terms.clients == Clients::named;
    const End left{.own = "initiator", .peer = "responder", .own_numbered = named, .connections = set_ups + 1};
    const End right{.own = "responder", .peer = "initiator", .peer_numbered = named, .connections = named ? set_ups + 1 : 1};
    feed(initiator_, ike::Configure{config_for(left, terms), initiators});
    feed(responder_, ike::Configure{config_for(right, terms), responders});
}

void EnginePair::set_up(std::uint32_t client) {
    const model::Path path{.local = {.address = model::IpAddress::v4(0x0a000000 + client), .port = 500},
                           .remote = {.address = model::IpAddress::v4(0xc0000201), .port = 500}};
    const auto before = children_;
    newest_request_.reset();
    feed(initiator_, ike::Initiate{.id = ike::CommandId{client}, .connection = connection_name(client), .child = "net", .path = path});
    for (std::size_t i = 0; i < queue_.size(); ++i) {
        Item item = std::move(queue_[i]);
        feed(*item.engine, std::move(item));
    }
    queue_.clear();
    if (children_ != before + 2) {
        std::fprintf(stderr, "bench: the set-up failed: %s\n", last_line_.c_str());
        std::exit(1);
    }
}

void EnginePair::lose_all() {
    while (initiator_.population().ike_sas != 0) {
        now_ = initiator_.next_deadline();
        ike::Effects lost;
        initiator_.step(now_, ike::Tick{}, lost);
    }
}

void EnginePair::feed(ike::Engine& engine, Item item) {
    if (item.job)
        feed(engine, ike::Input(std::move(*item.job)));
    else
        feed(engine, ike::Input(ike::Datagram{.path = item.path, .bytes = item.datagram}));
}

void EnginePair::feed(ike::Engine& engine, ike::Input input) {
    now_ = now_ + microseconds(1);
    engine.step(now_, std::move(input), effects_);
    for (ike::Effect& effect : effects_) execute(engine, effect);
    effects_.clear();
}

void EnginePair::execute(ike::Engine& engine, ike::Effect& effect) {
    if (auto* send = std::get_if<ike::Send>(&effect)) {
        count(engine, send->datagram);
        ike::Engine& other = &engine == &initiator_ ? responder_ : initiator_;
        queue_.push_back({.engine = &other,
                          .path = {.local = send->path.remote, .remote = send->path.local},
                          .datagram = std::move(send->datagram)});
    } else if (auto* job = std::get_if<ike::StartJob>(&effect)) {
        queue_.push_back({.engine = &engine, .job = ike::JobDone{.id = job->id, .result = crypto::run(std::move(job->job))}});
    } else if (std::holds_alternative<ike::InstallChild>(effect)) {
        ++children_;
    } else if (auto* report = std::get_if<ike::Report>(&effect)) {
        if (auto* line = std::get_if<model::LogLine>(&report->event)) last_line_ = line->message;
    }
}

void EnginePair::count(const ike::Engine& sender, ByteView datagram) {
    crossed_.octets += datagram.size();
    ++crossed_.datagrams;
    if (&sender != &initiator_) return;
    const auto header = wire::parse_header(datagram);
    must(header.has_value(), "reading an own message");
    if (header->response || header->message_id == newest_request_) return;
    newest_request_ = header->message_id;  // the fragments of one request have one message ID
    ++crossed_.exchanges;
}

}  // namespace cygnet::bench
