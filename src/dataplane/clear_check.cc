#include "dataplane/clear_check.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/xfrm/selectors.h"
#include "model/limits.h"

namespace cygnet::dataplane {
namespace {

using filter::Batch;
using filter::Header;
using filter::FilterRule;

constexpr std::int32_t priority = 0;  // as a firewall's own rules
constexpr std::uint32_t loopback = 1;
constexpr std::uint8_t v4_family = NFPROTO_IPV4, v6_family = NFPROTO_IPV6;
// Numbers that nft shows a set's keys by; the kernel does not look at them.
constexpr std::uint32_t type_bits = 6;
enum : std::uint32_t { nft_nfproto = 2, nft_ipv4 = 7, nft_ipv6 = 8, nft_protocol = 12, nft_port = 13, nft_icmp_type = 14, nft_icmp_code = 32 };

constexpr const char* counter_unprotected = "unprotected";
constexpr const char* counter_icmp = "icmp-refused";

bool is_icmp(std::uint8_t protocol) { return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6; }
std::uint8_t number_of(model::Family family) { return family == model::Family::v4 ? v4_family : v6_family; }
const char* suffix_of(model::Family family) { return family == model::Family::v4 ? "4" : "6"; }

Bytes native(std::uint32_t value) {
    Bytes octets(sizeof value);
    std::memcpy(octets.data(), &value, sizeof value);
    return octets;
}

Bytes mask_of_bits(std::size_t octets, unsigned bits) {
    Bytes mask(octets);
    for (unsigned i = 0; i < bits; ++i) mask[i / 8] = static_cast<std::uint8_t>(mask[i / 8] | 0x80 >> i % 8);
    return mask;
}

// "This ICMP message is such an error."
FilterRule matching(const IcmpMatch& match, model::Family family) {
    FilterRule rule;
    rule.load(Header::transport, 0, 1).equals(family == model::Family::v4 ? match.type4 : match.type6);
    if (family == model::Family::v6) return rule;
    if (match.error == IcmpError::too_big) rule.load(Header::transport, 1, 1).equals(fragmentation_needed);
    if (match.error == IcmpError::unreachable) rule.load(Header::transport, 1, 1).differs(fragmentation_needed);
    return rule;
}

// One field of a key after the other, each in words of its own.
class KeyFields {
public:
    void add(ByteView value) {
        append(octets_, value);
        octets_.resize((octets_.size() + 3) / 4 * 4);
    }
    void add_port(std::uint16_t value) {
        std::array<std::uint8_t, 2> octets;
        store_be(octets.data(), value);
        add(octets);
    }
    Bytes take() { return std::move(octets_); }

private:
    Bytes octets_;
};

Bytes masked(const model::IpAddress& address, unsigned bits) {
    Bytes octets = keep(address.bytes());
    const Bytes mask = mask_of_bits(octets.size(), bits);
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] &= mask[i];
    return octets;
}

model::TrafficSelectors with_known_ports(const model::TrafficSelectors& selectors) {
    model::TrafficSelectors all = selectors;
    std::erase_if(all, [](const model::TrafficSelector& one) { return one.opaque_ports(); });
    return all;
}

}  // namespace

// ---- the table ----------------------------------------------------------------------------------

ClearCheck::ClearCheck(ClearCheckSettings settings, filter::PacketFilter kernel)
    : settings_(std::move(settings)), kernel_(std::move(kernel)) {}

Result<ClearCheck> ClearCheck::open(ClearCheckSettings settings) {
    ClearCheck check(std::move(settings), TRY(filter::PacketFilter::open()));
    if (auto made = check.kernel_.commit(check.whole_table()); !made) {
        check.owned_ = false;  // Linux before 5.12 has no such tables: ours then stays until the next start, if we are killed
        TRY(check.kernel_.commit(check.whole_table()));
    }
    return check;
}

// What a process before us has left behind goes in the same moment.
Batch ClearCheck::whole_table() const {
    Batch batch(settings_.table);
    batch.add_table(owned_);
    batch.delete_table();
    batch.add_table(owned_);
    add_chains(batch);
    for (const auto& [shape, set] : sets_) {
        add_shape(batch, shape, set);
        std::vector<Bytes> keys;
        for (const auto& [key, users] : set.users) keys.push_back(key);
        batch.add_elements(set.name, keys);
    }
    return batch;
}

