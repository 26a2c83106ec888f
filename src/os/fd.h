// A file descriptor with one owner.
#pragma once

#include <utility>

namespace cygnet::os {

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd();

    int number() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    void close();
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

}  // namespace cygnet::os
