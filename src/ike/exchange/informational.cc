#include "ike/exchange/informational.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ike/explain.h"
#include "ike/feature/feature.h"
#include "ike/overlap.h"
#include "ike/policies.h"
#include "ike/rekey.h"
#include "ike/resources.h"
#include "ike/snapshot.h"
#include "ike/timers.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::LogGroup;
using model::NotifyType;
using model::PayloadType;

// ---- the peer's requests ------------------------------------------------------------------------

// Packets of a child that was rekeyed may still be under way.
void close_child(Context& context, model::ChildId id, const char* reason) {
    const auto found = context.sa.children.find(id);
    if (found == context.sa.children.end()) return;
    const bool rekeyed = found->second.replacement.has_value();
    context.remove_child(id, rekeyed ? "rekeyed" : reason, rekeyed ? model::limits::deleted_child_grace : Duration{0});
}

// §1.4.1: the peer names its inbound SPIs; we delete the pairs and name ours, except of those that we are
// deleting ourselves: their own exchange does it.
std::vector<ChildSpi> delete_children(Context& context, const wire::Message& message) {
    std::vector<ChildSpi> deleted;
    for (const wire::DeletePayload* payload : message.all<wire::DeletePayload>()) {
        if ((payload->protocol != model::Protocol::esp && payload->protocol != model::Protocol::ah) || payload->spi_size != 4) {
            context.count(model::Counter::delete_unknown);
            continue;
        }
        take_over_children(context);
        for (const std::uint32_t spi : payload->child_spis()) {
            Child* child = context.sa.child_with_spi_out(payload->protocol, spi);
            if (child == nullptr) {
                context.count(model::Counter::delete_unknown);
                context.log(LogGroup::ike, 1, fmt::format("the peer deletes an unknown {} SA with SPI {:08x}", name_of(payload->protocol), spi));
                auto* creating = context.sa.own.find<CreatingSa>();
                if (creating != nullptr && creating->deleted_by_peer.size() < model::limits::children_per_ike_sa)
                    creating->deleted_by_peer.push_back(spi);
                continue;
            }
            if (child->state != model::ChildState::deleting) deleted.emplace_back(child->protocol(), child->spi_in);
            replace_deleted_child(context, *child);
            // close_action: what the peer takes down without a replacement comes back, at once or with the next packet.
            if (!child->replacement && child->state != model::ChildState::deleting && is_further(*child)) {
                note_lost(context, *child);
            } else if (!child->replacement && child->state != model::ChildState::deleting) {
                const model::ChildConfig& config = *child->config;
                if (model::starts(config.close_action)) context.enqueue(CreateChildTask{.child = config.name});
                if (model::traps(config.close_action)) set_trap(context, child->connection, config);
            }
            close_child(context, child->id, "deleted by the peer");
        }
    }
    return deleted;
}

bool deletes_ike_sa(const wire::Message& message) {
    return std::ranges::any_of(message.all<wire::DeletePayload>(), [](const wire::DeletePayload* payload) {
        return payload->protocol == model::Protocol::ike;
    });
}

// §2.21.2, §2.21.3: these end the SA although no Delete came.
const wire::NotifyPayload* fatal_error(const wire::Message& message) {
    for (const NotifyType type :
         {NotifyType::authentication_failed, NotifyType::invalid_syntax, NotifyType::unsupported_critical_payload})
        if (const wire::NotifyPayload* found = message.notify(type)) return found;
    return nullptr;
}

bool carries_the_same(const IkeSa& sa, const IkeSa& other) {
    return std::ranges::all_of(sa.children, [&](const auto& own) {
        return std::ranges::any_of(other.children, [&](const auto& entry) { return entry.second.config->name == own.second.config->name; });
    });
}

// RFC 7296 §2.8.3: the peer authenticated again in an IKE SA of its own, and now deletes the old one.
IkeSa* newer_of_peer(Context& context) {
    const IkeSa& sa = context.sa;
    if (sa.peer_anonymous) return nullptr;
    IkeSa* newest = nullptr;
    for (IkeSa* other : context.core.established_between(sa.own_id, sa.peer_id))
        if (other->id > sa.id && other->established() && !other->closed && !other->replaced_by && carries_the_same(sa, *other))
            newest = other;
    return newest;
}

Result<Next> receive_request(Context& context, Received request) {
    wire::MessageBuilder answer;
    if (deletes_ike_sa(request.message)) {
        context.sa.deleted = true;
        TRY(context.respond(ExchangeType::informational, answer));
        inherit_before_close(context);
        if (context.sa.replaced_by) return context.close("rekeyed");
        if (IkeSa* newer = newer_of_peer(context)) {
            go_on_in_newer(context, *newer);
            return context.close(replaced_by_peer(context.sa, *newer));
        }
        return close_and_revive(context, deleted_by_peer(context.sa), &model::ChildConfig::close_action);
    }
    if (const wire::NotifyPayload* error = fatal_error(request.message)) {
        TRY(context.respond(ExchangeType::informational, answer));
        return context.close(reported_by_peer(context.sa, *error));
    }
    add_deletes(answer, delete_children(context, request.message));
    TRY(try_hooks(&Feature::informational_request, context, request, answer));
    return context.respond(ExchangeType::informational, answer);
}

// §2.21.2: an initiator that cannot go on may say so where it should go on with IKE_AUTH.
Result<Next> receive_refusal(Context& context, Received request) {
    const wire::NotifyPayload* error = fatal_error(request.message);
    if (error == nullptr && !deletes_ike_sa(request.message))
        return ignore(Errc::state, "INFORMATIONAL", "it has no place before the authentication");
    wire::MessageBuilder answer;
    TRY(context.respond(ExchangeType::informational, answer));
    return context.close(error != nullptr ? reported_by_peer(context.sa, *error) : deleted_by_peer(context.sa));
}

