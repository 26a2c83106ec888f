#include "sim/interleavings.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

namespace cygnet::sim {
namespace {

using Kind = Operation::Kind;

constexpr std::size_t steps_max = 200;
// Each of them takes a millisecond: less than limits::deleted_child_grace in all.
constexpr std::size_t packets_overtaken_by = 5;

// Two nodes in a room without time and network: what they want to happen waits until it is chosen.
class Room final : public Surroundings {
public:
    explicit Room(const Crossing& crossing) {
        for (const bool at_a : {true, false}) nodes_.emplace_back(gateway(at_a, crossing.options), at_a ? 1 : 2, *this);
    }

    Node& side(std::size_t index) { return nodes_[index]; }
    Instant now() const override { return now_; }

    // Delivers everything in order, with time passing, for `time` at least.
    void settle(Duration time) {
        const Instant end = now_ + time;
        while (!checkers.violation()) {
            if (!waiting_.empty()) {
                perform(0);
                carry_packets(0);
                continue;
            }
            const Instant next = std::min(nodes_[0].next_deadline(), nodes_[1].next_deadline());
            if (next > end) break;
            now_ = std::max(now_, next);
            for (Node& node : nodes_) node.step(ike::Tick{});
            carry_packets(0);
        }
        now_ = end;
    }

    // From now on each side sends packets between all that happens, and none of them may be lost.
    void begin_traffic() { traffic_ = true; }
    // One packet each way that arrives at once, and one that so many events overtake.
    void carry_packets(std::size_t overtaken_by) {
        if (!traffic_) return;
        std::erase_if(under_way_, [this](const UnderWay& late) {
            if (late.until > step_) return false;
            arrive(late);
            return true;
        });
        for (const std::size_t side : {0U, 1U})
            for (const std::size_t until : {step_, step_ + overtaken_by}) send_packet(side, until);
    }
    void carry_the_rest() {
        for (const UnderWay& late : std::exchange(under_way_, {})) arrive(late);
    }

    // An event that can happen now at `side`. `born` is the step that made it possible.
    struct Event {
        enum class Kind : std::uint8_t { command, job, datagram } kind{};
        std::size_t side = 0;
        std::size_t born = 0;
        std::move_only_function<void()> action{};

        bool datagram() const { return kind == Kind::datagram; }
    };
    const std::vector<Event>& waiting() const { return waiting_; }
    std::size_t step() const { return step_; }
    void offer(Event::Kind kind, std::size_t side, std::move_only_function<void()> action) {
        waiting_.push_back({.kind = kind, .side = side, .born = step_, .action = std::move(action)});
    }
    void perform(std::size_t index) {
        Event event = take(index);
        now_ = now_ + milliseconds(1);
        event.action();
    }
    void lose(std::size_t index) {
        take(index);
        story.tell({.at = now_, .who = "network", .what = "a datagram is lost"});
    }
    void perform_jobs() {
        const auto is_job = [](const Event& event) { return event.kind == Event::Kind::job; };
        for (auto job = std::ranges::find_if(waiting_, is_job); job != waiting_.end(); job = std::ranges::find_if(waiting_, is_job))
            perform(static_cast<std::size_t>(job - waiting_.begin()));
    }

private:
    struct UnderWay {
        std::size_t to = 0, until = 0;  // the step
        Packet packet{};
    };

    void send_packet(std::size_t side, std::size_t until) {
        const InnerPacket packet = side == 0 ? InnerPacket{.source = inner_a, .destination = inner_b} : InnerPacket{.source = inner_b, .destination = inner_a};
        until_ = until;
        if (!nodes_[side].send(packet)) checkers.fail(nodes_[side].name() + " has no child for a packet");
    }
    void arrive(const UnderWay& late) {
        arrived_ = false;
        nodes_[late.to].receive(late.packet);
        if (!arrived_) checkers.fail(nodes_[late.to].name() + " does not take a packet that its peer has sent");
    }

    std::size_t index_of(const Node& node) const { return &node == &nodes_[0] ? 0 : 1; }
    Event take(std::size_t index) {
        Event event = std::move(waiting_[index]);
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
        ++step_;
        return event;
    }
    void transmit(Node& from, Packet packet) override {
        const std::size_t to = 1 - index_of(from);
        if (packet.ike() == nullptr && traffic_) {
            UnderWay one{.to = to, .until = until_, .packet = std::move(packet)};
            if (until_ <= step_) arrive(one);
            else under_way_.push_back(std::move(one));
            return;
        }
        offer(Event::Kind::datagram, to, [this, to, one = std::move(packet)] { nodes_[to].receive(one); });
    }
    void compute(Node& node, ike::JobId id, crypto::Job job) override {
        const std::size_t at = index_of(node);
        offer(Event::Kind::job, at, [this, at, id, work = std::move(job)]() mutable {
            nodes_[at].step(ike::JobDone{.id = id, .result = crypto::run(std::move(work))});
        });
    }
    void inner_packet_arrived(Node&, const InnerPacket&) override { arrived_ = true; }

