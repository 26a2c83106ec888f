#include "model/config.h"

#include <algorithm>

namespace cygnet::model {

const ChildConfig* Connection::child(std::string_view child_name) const {
    const auto found = std::ranges::find(children, child_name, &ChildConfig::name);
    return found == children.end() ? nullptr : &*found;
}

const ChildConfig* Connection::first_child() const {
    const auto found = std::ranges::find_if(children, [](const ChildConfig& child) { return !is_shunt(child.mode); });
    return found == children.end() ? nullptr : &*found;
}

const PpkConfig& Connection::ppk_use() const {
    static const PpkConfig none{};
    return ppk ? *ppk : none;
}

}  // namespace cygnet::model
