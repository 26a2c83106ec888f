#include "vici/schema.h"

#include "crypto/x509.h"
#include "vici/schema_table.h"

namespace cygnet::vici {
namespace {

// Steps of one letter from one word to the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string Refusal::vici_text() const {
    switch (kind) {
        case Kind::unknown_key: return "unknown option: " + key + ", config discarded";
        case Kind::invalid_value: return "invalid value for: " + key + ", config discarded (" + detail + ")";
        case Kind::invalid_section: return "invalid section: " + key;
        case Kind::other: break;
    }
    return detail;
}

std::string Refusal::file_text() const { return path.empty() ? detail : path + ": " + detail; }

std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& accepted) {
    constexpr std::size_t word_size_max = 64;
    if (word.size() > word_size_max) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : accepted) {
        const std::size_t steps = distance(word, candidate);
        if (steps >= least) continue;
        least = steps;
        best = candidate;
    }
    return best;
}

std::string unknown_key_detail(std::string_view key, const std::vector<std::string_view>& accepted) {
    std::string detail = "unknown key";
    const auto meant = nearest(key, accepted);
    detail += meant ? "; did you mean " + std::string(*meant) + "?" : ".";
    detail += " Accepted here:";
    for (const std::string_view word : accepted) detail += " " + std::string(word);
    return detail;
}

bool is_among(std::string_view value, std::string_view words) {
    while (!words.empty()) {
        const auto blank = words.find(' ');
        if (equal_ignoring_case(value, words.substr(0, blank))) return true;
        if (blank == words.npos) break;
        words.remove_prefix(blank + 1);
    }
    return false;
}

namespace {

// Inline text decoded, anything else as it is.
Result<Bytes> decoded(std::string_view blob, const char* what) {
    if (!has_inline_prefix(blob)) return keep(bytes_of(blob));
    auto octets = parse_inline_blob(blob);
    if (!octets)
        return unacceptable("an inline " + std::string(what) + " is hexadecimal after 0x or base64 after 0s");
    return *std::move(octets);
}

// What is between BEGIN and END PUBLIC KEY; DER stays as it is.
Result<Bytes> out_of_armour(Bytes octets) {
    if (!octets.empty() && octets.front() == 0x30) return octets;
    constexpr std::string_view begin = "-----BEGIN PUBLIC KEY-----", end = "-----END PUBLIC KEY-----";
    const std::string_view text = text_of(octets);
    const std::size_t from = text.find(begin), to = text.find(end);
    if (from == text.npos || to == text.npos || to < from + begin.size())
        return unacceptable("not a public key: neither DER nor PEM with BEGIN PUBLIC KEY");
    auto der = from_base64(text.substr(from + begin.size(), to - from - begin.size()));
    if (!der) return unacceptable("not a public key: PEM that is not base64");
    return *std::move(der);
}

}  // namespace

Result<Bytes> certificate_der(std::string_view blob) {
    const Bytes octets = TRY(decoded(blob, "certificate"));
    auto certificate = crypto::Certificate::parse(octets);
    if (!certificate) {
        const Error& error = certificate.error();
        return unacceptable("not a certificate: " + (error.detail.empty() ? error.text() : error.detail));
    }
    return certificate->der();
}

Result<Bytes> public_key_der(std::string_view blob) {
    Bytes der = TRY(out_of_armour(TRY(decoded(blob, "public key"))));
    if (const auto key = crypto::PublicKey::from_spki(der); !key)
        return unacceptable("not a public key: " + (key.error().detail.empty() ? key.error().text() : key.error().detail));
    return der;
}

}  // namespace cygnet::vici
