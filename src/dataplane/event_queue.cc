#include "dataplane/event_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <bit>
#include <cstring>

#include "base/result.h"

namespace cygnet::dataplane {

static_assert(std::is_trivially_copyable_v<Event>);

EventQueue::EventQueue(std::size_t octets)
    : size_(octets), ring_(std::make_unique<std::uint8_t[]>(octets)), fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    ASSERT(std::has_single_bit(octets) && fd_.open());
}

bool EventQueue::push(const Event& event, ByteView datagram) {
    std::uint64_t at = written_.load(std::memory_order_relaxed);
    const std::uint64_t free = size_ - (at - released_.load(std::memory_order_acquire));
    const std::size_t needed = record_size(datagram.size());
    const std::size_t to_end = size_ - at % size_;
    // A record lies in one piece: what is left before the end is skipped if it is too small.
    const std::size_t skipped = to_end < needed ? to_end : 0;
    if (free < needed + skipped) return false;
    if (skipped != 0) {
        std::memcpy(&ring_[at % size_], &wrap, sizeof wrap);
        at += skipped;
    }
    const Record record{static_cast<std::uint32_t>(datagram.size()), event};
    std::memcpy(&ring_[at % size_], &record, sizeof record);
    if (!datagram.empty()) std::memcpy(&ring_[at % size_ + sizeof record], datagram.data(), datagram.size());
    written_.store(at + needed);
    signal();
    return true;
}

std::optional<EventQueue::Popped> EventQueue::pop() {
    released_.store(read_, std::memory_order_release);
    const std::uint64_t written = written_.load(std::memory_order_acquire);
    if (read_ == written) return std::nullopt;
    std::uint32_t datagram_size;
    std::memcpy(&datagram_size, &ring_[read_ % size_], sizeof datagram_size);
    if (datagram_size == wrap) read_ += size_ - read_ % size_;
    Record record;
    const std::uint8_t* const at = &ring_[read_ % size_];
    std::memcpy(&record, at, sizeof record);
    read_ += record_size(record.datagram_size);
    return Popped{record.event, {at + sizeof record, record.datagram_size}};
}

void EventQueue::signal() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto result = ::write(fd_.number(), &one, sizeof one);
}

void EventQueue::clear_signal() {
    std::uint64_t count;
    [[maybe_unused]] const auto result = ::read(fd_.number(), &count, sizeof count);
}

std::size_t EventQueue::record_size(std::size_t datagram_size) {
    constexpr std::size_t alignment = 8;
    return (sizeof(Record) + datagram_size + alignment - 1) & ~(alignment - 1);
}

}  // namespace cygnet::dataplane