// ---- answers to ours ----------------------------------------------------------------------------

Result<Next> receive_response(Context& context, Received response) {
    if (const wire::NotifyPayload* error = fatal_error(response.message))
        return context.close(reported_by_peer(context.sa, *error));
    if (auto* informational = context.sa.own.find<AwaitingInformational>()) {
        const AwaitingInformational done = *informational;
        context.finish();
        Result<> result = done.task.answered(context, response);
        context.finish_command(done.task.command, result);
        TRY(std::move(result));
        return Next::finished;
    }
    if (context.sa.own.holds<AwaitingLiveness>())
        run_hooks(&Feature::liveness_answered, context, response);
    if (auto* deleting = context.sa.own.find<AwaitingChildrenDeleted>()) {
        // Whatever the peer names, the pairs are gone on both sides now.
        const AwaitingChildrenDeleted done = std::move(*deleting);
        for (const model::ChildId id : done.children) {
            const auto child = context.sa.children.find(id);
            if (child != context.sa.children.end()) replace_deleted_child(context, child->second);
            close_child(context, id, "deleted");
        }
        context.finish_command(done.command, {});
        if (context.sa.refuses_children && context.sa.children.empty()) context.enqueue(DeleteIkeTask{});
    }
    return context.finish();
}

Result<Next> receive_last_response(Context& context, Received) {
    const auto* deleting = context.sa.own.find<AwaitingIkeDeleted>();
    const Explanation why = deleting != nullptr ? deleting->why : Explanation{.kind = "closed", .what = "deleted"};
    return context.close(why);
}

}  // namespace

Result<Next> begin_delete_children(Context& context, const DeleteChildrenTask& task) {
    AwaitingChildrenDeleted exchange{.children = {}, .command = task.command};
    std::vector<ChildSpi> spis;
    std::vector<model::ChildId> children = task.children;
    for (std::size_t i = 0; i < children.size(); ++i) {
        const model::ChildId id = children[i];
        const auto found = context.sa.children.find(id);
        if (found == context.sa.children.end()) continue;  // The peer was faster.
        // The operator means the tunnel, whatever has replaced its SA since the command came.
        if (task.command && found->second.replacement) children.push_back(*found->second.replacement);
        found->second.state = model::ChildState::deleting;
        spis.emplace_back(found->second.protocol(), found->second.spi_in);
        exchange.children.push_back(id);
    }
    if (spis.empty()) {
        context.finish_command(task.command, {});
        return context.finish();
    }
    wire::MessageBuilder message;
    add_deletes(message, spis);
    context.sa.own = std::move(exchange);
    return context.request(ExchangeType::informational, message);
}

Result<Next> begin_delete_ike(Context& context, const DeleteIkeTask& task) {
    IkeSa& sa = context.sa;
    context.log(LogGroup::ike, 0, "deleting IKE_SA " + sa.name());
    sa.own = AwaitingIkeDeleted{.command = task.command, .why = task.why};
    sa.deleted = true;
    sa.state = Deleting{.since = established_since(sa)};
    wire::MessageBuilder message;
    message.add(wire::DeletePayload{.protocol = model::Protocol::ike, .spi_size = 0, .spis = {}});
    return context.request(ExchangeType::informational, message);
}

Result<Next> begin_liveness(Context& context) {
    context.sa.own = AwaitingLiveness{};
    wire::MessageBuilder message;
    run_hooks(&Feature::liveness, context, message);
    return context.request(ExchangeType::informational, message);
}

Result<Next> begin_informational(Context& context, const InformationalTask& task) {
    wire::MessageBuilder message;
    if (!task.build(context, message)) {
        context.finish_command(task.command, {});
        return context.finish();
    }
    context.sa.own = AwaitingInformational{.task = task};
    return context.request(ExchangeType::informational, message);
}

Result<Next> begin_report_failure(Context& context, const ReportFailureTask& task) {
    IkeSa& sa = context.sa;
    sa.own = AwaitingIkeDeleted{.command = {}, .why = task.why};
    sa.state = Deleting{.since = established_since(sa)};
    wire::MessageBuilder message;
    message.notify(task.notify);
    return context.request(ExchangeType::informational, message);
}

std::span<const ExchangeRow> informational_rows() {
    constexpr PayloadSet anything{PayloadType::notify, PayloadType::delete_, PayloadType::cp};
    static constexpr std::array rows{
        ExchangeRow{.story = "the initiator gives up in the middle of the authentication",
                    .exchange = ExchangeType::informational,
                    .direction = Direction::request,
                    .role = Role::responder,
                    .phase = Phase::authenticating,
                    .optional = anything,
                    .handle = receive_refusal},
        ExchangeRow{.story = "the peer deletes, reports or asks whether we live",
                    .exchange = ExchangeType::informational,
                    .direction = Direction::request,
                    .phase = Phase::established,
                    .optional = anything,
                    .handle = receive_request},
        ExchangeRow{.story = "the same while we delete the IKE SA: both may delete at once",
                    .exchange = ExchangeType::informational,
                    .direction = Direction::request,
                    .phase = Phase::deleting,
                    .optional = anything,
                    .handle = receive_request},
        ExchangeRow{.story = "the answer to our deletion, report or question",
                    .exchange = ExchangeType::informational,
                    .direction = Direction::response,
                    .phase = Phase::established,
                    .optional = anything,
                    .handle = receive_response},
        ExchangeRow{.story = "the answer to our last request",
                    .exchange = ExchangeType::informational,
                    .direction = Direction::response,
                    .phase = Phase::deleting,
                    .optional = anything,
                    .handle = receive_last_response}};
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
