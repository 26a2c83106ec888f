#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/config.h"
#include "model/counters.h"
#include "model/iana.h"
#include "model/status.h"

namespace cygnet::model {
namespace {

TEST(Names, AreSpelledAsVicisVocabulary) {
    EXPECT_EQ(name_of(Encr::aes_gcm_16), "AES_GCM_16");
    EXPECT_EQ(name_of(Prf::hmac_sha2_384), "PRF_HMAC_SHA2_384");
    EXPECT_EQ(name_of(Integ::hmac_sha2_256_128), "HMAC_SHA2_256_128");
    EXPECT_EQ(name_of(Ke::curve25519), "CURVE_25519");
    EXPECT_EQ(name_of(Ke::ml_kem_768), "ML_KEM_768");
    EXPECT_EQ(name_of(Ke::none), "KE_NONE");
    EXPECT_EQ(name_of(PayloadType::id_i), "IDi");
    EXPECT_EQ(name_of(IkeState::established), "ESTABLISHED");
    EXPECT_EQ(name_of(IkeState::destroying), "DESTROYING");
    EXPECT_EQ(name_of(ChildState::installed), "INSTALLED");
    EXPECT_EQ(name_of(ChildState::destroying), "DESTROYING");
    EXPECT_EQ(name_of(LogGroup::esp), "ESP");
}

TEST(Names, KeepNumbersThatHaveNoName) {
    EXPECT_EQ(name_of(static_cast<Ke>(1234)), "UNKNOWN_1234");
    EXPECT_EQ(name_of(static_cast<NotifyType>(40000)), "UNKNOWN_40000");
}

TEST(Counters, HaveOneNameEach) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < counter_count; ++i) names.insert(name_of(static_cast<Counter>(i)));
    EXPECT_EQ(names.size(), counter_count);
    EXPECT_EQ(name_of(Counter::info_out_resp), "info-out-resp");
    EXPECT_EQ(name_of(Counter::malformed_header), "malformed-header");
    EXPECT_EQ(name_of(Counter::followup_out_resp), "followup-out-resp");
}

TEST(Counters, CountWhatTheyAreToldTo) {
    Counters counters;
    counters.add(Counter::invalid_spi);
    counters.add(Counter::invalid_spi);
    EXPECT_EQ(counters[Counter::invalid_spi], 2u);
    EXPECT_EQ(counters[Counter::invalid], 0u);
}

TEST(Connection, FindsAChildByName) {
    Connection connection{.name = "home"};
    connection.children.push_back({.name = "net"});
    connection.children.push_back({.name = "dmz"});
    ASSERT_NE(connection.child("dmz"), nullptr);
    EXPECT_EQ(connection.child("dmz")->name, "dmz");
    EXPECT_EQ(connection.child("lan"), nullptr);
}

}  // namespace
}  // namespace cygnet::model
