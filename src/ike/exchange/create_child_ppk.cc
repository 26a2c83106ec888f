#include "ike/exchange/create_child_ppk.h"

#include "ike/explain.h"

namespace cygnet::ike {

using model::NotifyType;

bool offers_ppks(const IkeSa& sa) { return sa.connection->ppk_use().rekey != model::PpkRekey::no; }

// The responder's nonce is not known yet; the SPIs are those of the IKE SA in which the exchange runs.
void add_ppk_offers(const IkeSa& sa, const CreatingSa& exchange, wire::MessageBuilder& message) {
    add_ppk_offers(sa, exchange.ppks, {.initiator = exchange.made.nonce_i, .responder = {}}, sa.spis, message);
}

Result<> take_chosen_ppk(Context& context, CreatingSa& exchange, const wire::Message& answer) {
    auto chosen = chosen_ppk(std::exchange(exchange.ppks, {}), answer);
    if (!chosen) {
        context.count(model::Counter::ppk_malformed);
        return fail(chosen.error());
    }
    exchange.made.ppk = std::move(*chosen);
    if (exchange.made.ppk || exchange.made.makes_ike_sa() || !demands_ppk(context.sa)) return {};
    context.count(model::Counter::ppk_refused);
    return fail(explained({.code = Errc::no_match, .where = "PPK"}, why_ppk_missing(context.sa)));
}

Explanation why_ppk_missing(const IkeSa& sa) {
    return {.kind = "ppk",
            .what = "no PPK went into what was made, and " + section_of(sa.connection->name) + ".ppk_rekey demands one",
            .advice = "let both sides have the same PPK, one that the IKE SA does not use yet, under the same id"};
}

bool demands_ppk(const IkeSa& sa) { return sa.connection->ppk_use().rekey == model::PpkRekey::required; }

std::unexpected<Error> refuse_without_ppk(Context& context) {
    context.count(model::Counter::ppk_refused);
    return refuse(NotifyType::no_proposal_chosen, Errc::no_match, "PPK", why_ppk_missing(context.sa));
}

Result<Next> search_ppk(Context& context, const wire::Message& request, Resume resume) {
    const IkeSa& sa = context.sa;
    PpkSearch search{.offers = ppk_offers(context, request),
                     .nonce_i = keep(request.find<wire::NoncePayload>()->data),
                     .spis = sa.spis,
                     .resume = resume};
    if (const auto& source = sa.connection->ppk_use().source; source.any()) search.sources.push_back(source);
    return search_ppk(context, std::move(search));
}

SecretBytes sk_d_for(const IkeSa& sa, const NewSa& made) {
    const SecretBytes& d = sa.protection->sk_d();
    return made.ppk ? mixed_with_ppk(sa.proposal->prf, made.ppk->key, d) : d.clone();
}

}  // namespace cygnet::ike
