// An IP packet that may hold an AH: as a stranger sends it, it is dropped, counted, and moves no replay window; as the payload of
// an authentic one, its parser stays inside.
#include "esp/ah.h"
#include "esp/test_packets.h"

namespace {

using namespace cygnet;

model::ChildSaSpec ah_spec(model::ChildMode mode) {
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.protocol = model::Protocol::ah;
    spec.mode = mode;
    spec.encr = model::Encr::none;
    spec.integ = model::Integ::hmac_sha1_96;
    spec.in = {{}, esp::testing::test_key(20, 1)};
    spec.out = {{}, esp::testing::test_key(20, 101)};
    spec.esn = true;
    return spec;
}

void as_a_stranger(Bytes packet) {
    const auto place = esp::find_ah(packet);
    if (!place) return;
    const esp::ChildPointer child = esp::testing::child_of(ah_spec(model::ChildMode::tunnel));
    const auto opened = esp::open_ah(*child, packet, *place, Instant());
    ASSERT(opened.drop != esp::Drop::none && !opened.authentic && child->sa->in.window.top() == 0);
    ASSERT(child->sa->drops[opened.drop] == 1);
}

void as_a_peer(ByteView payload, model::ChildMode mode) {
    const auto spec = ah_spec(mode);
    const esp::ChildPointer sender = esp::testing::child_of(spec), receiver = esp::testing::child_of(esp::testing::mirrored(spec));
    constexpr std::size_t header = 20, ah = 24;
    if (payload.empty() || payload.size() > 0xffff - header - ah) return;
    Bytes packet(header + ah);
    packet[0] = 0x45;
    packet[9] = esp::protocol::ah;
    append(packet, payload);
    const esp::AhPlace place{.at = header, .next_at = 9, .size = ah, .spi = sender->sa->out.spi, .family = model::Family::v4};
    ASSERT(esp::seal_ah(*sender->sa, packet, place, payload[0] >> 4 == 6 ? esp::protocol::ipv6 : esp::protocol::ipv4, payload.size(), Instant()));
    const auto found = esp::find_ah(packet);
    ASSERT(found && found->size == ah);
    const auto opened = esp::open_ah(*receiver, packet, *found, Instant());
    ASSERT(opened.authentic);
    if (opened.drop == esp::Drop::none) ASSERT(opened.inner_at + opened.inner.size <= packet.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView octets(data, size);
    as_a_stranger(keep(octets));
    as_a_peer(octets, model::ChildMode::tunnel);
    as_a_peer(octets, model::ChildMode::transport);
    return 0;
}
