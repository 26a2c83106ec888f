#include "daemon/tcp_carrier.h"

#include <fmt/format.h>

namespace cygnet::daemon {

namespace limits = model::limits;
using model::LogGroup;
using model::StreamId;
using wire::StreamContent;
using wire::StreamReader;

namespace {

constexpr std::size_t prefix_octets_v4 = 3, prefix_octets_v6 = 8;
constexpr os::TcpTimes times{.connect = limits::tcp_connect_wait,
                             .unacknowledged = limits::tcp_unacknowledged_wait,
                             .keepalive_idle = limits::tcp_keepalive_idle,
                             .close_grace = limits::tcp_close_grace};

}  // namespace

TcpCarrier::TcpCarrier(os::EventLoop& loop, Log& log, TcpCarrierEvents events, std::function<Result<>(int)> prepare,
                       const TcpCarrierLimits& most)
    : log_(log),
      events_(std::move(events)),
      limits_(most),
      timer_(loop, [this] { sweep(); }),
      streams_(loop, times,
               {.admits = [this](const model::Endpoint& remote) { return admits(remote); },
                .opened = [this](const model::Path& path, bool came_in) { begin(path, came_in); },
                .received = [this](StreamId stream, ByteView octets) { receive(stream, octets); },
                .closed = [this](StreamId stream, const std::string& reason) { end(stream, reason); }},
               std::move(prepare)) {}

Result<std::uint16_t> TcpCarrier::listen(std::uint16_t port) {
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        const auto listening = streams_.listen(family, port);
        if (listening) port = *listening;
        else if (listening.error().code != Errc::unsupported) return fail(listening.error());
    }
    return port;
}

// ---- who may come ---------------------------------------------------------------------------------

TcpCarrier::Prefix TcpCarrier::prefix_of(const model::IpAddress& address) {
    const bool v4 = address.family() == model::Family::v4;
    std::uint64_t number = 0;
    for (const std::uint8_t octet : address.bytes().first(v4 ? prefix_octets_v4 : prefix_octets_v6)) number = number << 8 | octet;
    return {address.family(), number};
}

bool TcpCarrier::admits(const model::Endpoint& remote) {
    const auto known = accepted_by_prefix_.find(prefix_of(remote.address));
    const bool crowded = known != accepted_by_prefix_.end() && known->second >= limits_.streams_per_prefix;
    if (!crowded && accepted_ < limits_.streams) return true;
    log_.write(LogGroup::net, 1,
               fmt::format("TCP stream from {} refused: too many {}", remote.text(), crowded ? "from its network" : "in all"));
    return false;
}

void TcpCarrier::begin(const model::Path& path, bool came_in) {
    const Instant now = os::now();
    const auto prefix = came_in ? StreamReader::Prefix::expected : StreamReader::Prefix::sent_by_us;
    entries_.insert_or_assign(path.stream, Entry{.path = path,
                                                 .reader = StreamReader(prefix),
                                                 .came_in = came_in,
                                                 .proven = !came_in,
                                                 .began = now,
                                                 .incomplete_since = Instant::never()});
    if (entries_.size() == 1) timer_.set(now + limits_.sweep_interval);
    if (came_in) {
        ++accepted_;
        ++accepted_by_prefix_[prefix_of(path.remote.address)];
        log_.write(LogGroup::net, 2, fmt::format("TCP stream from {}", path.remote.text()));
        return;
    }
    // RFC 9329 §4: once, first, and by the originator alone.
    streams_.send(path.stream, bytes_of(wire::stream_prefix));
    events_.opened(path);
}

void TcpCarrier::prove(StreamId stream) {
    const auto found = entries_.find(stream);
    if (found != entries_.end()) found->second.proven = true;
}

// ---- octets ---------------------------------------------------------------------------------------

void TcpCarrier::receive(StreamId stream, ByteView octets) {
    auto found = entries_.find(stream);
    if (found == entries_.end()) return;
    found->second.reader.add(octets);
    for (;;) {
        const auto next = found->second.reader.next();
        if (!next) {
            log_.write(LogGroup::net, 1,
                       fmt::format("closing the TCP stream with {}: {}", found->second.path.remote.text(), next.error().detail));
            return streams_.abort(stream, next.error().detail);
        }
        if (!*next) break;
        const model::Path path = found->second.path;
        const bool ike = (*next)->content == StreamContent::ike;
        (ike ? events_.ike_message : events_.esp_packet)(path, (*next)->octets);
        // Whoever heard of it may have ended the stream.
        found = entries_.find(stream);
        if (found == entries_.end()) return;
    }
    Entry& entry = found->second;
    if (entry.reader.incomplete() == 0) entry.incomplete_since = Instant::never();
    else if (entry.incomplete_since == Instant::never()) entry.incomplete_since = os::now();
}

Result<> TcpCarrier::send_ike(StreamId stream, ByteView message) {
    const auto found = entries_.find(stream);
    if (found == entries_.end() || found->second.closing) return fail(Errc::state, "TCP", "the stream is not there");
    Bytes framed;
    TRY(wire::write_stream_message(framed, StreamContent::ike, message));
    if (streams_.queued(stream) + framed.size() > limits::tcp_queued_octets_max) {
        streams_.abort(stream, "the peer does not read");
        return fail(Errc::limit, "TCP", "the peer does not read");
    }
    streams_.send(stream, framed);
    return {};
}

bool TcpCarrier::send_esp(StreamId stream, ByteView packet) {
    const auto found = entries_.find(stream);
    if (found == entries_.end() || found->second.closing || streams_.queued(stream) > limits::tcp_queued_octets) return false;
    Bytes framed;
    if (!wire::write_stream_message(framed, StreamContent::esp, packet)) return false;
    streams_.send(stream, framed);
    return true;
}

// ---- how streams end ------------------------------------------------------------------------------

void TcpCarrier::close(StreamId stream) {
    const auto found = entries_.find(stream);
    if (found != entries_.end()) found->second.closing = true;
    streams_.close(stream);
}

void TcpCarrier::end(StreamId stream, const std::string& reason) {
    const auto ended = entries_.extract(stream);
    if (!ended.empty() && ended.mapped().came_in) {
        --accepted_;
        const auto prefix = accepted_by_prefix_.find(prefix_of(ended.mapped().path.remote.address));
        if (--prefix->second == 0) accepted_by_prefix_.erase(prefix);
        log_.write(LogGroup::net, 2, fmt::format("TCP stream from {} ended: {}", ended.mapped().path.remote.text(), reason));
    }
    events_.closed(stream, reason);
}

// RFC 9329 leaves open how long a stream may be idle: nobody holds one without showing who he is, or with half a message.
const char* TcpCarrier::overdue(const Entry& entry, Instant now) const {
    if (!entry.reader.prefix_complete() && now - entry.began > limits_.prefix_wait) return "no stream prefix in time";
    if (!entry.proven && now - entry.began > limits_.first_message_wait) return "no authentic message in time";
    if (entry.incomplete_since != Instant::never() && now - entry.incomplete_since > limits_.frame_wait)
        return "a message was not finished in time";
    return nullptr;
}

void TcpCarrier::sweep() {
    const Instant now = os::now();
    for (const auto& [stream, entry] : entries_)
        if (const char* reason = overdue(entry, now)) streams_.abort(stream, reason);
    if (!entries_.empty()) timer_.set(now + limits_.sweep_interval);
}

}  // namespace cygnet::daemon
