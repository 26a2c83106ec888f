// The numbers of private use that Cygnet gives a meaning, all in this one table: nobody assigned them. They mean
// this between peers that both name themselves by the Vendor ID below, in IKE_SA_INIT (RFC 7296 §3.12), and nothing to others:
// docs/protocol/private-numbers.md. Whoever needs other numbers changes them here, and the Vendor ID with them.
#pragma once

#include <cstdint>
#include <string_view>

namespace cygnet::model::private_use {

inline constexpr std::string_view vendor_id = "Cygnet private-use numbers 1";

// Key exchange methods, transform types 4 and 6 to 12 (RFC 7296 §3.3.2: 1024 to 65535). FrodoKEM as ISO/IEC 18033-2/AMD 2, with
// SHAKE128 in place of AES-128; Classic McEliece as of its submission to round 4 of NIST's project and ISO/IEC 18033-2/AMD 2.
inline constexpr std::uint16_t frodokem_640_shake = 50038;
inline constexpr std::uint16_t frodokem_976_shake = 50039;
inline constexpr std::uint16_t frodokem_1344_shake = 50040;
inline constexpr std::uint16_t mceliece_348864 = 50101;
inline constexpr std::uint16_t mceliece_348864f = 50102;
inline constexpr std::uint16_t mceliece_460896 = 50103;
inline constexpr std::uint16_t mceliece_460896f = 50104;
inline constexpr std::uint16_t mceliece_6688128 = 50105;
inline constexpr std::uint16_t mceliece_6688128f = 50106;
inline constexpr std::uint16_t mceliece_6960119 = 50107;
inline constexpr std::uint16_t mceliece_6960119f = 50108;
inline constexpr std::uint16_t mceliece_8192128 = 50109;
inline constexpr std::uint16_t mceliece_8192128f = 50110;

}  // namespace cygnet::model::private_use
