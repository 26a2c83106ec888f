// An initiator that is driven by hand against one engine: it knows the keys, so it can say what no honest peer says. For
// tests only.
#pragma once

#include "ike/auth/auth.h"
#include "ike/keys.h"
#include "ike/protect.h"
#include "ike/test_pair.h"

namespace cygnet::ike::test {

class ScriptedPeer {
public:
    // `engine` is configured with connection(false); we are 192.0.2.1.
    explicit ScriptedPeer(Node& victim) : victim_(victim) {}

    struct Answer {
        wire::Header header{};
        Bytes octets{};
        std::vector<wire::Payload> payloads{};
        const wire::NotifyPayload* notify(model::NotifyType type) const {
            for (const wire::Payload& payload : payloads)
                if (const auto* found = std::get_if<wire::NotifyPayload>(&payload);
                    found && found->message_type == type)
                    return found;
            return nullptr;
        }
    };

    Instant now = Instant::after_start(seconds(1000));
    Spis spis{.initiator = 0x1122334455667788, .responder = 0};
    Bytes nonce_i = Bytes(32, 7), nonce_r{};
    Bytes init_request{}, init_response{};
    Bytes sent_value{};  // in place of our public value, when not empty
    std::vector<model::NotifyType> announced{};  // beside what init() says anyway
    bool private_numbers = false;  // we know those of model/private_use.h
    Bytes hashes{};      // of SIGNATURE_HASH_ALGORITHMS, when not empty
    model::ChosenProposal proposal{};
    std::optional<Protection> protection{};
    std::uint32_t next_id = 1;
    model::Path over = path();
    std::vector<std::size_t> jobs{};  // kinds of those that the engine started (indices of crypto::Job)

    // Feeds octets to the engine and returns the datagrams that it sends.
    std::vector<Bytes> raw(ByteView octets) {
        step(Datagram{.path = over, .bytes = octets});
        return sent();
    }
    // The datagrams that the engine has sent since the last time.
    std::vector<Bytes> sent() {
        std::vector<Bytes> sent;
        while (!victim_.outbox.empty()) {
            sent.push_back(std::move(victim_.outbox.front().datagram));
            victim_.outbox.pop_front();
        }
        return sent;
    }

    // IKE_SA_INIT; the proposal is in swanctl's notation.
    void init(const char* text = "aes256gcm16-prfsha384-x25519") {
        const auto proposals = *model::parse_proposals(model::Protocol::ike, text);
        proposal = *model::choose(proposals, proposals, {});
        const auto offer = *crypto::ke_offer(proposal.ke);
        wire::MessageBuilder message;
        message.add(wire::SaPayload{proposals});
        message.add(wire::KePayload{.method = proposal.ke, .data = sent_value.empty() ? offer.public_value : sent_value});
        message.add(wire::NoncePayload{nonce_i}).notify(model::NotifyType::intermediate_exchange_supported);
        message.notify(model::NotifyType::ikev2_fragmentation_supported);
        for (const model::NotifyType type : announced) message.notify(type);
        if (private_numbers) message.add(wire::VendorIdPayload{bytes_of(model::private_use::vendor_id)});
        if (!hashes.empty()) message.notify(model::NotifyType::signature_hash_algorithms, hashes);
        init_request =
            message.finish({.spi_i = spis.initiator, .exchange = model::ExchangeType::ike_sa_init, .initiator = true});
        const auto sent = raw(init_request);
        ASSERT_EQ(sent.size(), 1u) << victim_.log();
        init_response = sent.front();
        const auto answer = *wire::parse_message(init_response);
        const auto* nonce = answer.find<wire::NoncePayload>();
        const auto* value = answer.find<wire::KePayload>();
        ASSERT_TRUE(nonce != nullptr && value != nullptr) << victim_.log();
        spis.responder = answer.header.spi_r;
        nonce_r = keep(nonce->data);
        const auto secret = *crypto::ke_finish(offer, value->data);
        protection = std::move(
            *Protection::make(proposal, initial_keys(proposal, secret.reveal(), {nonce_i, nonce_r}, spis), true));
    }

