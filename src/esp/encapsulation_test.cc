// Both directions of the transform: known answers, round trips, and what a hostile or mistaken peer sends.
#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"
#include "esp/decapsulate.h"
#include "esp/forwarding_table.h"
#include "esp/test_packets.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

using model::Encr;
using model::Integ;
using testing::child_of;
using testing::make_packet;
using testing::mirrored;
using testing::PacketBuffer;
using testing::seal_text;
using testing::suites;
using testing::test_spec;

constexpr Instant now = Instant::after_start(seconds(7));

// The ICMP packet of RFC 7634 appendix A, from 198.51.100.5 to 192.0.2.5.
const Bytes icmp = *from_hex(
    "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
    "00073627 08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
    "2425262728292a2b2c2d2e2f3031323334353637");

// Two ends of a pair: what one seals the other opens.
struct Pair {
    ChildPointer left, right;
    testing::Suite suite;
    explicit Pair(const model::ChildSaSpec& spec)
        : left(child_of(spec)), right(child_of(mirrored(spec))), suite(testing::suite_of(spec)) {}

    Bytes seal(ByteView inner) {
        PacketBuffer buffer(inner, suite);
        const OutboundPacket packet = buffer.outbound();
        EXPECT_EQ(encapsulate(*left->sa, {&packet, 1}, now), 1U);
        const auto esp = buffer.esp();
        return {esp.begin(), esp.end()};
    }
};

struct Opened {
    Drop drop;
    bool newest;
    Bytes inner;
};

Opened open(const Child& child, Bytes esp, std::uint8_t outer_traffic_class = 0) {
    InboundPacket packet{
        .esp = esp.data(), .size = static_cast<std::uint32_t>(esp.size()), .outer_traffic_class = outer_traffic_class};
    decapsulate(child, {&packet, 1}, now);
    Opened opened{packet.drop, packet.newest, {}};
    if (packet.drop == Drop::none) opened.inner.assign(packet.data(), packet.data() + packet.inner.size);
    return opened;
}

Bytes with_trailer(Bytes text, std::initializer_list<std::uint8_t> trailer) {
    text.insert(text.end(), trailer);
    return text;
}

// RFC 7634 §2 [191]: salt and IV.
TEST(Decapsulate, opens_the_example_packet_of_rfc_7634) {
    const testing::Suite chacha = suites[3];
    model::ChildSaSpec spec = test_spec(chacha);
    spec.spi_in = 0x01020304;
    spec.in.encr = testing::test_key(36, 0x80);
    spec.local = testing::selectors({"192.0.2.0/24"});
    spec.remote = testing::selectors({"198.51.100.0/24"});
    const Bytes esp = *from_hex(
        "01020304 00000005 1011121314151617"
        "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
        "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
        "cbec163fac469b502773f6fb94e664da9165b82829f641e0"
        "76aaa8266b7fb0f7b11b369907e1ad43");
    const Opened opened = open(*child_of(spec), esp);
    EXPECT_EQ(opened.drop, Drop::none);
    EXPECT_EQ(opened.inner, icmp);
}

struct KnownAnswer {
    testing::Suite suite;
    bool esn;
    std::uint64_t sequence;
    const char* esp;
};

// Made once with another program from the key 0x80…, the salt 0xa0… and the ICMP packet above.
const KnownAnswer known_answers[] = {
    {suites[2], false, 1,
     "20000002000000010000000000000001b32d62528266255f74418c084a25c80ff0a79b1c1b727a31664c3e52e8bc1f61"
     "9cafd94134dc0bf27f731a0a0e5b79b2afc3417b5399e49515f7d80cc0028ec114ce4cec52f122e82deeb5405fbd56dd"
     "4bb9402ade3f35e85e1c08052f1202b0804c0db7aa652d06"},
    {suites[2], true, (1ULL << 32) + 1,
     "20000002000000010000000100000001c44b9b9a36cbf298bc445ca1ef99726137052432061bbdeccb2603115002632c"
     "f46e89f7d22b7605fa3d29a2895b01846c31655c4c4de84497a2942fb83dff3cbd38e9c4c31fc6a7df3cf978d305e65f"
     "985403921079f461fccb633c1c24d725448fed4491daa93b"},
    {suites[3], false, 1,
     "20000002000000010000000000000001df63ec517e5cea43bcd5a97de1d90d61a0e0d5fd1f81e038e56faa1a89041258"
     "29c2a5acd10f6949c402b6fdddfe00acecdaa655d15c58bf904546a0d3028563dc9eec5c5ec03e91a71c521276e51cea"
     "b09d5bdcdd610e017d96f99ec22c6c488289f602d46e122b"}};