void ClearCheck::add_chains(Batch& batch) const {
    for (const char* name : {"in4", "in6", "forward4", "forward6", "pass4", "pass6", "icmp4", "icmp6", "about-us4", "about-us6", "arrived", "to-forward"})
        batch.add_chain(name);
    batch.add_chain("input", filter::Hook{NF_INET_LOCAL_IN, priority});
    batch.add_chain("forward", filter::Hook{NF_INET_FORWARD, priority});
    batch.add_counter(counter_unprotected);
    batch.add_counter(counter_icmp);

    const Bytes tunnel = native(settings_.device);
    for (const char* chain : {"input", "forward"})
        if (settings_.device != 0) batch.add_rule(chain, FilterRule().load_meta(NFT_META_IIF).equals(tunnel).accept());
    batch.add_rule("input", FilterRule().load_meta(NFT_META_IIF).equals(native(loopback)).accept());
    // What goes into the tunnel comes from the protected side.
    if (settings_.device != 0) batch.add_rule("forward", FilterRule().load_meta(NFT_META_OIF).equals(tunnel).accept());
    add_icmp_rules(batch);
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        const auto only = [&] { return FilterRule().load_meta(NFT_META_NFPROTO).equals(number_of(family)); };
        const std::string suffix = suffix_of(family);
        batch.add_rule("input", only().jump("in" + suffix));
        batch.add_rule("forward", only().jump("forward" + suffix));
        for (const char* chain : {"arrived", "to-forward"}) batch.add_rule(chain, only().jump("pass" + suffix));
    }
    // Of what a policy protects, IKE and ESP themselves come in the clear: our sockets have their mark.
    batch.add_rule("arrived", FilterRule().load_socket_mark().equals(native(settings_.mark)).accept());
    for (const int own : {IPPROTO_ESP, IPPROTO_AH})
        batch.add_rule("arrived", FilterRule().load_meta(NFT_META_L4PROTO).equals(static_cast<std::uint8_t>(own)).accept());
    // In IPv6 the filter looks past an AH to what is behind it; whoever has no SA for it goes no further.
    batch.add_rule("arrived", FilterRule()
                                  .load_meta(NFT_META_NFPROTO).equals(v6_family)
                                  .load_whether_ipv6_has(IPPROTO_AH).equals(1)
                                  .accept());
    // RFC 4861 §6.1, §7.1: with this hop limit they are of this link; without them nothing reaches a peer on it.
    constexpr std::uint8_t router_solicitation = 133, redirect = 137, this_link = 255;
    constexpr std::uint32_t hop_limit_at = 7;
    batch.add_rule("arrived", FilterRule()
                                  .load_meta(NFT_META_NFPROTO).equals(v6_family)
                                  .load_meta(NFT_META_L4PROTO).equals(IPPROTO_ICMPV6)
                                  .load(Header::network, hop_limit_at, 1).equals(this_link)
                                  .load(Header::transport, 0, 1).at_least(router_solicitation).at_most(redirect)
                                  .accept());
    for (const char* chain : {"arrived", "to-forward"}) batch.add_rule(chain, FilterRule().count(counter_unprotected).drop());
}

// An error about a packet of ours quotes its header and its first octets: protocol, and the source port of UDP.
void ClearCheck::add_icmp_rules(Batch& batch) const {
    constexpr std::uint32_t quoted = 8;
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        const bool v4 = family == model::Family::v4;
        const std::string icmp = std::string("icmp") + suffix_of(family), about_us = std::string("about-us") + suffix_of(family);
        const std::uint32_t protocol_at = quoted + (v4 ? 9 : 6), port_at = quoted + (v4 ? 20 : 40);
        batch.add_rule("input", FilterRule()
                                    .load_meta(NFT_META_NFPROTO).equals(number_of(family))
                                    .load_meta(NFT_META_L4PROTO).equals(v4 ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6})
                                    .jump(icmp));
        for (const int own : {IPPROTO_ESP, IPPROTO_AH})
            batch.add_rule(icmp, FilterRule().load(Header::transport, protocol_at, 1).equals(static_cast<std::uint8_t>(own)).go_to(about_us));
        for (const std::uint16_t port : settings_.ports) {
            std::array<std::uint8_t, 2> octets;
            store_be(octets.data(), port);
            batch.add_rule(icmp, FilterRule()
                                     .load(Header::transport, protocol_at, 1).equals(IPPROTO_UDP)
                                     .load(Header::transport, port_at, 2).equals(octets)
                                     .go_to(about_us));
        }
        for (const bool refused : {true, false})
            for (const IcmpMatch& match : icmp_matches()) {
                if (!v4 && match.type6 == 0) continue;
                if ((std::ranges::find(settings_.refused, match.error) != settings_.refused.end()) != refused) continue;
                FilterRule rule = matching(match, family);
                batch.add_rule(about_us, refused ? rule.count(counter_icmp).drop() : rule.accept());
            }
    }
}

