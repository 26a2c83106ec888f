#include "ike/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ike/dispatch.h"
#include "ike/exchange/ike_sa_init.h"
#include "ike/timers.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

namespace limits = model::limits;

Duration reopening_delay(unsigned failures) {
    if (failures == 0) return Duration{0};
    const unsigned doublings = std::min(failures - 1, 16u);
    return std::min(limits::tcp_reconnect_first * (1 << doublings), limits::tcp_reconnect_max);
}

// The handshake waits for its stream before the first message, whose content names our port (§6.5).
bool not_begun(const IkeSa& sa) {
    return sa.phase() == Phase::connecting && !sa.own &&
           !sa.window.outstanding() && !sa.jobs[static_cast<std::size_t>(Slot::own)];
}

model::Path wanted_path(const IkeSa& sa, model::StreamId stream) {
    return {.local = {sa.path.local.address, 0},
            .remote = {sa.path.remote.address, sa.path.tcp() ? sa.path.remote.port : sa.connection->remote_tcp_port},
            .stream = stream};
}

// The SA no longer uses its stream; the last one that did closes it.
void forget_stream(Core& core, const IkeSa& sa, Effects& effects) {
    const auto found = core.streams.find(sa.path.stream);
    if (found == core.streams.end() || found->second.sas.erase(sa.id) == 0 || !found->second.sas.empty()) return;
    const bool exists = found->second.state != Stream::State::waiting;
    // Accepted streams are forgotten when they end.
    if (opened_by_us(found->first)) core.streams.erase(found);
    if (exists) effects.push_back(CloseStream{sa.path.stream});
}

void move_children(Context& context) {
    for (const auto& [id, child] : context.sa.children)
        context.effects.push_back(
            MoveChild{.child = id, .path = context.sa.path, .udp_encapsulation = child.udp_encapsulation});
}

// §6.2: a request that waits for its answer is sent again in a new stream. Its patience is not renewed, so that a peer that
// takes streams and says nothing does not keep the SA for ever.
void repeat_outstanding(Context& context) {
    IkeSa& sa = context.sa;
    if (!sa.window.outstanding()) return;
    trace_repeated(context, sa.window.outstanding_request());
    context.send(sa.window.outstanding_request(), sa.path);
}

// The same over another transport: in fragments or whole, with the retransmission that belongs to it.
void recut_outstanding(Context& context) {
    IkeSa& sa = context.sa;
    if (!sa.window.outstanding() || !sa.protection) return;
    if (fits(context, sa.window.outstanding_request(), sa.path)) {
        repeat_outstanding(context);
        SentMessage same = sa.window.outstanding_request();
        const RetransmissionSchedule schedule = context.schedule(same);
        return sa.window.replace_request(std::move(same), context.now, schedule);
    }
    auto again = sa.protection->recut(sa.window.outstanding_request(), request_limit(context), context.core.rng);
    if (!again) return context.log(model::LogGroup::ike, 1, "cannot repeat the request: " + again.error().text());
    trace_repeated(context, *again);
    context.send(*again, sa.path);
    const RetransmissionSchedule schedule = context.schedule(*again);
    sa.window.replace_request(std::move(*again), context.now, schedule);
}

void continue_in(Context context, const model::Path& path) {
    IkeSa& sa = context.sa;
    sa.timer(Timer::stream) = Instant::never();
    const bool begins = not_begun(sa);
    sa.go_by(path);
    sa.answer_by(path);
    if (begins) return conclude(context, begin_first_exchange(context));
    context.log(model::LogGroup::net, 1, "continuing over " + path.text());
    move_children(context);
    if (sa.window.outstanding() && sa.protection && sa.window.outstanding_request().size() > 1)
        return recut_outstanding(context);
    if (sa.window.outstanding()) return repeat_outstanding(context);
    // §6.1: the responder learns of the stream from a message.
    if (sa.established() && !sa.replaced_by) context.enqueue(LivenessTask{});
}

}  // namespace

// ---- the originator -------------------------------------------------------------------------------

void open_stream(Context& context) {
    IkeSa& sa = context.sa;
    const model::Path path = wanted_path(sa, context.core.next_stream_id());
    forget_stream(context.core, sa, context.effects);
    context.core.streams[path.stream] = {.state = Stream::State::opening, .sas = {sa.id}};
    sa.go_by(path);
    sa.answer_by(path);
    context.log(model::LogGroup::net, 1, fmt::format("opening a TCP stream to {}", path.remote.text()));
    context.effects.push_back(OpenStream{path});
}

void reopen_stream(Context& context) {
    if (!waits_for_stream(context.core, context.sa)) return;
    context.core.streams.at(context.sa.path.stream).state = Stream::State::opening;
    context.effects.push_back(OpenStream{context.sa.path});
}

bool waits_for_stream(const Core& core, const IkeSa& sa) {
    const auto found = core.streams.find(sa.path.stream);
    return found != core.streams.end() && found->second.state == Stream::State::waiting;
}

