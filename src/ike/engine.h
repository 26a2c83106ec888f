// The protocol core: every IKE SA of one shard. Sans-IO: time, randomness and octets come in as
// arguments, effects go out as values. Deterministic for a given Rng and inputs.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/instant.h"
#include "base/rng.h"
#include "crypto/revocation_cache.h"
#include "ike/effects.h"
#include "model/counters.h"
#include "model/failure.h"
#include "model/limits.h"
#include "model/status.h"

namespace cygnet::ike {

// Whether initiators must solve puzzles, RFC 8019: none, beyond some load, all (for tests).
enum class Puzzles : std::uint8_t { never, by_load, always };

// What the core cannot decide for itself. All have working defaults.
struct EngineSettings {
    std::size_t half_open_before_cookies = model::limits::half_open_before_cookies;
    std::size_t half_open_per_prefix_before_cookies = model::limits::half_open_per_prefix_before_cookies;
    unsigned requests_per_second_before_cookies = model::limits::requests_per_second_before_cookies;
    bool always_cookie = false;  // tests: demand a cookie of everybody
    Puzzles puzzles = Puzzles::never;
    unsigned puzzle_difficulty_min = model::limits::puzzle_difficulty_min;
    unsigned puzzle_difficulty_accepted = model::limits::puzzle_difficulty_accepted;
    std::size_t key_octets_of_strangers = model::limits::key_octets_of_strangers;
    std::size_t key_octets_per_prefix = model::limits::key_octets_per_prefix;
    std::size_t key_octets_of_peers = model::limits::key_octets_of_peers;
    std::size_t fragment_ip_octets = model::limits::datagram_octets;  // no connection's fragments are larger
    Duration retransmit_first = model::limits::retransmit_first;
    double retransmit_factor = model::limits::retransmit_factor;
    unsigned retransmit_tries = model::limits::retransmit_tries;
    std::uint16_t port = 500;  // own ports; tests use others
    std::uint16_t nat_port = 4500;
    bool announces_sas = true;  // somebody hears model::IkeUp and ChildUp: otherwise they are not made
    bool takes_tfc_padding = true;  // the data plane strips it (RFC 4303 §2.7)
    model::Resource resources = 1;  // workers of the data plane that can have child SAs of their own (RFC 9611)
    // Wall-clock offset for certificate validity: seconds since 1970 at Instant{}.
    std::int64_t unix_seconds_at_start = 0;
};

class Engine {
public:
    Engine(Rng& rng, EngineSettings settings);
    ~Engine();
    Engine(Engine&&) noexcept;

    // The wall clock was set: replaces EngineSettings::unix_seconds_at_start.
    void set_unix_seconds_at_start(std::int64_t unix_seconds);
    // The data plane is there: replaces EngineSettings::resources.
    void set_resources(model::Resource workers);

    // Whoever hears of SAs that come up is there, or gone: replaces EngineSettings::announces_sas.
    void set_announces_sas(bool heard);

    // Processes one input at time `now` (never earlier than at the last call) and appends effects, to be
    // executed in order. Never blocks, never computes anything slow.
    void step(Instant now, Input input, Effects& effects);

    // When step(Tick) must be called at the latest; Instant::never() when nothing is waiting.
    Instant next_deadline() const;

    // Snapshots for operators; `now` makes ages and remaining times.
    std::vector<model::IkeStatus> list(Instant now) const;
    std::optional<model::IkeStatus> find(model::IkeSaId id, Instant now) const;
    std::vector<model::PolicyStatus> policies() const;  // traps and shunts
    const model::Counters& counters() const;
    // Counters of one connection; all zero if it never had an SA.
    model::Counters counters(std::string_view connection) const;
    // Why connections are not up: the last failure of one and of its children, of all, and the newest of strangers.
    std::vector<model::Failure> failures(std::string_view connection) const;
    std::vector<model::Failure> failures() const;
    std::vector<model::Failure> stranger_failures() const;
    // Whether an IKE SA of the connection carries the child, or is established at all when `child` is empty.
    bool carries(const std::string& connection, const std::string& child) const;
    // What kept the daemon from beginning at all: a name that does not resolve, no route.
    void note_failure(model::Failure failure);
    struct Population {
        std::size_t ike_sas = 0, half_open = 0, children = 0;
    };
    Population population() const;

    // What is remembered of peers' certificates; may be emptied at any time.
    struct CertificateCaches {
        std::shared_ptr<crypto::ChainCache> chains{};
        std::shared_ptr<crypto::RevocationCache> revocations{};
    };
    CertificateCaches certificate_caches() const;

    // Address pools: who holds what (get-pools).
    struct PoolStatus {
        std::string name, base;
        std::uint64_t size = 0, online = 0, offline = 0;
        struct Lease {
            model::IpAddress address;
            model::Identity identity;
            bool online;
        };
        std::vector<Lease> leases{};
    };
    std::vector<PoolStatus> pools() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cygnet::ike
