#include "ike/new_sa.h"

#include "ike/core.h"

namespace cygnet::ike {

template <>
Reserved<std::uint32_t>::Reserved(Core& core) : core_(&core), value_(core.allocate_child_spi()) {}
template <>
Reserved<std::uint64_t>::Reserved(Core& core) : core_(&core), value_(core.allocate_ike_spi()) {}

template <>
void Reserved<std::uint32_t>::release() {
    if (core_ != nullptr) core_->release_child_spi(value_);
    core_ = nullptr;
}
template <>
void Reserved<std::uint64_t>::release() {
    if (core_ != nullptr) core_->release_ike_spi(value_);
    core_ = nullptr;
}

template <class Spi>
Reserved<Spi>& Reserved<Spi>::operator=(Reserved&& other) noexcept {
    if (this != &other) {
        release();
        core_ = std::exchange(other.core_, nullptr);
        value_ = other.value_;
    }
    return *this;
}
template class Reserved<std::uint32_t>;
template class Reserved<std::uint64_t>;

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
