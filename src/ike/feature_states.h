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
        auto* holder = new Holder<T>();
        holder->next = std::move(first_);
        first_.reset(holder);
        return holder->value;
    }
    template <class T>
    T* find() {
        const Pointer& place = place_of<T>();
        return place ? &static_cast<Holder<T>&>(*place).value : nullptr;
    }
    template <class T>
    const T* find() const {
        return const_cast<FeatureStates*>(this)->find<T>();
    }
    template <class T>
    void forget() {
        Pointer& place = place_of<T>();
        if (place) place = std::move(place->next);
    }

private:
    // A list: few have a state, and an IKE SA without any pays for one pointer.
    struct AnyHolder;
    struct Type {  // of a state; its address names it
        void (*destroy)(AnyHolder*);
    };
    struct Destroy {
        void operator()(AnyHolder* holder) const { holder->type->destroy(holder); }
    };
    using Pointer = std::unique_ptr<AnyHolder, Destroy>;
    struct AnyHolder {
        const Type* type;
        Pointer next{};
    };
    template <class T>
    struct Holder final : AnyHolder {
        Holder() : AnyHolder{.type = &type_of<T>} {}
        T value{};
    };
    template <class T>
    static constexpr Type type_of{.destroy = [](AnyHolder* holder) { delete static_cast<Holder<T>*>(holder); }};

    template <class T>
    Pointer& place_of() {
        Pointer* place = &first_;
        while (*place && (*place)->type != &type_of<T>) place = &(*place)->next;
        return *place;
    }

    Pointer first_;
};

}  // namespace cygnet::ike
