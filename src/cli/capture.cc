#include "cli/capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/reader.h"

namespace cygnet::cli {
namespace {

constexpr std::uint16_t ethertype_ipv4 = 0x0800, ethertype_ipv6 = 0x86dd, ethertype_vlan = 0x8100, ethertype_service_vlan = 0x88a8;
constexpr std::uint8_t protocol_udp = 17, header_hop_by_hop = 0, header_routing = 43, header_fragment = 44, header_options = 60;
constexpr std::uint16_t ike_port = 500, nat_port = 4500;

Result<Captured> read_udp(Reader reader, model::IpAddress from, model::IpAddress to) {
    const auto from_port = TRY(reader.u16("source port")), to_port = TRY(reader.u16("destination port"));
    CapturedIke ike{{from, from_port}, {to, to_port}, {}};
    const auto length = TRY(reader.u16("UDP length"));
    TRY(reader.u16("UDP checksum"));
    constexpr std::size_t udp_header = 8;
    if (length < udp_header) return NotIke{};
    ByteView data = reader.rest();
    if (data.size() > length - udp_header) data = data.first(length - udp_header);
    const auto uses = [&](std::uint16_t port) { return ike.from.port == port || ike.to.port == port; };
    if (uses(nat_port)) {
        // RFC 3948 §2.2: four zero octets where ESP has its SPI.
        constexpr std::array<std::uint8_t, 4> marker{};
        if (data.size() < marker.size() || !equal(data.first(marker.size()), marker)) return NotIke{};
        ike.message = data.subspan(marker.size());
    } else if (uses(ike_port)) {
        ike.message = data;
    } else {
        return NotIke{};
    }
    return ike;
}

Result<Captured> read_ipv4(Reader reader) {
    const auto first = TRY(reader.u8("version and header length"));
    const std::size_t header = (first & 0x0f) * 4u;
    if (first >> 4 != 4 || header < 20) return NotIke{};
    TRY(reader.u8("DSCP"));
    const auto total = TRY(reader.u16("total length"));
    TRY(reader.u16("identification"));
    const auto fragment = TRY(reader.u16("fragment offset"));
    TRY(reader.u8("time to live"));
    const auto protocol = TRY(reader.u8("protocol"));
    TRY(reader.u16("header checksum"));
    const auto from = model::IpAddress::from_bytes(TRY(reader.take(4, "source"))).value_or(model::IpAddress());
    const auto to = model::IpAddress::from_bytes(TRY(reader.take(4, "destination"))).value_or(model::IpAddress());
    TRY(reader.take(header - 20, "options"));
    if (protocol != protocol_udp || total < header) return NotIke{};
    const std::size_t offset = (fragment & 0x1fff) * 8u;
    const bool more = (fragment & 0x2000) != 0;
    if (offset != 0 || more) return CapturedFragment{from, to, offset, total - header};
    ByteView payload = reader.rest();
    if (payload.size() > total - header) payload = payload.first(total - header);
    return read_udp(Reader(payload), from, to);
}

Result<Captured> read_ipv6(Reader reader) {
    if (TRY(reader.u32("version")) >> 28 != 6) return NotIke{};
    const std::size_t payload_length = TRY(reader.u16("payload length"));
    auto next = TRY(reader.u8("next header"));
    TRY(reader.u8("hop limit"));
    const auto from = model::IpAddress::from_bytes(TRY(reader.take(16, "source"))).value_or(model::IpAddress());
    const auto to = model::IpAddress::from_bytes(TRY(reader.take(16, "destination"))).value_or(model::IpAddress());
    ByteView payload = reader.rest();
    if (payload.size() > payload_length) payload = payload.first(payload_length);
    Reader rest(payload);
    // Extension headers one after the other; each is at least eight octets long, so this ends.
    while (next == header_hop_by_hop || next == header_routing || next == header_options || next == header_fragment) {
        const auto following = TRY(rest.u8("next header"));
        const auto length = TRY(rest.u8("extension length"));
        if (next == header_fragment) {
            const auto place = TRY(rest.u16("fragment offset"));
            TRY(rest.u32("identification"));
            const bool whole = (place >> 3) == 0 && (place & 1) == 0;
            if (!whole && following == protocol_udp)
                return CapturedFragment{from, to, static_cast<std::size_t>(place & 0xfff8), rest.left()};
        } else {
            TRY(rest.take(6u + length * 8u, "extension"));
        }
        next = following;
    }
    if (next != protocol_udp) return NotIke{};
    return read_udp(rest, from, to);
}

Result<Captured> read_ip(Reader reader) {
    Reader peek = reader;
    return TRY(peek.u8("IP version")) >> 4 == 6 ? read_ipv6(reader) : read_ipv4(reader);
}

Result<Captured> read_typed(Reader reader, std::uint16_t type) {
    while (type == ethertype_vlan || type == ethertype_service_vlan) {
        TRY(reader.u16("VLAN"));
        type = TRY(reader.u16("type"));
    }
    if (type == ethertype_ipv4) return read_ipv4(reader);
    if (type == ethertype_ipv6) return read_ipv6(reader);
    return NotIke{};
}

Result<Captured> read_link(LinkType link, Reader reader) {
    switch (link) {
        case LinkType::ethernet:
            TRY(reader.take(12, "addresses"));
            return read_typed(reader, TRY(reader.u16("type")));
        case LinkType::linux_cooked:
            TRY(reader.take(14, "cooked header"));
            return read_typed(reader, TRY(reader.u16("protocol")));
        case LinkType::linux_cooked_2: {
            const auto type = TRY(reader.u16("protocol"));
            TRY(reader.take(18, "cooked header"));
            return read_typed(reader, type);
        }
        case LinkType::null:
        case LinkType::loop: TRY(reader.take(4, "address family")); return read_ip(reader);
        case LinkType::raw:
        case LinkType::raw_bsd:
        case LinkType::raw_ip:
        case LinkType::ipv4:
        case LinkType::ipv6: return read_ip(reader);
    }
    return NotIke{};
}

bool is_known(int link) {
    constexpr int known[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276};
    return std::ranges::find(known, link) != std::end(known);
}

}  // namespace

Captured read_frame(LinkType link, ByteView frame) {
    auto captured = read_link(link, Reader(frame));
    return captured ? *std::move(captured) : Captured(NotIke{});
}

Result<> read_capture(const std::string& path, const std::function<void(const Frame&)>& on_frame) {
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> file(pcap_open_offline(path.c_str(), error.data()), &pcap_close);
    if (!file) return fail(Errc::system, "capture", "cannot read " + path + ": " + error.data());
    const int link = pcap_datalink(file.get());
    if (!is_known(link)) {
        const char* name = pcap_datalink_val_to_name(link);
        return fail(Errc::unsupported, "capture",
                    path + ": link type " + (name != nullptr ? name : std::to_string(link)) +
                        " is not read; capture on Ethernet, \"any\" or a tunnel device");
    }
    Frame frame;
    pcap_pkthdr* header = nullptr;
    const std::uint8_t* data = nullptr;
    int status = 0;
    while ((status = pcap_next_ex(file.get(), &header, &data)) == 1) {
        frame.seconds = header->ts.tv_sec;
        frame.microseconds = static_cast<std::uint32_t>(header->ts.tv_usec);
        ++frame.number;
        frame.cut_short = header->caplen < header->len;
        frame.content = read_frame(static_cast<LinkType>(link), {data, header->caplen});
        on_frame(frame);
    }
    if (status == PCAP_ERROR) return fail(Errc::truncated, "capture", path + ": " + pcap_geterr(file.get()));
    return {};
}

}  // namespace cygnet::cli
