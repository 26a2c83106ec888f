#include "ike/rekey.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

model::Connection with_proposals(bool at_a, const char* ike, const char* esp) {
    model::Connection made = connection(at_a);
    made.proposals = model::parse_proposals(model::Protocol::ike, ike).value();
    made.children.front().esp_proposals = model::parse_proposals(model::Protocol::esp, esp).value();
    return made;
}

constexpr const char* classic_ike = "aes256gcm16-prfsha384-x25519";
constexpr const char* hybrid_ike = "aes256gcm16-prfsha384-x25519-ke1_mlkem768";

class Rekey : public testing::Test {
protected:
    void bring_up(const char* ike = classic_ike, const char* esp = "aes256gcm16") {
        owner->configure(with_proposals(true, ike, esp), with_proposals(false, ike, esp));
        ASSERT_TRUE(owner->initiate(owner->a).result) << owner->a.log() << "---\n" << owner->b.log();
        ASSERT_TRUE(owner->up());
    }
    std::uint32_t child_spi(const Node& node) { return node.only_sa(owner->now).children.front().spi_in; }
    std::uint64_t ike_spi(const Node& node) { return node.only_sa(owner->now).spi_i; }
    std::string logs() const { return "a:\n" + owner->a.log() + "b:\n" + owner->b.log(); }

    // Both sides ask at the same moment: the requests cross.
    void both(const SaSelector& which_a, const SaSelector& which_b) {
        owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = which_a});
        owner->step(owner->b, ike::Rekey{.id = CommandId{902}, .which = which_b});
        owner->run();
        owner->pass(seconds(30));
    }
    // The same, with every order in which messages arrive and jobs end.
    void both_shuffled(const SaSelector& which_a, const SaSelector& which_b, std::uint64_t seed) {
        SeededRng order(seed);
        owner->jobs_are_slow = true;
        owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = which_a});
        owner->step(owner->b, ike::Rekey{.id = CommandId{902}, .which = which_b});
        owner->run_shuffled(order);
        owner->jobs_are_slow = false;
        owner->pass(seconds(120));
    }
    bool succeeded(const Node& node, std::uint64_t id) const {
        return std::ranges::any_of(node.done,
                                   [&](const CommandDone& done) { return done.id == CommandId{id} && done.result; });
    }
    void expect_one_working_tunnel() {
        ASSERT_TRUE(owner->up()) << logs();
        EXPECT_TRUE(owner->children_agree()) << logs();
    }

    void start_over() { owner = std::make_unique<Pair>(); }

    std::unique_ptr<Pair> owner = std::make_unique<Pair>();
};

const SaSelector the_child{.child = "net"};
const SaSelector the_ike{.ike = "gw"};

// RFC 7296 §2.8 [113]: its initiator deletes the old SA.
TEST_F(Rekey, OfAChildReplacesItOnBothSides) {
    bring_up();
    for (Node* node : {&owner->a, &owner->b}) {
        const std::uint32_t before = child_spi(owner->a);
        EXPECT_TRUE(owner->rekey(*node, the_child).result) << logs();
        expect_one_working_tunnel();
        EXPECT_NE(child_spi(owner->a), before);
        EXPECT_EQ(owner->a.only_sa(owner->now).children.front().reqid, 1U);
    }
    EXPECT_EQ(owner->a.removed.size(), 2U);
    EXPECT_EQ(owner->b.removed.size(), 2U);
    EXPECT_EQ(owner->a.events_of<model::ChildRekeyed>().size(), 2U);
    EXPECT_EQ(owner->a.events_of<model::ChildUp>().size(), 1U);
    EXPECT_TRUE(owner->a.events_of<model::ChildDown>().empty());
}

// RFC 7296 §2.8 [114]: inbound first.
TEST_F(Rekey, OfAChildInstallsTheAnswerersOutboundHalfLater) {
    bring_up();
    owner->meddler = [&](Send& send) {
        return send.path.local.address != address("192.0.2.1") || owner->b.installed.size() < 2;
    };
    owner->rekey(owner->a, the_child);  // Everything of a after its request is lost, its Delete too.
    ASSERT_EQ(owner->b.installed.size(), 2U);
    EXPECT_FALSE(owner->b.installed.back().outbound_active);
    EXPECT_TRUE(owner->a.installed.back().outbound_active);
}

