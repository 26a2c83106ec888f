#include "dataplane/packet_filter.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/xfrm/message.h"

namespace cygnet::dataplane::filter {
namespace {

constexpr std::size_t answer_octets = 16384;
constexpr int send_buffer_octets = 4 << 20;  // a table with the sets of thousands of children goes in one piece
constexpr std::size_t elements_per_message = 256;  // an attribute's length has 16 bits
constexpr std::uint16_t table_message = NFNL_SUBSYS_NFTABLES << 8;

using xfrm::aligned;

std::uint32_t register_number(unsigned reg) { return NFT_REG32_00 + reg; }

void append_message(Bytes& to, std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::uint16_t resource,
                    ByteView attributes) {
    const std::size_t size = NLMSG_LENGTH(sizeof(nfgenmsg)) + attributes.size();
    const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(size),
                          .nlmsg_type = type,
                          .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                          .nlmsg_seq = 0,
                          .nlmsg_pid = 0};
    nfgenmsg general{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
    store_be(reinterpret_cast<std::uint8_t*>(&general.res_id), resource);
    append(to, xfrm::Message::view_of(header));
    append(to, xfrm::Message::view_of(general));
    append(to, attributes);
    to.resize(aligned(to.size()));
}

// Every message of a transaction has its number, so that an answer to an earlier one cannot be taken for its own.
void number_messages(Bytes& octets, std::uint32_t sequence) {
    for (std::size_t at = 0; at < octets.size();) {
        nlmsghdr header;
        std::memcpy(&header, &octets[at], sizeof header);
        header.nlmsg_seq = sequence;
        std::memcpy(&octets[at], &header, sizeof header);
        at += aligned(header.nlmsg_len);
    }
}

bool is_missing(int error) {
    return error == EPERM || error == EPROTONOSUPPORT || error == EAFNOSUPPORT || error == EOPNOTSUPP || error == ENOENT ||
           error == EINVAL;
}

Attributes value_of(ByteView value) { return Attributes().put(NFTA_DATA_VALUE, value); }

}  // namespace

Attributes& Attributes::put(std::uint16_t type, ByteView value) {
    const nlattr head{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), .nla_type = type};
    ASSERT(sizeof(nlattr) + value.size() <= 0xffff);
    append(octets_, xfrm::Message::view_of(head));
    append(octets_, value);
    octets_.resize(aligned(octets_.size()));
    return *this;
}

Attributes& Attributes::number(std::uint16_t type, std::uint32_t value) {
    std::array<std::uint8_t, 4> octets;
    store_be(octets.data(), value);
    return put(type, octets);
}

Attributes& Attributes::text(std::uint16_t type, std::string_view value) {
    const std::string ended(value);
    return put(type, {reinterpret_cast<const std::uint8_t*>(ended.c_str()), ended.size() + 1});
}

Attributes& Attributes::nest(std::uint16_t type, const Attributes& inner) {
    return put(static_cast<std::uint16_t>(type | NLA_F_NESTED), inner.bytes());
}

// ---- expressions --------------------------------------------------------------------------------

FilterRule& FilterRule::add(std::string_view name, const Attributes& data) {
    expressions_.nest(NFTA_LIST_ELEM, Attributes().text(NFTA_EXPR_NAME, name).nest(NFTA_EXPR_DATA, data));
    return *this;
}

FilterRule& FilterRule::load_meta(std::uint32_t key, unsigned reg) {
    return add("meta", Attributes().number(NFTA_META_KEY, key).number(NFTA_META_DREG, register_number(reg)));
}

FilterRule& FilterRule::load(Header header, std::uint32_t offset, std::uint32_t size, unsigned reg) {
    return add("payload", Attributes()
                              .number(NFTA_PAYLOAD_DREG, register_number(reg))
                              .number(NFTA_PAYLOAD_BASE, static_cast<std::uint32_t>(header))
                              .number(NFTA_PAYLOAD_OFFSET, offset)
                              .number(NFTA_PAYLOAD_LEN, size));
}

FilterRule& FilterRule::load_socket_mark(unsigned reg) {
    return add("socket", Attributes().number(NFTA_SOCKET_KEY, NFT_SOCKET_MARK).number(NFTA_SOCKET_DREG, register_number(reg)));
}