    wire::Header header(model::ExchangeType exchange, std::uint32_t id) const {
        return {.spi_i = spis.initiator,
                .spi_r = spis.responder,
                .exchange = exchange,
                .initiator = true,
                .message_id = id};
    }
    Bytes sealed(const wire::Header& with, const wire::Chain& chain) {
        return protection->seal(with, chain, std::nullopt, victim_.rng)->front();
    }
    // One protected message with the next ID; the engine's answers, opened.
    std::vector<Answer> send(model::ExchangeType exchange, wire::MessageBuilder message) {
        return opened(raw(sealed(header(exchange, next_id++), message.take_chain())));
    }
    // The same from another address, or as the answer to a request of the engine.
    std::vector<Answer> send_from(const model::Path& from, model::ExchangeType exchange, wire::MessageBuilder message) {
        step(Datagram{.path = from, .bytes = sealed(header(exchange, next_id++), message.take_chain())});
        return opened(sent());
    }
    std::vector<Answer> respond(const Answer& request, wire::MessageBuilder message) {
        wire::Header with = header(request.header.exchange, request.header.message_id);
        with.response = true;
        return opened(raw(sealed(with, message.take_chain())));
    }
    std::vector<Answer> opened(const std::vector<Bytes>& datagrams) const {
        std::vector<Answer> answers;
        for (const Bytes& datagram : datagrams) {
            Answer answer{.header = *wire::parse_header(datagram)};
            auto whole = protection->open(datagram, nullptr);
            if (whole && *whole) {
                answer.octets = std::move((*whole)->chain.octets);
                answer.payloads = *wire::parse_payloads((*whole)->chain.first, answer.octets);
            }
            answers.push_back(std::move(answer));
        }
        return answers;
    }

    // The payloads of an honest IKE_AUTH request, without those in `omit`.
    wire::MessageBuilder auth(std::initializer_list<model::PayloadType> omit = {}) {
        const auto wanted = [&](model::PayloadType type) {
            return std::find(omit.begin(), omit.end(), type) == omit.end();
        };
        const model::Identity id = model::Identity::parse("a.example");
        const Bytes octets =
            signed_octets(proposal.prf, init_request, nonce_r, protection->sk_p(true), id_payload_body(id), {});
        const SecretBytes mic = shared_key_mic(proposal.prf, SecretBytes::copy_of(bytes_of("correct horse")), octets);
        model::Proposal esp = model::parse_proposals(model::Protocol::esp, "aes256gcm16")->front();
        esp.spi = {1, 2, 3, 4};
        const auto range = [](const char* text) {
            return std::array{model::TrafficSelector::of(*model::AddressRange::parse(text))};
        };
        wire::MessageBuilder message;
        if (wanted(model::PayloadType::id_i)) message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
        if (wanted(model::PayloadType::auth))
            message.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = mic.reveal()});
        if (wanted(model::PayloadType::sa)) message.add(wire::SaPayload{{esp}});
        if (wanted(model::PayloadType::ts_i)) message.add(wire::TsiPayload::of(range("10.1.0.0/16")));
        if (wanted(model::PayloadType::ts_r)) message.add(wire::TsrPayload::of(range("10.2.0.0/16")));
        return message;
    }
    void establish() {
        init();
        const auto answers = send(model::ExchangeType::ike_auth, auth());
        ASSERT_EQ(answers.size(), 1u);
        ASSERT_EQ(victim_.engine.list(now).at(0).state, model::IkeState::established) << victim_.log();
    }

    // Seen from the engine.
    static model::Path path() { return {.local = {address("192.0.2.2"), 500}, .remote = {address("192.0.2.1"), 500}}; }
    void step(Input input) {
        Effects effects;
        victim_.engine.step(now, std::move(input), effects);
        for (Effect& effect : effects)
            if (auto* obtain = std::get_if<ObtainPpks>(&effect)) step(PpksObtained{obtain->id, victim_.pads.obtain(obtain->wish)});
        for (StartJob& job : victim_.take(effects)) {
            if (victim_.keeps_events) jobs.push_back(job.job.index());
            if (jobs_are_slow)
                slow_jobs_.push_back(std::move(job));
            else
                step(JobDone{job.id, crypto::run(std::move(job.job))});
        }
    }
    // Jobs end when end_slow_jobs() is called.
    bool jobs_are_slow = false;
    void end_slow_jobs() {
        for (StartJob& job : std::exchange(slow_jobs_, {})) step(JobDone{job.id, crypto::run(std::move(job.job))});
    }

private:
    Node& victim_;
    std::vector<StartJob> slow_jobs_{};
};

}  // namespace cygnet::ike::test
