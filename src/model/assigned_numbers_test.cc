#include "model/assigned_numbers.h"

#include <gtest/gtest.h>

#include "model/proposal.h"

namespace cygnet::model {
namespace {

// The numbers hold for the process: each test puts back what it found.
class AssignedNumbersTest : public testing::Test {
protected:
    void TearDown() override { use_assigned_numbers({}); }
    static std::string refusal(std::string_view text) {
        const auto parsed = parse_assigned_numbers(text);
        return parsed ? "" : parsed.error().detail;
    }
};

TEST_F(AssignedNumbersTest, AreReadAndChecked) {
    EXPECT_EQ(*parse_assigned_numbers(""), AssignedNumbers{});
    const AssignedNumbers two{{Ke::frodokem_640_shake, static_cast<Ke>(50202)}, {Ke::mceliece_348864, static_cast<Ke>(50201)}};
    EXPECT_EQ(*parse_assigned_numbers("mceliece348864=50201,frodo640shake=50202"), two);
    for (const char* wrong : {"mceliece348864", "mceliece348864=", "mceliece348864=x", "mceliece348864=1023", "mceliece348864=65536", "kyber=50000",
                              "mlkem768=50201", "frodo976=50201", "aes256=50201", "mceliece348864=50201,mceliece348864=50202",
                              "mceliece348864=50201,mceliece460896=50201", "mceliece348864=50102"})
        EXPECT_NE(refusal(wrong), "") << wrong;
    // Two that change places have different numbers.
    EXPECT_EQ(refusal("mceliece348864=50102,mceliece348864f=50101"), "");
}

TEST_F(AssignedNumbersTest, AreThoseOfProposalsAndNames) {
    const std::string before(private_vendor_id());
    use_assigned_numbers(*parse_assigned_numbers("frodo640shake=50202"));
    const Proposal proposal = parse_proposals(Protocol::ike, "aes256gcm16-prfsha384-x25519-ke1_frodo640shake")->front();
    ASSERT_EQ(proposal.of_type(TransformType::addke1).size(), 1U);
    EXPECT_EQ(proposal.of_type(TransformType::addke1).front().id, 50202);
    EXPECT_EQ(proposal.keywords(), "aes256gcm16-prfsha384-x25519-ke1_frodo640shake");
    EXPECT_EQ(name_of(static_cast<Ke>(50202)), "FRODOKEM_640_SHAKE");
    EXPECT_EQ(name_of(Ke::frodokem_640_shake), "UNKNOWN_50038");
    EXPECT_EQ(method_of(Ke::frodokem_640_shake), std::nullopt);
    EXPECT_EQ(method_of(static_cast<Ke>(50202)), Ke::frodokem_640_shake);
    EXPECT_EQ(method_of(Ke::curve25519), Ke::curve25519);
    EXPECT_TRUE(is_post_quantum_kem(static_cast<Ke>(50202)));
    EXPECT_TRUE(is_post_quantum(proposal));
    // Who has other numbers is another vendor.
    EXPECT_NE(private_vendor_id(), before);
    use_assigned_numbers({});
    EXPECT_EQ(private_vendor_id(), before);
    EXPECT_EQ(on_the_wire(Ke::frodokem_640_shake), Ke::frodokem_640_shake);
}

}  // namespace
}  // namespace cygnet::model
