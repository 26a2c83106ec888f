#include "model/config.h"

#include <algorithm>

namespace cygnet::model {

const ChildConfig* Connection::child(std::string_view child_name) const {
    const auto found = std::ranges::find(children, child_name, &ChildConfig::name);
    return found == children.end() ? nullptr : &*found;
}

}  // namespace cygnet::model
