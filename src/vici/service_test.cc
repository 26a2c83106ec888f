#include "vici/service.h"

#include "crypto/test_pki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"
#include "vici/test_control.h"

namespace cygnet::vici {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr ClientId alice{1}, bob{2};
constexpr Instant at(int ms) { return Instant::after_start(milliseconds(ms)); }

struct ServiceTest : testing::Test {
    ConfigStore store;
    TestControl control;
    Service service{store, control};
    Instant now = at(1000);

    ServiceTest() {
        service.connected(alice);
        service.connected(bob);
    }
    void send(ClientId client, PacketType type, std::string name, Section message = {}) {
        service.received(now, client, *encode(Packet{type, std::move(name), std::move(message)}));
    }
    void subscribe(ClientId client, std::string event) { send(client, PacketType::event_register, std::move(event)); control.take(client); }
    // All packets that come back, as "name {message}".
    std::vector<std::string> ask(ClientId client, std::string name, Section message = {}) {
        send(client, PacketType::command_request, std::move(name), std::move(message));
        return received(client);
    }
    std::vector<std::string> received(ClientId client) {
        std::vector<std::string> lines;
        for (const Packet& packet : control.take(client)) lines.push_back(line(packet));
        return lines;
    }
    static std::string line(const Packet& packet) {
        switch (packet.type) {
            case PacketType::command_response: return "response {" + raw_text(packet.message) + "}";
            case PacketType::command_unknown: return "unknown command";
            case PacketType::event_confirm: return "confirmed";
            case PacketType::event_unknown: return "unknown event";
            case PacketType::event: return packet.name + " {" + raw_text(packet.message) + "}";
            default: return "?";
        }
    }
    static Section with(std::initializer_list<std::pair<const char*, const char*>> pairs) {
        Section section;
        for (const auto& [key, value] : pairs) section.add(key, value);
        return section;
    }
    // A connection with one child.
    static Section connection(const char* name, const char* child, const char* action = "none") {
        Section message;
        Section& section = message.add_section(name);
        section.add_section("local").add("auth", "psk");
        section.add_section("children").add_section(child).add("start_action", action);
        return message;
    }
};

model::IkeStatus established() {
    const auto proposal = model::choose(model::default_ike_proposals(), model::default_ike_proposals(), {});
    const auto esp = model::choose(model::default_esp_proposals(), model::default_esp_proposals(), {});
    model::IkeStatus sa;
    sa.name = "gw";
    sa.id = model::IkeSaId{1};
    sa.state = model::IkeState::established;
    sa.path = {{*model::IpAddress::parse("192.0.2.1"), 4500}, {*model::IpAddress::parse("192.0.2.2"), 4500}};
    sa.local_id = model::Identity::parse("cygnet.example");
    sa.remote_id = model::Identity::parse("strongswan.example");
    sa.initiator = true;
    sa.spi_i = 0x4e4eb0ee19455baa;
    sa.spi_r = 0x5ce14e706994e6f4;
    sa.nat_remote = true;
    sa.proposal = *proposal;
    sa.rekey_in = seconds(13539);
    model::ChildStatus child;
    child.name = "net";
    child.unique_id = 1;
    child.reqid = 1;
    child.state = model::ChildState::installed;
    child.udp_encapsulation = true;
    child.spi_in = 0x3c86d1af;
    child.spi_out = 0xe0ac1536;
    child.proposal = *esp;
    child.rekey_in = seconds(3255);
    child.expires_in = seconds(3960);
    child.local = {model::TrafficSelector::of(*model::AddressRange::parse("10.1.0.0/24"))};
    child.remote = {model::TrafficSelector::of(*model::AddressRange::parse("10.2.0.0/24"))};
    sa.children.push_back(std::move(child));
    return sa;
}

TEST_F(ServiceTest, AnswersVersionAndStats) {
    EXPECT_THAT(ask(alice, "version"),
                ElementsAre("response {daemon=cygnetd version=1.2.3 sysname=Linux release=6.1 machine=x86_64}"));
    EXPECT_THAT(ask(alice, "stats"),
                ElementsAre("response {uptime {running=3 seconds since=Nov 23 2026} workers {total=2 idle=2 active "
                            "{critical=0 high=0 medium=0 low=0}} queues {critical=0 high=0 medium=0 low=0} scheduled=0 "
                            "ikesas {total=2 half-open=1} data-plane=ESP of a test plugins=[]}"));
}

TEST_F(ServiceTest, KnowsWhichCommandsAndEventsExist) {
    EXPECT_THAT(ask(alice, "brew-coffee"), ElementsAre("unknown command"));
    send(alice, PacketType::event_register, "list-sa");
    send(alice, PacketType::event_register, "nonsense");
    send(alice, PacketType::event_unregister, "list-sa");
    send(alice, PacketType::event_unregister, "list-sa");
    EXPECT_THAT(received(alice), ElementsAre("confirmed", "unknown event", "confirmed", "unknown event"));
    EXPECT_THAT(ask(alice, "load-token"),
                ElementsAre("response {success=no errmsg=this command is not supported by this version of Cygnet}"));
}

TEST_F(ServiceTest, ListsTrapsAndShunts) {
    const auto selector = [](const char* text) { return model::TrafficSelectors{model::ConfiguredSelector::parse(text)->selector}; };
    control.policy_status = {{.connection = "gw", .child = "net", .id = model::PolicyId{1}, .kind = model::PolicyKind::trap, .reqid = 7,
                              .local = selector("10.1.0.0/16[tcp/80]"), .remote = selector("10.2.0.0/16")},
                             {.connection = "gw", .child = "no", .id = model::PolicyId{2}, .kind = model::PolicyKind::drop,
                              .mode = model::ChildMode::drop, .local = selector("10.1.0.0/16"), .remote = selector("10.3.0.0/16")}};
    subscribe(alice, "list-policy");
    EXPECT_THAT(ask(alice, "list-policies"),
                ElementsAre("list-policy {gw/net {child=net reqid=7 ike=gw mode=TUNNEL local-ts=[10.1.0.0/16[tcp/80]] "
                            "remote-ts=[10.2.0.0/16]}}",
                            "list-policy {gw/no {child=no ike=gw mode=DROP local-ts=[10.1.0.0/16] remote-ts=[10.3.0.0/16]}}",
                            "response {}"));
}

TEST_F(ServiceTest, RedirectsPeers) {
    Section request;
    request.add("peer-ip", "192.0.2.0/24").add("gateway", "gw2.example");
    send(alice, PacketType::command_request, "redirect", request);
    ASSERT_EQ(control.commands.size(), 1u);
    EXPECT_EQ(control.commands[0].text, "redirect  to gw2.example peer-ip 192.0.2.0/24");
    control.commands[0].finished({}, 3);
    EXPECT_THAT(received(alice), ElementsAre("response {success=yes matches=3}"));
    EXPECT_THAT(ask(alice, "redirect"), ElementsAre("response {success=no errmsg=missing target gateway}"));
}

TEST_F(ServiceTest, ReportsMovesWithTheNewEndpointsBesideTheOldOnes) {
    subscribe(alice, "ike-update");
    model::IkeStatus sa = established();
    service.report(now, model::IkeMoved{sa, {{*model::IpAddress::parse("203.0.113.9"), 4500}, sa.path.remote}});
    const auto events = received(alice);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_THAT(events[0], testing::StartsWith("ike-update {local-host=203.0.113.9 local-port=4500 remote-host="));
    EXPECT_THAT(events[0], testing::HasSubstr("local-host=" + sa.path.local.address.text()));
}

// The order and the words of a recorded session of strongSwan's daemon.
TEST_F(ServiceTest, ListsSasInTheOrderThatSwanctlReads) {
    control.sas = {established()};
    subscribe(alice, "list-sa");
    EXPECT_THAT(
        ask(alice, "list-sas"),
        ElementsAre("list-sa {gw {uniqueid=1 version=2 state=ESTABLISHED local-host=192.0.2.1 local-port=4500 "
                    "local-id=cygnet.example remote-host=192.0.2.2 remote-port=4500 remote-id=strongswan.example "
                    "initiator=yes initiator-spi=4e4eb0ee19455baa responder-spi=5ce14e706994e6f4 nat-remote=yes "
                    "nat-any=yes encr-alg=AES_GCM_16 encr-keysize=256 prf-alg=PRF_HMAC_SHA2_384 dh-group=CURVE_25519 "
                    "ake1=ML_KEM_768 established=0 rekey-time=13539 child-sas {net-1 {name=net uniqueid=1 reqid=1 "
                    "state=INSTALLED mode=TUNNEL protocol=ESP encap=yes spi-in=3c86d1af spi-out=e0ac1536 "
                    "encr-alg=AES_GCM_16_IIV encr-keysize=256 esn=1 bytes-in=0 packets-in=0 bytes-out=0 packets-out=0 "
                    "rekey-time=3255 life-time=3960 install-time=0 local-ts=[10.1.0.0/24] remote-ts=[10.2.0.0/24]}}}}",
                    "response {}"));
    EXPECT_THAT(ask(alice, "list-sas", with({{"ike", "other"}})), ElementsAre("response {}"));
    EXPECT_THAT(ask(alice, "list-sas", with({{"child", "other"}})), ElementsAre("response {}"));
    EXPECT_THAT(ask(alice, "list-sas", with({{"ike-id", "1"}, {"child-id", "1"}})), testing::SizeIs(2));
    EXPECT_THAT(ask(bob, "list-sas"), ElementsAre("response {}")) << "bob did not register for list-sa";
}

TEST_F(ServiceTest, SendsWhatSwanctlNeedsOfAChildBeforeItIsInstalled) {
    auto sa = established();
    sa.children[0] = {.name = "net", .unique_id = 2, .reqid = 1, .state = model::ChildState::created};
    control.sas = {sa};
    subscribe(alice, "list-sa");
    EXPECT_THAT(ask(alice, "list-sas").front(),
                HasSubstr("net-2 {name=net uniqueid=2 reqid=1 state=CREATED mode=TUNNEL protocol=ESP spi-in=00000000 "
                          "spi-out=00000000 bytes-in=0 packets-in=0 bytes-out=0 packets-out=0 install-time=0 "
                          "local-ts=[] remote-ts=[]}"));
}

// strongSwan's words: each side's index of IPComp, and the mode.
TEST_F(ServiceTest, ShowsCompressionAndBeetMode) {
    auto sa = established();
    sa.children[0].ipcomp = {.cpi_in = 0x4f31, .cpi_out = 2};
    sa.children[0].mode = model::ChildMode::beet;
    control.sas = {sa};
    subscribe(alice, "list-sa");
    EXPECT_THAT(ask(alice, "list-sas").front(),
                testing::AllOf(HasSubstr("mode=BEET"), HasSubstr("spi-out=e0ac1536 cpi-in=4f31 cpi-out=0002 encr-alg")));
}

// strongSwan's word is cpu; what a child has dropped, and who else uses it, is ours.
TEST_F(ServiceTest, ShowsWhoseAChildIsAndWhatItHasDropped) {
    auto sa = established();
    sa.children[0].resource = 3;
    sa.children[0].drops = {{"replayed", 2}, {"bad-padding", 0}, {"carrier-refused", 1}};
    control.sas = {sa};
    subscribe(alice, "list-sa");
    EXPECT_THAT(ask(alice, "list-sas").front(),
                testing::AllOf(HasSubstr("esn=1 cpu=3 bytes-in=0"), HasSubstr("packets-out=0 drop-replayed=2 drop-carrier-refused=1 ")));
    control.sas[0].children[0].resource = model::no_resource;
    EXPECT_THAT(ask(alice, "list-sas").front(), HasSubstr("esn=1 receives-only=yes bytes-in=0"));
}

TEST_F(ServiceTest, LoadsConnectionsAndListsThem) {
    EXPECT_THAT(ask(alice, "load-conn", connection("gw", "net")), ElementsAre("response {success=yes}"));
    EXPECT_THAT(ask(alice, "get-conns"), ElementsAre("response {conns=[gw]}"));
    subscribe(alice, "list-conn");
    EXPECT_THAT(ask(alice, "list-conns"),
                ElementsAre("list-conn {gw {local_addrs=[%any] remote_addrs=[%any] local_port=500 remote_port=500 "
                            "version=IKEv2 reauth_time=0 rekey_time=14400 unique=UNIQUE_NO proposals {0 "
                            "{encr=[AES_GCM_16_256] prf=[PRF_HMAC_SHA2_384] ke=[CURVE_25519] ake1=[ML_KEM_768]} 1 "
                            "{encr=[AES_GCM_16_256] prf=[PRF_HMAC_SHA2_384] ke=[CURVE_25519]}} local-1 "
                            "{class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} remote-1 "
                            "{class=public key groups=[] cert_policy=[] certs=[] cacerts=[]} children {net "
                            "{mode=TUNNEL rekey_time=3600 rekey_bytes=0 rekey_packets=0 dpd_action=none "
                            "close_action=none esp_proposals {0 {encr=[AES_GCM_16_IIV_256 AES_GCM_16_256] sn=[EXT_SEQ NO_EXT_SEQ]} 1 "
                            "{encr=[CHACHA20_POLY1305_IIV CHACHA20_POLY1305] sn=[EXT_SEQ NO_EXT_SEQ]}} ah_proposals {} local-ts=[dynamic] "
                            "remote-ts=[dynamic]}}}}",
                            "response {}"));
    EXPECT_THAT(ask(alice, "unload-conn", with({{"name", "gw"}})), ElementsAre("response {success=yes}"));
    EXPECT_THAT(ask(alice, "unload-conn", with({{"name", "gw"}})),
                ElementsAre("response {success=no errmsg=unload: connection 'gw' not found}"));
}

TEST_F(ServiceTest, TellsTheEngineOnceForAFlockOfChanges) {
    for (const char* name : {"a", "b", "c"}) ask(alice, "load-conn", connection(name, "net"));
    EXPECT_THAT(control.configured, IsEmpty());
    const Instant deadline = service.next_deadline();
    EXPECT_GT(deadline, now);
    service.tick(deadline);
    ASSERT_EQ(control.configured.size(), 1u);
    EXPECT_EQ(control.configured[0]->connections.size(), 3u);
    EXPECT_EQ(service.next_deadline(), Instant::never());
}

TEST_F(ServiceTest, TellsTheEngineBeforeACommandNeedsIt) {
    ask(alice, "load-conn", connection("gw", "net"));
    ask(alice, "initiate", with({{"child", "net"}}));
    EXPECT_EQ(control.configured.size(), 1u);
    EXPECT_EQ(control.commands.back().text, "initiate gw/net");
}

TEST_F(ServiceTest, CarriesOutAndUndoesStartActions) {
    ask(alice, "load-conn", connection("gw", "net", "start"));
    service.tick(service.next_deadline());
    ASSERT_EQ(control.commands.size(), 1u);
    EXPECT_EQ(control.commands[0].text, "start gw/net");
    ask(alice, "load-conn", connection("gw", "net", "start"));
    service.tick(service.next_deadline());
    EXPECT_EQ(control.commands.size(), 1u) << "nothing changed";
    ask(alice, "load-conn", connection("gw", "lan", "start"));
    service.tick(service.next_deadline());
    ASSERT_EQ(control.commands.size(), 3u);
    EXPECT_EQ(control.commands[1].text, "terminate gw/net");
    EXPECT_EQ(control.commands[2].text, "start gw/lan");
}

TEST_F(ServiceTest, EndsWhatIsKeptUpWhenItChanges) {
    const auto kept = [](const char* remote) {
        Section message = connection("gw", "net", "start");
        Section changed;
        Section& section = changed.add_section("gw");
        section = *message.section("gw");
        section.add("keep_up", "yes").add_list("remote_addrs", {remote});
        return changed;
    };
    ask(alice, "load-conn", kept("192.0.2.1"));
    service.tick(service.next_deadline());
    EXPECT_THAT(control.commands, IsEmpty());  // the daemon begins by itself
    ask(alice, "load-conn", kept("192.0.2.1"));
    service.tick(service.next_deadline());
    EXPECT_THAT(control.commands, IsEmpty());
    ask(alice, "load-conn", kept("192.0.2.7"));
    service.tick(service.next_deadline());
    ASSERT_EQ(control.commands.size(), 1u);
    EXPECT_EQ(control.commands[0].text, "terminate gw/");
}

TEST_F(ServiceTest, LeavesDownWhatTheOperatorTakesDown) {
    ask(alice, "terminate", with({{"ike", "gw"}}));
    EXPECT_THAT(control.left_down, ElementsAre("gw"));
    control.sas = {established()};
    ask(alice, "terminate", with({{"ike-id", "1"}, {"timeout", "-1"}}));
    EXPECT_THAT(control.left_down, ElementsAre("gw", "gw"));
}

TEST_F(ServiceTest, TellsWhyAConnectionIsDown) {
    ask(alice, "load-conn", connection("gw", "net"));
    ask(alice, "load-conn", connection("home", "lan"));
    subscribe(alice, "why");
    EXPECT_THAT(ask(alice, "why", with({{"ike", "nobody"}})),
                ElementsAre("response {success=no errmsg=IKE_SA config 'nobody' not found}"));
    EXPECT_THAT(ask(alice, "why", with({{"ike", "gw"}})),
                ElementsAre("why {gw {state=never-tried sentence=gw waits for a peer: remote_addrs names no single one, so that "
                            "none can be called, and none that fits has come yet failures {}}}",
                            "response {success=yes strangers {}}"));
    control.failed = {{.connection = "gw", .why = {.kind = "secret", .what = "the secrets differ"}, .when = now}};
    control.strangers = {{.why = {.kind = "no-connection", .what = "nobody expects it"}, .when = now}};
    const std::string failure =
        "kind=secret sentence=the secrets differ what=the secrets differ seconds-ago=0 times=1";
    // Without a name: what is in trouble, and strangers.
    EXPECT_THAT(ask(alice, "why"),
                ElementsAre("why {gw {state=down sentence=gw is down: the secrets differ failures {0 {" + failure + "}}}}",
                            "response {success=yes strangers {0 {kind=no-connection sentence=nobody expects it what=nobody "
                            "expects it seconds-ago=0 times=1}}}"));
    subscribe(alice, "list-conn");
    EXPECT_THAT(ask(alice, "list-conns", with({{"ike", "gw"}})).front(), HasSubstr("last-failure {" + failure + "}"));
}

TEST_F(ServiceTest, InitiatesAndAnswersWhenTheEngineHasFinished) {
    ask(alice, "load-conn", connection("gw", "net"));
    subscribe(alice, "control-log");
    EXPECT_THAT(ask(alice, "initiate", with({{"child", "net"}, {"loglevel", "1"}})), IsEmpty());
    service.report(now, model::LogLine{.group = model::LogGroup::ike, .level = 1, .message = "initiating", .ike_name = "gw", .ike_id = model::IkeSaId{1}});
    service.report(now, model::LogLine{.group = model::LogGroup::ike, .level = 2, .message = "too detailed", .ike_name = "gw"});
    service.report(now, model::LogLine{.group = model::LogGroup::ike, .level = 1, .message = "of others", .ike_name = "home"});
    EXPECT_THAT(received(alice),
                ElementsAre("control-log {group=IKE level=1 ikesa-name=gw ikesa-uniqueid=1 msg=initiating}"));
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), ElementsAre("response {success=yes}"));
}

