#include "dataplane/xfrm/message.h"

#include <algorithm>

#include "base/result.h"

namespace cygnet::dataplane::xfrm {

namespace {
// The longest is a state with its keys and a replay bitmap of 4096 packets; a migration has several templates.
constexpr std::size_t message_octets = 4096;
}  // namespace

Message::Message(std::uint16_t type, std::uint16_t flags) : octets_(message_octets), size_(sizeof(nlmsghdr)) {
    write({.nlmsg_len = sizeof(nlmsghdr),
           .nlmsg_type = type,
           .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
           .nlmsg_seq = 0,
           .nlmsg_pid = 0});
}

nlmsghdr Message::header() const { return *front_of<nlmsghdr>(octets_.reveal()); }

void Message::write(const nlmsghdr& header) {
    std::memcpy(octets_.reveal_for_writing().data(), &header, sizeof header);
}

void Message::set_sequence(std::uint32_t sequence) {
    nlmsghdr changed = header();
    changed.nlmsg_seq = sequence;
    write(changed);
}

void Message::add_flags(std::uint16_t flags) {
    nlmsghdr changed = header();
    changed.nlmsg_flags |= flags;
    write(changed);
}

void Message::put(ByteView part) {
    const std::size_t start = aligned(size_);
    ASSERT(start + part.size() <= octets_.size());
    std::ranges::copy(part, octets_.reveal_for_writing().subspan(start).begin());
    size_ = start + part.size();
    nlmsghdr changed = header();
    changed.nlmsg_len = static_cast<std::uint32_t>(size_);
    write(changed);
}

void Message::attribute(std::uint16_t type, ByteView first, ByteView second) {
    const nlattr head{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + first.size() + second.size()), .nla_type = type};
    put(view_of(head));
    // Between the pieces of one attribute there is no padding.
    for (const ByteView piece : {first, second}) {
        ASSERT(size_ + piece.size() <= octets_.size());
        std::ranges::copy(piece, octets_.reveal_for_writing().subspan(size_).begin());
        size_ += piece.size();
    }
    nlmsghdr changed = header();
    changed.nlmsg_len = static_cast<std::uint32_t>(size_);
    write(changed);
}

Attributes::Attributes(ByteView octets) {
    while (const auto head = front_of<nlattr>(octets)) {
        if (head->nla_len < sizeof(nlattr) || head->nla_len > octets.size()) return;
        const std::uint16_t type = head->nla_type & NLA_TYPE_MASK;
        if (type < types) found_[type] = octets.subspan(sizeof(nlattr), head->nla_len - sizeof(nlattr));
        octets = octets.subspan(std::min(octets.size(), aligned(head->nla_len)));
    }
}

void for_each_message(ByteView datagram, const std::function<void(const nlmsghdr&, ByteView body)>& each) {
    while (const auto header = front_of<nlmsghdr>(datagram)) {
        if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) return;
        each(*header, datagram.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr)));
        datagram = datagram.subspan(std::min(datagram.size(), aligned(header->nlmsg_len)));
    }
}

}  // namespace cygnet::dataplane::xfrm
