#include "daemon/fetcher.h"

#include <algorithm>
#include <array>

#include "model/limits.h"
#include "os/http.h"

namespace cygnet::daemon {
namespace {

namespace limits = model::limits;
using Author = crypto::LookUp::Author;
using Kind = crypto::LookUp::Kind;

bool is_in(const model::IpAddress& address, std::initializer_list<const char*> ranges) {
    return std::ranges::any_of(ranges, [&](const char* text) {
        const auto range = model::AddressRange::parse(text);
        return range && range->family() == address.family() && range->contains(address);
    });
}

// The IPv4 address that an IPv6 socket would reach by a mapped address.
model::IpAddress unmapped(const model::IpAddress& address) {
    if (!is_in(address, {"::ffff:0:0/96"})) return address;
    return model::IpAddress::from_bytes(address.bytes().last(4)).value_or(address);
}

std::size_t octets_max(Kind kind) {
    switch (kind) {
        case Kind::crl: return limits::crl_octets;
        case Kind::ocsp: return limits::ocsp_response_octets;
        case Kind::certificate: return limits::fetched_certificate_octets;
    }
    return 0;
}

}  // namespace

bool may_ask(Author author, const model::IpAddress& given) {
    if (author == Author::operator_of_ours) return true;
    const model::IpAddress address = unmapped(given);
    if (is_in(address, {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"}))
        return false;
    if (author != Author::peer) return true;
    return !is_in(address, {"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "fc00::/7",
                            "64:ff9b::/96", "2002::/16"});
}

Fetcher::~Fetcher() { give_up_ = true; }

void Fetcher::start(const crypto::LookUp& what, std::function<void(Result<Bytes>)> finished) {
    const bool for_stranger = what.kind == Kind::certificate;
    auto& threads = for_stranger ? threads_for_strangers_ : threads_;
    if (!threads)
        threads = std::make_unique<os::JobPool>(loop_, for_stranger ? limits::fetch_threads_for_strangers : limits::fetch_threads);
    os::HttpRequest request{.url = what.url,
                            .body = what.request,
                            .content_type = "application/ocsp-request",
                            .octets_max = octets_max(what.kind),
                            .deadline = limits::fetch_deadline,
                            .redirects_max = limits::http_redirects,
                            .may_connect = [author = what.author](const model::IpAddress& address) { return may_ask(author, address); }};
    threads->submit([this, begun = os::now(), request = std::move(request), finished = std::move(finished)]() mutable -> os::JobPool::Finish {
        const bool too_late = os::now() - begun > limits::fetch_deadline;
        Result<Bytes> content = too_late ? fail(Errc::timeout, "fetch", "too many other fetches are under way")
                                         : os::fetch_by_http(request, give_up_);
        return [finished = std::move(finished), content = std::move(content)]() mutable { finished(std::move(content)); };
    });
}

}  // namespace cygnet::daemon
