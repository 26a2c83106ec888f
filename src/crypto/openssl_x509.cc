// OpenSSL: certificates.
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "crypto/der.h"
#include "crypto/openssl_certificate.h"
#include "crypto/prf.h"
#include "model/limits.h"

namespace cygnet::crypto {
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

std::string date_text(std::int64_t seconds) {
    const std::chrono::year_month_day day{
        std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds)))};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                       static_cast<unsigned>(day.day()));
}

std::string quoted_subject(X509* x509) {
    return fmt::format("certificate \"{}\"", distinguished_name_text(der_of(X509_get_subject_name(x509))));
}

namespace {

using Names = Handle<GENERAL_NAMES, GENERAL_NAMES_free>;
using Points = Handle<CRL_DIST_POINTS, CRL_DIST_POINTS_free>;
using Access = Handle<AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free>;

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

// An http URL of bounded length out of a GeneralName; others cannot be looked up by us.
void add_uri(const GENERAL_NAME* name, std::vector<std::string>& uris) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_URI || uris.size() == model::limits::look_up_uris_per_certificate) return;
    const ByteView octets = octets_of(static_cast<const ASN1_STRING*>(value));
    const std::string_view text = text_of(octets);
    if (is_clean(octets) && text.size() <= model::limits::look_up_uri_octets && text.starts_with("http://"))
        uris.emplace_back(text);
}

std::vector<std::string> crl_uris_of(X509* x509) {
    std::vector<std::string> uris;
    const Points points(static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(x509, NID_crl_distribution_points, nullptr, nullptr)));
    for (int i = 0; points && i < sk_DIST_POINT_num(points.get()); ++i) {
        const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
        if (!point->distpoint || point->distpoint->type != 0) continue;
        const GENERAL_NAMES* names = point->distpoint->name.fullname;
        for (int j = 0; j < sk_GENERAL_NAME_num(names); ++j) add_uri(sk_GENERAL_NAME_value(names, j), uris);
    }
    return uris;
}

std::vector<std::string> ocsp_uris_of(X509* x509) {
    std::vector<std::string> uris;
    const Access access(static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(x509, NID_info_access, nullptr, nullptr)));
    for (int i = 0; access && i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
        const ACCESS_DESCRIPTION* each = sk_ACCESS_DESCRIPTION_value(access.get(), i);
        if (OBJ_obj2nid(each->method) == NID_ad_OCSP) add_uri(each->location, uris);
    }
    return uris;
}

Result<PublicKey> public_key_of(X509* x509) {
    std::uint8_t* encoded = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &encoded);
    if (size <= 0) return fail(Errc::bad_value, "certificate", "unreadable public key");
    const Bytes spki(encoded, encoded + size);
    OPENSSL_free(encoded);
    return PublicKey::from_spki(spki);
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
    teach_openssl();
    auto impl = std::make_shared<Impl>();
    impl->der = TRY(der_of_file(pem_or_der));
    ByteView rest = impl->der;
    if (!der::read(rest)) return fail(Errc::bad_syntax, "certificate", "not DER");
    if (!rest.empty()) return fail(Errc::trailing, "certificate", "octets after the certificate");
    const std::uint8_t* at = impl->der.data();
    impl->x509.reset(d2i_X509(nullptr, &at, static_cast<long>(impl->der.size())));
    X509* x509 = impl->x509.get();
    const bool readable = x509 && !(X509_get_extension_flags(x509) & EXFLAG_INVALID);
    ERR_clear_error();
    if (!readable) return fail(Errc::bad_syntax, "certificate", "not a well-formed X.509 certificate");
    impl->fingerprint = sha2_256({impl->der});
    impl->subject = der_of(X509_get_subject_name(x509));
    impl->issuer = der_of(X509_get_issuer_name(x509));
    impl->identities = identities_of(x509, impl->subject);
    impl->general_names = general_names_of(x509);
    impl->crl_uris = crl_uris_of(x509);
    impl->ocsp_uris = ocsp_uris_of(x509);
    impl->public_key = public_key_of(x509);
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

const Digest& Certificate::fingerprint() const { return impl_->fingerprint; }
const std::vector<std::string>& Certificate::crl_uris() const { return impl_->crl_uris; }
const std::vector<std::string>& Certificate::ocsp_uris() const { return impl_->ocsp_uris; }
const Result<PublicKey>& Certificate::public_key() const { return impl_->public_key; }

bool Certificate::is_issued_by(const Certificate& issuer) const {
    const bool issued = X509_check_issued(issuer.impl().x509.get(), impl_->x509.get()) == X509_V_OK;
    ERR_clear_error();
    return issued;
}

bool Certificate::is_self_issued() const {
    X509* x509 = impl_->x509.get();
    return X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)) == 0;
}

}  // namespace cygnet::crypto
