#include "ike/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ike/feature/auth_announcements.h"
#include "model/limits.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;
using model::Proposal;
using model::TransformType;

// ---- proposals ----------------------------------------------------------------------------------

struct Kind {
    TransformType type;
    const char* name;
};
constexpr std::array kinds{Kind{TransformType::encr, "encryption"}, Kind{TransformType::integ, "integrity"},
                           Kind{TransformType::prf, "PRF"}, Kind{TransformType::ke, "key exchange"},
                           Kind{TransformType::sn, "sequence numbers"}};

bool is_none(const model::Transform& transform) { return transform.id == 0 && transform.type != TransformType::sn; }

// Whether the two have a choice in common, or both do without.
bool agree(const Proposal& a, const Proposal& b, TransformType type) {
    const auto ours = a.of_type(type), theirs = b.of_type(type);
    if (ours.empty()) return theirs.empty() || std::ranges::any_of(theirs, is_none);
    if (theirs.empty()) return std::ranges::any_of(ours, is_none);
    return std::ranges::any_of(ours, [&](const model::Transform& transform) {
        return std::ranges::find(theirs, transform) != theirs.end();
    });
}

std::vector<const char*> differences(const Proposal& a, const Proposal& b) {
    std::vector<const char*> differ;
    for (const Kind& kind : kinds)
        if (!agree(a, b, kind.type)) differ.push_back(kind.name);
    for (unsigned round = 1; round <= 7; ++round)
        if (!agree(a, b, static_cast<TransformType>(5 + round))) {
            differ.push_back("additional key exchange");
            break;
        }
    return differ;
}

struct Nearest {
    const Proposal* ours = nullptr;
    const Proposal* theirs = nullptr;
    std::vector<const char*> differ{};
};

// The pair that lacks least: what it differs in is what the operator must change.
Nearest nearest(std::span<const Proposal> ours, std::span<const Proposal> theirs) {
    Nearest best;
    for (const Proposal& own : ours) {
        for (const Proposal& offered : theirs) {
            auto differ = differences(own, offered);
            if (best.ours == nullptr || differ.size() < best.differ.size()) best = {&own, &offered, std::move(differ)};
        }
    }
    return best;
}

std::string joined(const std::vector<const char*>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + std::string(words[i]);
    return text;
}

std::string protocol_of(std::span<const Proposal> ours, std::span<const Proposal> theirs) {
    const Proposal* any = !ours.empty() ? &ours.front() : !theirs.empty() ? &theirs.front() : nullptr;
    return any == nullptr ? "IKE" : model::name_of(any->protocol);
}

// ---- selectors ----------------------------------------------------------------------------------

// What to write on which side so that the two overlap.
std::string mend_selectors(const std::string& child, const SelectorPair& own, const SelectorPair& wanted) {
    const bool local = !model::narrow(wanted.local, own.local).empty();
    const bool remote = !model::narrow(wanted.remote, own.remote).empty();
    std::string here, there;
    const auto add = [](std::string& to, const std::string& key, const model::TrafficSelectors& value) {
        to += (to.empty() ? "" : " and ") + key + " = " + model::text_of(value);
    };
    if (!local) {
        add(here, "local_ts", wanted.local);
        add(there, "remote_ts", own.local);
    }
    if (!remote) {
        add(here, "remote_ts", wanted.remote);
        add(there, "local_ts", own.remote);
    }
    return fmt::format("write {} into child {} here, or {} into the peer's", here, child, there);
}

// ---- authentication -----------------------------------------------------------------------------

constexpr const char* see_its_log = "the peer's log says why";

std::string who_we_are(const IkeSa& sa) {
    const model::AuthConfig& local = sa.connection->local.front();
    return fmt::format("we are {} with {}", text_of(sa.own_id),
                       local.auth == model::AuthClass::psk ? "a pre-shared key" : "a certificate (" + local.auth_text + ")");
}

// One side is called `said`, the other is configured for `configured`: the keys are local.id and remote.id, or the reverse.
Explanation wrong_identity(std::string what, const char* here, const char* there, const model::Identity& configured,
                           const char* claim, const model::Identity& said) {
    return {.kind = "identity",
            .what = std::move(what),
            .ours = fmt::format("{} = {}", here, text_of(configured)),
            .theirs = fmt::format("{} {}", claim, text_of(said)),
            .advice = fmt::format("set {} = {} here, or {} = {} at the peer", here, text_of(said), there, text_of(configured))};
}

}  // namespace

std::string section_of(const std::string& connection) { return "connections." + connection; }

std::string text_of(std::span<const Proposal> proposals) {
    std::string text;
    for (const Proposal& proposal : proposals) {
        text += (text.empty() ? "" : ", ") + proposal.text();
        if (text.size() > model::limits::failure_text_octets) break;
    }
    return text.empty() ? "nothing" : text;
}

