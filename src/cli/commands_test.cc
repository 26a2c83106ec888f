// The commands against a real Service behind a socket, with a daemon that only remembers.
#include "cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "vici/service.h"
#include "vici/test_control.h"

namespace cygnet::cli {
namespace {

using testing::HasSubstr;

// Serves one client after the other; initiate and terminate succeed at once, after a line of log.
class TestDaemon {
public:
    TestDaemon() {
        path_ = std::filesystem::path(testing::TempDir()) / ("cygnet-cli-test-" + std::to_string(::getpid()) + ".vici");
        std::filesystem::remove(path_);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
        load();
        thread_ = std::thread([this] { serve(); });
    }
    ~TestDaemon() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
        std::filesystem::remove(path_);
    }
    std::string uri() const { return "unix://" + path_.string(); }

    vici::ConfigStore store{};
    vici::TestControl control{};
    vici::Service service{store, control};
    Result<> outcome{};  // of the next command

private:
    void load() {
        vici::Section message;
        vici::Section& home = message.add_section("home");
        home.add_section("local").add("auth", "psk");
        vici::Section& children = home.add_section("children");
        children.add_section("net");
        children.add_section("dmz");
        children.add_section("lan").add("mode", "pass");
        ASSERT_TRUE(store.load_connection(message).empty());
        service.apply();
        model::IkeStatus sa{.name = "home", .state = model::IkeState::established};
        sa.children.push_back({.name = "net", .unique_id = 3, .state = model::ChildState::installed});
        control.sas.push_back(sa);
        service.report(Instant::after_start(milliseconds(5)),
                       model::MessageTrace{.sent = true, .exchange = model::ExchangeType::ike_sa_init, .octets = 248, .payloads = {{.type = model::PayloadType::sa}, {.type = model::PayloadType::ke}, {.type = model::PayloadType::nonce}}});
    }
    void serve() {
        for (std::uint64_t number = 1;; ++number) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket < 0) return;
            serve_client(socket, vici::ClientId{number});
            ::close(socket);
        }
    }
    void serve_client(int socket, vici::ClientId client) {
        service.connected(client);
        std::array<std::uint8_t, 4096> buffer;
        while (true) {
            const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
            if (size <= 0) break;
            service.received(Instant{}, client, ByteView(buffer).first(static_cast<std::size_t>(size)));
            for (auto& command : std::exchange(control.commands, {})) {
                service.report(Instant{}, model::LogLine{.group = model::LogGroup::ike, .message = command.text, .ike_name = "home"});
                command.finished(outcome, 1);
            }
            const Bytes out = std::exchange(control.sent[client], {});
            if (::send(socket, out.data(), out.size(), MSG_NOSIGNAL) < 0) break;
        }
        service.disconnected(client);
    }

    std::filesystem::path path_;
    int listener_ = -1;
    std::thread thread_;
};

struct Commands : testing::Test {
    TestDaemon daemon;
    int status_ = -1;

    template <class Run>
    std::string run(bool json, Run&& command) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        status_ = command(Common{daemon.uri(), json});
        std::fflush(stdout);
        errors = testing::internal::GetCapturedStderr();
        return testing::internal::GetCapturedStdout();
    }
    std::string errors;
};

// But for those that have no SA.
TEST_F(Commands, UpBringsUpAConnectionWithAllItsChildren) {
    EXPECT_EQ(run(false, [](const Common& common) { return up(common, {.name = "home"}); }),
              "[IKE] initiate home/net\nhome/net is up\n[IKE] initiate home/dmz\nhome/dmz is up\n");
    EXPECT_EQ(status_, succeeded);
}

TEST_F(Commands, UpBringsUpOneChild) {
    const auto answer = nlohmann::json::parse(run(true, [](const Common& common) { return up(common, {.name = "dmz"}); }));
    EXPECT_EQ(status_, succeeded);
    EXPECT_EQ(answer["success"], true);
    EXPECT_EQ(answer["up"], nlohmann::json({"home/dmz"}));
    EXPECT_EQ(answer["log"][0]["msg"], "initiate home/dmz");
}

TEST_F(Commands, UpNamesWhatIsConfiguredWhenTheNameIsNot) {
    run(false, [](const Common& common) { return up(common, {.name = "hoem"}); });
    EXPECT_EQ(status_, failed);
    EXPECT_EQ(errors, "cygnet: no connection or child is named 'hoem'; configured: home/net, home/dmz, home/lan\n");
    run(false, [](const Common& common) { return up(common, {.name = "home", .only_child = true}); });
    EXPECT_EQ(status_, failed);
}

