#include "wire/message.h"

#include <gtest/gtest.h>

#include "wire/arbitrary.h"

namespace cygnet::wire {
namespace {

Header init_request() {
    return {.spi_i = 0x0102030405060708, .exchange = ExchangeType::ike_sa_init, .initiator = true};
}

TEST(Message, OfArbitraryPayloadsParsesBack) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Arbitrary source(seed);
        Message message{.header = arbitrary<Header>(source), .payloads = {}};
        for (std::size_t count = source.below(10); count-- > 0;) {
            message.payloads.push_back(arbitrary<Payload>(source));
            // Only these have a next payload of their own, and nothing can follow them.
            const auto first = source.number<PayloadType>();
            if (auto* sealed = std::get_if<SkPayload>(&message.payloads.back())) sealed->first = first;
            if (auto* fragment = std::get_if<SkfPayload>(&message.payloads.back())) fragment->first = first;
            if (message.payloads.back().index() == Payload(SkPayload{}).index()) break;
            if (message.payloads.back().index() == Payload(SkfPayload{}).index()) break;
        }
        const Bytes datagram = written(message);
        const auto parsed = parse_message(datagram);
        ASSERT_TRUE(parsed) << "seed " << seed << ": " << parsed.error().text();
        EXPECT_EQ(parsed->payloads, message.payloads) << "seed " << seed;
        EXPECT_EQ(parsed->header.length, datagram.size());
        ASSERT_EQ(written(*parsed), datagram) << "seed " << seed;
    }
}

TEST(Message, IsRefusedWhenTruncatedAnywhere) {
    Arbitrary source(1);
    const Bytes datagram = MessageBuilder()
                               .add(arbitrary<SaPayload>(source))
                               .add(arbitrary<KePayload>(source))
                               .add(arbitrary<NoncePayload>(source))
                               .notify(model::NotifyType::cookie, bytes_of("c"))
                               .finish(init_request());
    for (std::size_t size = 0; size < datagram.size(); ++size) {
        // Once as it comes, and once with a Length that pretends to be right.
        Bytes cut(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(parse_message(cut)) << size;
        if (size < header_size) continue;
        Writer(cut).patch_u32(header_length_at, static_cast<std::uint32_t>(size));
        EXPECT_FALSE(parse_message(cut)) << size;
    }
}

TEST(Message, FindsPayloadsAndNotifications) {
    const Bytes nonce(32, 1);
    const Bytes datagram = MessageBuilder()
                               .add(NoncePayload{nonce})
                               .notify(model::NotifyType::cookie, bytes_of("one"))
                               .notify(model::NotifyType::no_proposal_chosen)
                               .notify(model::NotifyType::cookie, bytes_of("two"))
                               .finish(init_request());
    const Message message = parse_message(datagram).value();
    ASSERT_TRUE(message.find<NoncePayload>());
    EXPECT_EQ(message.find<KePayload>(), nullptr);
    EXPECT_EQ(message.all<NotifyPayload>().size(), 3u);
    ASSERT_EQ(message.notifies(model::NotifyType::cookie).size(), 2u);
    EXPECT_EQ(text_of(message.notify(model::NotifyType::cookie)->data), "one");
    EXPECT_EQ(message.notify(model::NotifyType::rekey_sa), nullptr);
    ASSERT_TRUE(message.error());
    EXPECT_EQ(message.error()->message_type, model::NotifyType::no_proposal_chosen);
    EXPECT_EQ(message.unsupported_critical(), nullptr);
}

TEST(Message, KeepsUnknownPayloadsAndTheirCriticalBit) {
    const auto unknown = static_cast<PayloadType>(200);
    const Bytes datagram = MessageBuilder()
                               .add(UnknownPayload{static_cast<PayloadType>(201), false, bytes_of("skip me")})
                               .add(UnknownPayload{unknown, true, bytes_of("never skip me")})
                               .finish(init_request());
    const Message message = parse_message(datagram).value();
    ASSERT_TRUE(message.unsupported_critical());
    EXPECT_EQ(message.unsupported_critical()->type, unknown);
    EXPECT_EQ(text_of(message.unsupported_critical()->body), "never skip me");
    EXPECT_EQ(written(message), datagram);
}

// RFC 7296 §2.5 [27]: no matter for known payloads.
TEST(Message, IgnoresTheCriticalBitOfPayloadsThatItKnows) {
    Bytes datagram = MessageBuilder().add(VendorIdPayload{bytes_of("v")}).finish(init_request());
    datagram[header_size + 1] = 0xff;
    const Message message = parse_message(datagram).value();
    EXPECT_TRUE(message.find<VendorIdPayload>());
    EXPECT_EQ(message.unsupported_critical(), nullptr);
}

// RFC 7296 §3.14 [29]: SK is the last payload.
TEST(Message, EndsAtTheEncryptedPayload) {
    const Bytes content(40, 0xee);
    const Bytes datagram = MessageBuilder()
                               .notify(model::NotifyType::cookie)
                               .add(SkPayload{PayloadType::id_i, content})
                               .finish(init_request());
    const Message message = parse_message(datagram).value();
    ASSERT_EQ(message.payloads.size(), 2u);
    EXPECT_EQ(message.find<SkPayload>()->first, PayloadType::id_i);
    EXPECT_EQ(keep(message.find<SkPayload>()->content), content);
    EXPECT_EQ(written(message), datagram);
}

TEST(Message, NamesThePayloadThatIsMalformed) {
    const Bytes datagram = MessageBuilder()
                               .add(VendorIdPayload{bytes_of("v")})
                               .add(UnknownPayload{PayloadType::nonce, false, bytes_of("too short")})
                               .finish(init_request());
    const auto refused = parse_message(datagram);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_length);
    EXPECT_EQ(refused.error().detail, "payload 2 (No)");
}

