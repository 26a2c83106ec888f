#include "ike/nat.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/prf.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;

bool any_equals(const std::vector<const wire::NotifyPayload*>& hashes, const NatHash& expected) {
    return std::ranges::any_of(hashes, [&](const auto* hash) { return equal(hash->data, expected); });
}

}  // namespace

NatHash nat_detection_hash(const Spis& spis, const model::Endpoint& endpoint) {
    Bytes octets;
    octets.reserve(2 * sizeof(std::uint64_t) + endpoint.address.bytes().size() + sizeof endpoint.port);
    Writer writer(octets);
    writer.u64(spis.initiator);
    writer.u64(spis.responder);
    writer.bytes(endpoint.address.bytes());
    writer.u16(endpoint.port);
    return crypto::sha1({octets});
}

void add_nat_detection(Context& context, wire::MessageBuilder& message, const model::Path& path) {
    const IkeSa& sa = context.sa;
    NatHash source = nat_detection_hash(sa.spis, path.local);
    // encap = yes: a hash that cannot match makes the peer believe in a NAT.
    if (sa.connection->encap && !path.tcp()) context.core.rng.fill(source);
    message.notify(NotifyType::nat_detection_source_ip, source);
    message.notify(NotifyType::nat_detection_destination_ip, nat_detection_hash(sa.spis, path.remote));
}

std::optional<NatFindings> find_nats(const Received& received) {
    const auto sources = received.message.notifies(NotifyType::nat_detection_source_ip);
    const auto destinations = received.message.notifies(NotifyType::nat_detection_destination_ip);
    if (sources.empty() || destinations.empty()) return std::nullopt;
    const wire::Header& header = received.message.header;
    const Spis spis{.initiator = header.spi_i, .responder = header.spi_r};
    return NatFindings{.local = !any_equals(destinations, nat_detection_hash(spis, received.path.local)),
                       .remote = !any_equals(sources, nat_detection_hash(spis, received.path.remote))};
}

void move_to_nat_port(Context& context) {
    model::Path path = context.sa.path;
    if (path.local.port != context.core.settings.port) return;
    path.local.port = context.core.settings.nat_port;
    if (path.remote.port == context.core.settings.port) path.remote.port = context.core.settings.nat_port;
    context.sa.go_by(path);
    context.sa.answer_by(path);
}

}  // namespace cygnet::ike
