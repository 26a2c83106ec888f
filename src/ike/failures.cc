#include "ike/failures.h"

#include <algorithm>

#include "model/limits.h"

namespace cygnet::ike {
namespace {

// What a peer says can be long; an operator reads its beginning.
void shorten(std::string& text) {
    if (text.size() <= model::limits::failure_text_octets) return;
    text.resize(model::limits::failure_text_octets);
    text += " ...";
}

bool explains_nothing(const model::Failure& failure) { return std::string_view(failure.why.kind) == "other"; }

bool same_reason(const model::Failure& a, const model::Failure& b) {
    return a.why == b.why && a.peer.address == b.peer.address;
}

}  // namespace

void FailureLog::note(model::Failure failure) {
    for (std::string* part : {&failure.why.what, &failure.why.ours, &failure.why.theirs, &failure.why.advice})
        shorten(*part);
    if (failure.connection.empty()) return note_stranger(std::move(failure));
    // The end of a stranger's SA, whose reason is known, is no news of the connection that its address pointed to.
    const bool of_stranger = failure.sa != model::IkeSaId{} && !strangers_.empty() && strangers_.back().sa == failure.sa;
    if (of_stranger) return;
    model::Failure& known = by_name_[{failure.connection, failure.child}];
    if (known.sa == failure.sa && failure.sa != model::IkeSaId{} && !known.connection.empty()) {
        if (explains_nothing(failure) || same_reason(known, failure)) return;
    } else if (same_reason(known, failure)) {
        failure.times = known.times + 1;
    }
    known = std::move(failure);
}

void FailureLog::note_stranger(model::Failure failure) {
    const auto known =
        std::ranges::find_if(strangers_, [&](const model::Failure& other) { return same_reason(other, failure); });
    if (known != strangers_.end()) {
        failure.times = known->times + 1;
        strangers_.erase(known);
    }
    if (strangers_.size() >= model::limits::stranger_failures) strangers_.pop_front();
    strangers_.push_back(std::move(failure));
}

void FailureLog::came_up(const std::string& connection, model::IkeSaId sa) {
    const auto found = by_name_.find(std::pair(connection, std::string()));
    if (found != by_name_.end() && found->second.sa == sa) by_name_.erase(found);
}

void FailureLog::keep_only(const model::Config& config) {
    std::erase_if(by_name_, [&](const auto& entry) {
        const auto& [connection, child] = entry.first;
        const auto found = config.connections.find(connection);
        return found == config.connections.end() || (!child.empty() && found->second->child(child) == nullptr);
    });
}

std::vector<model::Failure> FailureLog::of(std::string_view connection) const {
    std::vector<model::Failure> found;
    for (auto next = by_name_.lower_bound(std::pair(std::string(connection), std::string()));
         next != by_name_.end() && next->first.first == connection; ++next)
        found.push_back(next->second);
    return found;
}

std::vector<model::Failure> FailureLog::all() const {
    std::vector<model::Failure> found;
    for (const auto& [name, failure] : by_name_) found.push_back(failure);
    return found;
}

}  // namespace cygnet::ike
