#include "model/proposal.h"

#include <algorithm>
#include <array>
#include <functional>
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
        case TransformType::encr: return protocol != Protocol::ah;
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

// RFC 7296 §3.3.3, RFC 9370 §2.2.1: an absent type of an optional kind stands for NONE.
const Transform& none_of(TransformType type) {
    static const auto all = [] {
        std::array<Transform, 6 + additional_rounds> nones;
        for (std::size_t i = 0; i < nones.size(); ++i) nones[i].type = static_cast<TransformType>(i);
        return nones;
    }();
    return all.at(std::to_underlying(type));
}

bool allows(const Proposal& proposal, const Transform& transform) {
    if (!proposal.has(transform.type)) return transform == none_of(transform.type);
    return std::ranges::find(proposal.transforms, transform) != proposal.transforms.end();
}

// The first transform of one type that both sides allow and that suits, in the order of the side that decides; or nullptr.
template <class Suits>
const Transform* first_common(const Proposal& own, const Proposal& offer, TransformType type, bool own_order, Suits suits) {
    const Proposal& first = own_order ? own : offer;
    const Proposal& second = own_order ? offer : own;
    const auto fits = [&](const Transform& transform) {
        return transform.other_attributes.empty() && allows(second, transform) && suits(transform);
    };
    if (!first.has(type)) return fits(none_of(type)) ? &none_of(type) : nullptr;
    for (auto at = first.transforms.begin(); at != first.transforms.end(); ++at)
        // One that a peer repeats is looked at once: rounds of key exchanges are tried in all combinations.
        if (at->type == type && std::find(first.transforms.begin(), at, *at) == at && fits(*at)) return &*at;
    return nullptr;
}

// What was chosen: transforms of the two proposals, or NONE.
using Choice = std::vector<const Transform*>;

bool has_rounds(const Proposal& proposal) {
    return std::ranges::any_of(proposal.transforms, [](const Transform& transform) { return is_additional_ke(transform.type); });
}

// Fills KE and then the rounds in ascending order so that no method runs twice; RFC 9370 §2.2.1
// forbids duplicates among the rounds, and we never repeat the first method either.
bool choose_rounds(const Proposal& own, const Proposal& offer, bool own_order, unsigned round, std::span<const Transform*> methods) {
    if (round > additional_rounds) return true;
    if (round == 1 && !has_rounds(own) && !has_rounds(offer)) {
        for (; round <= additional_rounds; ++round) methods[round] = &none_of(round_type(round));
        return true;
    }
    const TransformType type = round == 0 ? TransformType::ke : round_type(round);
    const auto suits = [&](const Transform& candidate) {
        if (round == 0 && offer.protocol == Protocol::ike && is_none(candidate)) return false;
        const auto same = [&](const Transform* earlier) { return earlier->id == candidate.id; };
        if (!is_none(candidate) && std::ranges::any_of(methods.first(round), same)) return false;
        methods[round] = &candidate;
        return choose_rounds(own, offer, own_order, round + 1, methods);
    };
    return first_common(own, offer, type, own_order, suits) != nullptr;
}

bool choose_key_exchanges(const Proposal& own, const Proposal& offer, const SelectionRules& rules, Choice& out) {
    if (rules.ignore_key_exchange) {
        // RFC 7296 §1.2: in IKE_AUTH the only KE that may be offered is NONE.
        for (const Transform& transform : offer.transforms)
            if (transform.type == TransformType::ke && is_none(transform)) out.push_back(&transform);
        return true;
    }
    std::array<const Transform*, 1 + additional_rounds> methods{};
    if (!choose_rounds(own, offer, rules.prefer_own_order, 0, methods)) return false;
    out.insert(out.end(), methods.begin(), methods.end());
    return true;
}

// RFC 5282 §8, RFC 7296 §3.3: an AEAD goes without integrity algorithm or with NONE alone, every
// other cipher needs one.
bool choose_encryption(const Proposal& own, const Proposal& offer, const SelectionRules& rules, Choice& out) {
    const bool only_none = std::ranges::all_of(offer.transforms, [](const Transform& transform) {
        return transform.type != TransformType::integ || is_none(transform);
    });
    const Transform* integ = nullptr;
    const auto suits = [&](const Transform& encr) {
        if (is_none(encr)) return false;
        const bool aead = is_aead(static_cast<Encr>(encr.id));
        if (aead && !only_none) return false;
        integ = first_common(own, offer, TransformType::integ, rules.prefer_own_order,
                             [&](const Transform& candidate) { return is_none(candidate) == aead; });
        return integ != nullptr;
    };
    const Transform* encr = first_common(own, offer, TransformType::encr, rules.prefer_own_order, suits);
    if (encr == nullptr) return false;
    out.push_back(encr);
    out.push_back(integ);
    return true;
}

// §3.3.3: AH has no encryption, and without integrity there is nothing left of it.
bool choose_integrity(const Proposal& own, const Proposal& offer, const SelectionRules& rules, Choice& out) {
    const Transform* integ = first_common(own, offer, TransformType::integ, rules.prefer_own_order,
                                          [](const Transform& candidate) { return !is_none(candidate); });
    if (integ == nullptr) return false;
    out.push_back(integ);
    return true;
}

