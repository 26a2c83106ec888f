#include "dataplane/carrier.h"

#include "base/reader.h"
#include "dataplane/test_tunnel.h"
#include "esp/decapsulate.h"

namespace cygnet::dataplane::testing {
namespace {

class RawCarriers : public Tunnel {
protected:
    Carrier open(Side& side, model::Family family, std::size_t number, std::size_t of) {
        std::optional<Carrier> made;
        side.host.run([&] {
            auto opened = Carrier::open(CarrierKind::raw, family, {.number = number, .of = of});
            if (opened) made = std::move(*opened);
        });
        EXPECT_TRUE(made);
        return std::move(*made);
    }
    // The SPIs that come to a socket, in their order, until there are so many; 0 for what has none.
    std::vector<std::uint32_t> spis(const Carrier& carrier, std::size_t count) {
        std::vector<std::uint32_t> all;
        pollfd waiting{carrier.fd(), POLLIN, 0};
        while (all.size() < count && ::poll(&waiting, 1, patience_ms) == 1)
            for (const ReceivedDatagram& datagram : carrier.receive(buffers).datagrams)
                all.push_back(esp::spi_of(datagram.data, datagram.size).value_or(0));
        return all;
    }
    static constexpr int patience_ms = 2000;
    ReceiveBuffers buffers;
};

// Each keeps its share of the SPIs, so that the packets of one SA come to one worker; what has no SPI is counted by the first.
TEST_F(RawCarriers, ShareTheSasOfProtocol50) {
    for (const bool v4 : {true, false}) {
        const auto family = v4 ? model::Family::v4 : model::Family::v6;
        const Carrier first = open(right, family, 0, 2), second = open(right, family, 1, 2), alone = open(right, family, 0, 1);
        Carrier sender = open(left, family, 0, 1);
        const auto ip = [](const char* text) { return *model::IpAddress::parse(text); };
        const model::Path path{.local = {ip(v4 ? "192.0.2.1" : "2001:db8::1"), 0}, .remote = {ip(v4 ? "192.0.2.2" : "2001:db8::2"), 0}};
        const auto send = [&](std::span<const std::uint8_t> octets) {
            EXPECT_EQ(sender.send({.path = &path, .traffic_class = 0, .dont_fragment = false, .octets = octets, .segment_size = octets.size()}).packets, 1U);
        };
        for (std::uint32_t spi = 0x1000; spi < 0x1006; ++spi) {
            Bytes packet;
            Writer(packet).u32(spi);
            packet.resize(60);
            send(packet);
        }
        send(Bytes{1, 2, 3});
        EXPECT_EQ(spis(first, 4), (std::vector<std::uint32_t>{0x1000, 0x1002, 0x1004, 0}));
        EXPECT_EQ(spis(second, 3), (std::vector<std::uint32_t>{0x1001, 0x1003, 0x1005}));
        EXPECT_EQ(spis(alone, 7).size(), 7U);
    }
}

// Copies of each packet cost the kernel more than a hand-over saves.
TEST_F(RawCarriers, AreFewThatReceive) {
    const Carrier fourth = open(right, model::Family::v4, 3, 32), fifth = open(right, model::Family::v4, 4, 32);
    Carrier sender = open(left, model::Family::v4, 0, 1);
    const model::Path path{.local = {*model::IpAddress::parse("192.0.2.1"), 0}, .remote = {*model::IpAddress::parse("192.0.2.2"), 0}};
    for (std::uint32_t spi = 0x1000; spi < 0x1008; ++spi) {
        Bytes packet;
        Writer(packet).u32(spi);
        packet.resize(60);
        EXPECT_EQ(sender.send({.path = &path, .traffic_class = 0, .dont_fragment = false, .octets = packet, .segment_size = packet.size()}).packets, 1U);
    }
    EXPECT_EQ(spis(fourth, 2), (std::vector<std::uint32_t>{0x1003, 0x1007}));
    EXPECT_TRUE(fifth.receive(buffers).datagrams.empty()) << "all have arrived, the last one at the fourth";
}

}  // namespace
}  // namespace cygnet::dataplane::testing
