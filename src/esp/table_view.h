// A forwarding table as one worker looks at it. Packets of one flow, and of one SA, come one after the other: the last answers are
// remembered, so that a row of them costs one look-up.
#pragma once

#include "esp/forwarding_table.h"

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
    const Child* outbound(const InnerPacket& packet) {
        if (outbound_ == nullptr || !have_same_ends(packet, flow_)) {
            outbound_ = table_->outbound(packet, worker_);
            flow_ = packet;
        }
        return outbound_;
    }

private:
    const ForwardingTable* table_;
    model::Resource worker_;
    const Child* inbound_ = nullptr;   // nothing: nothing is remembered
    const Child* outbound_ = nullptr;
    std::uint32_t spi_ = 0;
    InnerPacket flow_{};
};

}  // namespace cygnet::esp
