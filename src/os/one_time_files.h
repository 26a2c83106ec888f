// A folder of files each of which is used once: by one process, whatever happens to it.
//
//   folder/<name>        a file that nobody has used
//   folder/used/<name>   one that somebody has: empty, so that the name stays taken even if the folder is restored
//
// A file counts as used when it has left the folder for good, on the disk: before anybody does anything with its content.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace cygnet::os {

struct OneTimeFile {
    std::string name{};
    SecretBytes content{};
};

class OneTimeFiles {
public:
    // Files of other sizes are left alone.
    OneTimeFiles(std::string folder, std::size_t octets_min, std::size_t octets_max)
        : folder_(std::move(folder)), octets_min_(octets_min), octets_max_(octets_max) {}

    // One of those that are left, which is used from now on; `pick` chooses. Errc::not_found when there is none.
    Result<OneTimeFile> take_any(std::uint64_t pick) const;
    // What is in it, without using it. Errc::not_found: no such file, or a name that cannot be one; Errc::state: it was used.
    Result<SecretBytes> look_at(const std::string& name) const;
    // Uses it. Errc::state or Errc::not_found when somebody was faster.
    Result<> use_up(const std::string& name) const;

    // Letters, digits, '.', '_' and '-', no more than 64, the first no '.'; not "used".
    static bool is_name(const std::string& name);

private:
    std::string folder_;
    std::size_t octets_min_, octets_max_;
};

}  // namespace cygnet::os
