#include "ike/look_ups.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/context.h"
#include "model/limits.h"

namespace cygnet::ike {
namespace {

const char* name_of(crypto::LookUp::Kind kind) {
    switch (kind) {
        case crypto::LookUp::Kind::crl: return "a CRL";
        case crypto::LookUp::Kind::ocsp: return "an OCSP response";
        case crypto::LookUp::Kind::certificate: return "a certificate";
    }
    return "";
}

void log_look_ups(Context& context, const std::vector<crypto::LookUp>& wanted) {
    for (const crypto::LookUp& each : wanted)
        context.log(model::LogGroup::cfg, 1, fmt::format("fetching {} from {}", name_of(each.kind), each.url));
}

crypto::Job settling(LookUps::Continuation continuation, std::vector<crypto::Answer> answers) {
    if (auto* peer = std::get_if<crypto::VerifiedPeer>(&continuation))
        return crypto::SettleRevocationJob{.peer = std::move(*peer), .answers = std::move(answers)};
    if (auto* made = std::get_if<crypto::SignedAuth>(&continuation))
        return crypto::SettleStapleJob{.made = std::move(*made), .answers = std::move(answers)};
    auto& job = std::get<crypto::VerifyJob>(continuation);
    job.fetched = std::move(answers);
    return std::move(job);
}

}  // namespace

void LookUps::refuse(JobId job, Continuation continuation, const std::vector<crypto::LookUp>& wanted, Effects& effects) {
    std::vector<crypto::Answer> answers;
    for (const crypto::LookUp& what : wanted)
        answers.push_back({.look_up = what, .content = fail(Errc::timeout, "fetch", "there is no time left to ask")});
    effects.push_back(StartJob{.id = job, .job = settling(std::move(continuation), std::move(answers))});
}

void LookUps::begin(JobId job, Continuation continuation, const std::vector<crypto::LookUp>& wanted, Effects& effects) {
    Held& held = held_.emplace(job, Held{.continuation = std::move(continuation)}).first->second;
    for (const crypto::LookUp& what : wanted) {
        const std::size_t index = held.answers.size();
        held.answers.push_back({.look_up = what, .content = fail(Errc::limit, "fetch", "too many fetches are under way")});
        const std::pair place{what.url, what.request};
        auto known = by_place_.find(place);
        if (known == by_place_.end()) {
            if (is_full(what)) continue;
            const auto id = static_cast<FetchId>(++last_id_);
            known = by_place_.emplace(place, id).first;
            flights_[id].what = what;
            effects.push_back(Fetch{.id = id, .what = what});
        }
        flights_[known->second].waiting.push_back({.job = job, .index = index});
        ++held.missing;
    }
    if (held.missing == 0) go_on(job, effects);
}

bool LookUps::is_full(const crypto::LookUp& wanted) const {
    if (flights_.size() >= model::limits::fetches_under_way) return true;
    if (wanted.kind != crypto::LookUp::Kind::certificate) return false;
    const auto strangers = std::ranges::count_if(
        flights_, [](const auto& each) { return each.second.what.kind == crypto::LookUp::Kind::certificate; });
    return static_cast<std::size_t>(strangers) >= model::limits::fetches_for_strangers;
}

// Returns the jobs that have all their answers now.
std::vector<JobId> LookUps::answer(FetchId id, const Result<Bytes>& content) {
    std::vector<JobId> complete;
    const auto found = flights_.find(id);
    if (found == flights_.end()) return complete;
    for (const Place& place : found->second.waiting) {
        const auto held = held_.find(place.job);
        if (held == held_.end()) continue;
        held->second.answers[place.index].content = content;
        if (--held->second.missing == 0) complete.push_back(place.job);
    }
    by_place_.erase({found->second.what.url, found->second.what.request});
    flights_.erase(found);
    return complete;
}

void LookUps::go_on(JobId job, Effects& effects) {
    auto held = held_.extract(job);
    effects.push_back(StartJob{
        .id = job, .job = settling(std::move(held.mapped().continuation), std::move(held.mapped().answers))});
}

bool look_up_first(Context& context, JobId id, crypto::Job& job) {
    auto* verify = std::get_if<crypto::VerifyJob>(&job);
    if (verify == nullptr || verify->by_url.empty()) return false;
    std::vector<crypto::LookUp> wanted;
    for (const crypto::HashAndUrl& each : verify->by_url) wanted.push_back(each.look_up);
    log_look_ups(context, wanted);
    context.core.look_ups.begin(id, std::move(*verify), wanted, context.effects);
    return true;
}

bool wait_for_look_ups(Core& core, JobId id, crypto::JobResult& result, Instant now, Effects& effects) {
    JobTicket& ticket = core.jobs.at(static_cast<std::uint64_t>(id));
    Context context{
        .core = core, .sa = *core.find_sa(ticket.sa), .now = now, .effects = effects, .slot = ticket.slot};
    std::vector<crypto::LookUp> wanted;
    std::optional<LookUps::Continuation> continuation;
    if (auto* peer = std::get_if<Result<crypto::VerifiedPeer>>(&result); peer != nullptr && *peer) {
        wanted = std::exchange((*peer)->look_ups, {});
        if (!wanted.empty()) continuation = std::move(**peer);
    } else if (auto* made = std::get_if<Result<crypto::SignedAuth>>(&result); made != nullptr && *made) {
        wanted = std::exchange((*made)->look_ups, {});
        if (!wanted.empty()) continuation = std::move(**made);
    }
    if (!continuation) return false;
    if (!ticket.patience) ticket.patience = now + model::limits::look_up_patience;
    if (*ticket.patience < now) {
        core.look_ups.refuse(id, std::move(*continuation), wanted, effects);
        return true;
    }
    log_look_ups(context, wanted);
    core.look_ups.begin(id, std::move(*continuation), wanted, effects);
    return true;
}

void take_fetched(Core& core, Fetched fetched, Instant, Effects& effects) {
    const auto alive = [&core](JobId job) {
        const auto ticket = core.jobs.find(static_cast<std::uint64_t>(job));
        if (ticket == core.jobs.end()) return false;
        const IkeSa* sa = core.find_sa(ticket->second.sa);
        if (sa != nullptr && !sa->closed) return true;
        core.jobs.erase(ticket);
        return false;
    };
    core.look_ups.take(std::move(fetched), alive, effects);
}

}  // namespace cygnet::ike
