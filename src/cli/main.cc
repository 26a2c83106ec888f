// cygnet: the operator's program.
#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cli/commands.h"
#include "cli/decode.h"

using namespace cygnet::cli;

namespace {

struct Arguments {
    Common common;
    UpOptions up;
    DownOptions down;
    std::string clone;
    StatusOptions status;
    WhyOptions why;
    LogOptions log;
    DecodeOptions decode;
};

CLI::App* command(CLI::App& app, Arguments& arguments, const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_flag("--json", arguments.common.json, "print JSON");
    return sub;
}

void declare(CLI::App& app, Arguments& arguments) {
    app.set_version_flag("--version", "cygnet " CYGNET_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--vici", arguments.common.uri, "control socket: unix://PATH or tcp://ADDRESS:PORT")
        ->envname("CYGNET_VICI")
        ->capture_default_str();

    CLI::App* up = command(app, arguments, "up", "bring up a connection with its children, or one child");
    up->add_option("NAME", arguments.up.name, "connection or child")->required();
    up->add_flag("--child", arguments.up.only_child, "NAME is a child");
    up->add_option("--timeout", arguments.up.timeout_s, "seconds to wait; 0: as long as it takes")->capture_default_str();
    up->add_flag("--quiet", arguments.up.quiet, "no log lines");

    CLI::App* down = command(app, arguments, "down", "take down a connection, or one child");
    down->add_option("NAME", arguments.down.name, "connection or child")->required();
    down->add_flag("--child", arguments.down.only_child, "NAME is a child");
    down->add_flag("--force", arguments.down.force, "do not wait for the peer");
    down->add_option("--timeout", arguments.down.timeout_s, "seconds to wait; 0: as long as it takes")->capture_default_str();
    down->add_flag("--quiet", arguments.down.quiet, "no log lines");

    CLI::App* clone = command(app, arguments, "clone", "make a second IKE SA beside that of a connection");
    clone->add_option("NAME", arguments.clone, "connection")->required();

    CLI::App* status = command(app, arguments, "status", "list SAs");
    status->add_option("NAME", arguments.status.name, "of one connection");
    status->add_flag("--counters", arguments.status.counters, "counters instead of SAs");

    CLI::App* why = command(app, arguments, "why", "why a connection is not up: the last failure, and what to change");
    why->add_option("NAME", arguments.why.name, "connection; without: all that are in trouble");

    CLI::App* log = command(app, arguments, "log", "follow the daemon's log");
    log->add_flag("--messages", arguments.log.messages, "the messages sent and received, as a ladder");
    log->add_flag("--follow", arguments.log.follow, "with --messages: go on with those to come");

    command(app, arguments, "reload", "read the configuration files again");

    CLI::App* decode = command(app, arguments, "decode", "print the IKE messages of a capture");
    decode->add_option("FILE", arguments.decode.file, "pcap or pcapng")->required();
}

int run(const CLI::App& app, Arguments& arguments) {
    if (app.got_subcommand("up")) return up(arguments.common, arguments.up);
    if (app.got_subcommand("down")) return down(arguments.common, arguments.down);
    if (app.got_subcommand("clone")) return clone(arguments.common, arguments.clone);
    if (app.got_subcommand("status")) return status(arguments.common, arguments.status);
    if (app.got_subcommand("why")) return why(arguments.common, arguments.why);
    if (app.got_subcommand("log")) return log(arguments.common, arguments.log);
    if (app.got_subcommand("reload")) return reload(arguments.common);
    arguments.decode.json = arguments.common.json;
    return decode(arguments.decode);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Cygnet: IKEv2 and IPsec, from the command line", "cygnet");
    Arguments arguments;
    arguments.common.uri = "unix:///run/cygnet/cygnet.vici";
    declare(app, arguments);
    try {
        app.parse(argc, argv);
        return run(app, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? succeeded : misused;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "cygnet: %s\n", error.what());
        return failed;
    }
}
