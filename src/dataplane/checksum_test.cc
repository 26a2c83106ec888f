#include "dataplane/checksum.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "esp/test_packets.h"

namespace cygnet::dataplane {
namespace {

std::uint16_t naive(ByteView octets) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < octets.size(); ++i) sum += std::uint64_t{octets[i]} << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

TEST(Checksum, agrees_with_the_definition_for_every_size_and_alignment) {
    SeededRng rng(1);
    const Bytes octets = rng.bytes(2000);
    for (std::size_t size = 0; size < 300; ++size)
        for (const std::size_t offset : {0U, 1U, 2U, 3U, 31U}) {
            const ByteView part = ByteView(octets).subspan(offset, size);
            ChecksumSum sum;
            sum.add(part.data(), part.size());
            ASSERT_EQ(sum.folded(), naive(part)) << size << " at " << offset;
        }
}

TEST(Checksum, does_not_overflow_on_the_largest_packet_of_ones) {
    const Bytes octets(65535, 0xff);
    ChecksumSum sum;
    sum.add(octets.data(), octets.size());
    EXPECT_EQ(sum.folded(), naive(octets));
}

TEST(Checksum, adds_up_over_parts) {
    SeededRng rng(2);
    const Bytes octets = rng.bytes(101);
    ChecksumSum parts;
    parts.add(octets.data(), 40);
    parts.add(octets.data() + 40, 61);
    EXPECT_EQ(parts.folded(), naive(octets));
}

TEST(Checksum, finishes_an_ipv4_header) {
    Bytes packet = esp::testing::make_packet();
    const Bytes original = packet;
    packet[10] = packet[11] = 0x77;
    finish_ipv4_header(packet.data(), 20);
    EXPECT_EQ(packet, original);
}

}  // namespace
}  // namespace cygnet::dataplane
