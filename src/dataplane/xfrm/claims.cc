#include "dataplane/xfrm/claims.h"

#include <algorithm>

namespace cygnet::dataplane::xfrm {

std::expected<void, Refusal> Claims::put(const PolicyName& name, const Owner& owner, std::uint64_t order, const PolicyAction& action) {
    Slot& slot = slots_[name];
    const std::vector<Claim> before = slot.claims;
    std::erase_if(slot.claims, [&](const Claim& claim) { return claim.owner == owner; });
    // Of equal order, the later one.
    const auto after = std::ranges::find_if(slot.claims, [&](const Claim& claim) { return claim.order > order; });
    slot.claims.insert(after, Claim{owner, order, action});
    auto settled = settle(name, slot);
    if (settled) return settled;
    slot.claims = before;
    if (slot.claims.empty()) slots_.erase(name);
    return settled;
}

void Claims::withdraw(const PolicyName& name, const Owner& owner) {
    const auto found = slots_.find(name);
    if (found == slots_.end()) return;
    std::erase_if(found->second.claims, [&](const Claim& claim) { return claim.owner == owner; });
    // A policy that the kernel lost already is as good as removed.
    static_cast<void>(settle(name, found->second));
    if (found->second.claims.empty()) slots_.erase(found);
}

void Claims::withdraw_all() {
    for (auto& [name, slot] : slots_) {
        slot.claims.clear();
        static_cast<void>(settle(name, slot));
    }
    slots_.clear();
}

std::expected<void, Refusal> Claims::settle(const PolicyName& name, Slot& slot) {
    if (slot.claims.empty()) {
        slot.installed.reset();
        return kernel_.change(remove_policy(name));
    }
    const PolicyAction& wanted = slot.claims.back().action;
    if (slot.installed == wanted) return {};
    auto changed = kernel_.change(put_policy(name, wanted));
    if (changed) slot.installed = wanted;
    return changed;
}

}  // namespace cygnet::dataplane::xfrm
