#include "esp/ah.h"

#include <gtest/gtest.h>

#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::mirrored;
using testing::test_spec;

constexpr Instant now = Instant::after_start(seconds(1));

model::ChildSaSpec ah_spec(model::Integ integ = model::Integ::hmac_sha2_256_128, bool esn = false) {
    model::ChildSaSpec spec = test_spec();
    spec.protocol = model::Protocol::ah;
    spec.encr = model::Encr::none;
    spec.key_bits = 0;
    spec.integ = integ;
    spec.esn = esn;
    const std::size_t size = crypto::mac_shape_of(integ)->key_size;
    for (model::DirectionKeys* keys : {&spec.in, &spec.out}) {
        Bytes key(size);
        for (std::size_t i = 0; i < size; ++i) key[i] = static_cast<std::uint8_t>(i + (keys == &spec.in ? 1 : 101));
        keys->encr = {};
        keys->integ = SecretBytes::take(std::move(key));
    }
    return spec;
}

// The IP packet that carries `inner` through a tunnel from 192.0.2.1 to 192.0.2.2, before it is sealed.
struct Outer {
    Bytes packet;
    AhPlace place;
};
Outer around(ByteView inner, std::size_t ah, std::size_t options = 0) {
    Outer outer{.packet = Bytes(20 + options + ah), .place = {.at = 20 + options, .next_at = 9, .size = ah, .family = model::Family::v4}};
    append(outer.packet, inner);
    outer.packet[0] = static_cast<std::uint8_t>(0x45 + options / 4);
    outer.packet[8] = 64;
    outer.packet[9] = protocol::ah;
    outer.packet[3] = static_cast<std::uint8_t>(outer.packet.size());
    outer.packet[2] = static_cast<std::uint8_t>(outer.packet.size() >> 8);
    const Bytes ends{192, 0, 2, 1, 192, 0, 2, 2};
    std::ranges::copy(ends, outer.packet.begin() + 12);
    return outer;
}

class Ah : public ::testing::TestWithParam<std::tuple<model::Integ, bool>> {
protected:
    // One that leaves and one that takes it.
    ChildPointer sender = testing::child_of(ah_spec(std::get<0>(GetParam()), std::get<1>(GetParam())));
    ChildPointer receiver = testing::child_of(mirrored(ah_spec(std::get<0>(GetParam()), std::get<1>(GetParam()))));
    Bytes inner = make_packet({.source = "10.1.0.1", .destination = "10.2.0.9"});

    Bytes sealed() {
        Outer outer = around(inner, ah_size(sender->sa->ah->shape, model::Family::v4));
        outer.place.spi = sender->sa->out.spi;
        EXPECT_TRUE(seal_ah(*sender->sa, outer.packet, outer.place, protocol::ipv4, inner.size(), now));
        return outer.packet;
    }
    Drop arrives(Bytes packet, Bytes* inner_packet = nullptr) {
        const auto place = find_ah(packet);
        if (!place) return Drop::bad_ah_header;
        const OpenedAh opened = open_ah(*receiver, packet, *place, now);
        if (inner_packet != nullptr && opened.drop == Drop::none)
            *inner_packet = keep(ByteView(packet).subspan(opened.inner_at, opened.inner.size));
        return opened.drop;
    }
};

TEST_P(Ah, arrives_whole) {
    Bytes got;
    EXPECT_EQ(arrives(sealed(), &got), Drop::none);
    EXPECT_EQ(got, inner);
    EXPECT_EQ(receiver->sa->usage().packets_in, 1U);
    EXPECT_EQ(sender->sa->usage().bytes_out, inner.size());
}

// RFC 4302 §3.3.3.1.1.1: what routers change, and nothing else.
TEST_P(Ah, every_octet_counts_but_those_that_may_change_on_the_way) {
    const Bytes packet = sealed();
    const std::size_t icv_end = 20 + ah_fixed_size + sender->sa->ah->shape.field_size();
    for (std::size_t at = 0; at < packet.size(); ++at) {
        const bool is_mutable = at == 1 || at == 6 || at == 7 || at == 8 || at == 10 || at == 11;
        if (at == 0 || at == 9 || at == 21 || (at >= 24 && at < 28)) continue;  // then it is another kind of packet, or of another SA
        Bytes changed = packet;
        changed[at] ^= 2;
        const Drop drop = arrives(changed);
        if (is_mutable) {
            EXPECT_EQ(drop, Drop::none) << at;
            receiver = testing::child_of(mirrored(ah_spec(std::get<0>(GetParam()), std::get<1>(GetParam()))));
        } else {
            EXPECT_EQ(drop, Drop::integrity_failed) << at << " of " << icv_end;
        }
    }
}

