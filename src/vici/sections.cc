#include "vici/sections.h"

#include <fmt/format.h>

#include <chrono>

#include "crypto/x509.h"

namespace cygnet::vici {
namespace {

std::uint64_t whole_seconds(Duration duration) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<seconds>(duration).count()));
}

std::string identity_text(const model::Identity& identity) {
    return identity.text(crypto::distinguished_name_text);
}

List texts(const std::vector<model::IpAddress>& addresses) {
    List list;
    for (const auto& address : addresses) list.push_back(address.text());
    return list;
}

List texts(const model::TrafficSelectors& selectors) {
    List list;
    for (const auto& selector : selectors) list.push_back(selector.text());
    return list;
}

void add_list_if_any(Section& section, std::string_view name, List items) {
    if (!items.empty()) section.add_list(name, std::move(items));
}

void add_encryption(Section& section, const model::ChosenProposal& proposal) {
    if (proposal.encr != model::Encr::none) section.add("encr-alg", name_of(proposal.encr));
    if (proposal.key_bits != 0) section.add("encr-keysize", std::uint64_t{proposal.key_bits});
    if (proposal.integ != model::Integ::none) section.add("integ-alg", name_of(proposal.integ));
}

// ake1 … ake7 by the round of the transform, not by position.
void add_additional(Section& section, const model::ChosenProposal& proposal) {
    for (const model::ChosenTransform& transform : proposal.transforms) {
        if (!model::is_additional_ke(transform.type) || transform.id == 0) continue;
        const auto round = static_cast<unsigned>(transform.type) - 5;
        section.add(fmt::format("ake{}", round), name_of(static_cast<model::Ke>(transform.id)));
    }
}

std::string mode_text(model::ChildMode mode) {
    switch (mode) {
        case model::ChildMode::tunnel: return "TUNNEL";
        case model::ChildMode::transport: return "TRANSPORT";
        case model::ChildMode::beet: return "BEET";
        case model::ChildMode::pass: return "PASS";
        case model::ChildMode::drop: return "DROP";
    }
    return "TUNNEL";
}

void add_usage(Section& section, const model::ChildUsage& usage, Instant now) {
    section.add("bytes-in", usage.bytes_in).add("packets-in", usage.packets_in);
    if (usage.path_mtu != 0) section.add("path-mtu", std::uint64_t{usage.path_mtu});  // ours
    if (usage.packets_in != 0) section.add("use-in", whole_seconds(now - usage.last_in));
    section.add("bytes-out", usage.bytes_out).add("packets-out", usage.packets_out);
    if (usage.packets_out != 0) section.add("use-out", whole_seconds(now - usage.last_out));
}

// ---- list-conn ------------------------------------------------------------------------------------------

List hosts(const std::vector<model::HostPattern>& patterns) {
    List list;
    for (const model::HostPattern& pattern : patterns) list.push_back(pattern.text);
    return list;
}

std::string unique_text(model::UniquePolicy policy) {
    switch (policy) {
        case model::UniquePolicy::never: return "UNIQUE_NEVER";
        case model::UniquePolicy::no: return "UNIQUE_NO";
        case model::UniquePolicy::keep: return "UNIQUE_KEEP";
        case model::UniquePolicy::replace: return "UNIQUE_REPLACE";
    }
    return "UNIQUE_NO";
}

// Transforms without the "KE1_" of their printed form: the key names the round.
std::string plain_text(const model::Transform& transform) {
    if (model::is_additional_ke(transform.type)) return name_of(static_cast<model::Ke>(transform.id));
    return transform.text();
}

void add_proposals(Section& section, std::string_view name, const std::vector<model::Proposal>& proposals) {
    using Type = model::TransformType;
    Section all;
    for (std::size_t i = 0; i < proposals.size(); ++i) {
        Section& one = all.add_section(std::to_string(i));
        const auto add = [&](const std::string& key, Type type) {
            List list;
            for (const model::Transform& transform : proposals[i].of_type(type)) list.push_back(plain_text(transform));
            add_list_if_any(one, key, std::move(list));
        };
        add("encr", Type::encr);
        add("integ", Type::integ);
        add("prf", Type::prf);
        add("ke", Type::ke);
        for (unsigned round = 1; round <= 7; ++round) add(fmt::format("ake{}", round), static_cast<Type>(5 + round));
        add("sn", Type::sn);
    }
    section.add_section(name) = std::move(all);
}

