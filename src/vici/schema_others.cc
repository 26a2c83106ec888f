// pools.<name> and authorities.<name> (facts-swanctl-conf 4 and 5).
#include "base/reader.h"
#include "model/limits.h"
#include "vici/schema_table.h"

namespace cygnet::vici {
namespace {

struct PoolDraft : model::Pool {
    bool has_addresses = false;
};
struct AuthorityDraft : Authority {
    bool has_certificate = false;
};

// ---- pools --------------------------------------------------------------------------------------------

// A prefix hands out neither its network address (unless a host part is written) nor, in IPv4, its broadcast
// address; prefixes of one or two addresses hand out all.
Result<model::AddressRange> pool_range(std::string_view text) {
    const auto range = model::AddressRange::parse(text);
    if (!range) return unacceptable("accepted is a prefix such as 10.3.0.0/24 or a range from-to");
    const auto slash = text.find('/');
    if (slash == text.npos) return *range;
    model::AddressRange usable = *range;
    const auto written = model::IpAddress::parse(text.substr(0, slash));
    const unsigned host_bits = model::address_bits(range->family()) - range->prefix_bits().value_or(0);
    if (written && *written != range->first) usable.first = *written;
    else if (host_bits > 1) usable.first = *range->first.next();
    if (host_bits > 1 && range->family() == model::Family::v4)
        usable.last = model::IpAddress::v4(range->last.v4_host_order() - 1);
    if (usable.last < usable.first) return unacceptable("no address is left to hand out");
    return usable;
}

Result<> addresses(PoolDraft& into, const Value& value) {
    into.addresses = TRY(pool_range(value.text));
    into.base_text = std::string(value.text);
    into.has_addresses = true;
    return {};
}

using model::CfgAttribute;

Result<> add_address(PoolDraft& into, const std::string& item, CfgAttribute v4, std::optional<CfgAttribute> v6) {
    const auto address = model::IpAddress::parse(item);
    if (!address) return unacceptable("'" + item + "' is no address");
    if (address->family() == model::Family::v6 && !v6) return unacceptable("'" + item + "': only IPv4 has this attribute");
    into.attributes.emplace_back(address->family() == model::Family::v4 ? v4 : *v6, keep(address->bytes()));
    return {};
}

Result<> dns(PoolDraft& into, const Value& value) {
    for (const std::string& item : value.items)
        TRY(add_address(into, item, CfgAttribute::internal_ip4_dns, CfgAttribute::internal_ip6_dns));
    return {};
}
Result<> nbns(PoolDraft& into, const Value& value) {
    for (const std::string& item : value.items) TRY(add_address(into, item, CfgAttribute::internal_ip4_nbns, std::nullopt));
    return {};
}
Result<> dhcp(PoolDraft& into, const Value& value) {
    for (const std::string& item : value.items)
        TRY(add_address(into, item, CfgAttribute::internal_ip4_dhcp, CfgAttribute::internal_ip6_dhcp));
    return {};
}
Result<> netmask(PoolDraft& into, const Value& value) {
    for (const std::string& item : value.items) TRY(add_address(into, item, CfgAttribute::internal_ip4_netmask, std::nullopt));
    return {};
}
Result<> p_cscf(PoolDraft& into, const Value& value) {
    for (const std::string& item : value.items)
        TRY(add_address(into, item, CfgAttribute::p_cscf_ip4_address, CfgAttribute::p_cscf_ip6_address));
    return {};
}

// RFC 7296 §3.15.1: INTERNAL_IP4_SUBNET is address and mask, INTERNAL_IP6_SUBNET address and prefix length.
Result<> subnet(PoolDraft& into, const Value& value) {
    for (const std::string& item : value.items) {
        const auto range = model::AddressRange::parse(item);
        const auto bits = range ? range->prefix_bits() : std::nullopt;
        if (!bits) return unacceptable("'" + item + "' is no prefix");
        Bytes octets = keep(range->first.bytes());
        Writer writer(octets);
        if (range->family() == model::Family::v4) {
            writer.u32(*bits == 0 ? 0u : ~0u << (32 - *bits));
            into.attributes.emplace_back(CfgAttribute::internal_ip4_subnet, std::move(octets));
        } else {
            writer.u8(static_cast<std::uint8_t>(*bits));
            into.attributes.emplace_back(CfgAttribute::internal_ip6_subnet, std::move(octets));
        }
    }
    return {};
}

constexpr Row<PoolDraft> pool_rows[] = {
    {"addrs", Shape::text, addresses},
    {"dns", Shape::list, dns},
    {"nbns", Shape::list, nbns},
    {"dhcp", Shape::list, dhcp},
    {"netmask", Shape::list, netmask},
    {"subnet", Shape::list, subnet},
    {"p_cscf", Shape::list, p_cscf},
    {"server", Shape::list, nullptr, "", "the attribute server of IKEv1"},
    {"split_include", Shape::list, nullptr, "", "the attribute split_include of IKEv1"},
    {"split_exclude", Shape::list, nullptr, "", "the attribute split_exclude of IKEv1"},
    {"address", Shape::list, nullptr, "", "the attribute address"},
};

// A key that is a decimal number names the attribute itself; its values go out as they are.
bool read_numbered(const Entry& entry, PoolDraft& draft) {
    const auto number = parse_number(entry.name, 32767);
    if (!number || entry.name.starts_with("0x") || entry.section() != nullptr) return false;
    const List items = entry.list() != nullptr ? *entry.list() : split_list(*entry.text());
    for (const std::string& item : items)
        draft.attributes.emplace_back(static_cast<CfgAttribute>(*number), keep(bytes_of(item)));
    return true;
}

// ---- authorities --------------------------------------------------------------------------------------

Result<> ca_certificate(AuthorityDraft& into, const Value& value) {
    into.certificate = TRY(certificate_der(value.text));
    into.has_certificate = true;
    return {};
}

Result<> check_uri(const std::string& uri) {
    if (uri.size() > model::limits::look_up_uri_octets)
        return unacceptable("a URL has at most " + std::to_string(model::limits::look_up_uri_octets) + " characters");
    if (!uri.starts_with("http://")) return unacceptable("'" + uri + "': accepted are URLs that begin with http://");
    return {};
}

template <auto member>
Result<> uris(AuthorityDraft& into, const Value& value) {
    (into.*member).clear();
    for (const std::string& item : value.items) {
        TRY(check_uri(item));
        (into.*member).push_back(item);
    }
    if ((into.*member).size() > model::limits::look_up_uris_per_certificate)
        return unacceptable("at most " + std::to_string(model::limits::look_up_uris_per_certificate) + " URLs are accepted");
    return {};
}

Result<> uri_base(AuthorityDraft& into, const Value& value) {
    into.cert_uri_base = std::string(value.text);
    return check_uri(into.cert_uri_base);
}

constexpr Row<AuthorityDraft> authority_rows[] = {
    {"cacert", Shape::text, ca_certificate},
    {"file", Shape::text, nullptr, "", "a CA certificate from a file of the daemon"},
    {"handle", Shape::text, nullptr, "", "a CA certificate on a token"},
    {"slot", Shape::text, nullptr, "", "a CA certificate on a token"},
    {"module", Shape::text, nullptr, "", "a CA certificate on a token"},
    {"crl_uris", Shape::list, uris<&AuthorityDraft::crl_uris>},
    {"ocsp_uris", Shape::list, uris<&AuthorityDraft::ocsp_uris>},
    {"cert_uri_base", Shape::text, uri_base},
};

}  // namespace

model::Pool read_pool(const std::string& name, const Section& section, Refusals& refusals) {
    PoolDraft draft;
    draft.name = name;
    Section named;
    for (const Entry& entry : section.entries())
        if (!read_numbered(entry, draft)) named.add_entry(entry);
    read_section(named, std::span<const Row<PoolDraft>>(pool_rows), draft, Refuser("", refusals),
                 [](const Entry&) { return false; });
    if (!draft.has_addresses && refusals.empty())
        refusals.push_back({.kind = Refusal::Kind::other, .detail = "missing addrs for pool '" + name + "'"});
    return draft;
}

Authority read_authority(const std::string& name, const Section& section, Refusals& refusals) {
    AuthorityDraft draft;
    draft.name = name;
    read_section(section, std::span<const Row<AuthorityDraft>>(authority_rows), draft, Refuser("", refusals),
                 [](const Entry&) { return false; });
    if (!draft.has_certificate && refusals.empty())
        refusals.push_back({.kind = Refusal::Kind::other, .detail = "CA certificate missing: the key cacert names it"});
    return draft;
}

}  // namespace cygnet::vici
