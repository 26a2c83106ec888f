#include "os/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace cygnet::os {
namespace {

class Files : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "cygnet-files-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        for (const char* name : {"b.conf", "a.conf", "c.txt"})
            ASSERT_TRUE(write_private_file(folder_ + "/" + name, bytes_of(name)));
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string folder_;
};

TEST_F(Files, are_read_whole_or_refused_by_name) {
    EXPECT_EQ(text_of(*read_file(folder_ + "/a.conf", 6)), "a.conf");
    EXPECT_EQ(read_file(folder_ + "/a.conf", 5).error().code, Errc::limit);
    EXPECT_EQ(read_file(folder_ + "/none", 5).error().code, Errc::not_found);
    EXPECT_EQ(read_file(folder_, 5).error().code, Errc::system);
    EXPECT_NE(read_file(folder_ + "/none", 5).error().detail.find("/none"), std::string::npos);
}

TEST_F(Files, are_replaced_whole_and_for_the_owner_alone) {
    const std::string path = folder_ + "/secrets";
    ASSERT_TRUE(replace_private_file(path, bytes_of("first")));
    ASSERT_TRUE(replace_private_file(path, bytes_of("second")));
    EXPECT_EQ(text_of(*read_file(path, 10)), "second");
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_FALSE(exists(path + ".new"));
    EXPECT_FALSE(replace_private_file(folder_ + "/none/secrets", bytes_of("first")));
}

TEST_F(Files, patterns_give_sorted_paths) {
    EXPECT_EQ(matching_files(folder_ + "/*.conf"), (std::vector{folder_ + "/a.conf", folder_ + "/b.conf"}));
    EXPECT_EQ(matching_files(folder_ + "/c.txt").size(), 1U);
    EXPECT_TRUE(matching_files(folder_ + "/d*").empty());
    EXPECT_EQ(files_in(folder_).size(), 3U);
    EXPECT_TRUE(files_in(folder_ + "/none").empty());
}

TEST_F(Files, a_lock_is_held_by_one) {
    auto first = lock_file(folder_ + "/lock");
    ASSERT_TRUE(first);
    EXPECT_EQ(lock_file(folder_ + "/lock").error().code, Errc::state);
    first->close();
    EXPECT_TRUE(lock_file(folder_ + "/lock"));
}

}  // namespace
}  // namespace cygnet::os
