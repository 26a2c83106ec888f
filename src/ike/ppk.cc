#include "ike/ppk.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/prf.h"
#include "ike/explain.h"
#include "ike/match.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::LogGroup;
using model::NotifyType;
using model::PpkId;

// ---- configured keys ----------------------------------------------------------------------------

// The secret for an id: one that names it, then one whose pattern fits, then one for all.
const model::PpkSecret* find_secret(const model::Config& config, const PpkId& id) {
    const model::PpkSecret* best = nullptr;
    unsigned best_fit = 0;
    for (const auto& [name, secret] : config.ppks) {
        if (!secret->has(id)) continue;
        const bool named = std::ranges::any_of(secret->ids, [&](const model::PpkPattern& pattern) { return pattern.single() == id; });
        const unsigned fit = named ? 3 : secret->ids.empty() ? 1 : 2;
        if (fit <= best_fit) continue;
        best = secret.get();
        best_fit = fit;
    }
    return best;
}

bool is_in(const std::vector<model::Ppk>& ppks, const PpkId& id) {
    return std::ranges::find(ppks, id, &model::Ppk::id) != ppks.end();
}

void add_secret(const model::Config& config, const PpkId& id, std::vector<model::Ppk>& ppks) {
    if (ppks.size() >= model::limits::ppks_per_message || is_in(ppks, id)) return;
    if (const model::PpkSecret* secret = find_secret(config, id)) ppks.push_back({.id = id, .key = secret->key.clone()});
}

// ppk_id in its order; a pattern stands for the ids of all secrets that it fits.
void add_configured(const model::Config& config, const model::PpkConfig& use, std::vector<model::Ppk>& ppks) {
    for (const model::PpkPattern& wanted : use.ids) {
        if (const auto id = wanted.single()) {
            add_secret(config, *id, ppks);
            continue;
        }
        for (const auto& [name, secret] : config.ppks)
            for (const model::PpkPattern& pattern : secret->ids)
                if (const auto id = pattern.single(); id && wanted.matches(*id)) add_secret(config, *id, ppks);
    }
}

// ---- sources ------------------------------------------------------------------------------------

Result<Next> ask(Context& context, PpkWish wish, Resume resume) {
    std::size_t& under_way = context.core.features.of<PpkWishes>().under_way;
    if (under_way >= model::limits::ppk_wishes_under_way) {
        context.count(Counter::limit_reached);
        return resume(context, Result<model::PpkAnswer>(fail(Errc::limit, "PPK", "too many wait for one-time keys")));
    }
    ++under_way;
    return context.obtain(std::move(wish), resume);
}

Result<model::PpkAnswer> answer_in(crypto::JobResult result) { return result_of<model::PpkAnswer>(std::move(result)); }

void note_unavailable(Context& context, const Error& error) {
    context.count(Counter::ppk_unavailable);
    context.log(LogGroup::ike, 1, "no one-time PPK: " + explanation_of(error).sentence());
}

void note_replays(Context& context, const model::PpkAnswer& answer) {
    for (std::size_t i = 0; i < answer.replayed; ++i) context.count(Counter::ppk_replayed);
    if (answer.replayed != 0) context.log(LogGroup::ike, 1, "the peer names a one-time PPK that has been used before");
}

// ---- a search -----------------------------------------------------------------------------------

bool is_key_of(const IkeSa& sa, const PpkSearch& search, const PpkOffer& offer, const SecretBytes& key) {
    const Nonces nonces{.initiator = search.nonce_i, .responder = search.nonce_r};
    return equal_in_constant_time(ppk_confirmation(sa.proposal->prf, key, nonces, search.spis), offer.confirmation);
}

Result<Next> end_search(Context& context, bool found) {
    PpkSearch search = std::move(context.sa.features.of<PpkSearch>());
    context.sa.features.forget<PpkSearch>();
    model::PpkAnswer answer;
    if (found) answer.keys.push_back(std::move(*search.chosen));
    return search.resume(context, Result<model::PpkAnswer>(std::move(answer)));
}

Result<Next> on_used_up(Context& context, crypto::JobResult result) {
    const auto answer = answer_in(std::move(result));
    if (!answer) note_unavailable(context, answer.error());
    return end_search(context, answer.has_value());
}

