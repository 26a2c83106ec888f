#include "dataplane/host_watch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include "dataplane/netlink.h"

namespace cygnet::dataplane {
namespace {

constexpr std::size_t request_octets = 512;
constexpr std::size_t answer_octets = 32768;
constexpr unsigned groups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

unsigned char family_number(model::Family family) { return family == model::Family::v4 ? AF_INET : AF_INET6; }

mnl_socket* open_socket(unsigned wanted_groups) {
    mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (socket != nullptr && mnl_socket_bind(socket, wanted_groups, MNL_SOCKET_AUTOPID) >= 0) return socket;
    if (socket != nullptr) mnl_socket_close(socket);
    return nullptr;
}

// Our own routes are no news, and a thousand children have a thousand of them: the kernel does not wake us for those.
bool ignore_own_routes(mnl_socket* socket) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, sizeof(nlmsghdr) + offsetof(rtmsg, rtm_protocol)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_route_protocol, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffff'ffff),  // all of the message
        BPF_STMT(BPF_RET | BPF_K, 0),            // none
    };
    const sock_fprog filter{std::size(program), program};
    return ::setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

// The attributes that we read, of links, addresses and routes.
struct Attributes {
    std::optional<model::IpAddress> address{}, local{}, preferred_source{};
    std::optional<std::uint32_t> flags{}, device{};
};

std::optional<model::IpAddress> address_in(const nlattr* attribute) {
    return model::IpAddress::from_bytes(
        {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)});
}

int read_address_attribute(const nlattr* attribute, void* data) {
    auto& found = *static_cast<Attributes*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case IFA_ADDRESS: found.address = address_in(attribute); break;
        case IFA_LOCAL: found.local = address_in(attribute); break;
        case IFA_FLAGS: found.flags = mnl_attr_get_u32(attribute); break;
        default: break;
    }
    return MNL_CB_OK;
}

int read_route_attribute(const nlattr* attribute, void* data) {
    auto& found = *static_cast<Attributes*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case RTA_PREFSRC: found.preferred_source = address_in(attribute); break;
        case RTA_OIF: found.device = mnl_attr_get_u32(attribute); break;
        default: break;
    }
    return MNL_CB_OK;
}

struct Found {
    model::IpAddress address;
    unsigned device = 0;
    bool universal = false;
};

// The device that a message is about; 0 for a route without one.
unsigned device_of(const nlmsghdr* message) {
    const void* body = mnl_nlmsg_get_payload(message);
    switch (message->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK: return static_cast<unsigned>(static_cast<const ifinfomsg*>(body)->ifi_index);
        case RTM_NEWADDR:
        case RTM_DELADDR: return static_cast<const ifaddrmsg*>(body)->ifa_index;
        default: break;
    }
    Attributes found;
    mnl_attr_parse(message, sizeof(rtmsg), read_route_attribute, &found);
    return found.device.value_or(0);
}

// One request being built.
struct Request {
    std::array<char, request_octets> octets{};
    nlmsghdr* header;

    Request(std::uint16_t type, unsigned flags) : header(mnl_nlmsg_put_header(octets.data())) {
        header->nlmsg_type = type;
        header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    }
    template <class T>
    T& body() {
        return *static_cast<T*>(mnl_nlmsg_put_extra_header(header, sizeof(T)));
    }
};

}  // namespace

struct HostWatch::Dump {
    std::map<unsigned, unsigned> link_flags{};  // by index
    std::vector<Found> addresses{};
    std::optional<Attributes> route{};

    void link(const nlmsghdr* message) {
        const auto* body = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
        link_flags[static_cast<unsigned>(body->ifi_index)] = body->ifi_flags;
    }
    void address(const nlmsghdr* message) {
        const auto* body = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
        Attributes found;
        mnl_attr_parse(message, sizeof(ifaddrmsg), read_address_attribute, &found);
        const auto own = found.local ? found.local : found.address;
        constexpr unsigned not_ready = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED;
        const unsigned flags = found.flags.value_or(body->ifa_flags);
        if (own)
            addresses.push_back({*own, body->ifa_index, body->ifa_scope < RT_SCOPE_LINK && (flags & not_ready) == 0});
    }
    static int take(const nlmsghdr* message, void* data) {
        auto& dump = *static_cast<Dump*>(data);
        if (message->nlmsg_type == RTM_NEWLINK) dump.link(message);
        if (message->nlmsg_type == RTM_NEWADDR) dump.address(message);
        if (message->nlmsg_type == RTM_NEWROUTE)
            mnl_attr_parse(message, sizeof(rtmsg), read_route_attribute, &dump.route.emplace());
        return MNL_CB_OK;
    }
};

