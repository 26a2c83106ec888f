#include "esp/path_mtu.h"

#include "esp/child.h"
#include "esp/encapsulate.h"

namespace cygnet::esp {
namespace {

constexpr std::size_t ipv4_header = 20, ipv6_header = 40, udp_header = 8, ip_octets_max = 65535;

std::size_t header_of(const model::IpAddress& address) {
    return address.family() == model::Family::v4 ? ipv4_header : ipv6_header;
}

}  // namespace

std::size_t outer_size(const Child& child, std::size_t esp_octets) {
    return header_of(child.path.remote.address) + (child.udp_encapsulation ? udp_header : 0) + esp_octets;
}

std::size_t payload_mtu(const Child& child, std::uint32_t path_mtu) {
    if (child.path.tcp()) return ip_octets_max - ipv6_header;
    const crypto::PacketShape& shape = child.sa->out.shape;
    const std::size_t around = outer_size(child, shape.text_at() + shape.icv_size);
    if (path_mtu < around + shape.alignment) return 0;
    const std::size_t text = (path_mtu - around) & ~(shape.alignment - std::size_t{1});
    return text - esp_trailer_size;
}

std::size_t inner_mtu(const Child& child, std::uint32_t path_mtu) {
    return payload_mtu(child, path_mtu) + (child.transport || child.path.tcp() ? header_of(inner_ends_of(child).remote) : 0);
}

}  // namespace cygnet::esp
