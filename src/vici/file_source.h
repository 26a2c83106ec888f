// Files as a callback: this library opens none itself.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cygnet::vici {

class FileSource {
public:
    virtual ~FileSource() = default;
    // The whole content, at most limits::config_file_octets. Errc::not_found when there is no such file,
    // Errc::system otherwise, with the reason in detail ("permission denied").
    virtual Result<std::string> read(const std::string& path) = 0;
    // Existing regular files that match a shell pattern, sorted.
    virtual std::vector<std::string> glob(const std::string& pattern) = 0;
};

}  // namespace cygnet::vici
