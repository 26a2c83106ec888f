// Values that an object has only now and then: absent they cost a pointer. For what a long-lived object needs during an
// exchange, of which 10,000 others wait for theirs.
#pragma once

#include <concepts>
#include <memory>
#include <utility>
#include <variant>

#include "base/result.h"

namespace cygnet::inline base {

// As std::optional, on the heap.
template <class T>
class Boxed {
public:
    Boxed() = default;
    Boxed(T value) : held_(std::make_unique<T>(std::move(value))) {}
    Boxed(const Boxed& other) : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
    Boxed(Boxed&&) noexcept = default;
    Boxed& operator=(T value) {
        held_ = std::make_unique<T>(std::move(value));
        return *this;
    }
    Boxed& operator=(const Boxed& other) { return *this = Boxed(other); }
    Boxed& operator=(Boxed&&) noexcept = default;

    explicit operator bool() const { return held_ != nullptr; }
    bool has_value() const { return held_ != nullptr; }
    T& operator*() { return held(); }
    const T& operator*() const { return held(); }
    T* operator->() { return &held(); }
    const T* operator->() const { return &held(); }
    // What is held; made by default if there was nothing.
    T& made() {
        if (!held_) held_ = std::make_unique<T>();
        return *held_;
    }
    const T* get() const { return held_.get(); }
    T value_or(T otherwise) const { return held_ ? *held_ : std::move(otherwise); }
    void reset() { held_.reset(); }
    bool operator==(const Boxed& other) const {
        return held_ && other.held_ ? *held_ == *other.held_ : held_ == other.held_;
    }

private:
    T& held() const {
        ASSERT(held_ != nullptr);
        return *held_;
    }

    std::unique_ptr<T> held_;
};

// As std::variant with std::monostate, on the heap.
template <class... Types>
class BoxedVariant {
public:
    template <class T>
        requires(std::same_as<T, Types> || ...)
    BoxedVariant& operator=(T value) {
        held_ = std::make_unique<Variant>(std::move(value));
        return *this;
    }
    explicit operator bool() const { return held_ != nullptr; }
    void reset() { held_.reset(); }

    template <class T>
    bool holds() const {
        return held_ && std::holds_alternative<T>(*held_);
    }
    template <class T>
    T* find() {
        return held_ ? std::get_if<T>(held_.get()) : nullptr;
    }
    template <class T>
    const T* find() const {
        return held_ ? std::get_if<T>(held_.get()) : nullptr;
    }
    template <class T>
    T& get() {
        ASSERT(holds<T>());
        return *find<T>();
    }
    // Of what is there; something is.
    template <class Visitor>
    auto visit(Visitor&& visitor) const {
        ASSERT(held_ != nullptr);
        return std::visit(std::forward<Visitor>(visitor), *held_);
    }

private:
    using Variant = std::variant<Types...>;
    std::unique_ptr<Variant> held_;
};

}  // namespace cygnet::inline base
