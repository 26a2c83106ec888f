// The whole configuration as an immutable value: parsed once, every default filled in. Keys and their
// meaning are swanctl.conf's (facts-swanctl-conf); our own additions are marked.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/secret.h"
#include "model/address.h"
#include "model/identity.h"
#include "model/limits.h"
#include "model/ppk.h"
#include "model/proposal.h"
#include "model/selector.h"

namespace cygnet::model {

enum class Action : std::uint8_t { none, trap, start, trap_and_start };
constexpr bool traps(Action action) { return action == Action::trap || action == Action::trap_and_start; }
constexpr bool starts(Action action) { return action == Action::start || action == Action::trap_and_start; }
// beet: the inner addresses are those of the selectors, one at each end, and do not travel (draft-nikander-esp-beet-mode).
enum class ChildMode : std::uint8_t { tunnel, transport, beet, pass, drop };
constexpr bool is_shunt(ChildMode mode) { return mode == ChildMode::pass || mode == ChildMode::drop; }
enum class SendCert : std::uint8_t { always, if_asked, never };
enum class UniquePolicy : std::uint8_t { never, no, keep, replace };
enum class Fragmentation : std::uint8_t { yes, accept, no };
enum class Childless : std::uint8_t { allow, prefer, force, never };  // RFC 6023
enum class Tcp : std::uint8_t { no, fallback, always };        // our own key `tcp`, RFC 9329
enum class Revocation : std::uint8_t { relaxed, if_uri, strict };
enum class OcspInIke : std::uint8_t { reply, request, both, never };  // RFC 4806
enum class HashAndUrl : std::uint8_t { no, yes, internal };           // our own key `hash_and_url`
enum class Resumption : std::uint8_t { no, stateful, ticket };  // our own key `resumption`: RFC 5723
enum class DowngradeProtection : std::uint8_t { preferred, required, off };  // our own key `downgrade_protection`
enum class RedirectAt : std::uint8_t { init, auth };            // our own key `redirect_at`

enum class AuthClass : std::uint8_t { psk, pubkey, null, any };  // null is our own value: NULL authentication (RFC 7619)
enum class KeyKind : std::uint8_t { rsa, ecdsa, ed25519, ed448, ml_dsa_44, ml_dsa_65, ml_dsa_87, slh_dsa };  // slh_dsa: any of its sets

// One authentication round of one side: connections.<conn>.local<suffix> / remote<suffix>.
struct AuthConfig {
    std::string name;                          // "local", "remote-1" …
    AuthClass auth = AuthClass::pubkey;
    std::string auth_text = "pubkey";          // as configured, for errors and list-conns
    std::vector<KeyKind> key_kinds{};          // rsa, ecdsa …: constraint on signature keys; empty: all
    bool of_ike_alone = false;                 // "ike:" before the words: they do not speak of the certificates' signatures
    std::optional<bool> rsa_pss{};             // rsa/pss: PSS required
    std::vector<SignatureHash> hashes{};       // constraint on hashes; empty: all we support
    Identity id;                               // any: local = the certificate's subject or the address, remote = everybody
    std::vector<Bytes> certificates{};         // DER: own candidates, or accepted peer certificates
    std::vector<Bytes> ca_certificates{};      // DER: accepted CAs; empty: all CAs loaded
    std::vector<std::string> cert_policies{};  // OIDs: the path must be valid for one of them; empty: all
    bool require_ike_usage = false;            // our own key: RFC 4945 §5.1.3.12 for extended usages that are not critical
    Revocation revocation = Revocation::relaxed;
    std::vector<Bytes> public_keys{};          // SubjectPublicKeyInfo: our own raw key, or those of the peer (RFC 7670)
    bool operator==(const AuthConfig&) const = default;
};

struct ChildLifetime {
    Duration rekey_time = hours(1);  // 0: never
    Duration life_time = seconds(3960);
    Duration rand_time = seconds(360);
    std::uint64_t rekey_bytes = 0, life_bytes = 0, rand_bytes = 0;
    std::uint64_t rekey_packets = 0, life_packets = 0, rand_packets = 0;
    bool operator==(const ChildLifetime&) const = default;
};

// RFC 4301 §6.2: whether an ICMP error travels with the child that the packet in it is of, and comes in through another.
enum class IcmpErrors : std::uint8_t {
    no,       // by its own header alone
    yes,      // by its own header, or else by the packet in it
    checked,  // our own value: the packet in it decides in any case
};

enum class DontFragment : std::uint8_t { clear, copy, set };

// How headers follow each other through a tunnel: RFC 4301 §5.1.2 and §8.1, RFC 6040.
struct TunnelHeaders {
    DontFragment dont_fragment = DontFragment::clear;  // of the outer IPv4 header
    bool copy_ecn = true;
    bool dscp_out = true;  // to the outer header
    bool dscp_in = false;  // back to the inner one
    bool operator==(const TunnelHeaders&) const = default;
};

// A mark of packets as Netfilter sets it; without a mask there is none.
struct Mark {
    std::uint32_t value = 0, mask = 0;
    auto operator<=>(const Mark&) const = default;
};
enum class HwOffload : std::uint8_t { no, crypto, packet, automatic };

// What only the kernel's IPsec has, of one child.
struct KernelOptions {
    Mark mark_in{}, mark_out{};          // of packets that its policies and SAs are for
    bool mark_in_sa = false;             // mark_in counts for the inbound SA, too, not for its policies alone
    Mark set_mark_in{}, set_mark_out{};  // of packets that have passed its SAs
    std::uint32_t if_id_in = 0, if_id_out = 0;  // XFRM interface ids
    std::uint32_t priority = 0;                 // of its policies; 0: by their selectors
    HwOffload hw_offload = HwOffload::no;
    bool operator==(const KernelOptions&) const = default;
};

inline constexpr std::uint32_t tfc_to_mtu = 0xffffffff;

struct ChildConfig {
    std::string name;
    std::vector<Proposal> esp_proposals = default_esp_proposals();  // of ESP and, from ah_proposals, of AH
    std::vector<ConfiguredSelector> local_ts{{.dynamic = true, .selector = {}}};
    std::vector<ConfiguredSelector> remote_ts{{.dynamic = true, .selector = {}}};
    ChildMode mode = ChildMode::tunnel;
    bool single_pair = false;          // our own key: one pair of addresses for each child SA, RFC 7296 §2.9
    bool non_first_fragments = false;  // our own key: RFC 4301 §7.2, with selectors of ports
    std::uint32_t tfc_padding = 0;     // octets up to which inner packets are padded; tfc_to_mtu
    TunnelHeaders headers{};
    IcmpErrors icmp_errors = IcmpErrors::yes;
    bool ipcomp = false;               // DEFLATE is offered and taken (RFC 3173)
    ChildLifetime lifetime{};
    Duration inactivity{0};
    Action start_action = Action::none;
    Action dpd_action = Action::none;
    Action close_action = Action::none;
    std::uint32_t replay_window = 128;  // packets; 0 switches the check off. strongSwan's default is 32
    std::uint32_t reqid = 0;
    bool per_cpu_sas = false;           // RFC 9611: each worker of the data plane may have an SA of its own
    KernelOptions kernel{};
    bool operator==(const ChildConfig&) const = default;
};

// Remote or local IKE address as configured: %any, one address, a range, or a name to be resolved.
struct HostPattern {
    std::string text;                     // as written
    std::optional<AddressRange> range{};  // nothing for a DNS name; all addresses of both families for %any
    bool any = false;
    bool operator==(const HostPattern&) const = default;
};

struct Connection {
    std::string name;
    std::vector<HostPattern> local_addrs{};
    std::vector<HostPattern> remote_addrs{};
    std::uint16_t local_port = 500;
    std::uint16_t remote_port = 500;
    std::vector<Proposal> proposals = default_ike_proposals();
    PostQuantum post_quantum = PostQuantum::preferred;  // our own key
    DowngradeProtection downgrade_protection = DowngradeProtection::preferred;  // our own key: AUTH covers all of IKE_SA_INIT
    bool announce_auth = true;               // our own key: tell the peer which signatures we take (RFC 9593)
    std::vector<IpAddress> vips{};           // virtual addresses to request (0.0.0.0, :: for "any")
    std::vector<std::string> pools{};
    bool encap = false;                      // force UDP encapsulation by claiming a NAT
    bool mobike = true;
    std::vector<HostPattern> mobike_addrs{};  // our own key: where the peer may move to; empty: anywhere
    bool return_routability = true;           // our own key: ESP follows the peer once it has answered from there
    bool follow_redirects = true;             // our own key: go where the peer's REDIRECT says (RFC 5685)
    std::string redirect_to{};                // our own key: peers are sent to this address or name; empty: they stay
    RedirectAt redirect_at = RedirectAt::auth;  // our own key: before or after their authentication
    Duration dpd_delay{0};
    Fragmentation fragmentation = Fragmentation::yes;
    Childless childless = Childless::allow;
    std::size_t fragment_size = limits::fragment_ip_octets;  // our own key: the first size that is tried
    Tcp tcp = Tcp::no;                       // our own key
    std::uint16_t remote_tcp_port = 4500;    // our own key
    bool send_certreq = true;
    SendCert send_cert = SendCert::if_asked;
    OcspInIke ocsp = OcspInIke::reply;
    HashAndUrl hash_and_url = HashAndUrl::no;  // our own key
    Resumption resumption = Resumption::no;  // our own key
    bool crash_detection = true;             // our own key: RFC 6290
    unsigned window = limits::window_size;   // our own key: requests of the peer that we keep at once
    Boxed<PpkConfig> ppk{};                  // nothing: no PPK
    unsigned keyingtries = 1;
    bool keep_up = false;                    // our own key: it stays up, whatever takes it down
    UniquePolicy unique = UniquePolicy::no;
    Duration rekey_time = hours(4);
    Duration reauth_time{0};
    Duration over_time = minutes(24);
    Duration rand_time = minutes(24);
    std::vector<AuthConfig> local{};         // rounds in order; at least one
    std::vector<AuthConfig> remote{};
    std::vector<ChildConfig> children{};

