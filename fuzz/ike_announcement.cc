#include "fuzz/codec_target.h"
#include "wire/notify_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return cygnet::fuzz::check_codec<cygnet::wire::AuthAnnouncement>({data, size});
}