// The set of a shape and the rules that ask it.
void ClearCheck::add_shape(Batch& batch, const Shape& shape, const Set& set) {
    const bool v4 = shape.family == model::Family::v4;
    const std::uint32_t address_size = v4 ? 4 : 16;
    FilterRule look_up;
    unsigned words = 0;
    std::uint32_t types = 0;
    const auto field = [&](std::uint32_t type, std::uint32_t octets) {
        types = types << type_bits | type;
        words += (octets + 3) / 4;
    };
    const auto address = [&](unsigned bits, std::uint32_t offset) {
        if (bits == 0) return;
        look_up.load(Header::network, offset, address_size, words);
        if (bits < address_size * 8) look_up.mask(mask_of_bits(address_size, bits), words);
        field(v4 ? nft_ipv4 : nft_ipv6, address_size);
    };
    address(shape.remote_bits, v4 ? 12 : 8);
    address(shape.local_bits, v4 ? 16 : 24);
    if (shape.protocol != 0) {
        look_up.load_meta(NFT_META_L4PROTO, words);
        field(nft_protocol, 1);
    }
    const bool icmp = is_icmp(shape.protocol);
    const auto port = [&](std::uint16_t mask, std::uint32_t place, std::uint32_t type) {
        if (mask == 0) return;
        const std::uint32_t size = icmp ? 1 : 2;
        look_up.load(Header::transport, place * size, size, words);
        std::array<std::uint8_t, 2> octets;
        store_be(octets.data(), mask);
        look_up.mask(ByteView(octets).last(size), words);
        field(icmp ? type : std::uint32_t{nft_port}, size);
    };
    port(shape.remote_port_mask, 0, nft_icmp_type);
    port(shape.local_port_mask, 1, nft_icmp_code);
    if (words == 0) {  // everything of the family
        look_up.load_meta(NFT_META_NFPROTO);
        field(nft_nfproto, 1);
    }
    look_up.in_set(set.name);

    const std::string suffix = suffix_of(shape.family);
    batch.add_set(set.name, types, words * 4);
    if (shape.verdict == Verdict::pass) return batch.add_rule("pass" + suffix, look_up.accept());
    batch.add_rule("in" + suffix, FilterRule(look_up).go_to("arrived"));
    batch.add_rule("forward" + suffix, look_up.go_to("to-forward"));
}

// ---- policies -----------------------------------------------------------------------------------

std::vector<ClearCheck::Entry> ClearCheck::entries_of(Verdict verdict, const std::vector<xfrm::Selector>& selectors) {
    std::vector<Entry> entries;
    for (const xfrm::Selector& outbound : selectors) {
        const xfrm::Selector in = xfrm::reversed(outbound);
        const bool icmp = is_icmp(in.protocol);
        const Shape shape{.verdict = verdict,
                          .family = in.source.address.family(),
                          .remote_bits = static_cast<std::uint8_t>(in.source.bits),
                          .local_bits = static_cast<std::uint8_t>(in.destination.bits),
                          .protocol = icmp || in.protocol == 0 ? in.protocol : std::uint8_t{IPPROTO_TCP},
                          .remote_port_mask = in.source_port.mask,
                          .local_port_mask = in.destination_port.mask};
        KeyFields key;
        if (in.source.bits != 0) key.add(masked(in.source.address, in.source.bits));
        if (in.destination.bits != 0) key.add(masked(in.destination.address, in.destination.bits));
        if (in.protocol != 0) key.add(ByteView(&in.protocol, 1));
        for (const xfrm::MaskedPort& port : {in.source_port, in.destination_port}) {
            if (port.mask == 0) continue;
            const auto octet = static_cast<std::uint8_t>(port.value);
            if (icmp) key.add(ByteView(&octet, 1));
            else key.add_port(port.value);
        }
        Bytes octets = key.take();
        if (octets.empty()) {
            const std::uint8_t family = number_of(shape.family);
            key.add(ByteView(&family, 1));
            octets = key.take();
        }
        entries.push_back({shape, std::move(octets)});
    }
    return entries;
}

