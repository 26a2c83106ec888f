// What the IKE SAs of one engine share: configuration, tables, counters, address pools. Owned by
// the engine; exchanges see it through their Context.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/shared.h"
#include "base/sorted_blocks.h"
#include "crypto/chain_cache.h"
#include "crypto/revocation_cache.h"
#include "ike/admission.h"
#include "ike/budget.h"
#include "ike/cookie.h"
#include "ike/engine.h"
#include "ike/feature_states.h"
#include "ike/kept_secrets.h"
#include "ike/look_ups.h"
#include "ike/policies.h"
#include "ike/failures.h"
#include "ike/key_pieces.h"
#include "ike/path_size.h"
#include "ike/pool.h"
#include "ike/sa.h"

namespace cygnet::ike {

struct Context;

// Handlers' results: what has been done about the message.
enum class Next : std::uint8_t {
    answered,      // a response was sent
    waiting,       // for a job
    sent_request,  // for the peer's response
    finished,      // our own exchange is over
    closed,        // the SA is
};

// Which of the SA's two exchanges a handler or a job belongs to.
enum class Slot : std::uint8_t { own, theirs };

// Continues an exchange with the result of its job; what it needs is in sa.own or sa.theirs.
using Resume = Result<Next> (*)(Context&, crypto::JobResult);

struct JobTicket {
    model::IkeSaId sa{};
    Slot slot{};
    Resume resume = nullptr;
    std::optional<Instant> patience{};  // of look-ups that it waits for: none begins later
};

// An operator's command that has not finished: it may concern several SAs.
struct CommandProgress {
    std::uint32_t matches = 0;
    std::uint32_t unfinished = 0;
    Result<> result{};
};

// A TCP stream as the IKE SAs see it (RFC 9329).
struct Stream {
    // Ours go through all states; accepted ones are open.
    enum class State : std::uint8_t { waiting, opening, open } state = State::open;
    std::set<model::IkeSaId> sas{};  // more than one only while an IKE SA is rekeyed (§6.1)
    unsigned failures = 0;           // of ours, in a row
    std::size_t bad_messages = 0;    // in a row
    bool proven = false;             // an authentic message came
};

// We were redirected, and the way to the new gateway is being looked up (RFC 5685).
struct PendingRedirect {
    std::shared_ptr<const model::Connection> connection{};
    Intent intent{};
    std::vector<std::string> more_children{};
};

class Core {
public:
    Core(Rng& generator, EngineSettings engine_settings)
        : rng(generator), settings(engine_settings), admission(engine_settings), cookies(generator),
          key_room({engine_settings.key_octets_of_strangers, engine_settings.key_octets_per_prefix, engine_settings.key_octets_of_peers}) {}

    Rng& rng;
    EngineSettings settings;
    std::shared_ptr<const model::Config> config = std::make_shared<model::Config>();
    std::shared_ptr<const Credentials> credentials = std::make_shared<Credentials>();
    model::Counters counters{};
    std::map<std::string, model::FewCounters, std::less<>> connection_counters{};
    Admission admission;
    CookieMint cookies;
    KeyRoom key_room;  // of public values that come in pieces
    std::shared_ptr<crypto::ChainCache> chains = std::make_shared<crypto::ChainCache>();
    std::shared_ptr<crypto::RevocationCache> revocations = std::make_shared<crypto::RevocationCache>();
    LookUps look_ups{};
    std::size_t waiting_octets = 0;  // of all SAs, see Handshake::waiting
    AddressPools pools{};
    Policies policies{};
    PathSizes path_sizes{};
    std::map<model::StreamId, Stream> streams{};
    FailureLog failures{};
    std::vector<model::IpAddress> host_addresses{}, other_addresses{};  // as HostAddresses told; none: nobody has
    KeptSecrets kept{};         // what a restart does not take
    FeatureStates features{};   // what extensions keep of more than one SA
    std::unordered_map<std::uint64_t, JobTicket> jobs{};
    std::map<CommandId, CommandProgress> commands{};
    std::map<RedirectId, PendingRedirect> redirects{};

    // ---- IKE SAs
    // A new SA with a fresh SPI of our own, in the state Connecting.
    IkeSa& create_sa(bool initiator, std::shared_ptr<const model::Connection> connection, const model::Path& path);
    // The same with an SPI of allocate_ike_spi(), which a rekey told the peer before.
    IkeSa& create_sa(bool initiator, std::shared_ptr<const model::Connection> connection, const model::Path& path,
                     std::uint64_t own_spi);
    std::uint64_t allocate_ike_spi();  // never zero, never in use
    // Unless an SA has taken it over.
    void release_ike_spi(std::uint64_t spi);
    IkeSa* find_sa(model::IkeSaId id);
    IkeSa* find_sa_by_own_spi(std::uint64_t spi);
    // An SA has it, or a rekey under way has told it to the peer.
    bool is_own_spi(std::uint64_t spi) const { return sa_with_own_spi(spi).has_value(); }
    // Removes the SA from all tables; it must be closed.
    void destroy_sa(model::IkeSaId id);
    const std::map<model::IkeSaId, IkeSa>& sas() const { return sas_; }

