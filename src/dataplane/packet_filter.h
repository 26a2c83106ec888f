// The kernel's packet filter (nf_tables) over netlink, as far as a table of our own needs it: chains, rules, sets, counters.
// A Batch is one transaction: all of it happens, or nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "os/fd.h"

namespace cygnet::dataplane::filter {

// Netlink attributes, one behind the other; those of another may be one's value.
class Attributes {
public:
    Attributes& put(std::uint16_t type, ByteView value);
    Attributes& number(std::uint16_t type, std::uint32_t value);  // in network order, as nf_tables has them
    Attributes& text(std::uint16_t type, std::string_view value);
    Attributes& nest(std::uint16_t type, const Attributes& inner);
    ByteView bytes() const { return octets_; }

private:
    Bytes octets_;
};

// Where in a packet an expression looks.
enum class Header : std::uint8_t { network = 1, transport = 2 };

// The expressions of one rule, from left to right. A register is a number of 32-bit words into the packet's scratch memory.
class FilterRule {
public:
    FilterRule& load_meta(std::uint32_t key, unsigned reg = 0);
    FilterRule& load(Header header, std::uint32_t offset, std::uint32_t size, unsigned reg = 0);
    FilterRule& load_socket_mark(unsigned reg = 0);
    FilterRule& load_whether_ipv6_has(std::uint8_t extension, unsigned reg = 0);  // 1 or 0
    FilterRule& mask(ByteView mask, unsigned reg);
    FilterRule& equals(ByteView value, unsigned reg = 0) { return compare(0, value, reg); }
    FilterRule& equals(std::uint8_t value) { return equals(ByteView(&value, 1)); }
    FilterRule& differs(std::uint8_t value) { return compare(1, ByteView(&value, 1), 0); }
    FilterRule& at_most(std::uint8_t value) { return compare(3, ByteView(&value, 1), 0); }
    FilterRule& at_least(std::uint8_t value) { return compare(5, ByteView(&value, 1), 0); }
    FilterRule& in_set(std::string_view set, unsigned reg = 0);
    FilterRule& count(std::string_view counter);
    FilterRule& accept();
    FilterRule& drop();
    FilterRule& jump(std::string_view chain);  // and come back
    FilterRule& go_to(std::string_view chain);

    const Attributes& expressions() const { return expressions_; }

private:
    FilterRule& compare(std::uint32_t operation, ByteView value, unsigned reg);
    FilterRule& verdict(std::int32_t code, std::string_view chain = {});
    FilterRule& add(std::string_view name, const Attributes& data);

    Attributes expressions_;
};

struct Hook {
    std::uint32_t number;   // NF_INET_LOCAL_IN …
    std::int32_t priority;
};

class Batch {
public:
    explicit Batch(std::string table);
    // `owned`: the kernel removes it with the socket, whatever ends the process.
    void add_table(bool owned);
    void delete_table();
    void add_chain(std::string_view name, const std::optional<Hook>& hook = {});
    void add_rule(std::string_view chain, const FilterRule& rule);
    void add_counter(std::string_view name);
    void add_set(std::string_view name, std::uint32_t key_type, std::uint32_t key_octets);
    void add_elements(std::string_view set, const std::vector<Bytes>& keys) { elements(true, set, keys); }
    void remove_elements(std::string_view set, const std::vector<Bytes>& keys) { elements(false, set, keys); }

    const std::string& table() const { return table_; }

private:
    friend class PacketFilter;
    void message(std::uint16_t type, std::uint16_t flags, const Attributes& attributes);
    void elements(bool add, std::string_view set, const std::vector<Bytes>& keys);

    std::string table_;
    Bytes octets_;
    std::uint32_t sets_ = 0;
};

// The socket. Errors: unsupported when this kernel or container has no packet filter for us; system.
class PacketFilter {
public:
    static Result<PacketFilter> open();
    Result<> commit(const Batch& batch);
    // Packets that a counter has seen; nothing if it is not there.
    std::optional<std::uint64_t> packets(const std::string& table, std::string_view counter);

private:
    explicit PacketFilter(os::Fd socket) : socket_(std::move(socket)) {}
    os::Fd socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace cygnet::dataplane::filter
