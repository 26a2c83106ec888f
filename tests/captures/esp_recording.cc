// `esp_recording FILE`: writes packets of every suite of ESP, as our encapsulation makes them, into a pcap file, and a
// line for each SA: its SPI, cipher, key size, integrity, 32 or 64 bits of sequence numbers and their first high half,
// and the keys. For decoders of others (tests/interop/tshark).
#include <fmt/format.h>

#include <fstream>

#include "esp/encapsulate.h"
#include "esp/test_packets.h"

namespace {

using namespace cygnet;

constexpr std::uint32_t packets_per_sa = 3;
constexpr std::uint64_t last_before = (7ULL << 32) + 40;  // sequence number of the packet before an ESN SA's first

template <class T>
void put(std::ofstream& file, T value) {
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

// pcap, link type 101: IP packets.
void begin(std::ofstream& file) {
    put(file, std::uint32_t{0xa1b2c3d4});
    put(file, std::uint16_t{2});
    put(file, std::uint16_t{4});
    for (const std::uint32_t word : {0U, 0U, 65535U, 101U}) put(file, word);
}

std::string text_of(const SecretBytes& key) { return key.size() == 0 ? "-" : hex(key.reveal()); }

void record(std::ofstream& file, ByteView esp) {
    const Bytes header = esp::testing::ip_header(
        {.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = esp::protocol::esp}, esp.size());
    const auto size = static_cast<std::uint32_t>(header.size() + esp.size());
    for (const std::uint32_t word : {0U, 0U, size, size}) put(file, word);
    for (const ByteView part : {ByteView(header), esp})
        file.write(reinterpret_cast<const char*>(part.data()), static_cast<std::streamsize>(part.size()));
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) return 2;
    std::ofstream file(words[1], std::ios::binary);
    begin(file);
    std::uint32_t spi = 0x5000'0000;
    for (const bool esn : {false, true})
        for (const auto& suite : esp::testing::suites) {
            auto spec = esp::testing::test_spec(suite, esn);
            spec.spi_out = ++spi;
            const auto child = esp::testing::child_of(spec);
            if (esn) child->sa->out.sequence.skip_to(last_before);
            for (std::uint32_t i = 0; i < packets_per_sa; ++i) {
                esp::testing::PacketBuffer buffer(esp::testing::make_packet({.payload = 20 + 13 * i}), suite);
                const auto packet = buffer.outbound();
                esp::encapsulate(*child->sa, {&packet, 1}, Instant());
                record(file, buffer.esp());
            }
            fmt::print("{:08x} {} {} {} {} {} {} {}\n", spi, name_of(suite.encr), suite.key_bits, name_of(suite.integ),
                       esn ? 64 : 32, esn ? last_before >> 32 : 0, text_of(spec.out.encr), text_of(spec.out.integ));
        }
    file.close();
    return file ? 0 : 1;
}
