// Negotiation of a child SA as pure functions: what we offer, what we answer, and the specification
// that the data plane gets. RFC 7296 §1.3.1, §2.9, §2.17.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ike/keys.h"
#include "model/config.h"
#include "model/sa_spec.h"

namespace cygnet::ike {

// What "dynamic" selectors stand for: the virtual addresses if there are any, else the IKE addresses.
struct ChildAddresses {
    std::vector<model::IpAddress> local, remote;
};

// The proposals of a child as they go into SA, numbered from 1, with our SPI. Transforms that this build cannot run are
// left out. Without `key_exchange` (the first child in IKE_AUTH, RFC 7296 §1.2) no KE and ADDKE transforms.
std::vector<model::Proposal> offered_proposals(const model::ChildConfig& child, std::uint32_t spi_in,
                                               bool key_exchange);

// Selectors to offer: TSi from local, TSr from remote when we initiate.
struct SelectorPair {
    model::TrafficSelectors local, remote;
};
SelectorPair offered_selectors(const model::ChildConfig& child, const ChildAddresses& addresses);

// What both sides agreed on.
struct ChildTerms {
    model::ChosenProposal proposal{};
    std::uint32_t spi_out = 0;
    SelectorPair selectors{};
    model::ChildMode mode = model::ChildMode::tunnel;
};

// The peer's offer, seen from us.
struct ChildOffer {
    std::span<const model::Proposal> proposals;
    SelectorPair selectors;     // local: what it wants on our side
    bool key_exchange = false;  // CREATE_CHILD_SA: KE transforms count
    model::ChildMode mode = model::ChildMode::tunnel;
};

// The responder's decision: the first of the connection's children whose selectors fit, and what is agreed. Errors carry
// the notify to answer with: NO_PROPOSAL_CHOSEN or TS_UNACCEPTABLE, and both sides' lists in the detail.
struct ChildDecision {
    const model::ChildConfig* child = nullptr;
    ChildTerms terms;
};
Result<ChildDecision> decide_child(const model::Connection& connection, const ChildOffer& offer,
                                   const ChildAddresses& addresses);
// The same for a rekey: the child that is replaced decides alone, its selectors stay.
Result<ChildTerms> decide_rekey(const model::ChildConfig& child, const ChildOffer& offer, const SelectorPair& present);

// The initiator's check of the answer: one of our proposals, selectors within our offer (§2.9).
Result<ChildTerms> check_child_answer(std::span<const model::Proposal> offered, const SelectorPair& offered_selectors,
                                      std::span<const model::Proposal> answer, const SelectorPair& answered,
                                      bool key_exchange);

// Everything about a child that is not agreed with the peer.
struct ChildFrame {
    model::ChildId id{};
    std::uint32_t spi_in = 0;
    bool exchange_initiator = false;  // we began the exchange that makes the child: our keys come first
    model::Path path{};
    bool udp_encapsulation = false;
    bool outbound_active = true;
};
model::ChildSaSpec child_spec(const ChildFrame& frame, const ChildTerms& terms, ChildKeys keys,
                              const model::ChildConfig& child);

}  // namespace cygnet::ike
