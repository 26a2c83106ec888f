#include "wire/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/reader.h"

namespace cygnet::wire {
namespace {

constexpr std::size_t length_size = 2;
constexpr std::array<std::uint8_t, 4> marker{};
constexpr std::uint8_t keepalive = 0xff;  // RFC 3948 §2.3

bool is_keepalive(ByteView content) { return content.size() == 1 && content.front() == keepalive; }

}  // namespace

void StreamReader::add(ByteView octets) {
    if (failed_) return;
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
    append(buffer_, octets);
}

// False: more of it must come. What cannot become the prefix fails at its first wrong octet.
Result<bool> StreamReader::pass_prefix() {
    const ByteView expected = bytes_of(stream_prefix).last(prefix_left_);
    const std::size_t size = std::min(prefix_left_, incomplete());
    if (!equal(ByteView(buffer_).subspan(read_, size), expected.first(size)))
        return fail(Errc::bad_value, "stream prefix", "the stream does not begin with IKETCP");
    read_ += size;
    prefix_left_ -= size;
    return prefix_left_ == 0;
}

Result<std::optional<StreamMessage>> StreamReader::next() {
    if (failed_) return fail(*failed_);
    if (prefix_left_ != 0) {
        const auto passed = pass_prefix();
        if (!passed) failed_ = passed.error();
        if (!passed) return fail(*failed_);
        if (!*passed) return std::nullopt;
    }
    while (incomplete() >= length_size) {
        Reader reader(ByteView(buffer_).subspan(read_));
        const std::size_t length = TRY(reader.u16("stream"));
        if (length < length_size) {
            failed_ = Error{.code = Errc::bad_length,
                            .where = "stream",
                            .detail = fmt::format("a message with the length {}", length)};
            return fail(*failed_);
        }
        if (reader.left() < length - length_size) return std::nullopt;
        const ByteView content = TRY(reader.take(length - length_size, "stream"));
        read_ += length;
        if (content.empty() || is_keepalive(content)) continue;
        if (content.size() >= marker.size() && equal(content.first(marker.size()), marker))
            return StreamMessage{.content = StreamContent::ike, .octets = content.subspan(marker.size())};
        return StreamMessage{.content = StreamContent::esp, .octets = content};
    }
    return std::nullopt;
}

Result<> write_stream_message(Bytes& stream, StreamContent content, ByteView message) {
    const std::size_t size = message.size() + (content == StreamContent::ike ? marker.size() : 0);
    if (size > stream_message_octets_max)
        return fail(Errc::limit, "stream", fmt::format("{} octets do not fit into one message of a stream", size));
    Writer writer(stream);
    writer.u16(static_cast<std::uint16_t>(size + length_size));
    if (content == StreamContent::ike) writer.bytes(marker);
    writer.bytes(message);
    return {};
}

}  // namespace cygnet::wire
