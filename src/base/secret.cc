#include "base/secret.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cygnet::inline base {

void wipe(MutableByteView memory) {
    if (memory.empty()) return;
    std::memset(memory.data(), 0, memory.size());
    // For the compiler somebody reads what was written, so it must write.
    __asm__ volatile("" : : "r"(memory.data()) : "memory");
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
    SecretBytes secret(bytes.size());
    std::ranges::copy(bytes, secret.octets_.get());
    return secret;
}

SecretBytes SecretBytes::take(Bytes&& bytes) {
    SecretBytes secret = copy_of(bytes);
    wipe(bytes);
    bytes.clear();
    return secret;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        clear();
        octets_ = std::move(other.octets_);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

bool SecretBytes::equals(ByteView other) const { return equal_in_constant_time(reveal(), other); }

void SecretBytes::shrink(std::size_t size) {
    if (size >= size_) return;
    wipe(reveal_for_writing().subspan(size));
    size_ = size;
}

void SecretBytes::clear() {
    wipe(reveal_for_writing());
    octets_.reset();
    size_ = 0;
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
