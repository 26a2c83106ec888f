#include "ike/exchange/ike_followup_ke.h"

namespace cygnet::ike {

std::span<const ExchangeRow> ike_followup_ke_rows() { return {}; }

}  // namespace cygnet::ike
