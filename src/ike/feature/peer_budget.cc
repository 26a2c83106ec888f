// RFC 8019 §5: a peer that asks for more new SAs than is reasonable is told to wait. Its allowance grows with time up to what a
// gateway with many children needs at once, and goes on with the IKE SA that replaces this one.
#include <algorithm>

#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

using namespace model::limits;

struct Allowance {
    double requests = create_child_requests_at_once;
    Instant counted{};
};

Result<> spend(Context& context, const Received&) {
    auto& allowance = context.sa.features.of<Allowance>();
    const double minutes_since = std::chrono::duration<double>(context.now - allowance.counted).count() / 60;
    allowance.requests = std::min<double>(create_child_requests_at_once,
                                          allowance.requests + minutes_since * create_child_requests_per_minute);
    allowance.counted = context.now;
    if (allowance.requests < 1) {
        context.count(model::Counter::limit_reached);
        return refuse(model::NotifyType::temporary_failure, Errc::limit, "CREATE_CHILD_SA",
                      "the peer asks for new SAs too often");
    }
    allowance.requests -= 1;
    return {};
}

void inherit(Context& heir, IkeSa& old) {
    if (const Allowance* known = old.features.find<Allowance>()) heir.sa.features.of<Allowance>() = *known;
}

}  // namespace

const Feature peer_budget{
    .name = "peer budget", .rfc = "RFC 8019", .create_child_request = spend, .inherited = inherit};

}  // namespace cygnet::ike
