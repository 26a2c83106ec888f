// A peer that has the keys and says anything at all, before or after it has authenticated, while the operator gives
// commands and time passes. The first octet chooses the scene; the rest is a script of actions:
//
//   kind (1) | exchange type, or a number (1) | first payload (1) | size of the chain (2) | chain
#include "ike/test_peer.h"

using namespace cygnet;
using namespace cygnet::ike;

namespace {

enum class Kind : std::uint8_t {
    request,
    response,
    repeat,
    rekey_child,
    rekey_ike,
    initiate,
    terminate,
    wait,
    fragments,
    count
};

struct Action {
    Kind kind{};
    std::uint8_t number = 0;
    wire::Chain chain{};
};

Result<Action> parse_action(Reader& script) {
    Action action;
    action.kind = static_cast<Kind>(TRY(script.u8("kind")) % static_cast<unsigned>(Kind::count));
    action.number = TRY(script.u8("number"));
    action.chain.first = static_cast<model::PayloadType>(TRY(script.u8("first payload")));
    const std::uint16_t size = TRY(script.u16("size"));
    action.chain.octets = keep(TRY(script.take(std::min<std::size_t>(size, script.left()), "chain")));
    return action;
}

class Stage {
public:
    explicit Stage(std::uint8_t scene) {
        model::Connection connection = test::connection(false);
        if ((scene & 1) != 0)
            connection.children.front().esp_proposals =
                *model::parse_proposals(model::Protocol::esp, "aes256gcm16-x25519-ke1_mlkem512,aes256gcm16");
        peer_.step(Configure{test::config_of(std::move(connection)), nullptr});
        if ((scene & 2) != 0)
            peer_.establish();
        else
            peer_.init((scene & 4) != 0 ? "aes256gcm16-prfsha384-x25519-ke1_mlkem768" : "aes256gcm16-prfsha384-x25519");
    }

    void perform(const Action& action) {
        switch (action.kind) {
            case Kind::request: say(peer_.header(exchange(action), peer_.next_id++), action.chain); break;
            case Kind::response: {
                wire::Header header = peer_.header(exchange(action), awaited_);
                header.response = true;
                say(header, action.chain);
                break;
            }
            case Kind::fragments: say_in_fragments(action); break;
            case Kind::repeat: say(peer_.header(exchange(action), peer_.next_id - 1), action.chain); break;
            case Kind::rekey_child: command(Rekey{.id = {}, .which = {.child = "net"}}); break;
            case Kind::rekey_ike: command(Rekey{.id = {}, .which = {.ike = "gw"}}); break;
            case Kind::initiate:
                command(Initiate{.id = {}, .connection = "gw", .child = "net", .path = test::ScriptedPeer::path()});
                break;
            case Kind::terminate:
                command(Terminate{.id = {}, .which = {.child = action.number % 2 ? "net" : ""}});
                break;
            default: wait(seconds(action.number));
        }
    }

private:
    static model::ExchangeType exchange(const Action& action) {
        return static_cast<model::ExchangeType>(action.number);
    }

    void say(const wire::Header& header, const wire::Chain& chain) { hear(peer_.raw(peer_.sealed(header, chain))); }
    // A request cut into small pieces, the last one first.
    void say_in_fragments(const Action& action) {
        const wire::Header header = peer_.header(exchange(action), peer_.next_id++);
        const FragmentLimit limit{.ip_octets = 160, .overhead = 28};
        const auto pieces = peer_.protection->seal(header, action.chain, limit, victim_.rng);
        if (!pieces) return;
        for (std::size_t i = pieces->size(); i-- > 0;) hear(peer_.raw((*pieces)[i]));
    }
    void command(Input input) {
        peer_.step(std::move(input));
        hear(peer_.sent());
    }
    void wait(Duration time) {
        const Instant end = peer_.now + time;
        while (victim_.engine.next_deadline() <= end) {
            peer_.now = std::max(peer_.now, victim_.engine.next_deadline());
            command(Tick{});
        }
        peer_.now = end;
    }
    void hear(const std::vector<Bytes>& datagrams) {
        for (const Bytes& datagram : datagrams)
            if (const auto header = wire::parse_header(datagram); header && !header->response)
                awaited_ = header->message_id;
        static_cast<void>(victim_.engine.list(peer_.now));
    }

    test::Node victim_{1};
    test::ScriptedPeer peer_{victim_};
    std::uint32_t awaited_ = 0;  // the ID of the victim's last request
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Stage stage(data[0]);
    Reader script({data + 1, size - 1});
    for (auto action = parse_action(script); action; action = parse_action(script)) stage.perform(*action);
    return 0;
}
