// IKE identities, RFC 7296 §3.5, and how configuration writes them (facts-swanctl-conf 2.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "model/address.h"
#include "model/iana.h"

namespace cygnet::model {

struct Identity {
    IdType type = IdType::any;
    Bytes data{};  // as in the ID payload; a DN is a DER Name

    // The RFC's text forms with swanctl's rules (explicit prefix, '=', '@', '@#', '@@', address, name). A DN needs
    // `dn_to_der` (crypto::parse_distinguished_name), passed in because model knows no ASN.1 library;
    // without it, or when it fails, the raw text becomes a KEY_ID, as swanctl does.
    using DnParser = Result<Bytes> (*)(std::string_view);
    static Identity parse(std::string_view text, DnParser dn_to_der = nullptr);
    static Identity of(IpAddress address);
    static Identity of(const AddressRange& range);  // a pattern: the addresses between

    bool is_any() const { return type == IdType::any; }
    bool has_wildcards() const;
    // Whether `this`, a pattern of the configuration, accepts the identity of a peer: any accepts all, a range its addresses,
    // '*' in FQDN and RFC822 names stands for any text, names compare without case, all else exactly.
    bool matches(const Identity& peer) const;
    // For people and VICI: "moon.example", "@#0102", "192.0.2.1", "C=CH, CN=moon"; unprintable octets are escaped.
    using DnPrinter = std::string (*)(ByteView);
    std::string text(DnPrinter dn_from_der = nullptr) const;

    auto operator<=>(const Identity&) const = default;
};

}  // namespace cygnet::model
