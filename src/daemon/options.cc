#include "daemon/options.h"

#include <CLI/CLI.hpp>

#include <map>

#include "daemon/log.h"
#include "dataplane/userspace_backend.h"

namespace cygnet::daemon {

ParsedOptions parse_options(int argc, char** argv) {
    Options options;
    std::string level = "info";
    CLI::App app("cygnetd: an IKEv2 and IPsec daemon. It runs in the foreground; swanctl and cygnet command it.", "cygnetd");
    auto* config = app.add_option("--config", options.config, "configuration file, in the syntax of swanctl.conf")
                       ->type_name("FILE")
                       ->capture_default_str();
    app.add_option("--vici", options.vici, "control socket: unix://PATH or tcp://ADDRESS:PORT [unix://RUN-DIR/cygnet.vici]")
        ->type_name("URI");
    app.add_option("--run-dir", options.run_folder, "folder of the control socket and the lock")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--state-dir", options.state_folder, "folder of what outlives a restart")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--log", level, "how much to say: audit, info, debug, trace (or 0 to 3)")
        ->type_name("LEVEL")
        ->check([](const std::string& word) {
            return parse_log_level(word) ? "" : "audit, info, debug, trace or 0 to 3 is accepted";
        })
        ->capture_default_str();
    app.add_option("--port", options.network.port, "UDP port of IKE")->type_name("PORT")->capture_default_str();
    app.add_option("--nat-port", options.network.nat_port, "UDP port of IKE and ESP behind NATs")
        ->type_name("PORT")
        ->capture_default_str();
    app.add_option("--tcp-port", options.network.tcp_port, "TCP port of IKE and ESP (RFC 9329); 0: none")
        ->type_name("PORT")
        ->capture_default_str();
    const std::map<std::string, Esp> esp{{"userspace", Esp::userspace}, {"kernel", Esp::kernel}, {"auto", Esp::automatic}};
    app.add_option("--esp", options.network.esp,
                   "who does ESP: userspace (Cygnet itself), kernel, or auto (the kernel where it can, else Cygnet) [userspace]")
        ->type_name("WHO")
        ->transform(CLI::CheckedTransformer(esp));
    app.add_option("--tun", options.network.tun, "name of the TUN device")->type_name("NAME")->capture_default_str();
    // From behind the rule of the table "local" to before that of the table "main"; each daemon has three rules.
    app.add_option("--routing", options.network.mark, "number of the routing table, its rules and the mark of the daemon's own packets")
        ->type_name("NUMBER")
        ->check(CLI::Range(300U, 32'700U))
        ->capture_default_str();
    std::string refused_icmp = "none";
    app.add_option("--refuse-icmp", refused_icmp,
                   "ICMP errors about our IKE and ESP packets that are not believed: unreachable, too-big, time-exceeded, parameter-problem, "
                   "source-quench, redirect, with commas between them; all; none")
        ->type_name("LIST")
        ->check([](const std::string& words) {
            const auto errors = dataplane::parse_icmp_errors(words);
            return errors ? std::string() : errors.error().detail;
        })
        ->capture_default_str();
    app.add_option("--workers", options.network.workers, "threads of Cygnet's own ESP, 32 at most; 0: one for each core")
        ->type_name("NUMBER")
        ->check(CLI::Range(std::size_t{0}, dataplane::workers_max))
        ->capture_default_str();
    const std::map<std::string, ike::Puzzles> puzzles{
        {"never", ike::Puzzles::never}, {"by-load", ike::Puzzles::by_load}, {"always", ike::Puzzles::always}};
    app.add_option("--puzzles", options.puzzles, "whether initiators must solve puzzles before they are served: never, by-load, always [never]")
        ->type_name("WHEN")
        ->transform(CLI::CheckedTransformer(puzzles));
    std::string numbers;
    app.add_option("--private-numbers", numbers,
                   "numbers of private use in place of Cygnet's, as mceliece348864=50201,frodo640shake=50202; the peer needs the same")
        ->type_name("LIST")
        ->check([](const std::string& words) {
            const auto parsed = model::parse_assigned_numbers(words);
            return parsed ? std::string() : parsed.error().detail;
        });
    app.add_flag("--check", options.check, "load the configuration, print what is wrong with it, and exit");
    app.add_flag("--version", options.version, "print the version and which library computes each algorithm, and exit");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return {options, app.exit(error) == 0 ? 0 : 2};
    }
    options.config_named = config->count() != 0;
    options.network.refused_icmp = dataplane::parse_icmp_errors(refused_icmp).value();
    options.private_numbers = model::parse_assigned_numbers(numbers).value();
    options.log_level = parse_log_level(level).value_or(1);
    if (options.vici.empty()) options.vici = "unix://" + options.run_folder + "/cygnet.vici";
    return {options, {}};
}

}  // namespace cygnet::daemon
