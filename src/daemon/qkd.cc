#include "daemon/qkd.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/limits.h"
#include "os/http.h"

namespace cygnet::daemon {
namespace {

namespace limits = model::limits;
constexpr unsigned key_bits = 256;

Result<Bytes> ask(const model::PpkSource& source, const std::string& method, Duration patience, const std::atomic<bool>& give_up) {
    return os::fetch_by_http({.url = source.qkd + method,
                              .octets_max = limits::qkd_answer_octets,
                              .deadline = patience,
                              .tls = os::HttpsCredentials{.ca = source.qkd_ca, .certificate = source.qkd_cert, .key = source.qkd_key}},
                             give_up);
}

std::unexpected<Error> nonsense(const model::PpkSource& source, const char* what) {
    return fail(Errc::bad_syntax, "QKD", source.qkd + ": " + what);
}

// §6.4 "Key container": {"keys": [{"key_ID": "…", "key": "base64"}, …]}
Result<model::Ppk> only_key(const model::PpkSource& source, Bytes octets) {
    auto json = nlohmann::json::parse(octets.begin(), octets.end(), nullptr, false);
    wipe(octets);
    const bool whole = json.is_object() && json.contains("keys") && json["keys"].is_array() && json["keys"].size() == 1;
    if (!whole) return nonsense(source, "the answer holds not exactly one key");
    auto& entry = json["keys"][0];
    if (!entry.is_object() || !entry.contains("key_ID") || !entry["key_ID"].is_string() || !entry.contains("key") ||
        !entry["key"].is_string())
        return nonsense(source, "the answer's key lacks key_ID or key");
    const auto& id = entry["key_ID"].get_ref<const std::string&>();
    auto& text = entry["key"].get_ref<std::string&>();
    auto key = from_base64(text);
    wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!is_qkd_key_id(bytes_of(id))) return nonsense(source, "the answer's key_ID is no UUID");
    if (!key || key->size() < limits::ppk_octets_min || key->size() > limits::ppk_octets_max)
        return nonsense(source, "the answer's key is no base64, too short or too long");
    return model::Ppk{.id = {.name = keep(bytes_of(id))}, .key = SecretBytes::take(std::move(*key)), .source = source};
}

}  // namespace

bool is_qkd_key_id(ByteView name) {
    constexpr std::size_t size = 36;
    if (name.size() != size) return false;
    for (std::size_t i = 0; i < size; ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const auto c = static_cast<char>(name[i]);
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !digit) return false;
    }
    return true;
}

Result<model::Ppk> new_qkd_key(const model::PpkSource& source, Duration patience, const std::atomic<bool>& give_up) {
    return only_key(source, TRY(ask(source, fmt::format("/enc_keys?number=1&size={}", key_bits), patience, give_up)));
}

Result<std::optional<model::Ppk>> qkd_key_with_id(const model::PpkSource& source, const model::PpkId& id,
                                                  Duration patience, const std::atomic<bool>& give_up) {
    if (id.type != model::PpkIdType::fixed || !is_qkd_key_id(id.name)) return std::nullopt;
    auto answer = ask(source, "/dec_keys?key_ID=" + std::string(text_of(id.name)), patience, give_up);
    // §6.3: 400 for a key that is not there, or not any more.
    if (!answer && answer.error().code == Errc::not_found) return std::nullopt;
    if (!answer) return fail(std::move(answer).error());
    model::Ppk key = TRY(only_key(source, std::move(*answer)));
    if (key.id != id) return nonsense(source, "the answer is another key than the one asked for");
    return std::optional(std::move(key));
}

}  // namespace cygnet::daemon
