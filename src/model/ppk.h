// Postquantum preshared keys, RFC 8784 and RFC 9867: their names, the keys themselves, and what a connection does with them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/boxed.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/iana.h"
#include "model/identity.h"

namespace cygnet::model {

// RFC 8784 §5.1: one octet of type, then the name.
struct PpkId {
    PpkIdType type = PpkIdType::fixed;
    Bytes name{};

    Bytes octets() const;
    static Result<PpkId> parse(ByteView octets);  // bad_length: empty, or longer than limits::ppk_id_octets
    std::string text() const;                     // "moon-1", "opaque:moon-1"
    auto operator<=>(const PpkId&) const = default;
};

// A name as configured: an identity of swanctl.conf, whose data are the name; `opaque:` before it is our own. It may have
// wildcards and then stands for many; %any for all of both types.
struct PpkPattern {
    PpkIdType type = PpkIdType::fixed;
    Identity name{};

    static PpkPattern parse(std::string_view text);
    bool matches(const PpkId& id) const;
    std::optional<PpkId> single() const;  // nothing if it stands for many
    std::string text() const;
    bool operator==(const PpkPattern&) const = default;
};

// secrets.ppk<suffix>
struct PpkSecret {
    std::string name{};             // unique: VICI's id
    std::vector<PpkPattern> ids{};  // none: every id
    SecretBytes key{};

    bool has(const PpkId& id) const;
};

// Where keys come from that are used once: our own keys of a connection.
struct PpkSource {
    std::string pads{};                           // `ppk_pads`: a folder, in which each file is a key and its name the id
    std::string qkd{};                            // `ppk_qkd`: ETSI GS QKD 014, https://kme/api/v1/keys/<the peer's SAE ID>
    std::string qkd_cert{}, qkd_key{}, qkd_ca{};  // PEM files: who we are to the KME, and who it must be

    bool any() const { return !pads.empty() || !qkd.empty(); }
    auto operator<=>(const PpkSource&) const = default;
};

enum class PpkExchange : std::uint8_t { any, auth, intermediate };  // our own key `ppk_exchange`: RFC 8784, RFC 9867
enum class PpkRekey : std::uint8_t { no, yes, required };           // our own key `ppk_rekey`: in CREATE_CHILD_SA, RFC 9867

// What a connection does with PPKs.
struct PpkConfig {
    std::vector<PpkPattern> ids{};  // ppk_id; as responder: those that the peer may use
    bool required = false;
    PpkExchange exchange = PpkExchange::any;
    PpkRekey rekey = PpkRekey::no;
    PpkSource source{};

    // As initiator.
    bool wanted() const { return required || !ids.empty() || source.any(); }
    bool admits(const PpkId& id) const;  // without ids: all
    bool operator==(const PpkConfig&) const = default;
};

// A key that is at hand.
struct Ppk {
    PpkId id{};
    SecretBytes key{};
    Boxed<PpkSource> source{};  // of a key that is used once
};

// What a source of one-time keys gave.
struct PpkAnswer {
    std::vector<Ppk> keys{};
    std::size_t replayed = 0;  // ids of keys that have been used up before
};

}  // namespace cygnet::model
