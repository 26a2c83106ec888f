// P9: the pipeline in memory with one child SA and with many, each with keys of its own, taken in random order.
// P10: the same by one thread and by two at once.
#include <atomic>
#include <barrier>
#include <functional>
#include <numeric>
#include <random>
#include <thread>

#include "bench/measurement.h"
#include "bench/pipeline.h"

namespace {

using namespace cygnet;
using bench::Measurement;
using bench::nanoseconds_now;
using bench::Pipeline;
using bench::Tables;

constexpr std::size_t pairs = 9;
constexpr double sample_ns = 100e6;
constexpr std::size_t packet_octets = 1400;
constexpr const esp::testing::Suite& suite = esp::testing::suites[2];

Tables tables_of(std::uint32_t children) {
    Tables tables;
    for (std::uint32_t i = 0; i < children; ++i) {
        auto spec = bench::spec_of_child(suite, i);
        spec.replay_window = 4096;
        tables.add(spec, i + 1);
    }
    return tables;
}

// Bursts of packets, each for the next child of a random order that comes again and again; so many at a time as a receiving call
// may bring.
class Traffic {
public:
    // Of the children with this remainder modulo `step`.
    Traffic(std::uint32_t children, std::size_t burst, std::uint32_t remainder = 0, std::uint32_t step = 1)
        : burst_(burst), packets_(burst * dataplane::ReceiveBuffers::datagrams, esp::testing::make_packet({.payload = packet_octets - 28})) {
        for (std::uint32_t child = remainder; child < children; child += step) order_.push_back(child);
        std::shuffle(order_.begin(), order_.end(), std::mt19937(7));
    }
    std::size_t children() const { return order_.size(); }
    std::span<const Bytes> next() {
        for (std::size_t i = 0; i < packets_.size(); i += burst_) {
            const std::uint32_t address = bench::address_of_child(order_[at_]);
            at_ = at_ + 1 == order_.size() ? 0 : at_ + 1;
            for (std::size_t j = i; j < i + burst_; ++j) store_be(packets_[j].data() + 16, address);  // IPv4's destination
        }
        return packets_;
    }

private:
    std::size_t burst_;
    std::vector<Bytes> packets_;
    std::vector<std::uint32_t> order_;
    std::size_t at_ = 0;
};

double million_per_s(std::size_t packets, double nanoseconds) { return static_cast<double>(packets) * 1e3 / nanoseconds; }

// One side of P9.
class Children {
public:
    Children(const Tables& tables, std::uint32_t children, std::size_t burst)
        : pipeline_(tables), traffic_(children, burst) {
        // What is prepared of a key, is when it is used first.
        for (std::size_t i = 0; i < traffic_.children(); i += dataplane::ReceiveBuffers::datagrams) pipeline_.carry(traffic_.next());
    }
    double rate() {
        const double start = nanoseconds_now();
        std::size_t packets = 0;
        double elapsed = 0;
        while (elapsed < sample_ns) {
            for (std::size_t i = 0; i < 64; ++i) packets += pipeline_.carry(traffic_.next());
            elapsed = nanoseconds_now() - start;
        }
        return million_per_s(packets, elapsed);
    }

private:
    Pipeline pipeline_;
    Traffic traffic_;
};

void measure_pairs(Measurement& measured, const std::function<double()>& own, const std::function<double()>& other) {
    for (std::size_t i = 0; i < pairs; ++i) {
        // A B B A: a drift of the machine's speed meets both sides.
        bench::Sample sample{};
        if (i % 2 == 0) {
            sample.own = own();
            sample.other = other();
        } else {
            sample.other = other();
            sample.own = own();
        }
        measured.samples.push_back(sample);
    }
}

void measure_children(std::uint32_t count, const char* name, std::vector<Measurement>& all) {
    const Tables many = tables_of(count), one = tables_of(1);
    for (const std::size_t burst : {std::size_t{16}, std::size_t{1}}) {
        Children own(many, count, burst), other(one, 1, burst);
        Measurement measured{"P9", fmt::format("{} child SAs, bursts of {}, {} B", name, burst, packet_octets), "Mpackets/s",
                             "one child SA, the same bursts"};
        measure_pairs(measured, [&] { return own.rate(); }, [&] { return other.rate(); });
        all.push_back(std::move(measured));
    }
}

// What a thread repeats; how many packets it did.
using Work = std::function<std::size_t()>;

// Packets a second of all threads together, each with work of its own.
double rate_of_threads(const std::vector<Work>& works) {
    std::barrier start(static_cast<std::ptrdiff_t>(works.size()) + 1);
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> packets{0};
    std::vector<std::jthread> threads;
    for (const Work& work : works)
        threads.emplace_back([&] {
            std::size_t done = 0;
            start.arrive_and_wait();
            while (!stop.load(std::memory_order_relaxed)) done += work();
            packets += done;
        });
    start.arrive_and_wait();
    const double started = nanoseconds_now();
    std::this_thread::sleep_for(std::chrono::nanoseconds(static_cast<std::int64_t>(sample_ns)));
    stop = true;
    threads.clear();
    return million_per_s(packets, nanoseconds_now() - started);
}

void measure_threads(const std::string& name, const std::function<Work(std::uint32_t)>& work_of,
                     std::vector<Measurement>& all) {
    const Work first = work_of(0), second = work_of(1);
    Measurement measured{"P10", "two threads, " + name, "Mpackets/s", "one thread"};
    measure_pairs(measured, [&] { return rate_of_threads({first, second}); }, [&] { return rate_of_threads({first}); });
    all.push_back(std::move(measured));
}

// What one worker holds, in a place of its own.
struct Worker {
    Worker(const Tables& tables, Traffic work) : pipeline(tables), traffic(std::move(work)) {}
    Pipeline pipeline;
    Traffic traffic;
};

Work carrying(const Tables& tables, Traffic traffic) {
    const auto worker = std::make_shared<Worker>(tables, std::move(traffic));
    return [worker] { return worker->pipeline.carry(worker->traffic.next()); };
}

Work sealing(const Tables& tables, Traffic traffic) {
    const auto worker = std::make_shared<Worker>(tables, std::move(traffic));
    return [worker] {
        std::size_t at = 0;
        worker->pipeline.seal(worker->traffic.next(), at);
        return at;
    };
}

// The bound: the cipher alone, with a key for each thread.
Work bare(std::uint32_t number) {
    struct State {
        std::unique_ptr<crypto::PacketCipher> cipher;
        std::vector<Bytes> buffers;
        std::vector<crypto::EspPacket> batch;
        std::uint64_t sequence = 0;
    };
    const auto state = std::make_shared<State>();
    const auto spec = bench::spec_of_child(suite, number);
    state->cipher = crypto::make_packet_cipher(suite, false, spec.out.encr.reveal(), spec.out.integ.reveal()).value();
    state->buffers.resize(16, Bytes(esp::encapsulated_size(esp::testing::test_shape(suite), packet_octets)));
    state->batch.resize(state->buffers.size());
    return [state] {
        for (std::size_t i = 0; i < state->batch.size(); ++i)
            state->batch[i] = {.data = state->buffers[i].data(),
                               .sequence = ++state->sequence,
                               .size = static_cast<std::uint32_t>(state->buffers[i].size()),
                               .authentic = false};
        state->cipher->seal(state->batch);
        state->cipher->open(state->batch);
        return state->batch.size();
    };
}

}  // namespace

int main() {
    std::vector<Measurement> all;
    measure_children(1'000, "1,000", all);
    measure_children(10'000, "10,000", all);
    measure_children(100'000, "100,000", all);

    constexpr std::uint32_t count = 64;
    const Tables many = tables_of(count), one = tables_of(1);
    measure_threads("64 child SAs", [&](std::uint32_t i) { return carrying(many, Traffic(count, 16, i, 2)); }, all);
    measure_threads("one child SA, seal", [&](std::uint32_t) { return sealing(one, Traffic(1, 16)); }, all);
    measure_threads("one child SA, seal and open", [&](std::uint32_t) { return carrying(one, Traffic(1, 16)); }, all);
    measure_threads("bare AEAD", bare, all);
    bench::print(all);
}
