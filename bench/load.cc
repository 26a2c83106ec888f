// P24: how long 10,000 connections take to load, as a file and as swanctl sends them, and to load again after one change;
// beside reading the same file's syntax alone.
//
//   load [--connections N] [--rounds N]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/measurement.h"
#include "vici/service.h"

namespace {

using namespace cygnet;

class OneFile final : public vici::FileSource {
public:
    std::string text{};
    Result<std::string> read(const std::string&) override { return text; }
    std::vector<std::string> glob(const std::string&) override { return {}; }
};

// A daemon that does nothing.
class NoControl final : public vici::Control {
public:
    void send(vici::ClientId, Bytes) override {}
    void drop(vici::ClientId, const std::string&) override {}
    void initiate(const std::string&, const std::string&, Finished) override {}
    void start(const std::string&, const std::string&) override {}
    void leave_down(const std::string&) override {}
    std::optional<Duration> next_attempt(const std::string&) const override { return std::nullopt; }
    void terminate(const ike::SaSelector&, bool, Finished) override {}
    void rekey(const ike::SaSelector&, bool, Finished) override {}
    void clone(const ike::SaSelector&, Finished) override {}
    void redirect(const ike::Redirect&, Finished) override {}
    void install(const std::string&, const std::string&, Finished) override {}
    void uninstall(const std::string&, const std::string&, Finished) override {}
    void configure(std::shared_ptr<const model::Config>, std::shared_ptr<const ike::Credentials>) override {}
    Result<> reload() override { return {}; }
    ike::Engine::CertificateCaches certificate_caches() const override { return {}; }
    std::vector<model::IkeStatus> ike_sas() const override { return {}; }
    std::vector<model::PolicyStatus> policies() const override { return {}; }
    std::vector<ike::Engine::PoolStatus> pools() const override { return {}; }
    model::Counters counters() const override { return {}; }
    model::Counters counters(std::string_view) const override { return {}; }
    model::PacketDrops packet_drops() const override { return {}; }
    std::vector<model::Failure> failures(std::string_view) const override { return {}; }
    std::vector<model::Failure> stranger_failures() const override { return {}; }
    vici::DaemonFacts facts() const override { return {}; }
};

std::string file_text(int connections, int changed) {
    std::string conns = "connections {\n", secrets = "secrets {\n";
    for (int i = 0; i < connections; ++i) {
        conns += fmt::format(
            "    branch{0} {{\n        remote_addrs = 10.{1}.{2}.1\n        local {{\n            auth = psk\n            id = "
            "hub.example\n        }}\n        remote {{\n            auth = psk\n            id = branch{0}.example\n        }}\n"
            "        children {{\n            net {{\n                local_ts = 10.0.0.0/8\n                remote_ts = "
            "172.{3}.{4}.0/24\n                rekey_time = {5}\n            }}\n        }}\n    }}\n",
            i, i / 250, i % 250, 16 + i / 4096, i % 256, i == changed ? 1800 : 3600);
        secrets += fmt::format("    ike-{0} {{\n        id = branch{0}.example\n        secret = \"secret of branch {0}\"\n    }}\n", i);
    }
    return conns + "}\n" + secrets + "}\n";
}

double milliseconds_since(double start_ns) { return (bench::nanoseconds_now() - start_ns) / 1e6; }

double load(vici::ConfigStore& store, OneFile& file) {
    const double start = bench::nanoseconds_now();
    if (!vici::load_files(store, file, "cygnet.conf").empty() || !store.config()) std::exit(1);
    return milliseconds_since(start);
}

double parse(OneFile& file) {
    const double start = bench::nanoseconds_now();
    if (!vici::parse_config_file(file, "cygnet.conf").complaints.empty()) std::exit(1);
    return milliseconds_since(start);
}

// As swanctl sends them: one load-conn for each connection, then the pause after which the engine is told.
double over_vici(OneFile& file) {
    const vici::Section tree = vici::parse_config_file(file, "cygnet.conf").tree;
    vici::ConfigStore store;
    NoControl control;
    vici::Service service(store, control);
    const vici::ClientId client{1};
    service.connected(client);
    Instant now = Instant::after_start(seconds(1));
    std::vector<Bytes> segments;
    for (const vici::Entry& connection : tree.section("connections")->entries()) {
        vici::Section message;
        message.add_entry(connection);
        // swanctl splits lists; these have one item each.
        vici::Entry& remote = *std::get<vici::Section>(message.mutable_entries().front().value).find("remote_addrs");
        remote.value = vici::List{*remote.text()};
        for (vici::Entry& child : std::get<vici::Section>(
                 std::get<vici::Section>(message.mutable_entries().front().value).find("children")->value).mutable_entries())
            for (vici::Entry& key : std::get<vici::Section>(child.value).mutable_entries())
                if (key.name.ends_with("_ts")) key.value = vici::List{*key.text()};
        segments.push_back(*vici::encode({.type = vici::PacketType::command_request, .name = "load-conn", .message = message}));
    }
    const double start = bench::nanoseconds_now();
    for (const Bytes& segment : segments) service.received(now, client, segment);
    service.tick(service.next_deadline());
    const double took = milliseconds_since(start);
    if (store.config()->connections.size() != segments.size()) {
        std::fprintf(stderr, "load: %zu of %zu connections were taken\n", store.config()->connections.size(), segments.size());
        std::exit(1);
    }
    return took;
}

int number_of(int argc, char** argv, std::string_view option, int otherwise) {
    for (int i = 1; i + 1 < argc; ++i)
        if (argv[i] == option) return std::atoi(argv[i + 1]);
    return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
    const int connections = number_of(argc, argv, "--connections", 10'000), rounds = number_of(argc, argv, "--rounds", 5);
    OneFile file, changed;
    file.text = file_text(connections, -1);
    changed.text = file_text(connections, connections / 2);
    const std::string many = fmt::format("{} connections", connections), other = "reading the file's syntax alone";
    bench::Measurement first{.id = "P24", .name = many + ", a file", .unit = "ms", .other = other};
    bench::Measurement again{.id = "P24", .name = many + ", again after one change", .unit = "ms", .other = other};
    bench::Measurement vici{.id = "P24", .name = many + ", by load-conn", .unit = "ms", .other = other};
    for (int i = 0; i < rounds; ++i) {
        vici::ConfigStore store;
        const double syntax = parse(file);
        first.samples.push_back({load(store, file), syntax});
        again.samples.push_back({load(store, changed), syntax});
        vici.samples.push_back({over_vici(file), syntax});
    }
    bench::print({first, again, vici});
}
