// A forwarding table as one worker looks at it. Packets of one flow, and of one SA, come one after the other: the last answers are
// remembered, so that a row of them costs one look-up.
#pragma once

#include <optional>

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
