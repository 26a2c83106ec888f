#include "fuzz/codec_target.h"
#include "wire/key_piece.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return cygnet::fuzz::check_codec<cygnet::wire::KeyPiece>({data, size});
}
