#include "model/proposal.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cygnet::model {
namespace {

constexpr unsigned additional_rounds = 7;

constexpr TransformType round_type(unsigned round) { return static_cast<TransformType>(5 + round); }

// Ciphers that come in several key sizes: a proposal with one of them and without the Key Length
// attribute is rejected as a whole (RFC 7296 §3.3.5).
bool has_variable_key(Encr encr) {
    switch (encr) {
        case Encr::aes_cbc:
        case Encr::aes_ctr:
        case Encr::aes_ccm_8:
        case Encr::aes_ccm_12:
        case Encr::aes_ccm_16:
        case Encr::aes_gcm_8:
        case Encr::aes_gcm_12:
        case Encr::aes_gcm_16:
        case Encr::null_auth_aes_gmac:
        case Encr::camellia_cbc:
        case Encr::camellia_ctr:
        case Encr::camellia_ccm_8:
        case Encr::camellia_ccm_12:
        case Encr::camellia_ccm_16:
        case Encr::aes_ccm_8_iiv:
        case Encr::aes_gcm_16_iiv: return true;
        default: return false;
    }
}

bool is_none(const Transform& transform) { return transform.id == 0; }

// Which transform types a proposal may contain at all, RFC 7296 §3.3.3; the others are "not
// understood" and make it unacceptable.
bool type_allowed(Protocol protocol, TransformType type, const SelectionRules& rules) {
    switch (type) {
        case TransformType::encr:
        case TransformType::integ:
        case TransformType::ke: return true;
        case TransformType::prf: return protocol == Protocol::ike;
        case TransformType::sn: return protocol == Protocol::esp || protocol == Protocol::ah;
        default:
            // RFC 9370 §2.2.1: without IKE_INTERMEDIATE these types count as unknown.
            return is_additional_ke(type) &&
                   (rules.additional_key_exchanges || rules.ignore_key_exchange);
    }
}

bool understood(const Proposal& offer, const SelectionRules& rules) {
    return std::ranges::all_of(offer.transforms, [&](const Transform& transform) {
        if (!type_allowed(offer.protocol, transform.type, rules)) return false;
        const bool sizeless = transform.type == TransformType::encr && !transform.key_bits &&
                              has_variable_key(static_cast<Encr>(transform.id));
        return !sizeless;
    });
}

// The transforms of one type that both sides allow, in the order of the side that decides. An
// absent type of an optional kind stands for NONE (RFC 7296 §3.3.3, RFC 9370 §2.2.1).
std::vector<Transform> common(const Proposal& own, const Proposal& offer, TransformType type,
                              bool own_order) {
    const std::vector<Transform> absent{{type, 0, {}, {}}};
    auto mine = own.of_type(type);
    auto theirs = offer.of_type(type);
    if (mine.empty()) mine = absent;
    if (theirs.empty()) theirs = absent;
    const auto& first = own_order ? mine : theirs;
    const auto& second = own_order ? theirs : mine;
    std::vector<Transform> both;
    for (const Transform& transform : first) {
        if (!transform.other_attributes.empty()) continue;
        if (std::ranges::find(second, transform) == second.end()) continue;
        if (std::ranges::find(both, transform) == both.end()) both.push_back(transform);
    }
    return both;
}

// Fills KE and then the rounds in ascending order so that no method runs twice; RFC 9370 §2.2.1
// forbids duplicates among the rounds, and we never repeat the first method either.
bool assign_methods(std::span<const std::vector<Transform>> alternatives,
                    std::vector<Transform>& chosen) {
    if (chosen.size() == alternatives.size()) return true;
    for (const Transform& transform : alternatives[chosen.size()]) {
        const auto same = [&](const Transform& other) { return other.id == transform.id; };
        if (!is_none(transform) && std::ranges::any_of(chosen, same)) continue;
        chosen.push_back(transform);
        if (assign_methods(alternatives, chosen)) return true;
        chosen.pop_back();
    }
    return false;
}

bool choose_key_exchanges(const Proposal& own, const Proposal& offer, const SelectionRules& rules,
                          std::vector<Transform>& out) {
    if (rules.ignore_key_exchange) {
        // RFC 7296 §1.2: in IKE_AUTH the only KE that may be offered is NONE.
        for (const Transform& transform : offer.of_type(TransformType::ke))
            if (is_none(transform)) out.push_back(transform);
        return true;
    }
    std::vector<std::vector<Transform>> alternatives;
    alternatives.push_back(common(own, offer, TransformType::ke, rules.prefer_own_order));
    if (offer.protocol == Protocol::ike) std::erase_if(alternatives.front(), is_none);
    for (unsigned round = 1; round <= additional_rounds; ++round)
        alternatives.push_back(common(own, offer, round_type(round), rules.prefer_own_order));
    std::vector<Transform> chosen;
    if (!assign_methods(alternatives, chosen)) return false;
    std::ranges::copy(chosen, std::back_inserter(out));
    return true;
}

// RFC 5282 §8, RFC 7296 §3.3: an AEAD goes without integrity algorithm or with NONE alone, every
// other cipher needs one.
bool choose_encryption(const Proposal& own, const Proposal& offer, const SelectionRules& rules,
                       std::vector<Transform>& out) {
    const auto integ = common(own, offer, TransformType::integ, rules.prefer_own_order);
    const auto offered_integ = offer.of_type(TransformType::integ);
    const bool only_none = std::ranges::all_of(offered_integ, is_none);
    for (const Transform& encr : common(own, offer, TransformType::encr, rules.prefer_own_order)) {
        if (is_none(encr)) continue;
        const bool aead = is_aead(static_cast<Encr>(encr.id));
        if (aead && !only_none) continue;
        const auto fits = [&](const Transform& candidate) { return is_none(candidate) == aead; };
        const auto found = std::ranges::find_if(integ, fits);
        if (found == integ.end()) continue;
        out.push_back(encr);
        out.push_back(*found);
        return true;
    }
    return false;
}

bool choose_one(const Proposal& own, const Proposal& offer, const SelectionRules& rules,
                TransformType type, std::vector<Transform>& out) {
    if (!offer.has(type)) return false;  // mandatory
    const auto both = common(own, offer, type, rules.prefer_own_order);
    if (both.empty()) return false;
    out.push_back(both.front());
    return true;
}

void take(ChosenProposal& result, const Transform& transform) {
    switch (transform.type) {
        case TransformType::encr:
            result.encr = static_cast<Encr>(transform.id);
            result.key_bits = transform.key_bits.value_or(0);
            break;
        case TransformType::prf: result.prf = static_cast<Prf>(transform.id); break;
        case TransformType::integ: result.integ = static_cast<Integ>(transform.id); break;
        case TransformType::ke: result.ke = static_cast<Ke>(transform.id); break;
        case TransformType::sn: result.sn = static_cast<Sn>(transform.id); break;
        default:
            if (is_additional_ke(transform.type) && !is_none(transform))
                result.additional.push_back(static_cast<Ke>(transform.id));
    }
}

// The parsed form; the answer repeats exactly the types of the offer (RFC 7296 §2.7), and the
// rounds run in the order of their types whatever the order on the wire (RFC 9370 §2.2.1).
ChosenProposal parsed(const Proposal& offer, std::vector<Transform> chosen) {
    ChosenProposal result{.number = offer.number, .protocol = offer.protocol};
    std::ranges::stable_sort(chosen, {}, &Transform::type);
    for (const Transform& transform : chosen) {
        take(result, transform);
        if (offer.has(transform.type))
            result.transforms.push_back({transform.type, transform.id, transform.key_bits.value_or(0)});
    }
    result.transforms.shrink_to_fit();
    return result;
}

std::optional<ChosenProposal> match(const Proposal& own, const Proposal& offer,
                                    const SelectionRules& rules) {
    if (own.protocol != offer.protocol || !understood(offer, rules)) return std::nullopt;
    std::vector<Transform> chosen;
    if (!choose_encryption(own, offer, rules, chosen)) return std::nullopt;
    if (offer.protocol == Protocol::ike) {
        if (!choose_one(own, offer, rules, TransformType::prf, chosen)) return std::nullopt;
        if (!offer.has(TransformType::ke)) return std::nullopt;
    }
    if (!choose_key_exchanges(own, offer, rules, chosen)) return std::nullopt;
    if (offer.protocol != Protocol::ike &&
        !choose_one(own, offer, rules, TransformType::sn, chosen))
        return std::nullopt;
    return parsed(offer, std::move(chosen));
}

// A peer can offer a book; a log line shows its beginning.
std::string text_of(std::span<const Proposal> proposals) {
    constexpr std::size_t characters_max = 600;
    std::string text;
    for (const Proposal& proposal : proposals) {
        if (!text.empty()) text += ", ";
        text += proposal.text();
        if (text.size() > characters_max) return text.substr(0, characters_max) + " ...";
    }
    return text.empty() ? "nothing" : text;
}

std::unexpected<Error> inconsistent(const Proposal& answer, const std::string& why) {
    return fail(Errc::no_match, "chosen proposal",
                "the peer chose " + answer.text() + ": " + why);
}

// Every transform of the answer was offered, and each type of the offer was answered once. A type
// may be left out when NONE was among its alternatives: that says the same.
Result<> check_types(const Proposal& offer, const Proposal& answer, const SelectionRules& rules) {
    for (const Transform& transform : answer.transforms) {
        if (std::ranges::find(offer.transforms, transform) == offer.transforms.end())
            return inconsistent(answer, transform.text() + " was not offered");
        if (answer.of_type(transform.type).size() != 1)
            return inconsistent(answer, "more than one transform of type " + name_of(transform.type));
        if (!type_allowed(answer.protocol, transform.type, rules))
            return inconsistent(answer, name_of(transform.type) + " has no meaning here");
    }
    for (const Transform& transform : offer.transforms) {
        if (answer.has(transform.type)) continue;
        const bool key_exchange =
            transform.type == TransformType::ke || is_additional_ke(transform.type);
        if (key_exchange && rules.ignore_key_exchange) continue;
        // Extended sequence numbers have no NONE: 0 means 32 bits.
        if (transform.type != TransformType::sn &&
            std::ranges::any_of(offer.of_type(transform.type), is_none))
            continue;
        return inconsistent(answer, "it lacks a transform of type " + name_of(transform.type));
    }
    return {};
}

Result<> check_combination(const Proposal& answer, const ChosenProposal& chosen) {
    if (is_aead(chosen.encr) != (chosen.integ == Integ::none))
        return inconsistent(answer, "its encryption and integrity algorithms do not go together");
    for (std::size_t i = 0; i < chosen.additional.size(); ++i) {
        const auto later = std::span(chosen.additional).subspan(i + 1);
        // RFC 9370 §2.2.1: duplicates fail the exchange.
        if (std::ranges::find(later, chosen.additional[i]) != later.end())
            return inconsistent(answer, name_of(chosen.additional[i]) + " is chosen twice");
    }
    return {};
}

}  // namespace

