// Two engines in one process that set IKE SAs up with each other, without I/O: what the programs about handshakes share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/prf.h"
#include "crypto/signature.h"
#include "ike/engine.h"

namespace cygnet::bench {

double cpu_seconds();  // of this process

// Ends the program with a line when it did not work.
void must(bool worked, const char* what);

enum class Proof : std::uint8_t { shared_key, certificate, ticket };
// All of one identity, or each with an identity of its own and a connection for it at the gateway.
enum class Clients : std::uint8_t { alike, named };

struct Terms {
    std::string_view proposals;  // swanctl's words
    Proof proof = Proof::shared_key;
    crypto::KeyType keys = crypto::KeyType::ecdsa_256;  // of the certificates and their CA
    bool ml_dsa_too = false;                            // a second round (RFC 4739) with ML-DSA-65, after one with ECDSA
    Clients clients = Clients::alike;
};

// What has crossed in both directions.
struct Crossed {
    std::uint64_t octets = 0;  // of UDP's data
    std::uint64_t datagrams = 0;
    std::uint64_t exchanges = 0;
};

// The effects of each engine are the other's inputs; jobs run at once.
class EnginePair {
public:
    // For up to `set_ups` set-ups. Clients are numbered from 1, each number once.
    EnginePair(const Terms& terms, std::uint32_t set_ups);

    // Brings up one IKE SA with a child; ends the program if that does not happen.
    void set_up(std::uint32_t client);

    // The initiator hears nothing until it has given up all its IKE SAs; their tickets are left.
    void lose_all();

    std::uint64_t resumed() const { return responder_.counters()[model::Counter::ike_resumed]; }
    const Crossed& crossed() const { return crossed_; }

private:
    struct Item {
        ike::Engine* engine = nullptr;
        model::Path path{};
        Bytes datagram{};
        std::optional<ike::JobDone> job{};
    };

    void feed(ike::Engine& engine, Item item);
    void feed(ike::Engine& engine, ike::Input input);
    void execute(ike::Engine& engine, ike::Effect& effect);
    void count(const ike::Engine& sender, ByteView datagram);

    crypto::SystemRng rng_;
    Instant now_{};
    ike::Effects effects_;
    ike::Engine initiator_, responder_;
    std::vector<Item> queue_;  // its memory is used again: what is measured are the engines
    Crossed crossed_;
    std::optional<std::uint32_t> newest_request_;  // message ID
    std::uint64_t children_ = 0;
    std::string last_line_;
};

}  // namespace cygnet::bench
