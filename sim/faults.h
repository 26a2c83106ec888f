// What goes wrong inside hosts. Chances are in thousandths.
#pragma once

#include "base/instant.h"

namespace cygnet::sim {

struct Faults {
    Duration job_delay{0};         // slow work takes up to this long
    unsigned job_stall = 0;        // and sometimes
    Duration stall = seconds(2);   // this long
};

}  // namespace cygnet::sim
