#include "ike/core.h"

#include <algorithm>
#include <ranges>
#include <string_view>
#include <utility>

namespace cygnet::ike {
namespace {

constexpr model::IkeSaId no_sa_yet{};

std::uint64_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

// FNV-1a's way of adding one value to those before it.
std::uint64_t joined(std::uint64_t hash, std::uint64_t value) { return (hash ^ value) * 0x100000001b3; }

std::uint64_t hash_of(const model::Identity& own, const model::Identity& peer) {
    std::uint64_t hash = 0;
    for (const model::Identity* id : {&own, &peer})
        hash = joined(joined(hash, static_cast<std::uint64_t>(id->type)), hash_of(base::text_of(ByteView(id->data))));
    return hash;
}

std::uint64_t hash_of(const IkeSa& sa, const SelectorPair& selectors) {
    std::uint64_t hash = hash_of(sa.own_id, sa.peer_id);
    for (const model::TrafficSelectors* side : {&selectors.local, &selectors.remote})
        for (const model::TrafficSelector& selector : *side) {
            for (const model::IpAddress& end : {selector.addresses.first, selector.addresses.last})
                hash = joined(hash, hash_of(base::text_of(end.bytes())));
            hash = joined(hash, selector.protocol);
            hash = joined(hash, std::uint64_t{selector.first_port} << 16 | selector.last_port);
        }
    return hash;
}

std::uint64_t hash_of(std::uint64_t spi, const model::IpAddress& address) {
    return joined(spi, hash_of(base::text_of(address.bytes())));
}

// Those that the index has under a hash, in the order of their numbers.
template <class Id>
auto range_of(const SortedBlocks<std::pair<std::uint64_t, Id>>& index, std::uint64_t hash) {
    return std::ranges::subrange(index.lower_bound({hash, Id{}}), index.end()) |
           std::views::take_while([hash](const auto& entry) { return entry.first == hash; });
}

}  // namespace

std::uint64_t Core::allocate_ike_spi() {
    std::uint64_t spi = 0;
    while (spi == 0 || is_own_spi(spi)) spi = rng.u64();
    by_own_spi_.insert({spi, no_sa_yet});
    return spi;
}

void Core::release_ike_spi(std::uint64_t spi) {
    by_own_spi_.erase({spi, no_sa_yet});
}

IkeSa& Core::create_sa(bool initiator, std::shared_ptr<const model::Connection> connection, const model::Path& path) {
    return create_sa(initiator, std::move(connection), path, allocate_ike_spi());
}

IkeSa& Core::create_sa(bool initiator, std::shared_ptr<const model::Connection> connection, const model::Path& path,
                       std::uint64_t own_spi) {
    const auto id = static_cast<model::IkeSaId>(++last_sa_id_);
    IkeSa& sa = sas_[id];
    sa.id = id;
    sa.initiator = initiator;
    sa.connection = std::move(connection);
    sa.path = path;
    sa.client = initiator;
    if (path.tcp()) streams[path.stream].sas.insert(id);
    (initiator ? sa.spis.initiator : sa.spis.responder) = own_spi;
    release_ike_spi(own_spi);
    by_own_spi_.insert({own_spi, id});
    if (initiator) of_connection_.insert({hash_of(sa.connection->name), id});
    touch(id);
    return sa;
}

IkeSa* Core::find_sa(model::IkeSaId id) {
    // A step asks for the same one again and again.
    if (recent_ != nullptr && recent_->id == id) return recent_;
    const auto found = sas_.find(id);
    if (found == sas_.end()) return nullptr;
    recent_ = &found->second;
    return recent_;
}

IkeSa* Core::find_sa_by_own_spi(std::uint64_t spi) {
    const auto found = sa_with_own_spi(spi);
    return found ? find_sa(*found) : nullptr;
}

std::optional<model::IkeSaId> Core::sa_with_own_spi(std::uint64_t spi) const {
    const auto found = by_own_spi_.lower_bound({spi, no_sa_yet});
    if (found == by_own_spi_.end() || found->first != spi) return std::nullopt;
    return found->second;
}

void Core::destroy_sa(model::IkeSaId id) {
    IkeSa* sa = find_sa(id);
    ASSERT(sa != nullptr && sa->closed && sa->children.empty());
    by_own_spi_.erase({sa->own_spi(), id});
    forget_established(*sa);
    admission.closed(id);
    if (sa->half_open()) waiting_octets -= sa->handshake().waiting_octets;
    if (!sa->initiator) first_requests_.erase({hash_of(sa->spis.initiator, sa->init_address), id});
    for (const std::optional<JobId>& job : sa->jobs)
        if (job) jobs.erase(static_cast<std::uint64_t>(*job));
    recent_ = nullptr;
    sas_.erase(id);
}

bool Core::take_touched(std::vector<model::IkeSaId>& ids) {
    ids.clear();
    std::swap(ids, touched_);
    std::ranges::sort(ids);
    const auto repeated = std::ranges::unique(ids);
    ids.erase(repeated.begin(), repeated.end());
    return !ids.empty();
}

bool Core::may_reply_to_stranger(Instant now) {
    return replies_.take(now, model::limits::invalid_spi_replies_per_second);
}

void Core::index_established(const IkeSa& sa) {
    established_between_.insert({hash_of(sa.own_id, sa.peer_id), sa.id});
    of_connection_.insert({hash_of(sa.connection->name), sa.id});
    if (sa.peer_anonymous) anonymous_.insert(sa.id);
}

void Core::forget_established(const IkeSa& sa) {
    anonymous_.erase(sa.id);
    established_between_.erase({hash_of(sa.own_id, sa.peer_id), sa.id});
    if (sa.connection) of_connection_.erase({hash_of(sa.connection->name), sa.id});
}

std::vector<IkeSa*> Core::of_connection(const std::string& connection) {
    std::vector<IkeSa*> found;
    for (const auto& [hash, id] : range_of(of_connection_, hash_of(connection)))
        if (IkeSa* sa = find_sa(id); sa->connection->name == connection) found.push_back(sa);
    return found;
}

bool Core::any_of_connection(const std::string& connection, const std::function<bool(const IkeSa&)>& suits) {
    return std::ranges::any_of(range_of(of_connection_, hash_of(connection)), [&](const auto& entry) {
        const IkeSa& sa = *find_sa(entry.second);
        return sa.connection->name == connection && suits(sa);
    });
}

bool Core::any_established(const std::string& connection) {
    return any_of_connection(connection, [](const IkeSa& sa) { return sa.established(); });
}

bool Core::holds_address(const std::string& connection, model::IpAddress address, model::IkeSaId except) {
    return any_of_connection(connection, [&](const IkeSa& sa) {
        return sa.id != except && !sa.closed &&
               std::ranges::find(sa.own_virtual_addresses(), address) != sa.own_virtual_addresses().end();
    });
}

std::vector<IkeSa*> Core::established_between(const model::Identity& own, const model::Identity& peer) {
    std::vector<IkeSa*> found;
    for (const auto& [hash, id] : range_of(established_between_, hash_of(own, peer)))
        if (IkeSa* sa = find_sa(id); *sa->own_id == own && sa->peer_id == peer) found.push_back(sa);
    return found;
}

void Core::index_first_request(const IkeSa& sa) {
    first_requests_.insert({hash_of(sa.spis.initiator, sa.init_address), sa.id});
}

IkeSa* Core::made_by_first_request(std::uint64_t spi_i, const model::IpAddress& remote) {
    IkeSa* newest = nullptr;
    for (const auto& [hash, id] : range_of(first_requests_, hash_of(spi_i, remote)))
        if (IkeSa* sa = find_sa(id); sa->spis.initiator == spi_i && sa->init_address == remote) newest = sa;
    return newest;
}

void Core::index_child(const Child& child, const IkeSa& sa) {
    if (const IkeSa* before = find_sa_of_child(child.id)) child_owner_.erase({child.id, before->id});
    child_owner_.insert({child.id, sa.id});
    children_between_.insert({hash_of(sa, child.terms.selectors), child.id});
}

void Core::forget_child(const Child& child, const IkeSa& sa) {
    child_owner_.erase({child.id, sa.id});
    children_between_.erase({hash_of(sa, child.terms.selectors), child.id});
}

std::vector<model::ChildId> Core::maybe_twins(const IkeSa& sa, const SelectorPair& selectors) const {
    std::vector<model::ChildId> found;
    for (const auto& [hash, id] : range_of(children_between_, hash_of(sa, selectors))) found.push_back(id);
    return found;
}

std::optional<std::uint16_t> Core::cpi_of(std::uint32_t spi) {
    if (const auto known = cpis_.find(spi); known != cpis_.end()) return known->second;
    constexpr std::size_t all = model::cpi_last - model::cpi_first + std::size_t{1};
    if (used_cpis_.size() == all) return std::nullopt;
    std::size_t number = rng.u32() % all;  // from there on, the next free one
    while (!used_cpis_.insert(static_cast<std::uint16_t>(model::cpi_first + number)).second) number = (number + 1) % all;
    return cpis_.emplace(spi, static_cast<std::uint16_t>(model::cpi_first + number)).first->second;
}

void Core::release_child_spi(std::uint32_t spi) {
    child_spis_.erase(spi);
    const auto compressed = cpis_.find(spi);
    if (compressed == cpis_.end()) return;
    used_cpis_.erase(compressed->second);
    cpis_.erase(compressed);
}

std::uint32_t Core::allocate_child_spi() {
    constexpr std::uint32_t first_usable = 256;
    for (;;) {
        const std::uint32_t spi = rng.u32();
        if (spi >= first_usable && child_spis_.insert(spi)) return spi;
    }
}

IkeSa* Core::find_sa_of_child(model::ChildId child) {
    const auto found = child_owner_.lower_bound({child, model::IkeSaId{}});
    return found == child_owner_.end() || found->first != child ? nullptr : find_sa(found->second);
}

void Core::begin_command(CommandId id, std::uint32_t matches) {
    commands[id] = CommandProgress{.matches = matches, .unfinished = matches};
}

void Core::finish_part(CommandId id, Result<> result, Effects& effects) {
    const auto found = commands.find(id);
    if (found == commands.end()) return;
    CommandProgress& progress = found->second;
    if (!result && progress.result) progress.result = std::move(result);
    if (--progress.unfinished > 0) return;
    effects.push_back(CommandDone{.id = id, .result = std::move(progress.result), .matches = progress.matches});
    commands.erase(found);
}

}  // namespace cygnet::ike