List subjects(const std::vector<Bytes>& certificates) {
    List list;
    for (const Bytes& der : certificates)
        if (const auto certificate = crypto::Certificate::parse(der)) list.push_back(certificate->subject_text());
    return list;
}

List key_ids(const std::vector<Bytes>& public_keys) {
    List ids;
    for (const Bytes& spki : public_keys)
        if (const auto key = crypto::PublicKey::from_spki(spki)) ids.push_back(hex(key->key_id()));
    return ids;
}

void add_auth(Section& section, const std::string& name, const model::AuthConfig& auth) {
    Section& round = section.add_section(name);
    if (!auth.id.is_any()) round.add("id", identity_text(auth.id));
    round.add("class", auth.auth == model::AuthClass::psk      ? "pre-shared key"
                       : auth.auth == model::AuthClass::pubkey ? "public key"
                       : auth.auth == model::AuthClass::null   ? "null"
                                                               : "any");
    if (!auth.key_kinds.empty()) round.add("auth", auth.auth_text);  // ours: the words that constrain signatures
    if (auth.revocation != model::Revocation::relaxed)
        round.add("revocation", auth.revocation == model::Revocation::strict ? "strict" : "ifuri");
    round.add_list("groups").add_list("cert_policy", auth.cert_policies);
    round.add_list("certs", subjects(auth.certificates)).add_list("cacerts", subjects(auth.ca_certificates));
    if (!auth.public_keys.empty()) round.add_list("pubkeys", key_ids(auth.public_keys));
}

std::string childless_text(model::Childless childless) {
    switch (childless) {
        case model::Childless::allow: return "allow";
        case model::Childless::prefer: return "prefer";
        case model::Childless::force: return "force";
        case model::Childless::never: return "never";
    }
    return "";
}

std::string action_text(model::Action action) {
    switch (action) {
        case model::Action::none: return "none";
        case model::Action::trap: return "trap";
        case model::Action::start: return "start";
        case model::Action::trap_and_start: return "trap|start";
    }
    return "none";
}

List texts(const std::vector<model::ConfiguredSelector>& selectors) {
    List list;
    for (const auto& selector : selectors) list.push_back(selector.text());
    return list;
}

// What differs from the default.
void add_headers(Section& section, const model::TunnelHeaders& headers) {
    if (headers.dont_fragment != model::DontFragment::clear)
        section.add("copy_df", headers.dont_fragment == model::DontFragment::copy ? "yes" : "set");
    if (!headers.copy_ecn) section.add("copy_ecn", "no");
    if (!headers.dscp_out || headers.dscp_in)
        section.add("copy_dscp", headers.dscp_out ? "yes" : headers.dscp_in ? "in" : "no");
}

void add_child(Section& section, const model::ChildConfig& child) {
    Section& one = section.add_section(child.name);
    one.add("mode", mode_text(child.mode));
    one.add("rekey_time", whole_seconds(child.lifetime.rekey_time));
    one.add("rekey_bytes", child.lifetime.rekey_bytes).add("rekey_packets", child.lifetime.rekey_packets);
    one.add("dpd_action", action_text(child.dpd_action)).add("close_action", action_text(child.close_action));
    if (child.inactivity > Duration(0)) one.add("inactivity", whole_seconds(child.inactivity));
    if (child.tfc_padding == model::tfc_to_mtu) one.add("tfc_padding", "mtu");
    else if (child.tfc_padding != 0) one.add("tfc_padding", std::uint64_t{child.tfc_padding});
    add_headers(one, child.headers);
    if (child.icmp_errors != model::IcmpErrors::yes) one.add("icmp", child.icmp_errors == model::IcmpErrors::no ? "no" : "checked");
    if (child.ipcomp) one.add("ipcomp", "yes");
    if (child.single_pair) one.add("single_pair", "yes");
    if (child.non_first_fragments) one.add("non_first_fragments", "yes");
    if (child.per_cpu_sas) one.add("per_cpu_sas", "yes");
    std::vector<model::Proposal> esp = child.esp_proposals, ah = child.esp_proposals;
    std::erase_if(esp, [](const model::Proposal& proposal) { return proposal.protocol != model::Protocol::esp; });
    std::erase_if(ah, [](const model::Proposal& proposal) { return proposal.protocol != model::Protocol::ah; });
    add_proposals(one, "esp_proposals", esp);
    add_proposals(one, "ah_proposals", ah);
    one.add_list("local-ts", texts(child.local_ts)).add_list("remote-ts", texts(child.remote_ts));
}

}  // namespace