    // The wall clock, in seconds since 1970.
    std::int64_t unix_seconds(Instant now) const {
        return settings.unix_seconds_at_start + std::chrono::duration_cast<seconds>(now.since_start()).count();
    }

    // RFC 7296 §2.4: what strangers can make us say is limited; true while the budget of this second lasts.
    bool may_reply_to_stranger(Instant now);

    // SAs whose tasks, deadlines or end the engine looks after when the step is over.
    void touch(model::IkeSaId id) { touched_.push_back(id); }
    // Takes them over into `ids`, each once and in their order; false: there are none.
    bool take_touched(std::vector<model::IkeSaId>& ids);

    // ---- established SAs by who talks to whom: the policy for a second SA of a peer asks, for every new one
    void index_established(const IkeSa& sa);
    // Those among them whose peer proved no identity (RFC 7619).
    const std::set<model::IkeSaId>& anonymous() const { return anonymous_; }
    std::vector<IkeSa*> established_between(const model::Identity& own, const model::Identity& peer);
    // The SAs of a connection: those that we began and those that are established.
    std::vector<IkeSa*> of_connection(const std::string& connection);
    bool any_established(const std::string& connection);
    // Whether another SA of the connection than `except` holds a virtual address that a peer assigned.
    bool holds_address(const std::string& connection, model::IpAddress address, model::IkeSaId except);

    // ---- children
    std::uint32_t allocate_child_spi();  // never 0 to 255 (RFC 4303 §2.1), never in use
    void release_child_spi(std::uint32_t spi);
    // The index for packets that come in compressed to the child with this SPI of ours: no other child has it until the SPI is
    // released. Nothing when all are in use.
    std::optional<std::uint16_t> cpi_of(std::uint32_t spi);
    model::ChildId next_child_id() { return static_cast<model::ChildId>(++last_child_id_); }
    std::uint32_t next_child_unique_id() { return ++last_child_unique_id_; }
    void index_child(const Child& child, const IkeSa& sa);
    void forget_child(const Child& child, const IkeSa& sa);
    IkeSa* find_sa_of_child(model::ChildId child);
    // The children between the same two identities with the same selectors, among them perhaps some others: who asks compares.
    std::vector<model::ChildId> maybe_twins(const IkeSa& sa, const SelectorPair& selectors) const;
    std::size_t child_count() const { return child_owner_.size(); }

    // ---- streams
    model::StreamId next_stream_id() { return static_cast<model::StreamId>(last_stream_id_ += 2); }

    // ---- jobs
    RedirectId next_redirect_id() { return static_cast<RedirectId>(++last_redirect_id_); }
    JobId next_job_id() { return static_cast<JobId>(++last_job_id_); }

    // ---- commands
    void begin_command(CommandId id, std::uint32_t matches);
    // One of the command's parts is done; after the last one, CommandDone.
    void finish_part(CommandId id, Result<> result, Effects& effects);

    // ---- retransmitted first requests: the initiator's SPI and its address name the SA that one has made
    void index_first_request(const IkeSa& sa);
    IkeSa* made_by_first_request(std::uint64_t spi_i, const model::IpAddress& remote);

    // ---- what many SAs have alike
    SharedValues<model::ChosenProposal> proposals{};
    SharedValues<model::Identity> own_ids{};

private:
    std::optional<model::IkeSaId> sa_with_own_spi(std::uint64_t spi) const;
    void forget_established(const IkeSa& sa);
    // Calls with each SA of the connection until one suits.
    bool any_of_connection(const std::string& connection, const std::function<bool(const IkeSa&)>& suits);

    // What leads to very many SAs or children, under a hash of what they have in common: who looks up compares.
    template <class Id>
    using ByHash = SortedBlocks<std::pair<std::uint64_t, Id>>;

    SortedBlocks<std::pair<std::uint64_t, model::IkeSaId>> by_own_spi_;
    ByHash<model::IkeSaId> established_between_;  // two identities
    ByHash<model::IkeSaId> of_connection_;        // a name
    ByHash<model::ChildId> children_between_;     // two identities and the selectors of both
    ByHash<model::IkeSaId> first_requests_;       // the initiator's SPI and address
    std::set<model::IkeSaId> anonymous_;
    SortedBlocks<std::uint32_t> child_spis_;
    std::map<std::uint32_t, std::uint16_t> cpis_;  // of children with compression, by SPI
    std::set<std::uint16_t> used_cpis_;
    SortedBlocks<std::pair<model::ChildId, model::IkeSaId>> child_owner_;
    std::vector<model::IkeSaId> touched_;
    std::uint32_t last_sa_id_ = 0;
    std::uint64_t last_child_id_ = 0;
    std::uint32_t last_child_unique_id_ = 0;
    std::uint64_t last_job_id_ = 0;
    std::uint64_t last_stream_id_ = 0;
    std::uint64_t last_redirect_id_ = 0;
    Budget replies_{};
    // Destroyed first: exchanges under way give their SPIs back.
    std::map<model::IkeSaId, IkeSa> sas_;
    IkeSa* recent_ = nullptr;  // the one that was found last
};

}  // namespace cygnet::ike
