#include "ike/feature_states.h"

#include <gtest/gtest.h>

#include <string>

namespace cygnet::ike {
namespace {

struct Weather {
    int degrees = 20;
};
struct Mood {
    std::string word = "calm";
};

TEST(FeatureStates, ExtensionsFindTheirOwnStructAndNoOther) {
    FeatureStates states;
    EXPECT_EQ(states.find<Weather>(), nullptr);
    states.of<Weather>().degrees = 3;
    EXPECT_EQ(states.find<Mood>(), nullptr);
    EXPECT_EQ(states.of<Mood>().word, "calm");
    EXPECT_EQ(states.of<Weather>().degrees, 3);
}

TEST(FeatureStates, AReferenceOutlivesTheStructsOfOthers) {
    FeatureStates states;
    Weather& weather = states.of<Weather>();
    states.of<Mood>();
    states.of<int>() = 7;
    EXPECT_EQ(&states.of<Weather>(), &weather);
}

TEST(FeatureStates, WhatIsForgottenBeginsAnew) {
    FeatureStates states;
    states.of<Mood>().word = "angry";
    states.forget<Mood>();
    EXPECT_EQ(states.find<Mood>(), nullptr);
    EXPECT_EQ(states.of<Mood>().word, "calm");
}

}  // namespace
}  // namespace cygnet::ike
