#include "ike/key_pieces.h"

#include <algorithm>

namespace cygnet::ike {

namespace limits = model::limits;

// ---- room ---------------------------------------------------------------------------------------

KeyRoom::Share::Share(Share&& other) noexcept
    : room_(other.room_), prefix_(other.prefix_), octets_(std::exchange(other.octets_, 0)) {}

KeyRoom::Share& KeyRoom::Share::operator=(Share&& other) noexcept {
    if (this == &other) return *this;
    release();
    room_ = other.room_;
    prefix_ = other.prefix_;
    octets_ = std::exchange(other.octets_, 0);
    return *this;
}

bool KeyRoom::Share::has_room(std::size_t octets) const {
    const Sizes& sizes = room_->sizes_;
    if (!prefix_) return room_->peers_ + octets <= sizes.peers;
    return room_->strangers_ + octets <= sizes.strangers && room_->of_prefix(*prefix_) + octets <= sizes.per_prefix;
}

void KeyRoom::Share::take(std::size_t octets) {
    octets_ += octets;
    if (!prefix_) {
        room_->peers_ += octets;
        return;
    }
    room_->strangers_ += octets;
    room_->prefixes_[*prefix_] += octets;
}

void KeyRoom::Share::release() {
    const std::size_t octets = std::exchange(octets_, 0);
    if (octets == 0) return;
    if (!prefix_) {
        room_->peers_ -= octets;
        return;
    }
    room_->strangers_ -= octets;
    const auto prefix = room_->prefixes_.find(*prefix_);
    prefix->second -= octets;
    if (prefix->second == 0) room_->prefixes_.erase(prefix);
}

std::size_t KeyRoom::of_prefix(const model::IpAddress& prefix) const {
    const auto found = prefixes_.find(prefix);
    return found == prefixes_.end() ? 0 : found->second;
}

// ---- what leaves --------------------------------------------------------------------------------

// RFC 6298 §2.2 and §2.3: alpha is 1/8, beta 1/4.
void RoundTrips::add(Duration measured) {
    if (!smoothed_) {
        smoothed_ = measured;
        variation_ = measured / 2;
        return;
    }
    const Duration error = *smoothed_ > measured ? *smoothed_ - measured : measured - *smoothed_;
    variation_ += (error - variation_) / 4;
    *smoothed_ += (measured - *smoothed_) / 8;
}

Duration RoundTrips::patience() const {
    if (!smoothed_) return limits::key_piece_patience;
    return std::max(limits::key_piece_patience_min, *smoothed_ + variation_ * 4);
}

wire::KeyPiece OutgoingKey::next(std::size_t octets_max) const {
    ASSERT(!complete() && octets_max >= limits::key_piece_octets_min);
    const ByteView data = ByteView(value_).subspan(offset_).first(std::min(octets_max, total_ - offset_));
    return {.total = static_cast<std::uint32_t>(total_), .offset = static_cast<std::uint32_t>(offset_), .data = data};
}

void OutgoingKey::sent(const wire::KeyPiece& piece, Instant now) {
    ASSERT(piece.offset == offset_);
    offset_ += piece.data.size();
    ++pieces_;
    sent_at_ = now;
    patience_ = patience();
    if (complete()) value_ = Bytes();
}

void OutgoingKey::answered(Instant now) {
    any_answered_ = true;
    const Duration taken = now - sent_at_;
    if (taken >= patience_) {
        fragments_ = std::max(fragments_ / 2, limits::key_piece_fragments_min);
        return;
    }
    fragments_ = std::min(fragments_ * 2, limits::key_piece_fragments_max);
    // RFC 6298 §3: what was sent twice measures nothing.
    round_trips_.add(taken);
}

// ---- what comes ---------------------------------------------------------------------------------

std::optional<model::Counter> IncomingKey::add(const wire::KeyPiece& piece) {
    using model::Counter;
    if (piece.total != total_) return Counter::key_piece_wrong_total;
    if (piece.offset > octets_) return Counter::key_piece_gap;
    if (piece.offset < octets_) return Counter::key_piece_overlap;
    if (piece.data.size() > total_ - octets_) return Counter::key_piece_beyond_end;
    if (!piece.last() && piece.data.size() < limits::key_piece_octets_min) return Counter::key_piece_too_short;
    // Who is let in at all can come to its end, unless too many begin at once.
    if (!share_.has_room(octets_ == 0 ? total_ : piece.data.size())) return Counter::large_key_no_room;
    share_.take(piece.data.size());
    octets_ += piece.data.size();
    ++count_;
    pieces_.push_back(keep(piece.data));
    return std::nullopt;
}

Bytes IncomingKey::take() {
    ASSERT(complete());
    Bytes value;
    value.reserve(total_);
    for (Bytes& piece : pieces_) {
        append(value, piece);
        piece = Bytes();
    }
    pieces_.clear();
    return value;
}

}  // namespace cygnet::ike