FilterRule& FilterRule::load_whether_ipv6_has(std::uint8_t extension, unsigned reg) {
    return add("exthdr", Attributes()
                             .number(NFTA_EXTHDR_DREG, register_number(reg))
                             .put(NFTA_EXTHDR_TYPE, ByteView(&extension, 1))
                             .number(NFTA_EXTHDR_OFFSET, 0)
                             .number(NFTA_EXTHDR_LEN, 1)
                             .number(NFTA_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT)
                             .number(NFTA_EXTHDR_OP, NFT_EXTHDR_OP_IPV6));
}

FilterRule& FilterRule::mask(ByteView mask, unsigned reg) {
    const Bytes nothing(mask.size());
    return add("bitwise", Attributes()
                              .number(NFTA_BITWISE_SREG, register_number(reg))
                              .number(NFTA_BITWISE_DREG, register_number(reg))
                              .number(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(mask.size()))
                              .nest(NFTA_BITWISE_MASK, value_of(mask))
                              .nest(NFTA_BITWISE_XOR, value_of(nothing)));
}

FilterRule& FilterRule::compare(std::uint32_t operation, ByteView value, unsigned reg) {
    static_assert(NFT_CMP_EQ == 0 && NFT_CMP_NEQ == 1 && NFT_CMP_LTE == 3 && NFT_CMP_GTE == 5);
    return add("cmp", Attributes()
                          .number(NFTA_CMP_SREG, register_number(reg))
                          .number(NFTA_CMP_OP, operation)
                          .nest(NFTA_CMP_DATA, value_of(value)));
}

FilterRule& FilterRule::in_set(std::string_view set, unsigned reg) {
    return add("lookup", Attributes().text(NFTA_LOOKUP_SET, set).number(NFTA_LOOKUP_SREG, register_number(reg)));
}

FilterRule& FilterRule::count(std::string_view counter) {
    return add("objref", Attributes().number(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER).text(NFTA_OBJREF_IMM_NAME, counter));
}

FilterRule& FilterRule::verdict(std::int32_t code, std::string_view chain) {
    Attributes verdict;
    verdict.number(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
    if (!chain.empty()) verdict.text(NFTA_VERDICT_CHAIN, chain);
    return add("immediate", Attributes()
                                .number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT)
                                .nest(NFTA_IMMEDIATE_DATA, Attributes().nest(NFTA_DATA_VERDICT, verdict)));
}

FilterRule& FilterRule::accept() { return verdict(NF_ACCEPT); }
FilterRule& FilterRule::drop() { return verdict(NF_DROP); }
FilterRule& FilterRule::jump(std::string_view chain) { return verdict(NFT_JUMP, chain); }
FilterRule& FilterRule::go_to(std::string_view chain) { return verdict(NFT_GOTO, chain); }

// ---- a transaction ------------------------------------------------------------------------------

Batch::Batch(std::string table) : table_(std::move(table)) {
    append_message(octets_, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, {});
}

void Batch::message(std::uint16_t type, std::uint16_t flags, const Attributes& attributes) {
    append_message(octets_, static_cast<std::uint16_t>(table_message | type), flags, NFPROTO_INET, 0, attributes.bytes());
}

