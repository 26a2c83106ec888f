// P13 to P15 and P17 of the performance goals: how much CPU a whole set-up (IKE SA and first child) costs two engines that share
// one process and no I/O, beside the cost of its raw cryptography measured in the same run, turn by turn.
//
// P18 to P20: how long one takes, how long 10,000 take, and what each keeps in memory: in the engine, and in a data plane that
// has its child but has not seen a packet.
//
//   handshake [--pairs N] [--set-ups N] [--many N]
//   handshake only KIND SET-UPS     measures nothing: for counting instructions (bench/README.md)

#include <malloc.h>

#include <cstdio>
#include <cstdlib>
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
