#include "os/http.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "os/socket_address.h"

namespace cygnet::os {
namespace {

struct EndTransfer {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
using Transfer = std::unique_ptr<CURL, EndTransfer>;
struct FreeHeaders {
    void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
};

// What curl's callbacks share.
struct State {
    const HttpRequest& request;
    const std::atomic<bool>& give_up;
    Bytes content{};
    bool too_long = false;
    std::string refused{};  // the address that must not be asked
};

std::size_t take_content(const char* data, std::size_t, std::size_t size, void* user) {
    auto& state = *static_cast<State*>(user);
    if (state.content.size() + size > state.request.octets_max) {
        state.too_long = true;
        return 0;
    }
    append(state.content, bytes_of({data, size}));
    return size;
}

int watch(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<State*>(user)->give_up.load() ? 1 : 0;
}

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* wanted) {
    auto& state = *static_cast<State*>(user);
    sockaddr_storage storage{};
    std::memcpy(&storage, &wanted->addr, std::min<std::size_t>(wanted->addrlen, sizeof storage));
    const model::IpAddress address = SocketAddress::endpoint_of(storage).address;
    if (state.request.may_connect && !state.request.may_connect(address)) {
        state.refused = address.text();
        return CURL_SOCKET_BAD;
    }
    return ::socket(wanted->family, wanted->socktype | SOCK_CLOEXEC, wanted->protocol);
}

void set_up_tls(CURL* curl, const HttpsCredentials& tls) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!tls.ca.empty()) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, tls.ca.c_str());
        curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
    if (tls.certificate.empty()) return;
    curl_easy_setopt(curl, CURLOPT_SSLCERT, tls.certificate.c_str());
    curl_easy_setopt(curl, CURLOPT_SSLKEY, tls.key.c_str());
}

void set_up(CURL* curl, State& state, curl_slist* headers) {
    const HttpRequest& request = state.request;
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(request.deadline).count();
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    const char* protocol = request.tls ? "https" : "http";
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocol);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocol);
    if (request.tls) set_up_tls(curl, *request.tls);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.redirects_max == 0 ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, static_cast<long>(request.redirects_max));
    // A proxy would be asked in place of the address that may_connect looks at.
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(milliseconds));
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.octets_max));
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cygnet");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_content);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &state);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &state);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &state);
    if (request.body.empty()) return;
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
}

std::unexpected<Error> explain(CURLcode code, const State& state, long status) {
    if (state.too_long || code == CURLE_FILESIZE_EXCEEDED)
        return fail(Errc::limit, "HTTP", fmt::format("the answer is longer than {} octets", state.request.octets_max));
    if (!state.refused.empty())
        return fail(Errc::state, "HTTP", fmt::format("the address {} must not be asked because of a certificate", state.refused));
    if (code == CURLE_OPERATION_TIMEDOUT) return fail(Errc::timeout, "HTTP", "no complete answer in time");
    if (code == CURLE_HTTP_RETURNED_ERROR) return fail(Errc::not_found, "HTTP", fmt::format("the server answered {}", status));
    return fail(Errc::system, "HTTP", curl_easy_strerror(code));
}

}  // namespace

Result<Bytes> fetch_by_http(const HttpRequest& request, const std::atomic<bool>& give_up) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    const Transfer curl(curl_easy_init());
    if (!curl) return fail(Errc::system, "HTTP", "libcurl cannot be used");
    const std::unique_ptr<curl_slist, FreeHeaders> headers(
        curl_slist_append(nullptr, ("Content-Type: " + request.content_type).c_str()));
    State state{.request = request, .give_up = give_up};
    set_up(curl.get(), state, headers.get());
    const CURLcode code = curl_easy_perform(curl.get());
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) return explain(code, state, status);
    if (status != 200) return fail(Errc::not_found, "HTTP", fmt::format("the server answered {}", status));
    return std::move(state.content);
}

}  // namespace cygnet::os
