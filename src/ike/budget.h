// So many in a time and no more: what a stranger or a peer can make us say or compute.
#pragma once

#include "base/instant.h"

namespace cygnet::ike {

class Budget {
public:
    // True while the budget of the present interval lasts.
    bool take(Instant now, unsigned limit, Duration interval = seconds(1)) {
        if (now - begun_ >= interval) {
            begun_ = now;
            used_ = 0;
        }
        return ++used_ <= limit;
    }

private:
    Instant begun_{};
    unsigned used_ = 0;
};

}  // namespace cygnet::ike
