// The way to the kernel's IPsec: requests that it answers at once, and events that it sends by itself.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "dataplane/xfrm/messages.h"
#include "os/fd.h"

namespace cygnet::dataplane::xfrm {

// Why the kernel did not do it.
struct Refusal {
    int number = 0;      // errno
    std::string words{};  // the kernel's own, where it has some
};

class Kernel {
public:
    virtual ~Kernel() = default;
    virtual std::expected<void, Refusal> change(Message message) = 0;
    // The body of the one message that answers; wiped by its owner, because a state's has its keys.
    virtual std::expected<SecretBytes, Refusal> ask(Message message) = 0;
    // All the answers to a request for a list.
    virtual std::expected<std::vector<SecretBytes>, Refusal> list(std::uint16_t type) = 0;

    // Readable when there are events.
    virtual int event_fd() const = 0;
    // A bounded number of those that wait. Some may have been lost: events help, but nothing depends on them alone.
    virtual std::vector<KernelEvent> events() = 0;
};

// The kernel of this host. Errors: system, with what to do.
Result<std::unique_ptr<Kernel>> open_kernel();

// The name of the error, the kernel's words, and what can be done about it.
Error explained(const Refusal& refusal, const char* where, const std::string& what);

}  // namespace cygnet::dataplane::xfrm
