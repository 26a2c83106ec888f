// Packets and child SAs for tests; included by tests, benchmarks and fuzz targets only.
#pragma once

#include <ostream>
#include <vector>

#include "esp/big_endian.h"
#include "esp/child.h"
#include "esp/encapsulate.h"
#include "esp/inner_packet.h"

namespace cygnet::esp::testing {

// An inner packet with the room around it that encapsulation asks for.
struct PacketBuffer {
    Bytes octets;
    std::uint32_t size = 0;

    explicit PacketBuffer(ByteView inner)
        : octets(encapsulation_headroom), size(static_cast<std::uint32_t>(inner.size())) {
        append(octets, inner);
        octets.resize(octets.size() + encapsulation_tailroom);
    }
    std::uint8_t* inner() { return octets.data() + encapsulation_headroom; }
    OutboundPacket outbound() { return {inner(), size, inner()[0] >> 4 == 4 ? protocol::ipv4 : protocol::ipv6}; }
    MutableByteView esp() { return MutableByteView(octets).first(encapsulated_size(size)); }
};

struct PacketShape {
    std::string_view source = "10.1.0.1", destination = "10.2.0.1";
    std::uint8_t protocol = protocol::udp;
    std::uint16_t source_port = 1000, destination_port = 2000;
    std::size_t payload = 32;  // octets behind the transport header
    std::uint8_t traffic_class = 0;
};
// Names tests; their names must be the same in each run, which the octets of an object are not.
inline void PrintTo(const PacketShape& shape, std::ostream* out) {
    *out << (shape.protocol == protocol::tcp ? "TCP " : "UDP ") << shape.source << " to " << shape.destination;
}

inline std::uint16_t ipv4_header_checksum(ByteView header) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < header.size(); i += 2) sum += load_be<std::uint16_t>(header.data() + i);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

