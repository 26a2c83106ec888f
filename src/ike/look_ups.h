// Jobs that wait for something which has to be fetched: revocation lists, OCSP responses, certificates by URL. A handler sees
// only a job that takes longer:
//
//   StartJob ─► JobDone, which says what to look up ─► Fetch … ─► Fetched … ─► StartJob, which settles it ─► JobDone ─► Resume
//
// What several jobs want is fetched once. Nothing is fetched because of an untrusted certificate: a verification says what it
// wants when the path is valid and the peer has proven that the certificate is its own. Certificates by URL are the exception;
// a peer gets that far when cookies and the limits on half-open SAs let it, and the connection allows it.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "ike/effects.h"

namespace cygnet::ike {

class Core;
struct Context;

class LookUps {
public:
    using Continuation = std::variant<crypto::VerifyJob, crypto::SignedAuth, crypto::VerifiedPeer>;

    // Fetches what is wanted, and then starts the job again that continues with it. Later than somebody's patience it
    // continues without.
    void refuse(JobId job, Continuation continuation, const std::vector<crypto::LookUp>& wanted, Effects& effects);
    void begin(JobId job, Continuation continuation, const std::vector<crypto::LookUp>& wanted, Effects& effects);
    // Answers that end somebody's waiting start his job; `alive` says whether a job is still awaited.
    template <class Alive>
    void take(Fetched fetched, const Alive& alive, Effects& effects);
    std::size_t under_way() const { return flights_.size(); }

private:
    struct Place {
        JobId job{};
        std::size_t index = 0;  // among its answers
    };
    struct Flight {
        crypto::LookUp what{};
        std::vector<Place> waiting{};
    };
    struct Held {
        Continuation continuation;
        std::vector<crypto::Answer> answers{};
        std::size_t missing = 0;
    };
    std::vector<JobId> answer(FetchId id, const Result<Bytes>& content);
    void go_on(JobId job, Effects& effects);
    bool is_full(const crypto::LookUp& wanted) const;

    std::map<FetchId, Flight> flights_{};
    std::map<std::pair<std::string, Bytes>, FetchId> by_place_{};  // URL and request
    std::map<JobId, Held> held_{};
    std::uint64_t last_id_ = 0;
};

template <class Alive>
void LookUps::take(Fetched fetched, const Alive& alive, Effects& effects) {
    for (const JobId job : answer(fetched.id, fetched.content)) {
        if (alive(job))
            go_on(job, effects);
        else
            held_.erase(job);
    }
}

// Whether the job has to wait for certificates by URL: then they are fetched, and the job starts with them.
bool look_up_first(Context& context, JobId id, crypto::Job& job);
// Whether the result has to wait: then something is fetched, and the job starts again.
bool wait_for_look_ups(Core& core, JobId id, crypto::JobResult& result, Instant now, Effects& effects);
void take_fetched(Core& core, Fetched fetched, Instant now, Effects& effects);

}  // namespace cygnet::ike
