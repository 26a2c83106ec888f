// Who wants which policy in the kernel. The kernel has one policy for each name; children that were rekeyed, that overlap,
// and traps beside them want the same: the one with the highest order gets it, and when it goes, the next.
#pragma once

#include <expected>
#include <map>
#include <variant>
#include <vector>

#include "dataplane/xfrm/kernel.h"
#include "model/sa_spec.h"

namespace cygnet::dataplane::xfrm {

using Owner = std::variant<model::ChildId, model::PolicyId>;

class Claims {
public:
    explicit Claims(Kernel& kernel) : kernel_(kernel) {}

    // Replaces what the same owner claimed of it before. A refusal changes nothing.
    std::expected<void, Refusal> put(const PolicyName& name, const Owner& owner, std::uint64_t order, const PolicyAction& action);
    void withdraw(const PolicyName& name, const Owner& owner);
    void withdraw_all();

    std::size_t size() const { return slots_.size(); }

private:
    struct Claim {
        Owner owner;
        std::uint64_t order = 0;
        PolicyAction action{};
    };
    struct Slot {
        std::vector<Claim> claims{};  // the effective one last
        std::optional<PolicyAction> installed{};
    };
    std::expected<void, Refusal> settle(const PolicyName& name, Slot& slot);

    Kernel& kernel_;
    std::map<PolicyName, Slot> slots_;
};

}  // namespace cygnet::dataplane::xfrm
