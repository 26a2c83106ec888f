#include "tests/captures/listener.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "crypto/signature.h"
#include "crypto/x509.h"

namespace cygnet::captures {
namespace {

using model::ExchangeType;

Bytes octets_of(const std::string& text) {
    const auto octets = from_hex(text);
    EXPECT_TRUE(octets) << text;
    return octets.value_or(Bytes{});
}

// The part of an ID payload that AUTH covers (RFC 7296 §2.15).
template <class Id>
Bytes id_body(const Id& id) {
    const std::uint8_t type[] = {static_cast<std::uint8_t>(id.id_type), 0, 0, 0};
    return concat({type, id.data});
}

std::uint64_t spi_of(const model::Proposal& proposal) {
    std::uint64_t spi = 0;
    for (const std::uint8_t octet : proposal.spi) spi = spi << 8 | octet;
    return spi;
}

// Method 14: the length of the AlgorithmIdentifier, it, the signature (RFC 7427 §3).
void expect_signature(const wire::CertPayload& certificate, ByteView auth_data, ByteView octets) {
    ASSERT_GT(auth_data.size(), auth_data.front() + 1U);
    const auto scheme = crypto::parse_algorithm_identifier(auth_data.subspan(1, auth_data.front()));
    ASSERT_TRUE(scheme) << scheme.error().text();
    const auto parsed = crypto::Certificate::parse(certificate.data);
    ASSERT_TRUE(parsed) << parsed.error().text();
    const auto key = parsed->public_key();
    ASSERT_TRUE(key) << key.error().text();
    const auto verified = crypto::verify(*key, *scheme, octets, auth_data.subspan(1U + auth_data.front()));
    EXPECT_TRUE(verified) << verified.error().text();
}

}  // namespace

Recording read_recording(const std::string& path) {
    Recording recording;
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::vector<std::string> word{std::istream_iterator<std::string>(words), {}};
        if (word.empty() || word[0] == "#") continue;
        Bytes octets = octets_of(word.back());
        if (word[0] == "psk") recording.psk = SecretBytes::take(std::move(octets));
        else if (word[0] == "secret") recording.secrets.push_back(SecretBytes::take(std::move(octets)));
        else if (word[0] == "child-key") recording.child_keys.push_back(std::move(octets));
        else recording.utterances.push_back({word[0] == ">", std::move(octets)});
    }
    return recording;
}

