// One struct per payload of RFC 7296 §3: the octets after the generic payload header. Views
// point into the datagram (or into the buffer that parse was given) and die with it.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "model/limits.h"
#include "model/proposal.h"
#include "model/selector.h"
#include "wire/header.h"

namespace cygnet::wire {

// §3.3. The tree of proposals, transforms and attributes is model's; see sa_payload.cc.
struct SaPayload {
    static constexpr auto type = PayloadType::sa;
    std::vector<model::Proposal> proposals;
    bool operator==(const SaPayload&) const = default;
};

// §3.4
struct KePayload {
    static constexpr auto type = PayloadType::ke;
    model::Ke method{};
    ByteView data;
    static constexpr auto fields =
        std::tuple{Be<&KePayload::method>{"method"}, Reserved<2>{}, Rest<&KePayload::data>{"data"}};
};

// §3.5; the struct compares equal to no other type, so that IDi and IDr are not confused.
template <PayloadType payload_type>
struct IdentificationPayload {
    static constexpr auto type = payload_type;
    model::IdType id_type{};
    ByteView data;
    static constexpr auto fields = std::tuple{Be<&IdentificationPayload::id_type>{"type"}, Reserved<3>{},
                                              Rest<&IdentificationPayload::data>{"data"}};
};
using IdiPayload = IdentificationPayload<PayloadType::id_i>;
using IdrPayload = IdentificationPayload<PayloadType::id_r>;

// §3.6
struct CertPayload {
    static constexpr auto type = PayloadType::cert;
    model::CertEncoding encoding{};
    ByteView data;
    static constexpr auto fields = std::tuple{Be<&CertPayload::encoding>{"encoding"}, Rest<&CertPayload::data>{"data"}};
};

// §3.7: for X.509, SHA-1 hashes of the trusted CAs' public key infos, 20 octets each.
struct CertreqPayload {
    static constexpr auto type = PayloadType::certreq;
    model::CertEncoding encoding{};
    ByteView authorities;
    static constexpr auto fields =
        std::tuple{Be<&CertreqPayload::encoding>{"encoding"}, Rest<&CertreqPayload::authorities>{"authorities"}};
};

// §3.8
struct AuthPayload {
    static constexpr auto type = PayloadType::auth;
    model::AuthMethod method{};
    ByteView data;
    static constexpr auto fields =
        std::tuple{Be<&AuthPayload::method>{"method"}, Reserved<3>{}, Rest<&AuthPayload::data>{"data"}};
};

// §3.9: Ni or Nr, 16 to 256 octets.
struct NoncePayload {
    static constexpr auto type = PayloadType::nonce;
    ByteView data;
    static constexpr auto fields =
        std::tuple{Rest<&NoncePayload::data, model::limits::nonce_octets_min, model::limits::nonce_octets_max>{"data"}};
};

// §3.10. Which protocols and SPI sizes make sense depends on the message type: the caller checks.
struct NotifyPayload {
    static constexpr auto type = PayloadType::notify;
    model::Protocol protocol{};
    model::NotifyType message_type{};
    ByteView spi;
    ByteView data;
    static constexpr auto fields =
        std::tuple{Be<&NotifyPayload::protocol>{"protocol"}, SizeOf<std::uint8_t, &NotifyPayload::spi>{"spi_size"},
                   Be<&NotifyPayload::message_type>{"type"}, Sized<&NotifyPayload::spi>{"spi"},
                   Rest<&NotifyPayload::data>{"data"}};
};

// §3.11: `spis` is a whole number of SPIs of `spi_size` octets; none for the IKE SA.
struct DeletePayload {
    static constexpr auto type = PayloadType::delete_;
    model::Protocol protocol{};
    std::uint8_t spi_size = 0;
    ByteView spis;

    std::size_t count() const { return spi_size == 0 ? 0 : spis.size() / spi_size; }
    // The SPIs as numbers, for ESP and AH (spi_size 4); empty for other sizes.
    std::vector<std::uint32_t> child_spis() const;
    bool operator==(const DeletePayload& other) const {
        return protocol == other.protocol && spi_size == other.spi_size && equal(spis, other.spis);
    }
};

// §3.12
struct VendorIdPayload {
    static constexpr auto type = PayloadType::vendor_id;
    ByteView data;
    static constexpr auto fields = std::tuple{Rest<&VendorIdPayload::data>{"data"}};
};

// A traffic selector of a TS type that we do not know: `body` is everything after its Selector
// Length field but the second octet, whose meaning depends on the type.
struct UnknownSelector {
    model::TsType ts_type{};
    std::uint8_t second_octet = 0;
    ByteView body;
    bool operator==(const UnknownSelector& other) const {
        return ts_type == other.ts_type && second_octet == other.second_octet && equal(body, other.body);
    }
};
using Selector = std::variant<model::TrafficSelector, UnknownSelector>;

// §3.13
template <PayloadType payload_type>
struct TsPayload {
    static constexpr auto type = payload_type;
    std::vector<Selector> selectors;

