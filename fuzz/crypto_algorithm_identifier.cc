// Any octets: a scheme that parses is written in a form that means the same.
#include "crypto/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cygnet;
    const auto scheme = crypto::parse_algorithm_identifier({data, size});
    if (!scheme) return 0;
    ASSERT(crypto::parse_algorithm_identifier(crypto::algorithm_identifier(*scheme)).value() == *scheme);
    return 0;
}
