// Messages of other implementations, from captures that are not part of the clone: CYGNET_SHARED
// names the folder that has them. Each IKEv2 datagram must parse and be written back, or be refused
// with an error. What is written differs only where the sender set reserved bits: one sets the
// critical bit of payloads that everybody knows (RFC 7296 §3.2 wants zero).
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "tests/vectors/ike_capture.h"
#include "wire/print.h"

namespace cygnet::vectors {
namespace {

namespace fs = std::filesystem;

TEST(Captures, AreWrittenBackAsTheyWereOrRefused) {
    const auto folder = capture_folder();
    if (!folder) GTEST_SKIP() << "no captures: CYGNET_SHARED/vectors/pcap is absent";
    std::size_t messages = 0, identical = 0, refused = 0;
    for (const auto& entry : fs::recursive_directory_iterator(*folder)) {
        for (const Bytes& datagram : ike_datagrams(entry.path())) {
            const auto header = wire::parse_header(datagram);
            if (!header || header->major_version != 2) continue;
            ++messages;
            SCOPED_TRACE(entry.path().filename().string() + ": " + hex(datagram));
            const auto message = wire::parse_message(datagram);
            if (!message) {
                ++refused;
                EXPECT_FALSE(message.error().text().empty());
                std::printf("  refused %s: %s\n", entry.path().filename().c_str(), message.error().text().c_str());
                continue;
            }
            EXPECT_FALSE(wire::print(*message).empty());
            const Bytes canonical = wire::written(*message);
            if (canonical == datagram) ++identical;
            EXPECT_EQ(canonical.size(), datagram.size());
            EXPECT_EQ(wire::parse_message(canonical).value(), *message);
        }
    }
    std::printf("  %zu IKEv2 messages: %zu written back identically, %zu refused\n", messages, identical, refused);
    EXPECT_GE(identical * 100, messages * 95);
}

}  // namespace
}  // namespace cygnet::vectors
