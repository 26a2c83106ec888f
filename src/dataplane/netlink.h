// The few things we ask of the kernel's tables (rtnetlink): a device's state, addresses, routes, one rule.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/address.h"

struct mnl_socket;
struct nlmsghdr;

namespace cygnet::dataplane {

struct Prefix {
    model::IpAddress address;
    unsigned bits = 0;
    auto operator<=>(const Prefix&) const = default;
    std::string text() const;
};

// The prefixes that make up a range.
std::vector<Prefix> prefixes_of(const model::AddressRange& range);

// Who has made a route, as the kernel lists it (`ip route show proto 67`): the number is our choice, nobody's by convention.
constexpr std::uint8_t own_route_protocol = 67;

struct Route {
    Prefix to;
    unsigned device = 0;
    std::uint32_t table = 0;
    std::optional<model::IpAddress> source{};  // the address that local programs take
    std::size_t mtu = 0;                       // octets; 0: the device's
};

// "Packets without this mark look into this table."
struct Rule {
    model::Family family;
    std::uint32_t mark;
    std::uint32_t table;
    std::uint32_t priority;
};

struct PortRange {
    std::uint16_t first, last;
    auto operator<=>(const PortRange&) const = default;
};

// "Such packets go on behind our rule": a jump from one priority to a later one.
struct BypassRule {
    Prefix from{}, to{};
    std::uint8_t protocol = 0;  // 0: any
    std::optional<PortRange> from_ports{}, to_ports{};
    auto operator<=>(const BypassRule&) const = default;
};

// Errors: Errc::system, with what was refused; Errc::unsupported when this host has no such family.
class Netlink {
public:
    static Result<Netlink> open();
    Netlink(Netlink&& other) noexcept;
    Netlink& operator=(Netlink&&) = delete;
    ~Netlink();

    Result<> bring_up(unsigned device, unsigned mtu);
    Result<> add_address(unsigned device, const model::IpAddress& address);
    Result<> remove_address(unsigned device, const model::IpAddress& address);
    Result<> add_route(const Route& route);  // replaces one to the same prefix in the same table
    Result<> remove_route(const Route& route);
    // Removes all routes of a table, as far as it can.
    void clear_table(std::uint32_t table);
    Result<> add_rule(const Rule& rule);
    Result<> remove_rule(const Rule& rule);
    Result<> add_bypass(const BypassRule& rule, std::uint32_t priority, std::uint32_t jump_to);
    Result<> remove_bypass(const BypassRule& rule, std::uint32_t priority, std::uint32_t jump_to);
    // A rule that does nothing: where jumps arrive.
    Result<> add_landing(model::Family family, std::uint32_t priority);
    // The first of all rules of this priority, whatever it says.
    Result<> remove_any_rule(model::Family family, std::uint32_t priority);
    // The device by which packets with a mark leave towards an address.
    Result<unsigned> device_towards(const model::IpAddress& remote, std::uint32_t mark);
    // All addresses of this host.
    Result<std::vector<model::IpAddress>> addresses();
    // The same; the kernel is asked again only after it has told of a change.
    Result<std::span<const model::IpAddress>> known_addresses();

private:
    explicit Netlink(mnl_socket* socket);
    struct Request;
    Result<> change(Request& request, const char* where, const std::string& what);
    bool list(Request& request, int (*take)(const nlmsghdr*, void*), void* into);

    mnl_socket* socket_;
    unsigned sequence_ = 0;

    bool addresses_changed();
    mnl_socket* changes_ = nullptr;  // told of every change of an address
    std::optional<std::vector<model::IpAddress>> known_addresses_{};
};

}  // namespace cygnet::dataplane
