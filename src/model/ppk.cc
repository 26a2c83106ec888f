#include "model/ppk.h"

#include <algorithm>

#include "model/limits.h"

namespace cygnet::model {
namespace {

constexpr std::string_view opaque_prefix = "opaque:";

}  // namespace

Bytes PpkId::octets() const {
    Bytes octets{static_cast<std::uint8_t>(type)};
    append(octets, name);
    return octets;
}

Result<PpkId> PpkId::parse(ByteView octets) {
    if (octets.size() < 2 || octets.size() > limits::ppk_id_octets)
        return fail(Errc::bad_length, "PPK_ID", "it has " + std::to_string(octets.size()) + " octets");
    return PpkId{.type = static_cast<PpkIdType>(octets.front()), .name = keep(octets.subspan(1))};
}

std::string PpkId::text() const {
    const std::string text = Identity{IdType::fqdn, name}.text();
    if (type == PpkIdType::fixed) return text;
    if (type == PpkIdType::opaque) return std::string(opaque_prefix) + text;
    return "type " + std::to_string(static_cast<unsigned>(type)) + ":" + text;
}

PpkPattern PpkPattern::parse(std::string_view text) {
    PpkPattern pattern;
    if (text.starts_with(opaque_prefix)) {
        pattern.type = PpkIdType::opaque;
        text.remove_prefix(opaque_prefix.size());
    }
    pattern.name = Identity::parse(text);
    return pattern;
}

bool PpkPattern::matches(const PpkId& id) const {
    if (name.is_any()) return true;
    return type == id.type && name.matches({name.type, id.name});
}

std::optional<PpkId> PpkPattern::single() const {
    if (name.has_wildcards() || name.data.empty()) return std::nullopt;
    return PpkId{.type = type, .name = name.data};
}

std::string PpkPattern::text() const {
    return (type == PpkIdType::opaque ? std::string(opaque_prefix) : std::string()) + name.text();
}

bool PpkSecret::has(const PpkId& id) const {
    return ids.empty() || std::ranges::any_of(ids, [&](const PpkPattern& pattern) { return pattern.matches(id); });
}

bool PpkConfig::admits(const PpkId& id) const {
    return ids.empty() || std::ranges::any_of(ids, [&](const PpkPattern& pattern) { return pattern.matches(id); });
}

}  // namespace cygnet::model
