// The trail that every message leaves: a MessageTrace event and the counters of its exchange.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

void trace_sent(Context& context, const wire::Header& header, const wire::Chain& chain, const SentMessage& datagrams);
void trace_sent_in_clear(Context& context, ByteView datagram);
// The same octets as before, for the message that the window sends again.
void trace_repeated(Context& context, const SentMessage& datagrams);
void trace_received(Context& context, const wire::Message& message, std::size_t octets, std::size_t datagrams = 1);

// A message that belongs to no SA (yet).
void trace_stateless(Core& core, Effects& effects, bool sent, const wire::Message& message, std::size_t octets);

// ike-init-in-req and its siblings; nothing for an exchange without counters.
std::optional<model::Counter> counter_of(model::ExchangeType exchange, bool response, bool sent);

}  // namespace cygnet::ike
