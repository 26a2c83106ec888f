#include "tests/vectors/ike_capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/reader.h"

namespace cygnet::vectors {
namespace {

namespace fs = std::filesystem;

// The UDP payload of an Ethernet, Linux-cooked, loopback or raw IP packet, if it goes to or comes
// from an IKE port. Packets of other shapes give nothing.
std::optional<Bytes> ike_datagram(int link_type, ByteView packet) {
    const auto skip = [&](std::size_t octets) { packet = packet.subspan(std::min(octets, packet.size())); };
    if (link_type == DLT_EN10MB) skip(14);
    if (link_type == DLT_LINUX_SLL) skip(16);
    if (link_type == DLT_NULL) skip(4);
    if (packet.empty()) return std::nullopt;
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t ip_size = v4 ? (packet[0] & 15u) * 4u : 40;
    if (packet.size() < ip_size + 8 || packet[v4 ? 9 : 6] != 17) return std::nullopt;
    skip(ip_size);
    Reader udp(packet);
    const std::uint16_t source = udp.u16("port").value();
    const std::uint16_t destination = udp.u16("port").value();
    const std::size_t size = udp.u16("length").value();
    if (size < 8 || size > packet.size()) return std::nullopt;
    ByteView datagram = packet.first(size).subspan(8);
    const auto is = [&](std::uint16_t port) { return source == port || destination == port; };
    if (is(500)) return keep(datagram);
    const Bytes marker(4, 0);
    if (!is(4500) || datagram.size() < marker.size() || !equal(datagram.first(marker.size()), marker))
        return std::nullopt;
    return keep(datagram.subspan(marker.size()));
}

}  // namespace

std::optional<fs::path> capture_folder() {
    const char* shared = std::getenv("CYGNET_SHARED");
    if (!shared) return std::nullopt;
    const fs::path folder = fs::path(shared) / "vectors/pcap";
    if (!fs::exists(folder)) return std::nullopt;
    return folder;
}

std::vector<Bytes> ike_datagrams(const fs::path& file) {
    char error[PCAP_ERRBUF_SIZE];
    const std::unique_ptr<pcap_t, void (*)(pcap_t*)> capture(pcap_open_offline(file.c_str(), error), pcap_close);
    std::vector<Bytes> found;
    if (!capture) return found;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    while (pcap_next_ex(capture.get(), &header, &data) == 1)
        if (auto datagram = ike_datagram(pcap_datalink(capture.get()), {data, header->caplen}))
            found.push_back(*std::move(datagram));
    return found;
}

}  // namespace cygnet::vectors
