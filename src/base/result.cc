#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace cygnet::inline base {

std::string_view name_of(Errc code) {
    switch (code) {
        case Errc::truncated: return "truncated";
        case Errc::trailing: return "trailing octets";
        case Errc::bad_length: return "bad length";
        case Errc::bad_value: return "bad value";
        case Errc::bad_syntax: return "bad syntax";
        case Errc::limit: return "limit reached";
        case Errc::unsupported: return "unsupported";
        case Errc::integrity: return "integrity failure";
        case Errc::authentication: return "authentication failure";
        case Errc::no_match: return "no match";
        case Errc::not_found: return "not found";
        case Errc::state: return "not acceptable now";
        case Errc::timeout: return "timeout";
        case Errc::system: return "system error";
    }
    return "error";
}

std::string Error::text() const {
    std::string whole(name_of(code));
    if (*where != '\0') whole.append(" in ").append(where);
    if (!detail.empty()) whole.append(": ").append(detail);
    return whole;
}

SharedExplanation::~SharedExplanation() = default;

std::unexpected<Error> fail(Errc code, const char* where, std::string detail) {
    return std::unexpected(Error{.code = code, .where = where, .detail = std::move(detail)});
}
std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

void assertion_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: our own invariant does not hold: %s\n", file, line, what);
    std::abort();
}

}  // namespace cygnet::inline base
