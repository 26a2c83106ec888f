#include "ike/core.h"

#include <algorithm>
#include <utility>

namespace cygnet::ike {

std::uint64_t Core::fresh_spi() {
    std::uint64_t spi = 0;
    while (spi == 0 || by_own_spi_.contains(spi)) spi = rng.u64();
    return spi;
}

IkeSa& Core::create_sa(bool initiator, std::shared_ptr<const model::Connection> connection, const model::Path& path) {
    return create_sa(initiator, std::move(connection), path, fresh_spi());
}

IkeSa& Core::create_sa(bool initiator, std::shared_ptr<const model::Connection> connection, const model::Path& path,
                       std::uint64_t own_spi) {
    auto sa = std::make_unique<IkeSa>();
    sa->id = static_cast<model::IkeSaId>(++last_sa_id_);
    sa->initiator = initiator;
    sa->connection = std::move(connection);
    sa->path = sa->answer_path = path;
    sa->tcp_originator = initiator;
    if (path.tcp()) streams[path.stream].sas.insert(sa->id);
    (initiator ? sa->spis.initiator : sa->spis.responder) = own_spi;
    by_own_spi_[own_spi] = sa->id;
    if (initiator) of_connection_[sa->connection->name].insert(sa->id);
    touch(sa->id);
    return *(sas_[sa->id] = std::move(sa));
}

IkeSa* Core::find_sa(model::IkeSaId id) {
    const auto found = sas_.find(id);
    return found == sas_.end() ? nullptr : found->second.get();
}

IkeSa* Core::find_sa_by_own_spi(std::uint64_t spi) {
    const auto found = by_own_spi_.find(spi);
    return found == by_own_spi_.end() ? nullptr : find_sa(found->second);
}

void Core::destroy_sa(model::IkeSaId id) {
    IkeSa* sa = find_sa(id);
    ASSERT(sa != nullptr && sa->closed && sa->children.empty());
    by_own_spi_.erase(sa->own_spi());
    forget_established(*sa);
    admission.closed(id);
    if (sa->half_open()) waiting_octets -= sa->handshake().waiting_octets;
    if (!sa->initiator) {
        const auto entry = init_requests.find({sa->spis.initiator, sa->init_address});
        if (entry != init_requests.end() && entry->second.sa == id) init_requests.erase(entry);
    }
    for (const std::optional<JobId>& job : sa->jobs)
        if (job) jobs.erase(static_cast<std::uint64_t>(*job));
    sas_.erase(id);
}

bool Core::may_reply_to_stranger(Instant now) {
    return replies_.take(now, model::limits::invalid_spi_replies_per_second);
}

void Core::index_established(const IkeSa& sa) {
    established_between_[{sa.own_id, sa.peer_id}].insert(sa.id);
    of_connection_[sa.connection->name].insert(sa.id);
    if (sa.peer_anonymous) anonymous_.insert(sa.id);
}

void Core::forget_established(const IkeSa& sa) {
    anonymous_.erase(sa.id);
    const auto pair = established_between_.find({sa.own_id, sa.peer_id});
    if (pair != established_between_.end() && pair->second.erase(sa.id) != 0 && pair->second.empty())
        established_between_.erase(pair);
    const auto connection = sa.connection ? of_connection_.find(sa.connection->name) : of_connection_.end();
    if (connection != of_connection_.end() && connection->second.erase(sa.id) != 0 && connection->second.empty())
        of_connection_.erase(connection);
}

std::vector<IkeSa*> Core::of_connection(const std::string& connection) {
    std::vector<IkeSa*> found;
    const auto ids = of_connection_.find(connection);
    if (ids == of_connection_.end()) return found;
    for (const model::IkeSaId id : ids->second) found.push_back(find_sa(id));
    return found;
}

bool Core::any_established(const std::string& connection) {
    return std::ranges::any_of(of_connection(connection), [](const IkeSa* sa) { return sa->established(); });
}

bool Core::holds_address(const std::string& connection, model::IpAddress address, model::IkeSaId except) {
    return std::ranges::any_of(of_connection(connection), [&](const IkeSa* sa) {
        return sa->id != except && !sa->closed &&
               std::ranges::find(sa->own_virtual_addresses, address) != sa->own_virtual_addresses.end();
    });
}

std::vector<IkeSa*> Core::established_between(const model::Identity& own, const model::Identity& peer) {
    std::vector<IkeSa*> found;
    const auto pair = established_between_.find({own, peer});
    if (pair == established_between_.end()) return found;
    for (const model::IkeSaId id : pair->second) found.push_back(find_sa(id));
    return found;
}

std::uint32_t Core::allocate_child_spi() {
    constexpr std::uint32_t first_usable = 256;
    for (;;) {
        const std::uint32_t spi = rng.u32();
        if (spi >= first_usable && child_spis_.insert(spi).second) return spi;
    }
}

IkeSa* Core::find_sa_of_child(model::ChildId child) {
    const auto found = child_owner_.find(child);
    return found == child_owner_.end() ? nullptr : find_sa(found->second);
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