TEST_F(Rekey, OfAChildWithAFreshKeyExchange) {
    bring_up(classic_ike, "aes256gcm16-x25519");
    EXPECT_TRUE(owner->rekey(owner->b, the_child).result) << logs();
    expect_one_working_tunnel();
    EXPECT_EQ(owner->a.only_sa(owner->now).children.front().proposal.ke, model::Ke::curve25519);
}

// RFC 9370 §2.2.4 [159]: the link comes back, the SA after the last.
TEST_F(Rekey, OfAChildWithAnAdditionalKeyExchange) {
    bring_up(hybrid_ike, "aes256gcm16-x25519-ke1_mlkem768");
    EXPECT_TRUE(owner->rekey(owner->a, the_child).result) << logs();
    expect_one_working_tunnel();
    EXPECT_EQ(owner->b.only_sa(owner->now).children.front().proposal.additional, std::vector{model::Ke::ml_kem_768});
}

// RFC 7296 §2.18, §1.3.2, §2.8 [110, 111, 113]: new keys, SPIs in the proposal, all children.
TEST_F(Rekey, OfTheIkeSaKeepsTheChildren) {
    for (const char* proposals : {classic_ike, hybrid_ike}) {
        start_over();
        bring_up(proposals);
        for (Node* node : {&owner->a, &owner->b}) {
            const std::uint64_t before = ike_spi(owner->a);
            const std::uint32_t child = child_spi(owner->a);
            EXPECT_TRUE(owner->rekey(*node, the_ike).result) << logs();
            expect_one_working_tunnel();
            EXPECT_NE(ike_spi(owner->a), before);
            EXPECT_EQ(ike_spi(owner->a), ike_spi(owner->b));
            EXPECT_EQ(child_spi(owner->a), child);
            EXPECT_TRUE(owner->rekey(*node, the_child).result) << logs();
        }
        EXPECT_TRUE(owner->a.events_of<model::IkeDown>().empty());
        EXPECT_EQ(owner->b.events_of<model::IkeRekeyed>().size(), 2U);
        EXPECT_TRUE(owner->terminate(owner->a, the_ike).result) << logs();
        EXPECT_TRUE(owner->b.engine.list(owner->now).empty());
    }
}

TEST_F(Rekey, HappensByItselfBeforeTheLifetimeEnds) {
    bring_up(hybrid_ike);
    const std::uint32_t child = child_spi(owner->a);
    const std::uint64_t ike = ike_spi(owner->a);
    owner->pass(hours(9));
    expect_one_working_tunnel();
    EXPECT_NE(child_spi(owner->a), child);
    EXPECT_NE(ike_spi(owner->a), ike);
}

// RFC 7296 §2.8.1 [115]: the lowest nonce loses.
TEST_F(Rekey, OfTheSameChildByBothSidesLeavesOne) {
    bring_up();
    for (int round = 0; round < 8; ++round) {
        both(the_child, the_child);
        expect_one_working_tunnel();
        EXPECT_TRUE(succeeded(owner->a, 901) && succeeded(owner->b, 902)) << logs();
    }
}

// RFC 9370 §2.2.4 [161]: the loser stops.
TEST_F(Rekey, OfTheSameChildByBothSidesWithFollowUpExchangesLeavesOne) {
    bring_up(hybrid_ike, "aes256gcm16-x25519-ke1_mlkem768");
    for (int round = 0; round < 8; ++round) {
        both(the_child, the_child);
        expect_one_working_tunnel();
        EXPECT_TRUE(succeeded(owner->a, 901) && succeeded(owner->b, 902)) << logs();
    }
}

// … and who has won awaits nothing from it, but answers whatever it asks for next.
TEST_F(Rekey, OfTheSameChildByBothSidesKeepsNobodyWaitingForTheLoser) {
    bring_up(hybrid_ike, "aes256gcm16-x25519-ke1_mlkem768");
    for (std::uint64_t round = 0; round < 32; ++round) {
        SeededRng order(round);
        owner->jobs_are_slow = true;
        owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = the_child});
        owner->step(owner->b, ike::Rekey{.id = CommandId{902}, .which = the_child});
        owner->run_shuffled(order);
        owner->jobs_are_slow = false;
        const std::uint64_t before = ike_spi(owner->a);
        owner->step(round % 2 == 0 ? owner->a : owner->b, ike::Rekey{.id = CommandId{903}, .which = the_ike});
        owner->run();
        EXPECT_NE(ike_spi(owner->a), before) << round << logs();
        owner->pass(seconds(120));
        expect_one_working_tunnel();
    }
}