TEST(Message, HasAtMostTheLimitOfPayloads) {
    MessageBuilder builder;
    for (std::size_t i = 0; i < model::limits::payloads_per_message; ++i) builder.add(VendorIdPayload{});
    MessageBuilder one_more = builder;
    EXPECT_TRUE(parse_message(builder.finish(init_request())));
    const auto refused = parse_message(one_more.add(VendorIdPayload{}).finish(init_request()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
}

TEST(PayloadChain, RefusesLengthsBelowTheGenericHeaderAndOctetsBehindTheEnd) {
    const auto refusal = [](std::string_view text) {
        return parse_payloads(PayloadType::vendor_id, from_hex(text).value()).error().code;
    };
    EXPECT_EQ(refusal("00 00 0003"), Errc::bad_length);
    EXPECT_EQ(refusal("00 00 0000"), Errc::bad_length);
    EXPECT_EQ(refusal("00 00 0005"), Errc::truncated);
    EXPECT_EQ(refusal("00 00 0004 00"), Errc::trailing);
    // Every payload announces another one: the chain ends only with the octets.
    EXPECT_EQ(refusal("2b 00 0004 2b 00 0004 2b 00 0004"), Errc::truncated);
}

TEST(PayloadChain, MayBeEmpty) {
    EXPECT_TRUE(parse_payloads(PayloadType::none, {}).value().empty());
    EXPECT_EQ(parse_payloads(PayloadType::none, bytes_of("x")).error().code, Errc::trailing);
}

TEST(MessageBuilder, KeepsNothingOfTheViewsThatItWasGiven) {
    MessageBuilder builder;
    {
        Bytes data = keep(bytes_of("short-lived"));
        builder.add(VendorIdPayload{data});
        std::ranges::fill(data, std::uint8_t{0});
    }
    const Chain chain = builder.take_chain();
    const auto payloads = parse_payloads(chain.first, chain.octets).value();
    EXPECT_EQ(text_of(std::get<VendorIdPayload>(payloads.at(0)).data), "short-lived");
}

TEST(MessageBuilder, IsEmptyAfterItsChainIsTaken) {
    MessageBuilder builder;
    EXPECT_TRUE(builder.empty());
    builder.add(SkPayload{});
    EXPECT_FALSE(builder.empty());
    builder.take_chain();
    EXPECT_TRUE(builder.empty());
    builder.add(VendorIdPayload{});
    EXPECT_EQ(builder.chain().first, PayloadType::vendor_id);
    EXPECT_EQ(builder.size(), generic_header_size);
}

TEST(Glance, FindsWhatAdmissionNeedsWithoutParsing) {
    const Bytes nonce(32, 7), cookie(27, 1), keys(16, 2);
    MessageBuilder builder;
    builder.notify(model::NotifyType::cookie, cookie).add(PsPayload{keys}).add(NoncePayload{nonce});
    const Bytes datagram = builder.finish(init_request());
    const auto seen = glance(datagram);
    ASSERT_TRUE(seen);
    EXPECT_TRUE(equal(seen->cookie, cookie));
    EXPECT_TRUE(equal(seen->solution, keys));
    EXPECT_TRUE(equal(seen->nonce, nonce));
    EXPECT_TRUE(seen->proposals.empty());
    EXPECT_FALSE(seen->sealed);
    for (std::size_t size = 0; size < datagram.size(); ++size) EXPECT_FALSE(glance(ByteView(datagram).first(size))) << size;
}

TEST(Glance, SeesThatAChainIsSealed) {
    MessageBuilder builder;
    builder.add(PsPayload{Bytes(16, 2)}).add(SkPayload{.first = PayloadType::id_i, .content = Bytes(40, 1)});
    const Bytes datagram = builder.finish(init_request());
    const auto seen = glance(datagram);
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->sealed);
    EXPECT_EQ(seen->solution.size(), 16u);
}

}  // namespace
}  // namespace cygnet::wire
