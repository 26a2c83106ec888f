#include "daemon/fitting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/test_backend.h"

namespace cygnet::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FittingTest : public testing::Test {
protected:
    std::shared_ptr<const model::Config> config_of(const std::string& proposals) {
        auto connection = std::make_shared<model::Connection>();
        connection->name = "gw";
        model::ChildConfig child{.name = "net"};
        child.esp_proposals = *model::parse_proposals(model::Protocol::esp, proposals);
        connection->children.push_back(std::move(child));
        auto config = std::make_shared<model::Config>();
        config->connections["gw"] = connection;
        return config;
    }
    static std::vector<std::string> proposals_of(const std::shared_ptr<const model::Config>& config) {
        std::vector<std::string> words;
        for (const auto& proposal : config->connections.at("gw")->children.front().esp_proposals) words.push_back(proposal.keywords());
        return words;
    }

    FakeBackend backend;
    Fitting fitting;
};

TEST_F(FittingTest, WhatTheDataPlaneHasStaysAsItIs) {
    const auto config = config_of("aes256gcm16,aes128-sha256");
    const auto fitted = fitting.fit(config, backend);
    EXPECT_EQ(fitted.config, config);
    EXPECT_THAT(fitted.left_out, IsEmpty());
}

TEST_F(FittingTest, WhatItLacksIsLeftOutOfOffersAndChoices) {
    backend.missing = {model::Transform::of(model::Encr::aes_gcm_16, 256), model::Transform::of(model::Integ::hmac_sha2_256_128)};
    const auto fitted = fitting.fit(config_of("aes256gcm16-aes128gcm16,aes128-sha256,aes128-sha384"), backend);
    EXPECT_THAT(proposals_of(fitted.config), ElementsAre("aes128gcm16", "aes128-sha384"));
    EXPECT_THAT(fitted.left_out, ElementsAre("AES_GCM_16_256", "HMAC_SHA2_256_128"));
    EXPECT_THAT(fitted.hopeless, IsEmpty());
}

TEST_F(FittingTest, AChildThatWouldHaveNothingLeftIsNamed) {
    backend.missing = {model::Transform::of(model::Encr::aes_gcm_16, 256)};
    const auto config = config_of("aes256gcm16");
    const auto fitted = fitting.fit(config, backend);
    EXPECT_THAT(fitted.hopeless, ElementsAre("gw, net"));
    EXPECT_EQ(fitted.config, config);
}

TEST_F(FittingTest, CompressionIsNeitherOfferedNorChosenWhereTheDataPlaneHasNone) {
    auto config = config_of("aes256gcm16");
    auto connection = std::make_shared<model::Connection>(*config->connections.at("gw"));
    connection->children.front().ipcomp = true;
    auto with = std::make_shared<model::Config>(*config);
    with->connections["gw"] = connection;
    EXPECT_EQ(fitting.fit(with, backend).config, with);
    backend.compresses = false;
    const auto fitted = fitting.fit(with, backend);
    EXPECT_FALSE(fitted.config->connections.at("gw")->children.front().ipcomp);
    EXPECT_THAT(fitted.left_out, ElementsAre("IPComp"));
    EXPECT_THAT(proposals_of(fitted.config), ElementsAre("aes256gcm16"));
}

TEST_F(FittingTest, AReloadDoesNotChangeAConnectionThatIsTheSame) {
    backend.missing = {model::Transform::of(model::Encr::aes_gcm_16, 256)};
    const auto config = config_of("aes256gcm16,aes128gcm16");
    const auto first = fitting.fit(config, backend);
    const auto second = fitting.fit(std::make_shared<model::Config>(*config), backend);
    EXPECT_EQ(first.config->connections.at("gw"), second.config->connections.at("gw"));
}

}  // namespace
}  // namespace cygnet::daemon
