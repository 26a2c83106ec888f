#include "dataplane/xfrm/kernel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace cygnet::dataplane::xfrm {
namespace {

constexpr std::size_t answer_octets = 32768;
constexpr std::size_t events_per_call = 64;
constexpr int event_buffer_octets = 1 << 20;

Result<os::Fd> open_socket(unsigned groups) {
    os::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (fd.open() && ::bind(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT)
        return fail(Errc::unsupported, "kernel IPsec",
                    "this kernel has no IPsec (CONFIG_XFRM_USER; modprobe xfrm_user): use Cygnet's own ESP (--esp userspace)");
    return fail(Errc::system, "kernel IPsec", fmt::format("cannot open a netlink socket for it: {}", std::strerror(errno)));
}

// What an NLMSG_ERROR says; number 0: done.
Refusal refusal_in(const nlmsghdr& header, ByteView body) {
    const auto error = front_of<nlmsgerr>(body);
    if (!error) return {.number = EBADMSG};
    Refusal refusal{.number = -error->error};
    if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return refusal;
    // The request follows, whole unless the kernel was told to cap it, then the attributes.
    const std::size_t request = (header.nlmsg_flags & NLM_F_CAPPED) != 0 ? sizeof(nlmsghdr) : aligned(error->msg.nlmsg_len);
    const std::size_t start = sizeof(int) + request;
    if (start >= body.size()) return refusal;
    const ByteView words = Attributes(body.subspan(start)).bytes(NLMSGERR_ATTR_MSG);
    refusal.words = std::string(text_of(words).substr(0, ::strnlen(reinterpret_cast<const char*>(words.data()), words.size())));
    return refusal;
}

class NetlinkKernel final : public Kernel {
public:
    NetlinkKernel(os::Fd requests, os::Fd events) : requests_(std::move(requests)), events_(std::move(events)) {
        // Without either, answers are shorter or keys come back in errors: nothing depends on it.
        const int on = 1;
        ::setsockopt(requests_.number(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
        ::setsockopt(requests_.number(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
        ::setsockopt(events_.number(), SOL_SOCKET, SO_RCVBUF, &event_buffer_octets, sizeof event_buffer_octets);
    }

    std::expected<void, Refusal> change(Message message) override {
        auto done = converse(std::move(message), NLM_F_ACK, [](ByteView) {});
        if (!done) return std::unexpected(std::move(done).error());
        return {};
    }

    std::expected<SecretBytes, Refusal> ask(Message message) override {
        SecretBytes answer;
        auto done = converse(std::move(message), 0, [&](ByteView body) { answer = SecretBytes::copy_of(body); });
        if (!done) return std::unexpected(std::move(done).error());
        return answer;
    }

    std::expected<std::vector<SecretBytes>, Refusal> list(std::uint16_t type) override {
        std::vector<SecretBytes> all;
        auto done = converse(Message(type), NLM_F_DUMP, [&](ByteView body) { all.push_back(SecretBytes::copy_of(body)); });
        if (!done) return std::unexpected(std::move(done).error());
        return all;
    }

    int event_fd() const override { return events_.number(); }

    std::vector<KernelEvent> events() override {
        std::vector<KernelEvent> found;
        for (std::size_t i = 0; i < events_per_call; ++i) {
            const ssize_t size = ::recv(events_.number(), buffer_.reveal_for_writing().data(), buffer_.size(), MSG_DONTWAIT);
            if (size < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
            if (size <= 0) break;
            for_each_message(buffer_.reveal().first(static_cast<std::size_t>(size)), [&](const nlmsghdr& header, ByteView body) {
                if (auto event = read_event(header.nlmsg_type, body)) found.push_back(std::move(*event));
            });
        }
        return found;
    }

private:
    // Sends one request and hands each message of its answer on; ends with the acknowledgement, the end of a list, or with
    // the first message of a request that asks for one.
    template <class Each>
    std::expected<void, Refusal> converse(Message message, std::uint16_t flags, Each each) {
        message.set_sequence(++sequence_);
        message.add_flags(flags);
        if (::send(requests_.number(), message.bytes().data(), message.bytes().size(), 0) < 0)
            return std::unexpected(Refusal{.number = errno});
        for (;;) {
            const ssize_t size = ::recv(requests_.number(), buffer_.reveal_for_writing().data(), buffer_.size(), 0);
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) return std::unexpected(Refusal{.number = size < 0 ? errno : EIO});
            std::optional<Refusal> end;
            for_each_message(buffer_.reveal().first(static_cast<std::size_t>(size)), [&](const nlmsghdr& header, ByteView body) {
                if (header.nlmsg_seq != sequence_ || end) return;
                if (header.nlmsg_type == NLMSG_ERROR) {
                    end = refusal_in(header, body);
                } else if (header.nlmsg_type == NLMSG_DONE) {
                    end = Refusal{};
                } else {
                    each(body);
                    if (flags == 0) end = Refusal{};
                }
            });
            wipe(buffer_.reveal_for_writing().first(static_cast<std::size_t>(size)));
            if (!end) continue;
            if (end->number != 0) return std::unexpected(std::move(*end));
            return {};
        }
    }

    os::Fd requests_, events_;
    SecretBytes buffer_{answer_octets};
    std::uint32_t sequence_ = 0;
};

struct Advice {
    int number;
    const char* name;
    const char* words;
};
constexpr Advice advices[] = {
    {EPROTONOSUPPORT, "EPROTONOSUPPORT",
     "the kernel has no ESP (CONFIG_INET_ESP and CONFIG_INET6_ESP; modprobe esp4, esp6): use Cygnet's own (--esp userspace)"},
    {ENOSYS, "ENOSYS", "the kernel has no such algorithm: propose another, or use Cygnet's own ESP (--esp userspace)"},
    {ENOENT, "ENOENT", "the kernel has no such algorithm: propose another, or use Cygnet's own ESP (--esp userspace)"},
    {EPERM, "EPERM", "run cygnetd as root or give it CAP_NET_ADMIN"},
    {EEXIST, "EEXIST", "another program has put the same into the kernel: stop it, or remove what it left behind (ip xfrm state, ip xfrm policy)"},
    {EINVAL, "EINVAL", "the kernel does not know one of the settings: it may be too old for it"},
    {ENOBUFS, "ENOBUFS", "the kernel is short of memory"},
    {ENOMEM, "ENOMEM", "the kernel is short of memory"},
};

}  // namespace

Result<std::unique_ptr<Kernel>> open_kernel() {
    constexpr unsigned groups = XFRMGRP_ACQUIRE | XFRMGRP_EXPIRE | 1U << (XFRMNLGRP_MAPPING - 1);
    auto requests = TRY(open_socket(0));
    return std::make_unique<NetlinkKernel>(std::move(requests), TRY(open_socket(groups)));
}

Error explained(const Refusal& refusal, const char* where, const std::string& what) {
    std::string text = fmt::format("the kernel refused {}: ", what);
    const Advice* advice = nullptr;
    for (const Advice& one : advices)
        if (one.number == refusal.number) advice = &one;
    text += advice != nullptr ? advice->name : std::strerror(refusal.number);
    if (!refusal.words.empty()) text += fmt::format(" \"{}\"", refusal.words);
    if (advice != nullptr) text += fmt::format("; {}", advice->words);
    const bool missing = refusal.number == EPROTONOSUPPORT || refusal.number == ENOSYS || refusal.number == ENOENT;
    return {.code = missing ? Errc::unsupported : Errc::system, .where = where, .detail = std::move(text)};
}

}  // namespace cygnet::dataplane::xfrm