    Instant now_ = Instant::after_start(seconds(1));
    std::deque<Node> nodes_{};
    std::vector<Event> waiting_{};
    std::size_t step_ = 0;
    bool traffic_ = false, arrived_ = false;
    std::size_t until_ = 0;  // of the packet that is being sent
    std::vector<UnderWay> under_way_{};
};

// ---- one schedule ---------------------------------------------------------------------------------

void begin(Room& room, std::size_t side, Kind kind, std::uint64_t command) {
    Node& node = room.side(side);
    const auto id = static_cast<ike::CommandId>(command);
    if (kind != Kind::move) node.expect_command(id);
    const model::IpAddress remote = room.side(1 - side).address();
    switch (kind) {
        case Kind::none: break;
        case Kind::rekey_child: return node.step(ike::Rekey{.id = id, .which = the_child});
        case Kind::rekey_ike: return node.step(ike::Rekey{.id = id, .which = the_ike});
        case Kind::delete_child: return node.step(ike::Terminate{.id = id, .which = the_child});
        case Kind::delete_ike: return node.step(ike::Terminate{.id = id, .which = the_ike});
        case Kind::reauthenticate: return node.step(ike::Rekey{.id = id, .which = the_ike, .reauthenticate = true});
        case Kind::move:
            node.move({side == 0 ? address_a2 : address_b2}, {node.address()});
            return;
        case Kind::create_child:
            return node.step(ike::Initiate{.id = id, .connection = "gw", .child = "net", .path = {.local = {node.address(), 500}, .remote = {remote, 500}}});
    }
}

void bring_up(Room& room) {
    begin(room, 0, Kind::create_child, 1);
    room.settle(seconds(1));
    if (room.side(0).list().size() != 1 || room.side(1).list().size() != 1) room.checkers.fail("no tunnel to begin with");
}

struct Choice {
    std::size_t event = 0;
    bool lost = false;
};
// The event before: where it was, and its step. As it is here, it rules nothing out.
struct Last {
    std::size_t side = 0, step = 0;
};

// What can be chosen next. Where events at both sides were possible before the last one, side 0 comes first: the
// other order leads to the same.
std::vector<Choice> choices(const Room& room, const Crossing& crossing, std::size_t losses, Last last) {
    std::vector<Choice> found;
    const auto& waiting = room.waiting();
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        const Room::Event& event = waiting[i];
        // Datagrams to one side come from the other.
        const auto older = [&](const Room::Event& other) { return other.datagram() && other.side == event.side; };
        if (event.datagram() && !crossing.datagrams_overtake && std::any_of(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(i), older)) continue;
        if (event.side < last.side && event.born < last.step) continue;
        found.push_back({.event = i});
        if (event.datagram() && losses < crossing.losses) found.push_back({.event = i, .lost = true});
    }
    return found;
}

std::size_t children_of(const Node& node) {
    std::size_t count = 0;
    for (const model::IkeStatus& sa : node.list()) count += sa.children.size();
    return count;
}

std::multiset<std::pair<std::uint64_t, std::uint64_t>> spis_of(const Node& node, bool swapped) {
    std::multiset<std::pair<std::uint64_t, std::uint64_t>> spis;
    for (const model::IkeStatus& sa : node.list()) {
        spis.insert({sa.spi_i, sa.spi_r});
        for (const model::ChildStatus& child : sa.children)
            spis.insert(swapped ? std::pair<std::uint64_t, std::uint64_t>{child.spi_out, child.spi_in} : std::pair<std::uint64_t, std::uint64_t>{child.spi_in, child.spi_out});
    }
    return spis;
}

void judge_end(Room& room, const Crossing& crossing) {
    Node &a = room.side(0), &b = room.side(1);
    Checkers& checkers = room.checkers;
    const auto either = [&](Kind kind) { return crossing.at_a == kind || crossing.at_b == kind || crossing.also_at_a == kind; };
    checkers.require(!a.commands_pending(), a, "has a command that never ends");
    checkers.require(!b.commands_pending(), b, "has a command that never ends");
    if (spis_of(a, false) != spis_of(b, true)) checkers.fail(fmt::format("the ends do not agree: a has {} IKE SAs with {} children, b has {} with {}", a.list().size(), children_of(a), b.list().size(), children_of(b)));
    const auto created = [](Kind kind) { return kind == Kind::create_child; };
    const std::size_t made = 1 + created(crossing.at_a) + created(crossing.at_b) + created(crossing.also_at_a);
    checkers.require(children_of(a) <= made, a, "has a child twice");
    checkers.require(a.list().size() <= made, a, "has an IKE SA twice");
    const bool deleted = either(Kind::delete_ike) || either(Kind::delete_child);
    // Who has not heard of the end may begin a new one.
    const bool begun = either(Kind::create_child) || either(Kind::reauthenticate);
    if (either(Kind::delete_ike) && !begun) checkers.require(a.list().empty(), a, "still has an IKE SA that was terminated");
    if (!deleted) checkers.require(children_of(a) == made, a, "lost a child");
    // Whoever has moved is known to be there.
    for (const Node* node : {&a, &b})
        for (const model::IkeStatus& sa : node->list()) {
            const Node& other = node == &a ? b : a;
            checkers.require(sa.path.local.address == node->address() && sa.path.remote.address == other.address(), *node, "has a path that is no longer there");
        }
    const InnerPacket there{.source = inner_a, .destination = inner_b}, back{.source = inner_b, .destination = inner_a};
    checkers.require(a.send(there) == (children_of(a) > 0), a, "has a child that takes no packets");
    checkers.require(b.send(back) == (children_of(b) > 0), b, "has a child that takes no packets");
    room.settle(seconds(1));
}

// Follows `schedule`, then always the first choice; writes down how many choices there were at each step.
void run(Room& room, const Crossing& crossing, const std::vector<std::size_t>& schedule, std::vector<std::size_t>& widths) {
    bring_up(room);
    const auto spares_packets = [](Kind kind) { return kind != Kind::delete_child && kind != Kind::delete_ike; };
    if (spares_packets(crossing.at_a) && spares_packets(crossing.at_b) && spares_packets(crossing.also_at_a)) room.begin_traffic();
    const auto offer = [&](std::size_t side, Kind kind, std::uint64_t command) {
        if (kind != Kind::none) room.offer(Room::Event::Kind::command, side, [&room, side, kind, command] { begin(room, side, kind, command); });
    };
    offer(0, crossing.at_a, 100);
    offer(1, crossing.at_b, 101);
    offer(0, crossing.also_at_a, 102);
    Last last;
    std::size_t losses = 0;
    while (!room.checkers.violation()) {
        const std::vector<Choice> options = choices(room, crossing, losses, last);
        if (options.empty()) break;
        if (widths.size() == steps_max) return room.checkers.fail("the two sides never come to rest");
        const Choice choice = options.at(widths.size() < schedule.size() ? schedule[widths.size()] : 0);
        widths.push_back(options.size());
        last = Last{.side = room.waiting()[choice.event].side, .step = room.step() + 1};
        losses += choice.lost;
        if (choice.lost) {
            room.lose(choice.event);
            last = Last{};
        } else
            room.perform(choice.event);
        if (!crossing.jobs_take_time) room.perform_jobs();
        room.carry_packets(packets_overtaken_by);
    }
    room.carry_the_rest();
    // Retransmissions, pauses after TEMPORARY_FAILURE, IKE SAs that wait for their Delete.
    room.settle(minutes(9));
    if (!room.checkers.violation()) judge_end(room, crossing);
}

// The next schedule in depth-first order; false after the last one.
bool next_schedule(std::vector<std::size_t>& schedule, const std::vector<std::size_t>& widths) {
    schedule.resize(widths.size(), 0);
    while (!schedule.empty() && schedule.back() + 1 >= widths[schedule.size() - 1]) schedule.pop_back();
    if (schedule.empty()) return false;
    ++schedule.back();
    return true;
}

}  // namespace

