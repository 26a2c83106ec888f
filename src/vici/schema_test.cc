#include "vici/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "crypto/catalogue.h"
#include "model/limits.h"
#include "vici/config_file.h"
#include "vici/store.h"
#include "vici/test_files.h"

namespace cygnet::vici {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A connection written as in a file.
Section section(std::string text) {
    TestFiles files;
    files.contents["f"] = std::move(text);
    auto parsed = parse_config_file(files, "f");
    for (const Complaint& complaint : parsed.complaints) ADD_FAILURE() << complaint.line();
    return std::move(parsed.tree);
}

model::Connection connection(std::string text) {
    Refusals refusals;
    auto read = read_connection("home", section(std::move(text)), refusals);
    for (const Refusal& refusal : refusals) ADD_FAILURE() << refusal.file_text();
    return read;
}

std::vector<std::string> refusals(std::string text) {
    Refusals refused;
    read_connection("home", section(std::move(text)), refused);
    std::vector<std::string> texts;
    for (const Refusal& refusal : refused) texts.push_back(refusal.file_text());
    return texts;
}

std::string vici_refusal(std::string text) {
    Refusals refused;
    read_connection("home", section(std::move(text)), refused);
    return refused.empty() ? "accepted" : refused.front().vici_text();
}

TEST(Schema, FillsInEveryDefault) {
    const auto conn = connection("");
    EXPECT_EQ(conn.proposals, model::default_ike_proposals());
    EXPECT_EQ(conn.rekey_time, hours(4));
    EXPECT_EQ(conn.over_time, minutes(24));
    EXPECT_EQ(conn.rand_time, minutes(24));
    EXPECT_TRUE(conn.local_addrs.at(0).any && conn.remote_addrs.at(0).any);
    EXPECT_EQ(conn.local.size(), 1u);
    EXPECT_EQ(conn.remote.at(0).auth, model::AuthClass::pubkey);
    EXPECT_TRUE(conn.remote.at(0).id.is_any());
    const auto child = connection("children { net { } }").children.at(0);
    EXPECT_EQ(child, model::ChildConfig{.name = "net"}) << "model and schema agree about defaults";
}

TEST(Schema, ReadsAConnection) {
    const auto conn = connection(
        "version = 2\n local_addrs = 192.0.2.1\n remote_addrs = moon.example, 192.0.2.0/24\n remote_port = 4500\n"
        "proposals = aes256gcm16-prfsha384-x25519\n encap = yes\n dpd_delay = 30s\n fragmentation = accept\n"
        "vips = 0.0.0.0, ::\n pools = a, b\n unique = Replace\n send_cert = always\n rekey_time = 10h\n"
        "local { auth = psk\n id = home.example }\n"
        "remote { auth = pubkey\n id = *.example }\n"
        "children { net { local_ts = 10.1.0.0/24[tcp/80], dynamic\n esp_proposals = aes128gcm16-ecp256\n"
        " life_time = 11m\n start_action = start\n replay_window = 64\n reqid = 7 }\n other { } }");
    EXPECT_EQ(conn.remote_addrs.at(0).text, "moon.example");
    EXPECT_FALSE(conn.remote_addrs.at(0).range);
    EXPECT_EQ(conn.remote_addrs.at(1).range->text(), "192.0.2.0/24");
    EXPECT_EQ(conn.remote_port, 4500);
    EXPECT_EQ(conn.proposals.at(0).text(), "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519");
    EXPECT_TRUE(conn.encap);
    EXPECT_EQ(conn.dpd_delay, seconds(30));
    EXPECT_EQ(conn.fragmentation, model::Fragmentation::accept);
    EXPECT_EQ(conn.vips.size(), 2u);
    EXPECT_THAT(conn.pools, ElementsAre("a", "b"));
    EXPECT_EQ(conn.unique, model::UniquePolicy::replace);
    EXPECT_EQ(conn.send_cert, model::SendCert::always);
    EXPECT_EQ(conn.over_time, hours(1));
    EXPECT_EQ(conn.local.at(0).auth, model::AuthClass::psk);
    EXPECT_EQ(conn.local.at(0).id.text(), "home.example");
    EXPECT_TRUE(conn.remote.at(0).id.has_wildcards());
    ASSERT_EQ(conn.children.size(), 2u);
    const auto& net = conn.children[0];
    EXPECT_EQ(net.local_ts.at(0).text(), "10.1.0.0/24[tcp/80]");
    EXPECT_TRUE(net.local_ts.at(1).dynamic);
    EXPECT_EQ(net.esp_proposals.at(0).text(), "ESP:AES_GCM_16_128/ECP_256/NO_EXT_SEQ");
    EXPECT_EQ(net.lifetime.rekey_time, minutes(10));
    EXPECT_EQ(net.lifetime.rand_time, minutes(1));
    EXPECT_EQ(net.start_action, model::Action::start);
    EXPECT_EQ(net.replay_window, 64u);
    EXPECT_EQ(net.reqid, 7u);
}

TEST(Schema, ReadsWherePeersMayGo) {
    const auto conn = connection("mobike = no\n mobike_addrs = 192.0.2.0/24, 2001:db8::1\n return_routability = no\n"
                                 "follow_redirects = no\n redirect_to = gw2.example\n redirect_at = init");
    EXPECT_FALSE(conn.mobike || conn.return_routability || conn.follow_redirects);
    EXPECT_EQ(conn.mobike_addrs.at(0).range->text(), "192.0.2.0/24");
    EXPECT_EQ(conn.redirect_to, "gw2.example");
    EXPECT_EQ(conn.redirect_at, model::RedirectAt::init);
    EXPECT_THAT(refusals("redirect_to = gw two"), ElementsAre("redirect_to: 'gw two' is neither an address nor a host name"));
    EXPECT_THAT(refusals("redirect_to = 192.0.2.300"), ElementsAre(HasSubstr("is neither an address nor a host name")));
    EXPECT_TRUE(connection("").mobike) << "as in strongSwan";
}

TEST(Schema, ReadsListsThatViciSendsAsLists) {
    Section message;
    message.add_list("remote_addrs", {"192.0.2.1", "192.0.2.2"});
    message.add_list("proposals", {"aes256gcm16-prfsha384-x25519", "aes128-sha256-ecp256"});
    Refusals refused;
    const auto conn = read_connection("home", message, refused);
    EXPECT_THAT(refused, IsEmpty());
    EXPECT_EQ(conn.remote_addrs.size(), 2u);
    EXPECT_EQ(conn.proposals.size(), 2u);
    EXPECT_EQ(conn.proposals[1].number, 2);
}

TEST(Schema, UsesStrongSwansWordsOverVici) {
    EXPECT_EQ(vici_refusal("colour = blue"), "unknown option: colour, config discarded");
    EXPECT_EQ(vici_refusal("children { net { colour = blue } }"), "unknown option: colour, config discarded");
    EXPECT_THAT(vici_refusal("rekey_time = soon"), testing::StartsWith("invalid value for: rekey_time, config discarded"));
    EXPECT_THAT(vici_refusal("proposals = aes256-foo"), testing::StartsWith("invalid value for: proposals, config discarded"));
    EXPECT_EQ(vici_refusal("somewhere { }"), "invalid section: somewhere");
}

TEST(Schema, SaysWhatIsAcceptedInsteadOfAMistake) {
    EXPECT_THAT(refusals("remote_adrs = 192.0.2.1"),
                ElementsAre(testing::AllOf(HasSubstr("remote_adrs: unknown key; did you mean remote_addrs?"),
                                           HasSubstr("Accepted here: version local_addrs"))));
    EXPECT_THAT(refusals("unique = perhaps"), ElementsAre("unique: accepted are no, never, keep, replace"));
    EXPECT_THAT(refusals("children { net { rekey_time = 1x } }"),
                ElementsAre("children.net.rekey_time: accepted is a time such as 90, 90s, 15m, 4h or 1d"));
    EXPECT_THAT(refusals("proposals = aes256-foo"), ElementsAre(HasSubstr("'foo' is not an algorithm")));
    EXPECT_THAT(refusals("remote_addrs = 10.0.0.300"), ElementsAre(HasSubstr("'10.0.0.300' is neither")));
    EXPECT_THAT(refusals("children { net { remote_ts = 10.1.0.0/99 } }"), ElementsAre(HasSubstr("no traffic selector")));
    EXPECT_THAT(refusals("local { auth = psk\n id_ = x }\n remote { cert = a }"),
                ElementsAre(HasSubstr("local.id_: unknown key"), HasSubstr("remote.cert: unknown key; did you mean certs?")));
    EXPECT_THAT(refusals("local { auth = psk  id = moon.example }"), ElementsAre(HasSubstr("each key in a line of its own")));
    EXPECT_THAT(refusals("a = 1\n b = 2\n children { c { d = 1 } }"), testing::SizeIs(3)) << "all of them at once";
}

// Both keys are one list; the default is for who writes neither.
TEST(Schema, ah_proposals_stand_beside_those_of_ESP) {
    const auto texts = [](std::string_view keys) {
        std::string all;
        const model::Connection read = connection("children { net { " + std::string(keys) + " } }");
        for (const model::Proposal& one : read.children.at(0).esp_proposals)
            all += std::to_string(one.number) + " " + one.text() + " ";
        return all;
    };
    EXPECT_EQ(texts("ah_proposals = sha256-esn"), "1 AH:HMAC_SHA2_256_128/EXT_SEQ ");
    EXPECT_EQ(texts("ah_proposals = sha512\n esp_proposals = aes128gcm16"), "1 AH:HMAC_SHA2_512_256/NO_EXT_SEQ 2 ESP:AES_GCM_16_128/NO_EXT_SEQ ");
    EXPECT_EQ(texts("esp_proposals = aes128gcm16\n ah_proposals = sha512"), "1 ESP:AES_GCM_16_128/NO_EXT_SEQ 2 AH:HMAC_SHA2_512_256/NO_EXT_SEQ ");
    EXPECT_NE(texts("").find("ESP:"), std::string::npos);
}

TEST(Schema, TakesHowHeadersFollowEachOther) {
    const auto headers = [](const std::string& keys) {
        return connection("children { net { " + keys + " } }").children.at(0).headers;
    };
    using model::DontFragment;
    EXPECT_EQ(headers(""), model::TunnelHeaders{});
    EXPECT_EQ(headers("copy_df = yes").dont_fragment, DontFragment::copy);
    EXPECT_EQ(headers("copy_df = no").dont_fragment, DontFragment::clear);
    EXPECT_EQ(headers("copy_df = set").dont_fragment, DontFragment::set);
    EXPECT_FALSE(headers("copy_ecn = no").copy_ecn);
    const auto both = headers("copy_dscp = yes"), in = headers("copy_dscp = in"), none = headers("copy_dscp = no");
    EXPECT_TRUE(both.dscp_out && both.dscp_in);
    EXPECT_TRUE(!in.dscp_out && in.dscp_in);
    EXPECT_TRUE(!none.dscp_out && !none.dscp_in);
    EXPECT_EQ(connection("children { net { icmp = no } }").children.at(0).icmp_errors, model::IcmpErrors::no);
    EXPECT_EQ(connection("children { net { icmp = checked } }").children.at(0).icmp_errors, model::IcmpErrors::checked);
    EXPECT_EQ(connection("children { net { mode = pass } }").children.at(0).mode, model::ChildMode::pass);
    for (const char* wrong : {"copy_df = maybe", "copy_ecn = out", "copy_dscp = set", "icmp = 7"})
        EXPECT_THAT(refusals("children { net { " + std::string(wrong) + " } }"), testing::SizeIs(1)) << wrong;
}

TEST(Schema, RefusesFeaturesToComeByNameUnlessNothingIsAsked) {
    EXPECT_THAT(refusals("version = 1"), ElementsAre(HasSubstr("IKEv1 is not supported by this version of Cygnet")));
    EXPECT_THAT(refusals("version = 0\n aggressive = no\n childless = allow\n dscp = 000000\n if_id_in = 0"), IsEmpty());
    EXPECT_THAT(refusals("remote { ca_id = \"CN=ca\" }"), ElementsAre(HasSubstr("ca_id")));
    EXPECT_THAT(refusals("children { net { label = a } }"), ElementsAre(HasSubstr("RFC 9478")));
    EXPECT_TRUE(connection("children { net { ipcomp = yes } }").children.at(0).ipcomp);
    EXPECT_FALSE(connection("children { net { } }").children.at(0).ipcomp);
    EXPECT_EQ(connection("children { net { close_action = start\n dpd_action = restart } }").children.at(0).close_action, model::Action::start);
    EXPECT_THAT(refusals("local { auth = eap-mschapv2 }"), ElementsAre(HasSubstr("eap")));
    EXPECT_THAT(refusals("remote { auth = rsa-2048 }"), testing::Not(IsEmpty()));
}

TEST(Schema, ReadsWhatAConnectionDoesWithPpks) {
    EXPECT_FALSE(connection("").ppk.has_value());
    const model::Connection made = connection("ppk_id = k1, *@gw.example, opaque:k3\n ppk_required = yes\n ppk_exchange = auth\n"
                                              " ppk_rekey = required\n ppk_qkd = https://kme.example/api/v1/keys/moon/\n"
                                              " ppk_qkd_cert = /c.pem\n ppk_qkd_key = /k.pem\n ppk_qkd_ca = /ca.pem");
    const model::PpkConfig& ppk = made.ppk_use();
    ASSERT_EQ(ppk.ids.size(), 3u);
    EXPECT_EQ(ppk.ids[0].single()->octets(), (Bytes{2, 'k', '1'}));
    EXPECT_EQ(ppk.ids[1].single(), std::nullopt);
    EXPECT_EQ(ppk.ids[2].single()->octets(), (Bytes{1, 'k', '3'}));
    EXPECT_TRUE(ppk.required);
    EXPECT_EQ(ppk.exchange, model::PpkExchange::auth);
    EXPECT_EQ(ppk.rekey, model::PpkRekey::required);
    EXPECT_EQ(ppk.source.qkd, "https://kme.example/api/v1/keys/moon");
    for (const char* wrong : {"ppk_required = maybe", "ppk_exchange = both", "ppk_rekey = sometimes", "ppk_pads = relative",
                              "ppk_qkd = http://kme/api", "ppk_pads = /pads\n ppk_qkd = https://kme/api", "ppk_qkd_ca = /ca.pem",
                              "ppk_qkd = https://kme/api\n ppk_qkd_cert = /c.pem", "ppk_rekey = yes"})
        EXPECT_THAT(refusals(wrong), testing::SizeIs(1)) << wrong;
}

TEST(Schema, OptionsOfTheKernelNeedTheKernel) {
    const std::string text =
        "if_id_in = 5\n if_id_out = 6\n children { net { mark_in = 0x10/0xf0\n mark_out = 42\n mark_in_sa = yes\n set_mark_in = 1\n"
        " set_mark_out = 2/3\n priority = 7\n hw_offload = yes } other { if_id_in = 0x9\n hw_offload = auto } }";
    Refusals refused;
    const auto read = read_connection("home", section(text), refused, true);
    EXPECT_THAT(refused, IsEmpty());
    const model::KernelOptions& net = read.children.at(0).kernel;
    EXPECT_EQ(net.mark_in, (model::Mark{0x10, 0xf0}));
    EXPECT_EQ(net.mark_out, (model::Mark{42, 0xffff'ffff}));
    EXPECT_EQ(net.set_mark_out, (model::Mark{2, 3}));
    EXPECT_TRUE(net.mark_in_sa);
    EXPECT_EQ(net.priority, 7u);
    EXPECT_EQ(net.hw_offload, model::HwOffload::crypto);
    EXPECT_EQ(net.if_id_in, 5u) << "the connection's";
    EXPECT_EQ(read.children.at(1).kernel.if_id_in, 9u);
    EXPECT_EQ(read.children.at(1).kernel.if_id_out, 6u);
    EXPECT_THAT(refusals(text), ElementsAre(HasSubstr("child net has marks"), HasSubstr("child other has marks")));
    EXPECT_THAT(refusals("children { net { mark_in = 0\n hw_offload = auto\n priority = 0 } }"), IsEmpty()) << "nothing is asked";
    EXPECT_THAT(refusals("children { net { mark_out = %unique } }"), ElementsAre(HasSubstr("invents no unique ones")));
}

// RFC 9611: Cygnet's own ESP alone binds SAs to its workers.
TEST(Schema, SasOfSingleWorkersNeedCygnetsOwnEsp) {
    EXPECT_FALSE(connection("children { net { } }").children.at(0).per_cpu_sas);
    EXPECT_TRUE(connection("children { net { per_cpu_sas = yes } }").children.at(0).per_cpu_sas);
    EXPECT_THAT(refusals("children { net { per_cpu_sas = encap } }"), ElementsAre(HasSubstr("encap is not supported")));
    EXPECT_THAT(refusals("children { net { per_cpu_sas = 2 } }"), ElementsAre(HasSubstr("yes and no")));
    Refusals refused;
    read_connection("home", section("children { net { per_cpu_sas = yes } other { } }"), refused, true);
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_THAT(refused[0].file_text(), HasSubstr("child net has per_cpu_sas"));
}

TEST(Schema, ReadsWhatAChildMayBe) {
    const auto child = connection("childless = prefer\n children { net { mode = transport\n start_action = trap|start\n dpd_action = trap\n"
                                  " close_action = route\n inactivity = 10m\n tfc_padding = mtu\n single_pair = yes\n"
                                  " non_first_fragments = yes\n local_ts = 10.1.0.1-10.1.0.9[tcp/80-90], 10.1.0.0/16[icmp/8],"
                                  " 0.0.0.0/0[udp/opaque], ::/0[ipv6-icmp/128] } }").children.at(0);
    EXPECT_EQ(child.mode, model::ChildMode::transport);
    EXPECT_TRUE(model::traps(child.start_action) && model::starts(child.start_action));
    EXPECT_EQ(child.dpd_action, model::Action::trap);
    EXPECT_EQ(child.close_action, model::Action::trap);
    EXPECT_EQ(child.inactivity, minutes(10));
    EXPECT_EQ(child.tfc_padding, model::tfc_to_mtu);
    EXPECT_TRUE(child.single_pair && child.non_first_fragments);
    ASSERT_EQ(child.local_ts.size(), 4U);
    EXPECT_EQ(child.local_ts[0].text(), "10.1.0.1..10.1.0.9[tcp/80-90]");
    EXPECT_EQ(child.local_ts[1].text(), "10.1.0.0/16[icmp/8]");
    EXPECT_EQ(child.local_ts[2].text(), "0.0.0.0/0[udp/OPAQUE]");
    EXPECT_EQ(child.local_ts[3].text(), "::/0[ipv6-icmp/128]");
    EXPECT_EQ(connection("childless = prefer").childless, model::Childless::prefer);
    EXPECT_THAT(refusals("childless = sometimes"), ElementsAre(HasSubstr("allow, prefer, force, never")));
    EXPECT_THAT(refusals("children { net { tfc_padding = 70000 } }"), ElementsAre(HasSubstr("mtu")));
    EXPECT_THAT(refusals("children { net { start_action = trap,start } }"), ElementsAre(HasSubstr("trap|start")));
}

// RFC 4739: one section for each round, in the order of `round`, then of the file.
TEST(Schema, ReadsRoundsInTheirOrder) {
    const auto conn = connection(
        "local-b { auth = psk\n id = second@example\n round = 2 }\n local-a { auth = pubkey\n id = first\n round = 1 }\n"
        "remote { auth = psk }\n remote-2 { auth = psk\n id = user@example }");
    ASSERT_EQ(conn.local.size(), 2u);
    EXPECT_EQ(conn.local[0].id, model::Identity::parse("first"));
    EXPECT_EQ(conn.local[1].id, model::Identity::parse("second@example"));
    ASSERT_EQ(conn.remote.size(), 2u);
    EXPECT_EQ(conn.remote[1].name, "remote-2");
    std::string many;
    for (int i = 0; i < 9; ++i) many += "local-" + std::to_string(i) + " { auth = psk }\n";
    EXPECT_THAT(refusals(many), ElementsAre(HasSubstr("more than 8 rounds")));
}

// RFC 7619 §2.4: a policy for those without identity names none; §2.5: and gives them no traffic of others.
TEST(Schema, ReadsNullAuthenticationWithItsRules) {
    EXPECT_EQ(connection("local { auth = null }\n remote { auth = psk }").local[0].auth, model::AuthClass::null);
    const char* dynamic = "children { net { remote_ts = dynamic } }";
    EXPECT_EQ(connection(std::string("remote { auth = null }\n") + dynamic).remote[0].auth, model::AuthClass::null);
    EXPECT_THAT(refusals(std::string("local { auth = psk }\n remote { auth = null\n id = moon.example }\n") + dynamic),
                ElementsAre(testing::AllOf(testing::StartsWith("remote:"), HasSubstr("exclude each other"))));
    EXPECT_THAT(refusals("remote { auth = null }\n children { net { remote_ts = 10.0.0.0/8 } }"),
                ElementsAre(HasSubstr("dynamic only")));
    EXPECT_THAT(refusals("remote { auth = null }\n remote-2 { auth = psk }"), ElementsAre(HasSubstr("only round")));
}

TEST(Schema, ReadsRawPublicKeysAndIdentities) {
    // Ed25519, RFC 8410 §10.1.
    const char* pem = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    const auto conn = connection(std::string("local { pubkeys = 0s") + pem + " }\n remote { pubkeys = 0s" + pem + " }");
    ASSERT_EQ(conn.local[0].public_keys.size(), 1u);
    EXPECT_EQ(conn.local[0].public_keys, conn.remote[0].public_keys);
    EXPECT_EQ(*public_key_der(std::string("-----BEGIN PUBLIC KEY-----\n") + pem + "\n-----END PUBLIC KEY-----\n"),
              conn.local[0].public_keys[0]);
    EXPECT_THAT(refusals("remote { pubkeys = 0s" + std::string(pem).substr(0, 40) + " }"),
                ElementsAre(HasSubstr("not a public key")));
    EXPECT_EQ(connection("remote { id = 10.1.0.0/16 }").remote[0].id, model::Identity::parse("ipv4net:10.1.0.0/16"));
    EXPECT_THAT(refusals("local { id = 10.1.0.0/16 }"), ElementsAre(HasSubstr("no identity of one host")));
}

TEST(Schema, DerivesTheHardLimitOfAnAuthentication) {
    const auto conn = connection("reauth_time = 10h");
    EXPECT_EQ(conn.reauth_time, hours(10));
    EXPECT_EQ(conn.rekey_time, Duration(0)) << "swanctl.conf(5): 0 if only reauth_time is set";
    EXPECT_EQ(conn.over_time, hours(1));
}

TEST(Schema, ReadsSignatureSchemes) {
    const auto auth = connection("local { auth = ike:rsa/pss-sha384-sha512 }").local.at(0);
    EXPECT_THAT(auth.key_kinds, ElementsAre(model::KeyKind::rsa));
    EXPECT_THAT(connection("remote { auth = ecdsa-ed25519 }").remote.at(0).key_kinds,
                ElementsAre(model::KeyKind::ecdsa, model::KeyKind::ed25519));
    EXPECT_THAT(connection("remote { auth = ike:mldsa44-mldsa65-mldsa87-slhdsa }").remote.at(0).key_kinds,
                ElementsAre(model::KeyKind::ml_dsa_44, model::KeyKind::ml_dsa_65, model::KeyKind::ml_dsa_87, model::KeyKind::slh_dsa));
    EXPECT_THAT(refusals("local { auth = mldsa77 }"), ElementsAre(HasSubstr("mldsa87, slhdsa")));
    EXPECT_EQ(auth.auth, model::AuthClass::pubkey);
    EXPECT_EQ(auth.rsa_pss, true);
    EXPECT_THAT(auth.hashes, ElementsAre(model::SignatureHash::sha2_384, model::SignatureHash::sha2_512));
}

TEST(Schema, DemandsAPostQuantumProposalWhereItIsRequired) {
    EXPECT_EQ(connection("").resumption, model::Resumption::no);
    EXPECT_EQ(connection("resumption = stateful").resumption, model::Resumption::stateful);
    EXPECT_EQ(connection("resumption = ticket").resumption, model::Resumption::ticket);
    EXPECT_EQ(connection("").window, model::limits::window_size);
    EXPECT_EQ(connection("window = 64").window, 64u);
    EXPECT_FALSE(refusals("window = 0").empty());
    EXPECT_FALSE(refusals("window = 65").empty());
    EXPECT_TRUE(connection("").crash_detection);
    EXPECT_FALSE(connection("crash_detection = no").crash_detection);
    EXPECT_EQ(connection("post_quantum = required").post_quantum, model::PostQuantum::required);
    EXPECT_THAT(refusals("post_quantum = required\n proposals = aes256gcm16-prfsha384-x25519"),
                ElementsAre(HasSubstr("ke1_mlkem768")));
    EXPECT_THAT(refusals("post_quantum = required\n children { net { esp_proposals = aes256gcm16-x25519 } }"),
                ElementsAre(HasSubstr("esp_proposals of child net")));
    EXPECT_TRUE(refusals("post_quantum = required\n children { net { esp_proposals = aes256gcm16 } }").empty());
}

TEST(Schema, LetsPostQuantumKeyExchangesBeSwitchedOff) {
    EXPECT_EQ(connection("").post_quantum, model::PostQuantum::preferred);
    EXPECT_EQ(connection("post_quantum = off").post_quantum, model::PostQuantum::off);
    EXPECT_THAT(refusals("post_quantum = off\n proposals = aes256gcm16-prfsha384-mlkem768"), ElementsAre(HasSubstr("add one without")));
    EXPECT_THAT(refusals("post_quantum = maybe"), ElementsAre(HasSubstr("off")));
}

TEST(Schema, TakesSlowKemsInRoundsOnly) {
    if (!crypto::supports(model::Protocol::ike, model::Transform::additional(1, model::Ke::frodokem_976_aes))) {
        EXPECT_THAT(refusals("proposals = aes256gcm16-prfsha384-x25519-ke1_frodo976"), ElementsAre(HasSubstr("this build of Cygnet has no")));
        return;
    }
    const auto read = connection("proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_frodo976-ke2_frodo976shake-ke2_none").proposals.at(0);
    EXPECT_EQ(read.keywords(), "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_frodo976-ke2_frodo976shake-ke2_none");
    EXPECT_EQ(connection("proposals = aes256gcm16-prfsha384-x25519-ke1_frodos5").proposals.at(0).of_type(model::TransformType::addke1).at(0).id,
              static_cast<std::uint16_t>(model::Ke::frodokem_1344_shake));
    EXPECT_THAT(refusals("proposals = aes256gcm16-prfsha384-frodo976"), ElementsAre(HasSubstr("x25519-ke1_frodo976")));
    EXPECT_TRUE(refusals("children { net { esp_proposals = aes256gcm16-frodo976 } }").empty());
}

TEST(Schema, KnowsHowTheFirstExchangeIsProtectedAndWhatIsAnnounced) {
    using enum model::DowngradeProtection;
    EXPECT_EQ(connection("").downgrade_protection, preferred);
    EXPECT_EQ(connection("downgrade_protection = required").downgrade_protection, required);
    EXPECT_EQ(connection("downgrade_protection = off").downgrade_protection, off);
    EXPECT_FALSE(refusals("downgrade_protection = yes").empty());
    EXPECT_TRUE(connection("").announce_auth);
    EXPECT_FALSE(connection("announce_auth = no").announce_auth);
}

TEST(Schema, KeepsUpOnlyWhatItCanCall) {
    const model::Connection kept = connection("keep_up = yes\n remote_addrs = 192.0.2.1, gw.example");
    EXPECT_TRUE(kept.keep_up);
    EXPECT_EQ(kept.dpd_delay, model::limits::keep_up_liveness);
    EXPECT_EQ(connection("keep_up = yes\n remote_addrs = gw.example\n dpd_delay = 5s").dpd_delay, seconds(5));
    EXPECT_FALSE(connection("remote_addrs = 192.0.2.1").keep_up);
    EXPECT_THAT(refusals("keep_up = yes"), ElementsAre(HasSubstr("remote_addrs")));
    EXPECT_THAT(refusals("keep_up = yes\n remote_addrs = 192.0.2.0/24"), ElementsAre(HasSubstr("remote_addrs")));
}

TEST(Schema, ReadsHowAPeerIsReached) {
    EXPECT_EQ(connection("").tcp, model::Tcp::no);
    EXPECT_EQ(connection("").fragment_size, 1280u);
    const auto conn = connection("tcp = fallback\n remote_tcp_port = 443\n fragment_size = 1500");
    EXPECT_EQ(conn.tcp, model::Tcp::fallback);
    EXPECT_EQ(conn.remote_tcp_port, 443);
    EXPECT_EQ(conn.fragment_size, 1500u);
    EXPECT_EQ(connection("tcp = always").tcp, model::Tcp::always);
    EXPECT_THAT(refusals("tcp = yes"), ElementsAre(HasSubstr("fallback")));
    EXPECT_THAT(refusals("fragment_size = 100"), ElementsAre(HasSubstr("576")));
    EXPECT_THAT(refusals("remote_tcp_port = 70000"), ElementsAre(HasSubstr("65535")));
}

// ---- pools ----------------------------------------------------------------------------------------------

model::Pool pool(std::string text) {
    Refusals refused;
    auto read = read_pool("p", section(std::move(text)), refused);
    for (const Refusal& refusal : refused) ADD_FAILURE() << refusal.file_text();
    return read;
}

TEST(PoolSchema, HandsOutTheUsableAddresses) {
    EXPECT_EQ(pool("addrs = 10.3.0.0/24").addresses.text(), "10.3.0.1..10.3.0.254");
    EXPECT_EQ(pool("addrs = 10.3.0.7/24").addresses.text(), "10.3.0.7..10.3.0.254");
    EXPECT_EQ(pool("addrs = 10.3.0.10-10.3.0.20").addresses.text(), "10.3.0.10..10.3.0.20");
    EXPECT_EQ(pool("addrs = 10.3.0.4/31").addresses.text(), "10.3.0.4/31");
    EXPECT_EQ(pool("addrs = 10.3.0.4/32").addresses.text(), "10.3.0.4/32");
    EXPECT_EQ(pool("addrs = 2001:db8::/120").addresses.text(), "2001:db8::1..2001:db8::ff");
}

TEST(PoolSchema, ReadsAttributes) {
    const auto read = pool("addrs = 10.3.0.0/24\n dns = 10.1.0.53, 2001:db8::53\n subnet = 10.1.0.0/16\n 25 = corp.example");
    using Attribute = model::CfgAttribute;
    ASSERT_EQ(read.attributes.size(), 4u);
    EXPECT_EQ(read.attributes[0].first, Attribute::internal_dns_domain);
    EXPECT_EQ(read.attributes[1], std::pair(Attribute::internal_ip4_dns, Bytes{10, 1, 0, 53}));
    EXPECT_EQ(read.attributes[2].first, Attribute::internal_ip6_dns);
    EXPECT_EQ(read.attributes[3], std::pair(Attribute::internal_ip4_subnet, Bytes{10, 1, 0, 0, 255, 255, 0, 0}));
}

TEST(PoolSchema, RefusesWhatIsWrong) {
    const auto refusal = [](std::string text) {
        Refusals refused;
        read_pool("p", section(std::move(text)), refused);
        return refused.empty() ? std::string("accepted") : refused.front().vici_text();
    };
    EXPECT_EQ(refusal("dns = 10.1.0.53"), "missing addrs for pool 'p'");
    EXPECT_THAT(refusal("addrs = everything"), HasSubstr("invalid value for: addrs"));
    EXPECT_THAT(refusal("addrs = 10.3.0.0/24\n dns = moon"), HasSubstr("'moon' is no address"));
    EXPECT_EQ(refusal("addrs = 10.3.0.0/24\n colour = blue"), "unknown option: colour, config discarded");
}

// ---- store ----------------------------------------------------------------------------------------------

Section load(const std::string& name, const char* remote) {
    Section message;
    Section& conn = message.add_section(name);
    conn.add_list("remote_addrs", {remote});
    conn.add_section("local").add("auth", "psk");
    conn.add_section("remote").add("auth", "psk");
    conn.add_section("children").add_section("net").add_list("remote_ts", {"10.2.0.0/16"});
    return message;
}

TEST(ConfigStore, SharesWhatDidNotChange) {
    ConfigStore store;
    ASSERT_THAT(store.load_connection(load("a", "192.0.2.1")), IsEmpty());
    ASSERT_THAT(store.load_connection(load("b", "192.0.2.2")), IsEmpty());
    const auto before = store.config();
    EXPECT_EQ(store.config(), before) << "nothing changed, the same value";
    ASSERT_THAT(store.load_connection(load("b", "192.0.2.3")), IsEmpty());
    const auto after = store.config();
    EXPECT_EQ(after->connections.at("a"), before->connections.at("a"));
    EXPECT_NE(after->connections.at("b"), before->connections.at("b"));
    EXPECT_EQ(before->connections.at("b")->remote_addrs.at(0).text, "192.0.2.2");
}

TEST(ConfigStore, KeepsTheOldConnectionWhenTheNewOneIsWrong) {
    ConfigStore store;
    store.load_connection(load("a", "192.0.2.1"));
    EXPECT_THAT(store.load_connection(load("a", "not an address")), testing::SizeIs(1));
    EXPECT_EQ(store.config()->connections.at("a")->remote_addrs.at(0).text, "192.0.2.1");
}

TEST(ConfigStore, LoadsTenThousandConnectionsInASecond) {
    ConfigStore store;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10000; ++i)
        ASSERT_THAT(store.load_connection(load("c" + std::to_string(i), "192.0.2.1")), IsEmpty());
    EXPECT_EQ(store.config()->connections.size(), 10000u);
    // Generous for debug builds and sanitizers; a release build takes a tenth of it.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(ConfigStore, KnowsSharedSecretsByIdAndReplacesThem) {
    ConfigStore store;
    Section message;
    message.add("id", "ike-gw").add("type", "IKE").add("data", "secret").add_list("owners", {"moon.example", "%any"});
    ASSERT_THAT(store.load_shared(message), IsEmpty());
    ASSERT_THAT(store.load_shared(message), IsEmpty());
    const auto config = store.config();
    ASSERT_EQ(config->secrets.size(), 1u);
    EXPECT_TRUE(config->secrets.at("ike-gw")->secret.equals(bytes_of("secret")));
    EXPECT_EQ(config->secrets.at("ike-gw")->owners.size(), 1u);
    EXPECT_THAT(store.unload_shared("ike-gw"), IsEmpty());
    EXPECT_THAT(store.unload_shared("ike-gw"), testing::SizeIs(1));
    Section eap;
    eap.add("id", "eap-carol").add("type", "eap").add("data", "secret");
    EXPECT_THAT(store.load_shared(eap).at(0).detail, HasSubstr("eap"));
}

TEST(ConfigStore, KnowsPpksByIdBesideOtherSecrets) {
    ConfigStore store;
    Section message;
    message.add("id", "shared").add("type", "PPK").add("data", "key").add_list("owners", {"k1", "opaque:k2", "*@gw.example"});
    ASSERT_THAT(store.load_shared(message), IsEmpty());
    const auto config = store.config();
    EXPECT_TRUE(config->secrets.empty());
    const model::PpkSecret& ppk = *config->ppks.at("shared");
    EXPECT_TRUE(ppk.key.equals(bytes_of("key")));
    EXPECT_TRUE(ppk.has({.name = keep(bytes_of("k1"))}) && ppk.has({.type = model::PpkIdType::opaque, .name = keep(bytes_of("k2"))}) &&
                ppk.has({.name = keep(bytes_of("x@gw.example"))}));
    EXPECT_FALSE(ppk.has({.name = keep(bytes_of("k2"))}));
    // A name stands for one secret, whatever its kind.
    Section ike;
    ike.add("id", "shared").add("type", "ike").add("data", "secret");
    ASSERT_THAT(store.load_shared(ike), IsEmpty());
    EXPECT_TRUE(store.config()->ppks.empty() && store.config()->secrets.size() == 1);
    ASSERT_THAT(store.load_shared(message), IsEmpty());
    EXPECT_TRUE(store.config()->ppks.size() == 1 && store.config()->secrets.empty());
    EXPECT_THAT(store.unload_shared("shared"), IsEmpty());
    EXPECT_THAT(store.unload_shared("shared"), testing::SizeIs(1));
    ASSERT_THAT(store.load_shared(message), IsEmpty());
    store.clear_credentials();
    EXPECT_TRUE(store.config()->ppks.empty());
}

TEST(ConfigStore, RefusesCredentialsThatAreNone) {
    ConfigStore store;
    Section message;
    message.add("type", "X509").add("flag", "NONE").add("data", "not a certificate");
    EXPECT_THAT(store.load_certificate(message), testing::SizeIs(1));
    EXPECT_FALSE(store.load_key(message));
    EXPECT_THAT(store.unload_key("00"), testing::SizeIs(1));
}

TEST(Schema, ReadsWhatCertificatesMustStandUpTo) {
    const auto conn = connection("ocsp = both\nhash_and_url = internal\nremote {\n revocation = ifuri\n"
                                 " cert_policy = 1.2.3.4, 2.16.840.1\n require_ike_usage = yes\n}");
    EXPECT_EQ(conn.ocsp, model::OcspInIke::both);
    EXPECT_EQ(conn.hash_and_url, model::HashAndUrl::internal);
    EXPECT_EQ(conn.remote.at(0).revocation, model::Revocation::if_uri);
    EXPECT_THAT(conn.remote.at(0).cert_policies, ElementsAre("1.2.3.4", "2.16.840.1"));
    EXPECT_TRUE(conn.remote.at(0).require_ike_usage);
    EXPECT_THAT(refusals("remote { revocation = sometimes }"), ElementsAre(HasSubstr("relaxed, ifuri, strict")));
    for (const char* bad : {"x", "1", "3.2.1", "1..2", "1.2."})
        EXPECT_THAT(refusals(std::string("remote { cert_policy = ") + bad + " }"), ElementsAre(HasSubstr("object identifier"))) << bad;
}

}  // namespace
}  // namespace cygnet::vici
