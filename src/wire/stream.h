// IKE and ESP in one TCP stream, RFC 9329 §3 and §4: the prefix that the originator sends once, then messages.
//
//   | IKETCP | length | 0 0 0 0 IKE message | length | ESP packet | length | ff | …
//              2 octets, counts itself                                  keepalive
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cygnet::wire {

inline constexpr std::string_view stream_prefix = "IKETCP";
inline constexpr std::size_t stream_message_octets_max = 65'533;  // §3: what a length of 16 bits leaves

enum class StreamContent : std::uint8_t { ike, esp };

struct StreamMessage {
    StreamContent content{};
    ByteView octets{};  // an IKE message without its non-ESP marker, or an ESP packet
};

// Cuts what arrives, in pieces of any size, into messages. Holds at most one message that is not complete.
class StreamReader {
public:
    enum class Prefix : bool { sent_by_us, expected };
    explicit StreamReader(Prefix prefix) : prefix_left_(prefix == Prefix::expected ? stream_prefix.size() : 0) {}

    void add(ByteView octets);
    // The next complete message, whose view holds until add(); nothing when more octets must come first. Empty messages
    // and keepalives are skipped (§3, §6.6). An error means that the stream must be closed, and stays: bad_value for
    // another prefix, bad_length for a length of 0 or 1 (§3.1).
    Result<std::optional<StreamMessage>> next();

    bool prefix_complete() const { return prefix_left_ == 0; }
    std::size_t incomplete() const { return buffer_.size() - read_; }  // octets that wait for the rest of theirs

private:
    Result<bool> pass_prefix();

    Bytes buffer_;
    std::size_t read_ = 0;  // octets of the buffer that are done
    std::size_t prefix_left_;
    std::optional<Error> failed_;
};

// Appends one message as it goes into the stream; limit when it is longer than a length can say.
Result<> write_stream_message(Bytes& stream, StreamContent content, ByteView message);

}  // namespace cygnet::wire
