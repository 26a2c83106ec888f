#include "dataplane/netlink.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "esp/policy_table.h"

namespace cygnet::dataplane {
namespace {

constexpr std::size_t message_octets = 4096;
constexpr std::size_t dump_octets = 32768;

unsigned char family_number(model::Family family) { return family == model::Family::v4 ? AF_INET : AF_INET6; }

// What the kernel says of IPv6 that is not built in (the first two) or switched off for a device.
bool family_is_missing(int error) { return error == EAFNOSUPPORT || error == EOPNOTSUPP || error == EACCES; }

model::IpAddress address_of(const esp::PrefixKey& key) {
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < 8; ++i) {
        octets[i] = static_cast<std::uint8_t>(key.address.high >> (56 - 8 * i));
        octets[8 + i] = static_cast<std::uint8_t>(key.address.low >> (56 - 8 * i));
    }
    const std::size_t size = model::address_size(key.family);
    return *model::IpAddress::from_bytes({octets.data() + (16 - size), size});
}

}  // namespace

std::string Prefix::text() const { return fmt::format("{}/{}", address.text(), bits); }

std::vector<Prefix> prefixes_of(const model::AddressRange& range) {
    std::vector<Prefix> prefixes;
    const auto selector = esp::PacketSelector::of(model::TrafficSelector::of(range));
    for (const esp::PrefixKey& key : esp::prefixes_of(selector)) prefixes.push_back({address_of(key), key.bits});
    return prefixes;
}

// One message being built.
struct Netlink::Request {
    std::array<char, message_octets> octets{};
    nlmsghdr* header = nullptr;

    Request(std::uint16_t type, unsigned flags) : header(mnl_nlmsg_put_header(octets.data())) {
        header->nlmsg_type = type;
        header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    }
    template <class T>
    T& body() {
        return *static_cast<T*>(mnl_nlmsg_put_extra_header(header, sizeof(T)));
    }
    void put(std::uint16_t type, const model::IpAddress& address) {
        mnl_attr_put(header, type, address.bytes().size(), address.bytes().data());
    }
    void put(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header, type, value); }
    void put(std::uint16_t type, std::uint8_t value) { mnl_attr_put_u8(header, type, value); }
    void put(std::uint16_t type, const fib_rule_port_range& value) { mnl_attr_put(header, type, sizeof value, &value); }
};

Result<Netlink> Netlink::open() {
    mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        if (socket != nullptr) mnl_socket_close(socket);
        return fail(Errc::system, "netlink", std::strerror(errno));
    }
    return Netlink(socket);
}

Netlink::Netlink(mnl_socket* socket) : socket_(socket), changes_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)) {
    // Without it the addresses are asked for each time.
    if (changes_ != nullptr && mnl_socket_bind(changes_, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, MNL_SOCKET_AUTOPID) < 0)
        mnl_socket_close(std::exchange(changes_, nullptr));
}

Netlink::Netlink(Netlink&& other) noexcept
    : socket_(std::exchange(other.socket_, nullptr)),
      sequence_(other.sequence_),
      changes_(std::exchange(other.changes_, nullptr)),
      known_addresses_(std::move(other.known_addresses_)) {}

Netlink::~Netlink() {
    for (mnl_socket* socket : {socket_, changes_})
        if (socket != nullptr) mnl_socket_close(socket);
}

// Whoever changes an address goes on only when the news has been delivered, so what no news contradicts is true.
bool Netlink::addresses_changed() {
    if (changes_ == nullptr) return true;
    std::array<char, message_octets> news;
    for (bool changed = false;; changed = true) {
        if (mnl_socket_recvfrom(changes_, news.data(), news.size()) >= 0) continue;
        if (errno == EAGAIN) return changed;
        if (errno != EINTR && errno != ENOBUFS && errno != ENOSPC) return true;  // these say that there was more
    }
}

Result<std::span<const model::IpAddress>> Netlink::known_addresses() {
    if (addresses_changed()) known_addresses_.reset();
    if (!known_addresses_) known_addresses_ = TRY(addresses());
    return *known_addresses_;
}

