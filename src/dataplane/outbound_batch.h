// Packets of one child SA, side by side in one buffer as UDP_SEGMENT wants them: equal sizes, the last
// may be shorter. Sealed and sent together.
#pragma once

#include <array>
#include <vector>

#include "esp/child.h"
#include "esp/encapsulate.h"
#include "model/limits.h"

namespace cygnet::dataplane {

// What the packets of one batch have in common outside.
struct OuterHeader {
    std::uint8_t traffic_class = 0;
    bool dont_fragment = false;  // IPv4's DF
    bool operator==(const OuterHeader&) const = default;
};

class OutboundBatch {
public:
    OutboundBatch() : buffer_(octets_max) {}

    bool empty() const { return count_ == 0; }
    const esp::Child& child() const { return *child_; }
    const OuterHeader& outer() const { return outer_; }
    std::size_t segment_size() const { return segment_size_; }

    // Room for a packet of `inner_size` octets, or nullptr if it may not join; an empty batch takes anything up to the limit.
    // `next_header`: of ESP's trailer.
    std::uint8_t* add(const esp::Child& child, const OuterHeader& outer, std::size_t inner_size, std::uint8_t next_header) {
        std::size_t size = segment_size_;
        if (count_ == 0) {
            size = esp::encapsulated_size(child.sa->out.shape, inner_size);
            if (size > octets_max) return nullptr;
            esp::prefetch(&child.sa->out, sizeof child.sa->out);
            child.sa->out.cipher.prefetch();
            child_ = &child;
            outer_ = outer;
            first_inner_size_ = inner_size;
            segment_size_ = size;
            headroom_ = esp::encapsulation_headroom(child.sa->out.shape);
            last_is_shorter_ = false;
        } else {
            if (child_ != &child || outer_ != outer || last_is_shorter_ || count_ == packets_max) return nullptr;
            // Nearly all are as large as the first.
            if (inner_size != first_inner_size_) size = esp::encapsulated_size(child.sa->out.shape, inner_size);
            if (size > segment_size_ || used_ + size > octets_max) return nullptr;
            last_is_shorter_ = size != segment_size_;
        }
        std::uint8_t* const inner = buffer_.data() + used_ + headroom_;
        packets_[count_++] = {inner, static_cast<std::uint32_t>(inner_size), next_header};
        used_ += size;
        return inner;
    }

    // Makes them ESP packets; what there is to send, less than was added when the SA has no sequence
    // numbers left. Sets `packets` to their number.
    std::span<const std::uint8_t> seal(Instant now, std::size_t& packets);
    void clear() { count_ = used_ = 0; }
    std::size_t count() const { return count_; }

    // UDP takes 65,507 octets over IPv4; Linux takes 64 segments at once (128 in newer kernels).
    static constexpr std::size_t octets_max = 65500;
    static constexpr std::size_t packets_max = 64;
    static_assert(packets_max <= model::limits::batch_packets);

private:
    std::vector<std::uint8_t> buffer_;
    std::array<esp::OutboundPacket, packets_max> packets_;
    const esp::Child* child_ = nullptr;
    OuterHeader outer_{};
    bool last_is_shorter_ = false;
    std::size_t first_inner_size_ = 0, segment_size_ = 0, headroom_ = 0;
    std::size_t count_ = 0, used_ = 0;
};

}  // namespace cygnet::dataplane
