// OpenSSL: certificates and path validation.
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "crypto/handle.h"
#include "crypto/x509.h"

namespace cygnet::crypto {
namespace {

using Names = Handle<GENERAL_NAMES, GENERAL_NAMES_free>;
using Store = Handle<X509_STORE, X509_STORE_free>;
using StoreContext = Handle<X509_STORE_CTX, X509_STORE_CTX_free>;
struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

}  // namespace

struct Certificate::Impl {
    Handle<X509, X509_free> x509;
    Bytes der, subject, issuer;
    std::vector<model::Identity> identities;
    std::vector<Bytes> general_names;
    bool ca = false;
    std::int64_t not_before = 0, not_after = 0;
};

namespace {

std::optional<std::int64_t> seconds_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    const std::chrono::year_month_day day{std::chrono::year(parts.tm_year + 1900),
                                          std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                          std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
    const auto days = std::chrono::sys_days(day).time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(days).count() + parts.tm_hour * 3600 + parts.tm_min * 60 +
           parts.tm_sec;
}

Bytes der_of(const X509_NAME* name) {
    const std::uint8_t* octets = nullptr;
    std::size_t size = 0;
    if (X509_NAME_get0_der(name, &octets, &size) != 1) return {};
    return {octets, octets + size};
}

ByteView octets_of(const ASN1_STRING* string) {
    return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// A name with control characters (a NUL above all) means one thing to us and another to the CA.
bool is_clean(ByteView name) {
    return !name.empty() && std::ranges::all_of(name, [](std::uint8_t c) { return c > 0x20 && c < 0x7f; });
}

// The ID payload that a subjectAltName stands for, RFC 4945 §3.1.
std::optional<model::Identity> identity_of(const GENERAL_NAME* name) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_DIRNAME)
        return model::Identity{model::IdType::der_asn1_dn, der_of(static_cast<const X509_NAME*>(value))};
    if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_IPADD) return std::nullopt;
    const ByteView octets = octets_of(static_cast<const ASN1_STRING*>(value));
    if (type == GEN_IPADD) {
        if (octets.size() == 4) return model::Identity{model::IdType::ipv4_addr, keep(octets)};
        if (octets.size() == 16) return model::Identity{model::IdType::ipv6_addr, keep(octets)};
        return std::nullopt;
    }
    if (!is_clean(octets)) return std::nullopt;
    return model::Identity{type == GEN_DNS ? model::IdType::fqdn : model::IdType::rfc822_addr, keep(octets)};
}

std::vector<model::Identity> identities_of(X509* x509, const Bytes& subject) {
    std::vector<model::Identity> identities;
    constexpr std::size_t empty_name_size = 2;
    if (subject.size() > empty_name_size) identities.push_back({model::IdType::der_asn1_dn, subject});
    const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i)
        if (auto identity = identity_of(sk_GENERAL_NAME_value(names.get(), i)))
            identities.push_back(std::move(*identity));
    return identities;
}

std::vector<Bytes> general_names_of(X509* x509) {
    std::vector<Bytes> all;
    const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        std::uint8_t* encoded = nullptr;
        const int size = i2d_GENERAL_NAME(sk_GENERAL_NAME_value(names.get(), i), &encoded);
        if (size > 0) all.emplace_back(encoded, encoded + size);
        OPENSSL_free(encoded);
    }
    return all;
}

// The DER inside PEM armour, with nothing but blanks behind it; text before it is allowed (`openssl x509 -text`).
Result<Bytes> unarmour(std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
    const std::size_t from = text.find(begin), to = text.find(end);
    if (from == std::string_view::npos || to == std::string_view::npos || to < from + begin.size())
        return fail(Errc::bad_syntax, "certificate", "PEM without BEGIN and END CERTIFICATE");
    if (text.substr(to + end.size()).find_first_not_of(" \t\r\n") != std::string_view::npos)
        return fail(Errc::trailing, "certificate", "one certificate wanted, something follows it");
    auto der = from_base64(text.substr(from + begin.size(), to - from - begin.size()));
    if (!der) return fail(Errc::bad_syntax, "certificate", "PEM that is not base64");
    return *std::move(der);
}

Result<Bytes> der_of_file(ByteView pem_or_der) {
    if (!pem_or_der.empty() && pem_or_der.front() == 0x30) return keep(pem_or_der);
    return unarmour(text_of(pem_or_der));
}

}  // namespace

