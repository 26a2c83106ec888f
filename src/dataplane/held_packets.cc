#include "dataplane/held_packets.h"

#include <utility>

#include "model/limits.h"

namespace cygnet::dataplane {

bool HeldPackets::hold(model::PolicyId policy, Held held) {
    const auto found = queues_.find(policy);
    if (found != queues_.end() && found->second.held.size() >= model::limits::held_packets_per_policy) return false;
    if (octets_ + held.packet.size() > model::limits::held_octets) return false;
    octets_ += held.packet.size();
    queues_[policy].held.push_back(std::move(held));
    return true;
}

bool HeldPackets::due(model::PolicyId policy, Instant now) {
    const auto found = queues_.find(policy);
    if (found == queues_.end()) return false;
    Instant& told = found->second.told;
    if (told != Instant{} && now - told < model::limits::acquire_interval) return false;
    told = now;
    return true;
}

void HeldPackets::review(const std::function<bool(Held&)>& keep) {
    for (auto queue = queues_.begin(); queue != queues_.end();) {
        std::deque<Held> all = std::exchange(queue->second.held, {});
        for (Held& held : all) {
            if (keep(held)) queue->second.held.push_back(std::move(held));
            else octets_ -= held.packet.size();
        }
        queue = queue->second.held.empty() ? queues_.erase(queue) : std::next(queue);
    }
}

void HeldPackets::each(const std::function<void(model::PolicyId, const Held&)>& tell) const {
    for (const auto& [policy, queue] : queues_) tell(policy, queue.held.front());
}

}  // namespace cygnet::dataplane
