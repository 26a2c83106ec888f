#include "ike/auth/signature_choice.h"

#include <algorithm>

namespace cygnet::ike {
namespace {

using crypto::SignatureScheme;
using Kind = SignatureScheme::Kind;

model::KeyKind key_kind(Kind kind) {
    switch (kind) {
        case Kind::rsa_pkcs1:
        case Kind::rsa_pss: return model::KeyKind::rsa;
        case Kind::ecdsa: return model::KeyKind::ecdsa;
        case Kind::ed25519: return model::KeyKind::ed25519;
        case Kind::ed448: return model::KeyKind::ed448;
        case Kind::ml_dsa_44: return model::KeyKind::ml_dsa_44;
        case Kind::ml_dsa_65: return model::KeyKind::ml_dsa_65;
        case Kind::ml_dsa_87: return model::KeyKind::ml_dsa_87;
        default: return model::KeyKind::slh_dsa;
    }
}

bool contains(std::span<const SignatureScheme> schemes, const SignatureScheme& scheme) {
    return std::ranges::find(schemes, scheme) != schemes.end();
}

// RFC 9593 §3.2: a link to one of the CAs that the peer requested, for certificates below it.
bool links_to(const Announcement& announcement, const PeerHints& hints, std::span<const Bytes> authorities) {
    if (announcement.cert_link == 0 || hints.authorities.empty()) return true;
    if (announcement.cert_link > hints.authorities.size()) return false;
    return std::ranges::find(authorities, hints.authorities[announcement.cert_link - 1u]) != authorities.end();
}

// Before RFC 7427 a key had one way to sign.
std::optional<SignatureChoice> choose_old_method(crypto::KeyType type, const model::AuthConfig& local, const char* why) {
    const auto method = old_method_of(type);
    if (!method) return std::nullopt;
    const SignatureScheme scheme = *scheme_of_old_method(*method);
    if (!scheme_allowed(scheme, local)) return std::nullopt;
    return SignatureChoice{.scheme = scheme, .method = *method, .why = why};
}

}  // namespace

bool scheme_allowed(const SignatureScheme& scheme, const model::AuthConfig& round) {
    const auto& kinds = round.key_kinds;
    if (!kinds.empty() && std::ranges::find(kinds, key_kind(scheme.kind)) == kinds.end()) return false;
    if (round.rsa_pss && scheme.kind == Kind::rsa_pkcs1 && *round.rsa_pss) return false;
    if (crypto::hashes_itself(scheme.kind) || round.hashes.empty()) return true;
    return std::ranges::find(round.hashes, scheme.hash) != round.hashes.end();
}

std::optional<SignatureScheme> scheme_of(model::AuthMethod method, ByteView auth_data) {
    if (method != model::AuthMethod::digital_signature) return scheme_of_old_method(method);
    // RFC 7427 §3: one octet of length, the AlgorithmIdentifier, the signature.
    if (auth_data.empty() || auth_data.size() < 1u + auth_data[0]) return std::nullopt;
    const auto scheme = crypto::parse_algorithm_identifier(auth_data.subspan(1, auth_data[0]));
    if (!scheme) return std::nullopt;
    return *scheme;
}

std::optional<SignatureChoice> choose_announced(crypto::KeyType type, const model::AuthConfig& local, const PeerHints& hints,
                                                std::span<const Announcement> announced, std::span<const Bytes> authorities) {
    std::vector<SignatureScheme> usable;
    if (hints.signature_hashes) usable = crypto::schemes_for(type, *hints.signature_hashes);
    std::optional<SignatureChoice> weak;
    for (std::size_t place = 0; place < announced.size(); ++place) {
        const Announcement& one = announced[place];
        if (!one.scheme || !scheme_allowed(*one.scheme, local) || !links_to(one, hints, authorities)) continue;
        const bool signs = one.method == model::AuthMethod::digital_signature ? contains(usable, *one.scheme)
                                                                              : old_method_of(type) == one.method;
        if (!signs) continue;
        const SignatureChoice choice{
            .scheme = *one.scheme, .method = one.method, .place = place, .why = "the peer announced that it accepts this"};
        // RFC 8247 §3.2: SHA-1 where there is nothing else, whatever the peer prefers.
        if (one.scheme->hash != model::SignatureHash::sha1) return choice;
        if (!weak) weak = choice;
    }
    return weak;
}

// RFC 7427 §4: method 14 if the peer announced hashes, else the methods of RFC 7296 and RFC 4754. Who has signed with PKCS#1
// may know nothing else; who has not can verify PSS, which RFC 8247 §3.2 demands.
std::optional<SignatureChoice> choose_signature(crypto::KeyType type, const model::AuthConfig& local, const PeerHints& hints) {
    if (!hints.signature_hashes) return choose_old_method(type, local, "the peer does not know RFC 7427");
    std::vector<SignatureScheme> schemes = crypto::schemes_for(type, *hints.signature_hashes);
    const bool like_the_peer = hints.shown && hints.shown->kind == Kind::rsa_pkcs1;
    const bool old_padding = like_the_peer || (!hints.shown && hints.refused_pss);
    if (old_padding)
        std::ranges::stable_partition(schemes, [](const SignatureScheme& one) { return one.kind == Kind::rsa_pkcs1; });
    for (const SignatureScheme& scheme : schemes) {
        if (!scheme_allowed(scheme, local)) continue;
        const char* why = "the peer accepts the hash";
        if (old_padding && scheme.kind == Kind::rsa_pkcs1)
            why = like_the_peer ? "the peer signs with PKCS#1, too" : "the peer refused RSA-PSS";
        return SignatureChoice{.scheme = scheme, .why = why};
    }
    // Who knows RFC 7427 gets no SHA-1.
    auto old = choose_old_method(type, local, "the peer's hashes leave nothing newer");
    if (old && old->scheme.hash == model::SignatureHash::sha1) old.reset();
    return old;
}

std::string hashes_text(const PeerHints& hints) {
    if (!hints.signature_hashes) return "no SIGNATURE_HASH_ALGORITHMS";
    std::string text;
    for (const model::SignatureHash hash : *hints.signature_hashes)
        text += (text.empty() ? "" : ", ") + model::name_of(hash);
    return text.empty() ? "none that is known" : text;
}

}  // namespace cygnet::ike