TEST_F(ServiceTest, SaysWhyAnInitiateFailed) {
    ask(alice, "load-conn", connection("gw", "net"));
    EXPECT_THAT(ask(alice, "initiate", with({{"child", "nobody"}})),
                ElementsAre("response {success=no errmsg=CHILD_SA config 'nobody' not found}"));
    EXPECT_THAT(ask(alice, "initiate", with({{"ike", "nobody"}})),
                ElementsAre("response {success=no errmsg=IKE_SA config 'nobody' not found}"));
    EXPECT_THAT(ask(alice, "initiate"), ElementsAre("response {success=no errmsg=missing configuration name}"));
    ask(alice, "initiate", with({{"child", "net"}}));
    control.commands.back().finished(fail(Errc::no_match, "SA", "the peer accepts no proposal"), 0);
    EXPECT_THAT(received(alice), ElementsAre("response {success=no errmsg=establishing CHILD_SA 'net' failed: the peer "
                                             "accepts no proposal}"));
}

TEST_F(ServiceTest, GivesUpWaitingAfterTheClientsTimeout) {
    ask(alice, "load-conn", connection("gw", "net"));
    EXPECT_THAT(ask(alice, "initiate", with({{"child", "net"}, {"timeout", "1000"}})), IsEmpty());
    EXPECT_EQ(service.next_deadline(), now + milliseconds(1000));
    service.tick(now + milliseconds(999));
    EXPECT_THAT(received(alice), IsEmpty());
    service.tick(now + milliseconds(1000));
    EXPECT_THAT(received(alice),
                ElementsAre("response {success=no errmsg=CHILD_SA 'net' not established after 1000ms}"));
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), IsEmpty()) << "answered once";
    EXPECT_THAT(ask(alice, "initiate", with({{"child", "net"}, {"timeout", "-1"}})), ElementsAre("response {success=yes}"));
}

