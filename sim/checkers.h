// What must hold after every step, whatever the network does. The first violation ends a run.
//
//   - Two ends that name the same pair of SPIs hold the same keys and mirrored selectors.
//   - A request that is answered, or a message that is sent, twice is the same octets both times.
//   - Nothing is said about an IKE SA, or done for it, after Close.
//   - The data plane holds exactly the children that the engine knows; no SPI is used twice.
//   - A packet is never opened with a wrong key and never leaves its selectors.
//   - A deadline lies in the future once its step is over; SAs and half-open SAs stay few.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ike/effects.h"
#include "sim/backend.h"

namespace cygnet::sim {

class Node;

class Checkers {
public:
    // How many IKE SAs an honest run may have at one node, at any time.
    std::size_t ike_sas_max = 40;

    const std::optional<std::string>& violation() const { return violation_; }
    void fail(std::string what);
    void require(bool condition, const Node& node, const char* what);

    void judge(const Node& node, const ike::Effects& effects);
    void judge(const Node& node, FakeBackend::Verdict verdict);
    void judge_state(const Node& node, Instant now);
    void installed(const Node& node, const model::ChildSaSpec& spec);

private:
    void judge_message(const Node& node, const Bytes& datagram);
    void judge_report(const Node& node, const model::Event& event);

    struct Installed {
        std::string node;
        std::uint32_t spi_out = 0;
        std::uint64_t digest_in = 0, digest_out = 0;
        model::TrafficSelectors local{}, remote{};
    };
    // Whose, SPIs, flags, exchange, message ID, fragment.
    using MessageName = std::tuple<std::string, std::uint64_t, std::uint64_t, int, int, std::uint32_t, std::uint32_t>;
    using SaName = std::tuple<std::string, unsigned, model::IkeSaId>;

    std::optional<std::string> violation_{};
    std::multimap<std::uint32_t, Installed> installed_{};  // by spi_in
    std::map<MessageName, std::uint64_t> sent_{};
    std::set<SaName> closed_{};
};

}  // namespace cygnet::sim
