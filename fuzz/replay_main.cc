// Runs a fuzz target without libFuzzer, so that a machine with only g++ exercises every parser:
// each seed as it is, then a few thousand mutations that are the same on every run.
//
//   fuzz_<name> FOLDER_OR_FILE…

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t mutations_total = 5000;
constexpr std::size_t input_size_max = 70'000;

Input read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Input(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::vector<Input> read_seeds(int count, char** paths) {
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < count; ++i) {
        const std::filesystem::path path = paths[i];
        if (std::filesystem::is_regular_file(path)) files.push_back(path);
        if (!std::filesystem::is_directory(path)) continue;
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
    }
    // Directory order differs between machines; the run must not.
    std::sort(files.begin(), files.end());
    std::vector<Input> seeds;
    for (const auto& file : files) seeds.push_back(read_file(file));
    return seeds;
}

class Mutator {
  public:
    explicit Mutator(std::uint64_t seed) : random_(seed) {}

    Input mutate(const Input& seed, const Input& other) {
        Input input = seed;
        const std::size_t steps = 1 + below(4);
        for (std::size_t i = 0; i < steps; ++i) step(input, other);
        if (input.size() > input_size_max) input.resize(input_size_max);
        return input;
    }

    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  private:
    void step(Input& input, const Input& other) {
        const auto at = static_cast<std::ptrdiff_t>(below(input.size()));
        const auto index = static_cast<std::size_t>(at);
        const auto byte = static_cast<std::uint8_t>(random_());
        switch (below(7)) {
            case 0:  // Flip one bit.
                if (!input.empty()) {
                    input[index] = static_cast<std::uint8_t>(input[index] ^ (1u << below(8)));
                }
                break;
            case 1:  // Overwrite a byte: often with a value at the edge of a length field.
                if (!input.empty()) input[index] = below(2) == 0 ? edge() : byte;
                break;
            case 2:
                input.resize(index);
                break;
            case 3:
                input.insert(input.begin() + at, byte);
                break;
            case 4:
                if (!input.empty()) input.erase(input.begin() + at);
                break;
            case 5:  // Continue with the tail of another seed.
                input.resize(index);
                input.insert(input.end(), other.begin() + tail(other), other.end());
                break;
            default:  // Repeat a tail: nested structures and counted lists.
                if (input.size() < 4096) {
                    const Input copy(input.begin() + at, input.end());
                    input.insert(input.end(), copy.begin(), copy.end());
                }
        }
    }

    std::ptrdiff_t tail(const Input& other) { return static_cast<std::ptrdiff_t>(below(other.size())); }

    std::uint8_t edge() {
        constexpr std::uint8_t edges[] = {0x00, 0x01, 0x03, 0x04, 0x07, 0x08, 0x7f, 0x80, 0xfe, 0xff};
        return edges[below(std::size(edges))];
    }

    std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
    std::vector<Input> seeds = read_seeds(argc - 1, argv + 1);
    const std::size_t seeds_read = seeds.size();
    seeds.emplace_back();
    seeds.emplace_back(64, std::uint8_t{0});
    for (const Input& seed : seeds) LLVMFuzzerTestOneInput(seed.data(), seed.size());

    Mutator mutator(1);
    for (std::size_t i = 0; i < mutations_total; ++i) {
        const Input& seed = seeds[mutator.below(seeds.size())];
        const Input input = mutator.mutate(seed, seeds[mutator.below(seeds.size())]);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%zu seeds and %zu mutations ran\n", seeds_read, mutations_total);
    return 0;
}
