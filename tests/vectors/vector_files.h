// Where published vectors lie, and the text form that NIST gives them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cygnet::vectors {

// $CYGNET_SHARED/vectors, or an empty path.
std::filesystem::path shared_folder();
// python3-cryptography-vectors, or an empty path.
std::filesystem::path debian_folder();

// The files of this folder itself.
std::filesystem::path own_folder();

// Skips the running test, naming the folder, unless the file is there.
#define NEED_FILE(path, folder_name) \
    if (!std::filesystem::exists(path)) GTEST_SKIP() << folder_name << " is absent: " << (path)

std::string read_text(const std::filesystem::path& path);

// "Name = value" blocks between blank lines. Names are in lower case; "[Name = value]" lines and their
// values hold for the blocks that follow; a line without '=' (FAIL) is a name with an empty value.
using Record = std::map<std::string, std::string>;
std::vector<Record> read_records(const std::filesystem::path& path);

// The octets of a field; an absent field has none.
Bytes octets(const Record& record, const std::string& name);
Bytes octets(std::string_view hex);

}  // namespace cygnet::vectors
