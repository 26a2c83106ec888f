// IKE datagrams out of capture files, by libpcap.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace cygnet::vectors {

// The folder of captures, or nothing when CYGNET_SHARED does not lead to one.
std::optional<std::filesystem::path> capture_folder();

// The UDP payloads of a capture that go to or come from port 500, or 4500 with the non-ESP marker, which is
// cut off. Packets of other shapes, and files that libpcap refuses, give nothing.
std::vector<Bytes> ike_datagrams(const std::filesystem::path& file);

}  // namespace cygnet::vectors