bool is_aead(Encr encr) {
    switch (encr) {
        case Encr::aes_ccm_8:
        case Encr::aes_ccm_12:
        case Encr::aes_ccm_16:
        case Encr::aes_gcm_8:
        case Encr::aes_gcm_12:
        case Encr::aes_gcm_16:
        case Encr::null_auth_aes_gmac:
        case Encr::camellia_ccm_8:
        case Encr::camellia_ccm_12:
        case Encr::camellia_ccm_16:
        case Encr::chacha20_poly1305:
        case Encr::aes_ccm_8_iiv:
        case Encr::aes_gcm_16_iiv:
        case Encr::chacha20_poly1305_iiv: return true;
        default: return false;
    }
}

bool has_implicit_iv(Encr encr) {
    return encr == Encr::aes_ccm_8_iiv || encr == Encr::aes_gcm_16_iiv || encr == Encr::chacha20_poly1305_iiv;
}

std::string Transform::text() const {
    std::string text;
    switch (type) {
        case TransformType::encr: text = name_of(static_cast<Encr>(id)); break;
        case TransformType::prf: text = name_of(static_cast<Prf>(id)); break;
        case TransformType::integ: text = name_of(static_cast<Integ>(id)); break;
        case TransformType::ke: text = name_of(static_cast<Ke>(id)); break;
        case TransformType::sn: text = name_of(static_cast<Sn>(id)); break;
        default:
            if (is_additional_ke(type)) {
                text = "KE" + std::to_string(std::to_underlying(type) - 5) + "_";
                text += id == 0 ? "NONE" : name_of(static_cast<Ke>(id));
            } else {
                text = name_of(type) + "_" + std::to_string(id);
            }
    }
    if (key_bits) text += "_" + std::to_string(*key_bits);
    return text;
}

