// Opens the IKE_AUTH messages of captures whose SK_e and SK_a are known: the framing of wire, the ciphers
// of crypto, and what other implementations send must agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/cipher.h"
#include "tests/vectors/ike_capture.h"
#include "wire/print.h"
#include "wire/protected.h"

namespace cygnet::vectors {
namespace {

using nlohmann::json;

Bytes octets(const json& text) { return from_hex(text.get<std::string>()).value(); }

// The suite of a session, from the names that Wireshark has for the algorithms.
crypto::CipherSuite suite_of(const json& session) {
    const std::string encr = session.at("encr").get<std::string>();
    const bool hmac_sha2_256 = session.at("integ").get<std::string>().starts_with("HMAC_SHA2_256_128");
    if (encr.starts_with("AES-GCM-256 with 16")) return {model::Encr::aes_gcm_16, 256, model::Integ::none};
    if (encr.starts_with("AES-CBC-256") && hmac_sha2_256)
        return {model::Encr::aes_cbc, 256, model::Integ::hmac_sha2_256_128};
    if (encr.starts_with("AES-CCM-256 with 16")) return {model::Encr::aes_ccm_16, 256, model::Integ::none};
    if (encr.starts_with("AES-CCM-128 with 12")) return {model::Encr::aes_ccm_12, 128, model::Integ::none};
    return {model::Encr::triple_des, 0, model::Integ::hmac_sha1_96};
}

Result<crypto::Cipher> cipher_of(const json& session, const char* encr_key, const char* integ_key) {
    return crypto::Cipher::make(suite_of(session), SecretBytes::take(octets(session.at(encr_key))),
                                SecretBytes::take(octets(session.at(integ_key))));
}

// The inner chain of a protected datagram.
Result<wire::Chain> opened(Bytes datagram, const crypto::Cipher& cipher) {
    const crypto::CipherShape& shape = cipher.shape();
    const wire::ProtectionSizes sizes{.iv = shape.iv_size, .block = shape.block_size, .icv = shape.icv_size};
    const auto found = TRY(wire::locate_protected(datagram, sizes));
    const ByteView whole = datagram;
    TRY(cipher.open(found.layout.aad(whole), found.layout.iv(whole), found.layout.text(datagram),
                    found.layout.icv(whole)));
    return wire::Chain { found.first, keep(TRY(wire::remove_padding(found.layout.text(whole)))) };
}

bool has_auth_data(const std::vector<wire::Payload>& payloads, const Bytes& expected) {
    return std::ranges::any_of(payloads, [&](const wire::Payload& payload) {
        const auto* auth = std::get_if<wire::AuthPayload>(&payload);
        return auth && equal(auth->data, expected);
    });
}

// Opens every protected message of the session's SA; counts them and those with the expected AUTH data.
void open_session(const json& session, const std::vector<Bytes>& datagrams, const Bytes& expected) {
    const auto initiator = cipher_of(session, "sk_ei", "sk_ai");
    const auto responder = cipher_of(session, "sk_er", "sk_ar");
    ASSERT_TRUE(initiator) << initiator.error().text();
    ASSERT_TRUE(responder) << responder.error().text();
    const Bytes spis = concat({octets(session.at("spi_i")), octets(session.at("spi_r"))});
    std::size_t messages = 0, with_auth_data = 0;
    for (const Bytes& datagram : datagrams) {
        const auto header = wire::parse_header(datagram);
        if (!header || !equal(ByteView(datagram).first(spis.size()), spis)) continue;
        if (header->exchange == model::ExchangeType::ike_sa_init) continue;
        ++messages;
        const auto chain = opened(datagram, header->initiator ? *initiator : *responder);
        ASSERT_TRUE(chain) << chain.error().text();
        const auto payloads = wire::parse_payloads(chain->first, chain->octets);
        ASSERT_TRUE(payloads) << payloads.error().text();
        std::printf("  %s\n", wire::summary(*header, *payloads).c_str());
        wire::MessageBuilder again;
        for (const wire::Payload& payload : *payloads) again.add(payload);
        EXPECT_EQ(hex(again.chain().octets), hex(chain->octets));
        if (has_auth_data(*payloads, expected)) ++with_auth_data;
    }
    EXPECT_GE(messages, 2u);
    EXPECT_EQ(with_auth_data, 1u);
}

TEST(Captures, WithKnownKeysAreOpenedAndHoldTheExpectedAuthData) {
    const auto folder = capture_folder();
    if (!folder) GTEST_SKIP() << "no captures: CYGNET_SHARED/vectors/pcap is absent";
    std::ifstream file(*folder / "wireshark/ikev2-keys.json");
    const json keys = json::parse(file);
    std::size_t captures = 0;
    for (const json& entry : keys.at("captures")) {
        const std::string name = entry.at("capture").get<std::string>();
        const json& session = entry.at("sessions").at(0);
        SCOPED_TRACE(name);
        if (!crypto::shape_of(suite_of(session))) {
            std::printf("  skipped %s: the catalogue has no %s\n", name.c_str(),
                        session.at("encr").get<std::string>().c_str());
            continue;
        }
        ++captures;
        open_session(session, ike_datagrams(*folder / "wireshark" / name), octets(entry.at("expected_auth_data_hex")));
    }
    EXPECT_GE(captures, 4u);
}

}  // namespace
}  // namespace cygnet::vectors
