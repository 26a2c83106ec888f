#include "ike/child.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/catalogue.h"

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

// An ESP proposal needs a cipher; one that lost its last supported transform of a type is useless.
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

model::TrafficSelectors resolve(std::span<const model::ConfiguredSelector> configured,
                                std::span<const model::IpAddress> own) {
    model::TrafficSelectors selectors;
    for (const model::ConfiguredSelector& selector : configured) {
        const model::TrafficSelectors resolved = selector.resolve(own);
        selectors.insert(selectors.end(), resolved.begin(), resolved.end());
    }
    return selectors;
}

Result<std::uint32_t> peer_spi(std::span<const model::Proposal> proposals, std::uint8_t number) {
    const auto chosen = std::ranges::find(proposals, number, &model::Proposal::number);
    ASSERT(chosen != proposals.end());
    // RFC 7296 §3.3.1: ESP SPIs have four octets; RFC 4303 §2.1: 0 to 255 are reserved.
    if (chosen->spi.size() != 4)
        return refuse(Errc::bad_value, "SA payload", model::NotifyType::no_proposal_chosen,
                      "an ESP SPI must have 4 octets");
    const std::uint32_t spi = TRY(Reader(chosen->spi).u32("SPI"));
    if (spi < 256)
        return refuse(Errc::bad_value, "SA payload", model::NotifyType::no_proposal_chosen,
                      "ESP SPIs below 256 are reserved");
    return spi;
}

Result<ChildTerms> decide_terms(const model::ChildConfig& child, const ChildOffer& offer, SelectorPair selectors) {
    const std::vector<model::Proposal> own = offered_proposals(child, 0, offer.key_exchange);
    auto chosen = model::choose(own, offer.proposals, {.ignore_key_exchange = !offer.key_exchange});
    if (!chosen)
        return refuse(Errc::no_match, "ESP proposals", model::NotifyType::no_proposal_chosen, chosen.error().detail);
    const std::uint32_t spi_out = TRY(peer_spi(offer.proposals, chosen->number));
    return ChildTerms{
        .proposal = std::move(*chosen), .spi_out = spi_out, .selectors = std::move(selectors), .mode = child.mode};
}

std::string describe(const SelectorPair& selectors) {
    return model::text_of(selectors.local) + " === " + model::text_of(selectors.remote);
}

bool within(std::span<const model::TrafficSelector> inner, std::span<const model::TrafficSelector> outer) {
    return std::ranges::all_of(inner, [&](const model::TrafficSelector& selector) {
        return std::ranges::any_of(outer,
                                   [&](const model::TrafficSelector& whole) { return whole.contains(selector); });
    });
}

}  // namespace

std::vector<model::Proposal> offered_proposals(const model::ChildConfig& child, std::uint32_t spi_in,
                                               bool key_exchange) {
    std::vector<model::Proposal> offered;
    for (const model::Proposal& configured : child.esp_proposals) {
        model::Proposal proposal = configured;
        std::erase_if(proposal.transforms, [&](const model::Transform& transform) {
            if (is_key_exchange(transform)) return !key_exchange || !crypto::supports(model::Protocol::esp, transform);
            return !crypto::supports(model::Protocol::esp, transform);
        });
        if (!complete(configured, proposal)) continue;
        proposal.number = 0;
        proposal.spi = spi_octets(spi_in);
        // Proposals that differed in their key exchange only are the same without it.
        if (std::ranges::find(offered, proposal) == offered.end()) offered.push_back(std::move(proposal));
    }
    std::uint8_t number = 0;
    for (model::Proposal& proposal : offered) proposal.number = ++number;  // RFC 7296 §3.3.1: 1, 2, 3 …
    return offered;
}

SelectorPair offered_selectors(const model::ChildConfig& child, const ChildAddresses& addresses) {
    return {.local = resolve(child.local_ts, addresses.local), .remote = resolve(child.remote_ts, addresses.remote)};
}

