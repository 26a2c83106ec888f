// One IKE SA as data: who talks to whom, with which keys, what is under way, and its children. The
// exchanges (exchange/) change it, the engine routes to it.
//
//   Connecting ──IKE_SA_INIT──► Authenticating ──IKE_INTERMEDIATE*, IKE_AUTH──► Established ──Delete──► Deleting
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/instant.h"
#include "base/shared.h"
#include "ike/feature_states.h"
#include "ike/keys.h"
#include "ike/pending.h"
#include "ike/protect.h"
#include "ike/window.h"
#include "model/config.h"
#include "model/status.h"

namespace cygnet::ike {

// A datagram that came before the keys that it needs.
struct WaitingDatagram {
    model::Path path{};
    Bytes octets{};
};

// What IKE_AUTH needs of the messages before it; wiped when the SA is established.
struct Handshake {
    Bytes init_request, init_response;  // as sent, RFC 7296 §2.15
    std::array<std::uint8_t, 32> init_digest{};  // responder: of the request, whose repetition has the same
    Bytes nonce_i, nonce_r;
    bool intermediate_supported = false;  // by the peer, RFC 9242 §3.1
    unsigned additional_done = 0;         // RFC 9370 key exchanges that are complete
    Bytes int_auth_i, int_auth_r;         // RFC 9242 §3.3.2, accumulated
    Boxed<IncomingKey> pieces{};          // responder: of a public value that comes, until its answer is made
    PeerHints peer_hints{};
    bool peer_asked_for_certificates = false;  // a CERTREQ came
    AuthRounds rounds{};
    std::uint32_t auth_message_id = 0;       // of the first IKE_AUTH request, part of IntAuth (RFC 9242 §3.3.2)
    std::optional<Received> auth_request{};  // responder: that request, which asks for the child
    unsigned forged_messages = 0;              // undecryptable ones, RFC 8019 §4.6
    unsigned answer_repeats = 0;               // of init_response
    bool worked = false;                       // the initiator solved a puzzle, RFC 8019 §7.1

    // Responder: our half of a Diffie-Hellman exchange and the peer's, until the secret is needed.
    std::optional<crypto::KeOffer> own_share{};
    Bytes peer_share{};
    std::vector<WaitingDatagram> waiting{};
    std::size_t waiting_octets = 0;

    FeatureStates features{};  // what extensions need until the SA is established

    Nonces nonces() const { return {nonce_i, nonce_r}; }
};

// Where a redirected attempt comes from (RFC 5685).
struct Detour {
    model::IpAddress from{};                   // the gateway that sent us here
    std::vector<Instant> hops{};               // redirects on the way here
    std::optional<model::IkeSaId> replaces{};  // ends when this SA is up
};

// Initiator only, and only until it has come to that: what the first IKE_AUTH exchange shall bring up.
struct Intent {
    std::string child{};  // empty: the IKE SA alone
    std::optional<CommandId> command{};
    unsigned attempt = 1;  // of connection.keyingtries
    Boxed<model::PacketEnds> packet{};  // that met a trap and waits for the child
    std::optional<model::IkeSaId> reauthenticates{};  // the SA that this one takes over from
    bool over_tcp = false;  // nothing came back over UDP
    Boxed<Detour> detour{};
};

struct Connecting {
    std::unique_ptr<Handshake> handshake = std::make_unique<Handshake>();
};
struct Authenticating {
    std::unique_ptr<Handshake> handshake;
};
struct Established {
    Instant since{};
};
struct Deleting {
    std::optional<Instant> since{};  // when it was established, if it ever was
};
using SaState = std::variant<Connecting, Authenticating, Established, Deleting>;
enum class Phase : std::uint8_t { connecting, authenticating, established, deleting };  // indices of SaState

// A message whose fragments are still coming in.
struct Incoming {
    wire::Reassembly fragments{};
    RequestDigest digest{};
    std::size_t octets = 0;  // of the authentic datagrams so far
    std::size_t datagrams = 0;
    std::size_t largest = 0;  // octets of the largest of them
};

// What has come and cannot be processed yet.
struct Arriving {
    std::map<std::pair<bool, std::uint32_t>, Incoming> incomplete{};  // by whether they are responses, and ID
    std::map<std::uint32_t, Received> early{};  // requests that wait for those before them, within the window
    Boxed<Received> postponed{};                // the peer's next request, while a job completes an exchange of ours

