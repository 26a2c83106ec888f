#include "ike/exchange/first_keys.h"

#include <algorithm>
#include <utility>

#include "ike/receive.h"

namespace cygnet::ike {
namespace {

std::vector<WaitingDatagram> take_waiting(Context& context) {
    Handshake& handshake = context.sa.handshake();
    context.core.waiting_octets -= std::exchange(handshake.waiting_octets, 0);
    return std::exchange(handshake.waiting, {});
}

Result<Next> on_first_secret(Context& context, crypto::JobResult result) {
    const auto shared_secret = result_of<SecretBytes>(std::move(result));
    if (!shared_secret) {
        // RFC 6989 §2.5: no SA comes of it; there are no keys to say so under.
        context.count(model::Counter::bad_ke_value);
        return context.close("the KE payload of IKE_SA_INIT is not acceptable: " + shared_secret.error().text());
    }
    const std::vector<WaitingDatagram> waiting = take_waiting(context);
    TRY(take_first_keys(context, *shared_secret));
    for (const WaitingDatagram& datagram : waiting)
        receive_datagram(context.core, {.path = datagram.path, .bytes = datagram.octets}, context.now, context.effects);
    return Next::waiting;
}

bool has_room(const Core& core, const Handshake& handshake, std::size_t octets) {
    using namespace model::limits;
    return handshake.waiting.size() < waiting_datagrams_per_half_open &&
           handshake.waiting_octets + octets <= waiting_octets_per_half_open &&
           core.waiting_octets + octets <= model::limits::waiting_octets;
}

}  // namespace

Result<> take_first_keys(Context& context, const SecretBytes& shared_secret) {
    IkeSa& sa = context.sa;
    sa.take_keys(TRY(Protection::make(
        sa.proposal, initial_keys(sa.proposal, shared_secret.reveal(), sa.handshake().nonces(), sa.spis), sa.initiator)));
    return {};
}

Worth worth_of_keys(Context& context, ByteView datagram) {
    Worth worth = Worth::keys;
    for (const Feature* feature : all_features())
        if (feature->worth_of_keys != nullptr) worth = std::max(worth, feature->worth_of_keys(context, datagram));
    return worth;
}

bool await_first_keys(Context& context, const Datagram& datagram, Worth worth) {
    Handshake& handshake = context.sa.handshake();
    if (!has_room(context.core, handshake, datagram.bytes.size())) return false;
    handshake.waiting.push_back({.path = datagram.path, .octets = keep(datagram.bytes)});
    handshake.waiting_octets += datagram.bytes.size();
    context.core.waiting_octets += datagram.bytes.size();
    if (worth != Worth::keys) return true;
    if (auto own = std::exchange(handshake.own_share, std::nullopt)) {
        crypto::KeFinishJob job{.offer = std::move(*own), .peer_public = std::exchange(handshake.peer_share, {})};
        context.start(std::move(job), on_first_secret);
    }
    return true;
}

}  // namespace cygnet::ike