Explanation no_common_proposal(const std::string& setting, std::span<const Proposal> ours,
                               std::span<const Proposal> theirs) {
    const Nearest pair = nearest(ours, theirs);
    Explanation why{.kind = "proposals",
                    .what = fmt::format("no {} proposal in common", protocol_of(ours, theirs)),
                    .ours = text_of(ours),
                    .theirs = text_of(theirs)};
    if (pair.ours == nullptr) {
        why.advice = ours.empty() ? "this build can run none of the algorithms of " + setting + ", write others"
                                  : "the peer offers nothing that can be read";
        return why;
    }
    // Alike and still refused: something about the offer itself, such as unknown attributes or a method used twice.
    if (!pair.differ.empty()) why.what += ", the nearest two differ in " + joined(pair.differ);
    const std::string wanted = pair.theirs->keywords(), own = pair.ours->keywords();
    if (wanted.empty())
        why.advice = fmt::format("the peer's algorithms are too weak or unknown here, let it offer {}", own);
    else
        why.advice = fmt::format("add {} to {}, or {} to the peer's proposals", wanted, setting, own);
    return why;
}

Explanation no_common_proposal(const ConfiguredProposals& ours, std::span<const Proposal> theirs, const model::SelectionRules& rules) {
    const std::vector<Proposal> allowed = model::allowed_by(ours.policy, {ours.configured.begin(), ours.configured.end()});
    const bool only_policy = ours.policy.post_quantum == model::PostQuantum::required && model::choose(ours.configured, theirs, rules);
    if (!only_policy) return no_common_proposal(ours.setting, allowed, theirs);
    return {.kind = classic_offer.data(),
            .what = "post_quantum = required, and the peer offers no post-quantum key exchange",
            .ours = text_of(allowed),
            .theirs = text_of(theirs),
            .advice = fmt::format("let the peer offer {}, or set post_quantum = preferred here",
                                  allowed.empty() ? "ke1_mlkem768" : allowed.front().keywords())};
}

Explanation proposals_refused(const std::string& setting, std::span<const Proposal> ours) {
    return {.kind = "proposals",
            .what = fmt::format("the peer accepts none of our {} proposals (NO_PROPOSAL_CHOSEN)", protocol_of(ours, {})),
            .ours = text_of(ours),
            .theirs = {},
            .advice = fmt::format("find in the peer's configuration or log what it accepts, and add that to {}", setting)};
}

Explanation no_common_selectors(const model::Connection& connection, const ChildOffer& offer,
                                const ChildAddresses& addresses, const OuterPath& outer) {
    const auto with_mode = [](const SelectorPair& selectors, model::ChildMode mode) {
        const char* const words = mode == model::ChildMode::transport ? " in transport mode" : mode == model::ChildMode::beet ? " in BEET mode" : "";
        return text_of(selectors) + words;
    };
    const model::ChildMode asked = offer.notices.transport_mode ? model::ChildMode::transport
                                   : offer.notices.beet_mode    ? model::ChildMode::beet
                                                                : model::ChildMode::tunnel;
    Explanation why{.kind = "selectors",
                    .what = "the traffic selectors of the peer fit no child of " + connection.name,
                    .ours = {},
                    .theirs = with_mode(offer.selectors, asked)};
    std::size_t fewest = 3;
    for (const model::ChildConfig& child : connection.children) {
        if (model::is_shunt(child.mode)) continue;
        const SelectorPair own = configured_selectors(child, addresses, outer);
        if (why.ours.size() < model::limits::failure_text_octets)
            why.ours += (why.ours.empty() ? "" : ", ") + child.name + ": " + with_mode(own, child.mode);
        const std::size_t misses = std::size_t{model::narrow(offer.selectors.local, own.local).empty()} +
                                   std::size_t{model::narrow(offer.selectors.remote, own.remote).empty()};
        if (misses >= fewest) continue;
        fewest = misses;
        why.advice = misses == 0 ? "let mode of child " + child.name + " be the same on both sides"
                                 : mend_selectors(child.name, own, offer.selectors);
    }
    if (why.ours.empty()) {
        why.ours = "no child";
        why.advice = "add a child to " + section_of(connection.name);
    }
    return why;
}

Explanation selectors_refused(const std::string& connection, const std::string& child, const SelectorPair& offered) {
    return {.kind = "selectors",
            .what = fmt::format("the peer accepts no part of the traffic selectors of child {} (TS_UNACCEPTABLE)", child),
            .ours = text_of(offered),
            .theirs = {},
            .advice = fmt::format("let local_ts = {} and remote_ts = {} at the peer overlap with {}.children.{} here",
                                  model::text_of(offered.remote), model::text_of(offered.local), section_of(connection),
                                  child)};
}

