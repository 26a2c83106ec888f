#include "daemon/path.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/explanation.h"

namespace cygnet::daemon {
namespace {

model::HostPattern single(std::string_view text) {
    return {.text = std::string(text), .range = model::AddressRange::single(*model::IpAddress::parse(text))};
}

class PathTest : public ::testing::Test {
protected:
    Result<Paths> find_all() {
        std::optional<Result<Paths>> paths;
        find_paths(jobs_, std::make_shared<model::Connection>(connection_), {}, [&](Result<Paths> found) {
            paths = std::move(found);
            loop_.stop();
        });
        if (!paths) loop_.run();
        return *paths;
    }
    Result<model::Path> find() {
        const auto paths = find_all();
        if (!paths) return fail(paths.error());
        return paths->front();
    }
    os::EventLoop loop_;
    os::JobPool jobs_{loop_, 1};
    model::Connection connection_{.name = "net"};
};

TEST_F(PathTest, takes_the_configured_addresses) {
    connection_.local_addrs = {single("127.0.0.5")};
    connection_.remote_addrs = {single("127.0.0.9")};
    EXPECT_EQ(find()->text(), "127.0.0.5[500] - 127.0.0.9[500]");
}

TEST_F(PathTest, takes_the_address_of_the_route_when_none_is_configured) {
    connection_.local_addrs = {{.text = "%any", .any = true}};
    connection_.remote_addrs = {single("127.0.0.9")};
    EXPECT_EQ(find()->text(), "127.0.0.1[500] - 127.0.0.9[500]");
}

TEST_F(PathTest, looks_names_up) {
    connection_.remote_addrs = {{.text = "localhost"}};
    const auto path = find();
    ASSERT_TRUE(path);
    EXPECT_TRUE(path->remote.address.text() == "127.0.0.1" || path->remote.address.text() == "::1") << path->text();
}

TEST_F(PathTest, speaks_from_the_nat_port_to_a_peer_on_another_port_than_500) {
    connection_.remote_addrs = {single("127.0.0.9")};
    connection_.remote_port = 4500;
    EXPECT_EQ(find()->text(), "127.0.0.1[4500] - 127.0.0.9[4500]");
}

TEST_F(PathTest, says_what_is_missing_when_no_peer_is_named) {
    connection_.remote_addrs = {{.text = "%any", .any = true}};
    const auto path = find();
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().detail.find("remote_addrs"), std::string::npos);
}

TEST_F(PathTest, takes_every_address_in_its_order) {
    connection_.remote_addrs = {single("127.0.0.9"), {.text = "%any", .any = true}, single("127.0.0.3"), single("127.0.0.9")};
    const auto paths = find_all();
    ASSERT_TRUE(paths);
    ASSERT_EQ(paths->size(), 2U);
    EXPECT_EQ(paths->at(0).remote.address.text(), "127.0.0.9");
    EXPECT_EQ(paths->at(1).remote.address.text(), "127.0.0.3");
}

TEST_F(PathTest, goes_on_with_the_next_when_a_name_is_unknown) {
    connection_.remote_addrs = {{.text = "nowhere.invalid"}, single("127.0.0.9")};
    EXPECT_EQ(find()->remote.address.text(), "127.0.0.9");
}

TEST_F(PathTest, explains_that_a_name_is_unknown) {
    connection_.remote_addrs = {{.text = "nowhere.invalid"}};
    const auto path = find();
    ASSERT_FALSE(path);
    ASSERT_TRUE(path.error().explanation);
    EXPECT_STREQ(path.error().explanation->kind, "name");
    EXPECT_NE(path.error().detail.find("nowhere.invalid"), std::string::npos);
}

}  // namespace
}  // namespace cygnet::daemon
