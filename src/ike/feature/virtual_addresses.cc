// RFC 7296 §2.19 and §3.15, RFC 8983: an address inside the tunnel for the initiator, from the responder's pool.
#include <algorithm>

#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

using model::CfgAttribute;
using model::Family;

constexpr CfgAttribute address_attribute(Family family) {
    return family == Family::v4 ? CfgAttribute::internal_ip4_address : CfgAttribute::internal_ip6_address;
}
constexpr CfgAttribute dns_attribute(Family family) {
    return family == Family::v4 ? CfgAttribute::internal_ip4_dns : CfgAttribute::internal_ip6_dns;
}

// §3.15.1: an IPv6 address carries its prefix length, an IPv4 address does not.
Bytes attribute_value(model::IpAddress address) {
    Bytes value = keep(address.bytes());
    if (address.family() == Family::v6) value.push_back(128);
    return value;
}

// Nothing for an empty value ("any address") and for one of the wrong size.
std::optional<model::IpAddress> attribute_address(ByteView value, Family family) {
    const std::size_t size = model::address_size(family);
    if (value.size() < size) return std::nullopt;
    return model::IpAddress::from_bytes(value.first(size));
}

void config_request(Context& context, OwnedAttributes& attributes) {
    // Who authenticates again wants to keep what it has.
    const IkeSa& sa = context.sa;
    const auto old = sa.reauthenticates();
    const IkeSa* before = old ? context.core.find_sa(*old) : nullptr;
    const bool keeps = before != nullptr && !before->own_virtual_addresses().empty() && !sa.connection->vips.empty();
    for (const model::IpAddress& wanted : keeps ? before->own_virtual_addresses() : std::span(sa.connection->vips)) {
        attributes.push_back({address_attribute(wanted.family()), wanted.is_any() ? Bytes{} : attribute_value(wanted)});
        attributes.push_back({dns_attribute(wanted.family()), {}});
    }
}

const model::Pool* pool_for(const Core& core, const model::Connection& connection, Family family) {
    for (const std::string& name : connection.pools) {
        const auto found = core.config->pools.find(name);
        if (found != core.config->pools.end() && found->second->addresses.family() == family)
            return found->second.get();
    }
    return nullptr;
}

// §3.15.4: no address for one who asks fails the child, not the IKE SA.
Result<> assign(Context& context, const wire::ConfigurationAttribute& wanted, Family family, OwnedAttributes& reply) {
    IkeSa& sa = context.sa;
    const model::Pool* pool = pool_for(context.core, *sa.connection, family);
    if (pool == nullptr) return {};
    // Peers without identity are not one another: each SA is a holder of its own (RFC 7619 §2.5).
    model::Identity holder = sa.peer_id;
    if (sa.peer_anonymous) Writer(holder.data).u64(sa.own_spi());
    auto address = context.core.pools.acquire(*pool, holder, attribute_address(wanted.value, family));
    if (!address) {
        return refuse(model::NotifyType::internal_address_failure, Errc::limit, "CP",
                      Explanation{.kind = "address",
                                  .what = "no address is left for '" + text_of(sa.peer_id) + "' in pool " + pool->name,
                                  .ours = pool->base_text,
                                  .advice = "give the pool more addresses (pools." + pool->name + ".addrs)"});
    }
    sa.virtual_addresses.made().peer.push_back({.pool = pool->name, .address = *address});
    context.log(model::LogGroup::ike, 1,
                "assigning virtual IP " + address->text() + " to peer '" + text_of(sa.peer_id) + "'");
    reply.push_back({wanted.type, attribute_value(*address)});
    for (const auto& [type, value] : pool->attributes) reply.push_back({type, value});
    return {};
}

