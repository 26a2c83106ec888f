#include "wire/payloads.h"

#include "wire/codec.h"

namespace cygnet::wire {

// Selectors, RFC 7296 §3.13.1: type, IP protocol, length of the whole, ports, addresses.

namespace {

constexpr std::size_t selector_header_size = 4;

Result<Selector> parse_range(std::uint8_t protocol, Reader body, model::Family family) {
    const std::size_t size = model::address_size(family);
    model::TrafficSelector range;
    range.protocol = protocol;
    range.first_port = TRY(body.u16("selector start port"));
    range.last_port = TRY(body.u16("selector end port"));
    range.addresses.first = *model::IpAddress::from_bytes(TRY(body.take(size, "selector start address")));
    range.addresses.last = *model::IpAddress::from_bytes(TRY(body.take(size, "selector end address")));
    TRY(body.finish("selector length"));
    return range;
}

}  // namespace

template <>
Result<Selector> parse_element<Selector>(Reader& reader) {
    const auto ts_type = static_cast<model::TsType>(TRY(reader.u8("selector type")));
    const std::uint8_t second_octet = TRY(reader.u8("selector protocol"));
    const std::size_t length = TRY(reader.u16("selector length"));
    if (length < selector_header_size) return fail(Errc::bad_length, "selector length");
    const ByteView body = TRY(reader.take(length - selector_header_size, "selector"));
    if (ts_type == model::TsType::ipv4_addr_range) return parse_range(second_octet, Reader(body), model::Family::v4);
    if (ts_type == model::TsType::ipv6_addr_range) return parse_range(second_octet, Reader(body), model::Family::v6);
    return UnknownSelector{ts_type, second_octet, body};
}

template <>
void write<Selector>(Writer& writer, const Selector& selector) {
    const std::size_t start = writer.size();
    if (const auto* unknown = std::get_if<UnknownSelector>(&selector)) {
        writer.u8(std::to_underlying(unknown->ts_type));
        writer.u8(unknown->second_octet);
        writer.u16(0);
        writer.bytes(unknown->body);
    } else {
        const auto& range = std::get<model::TrafficSelector>(selector);
        const bool v4 = range.addresses.family() == model::Family::v4;
        writer.u8(std::to_underlying(v4 ? model::TsType::ipv4_addr_range : model::TsType::ipv6_addr_range));
        writer.u8(range.protocol);
        writer.u16(0);
        writer.u16(range.first_port);
        writer.u16(range.last_port);
        writer.bytes(range.addresses.first.bytes());
        writer.bytes(range.addresses.last.bytes());
    }
    writer.patch_u16(start + 2, checked_size<std::uint16_t>(writer.size() - start));
}

template <>
std::string print<Selector>(const Selector& selector) {
    if (const auto* unknown = std::get_if<UnknownSelector>(&selector))
        return name_of(unknown->ts_type) + " " + print_octets(unknown->body);
    return std::get<model::TrafficSelector>(selector).text();
}

// Delete, RFC 7296 §3.11: the sizes of its list multiply.

template <>
Result<DeletePayload> parse<DeletePayload>(ByteView body) {
    Reader reader(body);
    DeletePayload payload;
    payload.protocol = static_cast<model::Protocol>(TRY(reader.u8("Delete protocol")));
    payload.spi_size = TRY(reader.u8("Delete SPI size"));
    const std::size_t count = TRY(reader.u16("Delete count"));
    if (count > model::limits::spis_per_delete_payload) return fail(Errc::limit, "Delete count");
    if (count > 0 && payload.spi_size == 0) return fail(Errc::bad_length, "Delete SPI size");
    payload.spis = TRY(reader.take(count * payload.spi_size, "Delete SPIs"));
    TRY(reader.finish("Delete SPIs"));
    return payload;
}

template <>
void write<DeletePayload>(Writer& writer, const DeletePayload& payload) {
    ASSERT(payload.count() * payload.spi_size == payload.spis.size());
    writer.u8(std::to_underlying(payload.protocol));
    writer.u8(payload.spi_size);
    writer.u16(checked_size<std::uint16_t>(payload.count()));
    writer.bytes(payload.spis);
}

template <>
std::string print<DeletePayload>(const DeletePayload& payload) {
    std::string line = "protocol=" + name_of(payload.protocol);
    for (std::size_t i = 0; i < payload.count(); ++i)
        line += " spi=" + hex(payload.spis.subspan(i * payload.spi_size, payload.spi_size));
    return line;
}

std::vector<std::uint32_t> DeletePayload::child_spis() const {
    std::vector<std::uint32_t> found;
    if (spi_size != 4) return found;
    Reader reader(spis);
    while (const auto spi = reader.u32("SPI")) found.push_back(*spi);
    return found;
}

// SK and SKF, RFC 7296 §3.14 and RFC 7383 §2.5: opaque here.

template <>
Result<SkPayload> parse<SkPayload>(ByteView body) {
    return SkPayload{PayloadType::none, body};
}
template <>
void write<SkPayload>(Writer& writer, const SkPayload& payload) {
    writer.bytes(payload.content);
}
template <>
std::string print<SkPayload>(const SkPayload& payload) {
    return "first=" + name_of(payload.first) + " content=" + print_octets(payload.content);
}

template <>
Result<SkfPayload> parse<SkfPayload>(ByteView body) {
    Reader reader(body);
    SkfPayload payload;
    payload.number = TRY(reader.u16("fragment number"));
    payload.total = TRY(reader.u16("total fragments"));
    // RFC 7383 §2.6: neither is zero, and the number is within the total.
    if (payload.number == 0 || payload.number > payload.total) return fail(Errc::bad_value, "fragment number");
    payload.content = reader.rest();
    return payload;
}
template <>
void write<SkfPayload>(Writer& writer, const SkfPayload& payload) {
    writer.u16(payload.number);
    writer.u16(payload.total);
    writer.bytes(payload.content);
}
template <>
std::string print<SkfPayload>(const SkfPayload& payload) {
    return "first=" + name_of(payload.first) + " fragment=" + std::to_string(payload.number) + "/" +
           std::to_string(payload.total) + " content=" + print_octets(payload.content);
}

template <>
void write<UnknownPayload>(Writer& writer, const UnknownPayload& payload) {
    writer.bytes(payload.body);
}
template <>
std::string print<UnknownPayload>(const UnknownPayload& payload) {
    return (payload.critical ? "critical " : "") + ("body=" + print_octets(payload.body));
}

PayloadType type_of(const Payload& payload) {
    return std::visit([](const auto& one) { return one.type; }, payload);
}

CYGNET_WIRE_CODEC(KePayload);
CYGNET_WIRE_CODEC_UNPRINTED(IdiPayload);
CYGNET_WIRE_CODEC_UNPRINTED(IdrPayload);
CYGNET_WIRE_CODEC(CertPayload);
CYGNET_WIRE_CODEC(CertreqPayload);
CYGNET_WIRE_CODEC(AuthPayload);
CYGNET_WIRE_CODEC(NoncePayload);
CYGNET_WIRE_CODEC_UNPRINTED(NotifyPayload);
CYGNET_WIRE_CODEC_UNPRINTED(VendorIdPayload);
CYGNET_WIRE_CODEC(TsiPayload);
CYGNET_WIRE_CODEC(TsrPayload);
CYGNET_WIRE_CODEC_UNPRINTED(ConfigurationAttribute);
CYGNET_WIRE_CODEC(CpPayload);
CYGNET_WIRE_CODEC(EapPayload);
CYGNET_WIRE_CODEC(PsPayload);

Payload::Payload(const Payload& other) = default;
Payload& Payload::operator=(const Payload& other) = default;
Payload::Payload(Payload&& other) noexcept = default;
Payload& Payload::operator=(Payload&& other) noexcept = default;
Payload::~Payload() = default;

}  // namespace cygnet::wire
