// What a handler of an exchange may do: the services of the engine for one SA within one step.
#pragma once

#include <string>

#include "base/explanation.h"
#include "ike/core.h"
#include "ike/message.h"
#include "wire/message.h"

namespace cygnet::ike {

struct Context {
    Core& core;
    IkeSa& sa;
    Instant now;
    Effects& effects;
    Slot slot = Slot::own;  // of the exchange that is being handled

    // The same step for another SA.
    Context of(IkeSa& other) const {
        core.touch(other.id);
        return {core, other, now, effects, Slot::own};
    }

    // ---- messages
    // The header that request() or respond() will send; IntAuth covers it (RFC 9242 §3.3.2).
    wire::Header request_header(model::ExchangeType exchange) const;
    wire::Header response_header(model::ExchangeType exchange) const;
    // Sends a protected request and arms the retransmission; the window must be free.
    Result<Next> request(model::ExchangeType exchange, wire::MessageBuilder& payloads);
    // Sends the protected answer to the peer's request and keeps it for retransmissions.
    Result<Next> respond(model::ExchangeType exchange, wire::MessageBuilder& payloads);
    // IKE_SA_INIT and IKE_SESSION_RESUME go in the clear: a finished datagram.
    Next request_in_clear(Bytes datagram, model::ExchangeType exchange = model::ExchangeType::ike_sa_init);
    Next respond_in_clear(Bytes datagram);

    // ---- jobs
    // `resume` is called with the result, in the same slot, unless the SA is gone or the exchange was given up by then.
    Next start(crypto::Job job, Resume resume);
    // The same with PPKs of a source: the result is a Result<model::PpkAnswer>.
    Next obtain(PpkWish wish, Resume resume);

    // ---- tasks: exchanges of our own that wait for their turn
    void enqueue(Task task);
    // Our own exchange is over; the next task begins at the end of the step.
    Next finish();

    // ---- life of the SA
    void establish();
    // The SA came out of a rekey: established without a new authentication, not announced as a new one.
    void establish_rekeyed();
    // It takes the place of `old` for everybody who watches.
    void announce_rekeyed(const IkeSa& old);
    // When something that lasts `time` is due; a random part of `rand_time` earlier, so that two peers rarely begin at once.
    Instant early(Duration time, Duration rand_time) const;
    // Lifetimes, liveness and keepalives as the connection says.
    void start_timers();
    // Ends the SA without a word to the peer: children, leases and keys go, the operator is told why. Commands that wait
    // for it fail, but for deletions.
    Next close(const Explanation& why);
    Next close(const std::string& reason);
    // Remembers why the connection, or its child of that name, is not up, for `cygnet why`; close() does so itself.
    void note_failure(const Explanation& why, const std::string& child = {});

    // Another path for our messages: watchers are told, what is under way goes out again there, ESP follows unless
    // esp_stays holds it back.
    void move(const model::Path& path);
    // The children's packets go the way of carriage() from now on.
    void move_children();
    // The peer has another address or port: our messages and its children follow (RFC 7296 §2.23).
    void move_peer(const model::Endpoint& remote);

    // ---- children
    // Makes the data plane carry the child, registers it, sets its timers and reports it. `spec` comes from child_spec().
    // A rekey is reported by its caller, who knows both.
    Child& add_child(const model::ChildConfig& config, ChildTerms terms, model::ChildSaSpec spec, bool rekey = false);
    // Takes it away again; `grace`: how long packets under way are still accepted.
    void remove_child(model::ChildId child, const std::string& reason, Duration grace = Duration{0});
    // The same of one that is there, where all go.
    void drop_child(model::ChildId child, const std::string& reason, Duration grace);
    // RFC 7296 §2.22: how the child with this SPI of ours is compressed. A request offers DEFLATE where the configuration has
    // it; what a responder has agreed on gets our index, or is given up if there is none left.
    void offer_compression(const model::ChildConfig& config, std::uint32_t spi_in, ChildNotices& notices) const;
    void settle_compression(std::uint32_t spi_in, ChildTerms& terms) const;
    ChildFrame child_frame(std::uint32_t spi_in, bool exchange_initiator) const;

    // ---- news
    void count(model::Counter counter);
    void log(model::LogGroup group, int level, std::string message);
    void report(model::Event event) { effects.push_back(Report{std::move(event)}); }
    void alert(std::string type, std::string message);
    void finish_command(const std::optional<CommandId>& command, Result<> result);
    model::IkeStatus status() const;
    model::ChildStatus status(const Child& child) const;

    std::int64_t unix_seconds() const;

    // RFC 7296 §2.2: the IKE SA is rekeyed, or ends, before message IDs wrap.
    void watch_message_ids();

    RetransmissionSchedule schedule(const SentMessage& datagrams) const;
    // Puts datagrams on the wire, again or for the first time.
    void send(const SentMessage& datagrams, const model::Path& path);
};

// The result of a job as the type that the job is known to produce.
template <class T>
Result<T> result_of(crypto::JobResult&& result) {
    return std::get<Result<T>>(std::move(result));
}

// Errors that a handler returns, with the reaction that RFC 7296 §2.21 asks for.
std::unexpected<Error> refuse(model::NotifyType notify, Errc code, const char* where,
                              std::string detail);  // answer it, keep the SA
std::unexpected<Error> end_sa(model::NotifyType notify, Errc code, const char* where,
                              std::string detail);  // answer it, end the SA
std::unexpected<Error> ignore(Errc code, const char* where, std::string detail);
// The first two with both sides beside each other.
std::unexpected<Error> refuse(model::NotifyType notify, Errc code, const char* where, Explanation why);
std::unexpected<Error> end_sa(model::NotifyType notify, Errc code, const char* where, Explanation why);

}  // namespace cygnet::ike
