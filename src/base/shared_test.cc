#include "base/shared.h"

#include <gtest/gtest.h>

#include <string>

namespace cygnet {
namespace {

TEST(Shared, IsTheValue) {
    const Shared<std::string> nothing, moon(std::string("moon"));
    EXPECT_EQ(*nothing, "");
    EXPECT_EQ(moon->size(), 4u);
    EXPECT_EQ(moon, Shared<std::string>(std::string("moon")));
    EXPECT_NE(moon, nothing);
}

TEST(Shared, EqualValuesBecomeOneObject) {
    SharedValues<std::string> values;
    Shared<std::string> first(std::string("moon")), other(std::string("sun")), second(std::string("moon"));
    values.unify(first);
    values.unify(other);
    EXPECT_FALSE(first.is_same_object(second));
    values.unify(second);
    EXPECT_TRUE(first.is_same_object(second));
    EXPECT_EQ(*second, "moon");
    EXPECT_EQ(*other, "sun");
}

TEST(Shared, WhatRecursIsRemembered) {
    SharedValues<std::string> values;
    Shared<std::string> usual(std::string("usual"));
    values.unify(usual);
    for (int i = 0; i < 1000; ++i) {
        Shared<std::string> rare(std::to_string(i)), again(std::string("usual"));
        values.unify(rare);
        values.unify(again);
        ASSERT_TRUE(again.is_same_object(usual));
    }
    Shared<std::string> rare(std::string("0")), first_rare(std::string("0"));
    values.unify(first_rare);
    values.unify(rare);
    EXPECT_TRUE(rare.is_same_object(first_rare));
}

}  // namespace
}  // namespace cygnet
