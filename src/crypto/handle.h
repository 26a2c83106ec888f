// Owning pointers for the libraries' objects, without their headers.
#pragma once

#include <memory>

namespace cygnet::crypto {

template <auto release>
struct Release {
    template <class T>
    void operator()(T* object) const {
        release(object);
    }
};
template <class T, auto release>
using Handle = std::unique_ptr<T, Release<release>>;

}  // namespace cygnet::crypto
