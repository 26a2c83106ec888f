#include "daemon/log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cygnet::daemon {
namespace {

TEST(Log, levels_have_numbers_and_names) {
    EXPECT_EQ(parse_log_level("0"), 0);
    EXPECT_EQ(parse_log_level("info"), 1);
    EXPECT_EQ(parse_log_level("debug"), 2);
    EXPECT_EQ(parse_log_level("3"), 3);
    EXPECT_FALSE(parse_log_level("4"));
    EXPECT_FALSE(parse_log_level("verbose"));
}

TEST(Log, prints_one_line_that_nobody_can_forge) {
    Log log(1);
    ::testing::internal::CaptureStderr();
    log.write({.group = model::LogGroup::ike, .level = 1, .message = "peer says\n2026 [DMN] all is well\x1b[31m", .ike_name = "gw",
               .ike_id = model::IkeSaId{7}});
    const std::string printed = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 1);
    EXPECT_NE(printed.find("[IKE] <gw|7> peer says\\x0a2026 [DMN] all is well\\x1b[31m"), std::string::npos) << printed;
}

TEST(Log, a_flood_of_lines_is_cut_but_not_what_matters) {
    Log log(1);
    ::testing::internal::CaptureStderr();
    for (int i = 0; i < 5000; ++i) log.write(model::LogGroup::net, 1, "dropped 3 octets");
    log.write(model::LogGroup::ike, 0, "IKE_SA established");
    const std::string printed = ::testing::internal::GetCapturedStderr();
    // The loop may run over the end of a second, but not of many.
    EXPECT_LT(std::count(printed.begin(), printed.end(), '\n'), 2000);
    EXPECT_NE(printed.find("IKE_SA established"), std::string::npos);
}

TEST(Log, debugging_asks_for_everything) {
    Log log(2);
    ::testing::internal::CaptureStderr();
    for (int i = 0; i < 2000; ++i) log.write(model::LogGroup::net, 1, "dropped 3 octets");
    const std::string printed = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 2000);
}

TEST(Log, taps_levels_0_and_1_whatever_is_printed) {
    Log log(-1);
    int tapped = 0;
    log.on_line([&](const model::LogLine&) { ++tapped; });
    for (int level = 0; level <= 3; ++level) log.write(model::LogGroup::dmn, level, "a line");
    EXPECT_EQ(tapped, 2);
}

}  // namespace
}  // namespace cygnet::daemon