TEST_P(Ah, is_taken_once) {
    const Bytes first = sealed(), second = sealed();
    EXPECT_EQ(arrives(second), Drop::none);
    EXPECT_EQ(arrives(first), Drop::none);
    EXPECT_EQ(arrives(first), Drop::replayed);
    EXPECT_EQ(arrives(second), Drop::replayed);
}

// RFC 4302 §2.5.1: the high half is not sent, but authenticated.
TEST_P(Ah, extended_numbers_go_on_and_others_end) {
    sender->sa->out.sequence.skip_to(0xffff'fffe);
    receiver->sa->in.window.accept(0xffff'fffe);
    EXPECT_EQ(arrives(sealed()), Drop::none);
    if (std::get<1>(GetParam())) {
        EXPECT_EQ(arrives(sealed()), Drop::none);
        EXPECT_EQ(receiver->sa->in.window.top(), 0x1'0000'0000U);
        return;
    }
    Outer outer = around(inner, ah_size(sender->sa->ah->shape, model::Family::v4));
    EXPECT_FALSE(seal_ah(*sender->sa, outer.packet, outer.place, protocol::ipv4, inner.size(), now));
    EXPECT_EQ(sender->sa->drops[Drop::sequence_exhausted], 1U);
}

INSTANTIATE_TEST_SUITE_P(all, Ah,
                         ::testing::Combine(::testing::Values(model::Integ::hmac_sha1_96, model::Integ::hmac_sha2_256_128,
                                                              model::Integ::hmac_sha2_384_192, model::Integ::hmac_sha2_512_256,
                                                              model::Integ::aes_cmac_96, model::Integ::aes_128_gmac,
                                                              model::Integ::aes_256_gmac),
                                            ::testing::Bool()));

// Computed apart, with Python's hmac and cryptography modules over the octets that RFC 4302 §3.3.3 names.
TEST(AhIcv, is_what_others_compute) {
    struct Known {
        model::Integ integ;
        bool esn;
        const char* icv;
    };
    constexpr Known all[] = {
        {model::Integ::hmac_sha1_96, false, "0aa4cc88d7574e2d53b1c682"},
        {model::Integ::hmac_sha2_256_128, false, "539588bd99054464edc0062c251dce9a"},
        {model::Integ::hmac_sha2_384_192, false, "aec16a17bc1053cb7fe5287a47ad0da70fc45ad3456567aa"},
        {model::Integ::hmac_sha2_512_256, false, "af25fd1cc8694de9520d02308d2b0b57fcceafb421543dfd7592fd00f8c45c96"},
        {model::Integ::aes_cmac_96, false, "5cfcca42979fcc1bf14d2dc1"},
        {model::Integ::aes_128_gmac, false, "0000000000000001508188a14e7c5948979fa846de139c69"},
        {model::Integ::aes_256_gmac, false, "00000000000000013e9a380271ef03b7515f78c5fe884497"},
        {model::Integ::hmac_sha1_96, true, "1d32c6d4409cb51476390ffd"},
        {model::Integ::hmac_sha2_256_128, true, "507a0fad759a4a838e040e3c10ec4e38"},
        {model::Integ::hmac_sha2_512_256, true, "c1fb5ed9c32ef4e36027deb0775f8e985d36c8504dd733eac63ff11cf9a4b365"},
        {model::Integ::aes_cmac_96, true, "3705df6534fa02f36a181441"},
        {model::Integ::aes_128_gmac, true, "0000000000000001ac50b060a04e779a976e0c033e263327"},
    };
    const Bytes inner = make_packet({.source = "10.1.0.1", .destination = "10.2.0.9"});
    for (const Known& known : all) {
        const ChildPointer sender = testing::child_of(ah_spec(known.integ, known.esn));
        Outer outer = around(inner, ah_size(sender->sa->ah->shape, model::Family::v4));
        ASSERT_TRUE(seal_ah(*sender->sa, outer.packet, outer.place, protocol::ipv4, inner.size(), now));
        EXPECT_EQ(hex(ByteView(outer.packet).subspan(20 + ah_fixed_size, sender->sa->ah->shape.field_size())), known.icv)
            << model::name_of(known.integ) << (known.esn ? " with ESN" : "");
    }
}

// ---- headers --------------------------------------------------------------------------------------

// Appendix A1: by the whole octet of the type. The rest of the header stays.
TEST(AhHeaders, of_the_options_of_IPv4_those_that_routers_write_are_zeroed) {
    const Bytes options{1, 148, 4, 0xaa, 0xbb, 7, 7, 4, 1, 2, 3, 4, 130, 3, 0xcc, 0};
    Bytes header(20);
    header[0] = 0x49;
    header[1] = 0xff;
    header[8] = 64;
    header[9] = protocol::ah;
    append(header, options);
    Bytes expected = header;
    expected[1] = expected[8] = 0;
    for (std::size_t i = 25; i < 32; ++i) expected[i] = 0;  // Record Route, whole
    ASSERT_TRUE(zero_mutable_fields(header, model::Family::v4));
    EXPECT_EQ(header, expected);
    header[26] = 1;  // no length of an option
    header[25] = 7;
    EXPECT_FALSE(zero_mutable_fields(header, model::Family::v4));
}

// Appendix A2: options say of themselves whether they may change.
TEST(AhHeaders, of_the_options_of_IPv6_the_data_of_those_that_may_change_are_zeroed) {
    Bytes headers(40);
    headers[0] = 0x6f;
    headers[1] = headers[2] = headers[3] = 0xff;
    headers[6] = 0;  // hop-by-hop
    headers[7] = 9;
    append(headers, Bytes{60, 0, 0x3e, 2, 0xaa, 0xbb, 0, 0});
    append(headers, Bytes{43, 0, 0x1e, 4, 1, 2, 3, 4});
    append(headers, Bytes{51, 0, 0, 0, 9, 9, 9, 9});  // routing: as it arrives
    Bytes expected = headers;
    expected[0] = 0x60;
    expected[1] = expected[2] = expected[3] = expected[7] = expected[44] = expected[45] = 0;
    ASSERT_TRUE(zero_mutable_fields(headers, model::Family::v6));
    EXPECT_EQ(headers, expected);
    headers[43] = 9;  // longer than its header
    EXPECT_FALSE(zero_mutable_fields(headers, model::Family::v6));
}

TEST(AhHeaders, are_found_behind_what_is_known) {
    Bytes packet(40);
    packet[0] = 0x60;
    packet[6] = 60;
    append(packet, Bytes{51, 0, 1, 4, 0, 0, 0, 0});
    append(packet, Bytes{6, 5, 0, 0, 0, 0, 1, 7});
    packet.resize(40 + 8 + 28);
    const auto place = find_ah(packet);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->at, 48U);
    EXPECT_EQ(place->next_at, 40U);
    EXPECT_EQ(place->size, 28U);
    EXPECT_EQ(place->spi, 0x107U);
    for (std::size_t size = 0; size < packet.size(); ++size) EXPECT_FALSE(find_ah(ByteView(packet).first(size))) << size;
    packet[6] = 44;  // RFC 4302 Appendix A2: fragments were put together before
    EXPECT_FALSE(find_ah(packet));
    packet[6] = 139;  // an extension header that we do not know
    EXPECT_FALSE(find_ah(packet));
}

TEST(AhHeaders, have_the_length_of_the_family) {
    const auto sha256 = *crypto::mac_shape_of(model::Integ::hmac_sha2_256_128);
    EXPECT_EQ(ah_size(sha256, model::Family::v4), 28U);
    EXPECT_EQ(ah_size(sha256, model::Family::v6), 32U);
    const auto sha1 = *crypto::mac_shape_of(model::Integ::hmac_sha1_96);
    EXPECT_EQ(ah_size(sha1, model::Family::v6), 24U);
}

TEST(AhHeaders, leave_room_for_them) {
    model::ChildSaSpec spec = ah_spec();
    spec.udp_encapsulation = false;
    // As long as it can be: a path may lead to the other family.
    EXPECT_EQ(inner_mtu(*testing::child_of(spec), 1500), 1500U - 20 - 32);
    spec.path = {{*model::IpAddress::parse("2001:db8::1"), 500}, {*model::IpAddress::parse("2001:db8::2"), 500}};
    EXPECT_EQ(inner_mtu(*testing::child_of(spec), 1500), 1500U - 40 - 32);
}

// ---- transport mode, and what must not come in ------------------------------------------------------

model::ChildSaSpec transport_spec() {
    model::ChildSaSpec spec = ah_spec();
    spec.mode = model::ChildMode::transport;
    spec.local = {model::TrafficSelector::of(model::AddressRange::single(*model::IpAddress::parse("192.0.2.1")))};
    spec.remote = {model::TrafficSelector::of(model::AddressRange::single(*model::IpAddress::parse("192.0.2.2")))};
    return spec;
}

TEST(AhTransport, gives_the_packet_as_it_was_with_what_routers_wrote) {
    const ChildPointer sender = testing::child_of(transport_spec()), receiver = testing::child_of(mirrored(transport_spec()));
    const Bytes whole = make_packet({.source = "192.0.2.1", .destination = "192.0.2.2"});
    for (const std::size_t options : {0U, 8U}) {
        Outer outer = around(ByteView(whole).subspan(20), 28, options);
        outer.place.spi = sender->sa->out.spi;
        if (options != 0) outer.packet[20] = 7, outer.packet[21] = 7, outer.packet[22] = 4, outer.packet[27] = 0;  // Record Route
        ASSERT_TRUE(seal_ah(*sender->sa, outer.packet, outer.place, whole[9], whole.size() - 20, now));
        outer.packet[8] = 17;  // hops on the way
        if (options != 0) outer.packet[24] = 77;  // a router's address
        const auto place = find_ah(outer.packet);
        ASSERT_TRUE(place);
        const OpenedAh opened = open_ah(*receiver, outer.packet, *place, now);
        ASSERT_EQ(opened.drop, Drop::none) << options;
        const ByteView got = ByteView(outer.packet).subspan(opened.inner_at);
        EXPECT_EQ(got.size(), whole.size() + options);
        EXPECT_EQ(got[8], 17);
        EXPECT_EQ(got[9], whole[9]);
        EXPECT_TRUE(equal(got.subspan(20 + options), ByteView(whole).subspan(20)));
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < 20 + options; i += 2) sum += std::uint32_t{got[i]} << 8 | got[i + 1];
        EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU) << "the header's checksum";
    }
}

