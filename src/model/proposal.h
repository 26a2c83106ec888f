// Proposals and their transforms, RFC 7296 §3.3, RFC 9370 §2.2.1.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/iana.h"

namespace cygnet::model {

// A transform attribute that we do not know, kept for writing and for refusing (§3.3.6).
struct TransformAttribute {
    std::uint16_t type = 0;   // without the AF bit
    bool fixed = true;        // TV format: value holds exactly two octets
    Bytes value;
    bool operator==(const TransformAttribute&) const = default;
};

struct Transform {
    TransformType type{};
    std::uint16_t id = 0;
    std::optional<std::uint16_t> key_bits{};             // the Key Length attribute
    std::vector<TransformAttribute> other_attributes{};  // non-empty: unacceptable

    static Transform of(Encr encr, std::optional<std::uint16_t> bits = {}) {
        return {TransformType::encr, static_cast<std::uint16_t>(encr), bits};
    }
    static Transform of(Prf prf) { return {TransformType::prf, static_cast<std::uint16_t>(prf)}; }
    static Transform of(Integ integ) { return {TransformType::integ, static_cast<std::uint16_t>(integ)}; }
    static Transform of(Ke ke) { return {TransformType::ke, static_cast<std::uint16_t>(ke)}; }
    static Transform of(Sn sn) { return {TransformType::sn, static_cast<std::uint16_t>(sn)}; }
    // RFC 9370: `round` 1 to 7.
    static Transform additional(unsigned round, Ke ke) {
        return {static_cast<TransformType>(5 + round), static_cast<std::uint16_t>(ke)};
    }

    std::string text() const;  // "AES_GCM_16_256", "KE1_ML_KEM_768"
    bool operator==(const Transform&) const = default;
};

constexpr bool is_additional_ke(TransformType type) {
    return type >= TransformType::addke1 && type <= TransformType::addke7;
}

// An offered proposal: several transforms of one type are alternatives. SPI as on the wire:
// empty in the first IKE negotiation, 8 octets in an IKE rekey, 4 for ESP and AH.
struct Proposal {
    std::uint8_t number = 1;
    Protocol protocol = Protocol::ike;
    Bytes spi{};
    std::vector<Transform> transforms{};

    std::vector<Transform> of_type(TransformType type) const;
    bool has(TransformType type) const;
    std::string text() const;  // "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768"
    // As swanctl.conf spells it: "aes256gcm16-prfsha384-x25519-ke1_mlkem768"; empty if something in it has no word.
    std::string keywords() const;
    bool operator==(const Proposal&) const = default;
};

// A transform of an answer: there is nothing in it that we do not know.
struct ChosenTransform {
    TransformType type{};
    std::uint16_t id = 0;
    std::uint16_t key_bits = 0;  // 0: without the attribute

    bool operator==(const ChosenTransform&) const = default;
};

// The outcome of a negotiation, parsed: at most one transform of each type.
struct ChosenProposal {
    std::uint8_t number = 1;
    Protocol protocol = Protocol::ike;
    Encr encr = Encr::none;
    std::uint16_t key_bits = 0;           // 0: the cipher's only size
    Prf prf = Prf::none;
    Integ integ = Integ::none;
    Ke ke = Ke::none;
    Sn sn = Sn::bits_32;
    std::vector<Ke> additional{};                // RFC 9370 rounds in order, without NONE
    std::vector<ChosenTransform> transforms{};  // exactly those that go into the answer

    Proposal as_answer() const;  // without SPI

    bool operator==(const ChosenProposal&) const = default;
};

struct SelectionRules {
    bool additional_key_exchanges = true;  // false: IKE_INTERMEDIATE not negotiated, ADDKE types are unknown types
    bool ignore_key_exchange = false;      // ESP in IKE_AUTH: no KE there (RFC 7296 §1.2)
    bool prefer_own_order = true;          // false: the peer's order of proposals decides
};

// RFC 7296 §2.7, §3.3.6 and RFC 9370 §2.2.1: the responder's choice among `offered` that `own` policy
// allows; or no_match with both lists in the detail.
Result<ChosenProposal> choose(std::span<const Proposal> own, std::span<const Proposal> offered,
                              const SelectionRules& rules);

// RFC 7296 §3.3.6: the initiator checks that `answer` is one of its offers. Returns it parsed.
Result<ChosenProposal> check_choice(std::span<const Proposal> offered, const Proposal& answer,
                                    const SelectionRules& rules);

// swanctl's proposal strings ("aes256gcm16-prfsha384-x25519-ke1_mlkem768"), facts-swanctl-conf 8.
// "default" stands for the default list. Fails with the word that is not known.
Result<std::vector<Proposal>> parse_proposals(Protocol protocol, std::string_view text);

// Post-quantum by default: AES-256-GCM-16 / PRF-HMAC-SHA-384 / X25519 with additional key exchange 1 =
// ML-KEM-768, then the same without ML-KEM. With `post_quantum_required`, the first alone.
std::vector<Proposal> default_ike_proposals();
std::vector<Proposal> default_esp_proposals();

// Whether every choice of it runs a post-quantum KEM.
bool is_post_quantum(const Proposal& proposal);

// Which key exchanges are offered and accepted: as the connection says, and by what the peer knows.
enum class PostQuantum : std::uint8_t {
    off,        // no post-quantum KEM
    preferred,  // proposals that run one come first
    required,   // proposals that exchange keys without one are left out
};
struct KeyExchangePolicy {
    PostQuantum post_quantum = PostQuantum::preferred;  // our own key
    bool private_numbers = true;  // the peer knows what ours of private use mean
};
// What the policy leaves of the proposals, numbered from 1. A proposal that lost all alternatives of a type is left out.
std::vector<Proposal> allowed_by(const KeyExchangePolicy& policy, std::vector<Proposal> proposals);

// Child SA proposals for IKE_AUTH, where no key exchange runs (RFC 7296 §1.2).
std::vector<Proposal> without_key_exchange(std::span<const Proposal> proposals);

// Combined-mode ciphers: they protect integrity themselves and take no INTEG transform.
bool is_aead(Encr encr);
// RFC 8750: the IV of a packet is its sequence number and is not sent. For ESP alone.
bool has_implicit_iv(Encr encr);

}  // namespace cygnet::model