    bool empty() const { return incomplete.empty() && early.empty() && !postponed; }
};

// Deadlines of an SA beside its window's and its children's.
enum class Timer : std::uint8_t {
    half_open,   // a responder's patience until IKE_AUTH
    reassembly,  // incomplete fragments are dropped
    liveness,    // ask whether the peer is alive
    nat_keepalive,
    rekey,        // soft lifetime
    expire,       // hard lifetime
    reauth,              // we authenticate again
    authentication_end,  // nobody did: the SA ends
    renew_ticket, // our ticket for resumption runs out
    retry_tasks,  // after TEMPORARY_FAILURE
    followup_ke,  // responder: IKE_FOLLOWUP_KE overdue
    stream,       // a lost TCP stream is opened anew
    count
};

// Octets and packets after which a child is rekeyed or ends; 0: never. They come down to 0 when it has been asked for.
struct VolumeLimits {
    std::uint64_t rekey_bytes = 0, rekey_packets = 0, expire_bytes = 0, expire_packets = 0;
    bool any() const { return (rekey_bytes | rekey_packets | expire_bytes | expire_packets) != 0; }
};

// One child SA pair.
struct Child {
    model::ChildId id{};
    std::uint32_t unique_id = 0;
    std::uint32_t reqid = 0;                  // the same for a child and those that replace it
    model::ChildState state = model::ChildState::installed;
    bool udp_encapsulation = false;
    bool outbound_active = true;
    bool redundant = false;  // lost against another rekey: never announced
    std::shared_ptr<const model::Connection> connection{};  // keeps `config` alive
    const model::ChildConfig* config = nullptr;
    std::uint32_t spi_in = 0, spi_out = 0;
    model::Resource resource = model::every_resource;  // that sends through it
    ChildTerms terms{};
    Instant installed_at{};
    Instant rekey_at = Instant::never(), expire_at = Instant::never();
    Boxed<VolumeLimits> volumes{};    // nothing: none
    Boxed<std::string> ppk_id{};       // of the PPK that its exchange brought
    Boxed<model::ChildUsage> usage{};  // as the data plane told last; nothing: it has carried nothing
    Instant active_at{};  // when it, or one that it replaced, carried a packet last, or was made
    std::optional<model::ChildId> replacement{};            // rekeyed: the new one, while this awaits its Delete
    Boxed<PeerRekey<model::ChildId>> peer_rekey{};          // answered by us

    model::Protocol protocol() const { return terms.proposal->protocol; }
    void note_activity();
    // When the child has been idle for too long, as far as we know.
    Instant idle_at() const;
};

// An address that our pool gave to the peer.
struct LeasedAddress {
    std::string pool{};
    model::IpAddress address{};
};

struct VirtualAddresses {
    std::vector<model::IpAddress> own{};  // that the peer gave us
    std::vector<LeasedAddress> peer{};
};

// What the peer can do, of extensions that keep nothing more of most SAs.
struct PeerAbilities {
    bool clone = false;                                           // RFC 7791
    bool sync_message_ids = false, sync_replay_counters = false;  // RFC 6311
    bool follow_redirects = false;                                // RFC 5685
    bool strongswan_numbers = false;                              // of private use, as its Vendor ID says
    bool cygnet_numbers = false;                                  // the same of model/private_use.h
    bool full_transcript = false;                                 // both AUTHs cover both first messages; kept for list-sas
};

// How ESP travels.
struct Carriage {
    model::Path path{};
    bool udp_encapsulation = false;
};

struct IkeSa {
    // ---- identity
    model::IkeSaId id{};
    bool initiator = false;  // the original initiator of this IKE SA (RFC 7296 §2.2)
    Spis spis{};
    std::shared_ptr<const model::Connection> connection{};
    model::Path path{};  // of our own messages and of ESP; changed by go_by()
    Boxed<model::Path> other_answer_path{};  // see answer_path()
    Boxed<Carriage> esp_stays{};  // until the peer is proven to be where `path` leads (RFC 4555 §3.7)
    Shared<model::Identity> own_id{};
    model::Identity peer_id{};
    bool peer_anonymous = false;  // NULL authentication (RFC 7619): peer_id means nothing

    model::IpAddress init_address{};  // responder: where the first request came from

