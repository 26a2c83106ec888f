// Sections of swanctl.conf and of load-* messages as model values: one row for each key (facts-swanctl-conf 2 to 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "vici/message.h"

namespace cygnet::vici {

// The schema's refusal of one entry, told apart by what VICI calls it.
struct Refusal {
    enum class Kind : std::uint8_t { unknown_key, invalid_value, invalid_section, other } kind{};
    std::string path{};    // "children.net.local_ts", relative to the section that was read
    std::string key{};     // "local_ts"
    std::string detail{};  // what is wrong and what is accepted
    Place place{};

    std::string vici_text() const;  // "invalid value for: local_ts, config discarded (…)"
    std::string file_text() const;  // "children.net.local_ts: …"
};
using Refusals = std::vector<Refusal>;

// Each reads one section; what is wrong goes to `refusals`, and then the value is not to be used.
// `kernel_esp`: the kernel does ESP, so that what only it has may be asked for.
model::Connection read_connection(const std::string& name, const Section& section, Refusals& refusals, bool kernel_esp = false);
model::Pool read_pool(const std::string& name, const Section& section, Refusals& refusals);

struct Authority {
    std::string name;
    Bytes certificate;  // DER
    std::vector<std::string> crl_uris{}, ocsp_uris{};
    std::string cert_uri_base{};
};
Authority read_authority(const std::string& name, const Section& section, Refusals& refusals);

// Whether swanctl sends a connection's key as a list of file contents, and from which folder.
std::optional<std::string_view> folder_of_key(std::string_view key);

// A certificate as DER out of PEM, DER or inline 0x/0s text; the error's detail says what is wrong.
Result<Bytes> certificate_der(std::string_view blob);

// A raw public key (SubjectPublicKeyInfo) as DER out of the same forms.
Result<Bytes> public_key_der(std::string_view blob);

// The name among `accepted` that was probably meant.
std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& accepted);

}  // namespace cygnet::vici
