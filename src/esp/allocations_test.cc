// Metric P12: the fast path takes nothing from the heap.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "esp/decapsulate.h"
#include "esp/forwarding_table.h"
#include "esp/ipcomp.h"
#include "esp/test_packets.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef COUNTS_ALLOCATIONS
#define COUNTS_ALLOCATIONS 1
#endif

namespace {
thread_local std::uint64_t allocations = 0;
}

#if COUNTS_ALLOCATIONS
// C libraries below us count as well, so malloc itself is replaced; operator new ends there too.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* malloc(std::size_t size) {
    ++allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++allocations;
    return __libc_calloc(count, size);
}
}
#endif

namespace cygnet::esp {
namespace {

TEST(Allocations, are_counted_here) {
    if (!COUNTS_ALLOCATIONS) GTEST_SKIP() << "the sanitizer owns malloc";
    const auto before = allocations;
    const auto child = testing::child_of(testing::test_spec());
    EXPECT_GT(allocations, before);
}

constexpr std::size_t count = 64;

// Both ends of a batch, with the look-ups that precede it.
void carry(const ForwardingTable& out, const ForwardingTable& in, std::vector<testing::PacketBuffer>& buffers) {
    constexpr Instant now;
    std::array<OutboundPacket, count> outbound;
    for (std::size_t i = 0; i < count; ++i) outbound[i] = buffers[i].outbound();
    const auto packet = parse_inner(outbound[0].inner, outbound[0].size);
    encapsulate(*out.outbound(*packet)->sa, outbound, now);
    std::array<InboundPacket, count> inbound;
    for (std::size_t i = 0; i < count; ++i) {
        inbound[i].esp = buffers[i].esp().data();
        inbound[i].size = static_cast<std::uint32_t>(buffers[i].esp().size());
    }
    const auto spi = spi_of(inbound[0].esp, inbound[0].size);
    ASSERT_EQ(decapsulate(*in.inbound(*spi), inbound, now), count);
}

TEST(Allocations, do_not_happen_for_packets) {
    if (!COUNTS_ALLOCATIONS) GTEST_SKIP() << "the sanitizer owns malloc";
    for (const auto& suite : testing::suites) {
        const auto spec = testing::test_spec(suite);
        const auto left = testing::child_of(spec);
        const auto right = testing::child_of(testing::mirrored(spec));
        const ForwardingTable out = ForwardingTable().with_outbound(left, 1);
        const ForwardingTable in = ForwardingTable().with_inbound(right);
        const std::vector<testing::PacketBuffer> fresh(count, testing::PacketBuffer(testing::make_packet(), suite));
        // A cipher's library may set up its thread once.
        auto first = fresh, second = fresh, third = fresh;
        carry(out, in, first);
        const auto before = allocations;
        carry(out, in, second);
        carry(out, in, third);
        EXPECT_EQ(allocations, before) << name_of(suite.encr) << suite.key_bits;
    }
}

// RFC 3173: the streams of zlib are made once; a bomb among the packets, too.
TEST(Allocations, do_not_happen_for_compressed_packets) {
    if (!COUNTS_ALLOCATIONS) GTEST_SKIP() << "the sanitizer owns malloc";
    auto spec = testing::test_spec();
    spec.ipcomp = {.cpi_in = 300, .cpi_out = 300};
    const auto child = testing::child_of(spec);
    Compression compression;
    const Bytes packet = testing::make_packet({.source = "10.2.0.1", .destination = "10.1.0.1", .payload = 1000});
    const auto inner = *parse_inner(packet.data(), packet.size());
    Bytes smaller(packet.size()), room(model::limits::decompressed_octets_max), zeros(60'000), bomb(zeros.size());
    const std::size_t bomb_size = compression.compress(*child, inner, zeros, protocol::ipv4, bomb.data());
    const auto carry = [&](std::size_t part) {
        const std::size_t size = compression.compress(*child, inner, packet, protocol::ipv4, smaller.data());
        InboundPacket inbound{.esp = smaller.data(), .payload_size = static_cast<std::uint32_t>(size), .next_header = protocol::ipcomp};
        EXPECT_EQ(compression.decompress(*child, inbound, room.data()), Drop::none);
        InboundPacket cut{.esp = bomb.data(), .payload_size = static_cast<std::uint32_t>(part), .next_header = protocol::ipcomp};
        EXPECT_NE(compression.decompress(*child, cut, room.data()), Drop::none);
    };
    carry(bomb_size / 2);  // the first stream without an end makes zlib take a window
    const auto before = allocations;
    for (std::size_t part = 0; part < bomb_size; ++part) carry(part);
    EXPECT_EQ(allocations, before);
}

// The libraries that are not the first choice here are it elsewhere.
TEST(Allocations, do_not_happen_in_any_library) {
    if (!COUNTS_ALLOCATIONS) GTEST_SKIP() << "the sanitizer owns malloc";
    for (const auto& suite : testing::suites) {
        const auto spec = testing::test_spec(suite);
        for (const char* library : crypto::packet_cipher_implementations(suite)) {
            const auto cipher =
                crypto::make_packet_cipher(suite, true, spec.out.encr.reveal(), spec.out.integ.reveal(), library).value();
            Bytes octets(encapsulated_size(testing::test_shape(suite), 100));
            crypto::EspPacket packet{
                .data = octets.data(), .sequence = 1, .size = static_cast<std::uint32_t>(octets.size()), .authentic = false};
            cipher->seal({&packet, 1});
            const auto before = allocations;
            for (int i = 0; i < 3; ++i) {
                cipher->seal({&packet, 1});
                cipher->open({&packet, 1});
                ASSERT_TRUE(packet.authentic);
            }
            EXPECT_EQ(allocations, before) << library << ' ' << name_of(suite.encr) << suite.key_bits;
        }
    }
}

}  // namespace
}  // namespace cygnet::esp
