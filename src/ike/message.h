// One message of a peer as the handlers of exchanges get it.
#pragma once

#include "ike/window.h"
#include "model/address.h"
#include "wire/message.h"

namespace cygnet::ike {

// Owns the octets that the payloads' views point into, so that a handler which waits for a job can
// put the whole message aside.
struct Received {
    Bytes octets;           // IKE_SA_INIT: the datagram; otherwise the decrypted chain
    wire::Message message;  // views into `octets`
    Bytes aad;              // protected messages: header up to the generic header of SK, as authenticated
    RequestDigest digest{};  // of its datagram, or of its first fragment
    model::Path path;       // local: where it arrived; remote: where it came from

    Received() = default;
    Received(Received&&) noexcept = default;
    Received& operator=(Received&&) noexcept = default;
    Received(const Received&) = delete;  // a copy's views would point into the original
    Received& operator=(const Received&) = delete;
};

}  // namespace cygnet::ike