Result<HostWatch> HostWatch::open(const HostWatchSettings& settings) {
    mnl_socket* events = open_socket(groups);
    mnl_socket* queries = events != nullptr && ignore_own_routes(events) ? open_socket(0) : nullptr;
    if (queries == nullptr) {
        const int reason = errno;
        if (events != nullptr) mnl_socket_close(events);
        return fail(Errc::system, "netlink", std::strerror(reason));
    }
    return HostWatch(events, queries, settings);
}

HostWatch::HostWatch(HostWatch&& other) noexcept
    : events_(std::exchange(other.events_, nullptr)),
      queries_(std::exchange(other.queries_, nullptr)),
      settings_(other.settings_),
      sequence_(other.sequence_),
      usable_(std::move(other.usable_)) {}

HostWatch::~HostWatch() {
    if (events_ != nullptr) mnl_socket_close(events_);
    if (queries_ != nullptr) mnl_socket_close(queries_);
}

int HostWatch::fd() const { return mnl_socket_get_fd(events_); }

// Whoever is told of a change asks for the whole: of each message only its subject matters.
bool HostWatch::drain() {
    std::array<char, answer_octets> messages;
    bool matters = false;
    for (;;) {
        const ssize_t size = ::recv(fd(), messages.data(), messages.size(), MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != ENOBUFS && errno != EINTR)) return matters;
        if (size < 0) {
            matters = true;  // Some were lost.
            continue;
        }
        int left = static_cast<int>(size);
        for (auto* message = reinterpret_cast<nlmsghdr*>(messages.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left))
            matters = matters || device_of(message) != settings_.tunnel_device;
    }
}

bool HostWatch::ask(const void* request, Dump& into) {
    auto* header = static_cast<nlmsghdr*>(const_cast<void*>(request));
    header->nlmsg_seq = ++sequence_;
    std::vector<char> answer(answer_octets);
    const unsigned port = mnl_socket_get_portid(queries_);
    if (mnl_socket_sendto(queries_, header, header->nlmsg_len) < 0) return false;
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
        const ssize_t size = mnl_socket_recvfrom(queries_, answer.data(), answer.size());
        if (size < 0) return false;
        more = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, port, Dump::take, &into);
        if ((header->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) break;
    }
    return more >= 0;
}

Result<HostWatch::Addresses> HostWatch::addresses() {
    Dump dump;
    Request links(RTM_GETLINK, NLM_F_DUMP);
    links.body<ifinfomsg>().ifi_family = AF_UNSPEC;
    Request all(RTM_GETADDR, NLM_F_DUMP);
    all.body<ifaddrmsg>().ifa_family = AF_UNSPEC;
    if (!ask(links.header, dump) || !ask(all.header, dump)) return fail(Errc::system, "addresses", std::strerror(errno));
    Addresses addresses;
    usable_.clear();
    for (const Found& found : dump.addresses) {
        const unsigned flags = dump.link_flags[found.device];
        const bool up = (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0 && (flags & IFF_LOOPBACK) == 0;
        if (up && found.universal && found.device != settings_.tunnel_device) {
            addresses.usable.push_back(found.address);
            usable_.emplace_back(found.address, found.device);
        } else {
            addresses.others.push_back(found.address);
        }
    }
    return addresses;
}

std::vector<model::IpAddress> HostWatch::sources_towards(const model::IpAddress& remote) {
    const auto route = [&](const std::optional<model::IpAddress>& source) {
        Request request(RTM_GETROUTE, 0);
        auto& body = request.body<rtmsg>();
        body.rtm_family = family_number(remote.family());
        body.rtm_dst_len = static_cast<unsigned char>(model::address_bits(remote.family()));
        mnl_attr_put(request.header, RTA_DST, remote.bytes().size(), remote.bytes().data());
        if (source) {
            body.rtm_src_len = body.rtm_dst_len;
            mnl_attr_put(request.header, RTA_SRC, source->bytes().size(), source->bytes().data());
        }
        mnl_attr_put_u32(request.header, RTA_MARK, settings_.mark);
        Dump dump;
        return ask(request.header, dump) ? dump.route : std::nullopt;
    };
    std::vector<model::IpAddress> sources;
    if (const auto chosen = route(std::nullopt); chosen && chosen->preferred_source && chosen->device)
        sources.push_back(*chosen->preferred_source);
    for (const auto& [address, device] : usable_) {
        if (address.family() != remote.family() || std::ranges::find(sources, address) != sources.end()) continue;
        const auto way = route(address);
        if (way && way->device == device) sources.push_back(address);
    }
    return sources;
}

}  // namespace cygnet::dataplane
