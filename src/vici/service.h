// The commands and events of VICI (facts-vici 4 and 5), without the socket:
//
//   socket ─ octets ─► received() ─ packets ─► command table ─► store, Control ─► Control::send ─► socket
//   engine's events ─► report() ─► subscribed clients (log, ike-updown …), control-log of running commands
//
// One command at a time runs for each client; later ones of the same client wait, as the protocol is in order.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "vici/control.h"
#include "vici/packet.h"
#include "vici/store.h"

namespace cygnet::vici {

// One message of the ladder, with the time since the daemon started.
struct TimedTrace {
    Instant at{};
    model::MessageTrace trace;
};

class Service {
public:
    // Both outlive the Service.
    Service(ConfigStore& store, Control& control);

    void connected(ClientId client);
    // Octets of the client's stream, in any portions.
    void received(Instant now, ClientId client, ByteView bytes);
    void disconnected(ClientId client);

    // Every event of the engine and of the daemon itself; of log lines and SAs that come up only those that somebody hears are missed.
    void report(Instant now, const model::Event& event);
    bool hears_lines() const { return anybody_hears("log") || anybody_hears("control-log"); }
    bool hears_of_sas() const { return anybody_hears("ike-updown") || anybody_hears("child-updown"); }

    // Hands the store's content to the engine and carries out start actions. Called by the Service itself a
    // little after load-* commands; by the daemon once after it has read its files.
    void apply();

    // When tick() must be called; Instant::never() when nothing waits.
    Instant next_deadline() const;
    void tick(Instant now);

private:
    friend struct Commands;

    enum class RequestId : std::uint64_t {};
    struct Client {
        SegmentReader reader{};
        std::set<std::string, std::less<>> events{};
        std::optional<RequestId> running{};
        std::deque<Packet> waiting{};
    };
    // A command whose answer comes later.
    struct Running {
        ClientId client{};
        std::string failure_text;        // "establishing CHILD_SA 'net' failed"
        std::string timeout_text;        // "CHILD_SA 'net' not established after 1000ms"
        std::string none_text;           // when no SA matched
        std::string connection;          // whose log lines are the command's own; empty: everybody's
        int log_level = 1;
        bool counts_matches = false;
        bool counts_terminated = false;
        std::uint32_t matches_expected = 0;  // what a timeout answers
        Instant deadline = Instant::never();
    };

    void packet(Instant now, ClientId client, const Packet& packet);
    void command(Instant now, ClientId client, const Packet& packet);
    void respond(ClientId client, Section message);
    void send(ClientId client, const Packet& packet);
    void broadcast(std::string_view event, const Section& message);
    bool anybody_hears(std::string_view event) const;
    // Makes the message only for somebody who hears it.
    template <class Make>
    void tell(std::string_view event, Make&& make) {
        if (anybody_hears(event)) broadcast(event, make());
    }
    void log(const model::LogLine& line);
    Control::Finished begin(Instant now, ClientId client, Running running, std::optional<Duration> timeout);
    void finished(RequestId request, const Result<>& result, std::uint32_t matches);
    void answer(const Running& running, const Result<>& result, std::uint32_t matches);
    void continue_client(Instant now, ClientId client);
    void changed(Instant now);
    void apply_changes();
    void undo_start_actions(const model::Config& before);
    void run_start_actions(const model::Config& before);

    ConfigStore& store_;
    Control& control_;
    Instant now_{};
    std::map<ClientId, Client> clients_;
    std::map<RequestId, Running> running_;
    std::uint64_t next_request_ = 1;
    Instant first_change_ = Instant::never();
    Instant last_change_ = Instant::never();
    std::deque<TimedTrace> traces_;
    model::Counters counted_before_;  // subtracted: reset-counters
    model::PacketDrops dropped_before_;
    std::map<std::string, model::Counters, std::less<>> counted_before_by_name_;
    std::shared_ptr<const model::Config> applied_ = std::make_shared<model::Config>();
};

}  // namespace cygnet::vici
