#include "dataplane/outbound_batch.h"

namespace cygnet::dataplane {

bool OutboundBatch::has_room(const esp::Child& child, const OuterHeader& outer, std::size_t size) const {
    if (count_ == 0) return size <= octets_max;
    const bool last_was_shorter = used_ != count_ * segment_size_;
    return child_ == &child && outer_ == outer && size <= segment_size_ && !last_was_shorter &&
           count_ < packets_max && used_ + size <= octets_max;
}

bool OutboundBatch::takes(const esp::Child& child, const OuterHeader& outer, std::size_t inner_size) const {
    return has_room(child, outer, esp::encapsulated_size(child.sa->out.shape, inner_size));
}

std::uint8_t* OutboundBatch::add(const esp::Child& child, const OuterHeader& outer, std::size_t inner_size,
                                 std::uint8_t next_header) {
    const crypto::PacketShape& shape = child.sa->out.shape;
    const std::size_t size = esp::encapsulated_size(shape, inner_size);
    ASSERT(has_room(child, outer, size));
    if (count_ == 0) {
        child_ = &child;
        outer_ = outer;
        segment_size_ = size;
    }
    std::uint8_t* const inner = buffer_.data() + used_ + esp::encapsulation_headroom(shape);
    packets_[count_++] = {inner, static_cast<std::uint32_t>(inner_size), next_header};
    used_ += size;
    return inner;
}

std::span<const std::uint8_t> OutboundBatch::seal(Instant now, std::size_t& packets) {
    packets = esp::encapsulate(*child_->sa, std::span(packets_).first(count_), now);
    if (packets == count_) return {buffer_.data(), used_};
    return {buffer_.data(), packets * segment_size_};
}

}  // namespace cygnet::dataplane
