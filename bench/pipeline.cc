// P4: the packet pipeline without kernel I/O (packets in memory to ESP, and back), against bare calls of the
// AEAD that it uses, on packets of the same sizes. One thread, batches as the data plane makes them.
// `pipeline SUITE OCTETS PASSES` only runs so many passes of 64 packets, for a counter of instructions.
//
//   out: parse ─► policy ─► copy ─► headers, sequence numbers ─► seal
//   in:  SPI ─► replay window ─► open ─► trailer, inner header, selectors
#include <cstring>

#include "bench/measurement.h"
#include "dataplane/outbound_batch.h"
#include "esp/decapsulate.h"
#include "esp/forwarding_table.h"
#include "esp/test_packets.h"

namespace {

using namespace cygnet;
using bench::Measurement;
using bench::nanoseconds_now;

constexpr std::size_t pairs = 15;
constexpr std::size_t children = 100;  // in the tables, so that look-ups are not free
constexpr double sample_ns = 30e6;

struct Traffic {
    const char* name;
    std::vector<std::size_t> sizes;  // inner octets, repeated in turn
};

struct Cost {
    double out = 0, in = 0;  // nanoseconds per packet
};

// Times of whole passes over the packets. Their median is what counts: a pass in which the machine did
// something else is not a measurement.
class Passes {
public:
    explicit Passes(std::size_t packets) : packets_(static_cast<double>(packets)) {}
    bool enough() const { return total_ >= 2 * sample_ns; }
    void add(const Cost& pass) {
        out_.push_back(pass.out / packets_);
        in_.push_back(pass.in / packets_);
        total_ += pass.out + pass.in;
    }
    Cost cost() const { return {bench::median(out_), bench::median(in_)}; }

private:
    double packets_, total_ = 0;
    std::vector<double> out_, in_;
};

std::vector<Bytes> packets_of(const Traffic& traffic) {
    std::vector<Bytes> packets;
    for (std::size_t i = 0; i < dataplane::OutboundBatch::packets_max; ++i)
        packets.push_back(esp::testing::make_packet({.payload = traffic.sizes[i % traffic.sizes.size()] - 28}));
    return packets;
}

class Pipeline {
public:
    explicit Pipeline(const esp::testing::Suite& suite) {
        auto spec = esp::testing::test_spec(suite);
        left_ = esp::testing::child_of(spec);
        right_ = esp::testing::child_of(esp::testing::mirrored(spec));
        for (std::uint32_t i = 0; i < children; ++i) {
            auto other = esp::testing::test_spec(suite);
            other.id = model::ChildId{i + 2};
            other.spi_in += i + 1;
            other.remote = {
                model::TrafficSelector::of(model::AddressRange::single(model::IpAddress::v4(0x0a030000 + i)))};
            const auto child = esp::testing::child_of(other);
            out_ = out_.with_outbound(child, i + 2);
            in_ = in_.with_inbound(child);
        }
        out_ = out_.with_outbound(left_, 1);
        in_ = in_.with_inbound(right_);
    }

    // Packets per size class go through in batches of one size, as UDP_SEGMENT wants them.
    Cost run(const std::vector<Bytes>& packets) {
        Passes passes(packets.size());
        while (!passes.enough()) passes.add(pass(packets));
        return passes.cost();
    }
    Cost pass(const std::vector<Bytes>& packets) {
        Cost cost;
        for (std::size_t first = 0; first < packets.size();) {
            const double start = nanoseconds_now();
            std::size_t last = first;
            const auto octets = seal(packets, last);
            const double sealed = nanoseconds_now();
            open(octets, batch_.segment_size());
            cost.out += sealed - start;
            cost.in += nanoseconds_now() - sealed;
            first = last;
            batch_.clear();
        }
        return cost;
    }

private:
    std::span<const std::uint8_t> seal(const std::vector<Bytes>& packets, std::size_t& at) {
        for (; at < packets.size(); ++at) {
            const Bytes& packet = packets[at];
            const auto inner = esp::parse_inner(packet.data(), packet.size());
            const esp::Child* child = out_.outbound(*inner);
            if (!batch_.takes(*child, {inner->traffic_class}, packet.size())) break;
            std::memcpy(batch_.add(*child, {inner->traffic_class}, packet.size(), esp::protocol::ipv4), packet.data(), packet.size());
        }
        std::size_t sealed = 0;
        const auto octets = batch_.seal(Instant(), sealed);
        ASSERT(sealed == batch_.count());
        return octets;
    }

