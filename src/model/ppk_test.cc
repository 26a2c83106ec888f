#include "model/ppk.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace cygnet::model {
namespace {

PpkId id(const char* text) { return *PpkPattern::parse(text).single(); }

TEST(Ppk, IdsHaveATypeAndAName) {
    EXPECT_EQ(id("moon-1").octets(), (Bytes{2, 'm', 'o', 'o', 'n', '-', '1'}));
    EXPECT_EQ(id("opaque:@#0102").octets(), (Bytes{1, 1, 2}));
    EXPECT_EQ(PpkId::parse(id("moon-1").octets()), id("moon-1"));
    EXPECT_EQ(PpkId::parse(Bytes{1, 7})->type, PpkIdType::opaque);
    for (const Bytes& wrong : {Bytes{}, Bytes{2}, Bytes(limits::ppk_id_octets + 1, 2)}) EXPECT_FALSE(PpkId::parse(wrong));
    EXPECT_EQ(PpkId::parse(Bytes{200, 'x'})->text(), "type 200:x");
    EXPECT_EQ(id("opaque:moon").text(), "opaque:moon");
    EXPECT_EQ(PpkId::parse(Bytes{2, 'a', '\n'})->text(), "a\\x0a");
}

TEST(Ppk, PatternsMatchNamesOfTheirType) {
    EXPECT_TRUE(PpkPattern::parse("*@gw.example").matches(id("k1@gw.example")));
    EXPECT_FALSE(PpkPattern::parse("*@gw.example").matches(id("opaque:k1@gw.example")));
    EXPECT_TRUE(PpkPattern::parse("%any").matches(id("opaque:k1")));
    EXPECT_FALSE(PpkPattern::parse("k1").matches(id("k2")));
    EXPECT_EQ(PpkPattern::parse("*.example").single(), std::nullopt);
    EXPECT_EQ(PpkPattern::parse("%any").single(), std::nullopt);
    EXPECT_EQ(PpkPattern::parse("opaque:k1").text(), "opaque:k1");
}

TEST(Ppk, AConnectionWithoutIdsAdmitsAll) {
    EXPECT_TRUE(PpkConfig{}.admits(id("k1")));
    const PpkConfig some{.ids = {PpkPattern::parse("k1"), PpkPattern::parse("*.example")}};
    EXPECT_TRUE(some.admits(id("k1")) && some.admits(id("a.example")));
    EXPECT_FALSE(some.admits(id("k2")));
    EXPECT_TRUE(some.wanted() && PpkConfig{.required = true}.wanted());
    EXPECT_FALSE(PpkConfig{}.wanted());
}

}  // namespace
}  // namespace cygnet::model
