#include "esp/packet_selector.h"

#include <array>

#include "base/big_endian.h"

namespace cygnet::esp {
namespace {

model::IpAddress address_of(const AddressKey& key, model::Family family) {
    std::array<std::uint8_t, 16> octets{};
    store_be(octets.data(), key.high);
    store_be(octets.data() + 8, key.low);
    return *model::IpAddress::from_bytes(ByteView(octets).last(model::address_size(family)));
}

model::TrafficSelector end_of(const PacketEnd& end) {
    model::TrafficSelector selector{.addresses = model::AddressRange::single(address_of(end.address, end.family)),
                                    .protocol = end.protocol};
    if (end.port_known) selector.first_port = selector.last_port = end.port;
    return selector;
}

}  // namespace

model::TrafficSelectors selectors_of(const PacketSelectors& compiled) {
    model::TrafficSelectors selectors;
    for (std::size_t i = 0; i < compiled.size(); ++i) {
        const PacketSelector& one = compiled[i];
        selectors.push_back({.addresses = {address_of(one.first, one.family), address_of(one.last, one.family)},
                             .protocol = one.protocol,
                             .first_port = one.first_port,
                             .last_port = one.last_port});
    }
    return selectors;
}

model::TrafficSelectors addresses_of(const PacketSelectors& selectors) {
    model::TrafficSelectors addresses;
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        const PacketSelector& selector = selectors[i];
        addresses.push_back(model::TrafficSelector::of(
            {address_of(selector.first, selector.family), address_of(selector.last, selector.family)}));
    }
    return addresses;
}

model::PacketEnds ends_of(const InnerPacket& packet) {
    return {.local = end_of(PacketEnd::source_of(packet)), .remote = end_of(PacketEnd::destination_of(packet))};
}

}  // namespace cygnet::esp
