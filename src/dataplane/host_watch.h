// The addresses and routes of this host as other programs and the weather change them (rtnetlink).
#pragma once

#include <map>
#include <vector>

#include "base/result.h"
#include "model/address.h"

struct mnl_socket;

namespace cygnet::dataplane {

struct HostWatchSettings {
    unsigned tunnel_device = 0;  // index of our TUN device: its addresses are virtual ones
    std::uint32_t mark = 0;      // of our own packets: their routes count
};

class HostWatch {
public:
    static Result<HostWatch> open(const HostWatchSettings& settings);
    HostWatch(HostWatch&& other) noexcept;
    HostWatch& operator=(HostWatch&&) = delete;
    ~HostWatch();

    // Readable when something has changed; drain() makes it wait for the next change. True if one of them can matter: those of
    // the tunnel's own device and routes do not.
    int fd() const;
    bool drain();

    struct Addresses {
        std::vector<model::IpAddress> usable;  // of universal scope, on links that are up
        std::vector<model::IpAddress> others;  // loopback, link-local, virtual, of links that are down
    };
    Result<Addresses> addresses();

    // Whence packets can be sent to `remote`: what the routing tables choose, then each usable address whose packets leave
    // by its own link.
    std::vector<model::IpAddress> sources_towards(const model::IpAddress& remote);

private:
    HostWatch(mnl_socket* events, mnl_socket* queries, const HostWatchSettings& settings)
        : events_(events), queries_(queries), settings_(settings) {}
    struct Dump;
    bool ask(const void* request, Dump& into);

    mnl_socket* events_;
    mnl_socket* queries_;
    HostWatchSettings settings_;
    unsigned sequence_ = 0;
    std::vector<std::pair<model::IpAddress, unsigned>> usable_{};  // with the link that has it, as of addresses()
};

}  // namespace cygnet::dataplane
