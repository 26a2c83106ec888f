#include "wire/print.h"

#include <fmt/format.h>

namespace cygnet::wire {
namespace {

// The abbreviations that fit a whole message into one line of a log.
std::string short_name(model::NotifyType type) {
    using enum model::NotifyType;
    switch (type) {
        case nat_detection_source_ip: return "NATD_S_IP";
        case nat_detection_destination_ip: return "NATD_D_IP";
        case ikev2_fragmentation_supported: return "FRAG_SUP";
        case signature_hash_algorithms: return "HASH_ALG";
        case intermediate_exchange_supported: return "INT_SUP";
        case no_proposal_chosen: return "NO_PROP";
        case invalid_ke_payload: return "INVAL_KE";
        case authentication_failed: return "AUTH_FAILED";
        case initial_contact: return "INIT_CONTACT";
        case esp_tfc_padding_not_supported: return "ESP_TFC_PAD_N";
        case additional_key_exchange: return "ADD_KE";
        default: return name_of(type);
    }
}

std::string item(const Payload& payload) {
    if (const auto* notify = std::get_if<NotifyPayload>(&payload))
        return fmt::format("N({})", short_name(notify->message_type));
    if (const auto* fragment = std::get_if<SkfPayload>(&payload))
        return fmt::format("SKF({}/{})", fragment->number, fragment->total);
    return name_of(type_of(payload));
}

}  // namespace

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
