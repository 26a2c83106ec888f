// One-time keys in memory, as a folder of pads would give them: for tests and the simulator. They outlive a crash of the engine.
#pragma once

#include <iterator>
#include <map>
#include <set>
#include <string>

#include "ike/effects.h"

namespace cygnet::ike::test {

struct FakePads {
    std::map<std::string, std::string, std::less<>> left{};  // keys by name
    std::set<std::string, std::less<>> used{};

    Result<model::PpkAnswer> obtain(const PpkWish& wish) {
        model::PpkAnswer answer;
        const auto add = [&](const auto& pad) {
            answer.keys.push_back({.id = {.name = keep(bytes_of(pad.first))},
                                   .key = SecretBytes::copy_of(bytes_of(pad.second)),
                                   .source = wish.sources.front()});
        };
        if (wish.kind == PpkWish::Kind::fresh) {
            if (left.empty()) return fail(Errc::not_found, "pads", "none is left");
            const auto pad = std::next(left.begin(), static_cast<std::ptrdiff_t>(wish.pick % left.size()));
            add(*pad);
            use_up(pad);
            return answer;
        }
        for (const model::PpkId& id : wish.ids) {
            const auto pad = left.find(base::text_of(id.name));
            if (used.contains(base::text_of(id.name))) ++answer.replayed;
            if (wish.kind == PpkWish::Kind::find && pad != left.end()) add(*pad);
            if (wish.kind == PpkWish::Kind::find) continue;
            if (pad == left.end()) return fail(Errc::state, "pads", "it is gone");
            use_up(pad);
        }
        return answer;
    }
    void fill(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            left["pad-" + std::to_string(i)] = "one-time key number " + std::to_string(i) + " of the two sides";
    }

private:
    void use_up(std::map<std::string, std::string, std::less<>>::iterator pad) {
        used.insert(pad->first);
        left.erase(pad);
    }
};

}  // namespace cygnet::ike::test
