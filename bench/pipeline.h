// The packet pipeline without kernel I/O, as the data plane's workers run it: packets in memory to ESP, and back.
//
//   out: parse ─► policy ─► copy ─► headers, sequence numbers ─► seal
//   in:  SPI ─► replay window ─► open ─► trailer, inner header, selectors
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "dataplane/carrier.h"
#include "dataplane/outbound_batch.h"
#include "esp/decapsulate.h"
#include "esp/table_view.h"
#include "esp/test_packets.h"

namespace cygnet::bench {

// The forwarding tables of the end that sends and of the end that receives.
struct Tables {
    esp::ForwardingTable out, in;

    void add(const model::ChildSaSpec& spec, std::uint64_t order) {
        out = out.with_outbound(child_of(spec, out_locals_), order);
        in = in.with_inbound(child_of(esp::testing::mirrored(spec), in_locals_));
    }

private:
    // As the backend makes them: what many have alike is there once.
    static esp::ChildPointer child_of(const model::ChildSaSpec& spec, SharedValues<esp::PacketSelectors>& locals) {
        return esp::make_child(spec, esp::SaRuntime::make(spec).value(), &locals);
    }
    SharedValues<esp::PacketSelectors> out_locals_, in_locals_;
};

// Where child `number` of many leads.
inline std::uint32_t address_of_child(std::uint32_t number) { return 0x0a800000 + number; }

// One of many children, with SPIs, keys and a remote address of its own.
inline model::ChildSaSpec spec_of_child(const esp::testing::Suite& suite, std::uint32_t number) {
    auto spec = esp::testing::test_spec(suite);
    spec.id = model::ChildId{number + 2};
    spec.spi_in += number + 1;
    spec.spi_out += number + 1;
    for (auto* keys : {&spec.in, &spec.out}) store_be(keys->encr.reveal_for_writing().data(), number);
    const auto address = model::IpAddress::v4(address_of_child(number));
    spec.remote = {model::TrafficSelector::of(model::AddressRange::single(address))};
    return spec;
}

class Pipeline {
public:
    explicit Pipeline(const Tables& tables) : out_(tables.out), in_(tables.in) {}

    // Of the packets from `at` on, those that make one batch; `at` is then behind them.
    std::span<const std::uint8_t> seal(std::span<const Bytes> packets, std::size_t& at) { return seal(packets, at, batches_[0]); }
    // Opens the batch; how many of its packets came through.
    std::size_t open(std::span<const std::uint8_t> octets) { return open(octets, batches_[0].segment_size()); }

    // All packets, out and in; how many came through. As many batches as there are arrive together, as they do in one receiving call.
    std::size_t carry(std::span<const Bytes> packets) {
        std::size_t passed = 0;
        for (std::size_t at = 0; at < packets.size();) {
            std::array<std::span<const std::uint8_t>, datagrams> arrived;
            std::array<std::uint32_t, datagrams> spis;
            std::size_t count = 0;
            for (; count < datagrams && at < packets.size(); ++count) {
                arrived[count] = seal(packets, at, batches_[count]);
                spis[count] = *esp::spi_of(arrived[count].data(), arrived[count].size());
            }
            in_.expect(std::span(spis).first(count));
            for (std::size_t i = 0; i < count; ++i) passed += open(arrived[i], batches_[i].segment_size());
        }
        return passed;
    }

private:
    static constexpr std::size_t datagrams = dataplane::ReceiveBuffers::datagrams;

    std::span<const std::uint8_t> seal(std::span<const Bytes> packets, std::size_t& at, dataplane::OutboundBatch& batch) {
        batch.clear();
        for (; at < packets.size(); ++at) {
            const Bytes& packet = packets[at];
            esp::InnerPacket inner;
            const esp::Child* child = *out_.outbound(packet.data(), packet.size(), inner);
            const dataplane::OuterHeader outer{inner.traffic_class};
            std::uint8_t* const to = batch.add(*child, outer, packet.size(), esp::protocol::ipv4);
            if (to == nullptr) break;
            std::memcpy(to, packet.data(), packet.size());
        }
        std::size_t sealed = 0;
        const auto octets = batch.seal(Instant(), sealed);
        ASSERT(sealed == batch.count());
        return octets;
    }

    std::size_t open(std::span<const std::uint8_t> octets, std::size_t segment) {
        auto* data = const_cast<std::uint8_t*>(octets.data());
        const esp::Child* child = nullptr;
        std::size_t count = 0;
        for (std::size_t at = 0; at < octets.size(); at += segment) {
            child = in_.inbound(*esp::spi_of(data + at, segment));
            inbound_[count++].replace(data + at, std::min(segment, octets.size() - at));
        }
        const auto packets = std::span(inbound_).first(count);
        esp::decapsulate(*child, packets, Instant());
        std::size_t passed = 0;
        for (const auto& packet : packets) passed += packet.drop == esp::Drop::none;
        return passed;
    }

    esp::TableView out_, in_;
    std::array<dataplane::OutboundBatch, datagrams> batches_;
    std::array<esp::InboundPacket, dataplane::OutboundBatch::packets_max> inbound_;
};

}  // namespace cygnet::bench
