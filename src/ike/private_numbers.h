// Numbers of private use (model/private_use.h): who knows what ours mean. docs/protocol/private-numbers.md.
#pragma once

#include "ike/sa.h"
#include "model/config.h"
#include "wire/message.h"

namespace cygnet::ike {

// Whether the sender of an IKE_SA_INIT message names itself by our Vendor ID.
bool knows_our_numbers(const wire::Message& message);

// Whether the connection speaks of anything that has no other number.
bool needs_our_numbers(const model::Connection& connection);

// What may be offered to the peer and accepted from it, once its first message was read.
model::KeyExchangePolicy key_exchange_policy(const IkeSa& sa);

}  // namespace cygnet::ike