std::vector<Transform> Proposal::of_type(TransformType type) const {
    std::vector<Transform> found;
    std::ranges::copy_if(transforms, std::back_inserter(found),
                         [&](const Transform& transform) { return transform.type == type; });
    return found;
}

bool Proposal::has(TransformType type) const {
    return std::ranges::find(transforms, type, &Transform::type) != transforms.end();
}

std::string Proposal::text() const {
    std::string text = name_of(protocol) + ":";
    for (const Transform& transform : transforms) {
        if (text.back() != ':') text += '/';
        text += transform.text();
    }
    return text;
}

Result<ChosenProposal> choose(std::span<const Proposal> own, std::span<const Proposal> offered,
                              const SelectionRules& rules) {
    const auto& outer = rules.prefer_own_order ? own : offered;
    const auto& inner = rules.prefer_own_order ? offered : own;
    for (const Proposal& a : outer) {
        for (const Proposal& b : inner) {
            auto result = rules.prefer_own_order ? match(a, b, rules) : match(b, a, rules);
            if (result) return *std::move(result);
        }
    }
    return fail(Error{.code = Errc::no_match,
                      .where = "SA proposals",
                      .reaction = Reaction::notify_peer,
                      .notify = std::to_underlying(NotifyType::no_proposal_chosen),
                      .detail = "the peer offers " + text_of(offered) +
                                "; the configuration accepts " + text_of(own)});
}

