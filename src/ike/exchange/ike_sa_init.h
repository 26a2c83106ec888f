// IKE_SA_INIT, RFC 7296 §1.2 and §2.6: the first exchange, in the clear.
#pragma once

#include <array>

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

// Initiator: an answer to our first request, in the clear, before anything else is believed of it: fails unless one is awaited
// and names an SPI. Then the same once it is believed: both SPIs and nonces are known.
Result<> check_first_answer(Context& context, bool awaited, const wire::Header& header);
void take_first_answer(IkeSa& sa, const Received& response);

// The rows of such an exchange: its answer, or notifications in its place.
constexpr std::array<ExchangeRow, 2> first_answer_rows(ExchangeRow answer, ExchangeRow notifications) {
    for (ExchangeRow* row : {&answer, &notifications}) {
        row->direction = Direction::response;
        row->role = Role::initiator;
        row->phase = Phase::connecting;
    }
    notifications.exchange = answer.exchange;
    notifications.required = {model::PayloadType::notify};
    notifications.optional = {model::PayloadType::vendor_id};
    return {answer, notifications};
}

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
