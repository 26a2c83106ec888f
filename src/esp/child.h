// One child SA pair as a forwarding table holds it, immutable but for its runtime; or a policy without an SA.
#pragma once

#include <memory>

#include "base/boxed.h"
#include "base/shared.h"
#include "esp/packet_selector.h"
#include "esp/sa_runtime.h"

namespace cygnet::esp {

// The addresses of all inner packets.
struct InnerEnds {
    model::IpAddress local, remote;
};

struct Child {
    model::ChildId id{};
    std::shared_ptr<SaRuntime> sa{};    // nothing: a policy
    Shared<PacketSelectors> local{};  // inner addresses: ours, which many children have alike,
    PacketSelectors remote{};         // and the peer's
    model::Path path{};
    bool udp_encapsulation = false;
    bool transport = false;  // RFC 4303 §3.1.1: the inner header does not travel; so it is in BEET mode
    Boxed<model::OriginalAddresses> original{};
    Boxed<InnerEnds> beet{};  // BEET mode: what the inner header says that is gone
    model::Ipcomp ipcomp{};
    std::uint32_t tfc_padding = 0;
    model::TunnelHeaders headers{};
    model::IcmpErrors icmp_errors = model::IcmpErrors::yes;
    model::Resource resource = model::every_resource;  // that sends through it (RFC 9611)
    bool per_resource = false;
    // Of a policy:
    model::PolicyId policy{};
    model::PolicyKind kind{};

    // What the inner packet must look like to come in (RFC 4301 §5.2) or to go out (§5.1).
    bool accepts_inbound(const InnerPacket& packet) const {
        return remote.any_matches(PacketEnd::source_of(packet)) && local->any_matches(PacketEnd::destination_of(packet));
    }
    bool accepts_outbound(const InnerPacket& packet) const {
        return local->any_matches(PacketEnd::source_of(packet)) && remote.any_matches(PacketEnd::destination_of(packet));
    }
};
// Those of packets whose header does not travel.
inline InnerEnds inner_ends_of(const Child& child) {
    return child.beet ? *child.beet : InnerEnds{.local = child.path.local.address, .remote = child.path.remote.address};
}
using ChildPointer = std::shared_ptr<const Child>;

inline InnerEnds inner_ends_of(const model::ChildSaSpec& spec) {
    return {.local = spec.local.front().addresses.first, .remote = spec.remote.front().addresses.first};
}

inline ChildPointer make_child(const model::ChildSaSpec& spec, std::shared_ptr<SaRuntime> runtime,
                               SharedValues<PacketSelectors>* locals = nullptr) {
    Shared<PacketSelectors> local(compile(spec.local, spec.non_first_fragments));
    if (locals != nullptr) locals->unify(local);
    return std::make_shared<const Child>(Child{.id = spec.id,
                                               .sa = std::move(runtime),
                                               .local = std::move(local),
                                               .remote = compile(spec.remote, spec.non_first_fragments),
                                               .path = spec.path,
                                               .udp_encapsulation = spec.udp_encapsulation,
                                               .transport = spec.mode != model::ChildMode::tunnel,
                                               .original = spec.original ? Boxed(*spec.original) : Boxed<model::OriginalAddresses>(),
                                               .beet = spec.mode == model::ChildMode::beet ? Boxed(inner_ends_of(spec)) : Boxed<InnerEnds>(),
                                               .ipcomp = spec.ipcomp,
                                               .tfc_padding = spec.tfc_padding,
                                               .headers = spec.headers,
                                               .icmp_errors = spec.icmp_errors,
                                               .resource = spec.resource,
                                               .per_resource = spec.per_resource});
}

// Later fragments have no ports to tell them apart; they wait, or end, with the packets of their protocol.
inline ChildPointer make_policy(const model::PolicySpec& spec) {
    return std::make_shared<const Child>(Child{.local = compile(spec.local, true),
                                               .remote = compile(spec.remote, true),
                                               .policy = spec.id,
                                               .kind = spec.kind});
}

// The same SA on another outer path.
inline ChildPointer moved(const Child& child, const model::Path& path, bool udp_encapsulation) {
    Child copy = child;
    copy.path = path;
    copy.udp_encapsulation = udp_encapsulation;
    return std::make_shared<const Child>(std::move(copy));
}

// The same SA for another worker.
inline ChildPointer given_to(const Child& child, model::Resource resource) {
    Child copy = child;
    copy.resource = resource;
    return std::make_shared<const Child>(std::move(copy));
}

}  // namespace cygnet::esp
