#include "wire/notify_data.h"

#include "wire/codec.h"

namespace cygnet::wire {

CYGNET_WIRE_CODEC(GatewayData);
CYGNET_WIRE_CODEC(IpcompData);
CYGNET_WIRE_CODEC(AuthAnnouncement);
template Result<AuthAnnouncement> parse_element<AuthAnnouncement>(Reader&);  // the list's reader is elsewhere

}  // namespace cygnet::wire
