// Packets that met a trap and wait for its child: a bounded queue for each policy, ended by time. The worker's own.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "base/instant.h"
#include "dataplane/tun_device.h"
#include "model/sa_spec.h"

namespace cygnet::dataplane {

class HeldPackets {
public:
    struct Held {
        VnetHeader header;
        std::vector<std::uint8_t> packet;
        std::size_t packets;  // that it stands for
        model::PacketEnds ends;
        Instant until;
    };

    bool empty() const { return queues_.empty(); }
    // False when the policy's queue, or all of them together, are full.
    bool hold(model::PolicyId policy, Held held);
    // Whether the control thread is to hear of the policy again; it counts as told then.
    bool due(model::PolicyId policy, Instant now);

    // Goes through all that wait, oldest first in each queue; `keep` says whether it stays.
    void review(const std::function<bool(Held&)>& keep);
    // For each policy that still has packets: its oldest one.
    void each(const std::function<void(model::PolicyId, const Held&)>& tell) const;

private:
    struct Queue {
        std::deque<Held> held{};
        Instant told{};
    };
    std::map<model::PolicyId, Queue> queues_;
    std::size_t octets_ = 0;
};

}  // namespace cygnet::dataplane
