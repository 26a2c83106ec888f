#include "daemon/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace cygnet::daemon {
namespace {

ParsedOptions parse(std::vector<std::string> words) {
    words.insert(words.begin(), "cygnetd");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    return parse_options(static_cast<int>(argv.size()), argv.data());
}

TEST(Options, defaults_need_no_words) {
    const auto parsed = parse({});
    EXPECT_FALSE(parsed.exit_status);
    EXPECT_EQ(parsed.options.config, "/etc/cygnet/cygnet.conf");
    EXPECT_FALSE(parsed.options.config_named);
    EXPECT_EQ(parsed.options.vici, "unix:///run/cygnet/cygnet.vici");
    EXPECT_EQ(parsed.options.network.port, 500);
    EXPECT_EQ(parsed.options.network.nat_port, 4500);
    EXPECT_EQ(parsed.options.network.tcp_port, 0) << "nobody listens on TCP unless asked to";
    EXPECT_EQ(parsed.options.log_level, 1);
    EXPECT_EQ(parsed.options.puzzles, ike::Puzzles::never);
}

TEST(Options, puzzles_are_a_word_of_three) {
    EXPECT_EQ(parse({"--puzzles", "by-load"}).options.puzzles, ike::Puzzles::by_load);
    EXPECT_EQ(parse({"--puzzles", "sometimes"}).exit_status, 2);
}

TEST(Options, who_does_esp_is_a_word_of_three) {
    EXPECT_EQ(parse({}).options.network.esp, Esp::userspace);
    EXPECT_EQ(parse({"--esp", "kernel"}).options.network.esp, Esp::kernel);
    EXPECT_EQ(parse({"--esp", "auto"}).options.network.esp, Esp::automatic);
    EXPECT_EQ(parse({"--esp", "card"}).exit_status, 2);
}

TEST(Options, routing_has_a_number_of_its_own) {
    EXPECT_EQ(parse({}).options.network.mark, 4500U);
    EXPECT_EQ(parse({"--routing", "4600"}).options.network.mark, 4600U);
    EXPECT_EQ(parse({"--routing", "254"}).exit_status, 2) << "the main table";
    EXPECT_EQ(parse({"--routing", "32766"}).exit_status, 2) << "the main table's rule";
}

// RFC 4301 §6.1.1 [175]: by type.
TEST(Options, ICMP_that_is_not_believed_is_a_list_of_words) {
    EXPECT_TRUE(parse({}).options.network.refused_icmp.empty());
    const std::vector<dataplane::IcmpError> two{dataplane::IcmpError::too_big, dataplane::IcmpError::redirect};
    EXPECT_EQ(parse({"--refuse-icmp", "too-big,redirect"}).options.network.refused_icmp, two);
    EXPECT_EQ(parse({"--refuse-icmp", "echo"}).exit_status, 2);
}

TEST(Options, numbers_of_private_use_are_read_and_checked) {
    EXPECT_TRUE(parse({}).options.private_numbers.empty());
    const auto numbers = parse({"--private-numbers", "mceliece348864=50201"}).options.private_numbers;
    ASSERT_EQ(numbers.size(), 1U);
    EXPECT_EQ(numbers.front().method, model::Ke::mceliece_348864);
    EXPECT_EQ(parse({"--private-numbers", "mlkem768=50201"}).exit_status, 2);
}

TEST(Options, the_control_socket_follows_the_run_folder) {
    EXPECT_EQ(parse({"--run-dir", "/run/other"}).options.vici, "unix:///run/other/cygnet.vici");
    EXPECT_EQ(parse({"--run-dir", "/run/other", "--vici", "tcp://127.0.0.1:4502"}).options.vici, "tcp://127.0.0.1:4502");
}

TEST(Options, a_named_configuration_is_remembered_as_named) {
    const auto parsed = parse({"--config", "my.conf", "--log", "debug", "--port", "1500", "--tun", "vpn0"});
    EXPECT_TRUE(parsed.options.config_named);
    EXPECT_EQ(parsed.options.config, "my.conf");
    EXPECT_EQ(parsed.options.log_level, 2);
    EXPECT_EQ(parsed.options.network.port, 1500);
    EXPECT_EQ(parse({"--tcp-port", "4500"}).options.network.tcp_port, 4500);
    EXPECT_EQ(parsed.options.network.tun, "vpn0");
    EXPECT_EQ(parsed.options.network.workers, 0U) << "one for each core";
    EXPECT_EQ(parse({"--workers", "2"}).options.network.workers, 2U);
}

TEST(Options, wrong_words_end_with_status_2_and_a_sentence) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--log", "loud"}, {"--port", "70000"}, {"--workers", "33"}, {"--no-such-option"}, {"--config"}}) {
        ::testing::internal::CaptureStderr();
        const auto parsed = parse(words);
        EXPECT_FALSE(::testing::internal::GetCapturedStderr().empty()) << words[0];
        EXPECT_EQ(parsed.exit_status, 2) << words[0];
    }
}

}  // namespace
}  // namespace cygnet::daemon
