#include "dataplane/xfrm/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/udp.h>
#include <netinet/in.h>

#include "base/big_endian.h"
#include "dataplane/xfrm/suites.h"

namespace cygnet::dataplane::xfrm {
namespace {

using testing::ElementsAre;

model::IpAddress address(std::string_view text) { return *model::IpAddress::parse(text); }

ByteView body_of(const Message& message) { return message.bytes().subspan(sizeof(nlmsghdr)); }

// A state in which every field has a value of its own.
State full_state() {
    State state;
    state.id = {.spi = 0x01020304, .destination = address("192.0.2.2"), .mark = {0x11, 0xff}};
    state.source = address("192.0.2.1");
    state.reqid = 7;
    state.suite.cipher = Algorithm{.name = "cbc(aes)", .key = SecretBytes::copy_of(Bytes(16, 0xc0))};
    state.suite.integrity = Algorithm{.name = "hmac(sha256)", .key = SecretBytes::copy_of(Bytes(32, 0x1f)), .icv_bits = 128};
    state.esn = true;
    state.replay = {.window = 128, .sent = 0x1'0000'0002, .received = 0x3'0000'0004, .bitmap = {1, 2, 3, 4}};
    state.encapsulation = Encapsulation{4500, 21000};
    state.tfc_padding = 900;
    state.limits = {.soft_bytes = 10, .hard_bytes = 20, .soft_packets = 30, .hard_packets = 40, .hard_seconds = 50};
    state.set_mark = {0x22, 0xf0};
    state.interface = 9;
    state.copy_dscp_in = true;
    state.copy_dscp_out = false;
    state.copy_ecn = false;
    state.copy_df = false;
    state.unrelated_icmp = true;
    state.offload = Offload{.device = 3, .inbound = true, .packets = true};
    return state;
}

// The structure as the kernel's header lays it out, octet by octet.
TEST(XfrmMessages, AStateLiesWhereTheKernelReadsIt) {
    const Message message = add_state(full_state());
    const auto header = *front_of<nlmsghdr>(message.bytes());
    EXPECT_EQ(header.nlmsg_type, XFRM_MSG_NEWSA);
    EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
    EXPECT_EQ(header.nlmsg_len, message.bytes().size());
    const Bytes octets = keep(body_of(message));
    const auto at = [&](std::size_t offset, std::size_t size) { return hex(ByteView(octets).subspan(offset, size)); };
    EXPECT_EQ(at(offsetof(xfrm_usersa_info, id) + offsetof(xfrm_id, daddr), 4), "c0000202");
    EXPECT_EQ(at(offsetof(xfrm_usersa_info, id) + offsetof(xfrm_id, spi), 4), "01020304");
    EXPECT_EQ(at(offsetof(xfrm_usersa_info, id) + offsetof(xfrm_id, proto), 1), "32");
    EXPECT_EQ(at(offsetof(xfrm_usersa_info, saddr), 4), "c0000201");
    const auto info = *front_of<xfrm_usersa_info>(octets);
    EXPECT_EQ(info.reqid, 7u);
    EXPECT_EQ(info.family, AF_INET);
    EXPECT_EQ(info.mode, XFRM_MODE_TUNNEL);
    EXPECT_EQ(info.flags, XFRM_STATE_AF_UNSPEC | XFRM_STATE_ESN | XFRM_STATE_DECAP_DSCP | XFRM_STATE_NOECN | XFRM_STATE_NOPMTUDISC |
                              XFRM_STATE_ICMP);
    EXPECT_EQ(info.lft.soft_byte_limit, 10u);
    EXPECT_EQ(info.lft.hard_packet_limit, 40u);
    EXPECT_EQ(info.lft.hard_add_expires_seconds, 50u);

    const auto attributes = Attributes::after<xfrm_usersa_info>(octets);
    xfrm_algo_auth integrity;
    ASSERT_TRUE(read_front(attributes.bytes(XFRMA_ALG_AUTH_TRUNC), integrity));
    EXPECT_STREQ(integrity.alg_name, "hmac(sha256)");
    EXPECT_EQ(integrity.alg_key_len, 256u);
    EXPECT_EQ(integrity.alg_trunc_len, 128u) << "else the kernel would take 96 bits, as it once did";
    EXPECT_EQ(attributes.bytes(XFRMA_ALG_AUTH_TRUNC).size(), sizeof integrity + 32);
    EXPECT_EQ(hex(attributes.bytes(XFRMA_ENCAP).first(6)), hex(Bytes{UDP_ENCAP_ESPINUDP, 0, 0x11, 0x94, 0x52, 0x08}));
    xfrm_replay_state_esn replay;
    ASSERT_TRUE(read_front(attributes.bytes(XFRMA_REPLAY_ESN_VAL), replay));
    EXPECT_EQ(replay.bmp_len, 4u);
    EXPECT_EQ(replay.oseq_hi, 1u);
    EXPECT_EQ(replay.seq, 4u);
    EXPECT_EQ(attributes.value<xfrm_user_offload>(XFRMA_OFFLOAD_DEV)->flags, XFRM_OFFLOAD_INBOUND | XFRM_OFFLOAD_PACKET);
}

TEST(XfrmMessages, AStateIsReadAsItWasWritten) {
    const State state = full_state();
    const auto read = read_state(body_of(add_state(state)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id, state.id);
    EXPECT_EQ(read->source, state.source);
    EXPECT_EQ(read->reqid, state.reqid);
    EXPECT_EQ(read->mode, state.mode);
    ASSERT_TRUE(read->suite.cipher && read->suite.integrity);
    EXPECT_FALSE(read->suite.aead);
    EXPECT_EQ(read->suite.cipher->name, "cbc(aes)");
    EXPECT_TRUE(read->suite.integrity->key.equals(state.suite.integrity->key.reveal()));
    EXPECT_EQ(read->suite.integrity->icv_bits, 128u);
    EXPECT_EQ(read->esn, state.esn);
    EXPECT_EQ(read->replay, state.replay);
    EXPECT_EQ(read->encapsulation, state.encapsulation);
    EXPECT_EQ(read->tfc_padding, state.tfc_padding);
    EXPECT_EQ(read->limits, state.limits);
    EXPECT_EQ(read->set_mark, state.set_mark);
    EXPECT_EQ(read->interface, state.interface);
    EXPECT_EQ(read->offload, state.offload);
    EXPECT_TRUE(read->copy_dscp_in && !read->copy_dscp_out && !read->copy_ecn && !read->copy_df && read->unrelated_icmp);
    // Writing it again gives the same octets: a state that moves loses nothing.
    EXPECT_EQ(hex(add_state(*read).bytes()), hex(add_state(state).bytes()));
}

TEST(XfrmMessages, APlainStateHasNoAttributesBeyondItsKeysAndItsWindow) {
    State state;
    state.id = {.spi = 0x100, .destination = address("2001:db8::2")};
    state.source = address("2001:db8::1");
    state.mode = model::ChildMode::transport;
    state.suite.aead = Algorithm{.name = "rfc4106(gcm(aes))", .key = SecretBytes::copy_of(Bytes(36, 1)), .icv_bits = 128};
    const Message message = add_state(state);
    const auto info = *front_of<xfrm_usersa_info>(body_of(message));
    EXPECT_EQ(info.family, AF_INET6);
    EXPECT_EQ(info.mode, XFRM_MODE_TRANSPORT);
    EXPECT_EQ(info.flags, 0);
    EXPECT_EQ(info.lft.hard_byte_limit, XFRM_INF);
    const auto attributes = Attributes::after<xfrm_usersa_info>(body_of(message));
    std::vector<std::uint16_t> present;
    for (std::uint16_t type = 0; type < Attributes::types; ++type)
        if (attributes.has(type)) present.push_back(type);
    EXPECT_THAT(present, ElementsAre(XFRMA_ALG_AEAD, XFRMA_REPLAY_ESN_VAL));
}

TEST(XfrmMessages, APolicyIsReadAsItWasWritten) {
    const PolicyName name{.direction = Direction::forward,
                          .selector = {.source = {address("10.1.0.0"), 16},
                                       .destination = {address("10.2.0.0"), 24},
                                       .protocol = 6,
                                       .source_port = {80, 0xffff},
                                       .destination_port = {0x8000, 0x8000}},
                          .mark = {1, 3},
                          .interface = 5};
    const PolicyAction action{.protect = Template{.source = address("2001:db8::1"),
                                                  .destination = address("2001:db8::2"),
                                                  .spi = 0xdeadbeef,
                                                  .reqid = 8,
                                                  .mode = model::ChildMode::tunnel},
                              .priority = 4711};
    const Message message = put_policy(name, action);
    EXPECT_EQ(message.type(), XFRM_MSG_UPDPOLICY);
    const auto info = *front_of<xfrm_userpolicy_info>(body_of(message));
    EXPECT_EQ(info.sel.family, AF_INET);
    EXPECT_EQ(info.sel.sport, in_network_order(std::uint16_t{80}));
    EXPECT_EQ(info.dir, XFRM_POLICY_FWD);
    EXPECT_EQ(info.action, XFRM_POLICY_ALLOW);
    const auto protect = *Attributes::after<xfrm_userpolicy_info>(body_of(message)).value<xfrm_user_tmpl>(XFRMA_TMPL);
    EXPECT_EQ(protect.family, AF_INET6) << "the outer addresses have a family of their own";
    EXPECT_EQ(protect.optional, 0);
    EXPECT_EQ(protect.aalgos, ~0U);
    const auto read = read_policy(body_of(message));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->name, name);
    EXPECT_EQ(read->action, action);

    const auto removed = *front_of<xfrm_userpolicy_id>(body_of(remove_policy(name)));
    EXPECT_EQ(std::memcmp(&removed.sel, &info.sel, sizeof removed.sel), 0);
    EXPECT_EQ(removed.dir, XFRM_POLICY_FWD);
}

TEST(XfrmMessages, ShuntsHaveNoTemplate) {
    const PolicyName name{.selector = {.source = {address("10.1.0.0"), 16}, .destination = {address("10.2.0.0"), 24}}};
    const Message message = put_policy(name, {.drop = true, .priority = 3});
    EXPECT_EQ(front_of<xfrm_userpolicy_info>(body_of(message))->action, XFRM_POLICY_BLOCK);
    EXPECT_FALSE(Attributes::after<xfrm_userpolicy_info>(body_of(message)).has(XFRMA_TMPL));
    EXPECT_TRUE(read_policy(body_of(message))->action.drop);
}

TEST(XfrmMessages, AMigrationNamesThePolicyAndBothPairsOfAddresses) {
    const Message message = migrate({.policy = {.direction = Direction::in,
                                                .selector = {.source = {address("10.2.0.0"), 24}, .destination = {address("10.1.0.0"), 16}}},
                                     .reqid = 12,
                                     .old_source = address("192.0.2.2"),
                                     .old_destination = address("192.0.2.1"),
                                     .new_source = address("192.0.2.2"),
                                     .new_destination = address("198.51.100.1"),
                                     .encapsulation = Encapsulation{4500, 4500}});
    EXPECT_EQ(message.type(), XFRM_MSG_MIGRATE);
    EXPECT_EQ(front_of<xfrm_userpolicy_id>(body_of(message))->dir, XFRM_POLICY_IN);
    const auto attributes = Attributes::after<xfrm_userpolicy_id>(body_of(message));
    const auto move = *attributes.value<xfrm_user_migrate>(XFRMA_MIGRATE);
    EXPECT_EQ(hex(Message::view_of(move.old_daddr).first(4)), "c0000201");
    EXPECT_EQ(hex(Message::view_of(move.new_daddr).first(4)), "c6336401");
    EXPECT_EQ(move.reqid, 12u);
    EXPECT_EQ(move.old_family, AF_INET);
    EXPECT_TRUE(attributes.has(XFRMA_ENCAP));
}

// ---- events, built as the kernel builds them ------------------------------------------------------

TEST(XfrmMessages, AnAcquireShowsThePacketAndTheReqidOfItsPolicy) {
    xfrm_user_acquire acquire{};
    acquire.sel.family = AF_INET;
    acquire.sel.saddr.a4 = in_network_order(0x0a010001U);
    acquire.sel.daddr.a4 = in_network_order(0x0a020001U);
    acquire.sel.prefixlen_s = acquire.sel.prefixlen_d = 32;
    acquire.sel.proto = 17;
    acquire.sel.dport = in_network_order(std::uint16_t{53});
    acquire.sel.dport_mask = 0xffff;
    xfrm_user_tmpl wanted{};
    wanted.reqid = 99;
    Message message(XFRM_MSG_ACQUIRE);
    message.body(acquire);
    message.attribute(XFRMA_TMPL, wanted);
    const auto event = read_event(XFRM_MSG_ACQUIRE, body_of(message));
    ASSERT_TRUE(event && std::holds_alternative<Acquire>(*event));
    const auto& read = std::get<Acquire>(*event);
    EXPECT_EQ(read.reqid, 99u);
    EXPECT_EQ(read.flow.destination, (Prefix{address("10.2.0.1"), 32}));
    EXPECT_EQ(read.flow.destination_port, (MaskedPort{53, 0xffff}));
}

TEST(XfrmMessages, ExpiriesAndMappingsNameTheirState) {
    xfrm_user_expire expire{};
    expire.state.id.spi = in_network_order(0xcafe0001U);
    expire.state.id.daddr.a4 = in_network_order(0xc0000201U);
    expire.state.id.proto = IPPROTO_ESP;
    expire.state.family = AF_INET;
    expire.state.curlft.packets = 77;
    expire.hard = 1;
    const auto expired = read_event(XFRM_MSG_EXPIRE, Message::view_of(expire));
    ASSERT_TRUE(expired && std::holds_alternative<Expire>(*expired));
    EXPECT_EQ(std::get<Expire>(*expired).id, (StateId{.spi = 0xcafe0001, .destination = address("192.0.2.1")}));
    EXPECT_TRUE(std::get<Expire>(*expired).hard);
    EXPECT_EQ(std::get<Expire>(*expired).packets, 77u);

    xfrm_user_mapping mapping{};
    mapping.id.spi = in_network_order(0xcafe0001U);
    mapping.id.daddr.a4 = in_network_order(0xc0000201U);
    mapping.id.family = AF_INET;
    mapping.id.proto = IPPROTO_ESP;
    mapping.new_saddr.a4 = in_network_order(0xcb007105U);
    mapping.new_sport = in_network_order(std::uint16_t{20001});
    const auto moved = read_event(XFRM_MSG_MAPPING, Message::view_of(mapping));
    ASSERT_TRUE(moved && std::holds_alternative<Mapping>(*moved));
    EXPECT_EQ(std::get<Mapping>(*moved).from, (model::Endpoint{address("203.0.113.5"), 20001}));
}

TEST(XfrmMessages, WhatIsCutShortOrOfAnotherProtocolIsNoEvent) {
    xfrm_user_expire expire{};
    expire.state.id.proto = IPPROTO_COMP;
    EXPECT_FALSE(read_event(XFRM_MSG_EXPIRE, Message::view_of(expire)));
    expire.state.id.proto = IPPROTO_ESP;
    const ByteView whole = Message::view_of(expire);
    for (std::size_t size = 0; size < whole.size(); size += 7) EXPECT_FALSE(read_event(XFRM_MSG_EXPIRE, whole.first(size)));
    EXPECT_FALSE(read_event(XFRM_MSG_ACQUIRE, {}));
    EXPECT_FALSE(read_event(XFRM_MSG_NEWSA, whole));
    EXPECT_FALSE(read_state({}));
}

TEST(XfrmMessages, AttributesWithWrongLengthsEndTheList) {
    Bytes octets = {8, 0, 1, 0, 0xaa, 0xbb, 0xcc, 0xdd, 200, 0, 2, 0};
    const Attributes attributes{ByteView(octets)};
    EXPECT_EQ(attributes.value<std::uint32_t>(1), in_network_order(0xaabbccddU));
    EXPECT_FALSE(attributes.has(2));
    octets[0] = 3;  // shorter than its own head
    EXPECT_FALSE(Attributes{ByteView(octets)}.has(1));
}

TEST(XfrmSuites, NamesAndTruncationsAreTheKernels) {
    model::DirectionKeys keys{.encr = SecretBytes(36), .integ = SecretBytes(32)};
    EXPECT_EQ(suite_of(model::Encr::aes_gcm_12, model::Integ::none, keys)->aead->icv_bits, 96u);
    EXPECT_EQ(suite_of(model::Encr::chacha20_poly1305, model::Integ::none, keys)->aead->name, "rfc7539esp(chacha20,poly1305)");
    EXPECT_EQ(suite_of(model::Encr::aes_ctr, model::Integ::hmac_sha2_256_128, keys)->cipher->name, "rfc3686(ctr(aes))");
    // RFC 8750: the kernel has no implicit IVs.
    const auto implicit = suite_of(model::Encr::aes_gcm_16_iiv, model::Integ::none, keys);
    ASSERT_FALSE(implicit);
    EXPECT_THAT(implicit.error().detail, testing::HasSubstr("--esp userspace"));
    EXPECT_EQ(key_octets(model::Encr::aes_ccm_16, 256), 35u);
    EXPECT_EQ(key_octets(model::Encr::aes_gcm_16_iiv, 256), std::nullopt);
}

}  // namespace
}  // namespace cygnet::dataplane::xfrm
