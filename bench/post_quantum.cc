// P15 and P16 of the performance goals: what post-quantum key exchanges and signatures cost a whole set-up (IKE SA and first child)
// of two engines without I/O: CPU time of both ends, octets in both directions and exchanges, each beside the classic set-up of the
// same proof, turn by turn.
//
//   post_quantum [--pairs N] [--milliseconds N]     N rounds, in each of which either side runs for so long

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine_pair.h"
#include "bench/measurement.h"
#include "crypto/key_exchange.h"
#include "model/proposal.h"

namespace {

using namespace cygnet;
using bench::EnginePair, bench::Proof, bench::Terms;
using crypto::KeyType;

constexpr std::uint32_t set_ups_max = 20'000;  // of one side in all rounds

struct SetUp {
    const char* id;
    const char* name;
    Terms terms;
};

// What follows is compared with the classic set-up before it.
constexpr std::string_view classic = "aes256gcm16-prfsha384-x25519";
constexpr std::string_view hybrid = "aes256gcm16-prfsha384-x25519-ke1_mlkem768";
const std::vector<std::vector<SetUp>> families = {
    {
        {"", "PSK, X25519", {.proposals = classic}},
        {"P15", "PSK, X25519 + ML-KEM-768", {.proposals = hybrid}},
        {"P16", "PSK, ML-KEM-768 alone", {.proposals = "aes256gcm16-prfsha384-mlkem768"}},
        {"P16", "PSK, X25519 + ML-KEM-768 + FrodoKEM-976", {.proposals = "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_frodo976"}},
        {"P16", "PSK, X25519 + Classic McEliece 348864f", {.proposals = "aes256gcm16-prfsha384-x25519-ke1_mceliece348864f"}},
        {"P16", "PSK, X25519 + Classic McEliece 8192128f", {.proposals = "aes256gcm16-prfsha384-x25519-ke1_mceliece8192128f"}},
    },
    {
        {"", "ECDSA certificates, X25519", {.proposals = classic, .proof = Proof::certificate}},
        {"P15", "ECDSA certificates, X25519 + ML-KEM-768", {.proposals = hybrid, .proof = Proof::certificate}},
        {"P16", "ML-DSA-44 certificates, X25519 + ML-KEM-768",
         {.proposals = hybrid, .proof = Proof::certificate, .keys = KeyType::ml_dsa_44}},
        {"P16", "ML-DSA-65 certificates, X25519 + ML-KEM-768",
         {.proposals = hybrid, .proof = Proof::certificate, .keys = KeyType::ml_dsa_65}},
        {"P16", "ML-DSA-87 certificates, X25519 + ML-KEM-768",
         {.proposals = hybrid, .proof = Proof::certificate, .keys = KeyType::ml_dsa_87}},
        {"P16", "ECDSA, then ML-DSA-65 certificates, X25519 + ML-KEM-768",
         {.proposals = hybrid, .proof = Proof::certificate, .ml_dsa_too = true}},
    },
};

// An end that counts its own set-ups.
class Side {
public:
    explicit Side(const Terms& terms) : engines_(terms, set_ups_max) {
        set_up();
        cost_ = engines_.crossed();
        for (int i = 0; i < 3; ++i) set_up();  // caches and allocators settle
        const double start = bench::cpu_seconds();
        set_up();
        took_ = bench::cpu_seconds() - start;
    }

    // Microseconds of CPU time that one set-up takes both ends, in a run of about `seconds`, at most its share of all.
    double run(double seconds, int rounds) {
        const int share = static_cast<int>(set_ups_max) / rounds - 1;
        const int count = std::clamp(static_cast<int>(seconds / took_), 1, share);
        const double start = bench::cpu_seconds();
        for (int i = 0; i < count; ++i) set_up();
        return (bench::cpu_seconds() - start) / count * 1e6;
    }
    const bench::Crossed& cost() const { return cost_; }

private:
    void set_up() { engines_.set_up(++client_); }

    EnginePair engines_;
    std::uint32_t client_ = 0;
    bench::Crossed cost_;
    double took_ = 0;
};

// The first key exchange method of the proposal that this build lacks.
std::optional<std::string> lacking(const Terms& terms) {
    const auto proposals = model::parse_proposals(model::Protocol::ike, terms.proposals).value();
    for (const model::Proposal& proposal : proposals)
        for (const model::Transform& transform : proposal.transforms)
            if ((transform.type == model::TransformType::ke || model::is_additional_ke(transform.type)) &&
                !crypto::shape_of(static_cast<model::Ke>(transform.id)))
                return transform.text();
    return std::nullopt;
}

void compare(const SetUp& plain, const SetUp& wanted, int rounds, double seconds, std::vector<bench::Measurement>& all) {
    if (const auto method = lacking(wanted.terms)) {
        std::fprintf(stderr, "without '%s': this build lacks %s\n", wanted.name, method->c_str());
        return;
    }
    Side own(wanted.terms), other(plain.terms);
    bench::Measurement cpu{.id = wanted.id, .name = fmt::format("CPU of a set-up, both ends: {}", wanted.name), .unit = "us", .other = plain.name};
    for (int round = 0; round < rounds; ++round) {
        bench::Sample sample{};
        for (const bool ours : {round % 2 == 0, round % 2 != 0})
            (ours ? sample.own : sample.other) = (ours ? own : other).run(seconds, rounds);
        cpu.samples.push_back(sample);
    }
    const auto counted = [&](const char* what, std::uint64_t bench::Crossed::*count) {
        return bench::Measurement{.id = wanted.id,
                                  .name = fmt::format("{} of a set-up: {}", what, wanted.name),
                                  .unit = "",
                                  .other = plain.name,
                                  .samples = {{static_cast<double>(own.cost().*count), static_cast<double>(other.cost().*count)}}};
    };
    all.push_back(std::move(cpu));
    all.push_back(counted("octets", &bench::Crossed::octets));
    all.push_back(counted("exchanges", &bench::Crossed::exchanges));
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = bench::argument(argc, argv, "--pairs", 9);
    const double seconds = bench::argument(argc, argv, "--milliseconds", 100) / 1e3;
    std::vector<bench::Measurement> all;
    for (const auto& family : families)
        for (std::size_t i = 1; i < family.size(); ++i) compare(family.front(), family[i], rounds, seconds, all);
    bench::print(all);
    return 0;
}
