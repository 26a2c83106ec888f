#include "wire/header.h"

#include <gtest/gtest.h>

namespace cygnet::wire {
namespace {

Bytes example() { return from_hex("0102030405060708 1112131415161718 21 20 22 08 00000000 0000001c").value(); }

TEST(Header, ReadsEveryField) {
    const Bytes datagram = example();
    const auto header = parse_header(datagram);
    ASSERT_TRUE(header) << header.error().text();
    EXPECT_EQ(header->spi_i, 0x0102030405060708u);
    EXPECT_EQ(header->spi_r, 0x1112131415161718u);
    EXPECT_EQ(header->next_payload, PayloadType::sa);
    EXPECT_EQ(header->major_version, 2);
    EXPECT_EQ(header->minor_version, 0);
    EXPECT_EQ(header->exchange, ExchangeType::ike_sa_init);
    EXPECT_TRUE(header->initiator);
    EXPECT_FALSE(header->response);
    EXPECT_EQ(header->length, header_size);
    EXPECT_EQ(written(*header), datagram);
}

// RFC 7296 §3.1 [4]: reserved bits are zero and ignored.
TEST(Header, IgnoresReservedFlagsAndTheVersionBit) {
    Bytes datagram = example();
    datagram[19] = 0xff;
    const auto header = parse_header(datagram);
    ASSERT_TRUE(header);
    EXPECT_TRUE(header->initiator);
    EXPECT_TRUE(header->response);
    EXPECT_EQ(written(*header)[19], 0x28);
}

TEST(Header, LeavesTheVersionToTheCaller) {
    Bytes datagram = example();
    datagram[17] = 0x35;
    const auto header = parse_header(datagram);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->major_version, 3);
    EXPECT_EQ(header->minor_version, 5);
}

TEST(Header, IsRefusedAtEveryShorterSize) {
    const Bytes datagram = example();
    for (std::size_t size = 0; size < datagram.size(); ++size) {
        const auto header = parse_header({datagram.data(), size});
        ASSERT_FALSE(header);
        EXPECT_EQ(header.error().code, Errc::truncated);
    }
}

TEST(Header, IsRefusedWhenTheLengthIsNotTheDatagrams) {
    for (const int length : {0x00, 0x1b, 0x1d, 0xff}) {
        Bytes datagram = example();
        datagram[27] = static_cast<std::uint8_t>(length);
        const auto header = parse_header(datagram);
        ASSERT_FALSE(header);
        EXPECT_EQ(header.error().code, Errc::bad_length);
    }
    Bytes longer = example();
    longer.push_back(0);
    EXPECT_EQ(parse_header(longer).error().code, Errc::bad_length);
}

}  // namespace
}  // namespace cygnet::wire
