// A certificate in OpenSSL's hands. Private to the files that are named openssl_*.
#pragma once

#include <optional>

#include "crypto/handle.h"
#include "crypto/x509.h"

// OpenSSL's types and functions, as its headers declare them.
struct asn1_string_st;
struct stack_st_X509;
struct x509_st;
struct x509_store_st;
struct x509_store_ctx_st;
struct X509_name_st;
struct X509_VERIFY_PARAM_st;
extern "C" {
void X509_free(x509_st* x509);
void X509_STORE_free(x509_store_st* store);
void X509_STORE_CTX_free(x509_store_ctx_st* context);
}

namespace cygnet::crypto {

// Lets OpenSSL verify what only other libraries of this build can (ML-DSA, SLH-DSA), from the first call on. Before a
// certificate is read.
void teach_openssl();

struct Certificate::Impl {
    Handle<x509_st, X509_free> x509;
    Bytes der, subject, issuer;
    Digest fingerprint{};
    std::vector<model::Identity> identities;
    std::vector<Bytes> general_names;
    std::vector<std::string> crl_uris, ocsp_uris;
    bool ca = false;
    std::int64_t not_before = 0, not_after = 0;
    Result<PublicKey> public_key = fail(Errc::bad_value, "certificate", "unreadable public key");
};

// Seconds since 1970; nothing for what is no time.
std::optional<std::int64_t> seconds_of(const asn1_string_st* time);
std::string date_text(std::int64_t seconds);  // "2026-01-01"
Bytes der_of(const X509_name_st* name);
std::string quoted_subject(x509_st* x509);     // certificate "CN=moon"

struct FreeStack {
    void operator()(stack_st_X509* stack) const;
};
using Stack = std::unique_ptr<stack_st_X509, FreeStack>;
using Store = Handle<x509_store_st, X509_STORE_free>;
using StoreContext = Handle<x509_store_ctx_st, X509_STORE_CTX_free>;

Stack stack_of(std::span<const Certificate> certificates);  // borrows them
Store store_of(std::span<const Certificate> anchors);
// The verify callback of its paths; another one asks it first.
int allow_post_quantum(int good, x509_store_ctx_st* context);
// What every path is held to: an anchor need not be self-signed (it is trusted, RFC 5280 §6.1.1 d), 112 bits of strength in
// every key and signature, policies where a CA requires them.
void set_rules(X509_VERIFY_PARAM_st* rules, std::int64_t now);

}  // namespace cygnet::crypto
