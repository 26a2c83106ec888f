// Two engines and a pipe between them, for tests: datagrams arrive at once and in order, jobs run at once (or, when told
// so, after every datagram that is under way), the clock stands still until it is told to move. The simulator (sim/) is where the world is unkind.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/job.h"
#include "ike/engine.h"
#include "ike/test_pads.h"

namespace cygnet::ike::test {

struct Node {
    explicit Node(std::uint64_t seed, EngineSettings engine_settings = {})
        : settings(engine_settings), rng(seed), engine(rng, settings) {}

    EngineSettings settings;
    SeededRng rng;
    Engine engine;
    SecretBytes kept{};  // what the engine wants to know after a restart
    std::shared_ptr<const model::Config> config{};
    std::deque<Send> outbox{};
    std::vector<model::ChildSaSpec> installed{};
    std::vector<model::ChildId> activated{}, removed{};
    std::vector<AssignAddress> assigned{};
    std::vector<CommandDone> done{};
    std::vector<model::Event> events{};
    std::vector<SendKeepalive> keepalives{};
    std::vector<MoveChild> moved{};
    std::vector<FindPaths> asked_for_paths{};
    std::vector<FindGateway> asked_for_gateways{};
    std::vector<SkipSequenceNumbers> skipped{};
    std::vector<crypto::LookUp> fetched{};  // asked of the Pair's web
    bool keeps_events = true;
    FakePads pads{};  // of whichever source is asked

    // Files what the engine wants done; the jobs are the caller's.
    std::vector<StartJob> take(Effects& effects);
    // One step, whose jobs run at once.
    void step(Instant now, Input input);

    template <class T>
    std::vector<T> events_of() const {
        std::vector<T> found;
        for (const model::Event& event : events)
            if (const T* one = std::get_if<T>(&event)) found.push_back(*one);
        return found;
    }
    std::string log() const;
    model::IkeStatus only_sa(Instant now) const;
    const model::ChildSaSpec* installed_with(std::uint32_t spi_in) const;
};

// Decides the fate of a datagram: may change it, and says whether it is delivered.
using Meddler = std::function<bool(Send&)>;

class Pair {
public:
    explicit Pair(EngineSettings settings_a = {}, EngineSettings settings_b = {});

    Node a, b;  // 192.0.2.1 and 192.0.2.2
    Instant now = Instant::after_start(seconds(1000));
    Meddler meddler{};
    bool jobs_are_slow = false;  // they run when no datagram is under way

    // Both sides get a connection "gw" with a child "net", made by connection_a/b and the shared secret.
    void configure(model::Connection at_a, model::Connection at_b);
    void step(Node& node, Input input);
    // The node loses everything but its configuration and, unless told otherwise, what was kept for it.
    void restart(Node& node, bool with_secrets = true);
    // Delivers until nothing is under way.
    void run();
    // The same, but what happens next, a delivery or the end of a slow job, is drawn.
    void run_shuffled(Rng& rng);
    CommandDone initiate(Node& from, const std::string& child = "net");
    CommandDone terminate(Node& from, SaSelector which = {}, bool force = false);
    CommandDone rekey(Node& from, SaSelector which = {});
    // Moves the clock, with every deadline on the way.
    void pass(Duration time);
    bool up() const;
    // The node has these addresses from now on, and each leads to every address of the peer's in its family.
    void give_addresses(Node& node, const std::vector<model::IpAddress>& addresses);
    // Each side's keys of a child are the other's: what a packet would find.
    bool children_agree() const;

    // What URLs give; nothing answers unless a test says so.
    std::function<Result<Bytes>(const crypto::LookUp&)> web = [](const crypto::LookUp&) -> Result<Bytes> {
        return fail(Errc::timeout, "fetch", "nobody is there");
    };
    std::deque<std::tuple<Node*, FetchId, crypto::LookUp>> waiting_fetches{};

private:
    void deliver(Node& from);
    void end_slow_job();
    void end_fetch();

