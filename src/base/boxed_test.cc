#include "base/boxed.h"

#include <gtest/gtest.h>

#include <string>

namespace cygnet {
namespace {

TEST(Boxed, HoldsNothingUntilItIsGivenAValue) {
    Boxed<std::string> box;
    EXPECT_FALSE(box);
    EXPECT_EQ(box.get(), nullptr);
    EXPECT_EQ(box.value_or("nothing"), "nothing");
    box = std::string("one");
    ASSERT_TRUE(box.has_value());
    EXPECT_EQ(*box, "one");
    EXPECT_EQ(box->size(), 3U);
    box.reset();
    EXPECT_FALSE(box);
    EXPECT_EQ(sizeof box, sizeof(void*));
}

TEST(Boxed, CopiesHaveTheirOwnValue) {
    const Boxed<std::string> original(std::string("one"));
    Boxed<std::string> copy = original;
    *copy = "two";
    EXPECT_EQ(*original, "one");
    copy = original;
    EXPECT_EQ(*copy, "one");
    const Boxed<std::string> moved = std::move(copy);
    EXPECT_EQ(*moved, "one");
}

TEST(Boxed, MakesItsValueOnRequest) {
    Boxed<int> box;
    box.made() += 5;
    box.made() += 5;
    EXPECT_EQ(*box, 10);
}

struct Cat {
    int lives = 9;
};
struct Dog {};

TEST(BoxedVariant, HoldsOneOfItsTypesOrNone) {
    BoxedVariant<Cat, Dog> animal;
    EXPECT_FALSE(animal);
    EXPECT_FALSE(animal.holds<Dog>());
    EXPECT_EQ(animal.find<Cat>(), nullptr);
    animal = Cat{.lives = 7};
    EXPECT_TRUE(animal.holds<Cat>());
    EXPECT_EQ(animal.get<Cat>().lives, 7);
    EXPECT_EQ(animal.find<Dog>(), nullptr);
    animal = Dog{};
    EXPECT_TRUE(animal.holds<Dog>());
    animal.reset();
    EXPECT_FALSE(animal);
}

TEST(BoxedVariant, VisitsWhatItHolds) {
    struct Legs {
        int operator()(const Cat& cat) const { return cat.lives; }
        int operator()(const Dog&) const { return 4; }
    };
    BoxedVariant<Cat, Dog> animal;
    animal = Cat{};
    EXPECT_EQ(animal.visit(Legs{}), 9);
    animal = Dog{};
    EXPECT_EQ(animal.visit(Legs{}), 4);
}

}  // namespace
}  // namespace cygnet
