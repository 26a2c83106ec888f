// What was read of the last packet, for the next one of its flow. An IPv4 packet whose header differs from the last one's only in
// size, identification, time to live and checksum is described by the same InnerPacket but for its size, and meets the same
// selectors: neither has to be looked at again.
#pragma once

#include "base/big_endian.h"
#include "esp/inner_packet.h"

namespace cygnet::esp {

class LastPacket {
public:
    // Of a packet that parse_inner() has read.
    void remember(const std::uint8_t* data, const InnerPacket& inner) {
        inner_ = inner;
        // Without options and fragments, and whole up to the ports.
        known_ = inner.family == model::Family::v4 && inner.transport_offset == 20 && !inner.fragment && inner.size >= compared;
        if (known_) beginning_ = beginning_of(data);
    }

    // As parse_inner(), where the last packet tells; false if it does not.
    bool tells(const std::uint8_t* data, std::size_t available, InnerPacket& inner) const {
        if (!known_ || available < compared || beginning_of(data) != beginning_) return false;
        const std::size_t size = load_be<std::uint16_t>(data + 2);
        if (size < compared || size > available) return false;
        inner = inner_;
        inner.size = static_cast<std::uint32_t>(size);
        return true;
    }

private:
    static constexpr std::size_t compared = 24;  // up to the ports, or an ICMP message's type and code
    struct Beginning {
        std::uint64_t first, second, third;
        bool operator==(const Beginning& other) const {
            return ((first ^ other.first) | (second ^ other.second) | (third ^ other.third)) == 0;
        }
    };
    static Beginning beginning_of(const std::uint8_t* data) {
        // Version to traffic class, and fragments; protocol and source; destination and what follows.
        constexpr std::uint64_t first = 0xffff'0000'0000'ffff, second = 0x00ff'0000'ffff'ffff;
        return {load_be<std::uint64_t>(data) & first, load_be<std::uint64_t>(data + 8) & second, load_be<std::uint64_t>(data + 16)};
    }

    bool known_ = false;
    Beginning beginning_{};
    InnerPacket inner_{};
};

}  // namespace cygnet::esp
