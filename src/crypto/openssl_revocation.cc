// OpenSSL: CRLs and OCSP.
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include <fmt/format.h>

#include "crypto/der.h"
#include "crypto/openssl_certificate.h"
#include "crypto/revocation.h"
#include "model/limits.h"

namespace cygnet::crypto {

struct Crl::Impl {
    Handle<X509_CRL, X509_CRL_free> crl;
    Bytes der, issuer;
    std::int64_t this_update = 0, next_update = 0;
};

namespace {

namespace limits = model::limits;
using Standing = Verdict::Standing;
using Response = Handle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using Basic = Handle<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using CertId = Handle<OCSP_CERTID, OCSP_CERTID_free>;
using Request = Handle<OCSP_REQUEST, OCSP_REQUEST_free>;

constexpr std::int64_t in_seconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}
// How long an answer is taken that does not say when the next one comes.
constexpr std::int64_t unsaid_validity_s = in_seconds(minutes(60));

struct FreeCrls {
    void operator()(STACK_OF(X509_CRL) * stack) const { sk_X509_CRL_free(stack); }
};
using CrlStack = std::unique_ptr<STACK_OF(X509_CRL), FreeCrls>;

Result<Bytes> crl_octets(ByteView pem_or_der) {
    if (!pem_or_der.empty() && pem_or_der.front() == der::sequence) return keep(pem_or_der);
    constexpr std::string_view begin = "-----BEGIN X509 CRL-----", end = "-----END X509 CRL-----";
    const std::string_view text = text_of(pem_or_der);
    const std::size_t from = text.find(begin), to = text.find(end);
    if (from == text.npos || to == text.npos || to < from + begin.size())
        return fail(Errc::bad_syntax, "CRL", "neither DER nor PEM with BEGIN and END X509 CRL");
    auto octets = from_base64(text.substr(from + begin.size(), to - from - begin.size()));
    if (!octets) return fail(Errc::bad_syntax, "CRL", "PEM that is not base64");
    return *std::move(octets);
}

}  // namespace

Result<Crl> Crl::parse(ByteView pem_or_der) {
    auto impl = std::make_shared<Impl>();
    impl->der = TRY(crl_octets(pem_or_der));
    const std::uint8_t* at = impl->der.data();
    impl->crl.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(impl->der.size())));
    ERR_clear_error();
    if (!impl->crl) return fail(Errc::bad_syntax, "CRL", "not a well-formed CRL");
    if (at != impl->der.data() + impl->der.size()) return fail(Errc::trailing, "CRL", "octets after the CRL");
    impl->issuer = der_of(X509_CRL_get_issuer(impl->crl.get()));
    const auto this_update = seconds_of(X509_CRL_get0_lastUpdate(impl->crl.get()));
    if (!this_update) return fail(Errc::bad_value, "CRL", "unreadable dates");
    impl->this_update = *this_update;
    impl->next_update = seconds_of(X509_CRL_get0_nextUpdate(impl->crl.get())).value_or(*this_update);
    ERR_clear_error();
    return Crl(std::move(impl));
}

const Bytes& Crl::der() const { return impl_->der; }
std::string Crl::issuer_text() const { return distinguished_name_text(impl_->issuer); }
std::int64_t Crl::this_update() const { return impl_->this_update; }
std::int64_t Crl::next_update() const { return impl_->next_update; }

bool Crl::is_signed_by(const Certificate& issuer) const {
    X509* x509 = issuer.impl().x509.get();
    EVP_PKEY* key = X509_get0_pubkey(x509);
    const bool is_signed = key != nullptr &&
                           X509_NAME_cmp(X509_get_subject_name(x509), X509_CRL_get_issuer(impl_->crl.get())) == 0 &&
                           (X509_get_key_usage(x509) & KU_CRL_SIGN) != 0 && X509_CRL_verify(impl_->crl.get(), key) == 1;
    ERR_clear_error();
    return is_signed;
}

namespace {

// ---- CRLs -------------------------------------------------------------------------------------------

Verdict unknown(std::string detail) { return {.standing = Standing::unknown, .detail = std::move(detail)}; }

// What the callback looks for: the certificate at one place of the path.
struct Judgement {
    int depth = 0;
    bool stale = false;  // by a CRL that is out of date: it still says who was revoked
};

bool is_about_crls(int error) {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_CRL:
        case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
        case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        case X509_V_ERR_CRL_NOT_YET_VALID:
        case X509_V_ERR_CRL_HAS_EXPIRED:
        case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
        case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
        case X509_V_ERR_CERT_REVOKED:
        case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return true;
        default: return false;
    }
}