    void open(std::span<const std::uint8_t> octets, std::size_t segment) {
        auto* data = const_cast<std::uint8_t*>(octets.data());
        const esp::Child* child = nullptr;
        std::size_t count = 0;
        for (std::size_t at = 0; at < octets.size(); at += segment) {
            child = in_.inbound(*esp::spi_of(data + at, segment));
            inbound_[count++] = {.esp = data + at,
                                 .size = static_cast<std::uint32_t>(std::min(segment, octets.size() - at))};
        }
        const auto packets = std::span(inbound_).first(count);
        ASSERT(esp::decapsulate(*child, packets, Instant()) == count);
        for (const auto& packet : packets) ASSERT(packet.drop == esp::Drop::none);
    }

    esp::ChildPointer left_, right_;
    esp::ForwardingTable out_, in_;
    dataplane::OutboundBatch batch_;
    std::array<esp::InboundPacket, dataplane::OutboundBatch::packets_max> inbound_;
};

// The cipher alone: the same texts, sequence numbers and so nonces that change.
class Bare {
public:
    explicit Bare(const esp::testing::Suite& suite) {
        const auto spec = esp::testing::test_spec(suite);
        cipher_ = crypto::make_packet_cipher(suite, false, spec.out.encr.reveal(), spec.out.integ.reveal()).value();
        shape_ = esp::testing::test_shape(suite);
    }
    const char* name() const { return cipher_->implementation(); }

    Cost run(const std::vector<Bytes>& packets) {
        std::vector<Bytes> buffers;
        for (const Bytes& packet : packets) buffers.emplace_back(esp::encapsulated_size(shape_, packet.size()));
        std::vector<crypto::EspPacket> batch(packets.size());
        Passes passes(packets.size());
        while (!passes.enough()) {
            for (std::size_t i = 0; i < batch.size(); ++i)
                batch[i] = {.data = buffers[i].data(),
                            .sequence = ++sequence_,
                            .size = static_cast<std::uint32_t>(buffers[i].size()),
                            .authentic = false};
            const double start = nanoseconds_now();
            cipher_->seal(batch);
            const double sealed = nanoseconds_now();
            cipher_->open(batch);
            passes.add({sealed - start, nanoseconds_now() - sealed});
        }
        return passes.cost();
    }

private:
    std::unique_ptr<crypto::PacketCipher> cipher_;
    crypto::PacketShape shape_;
    std::uint64_t sequence_ = 0;
};

void measure(const esp::testing::Suite& suite, const char* suite_name, const Traffic& traffic,
             std::vector<Measurement>& all) {
    Pipeline pipeline(suite);
    Bare bare(suite);
    const auto packets = packets_of(traffic);
    const std::string other = fmt::format("bare AEAD, {}", bare.name());
    Measurement out{"P4", fmt::format("seal {}, {}", traffic.name, suite_name), "ns/packet", other};
    Measurement in{"P4", fmt::format("open {}, {}", traffic.name, suite_name), "ns/packet", other};
    pipeline.run(packets);
    bare.run(packets);
    for (std::size_t i = 0; i < pairs; ++i) {
        // A B B A: a drift of the machine's speed meets both sides.
        Cost own, raw;
        if (i % 2 == 0) {
            own = pipeline.run(packets);
            raw = bare.run(packets);
        } else {
            raw = bare.run(packets);
            own = pipeline.run(packets);
        }
        out.samples.push_back({own.out, raw.out});
        in.samples.push_back({own.in, raw.in});
    }
    all.push_back(std::move(out));
    all.push_back(std::move(in));
}

}  // namespace

int main(int count, char** words) {
    if (count == 4) {
        const Traffic traffic{"counted", {std::stoul(words[2])}};
        Pipeline pipeline(esp::testing::suites[std::stoul(words[1])]);
        const auto packets = packets_of(traffic);
        for (std::size_t i = std::stoul(words[3]); i != 0; --i) pipeline.pass(packets);
        return 0;
    }
    const Traffic small{"64 B", {64}}, large{"1400 B", {1400}};
    // Seven small, four middle, one large; sorted, because the data plane makes batches of one size.
    const Traffic imix{"IMIX", {64, 64, 64, 64, 64, 64, 64, 576, 576, 576, 576, 1400}};
    std::vector<Measurement> all;
    measure(esp::testing::suites[2], "AES-256-GCM", large, all);
    measure(esp::testing::suites[2], "AES-256-GCM", small, all);
    measure(esp::testing::suites[2], "AES-256-GCM", imix, all);
    measure(esp::testing::suites[3], "ChaCha20-Poly1305", large, all);
    bench::print(all);
}
