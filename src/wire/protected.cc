#include "wire/protected.h"

#include <fmt/format.h>

#include <algorithm>

namespace cygnet::wire {
namespace {

constexpr std::size_t fragment_header_size = 4;  // Fragment Number and Total Fragments
constexpr std::size_t generic_length_at = 2;     // in the generic payload header
constexpr std::size_t ip_datagram_max = 65'535;
constexpr std::size_t chain_max = model::limits::reassembled_message_octets;

bool seals(PayloadType type) { return type == PayloadType::sk || type == PayloadType::skf; }

// Where the payload lies that seals a message, and which octet announces its type.
struct SealedPayload {
    PayloadType type;
    std::size_t announced_at;
    std::size_t at;
};

// Hops over the payloads that stand in the clear. `octets` starts with a header and may end with
// the generic header of the sealed payload.
Result<SealedPayload> find_sealed(ByteView octets) {
    if (octets.size() < header_size) return fail(Errc::truncated, "IKE header");
    SealedPayload found{static_cast<PayloadType>(octets[header_next_payload_at]), header_next_payload_at, header_size};
    for (std::size_t hops = 0; !seals(found.type); ++hops) {
        if (found.type == PayloadType::none) return fail(Errc::not_found, "Encrypted payload");
        if (hops == model::limits::payloads_per_message) return fail(Errc::limit, "payloads of a message");
        Reader rest(octets.subspan(found.at));
        const auto next = static_cast<PayloadType>(TRY(rest.u8("generic payload header")));
        TRY(rest.u8("generic payload header"));
        const std::size_t length = TRY(rest.u16("generic payload header"));
        if (length < generic_header_size) return fail(Errc::bad_length, "payload length");
        TRY(rest.take(length - generic_header_size, "payload length"));
        found = {next, found.at, found.at + length};
    }
    if (octets.size() - found.at < generic_header_size) return fail(Errc::truncated, "generic payload header");
    return found;
}

std::size_t padded_size(std::size_t size, std::size_t block) { return (size + block) / block * block; }

// Writes header, PS payload if any, generic header, fragment header if any, and the padded text; the header's lengths
// follow.
Unsealed assemble(Header header, PayloadType first, std::optional<FragmentPlace> fragment, ByteView text,
                  const ProtectionSizes& sizes, ByteView puzzle_solution = {}) {
    Unsealed message;
    const std::size_t text_size = padded_size(text.size(), sizes.block);
    const std::size_t outside = outside_size(puzzle_solution);
    message.layout = {.aad_size = header_size + outside + generic_header_size + (fragment ? fragment_header_size : 0),
                      .iv_size = sizes.iv,
                      .text_size = text_size,
                      .icv_size = sizes.icv};
    const std::size_t size = message.layout.message_size();
    const PayloadType sealed = fragment ? PayloadType::skf : PayloadType::sk;
    header.next_payload = outside != 0 ? PayloadType::ps : sealed;
    header.length = checked_size<std::uint32_t>(size);
    message.octets.reserve(size);
    Writer writer(message.octets);
    write(writer, header);
    if (outside != 0) {
        writer.u8(std::to_underlying(sealed));
        writer.u8(0);
        writer.u16(checked_size<std::uint16_t>(outside));
        writer.bytes(puzzle_solution);
    }
    writer.u8(std::to_underlying(first));
    writer.u8(0);
    writer.u16(checked_size<std::uint16_t>(size - header_size - outside));
    if (fragment) {
        writer.u16(fragment->number);
        writer.u16(fragment->total);
    }
    writer.zeros(sizes.iv);
    writer.bytes(text);
    // Padding may hold any value; pad length counts all but itself (RFC 7296 §3.14).
    const std::size_t padding = text_size - text.size() - 1;
    writer.zeros(padding);
    writer.u8(checked_size<std::uint8_t>(padding));
    writer.zeros(sizes.icv);
    return message;
}

}  // namespace

std::size_t outside_size(ByteView puzzle_solution) {
    return puzzle_solution.empty() ? 0 : generic_header_size + puzzle_solution.size();
}

Result<ProtectedMessage> locate_protected(ByteView datagram, const ProtectionSizes& sizes) {
    ASSERT(sizes.block > 0);
    TRY(parse_header(datagram));
    const SealedPayload payload = TRY(find_sealed(datagram));
    Reader generic(datagram.subspan(payload.at));
    ProtectedMessage found;
    found.first = static_cast<PayloadType>(TRY(generic.u8("generic payload header")));
    TRY(generic.u8("generic payload header"));
    // It is the last payload of a message, RFC 7296 §3.14, RFC 7383 §2.5.
    if (TRY(generic.u16("generic payload header")) != datagram.size() - payload.at)
        return fail(Errc::bad_length, "Encrypted payload length");
    if (payload.type == PayloadType::skf) {
        const SkfPayload fragment = TRY(parse<SkfPayload>(generic.rest()));
        found.fragment = FragmentPlace{fragment.number, fragment.total};
        generic = Reader(fragment.content);
    }
    const std::size_t content = generic.left();
    if (content < sizes.iv + sizes.icv + sizes.block) return fail(Errc::bad_length, "Encrypted payload");
    const std::size_t text = content - sizes.iv - sizes.icv;
    if (text % sizes.block != 0) return fail(Errc::bad_length, "Encrypted payload", "not whole cipher blocks");
    found.layout = {
        .aad_size = datagram.size() - content, .iv_size = sizes.iv, .text_size = text, .icv_size = sizes.icv};
    return found;
}

Result<ByteView> remove_padding(ByteView text) {
    if (text.empty()) return fail(Errc::truncated, "pad length");
    const std::size_t trailer = std::size_t{text.back()} + 1;
    if (trailer > text.size()) return fail(Errc::bad_value, "pad length");
    return text.first(text.size() - trailer);
}

std::size_t protected_message_size(std::size_t chain_size, const ProtectionSizes& sizes) {
    return header_size + generic_header_size + sizes.iv + padded_size(chain_size, sizes.block) + sizes.icv;
}

Result<Unsealed> lay_out(Header header, const Chain& chain, const ProtectionSizes& sizes) {
    const std::size_t size = outside_size(chain.puzzle_solution) + protected_message_size(chain.octets.size(), sizes);
    if (size > ip_datagram_max - udp_over_ipv4_overhead) {
        return fail(Errc::limit, "protected message", fmt::format("{} octets do not fit into one UDP datagram", size));
    }
    return assemble(header, chain.first, std::nullopt, chain.octets, sizes, chain.puzzle_solution);
}

Result<std::vector<Unsealed>> lay_out_fragments(Header header, const Chain& chain, const ProtectionSizes& sizes,
                                                std::size_t datagram_max, std::size_t overhead) {
    // RFC 8019 §7.2.2: the PS payload is in the first fragment only, which has less room for content.
    const auto piece_max = [&](std::size_t index) -> std::size_t {
        const std::size_t fixed = overhead + header_size + generic_header_size + fragment_header_size + sizes.iv +
                                  sizes.icv + (index == 0 ? outside_size(chain.puzzle_solution) : 0);
        const std::size_t room = std::min(datagram_max, ip_datagram_max);
        const std::size_t text_max = room <= fixed ? 0 : (room - fixed) / sizes.block * sizes.block;
        return text_max < 2 ? 0 : text_max - 1;  // the pad length octet
    };
    const std::size_t first_max = piece_max(0), later_max = piece_max(1);
    if (first_max == 0) {
        return fail(Errc::bad_value, "fragment size", fmt::format("{} octets leave no room for content", datagram_max));
    }
    const ByteView content = chain.octets;
    const std::size_t later = content.size() - std::min(first_max, content.size());
    const std::size_t total = 1 + (later + later_max - 1) / later_max;
    if (content.size() > chain_max || total > model::limits::fragments_per_message) {
        return fail(Errc::limit, "fragments", fmt::format("{} octets in fragments of {}", content.size(), later_max));
    }
    std::vector<Unsealed> fragments;
    fragments.reserve(total);
    for (std::size_t i = 0, at = 0; i < total; ++i) {
        const std::size_t size = std::min(i == 0 ? first_max : later_max, content.size() - at);
        const FragmentPlace place{static_cast<std::uint16_t>(i + 1), static_cast<std::uint16_t>(total)};
        fragments.push_back(assemble(header, i == 0 ? chain.first : PayloadType::none, place, content.subspan(at, size),
                                     sizes, i == 0 ? ByteView(chain.puzzle_solution) : ByteView()));
        at += size;
    }
    return fragments;
}

Bytes intermediate_aad(ByteView aad, std::size_t chain_size) {
    const auto payload = find_sealed(aad);
    ASSERT(payload.has_value());  // locate_protected or assemble delimited these octets
    const std::size_t size = payload->at + generic_header_size;
    Bytes adjusted = keep(aad.first(size));
    // Fragments are put back into the form that they were cut from: SK instead of SKF.
    adjusted[payload->announced_at] = std::to_underlying(PayloadType::sk);
    Writer writer(adjusted);
    writer.patch_u32(header_length_at, checked_size<std::uint32_t>(size + chain_size));
    writer.patch_u16(payload->at + generic_length_at, checked_size<std::uint16_t>(generic_header_size + chain_size));
    return adjusted;
}

Bytes intermediate_aad(Header header, PayloadType first, std::size_t chain_size) {
    header.next_payload = PayloadType::sk;
    Bytes octets = written(header);
    octets.push_back(std::to_underlying(first));
    octets.resize(header_size + generic_header_size);
    return intermediate_aad(octets, chain_size);
}

}  // namespace cygnet::wire
