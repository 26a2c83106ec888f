// A forwarding table as one worker looks at it. Packets of one flow, and of one SA, come one after the other: the last answers are
// remembered, so that a row of them costs one look-up.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "esp/forwarding_table.h"
#include "esp/last_packet.h"

namespace cygnet::esp {

// Good for as long as the table is.
class TableView {
public:
    explicit TableView(const ForwardingTable& table, model::Resource worker = model::every_resource)
        : table_(&table), worker_(worker) {}

    const ForwardingTable& table() const { return *table_; }

    const Child* inbound(std::uint32_t spi) {
        if (inbound_ == nullptr || spi_ != spi) {
            inbound_ = table_->inbound(spi);
            spi_ = spi;
        }
        return inbound_;
    }
    // Packets of these SPIs, in this order, are about to be opened. The look-ups of all go on side by side, and what is needed of each SA has been
    // asked of memory when its turn comes: among many SAs one by one would be a row of cache misses.
    void expect(std::span<const std::uint32_t> spis) const {
        ASSERT(spis.size() <= expected_max);
        std::array<const Child*, expected_max> children;
        std::size_t count = 0;
        for (std::size_t i = 0; i < spis.size(); ++i) {
            if (spis[i] == (i == 0 ? spi_ : spis[i - 1])) continue;
            const Child* child = table_->inbound(spis[i]);
            if (child == nullptr) continue;
            prefetch(child, sizeof *child);
            children[count++] = child;
        }
        const auto expected = std::span(children).first(count);
        for (const Child* child : expected) prefetch(&child->sa->in, sizeof child->sa->in);
        for (const Child* child : expected) child->sa->in.cipher.prefetch();
    }
    static constexpr std::size_t expected_max = 16;

    const Child* outbound(const InnerPacket& packet) const { return table_->outbound(packet, worker_); }
    // The same of octets, which are parsed into `inner`. Nothing if they are no packet.
    std::optional<const Child*> outbound(const std::uint8_t* data, std::size_t available, InnerPacket& inner) {
        if (last_.tells(data, available, inner)) return outbound_;
        if (!parse_inner(data, available, inner)) return std::nullopt;
        outbound_ = outbound(inner);
        last_.remember(data, inner);
        return outbound_;
    }

private:
    const ForwardingTable* table_;
    model::Resource worker_;
    const Child* inbound_ = nullptr;  // nothing: nothing is remembered
    std::uint32_t spi_ = 0;
    LastPacket last_;
    const Child* outbound_ = nullptr;  // of the last packet
};

}  // namespace cygnet::esp
