#include "ike/exchange/child_offer.h"

#include "ike/private_numbers.h"

namespace cygnet::ike {

std::vector<model::Proposal> child_offer(const IkeSa& sa, const model::ChildConfig& child, std::uint32_t spi_in) {
    return model::allowed_by(key_exchange_policy(sa), offered_proposals(child, spi_in, true, sa.outer().encapsulated));
}

std::string why_no_offer(const IkeSa& sa, const model::ChildConfig& child) {
    if (offered_proposals(child, 0, true, sa.outer().encapsulated).empty()) return no_proposals(child, sa.outer());
    return "post_quantum, or a peer that does not know numbers of private use, leaves nothing of esp_proposals of child " + child.name;
}

}  // namespace cygnet::ike
