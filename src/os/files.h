// Files as values: configuration, certificates, keys.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "os/fd.h"

namespace cygnet::os {

// The whole file; Errc::not_found, Errc::limit when it is longer than `octets_max`, Errc::system. The detail names it.
Result<Bytes> read_file(const std::string& path, std::size_t octets_max);
// Replaces or makes a file, readable by its owner only.
Result<> write_private_file(const std::string& path, ByteView content);
// The same, but whoever reads meanwhile, or after a crash, finds the old content or the new one, whole.
Result<> replace_private_file(const std::string& path, ByteView content);

// Paths that match a shell pattern, sorted; a pattern without wildcards gives itself if it exists.
std::vector<std::string> matching_files(const std::string& pattern);
// Regular files of a folder, sorted by name; none when the folder does not exist.
std::vector<std::string> files_in(const std::string& folder);

bool exists(const std::string& path);
// Creates the folder and its parents when they are missing.
Result<> make_folder(const std::string& path);
void remove_file(const std::string& path);

// Marks a folder as used by this process for as long as the descriptor is open; Errc::state when another has it.
Result<Fd> lock_file(const std::string& path);

}  // namespace cygnet::os
