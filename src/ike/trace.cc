#include "ike/trace.h"

#include "wire/print.h"

namespace cygnet::ike {
namespace {

std::size_t octets_of(const SentMessage& datagrams) {
    std::size_t octets = 0;
    for (const Bytes& datagram : datagrams) octets += datagram.size();
    return octets;
}

void leave(Context& context, const wire::Header& header, bool sent, std::size_t octets, std::size_t datagrams,
           std::vector<model::PayloadName> payloads, bool again = false) {
    if (!again)
        if (const auto counter = counter_of(header.exchange, header.response, sent)) context.count(*counter);
    context.report(model::MessageTrace{.ike_id = context.sa.id,
                                       .sent = sent,
                                       .response = header.response,
                                       .retransmission = again,
                                       .exchange = header.exchange,
                                       .message_id = header.message_id,
                                       .octets = octets,
                                       .datagrams = datagrams,
                                       .payloads = std::move(payloads)});
}

}  // namespace

void trace_sent(Context& context, const wire::Header& header, const wire::Chain& chain, const SentMessage& datagrams) {
    leave(context, header, true, octets_of(datagrams), datagrams.size(), wire::outline(chain.first, chain.octets));
}

void trace_sent_in_clear(Context& context, ByteView datagram) {
    const auto header = wire::parse_header(datagram);
    if (!header) return;
    const auto first = static_cast<model::PayloadType>(datagram[wire::header_next_payload_at]);
    leave(context, *header, true, datagram.size(), 1, wire::outline(first, datagram.subspan(wire::header_size)));
}

void trace_repeated(Context& context, const SentMessage& datagrams) {
    context.count(model::Counter::retransmitted);
    if (const auto header = wire::parse_header(datagrams.front()))
        leave(context, *header, true, octets_of(datagrams), datagrams.size(), {}, true);
}

void trace_received(Context& context, const wire::Message& message, std::size_t octets, std::size_t datagrams) {
    leave(context, message.header, false, octets, datagrams, wire::outline(message.payloads));
}

void trace_stateless(Core& core, Effects& effects, bool sent, const wire::Message& message, std::size_t octets) {
    const wire::Header& header = message.header;
    if (const auto counter = counter_of(header.exchange, header.response, sent)) core.counters.add(*counter);
    effects.push_back(Report{model::MessageTrace{.sent = sent,
                                                 .response = header.response,
                                                 .exchange = header.exchange,
                                                 .message_id = header.message_id,
                                                 .octets = octets,
                                                 .payloads = wire::outline(message.payloads)}});
}

std::optional<model::Counter> counter_of(model::ExchangeType exchange, bool response, bool sent) {
    using model::Counter;
    struct Family {
        model::ExchangeType exchange;
        Counter in_request, in_response, out_request, out_response;
    };
    static constexpr Family families[] = {
        {model::ExchangeType::ike_sa_init, Counter::ike_init_in_req, Counter::ike_init_in_resp,
         Counter::ike_init_out_req, Counter::ike_init_out_resp},
        {model::ExchangeType::ike_auth, Counter::ike_auth_in_req, Counter::ike_auth_in_resp, Counter::ike_auth_out_req,
         Counter::ike_auth_out_resp},
        {model::ExchangeType::create_child_sa, Counter::create_child_in_req, Counter::create_child_in_resp,
         Counter::create_child_out_req, Counter::create_child_out_resp},
        {model::ExchangeType::informational, Counter::info_in_req, Counter::info_in_resp, Counter::info_out_req,
         Counter::info_out_resp},
        {model::ExchangeType::ike_intermediate, Counter::intermediate_in_req, Counter::intermediate_in_resp,
         Counter::intermediate_out_req, Counter::intermediate_out_resp},
        {model::ExchangeType::ike_followup_ke, Counter::followup_in_req, Counter::followup_in_resp,
         Counter::followup_out_req, Counter::followup_out_resp},
        {model::ExchangeType::ike_session_resume, Counter::resume_in_req, Counter::resume_in_resp,
         Counter::resume_out_req, Counter::resume_out_resp}};
    for (const Family& family : families) {
        if (family.exchange != exchange) continue;
        if (sent) return response ? family.out_response : family.out_request;
        return response ? family.in_response : family.in_request;
    }
    return std::nullopt;
}

}  // namespace cygnet::ike
