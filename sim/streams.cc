#include "sim/streams.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/world.h"

namespace cygnet::sim {
namespace {

constexpr Duration retry_interval = milliseconds(500);

}  // namespace

bool Streams::blocked() const { return world_.network.link.cut || world_.network.link.tcp_blocked; }

std::size_t Streams::count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        streams_, [](const Shared& stream) { return !stream->broken && !stream->ends[0].closed && !stream->ends[1].closed; }));
}

void Streams::refuse(Node& from, model::StreamId stream, Duration after, const std::string& reason) {
    world_.after(after, [&from, stream, reason] { from.step(ike::StreamClosed{.stream = stream, .reason = reason}); });
}

void Streams::open(Node& from, const model::Path& path) {
    if (blocked()) return refuse(from, path.stream, model::limits::tcp_connect_wait, "connecting timed out");
    world_.after(world_.network.link.delay * 2, [this, &from, path] { connect(from, path); });
}

void Streams::connect(Node& from, const model::Path& path) {
    Node* to = world_.find(path.remote.address);
    if (to == nullptr || !to->running() || to->tcp_port() != path.remote.port)
        return refuse(from, path.stream, Duration{0}, "connection refused");
    auto stream = std::make_shared<Stream>();
    model::Path ours = path;
    ours.local = {from.address(), ++last_port_};
    model::Endpoint seen = ours.local;
    if (world_.network.nat && from.address() == world_.network.nat->inside())
        seen = {.address = world_.network.nat->outside(), .port = static_cast<std::uint16_t>(last_port_ + 10'000)};
    const auto accepted = static_cast<model::StreamId>(last_accepted_ += 2);
    stream->ends[0] = {.node = &from, .incarnation = from.incarnation(), .name = path.stream, .path = ours};
    stream->ends[1] = {.node = to, .incarnation = to->incarnation(), .name = accepted, .path = {path.remote, seen, accepted}};
    streams_.push_back(stream);
    from.step(ike::StreamOpened{ours});
}

Streams::Shared Streams::find(const Node& at, model::StreamId name, std::size_t& end) const {
    for (const Shared& stream : streams_)
        for (end = 0; end < 2; ++end)
            if (const End& one = stream->ends[end]; one.node == &at && one.name == name && one.incarnation == at.incarnation())
                return stream;
    return nullptr;
}

void Streams::send(Node& from, Packet packet) {
    std::size_t end = 0;
    const Shared stream = find(from, packet.stream, end);
    if (!stream || stream->ends[end].closed) return;
    if (stream->broken) return tell_end(stream, end, "connection reset");
    if (packet.ike() != nullptr) world_.note_under_way(true);
    stream->queues[end].push_back({std::move(packet), world_.now()});
    pump(stream, end);
}

// Everything in front of the queue goes, unless the path holds it back.
void Streams::pump(const Shared& stream, std::size_t from) {
    auto& queue = stream->queues[from];
    if (stream->pumping[from]) return;
    while (!queue.empty() && !stream->broken) {
        if (blocked()) {
            if (world_.now() - queue.front().since >= model::limits::tcp_unacknowledged_wait)
                return break_down(stream, "nothing was acknowledged");
            stream->pumping[from] = true;
            return world_.after(retry_interval, [this, stream, from] {
                stream->pumping[from] = false;
                pump(stream, from);
            });
        }
        // The delay is the same for all, so that their order stays.
        world_.after(world_.network.link.delay, [this, stream, to = 1 - from, packet = std::move(queue.front().packet)]() mutable {
            deliver(stream, to, std::move(packet));
        });
        queue.pop_front();
    }
}

void Streams::deliver(const Shared& stream, std::size_t to, Packet packet) {
    if (packet.ike() != nullptr) world_.note_under_way(false);
    const End& end = stream->ends[to];
    if (stream->broken || end.told) return;
    if (!end.node->running() || end.node->incarnation() != end.incarnation) return break_down(stream, "connection reset");
    packet.from = end.path.remote;
    packet.to = end.path.local;
    packet.stream = end.name;
    end.node->receive(packet);
}

void Streams::close(Node& at, model::StreamId name) {
    std::size_t end = 0;
    const Shared stream = find(at, name, end);
    if (!stream || stream->ends[end].closed) return;
    stream->ends[end].closed = true;
    world_.after(world_.network.link.delay, [this, stream, end] { tell_end(stream, 1 - end, "closed by the peer"); });
    world_.after(world_.network.link.delay * 2, [this, stream, end] { tell_end(stream, end, "closed"); });
}

void Streams::tell_end(const Shared& stream, std::size_t which, const std::string& reason) {
    End& end = stream->ends[which];
    if (std::exchange(end.told, true)) return;
    end.closed = true;
    if (end.node->running() && end.node->incarnation() == end.incarnation)
        end.node->step(ike::StreamClosed{.stream = end.name, .reason = reason});
}

void Streams::break_down(const Shared& stream, const std::string& reason, bool silently) {
    stream->broken = true;
    for (auto& queue : stream->queues)
        for (; !queue.empty(); queue.pop_front())
            if (queue.front().packet.ike() != nullptr) world_.note_under_way(false);
    for (const std::size_t end : {0U, 1U})
        if (!silently) tell_end(stream, end, reason);
}

void Streams::reset(bool silently) {
    const auto all = streams_;
    for (const Shared& stream : all)
        if (!stream->broken) break_down(stream, "connection reset", silently);
}

}  // namespace cygnet::sim