Result<Certificate> Certificate::parse(ByteView pem_or_der) {
    auto impl = std::make_shared<Impl>();
    impl->der = TRY(der_of_file(pem_or_der));
    const std::uint8_t* at = impl->der.data();
    impl->x509.reset(d2i_X509(nullptr, &at, static_cast<long>(impl->der.size())));
    X509* x509 = impl->x509.get();
    const bool readable = x509 && !(X509_get_extension_flags(x509) & EXFLAG_INVALID);
    ERR_clear_error();
    if (!readable) return fail(Errc::bad_syntax, "certificate", "not a well-formed X.509 certificate");
    if (at != impl->der.data() + impl->der.size())
        return fail(Errc::trailing, "certificate", "octets after the certificate");
    impl->subject = der_of(X509_get_subject_name(x509));
    impl->issuer = der_of(X509_get_issuer_name(x509));
    impl->identities = identities_of(x509, impl->subject);
    impl->general_names = general_names_of(x509);
    impl->ca = (X509_get_extension_flags(x509) & EXFLAG_CA) != 0;
    const auto not_before = seconds_of(X509_get0_notBefore(x509));
    const auto not_after = seconds_of(X509_get0_notAfter(x509));
    ERR_clear_error();
    if (!not_before || !not_after) return fail(Errc::bad_value, "certificate", "unreadable validity");
    impl->not_before = *not_before;
    impl->not_after = *not_after;
    return Certificate(std::move(impl));
}

const Bytes& Certificate::der() const { return impl_->der; }
const Bytes& Certificate::subject() const { return impl_->subject; }
std::string Certificate::subject_text() const { return distinguished_name_text(impl_->subject); }
std::string Certificate::issuer_text() const { return distinguished_name_text(impl_->issuer); }
const std::vector<model::Identity>& Certificate::identities() const { return impl_->identities; }
const std::vector<Bytes>& Certificate::general_names() const { return impl_->general_names; }
bool Certificate::is_ca() const { return impl_->ca; }
std::int64_t Certificate::not_before() const { return impl_->not_before; }
std::int64_t Certificate::not_after() const { return impl_->not_after; }

Result<PublicKey> Certificate::public_key() const {
    std::uint8_t* encoded = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(impl_->x509.get()), &encoded);
    if (size <= 0) return fail(Errc::bad_value, "certificate", "unreadable public key");
    const Bytes spki(encoded, encoded + size);
    OPENSSL_free(encoded);
    return PublicKey::from_spki(spki);
}

namespace {

std::string date_text(std::int64_t seconds) {
    const std::chrono::year_month_day day{
        std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds)))};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                       static_cast<unsigned>(day.day()));
}

std::string quoted_subject(X509* x509) {
    return fmt::format("certificate \"{}\"", distinguished_name_text(der_of(X509_get_subject_name(x509))));
}

// Why no issuer was found, looking at the certificates that have its name.
std::string missing_issuer(X509* x509, std::span<const Certificate> intermediates,
                           std::span<const Certificate> anchors) {
    const std::string issuer = distinguished_name_text(der_of(X509_get_issuer_name(x509)));
    for (const auto& list : {anchors, intermediates}) {
        for (const Certificate& each : list) {
            X509* candidate = each.impl().x509.get();
            if (X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(x509)) != 0) continue;
            switch (X509_check_issued(candidate, x509)) {
                case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
                    return fmt::format("was issued by \"{}\", whose key usage lacks keyCertSign", issuer);
                case X509_V_ERR_AKID_SKID_MISMATCH:
                case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
                    return fmt::format("was issued by another key of \"{}\" than the one that we know", issuer);
                default: break;
            }
        }
    }
    return fmt::format("has an untrusted issuer: no CA certificate \"{}\" is among the trusted ones (x509ca) or was sent", issuer);
}

// What to say about OpenSSL's errors that need no more than themselves.
const char* plain_reason(int error) {
    switch (error) {
        case X509_V_ERR_CERT_SIGNATURE_FAILURE: return "has a signature that its issuer's key does not verify";
        case X509_V_ERR_PATH_LENGTH_EXCEEDED: return "is deeper in the path than its CA's path length allows";
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL: return "has a weak key (RSA keys need 2048 bits)";
        case X509_V_ERR_CA_MD_TOO_WEAK: return "is signed with a weak hash (SHA-1 or older)";
        case X509_V_ERR_PERMITTED_VIOLATION:
        case X509_V_ERR_EXCLUDED_VIOLATION: return "has a name outside of its CA's name constraints";
        case X509_V_ERR_SUBTREE_MINMAX:
        case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
        case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
        case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX: return "meets name constraints of a form that is not supported";
        case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION: return "has a critical extension that is not supported";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "is self-signed and not trusted";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "ends the path, but is not among the trusted CAs";
        case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "is the end of a path that is too long";
        case X509_V_ERR_NO_EXPLICIT_POLICY:
        case X509_V_ERR_INVALID_POLICY_EXTENSION: return "does not meet the certificate policies that its CA requires";
        default: return nullptr;
    }
}

