// What each payload refuses, and the fixed places of its fields, against octets written by hand
// from the figures of RFC 7296 §3.
#include "wire/payloads.h"

#include <gtest/gtest.h>

namespace cygnet::wire {
namespace {

Bytes octets(std::string_view text) { return from_hex(text).value(); }

template <class T>
Errc refusal(std::string_view text) {
    const Bytes body = octets(text);
    const auto parsed = parse<T>(body);
    EXPECT_FALSE(parsed) << print(*parsed);
    return parsed ? Errc::state : parsed.error().code;
}

// A proposal of ESP with SPI 01020304, AES-GCM-16 with 256-bit keys, and ESN 0 or 1.
constexpr std::string_view esp_proposal =
    "00 00 0028  01 03 04 03 01020304"
    "03 00 000c 01 00 0014 800e 0100"
    "03 00 0008 05 00 0000"
    "00 00 0008 05 00 0001";

TEST(SaPayload, ReadsNestedTransformsAndTheKeyLength) {
    const Bytes body = octets(esp_proposal);
    const auto payload = parse<SaPayload>(body);
    ASSERT_TRUE(payload) << payload.error().text();
    const model::Proposal expected{
        .number = 1,
        .protocol = model::Protocol::esp,
        .spi = octets("01020304"),
        .transforms = {model::Transform::of(model::Encr::aes_gcm_16, 256), model::Transform::of(model::Sn::bits_32),
                       model::Transform::of(model::Sn::bits_64_partial)}};
    ASSERT_EQ(payload->proposals.size(), 1u);
    EXPECT_EQ(payload->proposals[0], expected);
    EXPECT_EQ(written(*payload), body);
}

// RFC 7296 §3.3 [36]: inner lengths and counts are checked.
TEST(SaPayload, RefusesLengthsAndCountsThatContradictEachOther) {
    EXPECT_EQ(refusal<SaPayload>(""), Errc::truncated);
    // Proposal length below its own header, and beyond the payload.
    EXPECT_EQ(refusal<SaPayload>("00 00 0003 01 03 00 00"), Errc::bad_length);
    EXPECT_EQ(refusal<SaPayload>("00 00 0009 01 03 00 00"), Errc::truncated);
    // SPI size beyond the proposal.
    EXPECT_EQ(refusal<SaPayload>("00 00 0008 01 03 04 00"), Errc::truncated);
    // Two transforms announced, one present; and none announced, one present.
    EXPECT_EQ(refusal<SaPayload>("00 00 0010 01 03 00 02  00 00 0008 05 00 0000"), Errc::bad_length);
    EXPECT_EQ(refusal<SaPayload>("00 00 0010 01 03 00 00  00 00 0008 05 00 0000"), Errc::bad_length);
    // A transform shorter than its fixed part, and one longer than its proposal.
    EXPECT_EQ(refusal<SaPayload>("00 00 000c 01 03 00 01  00 00 0004"), Errc::truncated);
    EXPECT_EQ(refusal<SaPayload>("00 00 0010 01 03 00 01  00 00 0009 05 00 0000"), Errc::truncated);
    // An attribute whose value ends behind its transform.
    EXPECT_EQ(refusal<SaPayload>("00 00 0014 01 03 00 01  00 00 000c 01 00 0014 0001 0004"), Errc::truncated);
    // Last Substruc: more announced at the end, none announced before another, and a foreign value.
    EXPECT_EQ(refusal<SaPayload>("02 00 0010 01 03 00 01  00 00 0008 05 00 0000"), Errc::bad_value);
    EXPECT_EQ(refusal<SaPayload>("00 00 0018 01 03 00 02  00 00 0008 05 00 0000 00 00 0008 05 00 0001"),
              Errc::bad_value);
    EXPECT_EQ(refusal<SaPayload>("00 00 0010 01 03 00 01  07 00 0008 05 00 0000"), Errc::bad_value);
}

TEST(SaPayload, KeepsUnknownTransformsAndAttributesInTheirPlaces) {
    // Transform type 250 with a variable attribute, then a Key Length that is no longer the first.
    const Bytes body = octets("00 00 001a 01 03 00 01  00 00 0012 fa 00 1234 0007 0002 abcd 800e 0080");
    const auto payload = parse<SaPayload>(body);
    ASSERT_TRUE(payload) << payload.error().text();
    const model::Transform& transform = payload->proposals.at(0).transforms.at(0);
    EXPECT_EQ(transform.key_bits, std::nullopt);
    ASSERT_EQ(transform.other_attributes.size(), 2u);
    EXPECT_EQ(transform.other_attributes[0].value, octets("abcd"));
    EXPECT_EQ(written(*payload), body);
}

TEST(SaPayload, RefusesMoreProposalsThanTheLimit) {
    SaPayload payload;
    payload.proposals.resize(model::limits::proposals_per_sa_payload);
    EXPECT_TRUE(parse<SaPayload>(written(payload)));
    payload.proposals.emplace_back();
    const auto refused = parse<SaPayload>(written(payload));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
}

TEST(SaPayload, RefusesMoreAttributesThanTheLimit) {
    model::Transform transform = model::Transform::of(model::Encr::aes_cbc);
    transform.other_attributes.assign(model::limits::attributes_per_transform + 1,
                                      {.type = 99, .fixed = true, .value = {0, 1}});
    SaPayload payload;
    payload.proposals.push_back({.transforms = {transform}});
    const auto refused = parse<SaPayload>(written(payload));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
}

TEST(KePayload, HasTheMethodFirstThenTheData) {
    const Bytes body = octets("001f 0000 0a0b0c");
    const auto payload = parse<KePayload>(body);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->method, model::Ke::curve25519);
    EXPECT_EQ(keep(payload->data), octets("0a0b0c"));
    EXPECT_EQ(refusal<KePayload>("001f 00"), Errc::truncated);
}

TEST(KePayload, IgnoresReservedOctetsAndWritesZeros) {
    const Bytes body = octets("001f dead 0a");
    EXPECT_EQ(written(parse<KePayload>(body).value()), octets("001f 0000 0a"));
}

TEST(IdentificationPayload, KeepsTypesThatAreNotAssigned) {
    const Bytes body = octets("c9 000000 6d6f6f6e");
    const auto payload = parse<IdiPayload>(body);
    ASSERT_TRUE(payload);
    EXPECT_EQ(std::to_underlying(payload->id_type), 0xc9);
    EXPECT_EQ(text_of(payload->data), "moon");
    EXPECT_EQ(written(*payload), body);
}

// RFC 7296 §3.9 [50]: other lengths are refused.
TEST(NoncePayload, HasBetween16And256Octets) {
    const Bytes random(300, 7);
    const auto accepted = [&](std::size_t size) { return parse<NoncePayload>({random.data(), size}).has_value(); };
    EXPECT_FALSE(accepted(0));
    EXPECT_FALSE(accepted(15));
    EXPECT_TRUE(accepted(16));
    EXPECT_TRUE(accepted(256));
    EXPECT_FALSE(accepted(257));
}

// RFC 7296 §3.10 [34]: SPI size, SPI, data.
TEST(NotifyPayload, ReadsTheSpiBetweenTypeAndData) {
    const Bytes body = octets("03 04 4009 01020304 aa");
    const auto payload = parse<NotifyPayload>(body);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->protocol, model::Protocol::esp);
    EXPECT_EQ(payload->message_type, model::NotifyType::rekey_sa);
    EXPECT_EQ(keep(payload->spi), octets("01020304"));
    EXPECT_EQ(keep(payload->data), octets("aa"));
}

