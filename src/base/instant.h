// Time as a value. The core is told what time it is; it never asks.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace cygnet::inline base {

using Duration = std::chrono::microseconds;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A point on the driver's monotonic clock (or the simulator's virtual one).
class Instant {
public:
    constexpr Instant() = default;
    static constexpr Instant after_start(Duration elapsed) { return Instant(elapsed); }
    static constexpr Instant never() { return Instant(Duration::max()); }

    constexpr Duration since_start() const { return since_start_; }
    constexpr auto operator<=>(const Instant&) const = default;

    friend constexpr Instant operator+(Instant at, Duration by) {
        return at == never() ? never() : Instant(at.since_start_ + by);
    }
    friend constexpr Instant operator-(Instant at, Duration by) { return Instant(at.since_start_ - by); }
    friend constexpr Duration operator-(Instant a, Instant b) { return a.since_start_ - b.since_start_; }

private:
    constexpr explicit Instant(Duration since_start) : since_start_(since_start) {}
    Duration since_start_{0};
};

}  // namespace cygnet::inline base
