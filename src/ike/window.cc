#include "ike/window.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/result.h"
#include "model/limits.h"

namespace cygnet::ike {

Duration RetransmissionSchedule::wait_after(unsigned sent) const {
    return Duration(static_cast<Duration::rep>(static_cast<double>(first.count()) * std::pow(factor, sent)));
}

RetransmissionSchedule RetransmissionSchedule::without_retransmission() const {
    Duration whole{0};
    for (unsigned sent = 0; sent <= tries; ++sent) whole += wait_after(sent);
    return {.first = whole, .factor = 1, .tries = 0};
}

void Window::widen(std::size_t size) { size_ = std::max(size_, size); }

Window::Verdict Window::classify_request(std::uint32_t message_id) const {
    // RFC 7296 §2.2: IDs do not wrap.
    if (message_id >= model::limits::message_id_end) return Verdict::ahead;
    if (message_id == expected_request_) return processing_ ? Verdict::processing : Verdict::fresh;
    if (message_id > expected_request_)
        return message_id - expected_request_ < size_ ? Verdict::early : Verdict::ahead;
    return expected_request_ - message_id <= answered_.size() ? Verdict::repeated : Verdict::outdated;
}

const Window::Answered& Window::answered(std::uint32_t message_id) const {
    ASSERT(message_id < expected_request_ && expected_request_ - message_id <= answered_.size());
    return answered_[answered_.size() - (expected_request_ - message_id)];
}

void Window::begin_request(const RequestDigest& request) {
    ASSERT(!processing_);
    processing_ = request;
}

void Window::answer_request(SentMessage response) {
    ASSERT(processing_);
    ++expected_request_;
    if (answered_.size() == size_) answered_.erase(answered_.begin());
    answered_.push_back({.response = std::move(response), .request = *processing_});
    processing_.reset();
}

void Window::jump(std::uint32_t next_request, std::uint32_t expected_request) {
    ASSERT(next_request >= next_request_ && expected_request >= expected_request_);
    next_request_ = next_request;
    expected_request_ = expected_request;
    processing_.reset();
    answered_.clear();
    outstanding_.reset();
}

void Window::send_synchronization(SentMessage request, Instant now, const RetransmissionSchedule& schedule) {
    send_request(std::move(request), now, schedule);
    outstanding_->synchronization = true;
}

void Window::send_request(SentMessage request, Instant now, const RetransmissionSchedule& schedule) {
    ASSERT(!outstanding_);
    outstanding_ =
        Outstanding{.datagrams = std::move(request), .schedule = schedule, .again_at = now + schedule.wait_after(0)};
}

void Window::replace_request(SentMessage request, Instant now, const RetransmissionSchedule& schedule) {
    ASSERT(outstanding_);
    outstanding_.reset();
    send_request(std::move(request), now, schedule);
}

const SentMessage& Window::outstanding_request() const {
    ASSERT(outstanding_);
    return outstanding_->datagrams;
}

void Window::abandon_request() { processing_.reset(); }

bool Window::awaits_response(std::uint32_t message_id) const {
    return outstanding_ && message_id == (outstanding_->synchronization ? 0 : next_request_);
}

void Window::response_received() {
    ASSERT(outstanding_);
    outstanding_.reset();
    ++next_request_;
}

void Window::withdraw_request() { outstanding_.reset(); }

Instant Window::deadline() const { return outstanding_ ? outstanding_->again_at : Instant::never(); }

const SentMessage* Window::retransmit(Instant now) {
    ASSERT(outstanding_);
    if (outstanding_->transmissions > outstanding_->schedule.tries) return nullptr;
    outstanding_->again_at = now + outstanding_->schedule.wait_after(outstanding_->transmissions);
    ++outstanding_->transmissions;
    return &outstanding_->datagrams;
}

const SentMessage* Window::repeat_at_once(Instant now) {
    if (!outstanding_) return nullptr;
    outstanding_->transmissions = 1;
    outstanding_->again_at = now + outstanding_->schedule.wait_after(0);
    return &outstanding_->datagrams;
}

}  // namespace cygnet::ike
