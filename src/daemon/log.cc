#include "daemon/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <utility>

#include "model/limits.h"
#include "os/event_loop.h"

namespace cygnet::daemon {

using model::LogGroup;
using model::LogLine;

namespace {

constexpr std::string_view group_names[] = {"DMN", "MGR", "IKE", "CHD", "JOB", "CFG", "KNL", "NET", "ENC", "ESP"};

spdlog::level::level_enum severity(int level) {
    if (level <= 1) return spdlog::level::info;
    return level == 2 ? spdlog::level::debug : spdlog::level::trace;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string escaped(std::string_view text) {
    if (std::ranges::none_of(text, is_control)) return std::string(text);
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_control(c)) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else out += c;
    }
    return out;
}

std::string text_of_line(const LogLine& line) {
    const auto group = group_names[static_cast<std::size_t>(line.group)];
    const std::string sa =
        line.ike_name.empty() ? "" : fmt::format("<{}|{}> ", escaped(line.ike_name), static_cast<std::uint32_t>(line.ike_id));
    return fmt::format("[{}] {}{}", group, sa, escaped(line.message));
}

}  // namespace

std::optional<int> parse_log_level(std::string_view word) {
    constexpr std::string_view names[] = {"audit", "info", "debug", "trace"};
    for (int level = 0; level <= 3; ++level)
        if (word == names[level] || word == std::to_string(level)) return level;
    return {};
}

struct Log::Impl {
    explicit Impl(int level_max) : level(level_max), logger("cygnetd", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger.set_pattern("%Y-%m-%dT%H:%M:%S.%e %v");
        logger.set_level(spdlog::level::trace);
        logger.flush_on(spdlog::level::trace);
    }
    // Whether a line may be printed now.
    bool within_limit(const LogLine& line) {
        if (line.level == 0 || level > 1) return true;
        const auto this_second = std::chrono::duration_cast<seconds>(os::now().since_start());
        if (this_second != second) {
            second = this_second;
            printed = 0;
            if (const auto left_out = std::exchange(suppressed, 0); left_out != 0)
                logger.info("[DMN] {} lines were left out; more than {} in a second", left_out, model::limits::log_lines_per_second);
        }
        if (printed < model::limits::log_lines_per_second) return ++printed != 0;
        ++suppressed;
        return false;
    }

    bool taps(int line_level) const { return line_level <= 1 && tap && listening(); }

    int level;
    spdlog::logger logger;
    seconds second{0};
    unsigned printed = 0;
    std::uint64_t suppressed = 0;
    std::function<void(const LogLine&)> tap;
    std::function<bool()> listening;
};

Log::Log(int level) : impl_(std::make_unique<Impl>(level)) {}
Log::~Log() = default;

void Log::on_line(std::function<void(const LogLine&)> tap, std::function<bool()> listening) {
    impl_->tap = std::move(tap);
    impl_->listening = std::move(listening);
}

bool Log::wants(int level) const { return level <= impl_->level || impl_->taps(level); }

void Log::write(const LogLine& line) {
    if (line.level <= impl_->level && impl_->within_limit(line)) impl_->logger.log(severity(line.level), "{}", text_of_line(line));
    if (impl_->taps(line.level)) impl_->tap(line);
}

void Log::write(LogGroup group, int level, std::string message) {
    write(LogLine{.group = group, .level = level, .message = std::move(message)});
}

void Log::problem(LogGroup group, const Error& error) {
    write(group, 0, error.detail.empty() ? error.text() : error.detail);
}

LogLine line_of(const model::MessageTrace& trace) {
    const auto* direction = trace.sent ? "sent" : "received";
    const auto* again = trace.retransmission ? " again" : "";
    const std::string parts = trace.datagrams > 1 ? fmt::format(" in {} fragments", trace.datagrams) : "";
    return LogLine{.group = LogGroup::enc,
                   .level = trace_level,
                   .message = fmt::format("{}{} {} {} {} [ {} ], {} octets{}", direction, again, model::name_of(trace.exchange),
                                          trace.response ? "response" : "request", trace.message_id, model::text_of(trace.payloads),
                                          trace.octets, parts),
                   .ike_id = trace.ike_id};
}

}  // namespace cygnet::daemon