// Certificates at other places of the path are judged by themselves. A path to a CRL's issuer has no such freedom.
int look_at_one_place(int good, X509_STORE_CTX* context) {
    good = allow_post_quantum(good, context);
    if (good == 1 || X509_STORE_CTX_get0_parent_ctx(context) != nullptr) return good;
    auto& judgement = *static_cast<Judgement*>(X509_STORE_CTX_get_app_data(context));
    const int error = X509_STORE_CTX_get_error(context);
    if (!is_about_crls(error)) return 0;
    if (X509_STORE_CTX_get_error_depth(context) != judgement.depth) return 1;
    if (error != X509_V_ERR_CRL_HAS_EXPIRED) return 0;
    judgement.stale = true;
    return 1;
}

std::string revocation_text(X509* x509, std::span<const Crl> crls) {
    for (const Crl& each : crls) {
        X509_REVOKED* entry = nullptr;
        if (X509_CRL_get0_by_cert(each.impl().crl.get(), &entry, x509) != 1 || entry == nullptr) continue;
        const auto date = seconds_of(X509_REVOKED_get0_revocationDate(entry));
        int critical = -1;
        const Handle<ASN1_ENUMERATED, ASN1_ENUMERATED_free> reason(
            static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, nullptr)));
        std::string text = "was revoked";
        if (date) text += " on " + date_text(*date);
        if (reason) text += fmt::format(" ({})", OCSP_crl_reason_str(ASN1_ENUMERATED_get(reason.get())));
        return text;
    }
    return "was revoked";
}

std::string crl_problem(int error) {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_CRL: return "no CRL covers it";
        case X509_V_ERR_CRL_SIGNATURE_FAILURE: return "the signature of its CRL does not verify";
        case X509_V_ERR_CRL_NOT_YET_VALID: return "its CRL is from the future";
        case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN: return "the key usage of its CRL's issuer lacks cRLSign";
        case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION: return "its CRL has a critical extension that is not supported";
        case X509_V_ERR_DIFFERENT_CRL_SCOPE: return "its CRL is for other certificates";
        default: return std::string("its CRL is not usable: ") + X509_verify_cert_error_string(error);
    }
}

std::int64_t next_update_of(X509* x509, std::span<const Crl> crls, std::int64_t now) {
    std::int64_t until = now + unsaid_validity_s;
    bool said = false;
    for (const Crl& each : crls) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(each.impl().crl.get()), X509_get_issuer_name(x509)) != 0) continue;
        if (each.next_update() <= now) continue;
        until = said ? std::min(until, each.next_update()) : each.next_update();
        said = true;
    }
    return until;
}

// Of the certificate's issuer, or with a scope that may include it (RFC 5280 §5.2.5).
std::vector<Crl> relevant_crls(X509* x509, std::span<const Crl> all) {
    std::vector<Crl> relevant;
    for (const Crl& each : all) {
        const X509_CRL* crl = each.impl().crl.get();
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(x509)) == 0 ||
            X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >= 0)
            relevant.push_back(each);
    }
    return relevant;
}

}  // namespace

Verdict judge_by_crls(std::span<const Certificate> path, std::size_t position, std::span<const Certificate> others,
                      std::span<const Crl> known, std::int64_t now) {
    X509* x509 = path[position].impl().x509.get();
    const std::vector<Crl> crls = relevant_crls(x509, known);
    if (crls.empty()) return unknown("no CRL of its issuer is known");
    const Store store = store_of(path.last(1));
    const Stack untrusted = stack_of(path);
    for (const Certificate& each : others) ASSERT(sk_X509_push(untrusted.get(), each.impl().x509.get()) > 0);
    const CrlStack stack(sk_X509_CRL_new_null());
    ASSERT(stack);
    for (const Crl& each : known) ASSERT(sk_X509_CRL_push(stack.get(), each.impl().crl.get()) > 0);
    const StoreContext context(X509_STORE_CTX_new());
    X509* leaf = path.front().impl().x509.get();
    ASSERT(context && X509_STORE_CTX_init(context.get(), store.get(), leaf, untrusted.get()) == 1);
    X509_STORE_CTX_set0_crls(context.get(), stack.get());
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
    set_rules(rules, now);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
                                           X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS);
    Judgement judgement{.depth = static_cast<int>(position)};
    X509_STORE_CTX_set_app_data(context.get(), &judgement);
    X509_STORE_CTX_set_verify_cb(context.get(), look_at_one_place);
    const bool good = X509_verify_cert(context.get()) == 1;
    const int error = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    const std::int64_t until = next_update_of(x509, crls, now);
    if (!good && error == X509_V_ERR_CERT_REVOKED)
        return {.standing = Standing::revoked, .until = until, .detail = revocation_text(x509, crls)};
    if (!good) return unknown(crl_problem(error));
    if (judgement.stale) return unknown("its CRL is out of date");
    return {.standing = Standing::good, .until = until};
}

