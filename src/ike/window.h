// Message IDs and retransmission of one IKE SA, RFC 7296 §2.1 to §2.3: which request of the peer
// is new, which answer is repeated, when our own request is sent again. Nothing else.
//
//   peer's requests   0 1 2 … [expected … expected + size)   the last `size` answers are kept and repeated on demand
//   our requests      0 1 2 … [outstanding]                  sent again on a schedule until answered or given up
//
// We keep as many of the peer's requests as we announced with SET_WINDOW_SIZE, and process them in order. Of our own there
// is one at a time, which every peer supports: docs/decisions has the reason.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/boxed.h"
#include "base/bytes.h"
#include "base/instant.h"

namespace cygnet::ike {

// When to send again: after `first`, then each time `factor` later, `tries` times in all.
struct RetransmissionSchedule {
    Duration first{};
    double factor = 1;
    unsigned tries = 0;

    // How long to wait after the transmission number `sent` (0: the original one).
    Duration wait_after(unsigned sent) const;
    // The same patience, but nothing is sent again: the transport does that (RFC 9329 §6.2).
    RetransmissionSchedule without_retransmission() const;
};

// A message as sent: one datagram, or its fragments in order.
using SentMessage = std::vector<Bytes>;

// SHA-256 of a request's datagram, or of its first fragment.
using RequestDigest = std::array<std::uint8_t, 32>;

class Window {
public:
    enum class Verdict : std::uint8_t {
        fresh,       // process it
        processing,  // the same request is being worked on: drop
        repeated,    // send what was answered() again
        outdated,    // older than what we remember: drop
        early,       // within the window, but others come first: keep it
        ahead,       // beyond the window: drop, RFC 7296 §2.3
    };

    // ---- the peer's requests
    // What we have announced; a window never becomes smaller (RFC 7296 §2.3).
    void widen(std::size_t size);
    std::size_t size() const { return size_; }
    Verdict classify_request(std::uint32_t message_id) const;
    void begin_request(const RequestDigest& request = {});  // the expected one is accepted; an answer must follow
    // The answer is kept, with what its request looked like, until `size` later ones are.
    void answer_request(SentMessage response);
    void abandon_request();  // no answer will be given; the same request may come again
    bool processing_request() const { return processing_.has_value(); }
    struct Answered {
        SentMessage response;
        RequestDigest request;
    };
    const Answered& answered(std::uint32_t message_id) const;  // of a repeated one
    const SentMessage& last_response() const { return answered(expected_request_ - 1).response; }
    // The peer has begun what follows all that was answered so far: it has those answers.
    void forget_answers() { answered_ = {}; }
    // The same answer in smaller fragments.
    void replace_response(SentMessage response) { answered_.back().response = std::move(response); }
    std::uint32_t expected_request() const { return expected_request_; }

    // ---- our requests
    std::uint32_t next_request() const { return next_request_; }
    bool outstanding() const { return outstanding_.has_value(); }
    // Puts the request with ID next_request() into the window, which must be empty.
    void send_request(SentMessage request, Instant now, const RetransmissionSchedule& schedule);
    // The same request in other datagrams; its retransmission starts over (RFC 7383 §2.5.2).
    void replace_request(SentMessage request, Instant now, const RetransmissionSchedule& schedule);
    const SentMessage& outstanding_request() const;
    bool awaits_response(std::uint32_t message_id) const;
    void response_received();  // the next request has the next ID
    // RFC 7296 §2.6, §1.2: the first request is repeated in another form and keeps its ID 0.
    void withdraw_request();

    // RFC 6311 §5.1: a request with message ID 0 that concerns the message IDs themselves.
    void send_synchronization(SentMessage request, Instant now, const RetransmissionSchedule& schedule);
    // Both counters jump ahead; what is outstanding or kept belongs to the past.
    void jump(std::uint32_t next_request, std::uint32_t expected_request);

    // When the outstanding request must be sent again or be given up; never() without one.
    Instant deadline() const;
    // At the deadline: the datagrams to send again, or nothing when it is time to give up.
    const SentMessage* retransmit(Instant now);
    // The path is another one: the datagrams to send again now, with the whole schedule before them; nothing if none waits.
    const SentMessage* repeat_at_once(Instant now);
    unsigned transmissions() const { return outstanding_ ? outstanding_->transmissions : 0; }

private:
    struct Outstanding {
        SentMessage datagrams;
        RetransmissionSchedule schedule;
        unsigned transmissions = 1;
        Instant again_at{};
        bool synchronization = false;
    };

    std::uint32_t expected_request_ = 0, next_request_ = 0;
    Boxed<RequestDigest> processing_;  // the expected request
    std::size_t size_ = 1;
    std::vector<Answered> answered_;  // the last one's ID is expected_request_ - 1
    Boxed<Outstanding> outstanding_;
};

}  // namespace cygnet::ike
