// A kernel for tests: keeps what it is told, refuses what it should, and tells what the test wants it to tell.
#pragma once

#include <linux/xfrm.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <vector>

#include "base/big_endian.h"
#include "dataplane/xfrm/kernel.h"

namespace cygnet::dataplane::xfrm {

// What the test looks at; shared, because the backend owns the kernel.
struct TestTables {
    std::vector<State> states{};
    std::vector<Policy> policies{};
    std::vector<std::uint16_t> requests{};           // types, in their order
    std::map<std::uint16_t, int> refuse{};           // type: errno
    std::set<std::string> missing_algorithms{};
    std::vector<KernelEvent> events{};
    bool cards_can = true;  // else the kernel computes itself and says nothing

    State* state(std::uint32_t spi) {
        const auto found = std::ranges::find(states, spi, [](const State& state) { return state.id.spi; });
        return found != states.end() ? &*found : nullptr;
    }
    const Policy* policy(Direction direction) const {
        const auto found = std::ranges::find(policies, direction, [](const Policy& policy) { return policy.name.direction; });
        return found != policies.end() ? &*found : nullptr;
    }
};

class TestKernel final : public Kernel {
public:
    explicit TestKernel(TestTables& tables) : tables_(tables) {}

    std::expected<void, Refusal> change(Message message) override {
        const std::uint16_t type = message.type();
        tables_.requests.push_back(type);
        if (const auto refused = tables_.refuse.find(type); refused != tables_.refuse.end())
            return std::unexpected(Refusal{.number = refused->second, .words = "because the test says so"});
        const ByteView body = message.bytes().subspan(sizeof(nlmsghdr));
        switch (type) {
            case XFRM_MSG_NEWSA: return add(body);
            case XFRM_MSG_DELSA: return remove(*front_of<xfrm_usersa_id>(body));
            case XFRM_MSG_NEWAE: return set_replay(body);
            case XFRM_MSG_UPDPOLICY: return put(*read_policy(body));
            case XFRM_MSG_DELPOLICY: return remove_policy(body);
            case XFRM_MSG_MIGRATE: return migrate(body);
            default: return std::unexpected(Refusal{.number = EINVAL});
        }
    }

    std::expected<SecretBytes, Refusal> ask(Message message) override {
        const auto id = *front_of<xfrm_usersa_id>(message.bytes().subspan(sizeof(nlmsghdr)));
        const auto found = find(id);
        if (found == tables_.states.end()) return std::unexpected(Refusal{.number = ESRCH});
        return SecretBytes::copy_of(answer_of(*found));
    }

    std::expected<std::vector<SecretBytes>, Refusal> list(std::uint16_t) override { return std::vector<SecretBytes>{}; }
    int event_fd() const override { return -1; }
    std::vector<KernelEvent> events() override { return std::exchange(tables_.events, {}); }

private:
    std::vector<State>::iterator find(const xfrm_usersa_id& id) {
        return std::ranges::find_if(tables_.states, [&](const State& state) {
            return in_network_order(state.id.spi) == id.spi &&
                   std::memcmp(&id.daddr, state.id.destination.bytes().data(), state.id.destination.bytes().size()) == 0;
        });
    }
    // As the kernel writes it: the request that made it, with the counters of now.
    static Bytes answer_of(const State& state) {
        const Message message = add_state(state);
        Bytes body = keep(message.bytes().subspan(sizeof(nlmsghdr)));
        xfrm_usersa_info info;
        std::memcpy(&info, body.data(), sizeof info);
        info.curlft.bytes = state.bytes;
        info.curlft.packets = state.packets;
        std::memcpy(body.data(), &info, sizeof info);
        body.resize(aligned(body.size()));
        const nlattr head{.nla_len = sizeof(nlattr) + sizeof state.last_used, .nla_type = XFRMA_LASTUSED};
        append(body, Message::view_of(head));
        append(body, Message::view_of(state.last_used));
        return body;
    }
    std::expected<void, Refusal> add(ByteView body) {
        State state = *read_state(body);
        state.bytes = state.packets = 0;
        for (const auto* algorithm : {&state.suite.aead, &state.suite.cipher, &state.suite.integrity, &state.suite.compression})
            if (*algorithm && tables_.missing_algorithms.contains((*algorithm)->name)) return std::unexpected(Refusal{.number = ENOSYS});
        if (!tables_.cards_can) state.offload.reset();
        if (tables_.state(state.id.spi) != nullptr) return std::unexpected(Refusal{.number = EEXIST});
        tables_.states.push_back(std::move(state));
        return {};
    }
    std::expected<void, Refusal> remove(const xfrm_usersa_id& id) {
        const auto found = find(id);
        if (found == tables_.states.end()) return std::unexpected(Refusal{.number = ESRCH});
        tables_.states.erase(found);
        return {};
    }
    std::expected<void, Refusal> set_replay(ByteView body) {
        const auto found = find(front_of<xfrm_aevent_id>(body)->sa_id);
        if (found == tables_.states.end()) return std::unexpected(Refusal{.number = ESRCH});
        xfrm_replay_state_esn replay;
        if (!read_front(Attributes::after<xfrm_aevent_id>(body).bytes(XFRMA_REPLAY_ESN_VAL), replay))
            return std::unexpected(Refusal{.number = EINVAL});
        found->replay.sent = std::uint64_t{replay.oseq_hi} << 32 | replay.oseq;
        return {};
    }
    std::expected<void, Refusal> put(Policy policy) {
        std::erase_if(tables_.policies, [&](const Policy& other) { return other.name == policy.name; });
        tables_.policies.push_back(std::move(policy));
        return {};
    }
    std::expected<void, Refusal> remove_policy(ByteView body) {
        const auto id = *front_of<xfrm_userpolicy_id>(body);
        const auto before = tables_.policies.size();
        std::erase_if(tables_.policies, [&](const Policy& policy) {
            const Message same = xfrm::remove_policy(policy.name);
            return std::memcmp(same.bytes().data() + sizeof(nlmsghdr), &id, sizeof id) == 0;
        });
        if (tables_.policies.size() == before) return std::unexpected(Refusal{.number = ENOENT});
        return {};
    }
    // The first state that fits, as the kernel does.
    std::expected<void, Refusal> migrate(ByteView body) {
        const auto move = *Attributes::after<xfrm_userpolicy_id>(body).value<xfrm_user_migrate>(XFRMA_MIGRATE);
        const auto address = [](const xfrm_address_t& octets, std::uint16_t family) {
            return *model::IpAddress::from_bytes(
                {reinterpret_cast<const std::uint8_t*>(&octets), family == AF_INET ? std::size_t{4} : std::size_t{16}});
        };
        for (State& state : tables_.states)
            if (state.reqid == move.reqid && state.id.destination == address(move.old_daddr, move.old_family) &&
                state.source == address(move.old_saddr, move.old_family)) {
                state.id.destination = address(move.new_daddr, move.new_family);
                state.source = address(move.new_saddr, move.new_family);
                break;
            }
        return {};
    }

    TestTables& tables_;
};

}  // namespace cygnet::dataplane::xfrm