Section ike_section(const model::IkeStatus& sa) {
    Section section;
    section.add("uniqueid", std::uint64_t{static_cast<std::uint32_t>(sa.id)}).add("version", "2");
    section.add("state", name_of(sa.state));
    section.add("local-host", sa.path.local.address.text()).add("local-port", std::uint64_t{sa.path.local.port});
    section.add("local-id", identity_text(sa.local_id));
    section.add("remote-host", sa.path.remote.address.text()).add("remote-port", std::uint64_t{sa.path.remote.port});
    section.add("remote-id", identity_text(sa.remote_id));
    section.add_flag("initiator", sa.initiator);
    section.add("initiator-spi", fmt::format("{:016x}", sa.spi_i)).add("responder-spi", fmt::format("{:016x}", sa.spi_r));
    section.add_flag("nat-local", sa.nat_local).add_flag("nat-remote", sa.nat_remote);
    section.add_flag("nat-any", sa.nat_local || sa.nat_remote);
    section.add_flag("tcp", sa.path.tcp());  // ours
    if (sa.mobike) section.add_flag("mobike", true);
    if (sa.full_transcript) section.add_flag("full-transcript", true);  // ours
    if (sa.peer_addresses.size() > 1) section.add_list("remote-addresses", texts(sa.peer_addresses));
    if (sa.proposal) {
        add_encryption(section, *sa.proposal);
        section.add("prf-alg", name_of(sa.proposal->prf)).add("dh-group", name_of(sa.proposal->ke));
        add_additional(section, *sa.proposal);
    }
    if (sa.ppk_id) section.add_flag("ppk", true).add("ppk-id", *sa.ppk_id);  // the id is ours
    const bool was_established = sa.state >= model::IkeState::established;
    if (was_established) section.add("established", whole_seconds(sa.established_for));
    if (was_established && sa.rekey_in) section.add("rekey-time", whole_seconds(*sa.rekey_in));
    if (was_established && sa.reauth_in) section.add("reauth-time", whole_seconds(*sa.reauth_in));
    add_list_if_any(section, "local-vips", texts(sa.local_vips));
    add_list_if_any(section, "remote-vips", texts(sa.remote_vips));
    add_list_if_any(section, "tasks-queued", sa.tasks_queued);
    add_list_if_any(section, "tasks-active", sa.tasks_active);
    add_list_if_any(section, "tasks-passive", sa.tasks_passive);
    return section;
}

// Ours: those of which there are any, by cause. Flat: swanctl's reader knows no sections here.
void add_child_drops(Section& section, const model::PacketDrops& drops) {
    for (const model::PacketDrop& drop : drops)
        if (drop.packets != 0) section.add(fmt::format("drop-{}", drop.cause), drop.packets);
}