inline Bytes ip_header(const PacketShape& shape, std::size_t payload) {
    const auto source = *model::IpAddress::parse(shape.source);
    const auto destination = *model::IpAddress::parse(shape.destination);
    Bytes header(source.family() == model::Family::v4 ? 20 : 40);
    if (source.family() == model::Family::v4) {
        header[0] = 0x45;
        header[1] = shape.traffic_class;
        store_be(header.data() + 2, static_cast<std::uint16_t>(20 + payload));
        header[8] = 64;
        header[9] = shape.protocol;
        std::ranges::copy(source.bytes(), header.begin() + 12);
        std::ranges::copy(destination.bytes(), header.begin() + 16);
        store_be(header.data() + 10, ipv4_header_checksum(header));
        return header;
    }
    store_be(header.data(), 0x6000'0000U | static_cast<std::uint32_t>(shape.traffic_class) << 20);
    store_be(header.data() + 4, static_cast<std::uint16_t>(payload));
    header[6] = shape.protocol;
    header[7] = 64;
    std::ranges::copy(source.bytes(), header.begin() + 8);
    std::ranges::copy(destination.bytes(), header.begin() + 24);
    return header;
}

// Ports (or ICMP type and code) and then zeros up to a header's size, and a payload that counts.
inline Bytes make_packet(const PacketShape& shape = {}) {
    const std::size_t header_size = shape.protocol == protocol::tcp ? 20 : 8;
    Bytes transport(header_size);
    store_be(transport.data(), shape.source_port);
    store_be(transport.data() + 2, shape.destination_port);
    if (shape.protocol == protocol::tcp) transport[12] = 0x50;
    for (std::size_t i = 0; i < shape.payload; ++i) transport.push_back(static_cast<std::uint8_t>(i));
    Bytes packet = ip_header(shape, transport.size());
    append(packet, transport);
    return packet;
}

struct Suite {
    model::Encr encr;
    std::uint16_t key_bits;
    std::size_t key_block;  // with its salt
};
inline constexpr Suite suites[] = {{model::Encr::aes_gcm_16, 128, 20},
                                   {model::Encr::aes_gcm_16, 192, 28},
                                   {model::Encr::aes_gcm_16, 256, 36},
                                   {model::Encr::chacha20_poly1305, 0, 36}};

inline SecretBytes test_key(std::size_t size, std::uint8_t first) {
    SecretBytes key(size);
    for (auto& octet : key.reveal_for_writing()) octet = first++;
    return key;
}

inline model::TrafficSelectors selectors(std::initializer_list<std::string_view> texts) {
    model::TrafficSelectors parsed;
    for (const auto text : texts) parsed.push_back(model::ConfiguredSelector::parse(text)->selector);
    return parsed;
}

// One end of a pair between 10.1/16, 2001:db8:1::/48 here and 10.2/16, 2001:db8:2::/48 there. The
// other end is `mirrored` of it.
inline model::ChildSaSpec test_spec(const Suite& suite = suites[2], bool esn = false) {
    model::ChildSaSpec spec;
    spec.id = model::ChildId{1};
    spec.spi_in = 0x1000'0001;
    spec.spi_out = 0x2000'0002;
    spec.encr = suite.encr;
    spec.key_bits = suite.key_bits;
    spec.in.encr = test_key(suite.key_block, 0x10);
    spec.out.encr = test_key(suite.key_block, 0x80);
    spec.esn = esn;
    spec.local = selectors({"10.1.0.0/16", "2001:db8:1::/48"});
    spec.remote = selectors({"10.2.0.0/16", "2001:db8:2::/48"});
    spec.path = {{*model::IpAddress::parse("192.0.2.1"), 4500}, {*model::IpAddress::parse("192.0.2.2"), 4500}};
    spec.udp_encapsulation = true;
    return spec;
}

inline model::ChildSaSpec mirrored(const model::ChildSaSpec& of) {
    model::ChildSaSpec spec;
    spec.id = of.id;
    spec.spi_in = of.spi_out;
    spec.spi_out = of.spi_in;
    spec.encr = of.encr;
    spec.key_bits = of.key_bits;
    spec.in.encr = of.out.encr.clone();
    spec.out.encr = of.in.encr.clone();
    spec.esn = of.esn;
    spec.replay_window = of.replay_window;
    spec.local = of.remote;
    spec.remote = of.local;
    spec.path = {of.path.remote, of.path.local};
    spec.udp_encapsulation = of.udp_encapsulation;
    return spec;
}

inline ChildPointer child_of(const model::ChildSaSpec& spec) {
    auto runtime = SaRuntime::make(spec);
    ASSERT(runtime);
    return make_child(spec, std::move(*runtime));
}

// Seals octets that need not be a packet, with any trailer: the scripted peer.
inline Bytes seal_text(const model::ChildSaSpec& spec, std::uint64_t sequence, ByteView text) {
    const ByteView block = spec.out.encr.reveal();
    const auto cipher = crypto::make_packet_cipher(spec.encr, block.first(block.size() - 4)).value();
    Bytes esp(encapsulation_headroom);
    store_be(esp.data(), spec.spi_out);
    store_be(esp.data() + 4, static_cast<std::uint32_t>(sequence));
    store_be(esp.data() + 8, sequence);
    append(esp, text);
    esp.resize(esp.size() + esp_icv_size);
    Bytes aad(8);
    store_be(aad.data(), spec.spi_out);
    store_be(aad.data() + 4, static_cast<std::uint32_t>(sequence));
    crypto::AeadPacket packet{};
    std::ranges::copy(block.last(4), packet.nonce.begin());
    std::copy_n(esp.begin() + 8, 8, packet.nonce.begin() + 4);
    packet.aad = aad.data();
    packet.aad_size = 8;
    packet.text = esp.data() + encapsulation_headroom;
    packet.text_size = static_cast<std::uint32_t>(text.size());
    packet.icv = packet.text + text.size();
    cipher->seal({&packet, 1});
    return esp;
}

}  // namespace cygnet::esp::testing
