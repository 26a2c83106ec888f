#include "model/counters.h"

#include "base/result.h"

namespace cygnet::model {
namespace {

// In the order of enum Counter.
constexpr std::array<std::string_view, counter_count> names{
    "ike-rekey-init", "ike-rekey-resp", "child-rekey", "invalid", "invalid-spi",
    "ike-init-in-req", "ike-init-in-resp", "ike-init-out-req", "ike-init-out-resp",
    "ike-auth-in-req", "ike-auth-in-resp", "ike-auth-out-req", "ike-auth-out-resp",
    "create-child-in-req", "create-child-in-resp", "create-child-out-req", "create-child-out-resp",
    "info-in-req", "info-in-resp", "info-out-req", "info-out-resp",
    "malformed-header", "wrong-major-version", "malformed-payload", "unknown-critical-payload",
    "integrity-failed", "unexpected-message-id", "unexpected-exchange", "duplicate-request",
    "cookie-sent", "cookie-wrong", "half-open-refused", "half-open-expired",
    "no-proposal-chosen", "invalid-ke-payload", "bad-ke-value", "authentication-failed", "ts-unacceptable",
    "puzzle-sent", "puzzle-solved", "puzzle-wrong",
    "fragment-refused", "retransmitted", "retransmission-timeout", "limit-reached",
    "address-update", "redirected", "redirect-refused",
    "intermediate-in-req", "intermediate-in-resp", "intermediate-out-req", "intermediate-out-resp",
    "followup-in-req", "followup-in-resp", "followup-out-req", "followup-out-resp",
    "invalid-selectors-in", "invalid-selectors-out", "no-additional-sas", "acquired",
    "reauthenticated", "anonymous-refused",
    "tcp-fallback", "tcp-stream-lost", "tcp-stream-refused", "fragment-size-lowered",
    "resume-in-req", "resume-in-resp", "resume-out-req", "resume-out-resp",
    "ticket-issued", "ticket-refused", "ike-resumed",
    "crash-token-sent", "crash-token-wrong", "peer-crashed",
    "invalid-message-id-sent", "counters-synchronized", "ike-cloned",
    "signature-refused", "auth-round-missing",
    "unprotected-message", "payload-missing", "identity-refused", "round-refused", "state-not-found", "child-sa-not-found",
    "delete-unknown", "temporary-failure-sent", "address-refused", "unproven-answer", "too-many-retries", "puzzle-refused",
    "wrong-choice",
    "ppk-used", "ppk-skipped", "ppk-refused", "ppk-unknown", "ppk-replayed", "ppk-malformed", "ppk-unavailable",
    "announcement-ignored", "announcement-excess", "announcement-unmatched", "transcript-authenticated", "transcript-refused",
    "resource-wanted", "resource-refused", "max-queue-in", "max-queue-out",
    "post-quantum-refused", "private-number-ignored",
    "large-key-sent", "large-key-received", "large-key-no-room",
    "key-piece-malformed", "key-piece-gap", "key-piece-overlap", "key-piece-wrong-total", "key-piece-beyond-end",
    "key-piece-too-short", "key-piece-missing", "key-piece-unexpected",
};
static_assert(!names.back().empty(), "every counter has a name");

}  // namespace

std::string_view name_of(Counter counter) {
    const auto at = static_cast<std::size_t>(counter);
    ASSERT(at < counter_count);
    return names[at];
}

}  // namespace cygnet::model