// The kernel works while we send: when that returns, what it has refused lies there, and nothing if it has done it.
Result<> Netlink::change(Request& request, const char* where, const std::string& what) {
    request.header->nlmsg_seq = ++sequence_;
    std::array<char, message_octets> answer;
    ssize_t size = mnl_socket_sendto(socket_, request.header, request.header->nlmsg_len);
    if (size >= 0) size = ::recv(mnl_socket_get_fd(socket_), answer.data(), answer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return {};
    if (size < 0 || mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, mnl_socket_get_portid(socket_), nullptr, nullptr) < 0) {
        const int reason = errno;
        return fail(family_is_missing(reason) ? Errc::unsupported : Errc::system, where,
                    fmt::format("{}: {}", what, std::strerror(reason)));
    }
    return {};
}

// All messages that answer; false with errno.
bool Netlink::list(Request& request, int (*take)(const nlmsghdr*, void*), void* into) {
    request.header->nlmsg_seq = ++sequence_;
    std::vector<char> answer(dump_octets);
    ssize_t size = mnl_socket_sendto(socket_, request.header, request.header->nlmsg_len);
    const unsigned port = mnl_socket_get_portid(socket_);
    int more = 1;
    while (size >= 0 && more > 0) {
        size = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
        if (size >= 0) more = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, port, take, into);
    }
    return size >= 0 && more >= 0;
}

