// Packets and child SAs for tests; included by tests, benchmarks and fuzz targets only.
#pragma once

#include <ostream>
#include <vector>

#include "base/big_endian.h"
#include "esp/child.h"
#include "esp/encapsulate.h"
#include "esp/inner_packet.h"

namespace cygnet::esp::testing {

using Suite = crypto::CipherSuite;
using model::Encr;
using model::Integ;

// One of each kind, in both roles of an ICV's size, and each key size somewhere.
inline constexpr Suite suites[] = {
    {Encr::aes_gcm_16, 128, Integ::none},
    {Encr::aes_gcm_16, 192, Integ::none},
    {Encr::aes_gcm_16, 256, Integ::none},
    {Encr::chacha20_poly1305, 0, Integ::none},
    {Encr::aes_gcm_12, 128, Integ::none},
    {Encr::aes_gcm_8, 256, Integ::none},
    {Encr::aes_ccm_16, 256, Integ::none},
    {Encr::aes_ccm_12, 192, Integ::none},
    {Encr::aes_ccm_8, 128, Integ::none},
    {Encr::null_auth_aes_gmac, 128, Integ::none},
    {Encr::null_auth_aes_gmac, 256, Integ::none},
    {Encr::aes_cbc, 128, Integ::hmac_sha2_256_128},
    {Encr::aes_cbc, 192, Integ::hmac_sha2_384_192},
    {Encr::aes_cbc, 256, Integ::hmac_sha2_512_256},
    {Encr::aes_cbc, 256, Integ::hmac_sha1_96},
    {Encr::aes_ctr, 128, Integ::hmac_sha2_512_256},
    {Encr::aes_ctr, 192, Integ::hmac_sha2_256_128},
    {Encr::aes_ctr, 256, Integ::hmac_sha2_384_192},
    {Encr::null, 0, Integ::hmac_sha2_256_128},
    {Encr::null, 0, Integ::hmac_sha2_512_256},
    {Encr::aes_gcm_16_iiv, 256, Integ::none},
    {Encr::aes_ccm_8_iiv, 128, Integ::none},
    {Encr::chacha20_poly1305_iiv, 0, Integ::none},
};
inline crypto::PacketShape test_shape(const Suite& suite) { return crypto::packet_shape_of(suite).value(); }

// An inner packet with the room around it that encapsulation asks for.
struct PacketBuffer {
    crypto::PacketShape shape;
    Bytes octets;
    std::uint32_t size = 0;

    explicit PacketBuffer(ByteView inner, const Suite& suite = suites[2])
        : shape(test_shape(suite)),
          octets(encapsulation_headroom(shape)),
          size(static_cast<std::uint32_t>(inner.size())) {
        append(octets, inner);
        octets.resize(encapsulated_size(shape, size));
    }
    std::uint8_t* inner() { return octets.data() + encapsulation_headroom(shape); }
    OutboundPacket outbound() { return {inner(), size, inner()[0] >> 4 == 4 ? protocol::ipv4 : protocol::ipv6}; }
    MutableByteView esp() { return octets; }
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
    spec.integ = suite.integ;
    const crypto::PacketShape shape = test_shape(suite);
    spec.in = {test_key(shape.encr_key_size, 0x10), test_key(shape.integ_key_size, 0x30)};
    spec.out = {test_key(shape.encr_key_size, 0x80), test_key(shape.integ_key_size, 0xa0)};
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
    spec.protocol = of.protocol;
    spec.mode = of.mode;
    spec.spi_in = of.spi_out;
    spec.spi_out = of.spi_in;
    spec.encr = of.encr;
    spec.key_bits = of.key_bits;
    spec.integ = of.integ;
    spec.in = {of.out.encr.clone(), of.out.integ.clone()};
    spec.out = {of.in.encr.clone(), of.in.integ.clone()};
    spec.esn = of.esn;
    spec.replay_window = of.replay_window;
    spec.local = of.remote;
    spec.remote = of.local;
    spec.path = {of.path.remote, of.path.local};
    spec.udp_encapsulation = of.udp_encapsulation;
    spec.ipcomp = {.cpi_in = of.ipcomp.cpi_out, .cpi_out = of.ipcomp.cpi_in};
    return spec;
}

inline ChildPointer child_of(const model::ChildSaSpec& spec) {
    auto runtime = SaRuntime::make(spec);
    ASSERT(runtime);
    return make_child(spec, std::move(*runtime));
}

inline Suite suite_of(const model::ChildSaSpec& spec) { return {spec.encr, spec.key_bits, spec.integ}; }

// Seals octets that need not be a packet, with any trailer: the scripted peer.
inline Bytes seal_text(const model::ChildSaSpec& spec, std::uint64_t sequence, ByteView text) {
    const auto cipher =
        crypto::make_packet_cipher(suite_of(spec), spec.esn, spec.out.encr.reveal(), spec.out.integ.reveal()).value();
    const crypto::PacketShape shape = test_shape(suite_of(spec));
    Bytes esp(shape.text_at());
    store_be(esp.data(), spec.spi_out);
    store_be(esp.data() + 4, static_cast<std::uint32_t>(sequence));
    append(esp, text);
    esp.resize(esp.size() + shape.icv_size);
    crypto::EspPacket packet{
        .data = esp.data(), .sequence = sequence, .size = static_cast<std::uint32_t>(esp.size()), .authentic = false};
    cipher->seal({&packet, 1});
    return esp;
}

}  // namespace cygnet::esp::testing
