// The keys of a connection about postquantum preshared keys: ppk_id and ppk_required are swanctl.conf's, the others ours.
#pragma once

#include "model/config.h"
#include "vici/schema_table.h"

namespace cygnet::vici {

template <class T>
Result<> ppk_ids(T& into, const Value& value) {
    model::PpkConfig& ppk = into.ppk.made();
    ppk.ids.clear();
    for (const std::string& item : split_list(value.text)) {
        if (item.size() >= model::limits::ppk_id_octets) return unacceptable("a PPK_ID has less than " + std::to_string(model::limits::ppk_id_octets) + " octets");
        ppk.ids.push_back(model::PpkPattern::parse(item));
    }
    return {};
}

template <class T>
Result<> ppk_required(T& into, const Value& value) {
    return yes_or_no<model::PpkConfig, &model::PpkConfig::required>(into.ppk.made(), value);
}

inline constexpr Word<model::PpkExchange> ppk_exchange_words[] = {{"any", model::PpkExchange::any},
                                                                  {"auth", model::PpkExchange::auth},
                                                                  {"intermediate", model::PpkExchange::intermediate}};
template <class T>
Result<> ppk_exchange(T& into, const Value& value) {
    return keyword<model::PpkConfig, &model::PpkConfig::exchange, ppk_exchange_words>(into.ppk.made(), value);
}

inline constexpr Word<model::PpkRekey> ppk_rekey_words[] = {
    {"no", model::PpkRekey::no}, {"yes", model::PpkRekey::yes}, {"required", model::PpkRekey::required}};
template <class T>
Result<> ppk_rekey(T& into, const Value& value) {
    return keyword<model::PpkConfig, &model::PpkConfig::rekey, ppk_rekey_words>(into.ppk.made(), value);
}

template <class T, auto member>
Result<> ppk_path(T& into, const Value& value) {
    if (!value.text.starts_with('/')) return unacceptable("accepted is an absolute path");
    into.ppk.made().source.*member = value.text;
    return {};
}

template <class T>
Result<> ppk_qkd(T& into, const Value& value) {
    if (!value.text.starts_with("https://") || value.text.find_first_of(" ?#") != value.text.npos)
        return unacceptable("accepted is https://host/api/v1/keys/ and the peer's SAE ID (ETSI GS QKD 014)");
    into.ppk.made().source.qkd = value.text.ends_with('/') ? value.text.substr(0, value.text.size() - 1) : value.text;
    return {};
}

// What is wrong with the keys together; empty: nothing.
inline std::string ppk_obstacle(const model::PpkConfig& ppk) {
    const model::PpkSource& source = ppk.source;
    if (!source.pads.empty() && !source.qkd.empty()) return "ppk_pads and ppk_qkd exclude each other: one-time keys have one source";
    if (source.qkd_cert.empty() != source.qkd_key.empty()) return "ppk_qkd_cert and ppk_qkd_key belong together";
    if (source.qkd.empty() && !(source.qkd_cert.empty() && source.qkd_ca.empty())) return "ppk_qkd_cert, ppk_qkd_key and ppk_qkd_ca are for ppk_qkd, which is missing";
    if (ppk.rekey != model::PpkRekey::no && !source.any() && ppk.ids.empty()) return "ppk_rekey needs keys: ppk_id, ppk_pads or ppk_qkd";
    return {};
}

}  // namespace cygnet::vici
