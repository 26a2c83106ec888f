#include "wire/header.h"

#include "wire/codec.h"

namespace cygnet::wire {

CYGNET_WIRE_CODEC(Header);

Result<Header> parse_header(ByteView datagram) {
    Reader reader(datagram);
    const Header header = TRY(parse_element<Header>(reader));
    if (header.length != datagram.size()) {
        return fail(Errc::bad_length, "IKE header",
                    "Length says " + std::to_string(header.length) + ", the datagram has " +
                        std::to_string(datagram.size()) + " octets");
    }
    return header;
}

}  // namespace cygnet::wire