Explanation why_child_refused(const OfferedChild& offer, const wire::Message& answer) {
    const wire::NotifyPayload* error = answer.error();
    const std::string said = error != nullptr ? model::name_of(error->message_type) : "no SA, TSi and TSr";
    Explanation why{.kind = "refused", .what = "the peer refused child " + offer.child, .theirs = said};
    switch (error != nullptr ? error->message_type : NotifyType::none) {
        case NotifyType::no_proposal_chosen:
            return proposals_refused(fmt::format("{}.children.{}.esp_proposals", section_of(offer.connection), offer.child),
                                     offer.proposals);
        case NotifyType::ts_unacceptable: return selectors_refused(offer.connection, offer.child, offer.selectors);
        case NotifyType::internal_address_failure:
            why.kind = "address";
            why.advice = "the peer has no virtual address left or none for us: enlarge its pool, or take `vips` out here";
            break;
        case NotifyType::failed_cp_required:
            why.kind = "address";
            why.advice = "the peer gives virtual addresses only: add vips = 0.0.0.0 to the connection";
            break;
        case NotifyType::single_pair_required:
            why.kind = "selectors";
            why.advice = "the peer takes one pair of addresses at a time: name single addresses in local_ts and remote_ts";
            break;
        case NotifyType::no_additional_sas:
            why.kind = "limit";
            why.advice = "the peer takes no further child in this IKE SA: put the child into a connection of its own";
            break;
        case NotifyType::ts_max_queue:
            why.kind = "limit";
            why.advice = "the peer has as many SAs of these selectors as it allows: set per_cpu_sas = no here";
            break;
        case NotifyType::invalid_ke_payload:
            why.kind = "proposals";
            why.advice = "let the key exchange methods of esp_proposals on both sides have one in common";
            break;
        default: why.advice = see_its_log; break;
    }
    return why;
}

Explanation why_rekey_refused(const std::string& connection, std::span<const Proposal> offered, NotifyType answer) {
    if (answer == NotifyType::no_proposal_chosen) return proposals_refused(section_of(connection) + ".proposals", offered);
    return {.kind = "refused",
            .what = "the peer refused the rekey of the IKE SA",
            .theirs = model::name_of(answer),
            .advice = see_its_log};
}

Explanation wrong_peer_identity(const std::string& connection, const model::Identity& expected,
                                const model::Identity& said) {
    return wrong_identity("the peer is not who " + connection + " expects", "remote.id", "local.id", expected,
                          "it says that it is", said);
}

Explanation wrong_own_identity(const std::string& connection, const model::Identity& own,
                               const model::Identity& wanted) {
    return wrong_identity("the peer wants to talk to somebody else than " + connection, "local.id", "remote.id", own,
                          "it asks for", wanted);
}

Explanation wrong_method(const std::string& connection, const model::AuthConfig& expected, const std::string& used) {
    return {.kind = "method",
            .what = "the peer authenticates in another way than " + connection + " demands",
            .ours = "remote.auth = " + expected.auth_text,
            .theirs = "it uses " + used,
            .advice = "let remote.auth here and local.auth at the peer be the same"};
}

Explanation wrong_certificate(const Error& error) {
    if (error.explanation) return *error.explanation;
    if (error.code == Errc::integrity)
        return {.kind = "signature",
                .what = "the signature of the peer does not verify with its certificate",
                .advice = "its private key does not belong to the certificate that it sends, or its AUTH was changed on the way"};
    return {.kind = "certificate", .what = error.detail.empty() ? error.text() : error.detail};
}

namespace {

// RFC 9593: what the peer said that it accepts beside what it got, if that was something else.
std::optional<Explanation> unannounced_proof(const IkeSa& sa, const std::string& said) {
    const auto* exchange = sa.own.find<InitiatingAuth>();
    if (exchange == nullptr || !exchange->proof || !sa.half_open()) return std::nullopt;
    const Handshake& handshake = sa.handshake();
    const std::size_t round = std::max<std::size_t>(handshake.rounds.own, 1) - 1;
    if (handshake.peer_hints.announced.empty() || round >= sa.connection->local.size()) return std::nullopt;
    const AnnouncementList accepted = announced_for(handshake.peer_hints.announced, round, sa.connection->local.size());
    if (!is_unannounced(*exchange->proof, accepted)) return std::nullopt;
    return Explanation{.kind = "method",
                       .what = "the peer refused our proof, which is none of those that it accepts",
                       .ours = fmt::format("{}, as local.auth = {} and our keys allow", text_of(*exchange->proof),
                                           sa.connection->local[round].auth_text),
                       .theirs = said + "; it accepts " + text_of(accepted),
                       .advice = "let local.auth here and remote.auth at the peer have something in common, or use a key of "
                                 "another type"};
}

}  // namespace

