#include "vici/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "crypto/x509.h"
#include "model/limits.h"

namespace cygnet::vici {
namespace {

std::uint64_t whole_seconds(Duration duration) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<seconds>(duration).count()));
}

std::string span_text(Duration duration) {
    const std::uint64_t s = whole_seconds(duration);
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
    if (s < 86400) return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
    return fmt::format("{} d {} h", s / 86400, s % 86400 / 3600);
}

const model::Failure* failure_of(const std::vector<model::Failure>& failures, std::string_view child) {
    const auto found = std::ranges::find(failures, child, &model::Failure::child);
    return found == failures.end() ? nullptr : &*found;
}

bool carries(const model::IkeStatus& sa, const std::string& child) {
    return std::ranges::any_of(sa.children, [&](const model::ChildStatus& status) {
        return status.name == child && status.state <= model::ChildState::rekeyed;
    });
}

bool is_up(const model::IkeStatus& sa) {
    return sa.state >= model::IkeState::established && sa.state <= model::IkeState::rekeyed;
}

struct View {
    const model::Connection& connection;
    const std::vector<model::IkeStatus>& sas;
    const std::vector<model::Failure>& failures;

    // The SA that carries the connection: the one that is established longest.
    const model::IkeStatus* established() const {
        const model::IkeStatus* found = nullptr;
        for (const model::IkeStatus& sa : sas)
            if (is_up(sa) &&
                (found == nullptr || sa.established_for > found->established_for))
                found = &sa;
        return found;
    }
    // Our own attempt: one of a peer that has not authenticated yet says nothing about the connection.
    const model::IkeStatus* connecting() const {
        const auto found = std::ranges::find_if(sas, [](const model::IkeStatus& sa) {
            return sa.initiator && sa.state == model::IkeState::connecting;
        });
        return found == sas.end() ? nullptr : &*found;
    }
    bool up(const std::string& child) const {
        return std::ranges::any_of(sas, [&](const model::IkeStatus& sa) {
            return is_up(sa) && carries(sa, child);
        });
    }
    std::string missing_child(const std::string& child) const {
        if (const model::Failure* failure = failure_of(failures, child)) return failure->why.sentence();
        return fmt::format("nobody asked for it yet, `cygnet up --child {}` does", child);
    }
};

// What to do about a connection that nobody tried.
std::string never_tried(const model::Connection& connection) {
    const bool reachable = std::ranges::any_of(connection.remote_addrs, [](const model::HostPattern& host) {
        return !host.any && (!host.range || host.range->first == host.range->last);
    });
    if (!reachable)
        return fmt::format("{} waits for a peer: remote_addrs names no single one, so that none can be called, and none "
                           "that fits has come yet",
                           connection.name);
    return fmt::format("{0} was never tried: `cygnet up {0}` begins it; keep_up = yes keeps it up by itself",
                       connection.name);
}

std::string up_text(const View& view, const model::IkeStatus& sa) {
    return fmt::format("{} is up since {} with {} [{}]", view.connection.name, span_text(sa.established_for),
                       sa.path.remote.text(), sa.remote_id.text(crypto::distinguished_name_text));
}

struct Verdict {
    const char* state;
    std::string sentence;
};

Verdict judge(const View& view) {
    const std::string& name = view.connection.name;
    if (const model::IkeStatus* sa = view.established()) {
        Verdict verdict{"up", up_text(view, *sa)};
        std::string missing;
        std::size_t named = 0;
        for (const model::ChildConfig& child : view.connection.children) {
            if (view.up(child.name)) continue;
            verdict.state = "partly-up";
            if (++named <= model::limits::failure_candidates)
                missing += fmt::format(", but child {} is not: {}", child.name, view.missing_child(child.name));
        }
        verdict.sentence += missing;
        return verdict;
    }
    const model::Failure* failure = failure_of(view.failures, "");
    if (const model::IkeStatus* sa = view.connecting()) {
        Verdict verdict{"connecting", fmt::format("{} is connecting to {}", name, sa->path.remote.text())};
        if (failure != nullptr)
            verdict.sentence += (failure->sa == sa->id ? "; so far " : "; the last attempt: ") + failure->why.sentence();
        return verdict;
    }
    if (failure != nullptr) return {"down", name + " is down: " + failure->why.sentence()};
    return {"never-tried", never_tried(view.connection)};
}

}  // namespace

Section failure_section(const model::Failure& failure, Instant now) {
    Section section;
    if (!failure.child.empty()) section.add("child", failure.child);
    section.add("kind", failure.why.kind).add("sentence", failure.why.sentence()).add("what", failure.why.what);
    if (!failure.why.ours.empty()) section.add("here", failure.why.ours);
    if (!failure.why.theirs.empty()) section.add("the-peer", failure.why.theirs);
    if (!failure.why.advice.empty()) section.add("advice", failure.why.advice);
    if (!failure.phase.empty()) section.add("phase", failure.phase);
    if (failure.peer.port != 0) section.add("peer", failure.peer.text());
    section.add("seconds-ago", whole_seconds(now - failure.when)).add("times", failure.times);
    return section;
}

Section diagnosis(const Findings& findings, Instant now) {
    const auto& [connection, sas, failures, next_attempt] = findings;
    const View view{connection, sas, failures};
    const Verdict verdict = judge(view);
    Section message;
    Section& section = message.add_section(connection.name);
    section.add("state", verdict.state).add("sentence", verdict.sentence);
    Section listed;
    std::size_t number = 0;
    for (const model::Failure& failure : failures) {
        // What a child could not do before it came up is past.
        if (!failure.child.empty() && view.up(failure.child)) continue;
        listed.add_section(std::to_string(number++)) = failure_section(failure, now);
    }
    if (next_attempt) section.add("next-attempt", whole_seconds(*next_attempt));
    section.add_section("failures") = std::move(listed);
    return message;
}

}  // namespace cygnet::vici
