// Any octets: a certificate that parses prints, gives up its key, and is no path to itself unless valid.
#include "crypto/x509.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cygnet;
    const auto certificate = crypto::Certificate::parse({data, size});
    if (!certificate) return 0;
    ASSERT(crypto::Certificate::parse(certificate->der()).value() == *certificate);
    for (const model::Identity& identity : certificate->identities())
        ASSERT(identity.text(crypto::distinguished_name_text).find('\0') == std::string::npos);
    if (const auto key = certificate->public_key()) ASSERT(crypto::PublicKey::from_spki(key->spki()));
    const auto path = crypto::validate_path(*certificate, {}, {&*certificate, 1}, {.now = certificate->not_after()});
    ASSERT(path ? path->anchor() == *certificate : !path.error().detail.empty());
    return 0;
}