std::string reason(X509_STORE_CTX* context, X509* x509, std::span<const Certificate> intermediates,
                   std::span<const Certificate> anchors) {
    const int error = X509_STORE_CTX_get_error(context);
    if (const char* text = plain_reason(error)) return text;
    switch (error) {
        case X509_V_ERR_INVALID_CA:
        case X509_V_ERR_INVALID_NON_CA:
        case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
            return X509_get_extension_flags(x509) & EXFLAG_CA
                       ? "issued a certificate, but its key usage lacks keyCertSign"
                       : "issued a certificate but is not a CA (basic constraints)";
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "expired on " + date_text(seconds_of(X509_get0_notAfter(x509)).value_or(0));
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "is not valid before " + date_text(seconds_of(X509_get0_notBefore(x509)).value_or(0));
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return missing_issuer(x509, intermediates, anchors);
        default: return std::string("is not acceptable: ") + X509_verify_cert_error_string(error);
    }
}

std::unexpected<Error> refuse(std::string detail) {
    return fail(Errc::authentication, "certificate", std::move(detail));
}

Stack stack_of(std::span<const Certificate> certificates) {
    Stack stack(sk_X509_new_null());
    ASSERT(stack);
    for (const Certificate& each : certificates) ASSERT(sk_X509_push(stack.get(), each.impl().x509.get()) > 0);
    return stack;
}

Store store_of(std::span<const Certificate> anchors) {
    Store store(X509_STORE_new());
    ASSERT(store);
    for (const Certificate& each : anchors) X509_STORE_add_cert(store.get(), each.impl().x509.get());
    return store;
}

// What every path is held to: an anchor need not be self-signed (it is trusted, RFC 5280 §6.1.1 d),
// 112 bits of strength in every key and signature, policies where a CA requires them.
void set_rules(X509_STORE_CTX* context, std::int64_t now) {
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context);
    constexpr int strength_112_bits = 2;
    constexpr int path_length_max = 16;
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
    // Without this OpenSSL takes our policies for none instead of any.
    ASSERT(X509_VERIFY_PARAM_add0_policy(rules, OBJ_nid2obj(NID_any_policy)) == 1);
    X509_VERIFY_PARAM_set_auth_level(rules, strength_112_bits);
    X509_VERIFY_PARAM_set_depth(rules, path_length_max);
    X509_VERIFY_PARAM_set_time(rules, now);
}

}  // namespace

Result<Certificate> validate_path(const Certificate& leaf, std::span<const Certificate> intermediates,
                                  std::span<const Certificate> anchors, std::int64_t now) {
    X509* x509 = leaf.impl().x509.get();
    const Store store = store_of(anchors);
    const Stack untrusted = stack_of(intermediates);
    const StoreContext context(X509_STORE_CTX_new());
    ASSERT(context && X509_STORE_CTX_init(context.get(), store.get(), x509, untrusted.get()) == 1);
    set_rules(context.get(), now);
    const bool valid = X509_verify_cert(context.get()) == 1;
    ERR_clear_error();
    if (!valid) {
        X509* culprit = X509_STORE_CTX_get_current_cert(context.get());
        if (!culprit) culprit = x509;
        return refuse(
            fmt::format("{} {}", quoted_subject(culprit), reason(context.get(), culprit, intermediates, anchors)));
    }
    // RFC 4945 §5.1.3.2: without the extension every use is allowed.
    if (!(X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return refuse(quoted_subject(x509) + " may not sign: its key usage lacks digitalSignature");

    STACK_OF(X509)* path = X509_STORE_CTX_get0_chain(context.get());
    const X509* last = sk_X509_value(path, sk_X509_num(path) - 1);
    const auto anchor = std::ranges::find_if(
        anchors, [last](const Certificate& each) { return X509_cmp(each.impl().x509.get(), last) == 0; });
    if (anchor == anchors.end()) return refuse(quoted_subject(x509) + " has no path to a trusted CA");
    return *anchor;
}

}  // namespace cygnet::crypto
