// swanctl's proposal strings (facts-swanctl-conf 8) and the default lists.
#include <algorithm>
#include <iterator>
#include <utility>

#include "model/assigned_numbers.h"
#include "model/limits.h"
#include "model/proposal.h"

namespace cygnet::model {
namespace {

struct Keyword {
    std::string_view word;
    TransformType type;
    std::uint16_t id;
    std::uint16_t key_bits = 0;
};

constexpr Keyword encryption(std::string_view word, Encr encr, std::uint16_t bits = 0) {
    return {word, TransformType::encr, static_cast<std::uint16_t>(encr), bits};
}
constexpr Keyword integrity(std::string_view word, Integ integ) {
    return {word, TransformType::integ, static_cast<std::uint16_t>(integ)};
}
constexpr Keyword prf(std::string_view word, Prf value) {
    return {word, TransformType::prf, static_cast<std::uint16_t>(value)};
}
constexpr Keyword method(std::string_view word, Ke ke) {
    return {word, TransformType::ke, static_cast<std::uint16_t>(ke)};
}
constexpr Keyword numbers(std::string_view word, Sn sn) {
    return {word, TransformType::sn, static_cast<std::uint16_t>(sn)};
}

// AES and Camellia modes come in three key sizes and the AEADs in three ICV sizes; their words are
// composed by parse_sized(). Those with an implicit IV (RFC 8750) end in iiv, which is our own spelling. What RFC 8247 and RFC 8221 forbid (DES, MD5, MODP below 2048 bits) has no word.
constexpr Keyword keywords[] = {
    encryption("null", Encr::null),
    encryption("aes", Encr::aes_cbc, 128),
    encryption("chacha20poly1305", Encr::chacha20_poly1305),
    encryption("chacha20poly1305iiv", Encr::chacha20_poly1305_iiv),
    integrity("sha", Integ::hmac_sha1_96),
    integrity("sha1", Integ::hmac_sha1_96),
    integrity("sha256", Integ::hmac_sha2_256_128),
    integrity("sha2_256", Integ::hmac_sha2_256_128),
    integrity("sha384", Integ::hmac_sha2_384_192),
    integrity("sha2_384", Integ::hmac_sha2_384_192),
    integrity("sha512", Integ::hmac_sha2_512_256),
    integrity("sha2_512", Integ::hmac_sha2_512_256),
    integrity("aesxcbc", Integ::aes_xcbc_96),
    integrity("aescmac", Integ::aes_cmac_96),
    prf("prfsha1", Prf::hmac_sha1),
    prf("prfsha256", Prf::hmac_sha2_256),
    prf("prfsha384", Prf::hmac_sha2_384),
    prf("prfsha512", Prf::hmac_sha2_512),
    prf("prfaesxcbc", Prf::aes128_xcbc),
    prf("prfaescmac", Prf::aes128_cmac),
    method("none", Ke::none),
    method("modpnone", Ke::none),
    method("modp2048", Ke::modp_2048),
    method("modp3072", Ke::modp_3072),
    method("modp4096", Ke::modp_4096),
    method("modp6144", Ke::modp_6144),
    method("modp8192", Ke::modp_8192),
    method("ecp256", Ke::ecp_256),
    method("ecp384", Ke::ecp_384),
    method("ecp521", Ke::ecp_521),
    method("ecp224bp", Ke::ecp_224_bp),
    method("ecp256bp", Ke::ecp_256_bp),
    method("ecp384bp", Ke::ecp_384_bp),
    method("ecp512bp", Ke::ecp_512_bp),
    method("x25519", Ke::curve25519),
    method("curve25519", Ke::curve25519),
    method("x448", Ke::curve448),
    method("curve448", Ke::curve448),
    method("mlkem512", Ke::ml_kem_512),
    method("mlkem768", Ke::ml_kem_768),
    method("mlkem1024", Ke::ml_kem_1024),
    // The second words of a method are those of strongSwan's plugin for liboqs.
    method("frodo640", Ke::frodokem_640_aes),
    method("frodoa1", Ke::frodokem_640_aes),
    method("frodo976", Ke::frodokem_976_aes),
    method("frodoa3", Ke::frodokem_976_aes),
    method("frodo1344", Ke::frodokem_1344_aes),
    method("frodoa5", Ke::frodokem_1344_aes),
    method("frodo640shake", Ke::frodokem_640_shake),
    method("frodos1", Ke::frodokem_640_shake),
    method("frodo976shake", Ke::frodokem_976_shake),
    method("frodos3", Ke::frodokem_976_shake),
    method("frodo1344shake", Ke::frodokem_1344_shake),
    method("frodos5", Ke::frodokem_1344_shake),
    method("mceliece348864", Ke::mceliece_348864),
    method("mceliece348864f", Ke::mceliece_348864f),
    method("mceliece460896", Ke::mceliece_460896),
    method("mceliece460896f", Ke::mceliece_460896f),
    method("mceliece6688128", Ke::mceliece_6688128),
    method("mceliece6688128f", Ke::mceliece_6688128f),
    method("mceliece6960119", Ke::mceliece_6960119),
    method("mceliece6960119f", Ke::mceliece_6960119f),
    method("mceliece8192128", Ke::mceliece_8192128),
    method("mceliece8192128f", Ke::mceliece_8192128f),
    numbers("esn", Sn::bits_64_partial),
    numbers("noesn", Sn::bits_32),
};

struct Mode {
    std::string_view suffix;
    Encr aes;
    Encr camellia;
};
constexpr Mode modes[] = {
    {"", Encr::aes_cbc, Encr::camellia_cbc},
    {"ctr", Encr::aes_ctr, Encr::camellia_ctr},
    {"gcm", Encr::aes_gcm_16, Encr::none},
    {"gcm8", Encr::aes_gcm_8, Encr::none},
    {"gcm64", Encr::aes_gcm_8, Encr::none},
    {"gcm12", Encr::aes_gcm_12, Encr::none},
    {"gcm96", Encr::aes_gcm_12, Encr::none},
    {"gcm16", Encr::aes_gcm_16, Encr::none},
    {"gcm128", Encr::aes_gcm_16, Encr::none},
    {"gcm16iiv", Encr::aes_gcm_16_iiv, Encr::none},
    {"ccm", Encr::aes_ccm_16, Encr::camellia_ccm_16},
    {"ccm8", Encr::aes_ccm_8, Encr::camellia_ccm_8},
    {"ccm64", Encr::aes_ccm_8, Encr::camellia_ccm_8},
    {"ccm8iiv", Encr::aes_ccm_8_iiv, Encr::none},
    {"ccm12", Encr::aes_ccm_12, Encr::camellia_ccm_12},
    {"ccm96", Encr::aes_ccm_12, Encr::camellia_ccm_12},
    {"ccm16", Encr::aes_ccm_16, Encr::camellia_ccm_16},
    {"ccm128", Encr::aes_ccm_16, Encr::camellia_ccm_16},
    {"gmac", Encr::null_auth_aes_gmac, Encr::none},
};

std::optional<Transform> parse_sized(std::string_view word) {
    const bool aes = word.starts_with("aes");
    if (!aes && !word.starts_with("camellia")) return std::nullopt;
    word.remove_prefix(aes ? 3 : 8);
    constexpr std::uint16_t sizes[] = {128, 192, 256};
    for (const std::uint16_t bits : sizes) {
        const std::string digits = std::to_string(bits);
        if (!word.starts_with(digits)) continue;
        const auto mode = std::ranges::find(modes, word.substr(digits.size()), &Mode::suffix);
        if (mode == std::end(modes)) return std::nullopt;
        const Encr encr = aes ? mode->aes : mode->camellia;
        if (encr == Encr::none) return std::nullopt;
        return Transform::of(encr, bits);
    }
    return std::nullopt;
}

std::optional<Transform> parse_keyword(std::string_view word) {
    const auto row = std::ranges::find(keywords, word, &Keyword::word);
    if (row == std::end(keywords)) return parse_sized(word);
    Transform transform{row->type, row->id, {}, {}};
    if (row->type == TransformType::ke) transform.id = std::to_underlying(on_the_wire(static_cast<Ke>(row->id)));
    if (row->key_bits != 0) transform.key_bits = row->key_bits;
    return transform;
}

// "ke1_mlkem768" … "ke7_none"
std::optional<Transform> parse_additional(std::string_view word) {
    if (word.size() < 5 || !word.starts_with("ke") || word[3] != '_') return std::nullopt;
    const int round = word[2] - '0';
    if (round < 1 || round > 7) return std::nullopt;
    const auto row = parse_keyword(word.substr(4));
    if (!row || row->type != TransformType::ke) return std::nullopt;
    return Transform::additional(static_cast<unsigned>(round), static_cast<Ke>(row->id));
}

std::unexpected<Error> refused(std::string_view proposal, const std::string& why) {
    return fail(Errc::bad_syntax, "proposal", "'" + std::string(proposal) + "': " + why);
}

// The order in which transforms are written and printed.
int rank(TransformType type) {
    switch (type) {
        case TransformType::encr: return 0;
        case TransformType::integ: return 1;
        case TransformType::prf: return 2;
        case TransformType::ke: return 3;
        case TransformType::sn: return 20;
        default: return static_cast<int>(type);
    }
}

constexpr std::pair<Integ, Prf> derived_prfs[] = {
    {Integ::hmac_sha1_96, Prf::hmac_sha1},
    {Integ::hmac_sha2_256_128, Prf::hmac_sha2_256},
    {Integ::hmac_sha2_384_192, Prf::hmac_sha2_384},
    {Integ::hmac_sha2_512_256, Prf::hmac_sha2_512},
    {Integ::aes_xcbc_96, Prf::aes128_xcbc},
    {Integ::aes_cmac_96, Prf::aes128_cmac},
};

// Proposals for IKE without a PRF take the one of their integrity algorithm.
void derive_prf(Proposal& proposal) {
    if (proposal.protocol != Protocol::ike || proposal.has(TransformType::prf)) return;
    for (const Transform& integ : proposal.of_type(TransformType::integ))
        for (const auto& [from, to] : derived_prfs)
            if (integ.id == static_cast<std::uint16_t>(from))
                proposal.transforms.push_back(Transform::of(to));
}

Result<> complete_encryption(Proposal& proposal, std::string_view text) {
    const auto encr = proposal.of_type(TransformType::encr);
    if (encr.empty()) return refused(text, "it names no encryption algorithm, such as aes256gcm16");
    const auto aead = std::ranges::count_if(
        encr, [](const Transform& t) { return is_aead(static_cast<Encr>(t.id)); });
    if (aead != 0 && aead != std::ssize(encr))
        return refused(text, "combined-mode ciphers (gcm, ccm, chacha20poly1305) and others cannot "
                             "be alternatives in one proposal; write two, separated by a comma");
    derive_prf(proposal);
    if (aead != 0)
        std::erase_if(proposal.transforms,
                      [](const Transform& t) { return t.type == TransformType::integ; });
    else if (!proposal.has(TransformType::integ))
        return refused(text, "it needs an integrity algorithm, such as sha256");
    return {};
}

// RFC 4543 §5.3: AES-GMAC has an integrity transform of its own for each key size, which is AH's alone.
constexpr std::pair<std::uint16_t, Integ> gmacs[] = {
    {128, Integ::aes_128_gmac}, {192, Integ::aes_192_gmac}, {256, Integ::aes_256_gmac}};

Result<> complete_ah(Proposal& proposal, std::string_view text) {
    for (Transform& transform : proposal.transforms) {
        if (transform.type != TransformType::encr) continue;
        const auto gmac = std::ranges::find(gmacs, transform.key_bits.value_or(0), &std::pair<std::uint16_t, Integ>::first);
        if (transform.id != static_cast<std::uint16_t>(Encr::null_auth_aes_gmac) || gmac == std::end(gmacs))
            return refused(text, "AH encrypts nothing: name integrity algorithms alone, such as sha256");
        transform = Transform::of(gmac->second);
    }
    if (!proposal.has(TransformType::integ)) return refused(text, "it needs an integrity algorithm, such as sha256");
    return {};
}

Result<> complete_ike(const Proposal& proposal, std::string_view text) {
    if (!proposal.has(TransformType::prf))
        return refused(text, "it needs a PRF, such as prfsha384");
    const auto ke = proposal.of_type(TransformType::ke);
    const auto none = [](const Transform& t) { return t.id == 0; };
    if (ke.empty() || std::ranges::any_of(ke, none))
        return refused(text, "an IKE proposal needs a key exchange method, such as x25519");
    if (proposal.has(TransformType::sn))
        return refused(text, "esn and noesn belong to ESP proposals");
    const auto null = [](const Transform& t) {
        const auto encr = static_cast<Encr>(t.id);
        return t.type == TransformType::encr &&
               (encr == Encr::null || encr == Encr::null_auth_aes_gmac);
    };
    // RFC 7296 §5: an IKE SA is always encrypted.
    if (std::ranges::any_of(proposal.transforms, null))
        return refused(text, "an IKE proposal needs encryption");
    const auto implicit_iv = [](const Transform& t) {
        return t.type == TransformType::encr && has_implicit_iv(static_cast<Encr>(t.id));
    };
    // RFC 8750 §7: message numbers may come twice, sequence numbers of ESP do not.
    if (std::ranges::any_of(proposal.transforms, implicit_iv))
        return refused(text, "implicit IVs belong to ESP proposals");
    return {};
}

Result<> complete_esp(Proposal& proposal, std::string_view text) {
    if (proposal.has(TransformType::prf))
        return refused(text, "a PRF belongs to IKE proposals");
    const auto additional = [](const Transform& t) { return is_additional_ke(t.type); };
    if (std::ranges::any_of(proposal.transforms, additional) && !proposal.has(TransformType::ke))
        return refused(text, "an additional key exchange needs a first one, such as x25519");
    if (!proposal.has(TransformType::sn))
        proposal.transforms.push_back(Transform::of(Sn::bits_32));
    return {};
}

// docs/protocol/large-key-exchange.md §3: neither IKE_SA_INIT nor CREATE_CHILD_SA holds such a value.
Result<> check_first_method(const Proposal& proposal, std::string_view text) {
    for (const Transform& transform : proposal.of_type(TransformType::ke))
        if (is_mceliece(method_of(static_cast<Ke>(transform.id)).value_or(Ke::none)))
            return refused(text, "Classic McEliece is an additional key exchange alone, as in x25519-ke1_mceliece348864");
    return {};
}

Result<Proposal> parse_one(Protocol protocol, std::string_view text) {
    Proposal proposal{.protocol = protocol};
    std::string_view rest = text;
    while (true) {
        const auto dash = rest.find('-');
        const std::string_view word = rest.substr(0, dash);
        auto transform = parse_additional(word);
        if (!transform) transform = parse_keyword(word);
        if (!transform)
            return refused(text, "'" + std::string(word) + "' is not an algorithm that Cygnet knows");
        if (std::ranges::find(proposal.transforms, *transform) == proposal.transforms.end())
            proposal.transforms.push_back(*std::move(transform));
        if (dash == rest.npos) break;
        rest.remove_prefix(dash + 1);
    }
    TRY(protocol == Protocol::ah ? complete_ah(proposal, text) : complete_encryption(proposal, text));
    if (protocol == Protocol::ike)
        TRY(complete_ike(proposal, text));
    else
        TRY(complete_esp(proposal, text));
    TRY(check_first_method(proposal, text));
    std::ranges::stable_sort(proposal.transforms, {}, [](const Transform& t) { return rank(t.type); });
    if (proposal.transforms.size() > limits::transforms_per_proposal)
        return refused(text, "too many algorithms in one proposal");
    return proposal;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Nothing for what has no word, which includes all that a standard forbids.
std::optional<std::string> word_of(const Transform& transform) {
    if (is_additional_ke(transform.type)) {
        const auto method = word_of(Transform{TransformType::ke, transform.id, {}, {}});
        if (!method) return std::nullopt;
        return "ke" + std::to_string(std::to_underlying(transform.type) - 5) + "_" + *method;
    }
    if (transform.type == TransformType::encr) {
        const auto encr = static_cast<Encr>(transform.id);
        const std::string bits = std::to_string(transform.key_bits.value_or(0));
        // The spelling with the ICV size in octets, and nothing for CBC.
        for (const Mode& mode : modes) {
            if (mode.suffix == "gcm" || mode.suffix == "ccm") continue;
            if (mode.aes == encr) return "aes" + bits + std::string(mode.suffix);
            if (mode.camellia == encr && encr != Encr::none) return "camellia" + bits + std::string(mode.suffix);
        }
    }
    if (transform.type == TransformType::integ)
        for (const auto& [bits, gmac] : gmacs)
            if (transform.id == static_cast<std::uint16_t>(gmac)) return "aes" + std::to_string(bits) + "gmac";
    std::uint16_t id = transform.id;
    if (transform.type == TransformType::ke) {
        const auto method = method_of(static_cast<Ke>(id));
        if (!method) return std::nullopt;
        id = std::to_underlying(*method);
    }
    const auto row = std::ranges::find_if(
        keywords, [&](const Keyword& keyword) { return keyword.type == transform.type && keyword.id == id; });
    if (row == std::end(keywords)) return std::nullopt;
    return std::string(row->word == "sha" ? "sha1" : row->word);
}

bool derives_its_prf(const Proposal& proposal) {
    Proposal derived = proposal;
    std::erase_if(derived.transforms, [](const Transform& t) { return t.type == TransformType::prf; });
    derive_prf(derived);
    return derived.of_type(TransformType::prf) == proposal.of_type(TransformType::prf);
}

void number_from_one(std::vector<Proposal>& proposals) {
    std::uint8_t number = 0;
    for (Proposal& proposal : proposals) proposal.number = ++number;
}

}  // namespace

std::optional<Ke> method_of_word(std::string_view word) {
    const auto row = std::ranges::find(keywords, word, &Keyword::word);
    if (row == std::end(keywords) || row->type != TransformType::ke) return std::nullopt;
    return static_cast<Ke>(row->id);
}

std::string Proposal::keywords() const {
    std::vector<Transform> sorted = transforms;
    std::ranges::stable_sort(sorted, {}, [](const Transform& t) { return rank(t.type); });
    const bool without_prf = derives_its_prf(*this);
    std::string text;
    for (const Transform& transform : sorted) {
        if (transform.type == TransformType::prf && without_prf) continue;
        // "none" goes without saying, and so do sequence numbers of 32 bits alone.
        const bool optional = transform.type == TransformType::integ || transform.type == TransformType::ke;
        if (optional && transform.id == 0) continue;
        if (transform.type == TransformType::sn && transform.id == 0 && of_type(TransformType::sn).size() == 1) continue;
        const auto word = word_of(transform);
        if (!word) return {};
        text += (text.empty() ? "" : "-") + *word;
    }
    return text;
}

Result<std::vector<Proposal>> parse_proposals(Protocol protocol, std::string_view text) {
    std::vector<Proposal> proposals;
    while (true) {
        const auto comma = text.find(',');
        const std::string_view word = trimmed(text.substr(0, comma));
        if (word.empty()) return refused(word, "an empty proposal");
        if (word == "default") {
            if (protocol == Protocol::ah) return refused(word, "AH has no default; name its integrity algorithms, such as sha256");
            const auto defaults =
                protocol == Protocol::ike ? default_ike_proposals() : default_esp_proposals();
            std::ranges::copy(defaults, std::back_inserter(proposals));
        } else {
            proposals.push_back(TRY(parse_one(protocol, word)));
        }
        if (comma == text.npos) break;
        text.remove_prefix(comma + 1);
    }
    if (proposals.size() > limits::proposals_per_sa_payload)
        return fail(Errc::limit, "proposals",
                    "at most " + std::to_string(limits::proposals_per_sa_payload) + " proposals");
    number_from_one(proposals);
    return proposals;
}

std::vector<Proposal> default_ike_proposals() {
    const std::vector<Transform> classic{
        Transform::of(Encr::aes_gcm_16, 256),
        Transform::of(Prf::hmac_sha2_384),
        Transform::of(Ke::curve25519),
    };
    std::vector<Proposal> proposals{
        {.protocol = Protocol::ike, .transforms = classic},
        {.protocol = Protocol::ike, .transforms = classic},
    };
    proposals.front().transforms.push_back(Transform::additional(1, Ke::ml_kem_768));
    number_from_one(proposals);
    return proposals;
}

std::vector<Proposal> default_esp_proposals() {
    // RFC 8750 §5: the implicit IV, and for those who do not know it the same with an explicit one.
    std::vector<Proposal> proposals{
        {.protocol = Protocol::esp,
         .transforms = {Transform::of(Encr::aes_gcm_16_iiv, 256), Transform::of(Encr::aes_gcm_16, 256)}},
        {.protocol = Protocol::esp,
         .transforms = {Transform::of(Encr::chacha20_poly1305_iiv), Transform::of(Encr::chacha20_poly1305)}},
    };
    for (Proposal& proposal : proposals)
        for (const Sn sn : {Sn::bits_64_partial, Sn::bits_32})
            proposal.transforms.push_back(Transform::of(sn));
    number_from_one(proposals);
    return proposals;
}

}  // namespace cygnet::model
