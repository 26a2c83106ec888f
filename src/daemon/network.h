// What the Driver acts on: datagrams, children of the data plane, addresses of the host. HostNetwork is the
// real one; tests have another.
#pragma once

#include <vector>

#include "base/result.h"
#include "dataplane/backend.h"
#include "ike/effects.h"
#include "model/address.h"

namespace cygnet::daemon {

class Network {
public:
    virtual ~Network() = default;

    // One IKE message from the port that path.local names, or into path.stream; the NAT-T port and streams add the
    // non-ESP marker.
    virtual Result<> send(const model::Path& path, ByteView message) = 0;
    // RFC 3948 §2.3.
    virtual Result<> send_keepalive(const model::Path& path) = 0;

    // RFC 9329: ike::OpenStream, CloseStream and StreamProven say what is asked for.
    virtual void open_stream(const model::Path& path) = 0;
    virtual void close_stream(model::StreamId stream) = 0;
    virtual void prove_stream(model::StreamId stream) = 0;

    // The pairs of addresses between which packets can travel to these, the best first.
    virtual std::vector<ike::AddressPair> paths_to(const std::vector<model::IpAddress>& remotes) = 0;

    virtual dataplane::ChildBackend& children() = 0;
    virtual Result<> add_address(const model::IpAddress& address) = 0;
    virtual Result<> remove_address(const model::IpAddress& address) = 0;
};

}  // namespace cygnet::daemon