TEST_F(ServiceTest, TerminatesAndCounts) {
    EXPECT_THAT(ask(alice, "terminate"), ElementsAre("response {success=no errmsg=missing terminate selector}"));
    EXPECT_THAT(ask(alice, "terminate", with({{"ike", "gw"}})),
                ElementsAre("response {success=no matches=0 terminated=0 errmsg=no matching SAs to terminate found}"));
    control.sas = {established()};
    ask(alice, "terminate", with({{"ike", "gw"}, {"force", "yes"}}));
    EXPECT_EQ(control.commands.back().text, "terminate gw/ by force");
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), ElementsAre("response {success=yes matches=1 terminated=1}"));
}

TEST_F(ServiceTest, RekeysWhatIsThere) {
    EXPECT_THAT(ask(alice, "clone", with({{"ike", "nobody"}})),
                ElementsAre("response {success=no matches=0 errmsg=no matching SAs to clone found}"));
    EXPECT_THAT(ask(alice, "rekey", with({{"ike", "nobody"}})),
                ElementsAre("response {success=no matches=0 errmsg=no matching SAs to rekey found}"));
    control.sas = {established()};
    ask(alice, "rekey", with({{"child", "net"}}));
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), ElementsAre("response {success=yes matches=1}"));
    ask(alice, "rekey", with({{"ike", "gw"}, {"reauth", "yes"}}));
    EXPECT_EQ(control.commands.back().text, "reauthenticate gw/");
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), ElementsAre("response {success=yes matches=1}"));
}

