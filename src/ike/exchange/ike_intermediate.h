// IKE_INTERMEDIATE, RFC 9242, with the additional key exchanges of RFC 9370 §2.2.2.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

// Initiator: the next additional key exchange.
Result<Next> begin_ike_intermediate(Context& context);

std::span<const ExchangeRow> ike_intermediate_rows();

}  // namespace cygnet::ike
