// P13 to P15 and P17 of the performance goals: how much CPU a whole set-up (IKE SA and first child) costs two engines that share
// one process and no I/O, beside the cost of its raw cryptography measured in the same run, turn by turn.
//
// P18 to P20: how long one takes, how long 10,000 take, and what each keeps in memory: in the engine, and in a data plane that
// has its child but has not seen a packet.
//
//   handshake [--pairs N] [--set-ups N] [--many N]
//   handshake only KIND SET-UPS     measures nothing: for counting instructions (bench/README.md)

#include <malloc.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measurement.h"
#include "crypto/cipher.h"
#include "crypto/key_exchange.h"
#include "crypto/prf.h"
#include "crypto/test_pki.h"
#include "esp/forwarding_table.h"
#include "ike/engine.h"
#include "model/config_index.h"
#include "model/proposal.h"

namespace {

using namespace cygnet;

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

enum class Proof { shared_key, certificate, ticket };
// All of one identity, or each with an identity of its own and a connection for it at the gateway.
enum class Clients { alike, named };

model::AuthConfig round(std::string_view identity, Proof proof) {
    model::AuthConfig round;
    round.auth = proof == Proof::certificate ? model::AuthClass::pubkey : model::AuthClass::psk;
    round.auth_text = proof == Proof::certificate ? "pubkey" : "psk";
    round.id = {.type = model::IdType::fqdn, .data = keep(bytes_of(identity))};
    return round;
}

std::string connection_name(std::uint32_t number) { return "bench" + std::to_string(number); }

std::shared_ptr<const model::Connection> connection_for(std::string_view own, std::string_view peer, std::string_view proposals,
                                                        std::uint32_t number, Proof proof) {
    auto connection = std::make_shared<model::Connection>();
    connection->name = connection_name(number);
    connection->unique = model::UniquePolicy::never;
    const model::HostPattern any{.text = "%any", .range = {}, .any = true};
    connection->local_addrs = {any};
    connection->remote_addrs = {any};
    connection->proposals = model::parse_proposals(model::Protocol::ike, proposals).value();
    if (proof == Proof::ticket) {
        connection->resumption = model::Resumption::ticket;
        connection->dpd_delay = seconds(30);
    }
    connection->local = {round(own, proof)};
    connection->remote = {round(peer, proof)};
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
std::shared_ptr<const model::Config> config_for(const End& end, std::string_view proposals, Proof proof) {
    model::Config config;
    for (std::uint32_t i = 0; i < end.connections; ++i) {
        const std::string own = end.own_numbered ? end.own + std::to_string(i) : end.own;
        const std::string peer = end.peer_numbered ? end.peer + std::to_string(i) : end.peer;
        config.connections[connection_name(i)] = connection_for(own, peer, proposals, i, proof);
    }
    auto secret = std::make_shared<model::SharedSecret>();
    secret->name = "ike-bench";
    secret->secret = SecretBytes::copy_of(bytes_of("a secret of thirty-two characters"));
    config.secrets["ike-bench"] = secret;
    return model::with_index(std::move(config));
}

// Both ends have a certificate of one CA on ECDSA P-256.
struct Pki {
    std::string ca_key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    crypto::Certificate ca =
        crypto::Certificate::parse(crypto::make_test_certificate({.subject = "C=CH, O=Cygnet, CN=CA",
                                                                  .basic_constraints = "critical,CA:TRUE",
                                                                  .key_usage = "critical,keyCertSign,cRLSign"},
                                                                 ca_key, {}, ca_key))
            .value();

    std::shared_ptr<const ike::Credentials> credentials(const std::string& name) const {
        const std::string pem = crypto::make_test_key(crypto::KeyType::ecdsa_256);
        auto made = std::make_shared<ike::Credentials>();
        made->certificates.push_back(crypto::Certificate::parse(crypto::make_test_certificate({.subject = "C=CH, O=Cygnet, CN=" + name,
                                                                                               .alternative_names = "DNS:" + name,
                                                                                               .key_usage = "digitalSignature"},
                                                                                              pem, ca.der(), ca_key))
                                         .value());
        made->authorities.push_back(ca);
        auto key = crypto::PrivateKey::parse(bytes_of(pem)).value();
        made->private_keys.emplace(key.public_key().key_id(), key);
        return made;
    }
};

// Two engines whose effects are each other's inputs; jobs run at once.
class Pair {
public:
    Pair(std::string_view proposals, Proof proof, std::uint32_t set_ups, Clients clients = Clients::alike)
        : initiator_(rng_, settings()), responder_(rng_, settings()) {
        const Pki pki;
        const bool named = clients == Clients::named;
        const End left{.own = "initiator", .peer = "responder", .own_numbered = named, .connections = set_ups + 1};
        const End right{.own = "responder", .peer = "initiator", .peer_numbered = named, .connections = named ? set_ups + 1 : 1};
        configure(initiator_, config_for(left, proposals, proof), pki.credentials("initiator"));
        configure(responder_, config_for(right, proposals, proof), pki.credentials("responder"));
    }

    // Brings up one IKE SA with a child; ends the program if that does not happen.
    void set_up(std::uint32_t client) {
        const model::Path path{.local = {.address = model::IpAddress::v4(0x0a000000 + client), .port = 500},
                               .remote = {.address = model::IpAddress::v4(0xc0000201), .port = 500}};
        const auto before = children_;
        feed(initiator_, ike::Initiate{.id = ike::CommandId{client}, .connection = connection_name(client), .child = "net", .path = path});
        while (!queue_.empty()) {
            Item item = std::move(queue_.front());
            queue_.pop_front();
            feed(*item.engine, std::move(item));
        }
        if (children_ != before + 2) {
            std::fprintf(stderr, "handshake: the set-up failed: %s\n", last_line_.c_str());
            std::exit(1);
        }
    }

    // The initiator hears nothing until it has given up all its IKE SAs; their tickets are left.
    void lose_all() {
        while (initiator_.population().ike_sas != 0) {
            now_ = initiator_.next_deadline();
            ike::Effects lost;
            initiator_.step(now_, ike::Tick{}, lost);
        }
    }
    std::uint64_t resumed() const { return responder_.counters()[model::Counter::ike_resumed]; }

private:
    struct Item {
        ike::Engine* engine = nullptr;
        model::Path path{};
        Bytes datagram{};
        std::optional<ike::JobDone> job{};
    };

    static ike::EngineSettings settings() {
        ike::EngineSettings settings;
        settings.half_open_before_cookies = settings.half_open_per_prefix_before_cookies = 1'000'000;
        settings.requests_per_second_before_cookies = 1'000'000;
        settings.unix_seconds_at_start = crypto::test_now;
        return settings;
    }
    void configure(ike::Engine& engine, std::shared_ptr<const model::Config> config,
                   std::shared_ptr<const ike::Credentials> credentials) {
        feed(engine, ike::Configure{std::move(config), std::move(credentials)});
    }
    void feed(ike::Engine& engine, Item item) {
        if (item.job)
            feed(engine, ike::Input(std::move(*item.job)));
        else
            feed(engine, ike::Input(ike::Datagram{.path = item.path, .bytes = item.datagram}));
    }
    void feed(ike::Engine& engine, ike::Input input) {
        now_ = now_ + microseconds(1);
        engine.step(now_, std::move(input), effects_);
        for (ike::Effect& effect : effects_) execute(engine, effect);
        effects_.clear();
    }
    void execute(ike::Engine& engine, ike::Effect& effect) {
        if (auto* send = std::get_if<ike::Send>(&effect)) {
            ike::Engine& other = &engine == &initiator_ ? responder_ : initiator_;
            queue_.push_back({.engine = &other,
                              .path = {.local = send->path.remote, .remote = send->path.local},
                              .datagram = std::move(send->datagram)});
        } else if (auto* job = std::get_if<ike::StartJob>(&effect)) {
            queue_.push_back({.engine = &engine, .job = ike::JobDone{.id = job->id, .result = crypto::run(std::move(job->job))}});
        } else if (std::holds_alternative<ike::InstallChild>(effect)) {
            ++children_;
        } else if (auto* report = std::get_if<ike::Report>(&effect)) {
            if (auto* line = std::get_if<model::LogLine>(&*report->event)) last_line_ = line->message;
        }
    }

    crypto::SystemRng rng_;
    Instant now_{};
    ike::Effects effects_;
    ike::Engine initiator_, responder_;
    std::deque<Item> queue_;
    std::uint64_t children_ = 0;
    std::string last_line_;
};

void must(bool worked, const char* what) {
    if (worked) return;
    std::fprintf(stderr, "handshake: %s failed\n", what);
    std::exit(1);
}

enum class Kind { psk, certificates, hybrid };
constexpr const char* classic = "aes256gcm16-prfsha384-x25519";
constexpr const char* hybrid = "aes256gcm16-prfsha384-x25519-ke1_mlkem768";

// Both ends sign and verify: no more is left of certificates whose paths are known.
void raw_signatures() {
    static const auto key = crypto::PrivateKey::parse(bytes_of(crypto::make_test_key(crypto::KeyType::ecdsa_256))).value();
    static const crypto::SignatureScheme scheme{crypto::SignatureScheme::Kind::ecdsa, model::SignatureHash::sha2_256};
    const Bytes octets(500, 7);
    for (int end = 0; end < 2; ++end) {
        const auto signature = crypto::sign(key, scheme, octets);
        must(signature.has_value(), "sign");
        must(crypto::verify(key.public_key(), scheme, octets, *signature).has_value(), "verify");
    }
}

// What no implementation can leave out: both ends' key exchanges, and the PRF calls of keys and AUTH.
void raw_cryptography(Kind kind) {
    const auto exchange = [](model::Ke method) {
        const auto offer = crypto::ke_offer(method);
        must(offer.has_value(), "ke_offer");
        const auto answer = crypto::ke_answer(method, offer->public_value);
        must(answer.has_value(), "ke_answer");
        must(crypto::ke_finish(*offer, answer->public_value).has_value(), "ke_finish");
    };
    const Bytes block(48, 1);
    const auto schedule = [&] {
        for (int end = 0; end < 2; ++end) {
            crypto::prf(model::Prf::hmac_sha2_384, block, {block});
            crypto::prf_plus(model::Prf::hmac_sha2_384, block, {block, block}, 3 * 48 + 2 * 36);
        }
    };
    exchange(model::Ke::curve25519);
    schedule();
    if (kind == Kind::certificates) raw_signatures();
    if (kind == Kind::hybrid) {
        exchange(model::Ke::ml_kem_768);
        schedule();
    }
    for (int end = 0; end < 2; ++end) {
        for (int call = 0; call < 8; ++call) crypto::prf(model::Prf::hmac_sha2_384, block, {block});  // AUTH of both, made and checked
        crypto::prf_plus(model::Prf::hmac_sha2_384, block, {block, block}, 2 * 36);                   // KEYMAT
    }
}

// The same without key exchange and credentials: the keys, AUTH, and the ticket that is opened and its successor that is sealed.
void raw_resumption() {
    const Bytes block(48, 1);
    for (int end = 0; end < 2; ++end) {
        crypto::prf(model::Prf::hmac_sha2_384, block, {block});
        crypto::prf_plus(model::Prf::hmac_sha2_384, block, {block, block}, 3 * 48 + 2 * 36);
        for (int call = 0; call < 4; ++call) crypto::prf(model::Prf::hmac_sha2_384, block, {block});
        crypto::prf_plus(model::Prf::hmac_sha2_384, block, {block, block}, 2 * 36);
        const auto cipher = crypto::Cipher::make({.encr = model::Encr::aes_gcm_16, .key_bits = 256}, SecretBytes(36).reveal(), {});
        Bytes text(300), icv(16), iv(8);
        must(cipher.has_value() && cipher->seal({}, iv, text, icv).has_value(), "seal");
    }
}

// Set-ups per second of one core that plays one end.
double rate(double seconds, int set_ups) { return 2 * set_ups / seconds; }

bench::Measurement measure(const char* id, const char* name, const char* proposals, Kind kind, int pairs, int set_ups) {
    const Proof proof = kind == Kind::certificates ? Proof::certificate : Proof::shared_key;
    Pair engines(proposals, proof, static_cast<std::uint32_t>(pairs * set_ups + set_ups / 10 + 1));
    std::uint32_t client = 0;
    for (int i = 0; i < set_ups / 10 + 1; ++i) engines.set_up(++client);  // Caches and allocators settle.
    bench::Measurement measured{.id = id, .name = name, .unit = "set-ups/s/core", .other = "raw cryptography of the same set-up"};
    for (int pair = 0; pair < pairs; ++pair) {
        bench::Sample sample{};
        for (const bool ours : {pair % 2 == 0, pair % 2 != 0}) {
            const double start = cpu_seconds();
            for (int i = 0; i < set_ups; ++i) {
                if (ours)
                    engines.set_up(++client);
                else
                    raw_cryptography(kind);
            }
            (ours ? sample.own : sample.other) = rate(cpu_seconds() - start, set_ups);
        }
        measured.samples.push_back(sample);
    }
    return measured;
}

// Octets that the allocator has handed out.
double heap_octets() { return static_cast<double>(mallinfo2().uordblks); }

// What a data plane keeps of one child that has not carried a packet.
double data_plane_octets(int count) {
    const double before = heap_octets();
    std::vector<esp::ChildPointer> children;
    SharedValues<esp::PacketSelectors> locals;
    esp::ForwardingTable table;
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
        const auto client = model::AddressRange::single(model::IpAddress::v4(0x0a000000 + i));
        model::ChildSaSpec spec{.id = model::ChildId{i + 1}, .spi_in = 0x10000 + i, .spi_out = 0x20000 + i};
        spec.encr = model::Encr::aes_gcm_16;
        spec.key_bits = 256;
        spec.in.encr = SecretBytes(36);
        spec.out.encr = SecretBytes(36);
        spec.local = {model::TrafficSelector::all(model::Family::v4)};
        spec.remote = {model::TrafficSelector::of(client)};
        auto runtime = esp::SaRuntime::make(spec);
        must(runtime.has_value(), "SaRuntime::make");
        children.push_back(esp::make_child(spec, std::move(*runtime), &locals));
        table = table.with_inbound(children.back()).with_outbound(children.back(), i + 1);
    }
    return (heap_octets() - before) / count;
}

// Many at once: what one IKE SA with its child costs to keep at one end, and how long all take; then the latency of one more.
std::vector<bench::Measurement> measure_many(int count, Clients clients) {
    const auto number = static_cast<std::uint32_t>(count);
    constexpr int latencies = 101;
    Pair engines(classic, Proof::shared_key, number + latencies + 1, clients);
    const double heap = heap_octets(), start = bench::nanoseconds_now();
    for (std::uint32_t client = 1; client <= number; ++client) engines.set_up(client);
    const double took = bench::nanoseconds_now() - start, kept = (heap_octets() - heap) / (2.0 * count);
    const double raw_start = bench::nanoseconds_now();
    for (int i = 0; i < count; ++i) raw_cryptography(Kind::psk);
    const double raw = bench::nanoseconds_now() - raw_start;
    std::vector<bench::Sample> latency;
    for (std::uint32_t i = 1; i <= latencies; ++i) {
        const double own_start = bench::nanoseconds_now();
        engines.set_up(number + i);
        const double own = bench::nanoseconds_now() - own_start, other_start = bench::nanoseconds_now();
        raw_cryptography(Kind::psk);
        latency.push_back({own / 1e3, (bench::nanoseconds_now() - other_start) / 1e3});
    }
    const double carried = data_plane_octets(count);
    const std::string cryptography = "its raw cryptography", aim = "the aim of 3 KiB";
    const std::string at = fmt::format(" at {}{}", count, clients == Clients::named ? ", an identity each" : "");
    return {{.id = "P20", .name = "memory of an IKE SA with an idle child, one end," + at, .unit = "octets", .other = aim,
             .samples = {{kept + carried, 3072}}},
            {.id = "P20", .name = "of that, the engine," + at, .unit = "octets", .other = aim, .samples = {{kept, 3072}}},
            {.id = "P19", .name = "time to set all up, both ends," + at, .unit = "s", .other = cryptography,
             .samples = {{took / 1e9, raw / 1e9}}},
            {.id = "P18", .name = "latency of one set-up, both ends," + at, .unit = "us", .other = cryptography,
             .samples = std::move(latency)}};
}

bench::Measurement measure_resumption(const char* id, int pairs, int set_ups) {
    Pair engines(classic, Proof::ticket, static_cast<std::uint32_t>(set_ups));
    bench::Measurement measured{.id = id,
                                .name = "IKE resumptions (RFC 5723), two engines without I/O",
                                .unit = "set-ups/s/core",
                                .other = "raw cryptography of the same resumption"};
    for (int client = 1; client <= set_ups; ++client) engines.set_up(static_cast<std::uint32_t>(client));
    for (int pair = 0; pair < pairs; ++pair) {
        engines.lose_all();
        bench::Sample sample{};
        for (const bool ours : {pair % 2 == 0, pair % 2 != 0}) {
            const double start = cpu_seconds();
            for (int client = 1; client <= set_ups; ++client) {
                if (ours)
                    engines.set_up(static_cast<std::uint32_t>(client));
                else
                    raw_resumption();
            }
            (ours ? sample.own : sample.other) = rate(cpu_seconds() - start, set_ups);
        }
        measured.samples.push_back(sample);
    }
    must(engines.resumed() == static_cast<std::uint64_t>(pairs) * static_cast<std::uint64_t>(set_ups), "resumption");
    return measured;
}

// So many set-ups of one kind, and nothing else.
int only(std::string_view kind, int set_ups) {
    const bool resumption = kind == "resumption";
    Pair engines(kind == "hybrid" ? hybrid : classic,
                 kind == "certificates" ? Proof::certificate : resumption ? Proof::ticket : Proof::shared_key,
                 static_cast<std::uint32_t>(set_ups));
    for (int i = 1; i <= set_ups; ++i) engines.set_up(static_cast<std::uint32_t>(i));
    if (resumption) {
        engines.lose_all();
        for (int i = 1; i <= set_ups; ++i) engines.set_up(static_cast<std::uint32_t>(i));
    }
    return 0;
}

int argument(int argc, char** argv, std::string_view flag, int fallback) {
    for (int i = 1; i + 1 < argc; ++i)
        if (argv[i] == flag) return std::max(1, std::atoi(argv[i + 1]));
    return fallback;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 4 && argv[1] == std::string_view("only")) return only(argv[2], std::max(1, std::atoi(argv[3])));
    const int pairs = argument(argc, argv, "--pairs", 9);
    const int set_ups = argument(argc, argv, "--set-ups", 1000);
    const int many = argument(argc, argv, "--many", 10'000);
    std::vector<bench::Measurement> all = measure_many(many, Clients::alike);
    const std::vector<bench::Measurement> named = measure_many(many, Clients::named);
    all.insert(all.end(), named.begin(), named.end());
    all.insert(all.end(), {measure("P13", "IKE set-ups, PSK, X25519, two engines without I/O", classic, Kind::psk, pairs, set_ups),
                  measure("P14", "IKE set-ups, ECDSA P-256 certificates, X25519, two engines without I/O", classic,
                          Kind::certificates, pairs, set_ups),
                  measure("P15", "IKE set-ups, PSK, X25519 + ML-KEM-768, two engines without I/O", hybrid, Kind::hybrid, pairs,
                          set_ups),
                  measure_resumption("P17", pairs, set_ups)});
    bench::print(all);
    return 0;
}
