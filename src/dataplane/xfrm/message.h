// Netlink messages as octets: a header, a fixed structure, attributes. Written and read in the host's order and alignment.
#pragma once

#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <type_traits>

#include "base/bytes.h"
#include "base/secret.h"

namespace cygnet::dataplane::xfrm {

constexpr std::size_t aligned(std::size_t size) { return (size + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO; }

// One request. Its memory is wiped at its end, because it may hold keys.
class Message {
public:
    Message(std::uint16_t type, std::uint16_t flags = 0);

    std::uint16_t type() const { return header().nlmsg_type; }
    std::uint16_t flags() const { return header().nlmsg_flags; }
    ByteView bytes() const { return octets_.reveal().first(size_); }
    void set_sequence(std::uint32_t sequence);
    void add_flags(std::uint16_t flags);

    // The parts in their order; the structure comes first.
    template <class T>
    void body(const T& structure) {
        put(view_of(structure));
    }
    void attribute(std::uint16_t type, ByteView first, ByteView second = {});
    template <class T>
        requires std::is_trivially_copyable_v<T>
    void attribute(std::uint16_t type, const T& value) {
        attribute(type, view_of(value));
    }

    template <class T>
    static ByteView view_of(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
    }

private:
    nlmsghdr header() const;
    void write(const nlmsghdr& header);
    void put(ByteView part);

    SecretBytes octets_;
    std::size_t size_ = 0;
};

// A structure at the front of some octets. False when they are too few. (What ends in an array without size fits no optional.)
template <class T>
bool read_front(ByteView octets, T& into) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (octets.size() < sizeof(T)) return false;
    std::memcpy(&into, octets.data(), sizeof into);
    return true;
}
template <class T>
std::optional<T> front_of(ByteView octets) {
    T value;
    if (!read_front(octets, value)) return std::nullopt;
    return value;
}

// What follows a message's structure; the last of each type counts.
class Attributes {
public:
    static constexpr std::size_t types = 48;

    explicit Attributes(ByteView octets);
    // Those after the structure T of a message's body.
    template <class T>
    static Attributes after(ByteView body) {
        return Attributes(body.subspan(std::min(body.size(), aligned(sizeof(T)))));
    }
    bool has(std::uint16_t type) const { return found_[type].data() != nullptr; }
    ByteView bytes(std::uint16_t type) const { return found_[type]; }
    template <class T>
    std::optional<T> value(std::uint16_t type) const {
        return front_of<T>(found_[type]);
    }

private:
    std::array<ByteView, types> found_{};
};

// Each message of a datagram, with its body. Ends early when a length is wrong.
void for_each_message(ByteView datagram, const std::function<void(const nlmsghdr&, ByteView body)>& each);

}  // namespace cygnet::dataplane::xfrm