Result<> config_assign(Context& context, const wire::CpPayload* request, OwnedAttributes& reply) {
    const bool asked = request != nullptr && request->cfg_type == model::CfgType::request;
    // §2.19: an address of ours is the policy here, and the peer asks for none.
    if (!asked && !context.sa.connection->pools.empty())
        return refuse(model::NotifyType::failed_cp_required, Errc::not_found, "CP",
                      Explanation{.kind = "address",
                                  .what = "the peer asks for no address although connection " +
                                          context.sa.connection->name + " assigns them",
                                  .ours = "pools = " + context.sa.connection->pools.front(),
                                  .advice = "set vips = 0.0.0.0 at the peer, or take pools out here"});
    if (!asked) return {};
    for (const Family family : {Family::v4, Family::v6}) {
        const auto wanted =
            std::ranges::find(request->attributes, address_attribute(family), &wire::ConfigurationAttribute::type);
        if (wanted == request->attributes.end()) continue;
        TRY(assign(context, *wanted, family, reply));
    }
    if (!context.sa.connection->pools.empty() && context.sa.peer_virtual_addresses().empty())
        return refuse(model::NotifyType::internal_address_failure, Errc::not_found, "CP",
                      "the connection has no pool for the address family that the peer asks for");
    return {};
}

Result<> config_accept(Context& context, const wire::CpPayload* reply) {
    IkeSa& sa = context.sa;
    if (sa.connection->vips.empty()) return {};
    std::vector<model::IpAddress> addresses, servers;
    if (reply != nullptr && reply->cfg_type == model::CfgType::reply) {
        for (const wire::ConfigurationAttribute& attribute : reply->attributes) {
            for (const Family family : {Family::v4, Family::v6}) {
                const auto address = attribute_address(attribute.value, family);
                if (!address) continue;
                if (attribute.type == address_attribute(family)) addresses.push_back(*address);
                if (attribute.type == dns_attribute(family)) servers.push_back(*address);
            }
        }
    }
    if (addresses.empty()) {
        context.alert("vip-failure", "the peer assigned no virtual address");
        return fail(Errc::not_found, "CP", "the peer assigned no virtual address although `vips` asks for one");
    }
    for (const model::IpAddress& address : addresses) {
        if (!context.core.holds_address(sa.connection->name, address, sa.id)) {
            context.log(model::LogGroup::ike, 1, "installing new virtual IP " + address.text());
            context.effects.push_back(
                AssignAddress{.sa = sa.id, .connection = sa.connection->name, .address = address, .dns = servers});
        }
        sa.virtual_addresses.made().own.push_back(address);
    }
    return {};
}

// RFC 8983 §5: whoever asks for addresses hears of which families there are any.
struct AskedForAddresses {
    bool asked = false;
};

Result<> auth_accept(Context& context, const Received& received) {
    const auto* request = received.message.find<wire::CpPayload>();
    if (context.sa.initiator || request == nullptr || request->cfg_type != model::CfgType::request) return {};
    const bool asked = std::ranges::any_of(request->attributes, [](const wire::ConfigurationAttribute& attribute) {
        return attribute.type == CfgAttribute::internal_ip4_address || attribute.type == CfgAttribute::internal_ip6_address;
    });
    if (asked) context.sa.features.of<AskedForAddresses>().asked = true;
    return {};
}

void auth_offer(Context& context, wire::MessageBuilder& message) {
    const auto* request = context.sa.features.find<AskedForAddresses>();
    if (context.sa.initiator || request == nullptr || !request->asked) return;
    for (const auto& [family, notify] : {std::pair{Family::v4, model::NotifyType::ip4_allowed},
                                         std::pair{Family::v6, model::NotifyType::ip6_allowed}})
        if (pool_for(context.core, *context.sa.connection, family) != nullptr) message.notify(notify);
}

}  // namespace

constexpr Feature virtual_addresses{
    .name = "virtual addresses",
    .rfc = "RFC 7296 §2.19",
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .config_request = config_request,
    .config_assign = config_assign,
    .config_accept = config_accept,
};

}  // namespace cygnet::ike
