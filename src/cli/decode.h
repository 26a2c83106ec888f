// `cygnet decode FILE`: the IKE messages of a capture as the field lists of wire describe them.
#pragma once

#include <string>

namespace cygnet::cli {

struct DecodeOptions {
    std::string file;
    bool json = false;
};
int decode(const DecodeOptions& options);

}  // namespace cygnet::cli
