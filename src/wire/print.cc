#include "wire/print.h"

#include <fmt/format.h>

namespace cygnet::wire {
namespace {

model::PayloadName name_in_outline(const Payload& payload) {
    const auto* notify = std::get_if<NotifyPayload>(&payload);
    return {.type = type_of(payload), .notify = notify != nullptr ? notify->message_type : model::NotifyType{}};
}

std::string item(const Payload& payload) {
    if (const auto* fragment = std::get_if<SkfPayload>(&payload))
        return fmt::format("SKF({}/{})", fragment->number, fragment->total);
    const model::PayloadName name = name_in_outline(payload);
    return model::text_of(std::span(&name, 1));
}

}  // namespace

std::vector<model::PayloadName> outline(std::span<const Payload> payloads) {
    std::vector<model::PayloadName> names;
    names.reserve(payloads.size());
    for (const Payload& payload : payloads) names.push_back(name_in_outline(payload));
    return names;
}

std::vector<model::PayloadName> outline(PayloadType type, ByteView chain) {
    constexpr std::size_t notify_type_at = 6;
    constexpr std::size_t usual = 16;
    std::vector<model::PayloadName> names;
    names.reserve(usual);
    while (type != PayloadType::none && chain.size() >= generic_header_size) {
        const std::size_t size = std::size_t{chain[2]} << 8 | chain[3];
        if (size < generic_header_size || size > chain.size()) break;
        model::PayloadName name{.type = type};
        if (type == PayloadType::notify && size >= notify_type_at + 2)
            name.notify = static_cast<model::NotifyType>(chain[notify_type_at] << 8 | chain[notify_type_at + 1]);
        names.push_back(name);
        if (type == PayloadType::sk || type == PayloadType::skf) break;
        type = static_cast<PayloadType>(chain[0]);
        chain = chain.subspan(size);
    }
    return names;
}

std::string print(const Payload& payload) {
    const std::string fields = std::visit([](const auto& one) { return print(one); }, payload);
    const std::string name = name_of(type_of(payload));
    return fields.empty() ? name : name + " " + fields;
}

std::string print(const Message& message) {
    const Header& header = message.header;
    std::string text = fmt::format("{} {} {}{}: {:016x} {:016x}, {} octets\n", name_of(header.exchange),
                                   header.response ? "response" : "request", header.message_id,
                                   header.initiator ? " from the initiator" : " from the responder", header.spi_i,
                                   header.spi_r, header.length);
    for (const Payload& payload : message.payloads) text += "  " + print(payload) + "\n";
    return text;
}

std::string summary(const Header& header, std::span<const Payload> payloads) {
    std::string text = fmt::format("{} {} {} [", name_of(header.exchange), header.response ? "response" : "request",
                                   header.message_id);
    for (const Payload& payload : payloads) text += " " + item(payload);
    return text + " ]";
}

std::string summary(const Message& message) { return summary(message.header, message.payloads); }

}  // namespace cygnet::wire