// An id that we do not know and a key that is another one here look alike to the peer, not to our operator.
void log_unusable(Context& context, const PpkOffer& offer, const char* why) {
    context.count(Counter::ppk_unknown);
    context.log(LogGroup::ike, 1, fmt::format("the peer's PPK '{}' is not used: {}", offer.id.text(), why));
}

Boxed<model::Ppk> key_for(Context& context, const PpkSearch& search, const PpkOffer& offer, model::PpkAnswer& answer) {
    const auto one_time = std::ranges::find(answer.keys, offer.id, &model::Ppk::id);
    if (one_time != answer.keys.end()) return std::move(*one_time);
    if (!search.before_identity && !context.sa.connection->ppk_use().admits(offer.id)) return {};
    const model::PpkSecret* secret = find_secret(*context.core.config, offer.id);
    if (secret == nullptr) return {};
    return model::Ppk{.id = offer.id, .key = secret->key.clone()};
}

Result<Next> on_looked_up(Context& context, crypto::JobResult result) {
    auto answer = answer_in(std::move(result));
    if (!answer) note_unavailable(context, answer.error());
    model::PpkAnswer found = answer ? std::move(*answer) : model::PpkAnswer{};
    note_replays(context, found);
    PpkSearch& search = context.sa.features.of<PpkSearch>();
    for (const PpkOffer& offer : search.offers) {
        Boxed<model::Ppk> key = key_for(context, search, offer, found);
        if (!key) {
            log_unusable(context, offer, "no key of that name is here, or not for this peer");
            continue;
        }
        if (!is_key_of(context.sa, search, offer, key->key)) {
            log_unusable(context, offer, "the key of that name is another one here");
            continue;
        }
        search.chosen = std::move(key);
        if (!search.chosen->source) return end_search(context, true);
        return use_up_ppk(context, *search.chosen, on_used_up);
    }
    return end_search(context, false);
}

}  // namespace

PpkNegotiation& ppk_negotiation(IkeSa& sa) { return sa.handshake().features.of<PpkNegotiation>(); }

const PpkNegotiation* find_ppk_negotiation(const IkeSa& sa) {
    return sa.half_open() ? sa.handshake().features.find<PpkNegotiation>() : nullptr;
}

// ---- ours ----------------------------------------------------------------------------------------

Result<Next> gather_ppks(Context& context, Resume resume) {
    const model::PpkConfig& use = context.sa.connection->ppk_use();
    if (!use.source.any()) return resume(context, Result<model::PpkAnswer>(model::PpkAnswer{}));
    return ask(context, {.kind = PpkWish::Kind::fresh, .sources = {use.source}, .pick = context.core.rng.u64()}, resume);
}

std::vector<model::Ppk> gathered_ppks(Context& context, crypto::JobResult result) {
    auto answer = answer_in(std::move(result));
    if (!answer) note_unavailable(context, answer.error());
    std::vector<model::Ppk> ppks = answer ? std::move(answer->keys) : std::vector<model::Ppk>();
    add_configured(*context.core.config, context.sa.connection->ppk_use(), ppks);
    // What is in the keys already adds nothing to them.
    if (const auto* used = context.sa.features.find<PpkInUse>())
        std::erase_if(ppks, [&](const model::Ppk& ppk) { return crypto::sha2_256({ppk.key.reveal()}) == used->digest; });
    return ppks;
}

std::unexpected<Error> no_ppk_at_hand(Context& context) {
    context.count(Counter::ppk_refused);
    const std::string section = section_of(context.sa.connection->name);
    return end_sa(NotifyType::none, Errc::not_found, "PPK",
                  Explanation{.kind = "ppk",
                              .what = "no PPK is at hand, and " + section + ".ppk_required demands one",
                              .advice = "load a secret ppk whose id " + section + ".ppk_id names, or fill what ppk_pads or ppk_qkd name"});
}

void add_ppk_offers(const IkeSa& sa, std::span<const model::Ppk> ppks, const Nonces& nonces, const Spis& spis,
                    wire::MessageBuilder& message) {
    for (const model::Ppk& ppk : ppks)
        message.notify(NotifyType::ppk_identity_key,
                       concat({ppk.id.octets(), ppk_confirmation(sa.proposal->prf, ppk.key, nonces, spis)}));
}

