#include "wire/print.h"

#include <gtest/gtest.h>

#include <numeric>

namespace cygnet::wire {
namespace {

Message example(const Bytes& public_value) {
    const model::Proposal proposal{
        .number = 1,
        .protocol = model::Protocol::ike,
        .transforms = {model::Transform::of(model::Encr::aes_gcm_16, 256),
                       model::Transform::of(model::Prf::hmac_sha2_384), model::Transform::of(model::Ke::curve25519)}};
    static const Bytes nonce(16, 0xab);
    Message message{.header = {.spi_i = 0x0102030405060708,
                               .exchange = ExchangeType::ike_sa_init,
                               .initiator = true,
                               .length = 120},
                    .payloads = {}};
    message.payloads.push_back(SaPayload{{proposal}});
    message.payloads.push_back(KePayload{model::Ke::curve25519, public_value});
    message.payloads.push_back(NoncePayload{nonce});
    message.payloads.push_back(
        NotifyPayload{.message_type = model::NotifyType::nat_detection_source_ip, .data = nonce});
    return message;
}

TEST(Print, ShowsOneLinePerPayload) {
    Bytes public_value(32);
    std::iota(public_value.begin(), public_value.end(), std::uint8_t{0});
    const std::string proposal = std::get<SaPayload>(example(public_value).payloads[0]).proposals[0].text();
    EXPECT_EQ(print(example(public_value)),
              "IKE_SA_INIT request 0 from the initiator: 0102030405060708 0000000000000000, 120 octets\n"
              "  SA 1 " +
                  proposal +
                  "\n"
                  "  KE method=CURVE_25519 data=0001020304050607… (32 octets)\n"
                  "  No data=abababababababababababababababab\n"
                  "  N NAT_DETECTION_SOURCE_IP data=abababababababababababababababab\n");
}

TEST(Print, SummarisesAMessageInOneLine) {
    EXPECT_EQ(summary(example({})), "IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]");
    const Message empty{.header = {.exchange = ExchangeType::informational, .response = true, .message_id = 7},
                        .payloads = {}};
    EXPECT_EQ(summary(empty), "INFORMATIONAL response 7 [ ]");
}

TEST(Outline, IsTheSameOfAMessageAndOfItsOctets) {
    const Bytes public_value(32, 1);
    const Message message = example(public_value);
    const Bytes octets = written(message);
    const auto outlined = outline(message.payloads);
    EXPECT_EQ(model::text_of(outlined), "SA KE No N(NATD_S_IP)");
    EXPECT_EQ(outline(PayloadType::sa, ByteView(octets).subspan(header_size)), outlined);
}

TEST(Outline, EndsWhereAPayloadIsCut) {
    const Bytes octets = written(example(Bytes(32, 1)));
    const ByteView chain = ByteView(octets).subspan(header_size);
    for (std::size_t size = 0; size < chain.size(); ++size)
        EXPECT_LE(outline(PayloadType::sa, chain.first(size)).size(), 3u) << size;
    EXPECT_TRUE(outline(PayloadType::none, chain).empty());
    const Bytes too_short{0, 0, 0, 3};
    EXPECT_TRUE(outline(PayloadType::nonce, too_short).empty());
}

TEST(Print, ShowsSelectorsIdentitiesAndAttributesAsPeopleWriteThem) {
    const auto range = model::TrafficSelector::of(*model::AddressRange::parse("10.1.0.0/16"));
    EXPECT_EQ(print(Payload(TsiPayload::of(std::vector{range, range}))), "TSi selectors=[10.1.0.0/16, 10.1.0.0/16]");
    EXPECT_EQ(print(Payload(IdiPayload{model::IdType::fqdn, bytes_of("moon.example")})),
              "IDi " + name_of(model::IdType::fqdn) + " moon.example");
    const Bytes address{10, 0, 0, 1};
    CpPayload configuration{.cfg_type = model::CfgType::reply, .attributes = {}};
    configuration.attributes.push_back({model::CfgAttribute::internal_ip4_address, address});
    const Bytes with_prefix = from_hex("20010db8000000000000000000000001 40").value();
    configuration.attributes.push_back({model::CfgAttribute::internal_ip6_address, with_prefix});
    configuration.attributes.push_back({model::CfgAttribute::internal_ip4_dns, {}});
    configuration.attributes.push_back({model::CfgAttribute::application_version, bytes_of("cygnet")});
    EXPECT_EQ(print(Payload(configuration)),
              "CP type=" + name_of(model::CfgType::reply) +
                  " attributes=[INTERNAL_IP4_ADDRESS=10.0.0.1, INTERNAL_IP6_ADDRESS=2001:db8::1/64, "
                  "INTERNAL_IP4_DNS, APPLICATION_VERSION=\"cygnet\"]");
    const Bytes spis = from_hex("01020304 05060708").value();
    EXPECT_EQ(print(Payload(DeletePayload{model::Protocol::esp, 4, spis})), "D protocol=ESP spi=01020304 spi=05060708");
}

TEST(Print, NamesWhatNotificationsCarry) {
    const auto shown = [](model::NotifyType type, std::string_view data) {
        const Bytes octets = from_hex(data).value();
        return print(Payload(NotifyPayload{.message_type = type, .data = octets}));
    };
    EXPECT_EQ(shown(model::NotifyType::invalid_ke_payload, "001f"), "N INVALID_KE_PAYLOAD data=CURVE_25519");
    EXPECT_EQ(shown(model::NotifyType::signature_hash_algorithms, "0002 0005"),
              "N SIGNATURE_HASH_ALGORITHMS data=" + name_of(model::SignatureHash::sha2_256) + " " +
                  name_of(model::SignatureHash::identity));
    EXPECT_EQ(shown(model::NotifyType::invalid_ke_payload, "001f00"), "N INVALID_KE_PAYLOAD data=001f00");
    const Bytes spi = from_hex("01020304").value();
    EXPECT_EQ(print(Payload(NotifyPayload{model::Protocol::esp, model::NotifyType::rekey_sa, spi, {}})),
              "N REKEY_SA protocol=ESP spi=01020304");
}

TEST(Print, ShowsVendorIdsAsTextWhereTheyAreText) {
    EXPECT_EQ(print(Payload(VendorIdPayload{bytes_of("Cygnet 0.1")})), "V \"Cygnet 0.1\"");
    EXPECT_EQ(print(Payload(VendorIdPayload{bytes_of("a\n")})), "V 610a");
}

TEST(Print, ShowsFragmentsWithTheirPlace) {
    const SkfPayload fragment{PayloadType::id_i, 1, 3, {}};
    EXPECT_EQ(print(Payload(fragment)), "SKF first=IDi fragment=1/3 content=");
    const Message message{.header = {.exchange = ExchangeType::ike_auth, .message_id = 1}, .payloads = {fragment}};
    EXPECT_EQ(summary(message), "IKE_AUTH request 1 [ SKF(1/3) ]");
}

TEST(Print, EscapesNothingIntoTheLogThatBreaksALine) {
    const Payload hostile = IdiPayload{model::IdType::fqdn, bytes_of("a\nroot: granted\x1b[2J")};
    const std::string line = print(hostile);
    EXPECT_EQ(line.find('\n'), line.npos);
    EXPECT_EQ(line.find('\x1b'), line.npos);
}

}  // namespace
}  // namespace cygnet::wire