TEST(AhBad, packets_are_dropped_under_their_names) {
    const ChildPointer sender = testing::child_of(ah_spec()), receiver = testing::child_of(mirrored(ah_spec()));
    const auto arrives = [&](ByteView inner, std::uint8_t next_header, std::size_t ah = 28) {
        Outer outer = around(inner, ah);
        outer.place.spi = sender->sa->out.spi;
        EXPECT_TRUE(seal_ah(*sender->sa, outer.packet, outer.place, next_header, inner.size(), now));
        const auto place = find_ah(outer.packet);
        return place ? open_ah(*receiver, outer.packet, *place, now).drop : Drop::bad_ah_header;
    };
    const Bytes good = make_packet({.source = "10.1.0.1", .destination = "10.2.0.9"});
    EXPECT_EQ(arrives(good, protocol::ipv4), Drop::none);
    // RFC 4302 §3.3.3.2.1: a peer may pad to 8 octets in IPv4, too, as Linux does.
    EXPECT_EQ(arrives(good, protocol::ipv4, 32), Drop::none);
    EXPECT_EQ(arrives(good, protocol::ipv4, 36), Drop::bad_ah_header);
    EXPECT_EQ(arrives(good, protocol::tcp), Drop::bad_next_header);
    EXPECT_EQ(arrives(good, protocol::ipv6), Drop::bad_inner_packet);
    EXPECT_EQ(arrives(ByteView(good).first(19), protocol::ipv4), Drop::bad_inner_packet);
    EXPECT_EQ(arrives(make_packet({.source = "10.9.0.1", .destination = "10.2.0.9"}), protocol::ipv4), Drop::selector_mismatch);
}

TEST(AhBad, keys_and_suites_are_refused) {
    model::ChildSaSpec spec = ah_spec();
    spec.in.integ = SecretBytes::take(Bytes(31));
    EXPECT_FALSE(SaRuntime::make(spec));
    spec = ah_spec();
    spec.integ = model::Integ::none;
    EXPECT_FALSE(SaRuntime::make(spec));
    spec = ah_spec();
    spec.encr = model::Encr::aes_gcm_16;
    EXPECT_FALSE(SaRuntime::make(spec));
}

}  // namespace
}  // namespace cygnet::esp
