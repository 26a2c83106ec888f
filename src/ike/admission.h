// Who gets in: what strangers can make us keep, by number, by the prefix that they come from and by the rate of their
// requests, and when they must show first that they receive what is sent to their address. RFC 7296 §2.6, RFC 8019 §4.
//
//   standing   cookie?                       may take up to
//   unproven   none was demanded             half_open_before_cookies, of all prefixes together
//   proven     it returned ours              half_open_total, and half_open_per_prefix of its own prefix; with
//                                            puzzles only part of the total
//   worked     and solved our puzzle         half_open_total
//
// The two budgets are apart: whatever is sent from forged addresses, whoever returns a cookie finds room.
#pragma once

#include <map>
#include <unordered_map>

#include "ike/engine.h"

namespace cygnet::ike {

enum class Standing : std::uint8_t { unproven, proven, worked };

class Admission {
public:
    explicit Admission(const EngineSettings& settings) : settings_(settings) {}

    // Notes one more first request, and says what its sender must return.
    struct Demand {
        bool cookie = false;
        unsigned puzzle_difficulty = 0;  // bits; 0: no puzzle
    };
    Demand demand(Instant now, const model::IpAddress& from);
    bool has_room(Standing standing, const model::IpAddress& from) const;
    // RFC 8019 §4.1: how long a peer may stay half-open.
    Duration patience() const;

    void opened(model::IkeSaId sa, Standing standing, const model::IpAddress& from);
    void closed(model::IkeSaId sa);
    std::size_t half_open() const { return half_open_.size(); }
    // RFC 8019 §4.2: one IPv4 address, or the /64 of one IPv6 site.
    static model::IpAddress prefix_of(const model::IpAddress& address);

    // RFC 8019 §7.2: the first keys of an SA were computed for garbage; whether that happens often.
    void note_wasted_secret(Instant now) { ++wasted_.at(now); }
    bool secrets_are_wasted(Instant now) { return wasted_.rate(now) >= model::limits::wasted_secrets_before_puzzles; }

private:
    unsigned puzzle_difficulty(const model::IpAddress& prefix) const;
    bool under_load(Instant now);

    // Events per second.
    struct Meter {
        Instant second{};                 // when the present one began
        unsigned present = 0, before = 0;  // of this second and of the one before
        unsigned& at(Instant now);
        unsigned rate(Instant now);
    };
    struct Counts {
        std::size_t unproven = 0, proven = 0;
        std::size_t& of(Standing standing) { return standing == Standing::unproven ? unproven : proven; }
    };
    struct Entry {
        Standing standing{};
        model::IpAddress prefix{};
    };
    EngineSettings settings_;
    std::unordered_map<model::IkeSaId, Entry> half_open_{};
    std::map<model::IpAddress, Counts> prefixes_{};
    Counts total_{};
    bool loaded_ = false;
    Meter requests_{}, wasted_{};
};

}  // namespace cygnet::ike
