#include "ike/auth/announcements.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "ike/auth/signature_choice.h"
#include "model/limits.h"
#include "wire/message.h"
#include "wire/notify_data.h"

namespace cygnet::ike {
namespace {

using crypto::SignatureScheme;
using model::AuthMethod;
using model::limits::announcements_per_peer;
using Kind = SignatureScheme::Kind;

constexpr std::size_t links_per_method = 16;  // with more CAs a method is announced for all of them

constexpr AuthMethod old_methods[] = {AuthMethod::ecdsa_256, AuthMethod::ecdsa_384, AuthMethod::ecdsa_521, AuthMethod::rsa};

// RFC 9593 §3.2: each method has one form. Nothing: its meaning is not known, or we could not use it.
std::optional<Announcement> understood(const wire::AuthAnnouncement& announcement) {
    const ByteView details = announcement.details;
    Announcement known{.method = announcement.method};
    switch (announcement.method) {
        case AuthMethod::shared_key:
        case AuthMethod::null:
            if (!details.empty()) return std::nullopt;
            return known;
        case AuthMethod::rsa:
        case AuthMethod::ecdsa_256:
        case AuthMethod::ecdsa_384:
        case AuthMethod::ecdsa_521:
            if (details.size() != 1) return std::nullopt;
            known.scheme = scheme_of_old_method(announcement.method);
            break;
        case AuthMethod::digital_signature: {
            if (details.size() < 2) return std::nullopt;
            const auto scheme = crypto::parse_algorithm_identifier(details.subspan(1));
            if (!scheme) return std::nullopt;
            known.scheme = *scheme;
            break;
        }
        default: return std::nullopt;
    }
    known.cert_link = details.front();
    return known;
}

void read_list(ByteView data, ReadAnnouncements& read, std::size_t& seen) {
    AnnouncementList& list = read.lists.emplace_back();
    Reader reader(data);
    while (!reader.empty()) {
        if (seen++ == announcements_per_peer) {
            read.excess = true;
            return;
        }
        const auto announcement = wire::parse_element<wire::AuthAnnouncement>(reader);
        const auto known = announcement ? understood(*announcement) : std::nullopt;
        if (!known) ++read.ignored;
        // Where the next one begins is not known either.
        if (!announcement) return;
        if (known) list.push_back(*known);
    }
}

// What a round accepts, its CAs as places in the list of those that were requested.
struct Placed {
    const model::AuthConfig& remote;
    bool any_authority = false;
    std::vector<std::size_t> places{};
};
std::vector<Placed> placed(std::span<const AcceptedProofs> accepted, std::span<const Bytes> requested) {
    std::map<ByteView, std::size_t, decltype([](ByteView a, ByteView b) { return std::ranges::lexicographical_compare(a, b); })> place_of;
    for (std::size_t i = 0; i < requested.size(); ++i) place_of.emplace(requested[i], i);
    std::vector<Placed> all;
    for (const AcceptedProofs& one : accepted) {
        Placed& made = all.emplace_back(one.remote, one.any_authority || one.authorities.empty());
        for (const Bytes& authority : one.authorities)
            if (const auto found = place_of.find(authority); found != place_of.end()) made.places.push_back(found->second);
    }
    return all;
}

// Which CAs of those that were requested a method goes with.
class Links {
public:
    explicit Links(std::size_t requested) : linked_(requested) {}

    void add(const Placed& accepted) {
        used_ = true;
        any_ = any_ || accepted.any_authority;
        for (const std::size_t place : accepted.places) linked_[place] = true;
    }
    void announce(Announcement announcement, AnnouncementList& list) const {
        if (!used_) return;
        if (!narrows()) {
            list.push_back(announcement);
            return;
        }
        for (std::size_t i = 0; i < linked_.size(); ++i) {
            if (!linked_[i]) continue;
            announcement.cert_link = static_cast<std::uint8_t>(i + 1);
            list.push_back(announcement);
        }
    }

private:
    // Cert Link has one octet.
    bool narrows() const {
        if (any_) return false;
        const auto count = static_cast<std::size_t>(std::ranges::count(linked_, true));
        if (count == 0 || count == linked_.size() || count > links_per_method) return false;
        return std::find(linked_.begin() + std::min<std::ptrdiff_t>(std::ssize(linked_), 255), linked_.end(), true) == linked_.end();
    }

