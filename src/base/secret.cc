#include "base/secret.h"

#include <atomic>
#include <cstring>
#include <utility>

namespace cygnet::inline base {

void wipe(MutableByteView memory) {
    volatile std::uint8_t* octets = memory.data();
    for (std::size_t i = 0; i < memory.size(); ++i) octets[i] = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
    SecretBytes secret;
    secret.bytes_.assign(bytes.begin(), bytes.end());
    return secret;
}

SecretBytes SecretBytes::take(Bytes&& bytes) {
    SecretBytes secret;
    secret.bytes_ = std::move(bytes);
    bytes.clear();
    return secret;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        clear();
        bytes_ = std::move(other.bytes_);
        other.bytes_.clear();
    }
    return *this;
}

bool SecretBytes::equals(ByteView other) const { return equal_in_constant_time(bytes_, other); }

void SecretBytes::clear() {
    wipe(bytes_);
    bytes_.clear();
}

bool equal_in_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    std::uint64_t difference = 0;
    std::size_t at = 0;
    const auto compare = [&](auto left, auto right) {
        std::memcpy(&left, a.data() + at, sizeof left);
        std::memcpy(&right, b.data() + at, sizeof right);
        difference |= std::uint64_t{left} ^ right;
        at += sizeof left;
        // The compiler may not know what was found so far, or it could leave early.
        __asm__ volatile("" : "+r"(difference));
    };
    while (a.size() - at >= sizeof(std::uint64_t)) compare(std::uint64_t{}, std::uint64_t{});
    while (at < a.size()) compare(std::uint8_t{}, std::uint8_t{});
    return difference == 0;
}

}  // namespace cygnet::inline base
