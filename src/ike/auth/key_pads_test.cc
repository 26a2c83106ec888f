#include "ike/auth/key_pads.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ike/keys.h"
#include "model/limits.h"

namespace cygnet::ike {
namespace {

std::shared_ptr<const model::SharedSecret> secret_of(std::string_view text) {
    auto secret = std::make_shared<model::SharedSecret>();
    secret->secret = SecretBytes::copy_of(bytes_of(text));
    return secret;
}

// RFC 7296 §2.15
TEST(KeyPads, are_of_a_secret_and_a_prf) {
    KeyPads pads;
    const auto one = secret_of("one"), other = secret_of("other");
    using enum model::Prf;
    for (int turn = 0; turn < 2; ++turn) {
        EXPECT_TRUE(pads.of(hmac_sha2_256, one).equals(key_pad(hmac_sha2_256, one->secret).reveal()));
        EXPECT_TRUE(pads.of(hmac_sha2_512, one).equals(key_pad(hmac_sha2_512, one->secret).reveal()));
        EXPECT_TRUE(pads.of(hmac_sha2_256, other).equals(key_pad(hmac_sha2_256, other->secret).reveal()));
    }
}

TEST(KeyPads, keep_a_limited_number_of_secrets_and_let_them_go) {
    KeyPads pads;
    std::vector<std::weak_ptr<const model::SharedSecret>> seen;
    for (std::size_t i = 0; i < model::limits::key_pads + 10; ++i) {
        const auto secret = secret_of(std::to_string(i));
        seen.push_back(secret);
        EXPECT_TRUE(pads.of(model::Prf::hmac_sha2_256, secret).equals(key_pad(model::Prf::hmac_sha2_256, secret->secret).reveal()));
    }
    const auto kept = [&] { return std::ranges::count_if(seen, [](const auto& secret) { return !secret.expired(); }); };
    EXPECT_LE(kept(), static_cast<long>(model::limits::key_pads));
    EXPECT_GT(kept(), 0);
    pads.clear();
    EXPECT_EQ(kept(), 0);
}

}  // namespace
}  // namespace cygnet::ike
