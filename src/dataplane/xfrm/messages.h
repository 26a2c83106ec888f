// Requests to the kernel's IPsec as octets, and its answers and events as values. Pure: no socket, no state.
#pragma once

#include <optional>
#include <variant>

#include "base/result.h"
#include "dataplane/xfrm/message.h"
#include "dataplane/xfrm/values.h"

namespace cygnet::dataplane::xfrm {

Message add_state(const State& state);
Message remove_state(const StateId& id);
Message get_state(const StateId& id);
// Replaces the counters of sequence numbers of a state that is there.
Message set_replay(const StateId& id, const ReplayState& replay);

Message put_policy(const PolicyName& name, const PolicyAction& action);  // adds or replaces
Message remove_policy(const PolicyName& name);
// Gives the states of a policy, and the policy, other outer addresses.
struct Move {
    PolicyName policy{};
    std::uint32_t reqid = 0;
    model::ChildMode mode = model::ChildMode::tunnel;
    model::IpAddress old_source{}, old_destination{}, new_source{}, new_destination{};
    std::optional<Encapsulation> encapsulation{};
    std::uint8_t protocol = IPPROTO_ESP;
};
Message migrate(const Move& move);

// The body of XFRM_MSG_NEWSA and XFRM_MSG_NEWPOLICY as the kernel answers; of XFRM_MSG_UPDPOLICY as well.
Result<State> read_state(ByteView body);
struct Policy {
    PolicyName name{};
    PolicyAction action{};
};
Result<Policy> read_policy(ByteView body);

using KernelEvent = std::variant<Acquire, Expire, Mapping>;
// Nothing for what we do not listen to, and for what is cut short.
std::optional<KernelEvent> read_event(std::uint16_t type, ByteView body);

// For IP_XFRM_POLICY: the packets of a socket pass in the clear.
xfrm_userpolicy_info bypass_of_socket(model::Family family, Direction direction);

}  // namespace cygnet::dataplane::xfrm
