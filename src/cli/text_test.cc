#include "cli/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/json.h"

namespace cygnet::cli {
namespace {

using testing::HasSubstr;

vici::Section sa() {
    vici::Section message;
    vici::Section& gw = message.add_section("gw");
    gw.add("uniqueid", "1").add("state", "ESTABLISHED").add("local-host", "192.0.2.1").add("local-port", "4500");
    gw.add("local-id", "moon").add("remote-host", "192.0.2.2").add("remote-port", "4500").add("remote-id", "sun");
    gw.add_flag("initiator", true).add("initiator-spi", "4e4eb0ee19455baa").add("responder-spi", "5ce14e706994e6f4");
    gw.add_flag("nat-remote", true).add("encr-alg", "AES_GCM_16").add("encr-keysize", "256").add("prf-alg", "PRF_HMAC_SHA2_384");
    gw.add("dh-group", "CURVE_25519").add("ake1", "ML_KEM_768").add("established", "65").add("rekey-time", "13539");
    vici::Section& child = gw.add_section("child-sas").add_section("net-2");
    child.add("name", "net").add("uniqueid", "2").add("state", "INSTALLED").add("mode", "TUNNEL").add_flag("encap", true);
    child.add("spi-in", "3c86d1af").add("spi-out", "e0ac1536").add("encr-alg", "AES_GCM_16").add("encr-keysize", "256");
    child.add("bytes-in", "1536").add("packets-in", "2").add("bytes-out", "0").add("packets-out", "0");
    child.add("install-time", "5").add("life-time", "3960");
    child.add_list("local-ts", {"10.1.0.0/24"}).add_list("remote-ts", {"10.2.0.0/24", "10.3.0.0/24"});
    return message;
}

TEST(StatusText, ShowsAnSaWithItsChildren) {
    EXPECT_EQ(status_text(sa()),
              "gw[1]  ESTABLISHED, we are the initiator\n"
              "  local       192.0.2.1[4500]  moon\n"
              "  remote      192.0.2.2[4500]  sun  (behind a NAT)\n"
              "  algorithms  AES_GCM_16_256 / PRF_HMAC_SHA2_384 / CURVE_25519 / ML_KEM_768\n"
              "  SPIs        4e4eb0ee19455baa_i 5ce14e706994e6f4_r\n"
              "  times       established 1m 5s ago, rekeying in 3h 45m\n"
              "  net{2}  INSTALLED, TUNNEL in UDP, AES_GCM_16_256\n"
              "    traffic   10.1.0.0/24 === 10.2.0.0/24 10.3.0.0/24\n"
              "    in        3c86d1af      1.5 kB           2 packets\n"
              "    out       e0ac1536         0 B           0 packets\n"
              "    times     installed 5s ago, expires in 1h 6m\n");
}

TEST(StatusText, SaysWhatIsNotEncrypted) {
    vici::Section message;
    vici::Section& child = message.add_section("gw").add("state", "ESTABLISHED").add_section("child-sas").add_section("net-2");
    child.add("name", "net").add("uniqueid", "2").add("state", "INSTALLED").add("mode", "TUNNEL");
    child.add("protocol", "AH").add("integ-alg", "HMAC_SHA2_256_128");
    EXPECT_THAT(status_text(message), HasSubstr("net{2}  INSTALLED, TUNNEL, AH HMAC_SHA2_256_128\n"));
}

TEST(StatusText, ShowsTheIndicesOfCompression) {
    vici::Section message;
    vici::Section& child = message.add_section("gw").add("state", "ESTABLISHED").add_section("child-sas").add_section("net-2");
    child.add("name", "net").add("uniqueid", "2").add("state", "INSTALLED").add("mode", "TUNNEL");
    child.add("spi-in", "3c86d1af").add("spi-out", "e0ac1536").add("cpi-in", "4f31").add("cpi-out", "0002");
    const std::string shown = status_text(message);
    EXPECT_THAT(shown, HasSubstr("    in        3c86d1af         0 B           0 packets, CPI 4f31\n"));
    EXPECT_THAT(shown, HasSubstr("    out       e0ac1536         0 B           0 packets, CPI 0002\n"));
}

TEST(StatusText, ShowsWhoseAChildIsAndWhatItHasDropped) {
    vici::Section message;
    vici::Section& child = message.add_section("gw").add_section("child-sas").add_section("net-2");
    child.add("name", "net").add("uniqueid", "2").add("state", "INSTALLED").add("mode", "TUNNEL").add("cpu", "1");
    child.add("drop-replayed", "3").add("drop-bad-padding", "1");
    EXPECT_THAT(status_text(message), testing::AllOf(HasSubstr("net{2}  INSTALLED, TUNNEL, , worker 1\n"),
                                                     HasSubstr("    dropped   3 replayed, 1 bad-padding\n")));
}

TEST(Json, WhatAChildHasDroppedAreNumbers) {
    vici::Section child;
    child.add("cpu", "1").add("drop-replayed", "3");
    EXPECT_EQ(to_json(child).dump(), R"({"cpu":1,"drop-replayed":3})");
}

TEST(WhyText, PutsBothSidesBeneathEachOther) {
    vici::Section message;
    vici::Section& gw = message.add_section("gw");
    gw.add("state", "down").add("sentence", "gw is down: no IKE proposal in common (here: a; the peer: b): add b");
    vici::Section& failure = gw.add_section("failures").add_section("0");
    failure.add("kind", "proposals").add("what", "no IKE proposal in common").add("here", "a").add("the-peer", "b");
    failure.add("advice", "add b").add("phase", "IKE_SA_INIT").add("peer", "192.0.2.2[500]").add("seconds-ago", "65");
    failure.add("times", "3").add("sentence", "no IKE proposal in common (here: a; the peer: b): add b");
    EXPECT_EQ(why_text(message),
              "gw is down: no IKE proposal in common (here: a; the peer: b): add b\n"
              "    here      a\n"
              "    the peer  b\n"
              "    to do     add b\n"
              "    when      1m 5s ago, in IKE_SA_INIT with 192.0.2.2[500], 3 times in a row\n");
    EXPECT_THAT(stranger_text(failure), HasSubstr("a stranger: no IKE proposal in common"));
}

TEST(WhyText, TellsWhatWasBeforeOfAConnectionThatIsUp) {
    vici::Section message;
    vici::Section& gw = message.add_section("gw");
    gw.add("state", "up").add("sentence", "gw is up since 5 s");
    gw.add_section("failures").add_section("0").add("sentence", "it was down").add("seconds-ago", "9");
    EXPECT_EQ(why_text(message), "gw is up since 5 s\n  before that: it was down\n    when      9s ago\n");
}

TEST(StatusText, RoundsSizesAndTimes) {
    EXPECT_EQ(size_text(0), "0 B");
    EXPECT_EQ(size_text(999), "999 B");
    EXPECT_EQ(size_text(1000), "1.0 kB");
    EXPECT_EQ(size_text(999'999), "1.0 MB");
    EXPECT_EQ(size_text(12'345'678), "12.3 MB");
    EXPECT_EQ(time_text(59), "59s");
    EXPECT_EQ(time_text(3599), "59m 59s");
    EXPECT_EQ(time_text(90000), "1d 1h");
}

vici::Section message(const char* time, const char* direction, const char* kind, const char* id) {
    vici::Section trace;
    trace.add("time-us", time).add("ikesa-uniqueid", "1").add("direction", direction).add("exchange", "IKE_AUTH");
    return trace.add("kind", kind).add("message-id", id).add("octets", "860").add("datagrams", "2").add("payloads", "SK");
}

TEST(Ladder, ShowsTimesDirectionsAndSizes) {
    EXPECT_EQ(ladder_text({message("1000", "sent", "request", "2"), message("3500", "received", "response", "2")}, "moon", "sun"),
              "         time  moon ──► sun\n"
              "     0.000 ms  ──►  IKE_AUTH request 2            860 B in 2  SK\n"
              "     2.500 ms  ◄──  IKE_AUTH response 2           860 B in 2  SK\n");
    EXPECT_EQ(ladder_text({}, "moon", "sun"), "no messages yet\n");
    auto again = message("1000", "sent", "request", "2");
    again.add_flag("retransmission", true);
    EXPECT_THAT(ladder_line(again, 0), HasSubstr("(retransmission)"));
}

TEST(Json, KeepsNamesAndOrderAndTypesWhatIsKnown) {
    vici::Section section;
    section.add("uniqueid", "7").add("initiator-spi", "0000000000000010").add("initiator", "yes").add("local-id", "12");
    section.add_list("local-ts", {"10.1.0.0/24"}).add("data", std::string("\x01\xff", 2)).add_section("child-sas");
    EXPECT_EQ(to_json(section).dump(),
              R"({"uniqueid":7,"initiator-spi":"0000000000000010","initiator":true,"local-id":"12",)"
              R"("local-ts":["10.1.0.0/24"],"data":"0x01ff","child-sas":{}})");
}

}  // namespace
}  // namespace cygnet::cli
