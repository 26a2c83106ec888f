// The last failure of each connection and of each of its children, and the newest of strangers. Bounded by the
// configuration and by limits::stranger_failures.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/config.h"
#include "model/failure.h"

namespace cygnet::ike {

class FailureLog {
public:
    // A failure without connection is a stranger's. One that explains nothing ("other") does not hide what is known
    // about the same SA already.
    void note(model::Failure failure);
    // What has gone wrong on the way is forgotten when the SA comes up.
    void came_up(const std::string& connection, model::IkeSaId sa);
    // What is no longer configured needs no explanation.
    void keep_only(const model::Config& config);

    // Of a connection and its children, the IKE SA first; of all connections.
    std::vector<model::Failure> of(std::string_view connection) const;
    std::vector<model::Failure> all() const;
    // Newest last.
    const std::deque<model::Failure>& strangers() const { return strangers_; }

private:
    void note_stranger(model::Failure failure);

    std::map<std::pair<std::string, std::string>, model::Failure, std::less<>> by_name_{};  // connection, child
    std::deque<model::Failure> strangers_{};
};

}  // namespace cygnet::ike
