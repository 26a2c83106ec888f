#include "fuzz/codec_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return cygnet::fuzz::check_codec<cygnet::wire::PsPayload>({data, size});
}
