// What goes into the protocol core and what comes out of it: the whole vocabulary.
// The core does nothing by itself; the driver (daemon or simulator) executes effects in their order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/job.h"
#include "ike/credentials.h"
#include "model/config.h"
#include "model/sa_spec.h"
#include "model/status.h"

namespace cygnet::ike {

enum class JobId : std::uint64_t {};
enum class FetchId : std::uint64_t {};
enum class RedirectId : std::uint64_t {};  // of FindGateway and GatewayFound
enum class CommandId : std::uint64_t {};  // chosen by the driver; comes back in CommandDone

// ---- inputs -------------------------------------------------------------------------------------

// One IKE message as received, without the non-ESP marker (the driver strips it on port 4500).
struct Datagram {
    model::Path path;  // local: where it arrived; remote: where it came from
    ByteView bytes;
};
struct JobDone {
    JobId id;
    crypto::JobResult result;
};
// What a Fetch gave; comes once for each, at the latest after twice limits::fetch_deadline.
struct Fetched {
    FetchId id;
    Result<Bytes> content;
};
// What an ObtainPpks gave; comes once for each, at the latest after twice limits::ppk_deadline.
struct PpksObtained {
    JobId id;
    Result<model::PpkAnswer> answer;
};
// Some deadline of Engine::next_deadline() has passed.
struct Tick {};
// A new configuration; SAs keep the connection they were made with until it changes underneath them.
struct Configure {
    std::shared_ptr<const model::Config> config;
    std::shared_ptr<const Credentials> credentials;
};

// Operators' commands. Selectors are names or unique ids; CommandDone follows when all is done or failed.
struct SaSelector {
    std::string ike{};
    std::string child{};
    std::optional<std::uint32_t> ike_id{};
    std::optional<std::uint32_t> child_id{};
};
struct Initiate {
    CommandId id;
    std::string connection;  // may be empty: the connection that has `child`
    std::string child;       // may be empty: the IKE SA with no particular child
    model::Path path;        // resolved by the driver: own address and port, peer's address and port
};
struct Terminate {
    CommandId id;
    SaSelector which;
    bool force = false;  // do not wait for the peer's answer
};
struct Rekey {
    CommandId id;
    SaSelector which;  // an IKE SA or a child
    bool reauthenticate = false;  // the IKE SAs get successors by a new authentication
};
// Puts the policy of a child into the data plane: a trap, or the shunt that its mode says. RFC 7296 §2.9: the packet that
// meets it begins the child.
struct InstallPolicies {
    CommandId id;
    std::string connection;
    std::string child;
    std::optional<model::Path> path{};  // what "dynamic" stands for; not needed otherwise
};
struct UninstallPolicies {
    CommandId id;
    std::string connection;  // may be empty: any
    std::string child;
};
// A packet met a trap. `path`: resolved by the driver; nothing when only an IKE SA that is there can serve it.
struct Acquire {
    model::PolicyId policy;
    model::PacketEnds packet;
    std::optional<model::Path> path{};
};
// An authentic packet did not match the selectors of the child on which it came (RFC 4301 §5.2).
struct SelectorsViolated {
    model::ChildId child;
    Bytes packet;  // its first octets
};
// A worker of the data plane sends through a child that is not its own, and both ends allow one for each (RFC 9611).
struct ResourceWanted {
    model::ChildId child;
    model::Resource resource;
};
// A second IKE SA beside each that is meant (RFC 7791).
struct Clone {
    CommandId id;
    SaSelector which;
};
// This host has taken over the IKE SAs of another: agree with their peers on counters that the other has not used (RFC 6311).
struct Synchronize {
    CommandId id;
    SaSelector which;
    std::uint32_t skip_message_ids = 0;
    std::uint64_t skip_packets = 0;
};
// The data plane's news of a child: its counters (liveness, volume lifetimes).
struct UsageReport {
    model::ChildId child;
    model::ChildUsage usage;
};
// The first authentic packet arrived on a child whose outbound half is not active yet: the peer
// uses the new SA, so we may (RFC 7296 §2.8).
struct InboundSeen {
    model::ChildId child;
};
// An authentic ESP-in-UDP packet came from another address or port: dynamic NAT mapping (RFC 7296 §2.23). Or one came in
// another TCP stream, which `path` names then (RFC 9329 §6.1).
struct PeerMoved {
    model::ChildId child;
    model::Path path;
};
// A stream that OpenStream asked for is there; `path` says between which ports.
struct StreamOpened {
    model::Path path;
};
// A stream ended, whoever opened it, or could not be opened. Nothing more comes from it.
struct StreamClosed {
    model::StreamId stream{};
    std::string reason;
};
// What KeepSecrets stored before this engine began; nothing else comes earlier.
struct RestoreSecrets {
    SecretBytes secrets;
};
// The addresses of this host have changed, or the ways to the rest of the world. `usable`: whence we may move; `others`:
// ours as well, but loopback, link-local, virtual or on a link that is down.
struct HostAddresses {
    std::vector<model::IpAddress> usable;
    std::vector<model::IpAddress> others{};
};
// One of our addresses and one of the peer's between which packets may travel.
struct AddressPair {
    model::IpAddress local, remote;
    auto operator<=>(const AddressPair&) const = default;
};
// The answer to FindPaths: pairs to which a route leads, the best first.
struct PathsFound {
    model::IkeSaId sa;
    std::vector<AddressPair> pairs;
};
// The answer to FindGateway: the path of the first message to it, or why there is none.
struct GatewayFound {
    RedirectId id;
    Result<model::Path> path;
};
// An operator sends peers elsewhere (RFC 5685 §5): those of all established SAs that match.
struct Redirect {
    CommandId id;
    std::string ike{};
    std::optional<std::uint32_t> ike_id{};
    std::optional<model::AddressRange> peer_address{};
    std::optional<model::Identity> peer_id{};  // may have wildcards
    std::string gateway;                       // an address or a name
};
// Its special members are compiled once, in effects.cc: as inline ones they are most of what each file that includes this costs.
struct Input : std::variant<Datagram, JobDone, Fetched, PpksObtained, Tick, Configure, Initiate, Terminate, Rekey,
                            InstallPolicies, UninstallPolicies, Acquire, SelectorsViolated, UsageReport, InboundSeen,
                            PeerMoved, StreamOpened, StreamClosed, HostAddresses, PathsFound, GatewayFound, Redirect,
                            RestoreSecrets, Synchronize, Clone, ResourceWanted> {
    using variant::variant;
    Input(Input&& other) noexcept;
    Input& operator=(Input&& other) noexcept;
    ~Input();
};

// ---- effects ------------------------------------------------------------------------------------

struct Send {
    model::Path path;
    Bytes datagram;  // the driver adds the non-ESP marker in streams and when path.local.port is the NAT-T port
};
// A TCP stream to path.remote, from path.local.address and any port; StreamOpened or StreamClosed follows, within
// limits::tcp_connect_wait. What is sent into a stream that is not there is lost.
struct OpenStream {
    model::Path path;
};
// Nothing more will be sent. What was, still goes out, and what is under way to us may arrive for a while.
struct CloseStream {
    model::StreamId stream{};
};
// An authentic message came in a stream that we accepted: it may stay.
struct StreamProven {
    model::StreamId stream{};
};
struct SendKeepalive {  // RFC 3948 §2.3: one octet 0xff from the NAT-T port
    model::Path path;
};
struct StartJob {
    JobId id;
    crypto::Job job;
};
// By HTTP, within the limits of its kind; the author of the URL decides which addresses may be asked.
struct Fetch {
    FetchId id;
    crypto::LookUp what;
};
// PPKs that are used once, from the sources of connections (RFC 8784 §5.1). Answered by PpksObtained.
struct PpkWish {
    enum class Kind : std::uint8_t {
        fresh,   // one that nobody has had; nobody gets it a second time, not even after a crash
        find,    // those with the ids, each of which stays good until it is used up
        use_up,  // the key with the only id, for good; fails when somebody was faster
    };
    Kind kind{};
    std::vector<model::PpkSource> sources{};
    std::vector<model::PpkId> ids{};
    std::uint64_t pick = 0;  // which fresh one: random, so that two ends rarely take the same
};
struct ObtainPpks {
    JobId id;
    PpkWish wish;
};
struct InstallChild {
    model::ChildSaSpec spec;
};
// From now on outbound packets use this child (its inbound half was installed earlier).
struct ActivateChild {
    model::ChildId child;
    model::Resource resource = model::every_resource;  // that uses it from now on
};
// Outbound stops at once; inbound ends after `grace` (packets still under way after a rekey).
struct RemoveChild {
    model::ChildId child;
    Duration grace{0};
};
// RFC 6311 §5.2: as many numbers of outbound packets are never used; the last ones are not passed.
struct SkipSequenceNumbers {
    model::ChildId child;
    std::uint64_t count;
};
struct MoveChild {  // new outer path, e.g. after a NAT rebinding
    model::ChildId child;
    model::Path path;
    bool udp_encapsulation;
};
struct InstallPolicy {
    model::PolicySpec spec;
};
struct RemovePolicy {
    model::PolicyId policy;
};
// A virtual address was assigned to us (CP): add it to the host, or take it away.
struct AssignAddress {
    model::IkeSaId sa;
    std::string connection;
    model::IpAddress address;
    std::vector<model::IpAddress> dns;
    bool remove = false;
};
// Which pairs of addresses lead to these of the peer's? Answered by PathsFound.
struct FindPaths {
    model::IkeSaId sa;
    std::vector<model::IpAddress> remotes;
};
// The peer redirects us (RFC 5685): resolve the address or name. Answered by GatewayFound.
struct FindGateway {
    RedirectId id;
    std::shared_ptr<const model::Connection> connection;
    std::string gateway;
};
// A barrier: what follows in this step waits until the state is stored. A single node passes it at once.
struct Persist {
    model::IkeSaId sa;
};
// What must outlive a restart (ike/kept_secrets.h): the driver stores it, for its owner's eyes only, in place of what it stored
// before, ahead of the effects that follow.
struct KeepSecrets {
    SecretBytes secrets;
};
struct Report {
    model::Event event;
};
// The answer to a command: success, how many SAs matched, or why not.
struct CommandDone {
    CommandId id;
    Result<> result;
    std::uint32_t matches = 0;
};
// The IKE SA is gone and its keys are wiped; nothing more will be said about it.
struct Close {
    model::IkeSaId sa;
};
// Its special members are compiled once, in effects.cc: as inline ones they are most of what each file that includes this costs.
struct Effect : std::variant<Send, SendKeepalive, StartJob, Fetch, ObtainPpks, InstallChild, ActivateChild, RemoveChild,
                             SkipSequenceNumbers, MoveChild, InstallPolicy, RemovePolicy, AssignAddress, FindPaths,
                             FindGateway, Persist, KeepSecrets, Report, CommandDone, Close, OpenStream, CloseStream,
                             StreamProven> {
    using variant::variant;
    Effect(Effect&& other) noexcept;
    Effect& operator=(Effect&& other) noexcept;
    ~Effect();
};
using Effects = std::vector<Effect>;

}  // namespace cygnet::ike
