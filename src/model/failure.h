// Why a connection is not up, as `cygnet why` shows it: the last failure of each, kept by the engine.
#pragma once

#include <cstdint>
#include <string>

#include "base/explanation.h"
#include "base/instant.h"
#include "model/address.h"
#include "model/status.h"

namespace cygnet::model {

struct Failure {
    std::string connection{};  // empty: a stranger's, whom no connection expects
    std::string child{};       // empty: of the IKE SA
    Explanation why{};
    std::string phase{};       // what was under way: "IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA"; empty: nothing
    Endpoint peer{};           // port 0: none was known yet
    IkeSaId sa{};              // 0: no SA came into being
    Instant when{};
    std::uint64_t times = 1;   // in a row, for the same reason
};

}  // namespace cygnet::model
