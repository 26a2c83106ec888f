// What operators are shown: snapshots of SAs, and events. Plain values; vici prints them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/instant.h"
#include "model/address.h"
#include "model/identity.h"
#include "model/packet_drops.h"
#include "model/proposal.h"
#include "model/sa_spec.h"

namespace cygnet::model {

enum class IkeSaId : std::uint32_t {};  // VICI's uniqueid

// Strings as in facts-vici 5.1.
enum class IkeState : std::uint8_t { created, connecting, established, rekeying, rekeyed, deleting, destroying };
enum class ChildState : std::uint8_t { created, installing, installed, rekeying, rekeyed, deleting, deleted, destroying };
std::string name_of(IkeState state);    // "ESTABLISHED"
std::string name_of(ChildState state);  // "INSTALLED"

struct ChildStatus {
    std::string name;
    std::uint32_t unique_id = 0;
    ChildId id{};
    std::uint32_t reqid = 0;
    ChildState state{};
    ChildMode mode{};
    bool udp_encapsulation = false;
    std::uint32_t spi_in = 0, spi_out = 0;
    Ipcomp ipcomp{};
    ChosenProposal proposal{};            // ke and additional: of the rekey, none for the first child
    std::optional<std::string> ppk_id{};  // of the PPK that its own exchange brought (RFC 9867)
    Duration installed_for{0};
    std::optional<Duration> rekey_in{}, expires_in{};
    TrafficSelectors local, remote;
    Resource resource = every_resource;
    bool per_resource = false;
    ChildUsage usage{};                   // filled by the daemon from the data plane, as the next
    PacketDrops drops{};
};

// A trap or a shunt, as list-policies shows it.
struct PolicyStatus {
    std::string connection, child;
    PolicyId id{};
    PolicyKind kind{};
    ChildMode mode{};                     // of the child that a trap brings up
    std::uint32_t reqid = 0;              // of a trap
    TrafficSelectors local, remote;
};

struct IkeStatus {
    std::string name;                     // of the connection
    IkeSaId id{};
    IkeState state{};
    Path path{};
    Identity local_id{}, remote_id{};
    bool initiator = false;
    std::uint64_t spi_i = 0, spi_r = 0;
    bool nat_local = false, nat_remote = false;
    bool mobike = false;                  // both ends may move (RFC 4555)
    bool full_transcript = false;         // both proofs cover both first messages
    std::vector<IpAddress> peer_addresses{};  // that the peer announced, the one in use included
    std::optional<ChosenProposal> proposal{};
    std::optional<std::string> ppk_id{};  // of the PPK that its keys, or those of an SA that it followed, came from last
    Duration established_for{0};
    std::optional<Duration> rekey_in{}, reauth_in{};
    std::vector<IpAddress> local_vips{}, remote_vips{};
    std::vector<std::string> tasks_queued{}, tasks_active{}, tasks_passive{};
    std::vector<ChildStatus> children{};
};

enum class LogGroup : std::uint8_t { dmn, mgr, ike, chd, job, cfg, knl, net, enc, esp };
std::string name_of(PolicyKind kind);   // "trap"
std::string name_of(LogGroup group);    // "IKE"

// One line for the log, and for the control-log of the command that caused it.
struct LogLine {
    LogGroup group{};
    int level = 1;                        // strongSwan's: 0 audit, 1 control, 2 detail, 3 raw
    std::string message;
    std::string ike_name{};               // empty: not about an SA
    IkeSaId ike_id{};
};

// What a message holds, for one line of a log.
struct PayloadName {
    PayloadType type{};
    NotifyType notify{};  // of a Notify payload

    bool operator==(const PayloadName&) const = default;
};
std::string text_of(std::span<const PayloadName> payloads);  // "SA KE No N(NATD_S_IP)"

// One IKE message that was sent or received: the ladder of `make demo` and `cygnet log`.
struct MessageTrace {
    IkeSaId ike_id{};
    bool sent = false;
    bool response = false;
    bool retransmission = false;
    ExchangeType exchange{};
    std::uint32_t message_id = 0;
    std::size_t octets = 0;               // of the IKE message, all fragments together
    std::size_t datagrams = 1;
    std::vector<PayloadName> payloads;
};

// Snapshots are boxed: most events are lines and traces, which are far smaller.
struct IkeUp { Boxed<IkeStatus> sa; };
struct IkeDown { Boxed<IkeStatus> sa; std::string reason; };
struct IkeRekeyed { Boxed<IkeStatus> before, after; };
// The IKE SA moves from the path of `before` to another (RFC 4555).
struct IkeMoved { Boxed<IkeStatus> before; Path path; };
struct ChildUp { Boxed<IkeStatus> sa; Boxed<ChildStatus> child; };
struct ChildDown { Boxed<IkeStatus> sa; Boxed<ChildStatus> child; };
struct ChildRekeyed { Boxed<IkeStatus> sa; Boxed<ChildStatus> before, after; };
// A failure in one sentence, with a VICI alert type of facts-vici 5 ("proposal-mismatch-ike").
struct Alert { std::string type; std::string message; Boxed<IkeStatus> sa; };

// Its special members are compiled once, in status.cc: as inline ones they are most of what each file that includes this costs.
struct Event : std::variant<LogLine, MessageTrace, IkeUp, IkeDown, IkeRekeyed, IkeMoved, ChildUp, ChildDown, ChildRekeyed,
                            Alert> {
    using variant::variant;
    Event(const Event& other);
    Event& operator=(const Event& other);
    Event(Event&& other) noexcept;
    Event& operator=(Event&& other) noexcept;
    ~Event();
};

}  // namespace cygnet::model
