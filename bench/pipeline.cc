// P4: the packet pipeline without kernel I/O (pipeline.h) against bare calls of the AEAD that it uses, on packets of
// the same sizes. One thread, batches as the data plane makes them.
// `pipeline SUITE OCTETS PASSES both|out|bare` only runs so many passes of 64 packets, for a counter of instructions:
// out and in, out alone, or the AEAD's calls of both.
#include "bench/pipeline.h"

#include "bench/measurement.h"

namespace {

using namespace cygnet;
using bench::Measurement;
using bench::nanoseconds_now;
using bench::Pipeline;
using bench::Tables;

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

// One child that is used among others.
Tables tables_of(const esp::testing::Suite& suite) {
    Tables tables;
    for (std::uint32_t i = 0; i < children; ++i) tables.add(bench::spec_of_child(suite, i), i + 2);
    tables.add(esp::testing::test_spec(suite), 1);
    return tables;
}

// Packets of each size go through in batches of their own, as UDP_SEGMENT wants them.
Cost timed_pass(Pipeline& pipeline, const std::vector<Bytes>& packets) {
    Cost cost;
    for (std::size_t at = 0; at < packets.size();) {
        const double start = nanoseconds_now();
        const std::size_t first = at;
        const auto octets = pipeline.seal(packets, at);
        const double sealed = nanoseconds_now();
        const std::size_t passed = pipeline.open(octets);
        cost.out += sealed - start;
        cost.in += nanoseconds_now() - sealed;
        ASSERT(passed == at - first);
    }
    return cost;
}

Cost run(Pipeline& pipeline, const std::vector<Bytes>& packets) {
    Passes passes(packets.size());
    while (!passes.enough()) passes.add(timed_pass(pipeline, packets));
    return passes.cost();
}

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
        prepare(packets);
        Passes passes(packets.size());
        while (!passes.enough()) passes.add(pass());
        return passes.cost();
    }
    void repeat(const std::vector<Bytes>& packets, std::size_t passes) {
        prepare(packets);
        for (; passes != 0; --passes) pass();
    }

private:
    void prepare(const std::vector<Bytes>& packets) {
        buffers_.clear();
        for (const Bytes& packet : packets) buffers_.emplace_back(esp::encapsulated_size(shape_, packet.size()));
        batch_.resize(packets.size());
    }
    Cost pass() {
        for (std::size_t i = 0; i < batch_.size(); ++i)
            batch_[i] = {.data = buffers_[i].data(),
                         .sequence = ++sequence_,
                         .size = static_cast<std::uint32_t>(buffers_[i].size()),
                         .authentic = false};
        const double start = nanoseconds_now();
        cipher_->seal(batch_);
        const double sealed = nanoseconds_now();
        cipher_->open(batch_);
        return {sealed - start, nanoseconds_now() - sealed};
    }

    std::unique_ptr<crypto::PacketCipher> cipher_;
    crypto::PacketShape shape_;
    std::uint64_t sequence_ = 0;
    std::vector<Bytes> buffers_;
    std::vector<crypto::EspPacket> batch_;
};

double million_per_s(double nanoseconds) { return 1e3 / nanoseconds; }

// Packets a second: what one core does that only sends, only receives, or does both with each packet.
void add_rates(const std::vector<std::pair<Cost, Cost>>& samples, const std::string& what, const std::string& other,
               std::vector<Measurement>& all) {
    Measurement out{"P4", "rate of seal " + what, "Mpackets/s", other};
    Measurement in{"P4", "rate of open " + what, "Mpackets/s", other};
    Measurement both{"P4", "rate of seal and open " + what, "Mpackets/s", other};
    for (const auto& [own, raw] : samples) {
        out.samples.push_back({million_per_s(own.out), million_per_s(raw.out)});
        in.samples.push_back({million_per_s(own.in), million_per_s(raw.in)});
        both.samples.push_back({million_per_s(own.out + own.in), million_per_s(raw.out + raw.in)});
    }
    for (auto* measured : {&out, &in, &both}) all.push_back(std::move(*measured));
}

void measure(const esp::testing::Suite& suite, const char* suite_name, const Traffic& traffic,
             std::vector<Measurement>& all) {
    const Tables tables = tables_of(suite);
    Pipeline pipeline(tables);
    Bare bare(suite);
    const auto packets = packets_of(traffic);
    run(pipeline, packets);
    bare.run(packets);
    std::vector<std::pair<Cost, Cost>> samples;
    for (std::size_t i = 0; i < pairs; ++i) {
        // A B B A: a drift of the machine's speed meets both sides.
        Cost own, raw;
        if (i % 2 == 0) {
            own = run(pipeline, packets);
            raw = bare.run(packets);
        } else {
            raw = bare.run(packets);
            own = run(pipeline, packets);
        }
        samples.emplace_back(own, raw);
    }
    const std::string what = fmt::format("{}, {}", traffic.name, suite_name);
    const std::string other = fmt::format("bare AEAD, {}", bare.name());
    Measurement out{"P4", "seal " + what, "ns/packet", other};
    Measurement in{"P4", "open " + what, "ns/packet", other};
    Measurement both{"P4", "seal and open " + what, "ns/packet", other};
    for (const auto& [own, raw] : samples) {
        out.samples.push_back({own.out, raw.out});
        in.samples.push_back({own.in, raw.in});
        both.samples.push_back({own.out + own.in, raw.out + raw.in});
    }
    for (auto* measured : {&out, &in, &both}) all.push_back(std::move(*measured));
    if (traffic.sizes.front() < 1000) add_rates(samples, what, other, all);
}

// For a counter of instructions.
void run_counted(const esp::testing::Suite& suite, std::size_t octets, std::size_t passes, std::string_view kind) {
    const auto packets = packets_of({"counted", {octets}});
    Bare bare(suite);
    if (kind == "bare") {
        bare.repeat(packets, passes);
        return;
    }
    const Tables tables = tables_of(suite);
    Pipeline pipeline(tables);
    for (; passes != 0; --passes)
        for (std::size_t at = 0; at < packets.size();) {
            const auto sealed = pipeline.seal(packets, at);
            if (kind == "both") pipeline.open(sealed);
        }
}

}  // namespace

int main(int count, char** words) {
    if (count == 5) {
        run_counted(esp::testing::suites[std::stoul(words[1])], std::stoul(words[2]), std::stoul(words[3]), words[4]);
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