// The lifetime is that of the old keys: what took over from them while their end waited for its turn stays.
TEST_F(Rekey, OfTheIkeSaAtTheLastMomentKeepsTheNewOne) {
    const auto living = [](bool at_a, Duration time) {
        model::Connection made = with_proposals(at_a, classic_ike, "aes256gcm16");
        made.rekey_time = time;
        made.over_time = seconds(8);
        made.rand_time = Duration{0};
        return made;
    };
    owner->configure(living(true, Duration{0}), living(false, seconds(60)));
    ASSERT_TRUE(owner->initiate(owner->a).result) << logs();
    const std::uint64_t before = ike_spi(owner->a);
    owner->pass(seconds(50));
    // An exchange that nobody answers is under way until the lifetime is over: the rekey waits, and behind it the end.
    bool silent = true;
    owner->meddler = [&](Send&) { return !silent; };
    owner->step(owner->b, ike::Rekey{.id = CommandId{901}, .which = the_child});
    owner->pass(seconds(19));
    silent = false;
    owner->pass(seconds(30));
    expect_one_working_tunnel();
    EXPECT_NE(ike_spi(owner->a), before);
    EXPECT_TRUE(owner->a.events_of<model::IkeDown>().empty() && owner->b.events_of<model::IkeDown>().empty()) << logs();
}

// RFC 7296 §2.8.2 [116]: the survivor has all children.
TEST_F(Rekey, OfTheIkeSaByBothSidesLeavesOne) {
    for (const char* proposals : {classic_ike, hybrid_ike}) {
        start_over();
        bring_up(proposals);
        for (int round = 0; round < 8; ++round) {
            both(the_ike, the_ike);
            owner->pass(seconds(90));
            expect_one_working_tunnel();
            EXPECT_EQ(ike_spi(owner->a), ike_spi(owner->b)) << logs();
        }
        EXPECT_TRUE(owner->a.events_of<model::IkeDown>().empty());
        EXPECT_TRUE(owner->b.events_of<model::IkeDown>().empty());
    }
}

// The winner's Delete arrives while we still compute what our own exchange made.
TEST_F(Rekey, ByBothSidesLeavesOneHoweverSlowTheJobs) {
    for (const SaSelector* which : {&the_child, &the_ike})
        for (const char* esp : {"aes256gcm16-x25519", "aes256gcm16-x25519-ke1_mlkem768"}) {
            start_over();
            bring_up(hybrid_ike, esp);
            owner->jobs_are_slow = true;
            for (int round = 0; round < 8; ++round) {
                both(*which, *which);
                owner->pass(seconds(90));
                expect_one_working_tunnel();
            }
        }
}

// The peer rekeys a child at once that for it is there, and for us almost.
TEST_F(Rekey, OfAChildThatWeAreStillInstallingWaits) {
    bring_up(classic_ike, "aes256gcm16-x25519");
    owner->jobs_are_slow = true;
    owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = the_child});
    bool asked = false;
    owner->meddler = [&](Send& send) {
        if (!asked && send.path.local.address == address("192.0.2.2") && owner->b.installed.size() == 2) {
            asked = true;
            const auto fresh = owner->b.only_sa(owner->now).children.back().unique_id;
            owner->step(owner->b, ike::Rekey{.id = CommandId{902}, .which = {.child_id = fresh}});
        }
        return true;
    };
    owner->run();
    owner->pass(seconds(30));
    EXPECT_TRUE(asked);
    expect_one_working_tunnel();
    EXPECT_TRUE(succeeded(owner->b, 902)) << logs();
    EXPECT_EQ(owner->b.log().find("does not know"), std::string::npos) << logs();
}

TEST_F(Rekey, ByBothSidesLeavesOneInWhateverOrderMessagesArriveAndJobsEnd) {
    for (const char* esp : {"aes256gcm16", "aes256gcm16-x25519", "aes256gcm16-x25519-ke1_mlkem768"}) {
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            SCOPED_TRACE(std::string(esp) + " seed " + std::to_string(seed));
            start_over();
            bring_up(seed % 2 == 0 ? classic_ike : hybrid_ike, esp);
            both_shuffled(the_child, the_child, seed);
            expect_one_working_tunnel();
            both_shuffled(the_ike, the_ike, seed);
            expect_one_working_tunnel();
            both_shuffled(the_ike, the_child, seed);
            expect_one_working_tunnel();
            EXPECT_EQ(owner->a.events_of<model::ChildDown>().size() + owner->b.events_of<model::ChildDown>().size(), 0U) << logs();
            if (HasFailure()) return;
        }
    }
}