    const ChildConfig* child(std::string_view child_name) const;
    // The first that an IKE SA can negotiate: not a shunt.
    const ChildConfig* first_child() const;
    bool operator==(const Connection&) const = default;  // a reload keeps what has not changed
    // What is configured about PPKs, or that nothing is.
    const PpkConfig& ppk_use() const;
};

// secrets.ike<suffix>
struct SharedSecret {
    std::string name;                 // unique: VICI's id
    std::vector<Identity> owners{};   // none: everybody
    SecretBytes secret;
};

// pools.<name>: addresses for CP, and attributes sent with them.
struct Pool {
    std::string name;
    AddressRange addresses;           // all addresses handed out
    std::string base_text;            // as written, for get-pools
    std::vector<std::pair<CfgAttribute, Bytes>> attributes{};
    bool operator==(const Pool&) const = default;
};

class ConfigIndex;  // model/config_index.h

// One immutable configuration. Connections are shared between versions, so that a reload of one
// leaves the others untouched (and cheap).
struct Config {
    std::map<std::string, std::shared_ptr<const Connection>, std::less<>> connections{};
    std::map<std::string, std::shared_ptr<const SharedSecret>, std::less<>> secrets{};
    std::map<std::string, std::shared_ptr<const PpkSecret>, std::less<>> ppks{};
    std::map<std::string, std::shared_ptr<const Pool>, std::less<>> pools{};
    // Certificates (DER) that VICI or the folders brought: ours and peers', and CAs.
    std::vector<Bytes> certificates{};
    std::vector<Bytes> ca_certificates{};
    // Finds connections and secrets among many; nothing: all are looked at. Made by with_index() for the maps above.
    std::shared_ptr<const ConfigIndex> index{};
    // Private keys by key id (hex SHA-1 of the public key) live with the daemon's credentials, see ike/credentials.h.
};

}  // namespace cygnet::model
