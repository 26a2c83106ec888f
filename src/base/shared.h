// Immutable values that very many objects hold alike: the proposal that thousands of peers chose, the name that we give all of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace cygnet::inline base {

// As a value of type T that cannot be changed in part. Copies share it.
template <class T>
class Shared {
public:
    Shared() = default;
    Shared(T value) : held_(std::make_shared<const T>(std::move(value))) {}

    const T& operator*() const { return held_ ? *held_ : none(); }
    const T* operator->() const { return &**this; }
    operator const T&() const { return **this; }
    bool operator==(const Shared& other) const { return held_ == other.held_ || **this == *other; }
    bool is_same_object(const Shared& other) const { return held_ == other.held_; }

private:
    static const T& none() {
        static const T value{};
        return value;
    }
    std::shared_ptr<const T> held_;
};

// Finds out that a value is one that others hold already. Remembers only some, which are those that recur.
template <class T>
class SharedValues {
public:
    void unify(Shared<T>& value) {
        const auto known = std::ranges::find(known_, value);
        if (known != known_.end()) {
            value = *known;
            std::rotate(known_.begin(), known, known + 1);
            return;
        }
        if (known_.size() == remembered) known_.pop_back();
        known_.insert(known_.begin(), value);
    }

private:
    static constexpr std::size_t remembered = 16;
    std::vector<Shared<T>> known_;  // the newest first
};

}  // namespace cygnet::inline base
