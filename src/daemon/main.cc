#include "daemon/daemon.h"

int main(int argc, char** argv) {
    using namespace cygnet::daemon;
    const auto parsed = parse_options(argc, argv);
    if (parsed.exit_status) return *parsed.exit_status;
    cygnet::model::use_assigned_numbers(parsed.options.private_numbers);
    if (parsed.options.version) {
        print_version(CYGNET_VERSION);
        return 0;
    }
    if (parsed.options.check) return check_configuration(parsed.options);
    return run_daemon(parsed.options, CYGNET_VERSION);
}
