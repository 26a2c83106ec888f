// Prints, as people write them, values whose meaning depends on a type beside them. Whatever a peer
// sends stays on one line: unprintable octets never reach a log.
#include "model/identity.h"
#include "wire/codec.h"
#include "wire/payloads.h"

namespace cygnet::wire {
namespace {

// RFC 7296 §3.5
std::string print_identity(model::IdType type, ByteView data) {
    return name_of(type) + " " + model::Identity{type, keep(data)}.text();
}

// 16-bit numbers of one registry, one after the other.
template <class Number>
std::string print_numbers(ByteView data) {
    std::string text;
    Reader reader(data);
    while (const auto number = reader.u16("number"))
        text += (text.empty() ? "" : " ") + name_of(static_cast<Number>(*number));
    return reader.empty() ? text : print_octets(data);
}

std::string print_notify_data(model::NotifyType type, ByteView data) {
    using enum model::NotifyType;
    switch (type) {
        case signature_hash_algorithms: return print_numbers<model::SignatureHash>(data);  // RFC 7427 §4
        case invalid_ke_payload: return print_numbers<model::Ke>(data);                    // RFC 7296 §1.2
        default: return print_octets(data);
    }
}

// RFC 7296 §3.15.1: an address alone, with an IPv4 mask, or with an IPv6 prefix length.
std::string print_attribute_value(model::CfgAttribute type, ByteView value) {
    using enum model::CfgAttribute;
    if (type == application_version || type == internal_dns_domain) return print_text(value);
    const bool v4 = name_of(type).find("IP4") != std::string::npos;
    const bool v6 = name_of(type).find("IP6") != std::string::npos;
    const std::size_t size = v4 ? 4 : 16;
    if ((!v4 && !v6) || value.size() < size) return print_octets(value);
    const std::string address = model::IpAddress::from_bytes(value.first(size))->text();
    if (value.size() == size) return address;
    if (v4 && value.size() == 8) return address + "/" + model::IpAddress::from_bytes(value.last(4))->text();
    if (v6 && value.size() == 17) return address + "/" + std::to_string(value.back());
    return print_octets(value);
}

}  // namespace

template <>
std::string print<IdiPayload>(const IdiPayload& payload) {
    return print_identity(payload.id_type, payload.data);
}

template <>
std::string print<IdrPayload>(const IdrPayload& payload) {
    return print_identity(payload.id_type, payload.data);
}

template <>
std::string print<NotifyPayload>(const NotifyPayload& payload) {
    std::string line = name_of(payload.message_type);
    if (payload.protocol != model::Protocol::none) detail::print_value(line, "protocol", name_of(payload.protocol));
    if (!payload.spi.empty()) detail::print_value(line, "spi", hex(payload.spi));
    if (!payload.data.empty()) detail::print_value(line, "data", print_notify_data(payload.message_type, payload.data));
    return line;
}

template <>
std::string print<VendorIdPayload>(const VendorIdPayload& payload) {
    return print_text(payload.data);
}

template <>
std::string print<ConfigurationAttribute>(const ConfigurationAttribute& attribute) {
    const std::string name = name_of(attribute.type);
    return attribute.value.empty() ? name : name + "=" + print_attribute_value(attribute.type, attribute.value);
}

}  // namespace cygnet::wire
