// One end of a tunnel with fixed keys, for measuring the data plane without IKE: brings it up in the present
// network namespace, says "ready", runs until SIGTERM or SIGINT, and prints what was counted as JSON; at SIGUSR1 too.
//
//   tunnel_end left|right LOCAL-OUTER REMOTE-OUTER LOCAL-INNER REMOTE-INNER [plain] [raw] [workers=N] [MTU]
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "dataplane/userspace_backend.h"
#include "esp/test_packets.h"
#include "os/fd.h"

namespace {

using namespace cygnet;

struct Arguments {
    bool left = true, offload = true, udp = true;
    unsigned mtu = 1400;
    std::size_t workers = 0;  // one for each core
    model::IpAddress local, remote;
    model::TrafficSelectors local_inner, remote_inner;
};

std::optional<Arguments> parse(int count, char** texts) {
    if (count < 6) return std::nullopt;
    Arguments arguments;
    arguments.left = std::string_view(texts[1]) == "left";
    const auto local = model::IpAddress::parse(texts[2]), remote = model::IpAddress::parse(texts[3]);
    const auto local_inner = model::ConfiguredSelector::parse(texts[4]);
    const auto remote_inner = model::ConfiguredSelector::parse(texts[5]);
    if (!local || !remote || !local_inner || !remote_inner) return std::nullopt;
    arguments.local = *local;
    arguments.remote = *remote;
    arguments.local_inner = {local_inner->selector};
    arguments.remote_inner = {remote_inner->selector};
    for (int i = 6; i < count; ++i) {
        const std::string_view text = texts[i];
        if (text == "plain")
            arguments.offload = false;
        else if (text == "raw")
            arguments.udp = false;
        else if (text.starts_with("workers="))
            arguments.workers = static_cast<std::size_t>(std::atoi(texts[i] + std::strlen("workers=")));
        else
            arguments.mtu = static_cast<unsigned>(std::atoi(texts[i]));
    }
    return arguments;
}

model::ChildSaSpec spec_of(const Arguments& arguments) {
    model::ChildSaSpec spec = esp::testing::test_spec();
    if (!arguments.left) spec = esp::testing::mirrored(spec);
    spec.local = arguments.local_inner;
    spec.remote = arguments.remote_inner;
    spec.path = {{arguments.local, 4500}, {arguments.remote, 4500}};
    spec.udp_encapsulation = arguments.udp;
    spec.replay_window = 4096;
    return spec;
}

void report(const dataplane::UserspaceBackend& backend) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    const auto done = backend.statistics();
    std::string drops;
    const auto counts = backend.drops();
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] != 0)
            drops += fmt::format("{}\"{}\":{}", drops.empty() ? "" : ",", esp::name_of(static_cast<esp::Drop>(i)),
                                 counts[i]);
    fmt::print(
        "{{\"packets_in\":{},\"packets_out\":{},\"tun_reads\":{},\"tun_writes\":{},"
        "\"carrier_receives\":{},\"carrier_sends\":{},\"waits\":{},\"user_s\":{:.4f},"
        "\"system_s\":{:.4f},\"drops\":{{{}}}}}\n",
        done.packets_in, done.packets_out, done.tun_reads, done.tun_writes, done.carrier_receives, done.carrier_sends,
        done.waits, seconds(usage.ru_utime), seconds(usage.ru_stime), drops);
    std::fflush(stdout);
}

// Blocks the signals before there are threads; readable when one came.
os::Fd open_signals() {
    sigset_t awaited;
    sigemptyset(&awaited);
    for (const int number : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&awaited, number);
    sigprocmask(SIG_BLOCK, &awaited, nullptr);
    return os::Fd(::signalfd(-1, &awaited, SFD_CLOEXEC));
}

void run(const os::Fd& signals, dataplane::UserspaceBackend& backend) {
    for (;;) {
        pollfd waiting[] = {{signals.number(), POLLIN, 0}, {backend.event_fd(), POLLIN, 0}};
        ::poll(waiting, 2, -1);
        if (waiting[1].revents != 0) backend.dispatch_events();
        if (waiting[0].revents == 0) continue;
        report(backend);
        signalfd_siginfo came{};
        if (::read(signals.number(), &came, sizeof came) != sizeof came || came.ssi_signo != SIGUSR1) return;
    }
}

}  // namespace

int main(int count, char** texts) {
    const auto arguments = parse(count, texts);
    if (!arguments) {
        fmt::print(stderr,
                   "usage: tunnel_end left|right LOCAL-OUTER REMOTE-OUTER LOCAL-INNER "
                   "REMOTE-INNER [plain] [raw] [workers=N] [MTU]\n");
        return 2;
    }
    const os::Fd signals = open_signals();
    dataplane::UserspaceConfig config;
    config.offload = arguments->offload;
    config.mtu = arguments->mtu;
    config.workers = arguments->workers;
    auto backend = dataplane::UserspaceBackend::open(config, {});
    if (!backend) {
        fmt::print(stderr, "tunnel_end: {}\n", backend.error().text());
        return 1;
    }
    if (auto installed = (*backend)->install(spec_of(*arguments)); !installed) {
        fmt::print(stderr, "tunnel_end: {}\n", installed.error().text());
        return 1;
    }
    fmt::print("ready: {}\n", (*backend)->description());
    std::fflush(stdout);
    run(signals, **backend);
}
