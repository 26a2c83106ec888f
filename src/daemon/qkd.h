// A client of a key management entity, ETSI GS QKD 014 V1.1.1: the two ends of a link ask their own entities, one for any new
// key, the other for the key of that name. Each key is given out once.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "base/instant.h"
#include "model/ppk.h"

namespace cygnet::daemon {

// §6.2 "Get key" by the side that begins, §6.3 "Get key with key IDs" by the other; nothing: the entity has no such key.
Result<model::Ppk> new_qkd_key(const model::PpkSource& source, Duration patience, const std::atomic<bool>& give_up);
Result<std::optional<model::Ppk>> qkd_key_with_id(const model::PpkSource& source, const model::PpkId& id,
                                                  Duration patience, const std::atomic<bool>& give_up);

// Whether an id can be one of theirs: a UUID.
bool is_qkd_key_id(ByteView name);

}  // namespace cygnet::daemon