// swanctl prints (null) for what it misses here, also of children that are not installed yet.
Section child_section(const model::ChildStatus& child, Instant now) {
    Section section;
    section.add("name", child.name).add("uniqueid", std::uint64_t{child.unique_id});
    section.add("reqid", std::uint64_t{child.reqid}).add("state", name_of(child.state));
    section.add("mode", mode_text(child.mode)).add("protocol", child.proposal.protocol == model::Protocol::ah ? "AH" : "ESP");
    section.add_flag("encap", child.udp_encapsulation);
    section.add("spi-in", fmt::format("{:08x}", child.spi_in)).add("spi-out", fmt::format("{:08x}", child.spi_out));
    if (child.ipcomp.agreed())
        section.add("cpi-in", fmt::format("{:04x}", child.ipcomp.cpi_in)).add("cpi-out", fmt::format("{:04x}", child.ipcomp.cpi_out));
    if (child.proposal.encr != model::Encr::none || child.proposal.integ != model::Integ::none) {
        add_encryption(section, child.proposal);
        if (child.proposal.ke != model::Ke::none) section.add("dh-group", name_of(child.proposal.ke));
        add_additional(section, child.proposal);
        if (child.proposal.sn == model::Sn::bits_64_partial) section.add("esn", "1");
    }
    // strongSwan's name; ours: one that no worker here sends through.
    if (child.resource == model::no_resource) section.add("receives-only", "yes");
    else if (child.resource != model::every_resource) section.add("cpu", std::uint64_t{child.resource});
    add_usage(section, child.usage, now);
    add_child_drops(section, child.drops);
    if (child.ppk_id) section.add("ppk-id", *child.ppk_id);  // ours
    if (child.rekey_in) section.add("rekey-time", whole_seconds(*child.rekey_in));
    if (child.expires_in) section.add("life-time", whole_seconds(*child.expires_in));
    section.add("install-time", whole_seconds(child.installed_for));
    section.add_list("local-ts", texts(child.local)).add_list("remote-ts", texts(child.remote));
    return section;
}

std::string child_key(const model::ChildStatus& child) { return fmt::format("{}-{}", child.name, child.unique_id); }

Section list_sa(const model::IkeStatus& sa, Instant now, const std::string& trouble) {
    Section message;
    Section& named = message.add_section(sa.name);
    named = ike_section(sa);
    if (!trouble.empty()) named.add("trouble", trouble);
    Section& children = named.add_section("child-sas");
    for (const model::ChildStatus& child : sa.children) children.add_section(child_key(child)) = child_section(child, now);
    return message;
}

Section list_policy(const model::PolicyStatus& policy) {
    Section message;
    Section& section = message.add_section(policy.connection + "/" + policy.child);
    section.add("child", policy.child);
    if (policy.kind == model::PolicyKind::trap) section.add("reqid", std::uint64_t{policy.reqid});
    section.add("ike", policy.connection).add("mode", mode_text(policy.mode));
    section.add_list("local-ts", texts(policy.local)).add_list("remote-ts", texts(policy.remote));
    return message;
}

namespace {

void add_ppk(Section& section, const model::PpkConfig& ppk) {
    std::string ids;
    for (const model::PpkPattern& id : ppk.ids) ids += (ids.empty() ? "" : ", ") + id.text();
    if (!ids.empty()) section.add("ppk_id", ids);
    if (ppk.required) section.add("ppk_required", "yes");
    if (ppk.exchange != model::PpkExchange::any) section.add("ppk_exchange", ppk.exchange == model::PpkExchange::auth ? "auth" : "intermediate");
    if (ppk.rekey != model::PpkRekey::no) section.add("ppk_rekey", ppk.rekey == model::PpkRekey::yes ? "yes" : "required");
    if (!ppk.source.pads.empty()) section.add("ppk_pads", ppk.source.pads);
    if (!ppk.source.qkd.empty()) section.add("ppk_qkd", ppk.source.qkd);
}

}  // namespace

