// How a program of this folder says what it measured: one JSON array on standard output (README.md).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace cygnet::bench {

// Two sides of one comparison, measured alternately in one run.
struct Sample {
    double own, other;
};

struct Measurement {
    std::string id, name, unit;
    std::string other;  // what it is compared with: a bound or a rival
    std::vector<Sample> samples{};
};

inline double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values.empty() ? 0 : values[values.size() / 2];
}

inline std::string json_of(const Measurement& measured) {
    std::vector<double> own, other, ratios;
    std::string samples;
    for (const Sample& sample : measured.samples) {
        own.push_back(sample.own);
        other.push_back(sample.other);
        ratios.push_back(sample.own / sample.other);
        samples += fmt::format("{}[{:.6g},{:.6g}]", samples.empty() ? "" : ",", sample.own, sample.other);
    }
    return fmt::format(
        R"({{"id":"{}","name":"{}","value":{:.6g},"unit":"{}","other":"{}","other_value":{:.6g},"ratio":{:.4g},"samples":[{}]}})",
        measured.id, measured.name, median(own), measured.unit, measured.other, median(other), median(ratios), samples);
}

inline void print(const std::vector<Measurement>& all) {
    std::string text;
    for (const Measurement& measured : all) text += (text.empty() ? "[\n " : ",\n ") + json_of(measured);
    fmt::print("{}\n]\n", text);
}

// The number behind `flag` on the command line, at least 1.
inline int argument(int argc, char** argv, std::string_view flag, int fallback) {
    for (int i = 1; i + 1 < argc; ++i)
        if (argv[i] == flag) return std::max(1, std::atoi(argv[i + 1]));
    return fallback;
}

inline double nanoseconds_now() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace cygnet::bench
