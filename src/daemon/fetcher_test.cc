#include "daemon/fetcher.h"

#include <gtest/gtest.h>

namespace cygnet::daemon {
namespace {

using Author = crypto::LookUp::Author;

// hostile-inputs E4: what a certificate says never leads to our own host, its link, or, when only a peer says it, inside.
TEST(Fetcher, AsksOnlyHostsThatTheAuthorOfAUrlMayName) {
    struct Row {
        const char* address;
        bool authority, peer;
    };
    constexpr Row rows[] = {
        {"192.0.2.1", true, true},        {"2001:db8::1", true, true},  {"10.1.2.3", true, false},
        {"172.31.255.255", true, false},  {"192.168.0.1", true, false}, {"100.64.0.1", true, false},
        {"fd00::1", true, false},         {"127.0.0.1", false, false},  {"127.255.0.1", false, false},
        {"169.254.169.254", false, false}, {"0.0.0.0", false, false},    {"224.0.0.1", false, false},
        {"255.255.255.255", false, false}, {"::", false, false},         {"::1", false, false},
        {"fe80::1", false, false},        {"ff02::1", false, false},    {"::ffff:127.0.0.1", false, false},
        {"::ffff:10.0.0.1", true, false}, {"64:ff9b::7f00:1", true, false}};
    for (const Row& row : rows) {
        const auto address = model::IpAddress::parse(row.address);
        ASSERT_TRUE(address) << row.address;
        EXPECT_TRUE(may_ask(Author::operator_of_ours, *address));
        EXPECT_EQ(may_ask(Author::authority, *address), row.authority) << row.address;
        EXPECT_EQ(may_ask(Author::trusted_peer, *address), row.authority) << row.address;
        EXPECT_EQ(may_ask(Author::peer, *address), row.peer) << row.address;
    }
}

}  // namespace
}  // namespace cygnet::daemon
