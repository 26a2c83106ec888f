// The usual cast: two gateways with a network behind each, and the tunnel between them.
//
//   10.1.0.0/16 == a 192.0.2.1 ============ b 198.51.100.2 == 10.2.0.0/16
#pragma once

#include "crypto/key_exchange.h"
#include "sim/world.h"

namespace cygnet::sim {

inline constexpr const char* classic = "aes256gcm16-prfsha384-x25519";
inline constexpr const char* hybrid = "aes256gcm16-prfsha384-x25519-ke1_mlkem768";
// Two KEMs of different kinds; the second is a library's that a build may lack.
inline constexpr const char* frodo_hybrid = "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_frodo640";
inline bool has_frodo() { return crypto::shape_of(model::Ke::frodokem_640_aes).has_value(); }
inline constexpr const char* hybrid_or_classic = "aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes256gcm16-prfsha384-x25519";

// One side's configuration.
struct GatewayOptions {
    const char* ike = classic;
    const char* esp = "aes256gcm16";
    std::string secret = "correct horse battery staple";
    model::PostQuantum post_quantum = model::PostQuantum::preferred;
    model::Fragmentation fragmentation = model::Fragmentation::yes;
    Duration ike_rekey_time{0}, child_rekey_time{0};  // 0: never
    Duration reauth_time{0};                          // the same
    unsigned rounds_a = 1, rounds_b = 1;              // authentications of each end, 1 or 2
    model::UniquePolicy unique = model::UniquePolicy::no;
    Duration dpd_delay = seconds(30);
    bool encap = false;
    std::size_t fragment_size = model::limits::fragment_ip_octets;
    model::Tcp tcp = model::Tcp::no;
    std::uint16_t tcp_port = 0;  // listens there
    bool mobike = true, return_routability = true;
    std::string redirect_to{};
    model::RedirectAt redirect_at = model::RedirectAt::auth;
    model::Resumption resumption = model::Resumption::no;
    bool crash_detection = false;
    model::DowngradeProtection downgrade_protection = model::DowngradeProtection::preferred;
    unsigned window = 1;
    const char* ppk = nullptr;  // a PPK with the id "k1"
    std::size_t pads = 0;       // one-time PPKs, the same at both ends
    model::PpkConfig ppk_use{};
    model::Action dpd_action = model::Action::none;
    bool ipcomp = false;
    ike::EngineSettings engine{};
    std::shared_ptr<const ike::Credentials> credentials{};
    std::function<void(model::Connection&)> tune{};  // whatever else the connection says
};

inline const model::IpAddress address_a = model::IpAddress::v4(0xc0000201), address_b = model::IpAddress::v4(0xc6336402);
// Further ones, for hosts that move.
inline const model::IpAddress address_a2 = model::IpAddress::v4(0xc0000222), address_a3 = model::IpAddress::v4(0xcb007133);
inline const model::IpAddress address_b2 = model::IpAddress::v4(0xc6336422);
inline const model::IpAddress inner_a = model::IpAddress::v4(0x0a010001), inner_b = model::IpAddress::v4(0x0a020001);

// The side `at_a` of connection "gw" with its child "net".
NodeSettings gateway(bool at_a, const GatewayOptions& options);

class Gateways {
public:
    Gateways(World& in, const GatewayOptions& options) : Gateways(in, options, options) {}
    Gateways(World& in, const GatewayOptions& at_a, const GatewayOptions& at_b);

    World& world;
    Node& a;
    Node& b;

    // Brings the tunnel up from a, or says that it does not come up within the limit.
    bool up(Duration limit = minutes(1));
    bool is_up() const;                    // one IKE SA and one child, the same at both ends
    bool is_down() const;                  // nothing at all, at both ends
    // Waits until both ends agree and nothing is under way.
    bool rest(Duration limit = minutes(5));
    // Traffic both ways from now on.
    void talk(Duration interval = milliseconds(20));
    // Lets the last packets arrive; every packet must have got through.
    void expect_nothing_lost();
    // One IKE SA and one child, and no packet on the way to there was lost.
    void expect_the_same_tunnel();
    // An operator terminates it, and nothing is left.
    void expect_a_clean_end(Node& by);
};

inline const ike::SaSelector the_child{.child = "net"};
inline const ike::SaSelector the_ike{.ike = "gw"};

}  // namespace cygnet::sim
