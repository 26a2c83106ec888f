#include "os/fd.h"

#include <unistd.h>

namespace cygnet::os {

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

Fd::~Fd() { close(); }

void Fd::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

}  // namespace cygnet::os
