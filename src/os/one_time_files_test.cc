#include "os/one_time_files.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"

namespace cygnet::os {
namespace {

class OneTime : public testing::Test {
protected:
    OneTime() {
        std::string pattern = (std::filesystem::temp_directory_path() / "cygnet-one-time-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~OneTime() override { std::filesystem::remove_all(folder_); }
    void put(const std::string& name, const std::string& content) { std::ofstream(folder_ + "/" + name) << content; }
    OneTimeFiles files() const { return {folder_, 4, 64}; }

    std::string folder_;
};

TEST_F(OneTime, AFileIsTakenOnceAndItsContentIsGone) {
    put("a", "content of a");
    const auto first = files().take_any(7);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->name, "a");
    EXPECT_EQ(text_of(first->content.reveal()), "content of a");
    EXPECT_EQ(files().take_any(7).error().code, Errc::not_found);
    EXPECT_EQ(std::filesystem::file_size(folder_ + "/used/a"), 0u);
}

TEST_F(OneTime, LookingAtAFileLeavesItUntilItIsUsedUp) {
    put("a", "content of a");
    EXPECT_EQ(text_of(files().look_at("a")->reveal()), "content of a");
    EXPECT_TRUE(files().use_up("a"));
    EXPECT_EQ(files().look_at("a").error().code, Errc::state);
    EXPECT_FALSE(files().use_up("a"));
}

TEST_F(OneTime, WhatIsRestoredFromABackupStaysUsed) {
    put("a", "content of a");
    ASSERT_TRUE(files().take_any(0));
    put("a", "content of a");
    EXPECT_EQ(files().look_at("a").error().code, Errc::state);
    EXPECT_EQ(files().use_up("a").error().code, Errc::state);
    EXPECT_FALSE(files().take_any(0));
}

TEST_F(OneTime, NamesLeadNowhereElse) {
    put("a", "content of a");
    for (const char* name : {"", ".", "..", "used", "../a", "/etc/passwd", "used/a", "a/../a", ".hidden", "a b", "a\n"})
        EXPECT_EQ(files().look_at(name).error().code, Errc::not_found) << name;
    std::filesystem::create_symlink("/etc/passwd", folder_ + "/link");
    EXPECT_FALSE(files().look_at("link"));
}

TEST_F(OneTime, WhatIsNoKeyIsLeftAlone) {
    put("short", "abc");
    put("long", std::string(65, 'x'));
    EXPECT_FALSE(files().take_any(0));
    EXPECT_EQ(files().look_at("short").error().code, Errc::bad_length);
    put("right", "abcd");
    for (std::uint64_t pick = 0; pick < 3; ++pick) put("right" + std::to_string(pick), "abcd");
    EXPECT_TRUE(files().take_any(0));
    EXPECT_EQ(OneTimeFiles("/nowhere", 4, 64).take_any(0).error().code, Errc::not_found);
}

// Takes files until it is killed, and names each after it has it: from there on it might use it.
[[noreturn]] void take_all(const OneTimeFiles& files, int to_parent) {
    for (std::uint64_t pick = 0;; pick += 13) {
        const auto file = files.take_any(pick);
        if (!file) ::_exit(0);
        const std::string line = file->name + "\n";
        if (::write(to_parent, line.data(), line.size()) < 0) ::_exit(1);
    }
}

TEST_F(OneTime, WhoeverIsKilledTakesNothingASecondTime) {
    constexpr std::size_t count = 60;
    for (std::size_t i = 0; i < count; ++i) put("pad" + std::to_string(i), "content");
    std::set<std::string> taken;
    // Each child is killed after it has named a few: wherever that finds it, what it named is gone.
    while (true) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const Fd out(ends[0]);
        Fd in(ends[1]);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) take_all(files(), in.number());
        in.close();
        std::string names;
        char octet = 0;
        for (std::size_t lines = 0; ::read(out.number(), &octet, 1) == 1;) {
            names += octet;
            if (octet == '\n' && ++lines == 5) ::kill(child, SIGKILL);
        }
        ::waitpid(child, nullptr, 0);
        if (names.empty()) break;
        for (std::size_t begin = 0, end = 0; (end = names.find('\n', begin)) != names.npos; begin = end + 1)
            EXPECT_TRUE(taken.insert(names.substr(begin, end - begin)).second) << names.substr(begin, end - begin);
    }
    EXPECT_LE(taken.size(), count);
    EXPECT_FALSE(files().take_any(0));
}

}  // namespace
}  // namespace cygnet::os