// ---- OCSP -------------------------------------------------------------------------------------------

Bytes ocsp_request(const Certificate& certificate, const Certificate& issuer) {
    const Request request(OCSP_REQUEST_new());
    // RFC 5019 §2.1.1: SHA-1 names the certificate, which every responder knows; no nonce, so that answers may be made ahead.
    CertId id(OCSP_cert_to_id(EVP_sha1(), certificate.impl().x509.get(), issuer.impl().x509.get()));
    ASSERT(request && id && OCSP_request_add0_id(request.get(), id.get()) != nullptr);
    id.release();
    std::uint8_t* encoded = nullptr;
    const int size = i2d_OCSP_REQUEST(request.get(), &encoded);
    ASSERT(size > 0);
    Bytes octets(encoded, encoded + size);
    OPENSSL_free(encoded);
    return octets;
}

namespace {

// The part of the response about the certificate, whatever hash names it there.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* basic, const Certificate& certificate, const Certificate& issuer) {
    for (int i = 0; i < OCSP_resp_count(basic); ++i) {
        OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
        auto* named = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
        ASN1_OBJECT* hash = nullptr;
        if (OCSP_id_get0_info(nullptr, &hash, nullptr, nullptr, named) != 1) continue;
        const EVP_MD* digest = EVP_get_digestbyobj(hash);
        if (digest == nullptr) continue;
        const CertId ours(OCSP_cert_to_id(digest, certificate.impl().x509.get(), issuer.impl().x509.get()));
        if (ours && OCSP_id_cmp(ours.get(), named) == 0) return single;
    }
    return nullptr;
}

// RFC 6960 §4.2.2.2: the issuer itself, or one whom it certified for this.
bool is_signed_by_authorized(OCSP_BASICRESP* basic, const Certificate& issuer, std::span<const Certificate> others,
                             std::int64_t now) {
    const Store store = store_of({&issuer, 1});
    set_rules(X509_STORE_get0_param(store.get()), now);
    const Stack untrusted = stack_of(others);
    ASSERT(sk_X509_push(untrusted.get(), issuer.impl().x509.get()) > 0);
    const bool good = OCSP_basic_verify(basic, untrusted.get(), store.get(), 0) == 1;
    ERR_clear_error();
    return good;
}

Verdict verdict_of(OCSP_SINGLERESP* single, std::int64_t now) {
    ASN1_GENERALIZEDTIME *revoked_at = nullptr, *this_update = nullptr, *next_update = nullptr;
    int reason = -1;
    const int status = OCSP_single_get0_status(single, &reason, &revoked_at, &this_update, &next_update);
    const auto from = seconds_of(this_update), to = seconds_of(next_update), since = seconds_of(revoked_at);
    if (!from || *from > now + in_seconds(limits::clock_skew)) return unknown("its OCSP response is from the future");
    // §4.2.2.1: without nextUpdate newer information is always there; an hour old is fresh enough.
    const std::int64_t until = to.value_or(*from + unsaid_validity_s);
    if (until < now) return unknown("its OCSP response is out of date");
    if (status == V_OCSP_CERTSTATUS_GOOD) return {.standing = Standing::good, .until = until};
    if (status != V_OCSP_CERTSTATUS_REVOKED) return unknown("the OCSP responder does not know it");
    std::string text = "was revoked";
    if (since) text += " on " + date_text(*since);
    if (reason >= 0) text += fmt::format(" ({})", OCSP_crl_reason_str(reason));
    return {.standing = Standing::revoked, .until = until, .detail = std::move(text)};
}

}  // namespace

Verdict judge_by_ocsp(ByteView response, const Certificate& certificate, const Certificate& issuer,
                      std::span<const Certificate> others, std::int64_t now) {
    const std::uint8_t* at = response.data();
    const Response parsed(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.size())));
    ERR_clear_error();
    if (!parsed || at != response.data() + response.size()) return unknown("the OCSP response is not well-formed");
    if (const int status = OCSP_response_status(parsed.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return unknown(fmt::format("the OCSP responder answered {}", OCSP_response_status_str(status)));
    const Basic basic(OCSP_response_get1_basic(parsed.get()));
    ERR_clear_error();
    if (!basic) return unknown("the OCSP response is not of the basic type");
    OCSP_SINGLERESP* single = find_single(basic.get(), certificate, issuer);
    ERR_clear_error();
    if (single == nullptr) return unknown("the OCSP response is about another certificate");
    if (!is_signed_by_authorized(basic.get(), issuer, others, now))
        return unknown("the OCSP response is not signed by the certificate's issuer or a responder of its choice");
    Verdict verdict = verdict_of(single, now);
    ERR_clear_error();
    if (verdict.decided()) verdict.ocsp_response = keep(response);
    return verdict;
}

}  // namespace cygnet::crypto
