#include <array>

#include "ike/feature/feature.h"

namespace cygnet::ike {

std::span<const Feature* const> all_features() {
    static constexpr std::array features{&nat_detection, &fragmentation, &signature_hashes, &multiple_ke, &auth_announcements, &full_transcript, &puzzles, &peer_budget,
                                         &virtual_addresses, &childless, &invalid_selectors, &mobike, &redirect, &reauthentication,
                                         &ocsp, &ppk_mixing, &session_resumption, &crash_detection, &window_size, &counter_sync, &cloning,
                                         &beet, &private_numbers};
    return features;
}

}  // namespace cygnet::ike