Result<> Netlink::bring_up(unsigned device, unsigned mtu) {
    // No link-local address: the kernel would solicit routers through the tunnel. Without IPv6 it refuses.
    Request silent(RTM_NEWLINK, 0);
    silent.body<ifinfomsg>().ifi_index = static_cast<int>(device);
    nlattr* families = mnl_attr_nest_start(silent.header, IFLA_AF_SPEC);
    nlattr* ipv6 = mnl_attr_nest_start(silent.header, AF_INET6);
    mnl_attr_put_u8(silent.header, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(silent.header, ipv6);
    mnl_attr_nest_end(silent.header, families);
    static_cast<void>(change(silent, "device", "link-local address"));

    Request request(RTM_NEWLINK, 0);
    auto& link = request.body<ifinfomsg>();
    link.ifi_index = static_cast<int>(device);
    link.ifi_flags = link.ifi_change = IFF_UP;
    request.put(IFLA_MTU, mtu);
    return change(request, "device", fmt::format("MTU {}", mtu));
}

namespace {
void describe(auto& request, unsigned device, const model::IpAddress& address) {
    auto& body = request.template body<ifaddrmsg>();
    body.ifa_family = family_number(address.family());
    body.ifa_prefixlen = static_cast<std::uint8_t>(model::address_bits(address.family()));
    body.ifa_flags = IFA_F_NODAD;
    body.ifa_index = device;
    request.put(IFA_LOCAL, address);
    request.put(IFA_ADDRESS, address);
}

void describe(auto& request, const Route& route) {
    auto& body = request.template body<rtmsg>();
    body.rtm_family = family_number(route.to.address.family());
    body.rtm_dst_len = static_cast<unsigned char>(route.to.bits);
    body.rtm_table = RT_TABLE_UNSPEC;
    body.rtm_protocol = own_route_protocol;
    body.rtm_scope = RT_SCOPE_UNIVERSE;
    body.rtm_type = RTN_UNICAST;
    request.put(RTA_TABLE, route.table);
    request.put(RTA_DST, route.to.address);
    request.put(RTA_OIF, route.device);
    if (route.source) request.put(RTA_PREFSRC, *route.source);
    if (route.mtu == 0) return;
    nlattr* metrics = mnl_attr_nest_start(request.header, RTA_METRICS);
    mnl_attr_put_u32(request.header, RTAX_MTU, static_cast<std::uint32_t>(route.mtu));
    mnl_attr_nest_end(request.header, metrics);
}

void describe(auto& request, const Rule& rule) {
    auto& body = request.template body<fib_rule_hdr>();
    body.family = family_number(rule.family);
    body.action = FR_ACT_TO_TBL;
    body.flags = FIB_RULE_INVERT;  // everything but the mark
    request.put(FRA_PRIORITY, rule.priority);
    request.put(FRA_FWMARK, rule.mark);
    request.put(FRA_FWMASK, 0xffff'ffffU);
    request.put(FRA_TABLE, rule.table);
}
}  // namespace

Result<> Netlink::add_address(unsigned device, const model::IpAddress& address) {
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
    describe(request, device, address);
    return change(request, "address", address.text());
}

Result<> Netlink::remove_address(unsigned device, const model::IpAddress& address) {
    Request request(RTM_DELADDR, 0);
    describe(request, device, address);
    return change(request, "address", address.text());
}

Result<> Netlink::add_route(const Route& route) {
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    describe(request, route);
    return change(request, "route", route.to.text());
}

Result<> Netlink::remove_route(const Route& route) {
    Request request(RTM_DELROUTE, 0);
    describe(request, route);
    return change(request, "route", route.to.text());
}

Result<> Netlink::add_rule(const Rule& rule) {
    Request request(RTM_NEWRULE, NLM_F_CREATE);
    describe(request, rule);
    return change(request, "routing rule", fmt::format("table {}", rule.table));
}

Result<> Netlink::remove_rule(const Rule& rule) {
    Request request(RTM_DELRULE, 0);
    describe(request, rule);
    return change(request, "routing rule", fmt::format("table {}", rule.table));
}

namespace {
void put_ports(auto& request, std::uint16_t attribute, const std::optional<PortRange>& ports) {
    if (ports) request.put(attribute, fib_rule_port_range{.start = ports->first, .end = ports->last});
}

void describe(auto& request, const BypassRule& rule, std::uint32_t priority, std::uint32_t jump_to) {
    auto& body = request.template body<fib_rule_hdr>();
    body.family = family_number(rule.from.address.family());
    body.action = FR_ACT_GOTO;
    body.src_len = static_cast<std::uint8_t>(rule.from.bits);
    body.dst_len = static_cast<std::uint8_t>(rule.to.bits);
    request.put(FRA_PRIORITY, priority);
    request.put(FRA_GOTO, jump_to);
    if (rule.from.bits != 0) request.put(FRA_SRC, rule.from.address);
    if (rule.to.bits != 0) request.put(FRA_DST, rule.to.address);
    if (rule.protocol != 0) request.put(FRA_IP_PROTO, rule.protocol);
    put_ports(request, FRA_SPORT_RANGE, rule.from_ports);
    put_ports(request, FRA_DPORT_RANGE, rule.to_ports);
}

std::string text_of(const BypassRule& rule) { return fmt::format("from {} to {}", rule.from.text(), rule.to.text()); }
}  // namespace

Result<> Netlink::add_bypass(const BypassRule& rule, std::uint32_t priority, std::uint32_t jump_to) {
    Request request(RTM_NEWRULE, NLM_F_CREATE);
    describe(request, rule, priority, jump_to);
    return change(request, "routing rule", text_of(rule));
}

Result<> Netlink::remove_bypass(const BypassRule& rule, std::uint32_t priority, std::uint32_t jump_to) {
    Request request(RTM_DELRULE, 0);
    describe(request, rule, priority, jump_to);
    return change(request, "routing rule", text_of(rule));
}

Result<> Netlink::add_landing(model::Family family, std::uint32_t priority) {
    Request request(RTM_NEWRULE, NLM_F_CREATE);
    auto& body = request.body<fib_rule_hdr>();
    body.family = family_number(family);
    body.action = FR_ACT_NOP;
    request.put(FRA_PRIORITY, priority);
    return change(request, "routing rule", fmt::format("priority {}", priority));
}

Result<> Netlink::remove_any_rule(model::Family family, std::uint32_t priority) {
    Request request(RTM_DELRULE, 0);
    request.body<fib_rule_hdr>().family = family_number(family);
    request.put(FRA_PRIORITY, priority);
    return change(request, "routing rule", fmt::format("priority {}", priority));
}

namespace {
// IPv4 has IFA_LOCAL, which differs from IFA_ADDRESS on point-to-point links; IPv6 often has not.
int take_attribute(const nlattr* attribute, void* data) {
    auto& local = *static_cast<std::optional<model::IpAddress>*>(data);
    const auto type = mnl_attr_get_type(attribute);
    if (type != IFA_LOCAL && !(type == IFA_ADDRESS && !local)) return MNL_CB_OK;
    const auto* octets = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
    local = model::IpAddress::from_bytes({octets, mnl_attr_get_payload_len(attribute)});
    return MNL_CB_OK;
}

int take_address(const nlmsghdr* message, void* data) {
    auto& found = *static_cast<std::vector<model::IpAddress>*>(data);
    std::optional<model::IpAddress> local;
    mnl_attr_parse(message, sizeof(ifaddrmsg), take_attribute, &local);
    if (local) found.push_back(*local);
    return MNL_CB_OK;
}
}  // namespace

namespace {
int take_device(const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) == RTA_OIF) *static_cast<unsigned*>(data) = mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}
int take_route(const nlmsghdr* message, void* data) {
    if (message->nlmsg_type == RTM_NEWROUTE) mnl_attr_parse(message, sizeof(rtmsg), take_device, data);
    return MNL_CB_OK;
}
}  // namespace

