#include "wire/protected.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cygnet::wire {
namespace {

constexpr ProtectionSizes gcm{.iv = 8, .block = 1, .icv = 16};
constexpr ProtectionSizes cbc{.iv = 16, .block = 16, .icv = 16};

Header auth_request() {
    return {.spi_i = 1, .spi_r = 2, .exchange = ExchangeType::ike_auth, .initiator = true, .message_id = 1};
}

Chain chain_of(std::size_t size) {
    Chain chain{.first = PayloadType::id_i, .octets = Bytes(size)};
    for (std::size_t i = 0; i < size; ++i) chain.octets[i] = static_cast<std::uint8_t>(i * 7);
    return chain;
}

class Protected : public testing::TestWithParam<ProtectionSizes> {};
INSTANTIATE_TEST_SUITE_P(Ciphers, Protected,
                         testing::Values(gcm, cbc, ProtectionSizes{.iv = 0, .block = 4, .icv = 12}));

TEST_P(Protected, IsFoundWhereItWasLaidOut) {
    for (std::size_t size : {0u, 1u, 15u, 16u, 17u, 600u}) {
        const Chain chain = chain_of(size);
        const Unsealed message = lay_out(auth_request(), chain, GetParam()).value();
        EXPECT_EQ(message.octets.size(), protected_message_size(size, GetParam()));
        const auto found = locate_protected(message.octets, GetParam());
        ASSERT_TRUE(found) << found.error().text();
        EXPECT_EQ(found->layout, message.layout);
        EXPECT_EQ(found->first, chain.first);
        EXPECT_FALSE(found->fragment);
        EXPECT_EQ(found->layout.aad(message.octets).size(), header_size + generic_header_size);
        const ByteView text = found->layout.text(ByteView(message.octets));
        EXPECT_EQ(text.size() % GetParam().block, 0u);
        EXPECT_EQ(keep(remove_padding(text).value()), chain.octets);
    }
}

TEST_P(Protected, PartsFollowEachOtherWithoutGaps) {
    const Unsealed message = lay_out(auth_request(), chain_of(33), GetParam()).value();
    const ByteView octets = message.octets;
    const ProtectedLayout& layout = message.layout;
    EXPECT_EQ(concat({layout.aad(octets), layout.iv(octets), layout.text(octets), layout.icv(octets)}), message.octets);
    EXPECT_EQ(layout.iv(octets).size(), GetParam().iv);
    EXPECT_EQ(layout.icv(octets).size(), GetParam().icv);
}

TEST_P(Protected, IsRefusedWhenTooShortForItsParts) {
    const Unsealed message = lay_out(auth_request(), chain_of(0), GetParam()).value();
    const std::size_t least = message.octets.size();
    for (std::size_t size = header_size; size < least; ++size) {
        Bytes cut(message.octets.begin(), message.octets.begin() + static_cast<std::ptrdiff_t>(size));
        Writer(cut).patch_u32(header_length_at, static_cast<std::uint32_t>(size));
        if (size >= header_size + generic_header_size)
            Writer(cut).patch_u16(header_size + 2, static_cast<std::uint16_t>(size - header_size));
        EXPECT_FALSE(locate_protected(cut, GetParam())) << size;
    }
}

TEST_P(Protected, FragmentsFitTheDatagramAndCarryTheWholeChain) {
    for (std::size_t datagram_max : {576u, 1280u}) {
        const Chain chain = chain_of(3000);
        const std::size_t overhead = udp_over_ipv6_overhead + non_esp_marker_size;
        const auto fragments = lay_out_fragments(auth_request(), chain, GetParam(), datagram_max, overhead).value();
        ASSERT_GT(fragments.size(), 2u);
        Bytes whole;
        for (std::size_t i = 0; i < fragments.size(); ++i) {
            const Unsealed& fragment = fragments[i];
            EXPECT_LE(fragment.octets.size() + overhead, datagram_max);
            const auto found = locate_protected(fragment.octets, GetParam());
            ASSERT_TRUE(found) << found.error().text();
            EXPECT_EQ(found->layout, fragment.layout);
            ASSERT_TRUE(found->fragment);
            EXPECT_EQ(found->fragment->number, i + 1);
            EXPECT_EQ(found->fragment->total, fragments.size());
            // RFC 7383 §2.5: zero in all but the first.
            EXPECT_EQ(found->first, i == 0 ? PayloadType::id_i : PayloadType::none);
            append(whole, remove_padding(found->layout.text(ByteView(fragment.octets))).value());
        }
        EXPECT_EQ(whole, chain.octets);
        // No room is wasted: one more cipher block would not have fit.
        EXPECT_GT(fragments[0].octets.size() + overhead + GetParam().block, datagram_max);
    }
}

TEST_P(Protected, IntAuthIsTheSameSentAndReceivedWholeAndInFragments) {
    const Chain chain = chain_of(3000);
    const Bytes sent = intermediate_aad(auth_request(), chain.first, chain.octets.size());
    const Unsealed whole = lay_out(auth_request(), chain, GetParam()).value();
    EXPECT_EQ(intermediate_aad(whole.layout.aad(whole.octets), chain.octets.size()), sent);
    const auto fragments = lay_out_fragments(auth_request(), chain, GetParam(), 576, 28).value();
    EXPECT_EQ(intermediate_aad(fragments[0].layout.aad(fragments[0].octets), chain.octets.size()), sent);
}

// RFC 9242 §3.3.2 [152]: adjusted lengths.
TEST(ProtectedMessage, IntAuthCountsNeitherIvNorPaddingNorIcv) {
    const Chain chain = chain_of(100);
    const Bytes adjusted = intermediate_aad(auth_request(), chain.first, chain.octets.size());
    // RFC 9242 §3.3.2: Length is that of both chunks; Payload Length that of P and four octets
    // more.
    EXPECT_EQ(hex(adjusted),
              "0000000000000001"
              "0000000000000002"
              "2e202308"
              "00000001"
              "00000084"
              "23000068");
}

TEST(ProtectedMessage, IntAuthKeepsReservedBitsAndClearPayloads) {
    Bytes content(4 + 8 + 32 + 16);
    content[1] = content[3] = 1;
    Bytes datagram = MessageBuilder()
                         .notify(model::NotifyType::cookie, bytes_of("xy"))
                         .add(SkfPayload{PayloadType::ke, 1, 3, content})
                         .finish(auth_request());
    const std::size_t skf_at = header_size + 10;
    datagram[skf_at + 1] = 0x55;
    const auto found = locate_protected(datagram, gcm);
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_EQ(found->layout.aad_size, skf_at + generic_header_size + 4);
    Bytes expected(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(skf_at) + 4);
    expected[header_size] = std::to_underlying(PayloadType::sk);
    Writer(expected).patch_u32(header_length_at, static_cast<std::uint32_t>(skf_at + 4 + 500));
    Writer(expected).patch_u16(skf_at + 2, 504);
    EXPECT_EQ(intermediate_aad(found->layout.aad(datagram), 500), expected);
}

TEST(ProtectedMessage, IsNotFoundInClearMessages) {
    const Bytes datagram = MessageBuilder().notify(model::NotifyType::cookie).finish(auth_request());
    EXPECT_EQ(locate_protected(datagram, gcm).error().code, Errc::not_found);
}

TEST(ProtectedMessage, MustReachTheEndOfTheDatagram) {
    Unsealed message = lay_out(auth_request(), chain_of(20), gcm).value();
    message.octets.push_back(0);
    Writer(message.octets).patch_u32(header_length_at, static_cast<std::uint32_t>(message.octets.size()));
    EXPECT_EQ(locate_protected(message.octets, gcm).error().code, Errc::bad_length);
}

TEST(ProtectedMessage, MustHoldWholeCipherBlocks) {
    const Unsealed message = lay_out(auth_request(), chain_of(20), gcm).value();
    EXPECT_EQ(locate_protected(message.octets, {.iv = 8, .block = 16, .icv = 16}).error().code, Errc::bad_length);
}

// RFC 7383 §2.5 [142]: neither number is zero, and no number is above the total.
TEST(ProtectedMessage, RefusesFragmentNumbersOutsideTheTotal) {
    auto fragments = lay_out_fragments(auth_request(), chain_of(1000), gcm, 576, 28).value();
    const std::size_t number_at = header_size + generic_header_size;
    for (std::uint16_t number : {std::uint16_t{0}, static_cast<std::uint16_t>(fragments.size() + 1)}) {
        Writer(fragments[0].octets).patch_u16(number_at, number);
        EXPECT_EQ(locate_protected(fragments[0].octets, gcm).error().code, Errc::bad_value);
    }
}

TEST(ProtectedMessage, IsLimitedToOneDatagram) {
    EXPECT_TRUE(lay_out(auth_request(), chain_of(65'000), gcm));
    const auto refused = lay_out(auth_request(), chain_of(65'500), gcm);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
}

TEST(ProtectedFragments, AreRefusedWithoutRoomAndBeyondTheLimits) {
    const auto refusal = [](std::size_t chain_size, std::size_t datagram_max) {
        return lay_out_fragments(auth_request(), chain_of(chain_size), gcm, datagram_max, 28).error().code;
    };
    EXPECT_EQ(refusal(100, 0), Errc::bad_value);
    EXPECT_EQ(refusal(100, 28 + 36 + 8 + 16 + 1), Errc::bad_value);
    EXPECT_EQ(refusal(1000, 28 + 36 + 8 + 16 + 2), Errc::limit);
    EXPECT_EQ(refusal(65'532, 1280), Errc::limit);
    EXPECT_TRUE(lay_out_fragments(auth_request(), chain_of(65'531), gcm, 1280, 28));
}

TEST(ProtectedFragments, OfAnEmptyChainAreOne) {
    const auto fragments = lay_out_fragments(auth_request(), Chain{}, gcm, 1280, 28).value();
    ASSERT_EQ(fragments.size(), 1u);
    EXPECT_EQ(locate_protected(fragments[0].octets, gcm)->fragment, (FragmentPlace{1, 1}));
}

TEST(Padding, EndsWithItsLength) {
    const auto unpadded = [](std::string_view text) { return remove_padding(from_hex(text).value()); };
    EXPECT_EQ(unpadded("0102 00")->size(), 2u);
    EXPECT_EQ(unpadded("0102 ffff 02")->size(), 2u);
    EXPECT_EQ(unpadded("00")->size(), 0u);
    EXPECT_EQ(unpadded("0101")->size(), 0u);
    EXPECT_EQ(unpadded("0002").error().code, Errc::bad_value);
    EXPECT_EQ(unpadded("").error().code, Errc::truncated);
}

// RFC 8019 §7.2.2: the PS payload is outside of the Encrypted payload, and in the first fragment only.
TEST(PuzzleSolution, StandsBeforeTheEncryptedPayload) {
    const ProtectionSizes sizes{.iv = 8, .block = 1, .icv = 16};
    MessageBuilder builder;
    const Bytes nonce(256, 7), keys(16, 2);
    builder.add(NoncePayload{nonce}).outside(PsPayload{keys});
    const Chain chain = builder.take_chain();
    const auto whole = lay_out({.exchange = ExchangeType::ike_auth}, chain, sizes);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->octets.size(), outside_size(chain.puzzle_solution) + protected_message_size(chain.octets.size(), sizes));
    EXPECT_EQ(glance(whole->octets)->solution.size(), 16u);
    const auto place = locate_protected(whole->octets, sizes);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->layout, whole->layout);
    const auto fragments = lay_out_fragments({.exchange = ExchangeType::ike_auth}, chain, sizes, 150, 28);
    ASSERT_TRUE(fragments);
    ASSERT_GT(fragments->size(), 2u);
    Bytes content;
    for (std::size_t i = 0; i < fragments->size(); ++i) {
        const Unsealed& fragment = (*fragments)[i];
        EXPECT_LE(fragment.octets.size() + 28, 150u);
        EXPECT_EQ(glance(fragment.octets)->solution.size(), i == 0 ? 16u : 0u);
        EXPECT_EQ(locate_protected(fragment.octets, sizes)->layout, fragment.layout);
        append(content, *remove_padding(fragment.layout.text(ByteView(fragment.octets))));
    }
    EXPECT_EQ(content, chain.octets);
}

}  // namespace
}  // namespace cygnet::wire
