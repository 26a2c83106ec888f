#include "wire/notify_data.h"

#include "wire/codec.h"

namespace cygnet::wire {

CYGNET_WIRE_CODEC(GatewayData);

}  // namespace cygnet::wire
