// The initiator's public value of a key exchange that is larger than a payload, in pieces of which each IKE_INTERMEDIATE or
// IKE_FOLLOWUP_KE exchange carries one: docs/protocol/large-key-exchange.md. What leaves, what has come, and how much of that
// we keep. Nothing here knows messages.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/instant.h"
#include "model/address.h"
#include "model/counters.h"
#include "model/iana.h"
#include "model/limits.h"
#include "wire/key_piece.h"

namespace cygnet::ike {

// How many octets of unfinished values we keep: of peers that have not authenticated, by the prefix that they come from, and
// of the others.
class KeyRoom {
public:
    struct Sizes {
        std::size_t strangers, per_prefix, peers;
    };
    explicit KeyRoom(Sizes sizes) : sizes_(sizes) {}

    // What one value takes of it, until this dies.
    class Share {
    public:
        // `prefix`: of a peer that has not authenticated.
        Share(KeyRoom& room, std::optional<model::IpAddress> prefix) : room_(&room), prefix_(prefix) {}
        Share(Share&& other) noexcept;
        Share& operator=(Share&& other) noexcept;
        ~Share() { release(); }
        // Whether a value of this size would find room now. It is not held for it: only octets that have come are counted.
        bool has_room(std::size_t octets) const;
        void take(std::size_t octets);

    private:
        void release();
        KeyRoom* room_;
        std::optional<model::IpAddress> prefix_;
        std::size_t octets_ = 0;
    };

    std::size_t of_strangers() const { return strangers_; }
    std::size_t of_prefix(const model::IpAddress& prefix) const;
    std::size_t of_peers() const { return peers_; }

private:
    Sizes sizes_;
    std::size_t strangers_ = 0, peers_ = 0;
    std::map<model::IpAddress, std::size_t> prefixes_;
};

// RFC 6298 §2: how long to wait for an answer.
class RoundTrips {
public:
    void add(Duration measured);
    Duration patience() const;

private:
    std::optional<Duration> smoothed_;
    Duration variation_{0};
};

// A value that leaves piece by piece.
class OutgoingKey {
public:
    OutgoingKey(Bytes value, Instant now) : value_(std::move(value)), total_(value_.size()), begun_(now) {}

    std::size_t total() const { return total_; }
    Instant begun() const { return begun_; }
    unsigned pieces() const { return pieces_; }  // that have been sent
    bool complete() const { return offset_ == total_; }
    // The next piece, of at most so many octets; a view into the value, good until sent().
    wire::KeyPiece next(std::size_t octets_max) const;
    // The piece is on its way. The value is dropped with the last one.
    void sent(const wire::KeyPiece& piece, Instant now);
    // Its answer came, perhaps not before it was sent again.
    void answered(Instant now);
    bool any_answered() const { return any_answered_; }

    // RFC 8085 §3.1.1: into how many fragments a piece may fall, and how long to wait before it is sent again.
    unsigned fragments() const { return fragments_; }
    Duration patience() const { return round_trips_.patience(); }

private:
    Bytes value_;
    std::size_t total_ = 0, offset_ = 0;
    unsigned pieces_ = 0;
    Instant begun_{}, sent_at_{};
    Duration patience_{0};  // with the last one
    bool any_answered_ = false;
    unsigned fragments_ = model::limits::key_piece_fragments;
    RoundTrips round_trips_;
};

// A value of which some pieces have come.
class IncomingKey {
public:
    // `total`: how large the method's values are.
    IncomingKey(model::Ke method, std::size_t total, KeyRoom::Share share, Instant now)
        : method_(method), total_(total), share_(std::move(share)), begun_(now) {}

    model::Ke method() const { return method_; }
    std::size_t total() const { return total_; }
    std::size_t octets() const { return octets_; }
    unsigned pieces() const { return count_; }
    Instant begun() const { return begun_; }
    bool complete() const { return octets_ == total_; }
    // Takes the piece, or says under which name its refusal is counted: nothing is kept of it then.
    std::optional<model::Counter> add(const wire::KeyPiece& piece);
    // The whole value, once. What it takes of the room is held until this dies.
    Bytes take();

private:
    model::Ke method_;
    std::size_t total_ = 0, octets_ = 0;
    unsigned count_ = 0;
    std::vector<Bytes> pieces_;  // memory follows what has come, never what is announced
    KeyRoom::Share share_;
    Instant begun_;
};

}  // namespace cygnet::ike
