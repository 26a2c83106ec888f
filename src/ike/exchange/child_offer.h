// What CREATE_CHILD_SA offers for a child: its proposals as policy and peer allow them.
#pragma once

#include "ike/child.h"
#include "ike/sa.h"

namespace cygnet::ike {

std::vector<model::Proposal> child_offer(const IkeSa& sa, const model::ChildConfig& child, std::uint32_t spi_in);
// Why that is nothing.
std::string why_no_offer(const IkeSa& sa, const model::ChildConfig& child);

}  // namespace cygnet::ike
