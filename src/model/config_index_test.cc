#include "model/config_index.h"

#include <gmock/gmock.h>

namespace cygnet::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

HostPattern host(const char* text) {
    if (std::string_view(text) == "%any") return {.text = text, .any = true};
    return {.text = text, .range = AddressRange::parse(text)};
}

IpAddress address(const char* text) { return *IpAddress::parse(text); }

struct ConfigIndexTest : testing::Test {
    Config config{};

    void add(const std::string& name, std::vector<HostPattern> remote, const char* id, const char* proposals = "default") {
        Connection connection{.name = name, .remote_addrs = std::move(remote)};
        connection.proposals = parse_proposals(Protocol::ike, proposals).value();
        connection.remote = {{.name = "remote", .id = Identity::parse(id)}};
        config.connections[name] = std::make_shared<const Connection>(std::move(connection));
    }
    void add_secret(const std::string& name, std::vector<const char*> owners) {
        auto secret = std::make_shared<SharedSecret>();
        secret->name = name;
        for (const char* owner : owners) secret->owners.push_back(Identity::parse(owner));
        config.secrets[name] = std::move(secret);
    }
    template <class Found>
    static std::vector<std::string> names(const Found& found) {
        std::vector<std::string> all;
        for (const auto& one : found) all.push_back(one->name);
        return all;
    }
};

TEST_F(ConfigIndexTest, FindsAConnectionByTheAddressThatItNames) {
    add("a", {host("192.0.2.1")}, "a.example");
    add("b", {host("192.0.2.2"), host("192.0.2.1")}, "b.example");
    add("c", {host("192.0.2.3")}, "c.example");
    const ConfigIndex index(config);
    EXPECT_THAT(names(index.first_for(address("192.0.2.1"))), ElementsAre("a", "b"));
    EXPECT_THAT(names(index.for_peer(address("192.0.2.2"), Identity::parse("whoever"))), ElementsAre("b"));
    EXPECT_THAT(names(index.first_for(address("192.0.2.9"))), IsEmpty());
}

TEST_F(ConfigIndexTest, ShowsOneOfThoseThatIkeSaInitCannotTellApart) {
    add("a", {host("%any")}, "a.example");
    add("b", {host("%any")}, "b.example");
    add("c", {host("%any")}, "c.example", "aes128-sha256-ecp256");
    add("d", {host("192.0.2.0/24")}, "d.example");
    add("e", {host("192.0.2.1"), host("%any")}, "e.example");
    const ConfigIndex index(config);
    EXPECT_THAT(names(index.first_for(address("198.51.100.1"))), ElementsAre("a", "c", "d", "e"));
    EXPECT_THAT(names(index.all_for(address("198.51.100.1"))), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(ConfigIndexTest, FindsAConnectionByTheIdentityThatItExpects) {
    add("a", {host("%any")}, "a.example");
    add("b", {host("%any")}, "B.example");
    add("c", {host("%any")}, "*.example");
    add("d", {host("%any")}, "%any");
    add("e", {host("%any")}, "192.0.2.1");
    const ConfigIndex index(config);
    EXPECT_THAT(names(index.for_peer(address("192.0.2.9"), Identity::parse("b.EXAMPLE"))), ElementsAre("b", "c", "d"));
    EXPECT_THAT(names(index.for_peer(address("192.0.2.9"), Identity::parse("192.0.2.1"))), ElementsAre("c", "d", "e"));
}

TEST_F(ConfigIndexTest, FindsSecretsByTheirOwners) {
    add_secret("a", {"a.example", "us.example"});
    add_secret("b", {"b.example", "US.example"});
    add_secret("c", {"*.example"});
    add_secret("d", {});
    add_secret("e", {"e.example"});
    const ConfigIndex index(config);
    const Identity us = Identity::parse("us.example"), peer = Identity::parse("E.example"), other = Identity::parse("z.example");
    EXPECT_THAT(names(index.secrets_for(us, &peer)), ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_THAT(names(index.secrets_for(other, nullptr)), ElementsAre("c", "d"));
}

}  // namespace
}  // namespace cygnet::model
