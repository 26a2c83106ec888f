// An immutable array of shared objects that is cheap to copy with one of them changed: sixteen branches of sixteen, of which
// a change copies one and shares the rest. Every pointer that is copied costs an atomic count, so 32 are better than 256.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace cygnet::esp {

template <class T>
class SharedArray {
public:
    static constexpr std::size_t size = 256;

    const T* operator[](std::size_t at) const {
        const auto& branch = branches_[at / fan];
        return branch ? (*branch)[at % fan].get() : nullptr;
    }
    SharedArray with(std::size_t at, std::shared_ptr<const T> object) const {
        const auto& old = branches_[at / fan];
        auto branch = old ? std::make_shared<Branch>(*old) : std::make_shared<Branch>();
        (*branch)[at % fan] = std::move(object);
        SharedArray copy = *this;
        copy.branches_[at / fan] = std::move(branch);
        return copy;
    }

private:
    static constexpr std::size_t fan = 16;
    static_assert(fan * fan == size);
    using Branch = std::array<std::shared_ptr<const T>, fan>;

    std::array<std::shared_ptr<const Branch>, fan> branches_{};
};

}  // namespace cygnet::esp
