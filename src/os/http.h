// HTTP as one call: GET, or POST when there is a body. What it may cost is limited. By TLS only where `tls` says so, and then by
// nothing else.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/boxed.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "base/result.h"
#include "model/address.h"

namespace cygnet::os {

// PEM files: who must answer (empty: a CA of the host's), and who we are (empty: nobody in particular).
struct HttpsCredentials {
    std::string ca{}, certificate{}, key{};
};

struct HttpRequest {
    std::string url{};
    Bytes body{};
    std::string content_type{};
    std::size_t octets_max = 0;
    Duration deadline{};
    unsigned redirects_max = 0;
    Boxed<HttpsCredentials> tls{};
    // Asked before every connection, whatever a name or a redirection led to.
    std::function<bool(const model::IpAddress&)> may_connect{};
};

// The content of a response with status 200. Blocks until the deadline at most, or until `give_up` is set. The error's detail
// says in one sentence what was wrong.
Result<Bytes> fetch_by_http(const HttpRequest& request, const std::atomic<bool>& give_up);

}  // namespace cygnet::os
