#include "ike/child.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/catalogue.h"
#include "ike/explain.h"
#include "model/limits.h"
#include "wire/notify_data.h"

namespace cygnet::ike {
namespace {

Bytes spi_octets(std::uint32_t spi) {
    Bytes octets;
    Writer(octets).u32(spi);
    return octets;
}

bool is_key_exchange(const model::Transform& transform) {
    return transform.type == model::TransformType::ke || model::is_additional_ke(transform.type);
}

// An ESP proposal needs a cipher, one of AH an integrity algorithm; one that lost its last supported transform of a type is useless.
bool complete(const model::Proposal& configured, const model::Proposal& offered) {
    return std::ranges::all_of(configured.transforms, [&](const model::Transform& transform) {
        return is_key_exchange(transform) || offered.has(transform.type);
    });
}

std::unexpected<Error> refuse(Errc code, const char* where, model::NotifyType notify, std::string detail) {
    return fail(Error{.code = code,
                      .where = where,
                      .reaction = Reaction::notify_peer,
                      .notify = static_cast<std::uint16_t>(notify),
                      .detail = std::move(detail)});
}

std::unexpected<Error> refuse(Errc code, const char* where, model::NotifyType notify, Explanation why) {
    return fail(explained(std::move(refuse(code, where, notify, std::string()).error()), std::move(why)));
}

model::TrafficSelectors resolve(std::span<const model::ConfiguredSelector> configured,
                                std::span<const model::IpAddress> own) {
    model::TrafficSelectors selectors;
    for (const model::ConfiguredSelector& selector : configured) {
        const model::TrafficSelectors resolved = selector.resolve(own);
        selectors.insert(selectors.end(), resolved.begin(), resolved.end());
    }
    // Whoever assigns us addresses may have many; the packet that wants a child comes before them all.
    if (selectors.size() >= model::limits::selectors_per_ts_payload)
        selectors.resize(model::limits::selectors_per_ts_payload - 1);
    return selectors;
}

Result<std::uint32_t> peer_spi(std::span<const model::Proposal> proposals, std::uint8_t number) {
    const auto chosen = std::ranges::find(proposals, number, &model::Proposal::number);
    ASSERT(chosen != proposals.end());
    // RFC 7296 §3.3.1: ESP SPIs have four octets; RFC 4303 §2.1: 0 to 255 are reserved.
    if (chosen->spi.size() != 4)
        return refuse(Errc::bad_value, "SA payload", model::NotifyType::no_proposal_chosen,
                      "the SPI of a child SA must have 4 octets");
    const std::uint32_t spi = TRY(Reader(chosen->spi).u32("SPI"));
    if (spi < 256)
        return refuse(Errc::bad_value, "SA payload", model::NotifyType::no_proposal_chosen,
                      "SPIs below 256 are reserved");
    return spi;
}

// ---- transport mode -----------------------------------------------------------------------------

bool only(std::span<const model::TrafficSelector> selectors, const model::IpAddress& address) {
    return !selectors.empty() && std::ranges::all_of(selectors, [&](const model::TrafficSelector& selector) {
        return selector.addresses == model::AddressRange::single(address);
    });
}

void move_to(model::TrafficSelectors& selectors, const model::IpAddress& address) {
    for (model::TrafficSelector& selector : selectors) selector.addresses = model::AddressRange::single(address);
}

struct TransportSelectors {
    SelectorPair selectors;
    model::OriginalAddresses original;
};

// §2.23.1: one address at each end; behind a NAT it is replaced by the one that we see. Nothing when these are not the
// ends of the path.
std::optional<TransportSelectors> for_transport_mode(SelectorPair selectors, const OuterPath& outer) {
    if (selectors.local.empty() || selectors.remote.empty()) return std::nullopt;
    const model::OriginalAddresses original{.local = selectors.local.front().addresses.first,
                                            .remote = selectors.remote.front().addresses.first};
    if (!only(selectors.local, original.local) || !only(selectors.remote, original.remote)) return std::nullopt;
    if (outer.nat_local) move_to(selectors.local, outer.local);
    if (outer.nat_remote) move_to(selectors.remote, outer.remote);
    if (!only(selectors.local, outer.local) || !only(selectors.remote, outer.remote)) return std::nullopt;
    return TransportSelectors{.selectors = std::move(selectors), .original = original};
}

// Only where they differ from what we see is there a checksum to be mended.
Boxed<model::OriginalAddresses> if_translated(const model::OriginalAddresses& original, const OuterPath& outer) {
    if (original.local == outer.local && original.remote == outer.remote) return {};
    return original;
}

// ---- what a message says ------------------------------------------------------------------------

// RFC 3173 §3.3: what the peer may write into the packets that we send it. A transform's own number stands for it.
bool usable_cpi(std::uint16_t cpi) {
    return (cpi >= model::cpi_first && cpi <= model::cpi_last) ||
           cpi == static_cast<std::uint16_t>(model::IpcompTransform::deflate);
}
bool is_deflate(const IpcompSupport& support) {
    return support.transform == model::IpcompTransform::deflate && usable_cpi(support.cpi);
}

std::vector<IpcompSupport> supported_compression(const wire::Message& message) {
    std::vector<IpcompSupport> supported;
    for (const wire::NotifyPayload* notify : message.notifies(model::NotifyType::ipcomp_supported)) {
        const auto data = wire::parse<wire::IpcompData>(notify->data);
        supported.push_back(data ? IpcompSupport{.cpi = data->cpi, .transform = data->transform} : IpcompSupport{});
    }
    return supported;
}

// ---- the responder's choice ---------------------------------------------------------------------

bool well_formed(const SelectorPair& selectors) {
    const auto good = [](const model::TrafficSelector& selector) { return selector.well_formed(); };
    return std::ranges::all_of(selectors.local, good) && std::ranges::all_of(selectors.remote, good);
}

bool within(std::span<const model::TrafficSelector> inner, std::span<const model::TrafficSelector> outer) {
    return std::ranges::all_of(inner, [&](const model::TrafficSelector& selector) {
        return std::ranges::any_of(outer,
                                   [&](const model::TrafficSelector& whole) { return whole.contains(selector); });
    });
}
bool within(const SelectorPair& inner, const SelectorPair& outer) {
    return within(inner.local, outer.local) && within(inner.remote, outer.remote);
}

SelectorPair common_part(const SelectorPair& offered, const SelectorPair& own) {
    return {.local = model::narrow(offered.local, own.local), .remote = model::narrow(offered.remote, own.remote)};
}
bool is_empty(const SelectorPair& selectors) { return selectors.local.empty() || selectors.remote.empty(); }

// The first choices of an offer: the packet that caused it, if there is one (§2.9).
SelectorPair first_of(const SelectorPair& offered) {
    return {.local = {offered.local.front()}, .remote = {offered.remote.front()}};
}

// How a configured child meets an offer.
struct Fit {
    const model::ChildConfig* child = nullptr;
    SelectorPair offered;  // as we see it
    SelectorPair own, common;
    model::ChildMode mode{};
    Boxed<model::OriginalAddresses> original{};

