// A data plane for tests.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/backend.h"

namespace cygnet::daemon {

// A data plane that only remembers.
class FakeBackend final : public dataplane::ChildBackend {
public:
    Result<> install(model::ChildSaSpec spec) override {
        if (broken) return fail(Errc::system, "fake", "the table is full");
        children.push_back(std::move(spec));
        return {};
    }
    void activate(model::ChildId, model::Resource) override { ++activated; }
    void remove(model::ChildId child, Duration) override {
        std::erase_if(children, [child](const auto& spec) { return spec.id == child; });
    }
    void move(model::ChildId, const model::Path&, bool) override {}
    Result<> install_policy(const model::PolicySpec& spec) override {
        if (broken) return fail(Errc::unsupported, "fake", "no policies here");
        policies.push_back(spec);
        return {};
    }
    void remove_policy(model::PolicyId policy) override {
        std::erase_if(policies, [policy](const auto& spec) { return spec.id == policy; });
    }
    void skip_sequence_numbers(model::ChildId, std::uint64_t) override {}
    std::optional<model::ChildUsage> usage(model::ChildId) const override { return counted; }
    model::PacketDrops packet_drops() const override { return {{"unknown-spi", 3}}; }
    model::PacketDrops packet_drops(model::ChildId) const override { return {{"replayed", 2}, {"bad-padding", 0}}; }
    model::Resource resources() const override { return workers; }
    bool can_compress() const override { return compresses; }
    bool can(const model::Transform& transform) const override { return std::ranges::find(missing, transform) == missing.end(); }
    std::string description() const override { return "ESP of a test"; }

    std::vector<model::ChildSaSpec> children;
    std::vector<model::PolicySpec> policies;
    std::vector<model::Transform> missing;
    bool compresses = true;
    int activated = 0;
    model::Resource workers = 1;
    bool broken = false;
    model::ChildUsage counted{};
};

}  // namespace cygnet::daemon
