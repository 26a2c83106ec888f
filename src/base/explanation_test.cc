#include "base/explanation.h"

#include <gtest/gtest.h>

namespace cygnet {
namespace {

TEST(Explanation, PutsBothSidesBesideEachOther) {
    const Explanation why{.kind = "identity",
                          .what = "the peer is somebody else",
                          .ours = "expects b",
                          .theirs = "says a",
                          .advice = "let remote.id be a"};
    EXPECT_EQ(why.sentence(),
              "the peer is somebody else (here: expects b; the peer: says a): let remote.id be a");
}

TEST(Explanation, LeavesOutWhatIsNotKnown) {
    EXPECT_EQ((Explanation{.what = "a", .ours = "b"}).sentence(), "a (here: b)");
    EXPECT_EQ((Explanation{.what = "a", .theirs = "b", .advice = "c"}).sentence(), "a (the peer: b): c");
    EXPECT_EQ((Explanation{.what = "a", .advice = "c"}).sentence(), "a: c");
}

TEST(Explanation, TravelsWithAnError) {
    const Error plain{.code = Errc::no_match, .where = "proposals", .detail = "nothing"};
    EXPECT_EQ(explanation_of(plain).what, plain.text());
    const Explanation why{.kind = "proposals", .what = "nothing in common", .advice = "add one"};
    const Error error = explained(plain, why);
    EXPECT_EQ(error.detail, why.sentence());
    EXPECT_EQ(error.code, Errc::no_match);
    EXPECT_EQ(explanation_of(error), why);
}

}  // namespace
}  // namespace cygnet
