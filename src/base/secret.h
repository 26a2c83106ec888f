// Key material: move-only, wiped on destruction and on move, never printed, never
// compared with ==. `reveal` is the one door, easy to find by search.
#pragma once

#include <memory>
#include <utility>

#include "base/bytes.h"

namespace cygnet::inline base {

// Overwrites memory in a way that the compiler does not remove.
void wipe(MutableByteView memory);

class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(std::size_t size)  // zeros
        : octets_(size == 0 ? nullptr : std::make_unique<std::uint8_t[]>(size)), size_(size) {}
    static SecretBytes copy_of(ByteView bytes);
    static SecretBytes take(Bytes&& bytes);  // wipes the source

    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    SecretBytes(SecretBytes&& other) noexcept : octets_(std::move(other.octets_)), size_(std::exchange(other.size_, 0)) {}
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    ~SecretBytes() { clear(); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    ByteView reveal() const { return {octets_.get(), size_}; }
    MutableByteView reveal_for_writing() { return {octets_.get(), size_}; }
    // A deliberate second copy (a key handed to the data plane, a PSK handed to a job).
    SecretBytes clone() const { return copy_of(reveal()); }
    // Constant time in the contents; the sizes are public.
    bool equals(ByteView other) const;
    // Forgets what follows the first `size` octets.
    void shrink(std::size_t size);
    void clear();

private:
    std::unique_ptr<std::uint8_t[]> octets_{};
    std::size_t size_ = 0;
};

// Constant-time comparison of ICVs and MACs.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace cygnet::inline base
