// RFC 5723: what an IKE SA knows of its tickets, and what all SAs share.
#pragma once

#include "ike/context.h"
#include "ike/ticket.h"

namespace cygnet::ike {

// Of one IKE SA.
struct Resumption {
    std::int64_t authenticated_at = 0;  // with credentials, by it or by the SA that it resumed; seconds since 1970
    // We ask for tickets.
    bool client = false;
    std::optional<StoredTicket> presented{};  // by us, and neither accepted nor refused
    // We give them out.
    bool ticket_wanted = false;
    std::optional<Ticket> accepted{};  // by us, until the peer has proved that it is its own
    struct Issued {
        TicketSerial serial{};
        std::int64_t expires = 0;
    };
    std::optional<Issued> issued{};
};

// Of the whole engine.
struct TicketTables {
    TicketOffice office{};
    struct Entry {
        StoredTicket ticket{};
        bool unanswered = false;  // was presented in vain: the next attempt does without it
    };
    std::map<std::string, Entry> purse{};  // our own tickets by connection, one for each
};

}  // namespace cygnet::ike
