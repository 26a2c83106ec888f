// IPComp in IKE: who offers, who chooses, and by which indices. RFC 7296 §2.22.
#include <gtest/gtest.h>

#include <set>

#include "ike/child.h"
#include "ike/core.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::ExchangeType;
using model::IpcompTransform;
using model::NotifyType;

// RFC 7296 §2.22 [88]: of what is offered, DEFLATE with an index that a packet may carry, once.
class Offers : public testing::Test {
protected:
    void SetUp() override {
        model::Connection both = connection(false);
        both.children.front().ipcomp = true;
        peer.step(Configure{config_of(std::move(both)), nullptr});
        peer.establish();
    }
    // What a child's request with these notifications is answered.
    std::vector<Bytes> answer_to(const std::vector<Bytes>& offers) {
        model::Proposal esp = model::parse_proposals(model::Protocol::esp, "aes256gcm16")->front();
        Writer(esp.spi).u32(++spi);
        wire::MessageBuilder message;
        for (const Bytes& offer : offers) message.notify(NotifyType::ipcomp_supported, offer);
        message.add(wire::SaPayload{{esp}}).add(wire::NoncePayload{nonce});
        const auto ts = [](const char* text) { return model::ConfiguredSelector::parse(text)->selector; };
        message.add(wire::TsiPayload::of(std::array{ts("10.1.0.0/16")})).add(wire::TsrPayload::of(std::array{ts("10.2.0.0/16")}));
        const auto answers = peer.send(ExchangeType::create_child_sa, std::move(message));
        std::vector<Bytes> chosen;
        bool child = false;
        for (const auto& answer : answers)
            for (const wire::Payload& payload : answer.payloads) {
                child |= std::holds_alternative<wire::SaPayload>(payload);
                const auto* notify = std::get_if<wire::NotifyPayload>(&payload);
                if (notify != nullptr && notify->message_type == NotifyType::ipcomp_supported) chosen.push_back(keep(notify->data));
            }
        EXPECT_TRUE(child) << "the child comes up all the same: " << victim.log();
        return chosen;
    }

    Node victim{1};
    ScriptedPeer peer{victim};
    Bytes nonce = Bytes(32, 9);
    std::uint32_t spi = 0x0a00'0000;
};

TEST_F(Offers, AreAnsweredWithOneOfThem) {
    const Bytes lzs{0x12, 0x34, 3}, deflate{0x12, 0x35, 2}, again{0x12, 0x36, 2}, malformed{0x12}, with_attributes{0x12, 0x37, 2, 9, 9};
    std::set<Bytes> indices;
    using Many = std::vector<Bytes>;
    for (const Many& offers : {Many{deflate}, Many{lzs, malformed, Bytes{}, deflate, again}, Many{with_attributes}}) {
        const auto chosen = answer_to(offers);
        ASSERT_EQ(chosen.size(), 1U);
        ASSERT_EQ(chosen[0].size(), 3U);
        EXPECT_EQ(chosen[0][2], 2);
        const unsigned cpi = chosen[0][0] * 256U + chosen[0][1];
        EXPECT_TRUE(cpi >= 256 && cpi <= 61439) << cpi;
        EXPECT_TRUE(indices.insert(chosen[0]).second) << "each child has an index of its own";
        EXPECT_EQ(victim.installed.back().ipcomp.cpi_in, cpi);
    }
    EXPECT_EQ(victim.installed.front().ipcomp, model::Ipcomp{}) << "the first child's request offered nothing";
    EXPECT_EQ(victim.installed[2].ipcomp.cpi_out, 0x1235) << "the first of two";
}

TEST_F(Offers, OfOthersAndOfReservedIndicesAreNotChosen) {
    for (const Bytes& offer : {Bytes{0x12, 0x34, 3}, Bytes{0x12, 0x34, 0}, Bytes{0x12, 0x34, 241}, Bytes{0x12, 0x34}, Bytes{},
                               Bytes{0, 0, 2}, Bytes{0, 3, 2}, Bytes{0, 64, 2}, Bytes{0, 255, 2}, Bytes{0xf0, 0, 2}, Bytes{0xff, 0xff, 2}}) {
        EXPECT_TRUE(answer_to({offer}).empty()) << hex(offer);
        EXPECT_FALSE(victim.installed.back().ipcomp.agreed());
    }
    // RFC 3173 §3.3: a well-known algorithm may stand for itself.
    EXPECT_EQ(answer_to({Bytes{0, 2, 2}}).size(), 1U);
    EXPECT_EQ(victim.installed.back().ipcomp.cpi_out, 2);
}

// RFC 7296 §2.22 [88]: what the initiator takes for an answer.
TEST(AnswersAboutCompression, AreOneOfWhatWasOffered) {
    model::ChildConfig child{.name = "net"};
    child.esp_proposals = model::parse_proposals(model::Protocol::esp, "aes256gcm16").value();
    const auto offered = offered_proposals(child, 0xc0000001, false, false);
    auto answer = offered;
    const auto ts = [](const char* text) { return model::TrafficSelectors{model::ConfiguredSelector::parse(text)->selector}; };
    const SelectorPair selectors{.local = ts("10.1.0.0/16"), .remote = ts("10.2.0.0/16")};
    const OuterPath path{.local = *model::IpAddress::parse("192.0.2.1"), .remote = *model::IpAddress::parse("192.0.2.2")};
    const auto check = [&](std::vector<IpcompSupport> said) {
        return check_child_answer({.proposals = offered, .selectors = selectors, .notices = {.ipcomp = deflate_at(0x4444)}},
                                  {.proposals = answer, .selectors = selectors, .notices = {.ipcomp = std::move(said)}}, path);
    };
    EXPECT_EQ(check({})->ipcomp, model::Ipcomp{}) << "no answer is no compression";
    EXPECT_EQ(check(deflate_at(0x5555))->ipcomp, (model::Ipcomp{.cpi_in = 0x4444, .cpi_out = 0x5555}));
    EXPECT_EQ(check(deflate_at(2))->ipcomp.cpi_out, 2);
    for (const std::vector<IpcompSupport>& wrong :
         {std::vector<IpcompSupport>{{.cpi = 0x5555, .transform = IpcompTransform::lzs}}, deflate_at(0), deflate_at(255), deflate_at(61440),
          std::vector{deflate_at(0x5555)[0], deflate_at(0x5555)[0]}, std::vector<IpcompSupport>{{}}}) {
        const auto refused = check(wrong);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reaction, Reaction::ignore) << "the IKE SA stays, the child does not";
    }
}

TEST(Indices, LastAsLongAsTheSpiOfTheirChild) {
    SeededRng rng(3);
    Core core(rng, {});
    std::set<std::uint16_t> used;
    std::uint32_t spi = 1000;
    for (; spi < 1000 + 61184; ++spi) {
        const auto cpi = core.cpi_of(spi);
        ASSERT_TRUE(cpi && *cpi >= model::cpi_first && *cpi <= model::cpi_last);
        ASSERT_TRUE(used.insert(*cpi).second);
        ASSERT_EQ(core.cpi_of(spi), cpi) << "asked again";
    }
    EXPECT_EQ(core.cpi_of(spi), std::nullopt) << "all are in use";
    const std::uint16_t first = *core.cpi_of(1000);
    core.release_child_spi(1000);
    EXPECT_EQ(core.cpi_of(spi), first);
}

}  // namespace
}  // namespace cygnet::ike::test
