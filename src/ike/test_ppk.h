// Connections and configurations with postquantum preshared keys, for tests.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "ike/test_pair.h"

namespace cygnet::ike::test {

struct PpkWords {
    const char* id = "k1";  // ppk_id, separated by commas; nullptr: none
    bool required = false;
    model::PpkExchange exchange = model::PpkExchange::any;
    model::PpkRekey rekey = model::PpkRekey::no;
    bool pads = false;
};

inline model::Connection with_ppk(model::Connection made, const PpkWords& words = {}) {
    model::PpkConfig ppk{.required = words.required, .exchange = words.exchange, .rekey = words.rekey};
    for (std::string rest = words.id == nullptr ? "" : words.id; !rest.empty();) {
        const auto comma = rest.find(',');
        ppk.ids.push_back(model::PpkPattern::parse(rest.substr(0, comma)));
        rest = comma == rest.npos ? "" : rest.substr(comma + 1);
    }
    if (words.pads) ppk.source.pads = "/pads";
    made.ppk = ppk;
    return made;
}
inline model::Connection with_ppk(bool at_a, const PpkWords& words = {}) { return with_ppk(connection(at_a), words); }

using PpkKeys = std::initializer_list<std::pair<const char*, const char*>>;  // ids and keys

inline void add_ppks(model::Config& config, PpkKeys keys) {
    for (const auto& [id, key] : keys) {
        model::PpkSecret secret{.name = std::string("ppk-") + id, .key = SecretBytes::copy_of(bytes_of(key))};
        if (*id != '\0') secret.ids.push_back(model::PpkPattern::parse(id));
        const std::string name = secret.name;
        config.ppks[name] = std::make_shared<const model::PpkSecret>(std::move(secret));
    }
}

inline constexpr const char* ppk_one = "the first key of at least thirty-two octets";
inline constexpr const char* ppk_two = "the second key of at least thirty-two octets";

inline bool contains(const std::string& text, const char* part) { return text.find(part) != text.npos; }

inline std::size_t times_sent(const Node& node, model::NotifyType type) {
    std::size_t count = 0;
    for (const auto& trace : node.events_of<model::MessageTrace>())
        for (const model::PayloadName& payload : trace.payloads)
            if (trace.sent && payload.notify == type) ++count;
    return count;
}

class PpkPair : public Pair {
public:
    using Pair::Pair;
    void load(Node& node, model::Connection connection, PpkKeys keys) {
        auto config = config_of(std::move(connection));
        add_ppks(*config, keys);
        node.config = config;
        step(node, Configure{std::move(config), nullptr});
    }
    // The ids that both sides show, "" for none.
    std::string id_at(const Node& node) const { return node.only_sa(now).ppk_id.value_or(""); }
    std::string logs() const { return a.log() + "---\n" + b.log(); }
    std::uint64_t count(const Node& node, model::Counter counter) const { return node.engine.counters()[counter]; }
};

}  // namespace cygnet::ike::test
