#include "ike/admission.h"

#include <algorithm>

namespace cygnet::ike {

using namespace model::limits;

Admission::Demand Admission::demand(Instant now, const model::IpAddress& from) {
    const bool loaded = under_load(now);
    ++requests_.at(now);
    const model::IpAddress prefix = prefix_of(from);
    if (const unsigned difficulty = puzzle_difficulty(prefix)) return {.cookie = true, .puzzle_difficulty = difficulty};
    if (loaded || settings_.always_cookie) return {.cookie = true};
    // RFC 8019 §4.2: one prefix that opens many costs only itself a round trip.
    const auto counts = prefixes_.find(prefix);
    return {.cookie = counts != prefixes_.end() &&
                      counts->second.unproven >= settings_.half_open_per_prefix_before_cookies};
}

// RFC 8019 §7.1.1.1: the more is half-open, the more work; §4.2: of one prefix the least is asked.
unsigned Admission::puzzle_difficulty(const model::IpAddress& prefix) const {
    const unsigned least = settings_.puzzle_difficulty_min;
    if (settings_.puzzles == Puzzles::always) return least;
    if (settings_.puzzles == Puzzles::never) return 0;
    if (total_.proven >= half_open_before_puzzles) {
        const auto full = static_cast<unsigned>(puzzle_difficulty_max * total_.proven / half_open_total);
        return std::clamp(full, least, std::max(least, puzzle_difficulty_max));
    }
    const auto counts = prefixes_.find(prefix);
    return counts != prefixes_.end() && counts->second.proven >= half_open_per_prefix_before_puzzles ? least : 0;
}

bool Admission::has_room(Standing standing, const model::IpAddress& from) const {
    if (standing == Standing::unproven) return total_.unproven < settings_.half_open_before_cookies;
    if (standing == Standing::worked) return total_.proven < half_open_total;
    const std::size_t total = settings_.puzzles == Puzzles::never ? half_open_total : half_open_total / 4 * 3;
    const auto prefix = prefixes_.find(prefix_of(from));
    return total_.proven < total && (prefix == prefixes_.end() || prefix->second.proven < half_open_per_prefix);
}

Duration Admission::patience() const { return loaded_ ? half_open_life_under_load : half_open_life; }

void Admission::opened(model::IkeSaId sa, Standing standing, const model::IpAddress& from) {
    const model::IpAddress prefix = prefix_of(from);
    half_open_[sa] = {.standing = standing, .prefix = prefix};
    ++prefixes_[prefix].of(standing);
    ++total_.of(standing);
}

void Admission::closed(model::IkeSaId sa) {
    const auto found = half_open_.find(sa);
    if (found == half_open_.end()) return;
    const Entry entry = found->second;
    half_open_.erase(found);
    --total_.of(entry.standing);
    const auto prefix = prefixes_.find(entry.prefix);
    --prefix->second.of(entry.standing);
    if (prefix->second.unproven + prefix->second.proven == 0) prefixes_.erase(prefix);
}

model::IpAddress Admission::prefix_of(const model::IpAddress& address) {
    constexpr unsigned site_bits = 64;
    return address.family() == model::Family::v4 ? address : model::AddressRange::prefix(address, site_bits).first;
}

unsigned& Admission::Meter::at(Instant now) {
    const Duration age = now - second;
    if (age >= seconds(1)) {
        before = age < seconds(2) ? present : 0;
        present = 0;
        second = now;
    }
    return present;
}

// The higher of the last whole second and the present one: a flood shows at once, and for a second after.
unsigned Admission::Meter::rate(Instant now) { return std::max(at(now), before); }

// Load ends at half of what began it: cookies that come and go would cost more round trips than they save.
bool Admission::under_load(Instant now) {
    const unsigned requests = requests_.rate(now);
    const std::size_t half_open_before = settings_.half_open_before_cookies;
    const unsigned requests_before = settings_.requests_per_second_before_cookies;
    if (half_open_.size() >= half_open_before || requests >= requests_before)
        loaded_ = true;
    else if (half_open_.size() <= half_open_before / 2 && requests <= requests_before / 2)
        loaded_ = false;
    return loaded_;
}

}  // namespace cygnet::ike
