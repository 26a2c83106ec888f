#include "dataplane/outbound_batch.h"

namespace cygnet::dataplane {

std::span<const std::uint8_t> OutboundBatch::seal(Instant now, std::size_t& packets) {
    packets = esp::encapsulate(*child_->sa, std::span(packets_).first(count_), now);
    if (packets == count_) return {buffer_.data(), used_};
    return {buffer_.data(), packets * segment_size_};
}

}  // namespace cygnet::dataplane