Result<> ClearCheck::add(Verdict verdict, const model::TrafficSelectors& local, const model::TrafficSelectors& remote) {
    auto selectors = xfrm::selectors_of(with_known_ports(local), with_known_ports(remote), model::limits::clear_check_pairs_per_child);
    if (!selectors) {
        if (selectors.error().code == Errc::limit) return fail(selectors.error());
        return {};  // nothing in the clear can match them
    }
    const std::vector<Entry> entries = entries_of(verdict, *selectors);
    std::map<Shape, std::vector<Bytes>> news;
    for (const Entry& entry : entries) {
        const auto known = sets_.find(entry.shape);
        if (known == sets_.end() || !known->second.users.contains(entry.key)) news[entry.shape].push_back(entry.key);
    }
    const auto unknown = [&](const auto& each) { return !sets_.contains(each.first); };
    if (sets_.size() + static_cast<std::size_t>(std::ranges::count_if(news, unknown)) > model::limits::clear_check_shapes) {
        forget_unused_shapes();
        if (sets_.size() + static_cast<std::size_t>(std::ranges::count_if(news, unknown)) > model::limits::clear_check_shapes)
            return fail(Errc::limit, "traffic selectors",
                        fmt::format("with them the policies have more than {} different lengths of prefixes", model::limits::clear_check_shapes));
        TRY(rebuild());
    }
    Batch batch(settings_.table);
    for (const auto& [shape, keys] : news) {
        auto [set, is_new] = sets_.try_emplace(shape);
        if (is_new) {
            set->second.name = fmt::format("selectors{}", ++names_);
            add_shape(batch, shape, set->second);
        }
        batch.add_elements(set->second.name, keys);
    }
    for (const Entry& entry : entries) ++sets_.at(entry.shape).users[entry.key];
    if (news.empty()) return {};
    auto added = commit(batch);
    if (!added) remove(verdict, local, remote);
    return added;
}

void ClearCheck::remove(Verdict verdict, const model::TrafficSelectors& local, const model::TrafficSelectors& remote) {
    const auto selectors = xfrm::selectors_of(with_known_ports(local), with_known_ports(remote), model::limits::clear_check_pairs_per_child);
    if (!selectors) return;
    std::map<Shape, std::vector<Bytes>> gone;
    for (Entry& entry : entries_of(verdict, *selectors)) {
        const auto set = sets_.find(entry.shape);
        if (set == sets_.end()) continue;
        const auto user = set->second.users.find(entry.key);
        if (user == set->second.users.end() || --user->second != 0) continue;
        set->second.users.erase(user);
        gone[entry.shape].push_back(std::move(entry.key));
    }
    if (gone.empty()) return;
    Batch batch(settings_.table);
    for (const auto& [shape, keys] : gone) batch.remove_elements(sets_.at(shape).name, keys);
    static_cast<void>(commit(batch));
}

// Somebody may have removed our table, or what is in it: then all of it is made again.
Result<> ClearCheck::commit(const Batch& batch) {
    if (kernel_.commit(batch)) return {};
    return rebuild();
}

Result<> ClearCheck::rebuild() {
    const Counts before = counts();
    TRY(kernel_.commit(whole_table()));
    lost_ = before;
    return {};
}

void ClearCheck::forget_unused_shapes() {
    std::erase_if(sets_, [](const auto& each) { return each.second.users.empty(); });
}

ClearCheck::Counts ClearCheck::counts() const {
    return {.unprotected = lost_.unprotected + kernel_.packets(settings_.table, counter_unprotected).value_or(0),
            .icmp_refused = lost_.icmp_refused + kernel_.packets(settings_.table, counter_icmp).value_or(0)};
}

}  // namespace cygnet::dataplane
