#include "ike/new_sa.h"

#include "ike/core.h"

namespace cygnet::ike {

ReservedSpi::ReservedSpi(Core& core) : core_(&core), value_(core.allocate_child_spi()) {}

ReservedSpi& ReservedSpi::operator=(ReservedSpi&& other) noexcept {
    if (this != &other) {
        release();
        core_ = std::exchange(other.core_, nullptr);
        value_ = other.value_;
    }
    return *this;
}

void ReservedSpi::release() {
    if (core_ != nullptr) core_->release_child_spi(value_);
    core_ = nullptr;
}

const model::ChosenProposal& NewSa::proposal() const {
    if (const auto* child = std::get_if<NewChild>(&what)) return child->terms.proposal;
    return std::get<NewIkeSa>(what).proposal;
}

std::optional<model::Ke> NewSa::next_additional() const {
    const std::vector<model::Ke>& additional = proposal().additional;
    if (rounds_done >= additional.size()) return std::nullopt;
    return additional[rounds_done];
}

bool NewSa::rekeys(model::ChildId child) const {
    const auto* made = std::get_if<NewChild>(&what);
    return made != nullptr && made->replaces == child;
}

}  // namespace cygnet::ike
