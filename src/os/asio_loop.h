// What the .cc files of this folder share of Asio; never included from another folder.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <vector>

#include "os/event_loop.h"

namespace cygnet::os {

struct EventLoop::Impl {
    asio::io_context context{1};
    // Keeps run() going while nothing is waited for.
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::unique_ptr<asio::signal_set>> signals;
};

}  // namespace cygnet::os
