// Randomness as an argument: the daemon passes the system's generator
// (crypto::SystemRng), the simulator a seeded one.
#pragma once

#include "base/bytes.h"

namespace cygnet::inline base {

class Rng {
public:
    virtual ~Rng() = default;
    virtual void fill(MutableByteView out) = 0;

    Bytes bytes(std::size_t size);
    std::uint64_t u64();
    std::uint32_t u32();
    // Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
};

// Reproducible and NOT secret: tests, the simulator, fuzzing.
class SeededRng final : public Rng {
public:
    explicit SeededRng(std::uint64_t seed) : state_(seed) {}
    void fill(MutableByteView out) override;

private:
    std::uint64_t next();
    std::uint64_t state_;
};

}  // namespace cygnet::inline base
