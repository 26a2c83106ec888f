// P13 to P15 and P17 of the performance goals: how much CPU a whole set-up (IKE SA and first child) costs two engines that share
// one process and no I/O, beside the cost of its raw cryptography measured in the same run, turn by turn.
//
// P18 to P20: how long one takes, how long 10,000 take, and what each keeps in memory: in the engine, and in a data plane that
// has its child but has not seen a packet.
//
//   handshake [--pairs N] [--set-ups N] [--many N]
//   handshake only KIND SET-UPS     measures nothing: for counting instructions (bench/README.md)

#include <malloc.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine_pair.h"
#include "bench/measurement.h"
#include "crypto/cipher.h"
#include "crypto/key_exchange.h"
#include "crypto/prf.h"
#include "crypto/test_pki.h"
#include "esp/forwarding_table.h"

namespace {

using namespace cygnet;
using bench::Clients, bench::cpu_seconds, bench::EnginePair, bench::must, bench::Proof;

enum class Kind { psk, certificates, hybrid };
constexpr const char* classic = "aes256gcm16-prfsha384-x25519";
constexpr const char* hybrid = "aes256gcm16-prfsha384-x25519-ke1_mlkem768";

// ---- The raw cryptography of a set-up: what no implementation can leave out, on as many octets as the engines' messages have.
// bench/README.md says what is counted and what is not. Each function does both ends' part.

constexpr auto prf = model::Prf::hmac_sha2_384;
constexpr std::size_t key_octets = 36, prf_octets = 48, nonce_octets = 32, identity_octets = 13;
const Bytes octets(2000, 7);

ByteView some(std::size_t size) { return ByteView(octets).first(size); }
template <class Work>
void repeat(int times, const Work& work) {
    for (int i = 0; i < times; ++i) work();
}

void draw_nonces_and_spis() {
    static crypto::SystemRng rng;
    std::array<std::uint8_t, nonce_octets> nonce{};
    std::array<std::uint8_t, 8> ike_spi{};
    std::array<std::uint8_t, 4> child_spi{};
    repeat(2, [&] {
        rng.fill(nonce);
        rng.fill(ike_spi);
        rng.fill(child_spi);
    });
}

// RFC 7296 §2.23: both addresses of both first messages, by who sends and who receives them.
void detect_nats() {
    repeat(8, [] { crypto::sha1({some(16), some(4), some(2)}); });
}

void exchange_keys(model::Ke method) {
    const auto offer = crypto::ke_offer(method);
    must(offer.has_value(), "ke_offer");
    const auto answer = crypto::ke_answer(method, offer->public_value);
    must(answer.has_value(), "ke_answer");
    must(crypto::ke_finish(*offer, answer->public_value).has_value(), "ke_finish");
}

// SKEYSEED and the seven keys, RFC 7296 §2.14.
void derive_keys(std::size_t prf_key_octets) {
    repeat(2, [&] {
        crypto::prf(prf, some(prf_key_octets), {some(nonce_octets)});
        crypto::prf_plus(prf, some(prf_octets), {some(nonce_octets), some(nonce_octets), some(16)}, 3 * prf_octets + 2 * key_octets);
    });
}

void derive_child_keys() {
    repeat(2, [] { crypto::prf_plus(prf, some(prf_octets), {some(2 * nonce_octets)}, 2 * key_octets); });
}

// Each is sealed by one end and opened by the other. An end has two keys, and neither is used for two of these messages.
void protect(std::initializer_list<std::size_t> messages) {
    const auto make = [] { return crypto::Cipher::make({.encr = model::Encr::aes_gcm_16, .key_bits = 256}, some(key_octets), {}); };
    for (const std::size_t size : messages) {
        Bytes text(size), icv(16);
        const auto sealing = make(), opening = make();
        must(sealing.has_value() && sealing->seal(some(32), some(8), text, icv).has_value(), "seal");
        must(opening.has_value() && opening->open(some(32), some(8), text, icv).has_value(), "open");
    }
}

// AUTH of both ends, made by one and checked by the other, RFC 7296 §2.15: the pad of the shared key is known.
void prove(std::size_t signed_octets) {
    repeat(4, [&] {
        crypto::prf(prf, some(prf_octets), {some(identity_octets)});
        crypto::prf(prf, some(prf_octets), {some(signed_octets)});
    });
}

// The same with ECDSA: no more is left of certificates whose paths are known.
void prove_by_signature(std::size_t signed_octets) {
    static const auto key = crypto::PrivateKey::parse(bytes_of(crypto::make_test_key(crypto::KeyType::ecdsa_256))).value();
    static const crypto::SignatureScheme scheme{crypto::SignatureScheme::Kind::ecdsa, model::SignatureHash::sha2_256};
    repeat(4, [] { crypto::prf(prf, some(prf_octets), {some(identity_octets)}); });
    repeat(2, [&] {
        const auto signature = crypto::sign(key, scheme, some(signed_octets));
        must(signature.has_value(), "sign");
        must(crypto::verify(key.public_key(), scheme, some(signed_octets), *signature).has_value(), "verify");
    });
}

// RFC 9370's second key exchange, in IKE_INTERMEDIATE, whose messages AUTH covers (RFC 9242 §3.3.2).
void exchange_more_keys() {
    exchange_keys(model::Ke::ml_kem_768);
    derive_keys(prf_octets);
    protect({1194, 1097});
    repeat(2, [] {
        crypto::prf(prf, some(prf_octets), {some(1224)});
        crypto::prf(prf, some(prf_octets), {some(1128)});
    });
}

void raw_cryptography(Kind kind) {
    draw_nonces_and_spis();
    detect_nats();
    exchange_keys(model::Ke::curve25519);
    derive_keys(2 * nonce_octets);
    if (kind == Kind::hybrid) exchange_more_keys();
    if (kind == Kind::certificates) {
        prove_by_signature(1198);
        protect({1417, 711});
    } else {
        prove(kind == Kind::hybrid ? 718 : 586);
        protect({325, 226});
    }
    derive_child_keys();
}

// Without key exchange and credentials, but the ticket is opened and its successor sealed.
void raw_resumption() {
    draw_nonces_and_spis();
    detect_nats();
    derive_keys(prf_octets);
    prove(615);
    protect({315, 453, 300});
    derive_child_keys();
}

// Set-ups per second of one core that plays one end.
double rate(double seconds, int set_ups) { return 2 * set_ups / seconds; }

bench::Measurement measure(const char* id, const char* name, const char* proposals, Kind kind, int pairs, int set_ups) {
    const Proof proof = kind == Kind::certificates ? Proof::certificate : Proof::shared_key;
    EnginePair engines({.proposals = proposals, .proof = proof}, static_cast<std::uint32_t>(pairs * set_ups + set_ups / 10 + 1));
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
    EnginePair engines({.proposals = classic, .clients = clients}, number + latencies + 1);
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
    EnginePair engines({.proposals = classic, .proof = Proof::ticket}, static_cast<std::uint32_t>(set_ups));
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
    EnginePair engines({.proposals = kind == "hybrid" ? hybrid : classic,
                        .proof = kind == "certificates" ? Proof::certificate : resumption ? Proof::ticket : Proof::shared_key},
                       static_cast<std::uint32_t>(set_ups));
    for (int i = 1; i <= set_ups; ++i) engines.set_up(static_cast<std::uint32_t>(i));
    if (resumption) {
        engines.lose_all();
        for (int i = 1; i <= set_ups; ++i) engines.set_up(static_cast<std::uint32_t>(i));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 4 && argv[1] == std::string_view("only")) return only(argv[2], std::max(1, std::atoi(argv[3])));
    const int pairs = bench::argument(argc, argv, "--pairs", 9);
    const int set_ups = bench::argument(argc, argv, "--set-ups", 1000);
    const int many = bench::argument(argc, argv, "--many", 10'000);
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
