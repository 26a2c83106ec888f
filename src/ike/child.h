// Negotiation of a child SA as pure functions: what we offer, what we answer, and the specification
// that the data plane gets. RFC 7296 §1.3.1, §2.9, §2.17.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/boxed.h"
#include "base/shared.h"
#include "ike/keys.h"
#include "wire/message.h"
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
                                               bool key_exchange, bool encapsulated);

// Where the child's packets run: what transport mode looks at.
struct OuterPath {
    model::IpAddress local, remote;
    bool nat_local = false, nat_remote = false;
    bool encapsulated = false;  // children travel in UDP or TCP: AH does not, because a NAT changes what it protects
};

// A child as a Delete payload names it: by the SPI that its sender receives on (RFC 7296 §1.4.1).
using ChildSpi = std::pair<model::Protocol, std::uint32_t>;
void add_deletes(wire::MessageBuilder& message, std::span<const ChildSpi> spis);  // one payload for each protocol

// Why nothing is left to be offered.
std::string no_proposals(const model::ChildConfig& child, const OuterPath& outer);

// Selectors of both sides: TSi is the initiator's, TSr the responder's.
struct SelectorPair {
    model::TrafficSelectors local, remote;
    bool operator==(const SelectorPair&) const = default;
};
std::string text_of(const SelectorPair& selectors);  // "10.1.0.0/16 === 10.2.0.0/16"

// The selectors of a child for these addresses. Transport mode narrows them to the two ends of the path (§2.23.1); then
// and only then they may be empty.
SelectorPair configured_selectors(const model::ChildConfig& child, const ChildAddresses& addresses,
                                  const OuterPath& outer);
// What the initiator asks for: the packet that wants the child comes first (§2.9), with `single_pair` it comes alone.
SelectorPair offered_selectors(SelectorPair configured, const Boxed<model::PacketEnds>& packet,
                               bool single_pair);

// Fails for what cannot be asked of this peer: BEET mode with more than one address at an end, or with one that does not know it.
Result<> check_offer(const model::ChildConfig& child, const SelectorPair& selectors, bool peer_knows_beet);

// Why there are none.
std::string no_selectors(const model::ChildConfig& child, const OuterPath& outer);

// One IPCOMP_SUPPORTED, §2.22; without a CPI if it is malformed.
struct IpcompSupport {
    std::uint16_t cpi = 0;
    model::IpcompTransform transform{};
    bool operator==(const IpcompSupport&) const = default;
};

// What accompanies SA, TSi and TSr of a message, §1.3.1.
struct ChildNotices {
    bool transport_mode = false;       // USE_TRANSPORT_MODE
    bool beet_mode = false;            // USE_BEET_MODE, of private use
    bool no_tfc_padding = false;       // ESP_TFC_PADDING_NOT_SUPPORTED
    bool non_first_fragments = false;  // NON_FIRST_FRAGMENTS_ALSO
    bool more_possible = false;        // ADDITIONAL_TS_POSSIBLE, in answers
    std::vector<IpcompSupport> ipcomp{};
    bool per_resource = false;         // SA_RESOURCE_INFO, RFC 9611
};
// USE_BEET_MODE means something if the peer's Vendor ID says so.
ChildNotices child_notices(const wire::Message& message, bool peer_knows_beet);
void add_notices(wire::MessageBuilder& message, const ChildNotices& notices);
// Ours, for a request. `takes_tfc_padding`: whether the data plane strips it.
ChildNotices offered_notices(const model::ChildConfig& child, const SelectorPair& selectors, bool takes_tfc_padding);

// The offer of compression that says by which index it can be told, and the answer to one.
std::vector<IpcompSupport> deflate_at(std::uint16_t cpi);

// What both sides agreed on.
struct ChildTerms {
    Shared<model::ChosenProposal> proposal{};
    std::uint32_t spi_out = 0;
    SelectorPair selectors{};
    model::ChildMode mode = model::ChildMode::tunnel;
    Boxed<model::OriginalAddresses> original{};  // transport mode behind a NAT
    model::Ipcomp ipcomp{};  // of a responder, cpi_in by Context::settle_compression()
    bool peer_takes_tfc_padding = true;
    bool non_first_fragments = false;
    bool more_possible = false;
    bool per_resource = false;  // further ones of the same selectors may follow, RFC 9611
};
// Ours, for an answer.
ChildNotices answered_notices(const ChildTerms& terms, bool takes_tfc_padding);

// The peer's offer, seen from us.
struct ChildOffer {
    std::span<const model::Proposal> proposals;
    SelectorPair selectors;     // local: what it wants on our side
    bool key_exchange = false;  // CREATE_CHILD_SA: KE transforms count
    ChildNotices notices{};
    model::KeyExchangePolicy policy{};  // of the IKE SA
};

// The responder's decision: of the connection's children the one that fits the selectors best, and what is agreed. Errors
// carry the notify to answer with (NO_PROPOSAL_CHOSEN, TS_UNACCEPTABLE, SINGLE_PAIR_REQUIRED) and both sides' lists.
struct ChildDecision {
    const model::ChildConfig* child = nullptr;
    ChildTerms terms;
};
Result<ChildDecision> decide_child(const model::Connection& connection, const ChildOffer& offer,
                                   const ChildAddresses& addresses, const OuterPath& outer);
// The same for a rekey: the child that is replaced decides alone, its selectors and its mode stay.
Result<ChildTerms> decide_rekey(const model::ChildConfig& child, const ChildOffer& offer, const ChildTerms& present,
                                const OuterPath& outer);

// RFC 9611 §3: a further child beside one of the same selectors has its mode and its algorithms. What we may offer; and what
// of the peer's offer, `terms`, becomes of it.
std::vector<model::Proposal> with_algorithms(std::vector<model::Proposal> proposals, const model::ChosenProposal& algorithms);
Result<> become_like(const ChildTerms& first, const model::ChildConfig& child, const ChildOffer& offer, ChildTerms& terms);

// The initiator's check of the answer: one of our proposals, selectors within our offer (§2.9), nothing that we did not
// ask for.
struct ChildRequest {
    std::span<const model::Proposal> proposals;
    const SelectorPair& selectors;
    ChildNotices notices{};
    bool key_exchange = false;
};
struct ChildAnswer {
    std::span<const model::Proposal> proposals;
    SelectorPair selectors;
    ChildNotices notices{};
};
Result<ChildTerms> check_child_answer(const ChildRequest& request, const ChildAnswer& answer, const OuterPath& outer);
// Whether we want a child of these terms, which the protocol allows; if not, the peer's half is deleted. `replaced`: of a
// rekey.
Result<> check_wanted(const model::ChildConfig& child, const ChildTerms& terms, const ChildTerms* replaced);

// Everything about a child that is not agreed with the peer.
struct ChildFrame {
    model::ChildId id{};
    std::uint32_t spi_in = 0;
    bool exchange_initiator = false;  // we began the exchange that makes the child: our keys come first
    model::Path path{};
    bool udp_encapsulation = false;
    bool outbound_active = true;
    model::Resource resource = model::every_resource;
};
model::ChildSaSpec child_spec(const ChildFrame& frame, const ChildTerms& terms, ChildKeys keys,
                              const model::ChildConfig& child);

}  // namespace cygnet::ike