Result<ChosenProposal> check_choice(std::span<const Proposal> offered, const Proposal& answer,
                                    const SelectionRules& rules) {
    // RFC 7296 §3.3.1: the answer carries the number of the proposal that was accepted.
    const auto offer = std::ranges::find(offered, answer.number, &Proposal::number);
    if (offer == offered.end() || offer->protocol != answer.protocol)
        return inconsistent(answer, "no offer had number " + std::to_string(answer.number));
    TRY(check_types(*offer, answer, rules));
    ChosenProposal chosen = parsed(answer, answer.transforms);
    TRY(check_combination(answer, chosen));
    return chosen;
}

Proposal ChosenProposal::as_answer() const {
    Proposal answer{.number = number, .protocol = protocol};
    answer.transforms.reserve(transforms.size());
    for (const auto& [type, id, bits] : transforms)
        answer.transforms.push_back({.type = type, .id = id, .key_bits = bits != 0 ? std::optional(bits) : std::nullopt});
    return answer;
}

bool is_post_quantum(const Proposal& proposal) {
    const auto ml_kem = [](const Transform& transform) {
        return transform.id >= std::to_underlying(Ke::ml_kem_512) &&
               transform.id <= std::to_underlying(Ke::ml_kem_1024);
    };
    const auto always_ml_kem = [&](TransformType type) {
        const auto alternatives = proposal.of_type(type);
        return !alternatives.empty() && std::ranges::all_of(alternatives, ml_kem);
    };
    if (always_ml_kem(TransformType::ke)) return true;
    for (unsigned round = 1; round <= additional_rounds; ++round)
        if (always_ml_kem(round_type(round))) return true;
    return false;
}

std::vector<Proposal> without_key_exchange(std::span<const Proposal> proposals) {
    std::vector<Proposal> stripped(proposals.begin(), proposals.end());
    for (Proposal& proposal : stripped) {
        std::erase_if(proposal.transforms, [](const Transform& transform) {
            return transform.type == TransformType::ke || is_additional_ke(transform.type);
        });
    }
    return stripped;
}

}  // namespace cygnet::model