TEST_F(ServiceTest, RunsTheCommandsOfAClientInOrderAndThoseOfOthersMeanwhile) {
    ask(alice, "load-conn", connection("gw", "net"));
    ask(alice, "initiate", with({{"child", "net"}}));
    EXPECT_THAT(ask(alice, "get-conns"), IsEmpty());
    EXPECT_THAT(ask(bob, "get-conns"), ElementsAre("response {conns=[gw]}"));
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), ElementsAre("response {success=yes}", "response {conns=[gw]}"));
}

TEST_F(ServiceTest, ForgetsAClientThatLeftDuringItsCommand) {
    ask(alice, "load-conn", connection("gw", "net"));
    ask(alice, "initiate", with({{"child", "net"}}));
    service.disconnected(alice);
    control.commands.back().finished({}, 1);
    EXPECT_THAT(received(alice), IsEmpty());
}

TEST_F(ServiceTest, DisconnectsWhoBreaksTheProtocolAndServesTheOthers) {
    service.received(now, alice, Bytes{0, 9, 0x60, 0});  // 600 KiB announced
    EXPECT_THAT(control.dropped, ElementsAre(alice));
    service.received(now, alice, *encode(Packet{PacketType::command_request, "version", {}}));
    EXPECT_THAT(received(alice), IsEmpty());
    EXPECT_THAT(ask(bob, "get-conns"), ElementsAre("response {conns=[]}"));
    service.received(now, bob, Bytes{0, 0, 0, 1, 77});  // a packet type to come is ignored
    EXPECT_THAT(ask(bob, "get-conns"), ElementsAre("response {conns=[]}"));
    service.received(now, bob, Bytes{0, 0, 0, 3, 0, 1, 'x', 0, 0, 0, 2, 0, 9});
    EXPECT_THAT(control.dropped, ElementsAre(alice, bob)) << "a name that is cut short";
}

