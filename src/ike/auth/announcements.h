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
#include "model/config.h"
#include "model/iana.h"

namespace cygnet::wire {
struct Message;
}

namespace cygnet::ike {

struct Announcement {
    model::AuthMethod method{};
    std::uint8_t cert_link = 0;  // only with this CA of the announcer's CERTREQs, counted from 1; 0: with any
    std::optional<crypto::SignatureScheme> scheme{};  // of method 14, and of the old methods as they sign

    std::string text() const;  // "RSA-PSS with SHA2_256 below CA 2"
    bool operator==(const Announcement&) const = default;
};
using AnnouncementList = std::vector<Announcement>;      // the best first
using AnnouncedMethods = std::vector<AnnouncementList>;  // by notification: one for all rounds, or one for each (RFC 4739)

// The scheme of a method before RFC 7427; nothing for others.
std::optional<crypto::SignatureScheme> scheme_of_old_method(model::AuthMethod method);
// The reverse: how a key signs without RFC 7427; nothing: it cannot.
std::optional<model::AuthMethod> old_method_of(crypto::KeyType type);

// ---- the peer's ---------------------------------------------------------------------------------

struct ReadAnnouncements {
    AnnouncedMethods lists{};  // an empty one was announced, too: there is nothing in it that we know
    unsigned ignored = 0;      // announcements whose meaning we do not know, or that cannot be
    bool excess = false;       // there are more than we look at
};
// Of one message. Notifications without data say nothing.
ReadAnnouncements read_announcements(const wire::Message& message);

// What counts for a round: its own list if there is one for each, else all of them as one.
AnnouncementList announced_for(const AnnouncedMethods& announced, std::size_t round, std::size_t rounds);

std::string text_of(const AnnouncementList& list);

// ---- ours ---------------------------------------------------------------------------------------

// What one round of one connection accepts, of certificates below these CAs (by the hashes of CERTREQ).
struct AcceptedProofs {
    const model::AuthConfig& remote;
    std::vector<Bytes> authorities{};
    bool any_authority = false;  // the CA does not matter: raw keys, pinned certificates
};
// The announcement list of a round. `requested`: the CAs of our CERTREQs in their order, which Cert Links count.
AnnouncementList accepted_methods(std::span<const AcceptedProofs> accepted, std::span<const Bytes> requested);

// As the data of one notification.
Bytes encoded(const AnnouncementList& list);

}  // namespace cygnet::ike
