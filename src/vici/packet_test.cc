#include "vici/packet.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace cygnet::vici {
namespace {

Packet request(std::string name) {
    Packet packet{.type = PacketType::command_request, .name = std::move(name)};
    packet.message.add("child", "net");
    return packet;
}

TEST(ViciPacket, PutsTheLengthInFront) {
    const auto bytes = encode(Packet{.type = PacketType::event_register, .name = "log"});
    EXPECT_EQ(*bytes, (Bytes{0, 0, 0, 5, 3, 3, 'l', 'o', 'g'}));
    EXPECT_EQ(*encode(Packet{.type = PacketType::event_confirm}), (Bytes{0, 0, 0, 1, 5}));
}

TEST(ViciPacket, ReadsWhatItWrites) {
    for (const PacketType type :
         {PacketType::command_request, PacketType::command_response, PacketType::command_unknown,
          PacketType::event_register, PacketType::event_unregister, PacketType::event_confirm,
          PacketType::event_unknown, PacketType::event}) {
        Packet packet{.type = type};
        if (is_named(type)) packet.name = "list-sa";
        if (has_message(type)) packet.message.add("k", "v");
        const auto bytes = encode(packet);
        ASSERT_TRUE(bytes);
        const auto back = decode_packet(ByteView(*bytes).subspan(4));
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, packet);
        EXPECT_EQ(*encode(*back), *bytes);
    }
}

TEST(ViciPacket, RefusesWhatIsMalformed) {
    const auto code = [](Bytes segment) { return decode_packet(segment).error().code; };
    EXPECT_EQ(code({}), Errc::truncated);
    EXPECT_EQ(code({8}), Errc::unsupported);
    EXPECT_EQ(code({0, 5, 'l'}), Errc::truncated);
    EXPECT_EQ(code({5, 1}), Errc::trailing);
    EXPECT_EQ(code({1, 2}), Errc::bad_value);
}

TEST(ViciPacket, RefusesToWriteMoreThanASegment) {
    Packet packet{.type = PacketType::command_response};
    for (int i = 0; i < 9; ++i) packet.message.add("k", std::string(60000, 'x'));
    const auto bytes = encode(packet);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code, Errc::limit);
}

TEST(SegmentReader, CutsAStreamHoweverItArrives) {
    Bytes stream;
    for (const char* name : {"version", "stats", "list-sas"}) append(stream, *encode(request(name)));
    for (const std::size_t portion : {std::size_t{1}, std::size_t{3}, std::size_t{7}, stream.size()}) {
        SegmentReader reader;
        std::vector<std::string> names;
        for (std::size_t at = 0; at < stream.size(); at += portion) {
            reader.feed(ByteView(stream).subspan(at, std::min(portion, stream.size() - at)));
            while (true) {
                const auto segment = reader.next();
                ASSERT_TRUE(segment);
                if (!*segment) break;
                names.push_back(decode_packet(**segment)->name);
            }
        }
        EXPECT_EQ(names, (std::vector<std::string>{"version", "stats", "list-sas"})) << portion;
    }
}

TEST(SegmentReader, FailsOnALengthAbove512KiB) {
    SegmentReader most;
    most.feed(Bytes{0, 8, 0, 0});
    EXPECT_TRUE(most.next()) << "512 KiB are allowed";
    SegmentReader more;
    more.feed(Bytes{0, 8, 0, 1});
    EXPECT_EQ(more.next().error().code, Errc::limit);
    SegmentReader six_hundred;
    six_hundred.feed(Bytes{0, 9, 0x60, 0});
    EXPECT_FALSE(six_hundred.next());
}

}  // namespace
}  // namespace cygnet::vici