TEST_F(ServiceTest, SendsEventsToThoseWhoRegistered) {
    for (const char* event : {"log", "ike-updown", "child-updown", "ike-rekey", "child-rekey", "alert", "message"})
        subscribe(alice, event);
    const auto sa = established();
    service.report(now, model::LogLine{.group = model::LogGroup::net, .level = 1, .message = "hello"});
    service.report(now, model::LogLine{.group = model::LogGroup::net, .level = 2, .message = "detail"});
    EXPECT_THAT(received(alice), ElementsAre("log {group=NET level=1 thread=1 msg=hello}"));
    service.report(now, model::IkeUp{sa});
    EXPECT_THAT(received(alice), ElementsAre(testing::StartsWith("ike-updown {up=yes gw {uniqueid=1 version=2 ")));
    service.report(now, model::IkeDown{sa, "deleted by peer"});
    EXPECT_THAT(received(alice), ElementsAre(testing::AllOf(testing::StartsWith("ike-updown {gw {uniqueid=1"),
                                                            testing::Not(HasSubstr("child-sas")))));
    service.report(now, model::ChildUp{sa, sa.children[0]});
    EXPECT_THAT(received(alice), ElementsAre(testing::AllOf(HasSubstr("up=yes gw {"), HasSubstr("child-sas {net-1 {name=net"))));
    service.report(now, model::ChildRekeyed{sa, sa.children[0], sa.children[0]});
    EXPECT_THAT(received(alice), ElementsAre(HasSubstr("child-sas {net {old {name=net")));
    service.report(now, model::IkeRekeyed{sa, sa});
    EXPECT_THAT(received(alice), ElementsAre(testing::StartsWith("ike-rekey {gw {old {uniqueid=1")));
    service.report(now, model::Alert{"ts-mismatch", "no common selectors", sa});
    EXPECT_THAT(received(alice), ElementsAre(testing::AllOf(testing::StartsWith("alert {type=ts-mismatch ike-sa {gw {"),
                                                            HasSubstr("message=no common selectors"))));
    EXPECT_THAT(received(bob), IsEmpty());
}

