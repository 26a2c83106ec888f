// What the kernel's ESP asks of sockets of ours.
#pragma once

#include "base/result.h"

namespace cygnet::dataplane::xfrm {

// The packets of a socket pass all policies in the clear.
Result<> bypass(int socket);

// RFC 3948: the kernel takes ESP packets and keepalives out of what comes to a UDP socket.
Result<> take_esp_out(int socket);

}  // namespace cygnet::dataplane::xfrm
