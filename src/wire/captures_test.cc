// Messages of other implementations, from captures that are not part of the clone: CYGNET_SHARED
// names the folder that has them. Each IKEv2 datagram must parse and be written back, or be refused
// with an error. What is written differs only where the sender set reserved bits: one sets the
// critical bit of payloads that everybody knows (RFC 7296 §3.2 wants zero).
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "wire/print.h"
#include "wire/protected.h"

namespace cygnet::wire {
namespace {

namespace fs = std::filesystem;

// The UDP payload of an Ethernet, Linux-cooked, loopback or raw IP packet, if it goes to or comes
// from an IKE port. Packets of other shapes give nothing.
std::optional<Bytes> ike_datagram(int link_type, ByteView packet) {
    const auto skip = [&](std::size_t octets) { packet = packet.subspan(std::min(octets, packet.size())); };
    if (link_type == DLT_EN10MB) skip(14);
    if (link_type == DLT_LINUX_SLL) skip(16);
    if (link_type == DLT_NULL) skip(4);
    if (packet.empty()) return std::nullopt;
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t ip_size = v4 ? (packet[0] & 15u) * 4u : 40;
    if (packet.size() < ip_size + 8 || packet[v4 ? 9 : 6] != 17) return std::nullopt;
    skip(ip_size);
    Reader udp(packet);
    const std::uint16_t source = udp.u16("port").value();
    const std::uint16_t destination = udp.u16("port").value();
    const std::size_t size = udp.u16("length").value();
    if (size < 8 || size > packet.size()) return std::nullopt;
    ByteView datagram = packet.first(size).subspan(8);
    const auto is = [&](std::uint16_t port) { return source == port || destination == port; };
    if (is(500)) return keep(datagram);
    const Bytes marker(non_esp_marker_size, 0);
    if (!is(4500) || datagram.size() < marker.size() || !equal(datagram.first(marker.size()), marker))
        return std::nullopt;
    return keep(datagram.subspan(marker.size()));
}

std::vector<Bytes> ike_datagrams(const fs::path& file) {
    char error[PCAP_ERRBUF_SIZE];
    const std::unique_ptr<pcap_t, void (*)(pcap_t*)> capture(pcap_open_offline(file.c_str(), error), pcap_close);
    std::vector<Bytes> found;
    if (!capture) return found;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    while (pcap_next_ex(capture.get(), &header, &data) == 1)
        if (auto datagram = ike_datagram(pcap_datalink(capture.get()), {data, header->caplen}))
            found.push_back(*std::move(datagram));
    return found;
}

TEST(Captures, AreWrittenBackAsTheyWereOrRefused) {
    const char* shared = std::getenv("CYGNET_SHARED");
    const fs::path folder = fs::path(shared ? shared : "") / "vectors/pcap";
    if (!shared || !fs::exists(folder)) GTEST_SKIP() << "no captures: CYGNET_SHARED/vectors/pcap is absent";
    std::size_t messages = 0, identical = 0, refused = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        for (const Bytes& datagram : ike_datagrams(entry.path())) {
            const auto header = parse_header(datagram);
            if (!header || header->major_version != 2) continue;
            ++messages;
            SCOPED_TRACE(entry.path().filename().string() + ": " + hex(datagram));
            const auto message = parse_message(datagram);
            if (!message) {
                ++refused;
                EXPECT_FALSE(message.error().text().empty());
                std::printf("  refused %s: %s\n", entry.path().filename().c_str(), message.error().text().c_str());
                continue;
            }
            EXPECT_FALSE(print(*message).empty());
            const Bytes canonical = written(*message);
            if (canonical == datagram) ++identical;
            EXPECT_EQ(canonical.size(), datagram.size());
            EXPECT_EQ(parse_message(canonical).value(), *message);
        }
    }
    std::printf("  %zu IKEv2 messages: %zu written back identically, %zu refused\n", messages, identical, refused);
    EXPECT_GE(identical * 100, messages * 95);
}

}  // namespace
}  // namespace cygnet::wire
