// IKE_SA_INIT, RFC 7296 §1.2 and §2.6: the first exchange, in the clear.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

// Initiator: the exchange that a feature puts in its place, or IKE_SA_INIT.
Result<Next> begin_first_exchange(Context& context);
// Initiator: the first key pair, then the request. sa.connection, path and intent are set.
Result<Next> begin_ike_sa_init(Context& context);

// Responder: judges a request from a stranger, whom the caller has asked for a cookie if there is need. Makes an SA only for
// what is acceptable; the answer follows when the job is done.
void receive_ike_sa_init_request(Core& core, const Received& request, Standing standing, Instant now, Effects& effects);

// Initiator, with keys: the exchanges that features insert, then IKE_AUTH.
Result<Next> continue_handshake(Context& context);

// What may be said to a stranger without keeping anything of it, and how it becomes an SA.
struct Stranger {
    Core& core;
    const Received& request;
    Instant now;
    Effects& effects;

    // For `cygnet why`, and the same sentence for the log. Without a connection it is a stranger's.
    void explain(Explanation why, const std::string& connection = {}) const;
    void log(std::string message) const;
    void answer(model::NotifyType type, ByteView data = {}) const;
    // RFC 7296 §2.6, RFC 8019 §4: whether one more may wait for its authentication.
    bool has_room(Standing standing) const;
    // A half-open SA for its request, whose answer is to follow.
    IkeSa& admit(std::shared_ptr<const model::Connection> connection, model::ChosenProposal proposal, Standing standing) const;
};

std::span<const ExchangeRow> ike_sa_init_rows();

}  // namespace cygnet::ike
