// connections.<conn> with its local, remote and children sections (facts-swanctl-conf 2).
#include <map>

#include "crypto/catalogue.h"
#include "crypto/x509.h"
#include "model/limits.h"
#include "vici/kernel_options.h"
#include "vici/schema_headers.h"
#include "vici/schema_ppk.h"
#include "vici/schema_proposals.h"
#include "vici/schema_table.h"
#include "vici/schema_words.h"

namespace cygnet::vici {
namespace {

// Values whose defaults depend on each other are optional until everything is read.
struct ConnectionDraft : model::Connection {
    std::optional<Duration> rekey{}, over{}, rand{};
    std::uint32_t if_id_in = 0, if_id_out = 0;  // of children without their own
};
struct AuthDraft : model::AuthConfig {
    unsigned round = 0;
};
struct ChildDraft : model::ChildConfig {
    std::optional<Duration> rekey_after{}, life{}, rand{};
    bool names_proposals = false;
};

// ---- readers of their own kinds -----------------------------------------------------------------------

Result<model::HostPattern> parse_host(const std::string& text) {
    if (text == "%any" || text == "%any4" || text == "%any6" || text == "0.0.0.0/0" || text == "::/0")
        return model::HostPattern{.text = text, .any = true};
    const auto range = model::AddressRange::parse(text);
    if (range) return model::HostPattern{.text = text, .range = *range};
    const bool name = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
                          text.npos &&
                      text.find_first_not_of("0123456789.") != text.npos;
    if (!name) return unacceptable("'" + text + "' is neither an address, a prefix, a range, a name nor %any");
    return model::HostPattern{.text = text};
}

template <auto member>
Result<> hosts(ConnectionDraft& into, const Value& value) {
    (into.*member).clear();
    for (const std::string& item : value.items) (into.*member).push_back(TRY(parse_host(item)));
    return {};
}

Result<> ike_proposals(ConnectionDraft& into, const Value& value) {
    into.proposals = TRY(read_ike_proposals(value.items));
    return {};
}

Result<> gateway(ConnectionDraft& into, const Value& value) {
    if (!is_gateway(value.text)) return unacceptable("'" + std::string(value.text) + "' is neither an address nor a host name");
    into.redirect_to = value.text;
    return {};
}

Result<> virtual_addresses(ConnectionDraft& into, const Value& value) {
    into.vips.clear();
    for (const std::string& item : value.items) {
        const auto address = model::IpAddress::parse(item);
        if (!address) return unacceptable("'" + item + "' is no address; 0.0.0.0 and :: ask for any");
        into.vips.push_back(*address);
    }
    return {};
}

Result<> fragment_size(ConnectionDraft& into, const Value& value) {
    constexpr std::size_t least = model::limits::fragment_ip_octets_min_v4, most = model::limits::datagram_octets;
    const auto size = parse_number(value.text, most);
    if (!size || *size < least)
        return unacceptable("accepted is a size of IP datagrams from " + std::to_string(least) + " to " +
                            std::to_string(most) + " bytes");
    into.fragment_size = *size;
    return {};
}

Result<> pool_names(ConnectionDraft& into, const Value& value) {
    into.pools = value.items;
    return {};
}

Result<> valid_time(ConnectionDraft&, const Value& value) {
    if (!parse_time(value.text)) return unacceptable("accepted is a time such as 30s");
    return {};
}

// "pubkey", "rsa/pss-sha256", "ike:ecdsa-sha384": facts-swanctl-conf 2.2.
Result<> read_scheme_words(AuthDraft& into, std::string_view text) {
    constexpr Word<model::SignatureHash> hashes[] = {
        {"sha1", model::SignatureHash::sha1},
        {"sha256", model::SignatureHash::sha2_256},
        {"sha384", model::SignatureHash::sha2_384},
        {"sha512", model::SignatureHash::sha2_512},
        {"identity", model::SignatureHash::identity},
    };
    constexpr Word<model::KeyKind> kinds[] = {
        {"rsa", model::KeyKind::rsa},
        {"rsa/pss", model::KeyKind::rsa},
        {"ecdsa", model::KeyKind::ecdsa},
        {"ed25519", model::KeyKind::ed25519},
        {"ed448", model::KeyKind::ed448},
        {"mldsa44", model::KeyKind::ml_dsa_44},
        {"mldsa65", model::KeyKind::ml_dsa_65},
        {"mldsa87", model::KeyKind::ml_dsa_87},
        {"slhdsa", model::KeyKind::slh_dsa},  // our own word
    };
    while (true) {
        const auto dash = text.find('-');
        const std::string_view word = text.substr(0, dash);
        const auto kind = std::ranges::find(kinds, word, &Word<model::KeyKind>::text);
        const auto hash = std::ranges::find(hashes, word, &Word<model::SignatureHash>::text);
        if (hash != std::end(hashes)) into.hashes.push_back(hash->value);
        else if (kind != std::end(kinds)) into.key_kinds.push_back(kind->value);
        else if (word != "pubkey")
            return unacceptable("'" + std::string(word) + "' is not supported by this version of Cygnet; accepted "
                                "are psk, pubkey, null, and rsa, rsa/pss, ecdsa, ed25519, ed448, mldsa44, mldsa65, mldsa87, "
                                "slhdsa followed by -sha256, -sha384, -sha512");
        if (word == "rsa/pss") into.rsa_pss = true;
        if (dash == text.npos) return {};
        text.remove_prefix(dash + 1);
    }
}

Result<> auth(AuthDraft& into, const Value& value) {
    into.auth_text = std::string(value.text);
    if (value.text == "psk") {
        into.auth = model::AuthClass::psk;
        return {};
    }
    if (value.text == "null") {  // our own value: RFC 7619
        into.auth = model::AuthClass::null;
        return {};
    }
    for (const std::string_view word : {"eap", "xauth"})
        if (value.text.starts_with(word))
            return unacceptable("authentication by " + std::string(word) + " is not supported by this version of "
                                "Cygnet; accepted are psk, pubkey and null");
    const std::string_view schemes = value.text.starts_with("ike:") ? value.text.substr(4) : value.text;
    into.auth = model::AuthClass::pubkey;
    into.of_ike_alone = schemes.size() != value.text.size();
    return read_scheme_words(into, schemes);
}

Result<> identity(AuthDraft& into, const Value& value) {
    if (value.text.find(":^") != value.text.npos)
        return unacceptable("regular expressions for identities are not supported by this version of Cygnet; "
                            "'*' stands for any text in names");
    into.id = model::Identity::parse(value.text, crypto::parse_distinguished_name);
    return {};
}

// What we say that we are is one identity.
Result<> own_identity(AuthDraft& into, const Value& value) {
    TRY(identity(into, value));
    const model::IdType type = into.id.type;
    if (type == model::IdType::ipv4_range || type == model::IdType::ipv6_range)
        return unacceptable("a subnet or range is no identity of one host; fqdn: before it makes it a name");
    return {};
}

template <auto member>
Result<> certificates(AuthDraft& into, const Value& value) {
    for (const std::string& blob : value.items) (into.*member).push_back(TRY(certificate_der(blob)));
    return {};
}

Result<> public_keys(AuthDraft& into, const Value& value) {
    for (const std::string& blob : value.items) into.public_keys.push_back(TRY(public_key_der(blob)));
    return {};
}

// Object identifiers in digits: the first is 0 to 2, and there are two at least.
bool is_object_identifier(std::string_view text) {
    const bool shape = text.size() >= 3 && text[0] >= '0' && text[0] <= '2' && text[1] == '.' && text.back() != '.' &&
                       text.find("..") == text.npos;
    return shape && text.find_first_not_of("0123456789.") == text.npos;
}

Result<> policies(AuthDraft& into, const Value& value) {
    into.cert_policies.clear();
    for (const std::string& item : value.items) {
        if (!is_object_identifier(item))
            return unacceptable("'" + item + "' is no object identifier such as 1.3.6.1.4.1.36906.1.1.1");
        into.cert_policies.push_back(item);
    }
    return {};
}

// Both keys together are one list, as with strongSwan; the default is for who writes neither.
template <model::Protocol protocol>
Result<> child_proposals(ChildDraft& into, const Value& value) {
    auto proposals = TRY(read_proposals(protocol, value.items));
    if (!std::exchange(into.names_proposals, true)) into.esp_proposals.clear();
    std::erase_if(into.esp_proposals, [](const model::Proposal& one) { return one.protocol == protocol; });
    into.esp_proposals.insert(into.esp_proposals.end(), proposals.begin(), proposals.end());
    std::uint8_t number = 0;
    for (model::Proposal& proposal : into.esp_proposals) proposal.number = ++number;
    return {};
}

Result<> window(ConnectionDraft& into, const Value& value) {
    constexpr auto most = model::limits::window_size_max;
    const auto requests = parse_number(value.text, most);
    if (!requests || *requests == 0)
        return unacceptable("accepted is a number of requests from 1 to " + std::to_string(most));
    into.window = static_cast<unsigned>(*requests);
    return {};
}

template <auto member>
Result<> selectors(ChildDraft& into, const Value& value) {
    (into.*member).clear();
    constexpr std::size_t most = model::limits::selectors_per_ts_payload - 1;
    if (value.items.size() > most)
        return unacceptable("one child has at most " + std::to_string(most) + " selectors on each side");
    for (const std::string& item : value.items) {
        const auto selector = model::ConfiguredSelector::parse(item);
        if (!selector)
            return unacceptable("'" + item + "' is no traffic selector; accepted are 10.1.0.0/16, an address, "
                                "from-to, dynamic, each with an optional [protocol/port]");
        (into.*member).push_back(*selector);
    }
    return {};
}

template <auto field>
Result<> lifetime_volume(ChildDraft& into, const Value& value) {
    const auto octets = parse_volume(value.text);
    if (!octets) return unacceptable("accepted is a count such as 1000000, 500k, 20m or 1g");
    into.lifetime.*field = *octets;
    return {};
}

// Of model::KernelOptions.
template <auto field, auto read>
Result<> kernel(ChildDraft& into, const Value& value) {
    return read(into.kernel.*field, value.text);
}

Result<> replay_window(ChildDraft& into, const Value& value) {
    constexpr auto most = model::limits::replay_window_packets_max;
    const auto packets = parse_number(value.text, most);
    if (!packets) return unacceptable("accepted is a number of packets from 0 to " + std::to_string(most));
    into.replay_window = static_cast<std::uint32_t>(*packets);
    return {};
}

// RFC 9611. strongSwan's "encap" would send each SA from a UDP port of its own, so that the peer's hardware can tell them apart.
Result<> per_cpu_sas(ChildDraft& into, const Value& value) {
    const auto wanted = parse_bool(value.text);
    if (!wanted) return unacceptable(value.text == "encap" ? "encap is not supported: UDP port 4500 serves all SAs, and Cygnet tells them apart by their SPI; accepted are yes and no"
                                                           : "accepted are yes and no");
    into.per_cpu_sas = *wanted;
    return {};
}

Result<> tfc_padding(ChildDraft& into, const Value& value) {
    if (value.text == "mtu") {
        into.tfc_padding = model::tfc_to_mtu;
        return {};
    }
    const auto octets = parse_number(value.text, model::limits::tfc_padding_max);
    if (!octets)
        return unacceptable("accepted are mtu and a number of octets from 0 to " +
                            std::to_string(model::limits::tfc_padding_max));
    into.tfc_padding = static_cast<std::uint32_t>(*octets);
    return {};
}

// ---- tables --------------------------------------------------------------------------------------------

constexpr std::string_view ikev1 = "IKEv1";
constexpr std::string_view mediation = "the IKEv2 mediation extension";

using C = ConnectionDraft;
constexpr Row<C> connection_rows[] = {
    {"version", Shape::text, no_effect<C>, "0 2", ikev1},
    {"local_addrs", Shape::list, hosts<&C::local_addrs>},
    {"remote_addrs", Shape::list, hosts<&C::remote_addrs>},
    {"local_port", Shape::text, number<C, &C::local_port, 65535>},
    {"remote_port", Shape::text, number<C, &C::remote_port, 65535>},
    {"proposals", Shape::list, ike_proposals},
    {"post_quantum", Shape::text, keyword<C, &C::post_quantum, post_quantum_words>},
    {"downgrade_protection", Shape::text, keyword<C, &C::downgrade_protection, downgrade_protection_words>},
    {"announce_auth", Shape::text, yes_or_no<C, &C::announce_auth>},
    {"resumption", Shape::text, keyword<C, &C::resumption, resumption_words>},
    {"crash_detection", Shape::text, yes_or_no<C, &C::crash_detection>},
    {"window", Shape::text, window},
    {"vips", Shape::list, virtual_addresses},
    {"aggressive", Shape::text, no_effect<C>, "no false disabled 0", ikev1},
    {"pull", Shape::text, no_effect<C>, "yes true enabled 1", ikev1},
    {"dscp", Shape::text, no_effect<C>, "000000", "DSCP on IKE packets"},
    {"encap", Shape::text, yes_or_no<C, &C::encap>},
    {"mobike", Shape::text, yes_or_no<C, &C::mobike>},
    {"mobike_addrs", Shape::list, hosts<&C::mobike_addrs>},
    {"return_routability", Shape::text, yes_or_no<C, &C::return_routability>},
    {"follow_redirects", Shape::text, yes_or_no<C, &C::follow_redirects>},
    {"redirect_to", Shape::text, gateway},
    {"redirect_at", Shape::text, keyword<C, &C::redirect_at, redirect_words>},
    {"dpd_delay", Shape::text, time<C, &C::dpd_delay>},
    {"dpd_timeout", Shape::text, valid_time},  // of IKEv1 alone: retransmission decides in IKEv2
    {"fragmentation", Shape::text, keyword<C, &C::fragmentation, fragmentation_words>},
    {"fragment_size", Shape::text, fragment_size},
    {"tcp", Shape::text, keyword<C, &C::tcp, tcp_words>},
    {"remote_tcp_port", Shape::text, number<C, &C::remote_tcp_port, 65535>},
    {"childless", Shape::text, keyword<C, &C::childless, childless_words>},
    {"send_certreq", Shape::text, yes_or_no<C, &C::send_certreq>},
    {"send_cert", Shape::text, keyword<C, &C::send_cert, send_cert_words>},
    {"ocsp", Shape::text, keyword<C, &C::ocsp, ocsp_words>},
    {"hash_and_url", Shape::text, keyword<C, &C::hash_and_url, hash_and_url_words>},
    {"ppk_id", Shape::text, ppk_ids<C>},
    {"ppk_required", Shape::text, ppk_required<C>},
    {"ppk_exchange", Shape::text, ppk_exchange<C>},
    {"ppk_rekey", Shape::text, ppk_rekey<C>},
    {"ppk_pads", Shape::text, ppk_path<C, &model::PpkSource::pads>},
    {"ppk_qkd", Shape::text, ppk_qkd<C>},
    {"ppk_qkd_cert", Shape::text, ppk_path<C, &model::PpkSource::qkd_cert>},
    {"ppk_qkd_key", Shape::text, ppk_path<C, &model::PpkSource::qkd_key>},
    {"ppk_qkd_ca", Shape::text, ppk_path<C, &model::PpkSource::qkd_ca>},
    {"keyingtries", Shape::text, number<C, &C::keyingtries>},
    {"keep_up", Shape::text, yes_or_no<C, &C::keep_up>},  // our own
    {"unique", Shape::text, keyword<C, &C::unique, unique_words>},
    {"reauth_time", Shape::text, time<C, &C::reauth_time>},
    {"rekey_time", Shape::text, time<C, &C::rekey>},
    {"over_time", Shape::text, time<C, &C::over>},
    {"rand_time", Shape::text, time<C, &C::rand>},
    {"pools", Shape::list, pool_names},
    {"if_id_in", Shape::text, number<C, &C::if_id_in, 0xffff'ffff>},
    {"if_id_out", Shape::text, number<C, &C::if_id_out, 0xffff'ffff>},
    {"mediation", Shape::text, nullptr, "no false disabled 0", mediation},
    {"mediated_by", Shape::text, nullptr, "", mediation},
    {"mediation_peer", Shape::text, nullptr, "", mediation},
};

using A = AuthDraft;
constexpr Row<A> local_rows[] = {
    {"round", Shape::text, number<A, &A::round>},
    {"auth", Shape::text, auth},
    {"id", Shape::text, own_identity},
    {"certs", Shape::blobs, certificates<&A::certificates>},
    {"pubkeys", Shape::blobs, public_keys},
    {"eap_id", Shape::text, nullptr, "", "EAP"},
    {"xauth_id", Shape::text, nullptr, "", ikev1},
    {"aaa_id", Shape::text, nullptr, "", "EAP"},
};
constexpr Row<A> remote_rows[] = {
    {"round", Shape::text, number<A, &A::round>},
    {"auth", Shape::text, auth},
    {"id", Shape::text, identity},
    {"certs", Shape::blobs, certificates<&A::certificates>},
    {"cacerts", Shape::blobs, certificates<&A::ca_certificates>},
    {"pubkeys", Shape::blobs, public_keys},
    {"eap_id", Shape::text, nullptr, "", "EAP"},
    {"groups", Shape::list, nullptr, "", "membership in groups"},
    {"cert_policy", Shape::list, policies},
    {"require_ike_usage", Shape::text, yes_or_no<A, &A::require_ike_usage>},
    {"ca_id", Shape::text, nullptr, "", "a constraint on the identity of the CA"},
    {"revocation", Shape::text, keyword<A, &A::revocation, revocation_words>},
};

using K = ChildDraft;
using L = model::ChildLifetime;
using O = model::KernelOptions;
constexpr Row<K> child_rows[] = {
    {"esp_proposals", Shape::list, child_proposals<model::Protocol::esp>},
    {"ah_proposals", Shape::list, child_proposals<model::Protocol::ah>},
    {"sha256_96", Shape::text, nullptr, "no false disabled 0", "the 96-bit truncation of SHA-256"},
    {"local_ts", Shape::list, selectors<&K::local_ts>},
    {"remote_ts", Shape::list, selectors<&K::remote_ts>},
    {"rekey_time", Shape::text, time<K, &K::rekey_after>},
    {"life_time", Shape::text, time<K, &K::life>},
    {"rand_time", Shape::text, time<K, &K::rand>},
    {"rekey_bytes", Shape::text, lifetime_volume<&L::rekey_bytes>},
    {"life_bytes", Shape::text, lifetime_volume<&L::life_bytes>},
    {"rand_bytes", Shape::text, lifetime_volume<&L::rand_bytes>},
    {"rekey_packets", Shape::text, lifetime_volume<&L::rekey_packets>},
    {"life_packets", Shape::text, lifetime_volume<&L::life_packets>},
    {"rand_packets", Shape::text, lifetime_volume<&L::rand_packets>},
    {"updown", Shape::text, nullptr, "", "an updown script"},
    {"hostaccess", Shape::text, no_effect<K>},  // a variable for the updown script
    {"mode", Shape::text, keyword<K, &K::mode, mode_words>},
    {"single_pair", Shape::text, yes_or_no<K, &K::single_pair>},                  // our own
    {"non_first_fragments", Shape::text, yes_or_no<K, &K::non_first_fragments>},  // our own
    {"policies", Shape::text, nullptr, "yes true enabled 1", "a child without policies"},
    {"policies_fwd_out", Shape::text, nullptr, "no false disabled 0", "forward policies for what goes out"},
    {"dpd_action", Shape::text, keyword<K, &K::dpd_action, action_words>},
    {"ipcomp", Shape::text, yes_or_no<K, &K::ipcomp>},
    {"inactivity", Shape::text, time<K, &K::inactivity>},
    {"reqid", Shape::text, number<K, &K::reqid>},
    {"priority", Shape::text, kernel<&O::priority, read_word>},
    {"interface", Shape::text, nullptr, "", "policies of an interface"},
    {"mark_in", Shape::text, kernel<&O::mark_in, read_mark>},
    {"mark_out", Shape::text, kernel<&O::mark_out, read_mark>},
    {"mark_in_sa", Shape::text, kernel<&O::mark_in_sa, read_yes_or_no>},
    {"set_mark_in", Shape::text, kernel<&O::set_mark_in, read_mark>},
    {"set_mark_out", Shape::text, kernel<&O::set_mark_out, read_mark>},
    {"if_id_in", Shape::text, kernel<&O::if_id_in, read_word>},
    {"if_id_out", Shape::text, kernel<&O::if_id_out, read_word>},
    {"label", Shape::text, nullptr, "", "a security label (RFC 9478)"},
    {"label_mode", Shape::text, nullptr, "system", "a security label (RFC 9478)"},
    {"tfc_padding", Shape::text, tfc_padding},
    {"replay_window", Shape::text, replay_window},
    {"per_cpu_sas", Shape::text, per_cpu_sas},
    {"hw_offload", Shape::text, kernel<&O::hw_offload, read_hw_offload>},
    {"copy_df", Shape::text, copy_df<K>},
    {"copy_ecn", Shape::text, copy_ecn<K>},
    {"copy_dscp", Shape::text, copy_dscp<K>},
    {"icmp", Shape::text, icmp<K>},
    {"start_action", Shape::text, keyword<K, &K::start_action, action_words>},
    {"close_action", Shape::text, keyword<K, &K::close_action, action_words>},
};

// ---- defaults that depend on each other ---------------------------------------------------------------

void finish(ConnectionDraft& draft) {
    draft.rekey_time = draft.rekey.value_or(draft.reauth_time > Duration(0) ? Duration(0) : hours(4));
    draft.over_time = draft.over.value_or(std::max(draft.rekey_time, draft.reauth_time) / 10);
    draft.rand_time = draft.rand.value_or(draft.over_time);
    if (draft.local_addrs.empty()) draft.local_addrs.push_back({.text = "%any", .any = true});
    if (draft.remote_addrs.empty()) draft.remote_addrs.push_back({.text = "%any", .any = true});
}

void finish(ChildDraft& draft) {
    model::ChildLifetime& lifetime = draft.lifetime;
    if (draft.rekey_after) lifetime.rekey_time = *draft.rekey_after;
    else if (draft.life) lifetime.rekey_time = *draft.life * 10 / 11;
    else lifetime.rekey_time = hours(1);
    lifetime.life_time = draft.life.value_or(lifetime.rekey_time * 11 / 10);
    lifetime.rand_time =
        draft.rand.value_or(std::max(Duration(0), lifetime.life_time - lifetime.rekey_time));
}

// ---- sections -----------------------------------------------------------------------------------------

model::AuthConfig read_auth(const Entry& entry, bool is_local, Refuser refuser, unsigned& round) {
    AuthDraft draft;
    draft.name = entry.name;
    const std::span<const Row<AuthDraft>> rows = is_local ? std::span<const Row<AuthDraft>>(local_rows)
                                                          : std::span<const Row<AuthDraft>>(remote_rows);
    Refuser inside = refuser.inside(entry);
    read_section(*entry.section(), rows, draft, inside, [&](const Entry& sub) {
        const bool known = sub.name.starts_with("cert") || (!is_local && sub.name.starts_with("cacert"));
        if (known)
            inside.refuse(Refusal::Kind::other, sub,
                          "certificates from files or tokens named over VICI are not supported by this version of "
                          "Cygnet; use " + std::string(sub.name.starts_with("ca") ? "cacerts" : "certs"));
        return known;
    });
    round = draft.round;
    return draft;
}

model::ChildConfig read_child(const Entry& entry, Refuser refuser) {
    ChildDraft draft;
    draft.name = entry.name;
    read_section(*entry.section(), std::span<const Row<ChildDraft>>(child_rows), draft, refuser.inside(entry),
                 [](const Entry&) { return false; });
    finish(draft);
    return draft;
}

void read_children(const Entry& entry, ConnectionDraft& draft, Refuser refuser) {
    const Refuser inside = refuser.inside(entry);
    for (const Entry& child : entry.section()->entries()) {
        if (child.section() == nullptr)
            Refuser(inside).refuse(Refusal::Kind::unknown_key, child, "children holds one section for each child");
        else
            draft.children.push_back(read_child(child, inside));
    }
}

// Rounds in the order of `round`, then of the file.
using Rounds = std::multimap<unsigned, model::AuthConfig>;
std::vector<model::AuthConfig> in_order(Rounds&& rounds) {
    std::vector<model::AuthConfig> sorted;
    for (auto& [round, config] : rounds) sorted.push_back(std::move(config));
    return sorted;
}

void check_rounds(const Section& section, std::string_view prefix, std::size_t count, Refuser refuser) {
    constexpr auto most = model::limits::authentication_rounds;
    if (count <= most) return;
    for (const Entry& entry : section.entries()) {
        if (entry.section() == nullptr || !entry.name.starts_with(prefix)) continue;
        refuser.refuse(Refusal::Kind::invalid_section, entry,
                       "more than " + std::to_string(most) + " rounds of authentication");
        return;
    }
}

// RFC 7619: who proves no identity cannot be named, proves nothing else, and gets its own address alone (§2.5).
struct Obstacle {
    std::string_view side;  // whose section says it
    std::string text;
};
std::optional<Obstacle> null_obstacle(const model::Connection& connection) {
    const auto is_null = [](const model::AuthConfig& round) { return round.auth == model::AuthClass::null; };
    for (const auto& [side, rounds] : {std::pair("local", &connection.local), std::pair("remote", &connection.remote)})
        if (rounds->size() > 1 && std::ranges::any_of(*rounds, is_null))
            return Obstacle{side, "auth = null is the only round of its side, or none"};
    if (is_null(connection.local.front()) && connection.local.front().id.has_wildcards() &&
        !connection.local.front().id.is_any())
        return Obstacle{"local", "an identity that is sent is no pattern"};
    if (!is_null(connection.remote.front())) return std::nullopt;
    if (!connection.remote.front().id.is_any())
        return Obstacle{"remote", "remote.auth = null and remote.id exclude each other: nobody proves that identity"};
    for (const model::ChildConfig& child : connection.children)
        for (const model::ConfiguredSelector& selector : child.remote_ts)
            if (!selector.dynamic)
                return Obstacle{"remote",
                                "remote.auth = null takes remote_ts = dynamic only: a peer without identity gets its own "
                                "address, child " + child.name + " would give it more"};
    return std::nullopt;
}

}  // namespace

model::Connection read_connection(const std::string& name, const Section& section, Refusals& refusals, bool kernel_esp) {
    ConnectionDraft draft;
    draft.name = name;
    Refuser refuser("", refusals);
    Rounds local, remote;
    read_section(section, std::span<const Row<ConnectionDraft>>(connection_rows), draft, refuser,
                 [&](const Entry& entry) {
                     const bool is_local = entry.name.starts_with("local");
                     if (entry.name == "children") {
                         read_children(entry, draft, refuser);
                     } else if (is_local || entry.name.starts_with("remote")) {
                         unsigned round = 0;
                         auto config = read_auth(entry, is_local, refuser, round);
                         (is_local ? local : remote).emplace(round, std::move(config));
                     } else {
                         return false;
                     }
                     return true;
                 });
    for (model::ChildConfig& child : draft.children) inherit_interfaces(child.kernel, draft.if_id_in, draft.if_id_out);
    if (kernel_esp) refuse_userspace_options(draft, section, refuser);
    else refuse_kernel_options(draft, section, refuser);
    check_rounds(section, "local", local.size(), refuser);
    check_rounds(section, "remote", remote.size(), refuser);
    draft.local = in_order(std::move(local));
    draft.remote = in_order(std::move(remote));
    if (draft.local.empty()) draft.local.push_back({.name = "local"});
    if (draft.remote.empty()) draft.remote.push_back({.name = "remote"});
    if (const auto obstacle = null_obstacle(draft))
        for (const Entry& entry : section.entries())
            if (entry.section() != nullptr && entry.name.starts_with(obstacle->side)) {
                refuser.refuse(Refusal::Kind::invalid_section, entry, obstacle->text);
                break;
            }
    if (const std::string wrong = draft.ppk ? ppk_obstacle(*draft.ppk) : std::string(); !wrong.empty())
        for (const Entry& entry : section.entries())
            if (entry.name.starts_with("ppk_")) {
                refuser.refuse(Refusal::Kind::invalid_value, entry, wrong);
                break;
            }
    check_post_quantum(draft, section, refuser);
    const bool callable = std::ranges::any_of(draft.remote_addrs, [](const model::HostPattern& host) {
        return !host.any && (!host.range || host.range->first == host.range->last);
    });
    if (draft.keep_up && !callable)
        refuser.refuse(Refusal::Kind::invalid_value, *section.find("keep_up"),
                       "nobody can be called: give remote_addrs the address or name of the peer");
    // A peer that vanished without a word must be noticed.
    if (draft.keep_up && !section.has("dpd_delay")) draft.dpd_delay = model::limits::keep_up_liveness;
    finish(draft);
    return draft;
}

std::optional<std::string_view> folder_of_key(std::string_view key) {
    if (key == "certs") return "x509";
    if (key == "cacerts") return "x509ca";
    if (key == "pubkeys") return "pubkey";
    return std::nullopt;
}

}  // namespace cygnet::vici