void stream_opened(Core& core, const StreamOpened& input, Instant now, Effects& effects) {
    const auto found = core.streams.find(input.path.stream);
    if (found == core.streams.end()) {
        effects.push_back(CloseStream{input.path.stream});
        return;
    }
    found->second.state = Stream::State::open;
    found->second.failures = 0;
    for (const model::IkeSaId id : std::set(found->second.sas)) {
        core.touch(id);
        continue_in({.core = core, .sa = *core.find_sa(id), .now = now, .effects = effects}, input.path);
    }
}

// §6.1: the SAs live on. What they have to say waits for the next stream.
void stream_closed(Core& core, const StreamClosed& input, Instant now, Effects& effects) {
    auto ended = core.streams.extract(input.stream);
    if (ended.empty() || ended.mapped().sas.empty()) return;
    core.counters.add(model::Counter::tcp_stream_lost);
    Stream& stream = ended.mapped();
    const bool ours = opened_by_us(input.stream);
    if (stream.state != Stream::State::open) ++stream.failures;
    const Instant again = now + reopening_delay(stream.failures);
    const std::set<model::IkeSaId> users = stream.sas;
    const model::StreamId next = ours ? core.next_stream_id() : input.stream;
    if (ours) {
        stream.state = Stream::State::waiting;
        ended.key() = next;
        core.streams.insert(std::move(ended));
    }
    for (const model::IkeSaId id : users) {
        IkeSa& sa = *core.find_sa(id);
        Context context{.core = core, .sa = sa, .now = now, .effects = effects};
        core.touch(id);
        context.log(model::LogGroup::net, 1,
                    fmt::format("the TCP stream with {} ended: {}", sa.path.remote.text(), input.reason));
        if (!ours) continue;
        sa.go_by(wanted_path(sa, next));
        if (not_begun(sa))
            give_up_on_peer(context, {.kind = "no-answer",
                                      .what = fmt::format("no TCP stream to {}: {}", sa.path.remote.text(), input.reason),
                                      .advice = "let the peer listen on its TCP port (--tcp-port, remote_tcp_port), and let the "
                                                "port pass all firewalls"});
        else
            sa.timer(Timer::stream) = again;
    }
}

// ---- the responder --------------------------------------------------------------------------------

bool stream_is_free(const Core& core, const model::Path& from) {
    const auto found = core.streams.find(from.stream);
    return found == core.streams.end() || found->second.sas.empty();
}

bool stream_is_foreign(Core& core, const IkeSa& sa, const model::Path& from) {
    if (!from.tcp() || stream_is_free(core, from)) return false;
    return std::ranges::none_of(core.streams.at(from.stream).sas, [&](model::IkeSaId user) {
        return user == sa.id || sa.replaced_by == user || core.find_sa(user)->replaced_by == sa.id;
    });
}

void follow_stream(Context& context, const model::Path& from) {
    IkeSa& sa = context.sa;
    if (from.tcp()) {
        Stream& stream = context.core.streams[from.stream];
        stream.bad_messages = 0;
        if (!opened_by_us(from.stream) && !std::exchange(stream.proven, true))
            context.effects.push_back(StreamProven{from.stream});
    }
    if (from == sa.path || sa.client) return;
    if (sa.half_open() || (from.tcp() && sa.path.tcp() && from.stream != sa.path.stream))
        use_path(context, from, sa.udp_encapsulation);
}

// ---- both -----------------------------------------------------------------------------------------

void use_path(Context& context, const model::Path& path, bool udp_encapsulation) {
    IkeSa& sa = context.sa;
    const bool same_transport = sa.path.tcp() == path.tcp();
    if (sa.path.stream != path.stream) {
        forget_stream(context.core, sa, context.effects);
        if (path.tcp()) context.core.streams[path.stream].sas.insert(sa.id);
    }
    sa.go_by(path);
    sa.udp_encapsulation = udp_encapsulation && !path.tcp();
    for (auto& [id, child] : sa.children) 
        child.udp_encapsulation = sa.udp_encapsulation && child.protocol() != model::Protocol::ah;
    move_children(context);
    // §6.6: TCP needs no keepalives.
    const bool keepalives = sa.established() && sa.nat_local && !path.tcp();
    sa.timer(Timer::nat_keepalive) = keepalives ? context.now + limits::nat_keepalive : Instant::never();
    if (same_transport)
        repeat_outstanding(context);
    else
        recut_outstanding(context);
}

void leave_stream(Context& context) {
    if (context.sa.path.tcp()) forget_stream(context.core, context.sa, context.effects);
}

void note_bad_message(Core& core, model::StreamId stream, Effects& effects) {
    if (++core.streams[stream].bad_messages != limits::tcp_bad_messages) return;
    effects.push_back(Report{model::LogLine{
        .group = model::LogGroup::net, .level = 1, .message = "closing a TCP stream that carries nothing we understand"}});
    effects.push_back(CloseStream{stream});
}

}  // namespace cygnet::ike
