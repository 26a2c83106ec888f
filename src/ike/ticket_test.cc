#include "ike/ticket.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace cygnet::ike {
namespace {

constexpr std::int64_t now = 1'800'000'000;
constexpr std::int64_t day = 24 * 3600;

Ticket ticket(std::int64_t expires = now + 3600) {
    Ticket made{.expires = expires, .spis = {.initiator = 1, .responder = 2}};
    made.state.connection = "gw";
    made.state.own_id = model::Identity::parse("b.example");
    made.state.peer_id = model::Identity::parse("a.example");
    made.state.transforms = model::parse_proposals(model::Protocol::ike, "aes256-sha256-x25519")->front().transforms;
    made.state.d = SecretBytes::copy_of(Bytes(32, 7));
    made.state.authenticated_at = now - 5;
    made.state.full_transcript = true;
    return made;
}

struct Tickets : ::testing::Test {
    TicketOffice office;
    KeptSecrets kept;
    SeededRng rng{1};

    TicketOffice::Issued issue(model::Resumption kind, std::int64_t at = now, std::int64_t expires = now + 3600) {
        return office.issue(ticket(expires), kind, kept, at, rng);
    }
    bool opens(ByteView octets, std::int64_t at = now) { return office.open(octets, kept, at).has_value(); }
};

TEST_F(Tickets, BringTheStateBackByValueAndByReference) {
    for (const auto kind : {model::Resumption::ticket, model::Resumption::stateful}) {
        const auto opened = office.open(issue(kind).octets, kept, now);
        ASSERT_TRUE(opened) << opened.error().text();
        const Ticket original = ticket();
        EXPECT_EQ(opened->state.connection, original.state.connection);
        EXPECT_EQ(opened->state.own_id, original.state.own_id);
        EXPECT_EQ(opened->state.peer_id, original.state.peer_id);
        EXPECT_EQ(opened->state.transforms, original.state.transforms);
        EXPECT_TRUE(opened->state.d.equals(original.state.d.reveal()));
        EXPECT_EQ(opened->state.authenticated_at, original.state.authenticated_at);
        EXPECT_TRUE(opened->state.full_transcript);
        EXPECT_EQ(opened->spis, original.spis);
        EXPECT_EQ(opened->state.proposal()->integ, model::Integ::hmac_sha2_256_128);
    }
}

// RFC 5723 §6.1 [201]: a ticket by value is encrypted and integrity protected.
TEST_F(Tickets, EveryChangedOctetAndEveryLengthIsRefused) {
    const Bytes whole = issue(model::Resumption::ticket).octets;
    const Bytes secret(32, 7);
    EXPECT_EQ(std::search(whole.begin(), whole.end(), secret.begin(), secret.end()), whole.end());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        Bytes changed = whole;
        changed[i] ^= 0x40;
        EXPECT_FALSE(opens(changed)) << i;
        EXPECT_FALSE(opens(ByteView(whole).first(i))) << i;
    }
    EXPECT_FALSE(opens(concat({whole, Bytes{0}})));
}

// RFC 5723 §6.1 [201]: it includes a protected expiration time.
TEST_F(Tickets, ExpireByTheTimeInside) {
    for (const auto kind : {model::Resumption::ticket, model::Resumption::stateful}) {
        const Bytes octets = issue(kind).octets;
        EXPECT_TRUE(opens(octets, now + 3599));
        EXPECT_FALSE(opens(octets, now + 3600));
    }
}

// RFC 5723 §4.3.1 [200]: a reused ticket is rejected.
TEST_F(Tickets, AreGoodOnceTheyAreInvalidated) {
    for (const auto kind : {model::Resumption::ticket, model::Resumption::stateful}) {
        const auto issued = issue(kind);
        office.invalidate(issued.serial, now + 3600, now);
        EXPECT_FALSE(opens(issued.octets));
        EXPECT_TRUE(opens(issue(kind).octets)) << "another one is";
    }
}

// RFC 5723 §6.1 [201] and §9.5: key ids, and keys that change.
TEST_F(Tickets, KeysRotateAndTheOldOnesStillOpen) {
    const auto first = issue(model::Resumption::ticket, now, now + day);
    EXPECT_TRUE(first.new_key);
    EXPECT_FALSE(issue(model::Resumption::ticket, now + day - 1).new_key);
    const auto second = issue(model::Resumption::ticket, now + day - 1 + 1, now + 2 * day);
    EXPECT_TRUE(second.new_key);
    EXPECT_NE(Bytes(first.octets.begin() + 1, first.octets.begin() + 9), Bytes(second.octets.begin() + 1, second.octets.begin() + 9));
    EXPECT_TRUE(opens(first.octets, now + day - 1));
    EXPECT_TRUE(opens(second.octets, now + day));
    issue(model::Resumption::ticket, now + 2 * day + 1, now + 3 * day);
    EXPECT_EQ(kept.ticket_keys.size(), 2u) << "a key goes when everything that it sealed has expired";
}

TEST_F(Tickets, AfterARestartKeptKeysOpenAndANewOneSeals) {
    const Bytes before = issue(model::Resumption::ticket).octets;
    TicketOffice restarted;
    KeptSecrets read = std::move(*KeptSecrets::decoded(kept.encoded().reveal()));
    EXPECT_TRUE(restarted.open(before, read, now));
    const auto after = restarted.issue(ticket(), model::Resumption::ticket, read, now, rng);
    EXPECT_TRUE(after.new_key) << "the IVs of the earlier key may be used up";
    EXPECT_FALSE(restarted.open(before, KeptSecrets{}, now)) << "without its key it is void";
    for (std::size_t i = 0; i < 2 * model::limits::ticket_keys; ++i) {
        TicketOffice another;
        another.issue(ticket(), model::Resumption::ticket, read, now, rng);
    }
    EXPECT_EQ(read.ticket_keys.size(), model::limits::ticket_keys) << "restarts do not make the file grow";
}

TEST_F(Tickets, WhatHasExpiredMakesRoom) {
    for (int i = 0; i < 1000; ++i) issue(model::Resumption::stateful, now, now + 10);
    EXPECT_EQ(office.remembered(), 1000u);
    issue(model::Resumption::stateful, now + 10, now + 20);
    EXPECT_EQ(office.remembered(), 1u);
}

TEST(KeptSecrets, AreRefusedWhenTheyAreNotWhole) {
    KeptSecrets kept;
    kept.crash = SecretBytes::copy_of(Bytes(crash_secret_octets, 9));
    kept.ticket_keys.push_back({.id = 5, .made_at = now, .key = SecretBytes(ticket_key_octets)});
    const SecretBytes octets = kept.encoded();
    const auto read = KeptSecrets::decoded(octets.reveal());
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->crash.equals(kept.crash.reveal()));
    EXPECT_EQ(read->ticket_keys.at(0).made_at, now);
    for (std::size_t size = 0; size < octets.size(); ++size)
        EXPECT_FALSE(KeptSecrets::decoded(octets.reveal().first(size))) << size;
    Bytes other = keep(octets.reveal());
    other[0] = 2;
    EXPECT_FALSE(KeptSecrets::decoded(other));
    EXPECT_TRUE(KeptSecrets::decoded(KeptSecrets{}.encoded().reveal())->crash.empty());
}

}  // namespace
}  // namespace cygnet::ike
