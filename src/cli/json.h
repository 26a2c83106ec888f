// Messages of VICI and captures as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "vici/message.h"

namespace cygnet::cli {

// Sections become objects, lists arrays, values strings (octets that are no text: 0x…). Numbers of known keys
// become numbers, flags "yes" booleans.
nlohmann::ordered_json to_json(const vici::Section& section);

}  // namespace cygnet::cli