void Listener::hear_everything() {
    for (const Utterance& utterance : recording_.utterances) {
        hear(utterance);
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_EQ(sas_.size(), 2U) << "the IKE SA and the one that replaced it";
    EXPECT_EQ(authenticated_, 2U) << "both sides proved who they are";
    EXPECT_EQ(children_, 2U) << "the first child and the one that replaced it";
    EXPECT_EQ(deletes_, 4U) << "the old child with both SPIs, the old IKE SA, the new one";
    EXPECT_TRUE(recording_.secrets.empty());
    EXPECT_TRUE(recording_.child_keys.empty());
}

void Listener::hear(const Utterance& utterance) {
    const auto header = wire::parse_header(utterance.datagram);
    ASSERT_TRUE(header) << header.error().text();
    if (header->exchange == ExchangeType::ike_sa_init) return hear_init(*header, utterance.datagram);

    const auto known = sas_.find(header->spi_i);
    ASSERT_NE(known, sas_.end()) << "an unknown initiator's SPI";
    Sa& sa = known->second;
    ASSERT_EQ(sa.spis.responder, header->spi_r);
    auto& protection = header->initiator ? sa.opens_initiator : sa.opens_responder;
    auto& fragments = header->initiator ? sa.fragments_i : sa.fragments_r;
    const auto opened = protection->open(utterance.datagram, &fragments);
    ASSERT_TRUE(opened) << opened.error().text();
    if (!*opened) return;  // More fragments follow.
    fragments = {};
    hear_inner(sa, *header, **opened);
}

void Listener::hear_init(const wire::Header& header, ByteView datagram) {
    const auto message = wire::parse_message(datagram);
    ASSERT_TRUE(message) << message.error().text();
    EXPECT_EQ(wire::written(*message), keep(datagram));
    Sa& sa = sas_[header.spi_i];
    const auto* proposals = message->find<wire::SaPayload>();
    const auto* nonce = message->find<wire::NoncePayload>();
    ASSERT_TRUE(proposals && nonce);
    if (!header.response) {
        sa.init_request = keep(datagram);
        sa.nonce_i = keep(nonce->data);
        sa.offered = proposals->proposals;
        return;
    }
    sa.init_response = keep(datagram);
    sa.nonce_r = keep(nonce->data);
    sa.spis = {header.spi_i, header.spi_r};
    auto chosen = model::check_choice(sa.offered, proposals->proposals.front(), {});
    ASSERT_TRUE(chosen) << chosen.error().text();
    sa.chosen = *chosen;
    const SecretBytes secret = next_secret();
    protect(sa, [&] { return ike::initial_keys(sa.chosen, secret.reveal(), sa.nonces(), sa.spis); });
}

void Listener::hear_inner(Sa& sa, const wire::Header& header, const wire::Reassembled& opened) {
    auto payloads = wire::parse_payloads(opened.chain.first, opened.chain.octets);
    ASSERT_TRUE(payloads) << payloads.error().text();
    const wire::Message message{header, *std::move(payloads)};
    wire::MessageBuilder rewritten;
    for (const wire::Payload& payload : message.payloads) rewritten.add(payload);
    EXPECT_EQ(rewritten.chain().octets, opened.chain.octets) << "message " << header.message_id;

    switch (header.exchange) {
        case ExchangeType::ike_intermediate: return hear_intermediate(sa, header, opened);
        case ExchangeType::ike_auth: return hear_auth(sa, header, message);
        case ExchangeType::create_child_sa: return hear_create_child(sa, header, message);
        case ExchangeType::ike_followup_ke:
            if (!header.response) return;
            ASSERT_TRUE(pending_);
            pending_->secrets.push_back(next_secret());
            pending_->followups--;
            return conclude(sa);
        case ExchangeType::informational: deletes_ += message.all<wire::DeletePayload>().size(); return;
        default: FAIL() << "an exchange of type " << static_cast<int>(header.exchange);
    }
}

// RFC 9242 §3.3.2 with the keys of the time, then RFC 9370 §2.2.2.
void Listener::hear_intermediate(Sa& sa, const wire::Header& header, const wire::Reassembled& opened) {
    const Bytes covered = concat({wire::intermediate_aad(opened.aad, opened.chain.octets.size()), opened.chain.octets});
    Bytes& int_auth = header.initiator ? sa.int_auth_i : sa.int_auth_r;
    int_auth = ike::int_auth_step(sa.chosen.prf, header.initiator ? sa.keys().sk_p(true) : sa.keys().sk_p(false), int_auth, covered);
    if (!header.response) return;
    const SecretBytes secret = next_secret();
    const auto before = std::move(sa.opens_initiator);
    protect(sa, [&] {
        return ike::keys_after_intermediate(sa.chosen, before->sk_d(), secret.reveal(), sa.nonces(), sa.spis);
    });
}

void Listener::hear_auth(Sa& sa, const wire::Header& header, const wire::Message& message) {
    const auto* auth = message.find<wire::AuthPayload>();
    const auto* child = message.find<wire::SaPayload>();
    ASSERT_TRUE(auth && child);
    const auto* initiator = message.find<wire::IdiPayload>();
    const auto* responder = message.find<wire::IdrPayload>();
    ASSERT_TRUE(header.initiator ? initiator != nullptr : responder != nullptr);
    const Bytes int_auth = sa.int_auth_i.empty() ? Bytes{} : ike::int_auth(sa.int_auth_i, sa.int_auth_r, header.message_id);
    const Bytes octets =
        header.initiator
            ? ike::signed_octets(sa.chosen.prf, sa.init_request, sa.nonce_r, sa.keys().sk_p(true), id_body(*initiator), int_auth)
            : ike::signed_octets(sa.chosen.prf, sa.init_response, sa.nonce_i, sa.keys().sk_p(false), id_body(*responder), int_auth);
    if (const auto* certificate = message.find<wire::CertPayload>()) {
        ASSERT_EQ(auth->method, model::AuthMethod::digital_signature);
        expect_signature(*certificate, auth->data, octets);
    } else {
        ASSERT_EQ(auth->method, model::AuthMethod::shared_key);
        EXPECT_TRUE(ike::shared_key_mic(sa.chosen.prf, recording_.psk, octets).equals(auth->data));
    }
    authenticated_++;

    if (!header.response) {
        sa.offered_child = child->proposals;
        return;
    }
    const auto chosen = model::check_choice(sa.offered_child, child->proposals.front(), {.ignore_key_exchange = true});
    ASSERT_TRUE(chosen) << chosen.error().text();
    check_child_keys(sa, *chosen, {}, sa.nonces());
}

void Listener::hear_create_child(Sa& sa, const wire::Header& header, const wire::Message& message) {
    const auto* proposals = message.find<wire::SaPayload>();
    const auto* nonce = message.find<wire::NoncePayload>();
    ASSERT_TRUE(proposals && nonce);
    const model::Proposal& first = proposals->proposals.front();
    if (!header.response) {
        sa.offered_child = proposals->proposals;
        pending_ = Pending{.for_ike = first.protocol == model::Protocol::ike, .spis = {spi_of(first), 0}, .chosen = {},
                           .nonce_i = keep(nonce->data), .nonce_r = {}, .followups = 0, .secrets = {}};
        return;
    }
    ASSERT_TRUE(pending_);
    const auto chosen = model::check_choice(sa.offered_child, first, {});
    ASSERT_TRUE(chosen) << chosen.error().text();
    pending_->chosen = *chosen;
    pending_->nonce_r = keep(nonce->data);
    pending_->spis.responder = spi_of(first);
    pending_->followups = chosen->additional.size();
    if (chosen->ke != model::Ke::none) pending_->secrets.push_back(next_secret());
    conclude(sa);
}

void Listener::conclude(Sa& sa) {
    if (pending_->followups != 0) return;
    const Pending done = std::move(*pending_);
    pending_.reset();
    const ike::Nonces nonces{done.nonce_i, done.nonce_r};
    if (!done.for_ike) return check_child_keys(sa, done.chosen, done.secrets, nonces);
    Sa& successor = sas_[done.spis.initiator];
    successor.spis = done.spis;
    successor.chosen = done.chosen;
    protect(successor, [&] {
        return ike::keys_after_rekey(sa.chosen.prf, sa.keys().sk_d(), done.chosen, done.secrets, nonces, done.spis);
    });
}

void Listener::check_child_keys(const Sa& sa, const model::ChosenProposal& chosen, std::span<const SecretBytes> secrets,
                                const ike::Nonces& nonces) {
    const auto keys = ike::child_keys(sa.chosen.prf, sa.keys().sk_d(), chosen, secrets, nonces);
    ASSERT_TRUE(keys) << keys.error().text();
    const auto expect_next = [&](const SecretBytes& key) {
        if (key.empty()) return;
        ASSERT_FALSE(recording_.child_keys.empty());
        EXPECT_EQ(hex(key.reveal()), hex(recording_.child_keys.front()));
        recording_.child_keys.pop_front();
    };
    expect_next(keys->initiator_to_responder.encr);
    expect_next(keys->responder_to_initiator.encr);
    expect_next(keys->initiator_to_responder.integ);
    expect_next(keys->responder_to_initiator.integ);
    children_++;
}

SecretBytes Listener::next_secret() {
    EXPECT_FALSE(recording_.secrets.empty()) << "more key exchanges than recorded secrets";
    if (recording_.secrets.empty()) return {};
    SecretBytes secret = std::move(recording_.secrets.front());
    recording_.secrets.pop_front();
    return secret;
}

template <class Derive>
void Listener::protect(Sa& sa, Derive derive) {
    auto opens_initiator = ike::Protection::make(sa.chosen, derive(), false);
    auto opens_responder = ike::Protection::make(sa.chosen, derive(), true);
    ASSERT_TRUE(opens_initiator && opens_responder);
    sa.opens_initiator.emplace(*std::move(opens_initiator));
    sa.opens_responder.emplace(*std::move(opens_responder));
}

}  // namespace cygnet::captures