TEST_F(ServiceTest, RemembersTheLadder) {
    for (std::uint32_t id = 0; id < model::limits::vici_traces + 5; ++id)
        service.report(at(2), model::MessageTrace{.sent = true, .exchange = model::ExchangeType::ike_sa_init, .message_id = id, .octets = 248, .payloads = {{.type = model::PayloadType::sa}, {.type = model::PayloadType::ke}, {.type = model::PayloadType::nonce}}});
    const auto lines = ask(alice, "get-messages");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_THAT(lines[0], HasSubstr("{messages {0 {time-us=2000 ikesa-uniqueid=0 direction=sent exchange=IKE_SA_INIT "
                                    "kind=request message-id=5 octets=248 datagrams=1 payloads=SA KE No}"));
}

TEST_F(ServiceTest, CountsFromTheLastReset) {
    ask(alice, "load-conn", connection("gw", "net"));
    control.counted.add(model::Counter::ike_init_in_req);
    control.counted.add(model::Counter::invalid_spi);
    EXPECT_THAT(ask(alice, "get-counters", with({{"name", "gw"}})).front(),
                testing::AllOf(HasSubstr("counters {gw {ike-rekey-init=0"), HasSubstr("invalid-spi=1"), HasSubstr("success=yes")));
    ask(alice, "reset-counters", with({{"all", "yes"}}));
    control.counted.add(model::Counter::invalid_spi);
    control.counted.add(model::Counter::invalid_spi);
    EXPECT_THAT(ask(alice, "get-counters", with({{"all", "yes"}})).front(), HasSubstr("invalid-spi=2 "));
    EXPECT_THAT(ask(alice, "get-counters").front(), HasSubstr("{counters { {ike-rekey-init=0"));
    EXPECT_THAT(ask(alice, "get-counters", with({{"name", "nobody"}})).front(), HasSubstr("success=no"));
}

