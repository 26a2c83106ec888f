// The sentences for operators: each says what is wrong, puts both sides beside each other, and what to change. One
// place, so that log, VICI and `cygnet why` say the same.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/explanation.h"
#include "ike/auth/auth.h"
#include "ike/child.h"
#include "ike/sa.h"

namespace cygnet::ike {

// The peer's offer and ours have nothing in common. `setting`: "connections.gw.proposals".
Explanation no_common_proposal(const std::string& setting, std::span<const model::Proposal> ours,
                               std::span<const model::Proposal> theirs);
// The same, of what is configured: post_quantum may be why. Its kind is then `classic_offer`.
inline constexpr std::string_view classic_offer = "post-quantum";
struct ConfiguredProposals {
    std::string setting;  // "connections.gw.proposals"
    std::span<const model::Proposal> configured;
    model::KeyExchangePolicy policy{};
};
Explanation no_common_proposal(const ConfiguredProposals& ours, std::span<const model::Proposal> theirs, const model::SelectionRules& rules);
// The peer answered NO_PROPOSAL_CHOSEN to what we offered.
Explanation proposals_refused(const std::string& setting, std::span<const model::Proposal> ours);

// No child's selectors overlap with what the peer wants.
Explanation no_common_selectors(const model::Connection& connection, const ChildOffer& offer,
                                const ChildAddresses& addresses, const OuterPath& outer);
// The peer answered TS_UNACCEPTABLE to what we offered.
Explanation selectors_refused(const std::string& connection, const std::string& child, const SelectorPair& offered);
// The peer answered an error to our offer of a child: one of the two above, or what else it says.
struct OfferedChild {
    const std::string& connection;
    const std::string& child;
    std::span<const model::Proposal> proposals;
    const SelectorPair& selectors;
};
Explanation why_child_refused(const OfferedChild& offer, const wire::Message& answer);
// The same of a rekey of the IKE SA.
Explanation why_rekey_refused(const std::string& connection, std::span<const model::Proposal> offered,
                              model::NotifyType answer);

// The peer says that it is somebody whom the connection does not expect.
Explanation wrong_peer_identity(const std::string& connection, const model::Identity& expected,
                                const model::Identity& said);
// It wants to talk to somebody who we are not (IDr).
Explanation wrong_own_identity(const std::string& connection, const model::Identity& own,
                               const model::Identity& wanted);
// It proves itself in another way than the connection demands.
Explanation wrong_method(const std::string& connection, const model::AuthConfig& expected,
                         const std::string& used);
// Its certificate or its signature did not pass: the sentence of the job that checked it.
Explanation wrong_certificate(const Error& error);
// The peer answered an error instead of proving itself: AUTHENTICATION_FAILED and the like.
Explanation refused_by_peer(const IkeSa& sa, const wire::Message& answer);

Explanation no_answer(const IkeSa& sa);

// "an IKE SA of this peer ended": of an SA that was up.
Explanation deleted_by_peer(const IkeSa& sa);
// The same when a newer SA with this peer is there.
Explanation replaced_by_peer(const IkeSa& sa, const IkeSa& newer);
// An INFORMATIONAL with a fatal error: the peer did not accept our side of IKE_AUTH, or cannot read us.
Explanation reported_by_peer(const IkeSa& sa, const wire::NotifyPayload& error);

std::string text_of(std::span<const model::Proposal> proposals);
// "connections.gw"
std::string section_of(const std::string& connection);

}  // namespace cygnet::ike