bool choose_one(const Proposal& own, const Proposal& offer, const SelectionRules& rules, TransformType type, Choice& out) {
    if (!offer.has(type)) return false;  // mandatory
    const Transform* found = first_common(own, offer, type, rules.prefer_own_order, [](const Transform&) { return true; });
    if (found == nullptr) return false;
    out.push_back(found);
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
ChosenProposal parsed(const Proposal& offer, Choice chosen) {
    ChosenProposal result{.number = offer.number, .protocol = offer.protocol};
    std::ranges::sort(chosen, {}, [](const Transform* transform) { return transform->type; });  // one of each
    for (const Transform* transform : chosen) take(result, *transform);
    std::erase_if(chosen, [&](const Transform* transform) { return !offer.has(transform->type); });
    result.transforms.reserve(chosen.size());
    for (const Transform* transform : chosen)
        result.transforms.push_back({transform->type, transform->id, transform->key_bits.value_or(0)});
    return result;
}

std::optional<ChosenProposal> match(const Proposal& own, const Proposal& offer,
                                    const SelectionRules& rules) {
    if (own.protocol != offer.protocol || !understood(offer, rules)) return std::nullopt;
    Choice chosen;
    chosen.reserve(4 + additional_rounds);
    const bool protects = offer.protocol == Protocol::ah ? choose_integrity(own, offer, rules, chosen)
                                                         : choose_encryption(own, offer, rules, chosen);
    if (!protects) return std::nullopt;
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
        if (std::ranges::count(answer.transforms, transform.type, &Transform::type) != 1)
            return inconsistent(answer, "more than one transform of type " + name_of(transform.type));
        // RFC 9370 §2.2.1: a responder that chose NONE of every round need not announce IKE_INTERMEDIATE.
        const bool no_round = is_additional_ke(transform.type) && is_none(transform);
        if (!no_round && !type_allowed(answer.protocol, transform.type, rules))
            return inconsistent(answer, name_of(transform.type) + " has no meaning here");
    }
    for (const Transform& transform : offer.transforms) {
        if (answer.has(transform.type)) continue;
        const bool key_exchange =
            transform.type == TransformType::ke || is_additional_ke(transform.type);
        if (key_exchange && rules.ignore_key_exchange) continue;
        // Extended sequence numbers have no NONE: 0 means 32 bits.
        const auto same_as_none = [&](const Transform& other) { return other.type == transform.type && is_none(other); };
        if (transform.type != TransformType::sn && std::ranges::any_of(offer.transforms, same_as_none)) continue;
        return inconsistent(answer, "it lacks a transform of type " + name_of(transform.type));
    }
    return {};
}

Result<> check_combination(const Proposal& answer, const ChosenProposal& chosen) {
    if (answer.protocol == Protocol::ah && chosen.integ == Integ::none) return inconsistent(answer, "AH without integrity");
    if (answer.protocol != Protocol::ah && is_aead(chosen.encr) != (chosen.integ == Integ::none))
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
    constexpr std::size_t usual = 64;
    std::string text;
    text.reserve(usual);
    text += name_of(protocol) + ":";
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
    Choice transforms;
    transforms.reserve(answer.transforms.size());
    for (const Transform& transform : answer.transforms) transforms.push_back(&transform);
    ChosenProposal chosen = parsed(answer, std::move(transforms));
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
    const auto kem = [](const Transform& transform) { return is_post_quantum_kem(static_cast<Ke>(transform.id)); };
    const auto always_kem = [&](TransformType type) {
        const auto alternatives = proposal.of_type(type);
        return !alternatives.empty() && std::ranges::all_of(alternatives, kem);
    };
    if (always_kem(TransformType::ke)) return true;
    for (unsigned round = 1; round <= additional_rounds; ++round)
        if (always_kem(round_type(round))) return true;
    return false;
}

std::vector<Proposal> allowed_by(const KeyExchangePolicy& policy, std::vector<Proposal> proposals) {
    const auto is_key_exchange = [](const Transform& transform) {
        return transform.id != 0 && (transform.type == TransformType::ke || is_additional_ke(transform.type));
    };
    const auto unwanted = [&](const Transform& transform) {
        if (!is_key_exchange(transform)) return false;
        const auto method = static_cast<Ke>(transform.id);
        return (policy.post_quantum == PostQuantum::off && is_post_quantum_kem(method)) ||
               (!policy.private_numbers && is_private_use(method));
    };
    // A child without a key exchange of its own has its keys from the IKE SA (RFC 7296 §2.17).
    const auto is_classic = [&](const Proposal& proposal) {
        return std::ranges::any_of(proposal.transforms, is_key_exchange) && !is_post_quantum(proposal);
    };
    std::erase_if(proposals, [&](Proposal& proposal) {
        if (std::ranges::any_of(proposal.transforms, unwanted)) {
            const std::vector<Transform> before = proposal.transforms;
            std::erase_if(proposal.transforms, unwanted);
            const auto left = [&](const Transform& transform) { return proposal.has(transform.type); };
            if (!std::ranges::all_of(before, left)) return true;
        }
        return policy.post_quantum == PostQuantum::required && is_classic(proposal);
    });
    if (policy.post_quantum == PostQuantum::preferred) std::ranges::stable_partition(proposals, std::not_fn(is_classic));
    std::uint8_t number = 0;
    for (Proposal& proposal : proposals) proposal.number = ++number;
    return proposals;
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
