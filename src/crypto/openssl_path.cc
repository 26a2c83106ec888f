// OpenSSL: path validation.
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "crypto/openssl_certificate.h"
#include "crypto/public_key.h"

namespace cygnet::crypto {
namespace {

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
        case X509_V_ERR_INVALID_POLICY_EXTENSION: return "does not meet the certificate policies that are required";
        default: return nullptr;
    }
}

std::string reason(X509_STORE_CTX* context, X509* x509, std::span<const Certificate> intermediates,
                   std::span<const Certificate> anchors) {
    const int error = X509_STORE_CTX_get_error(context);
    const bool about_key = error == X509_V_ERR_EE_KEY_TOO_SMALL || error == X509_V_ERR_CA_KEY_TOO_SMALL;
    if (about_key && X509_get0_pubkey(x509) == nullptr) return "has a key of a kind that this build does not compute";
    if (error == X509_V_ERR_CA_MD_TOO_WEAK && X509_get_signature_nid(x509) == NID_undef)
        return "is signed by an algorithm that this build does not compute";
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

}  // namespace

// OpenSSL knows the strength of signatures by their hash. ML-DSA and SLH-DSA have none, and 128 bits at least.
int allow_post_quantum(int good, X509_STORE_CTX* context) {
    if (good == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_CA_MD_TOO_WEAK) return good;
    const X509_ALGOR* algorithm = X509_get0_tbs_sigalg(X509_STORE_CTX_get_current_cert(context));
    const ASN1_OBJECT* object = nullptr;
    X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
    std::array<char, 64> oid{};
    OBJ_obj2txt(oid.data(), oid.size(), object, 1);
    return std::ranges::any_of(one_way_keys(), [&](const OneWay& each) {
        return is_post_quantum(each.type) && std::string_view(oid.data()) == each.oid;
    });
}

void FreeStack::operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }

Stack stack_of(std::span<const Certificate> certificates) {
    Stack stack(sk_X509_new_null());
    ASSERT(stack);
    for (const Certificate& each : certificates) ASSERT(sk_X509_push(stack.get(), each.impl().x509.get()) > 0);
    return stack;
}

Store store_of(std::span<const Certificate> anchors) {
    Store store(X509_STORE_new());
    ASSERT(store);
    X509_STORE_set_verify_cb(store.get(), allow_post_quantum);
    for (const Certificate& each : anchors) X509_STORE_add_cert(store.get(), each.impl().x509.get());
    return store;
}

void set_rules(X509_VERIFY_PARAM* rules, std::int64_t now) {
    constexpr int strength_112_bits = 2;
    constexpr int path_length_max = 16;
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(rules, strength_112_bits);
    X509_VERIFY_PARAM_set_depth(rules, path_length_max);
    X509_VERIFY_PARAM_set_time(rules, now);
}

namespace {

using Usages = Handle<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;

// RFC 4945 §5.1.3.2: without the extension every use is allowed.
// §5.1.3.12: extended usages must be known if they are critical; the operator may ask for IKE's among them in any case.
Result<> check_usage(X509* x509, bool require_ike_usage) {
    if (!(X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return refuse(quoted_subject(x509) + " may not sign: its key usage lacks digitalSignature");
    int critical = -1;
    const Usages usages(
        static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, nullptr)));
    if (!usages || (critical != 1 && !require_ike_usage)) return {};
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
        const int usage = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i));
        if (usage == NID_ipsec_IKE || usage == NID_anyExtendedKeyUsage) return {};
    }
    return refuse(quoted_subject(x509) + " is not meant for IKE: its extended key usage has neither ipsecIKE nor "
                                         "anyExtendedKeyUsage");
}