namespace {
int take_table_and_device(const nlattr* attribute, void* data) {
    auto& route = *static_cast<Route*>(data);
    const auto* octets = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
    if (mnl_attr_get_type(attribute) == RTA_TABLE) route.table = mnl_attr_get_u32(attribute);
    if (mnl_attr_get_type(attribute) == RTA_OIF) route.device = mnl_attr_get_u32(attribute);
    if (mnl_attr_get_type(attribute) == RTA_DST)
        if (const auto address = model::IpAddress::from_bytes({octets, mnl_attr_get_payload_len(attribute)})) route.to.address = *address;
    return MNL_CB_OK;
}
int take_whole_route(const nlmsghdr* message, void* data) {
    const auto* body = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    const auto family = body->rtm_family == AF_INET ? model::Family::v4 : model::Family::v6;
    Route route{.to = {model::IpAddress::any(family), body->rtm_dst_len}};
    mnl_attr_parse(message, sizeof(rtmsg), take_table_and_device, &route);
    if (body->rtm_family == AF_INET || body->rtm_family == AF_INET6) static_cast<std::vector<Route>*>(data)->push_back(route);
    return MNL_CB_OK;
}
}  // namespace

void Netlink::clear_table(std::uint32_t table) {
    Request request(RTM_GETROUTE, NLM_F_DUMP);
    request.body<rtmsg>().rtm_family = AF_UNSPEC;
    std::vector<Route> routes;
    if (!list(request, take_whole_route, &routes)) return;
    for (const Route& route : routes)
        if (route.table == table) static_cast<void>(remove_route(route));
}

Result<unsigned> Netlink::device_towards(const model::IpAddress& remote, std::uint32_t mark) {
    Request request(RTM_GETROUTE, 0);
    auto& body = request.body<rtmsg>();
    body.rtm_family = family_number(remote.family());
    body.rtm_dst_len = static_cast<unsigned char>(model::address_bits(remote.family()));
    request.put(RTA_DST, remote);
    if (mark != 0) request.put(RTA_MARK, mark);
    request.header->nlmsg_seq = ++sequence_;
    unsigned device = 0;
    std::array<char, message_octets> answer;
    ssize_t size = mnl_socket_sendto(socket_, request.header, request.header->nlmsg_len);
    if (size >= 0) size = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
    if (size < 0 ||
        mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, mnl_socket_get_portid(socket_), take_route, &device) < 0)
        return fail(Errc::system, "route", fmt::format("to {}: {}", remote.text(), std::strerror(errno)));
    return device;
}

Result<std::vector<model::IpAddress>> Netlink::addresses() {
    Request request(RTM_GETADDR, NLM_F_DUMP);
    request.body<ifaddrmsg>().ifa_family = AF_UNSPEC;
    std::vector<model::IpAddress> found;
    if (!list(request, take_address, &found)) return fail(Errc::system, "addresses", std::strerror(errno));
    return found;
}

}  // namespace cygnet::dataplane