void Batch::add_table(bool owned) {
    Attributes table;
    table.text(NFTA_TABLE_NAME, table_);
    if (owned) table.number(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
    message(NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
}

void Batch::delete_table() { message(NFT_MSG_DELTABLE, 0, Attributes().text(NFTA_TABLE_NAME, table_)); }

void Batch::add_chain(std::string_view name, const std::optional<Hook>& hook) {
    Attributes chain;
    chain.text(NFTA_CHAIN_TABLE, table_).text(NFTA_CHAIN_NAME, name);
    if (hook)
        chain
            .nest(NFTA_CHAIN_HOOK, Attributes()
                                       .number(NFTA_HOOK_HOOKNUM, hook->number)
                                       .number(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(hook->priority)))
            .number(NFTA_CHAIN_POLICY, NF_ACCEPT)
            .text(NFTA_CHAIN_TYPE, "filter");
    message(NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain);
}

void Batch::add_rule(std::string_view chain, const FilterRule& rule) {
    message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
            Attributes()
                .text(NFTA_RULE_TABLE, table_)
                .text(NFTA_RULE_CHAIN, chain)
                .nest(NFTA_RULE_EXPRESSIONS, rule.expressions()));
}

void Batch::add_counter(std::string_view name) {
    message(NFT_MSG_NEWOBJ, NLM_F_CREATE,
            Attributes()
                .text(NFTA_OBJ_TABLE, table_)
                .text(NFTA_OBJ_NAME, name)
                .number(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER)
                .nest(NFTA_OBJ_DATA, {}));
}

void Batch::add_set(std::string_view name, std::uint32_t key_type, std::uint32_t key_octets) {
    message(NFT_MSG_NEWSET, NLM_F_CREATE,
            Attributes()
                .text(NFTA_SET_TABLE, table_)
                .text(NFTA_SET_NAME, name)
                .number(NFTA_SET_FLAGS, 0)
                .number(NFTA_SET_KEY_TYPE, key_type)
                .number(NFTA_SET_KEY_LEN, key_octets)
                .number(NFTA_SET_ID, ++sets_));
}

void Batch::elements(bool add, std::string_view set, const std::vector<Bytes>& keys) {
    for (std::size_t at = 0; at < keys.size(); at += elements_per_message) {
        Attributes list;
        for (std::size_t i = at; i < std::min(keys.size(), at + elements_per_message); ++i)
            list.nest(NFTA_LIST_ELEM, Attributes().nest(NFTA_SET_ELEM_KEY, value_of(keys[i])));
        message(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE : 0,
                Attributes()
                    .text(NFTA_SET_ELEM_LIST_TABLE, table_)
                    .text(NFTA_SET_ELEM_LIST_SET, set)
                    .nest(NFTA_SET_ELEM_LIST_ELEMENTS, list));
    }
}

// ---- the socket ---------------------------------------------------------------------------------

Result<PacketFilter> PacketFilter::open() {
    os::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (!fd.open() || ::bind(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(is_missing(errno) ? Errc::unsupported : Errc::system, "packet filter", std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd.number(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    ::setsockopt(fd.number(), SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer_octets, sizeof send_buffer_octets);
    return PacketFilter(std::move(fd));
}

// The kernel works while we send: when that returns, its answers lie there.
Result<> PacketFilter::commit(const Batch& batch) {
    Bytes octets = batch.octets_;
    append_message(octets, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, {});
    number_messages(octets, ++sequence_);
    int error = ::send(socket_.number(), octets.data(), octets.size(), 0) < 0 ? errno : 0;
    alignas(nlmsghdr) std::array<std::uint8_t, answer_octets> answer;
    for (ssize_t size; (size = ::recv(socket_.number(), answer.data(), answer.size(), MSG_DONTWAIT)) > 0;)
        xfrm::for_each_message(ByteView(answer).first(static_cast<std::size_t>(size)), [&](const nlmsghdr& header, ByteView body) {
            const auto said = header.nlmsg_type == NLMSG_ERROR ? xfrm::front_of<nlmsgerr>(body) : std::nullopt;
            if (said && header.nlmsg_seq == sequence_ && error == 0) error = -said->error;
        });
    if (error == 0) return {};
    return fail(is_missing(error) ? Errc::unsupported : Errc::system, "packet filter",
                fmt::format("the kernel refused a change of table {}: {}", batch.table(), std::strerror(error)));
}

std::optional<std::uint64_t> PacketFilter::packets(const std::string& table, std::string_view counter) {
    const auto name = Attributes()
                          .text(NFTA_OBJ_TABLE, table)
                          .text(NFTA_OBJ_NAME, counter)
                          .number(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    Bytes request;
    append_message(request, table_message | NFT_MSG_GETOBJ, 0, NFPROTO_INET, 0, name.bytes());
    number_messages(request, ++sequence_);
    if (::send(socket_.number(), request.data(), request.size(), 0) < 0) return std::nullopt;
    std::optional<std::uint64_t> found;
    alignas(nlmsghdr) std::array<std::uint8_t, answer_octets> answer;
    for (ssize_t size; (size = ::recv(socket_.number(), answer.data(), answer.size(), MSG_DONTWAIT)) > 0;)
        xfrm::for_each_message(ByteView(answer).first(static_cast<std::size_t>(size)), [&](const nlmsghdr& header, ByteView body) {
            if (header.nlmsg_type != (table_message | NFT_MSG_NEWOBJ) || header.nlmsg_seq != sequence_) return;
            const auto object = xfrm::Attributes::after<nfgenmsg>(body);
            const ByteView packets = xfrm::Attributes(object.bytes(NFTA_OBJ_DATA)).bytes(NFTA_COUNTER_PACKETS);
            if (packets.size() == sizeof(std::uint64_t)) found = load_be<std::uint64_t>(packets.data());
        });
    return found;
}

}  // namespace cygnet::dataplane::filter
