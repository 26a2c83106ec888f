#include "model/status.h"

#include <utility>

namespace cygnet::model {

std::string name_of(IkeState state) {
    constexpr const char* names[] = {"CREATED", "CONNECTING", "ESTABLISHED", "REKEYING",
                                     "REKEYED", "DELETING",   "DESTROYING"};
    return names[std::to_underlying(state)];
}

std::string name_of(ChildState state) {
    constexpr const char* names[] = {"CREATED", "INSTALLING", "INSTALLED", "REKEYING",
                                     "REKEYED", "DELETING",   "DELETED",   "DESTROYING"};
    return names[std::to_underlying(state)];
}

std::string name_of(PolicyKind kind) {
    constexpr const char* names[] = {"trap", "pass", "drop"};
    return names[std::to_underlying(kind)];
}

std::string name_of(LogGroup group) {
    constexpr const char* names[] = {"DMN", "MGR", "IKE", "CHD", "JOB", "CFG", "KNL", "NET", "ENC", "ESP"};
    return names[std::to_underlying(group)];
}

}  // namespace cygnet::model