TEST_F(ServiceTest, CountsDroppedPacketsUnderTheirCausesAmongThoseOfAll) {
    ask(alice, "load-conn", connection("gw", "net"));
    control.esp_drops = {{"unknown-spi", 3}, {"replayed", 1}};
    EXPECT_THAT(ask(alice, "get-counters").front(), HasSubstr("esp-drop-unknown-spi=3 esp-drop-replayed=1}"));
    EXPECT_THAT(ask(alice, "get-counters", with({{"name", "gw"}})).front(), Not(HasSubstr("esp-drop")));
    ask(alice, "reset-counters", with({{"name", "gw"}}));
    EXPECT_THAT(ask(alice, "get-counters").front(), HasSubstr("esp-drop-unknown-spi=3 "));
    ask(alice, "reset-counters");
    control.esp_drops[1].packets = 5;
    EXPECT_THAT(ask(alice, "get-counters").front(), HasSubstr("esp-drop-unknown-spi=0 esp-drop-replayed=4}"));
}

TEST_F(ServiceTest, ListsPoolsWithTheirLeases) {
    control.pool_status = {{.name = "addresses", .base = "10.3.0.1", .size = 254, .online = 1, .offline = 0,
                            .leases = {{*model::IpAddress::parse("10.3.0.1"), model::Identity::parse("carol@example"), true}}}};
    EXPECT_THAT(ask(alice, "get-pools"), ElementsAre("response {addresses {base=10.3.0.1 size=254 online=1 offline=0}}"));
    EXPECT_THAT(ask(alice, "get-pools", with({{"leases", "yes"}})),
                ElementsAre(HasSubstr("leases {0 {address=10.3.0.1 identity=carol@example status=online}}")));
    Section other;
    other.add_section("addresses").add("addrs", "10.4.0.0/24");
    EXPECT_THAT(ask(alice, "load-pool", other).front(), HasSubstr("has online leases, unable to replace"));
    EXPECT_THAT(ask(alice, "unload-pool", with({{"name", "addresses"}})).front(), HasSubstr("online leases"));
}

