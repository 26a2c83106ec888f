// Two workers at each end, and SAs of single ones (RFC 9611).
#include <set>

#include "dataplane/test_tunnel.h"

namespace cygnet::dataplane::testing {
namespace {

class Workers : public Tunnel {
protected:
    static constexpr std::size_t workers = 2;

    // Each flow has a port of its own; the kernel deals them to the workers.
    void send_from_many_ports() {
        left.host.run([&] {
            const os::SocketAddress to = address_of("10.2.0.1", 9);
            for (std::uint16_t port = 20000; port < 20064; ++port) {
                const os::Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
                const os::SocketAddress from = address_of("10.1.0.1", port);
                static_cast<void>(::bind(fd.number(), from.get(), from.size));
                static_cast<void>(::sendto(fd.number(), "flow", 4, 0, to.get(), to.size));
            }
        });
    }
    std::uint64_t sent(model::ChildId child) { return left.backend->usage(child)->packets_out; }
    // At the left for `resource`, when it is active; the right only receives on those that are not the first.
    void install_for(model::Resource resource, std::uint32_t id, bool active = true) {
        model::ChildSaSpec here = esp::testing::test_spec();
        here.id = model::ChildId{id};
        here.spi_in += id;
        here.spi_out += id;
        model::ChildSaSpec there = esp::testing::mirrored(here);
        there.resource = resource == model::every_resource ? resource : model::no_resource;
        there.outbound_active = resource == model::every_resource;
        here.resource = resource;
        here.outbound_active = active;
        here.per_resource = there.per_resource = true;
        // Who receives has it first, as after an exchange of IKE: packets are waiting at the left.
        install(right, std::move(there));
        install(left, std::move(here));
    }
};

TEST_F(Workers, WishForAnSaOfTheirOwnAndUseIt) {
    open_both({.workers = workers});
    if (IsSkipped() || HasFatalFailure()) return;
    EXPECT_EQ(left.backend->resources(), workers);
    install_for(model::every_resource, 0);
    std::set<model::Resource> wanting;
    EXPECT_TRUE(left.dispatch_until([&] {
        send_from_many_ports();
        for (const auto& [child, worker] : left.wishes) wanting.insert(worker);
        return wanting.size() == workers;
    }));
    EXPECT_EQ(wanting, (std::set<model::Resource>{0, 1}));
    // One of its own for each: nothing goes through the first any more.
    install_for(0, 1);
    install_for(model::no_resource, 2, false);
    left.backend->activate(model::ChildId{2}, 1);
    const auto both_send = [&](std::uint64_t more_than_one, std::uint64_t more_than_two) {
        return left.dispatch_until([&] {
            send_from_many_ports();
            return sent(model::ChildId{1}) > more_than_one && sent(model::ChildId{2}) > more_than_two;
        });
    };
    EXPECT_TRUE(both_send(0, 0));
    const std::uint64_t first = sent(model::ChildId{0});
    EXPECT_TRUE(both_send(sent(model::ChildId{1}), sent(model::ChildId{2})));
    EXPECT_EQ(sent(model::ChildId{0}), first);
    EXPECT_TRUE(ping());
    EXPECT_EQ(right.dropped(Drop::unknown_spi), 0U);
    // Without one, the first serves again.
    left.backend->remove(model::ChildId{2}, Duration{0});
    left.backend->remove(model::ChildId{1}, Duration{0});
    send_from_many_ports();
    EXPECT_TRUE(ping());
    EXPECT_GT(sent(model::ChildId{0}), first);
}

// An SA that is used by one worker, or two that agreed on none: nobody asks.
TEST_F(Workers, WishForNothingThatWasNotAgreed) {
    open_both({.workers = workers});
    if (IsSkipped() || HasFatalFailure()) return;
    install_both(esp::testing::test_spec());
    send_from_many_ports();
    EXPECT_TRUE(ping());
    left.backend->dispatch_events();
    EXPECT_TRUE(left.wishes.empty());
}

}  // namespace
}  // namespace cygnet::dataplane::testing
