#include "wire/stream.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"

namespace cygnet::wire {
namespace {

struct Kept {
    StreamContent content;
    Bytes octets;
    bool operator==(const Kept&) const = default;
};

// Feeds a stream in pieces of the sizes that `size` gives and returns what came out; an error ends it.
template <class Size>
std::pair<std::vector<Kept>, bool> read_in_pieces(StreamReader reader, ByteView stream, Size size) {
    std::vector<Kept> messages;
    while (!stream.empty()) {
        const std::size_t piece = std::min<std::size_t>(std::max<std::size_t>(size(), 1), stream.size());
        reader.add(stream.first(piece));
        stream = stream.subspan(piece);
        for (;;) {
            const auto next = reader.next();
            if (!next) return {messages, false};
            if (!*next) break;
            messages.push_back({(*next)->content, keep((*next)->octets)});
        }
    }
    return {messages, true};
}

std::vector<Kept> read_all(const Bytes& stream) {
    auto [messages, whole] = read_in_pieces(StreamReader(StreamReader::Prefix::sent_by_us), stream, [&] { return stream.size(); });
    EXPECT_TRUE(whole);
    return messages;
}

Bytes with_prefix(ByteView rest) { return concat({bytes_of(stream_prefix), rest}); }

// RFC 9329 §3 [133]: what is written parses back, however TCP cuts it.
TEST(Stream, GivesBackTheMessagesForAnyCuts) {
    SeededRng rng(1);
    for (int round = 0; round < 200; ++round) {
        Bytes stream;
        std::vector<Kept> sent;
        for (std::uint64_t i = rng.below(6); i > 0; --i) {
            Bytes octets(4 + rng.below(3000));
            rng.fill(octets);
            const auto content = rng.below(2) == 0 ? StreamContent::ike : StreamContent::esp;
            octets.front() |= 1;  // an SPI is not zero
            ASSERT_TRUE(write_stream_message(stream, content, octets));
            sent.push_back({content, octets});
        }
        const auto [messages, whole] = read_in_pieces(StreamReader(StreamReader::Prefix::expected), with_prefix(stream),
                                                      [&] { return rng.below(700); });
        EXPECT_TRUE(whole);
        EXPECT_EQ(messages, sent);
    }
}

TEST(Stream, TellsIkeFromEspByTheMarker) {
    const Bytes stream{0, 8, 0, 0, 0, 0, 'h', 'i', 0, 7, 1, 2, 3, 4, 5};
    EXPECT_EQ(read_all(stream), (std::vector<Kept>{{StreamContent::ike, {'h', 'i'}}, {StreamContent::esp, {1, 2, 3, 4, 5}}}));
}

// RFC 9329 §4 [133]: only the originator sends the prefix; nothing is taken before all of it is there.
TEST(Stream, WaitsForTheWholePrefix) {
    StreamReader reader(StreamReader::Prefix::expected);
    for (const char letter : stream_prefix) {
        EXPECT_FALSE(reader.prefix_complete());
        const Bytes octet{static_cast<std::uint8_t>(letter)};
        reader.add(octet);
        ASSERT_TRUE(reader.next());
    }
    EXPECT_TRUE(reader.prefix_complete());
    EXPECT_EQ(reader.incomplete(), 0u);
}

TEST(Stream, RefusesAnotherPrefixAtItsFirstWrongOctet) {
    for (const std::string_view text : {"GET / HTTP/1.1\r\n", "IKETCQ", "I_", "iketcp"}) {
        StreamReader reader(StreamReader::Prefix::expected);
        reader.add(bytes_of(text));
        const auto next = reader.next();
        ASSERT_FALSE(next) << text;
        EXPECT_EQ(next.error().code, Errc::bad_value);
        reader.add(with_prefix({}));
        EXPECT_FALSE(reader.next()) << "a refused stream stays refused";
    }
}

// RFC 9329 §3.1, §3.2 [133]: a length of 0 or 1 is fatal; an empty message (2) is ignored.
TEST(Stream, TreatsLengthsWithoutContentAsTheRfcSays) {
    for (const std::uint8_t length : {std::uint8_t{0}, std::uint8_t{1}}) {
        StreamReader reader(StreamReader::Prefix::sent_by_us);
        const Bytes stream{0, length, 0, 8, 0, 0, 0, 0, 'h', 'i'};
        reader.add(stream);
        const auto next = reader.next();
        ASSERT_FALSE(next);
        EXPECT_EQ(next.error().code, Errc::bad_length);
    }
    const Bytes empty{0, 2, 0, 2, 0, 8, 0, 0, 0, 0, 'h', 'i'};
    EXPECT_EQ(read_all(empty).size(), 1u);
}

// RFC 9329 §6.6 [133]: keepalives are dropped in silence.
TEST(Stream, DropsKeepalives) {
    const Bytes stream{0, 3, 0xff, 0, 3, 0xff, 0, 6, 9, 9, 9, 9};
    EXPECT_EQ(read_all(stream), (std::vector<Kept>{{StreamContent::esp, {9, 9, 9, 9}}}));
}

TEST(Stream, TakesTheLongestMessageAndHoldsNoMore) {
    Bytes stream;
    ASSERT_TRUE(write_stream_message(stream, StreamContent::esp, Bytes(stream_message_octets_max, 7)));
    EXPECT_EQ(stream.size(), 65'535u);
    StreamReader reader(StreamReader::Prefix::sent_by_us);
    for (std::size_t at = 0; at < stream.size(); at += 1000) {
        reader.add(ByteView(stream).subspan(at, std::min<std::size_t>(1000, stream.size() - at)));
        const auto next = reader.next();
        ASSERT_TRUE(next);
        EXPECT_LE(reader.incomplete(), 65'535u);
    }
    EXPECT_EQ(reader.incomplete(), 0u);
}

TEST(Stream, RefusesToWriteWhatALengthCannotSay) {
    Bytes stream;
    EXPECT_FALSE(write_stream_message(stream, StreamContent::esp, Bytes(stream_message_octets_max + 1, 7)));
    EXPECT_FALSE(write_stream_message(stream, StreamContent::ike, Bytes(stream_message_octets_max - 3, 7)));
    EXPECT_TRUE(stream.empty());
}

}  // namespace
}  // namespace cygnet::wire
