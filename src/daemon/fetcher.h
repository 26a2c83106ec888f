// Executes the core's Fetch effects on threads of their own: a slow server delays neither the protocol nor its jobs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "crypto/look_up.h"
#include "model/address.h"
#include "os/event_loop.h"
#include "os/job_pool.h"

namespace cygnet::daemon {

// Whether a host may be asked because of a URL of that author: certificates do not lead us to our own host or link, and
// those that a peer only names to no private network either (hostile-inputs E4), unless the operator says so.
bool may_ask(crypto::LookUp::Author author, const model::IpAddress& address);

class Fetcher {
public:
    explicit Fetcher(os::EventLoop& loop) : loop_(loop) {}
    // Gives up what is under way.
    ~Fetcher();

    // `finished` is called once, later, on the loop's thread. What waits for a thread longer than a fetch may take fails.
    void start(const crypto::LookUp& what, std::function<void(Result<Bytes>)> finished);

private:
    os::EventLoop& loop_;
    std::atomic<bool> give_up_ = false;
    // Made for the first fetch. Whoever names a slow server before we know who it is delays only others like it.
    std::unique_ptr<os::JobPool> threads_, threads_for_strangers_;
};

}  // namespace cygnet::daemon
