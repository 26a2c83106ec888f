// What extensions keep of an IKE SA: each a struct of its own, known to its own file alone.
#pragma once

#include <memory>
#include <utility>

namespace cygnet::ike {

class FeatureStates {
public:
    // The state of one extension, made by default on first use. References stay valid until it is forgotten.
    template <class T>
    T& of() {
        if (T* known = find<T>()) return *known;
        auto holder = std::make_unique<Holder<T>>();
        T& value = holder->value;
        holder->next = std::move(first_);
        first_ = std::move(holder);
        return value;
    }
    template <class T>
    T* find() {
        const std::unique_ptr<AnyHolder>& place = place_of<T>();
        return place ? &static_cast<Holder<T>&>(*place).value : nullptr;
    }
    template <class T>
    const T* find() const {
        return const_cast<FeatureStates*>(this)->find<T>();
    }
    template <class T>
    void forget() {
        std::unique_ptr<AnyHolder>& place = place_of<T>();
        if (place) place = std::move(place->next);
    }

private:
    // A list: few have a state, and an IKE SA without any pays for one pointer.
    struct AnyHolder {
        explicit AnyHolder(const char* of) : type(of) {}
        virtual ~AnyHolder() = default;
        const char* type;
        std::unique_ptr<AnyHolder> next{};
    };
    template <class T>
    static constexpr char key = 0;  // its address names the type
    template <class T>
    struct Holder final : AnyHolder {
        Holder() : AnyHolder(&key<T>) {}
        T value{};
    };

    template <class T>
    std::unique_ptr<AnyHolder>& place_of() {
        std::unique_ptr<AnyHolder>* place = &first_;
        while (*place && (*place)->type != &key<T>) place = &(*place)->next;
        return *place;
    }

    std::unique_ptr<AnyHolder> first_;
};

}  // namespace cygnet::ike
