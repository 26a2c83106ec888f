#include "wire/message.h"

#include <fmt/format.h>

#include <algorithm>

namespace cygnet::wire {
namespace {

constexpr std::uint8_t critical_bit = 0x80;

// A payload of the chain, its generic header taken apart (§3.2).
struct Link {
    PayloadType type;
    PayloadType next;
    bool critical;
    ByteView body;
};

Result<Link> take_link(PayloadType type, Reader& chain) {
    Link link{.type = type, .next = {}, .critical = false, .body = {}};
    link.next = static_cast<PayloadType>(TRY(chain.u8("generic payload header")));
    link.critical = (TRY(chain.u8("generic payload header")) & critical_bit) != 0;
    const std::size_t length = TRY(chain.u16("generic payload header"));
    if (length < generic_header_size) return fail(Errc::bad_length, "payload length");
    link.body = TRY(chain.take(length - generic_header_size, "payload length"));
    return link;
}

template <class T>
Result<Payload> parse_as(ByteView body) {
    return Payload(TRY(parse<T>(body)));
}

template <class T>
Result<Payload> parse_sealed(const Link& link) {
    T payload = TRY(parse<T>(link.body));
    payload.first = link.next;
    return Payload(payload);
}

Result<Payload> parse_payload(const Link& link) {
    switch (link.type) {
        case PayloadType::sa: return parse_as<SaPayload>(link.body);
        case PayloadType::ke: return parse_as<KePayload>(link.body);
        case PayloadType::id_i: return parse_as<IdiPayload>(link.body);
        case PayloadType::id_r: return parse_as<IdrPayload>(link.body);
        case PayloadType::cert: return parse_as<CertPayload>(link.body);
        case PayloadType::certreq: return parse_as<CertreqPayload>(link.body);
        case PayloadType::auth: return parse_as<AuthPayload>(link.body);
        case PayloadType::nonce: return parse_as<NoncePayload>(link.body);
        case PayloadType::notify: return parse_as<NotifyPayload>(link.body);
        case PayloadType::delete_: return parse_as<DeletePayload>(link.body);
        case PayloadType::vendor_id: return parse_as<VendorIdPayload>(link.body);
        case PayloadType::ts_i: return parse_as<TsiPayload>(link.body);
        case PayloadType::ts_r: return parse_as<TsrPayload>(link.body);
        case PayloadType::sk: return parse_sealed<SkPayload>(link);
        case PayloadType::skf: return parse_sealed<SkfPayload>(link);
        case PayloadType::cp: return parse_as<CpPayload>(link.body);
        case PayloadType::eap: return parse_as<EapPayload>(link.body);
        case PayloadType::ps: return parse_as<PsPayload>(link.body);
        default: return Payload(UnknownPayload{link.type, link.critical, link.body});
    }
}

bool seals_the_rest(PayloadType type) { return type == PayloadType::sk || type == PayloadType::skf; }

// Says in which payload an error lies; what a parser said itself stays.
Error in_payload(Error error, std::size_t number, PayloadType type) {
    const std::string place = fmt::format("payload {} ({})", number, name_of(type));
    error.detail = error.detail.empty() ? place : place + ": " + error.detail;
    return error;
}

}  // namespace

Result<std::vector<Payload>> parse_payloads(PayloadType first, ByteView octets) {
    constexpr std::size_t usual = 16;
    Reader chain(octets);
    std::vector<Payload> payloads;
    payloads.reserve(usual);
    for (PayloadType type = first; type != PayloadType::none;) {
        const std::size_t number = payloads.size() + 1;
        if (number > model::limits::payloads_per_message) return fail(Errc::limit, "payloads of a message");
        auto link = take_link(type, chain);
        if (!link) return fail(in_payload(std::move(link).error(), number, type));
        auto payload = parse_payload(*link);
        if (!payload) return fail(in_payload(std::move(payload).error(), number, type));
        payloads.push_back(*std::move(payload));
        type = seals_the_rest(type) ? PayloadType::none : link->next;
    }
    TRY(chain.finish("end of the payload chain"));
    return payloads;
}

Result<Message> parse_message(ByteView datagram) {
    Message message {
        .header = TRY(parse_header(datagram))
        , .payloads = {}
    };
    message.payloads = TRY(parse_payloads(message.header.next_payload, datagram.subspan(header_size)));
    return message;
}

Result<Glance> glance(ByteView datagram) {
    const Header header = TRY(parse_header(datagram));
    Reader chain(datagram.subspan(header_size));
    Glance seen;
    PayloadType type = header.next_payload;
    for (std::size_t number = 0; type != PayloadType::none; ++number) {
        if (number == model::limits::payloads_per_message) return fail(Errc::limit, "payloads of a message");
        const Link link = TRY(take_link(type, chain));
        if (type == PayloadType::nonce && seen.nonce.empty()) seen.nonce = link.body;
        if (type == PayloadType::ps && seen.solution.empty()) seen.solution = link.body;
        if (type == PayloadType::sa && seen.proposals.empty()) seen.proposals = link.body;
        if (type == PayloadType::notify) {
            const auto notification = TRY(parse<NotifyPayload>(link.body));
            if (notification.message_type == model::NotifyType::cookie && seen.cookie.empty())
                seen.cookie = notification.data;
        }
        seen.sealed = seals_the_rest(type);
        if (seen.sealed) return seen;
        type = link.next;
    }
    TRY(chain.finish("end of the payload chain"));
    return seen;
}

const NotifyPayload* Message::notify(model::NotifyType type) const {
    for (const Payload& payload : payloads)
        if (const auto* one = std::get_if<NotifyPayload>(&payload); one != nullptr && one->message_type == type) return one;
    return nullptr;
}

std::vector<const NotifyPayload*> Message::notifies(model::NotifyType type) const {
    std::vector<const NotifyPayload*> found;
    for (const Payload& payload : payloads)
        if (const auto* one = std::get_if<NotifyPayload>(&payload); one != nullptr && one->message_type == type) found.push_back(one);
    return found;
}

const NotifyPayload* Message::error() const {
    for (const Payload& payload : payloads)
        if (const auto* one = std::get_if<NotifyPayload>(&payload); one != nullptr && is_error(one->message_type)) return one;
    return nullptr;
}

const UnknownPayload* Message::unsupported_critical() const {
    const auto found = all<UnknownPayload>();
    const auto critical = std::ranges::find_if(found, [](auto* one) { return one->critical; });
    return critical == found.end() ? nullptr : *critical;
}

// Links a new payload to the one before it, and leaves room for its length.
std::size_t MessageBuilder::begin(PayloadType type, bool critical) {
    constexpr std::size_t usual = 512;
    ASSERT(type != PayloadType::none && !sealed_);
    if (chain_.octets.capacity() == 0) chain_.octets.reserve(usual);
    const std::size_t start = chain_.octets.size();
    if (empty()) {
        chain_.first = type;
    } else {
        chain_.octets[last_] = std::to_underlying(type);
    }
    last_ = start;
    Writer writer(chain_.octets);
    writer.u8(std::to_underlying(PayloadType::none));
    writer.u8(critical ? critical_bit : 0);
    writer.u16(0);
    return start;
}

void MessageBuilder::end(std::size_t start) {
    Writer writer(chain_.octets);
    writer.patch_u16(start + 2, checked_size<std::uint16_t>(writer.size() - start));
}

void MessageBuilder::seal(PayloadType first) {
    chain_.octets[last_] = std::to_underlying(first);
    sealed_ = true;
}

MessageBuilder& MessageBuilder::add(const UnknownPayload& payload) {
    const std::size_t start = begin(payload.type, payload.critical);
    append(chain_.octets, payload.body);
    end(start);
    return *this;
}

MessageBuilder& MessageBuilder::add(const SkPayload& payload) {
    add<SkPayload>(payload);
    seal(payload.first);
    return *this;
}

MessageBuilder& MessageBuilder::add(const SkfPayload& payload) {
    add<SkfPayload>(payload);
    seal(payload.first);
    return *this;
}

MessageBuilder& MessageBuilder::add(const Payload& payload) {
    std::visit([this](const auto& one) { add(one); }, payload);
    return *this;
}

MessageBuilder& MessageBuilder::outside(const PsPayload& payload) {
    chain_.puzzle_solution = keep(payload.keys);
    return *this;
}

MessageBuilder& MessageBuilder::notify(model::NotifyType type, ByteView data) {
    return add(NotifyPayload{.protocol = model::Protocol::none, .message_type = type, .spi = {}, .data = data});
}

Bytes MessageBuilder::finish(Header header) {
    const Chain chain = take_chain();
    header.next_payload = chain.first;
    header.length = checked_size<std::uint32_t>(header_size + chain.octets.size());
    Bytes message;
    message.reserve(header.length);
    Writer writer(message);
    write(writer, header);
    writer.bytes(chain.octets);
    return message;
}

Chain MessageBuilder::take_chain() {
    sealed_ = false;
    return std::exchange(chain_, Chain{});
}

Bytes written(const Message& message) {
    MessageBuilder builder;
    for (const Payload& payload : message.payloads) builder.add(payload);
    return builder.finish(message.header);
}

}  // namespace cygnet::wire
