#include "wire/notify_data.h"

#include "wire/codec.h"

namespace cygnet::wire {

CYGNET_WIRE_CODEC(GatewayData);
CYGNET_WIRE_CODEC(IpcompData);
CYGNET_WIRE_CODEC(AuthAnnouncement);

}  // namespace cygnet::wire
