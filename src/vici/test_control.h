// A daemon for tests of the Service: remembers what it was told, answers when the test says so.
#pragma once

#include <map>

#include "vici/control.h"
#include "vici/packet.h"

namespace cygnet::vici {

class TestControl final : public Control {
public:
    struct Command {
        std::string text;  // "initiate home/net"
        Finished finished;
    };
    std::map<ClientId, Bytes> sent{};
    std::vector<ClientId> dropped{};
    std::vector<Command> commands{};
    std::vector<std::shared_ptr<const model::Config>> configured{};
    std::shared_ptr<const ike::Credentials> credentials{};
    std::vector<model::IkeStatus> sas{};
    std::vector<ike::Engine::PoolStatus> pool_status{};
    std::vector<model::PolicyStatus> policy_status{};
    model::Counters counted{};
    model::PacketDrops esp_drops{{"unknown-spi", 0}, {"integrity-failed", 0}};
    Result<> reload_result{};

    void send(ClientId client, Bytes segment) override { append(sent[client], segment); }
    void drop(ClientId client, const std::string&) override { dropped.push_back(client); }
    void initiate(const std::string& connection, const std::string& child, Finished finished) override {
        commands.push_back({"initiate " + connection + "/" + child, std::move(finished)});
    }
    void start(const std::string& connection, const std::string& child) override {
        commands.push_back({"start " + connection + "/" + child, [](const Result<>&, std::uint32_t) {}});
    }
    std::vector<std::string> left_down{};
    void leave_down(const std::string& connection) override { left_down.push_back(connection); }
    std::optional<Duration> next{};
    std::optional<Duration> next_attempt(const std::string&) const override { return next; }
    void terminate(const ike::SaSelector& which, bool force, Finished finished) override {
        commands.push_back({"terminate " + which.ike + "/" + which.child + (force ? " by force" : ""), std::move(finished)});
    }
    void clone(const ike::SaSelector& which, Finished finished) override {
        commands.push_back({"clone " + which.ike, std::move(finished)});
    }
    void rekey(const ike::SaSelector& which, bool reauthenticate, Finished finished) override {
        commands.push_back({(reauthenticate ? "reauthenticate " : "rekey ") + which.ike + "/" + which.child, std::move(finished)});
    }
    void install(const std::string& connection, const std::string& child, Finished finished) override {
        commands.push_back({"install " + connection + "/" + child, std::move(finished)});
    }
    void uninstall(const std::string& connection, const std::string& child, Finished finished) override {
        commands.push_back({"uninstall " + connection + "/" + child, std::move(finished)});
    }
    std::vector<model::PolicyStatus> policies() const override { return policy_status; }
    void redirect(const ike::Redirect& which, Finished finished) override {
        std::string text = "redirect " + which.ike + " to " + which.gateway;
        if (which.peer_address) text += " peer-ip " + which.peer_address->text();
        if (which.peer_id) text += " peer-id " + which.peer_id->text();
        commands.push_back({std::move(text), std::move(finished)});
    }
    void configure(std::shared_ptr<const model::Config> config, std::shared_ptr<const ike::Credentials> with) override {
        configured.push_back(std::move(config));
        credentials = std::move(with);
    }
    Result<> reload() override { return reload_result; }
    std::vector<model::IkeStatus> ike_sas() const override { return sas; }
    ike::Engine::CertificateCaches certificate_caches() const override { return caches; }
    std::vector<ike::Engine::PoolStatus> pools() const override { return pool_status; }
    model::Counters counters() const override { return counted; }
    model::Counters counters(std::string_view) const override { return counted; }
    model::PacketDrops packet_drops() const override { return esp_drops; }
    std::vector<model::Failure> failed{}, strangers{};
    std::vector<model::Failure> failures(std::string_view connection) const override {
        std::vector<model::Failure> found = failed;
        std::erase_if(found, [&](const model::Failure& failure) {
            return !connection.empty() && failure.connection != connection;
        });
        return found;
    }
    std::vector<model::Failure> stranger_failures() const override { return strangers; }
    DaemonFacts facts() const override {
        return {.version = "1.2.3", .system = "Linux", .release = "6.1", .machine = "x86_64", .since = "Nov 23 2026",
                .running = seconds(3), .population = {.ike_sas = 2, .half_open = 1, .children = 2}, .workers = 2, .data_plane = "ESP of a test"};
    }

    ike::Engine::CertificateCaches caches{.chains = std::make_shared<crypto::ChainCache>(),
                                          .revocations = std::make_shared<crypto::RevocationCache>()};

    // What a client was sent since the last call.
    std::vector<Packet> take(ClientId client) {
        SegmentReader reader;
        reader.feed(std::exchange(sent[client], {}));
        std::vector<Packet> packets;
        while (true) {
            const auto segment = reader.next();
            if (!segment || !*segment) return packets;
            packets.push_back(decode_packet(**segment).value());
        }
    }
};

}  // namespace cygnet::vici
