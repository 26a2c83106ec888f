#include "cli/decode.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/capture.h"
#include "cli/commands.h"
#include "wire/print.h"

namespace cygnet::cli {
namespace {

using nlohmann::ordered_json;

class Decoder {
public:
    explicit Decoder(bool json) : json_(json) {}

    void frame(const Frame& frame) {
        if (first_seconds_ == 0) {
            first_seconds_ = frame.seconds;
            first_microseconds_ = frame.microseconds;
        }
        if (const auto* ike = std::get_if<CapturedIke>(&frame.content)) message(frame, *ike);
        else if (const auto* fragment = std::get_if<CapturedFragment>(&frame.content)) ip_fragment(frame, *fragment);
    }
    int finish(const std::string& file) {
        if (json_) {
            const std::string text = all_.dump(2) + "\n";
            std::fwrite(text.data(), 1, text.size(), stdout);
        } else if (count_ == 0) {
            fmt::print("{}: no IKE messages (UDP ports 500 and 4500)\n", file);
        }
        return succeeded;
    }

private:
    double time_ms(const Frame& frame) const {
        return static_cast<double>(frame.seconds - first_seconds_) * 1000 +
               (static_cast<double>(frame.microseconds) - static_cast<double>(first_microseconds_)) / 1000;
    }
    ordered_json head(const Frame& frame, const std::string& from, const std::string& to, std::size_t octets) const {
        return {{"frame", frame.number}, {"time_ms", time_ms(frame)}, {"from", from}, {"to", to}, {"octets", octets}};
    }

    void message(const Frame& frame, const CapturedIke& ike) {
        ++count_;
        const auto parsed = wire::parse_message(ike.message);
        std::string why = parsed ? "" : parsed.error().text();
        if (frame.cut_short) why += " (the capture holds only part of this frame)";
        if (!json_) {
            fmt::print("frame {}, {:.3f} ms, {} -> {}, {} octets\n", frame.number, time_ms(frame), ike.from.text(), ike.to.text(),
                       ike.message.size());
            if (parsed) fmt::print("{}\n", wire::print(*parsed));
            else fmt::print("  malformed: {}\n\n", why);
            return;
        }
        ordered_json object = head(frame, ike.from.text(), ike.to.text(), ike.message.size());
        if (parsed) {
            add_fields(object, *parsed);
        } else {
            object["malformed"] = why;
        }
        all_.push_back(std::move(object));
    }

    static void add_fields(ordered_json& object, const wire::Message& message) {
        const wire::Header& header = message.header;
        object["exchange"] = model::name_of(header.exchange);
        object["response"] = header.response;
        object["initiator"] = header.initiator;
        object["message_id"] = header.message_id;
        object["spi_i"] = fmt::format("{:016x}", header.spi_i);
        object["spi_r"] = fmt::format("{:016x}", header.spi_r);
        object["summary"] = wire::summary(message);
        auto& payloads = object["payloads"] = ordered_json::array();
        for (const wire::Payload& payload : message.payloads) payloads.push_back(wire::print(payload));
    }

    void ip_fragment(const Frame& frame, const CapturedFragment& fragment) {
        ++count_;
        if (json_) {
            ordered_json object = head(frame, fragment.from.text(), fragment.to.text(), fragment.octets);
            object["ip_fragment_offset"] = fragment.offset;
            all_.push_back(std::move(object));
            return;
        }
        fmt::print("frame {}, {:.3f} ms, {} -> {}, {} octets\n  IP fragment at offset {}: not reassembled\n\n", frame.number,
                   time_ms(frame), fragment.from.text(), fragment.to.text(), fragment.octets, fragment.offset);
    }

    bool json_;
    std::size_t count_ = 0;
    std::int64_t first_seconds_ = 0;
    std::uint32_t first_microseconds_ = 0;
    ordered_json all_ = ordered_json::array();
};

}  // namespace

int decode(const DecodeOptions& options) {
    Decoder decoder(options.json);
    const auto read = read_capture(options.file, [&](const Frame& frame) { decoder.frame(frame); });
    if (!read) {
        fmt::print(stderr, "cygnet: {}\n", read.error().detail);
        return failed;
    }
    return decoder.finish(options.file);
}

}  // namespace cygnet::cli
