// One child SA pair as a forwarding table holds it: immutable but for its runtime.
#pragma once

#include <memory>

#include "esp/packet_selector.h"
#include "esp/sa_runtime.h"

namespace cygnet::esp {

struct Child {
    model::ChildId id;
    std::shared_ptr<SaRuntime> sa;
    PacketSelectors local, remote;  // inner addresses: ours, the peer's
    model::Path path;
    bool udp_encapsulation;

    // What the inner packet must look like to come in (RFC 4301 §5.2) or to go out (§5.1).
    bool accepts_inbound(const InnerPacket& packet) const {
        return any_matches(remote, PacketEnd::source_of(packet)) &&
               any_matches(local, PacketEnd::destination_of(packet));
    }
    bool accepts_outbound(const InnerPacket& packet) const {
        return any_matches(local, PacketEnd::source_of(packet)) &&
               any_matches(remote, PacketEnd::destination_of(packet));
    }
};
using ChildPointer = std::shared_ptr<const Child>;

inline ChildPointer make_child(const model::ChildSaSpec& spec, std::shared_ptr<SaRuntime> runtime) {
    return std::make_shared<const Child>(Child{spec.id, std::move(runtime), compile(spec.local), compile(spec.remote),
                                               spec.path, spec.udp_encapsulation});
}

// The same SA on another outer path.
inline ChildPointer moved(const Child& child, const model::Path& path, bool udp_encapsulation) {
    Child copy = child;
    copy.path = path;
    copy.udp_encapsulation = udp_encapsulation;
    return std::make_shared<const Child>(std::move(copy));
}

}  // namespace cygnet::esp
