// Every drop and every refusal is counted under a name. Incremented by the engine, listed by
// `cygnet status --counters`, VICI get-counters and metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace cygnet::model {

enum class Counter : std::uint8_t {
    // strongSwan's names (facts-vici 5).
    ike_rekey_init, ike_rekey_resp, child_rekey, invalid, invalid_spi,
    ike_init_in_req, ike_init_in_resp, ike_init_out_req, ike_init_out_resp,
    ike_auth_in_req, ike_auth_in_resp, ike_auth_out_req, ike_auth_out_resp,
    create_child_in_req, create_child_in_resp, create_child_out_req, create_child_out_resp,
    info_in_req, info_in_resp, info_out_req, info_out_resp,
    // Ours.
    malformed_header, wrong_major_version, malformed_payload, unknown_critical_payload,
    integrity_failed, unexpected_message_id, unexpected_exchange, duplicate_request,
    cookie_sent, cookie_wrong, half_open_refused, half_open_expired,
    no_proposal_chosen, invalid_ke_payload, bad_ke_value, authentication_failed, ts_unacceptable,
    puzzle_sent, puzzle_solved, puzzle_wrong,
    fragment_refused, retransmitted, retransmission_timeout, limit_reached,
    address_update, redirected, redirect_refused,
    intermediate_in_req, intermediate_in_resp, intermediate_out_req, intermediate_out_resp,
    followup_in_req, followup_in_resp, followup_out_req, followup_out_resp,
    invalid_selectors_in, invalid_selectors_out, no_additional_sas, acquired,
    reauthenticated, anonymous_refused,
    tcp_fallback, tcp_stream_lost, tcp_stream_refused, fragment_size_lowered,
    resume_in_req, resume_in_resp, resume_out_req, resume_out_resp,
    ticket_issued, ticket_refused, ike_resumed,
    crash_token_sent, crash_token_wrong, peer_crashed,
    invalid_message_id_sent, counters_synchronized, ike_cloned,
    signature_refused,   // AUTH whose algorithm, form or length cannot be that of the key; a wrong signature only fails
    auth_round_missing,  // a peer that proves less than the connection demands (RFC 4739): one of two signatures, say
    unprotected_message, payload_missing, identity_refused, round_refused, state_not_found, child_not_found, delete_unknown,
    temporary_failure_sent, address_refused, unproven_answer, too_many_retries, puzzle_refused, wrong_choice,
    ppk_used, ppk_skipped, ppk_refused, ppk_unknown, ppk_replayed, ppk_malformed, ppk_unavailable,
    announcement_ignored, announcement_excess, announcement_unmatched, transcript_authenticated, transcript_refused,
    resource_wanted, resource_refused, max_queue_in, max_queue_out,
    post_quantum_refused, private_number_ignored,
    large_key_sent, large_key_received, large_key_no_room,
    key_piece_malformed, key_piece_gap, key_piece_overlap, key_piece_wrong_total, key_piece_beyond_end, key_piece_too_short,
    key_piece_missing, key_piece_unexpected,
    count
};
inline constexpr std::size_t counter_count = static_cast<std::size_t>(Counter::count);
std::string_view name_of(Counter counter);  // "ike-init-in-req"

struct Counters {
    std::array<std::uint64_t, counter_count> values{};
    void add(Counter counter) { ++values[static_cast<std::size_t>(counter)]; }
    std::uint64_t operator[](Counter counter) const { return values[static_cast<std::size_t>(counter)]; }
};

// The same of one connection of very many, which has met few of these events.
class FewCounters {
public:
    void add(Counter counter) {
        for (auto& [known, value] : values_)
            if (known == counter) {
                ++value;
                return;
            }
        if (values_.empty()) values_.reserve(usual);
        values_.emplace_back(counter, 1);
    }
    Counters all() const {
        Counters counters;
        for (const auto& [counter, value] : values_) counters.values[static_cast<std::size_t>(counter)] = value;
        return counters;
    }

private:
    static constexpr std::size_t usual = 2;  // the two requests of a set-up at a gateway
    std::vector<std::pair<Counter, std::uint64_t>> values_;
};

}  // namespace cygnet::model