Exploration explore(const Crossing& crossing, std::size_t schedules_max) {
    Exploration result;
    std::vector<std::size_t> schedule;
    for (;;) {
        Room room(crossing);
        std::vector<std::size_t> widths;
        run(room, crossing, schedule, widths);
        ++result.schedules;
        result.longest = std::max(result.longest, widths.size());
        if (room.checkers.violation()) {
            result.failure = room.checkers.violation();
            result.failing_schedule = schedule;
            return result;
        }
        if (!next_schedule(schedule, widths)) return result;
        if (result.schedules == schedules_max) {
            result.complete = false;
            return result;
        }
    }
}

std::optional<std::string> replay(const Crossing& crossing, const std::vector<std::size_t>& schedule,
                                  const std::function<void(const std::string&)>& listener) {
    Room room(crossing);
    room.story.listener = listener;
    std::vector<std::size_t> widths;
    run(room, crossing, schedule, widths);
    return room.checkers.violation();
}

std::vector<Crossing> all_crossings() {
    static constexpr const char* pfs = "aes256gcm16-x25519";
    static constexpr const char* hybrid_pfs = "aes256gcm16-x25519-ke1_mlkem768";
    using enum Operation::Kind;
    std::vector<Crossing> all;
    const auto add = [&](const char* name, Kind at_a, Kind at_b) {
        all.push_back({.name = name, .at_a = at_a, .at_b = at_b});
        all.push_back({.name = name, .at_a = at_a, .at_b = at_b, .options = {.esp = pfs}, .jobs_take_time = true});
        all.push_back({.name = name, .at_a = at_a, .at_b = at_b, .options = {.ike = hybrid, .esp = hybrid_pfs}});
        all.push_back({.name = name, .at_a = at_a, .at_b = at_b, .options = {.esp = pfs}, .datagrams_overtake = true, .losses = 1});
    };
    add("child rekey x child rekey", rekey_child, rekey_child);
    add("IKE SA rekey x IKE SA rekey", rekey_ike, rekey_ike);
    add("child rekey x IKE SA rekey", rekey_child, rekey_ike);
    add("IKE SA rekey x child rekey", rekey_ike, rekey_child);
    add("child rekey x child delete", rekey_child, delete_child);
    add("child delete x child rekey", delete_child, rekey_child);
    add("IKE SA rekey x IKE SA delete", rekey_ike, delete_ike);
    add("IKE SA delete x IKE SA rekey", delete_ike, rekey_ike);
    add("child rekey x IKE SA delete", rekey_child, delete_ike);
    add("IKE SA rekey x child delete", rekey_ike, delete_child);
    add("child delete x IKE SA rekey", delete_child, rekey_ike);
    add("child delete x child delete", delete_child, delete_child);
    add("IKE SA delete x IKE SA delete", delete_ike, delete_ike);
    add("child delete x IKE SA delete", delete_child, delete_ike);
    add("create x create", create_child, create_child);
    add("create x child delete", create_child, delete_child);
    add("create x IKE SA delete", create_child, delete_ike);
    add("create x child rekey", create_child, rekey_child);
    add("create x IKE SA rekey", create_child, rekey_ike);
    add("move x nothing", move, none);
    add("move x child rekey", move, rekey_child);
    add("move x IKE SA rekey", move, rekey_ike);
    all.back().losses = 0;  // With one there are 187,668 schedules, all of which have held: too many for every day.
    add("move x child delete", move, delete_child);
    add("move x IKE SA delete", move, delete_ike);
    add("move x create", move, create_child);
    add("reauthentication x child rekey", reauthenticate, rekey_child);
    add("reauthentication x IKE SA rekey", reauthenticate, rekey_ike);
    add("reauthentication x child delete", reauthenticate, delete_child);
    add("reauthentication x IKE SA delete", reauthenticate, delete_ike);
    add("reauthentication x create", reauthenticate, create_child);
    add("reauthentication x demand for it", reauthenticate, reauthenticate);
    add("child rekey x demand for reauthentication", rekey_child, reauthenticate);
    add("IKE SA rekey x demand for reauthentication", rekey_ike, reauthenticate);
    add("child delete x demand for reauthentication", delete_child, reauthenticate);
    add("IKE SA delete x demand for reauthentication", delete_ike, reauthenticate);
    add("create x demand for reauthentication", create_child, reauthenticate);
    add("move x demand for reauthentication", move, reauthenticate);
    const auto add_three = [&](const char* name, Kind at_a, Kind also_at_a, Kind at_b) {
        all.push_back({.name = name, .at_a = at_a, .at_b = at_b, .options = {.esp = pfs}, .also_at_a = also_at_a});
        all.push_back({.name = name, .at_a = at_a, .at_b = at_b, .options = {.ike = hybrid, .esp = hybrid_pfs}, .also_at_a = also_at_a});
    };
    add_three("child and IKE SA rekey x child rekey", rekey_child, rekey_ike, rekey_child);
    add_three("child and IKE SA rekey x IKE SA rekey", rekey_child, rekey_ike, rekey_ike);
    add_three("child rekey and reauthentication x child rekey", rekey_child, reauthenticate, rekey_child);
    add_three("child rekey and reauthentication x IKE SA rekey", rekey_child, reauthenticate, rekey_ike);
    add_three("IKE SA rekey and reauthentication x IKE SA rekey", rekey_ike, reauthenticate, rekey_ike);
    add_three("child rekey and create x child rekey", rekey_child, create_child, rekey_child);
    add_three("IKE SA rekey and create x IKE SA rekey", rekey_ike, create_child, rekey_ike);
    add_three("child rekey and delete x IKE SA rekey", rekey_child, delete_child, rekey_ike);
    add_three("child rekey and move x child rekey", rekey_child, move, rekey_child);
    add_three("IKE SA rekey and move x IKE SA rekey", rekey_ike, move, rekey_ike);
    return all;
}

}  // namespace cygnet::sim
