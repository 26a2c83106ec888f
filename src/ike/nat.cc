#include "ike/nat.h"

#include "base/reader.h"
#include "crypto/prf.h"

namespace cygnet::ike {

NatHash nat_detection_hash(const Spis& spis, const model::Endpoint& endpoint) {
    Bytes octets;
    Writer writer(octets);
    writer.u64(spis.initiator);
    writer.u64(spis.responder);
    writer.bytes(endpoint.address.bytes());
    writer.u16(endpoint.port);
    return crypto::sha1({octets});
}

}  // namespace cygnet::ike