TEST_F(Rekey, OfTheIkeSaAndOfAChildAtOnceBothHappen) {
    bring_up(hybrid_ike);
    const std::uint32_t child = child_spi(owner->a);
    const std::uint64_t ike = ike_spi(owner->a);
    both(the_ike, the_child);
    owner->pass(seconds(90));
    expect_one_working_tunnel();
    EXPECT_NE(child_spi(owner->a), child) << logs();
    EXPECT_NE(ike_spi(owner->a), ike) << logs();
}

TEST_F(Rekey, CrossingADeletionLeavesNothingBehind) {
    bring_up();
    owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = the_child});
    owner->step(owner->b, Terminate{.id = CommandId{902}, .which = the_child});
    owner->run();
    owner->pass(seconds(30));
    EXPECT_TRUE(owner->children_agree()) << logs();
    EXPECT_EQ(owner->a.only_sa(owner->now).children.size(), owner->b.only_sa(owner->now).children.size()) << logs();
}

TEST_F(Rekey, OfTheIkeSaCrossingItsDeletionLeavesNothingBehind) {
    bring_up();
    owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = the_ike});
    owner->step(owner->b, Terminate{.id = CommandId{902}, .which = the_ike});
    owner->run();
    owner->pass(seconds(120));
    EXPECT_TRUE(owner->a.engine.list(owner->now).empty()) << logs();
    EXPECT_TRUE(owner->b.engine.list(owner->now).empty()) << logs();
    EXPECT_EQ(owner->a.installed.size(), owner->a.removed.size());
}

// The peer vanishes between its rekey and its Delete of the old IKE SA: an operator does not wait for that Delete.
TEST_F(Rekey, OfTheIkeSaByAPeerThatVanishesKeepsNoOperatorWaiting) {
    bring_up();
    bool gone = false;
    std::size_t sent_by_b = 0;
    owner->meddler = [&](Send& send) {
        const bool from_b = send.path.local.address == address("192.0.2.2");
        if (gone && from_b) ++sent_by_b;
        // The answer to the rekey is the last that b says and is heard.
        if (from_b) gone = true;
        return !gone;
    };
    owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = the_ike});
    owner->run();
    ASSERT_TRUE(gone);
    const auto present = owner->b.engine.list(owner->now);
    ASSERT_EQ(present.size(), 2U) << logs();
    const auto heir = static_cast<std::uint32_t>(present.back().id);
    owner->meddler = [&](Send&) {
        ++sent_by_b;
        return false;
    };
    owner->step(owner->b, Terminate{.id = CommandId{902}, .which = {.ike_id = heir}});
    owner->run();
    EXPECT_EQ(sent_by_b, 0U) << "the peer may have no keys yet";
    owner->a.outbox.clear();
    const Instant later = owner->now + seconds(6);
    while (owner->b.engine.next_deadline() <= later) {
        owner->now = owner->b.engine.next_deadline();
        owner->step(owner->b, Tick{});
        owner->run();
    }
    EXPECT_GE(sent_by_b, 1U) << logs();
}

TEST_F(Rekey, SurvivesALostAnswer) {
    bring_up(hybrid_ike, "aes256gcm16-x25519-ke1_mlkem768");
    int sent = 0;
    owner->meddler = [&](Send&) { return ++sent % 3 != 0; };
    owner->rekey(owner->a, the_child);
    owner->pass(seconds(60));
    owner->rekey(owner->b, the_ike);
    owner->pass(seconds(90));
    owner->meddler = nullptr;
    owner->pass(seconds(60));
    expect_one_working_tunnel();
}

// RFC 7296 §1.3.3, §2.25 [112, 117]: CHILD_SA_NOT_FOUND.
TEST_F(Rekey, OfAnUnknownChildIsAnsweredAndAReplacementIsMade) {
    bring_up();
    // b loses its child without a word: a's rekey finds nothing there.
    owner->meddler = [](Send&) { return false; };
    owner->step(owner->b, Terminate{.id = CommandId{902}, .which = the_child, .force = true});
    owner->run();
    owner->meddler = nullptr;
    owner->rekey(owner->a, the_child);
    owner->pass(seconds(30));
    EXPECT_EQ(owner->a.only_sa(owner->now).children.size(), owner->b.only_sa(owner->now).children.size()) << logs();
    EXPECT_TRUE(owner->children_agree()) << logs();
}

