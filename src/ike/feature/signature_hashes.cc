// RFC 7427 §4: which hashes may be used in signatures.
#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

void offer(Context&, wire::MessageBuilder& message) {
    static const Bytes data = [] {
        Bytes octets;
        Writer writer(octets);
        for (const model::SignatureHash hash : crypto::supported_signature_hashes())
            writer.u16(static_cast<std::uint16_t>(hash));
        return octets;
    }();
    message.notify(model::NotifyType::signature_hash_algorithms, data);
}

void accept(Context& context, const Received& received) {
    const wire::NotifyPayload* notify = received.message.notify(model::NotifyType::signature_hash_algorithms);
    if (notify == nullptr) return;
    auto& hashes = context.sa.handshake().peer_hints.signature_hashes.emplace();
    hashes.reserve(notify->data.size() / sizeof(model::SignatureHash));
    Reader reader(notify->data);
    while (const auto hash = reader.u16("hash")) hashes.push_back(static_cast<model::SignatureHash>(*hash));
}

}  // namespace

constexpr Feature signature_hashes{
    .name = "signature hashes",
    .rfc = "RFC 7427",
    .offer = offer,
    .accept = accept,
};

}  // namespace cygnet::ike
