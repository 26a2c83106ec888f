// Any octets, as text and as DER: a name's text reads back as the same name.
#include "crypto/x509.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cygnet;
    const ByteView octets(data, size);
    const std::string printed = crypto::distinguished_name_text(octets);
    ASSERT(printed.find('\n') == std::string::npos);
    if (const auto name = crypto::parse_distinguished_name(text_of(octets))) {
        const auto again = crypto::parse_distinguished_name(crypto::distinguished_name_text(*name));
        ASSERT(again && *again == *name && crypto::same_distinguished_name(*again, *name));
    }
    return 0;
}
