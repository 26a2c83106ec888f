// RFC 7296 §2.3: how many requests of the peer we keep at once. Our own requests stay one at a time.
#include "ike/budget.h"
#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;

// Of one IKE SA.
struct RequestsBeyond {
    Budget budget{};
    std::uint32_t message_id = 0;  // of the last one
    bool waiting = false;          // a report of it
};

bool announced(const IkeSa& sa) { return sa.connection->window > 1; }

template <class T>
Bytes network_order(T value) {
    Bytes octets;
    Writer(octets).integer(value);
    return octets;
}

void announce(const IkeSa& sa, wire::MessageBuilder& message) {
    message.notify(NotifyType::set_window_size, network_order(static_cast<std::uint32_t>(sa.connection->window)));
}

void auth_offer(Context& context, wire::MessageBuilder& message) {
    if (announced(context.sa)) announce(context.sa, message);
}

// The window is always one until the initial exchanges complete.
void established(Context& context) {
    if (announced(context.sa)) context.sa.window.widen(context.sa.connection->window);
}

bool tell_size(Context& context, wire::MessageBuilder& message) {
    if (context.sa.replaced_by || !context.sa.established()) return false;
    announce(context.sa, message);
    context.sa.window.widen(context.sa.connection->window);
    return true;
}

constexpr auto nothing_follows = [](Context&, const Received&) { return Result<>(); };
constexpr InformationalTask size_task{.name = "IKE_WINDOW", .build = tell_size, .answered = nothing_follows};

// A new IKE SA starts with a window of one until it is told otherwise.
void inherited(Context& heir, IkeSa&) {
    if (announced(heir.sa)) heir.enqueue(size_task);
}

bool tell_invalid_id(Context& context, wire::MessageBuilder& message) {
    auto& beyond = context.sa.features.of<RequestsBeyond>();
    beyond.waiting = false;
    message.notify(NotifyType::invalid_message_id, network_order(beyond.message_id));
    context.count(model::Counter::invalid_message_id_sent);
    return true;
}

constexpr InformationalTask invalid_id_task{
    .name = "IKE_INVALID_MESSAGE_ID", .build = tell_invalid_id, .answered = nothing_follows};

// The invalid request is not acknowledged; a request of our own tells the peer, at a limited rate.
void beyond_window(Context& context, std::uint32_t message_id) {
    auto& beyond = context.sa.features.of<RequestsBeyond>();
    beyond.message_id = message_id;
    if (beyond.waiting || !beyond.budget.take(context.now, model::limits::invalid_message_ids_per_minute, minutes(1))) return;
    beyond.waiting = true;
    context.enqueue(invalid_id_task);
}

Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder&) {
    if (request.message.notify(NotifyType::invalid_message_id) != nullptr)
        context.log(model::LogGroup::ike, 1, "the peer received a request of ours outside its window");
    return {};
}

}  // namespace

constexpr Feature window_size{
    .name = "window size",
    .rfc = "RFC 7296 §2.3",
    .auth_offer = auth_offer,
    .informational_request = informational_request,
    .established = established,
    .inherited = inherited,
    .cloned = inherited,
    .beyond_window = beyond_window,
};

}  // namespace cygnet::ike