TEST(NotifyPayload, RefusesAnSpiLongerThanThePayload) {
    EXPECT_EQ(refusal<NotifyPayload>("03 05 4009 01020304"), Errc::truncated);
    EXPECT_EQ(refusal<NotifyPayload>("03 ff 4009"), Errc::truncated);
}

TEST(DeletePayload, ListsSpisAsNumbers) {
    const Bytes body = octets("03 04 0002 01020304 0a0b0c0d");
    const auto payload = parse<DeletePayload>(body);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->child_spis(), (std::vector<std::uint32_t>{0x01020304, 0x0a0b0c0d}));
    const Bytes of_ike = octets("01 00 0000");
    EXPECT_TRUE(parse<DeletePayload>(of_ike).value().child_spis().empty());
}

// RFC 7296 §3.11 [122]: SPI sizes and counts.
TEST(DeletePayload, RefusesCountsThatDoNotMatchTheOctets) {
    EXPECT_EQ(refusal<DeletePayload>("03 04 0002 01020304"), Errc::truncated);
    EXPECT_EQ(refusal<DeletePayload>("03 04 0001 01020304 05"), Errc::trailing);
    EXPECT_EQ(refusal<DeletePayload>("03 00 0001"), Errc::bad_length);
    EXPECT_EQ(refusal<DeletePayload>("03 04 ffff 01020304"), Errc::limit);
}