    std::vector<bool> linked_;
    bool used_ = false, any_ = false;
};

bool takes_signatures(const model::AuthConfig& round) {
    return round.auth == model::AuthClass::pubkey || round.auth == model::AuthClass::any;
}

void announce_scheme(AuthMethod method, const SignatureScheme& scheme, std::span<const Placed> accepted, std::size_t requested,
                     AnnouncementList& list) {
    Links links(requested);
    for (const Placed& one : accepted)
        if (takes_signatures(one.remote) && scheme_allowed(scheme, one.remote)) links.add(one);
    links.announce({.method = method, .scheme = scheme}, list);
}

void announce_signatures(std::span<const AcceptedProofs> accepted, std::span<const Bytes> requested, AnnouncementList& list) {
    const auto signs = [](const AcceptedProofs& one) { return takes_signatures(one.remote); };
    if (std::ranges::none_of(accepted, signs)) return;
    const std::vector<Placed> proofs = placed(accepted, requested);
    for (const SignatureScheme& scheme : crypto::supported_schemes())
        announce_scheme(AuthMethod::digital_signature, scheme, proofs, requested.size(), list);
    for (const AuthMethod method : old_methods)
        announce_scheme(method, *scheme_of_old_method(method), proofs, requested.size(), list);
}

}  // namespace

std::string Announcement::text() const {
    std::string what = scheme && method == AuthMethod::digital_signature ? scheme->text() : model::name_of(method);
    return cert_link == 0 ? what : fmt::format("{} below CA {}", what, cert_link);
}

// Neighbours that differ in their last word say the rest once: "RSA-PSS with SHA2_256/SHA2_384".
std::string text_of(const AnnouncementList& list) {
    std::string text, before;
    for (const Announcement& announcement : list) {
        const std::string one = announcement.text();
        const std::size_t last_word = one.find_last_of(" -") + 1;
        if (last_word != 0 && before == one.substr(0, last_word))
            text += "/" + one.substr(last_word);
        else
            text += (text.empty() ? "" : ", ") + one;
        before = one.substr(0, last_word);
    }
    return text.empty() ? "nothing that we know" : text;
}

std::optional<SignatureScheme> scheme_of_old_method(AuthMethod method) {
    switch (method) {
        case AuthMethod::rsa: return SignatureScheme{Kind::rsa_pkcs1, model::SignatureHash::sha1};
        case AuthMethod::ecdsa_256: return SignatureScheme{Kind::ecdsa, model::SignatureHash::sha2_256};
        case AuthMethod::ecdsa_384: return SignatureScheme{Kind::ecdsa, model::SignatureHash::sha2_384};
        case AuthMethod::ecdsa_521: return SignatureScheme{Kind::ecdsa, model::SignatureHash::sha2_512};
        default: return std::nullopt;
    }
}

std::optional<AuthMethod> old_method_of(crypto::KeyType type) {
    switch (type) {
        case crypto::KeyType::rsa: return AuthMethod::rsa;
        case crypto::KeyType::ecdsa_256: return AuthMethod::ecdsa_256;
        case crypto::KeyType::ecdsa_384: return AuthMethod::ecdsa_384;
        case crypto::KeyType::ecdsa_521: return AuthMethod::ecdsa_521;
        default: return std::nullopt;  // RFC 8420, pqc-auth §3.2.1: only with RFC 7427
    }
}

ReadAnnouncements read_announcements(const wire::Message& message) {
    ReadAnnouncements read;
    std::size_t seen = 0;
    for (const wire::NotifyPayload* notify : message.notifies(model::NotifyType::supported_auth_methods)) {
        if (notify->data.empty()) continue;
        if (read.lists.size() == model::limits::authentication_rounds) read.excess = true;
        if (read.excess) break;
        read_list(notify->data, read, seen);
    }
    return read;
}

AnnouncementList announced_for(const AnnouncedMethods& announced, std::size_t round, std::size_t rounds) {
    if (announced.empty()) return {};
    if (rounds > 1 && announced.size() > 1) return announced[std::min(round, announced.size() - 1)];
    AnnouncementList all;
    for (const AnnouncementList& list : announced) all.insert(all.end(), list.begin(), list.end());
    return all;
}

AnnouncementList accepted_methods(std::span<const AcceptedProofs> accepted, std::span<const Bytes> requested) {
    const auto takes = [&](model::AuthClass auth) {
        return std::ranges::any_of(accepted, [&](const AcceptedProofs& one) {
            return one.remote.auth == auth || (one.remote.auth == model::AuthClass::any && auth != model::AuthClass::null);
        });
    };
    AnnouncementList list;
    announce_signatures(accepted, requested, list);
    if (takes(model::AuthClass::psk)) list.push_back({.method = AuthMethod::shared_key});
    if (takes(model::AuthClass::null)) list.push_back({.method = AuthMethod::null});
    return list;
}

Bytes encoded(const AnnouncementList& list) {
    constexpr std::size_t usual = 24;
    Bytes data, details;
    data.reserve(usual * list.size());
    Writer writer(data);
    for (const Announcement& announcement : list) {
        details.clear();
        if (announcement.scheme) details.push_back(announcement.cert_link);
        if (announcement.method == AuthMethod::digital_signature)
            append(details, crypto::algorithm_identifier(*announcement.scheme));
        write(writer, wire::AuthAnnouncement{.method = announcement.method, .details = details});
    }
    return data;
}

}  // namespace cygnet::ike