Result<Boxed<model::Ppk>> chosen_ppk(std::vector<model::Ppk> offered, const wire::Message& answer) {
    const wire::NotifyPayload* choice = answer.notify(NotifyType::ppk_identity);
    if (choice == nullptr) return Boxed<model::Ppk>();
    const auto id = PpkId::parse(choice->data);
    const auto found = id ? std::ranges::find(offered, *id, &model::Ppk::id) : offered.end();
    // RFC 9867: one that was not proposed is fatal.
    if (found == offered.end())
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "PPK_IDENTITY", "the peer chose a PPK that we did not offer");
    return Boxed<model::Ppk>(std::move(*found));
}

// ---- the peer's ----------------------------------------------------------------------------------

std::vector<PpkOffer> ppk_offers(Context& context, const wire::Message& request) {
    std::vector<PpkOffer> offers;
    for (const wire::NotifyPayload* notify : request.notifies(NotifyType::ppk_identity_key)) {
        if (offers.size() == model::limits::ppks_per_message) {
            context.count(Counter::limit_reached);
            break;
        }
        const bool whole = notify->data.size() > ppk_confirmation_octets;
        auto id = PpkId::parse(whole ? notify->data.first(notify->data.size() - ppk_confirmation_octets) : ByteView());
        if (!id) {
            context.count(Counter::ppk_malformed);
            continue;
        }
        offers.push_back({.id = std::move(*id), .confirmation = keep(notify->data.last(ppk_confirmation_octets))});
    }
    return offers;
}

Result<Next> search_ppk(Context& context, PpkSearch search) {
    PpkWish wish{.kind = PpkWish::Kind::find, .sources = search.sources};
    for (const PpkOffer& offer : search.offers)
        if (find_secret(*context.core.config, offer.id) == nullptr) wish.ids.push_back(offer.id);
    context.sa.features.of<PpkSearch>() = std::move(search);
    if (wish.ids.empty() || wish.sources.empty())
        return on_looked_up(context, Result<model::PpkAnswer>(model::PpkAnswer{}));
    return ask(context, std::move(wish), on_looked_up);
}

Result<Next> find_ppk(Context& context, const PpkId& id, Resume resume) {
    const model::PpkConfig& use = context.sa.connection->ppk_use();
    const model::PpkSecret* secret = use.admits(id) ? find_secret(*context.core.config, id) : nullptr;
    if (secret == nullptr && use.source.any())
        return ask(context, {.kind = PpkWish::Kind::find, .sources = {use.source}, .ids = {id}}, resume);
    model::PpkAnswer answer;
    if (secret != nullptr) answer.keys.push_back({.id = id, .key = secret->key.clone()});
    return resume(context, Result<model::PpkAnswer>(std::move(answer)));
}

Result<Next> use_up_ppk(Context& context, const model::Ppk& ppk, Resume resume) {
    return ask(context, {.kind = PpkWish::Kind::use_up, .sources = {*ppk.source}, .ids = {ppk.id}}, resume);
}

Boxed<model::Ppk> found_ppk(Context& context, crypto::JobResult result) {
    auto answer = answer_in(std::move(result));
    if (!answer) note_unavailable(context, answer.error());
    if (!answer) return {};
    note_replays(context, *answer);
    if (answer->keys.empty()) return {};
    return std::move(answer->keys.front());
}

std::vector<model::PpkSource> ppk_sources_for(const Core& core, const model::Path& path) {
    std::vector<model::PpkSource> sources;
    for (const auto& connection : connections_for(*core.config, path)) {
        const model::PpkSource& source = connection->ppk_use().source;
        if (!source.any() || std::ranges::find(sources, source) != sources.end()) continue;
        sources.push_back(source);
        if (sources.size() == model::limits::ppk_sources_asked) break;
    }
    return sources;
}

// ---- in use --------------------------------------------------------------------------------------

void note_ppk(IkeSa& sa, const model::Ppk& ppk) {
    sa.features.of<PpkInUse>() = {.id = ppk.id, .source = ppk.source, .digest = crypto::sha2_256({ppk.key.reveal()})};
}

void note_ppk(IkeSa& sa, ByteView id) {
    if (auto known = PpkId::parse(id)) sa.features.of<PpkInUse>().id = std::move(*known);
}


bool uses_ppk(const IkeSa& sa) { return sa.features.find<PpkInUse>() != nullptr; }

bool admits(const model::Connection& connection, const PpkId& id, const model::PpkSource* source) {
    const model::PpkConfig& use = connection.ppk_use();
    return source != nullptr ? use.source == *source : use.admits(id);
}

}  // namespace cygnet::ike