TEST_F(ServiceTest, PassesOnWhatIsWrongInFilesAtAReload) {
    EXPECT_THAT(ask(alice, "reload-settings"), ElementsAre("response {success=yes}"));
    control.reload_result = fail(Errc::bad_syntax, "configuration", "cygnet.conf:3: bad");
    EXPECT_THAT(ask(alice, "reload-settings"), ElementsAre(HasSubstr("cygnet.conf:3: bad")));
}

TEST_F(ServiceTest, AnswersEvenWhenTheAnswerIsTooLong) {
    for (int i = 0; i < 9000; ++i) {
        Section message;
        message.add("id", "a-rather-long-name-for-a-shared-secret-of-some-connection-" + std::to_string(i)).add("type", "ike").add("data", "x");
        ASSERT_THAT(ask(alice, "load-shared", message), ElementsAre("response {success=yes}"));
    }
    EXPECT_THAT(ask(alice, "get-shared"), ElementsAre(HasSubstr("does not fit into one message of 512 KiB")));
}

TEST_F(ServiceTest, LoadsPostQuantumKeysAndListsTheirCertificates) {
    const std::string key = crypto::make_test_key(crypto::KeyType::ml_dsa_65);
    const std::string half = key.substr(0, key.size() / 2);
    const Bytes certificate = crypto::make_test_certificate({.subject = "CN=moon"}, key, {}, key);
    Section loaded;
    loaded.add("type", "X509").add("flag", "NONE").add("data", text_of(ByteView(certificate)));
    EXPECT_THAT(ask(alice, "load-cert", std::move(loaded)), ElementsAre("response {success=yes}"));
    subscribe(alice, "list-cert");
    EXPECT_THAT(ask(alice, "list-certs"), ElementsAre(HasSubstr("key-type=ML-DSA-65"), testing::_));
    EXPECT_THAT(ask(alice, "load-key", with({{"type", "any"}, {"data", key.c_str()}})), ElementsAre(testing::StartsWith("response {success=yes id=")));
    EXPECT_THAT(ask(alice, "list-certs"), ElementsAre(HasSubstr("has_privkey=yes"), testing::_));
    EXPECT_THAT(ask(alice, "load-key", with({{"type", "priv"}, {"data", half.c_str()}})), ElementsAre(HasSubstr("success=no")));
}

TEST_F(ServiceTest, ListsAndFlushesWhatIsKnownOfRevocations) {
    const std::string key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    const Bytes ca = crypto::make_test_certificate({.subject = "CN=ca", .basic_constraints = "critical,CA:TRUE"}, key, {}, key);
    const Bytes crl = crypto::make_test_crl({}, ca, key);
    control.caches.revocations->keep("http://pki.example/ca.crl", *crypto::Crl::parse(crl));
    subscribe(alice, "list-cert");
    EXPECT_THAT(ask(alice, "list-certs", with({{"type", "X509_CRL"}})), ElementsAre(testing::StartsWith("list-cert {type=X509_CRL data="), "response {}"));
    EXPECT_THAT(ask(alice, "list-certs", with({{"type", "OCSP_RESPONSE"}})), ElementsAre("response {}"));
    ask(alice, "flush-certs", with({{"type", "X509"}}));
    EXPECT_EQ(control.caches.revocations->crls().size(), 1u);
    EXPECT_THAT(ask(alice, "flush-certs"), ElementsAre("response {success=yes}"));
    EXPECT_THAT(control.caches.revocations->crls(), IsEmpty());
    // A CRL that is loaded belongs to the configuration.
    Section loaded;
    loaded.add("type", "X509_CRL").add("data", text_of(ByteView(crl)));
    EXPECT_THAT(ask(alice, "load-cert", std::move(loaded)), ElementsAre("response {success=yes}"));
    ask(alice, "flush-certs");
    EXPECT_EQ(ask(alice, "list-certs", with({{"type", "ANY"}})).size(), 2u);
}

}  // namespace
}  // namespace cygnet::vici
