#include "ike/snapshot.h"

#include <algorithm>

#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

std::optional<Duration> left(Instant deadline, Instant now) {
    if (deadline == Instant::never()) return std::nullopt;
    return std::max(deadline - now, Duration{0});
}

struct TaskName {
    std::string operator()(const CreateChildTask&) const { return "CHILD_CREATE"; }
    std::string operator()(const RekeyChildTask&) const { return "CHILD_REKEY"; }
    std::string operator()(const RekeyIkeTask&) const { return "IKE_REKEY"; }
    std::string operator()(const DeleteChildrenTask&) const { return "CHILD_DELETE"; }
    std::string operator()(const DeleteIkeTask&) const { return "IKE_DELETE"; }
    std::string operator()(const LivenessTask&) const { return "IKE_DPD"; }
    std::string operator()(const ReportFailureTask&) const { return "INFORMATIONAL"; }
    std::string operator()(const SynchronizeTask&) const { return "IKE_SYNC"; }
    std::string operator()(const InformationalTask& task) const { return task.name; }
};

std::string name_of_new(const NewSa& made) {
    if (made.rekeys_ike_sa()) return "IKE_REKEY";
    const auto* child = std::get_if<NewChild>(&made.what);
    return child != nullptr && child->replaces ? "CHILD_REKEY" : "CHILD_CREATE";
}

// Exchanges under way, by the names that strongSwan gives to its tasks.
struct ExchangeName {
    std::string operator()(const InitiatingSaInit&) const { return "IKE_INIT"; }
    std::string operator()(const InitiatingIntermediate&) const { return "IKE_INIT"; }  // it has no name of its own there
    std::string operator()(const RespondingIntermediate&) const { return "IKE_INIT"; }
    std::string operator()(const InitiatingAuth&) const { return "IKE_AUTH"; }
    std::string operator()(const RespondingAuth&) const { return "IKE_AUTH"; }
    std::string operator()(const AwaitingLiveness&) const { return "IKE_DPD"; }
    std::string operator()(const AwaitingChildrenDeleted&) const { return "CHILD_DELETE"; }
    std::string operator()(const AwaitingIkeDeleted&) const { return "IKE_DELETE"; }
    std::string operator()(const CreatingSa& creating) const { return name_of_new(creating.made); }
    std::string operator()(const AnsweringNewSa& answering) const { return name_of_new(answering.made); }
    template <class Other>
    std::string operator()(const Other&) const {
        return "INFORMATIONAL";
    }
};

model::IkeState state_of(const IkeSa& sa) {
    switch (sa.phase()) {
        case Phase::connecting:
        case Phase::authenticating: return model::IkeState::connecting;
        case Phase::established: break;
        case Phase::deleting: return model::IkeState::deleting;
    }
    if (sa.replaced_by) return model::IkeState::rekeyed;
    const auto* creating = sa.own.find<CreatingSa>();
    const bool rekeying = creating != nullptr && creating->made.rekeys_ike_sa();
    return rekeying ? model::IkeState::rekeying : model::IkeState::established;
}

}  // namespace

std::optional<Instant> established_since(const IkeSa& sa) {
    if (const auto* established = std::get_if<Established>(&sa.state)) return established->since;
    if (const auto* deleting = std::get_if<Deleting>(&sa.state)) return deleting->since;
    return std::nullopt;
}

model::ChildStatus child_status(const Child& child, Instant now) {
    return {.name = child.config->name,
            .unique_id = child.unique_id,
            .id = child.id,
            .reqid = child.reqid,
            .state = child.state,
            .mode = child.terms.mode,
            .udp_encapsulation = child.udp_encapsulation,
            .spi_in = child.spi_in,
            .spi_out = child.spi_out,
            .ipcomp = child.terms.ipcomp,
            .proposal = child.terms.proposal,
            .ppk_id = child.ppk_id ? std::optional(*child.ppk_id) : std::nullopt,
            .installed_for = now - child.installed_at,
            .rekey_in = left(child.rekey_at, now),
            .expires_in = left(child.expire_at, now),
            .local = child.terms.selectors.local,
            .remote = child.terms.selectors.remote,
            .resource = child.resource,
            .per_resource = child.terms.per_resource,
            .usage = child.usage.value_or({})};
}

model::IkeStatus ike_status(const IkeSa& sa, Instant now) {
    const auto own_vips = sa.own_virtual_addresses();
    model::IkeStatus status{.name = sa.connection ? sa.connection->name : std::string(),
                            .id = sa.id,
                            .state = state_of(sa),
                            .path = sa.path,
                            .local_id = sa.own_id,
                            .remote_id = sa.peer_id,
                            .initiator = sa.initiator,
                            .spi_i = sa.spis.initiator,
                            .spi_r = sa.spis.responder,
                            .nat_local = sa.nat_local,
                            .nat_remote = sa.nat_remote,
                            .established_for = now - established_since(sa).value_or(now),
                            .rekey_in = left(sa.timers[static_cast<std::size_t>(Timer::rekey)], now),
                            .reauth_in = left(std::min(sa.timers[static_cast<std::size_t>(Timer::reauth)],
                                                       sa.timers[static_cast<std::size_t>(Timer::authentication_end)]),
                                              now),
                            .local_vips = {own_vips.begin(), own_vips.end()}};
    if (sa.protection) status.proposal = *sa.proposal;
    for (const LeasedAddress& lease : sa.peer_virtual_addresses()) status.remote_vips.push_back(lease.address);
    for (const Task& task : sa.tasks) status.tasks_queued.push_back(std::visit(TaskName{}, task));
    if (sa.own) status.tasks_active.push_back(sa.own.visit(ExchangeName{}));
    if (sa.theirs) status.tasks_passive.push_back(sa.theirs.visit(ExchangeName{}));
    for (const Feature* feature : all_features())
        if (feature->describe) feature->describe(sa, status);
    for (const auto& [id, child] : sa.children) status.children.push_back(child_status(child, now));
    return status;
}

}  // namespace cygnet::ike