TEST_F(Commands, UpSaysWhyItFailed) {
    daemon.outcome = fail(Errc::no_match, "SA", "the peer accepts no proposal");
    run(false, [](const Common& common) { return up(common, {.name = "net", .quiet = true}); });
    EXPECT_EQ(status_, failed);
    EXPECT_EQ(errors, "cygnet: establishing CHILD_SA 'net' failed: the peer accepts no proposal\n");
}

TEST_F(Commands, DownTakesDownAConnectionOrAChild) {
    EXPECT_THAT(run(false, [](const Common& common) { return down(common, {.name = "home"}); }), HasSubstr("terminate home/\nhome is down\n"));
    EXPECT_THAT(run(false, [](const Common& common) { return down(common, {.name = "net"}); }), HasSubstr("terminate /net\nnet is down\n"));
    EXPECT_EQ(status_, succeeded);
    run(false, [](const Common& common) { return down(common, {.name = "dmz"}); });
    EXPECT_EQ(errors, "cygnet: no matching SAs to terminate found\n");
    EXPECT_EQ(status_, failed);
}

TEST_F(Commands, CloneAsksForASecondIkeSa) {
    EXPECT_THAT(run(false, [](const Common& common) { return clone(common, "home"); }), HasSubstr("home has another IKE SA\n"));
    EXPECT_EQ(status_, succeeded);
    run(false, [](const Common& common) { return clone(common, "nobody"); });
    EXPECT_EQ(errors, "cygnet: no matching SAs to clone found\n");
    EXPECT_EQ(status_, failed);
}

TEST_F(Commands, StatusPrintsATableOrJson) {
    EXPECT_THAT(run(false, [](const Common& common) { return status(common, {}); }), HasSubstr("home[0]  ESTABLISHED"));
    const auto sas = nlohmann::json::parse(run(true, [](const Common& common) { return status(common, {}); }));
    ASSERT_EQ(sas.size(), 1u);
    EXPECT_EQ(sas[0]["name"], "home");
    EXPECT_EQ(sas[0]["child-sas"]["net-3"]["state"], "INSTALLED");
    EXPECT_EQ(run(true, [](const Common& common) { return status(common, {.name = "other"}); }), "[]\n");
    EXPECT_THAT(run(false, [](const Common& common) { return status(common, {.name = "other"}); }), HasSubstr("no SAs"));
    const auto counters = nlohmann::json::parse(run(true, [](const Common& common) { return status(common, {.counters = true}); }));
    EXPECT_EQ(counters["invalid-spi"], 0);
}

TEST_F(Commands, LogShowsTheLadder) {
    EXPECT_THAT(run(false, [](const Common& common) { return log(common, {.messages = true}); }), HasSubstr("──►  IKE_SA_INIT request 0"));
    const auto messages = nlohmann::json::parse(run(true, [](const Common& common) { return log(common, {.messages = true}); }));
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0]["time_ms"], 5.0);
    EXPECT_EQ(messages[0]["sent"], true);
    EXPECT_EQ(messages[0]["response"], false);
    EXPECT_EQ(messages[0]["id"], 0);
    EXPECT_EQ(messages[0]["octets"], 248);
}

TEST_F(Commands, ReloadPassesOnWhatIsWrong) {
    EXPECT_EQ(run(false, [](const Common& common) { return reload(common); }), "the configuration is loaded\n");
    daemon.control.reload_result = fail(Errc::bad_syntax, "configuration", "cygnet.conf:3: a: unknown key");
    run(false, [](const Common& common) { return reload(common); });
    EXPECT_EQ(status_, failed);
    EXPECT_EQ(errors, "cygnet: cygnet.conf:3: a: unknown key\n");
}

TEST(Unreachable, SaysWhatToDo) {
    const auto error = [](const std::string& uri) {
        testing::internal::CaptureStderr();
        EXPECT_EQ(status({.uri = uri}, {}), unreachable);
        return testing::internal::GetCapturedStderr();
    };
    EXPECT_THAT(error("unix:///nowhere/cygnet.vici"), HasSubstr("is cygnetd running?"));
    EXPECT_THAT(error("tcp://127.0.0.1:1"), HasSubstr("Connection refused"));
    EXPECT_THAT(error("http://x"), HasSubstr("neither unix://PATH nor tcp://ADDRESS:PORT"));
    EXPECT_THAT(error("tcp://nowhere"), HasSubstr("ADDRESS:PORT"));
}

}  // namespace
}  // namespace cygnet::cli
