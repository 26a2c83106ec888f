#include "dataplane/carrier.h"

#include "base/reader.h"
#include "dataplane/test_tunnel.h"
#include "esp/decapsulate.h"

namespace cygnet::dataplane::testing {
namespace {

Carrier open_on(Side& side, CarrierKind kind, model::Family family, const CarrierOptions& options) {
    std::optional<Carrier> made;
    side.host.run([&] {
        auto opened = Carrier::open(kind, family, options);
        if (opened) made = std::move(*opened);
    });
    EXPECT_TRUE(made);
    return std::move(*made);
}

class RawCarriers : public Tunnel {
protected:
    static Carrier open(Side& side, model::Family family, std::size_t number, std::size_t of) {
        return open_on(side, CarrierKind::raw, family, {.number = number, .of = of});
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

class UdpCarriers : public Tunnel {
protected:
    // One octet of each batch, in the order of their arrival.
    Bytes arrived(std::size_t packets) {
        Bytes firsts;
        pollfd waiting{receiver.fd(), POLLIN, 0};
        for (std::size_t count = 0; count < packets && ::poll(&waiting, 1, patience_ms) == 1;)
            for (const ReceivedDatagram& datagram : receiver.receive(buffers).datagrams) {
                count += (datagram.size + datagram.segment_size - 1) / datagram.segment_size;
                if (firsts.empty() || firsts.back() != datagram.data[0]) firsts.push_back(datagram.data[0]);
            }
        return firsts;
    }
    std::array<Carrier::Sent, 4> send_all(Carrier& from, const std::array<bool, 4>& dont_fragment,
                                          const std::array<std::size_t, 4>& segment_sizes) {
        std::array<Bytes, 4> octets;
        std::array<Carrier::Outgoing, 4> batches;
        for (std::uint8_t i = 0; i < 4; ++i) {
            octets[i] = Bytes(10 * segment_sizes[i] - 7, static_cast<std::uint8_t>('a' + i));
            batches[i] = {&path, 0, dont_fragment[i], octets[i], segment_sizes[i]};
        }
        std::array<Carrier::Sent, 4> sent;
        from.send_all(batches, sent);
        return sent;
    }
    static constexpr int patience_ms = 2000;
    const model::Path path{.local = {*model::IpAddress::parse("192.0.2.1"), 5000}, .remote = {*model::IpAddress::parse("192.0.2.2"), 5000}};
    Carrier sender = open_on(left, CarrierKind::udp, model::Family::v4, {.port = 5000});
    Carrier receiver = open_on(right, CarrierKind::udp, model::Family::v4, {.port = 5000});
    ReceiveBuffers buffers;
};

TEST_F(UdpCarriers, SendSeveralBatchesWithOneCall) {
    for (const Carrier::Sent& sent : send_all(sender, {}, {1000, 1200, 1000, 100})) EXPECT_EQ(sent.packets, 10U);
    EXPECT_EQ(sender.send_calls(), 1U);
    EXPECT_EQ(arrived(40), (Bytes{'a', 'b', 'c', 'd'}));
}

// DF is the socket's.
TEST_F(UdpCarriers, KeepTheOrderOfBatchesWithAndWithoutDf) {
    for (const Carrier::Sent& sent : send_all(sender, {true, true, false, true}, {1000, 1000, 1000, 1000}))
        EXPECT_EQ(sent.packets, 10U);
    EXPECT_EQ(arrived(40), (Bytes{'a', 'b', 'c', 'd'}));
}

TEST_F(UdpCarriers, SendTheOtherBatchesWhenOneIsRefused) {
    const auto sent = send_all(sender, {true, true, true, true}, {1000, 2000, 1000, 1000});
    EXPECT_EQ(sent[1].packets, 0U);
    EXPECT_TRUE(sent[1].too_long);
    for (const std::size_t other : {0U, 2U, 3U}) {
        EXPECT_EQ(sent[other].packets, 10U);
        EXPECT_FALSE(sent[other].too_long);
    }
    EXPECT_EQ(arrived(30), (Bytes{'a', 'c', 'd'}));
}

TEST_F(UdpCarriers, SendBatchesWithoutOffloadToo) {
    Carrier plain = open_on(left, CarrierKind::udp, model::Family::v4, {.port = 5001, .offload = false});
    for (const Carrier::Sent& sent : send_all(plain, {}, {1000, 1200, 1000, 100})) EXPECT_EQ(sent.packets, 10U);
    EXPECT_EQ(arrived(40), (Bytes{'a', 'b', 'c', 'd'}));
}

}  // namespace
}  // namespace cygnet::dataplane::testing
