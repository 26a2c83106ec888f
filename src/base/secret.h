// Key material: move-only, wiped on destruction and on move, never printed, never
// compared with ==. `reveal` is the one door, easy to find by search.
#pragma once

#include "base/bytes.h"

#include <utility>

namespace cygnet::inline base {

// Overwrites memory in a way that the compiler does not remove.
void wipe(MutableByteView memory);

class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(std::size_t size) : bytes_(size) {}
    // Takes the octets over; the source is wiped when it is an rvalue buffer.
    static SecretBytes copy_of(ByteView bytes);
    static SecretBytes take(Bytes&& bytes);

    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    ~SecretBytes() { clear(); }

    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }

    ByteView reveal() const { return bytes_; }
    MutableByteView reveal_for_writing() { return bytes_; }
    // A deliberate second copy (a key handed to the data plane, a PSK handed to a job).
    SecretBytes clone() const { return copy_of(bytes_); }
    // Constant time in the contents; the sizes are public.
    bool equals(ByteView other) const;
    void clear();

private:
    Bytes bytes_;
};

// Constant-time comparison of ICVs and MACs.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace cygnet::inline base
