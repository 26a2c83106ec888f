// What extensions keep of an IKE SA: each a struct of its own, known to its own file alone.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace cygnet::ike {

class FeatureStates {
public:
    // The state of one extension, made by default on first use. References stay valid as long as the SA.
    template <class T>
    T& of() {
        if (T* known = find<T>()) return *known;
        auto holder = std::make_unique<Holder<T>>();
        T& value = holder->value;
        slots_.emplace_back(&key<T>, std::move(holder));
        return value;
    }
    template <class T>
    T* find() {
        const auto slot = std::ranges::find(slots_, &key<T>, &Slot::first);
        return slot == slots_.end() ? nullptr : &static_cast<Holder<T>&>(*slot->second).value;
    }
    template <class T>
    const T* find() const {
        return const_cast<FeatureStates*>(this)->find<T>();
    }
    template <class T>
    void forget() {
        std::erase_if(slots_, [](const Slot& slot) { return slot.first == &key<T>; });
    }

private:
    struct AnyHolder {
        virtual ~AnyHolder() = default;
    };
    template <class T>
    struct Holder final : AnyHolder {
        T value{};
    };
    template <class T>
    static constexpr char key = 0;  // its address names the type
    using Slot = std::pair<const char*, std::unique_ptr<AnyHolder>>;

    std::vector<Slot> slots_;  // few: a search is cheaper than a map
};

}  // namespace cygnet::ike