    // ---- what was negotiated
    SaState state{Connecting{}};
    Shared<model::ChosenProposal> proposal{};    // from IKE_SA_INIT on
    std::optional<Protection> protection{};      // from Authenticating on: take_keys()
    bool nat_local = false, nat_remote = false;  // who is behind NAT
    bool udp_encapsulation = false;              // some NAT, or forced by encap = yes
    bool nat_traversal = false;                  // both ends can (RFC 7296 §2.23)
    bool dynamic_update = true;                  // follow authentic packets of a peer behind NAT (RFC 7296 §2.23)
    unsigned extra_transmissions = 0;            // of our requests, beyond the settings' number
    bool accepts_fragments = false, sends_fragments = false;
    bool refuses_children = false;  // the peer, by NO_ADDITIONAL_SAS: it ends with its last child
    // We began the first IKE SA; rekeys change nothing. It is the client that opens TCP streams (RFC 9329 §1.2), authenticates
    // anew (RFC 4478 §2) and can be sent away (RFC 5685 §10).
    bool client = false;
    PeerAbilities peer_can{};

    // ---- how large our fragments are, as IP datagrams (RFC 7383 §2.5.2); 0: not known yet
    std::size_t fragment_ip_octets = 0;      // of requests; what the path carried
    std::size_t peer_fragment_octets = 0;    // of the request that is answered or was answered last
    unsigned answer_repeats = 0;             // how often the last answer was asked for again

    // ---- what is under way
    model::ExchangeType own_exchange{};   // of our outstanding request: its answer must have the same
    model::ExchangeType peer_exchange{};  // of the request that is being answered
    bool deleted = false;                 // by a Delete of either side, or by our operator: not lost
    bool closed = false;                  // to be destroyed at the end of the step
    Window window{};
    Boxed<Arriving> arriving{};  // gone when it is empty at the end of a step
    OwnExchange own{};
    PeerExchange theirs{};
    std::array<std::optional<JobId>, 2> jobs{};  // by Slot
    std::list<Task> tasks{};  // a list: empty nearly always, and a deque keeps room for some
    Boxed<Intent> intent{};
    std::array<Instant, static_cast<std::size_t>(Timer::count)> timers = never_due();
    Instant scheduled = Instant::never();  // the next deadline, as the engine has noted it
    Instant last_received{};               // authentic
    Instant last_sent{};
    Boxed<FollowupSeries> followup_series{};  // the peer's next IKE_FOLLOWUP_KE is awaited
    Boxed<PeerRekey<model::IkeSaId>> peer_rekey{};  // of this SA, answered by us
    std::optional<model::IkeSaId> replaced_by{};  // rekeyed: only its Delete is left to come

    FeatureStates features{};  // of extensions (feature/)

    // ---- what it carries
    std::map<model::ChildId, Child> children{};
    Boxed<VirtualAddresses> virtual_addresses{};

    Phase phase() const { return static_cast<Phase>(state.index()); }
    bool established() const { return phase() == Phase::established; }
    bool half_open() const { return phase() < Phase::established; }
    Handshake& handshake();  // while half open
    const Handshake& handshake() const;
    void take_keys(Protection keys);  // from Connecting to Authenticating
    std::uint64_t own_spi() const { return initiator ? spis.initiator : spis.responder; }
    std::uint64_t peer_spi() const { return initiator ? spis.responder : spis.initiator; }
    std::string name() const;  // "gw[3]"

    // Where the peer's last request came from: its answer goes there (RFC 7296 §2.11).
    const model::Path& answer_path() const { return other_answer_path ? *other_answer_path : path; }
    void answer_by(const model::Path& from);
    void go_by(const model::Path& next);

    std::optional<CommandId> take_command() { return intent ? std::exchange(intent->command, std::nullopt) : std::nullopt; }
    std::optional<model::IkeSaId> reauthenticates() const { return intent ? intent->reauthenticates : std::nullopt; }
    void set_reauthenticates(std::optional<model::IkeSaId> old);
    // The first IKE_AUTH exchange is over.
    void forget_intent();
    std::span<const model::IpAddress> own_virtual_addresses() const;
    std::span<const LeasedAddress> peer_virtual_addresses() const;

    Instant& timer(Timer which) { return timers[static_cast<std::size_t>(which)]; }
    Instant next_deadline() const;

    Child* child_with_spi_in(std::uint32_t spi);
    Child* child_with_spi_out(model::Protocol protocol, std::uint32_t spi);
    // The addresses that "dynamic" selectors stand for.
    ChildAddresses child_addresses() const;
    OuterPath outer() const;
    Carriage carriage() const { return esp_stays.value_or(Carriage{path, udp_encapsulation}); }
    bool behind_nat() const { return nat_local || nat_remote; }

private:
    static constexpr std::array<Instant, static_cast<std::size_t>(Timer::count)> never_due() {
        std::array<Instant, static_cast<std::size_t>(Timer::count)> all{};
        all.fill(Instant::never());
        return all;
    }
};

}  // namespace cygnet::ike
