#include "base/secret.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace cygnet {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>,
              "a second copy of a secret must be asked for by name");
static_assert(!std::is_convertible_v<SecretBytes, ByteView>, "reveal() is the one door");
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

SecretBytes secret_of(std::string_view text) { return SecretBytes::copy_of(bytes_of(text)); }

TEST(Secret, equals_the_same_octets_only) {
    const SecretBytes key = secret_of("swan");
    EXPECT_TRUE(key.equals(bytes_of("swan")));
    EXPECT_FALSE(key.equals(bytes_of("swam")));
    EXPECT_FALSE(key.equals(bytes_of("swa")));
    EXPECT_FALSE(key.equals({}));
}

// RFC 7296 §2.12 [126]: keys are forgotten.
TEST(Secret, leaves_nothing_behind_when_moved) {
    SecretBytes from = secret_of("swan");
    SecretBytes to = std::move(from);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what a move leaves is the point.
    EXPECT_TRUE(to.equals(bytes_of("swan")));

    SecretBytes other = secret_of("goose");
    other = std::move(to);
    EXPECT_TRUE(other.equals(bytes_of("swan")));
    EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, takes_a_buffer_over_and_leaves_it_empty) {
    Bytes buffer{1, 2, 3};
    const SecretBytes key = SecretBytes::take(std::move(buffer));
    EXPECT_EQ(key.size(), 3u);
    EXPECT_TRUE(buffer.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, is_independent_of_its_clone) {
    SecretBytes key = secret_of("swan");
    const SecretBytes second = key.clone();
    key.clear();
    EXPECT_TRUE(key.empty());
    EXPECT_TRUE(second.equals(bytes_of("swan")));
}

TEST(Secret, forgets_what_is_cut_off) {
    SecretBytes key = secret_of("swan");
    const MutableByteView whole = key.reveal_for_writing();
    key.shrink(2);
    EXPECT_TRUE(key.equals(bytes_of("sw")));
    EXPECT_EQ(whole[2], 0);
    EXPECT_EQ(whole[3], 0);
    key.shrink(4);
    EXPECT_EQ(key.size(), 2u) << "nothing comes back";
}

TEST(Secret, may_be_empty) {
    const SecretBytes none(0), copy = secret_of("");
    EXPECT_TRUE(none.empty());
    EXPECT_TRUE(copy.equals({}));
    EXPECT_TRUE(none.clone().equals(copy.reveal()));
}

// RFC 7296 §2.12 [126]: keys are forgotten.
TEST(Wipe, overwrites_every_octet) {
    Bytes memory(100, 0xaa);
    wipe(memory);
    EXPECT_EQ(memory, Bytes(100, 0));
    wipe({});
}

TEST(ConstantTimeComparison, agrees_with_equality_at_every_position) {
    const Bytes icv(16, 0x5a);
    EXPECT_TRUE(equal_in_constant_time(icv, icv));
    for (std::size_t i = 0; i < icv.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Bytes wrong = icv;
            wrong[i] = static_cast<std::uint8_t>(wrong[i] ^ (1u << bit));
            EXPECT_FALSE(equal_in_constant_time(icv, wrong)) << "octet " << i << " bit " << bit;
        }
    }
    EXPECT_FALSE(equal_in_constant_time(icv, ByteView(icv).first(15)));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace cygnet