Result<ChildDecision> decide_child(const model::Connection& connection, const ChildOffer& offer,
                                   const ChildAddresses& addresses) {
    std::string configured;
    for (const model::ChildConfig& child : connection.children) {
        const SelectorPair own = offered_selectors(child, addresses);
        SelectorPair common{.local = model::narrow(offer.selectors.local, own.local),
                            .remote = model::narrow(offer.selectors.remote, own.remote)};
        if (common.local.empty() || common.remote.empty()) {
            configured += (configured.empty() ? "" : ", or ") + describe(own);
            continue;
        }
        ChildTerms terms = TRY(decide_terms(child, offer, std::move(common)));
        return ChildDecision{.child = &child, .terms = std::move(terms)};
    }
    return refuse(Errc::no_match, "traffic selectors", model::NotifyType::ts_unacceptable,
                  "the peer wants " + describe(offer.selectors) + ", connection '" + connection.name + "' allows " +
                      (configured.empty() ? "no child" : configured) +
                      ": make local_ts and remote_ts of both sides overlap");
}

Result<ChildTerms> decide_rekey(const model::ChildConfig& child, const ChildOffer& offer, const SelectorPair& present) {
    // RFC 7296 §2.9.2: the selectors of the SA that is replaced are always acceptable.
    SelectorPair common{.local = model::narrow(offer.selectors.local, present.local),
                        .remote = model::narrow(offer.selectors.remote, present.remote)};
    if (common.local.empty() || common.remote.empty())
        return refuse(Errc::no_match, "traffic selectors", model::NotifyType::ts_unacceptable,
                      "the rekey wants " + describe(offer.selectors) + ", the SA it replaces has " + describe(present));
    return decide_terms(child, offer, std::move(common));
}

Result<ChildTerms> check_child_answer(std::span<const model::Proposal> offered, const SelectorPair& offered_selectors,
                                      std::span<const model::Proposal> answer, const SelectorPair& answered,
                                      bool key_exchange) {
    if (answer.size() != 1) return fail(Errc::bad_value, "SA payload", "the peer must choose exactly one proposal");
    model::ChosenProposal chosen =
        TRY(model::check_choice(offered, answer.front(), {.ignore_key_exchange = !key_exchange}));
    if (answered.local.empty() || answered.remote.empty() || !within(answered.local, offered_selectors.local) ||
        !within(answered.remote, offered_selectors.remote))
        return fail(Errc::bad_value, "traffic selectors",
                    "the peer answered " + describe(answered) + ", which is not within our offer " +
                        describe(offered_selectors));
    const std::uint32_t spi_out = TRY(peer_spi(answer, answer.front().number));
    return ChildTerms{.proposal = std::move(chosen), .spi_out = spi_out, .selectors = answered};
}

model::ChildSaSpec child_spec(const ChildFrame& frame, const ChildTerms& terms, ChildKeys keys,
                              const model::ChildConfig& child) {
    model::ChildSaSpec spec{.id = frame.id, .spi_in = frame.spi_in, .spi_out = terms.spi_out};
    spec.encr = terms.proposal.encr;
    spec.key_bits = terms.proposal.key_bits;
    spec.integ = terms.proposal.integ;
    spec.out = std::move(frame.exchange_initiator ? keys.initiator_to_responder : keys.responder_to_initiator);
    spec.in = std::move(frame.exchange_initiator ? keys.responder_to_initiator : keys.initiator_to_responder);
    spec.esn = terms.proposal.sn == model::Sn::bits_64_partial;
    spec.replay_window = child.replay_window;
    spec.mode = terms.mode;
    spec.local = terms.selectors.local;
    spec.remote = terms.selectors.remote;
    spec.path = frame.path;
    spec.udp_encapsulation = frame.udp_encapsulation;
    spec.outbound_active = frame.outbound_active;
    return spec;
}

}  // namespace cygnet::ike