    static TsPayload of(std::span<const model::TrafficSelector> known) { return {{known.begin(), known.end()}}; }
    // The selectors whose type we know: an unknown one matches nothing that we could send.
    model::TrafficSelectors known() const {
        model::TrafficSelectors found;
        for (const Selector& selector : selectors)
            if (const auto* range = std::get_if<model::TrafficSelector>(&selector)) found.push_back(*range);
        return found;
    }
    static constexpr auto fields = std::tuple{SizeOf<std::uint8_t, &TsPayload::selectors>{"count"}, Reserved<3>{},
                                              Items<&TsPayload::selectors>{"selectors"}};
};
using TsiPayload = TsPayload<PayloadType::ts_i>;
using TsrPayload = TsPayload<PayloadType::ts_r>;

// §3.14: the Encrypted payload, still sealed. `first` is the Next Payload field of its generic
// header: the type of the first payload inside. wire/protected.h opens and makes these.
struct SkPayload {
    static constexpr auto type = PayloadType::sk;
    PayloadType first{};
    ByteView content;  // IV, ciphertext, ICV
    bool operator==(const SkPayload& other) const { return first == other.first && equal(content, other.content); }
};

// RFC 7383 §2.5: the Encrypted Fragment payload; `first` is none in all but the first fragment.
struct SkfPayload {
    static constexpr auto type = PayloadType::skf;
    PayloadType first{};
    std::uint16_t number = 1;
    std::uint16_t total = 1;
    ByteView content;
    bool operator==(const SkfPayload& other) const {
        return first == other.first && number == other.number && total == other.total && equal(content, other.content);
    }
};

// §3.15.1
struct ConfigurationAttribute {
    model::CfgAttribute type{};
    ByteView value;
    static constexpr auto fields = std::tuple{Be<&ConfigurationAttribute::type, 0x7fff>{"type"},
                                              LengthPrefixed<std::uint16_t, &ConfigurationAttribute::value>{"value"}};
};

// §3.15
struct CpPayload {
    static constexpr auto type = PayloadType::cp;
    model::CfgType cfg_type{};
    std::vector<ConfigurationAttribute> attributes;
    static constexpr auto fields =
        std::tuple{Be<&CpPayload::cfg_type>{"type"}, Reserved<3>{},
                   ItemsToEnd<&CpPayload::attributes, model::limits::attributes_per_cp_payload>{"attributes"}};
};

// §3.16: one EAP packet, RFC 3748 §4; `data` starts with the Type octet of a request or response.
struct EapPayload {
    static constexpr auto type = PayloadType::eap;
    std::uint8_t code = 0;
    std::uint8_t identifier = 0;
    ByteView data;
    static constexpr auto fields = std::tuple{Be<&EapPayload::code>{"code"}, Be<&EapPayload::identifier>{"identifier"},
                                              TotalLength<std::uint16_t>{"length"}, Rest<&EapPayload::data>{"data"}};
};

// RFC 8019 §8.2: four keys of one size for the puzzle's PRF.
struct PsPayload {
    static constexpr auto type = PayloadType::ps;
    ByteView keys;
    static constexpr auto fields = std::tuple{Rest<&PsPayload::keys, 1>{"keys"}};
};

// Any payload that has no struct above; kept, written back unchanged, refused when critical (§2.5).
struct UnknownPayload {
    PayloadType type{};
    bool critical = false;
    ByteView body;
    bool operator==(const UnknownPayload& other) const {
        return type == other.type && critical == other.critical && equal(body, other.body);
    }
};

// Its special members are compiled once, in payloads.cc: as inline ones they are most of what each file that includes this costs.
struct Payload : std::variant<SaPayload, KePayload, IdiPayload, IdrPayload, CertPayload, CertreqPayload, AuthPayload,
                              NoncePayload, NotifyPayload, DeletePayload, VendorIdPayload, TsiPayload, TsrPayload,
                              SkPayload, SkfPayload, CpPayload, EapPayload, PsPayload, UnknownPayload> {
    using variant::variant;
    Payload(const Payload& other);
    Payload& operator=(const Payload& other);
    Payload(Payload&& other) noexcept;
    Payload& operator=(Payload&& other) noexcept;
    ~Payload();
};

PayloadType type_of(const Payload& payload);

// parse, write and print of the irregular ones (wire/fields.h has the contract). SkPayload and
// SkfPayload: `first` is not among the octets of the body; it stays none and the chain fills it in.
template <>
Result<SaPayload> parse<SaPayload>(ByteView body);
template <>
void write<SaPayload>(Writer& writer, const SaPayload& payload);
template <>
std::string print<SaPayload>(const SaPayload& payload);
template <>
Result<DeletePayload> parse<DeletePayload>(ByteView body);
template <>
void write<DeletePayload>(Writer& writer, const DeletePayload& payload);
template <>
std::string print<DeletePayload>(const DeletePayload& payload);
template <>
Result<SkPayload> parse<SkPayload>(ByteView body);
template <>
void write<SkPayload>(Writer& writer, const SkPayload& payload);
template <>
std::string print<SkPayload>(const SkPayload& payload);
template <>
Result<SkfPayload> parse<SkfPayload>(ByteView body);
template <>
void write<SkfPayload>(Writer& writer, const SkfPayload& payload);
template <>
std::string print<SkfPayload>(const SkfPayload& payload);
template <>
void write<UnknownPayload>(Writer& writer, const UnknownPayload& payload);
template <>
std::string print<UnknownPayload>(const UnknownPayload& payload);
template <>
Result<Selector> parse_element<Selector>(Reader& reader);
template <>
void write<Selector>(Writer& writer, const Selector& selector);
template <>
std::string print<Selector>(const Selector& selector);
// What the octets of these mean depends on a type beside them; see readable.cc.
template <>
std::string print<NotifyPayload>(const NotifyPayload& payload);
template <>
std::string print<VendorIdPayload>(const VendorIdPayload& payload);
template <>
std::string print<ConfigurationAttribute>(const ConfigurationAttribute& attribute);
template <>
std::string print<IdiPayload>(const IdiPayload& payload);
template <>
std::string print<IdrPayload>(const IdrPayload& payload);

}  // namespace cygnet::wire
