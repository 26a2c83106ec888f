#include "cli/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/reader.h"
#include "cli/decode.h"

namespace cygnet::cli {
namespace {

// An IKE header alone: the smallest message that parses.
Bytes ike_header() {
    Bytes out;
    Writer writer(out);
    writer.u64(0x1122334455667788);
    writer.u64(0);
    writer.u8(0);
    writer.u8(0x20);
    writer.u8(37);
    writer.u8(0x08);
    writer.u32(0);
    writer.u32(28);
    return out;
}

Bytes udp(std::uint16_t from, std::uint16_t to, ByteView data) {
    Bytes out;
    Writer writer(out);
    writer.u16(from);
    writer.u16(to);
    writer.u16(static_cast<std::uint16_t>(8 + data.size()));
    writer.u16(0);
    writer.bytes(data);
    return out;
}

Bytes ipv4(ByteView payload, std::uint16_t fragment = 0, std::uint8_t protocol = 17) {
    Bytes out;
    Writer writer(out);
    writer.u16(0x4500);
    writer.u16(static_cast<std::uint16_t>(20 + payload.size()));
    writer.u16(1);
    writer.u16(fragment);
    writer.u8(64);
    writer.u8(protocol);
    writer.u16(0);
    writer.u32(0xc0000201);
    writer.u32(0xc0000202);
    writer.bytes(payload);
    return out;
}

Bytes ipv6(ByteView payload, std::uint8_t next) {
    Bytes out;
    Writer writer(out);
    writer.u32(0x60000000);
    writer.u16(static_cast<std::uint16_t>(payload.size()));
    writer.u8(next);
    writer.u8(64);
    for (const unsigned last : {1u, 2u}) {
        writer.u32(0x20010db8);
        writer.u64(0);
        writer.u32(last);
    }
    writer.bytes(payload);
    return out;
}

Bytes with_zeros(std::size_t count, std::initializer_list<std::uint8_t> tail, ByteView rest) {
    return concat({Bytes(count), Bytes(tail), rest});
}

const Bytes plain = udp(500, 500, ike_header());
const Bytes marked = udp(4500, 4500, concat({Bytes(4), ike_header()}));

bool is_ike(LinkType link, const Bytes& frame) {
    const Captured captured = read_frame(link, frame);
    const auto* ike = std::get_if<CapturedIke>(&captured);
    return ike != nullptr && equal(ike->message, ike_header());
}

TEST(Capture, FindsIkeUnderEveryLinkLayer) {
    EXPECT_TRUE(is_ike(LinkType::ethernet, with_zeros(12, {0x08, 0x00}, ipv4(plain))));
    EXPECT_TRUE(is_ike(LinkType::ethernet, with_zeros(12, {0x81, 0x00, 0, 7, 0x08, 0x00}, ipv4(plain)))) << "VLAN";
    EXPECT_TRUE(is_ike(LinkType::ethernet, with_zeros(12, {0x86, 0xdd}, ipv6(plain, 17))));
    EXPECT_TRUE(is_ike(LinkType::linux_cooked, with_zeros(14, {0x08, 0x00}, ipv4(plain))));
    EXPECT_TRUE(is_ike(LinkType::linux_cooked_2, concat({Bytes{0x08, 0x00}, Bytes(18), ipv4(plain)})));
    EXPECT_TRUE(is_ike(LinkType::raw, ipv4(plain)));
    EXPECT_TRUE(is_ike(LinkType::raw_ip, ipv6(plain, 17)));
    EXPECT_TRUE(is_ike(LinkType::null, with_zeros(4, {}, ipv4(plain))));
    EXPECT_TRUE(is_ike(LinkType::ipv6, ipv6(concat({Bytes{17, 0, 0, 0, 0, 0, 0, 0}, plain}), 0))) << "after an extension header";
}

TEST(Capture, TakesTheNonEspMarkerAway) {
    EXPECT_TRUE(is_ike(LinkType::raw, ipv4(marked)));
    const auto kind = [](const Bytes& frame) { return read_frame(LinkType::raw, frame).index(); };
    EXPECT_EQ(kind(ipv4(udp(4500, 4500, Bytes{0xff}))), 2u) << "a keepalive";
    EXPECT_EQ(kind(ipv4(udp(4500, 4500, Bytes{1, 2, 3, 4, 5, 6, 7, 8}))), 2u) << "ESP";
    EXPECT_EQ(kind(ipv4(udp(53, 53, ike_header()))), 2u);
    EXPECT_EQ(kind(ipv4(plain, 0, 6)), 2u) << "TCP";
}

TEST(Capture, NamesIpFragments) {
    const Captured first = read_frame(LinkType::raw, ipv4(plain, 0x2000));
    ASSERT_TRUE(std::holds_alternative<CapturedFragment>(first));
    const Captured later = read_frame(LinkType::raw, ipv4(Bytes(100), 185));
    EXPECT_EQ(std::get<CapturedFragment>(later).offset, 1480u);
    const Captured six = read_frame(LinkType::raw, ipv6(concat({Bytes{17, 0, 0x05, 0xa8, 0, 0, 0, 1}, Bytes(64)}), 44));
    EXPECT_EQ(std::get<CapturedFragment>(six).offset, 1448u);
}

TEST(Capture, SurvivesEveryTruncation) {
    for (const auto& [link, frame] : {std::pair(LinkType::ethernet, with_zeros(12, {0x08, 0x00}, ipv4(marked))),
                                      std::pair(LinkType::raw, ipv6(concat({Bytes{17, 0, 0, 0, 0, 0, 0, 0}, plain}), 0))})
        for (std::size_t size = 0; size < frame.size(); ++size) {
            const Bytes part(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_FALSE(is_ike(link, part)) << size;
        }
}

// ---- whole files --------------------------------------------------------------------------------------------

struct CaptureFile : testing::Test {
    // Tests run beside each other, each in a process of its own.
    std::filesystem::path path = std::filesystem::path(testing::TempDir()) / ("cygnet-capture-test-" + std::to_string(::getpid()) + ".pcap");
    ~CaptureFile() override { std::filesystem::remove(path); }

    void write(std::uint32_t link, const std::vector<Bytes>& frames) {
        Bytes out;
        Writer writer(out);
        for (const std::uint32_t word : {0xa1b2c3d4u, 0x00020004u, 0u, 0u, 65535u, link}) writer.u32(word);
        std::uint32_t second = 1700000000;
        for (const Bytes& frame : frames) {
            const auto size = static_cast<std::uint32_t>(frame.size());
            for (const std::uint32_t word : {second++, 500u, size, size}) writer.u32(word);
            writer.bytes(frame);
        }
        std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size()));
    }
    std::string decoded(bool json) {
        testing::internal::CaptureStdout();
        status = decode({path.string(), json});
        std::fflush(stdout);
        return testing::internal::GetCapturedStdout();
    }
    int status = -1;
};

TEST_F(CaptureFile, IsDecodedFrameByFrame) {
    write(101, {ipv4(plain), ipv4(Bytes(100), 185), ipv4(udp(500, 500, Bytes{1, 2, 3}))});
    const std::string text = decoded(false);
    EXPECT_EQ(status, 0);
    EXPECT_THAT(text, testing::HasSubstr("frame 1, 0.000 ms, 192.0.2.1[500] -> 192.0.2.2[500], 28 octets\nINFORMATIONAL request 0"));
    EXPECT_THAT(text, testing::HasSubstr("frame 2, 1000.000 ms, 192.0.2.1 -> 192.0.2.2, 100 octets\n  IP fragment at offset 1480"));
    EXPECT_THAT(text, testing::HasSubstr("frame 3, 2000.000 ms, 192.0.2.1[500] -> 192.0.2.2[500], 3 octets\n  malformed: truncated"));
    EXPECT_THAT(decoded(true), testing::AllOf(testing::HasSubstr("\"exchange\": \"INFORMATIONAL\""),
                                              testing::HasSubstr("\"ip_fragment_offset\": 1480"), testing::HasSubstr("\"malformed\"")));
}

TEST_F(CaptureFile, OfTheWrongKindEndsInOneSentence) {
    write(147, {});
    testing::internal::CaptureStderr();
    decoded(false);
    EXPECT_EQ(status, 1);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("is not read"));
    std::filesystem::remove(path);
    testing::internal::CaptureStderr();
    decoded(false);
    EXPECT_EQ(status, 1);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("No such file"));
}

}  // namespace
}  // namespace cygnet::cli