Section list_conn(const model::Connection& connection, std::optional<Section> last_failure) {
    Section message;
    Section& section = message.add_section(connection.name);
    section.add_list("local_addrs", hosts(connection.local_addrs)).add_list("remote_addrs", hosts(connection.remote_addrs));
    section.add("local_port", std::uint64_t{connection.local_port}).add("remote_port", std::uint64_t{connection.remote_port});
    section.add("version", "IKEv2");
    section.add("reauth_time", whole_seconds(connection.reauth_time)).add("rekey_time", whole_seconds(connection.rekey_time));
    section.add("unique", unique_text(connection.unique));
    if (connection.dpd_delay > Duration(0)) section.add("dpd_delay", whole_seconds(connection.dpd_delay));
    if (connection.childless != model::Childless::allow) section.add("childless", childless_text(connection.childless));
    if (connection.keep_up) section.add("keep_up", "yes");  // our own
    if (!connection.mobike) section.add("mobike", "no");
    add_list_if_any(section, "mobike_addrs", hosts(connection.mobike_addrs));
    if (!connection.return_routability) section.add("return_routability", "no");
    if (!connection.follow_redirects) section.add("follow_redirects", "no");
    if (!connection.redirect_to.empty())
        section.add("redirect_to", connection.redirect_to)
            .add("redirect_at", connection.redirect_at == model::RedirectAt::init ? "init" : "auth");
    if (connection.resumption != model::Resumption::no)
        section.add("resumption", connection.resumption == model::Resumption::ticket ? "ticket" : "stateful");
    if (connection.window != model::limits::window_size) section.add("window", std::to_string(connection.window));
    if (!connection.crash_detection) section.add("crash_detection", "no");
    if (connection.post_quantum != model::PostQuantum::preferred)
        section.add("post_quantum", connection.post_quantum == model::PostQuantum::required ? "required" : "off");
    if (connection.downgrade_protection != model::DowngradeProtection::preferred)
        section.add("downgrade_protection",
                    connection.downgrade_protection == model::DowngradeProtection::required ? "required" : "off");
    if (!connection.announce_auth) section.add("announce_auth", "no");
    if (connection.fragment_size != model::limits::fragment_ip_octets)
        section.add("fragment_size", std::uint64_t{connection.fragment_size});
    if (connection.tcp != model::Tcp::no) {
        section.add("tcp", connection.tcp == model::Tcp::always ? "always" : "fallback");
        section.add("remote_tcp_port", std::uint64_t{connection.remote_tcp_port});
    }
    if (connection.ppk) add_ppk(section, *connection.ppk);
    add_proposals(section, "proposals", connection.proposals);
    for (std::size_t i = 0; i < connection.local.size(); ++i)
        add_auth(section, fmt::format("local-{}", i + 1), connection.local[i]);
    for (std::size_t i = 0; i < connection.remote.size(); ++i)
        add_auth(section, fmt::format("remote-{}", i + 1), connection.remote[i]);
    Section& children = section.add_section("children");
    for (const model::ChildConfig& child : connection.children) add_child(children, child);
    if (last_failure) section.add_section("last-failure") = std::move(*last_failure);
    return message;
}

Section counters_section(const model::Counters& counters) {
    Section section;
    for (std::size_t i = 0; i < model::counter_count; ++i) {
        const auto counter = static_cast<model::Counter>(i);
        section.add(name_of(counter), counters[counter]);
    }
    return section;
}

void add_drops(Section& counters, const model::PacketDrops& drops) {
    for (const model::PacketDrop& drop : drops) counters.add(fmt::format("esp-drop-{}", drop.cause), drop.packets);
}

Section log_section(const model::LogLine& line, bool with_thread) {
    Section section;
    section.add("group", name_of(line.group)).add("level", std::uint64_t(std::max(0, line.level)));
    if (with_thread) section.add("thread", "1");
    if (!line.ike_name.empty()) {
        section.add("ikesa-name", line.ike_name);
        section.add("ikesa-uniqueid", std::uint64_t{static_cast<std::uint32_t>(line.ike_id)});
    }
    return section.add("msg", line.message);
}

Section trace_section(Instant at, const model::MessageTrace& trace) {
    Section section;
    section.add("time-us", static_cast<std::uint64_t>(at.since_start().count()));
    section.add("ikesa-uniqueid", std::uint64_t{static_cast<std::uint32_t>(trace.ike_id)});
    section.add("direction", trace.sent ? "sent" : "received");
    section.add("exchange", name_of(trace.exchange)).add("kind", trace.response ? "response" : "request");
    section.add("message-id", std::uint64_t{trace.message_id});
    section.add("octets", std::uint64_t{trace.octets}).add("datagrams", std::uint64_t{trace.datagrams});
    section.add_flag("retransmission", trace.retransmission);
    return section.add("payloads", text_of(trace.payloads));
}

}  // namespace cygnet::vici
