#include "ike/nat.h"

#include <array>

#include "base/big_endian.h"
#include "crypto/prf.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;

// Whether there are such notifications, and one of them has the hash: nothing if there are none.
std::optional<bool> any_equals(const wire::Message& message, NotifyType type, const NatHash& expected) {
    std::optional<bool> found;
    for (const wire::Payload& payload : message.payloads) {
        const auto* notify = std::get_if<wire::NotifyPayload>(&payload);
        if (notify == nullptr || notify->message_type != type) continue;
        found = found.value_or(false) || equal(notify->data, expected);
    }
    return found;
}

}  // namespace

NatHash nat_detection_hash(const Spis& spis, const model::Endpoint& endpoint) {
    std::array<std::uint8_t, 16> both;
    store_be(both.data(), spis.initiator);
    store_be(both.data() + 8, spis.responder);
    std::array<std::uint8_t, 2> port;
    store_be(port.data(), endpoint.port);
    return crypto::sha1({both, endpoint.address.bytes(), port});
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
    const wire::Header& header = received.message.header;
    const Spis spis{.initiator = header.spi_i, .responder = header.spi_r};
    const auto local = any_equals(received.message, NotifyType::nat_detection_destination_ip,
                                  nat_detection_hash(spis, received.path.local));
    const auto remote = any_equals(received.message, NotifyType::nat_detection_source_ip,
                                   nat_detection_hash(spis, received.path.remote));
    if (!local || !remote) return std::nullopt;
    return NatFindings{.local = !*local, .remote = !*remote};
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
