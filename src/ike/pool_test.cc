#include "ike/pool.h"

#include <gtest/gtest.h>

namespace cygnet::ike {
namespace {

model::Pool pool_of(std::string_view range) {
    return {.name = "p", .addresses = *model::AddressRange::parse(range), .base_text = std::string(range)};
}
model::Identity peer(std::string_view name) { return {.type = model::IdType::fqdn, .data = keep(bytes_of(name))}; }
model::IpAddress ip(std::string_view text) { return *model::IpAddress::parse(text); }

TEST(AddressPools, GivesEachPeerItsOwnAddress) {
    AddressPools pools;
    const model::Pool pool = pool_of("10.3.0.1-10.3.0.3");
    EXPECT_EQ(pools.acquire(pool, peer("a"), {}).value(), ip("10.3.0.1"));
    EXPECT_EQ(pools.acquire(pool, peer("b"), {}).value(), ip("10.3.0.2"));
    EXPECT_EQ(pools.acquire(pool, peer("c"), {}).value(), ip("10.3.0.3"));
    EXPECT_EQ(pools.acquire(pool, peer("d"), {}).error().code, Errc::not_found);
}

TEST(AddressPools, GivesAReturningPeerTheAddressItHad) {
    AddressPools pools;
    const model::Pool pool = pool_of("10.3.0.0/24");
    const auto first = pools.acquire(pool, peer("a"), {}).value();
    pools.acquire(pool, peer("b"), {}).value();
    pools.release("p", first);
    EXPECT_EQ(pools.acquire(pool, peer("c"), {}).value(), ip("10.3.0.2"));
    EXPECT_EQ(pools.acquire(pool, peer("a"), {}).value(), first);
}

TEST(AddressPools, TakesAnAddressFromAnAbsentPeerWhenNoneIsFree) {
    AddressPools pools;
    const model::Pool pool = pool_of("10.3.0.1");
    pools.release("p", pools.acquire(pool, peer("a"), {}).value());
    EXPECT_EQ(pools.acquire(pool, peer("b"), {}).value(), ip("10.3.0.1"));
    EXPECT_EQ(pools.acquire(pool, peer("a"), {}).error().code, Errc::not_found);
}

TEST(AddressPools, GrantsARequestedFreeAddressOfThePoolOnly) {
    AddressPools pools;
    const model::Pool pool = pool_of("10.3.0.0/24");
    EXPECT_EQ(pools.acquire(pool, peer("a"), ip("10.3.0.77")).value(), ip("10.3.0.77"));
    EXPECT_EQ(pools.acquire(pool, peer("b"), ip("10.3.0.77")).value(), ip("10.3.0.0"));
    EXPECT_EQ(pools.acquire(pool, peer("c"), ip("192.0.2.1")).value(), ip("10.3.0.1"));
}

TEST(AddressPools, CountsLeasesForOperators) {
    AddressPools pools;
    const model::Pool pool = pool_of("fd00::/112");
    pools.acquire(pool, peer("a"), {}).value();
    pools.release("p", pools.acquire(pool, peer("b"), {}).value());
    const Engine::PoolStatus status = pools.status(pool);
    EXPECT_EQ(status.size, 65536U);
    EXPECT_EQ(status.online, 1U);
    EXPECT_EQ(status.offline, 1U);
    EXPECT_TRUE(pools.any_online("p"));
}

}  // namespace
}  // namespace cygnet::ike