    Node& other(const Node& node) { return &node == &a ? b : a; }
    std::uint64_t next_command_ = 0;
    std::size_t run_steps_ = 0;
    std::deque<std::pair<Node*, StartJob>> slow_jobs_{};
    CommandDone last_done(Node& node, CommandId id);
};

// ---- inline: a header for tests only ----------------------------------------------------------------

inline model::IpAddress address(std::string_view text) { return *model::IpAddress::parse(text); }

// A connection between 192.0.2.1 (a) and 192.0.2.2 (b) with a pre-shared key; a tunnel 10.1.0.0/16 === 10.2.0.0/16.
inline model::Connection connection(bool at_a) {
    const auto selector = [](const char* text) { return std::vector{*model::ConfiguredSelector::parse(text)}; };
    const auto round = [](const char* name, const char* id) {
        return model::AuthConfig{
            .name = name, .auth = model::AuthClass::psk, .auth_text = "psk", .id = model::Identity::parse(id)};
    };
    model::ChildConfig child;
    child.name = "net";
    child.local_ts = selector(at_a ? "10.1.0.0/16" : "10.2.0.0/16");
    child.remote_ts = selector(at_a ? "10.2.0.0/16" : "10.1.0.0/16");
    model::Connection connection;
    connection.name = "gw";
    connection.local = {round("local", at_a ? "a.example" : "b.example")};
    connection.remote = {round("remote", at_a ? "b.example" : "a.example")};
    connection.children = {child};
    connection.crash_detection = false;  // switched on where they are meant
    connection.window = 1;
    return connection;
}

inline std::shared_ptr<model::Config> config_of(model::Connection connection,
                                                std::string_view secret = "correct horse") {
    auto config = std::make_shared<model::Config>();
    model::SharedSecret shared{.name = "ike-1", .owners = {}, .secret = SecretBytes::copy_of(bytes_of(secret))};
    config->secrets["ike-1"] = std::make_shared<const model::SharedSecret>(std::move(shared));
    const std::string name = connection.name;
    config->connections[name] = std::make_shared<const model::Connection>(std::move(connection));
    return config;
}

inline std::string Node::log() const {
    std::string text;
    for (const auto& line : events_of<model::LogLine>()) text += line.message + "\n";
    return text;
}

inline model::IkeStatus Node::only_sa(Instant now) const {
    const auto all = engine.list(now);
    EXPECT_EQ(all.size(), 1u) << log();
    return all.empty() ? model::IkeStatus{} : all.front();
}

inline const model::ChildSaSpec* Node::installed_with(std::uint32_t spi_in) const {
    for (const model::ChildSaSpec& spec : installed)
        if (spec.spi_in == spi_in) return &spec;
    return nullptr;
}

inline Pair::Pair(EngineSettings settings_a, EngineSettings settings_b) : a(1, settings_a), b(2, settings_b) {}

inline void Pair::configure(model::Connection at_a, model::Connection at_b) {
    a.config = config_of(std::move(at_a));
    b.config = config_of(std::move(at_b));
    step(a, Configure{a.config, nullptr});
    step(b, Configure{b.config, nullptr});
}

inline void Pair::restart(Node& node, bool with_secrets) {
    std::destroy_at(&node.engine);
    std::construct_at(&node.engine, node.rng, node.settings);
    node.outbox.clear();
    if (with_secrets && !node.kept.empty()) step(node, RestoreSecrets{node.kept.clone()});
    step(node, Configure{node.config, nullptr});
}

inline std::vector<StartJob> Node::take(Effects& effects) {
    std::vector<StartJob> jobs;
    for (Effect& effect : effects) {
        if (auto* send = std::get_if<Send>(&effect)) outbox.push_back(std::move(*send));
        if (auto* job = std::get_if<StartJob>(&effect)) jobs.push_back(std::move(*job));
        if (auto* child = std::get_if<InstallChild>(&effect)) installed.push_back(std::move(child->spec));
        if (auto* child = std::get_if<ActivateChild>(&effect)) activated.push_back(child->child);
        if (auto* child = std::get_if<RemoveChild>(&effect)) removed.push_back(child->child);
        if (auto* assign = std::get_if<AssignAddress>(&effect)) assigned.push_back(std::move(*assign));
        if (auto* report = std::get_if<Report>(&effect); report != nullptr && keeps_events)
            events.push_back(std::move(report->event));
        if (auto* command = std::get_if<CommandDone>(&effect)) done.push_back(std::move(*command));
        if (auto* keepalive = std::get_if<SendKeepalive>(&effect)) keepalives.push_back(*keepalive);
        if (auto* move = std::get_if<MoveChild>(&effect)) moved.push_back(*move);
        if (auto* keep = std::get_if<KeepSecrets>(&effect)) kept = std::move(keep->secrets);
        if (auto* skip = std::get_if<SkipSequenceNumbers>(&effect)) skipped.push_back(*skip);
        if (auto* fetch = std::get_if<Fetch>(&effect)) fetched.push_back(fetch->what);
        if (auto* find = std::get_if<FindPaths>(&effect)) asked_for_paths.push_back(*find);
        if (auto* find = std::get_if<FindGateway>(&effect)) asked_for_gateways.push_back(*find);
    }
    return jobs;
}

inline void Node::step(Instant now, Input input) {
    Effects effects;
    engine.step(now, std::move(input), effects);
    for (StartJob& job : take(effects)) step(now, JobDone{job.id, crypto::run(std::move(job.job))});
}

inline void Pair::step(Node& node, Input input) {
    Effects effects;
    node.engine.step(now, std::move(input), effects);
    std::vector<StartJob> jobs = node.take(effects);
    for (Effect& effect : effects)
        if (auto* fetch = std::get_if<Fetch>(&effect)) waiting_fetches.emplace_back(&node, fetch->id, fetch->what);
    for (Effect& effect : effects)
        if (auto* obtain = std::get_if<ObtainPpks>(&effect)) step(node, PpksObtained{obtain->id, node.pads.obtain(obtain->wish)});
    for (StartJob& job : jobs) {
        if (jobs_are_slow)
            slow_jobs_.emplace_back(&node, std::move(job));
        else
            step(node, JobDone{job.id, crypto::run(std::move(job.job))});
    }
}

inline void Pair::deliver(Node& from) {
    Send send = std::move(from.outbox.front());
    from.outbox.pop_front();
    if (meddler && !meddler(send)) return;
    const model::Path seen{.local = send.path.remote, .remote = send.path.local};
    step(other(from), Datagram{.path = seen, .bytes = send.datagram});
}

inline void Pair::end_slow_job() {
    auto [node, job] = std::move(slow_jobs_.front());
    slow_jobs_.pop_front();
    step(*node, JobDone{job.id, crypto::run(std::move(job.job))});
}

inline void Pair::end_fetch() {
    const auto [node, id, what] = std::move(waiting_fetches.front());
    waiting_fetches.pop_front();
    step(*node, Fetched{.id = id, .content = web(what)});
}

inline void Pair::run() {
    for (std::size_t deliveries = 0;
         !a.outbox.empty() || !b.outbox.empty() || !slow_jobs_.empty() || !waiting_fetches.empty(); ++deliveries) {
        ASSERT_LT(deliveries, 10'000u) << "the two sides never come to rest";
        if (!waiting_fetches.empty()) {
            end_fetch();
            continue;
        }
        if (a.outbox.empty() && b.outbox.empty())
            end_slow_job();
        else
            deliver(a.outbox.empty() ? b : a);
    }
}

inline void Pair::run_shuffled(Rng& rng) {
    while (!a.outbox.empty() || !b.outbox.empty() || !slow_jobs_.empty()) {
        switch (rng.below(3)) {
            case 0: if (!a.outbox.empty()) deliver(a); break;
            case 1: if (!b.outbox.empty()) deliver(b); break;
            default: if (!slow_jobs_.empty()) end_slow_job();
        }
    }
}

inline CommandDone Pair::last_done(Node& node, CommandId id) {
    for (const CommandDone& done : node.done)
        if (done.id == id) return done;
    return {.id = id, .result = fail(Errc::timeout, "test", "the command is not done"), .matches = 0};
}

inline CommandDone Pair::initiate(Node& from, const std::string& child) {
    const auto id = static_cast<CommandId>(++next_command_);
    const model::Endpoint at_a{address("192.0.2.1"), 500}, at_b{address("192.0.2.2"), 500};
    const model::Path path = &from == &a ? model::Path{at_a, at_b} : model::Path{at_b, at_a};
    step(from, Initiate{.id = id, .connection = "gw", .child = child, .path = path});
    run();
    return last_done(from, id);
}

inline CommandDone Pair::terminate(Node& from, SaSelector which, bool force) {
    const auto id = static_cast<CommandId>(++next_command_);
    step(from, Terminate{.id = id, .which = std::move(which), .force = force});
    run();
    return last_done(from, id);
}

inline CommandDone Pair::rekey(Node& from, SaSelector which) {
    const auto id = static_cast<CommandId>(++next_command_);
    step(from, Rekey{.id = id, .which = std::move(which)});
    run();
    return last_done(from, id);
}

inline void Pair::pass(Duration time) {
    const Instant end = now + time;
    for (;;) {
        const Instant next = std::min(a.engine.next_deadline(), b.engine.next_deadline());
        if (next > end) break;
        now = std::max(now, next);
        step(a, Tick{});
        step(b, Tick{});
        run();
    }
    now = end;
}

inline void Pair::give_addresses(Node& node, const std::vector<model::IpAddress>& addresses) {
    step(node, HostAddresses{addresses});
    for (const FindPaths& asked : std::exchange(node.asked_for_paths, {})) {
        std::vector<AddressPair> pairs;
        for (const model::IpAddress& remote : asked.remotes)
            for (const model::IpAddress& local : addresses)
                if (local.family() == remote.family()) pairs.push_back({local, remote});
        step(node, PathsFound{.sa = asked.sa, .pairs = std::move(pairs)});
    }
}

inline bool Pair::up() const {
    const auto is_up = [this](const Node& node) {
        const auto all = node.engine.list(now);
        return all.size() == 1 && all.front().state == model::IkeState::established && all.front().children.size() == 1;
    };
    return is_up(a) && is_up(b);
}

inline bool Pair::children_agree() const {
    const std::vector<model::IkeStatus> all = a.engine.list(now);
    for (const model::ChildStatus& child : all.front().children) {
        const model::ChildSaSpec* mine = a.installed_with(child.spi_in);
        const model::ChildSaSpec* theirs = b.installed_with(child.spi_out);
        if (mine == nullptr || theirs == nullptr || theirs->spi_out != mine->spi_in) return false;
        if (!mine->in.encr.equals(theirs->out.encr.reveal()) || !mine->out.encr.equals(theirs->in.encr.reveal()))
            return false;
        if (mine->local != theirs->remote || mine->remote != theirs->local) return false;
    }
    return true;
}

}  // namespace cygnet::ike::test