// RFC 4106 §3.1, §4 [188]: IV, salt and ICV.
TEST(Encapsulate, gives_the_known_answers) {
    for (const KnownAnswer& known : known_answers) {
        Pair pair(test_spec(known.suite, known.esn));
        pair.left->sa->out.sequence.skip_to(known.sequence - 1);
        EXPECT_EQ(hex(pair.seal(icmp)), known.esp);
    }
}

class EverySuite : public ::testing::TestWithParam<std::tuple<std::size_t, bool>> {
protected:
    model::ChildSaSpec spec() const { return test_spec(suites[std::get<0>(GetParam())], std::get<1>(GetParam())); }
};

TEST_P(EverySuite, brings_whole_batches_through_whatever_their_sizes) {
    Pair pair(spec());
    SeededRng rng(5);
    for (std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{17}, model::limits::batch_packets}) {
        std::vector<PacketBuffer> buffers;
        std::vector<OutboundPacket> outbound;
        std::vector<Bytes> originals;
        for (std::size_t i = 0; i < count; ++i) {
            const bool v6 = rng.below(2) == 0;
            originals.push_back(make_packet({.source = v6 ? "2001:db8:1::1" : "10.1.0.1",
                                             .destination = v6 ? "2001:db8:2::1" : "10.2.0.1",
                                             .payload = rng.below(1400)}));
            buffers.emplace_back(originals.back(), pair.suite);
        }
        for (auto& buffer : buffers) outbound.push_back(buffer.outbound());
        ASSERT_EQ(encapsulate(*pair.left->sa, outbound, now), count);
        std::vector<InboundPacket> inbound;
        for (auto& buffer : buffers)
            inbound.push_back({.esp = buffer.esp().data(), .size = static_cast<std::uint32_t>(buffer.esp().size())});
        ASSERT_EQ(decapsulate(*pair.right, inbound, now), count);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(inbound[i].drop, Drop::none) << name_of(inbound[i].drop);
            EXPECT_TRUE(equal({inbound[i].data(), inbound[i].inner.size}, originals[i]));
            EXPECT_TRUE(inbound[i].newest);
        }
    }
}

// RFC 4303 §3.4.4 [182]: discarded.
TEST_P(EverySuite, refuses_every_single_flipped_bit) {
    Pair pair(spec());
    const Bytes esp = pair.seal(make_packet({.payload = 5}));
    std::uint64_t refused = 0;
    for (std::size_t bit = 32; bit < esp.size() * 8; ++bit) {  // the SPI has chosen the SA already
        Bytes forged = esp;
        forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const Drop drop = open(*pair.right, forged).drop;
        const bool number_zero = bit == 56;  // the only one of the number 1
        EXPECT_EQ(drop, number_zero ? Drop::sequence_zero : Drop::integrity_failed) << bit;
        refused += drop == Drop::integrity_failed ? 1 : 0;
    }
    EXPECT_EQ(pair.right->sa->drops[Drop::integrity_failed], refused);
    EXPECT_EQ(pair.right->sa->in.window.top(), 0U);
    EXPECT_EQ(open(*pair.right, esp).drop, Drop::none);
}

