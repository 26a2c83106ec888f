// One engine under attack: a victim with an honest bystander's tunnel, the hostile peer (who may hold keys) and strangers.
// Only for the tests sim/hostile_*_test.cc, whose tables are rows of Row and run by run_row(). docs/rfc/hostile-inputs.md says
// which row of the list is shown by which of them.
//
//   bystander 192.0.2.9 == tunnel == victim 192.0.2.2 <- anything - peer 192.0.2.1, strangers 203.0.113.0/24
#pragma once

#include <memory>

#include "ike/test_peer.h"
#include "sim/backend.h"

namespace cygnet::sim {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

class HostileStage {
public:
    explicit HostileStage(ike::EngineSettings settings = {});

    ike::test::Node victim;
    ike::test::ScriptedPeer peer{victim};
    std::vector<Bytes> datagrams{};  // a row's own, made before it begins
    std::size_t turn = 0;            // which repetition this is

    // The victim's connection "gw" becomes this one; the bystander's stays.
    void configure(model::Connection gateway, std::shared_ptr<const ike::Credentials> credentials = nullptr);
    // The same with these IKE proposals, in swanctl's words.
    void configure(model::Connection gateway, const char* proposals, std::shared_ptr<const ike::Credentials> credentials = nullptr);

    // Everything that is sent passes here and is held against what comes back.
    std::vector<Bytes> say(ByteView datagram, std::uint8_t last_octet = 0);  // 0: from the peer, else from a stranger
    std::vector<ike::test::ScriptedPeer::Answer> say(model::ExchangeType exchange, wire::MessageBuilder message);
    // An operator of the victim wants something; what it sends to the peer.
    std::vector<Bytes> command(ike::Input input) {
        peer.step(std::move(input));
        return peer.sent();
    }
    // The next of `datagrams`, from a stranger.
    void say_next() { say(datagrams[turn % datagrams.size()], 66); }

    // A new peer with an SPI of its own, no further than the caller brings it.
    void meet_new_peer();
    // IKE_SA_INIT, with this public value instead of a sound one.
    void greet(const char* proposal = "aes256gcm16-prfsha384-x25519", Bytes value = {});
    void establish();
    void leave();  // the peer deletes its IKE SA

    // Half-open SAs, fragments and the like come to their end.
    void pass(Duration time);
    // What the victim made for the peer is not carried out; what it takes from the bystander is.
    void forget_children();
    // The bystander's packets get through in both directions, and a rekey of its child does.
    bool bystander_is_well();

    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }
    std::size_t sas() const { return victim.engine.population().ike_sas; }

    std::size_t replies_max = 0;         // to one datagram
    std::size_t excessive_replies = 0;   // longer than the datagram
    std::uint64_t octets_in = 0, octets_out = 0;

private:
    void exchange_with_bystander();
    void follow(ike::test::Node& node, FakeBackend& backend);

    ike::test::Node bystander_{7};
    FakeBackend backend_{}, bystander_backend_{};
    std::uint64_t spi_ = 0x1000, serial_ = 0;
};

// What is undone after the last repetition.
enum class Left : std::uint8_t {
    nothing,  // but the bystander, when a little time has passed
    the_sa,   // that the row's preparation made
};

struct Row {
    const char* name;  // of hostile-inputs.md, and a sentence
    void (*prepare)(HostileStage&) = nullptr;
    void (*act)(HostileStage&) = nullptr;  // one repetition
    Counter counter{};                     // goes up by one or more each time
    Left left = Left::nothing;
    std::size_t repetitions = 100'000;
    bool authenticated = false;  // a peer with an identity may get longer answers than it asked for
    bool begins = false;         // some of what it sends is a first request and gets the answer to it, which may be longer
};

// With real public-key cryptography in each repetition, so many.
inline constexpr std::size_t costly = 300;

void run_row(const Row& row);

inline void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
inline std::string name_of_row(const testing::TestParamInfo<Row>& row) { return row.param.name; }

}  // namespace cygnet::sim
