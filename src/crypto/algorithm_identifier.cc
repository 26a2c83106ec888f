// AlgorithmIdentifiers of RFC 7427 appendix A, RFC 8420 appendix A and pqc-auth appendix B.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "crypto/der.h"
#include "crypto/public_key.h"
#include "crypto/signature.h"

namespace cygnet::crypto {
namespace {

using model::SignatureHash;
using Kind = SignatureScheme::Kind;

struct HashName {
    SignatureHash hash;
    const char* oid;
    const char* rsa_pkcs1;  // RFC 8017 appendix A.2.4
    const char* ecdsa;      // RFC 5758 §3.2
    std::uint8_t size;
};
constexpr std::array<HashName, 4> hash_names = {{
    {SignatureHash::sha1, "1.3.14.3.2.26", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", 20},
    {SignatureHash::sha2_256, "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", 32},
    {SignatureHash::sha2_384, "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3", 48},
    {SignatureHash::sha2_512, "2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4", 64},
}};
constexpr const char* rsa_pss_oid = "1.2.840.113549.1.1.10";
constexpr const char* mgf1_oid = "1.2.840.113549.1.1.8";
// HashML-DSA and HashSLH-DSA, by the last number of their OIDs under NIST's sigAlgs.
constexpr std::string_view signature_arc = "2.16.840.1.101.3.4.3.";
constexpr unsigned first_prehash = 32, last_prehash = 46;

constexpr std::array<std::uint8_t, 2> null_element = {der::null, 0};

Bytes oid_element(const char* text) { return der::element(der::object_identifier, {der::oid_content(text)}); }
Bytes identifier(const char* oid, ByteView parameters = {}) {
    return der::element(der::sequence, {oid_element(oid), parameters});
}

// RFC 8017 appendix A.2.3, all fields written: the hash, MGF1 with it, a salt of its length.
Bytes pss_parameters(const HashName& hash) {
    const Bytes hash_identifier = identifier(hash.oid, null_element);
    const Bytes salt_size = der::element(der::integer, {{{hash.size}}});
    return der::element(der::sequence, {der::element(der::explicit_tag(0), {hash_identifier}),
                                        der::element(der::explicit_tag(1), {identifier(mgf1_oid, hash_identifier)}),
                                        der::element(der::explicit_tag(2), {salt_size})});
}

struct Identifier {
    std::string oid;
    ByteView parameters;  // empty if absent
};

Result<Identifier> read_identifier(ByteView& from) {
    ByteView content = TRY(der::expect(from, der::sequence));
    const ByteView oid = TRY(der::expect(content, der::object_identifier));
    return Identifier{der::oid_text(oid), content};
}

// RFC 4055 §2.1: parameters of hashes may be NULL or absent.
bool is_null_or_absent(ByteView parameters) { return parameters.empty() || equal(parameters, null_element); }

std::unexpected<Error> unsupported(std::string why) {
    return fail(Errc::unsupported, "signature algorithm", std::move(why));
}

Result<const HashName*> read_hash(ByteView& from) {
    const Identifier named = TRY(read_identifier(from));
    const auto row = std::ranges::find(hash_names, named.oid, [](const HashName& each) { return each.oid; });
    if (row == hash_names.end() || !is_null_or_absent(named.parameters)) return unsupported("hash " + named.oid);
    return &*row;
}

// The content of the optional field with this explicit tag at the front of `from`.
Result<std::optional<ByteView>> optional_field(ByteView& from, unsigned number) {
    if (from.empty() || from.front() != der::explicit_tag(number)) return std::nullopt;
    return TRY(der::expect(from, der::explicit_tag(number)));
}

Result<SignatureScheme> read_pss(ByteView parameters) {
    ByteView fields = TRY(der::expect_only(parameters, der::sequence));
    const HashName* hash = hash_names.data();  // the defaults are SHA-1, MGF1 with SHA-1, and 20 octets of salt
    const HashName* mask_hash = hash_names.data();
    std::uint8_t salt_size = 20;
    if (auto field = TRY(optional_field(fields, 0))) hash = TRY(read_hash(*field));
    if (auto field = TRY(optional_field(fields, 1))) {
        Identifier mask = TRY(read_identifier(*field));
        if (mask.oid != mgf1_oid) return unsupported("mask generation function " + mask.oid);
        mask_hash = TRY(read_hash(mask.parameters));
    }
    if (auto field = TRY(optional_field(fields, 2))) {
        const ByteView size = TRY(der::expect_only(*field, der::integer));
        if (size.size() != 1) return unsupported("RSA-PSS salt length");
        salt_size = size.front();
    }
    if (auto field = TRY(optional_field(fields, 3)); field && !equal(*field, Bytes{der::integer, 1, 1}))
        return unsupported("RSA-PSS trailer");
    if (!fields.empty()) return fail(Errc::trailing, "RSA-PSS parameters");
    if (mask_hash != hash || salt_size != hash->size)
        return unsupported("RSA-PSS whose mask hash or salt length is not that of its hash");
    return SignatureScheme{Kind::rsa_pss, hash->hash};
}

bool is_prehash(std::string_view oid) {
    unsigned last = 0;
    if (!oid.starts_with(signature_arc)) return false;
    oid.remove_prefix(signature_arc.size());
    std::from_chars(oid.data(), oid.data() + oid.size(), last);
    return last >= first_prehash && last <= last_prehash;
}

Bytes make_identifier(const SignatureScheme& scheme) {
    if (const OneWay* one_way = one_way_of(scheme.kind)) return identifier(one_way->oid);
    const auto hash = std::ranges::find(hash_names, scheme.hash, &HashName::hash);
    ASSERT(hash != hash_names.end());
    if (scheme.kind == Kind::rsa_pkcs1) return identifier(hash->rsa_pkcs1, null_element);
    if (scheme.kind == Kind::ecdsa) return identifier(hash->ecdsa);
    return identifier(rsa_pss_oid, pss_parameters(*hash));
}

// As everybody writes them: a message that announces signatures (RFC 9593) has a dozen.
struct Written {
    SignatureScheme scheme;
    Bytes octets;
};
const std::vector<Written>& usual_identifiers() {
    static const std::vector<Written> all = [] {
        std::vector<Written> made;
        const auto add = [&](const SignatureScheme& scheme) { made.push_back({scheme, make_identifier(scheme)}); };
        for (const HashName& hash : hash_names)
            for (const Kind kind : {Kind::rsa_pss, Kind::rsa_pkcs1, Kind::ecdsa}) add({kind, hash.hash});
        for (const OneWay& each : one_way_keys()) add({each.kind, SignatureHash::identity});
        return made;
    }();
    return all;
}

}  // namespace

Bytes algorithm_identifier(const SignatureScheme& scheme) {
    const auto& usual = usual_identifiers();
    const auto known = std::ranges::find(usual, scheme, &Written::scheme);
    return known != usual.end() ? known->octets : make_identifier(scheme);
}

Result<SignatureScheme> parse_algorithm_identifier(ByteView der) {
    for (const Written& usual : usual_identifiers())
        if (equal(usual.octets, der)) return usual.scheme;
    const Identifier named = TRY(read_identifier(der));
    if (!der.empty()) return fail(Errc::trailing, "signature algorithm");
    if (named.oid == rsa_pss_oid) return read_pss(named.parameters);
    for (const HashName& hash : hash_names) {
        // RFC 4055 §5 wants NULL, but absent parameters are seen.
        if (named.oid == hash.rsa_pkcs1 && is_null_or_absent(named.parameters))
            return SignatureScheme{Kind::rsa_pkcs1, hash.hash};
        if (named.oid == hash.ecdsa && named.parameters.empty()) return SignatureScheme{Kind::ecdsa, hash.hash};
    }
    for (const OneWay& each : one_way_keys())
        if (named.oid == each.oid && named.parameters.empty()) return SignatureScheme{each.kind, SignatureHash::identity};
    // pqc-auth §3.2: pure mode, and no other.
    if (is_prehash(named.oid)) return unsupported("HashML-DSA and HashSLH-DSA have no place in IKE (" + named.oid + ')');
    return unsupported("signature algorithm " + named.oid);
}

}  // namespace cygnet::crypto
