// Packets that went no further in the data plane, by cause: which causes there are, the data plane knows.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cygnet::model {

struct PacketDrop {
    std::string_view cause;  // "unknown-spi"
    std::uint64_t packets = 0;
    bool operator==(const PacketDrop&) const = default;
};
using PacketDrops = std::vector<PacketDrop>;  // every cause, in an order that does not change

}  // namespace cygnet::model