    // §2.9: a policy that takes the first choices whole goes before one that does not. Then the same selectors.
    int rank() const {
        const SelectorPair first = first_of(offered);
        int rank = 0;
        if (mode != model::ChildMode::tunnel) rank += 8;
        if (own == offered) rank += 4;
        if (within(first, own)) rank += 2;
        if (!is_empty(common_part(first, own))) rank += 1;
        return rank;
    }
};

std::optional<Fit> fit(const model::ChildConfig& child, const ChildOffer& offer, const ChildAddresses& addresses,
                       const OuterPath& outer) {
    Fit result{.child = &child, .offered = offer.selectors, .own = configured_selectors(child, addresses, outer)};
    result.mode = child.mode;
    switch (child.mode) {
        case model::ChildMode::pass:
        case model::ChildMode::drop: return std::nullopt;
        case model::ChildMode::tunnel: break;
        case model::ChildMode::beet:
            if (!offer.notices.beet_mode) return std::nullopt;
            break;
        case model::ChildMode::transport: {
            auto seen = offer.notices.transport_mode ? for_transport_mode(offer.selectors, outer) : std::nullopt;
            if (!seen) return std::nullopt;
            result.offered = std::move(seen->selectors);
            result.original = if_translated(seen->original, outer);
        }
    }
    result.common = common_part(result.offered, result.own);
    if (is_empty(result.common)) return std::nullopt;
    if (child.mode == model::ChildMode::beet && !model::one_address_each(result.common.local, result.common.remote))
        return std::nullopt;
    return result;
}

// §2.9: a policy of one pair of addresses for each SA takes the packet's pair, and says that others would do as well.
Result<> narrow_to_one_pair(Fit& chosen, bool& more_possible) {
    const SelectorPair first = first_of(chosen.offered);
    const SelectorPair one = common_part(first, chosen.own);
    if (!first.local.front().single_address() || !first.remote.front().single_address() || is_empty(one))
        return refuse(Errc::no_match, "traffic selectors", model::NotifyType::single_pair_required,
                      "child '" + chosen.child->name + "' has an SA for each pair of addresses (single_pair), the peer " +
                          "wants " + text_of(chosen.offered));
    more_possible = chosen.common != one;
    chosen.common = one;
    return {};
}

Result<ChildTerms> decide_terms(const model::ChildConfig& child, const ChildOffer& offer, bool encapsulated) {
    const std::vector<model::Proposal> configured = offered_proposals(child, 0, offer.key_exchange, encapsulated);
    const model::SelectionRules rules{.ignore_key_exchange = !offer.key_exchange};
    auto chosen = model::choose(model::allowed_by(offer.policy, configured), offer.proposals, rules);
    if (!chosen) {
        const std::vector<model::Proposal> offered =
            offer.key_exchange ? std::vector(offer.proposals.begin(), offer.proposals.end())
                               : model::without_key_exchange(offer.proposals);
        return refuse(Errc::no_match, "ESP proposals", model::NotifyType::no_proposal_chosen,
                      no_common_proposal({.setting = "esp_proposals of child " + child.name, .configured = configured, .policy = offer.policy},
                                         offered, rules));
    }
    const std::uint32_t spi_out = TRY(peer_spi(offer.proposals, chosen->number));
    const auto deflate = std::ranges::find_if(offer.notices.ipcomp, is_deflate);
    const bool compressed =
        child.ipcomp && deflate != offer.notices.ipcomp.end() && chosen->protocol == model::Protocol::esp;
    return ChildTerms{.proposal = std::move(*chosen),
                      .spi_out = spi_out,
                      .ipcomp = {.cpi_out = compressed ? deflate->cpi : std::uint16_t{0}},
                      .peer_takes_tfc_padding = !offer.notices.no_tfc_padding,
                      .non_first_fragments = child.non_first_fragments && offer.notices.non_first_fragments};
}

// RFC 9611 §5.1: one with a protocol or an SPI is ignored.
bool names_resource(const wire::Message& message) {
    return std::ranges::any_of(message.notifies(model::NotifyType::sa_resource_info), [](const wire::NotifyPayload* notify) {
        return notify->protocol == model::Protocol::none && notify->spi.empty();
    });
}

// ---- the initiator's view of the answer ---------------------------------------------------------

// What no honest peer answers: the IKE SA ends.
std::unexpected<Error> nonsense(const char* where, std::string detail) {
    return fail(Error{.code = Errc::bad_value,
                      .where = where,
                      .reaction = Reaction::end_sa,
                      .notify = static_cast<std::uint16_t>(model::NotifyType::invalid_syntax),
                      .detail = std::move(detail)});
}

// §2.22: at most one algorithm is chosen, of those that were offered; no answer means none.
Result<model::Ipcomp> check_compression(std::span<const IpcompSupport> offered, std::span<const IpcompSupport> chosen) {
    const auto refuse = [](const char* why) { return fail(Errc::no_match, "IPCOMP_SUPPORTED", why); };
    if (chosen.empty()) return model::Ipcomp{};
    if (offered.empty()) return refuse("the peer chose compression, which we did not offer");
    if (chosen.size() > 1) return refuse("the peer chose more than one compression algorithm");
    if (!is_deflate(chosen.front()))
        return refuse("the peer chose another compression than DEFLATE, or an index that no packet may carry");
    return model::Ipcomp{.cpi_in = offered.front().cpi, .cpi_out = chosen.front().cpi};
}

}  // namespace

std::vector<model::Proposal> offered_proposals(const model::ChildConfig& child, std::uint32_t spi_in,
                                               bool key_exchange, bool encapsulated) {
    std::vector<model::Proposal> offered;
    offered.reserve(child.esp_proposals.size());
    for (const model::Proposal& configured : child.esp_proposals) {
        const bool ah_passes = !encapsulated && child.mode != model::ChildMode::beet;
        if (configured.protocol == model::Protocol::ah && !ah_passes) continue;
        model::Proposal proposal{.protocol = configured.protocol};
        proposal.transforms.reserve(configured.transforms.size());
        std::ranges::copy_if(configured.transforms, std::back_inserter(proposal.transforms), [&](const model::Transform& transform) {
            return (key_exchange || !is_key_exchange(transform)) && crypto::supports(configured.protocol, transform);
        });
        if (!complete(configured, proposal)) continue;
        proposal.spi = spi_octets(spi_in);
        // Proposals that differed in their key exchange only are the same without it.
        if (std::ranges::find(offered, proposal) == offered.end()) offered.push_back(std::move(proposal));
    }
    std::uint8_t number = 0;
    for (model::Proposal& proposal : offered) proposal.number = ++number;  // RFC 7296 §3.3.1: 1, 2, 3 …
    return offered;
}

void add_deletes(wire::MessageBuilder& message, std::span<const ChildSpi> spis) {
    for (const model::Protocol protocol : {model::Protocol::esp, model::Protocol::ah}) {
        Bytes octets;
        Writer writer(octets);
        for (const auto& [of, spi] : spis)
            if (of == protocol) writer.u32(spi);
        if (!octets.empty()) message.add(wire::DeletePayload{.protocol = protocol, .spi_size = 4, .spis = octets});
    }
}

std::string no_proposals(const model::ChildConfig& child, const OuterPath& outer) {
    const auto is_ah = [](const model::Proposal& proposal) { return proposal.protocol == model::Protocol::ah; };
    if (outer.encapsulated && std::ranges::all_of(child.esp_proposals, is_ah))
        return "child '" + child.name + "' has ah_proposals alone, and AH passes no NAT and no TCP stream (RFC 4302 protects the addresses)";
    return "this build can run no proposal of child " + child.name;
}

std::string text_of(const SelectorPair& selectors) {
    return model::text_of(selectors.local) + " === " + model::text_of(selectors.remote);
}

SelectorPair configured_selectors(const model::ChildConfig& child, const ChildAddresses& addresses,
                                  const OuterPath& outer) {
    SelectorPair selectors{.local = resolve(child.local_ts, addresses.local),
                           .remote = resolve(child.remote_ts, addresses.remote)};
    if (child.mode != model::ChildMode::transport) return selectors;
    const auto end = [](const model::IpAddress& address) {
        return model::TrafficSelectors{model::TrafficSelector::of(model::AddressRange::single(address))};
    };
    return common_part(selectors, {.local = end(outer.local), .remote = end(outer.remote)});
}

SelectorPair offered_selectors(SelectorPair configured, const Boxed<model::PacketEnds>& packet,
                               bool single_pair) {
    if (!packet) return configured;
    if (single_pair) return {.local = {packet->local}, .remote = {packet->remote}};
    configured.local.insert(configured.local.begin(), packet->local);
    configured.remote.insert(configured.remote.begin(), packet->remote);
    return configured;
}

Result<> check_offer(const model::ChildConfig& child, const SelectorPair& selectors, bool peer_knows_beet) {
    if (child.mode != model::ChildMode::beet) return {};
    if (!peer_knows_beet)
        return fail(Errc::no_match, "mode",
                    "child '" + child.name + "' wants BEET mode, which the peer does not say that it knows: let it have a child with " +
                        "mode = beet (and charon.send_vendor_id = yes, where it is strongSwan), or set mode = tunnel here");
    if (!model::one_address_each(selectors.local, selectors.remote))
        return fail(Errc::no_match, "local_ts, remote_ts",
                    "child '" + child.name + "' wants BEET mode, which is between one address at each end, and not for " + text_of(selectors));
    return {};
}

std::string no_selectors(const model::ChildConfig& child, const OuterPath& outer) {
    return "child '" + child.name + "' has nothing to offer: transport mode is for packets between " + outer.local.text() +
           " and " + outer.remote.text() + ", let local_ts and remote_ts contain them";
}

ChildNotices child_notices(const wire::Message& message, bool peer_knows_beet) {
    using model::NotifyType;
    return {.transport_mode = message.notify(NotifyType::use_transport_mode) != nullptr,
            .beet_mode = peer_knows_beet && message.notify(NotifyType::use_beet_mode) != nullptr,
            .no_tfc_padding = message.notify(NotifyType::esp_tfc_padding_not_supported) != nullptr,
            .non_first_fragments = message.notify(NotifyType::non_first_fragments_also) != nullptr,
            .more_possible = message.notify(NotifyType::additional_ts_possible) != nullptr,
            .ipcomp = supported_compression(message),
            .per_resource = names_resource(message)};
}

void add_notices(wire::MessageBuilder& message, const ChildNotices& notices) {
    if (notices.transport_mode) message.notify(model::NotifyType::use_transport_mode);
    if (notices.beet_mode) message.notify(model::NotifyType::use_beet_mode);
    if (notices.no_tfc_padding) message.notify(model::NotifyType::esp_tfc_padding_not_supported);
    if (notices.non_first_fragments) message.notify(model::NotifyType::non_first_fragments_also);
    if (notices.more_possible) message.notify(model::NotifyType::additional_ts_possible);
    if (notices.per_resource) message.notify(model::NotifyType::sa_resource_info);
    for (const IpcompSupport& support : notices.ipcomp) {
        Bytes data;
        Writer writer(data);
        wire::write(writer, wire::IpcompData{.cpi = support.cpi, .transform = support.transform, .attributes = {}});
        message.notify(model::NotifyType::ipcomp_supported, data);
    }
}

ChildNotices offered_notices(const model::ChildConfig& child, const SelectorPair& selectors, bool takes_tfc_padding) {
    const auto has_ports = [](const model::TrafficSelector& selector) { return !selector.all_ports(); };
    const bool ports = std::ranges::any_of(selectors.local, has_ports) || std::ranges::any_of(selectors.remote, has_ports);
    return {.transport_mode = child.mode == model::ChildMode::transport,
            .beet_mode = child.mode == model::ChildMode::beet,
            .no_tfc_padding = child.mode != model::ChildMode::tunnel || !takes_tfc_padding,
            .non_first_fragments = child.non_first_fragments && ports,
            .per_resource = child.per_cpu_sas};
}

std::vector<IpcompSupport> deflate_at(std::uint16_t cpi) {
    return {{.cpi = cpi, .transform = model::IpcompTransform::deflate}};
}

// RFC 4303 §2.7: only a tunnel's inner header says where the padding begins.
ChildNotices answered_notices(const ChildTerms& terms, bool takes_tfc_padding) {
    return {.transport_mode = terms.mode == model::ChildMode::transport,
            .beet_mode = terms.mode == model::ChildMode::beet,
            .no_tfc_padding = terms.mode != model::ChildMode::tunnel || !takes_tfc_padding,
            .non_first_fragments = terms.non_first_fragments,
            .more_possible = terms.more_possible,
            .ipcomp = terms.ipcomp.agreed() ? deflate_at(terms.ipcomp.cpi_in) : std::vector<IpcompSupport>(),
            .per_resource = terms.per_resource};
}

Result<ChildDecision> decide_child(const model::Connection& connection, const ChildOffer& offer,
                                   const ChildAddresses& addresses, const OuterPath& outer) {
    std::optional<Fit> best;
    const bool sound = !is_empty(offer.selectors) && well_formed(offer.selectors);
    for (const model::ChildConfig& child : connection.children) {
        if (model::is_shunt(child.mode)) continue;
        std::optional<Fit> other = sound ? fit(child, offer, addresses, outer) : std::nullopt;
        if (other && (!best || other->rank() > best->rank())) best = std::move(other);
    }
    if (!best)
        return refuse(Errc::no_match, "traffic selectors", model::NotifyType::ts_unacceptable,
                      no_common_selectors(connection, offer, addresses, outer));
    bool more_possible = false;
    if (best->child->single_pair) TRY(narrow_to_one_pair(*best, more_possible));
    ChildTerms terms = TRY(decide_terms(*best->child, offer, outer.encapsulated));
    terms.selectors = std::move(best->common);
    terms.mode = best->mode;
    terms.original = best->original;
    terms.more_possible = more_possible;
    terms.per_resource = offer.notices.per_resource && best->child->per_cpu_sas;
    return ChildDecision{.child = best->child, .terms = std::move(terms)};
}

Result<ChildTerms> decide_rekey(const model::ChildConfig& child, const ChildOffer& offer, const ChildTerms& present,
                                const OuterPath& outer) {
    const bool transport = present.mode == model::ChildMode::transport;
    if (transport && !offer.notices.transport_mode)
        return refuse(Errc::no_match, "mode", model::NotifyType::no_proposal_chosen,
                      "the rekey of a child in transport mode does not ask for transport mode");
    if (present.mode == model::ChildMode::beet && !offer.notices.beet_mode)
        return refuse(Errc::no_match, "mode", model::NotifyType::no_proposal_chosen,
                      "the rekey of a child in BEET mode does not ask for BEET mode");
    const auto seen = transport ? for_transport_mode(offer.selectors, outer) : std::nullopt;
    const SelectorPair& offered = seen ? seen->selectors : offer.selectors;
    // RFC 7296 §2.9.2: the new SA must not be narrower than the one in use, whose selectors are always acceptable.
    if (is_empty(offered) || !well_formed(offered) || !within(present.selectors, offered))
        return refuse(Errc::no_match, "traffic selectors", model::NotifyType::ts_unacceptable,
                      "the rekey wants " + text_of(offer.selectors) + ", which does not hold what the SA in use has, " +
                          text_of(present.selectors));
    ChildTerms terms = TRY(decide_terms(child, offer, outer.encapsulated));
    terms.selectors = present.selectors;
    terms.mode = present.mode;
    if (seen) terms.original = if_translated(seen->original, outer);
    return terms;
}

std::vector<model::Proposal> with_algorithms(std::vector<model::Proposal> proposals, const model::ChosenProposal& algorithms) {
    const auto same = [&](const model::Transform& transform) {
        return std::ranges::any_of(algorithms.transforms, [&](const model::ChosenTransform& chosen) {
            return chosen.type == transform.type && chosen.id == transform.id && chosen.key_bits == transform.key_bits.value_or(0);
        });
    };
    std::erase_if(proposals, [&](model::Proposal& proposal) {
        if (proposal.protocol != algorithms.protocol) return true;
        const model::Proposal whole = proposal;
        std::erase_if(proposal.transforms,
                      [&](const model::Transform& transform) { return !is_key_exchange(transform) && !same(transform); });
        return !complete(whole, proposal);
    });
    return proposals;
}

Result<> become_like(const ChildTerms& first, const model::ChildConfig& child, const ChildOffer& offer, ChildTerms& terms) {
    if (terms.mode != first.mode)
        return refuse(Errc::no_match, "mode", model::NotifyType::no_proposal_chosen,
                      "a further SA of child '" + child.name + "' must have the mode of the first");
    if (first.ipcomp.agreed() && !terms.ipcomp.agreed())
        return refuse(Errc::no_match, "IPCOMP_SUPPORTED", model::NotifyType::no_proposal_chosen,
                      "a further SA of child '" + child.name + "' must be compressed as the first is");
    if (!first.ipcomp.agreed()) terms.ipcomp = {};
    const auto own = with_algorithms(model::allowed_by(offer.policy, offered_proposals(child, 0, offer.key_exchange, false)), *first.proposal);
    auto chosen = model::choose(own, offer.proposals, {.ignore_key_exchange = !offer.key_exchange});
    if (!chosen)
        return refuse(Errc::no_match, "ESP proposals", model::NotifyType::no_proposal_chosen,
                      no_common_proposal("the first SA of child " + child.name, own,
                                         {offer.proposals.begin(), offer.proposals.end()}));
    terms.spi_out = TRY(peer_spi(offer.proposals, chosen->number));
    terms.proposal = std::move(*chosen);
    return {};
}

Result<ChildTerms> check_child_answer(const ChildRequest& request, const ChildAnswer& answer, const OuterPath& outer) {
    if (answer.proposals.size() != 1) return nonsense("SA payload", "the peer must choose exactly one proposal");
    auto chosen =
        model::check_choice(request.proposals, answer.proposals.front(), {.ignore_key_exchange = !request.key_exchange});
    if (!chosen) return nonsense(chosen.error().where, chosen.error().detail);
    const auto spi_out = peer_spi(answer.proposals, answer.proposals.front().number);
    if (!spi_out) return nonsense(spi_out.error().where, spi_out.error().detail);
    const auto ipcomp = check_compression(request.notices.ipcomp, answer.notices.ipcomp);
    if (!ipcomp) return fail(ipcomp.error());
    if (answer.notices.transport_mode && !request.notices.transport_mode)
        return fail(Errc::no_match, "USE_TRANSPORT_MODE", "the peer chose transport mode, which we did not ask for");
    if (answer.notices.beet_mode && !request.notices.beet_mode)
        return fail(Errc::no_match, "USE_BEET_MODE", "the peer chose BEET mode, which we did not ask for");
    ChildTerms terms{
        .proposal = std::move(*chosen), .spi_out = *spi_out, .selectors = answer.selectors, .ipcomp = *ipcomp};
    const auto seen = answer.notices.transport_mode ? for_transport_mode(answer.selectors, outer) : std::nullopt;
    if (seen) {
        terms.selectors = seen->selectors;
        terms.original = if_translated(seen->original, outer);
    }
    if (is_empty(terms.selectors) || !well_formed(terms.selectors) || !within(terms.selectors, request.selectors))
        return nonsense("traffic selectors", "the peer answered " + text_of(answer.selectors) +
                                                 ", which is not within our offer " + text_of(request.selectors));
    if (answer.notices.transport_mode) terms.mode = model::ChildMode::transport;
    if (answer.notices.beet_mode) terms.mode = model::ChildMode::beet;
    terms.peer_takes_tfc_padding = !answer.notices.no_tfc_padding;
    terms.non_first_fragments = request.notices.non_first_fragments && answer.notices.non_first_fragments;
    terms.more_possible = answer.notices.more_possible;
    terms.per_resource = request.notices.per_resource && answer.notices.per_resource;
    return terms;
}

Result<> check_wanted(const model::ChildConfig& child, const ChildTerms& terms, const ChildTerms* replaced) {
    // §1.3.1: a responder may decline transport mode; then an initiator that does not want a tunnel deletes the SA.
    if (child.mode == model::ChildMode::transport && terms.mode != model::ChildMode::transport)
        return fail(Errc::no_match, "USE_TRANSPORT_MODE",
                    "the peer declined transport mode for child '" + child.name +
                        "': let it allow transport mode, or set mode = tunnel here");
    if (child.mode == model::ChildMode::beet && terms.mode != model::ChildMode::beet)
        return fail(Errc::no_match, "USE_BEET_MODE",
                    "the peer declined BEET mode for child '" + child.name + "': let it have mode = beet, or set mode = tunnel here");
    if (replaced != nullptr && !within(replaced->selectors, terms.selectors))
        return fail(Errc::no_match, "traffic selectors",
                    "the peer narrowed the rekeyed child to " + text_of(terms.selectors) + ", the SA in use has " +
                        text_of(replaced->selectors));
    return {};
}

model::ChildSaSpec child_spec(const ChildFrame& frame, const ChildTerms& terms, ChildKeys keys,
                              const model::ChildConfig& child) {
    model::ChildSaSpec spec{.id = frame.id, .spi_in = frame.spi_in, .spi_out = terms.spi_out};
    spec.protocol = terms.proposal->protocol;
    spec.encr = terms.proposal->encr;
    spec.key_bits = terms.proposal->key_bits;
    spec.integ = terms.proposal->integ;
    spec.out = std::move(frame.exchange_initiator ? keys.initiator_to_responder : keys.responder_to_initiator);
    spec.in = std::move(frame.exchange_initiator ? keys.responder_to_initiator : keys.initiator_to_responder);
    spec.esn = terms.proposal->sn == model::Sn::bits_64_partial;
    spec.replay_window = child.replay_window;
    spec.mode = terms.mode;
    spec.local = terms.selectors.local;
    spec.remote = terms.selectors.remote;
    spec.path = frame.path;
    const bool ah = spec.protocol == model::Protocol::ah;
    spec.udp_encapsulation = frame.udp_encapsulation && !ah;
    spec.outbound_active = frame.outbound_active;
    spec.resource = frame.resource;
    spec.per_resource = terms.per_resource;
    if (terms.original) spec.original = *terms.original;
    spec.non_first_fragments = terms.non_first_fragments;
    spec.headers = child.headers;
    spec.icmp_errors = child.icmp_errors;
    spec.ipcomp = terms.ipcomp;
    spec.kernel = child.kernel;
    if (terms.peer_takes_tfc_padding && terms.mode == model::ChildMode::tunnel && !ah) spec.tfc_padding = child.tfc_padding;
    return spec;
}

}  // namespace cygnet::ike
