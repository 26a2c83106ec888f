// RFC 6311: a cluster member that takes over an IKE SA does not know which message IDs and sequence numbers were used last.
// It and the peer agree on higher ones, in an exchange with message ID 0.
//
//   member: N(IKEV2_MESSAGE_ID_SYNC){nonce, M1, P1} [N(IPSEC_REPLAY_COUNTER_SYNC){delta}]  ──►  peer
//                                       N(IKEV2_MESSAGE_ID_SYNC){nonce, P2, M2}             ◄──
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// We are the member.
Result<Next> begin_synchronize(Context& context, const SynchronizeTask& task);

}  // namespace cygnet::ike
