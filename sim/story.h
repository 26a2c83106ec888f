// What happened, one aligned line per event: time, node, SPI pair, message ID, what, state. The last lines are
// kept for the report of a failure.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "model/status.h"

namespace cygnet::sim {

class Story {
public:
    static constexpr std::size_t lines_kept = 40;

    struct Line {
        Instant at{};
        std::string who{};
        std::uint64_t spi_i = 0, spi_r = 0;              // 0: not about an IKE SA
        std::optional<std::uint32_t> message_id{};
        std::string what{};
        std::string state{};
    };

    // Every line goes there too, at once.
    std::function<void(const std::string&)> listener{};

    void tell(const Line& line);
    const std::deque<std::string>& last_lines() const { return lines_; }

private:
    std::deque<std::string> lines_{};
};

std::string describe(const model::MessageTrace& message);

}  // namespace cygnet::sim
