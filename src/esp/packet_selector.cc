#include "esp/packet_selector.h"

#include <array>

#include "base/big_endian.h"

namespace cygnet::esp {
namespace {

model::TrafficSelector end_of(const PacketEnd& end) {
    std::array<std::uint8_t, 16> octets{};
    store_be(octets.data(), end.address.high);
    store_be(octets.data() + 8, end.address.low);
    const std::size_t size = model::address_size(end.family);
    const auto address = *model::IpAddress::from_bytes(ByteView(octets).last(size));
    model::TrafficSelector selector{.addresses = model::AddressRange::single(address), .protocol = end.protocol};
    if (end.port_known) selector.first_port = selector.last_port = end.port;
    return selector;
}

}  // namespace

model::PacketEnds ends_of(const InnerPacket& packet) {
    return {.local = end_of(PacketEnd::source_of(packet)), .remote = end_of(PacketEnd::destination_of(packet))};
}

}  // namespace cygnet::esp