// RFC 4303 §3.4.3 [180]: numbers far ahead, the whole subspace's other half among them, move nothing; a replay is one
// in every suite, also over the border of 2^32.
TEST_P(EverySuite, finds_replays_and_believes_no_forged_number) {
    Pair pair(spec());
    const bool esn = std::get<1>(GetParam());
    pair.left->sa->out.sequence.skip_to(esn ? 0xffff'fffd : 0xffff'ff00);
    if (esn) pair.right->sa->in.window.accept(0xffff'fff0);  // nearer to the border, or it would be thought passed
    std::vector<Bytes> sent;
    for (int i = 0; i < 6; ++i) sent.push_back(pair.seal(make_packet()));
    for (const Bytes& esp : sent) {
        const std::uint64_t top = pair.right->sa->in.window.top();
        for (const std::uint32_t number : {0x7fff'ffffU, 0x8000'0000U, 0xffff'ffffU}) {
            Bytes forged = esp;
            store_be(forged.data() + 4, load_be<std::uint32_t>(esp.data() + 4) ^ number);
            EXPECT_NE(open(*pair.right, forged).drop, Drop::none);
        }
        EXPECT_EQ(pair.right->sa->in.window.top(), top);
        EXPECT_EQ(open(*pair.right, esp).drop, Drop::none);
        EXPECT_EQ(open(*pair.right, esp).drop, Drop::replayed);
    }
    EXPECT_EQ(pair.right->sa->in.received.packets(), sent.size());
}

// RFC 4303 §2.1: an SPI that is used again has other keys, and what was sent before it is a stranger's.
TEST_P(EverySuite, refuses_packets_of_an_earlier_sa_with_the_same_spi) {
    const auto earlier = spec();
    auto later = spec();
    later.out = {testing::test_key(earlier.out.encr.size(), 0x81), testing::test_key(earlier.out.integ.size(), 0xa1)};
    Pair before(earlier), after(later);
    EXPECT_EQ(open(*after.right, before.seal(make_packet())).drop, Drop::integrity_failed);
    EXPECT_EQ(open(*after.right, after.seal(make_packet())).drop, Drop::none);
}

// RFC 4303 §2.4 [183]: the text ends where the suite's blocks do, and padding counts 1, 2, 3.
TEST_P(EverySuite, refuses_wrong_padding_behind_a_right_icv) {
    const auto peer = spec();
    const auto right = child_of(mirrored(peer));
    const std::size_t alignment = right->sa->in.shape.alignment;
    const Bytes packet = make_packet();
    std::uint64_t sequence = 0;
    const auto drop_of = [&](std::size_t padding, std::uint8_t stated, std::uint8_t first) {
        Bytes text = packet;
        for (std::size_t i = 0; i < padding; ++i) text.push_back(static_cast<std::uint8_t>(first + i));
        text.insert(text.end(), {stated, protocol::ipv4});
        return open(*right, seal_text(peer, ++sequence, text)).drop;
    };
    const std::size_t least = (0 - (packet.size() + 2)) & (alignment - 1), more = least + alignment;
    const auto stated = [](std::size_t size) { return static_cast<std::uint8_t>(size); };
    EXPECT_EQ(drop_of(least, stated(least), 1), Drop::none);
    EXPECT_EQ(drop_of(more, stated(more), 1), Drop::none);
    EXPECT_EQ(drop_of(more, stated(more), 2), Drop::bad_padding);
    EXPECT_EQ(drop_of(more, 255, 1), Drop::bad_padding);
    EXPECT_EQ(drop_of(least + 1, stated(least + 1), 1), Drop::misaligned);
    EXPECT_EQ(right->sa->drops[Drop::bad_padding], 2U);
    EXPECT_EQ(right->sa->drops[Drop::misaligned], 1U);
}

// RFC 8750 §4 [189]: eight octets fewer than with the IV on the wire.
TEST(Encapsulate, leaves_an_implicit_iv_out) {
    const std::pair<testing::Suite, testing::Suite> pairs[] = {
        {{Encr::aes_gcm_16, 256, Integ::none}, {Encr::aes_gcm_16_iiv, 256, Integ::none}},
        {{Encr::aes_ccm_8, 128, Integ::none}, {Encr::aes_ccm_8_iiv, 128, Integ::none}},
        {{Encr::chacha20_poly1305, 0, Integ::none}, {Encr::chacha20_poly1305_iiv, 0, Integ::none}}};
    for (const auto& [with, without] : pairs)
        for (const bool esn : {false, true}) {
            Pair longer(test_spec(with, esn)), shorter(test_spec(without, esn));
            for (Pair* each : {&longer, &shorter}) each->left->sa->out.sequence.skip_to(esn ? 0xffff'ffff : 6);
            Bytes explicit_iv = longer.seal(make_packet()), implicit_iv = shorter.seal(make_packet());
            EXPECT_EQ(implicit_iv.size() + 8, explicit_iv.size());
            // Our explicit IV is the sequence number too, so nothing else differs.
            explicit_iv.erase(explicit_iv.begin() + 8, explicit_iv.begin() + 16);
            EXPECT_EQ(hex(implicit_iv), hex(explicit_iv));
            // RFC 8750 §4, figure 2: the high half of an extended number is part of the IV, and of what is authentic.
            if (esn) shorter.right->sa->in.window.accept(0xffff'fff0);
            EXPECT_EQ(open(*shorter.right, implicit_iv).drop, Drop::none);
        }
}

TEST_P(EverySuite, refuses_every_truncation) {
    Pair pair(spec());
    const Bytes esp = pair.seal(make_packet());
    for (std::size_t size = 0; size < esp.size(); ++size)
        EXPECT_NE(open(*pair.right, Bytes(esp.begin(), esp.begin() + static_cast<long>(size))).drop, Drop::none);
    EXPECT_EQ(pair.right->sa->in.received.packets(), 0U);
}

INSTANTIATE_TEST_SUITE_P(all, EverySuite, ::testing::Combine(::testing::Range(std::size_t{0}, std::size(suites)), ::testing::Bool()));

// RFC 4303 §3.4.3 [180]: the window moves after the check.
TEST(Decapsulate, finds_replays_and_forged_high_numbers_move_nothing) {
    Pair pair(test_spec());
    const Bytes first = pair.seal(make_packet());
    EXPECT_EQ(open(*pair.right, first).drop, Drop::none);
    EXPECT_EQ(open(*pair.right, first).drop, Drop::replayed);
    Bytes forged = pair.seal(make_packet());
    store_be<std::uint32_t>(forged.data() + 4, 0x8000'0000);
    EXPECT_EQ(open(*pair.right, forged).drop, Drop::integrity_failed);
    EXPECT_EQ(open(*pair.right, pair.seal(make_packet())).drop, Drop::none);
    EXPECT_EQ(pair.right->sa->in.window.top(), 3U);
    EXPECT_EQ(pair.right->sa->drops[Drop::replayed], 1U);
    EXPECT_EQ(pair.right->sa->drops[Drop::integrity_failed], 1U);
}

TEST(Decapsulate, opens_one_of_two_copies_in_a_batch) {
    Pair pair(test_spec());
    Bytes a = pair.seal(make_packet()), b = a;
    InboundPacket batch[] = {{.esp = a.data(), .size = static_cast<std::uint32_t>(a.size())},
                             {.esp = b.data(), .size = static_cast<std::uint32_t>(b.size())}};
    EXPECT_EQ(decapsulate(*pair.right, batch, now), 1U);
    EXPECT_EQ(batch[0].drop, Drop::none);
    EXPECT_EQ(batch[1].drop, Drop::replayed);
}

// RFC 4303 §2.2.1 [179]: the high half is inferred and authenticated.
TEST(Decapsulate, follows_extended_numbers_over_the_border) {
    Pair pair(test_spec(suites[2], true));
    pair.left->sa->out.sequence.skip_to(0x7fff'ffff);
    EXPECT_EQ(open(*pair.right, pair.seal(make_packet())).drop, Drop::none);
    pair.left->sa->out.sequence.skip_to(0xffff'fffe);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(open(*pair.right, pair.seal(make_packet())).drop, Drop::none);
    EXPECT_EQ(pair.right->sa->in.window.top(), (1ULL << 32) + 1);
}

TEST(Decapsulate, tells_the_newest_packet_from_a_late_one) {
    Pair pair(test_spec());
    const Bytes late = pair.seal(make_packet()), newer = pair.seal(make_packet());
    EXPECT_TRUE(open(*pair.right, newer).newest);
    const Opened opened = open(*pair.right, late);
    EXPECT_EQ(opened.drop, Drop::none);
    EXPECT_FALSE(opened.newest);
}

// RFC 4301 §5.2 [170]: the SA's own selectors.
TEST(Decapsulate, checks_both_selectors) {
    Pair pair(test_spec());
    const auto drop_of = [&](const testing::PacketShape& shape) {
        return open(*pair.right, pair.seal(make_packet(shape))).drop;
    };
    EXPECT_EQ(drop_of({.source = "10.1.255.255"}), Drop::none);
    EXPECT_EQ(drop_of({.source = "10.9.0.1"}), Drop::selector_mismatch);
    EXPECT_EQ(drop_of({.destination = "10.9.0.1"}), Drop::selector_mismatch);
    EXPECT_EQ(drop_of({.source = "10.2.0.1", .destination = "10.1.0.1"}), Drop::selector_mismatch);
    EXPECT_EQ(drop_of({.source = "2001:db8:1::1", .destination = "2001:db8:3::1"}), Drop::selector_mismatch);
    EXPECT_EQ(pair.right->sa->drops[Drop::selector_mismatch], 4U);
}

// RFC 4303 §2.6, §2.7 [184, 185]: dummies, and padding behind the datagram.
TEST(Decapsulate, drops_dummies_silently_and_takes_trailing_octets) {
    const auto spec = test_spec();
    const auto right = child_of(mirrored(spec));
    EXPECT_EQ(open(*right, seal_text(spec, 1, with_trailer(Bytes(6), {0, 59}))).drop, Drop::dummy);
    // RFC 4303 §2.7: traffic flow confidentiality padding behind the inner packet.
    const Bytes packet = make_packet();
    Bytes padded = packet;
    padded.resize(packet.size() + 100);
    const Opened opened = open(*right, seal_text(spec, 2, with_trailer(padded, {1, 2, 2, 4})));
    EXPECT_EQ(opened.drop, Drop::none);
    EXPECT_EQ(opened.inner, packet);
}

// RFC 4303 §2.4 [183]: padding counts 1, 2, 3.
TEST(Decapsulate, refuses_wrong_trailers_and_inner_headers) {
    const auto spec = test_spec();
    const auto right = child_of(mirrored(spec));
    std::uint64_t sequence = 0;
    const auto drop_of = [&](Bytes text, std::initializer_list<std::uint8_t> trailer) {
        return open(*right, seal_text(spec, ++sequence, with_trailer(std::move(text), trailer))).drop;
    };
    const Bytes v4 = make_packet();
    const Bytes v6 = make_packet({.source = "2001:db8:1::1", .destination = "2001:db8:2::1"});
    EXPECT_EQ(drop_of(v4, {1, 2, 2, 4}), Drop::none);
    EXPECT_EQ(drop_of(v6, {1, 2, 2, 41}), Drop::none);
    EXPECT_EQ(drop_of(v4, {1, 2, 2, 41}), Drop::bad_inner_packet);
    EXPECT_EQ(drop_of(v6, {1, 2, 2, 4}), Drop::bad_inner_packet);
    EXPECT_EQ(drop_of(v4, {1, 2, 2, 17}), Drop::bad_next_header);
    EXPECT_EQ(drop_of(v4, {1, 3, 2, 4}), Drop::bad_padding);
    EXPECT_EQ(drop_of(v4, {0, 0, 255, 4}), Drop::bad_padding);
    EXPECT_EQ(drop_of({}, {0, 0, 2, 4}), Drop::bad_padding);
    EXPECT_EQ(drop_of({}, {1, 2, 2, 4}), Drop::bad_inner_packet);
    Bytes longer = v4;
    store_be<std::uint16_t>(longer.data() + 2, static_cast<std::uint16_t>(v4.size() + 1));
    EXPECT_EQ(drop_of(longer, {1, 2, 2, 4}), Drop::bad_inner_packet);
    // An unaligned text is not ours, whatever it holds.
    EXPECT_EQ(drop_of(v4, {1, 1, 4}), Drop::misaligned);
}

TEST(Decapsulate, drops_congestion_over_an_inner_packet_without_ecn) {
    Pair pair(test_spec());
    EXPECT_EQ(open(*pair.right, pair.seal(make_packet()), 3).drop, Drop::ecn_not_capable);
    const Opened marked = open(*pair.right, pair.seal(make_packet({.traffic_class = 2})), 3);
    EXPECT_EQ(marked.drop, Drop::none);
    EXPECT_EQ(marked.inner[1], 3);
}

// RFC 4303 §3.3.3 [178]: never cycles.
TEST(Encapsulate, stops_at_the_last_sequence_number_and_never_wraps) {
    for (const bool esn : {false, true}) {
        Pair pair(test_spec(suites[2], esn));
        pair.left->sa->out.sequence.skip_to((esn ? ~0ULL : 0xffff'ffffULL) - 2);
        std::vector<PacketBuffer> buffers(5, PacketBuffer(make_packet()));
        std::vector<OutboundPacket> packets;
        for (auto& buffer : buffers) packets.push_back(buffer.outbound());
        EXPECT_EQ(encapsulate(*pair.left->sa, packets, now), 2U);
        EXPECT_EQ(encapsulate(*pair.left->sa, packets, now), 0U);
        EXPECT_EQ(pair.left->sa->drops[Drop::sequence_exhausted], 8U);
        EXPECT_EQ(pair.left->sa->out.sent.packets(), 2U);
    }
}

TEST(Encapsulate, counts_inner_octets_and_the_time) {
    Pair pair(test_spec());
    const Bytes packet = make_packet();
    open(*pair.right, pair.seal(packet));
    const auto sent = pair.left->sa->usage(), received = pair.right->sa->usage();
    EXPECT_EQ(sent.bytes_out, packet.size());
    EXPECT_EQ(sent.packets_out, 1U);
    EXPECT_EQ(received.bytes_in, packet.size());
    EXPECT_EQ(received.last_in, now);
}

// RFC 4303 §2.1 [177]: 0 to 255 are reserved.
TEST(SaRuntime, refuses_reserved_spis_wrong_keys_and_other_modes) {
    auto spec = test_spec();
    spec.spi_in = 255;
    EXPECT_EQ(SaRuntime::make(spec).error().code, Errc::bad_value);
    spec = test_spec();
    spec.in.encr = testing::test_key(35, 1);
    EXPECT_EQ(SaRuntime::make(spec).error().code, Errc::bad_length);
    spec = test_spec();
    spec.mode = model::ChildMode::drop;
    EXPECT_EQ(SaRuntime::make(spec).error().code, Errc::unsupported);
    spec = test_spec();
    spec.encr = model::Encr::aes_cbc;  // without integrity
    EXPECT_EQ(SaRuntime::make(spec).error().code, Errc::unsupported);
    spec = test_spec();
    spec.replay_window = 65537;
    EXPECT_EQ(SaRuntime::make(spec).error().code, Errc::bad_value);
}

TEST(ForwardingTable, forgets_a_child_one_direction_at_a_time) {
    const auto child = child_of(test_spec());
    const Bytes octets = make_packet();
    const InnerPacket packet = *parse_inner(octets.data(), octets.size());
    const auto both = ForwardingTable().with_inbound(child).with_outbound(child, 1);
    const auto draining = both.without_outbound(*child);
    EXPECT_EQ(both.outbound(packet), child.get());
    EXPECT_EQ(draining.outbound(packet), nullptr);
    EXPECT_EQ(draining.inbound(child->sa->in.spi), child.get());
    EXPECT_EQ(draining.without_inbound(*child).inbound(child->sa->in.spi), nullptr);
    EXPECT_EQ(both.inbound(1), nullptr);
}

}  // namespace
}  // namespace cygnet::esp
