// RFC 6290: a peer that lost its state proves it with a token that only it could make, so that its IKE SA ends at once and
// not after many retransmissions. We are maker and taker of tokens in both roles.
//
//   token = HMAC-SHA-256(secret, SPIi | SPIr) cut to 16 octets (§5.1): with a header and both notifications just short enough
//   for an answer that is no larger than most protected requests.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/big_endian.h"
#include "base/boxed.h"
#include "base/reader.h"
#include "crypto/prf.h"
#include "ike/budget.h"
#include "ike/feature/feature.h"
#include "ike/timers.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::LogGroup;
using model::NotifyType;

constexpr std::size_t token_octets = model::limits::crash_token_octets_min;

// Of one IKE SA.
struct PeerToken {
    SecretBytes token{};  // that the peer will show when it has lost this SA
    Boxed<Budget> checks{};
};
// Of the engine.
struct TokenAnswers {
    Budget budget{};
};

bool enabled(const IkeSa& sa) { return sa.connection->crash_detection; }

Bytes token_for(const Core& core, const Spis& spis) {
    std::array<std::uint8_t, 2 * sizeof(std::uint64_t)> octets;
    store_be(octets.data(), spis.initiator);
    store_be(octets.data() + sizeof(std::uint64_t), spis.responder);
    const auto mac = crypto::hmac_sha2_256(core.kept.crash.reveal(), {octets});
    return keep(ByteView(mac).first(token_octets));
}

void add_token(Context& context, wire::MessageBuilder& message) {
    SecretBytes& secret = context.core.kept.crash;
    if (secret.empty()) {
        secret = SecretBytes(crash_secret_octets);
        context.core.rng.fill(secret.reveal_for_writing());
        context.effects.push_back(KeepSecrets{context.core.kept.encoded()});
    }
    // §4.1: the token is related to an IKE SA.
    message.add(wire::NotifyPayload{.protocol = model::Protocol::ike,
                                    .message_type = NotifyType::quick_crash_detection,
                                    .spi = {},
                                    .data = token_for(context.core, context.sa.spis)});
}

// §4.4: in protected messages a new one replaces the old one at any time.
void take_token(Context& context, const wire::Message& message) {
    const wire::NotifyPayload* given = message.notify(NotifyType::quick_crash_detection);
    if (given == nullptr || !enabled(context.sa)) return;
    if (given->data.size() < model::limits::crash_token_octets_min ||
        given->data.size() > model::limits::crash_token_octets_max)
        return context.log(LogGroup::ike, 1, "the peer's crash detection token is not kept: it must have 16 to 128 octets");
    context.sa.features.of<PeerToken>().token = SecretBytes::copy_of(given->data);
}

// ---- hooks ----------------------------------------------------------------------------------------

void auth_offer(Context& context, wire::MessageBuilder& message) {
    if (enabled(context.sa)) add_token(context, message);
}

Result<> auth_accept(Context& context, const Received& received) {
    take_token(context, received.message);
    return {};
}

Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder&) {
    take_token(context, request.message);
    return {};
}

bool tell_new_token(Context& context, wire::MessageBuilder& message) {
    if (context.sa.replaced_by || !context.sa.established()) return false;
    add_token(context, message);
    return true;
}

constexpr InformationalTask new_token_task{
    .name = "IKE_CRASH_TOKEN", .build = tell_new_token, .answered = [](Context&, const Received&) { return Result<>(); }};

// §4.3: after a rekey the SPIs are others, and so is the token. An exchange of its own serves both roles.
void inherited(Context& heir, IkeSa&) {
    if (enabled(heir.sa)) heir.enqueue(new_token_task);
}

// §4.5: with INVALID_IKE_SPI, but never for an SA that lives or is being made, in whatever role the SPIs are named (§9.2).
void unknown_sa(Core& core, const UnknownSa& unknown, wire::MessageBuilder& answer) {
    const Spis spis{.initiator = unknown.header.spi_i, .responder = unknown.header.spi_r};
    if (core.kept.crash.empty() || spis.initiator == 0 || spis.responder == 0) return;
    if (core.is_own_spi(spis.initiator) || core.is_own_spi(spis.responder)) return;
    const auto wanted = [](const auto& named) { return named.second->crash_detection; };
    if (!std::ranges::any_of(core.config->connections, wanted)) return;
    constexpr std::size_t notify_octets = 8;
    const std::size_t token_size = notify_octets + token_octets;
    if (wire::header_size + token_size > unknown.octets) return;
    if (!core.features.of<TokenAnswers>().budget.take(unknown.now, model::limits::crash_tokens_sent_per_second)) return;
    // The token says more than the bare INVALID_IKE_SPI where there is no room for both.
    if (wire::header_size + answer.size() + token_size > unknown.octets) answer.take_chain();
    answer.add(wire::NotifyPayload{.protocol = model::Protocol::ike,
                                   .message_type = NotifyType::quick_crash_detection,
                                   .spi = {},
                                   .data = token_for(core, spis)});
    core.counters.add(Counter::crash_token_sent);
}

// §4.5: the one unprotected message that may end an IKE SA.
bool unprotected(Context& context, const wire::Message& message) {
    const auto shown = message.notifies(NotifyType::quick_crash_detection);
    auto* peer = context.sa.features.find<PeerToken>();
    if (shown.empty() || peer == nullptr || !enabled(context.sa)) return false;
    // §8.1: an attacker is not to learn how fast we are at this.
    if (!peer->checks.made().take(context.now, model::limits::crash_tokens_checked_per_second)) return false;
    bool matches = false;
    for (std::size_t i = 0; i < std::min<std::size_t>(shown.size(), model::limits::crash_tokens_per_message); ++i)
        matches |= peer->token.equals(shown[i]->data);
    if (!matches) {
        context.count(Counter::crash_token_wrong);
        return false;
    }
    context.count(Counter::peer_crashed);
    if (context.sa.replaced_by) {
        context.close("rekeyed");
        return true;
    }
    context.alert("peer-crashed", context.sa.path.remote.text() + " has lost the state of IKE_SA " + context.sa.name() +
                                      ": its crash detection token is right");
    close_and_revive(context, Explanation{.what = "the peer has lost its state"}, &model::ChildConfig::dpd_action);
    return true;
}

}  // namespace

constexpr Feature crash_detection{
    .name = "quick crash detection",
    .rfc = "RFC 6290",
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .informational_request = informational_request,
    .inherited = inherited,
    .cloned = inherited,
    .unknown_sa = unknown_sa,
    .unprotected = unprotected,
};

}  // namespace cygnet::ike
