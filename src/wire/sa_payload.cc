// The SA payload, RFC 7296 §3.3: the one whose lengths and counts nest three deep, hence by hand.
//
//   proposal   | 0 or 2 | - | length | number | protocol | SPI size | count | SPI | transform …
//   transform  | 0 or 3 | - | length | type   | -        | ID               | attribute …
//   attribute  | 1:type | value                 (fixed: two octets)
//              | 0:type | length | value …
//
// The first octet of proposals and transforms says whether another one follows.
#include <algorithm>

#include <fmt/format.h>

#include "wire/payloads.h"

namespace cygnet::wire {
namespace {

using model::Proposal;
using model::Transform;
using model::TransformAttribute;
namespace limits = model::limits;

constexpr std::uint8_t last_substructure = 0;
constexpr std::uint8_t more_proposals = 2;
constexpr std::uint8_t more_transforms = 3;
constexpr std::size_t substructure_header_size = 4;
constexpr std::size_t transform_size_min = 8;
constexpr std::uint16_t fixed_format = 0x8000;
constexpr std::uint16_t fixed_key_length = fixed_format | std::to_underlying(model::AttributeType::key_length);

// Takes one substructure: the part of `list` behind its own four-octet header.
Result<Reader> take_substructure(Reader& list, std::uint8_t more, const char* where) {
    const std::uint8_t announced = TRY(list.u8(where));
    TRY(list.u8(where));
    const std::size_t length = TRY(list.u16(where));
    if (length < substructure_header_size) return fail(Errc::bad_length, where);
    const Reader body(TRY(list.take(length - substructure_header_size, where)));
    if (announced != (list.empty() ? last_substructure : more)) {
        return fail(Errc::bad_value, where,
                    fmt::format("Last Substruc is {} with {} octets to follow", announced, list.left()));
    }
    return body;
}

Result<TransformAttribute> parse_attribute(std::uint16_t head, Reader& list) {
    TransformAttribute attribute;
    attribute.type = static_cast<std::uint16_t>(head & ~fixed_format);
    attribute.fixed = (head & fixed_format) != 0;
    const std::size_t size = attribute.fixed ? 2 : TRY(list.u16("transform attribute length"));
    attribute.value = keep(TRY(list.take(size, "transform attribute value")));
    return attribute;
}

Result<Transform> parse_transform(Reader body) {
    Transform transform;
    transform.type = static_cast<model::TransformType>(TRY(body.u8("transform type")));
    TRY(body.u8("transform"));
    transform.id = TRY(body.u16("transform ID"));
    std::size_t count = 0;
    while (!body.empty()) {
        if (count++ == limits::attributes_per_transform) return fail(Errc::limit, "transform attributes");
        const std::uint16_t head = TRY(body.u16("transform attribute"));
        // Only a leading Key Length is one that we understand: a second one, or one behind an
        // unknown attribute, stays in its place and makes the transform unacceptable (§3.3.6).
        if (count == 1 && head == fixed_key_length) {
            transform.key_bits = TRY(body.u16("transform attribute value"));
        } else {
            transform.other_attributes.push_back(TRY(parse_attribute(head, body)));
        }
    }
    return transform;
}

Result<Proposal> parse_proposal(Reader body) {
    Proposal proposal;
    proposal.number = TRY(body.u8("proposal number"));
    proposal.protocol = static_cast<model::Protocol>(TRY(body.u8("proposal protocol")));
    const std::size_t spi_size = TRY(body.u8("proposal SPI size"));
    const std::size_t count = TRY(body.u8("proposal"));
    proposal.spi = keep(TRY(body.take(spi_size, "proposal SPI")));
    // No more than the octets that came can hold.
    proposal.transforms.reserve(std::min(count, body.left() / transform_size_min));
    while (!body.empty()) {
        if (proposal.transforms.size() == limits::transforms_per_proposal) return fail(Errc::limit, "transforms");
        const Reader transform = TRY(take_substructure(body, more_transforms, "transform"));
        proposal.transforms.push_back(TRY(parse_transform(transform)));
    }
    if (proposal.transforms.size() != count) {
        return fail(Errc::bad_length, "proposal",
                    fmt::format("{} transforms announced, {} present", count, proposal.transforms.size()));
    }
    return proposal;
}

void write_attribute(Writer& writer, const TransformAttribute& attribute) {
    writer.u16(static_cast<std::uint16_t>(attribute.type | (attribute.fixed ? fixed_format : 0)));
    if (attribute.fixed) {
        ASSERT(attribute.value.size() == 2);
    } else {
        writer.u16(checked_size<std::uint16_t>(attribute.value.size()));
    }
    writer.bytes(attribute.value);
}

void write_transform(Writer& writer, const Transform& transform, bool last) {
    const std::size_t start = writer.size();
    writer.u8(last ? last_substructure : more_transforms);
    writer.zeros(3);
    writer.u8(std::to_underlying(transform.type));
    writer.u8(0);
    writer.u16(transform.id);
    if (transform.key_bits) {
        writer.u16(fixed_key_length);
        writer.u16(*transform.key_bits);
    }
    for (const TransformAttribute& attribute : transform.other_attributes) write_attribute(writer, attribute);
    writer.patch_u16(start + 2, checked_size<std::uint16_t>(writer.size() - start));
}

void write_proposal(Writer& writer, const Proposal& proposal, bool last) {
    const std::size_t start = writer.size();
    writer.u8(last ? last_substructure : more_proposals);
    writer.zeros(3);
    writer.u8(proposal.number);
    writer.u8(std::to_underlying(proposal.protocol));
    writer.u8(checked_size<std::uint8_t>(proposal.spi.size()));
    writer.u8(checked_size<std::uint8_t>(proposal.transforms.size()));
    writer.bytes(proposal.spi);
    for (const Transform& transform : proposal.transforms)
        write_transform(writer, transform, &transform == &proposal.transforms.back());
    writer.patch_u16(start + 2, checked_size<std::uint16_t>(writer.size() - start));
}

}  // namespace

template <>
Result<SaPayload> parse<SaPayload>(ByteView body) {
    Reader list(body);
    SaPayload payload;
    do {
        if (payload.proposals.size() == limits::proposals_per_sa_payload) return fail(Errc::limit, "proposals");
        const Reader proposal = TRY(take_substructure(list, more_proposals, "proposal"));
        payload.proposals.push_back(TRY(parse_proposal(proposal)));
    } while (!list.empty());
    return payload;
}

template <>
void write<SaPayload>(Writer& writer, const SaPayload& payload) {
    ASSERT(!payload.proposals.empty());
    for (const Proposal& proposal : payload.proposals)
        write_proposal(writer, proposal, &proposal == &payload.proposals.back());
}

template <>
std::string print<SaPayload>(const SaPayload& payload) {
    std::string line;
    for (const Proposal& proposal : payload.proposals) {
        if (!line.empty()) line += ", ";
        line += fmt::format("{} {}", proposal.number, proposal.text());
        if (!proposal.spi.empty()) line += fmt::format(" spi={}", hex(proposal.spi));
    }
    return line;
}

}  // namespace cygnet::wire
