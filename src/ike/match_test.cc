#include "ike/match.h"

#include <gmock/gmock.h>

#include "base/rng.h"
#include "ike/auth/auth.h"
#include "model/config_index.h"

namespace cygnet::ike {
namespace {

const char* const ids[] = {"a.example", "A.EXAMPLE", "b.example", "*.example", "%any", "192.0.2.1", "@#0102", "x@a.example"};
const char* const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.0/24", "198.51.100.7", "%any"};

model::HostPattern host(std::string_view text) {
    if (text == "%any") return {.text = std::string(text), .any = true};
    return {.text = std::string(text), .range = model::AddressRange::parse(text)};
}

// Small worlds in which much is alike, so that an index that forgets something is found out.
struct World {
    SeededRng rng;
    model::Config config{};

    explicit World(std::uint64_t seed) : rng(seed) {
        for (int i = 0; i < 12; ++i) {
            model::Connection connection{.name = "c" + std::to_string(i)};
            connection.remote_addrs = {host(any_of(addresses))};
            if (rng.below(3) == 0) connection.remote_addrs.push_back(host(any_of(addresses)));
            connection.local_addrs = {host(rng.below(2) == 0 ? "%any" : "203.0.113.1")};
            if (rng.below(4) == 0) connection.proposals.pop_back();
            connection.remote = {{.name = "remote", .id = identity()}};
            config.connections[connection.name] = std::make_shared<const model::Connection>(connection);
            auto secret = std::make_shared<model::SharedSecret>();
            secret->name = "s" + std::to_string(i);
            for (std::uint64_t n = rng.below(3); n > 0; --n) secret->owners.push_back(identity());
            config.secrets[secret->name] = std::move(secret);
        }
    }
    template <std::size_t size>
    const char* any_of(const char* const (&words)[size]) {
        return words[rng.below(size)];
    }
    model::Identity identity() { return model::Identity::parse(any_of(ids)); }
    model::Path path() {
        const char* const peers[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7", "198.51.100.8"};
        return {.local = {*model::IpAddress::parse(rng.below(2) == 0 ? "203.0.113.1" : "203.0.113.2"), 500},
                .remote = {*model::IpAddress::parse(any_of(peers)), 500}};
    }
};

std::vector<std::string> names(const Connections& connections) {
    std::vector<std::string> all;
    for (const auto& connection : connections) all.push_back(connection->name);
    return all;
}

// The first whose offer is `proposals`: what IKE_SA_INIT takes.
std::string first_with(const Connections& connections, std::size_t proposals) {
    for (const auto& connection : connections)
        if (connection->proposals.size() == proposals) return connection->name;
    return "none";
}

TEST(Match, FindsTheSameWithAnIndexAsWithout) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        World world(seed);
        const auto indexed = model::with_index(world.config);
        for (int i = 0; i < 10; ++i) {
            const model::Path path = world.path();
            const model::Identity peer = world.identity(), own = world.identity();
            EXPECT_EQ(names(connections_for(*indexed, path, peer)), names(connections_for(world.config, path, peer))) << seed;
            EXPECT_EQ(names(all_connections_for(*indexed, path)), names(connections_for(world.config, path))) << seed;
            for (const std::size_t proposals : {1u, 2u})
                EXPECT_EQ(first_with(connections_for(*indexed, path), proposals),
                          first_with(connections_for(world.config, path), proposals))
                    << seed;
            EXPECT_EQ(find_shared_secret(*indexed, own, peer), find_shared_secret(world.config, own, peer)) << seed;
            EXPECT_EQ(find_shared_secret(*indexed, own, {}), find_shared_secret(world.config, own, {})) << seed;
        }
    }
}

}  // namespace
}  // namespace cygnet::ike