// Policies that the path must be valid for, RFC 5280 §6.1.1 c.
void require_policies(X509_VERIFY_PARAM* param, const std::vector<std::string>& policies) {
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_POLICY_CHECK);
    if (policies.empty()) {
        // Without this OpenSSL takes our policies for none instead of any.
        ASSERT(X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)) == 1);
        return;
    }
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_EXPLICIT_POLICY);
    for (const std::string& text : policies) {
        ASN1_OBJECT* policy = OBJ_txt2obj(text.c_str(), 1);
        if (policy != nullptr) ASSERT(X509_VERIFY_PARAM_add0_policy(param, policy) == 1);
    }
}

const Certificate* find_same(std::span<const Certificate> list, const X509* wanted) {
    const auto same = [wanted](const Certificate& each) { return X509_cmp(each.impl().x509.get(), wanted) == 0; };
    const auto found = std::ranges::find_if(list, same);
    return found == list.end() ? nullptr : &*found;
}

// OpenSSL's path as our values, which it is made of.
Result<ValidPath> path_of(STACK_OF(X509) * chain, const Certificate& leaf, std::span<const Certificate> intermediates,
                          std::span<const Certificate> anchors) {
    ValidPath path{.certificates = {leaf}, .not_before = leaf.not_before(), .not_after = leaf.not_after()};
    for (int i = 1; i < sk_X509_num(chain); ++i) {
        const X509* wanted = sk_X509_value(chain, i);
        const Certificate* found = find_same(anchors, wanted);
        if (found == nullptr && i + 1 < sk_X509_num(chain)) found = find_same(intermediates, wanted);
        if (found == nullptr) return refuse(quoted_subject(leaf.impl().x509.get()) + " has no path to a trusted CA");
        path.certificates.push_back(*found);
        path.not_before = std::max(path.not_before, found->not_before());
        path.not_after = std::min(path.not_after, found->not_after());
    }
    return path;
}

// Whoever forges signatures of the other kind must not get into a path that shall not depend on it.
Result<> check_signers(const ValidPath& path, PathRules::Signers wanted) {
    if (wanted == PathRules::Signers::any) return {};
    const bool post_quantum = wanted == PathRules::Signers::post_quantum;
    for (std::size_t i = 1; i < path.certificates.size(); ++i) {
        const Certificate& signer = path.certificates[i];
        const PublicKey key = TRY(signer.public_key());
        if (is_post_quantum(key.type()) == post_quantum) continue;
        return refuse(fmt::format("certificate \"{}\" is signed with {} of \"{}\", but the words of auth demand {} signatures all "
                                  "the way (\"ike:\" before them speaks of the peer's alone)",
                                  path.certificates[i - 1].subject_text(), name_of(key.type()), signer.subject_text(),
                                  post_quantum ? "post-quantum" : "classic"));
    }
    return {};
}

}  // namespace

Result<ValidPath> validate_path(const Certificate& leaf, std::span<const Certificate> intermediates,
                                std::span<const Certificate> anchors, const PathRules& rules) {
    X509* x509 = leaf.impl().x509.get();
    const Store store = store_of(anchors);
    const Stack untrusted = stack_of(intermediates);
    const StoreContext context(X509_STORE_CTX_new());
    ASSERT(context && X509_STORE_CTX_init(context.get(), store.get(), x509, untrusted.get()) == 1);
    X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
    set_rules(param, rules.now);
    require_policies(param, rules.policies);
    const bool valid = X509_verify_cert(context.get()) == 1;
    ERR_clear_error();
    if (!valid) {
        X509* culprit = X509_STORE_CTX_get_current_cert(context.get());
        if (!culprit) culprit = x509;
        return refuse(
            fmt::format("{} {}", quoted_subject(culprit), reason(context.get(), culprit, intermediates, anchors)));
    }
    TRY(check_usage(x509, rules.require_ike_usage));
    ValidPath path = TRY(path_of(X509_STORE_CTX_get0_chain(context.get()), leaf, intermediates, anchors));
    TRY(check_signers(path, rules.signers));
    return path;
}

}  // namespace cygnet::crypto
