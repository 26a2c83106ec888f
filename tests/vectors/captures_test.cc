// What other implementations sent, from captures of others: each IKEv2 message is written back as it was or refused with a reason,
// and those whose SK_e and SK_a are known are opened. Framing of `wire`, ciphers of `crypto` and the other side must agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "cli/capture.h"
#include "crypto/cipher.h"
#include "tests/vectors/json_file.h"
#include "wire/print.h"
#include "wire/protected.h"

namespace cygnet::vectors {
namespace {

namespace fs = std::filesystem;

fs::path captures() { return shared_folder() / "pcap"; }
Bytes field(const Json& record, const char* name) { return octets(record.at(name).get<std::string>()); }

// The IKE messages of a capture; none if the file is something else.
std::vector<Bytes> ike_messages(const fs::path& file) {
    std::vector<Bytes> found;
    [[maybe_unused]] const auto read = cli::read_capture(file.string(), [&](const cli::Frame& frame) {
        if (const auto* ike = std::get_if<cli::CapturedIke>(&frame.content)) found.push_back(keep(ike->message));
    });
    return found;
}

// What is written differs only where the sender set reserved bits: one sets the critical bit of payloads that everybody knows
// (RFC 7296 §3.2 wants zero).
TEST(Captures, AreWrittenBackAsTheyWereOrRefused) {
    NEED_FILE(captures(), "the folder of shared vectors");
    std::size_t messages = 0, identical = 0, refused = 0;
    for (const auto& entry : fs::recursive_directory_iterator(captures())) {
        for (const Bytes& datagram : ike_messages(entry.path())) {
            const auto header = wire::parse_header(datagram);
            if (!header || header->major_version != 2) continue;
            ++messages;
            SCOPED_TRACE(entry.path().filename().string() + ": " + hex(datagram));
            const auto message = wire::parse_message(datagram);
            if (!message) {
                ++refused;
                std::printf("  refused %s: %s\n", entry.path().filename().c_str(), message.error().text().c_str());
                continue;
            }
            EXPECT_FALSE(wire::print(*message).empty());
            const Bytes canonical = wire::written(*message);
            if (canonical == datagram) ++identical;
            EXPECT_EQ(canonical.size(), datagram.size());
            EXPECT_EQ(wire::parse_message(canonical).value(), *message);
        }
    }
    std::printf("  %zu IKEv2 messages: %zu written back identically, %zu refused\n", messages, identical, refused);
    EXPECT_GE(messages, 50U);
    EXPECT_GE(identical * 100, messages * 95);
}

// The suite of a session, from the names that Wireshark has for the algorithms.
crypto::CipherSuite suite_of(const Json& session) {
    const std::string encr = session.at("encr").get<std::string>();
    const bool hmac_sha2_256 = session.at("integ").get<std::string>().starts_with("HMAC_SHA2_256_128");
    if (encr.starts_with("AES-GCM-256 with 16")) return {model::Encr::aes_gcm_16, 256, model::Integ::none};
    if (encr.starts_with("AES-CBC-256") && hmac_sha2_256) return {model::Encr::aes_cbc, 256, model::Integ::hmac_sha2_256_128};
    if (encr.starts_with("AES-CCM-256 with 16")) return {model::Encr::aes_ccm_16, 256, model::Integ::none};
    if (encr.starts_with("AES-CCM-128 with 12")) return {model::Encr::aes_ccm_12, 128, model::Integ::none};
    return {model::Encr::triple_des, 0, model::Integ::hmac_sha1_96};
}

Result<crypto::Cipher> cipher_of(const Json& session, const char* encr_key, const char* integ_key) {
    return crypto::Cipher::make(suite_of(session), field(session, encr_key), field(session, integ_key));
}

// The inner chain of a protected message.
Result<wire::Chain> opened(Bytes datagram, const crypto::Cipher& cipher) {
    const crypto::CipherShape& shape = cipher.shape();
    const auto found = TRY(wire::locate_protected(datagram, {.iv = shape.iv_size, .block = shape.block_size, .icv = shape.icv_size}));
    const ByteView whole = datagram;
    TRY(cipher.open(found.layout.aad(whole), found.layout.iv(whole), found.layout.text(datagram), found.layout.icv(whole)));
    Bytes text = keep(TRY(wire::remove_padding(found.layout.text(whole))));
    return wire::Chain{found.first, std::move(text)};
}

bool has_auth_data(const std::vector<wire::Payload>& payloads, const Bytes& expected) {
    return std::ranges::any_of(payloads, [&](const wire::Payload& payload) {
        const auto* auth = std::get_if<wire::AuthPayload>(&payload);
        return auth && equal(auth->data, expected);
    });
}

// Opens every protected message of the session's SA; counts them and those with the expected AUTH data.
void open_session(const Json& session, const std::vector<Bytes>& datagrams, const Bytes& expected) {
    const auto initiator = cipher_of(session, "sk_ei", "sk_ai"), responder = cipher_of(session, "sk_er", "sk_ar");
    ASSERT_TRUE(initiator) << initiator.error().text();
    ASSERT_TRUE(responder) << responder.error().text();
    const Bytes spis = concat({field(session, "spi_i"), field(session, "spi_r")});
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
        wire::MessageBuilder again;
        for (const wire::Payload& payload : *payloads) again.add(payload);
        EXPECT_EQ(hex(again.chain().octets), hex(chain->octets));
        if (has_auth_data(*payloads, expected)) ++with_auth_data;
    }
    EXPECT_GE(messages, 2U);
    EXPECT_EQ(with_auth_data, 1U);
}

TEST(Captures, WithKnownKeysAreOpenedAndHoldTheExpectedAuthData) {
    const fs::path keys_file = captures() / "wireshark/ikev2-keys.json";
    NEED_FILE(keys_file, "the folder of shared vectors");
    const Json keys = read_json(keys_file);
    std::size_t opened_captures = 0;
    for (const Json& entry : keys.at("captures")) {
        const std::string name = entry.at("capture").get<std::string>();
        const Json& session = entry.at("sessions").at(0);
        SCOPED_TRACE(name);
        if (!crypto::shape_of(suite_of(session))) {
            std::printf("  skipped %s: the catalogue has no %s\n", name.c_str(), session.at("encr").get<std::string>().c_str());
            continue;
        }
        ++opened_captures;
        open_session(session, ike_messages(captures() / "wireshark" / name), field(entry, "expected_auth_data_hex"));
    }
    EXPECT_GE(opened_captures, 4U);
}

}  // namespace
}  // namespace cygnet::vectors