Explanation refused_by_peer(const IkeSa& sa, const wire::Message& answer) {
    const wire::NotifyPayload* error = answer.error();
    const std::string said = error != nullptr ? model::name_of(error->message_type) : "no IDr and AUTH";
    const std::string own = text_of(sa.own_id);
    Explanation why{.kind = "refused",
                    .what = "the peer refused our IKE_AUTH",
                    .ours = who_we_are(sa),
                    .theirs = said};
    if (error == nullptr || error->message_type != NotifyType::authentication_failed) {
        why.advice = see_its_log;
        return why;
    }
    if (auto other = unannounced_proof(sa, said)) return *std::move(other);
    why.kind = "credential";
    const bool psk = sa.connection->local.front().auth == model::AuthClass::psk;
    why.advice = fmt::format(
        "check at the peer that its remote.id accepts {}{}, that it is the local.id which our remote.id asks for, and that {}; its log says which",
        own, psk ? " with remote.auth = psk" : "",
        psk ? "the secret is the same on both sides" : "it has the CA of our certificate, which must be valid now");
    return why;
}

Explanation no_answer(const IkeSa& sa) {
    const std::string peer = sa.path.remote.text();
    const unsigned sent = sa.window.transmissions();
    if (!sa.half_open())
        return {.kind = "dead-peer",
                .what = fmt::format("{} stopped answering: {} transmissions without a response", peer, sent),
                .advice = "the peer or the path to it is down; keep_up = yes brings the connection back by itself"};
    Explanation why{.kind = "no-answer"};
    if (sa.phase() == Phase::authenticating) {
        why.what = fmt::format("{} answered IKE_SA_INIT, but none of {} transmissions after it", peer, sent);
        why.advice = fmt::format(
            "something on the way blocks {} or drops IP fragments: let UDP port 4500 pass, and keep fragmentation = yes",
            sa.path.remote.port == 500 ? "larger datagrams" : fmt::format("UDP port {}", sa.path.remote.port));
        return why;
    }
    why.what = fmt::format("{} did not answer {} transmissions of IKE_SA_INIT", peer, sent);
    const auto* init = sa.own.find<InitiatingSaInit>();
    if (init != nullptr && !init->hint.empty()) {
        why.theirs = init->hint;
        why.advice = "its log says why it refuses, if it was the peer who said this";
        return why;
    }
    // RFC 7383 §2.5: nobody but IP fragments it, and many drop such fragments.
    if (const std::size_t octets = sa.handshake().init_request.size(); octets > model::limits::fragment_ip_octets && !sa.path.tcp()) {
        why.advice = fmt::format(
            "IKE_SA_INIT has {} octets and goes in IP fragments, which something on the way may drop: give the post-quantum method a round "
            "after a smaller one, as in x25519-ke1_mlkem1024; if that is not it, {} has no daemon with a connection for {}, or "
            "UDP ports 500 and 4500 are closed",
            octets, sa.path.remote.address.text(), sa.path.local.address.text());
        return why;
    }
    why.advice = fmt::format(
        "check that {} is the peer's address, that its daemon runs with a connection for {}, and that UDP ports 500 and 4500 pass all firewalls",
        sa.path.remote.address.text(), sa.path.local.address.text());
    return why;
}

Explanation reported_by_peer(const IkeSa& sa, const wire::NotifyPayload& error) {
    const std::string said = model::name_of(error.message_type);
    if (error.message_type == NotifyType::authentication_failed)
        return {.kind = "credential",
                .what = "the peer did not accept our side of IKE_AUTH",
                .ours = who_we_are(sa),
                .theirs = said,
                .advice = fmt::format("let remote.id and remote.auth at the peer accept {}, and look into its log",
                                      text_of(sa.own_id))};
    return {.kind = "refused",
            .what = "the peer ended the IKE SA because of an error",
            .theirs = said,
            .advice = "its log says what it could not read or accept"};
}

Explanation replaced_by_peer(const IkeSa& sa, const IkeSa& newer) {
    return {.kind = "replaced",
            .what = fmt::format("{} has authenticated again: {} takes over", sa.path.remote.address.text(), newer.name())};
}

Explanation deleted_by_peer(const IkeSa& sa) {
    return {.kind = "deleted",
            .what = sa.path.remote.text() + " closed the connection",
            .advice = "its log says why; close_action = start in the children or keep_up = yes brings it back by itself"};
}

}  // namespace cygnet::ike
