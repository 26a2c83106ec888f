#include "model/status.h"

#include <utility>

namespace cygnet::model {
namespace {

// The abbreviations that fit a whole message into one line of a log.
std::string short_name(NotifyType type) {
    using enum NotifyType;
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

}  // namespace

std::string name_of(IkeState state) {
    constexpr const char* names[] = {"CREATED", "CONNECTING", "ESTABLISHED", "REKEYING",
                                     "REKEYED", "DELETING",   "DESTROYING"};
    return names[std::to_underlying(state)];
}

std::string name_of(ChildState state) {
    constexpr const char* names[] = {"CREATED", "INSTALLING", "INSTALLED", "REKEYING",
                                     "REKEYED", "DELETING",   "DELETED",   "DESTROYING"};
    return names[std::to_underlying(state)];
}

std::string name_of(PolicyKind kind) {
    constexpr const char* names[] = {"trap", "pass", "drop"};
    return names[std::to_underlying(kind)];
}

std::string name_of(LogGroup group) {
    constexpr const char* names[] = {"DMN", "MGR", "IKE", "CHD", "JOB", "CFG", "KNL", "NET", "ENC", "ESP"};
    return names[std::to_underlying(group)];
}

std::string text_of(std::span<const PayloadName> payloads) {
    std::string text;
    for (const auto& [type, notify] : payloads) {
        if (!text.empty()) text += ' ';
        text += type == PayloadType::notify ? "N(" + short_name(notify) + ")" : name_of(type);
    }
    return text;
}

Event::Event(const Event& other) = default;
Event& Event::operator=(const Event& other) = default;
Event::Event(Event&& other) noexcept = default;
Event& Event::operator=(Event&& other) noexcept = default;
Event::~Event() = default;

}  // namespace cygnet::model
