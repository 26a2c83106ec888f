// The data of notifications that have a structure of their own.
#pragma once

#include "model/iana.h"
#include "wire/fields.h"

namespace cygnet::wire {

// REDIRECT and REDIRECTED_FROM, RFC 5685 §9.2 and §9.3.
struct GatewayData {
    model::GatewayType gateway_type{};
    ByteView gateway;
    ByteView nonce;  // of the request, in the answer to IKE_SA_INIT alone
    static constexpr auto fields =
        std::tuple{Be<&GatewayData::gateway_type>{"type"}, LengthPrefixed<std::uint8_t, &GatewayData::gateway>{"gateway"},
                   Rest<&GatewayData::nonce>{"nonce"}};
};

// IPCOMP_SUPPORTED, RFC 7296 §2.22.
struct IpcompData {
    std::uint16_t cpi = 0;
    model::IpcompTransform transform{};
    ByteView attributes;  // the transform's own
    static constexpr auto fields = std::tuple{Be<&IpcompData::cpi>{"CPI"}, Be<&IpcompData::transform>{"transform"},
                                              Rest<&IpcompData::attributes>{"attributes"}};
};

// One of the announcements in SUPPORTED_AUTH_METHODS, RFC 9593 §3.2; the notification is a list of them. Its length, which
// counts itself and the method, says what follows:
//
//   2     PSK, NULL                nothing
//   3     RSA, ECDSA of old        Cert Link (1)
//   more  Digital Signature        Cert Link (1) | AlgorithmIdentifier
struct AuthAnnouncement {
    model::AuthMethod method{};
    ByteView details;
    static constexpr auto fields =
        std::tuple{SizeOf<std::uint8_t, &AuthAnnouncement::details, 2>{"length"}, Be<&AuthAnnouncement::method>{"method"},
                   Sized<&AuthAnnouncement::details>{"details"}};
};

}  // namespace cygnet::wire
