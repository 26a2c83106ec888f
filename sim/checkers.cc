#include "sim/checkers.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/node.h"
#include "wire/header.h"

namespace cygnet::sim {
namespace {

struct SaOf {
    std::optional<model::IkeSaId> operator()(const model::LogLine& event) const { return event.ike_id; }
    std::optional<model::IkeSaId> operator()(const model::MessageTrace& event) const { return event.ike_id; }
    std::optional<model::IkeSaId> operator()(const model::IkeUp& event) const { return event.sa->id; }
    std::optional<model::IkeSaId> operator()(const model::IkeDown& event) const { return event.sa->id; }
    std::optional<model::IkeSaId> operator()(const model::IkeRekeyed& event) const { return event.after->id; }
    std::optional<model::IkeSaId> operator()(const model::IkeMoved& event) const { return event.before->id; }
    std::optional<model::IkeSaId> operator()(const model::ChildUp& event) const { return event.sa->id; }
    std::optional<model::IkeSaId> operator()(const model::ChildDown& event) const { return event.sa->id; }
    std::optional<model::IkeSaId> operator()(const model::ChildRekeyed& event) const { return event.sa->id; }
    std::optional<model::IkeSaId> operator()(const model::Alert& event) const {
        return event.sa ? std::optional(event.sa->id) : std::nullopt;
    }
};

std::uint64_t digest_of(ByteView octets) {
    std::uint64_t digest = 0xcbf29ce484222325U;
    for (const std::uint8_t octet : octets) digest = (digest ^ octet) * 0x100000001b3U;
    return digest;
}

// Number and total of an SKF payload (RFC 7383 §2.5), which comes first; 0 for other messages.
std::uint32_t fragment_of(const wire::Header& header, ByteView datagram) {
    constexpr std::size_t at = wire::header_size + wire::generic_header_size;
    if (header.next_payload != model::PayloadType::skf || datagram.size() < at + 4) return 0;
    return static_cast<std::uint32_t>(datagram[at] << 24 | datagram[at + 1] << 16 | datagram[at + 2] << 8 | datagram[at + 3]);
}

}  // namespace

void Checkers::fail(std::string what) {
    if (!violation_) violation_ = std::move(what);
}

void Checkers::require(bool condition, const Node& node, const char* what) {
    if (!condition) fail(node.name() + " " + what);
}

void Checkers::judge(const Node& node, const ike::Effects& effects) {
    for (const ike::Effect& effect : effects) {
        if (const auto* send = std::get_if<ike::Send>(&effect)) judge_message(node, send->datagram);
        if (const auto* report = std::get_if<ike::Report>(&effect)) judge_report(node, report->event);
        if (const auto* close = std::get_if<ike::Close>(&effect))
            require(closed_.insert({node.name(), node.incarnation(), close->sa}).second, node, "closes an IKE SA twice");
    }
}

// RFC 7296 §2.1: a retransmission is bitwise identical, of requests and of responses.
void Checkers::judge_message(const Node& node, const Bytes& datagram) {
    const auto header = wire::parse_header(datagram);
    if (!header) return fail(node.name() + " sends what is no IKE message");
    // Requests of IKE_SA_INIT come back with cookies and other groups; refusals of it keep no state.
    if (header->exchange == model::ExchangeType::ike_sa_init && header->spi_r == 0) return;
    // §1.5: what is said without an SA is not protected, and may use the SPIs of an SA that comes to be later.
    const bool sealed = header->next_payload == model::PayloadType::sk || header->next_payload == model::PayloadType::skf;
    if (header->exchange != model::ExchangeType::ike_sa_init && !sealed) return;
    const MessageName name{node.name(),        header->spi_i,      header->spi_r,
                           header->initiator * 2 + header->response, static_cast<int>(header->exchange), header->message_id,
                           fragment_of(*header, datagram)};
    const auto [known, fresh] = sent_.emplace(name, digest_of(datagram));
    if (fresh || known->second == digest_of(datagram)) return;
    fail(fmt::format("{} sends two different {} {} with message ID {}", node.name(), model::name_of(header->exchange),
                     header->response ? "responses" : "requests", header->message_id));
}

void Checkers::judge_report(const Node& node, const model::Event& event) {
    const auto sa = std::visit(SaOf{}, event);
    if (sa && closed_.contains({node.name(), node.incarnation(), *sa}))
        fail(fmt::format("{} speaks of IKE SA {} after its Close", node.name(), static_cast<std::uint32_t>(*sa)));
}

void Checkers::judge(const Node& node, FakeBackend::Verdict verdict) {
    require(verdict != FakeBackend::Verdict::wrong_key, node, "receives a packet made with other keys than its SPI's");
    require(verdict != FakeBackend::Verdict::wrong_selector, node, "receives a packet outside the SA's selectors");
}

void Checkers::judge_state(const Node& node, Instant now) {
    const ike::Engine::Population population = node.engine().population();
    require(population.children == node.backend().living(), node, "has other children in its engine than in its data plane");
    require(population.ike_sas <= ike_sas_max, node, "has too many IKE SAs");
    require(population.half_open <= population.ike_sas, node, "counts more half-open IKE SAs than it has");
    require(node.engine().next_deadline() > now, node, "leaves a deadline that has passed");
}

void Checkers::installed(const Node& node, const model::ChildSaSpec& spec) {
    const Installed mine{.node = node.name(),
                         .spi_out = spec.spi_out,
                         .digest_in = sim::digest_of(spec, spec.in),
                         .digest_out = sim::digest_of(spec, spec.out),
                         .local = spec.local,
                         .remote = spec.remote};
    const auto [first, last] = installed_.equal_range(spec.spi_out);
    for (auto it = first; it != last; ++it) {
        const Installed& theirs = it->second;
        if (theirs.node == node.name() || theirs.spi_out != spec.spi_in) continue;
        require(theirs.digest_in == mine.digest_out && theirs.digest_out == mine.digest_in, node, "installs keys that differ from its peer's");
        require(theirs.local == mine.remote && theirs.remote == mine.local, node, "installs selectors that are not its peer's");
    }
    require(mine.digest_in != mine.digest_out, node, "uses one key for both directions");
    installed_.emplace(spec.spi_in, mine);
}

}  // namespace cygnet::sim
