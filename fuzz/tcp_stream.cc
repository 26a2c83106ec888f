// The octets of a TCP stream: the first one says how the rest is cut. However it is cut, the same messages come out, and
// writing them again gives a stream that reads alike.
#include <algorithm>

#include "wire/stream.h"

using namespace cygnet;

static Bytes messages_of(wire::StreamReader reader, ByteView stream, std::size_t piece) {
    Bytes again;
    while (!stream.empty()) {
        const ByteView part = stream.first(std::min(piece, stream.size()));
        stream = stream.subspan(part.size());
        reader.add(part);
        for (auto next = reader.next(); next && *next; next = reader.next())
            ASSERT(wire::write_stream_message(again, (*next)->content, (*next)->octets));
        ASSERT(reader.incomplete() <= 65'535 + part.size());
    }
    return again;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    using Prefix = wire::StreamReader::Prefix;
    const ByteView stream{data + 1, size - 1};
    const Bytes whole = messages_of(wire::StreamReader(Prefix::expected), stream, size);
    ASSERT(whole == messages_of(wire::StreamReader(Prefix::expected), stream, data[0] % 16U + 1U));
    ASSERT(whole == messages_of(wire::StreamReader(Prefix::sent_by_us), whole, size));
    return 0;
}