TEST(TsPayload, ReadsBothFamiliesAndKeepsOthers) {
    const Bytes body = octets(
        "03 000000"
        "07 06 0010 0050 0051 0a010000 0a01ffff"
        "08 00 0028 0000 ffff 20010db8000000000000000000000000 20010db80000000000000000000000ff"
        "0a 00 0006 abcd");
    const auto payload = parse<TsiPayload>(body);
    ASSERT_TRUE(payload) << payload.error().text();
    const auto known = payload->known();
    ASSERT_EQ(known.size(), 2u);
    EXPECT_EQ(known[0].protocol, 6);
    EXPECT_EQ(known[0].first_port, 80);
    EXPECT_EQ(known[0].last_port, 81);
    EXPECT_EQ(known[0].addresses, model::AddressRange::parse("10.1.0.0/16"));
    EXPECT_EQ(known[1].addresses.last, model::IpAddress::parse("2001:db8::ff"));
    EXPECT_TRUE(std::holds_alternative<UnknownSelector>(payload->selectors[2]));
    EXPECT_EQ(written(*payload), body);
}

TEST(TsPayload, RefusesLengthsThatDoNotFitTheType) {
    EXPECT_EQ(refusal<TsiPayload>("01 000000 07 00 0003"), Errc::bad_length);
    EXPECT_EQ(refusal<TsiPayload>("01 000000 07 00 000c 0000ffff 0a010000"), Errc::truncated);
    EXPECT_EQ(refusal<TsiPayload>("01 000000 07 00 0012 0000ffff 0a010000 0a010000 0000"), Errc::trailing);
    EXPECT_EQ(refusal<TsiPayload>("01 000000 08 00 0010 0000ffff 0a010000 0a010000"), Errc::truncated);
}

TEST(TsPayload, RefusesCountsThatDoNotMatchTheOctets) {
    EXPECT_EQ(refusal<TsiPayload>("02 000000 07 00 0010 0000ffff 0a010000 0a010000"), Errc::truncated);
    EXPECT_EQ(refusal<TsiPayload>("00 000000 07 00 0010 0000ffff 0a010000 0a010000"), Errc::trailing);
    EXPECT_EQ(refusal<TsiPayload>("ff 000000"), Errc::truncated);
}

// RFC 7383 §2.5 [142]: numbers from 1 to the total.
TEST(SkfPayload, RefusesNumbersOutsideTheTotal) {
    EXPECT_EQ(refusal<SkfPayload>("0000 0001 aa"), Errc::bad_value);
    EXPECT_EQ(refusal<SkfPayload>("0002 0001 aa"), Errc::bad_value);
    EXPECT_EQ(refusal<SkfPayload>("0000 0000 aa"), Errc::bad_value);
    EXPECT_EQ(refusal<SkfPayload>("0001 00"), Errc::truncated);
}

TEST(CpPayload, ReadsAttributesAndIgnoresTheirReservedBit) {
    const Bytes body = octets("01 000000 0001 0000 8003 0004 0a000001");
    const auto payload = parse<CpPayload>(body);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->cfg_type, model::CfgType::request);
    ASSERT_EQ(payload->attributes.size(), 2u);
    EXPECT_EQ(payload->attributes[0].type, model::CfgAttribute::internal_ip4_address);
    EXPECT_TRUE(payload->attributes[0].value.empty());
    EXPECT_EQ(payload->attributes[1].type, model::CfgAttribute::internal_ip4_dns);
    EXPECT_EQ(keep(payload->attributes[1].value), octets("0a000001"));
}

TEST(CpPayload, RefusesAttributesThatEndOutsideAndTooManyOfThem) {
    EXPECT_EQ(refusal<CpPayload>("01 000000 0001 0001"), Errc::truncated);
    EXPECT_EQ(refusal<CpPayload>("01 000000 0001 00"), Errc::truncated);
    Bytes body = octets("01 000000");
    body.resize(4 + 4 * (model::limits::attributes_per_cp_payload + 1));
    const auto refused = parse<CpPayload>(body);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
}

TEST(EapPayload, HasALengthThatCountsThePacket) {
    const Bytes body = octets("02 2a 0009 01 6d6f6f6e");
    const auto payload = parse<EapPayload>(body);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->identifier, 0x2a);
    EXPECT_EQ(keep(payload->data), octets("01 6d6f6f6e"));
    EXPECT_EQ(written(*payload), body);
    EXPECT_EQ(refusal<EapPayload>("02 2a 0008 01 6d6f6f6e"), Errc::bad_length);
    EXPECT_EQ(refusal<EapPayload>("02 2a 000a 01 6d6f6f6e"), Errc::bad_length);
    EXPECT_EQ(refusal<EapPayload>("02 2a 00"), Errc::truncated);
}

}  // namespace
}  // namespace cygnet::wire
