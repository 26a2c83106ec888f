// Identities that a peer may claim: every type, every length, and names that are none. RFC 7296 §3.5.
#include <gtest/gtest.h>

#include "crypto/x509.h"
#include "ike/exchange/ike_auth.h"
#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

class Identities : public testing::Test {
protected:
    Node victim{7};
    Instant now = Instant::after_start(seconds(1000));
    std::uint64_t spi = 0;

    void expect_of_peer(const model::Identity& id) {
        model::Connection open = connection(false);
        open.remote.front().id = id;
        Effects effects;
        victim.engine.step(now, Configure{config_of(open), nullptr}, effects);
    }
    static model::Identity id(const char* text) {
        return model::Identity::parse(text, crypto::parse_distinguished_name);
    }
    // Whether a peer that knows the shared key gets in under this name; what it is answered.
    bool gets_in(const model::Identity& claimed, const wire::NotifyPayload** answer = nullptr) {
        ScriptedPeer peer(victim);
        peer.spis.initiator = ++spi;
        peer.init();
        const Bytes octets = signed_octets(peer.proposal.prf, peer.init_request, peer.nonce_r,
                                           peer.protection->sk_p(true), id_payload_body(claimed), {});
        const SecretBytes mic =
            shared_key_mic(peer.proposal.prf, SecretBytes::copy_of(bytes_of("correct horse")), octets);
        wire::MessageBuilder message = peer.auth({model::PayloadType::id_i, model::PayloadType::auth});
        message.add(wire::IdiPayload{.id_type = claimed.type, .data = claimed.data});
        message.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = mic.reveal()});
        answers_ = peer.send(model::ExchangeType::ike_auth, std::move(message));
        EXPECT_EQ(answers_.size(), 1u);
        if (answer != nullptr)
            *answer = answers_.empty() ? nullptr : answers_.front().notify(model::NotifyType::invalid_syntax);
        const std::size_t left = victim.engine.population().ike_sas;
        const bool in = left == sas_ + 1;
        sas_ = left;
        return in;
    }

private:
    std::vector<ScriptedPeer::Answer> answers_;
    std::size_t sas_ = 0;
};

// hostile A1: the length of an identity is the peer's to choose, what we make of it is ours.
TEST_F(Identities, OfAnyLengthAreReadOrRefused) {
    expect_of_peer({});
    for (const auto type : {model::IdType::fqdn, model::IdType::rfc822_addr, model::IdType::key_id,
                            model::IdType::der_asn1_dn, model::IdType::der_asn1_gn, model::IdType::ipv4_addr}) {
        for (const std::size_t length : {1, 4, 16, 255, 256, 500, 1024, 4096})
            EXPECT_TRUE(gets_in({.type = type, .data = Bytes(length, 'a')})) << length;
        for (const std::size_t length : {0, 4097, 16000, 60000}) {
            const wire::NotifyPayload* answer = nullptr;
            EXPECT_FALSE(gets_in({.type = type, .data = Bytes(length, 'a')}, &answer)) << length;
            EXPECT_NE(answer, nullptr) << length;
        }
        victim.events.clear();
    }
}

// hostile A2: distinguished names whose lengths lie, against one that we expect.
TEST_F(Identities, ThatAreBrokenNamesMatchNoName) {
    const model::Identity expected = id("C=CH, O=Cygnet, CN=moon");
    expect_of_peer(expected);
    EXPECT_TRUE(gets_in(expected));
    for (std::size_t octet = 0; octet < expected.data.size(); ++octet) {
        // RFC 5280 §7.1: the type of a string (UTF8String, PrintableString) is not part of the name.
        if (expected.data[octet] == 0x0c || expected.data[octet] == 0x13) continue;
        for (const int value : {0x00, 0x7f, 0x80, 0x84, 0xff}) {
            model::Identity broken = expected;
            if (broken.data[octet] == value) continue;
            broken.data[octet] = static_cast<std::uint8_t>(value);
            EXPECT_FALSE(gets_in(broken)) << octet << " is " << value;
        }
        model::Identity cut = expected;
        cut.data.resize(octet);
        EXPECT_FALSE(gets_in(cut)) << octet;
    }
    victim.events.clear();
}

// RFC 7296 §3.5 [63]: IPv4, FQDN, mail, key identifier; each is accepted as itself alone.
TEST_F(Identities, OfEveryConfigurableTypeAreAcceptedAsThemselves) {
    for (const char* text : {"192.0.2.1", "2001:db8::1", "moon.example", "moon@example", "@#0102", "C=CH, CN=moon"}) {
        expect_of_peer(id(text));
        EXPECT_TRUE(gets_in(id(text))) << text;
        for (const char* other : {"192.0.2.9", "2001:db8::9", "sun.example", "sun@example", "@#0103", "C=CH, CN=sun"})
            EXPECT_FALSE(gets_in(id(other))) << text << " " << other;
    }
    // RFC 7296 §3.5: names have no terminator: one that has is another name.
    expect_of_peer(id("moon.example"));
    model::Identity terminated = id("moon.example");
    terminated.data.push_back(0);
    EXPECT_FALSE(gets_in(terminated));
}

// RFC 7296 §3.5: type 0 is reserved; our own types of patterns are nobody's identity.
TEST_F(Identities, OfReservedTypesAreRefused) {
    expect_of_peer({});
    EXPECT_FALSE(gets_in({.type = model::IdType::any, .data = {1}}));
    EXPECT_FALSE(gets_in({.type = model::IdType::any, .data = {}}));
    expect_of_peer(id("192.0.2.0/24"));
    EXPECT_FALSE(gets_in(id("192.0.2.0/24")));
    EXPECT_TRUE(gets_in(id("192.0.2.77")));
}

}  // namespace
}  // namespace cygnet::ike::test
