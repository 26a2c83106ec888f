// RFC 9593: which ways of proving itself each side takes from the other, as SUPPORTED_AUTH_METHODS says it.
//
// An announcement is a hint that nobody has authenticated when it is read. It chooses among what our own configuration
// allows, never beyond.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/signature.h"
#include "model/iana.h"

namespace cygnet::ike {

struct Announcement {
    model::AuthMethod method{};
    std::uint8_t cert_link = 0;  // only with this CA of the announcer's CERTREQs, counted from 1; 0: with any
    std::optional<crypto::SignatureScheme> scheme{};  // of method 14, and of the old methods as they sign

    bool operator==(const Announcement&) const = default;
};
using AnnouncementList = std::vector<Announcement>;      // the best first
using AnnouncedMethods = std::vector<AnnouncementList>;  // by notification: one for all rounds, or one for each (RFC 4739)

}  // namespace cygnet::ike
