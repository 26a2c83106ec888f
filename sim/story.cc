#include "sim/story.h"

#include <fmt/format.h>

namespace cygnet::sim {

void Story::tell(const Line& line) {
    // The first octets of an SPI are enough to tell SAs apart.
    const std::string spis = line.spi_i == 0 && line.spi_r == 0 ? std::string() : fmt::format("{:08x}/{:08x}", line.spi_i >> 32, line.spi_r >> 32);
    const std::string id = line.message_id ? std::to_string(*line.message_id) : std::string();
    const double seconds_since_start = static_cast<double>(line.at.since_start().count()) / 1e6;
    std::string text = fmt::format("{:12.6f}  {:<8} {:<17} {:>3}  {:<88} {}", seconds_since_start, line.who, spis, id, line.what, line.state);
    text.erase(text.find_last_not_of(' ') + 1);
    if (listener) listener(text);
    lines_.push_back(std::move(text));
    if (lines_.size() > lines_kept) lines_.pop_front();
}

std::string describe(const model::MessageTrace& message) {
    std::string text = fmt::format("{} {} {} [{}] {} octets", message.sent ? "sends" : "takes", model::name_of(message.exchange),
                                   message.response ? "response" : "request", model::text_of(message.payloads), message.octets);
    if (message.datagrams > 1) text += fmt::format(" in {} fragments", message.datagrams);
    if (message.retransmission) text += ", again";
    return text;
}

}  // namespace cygnet::sim