// RFC 9370 §2.2.4 [160]: who waits for the next key exchange in vain forgets it; the other begins the series anew, and
// ends the IKE SA when it is forgotten again and again.
TEST_F(Rekey, WhoseFollowUpExchangeComesTooLateBeginsAnew) {
    for (const bool always : {false, true}) {
        start_over();
        bring_up(hybrid_ike, "aes256gcm16-x25519-ke1_mlkem768");
        const std::uint32_t before = child_spi(owner->a);
        std::vector<Send> held;
        unsigned series = 0;
        owner->meddler = [&](Send& send) {
            const auto header = *wire::parse_header(send.datagram);
            if (header.exchange != model::ExchangeType::ike_followup_ke || header.response) return true;
            if (series != 0 && !always) return true;
            held.push_back(send);
            return false;
        };
        owner->step(owner->a, ike::Rekey{.id = CommandId{901}, .which = the_child});
        owner->run();
        for (; series < model::limits::lost_followup_series && !held.empty(); ++series) {
            const std::vector<Send> late = std::exchange(held, {});
            owner->now = owner->now + model::limits::followup_ke_wait + seconds(1);
            owner->step(owner->b, Tick{});
            owner->b.outbox.clear();
            for (const Send& fragment : late) {
                const model::Path seen{.local = fragment.path.remote, .remote = fragment.path.local};
                owner->step(owner->b, Datagram{.path = seen, .bytes = fragment.datagram});
            }
            owner->run();
            EXPECT_EQ(owner->b.engine.counters()[model::Counter::state_not_found], series + 1) << logs();
            if (series + 1 < model::limits::lost_followup_series) owner->pass(seconds(5));
        }
        owner->pass(seconds(10));
        if (always) {
            EXPECT_EQ(owner->a.engine.population().ike_sas + owner->b.engine.population().ike_sas, 0u) << logs();
        } else {
            expect_one_working_tunnel();
            EXPECT_NE(child_spi(owner->a), before);
        }
    }
}

// RFC 7296 §2.25: what the lifetime asks for stays due while the peer is busy, at longer intervals, until the SA ends.
TEST(RekeyWithABusyPeer, StaysDue) {
    for (const bool of_child : {false, true}) {
        model::Connection made = connection(false);
        made.rand_time = made.children.front().lifetime.rand_time = Duration{0};
        made.rekey_time = of_child ? Duration{0} : hours(1);
        made.children.front().lifetime.rekey_time = of_child ? hours(1) : Duration{0};
        Node victim{2};
        victim.step(Instant::after_start(seconds(1000)), Configure{config_of(std::move(made)), nullptr});
        ScriptedPeer peer{victim};
        peer.establish();
        unsigned asked = 0;
        const Instant end = peer.now + hours(1) + minutes(15);
        for (; peer.now < end; peer.now = peer.now + seconds(1)) {
            peer.step(Tick{});
            for (const auto& request : peer.opened(peer.sent())) {
                asked += request.header.exchange == model::ExchangeType::create_child_sa;
                wire::MessageBuilder busy;
                busy.notify(model::NotifyType::temporary_failure);
                EXPECT_TRUE(peer.respond(request, std::move(busy)).empty());
            }
        }
        EXPECT_GT(asked, 2 * model::limits::temporary_failures) << victim.log();
        EXPECT_LT(asked, 15u * 60 / 4) << "nor all the time";
    }
}

// RFC 7296 §2.25 [118]: not retried at once.
TEST_F(Rekey, ThatThePeerRefusesLeavesTheChildAlone) {
    owner->configure(with_proposals(true, classic_ike, "aes256gcm16-x25519"),
                     with_proposals(false, classic_ike, "aes256gcm16-ecp256"));
    ASSERT_TRUE(owner->initiate(owner->a).result) << logs();  // In IKE_AUTH the key exchange does not count.
    const std::uint32_t before = child_spi(owner->a);
    EXPECT_FALSE(owner->rekey(owner->a, the_child).result);
    expect_one_working_tunnel();
    EXPECT_EQ(child_spi(owner->a), before);
}

}  // namespace
}  // namespace cygnet::ike::test
