// Errors as values. An Error says what went wrong, where, and what must follow,
// so that no caller invents a reaction.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cygnet::inline base {

enum class Errc : std::uint8_t {
    truncated,      // the input ends inside a field
    trailing,       // octets are left over after the last field
    bad_length,     // a length field contradicts its surroundings
    bad_value,      // a field holds a value that the standard forbids here
    bad_syntax,     // text that does not follow its grammar
    limit,          // a limit of model/limits.h was reached
    unsupported,    // well-formed, but not in our catalogue
    integrity,      // an ICV, signature or MAC does not verify
    authentication, // identity, credential or trust failure
    no_match,       // nothing acceptable among the offers
    not_found,      // names something that does not exist
    state,          // not acceptable in the present state
    timeout,
    system,         // the operating system refused
};
std::string_view name_of(Errc code);

// What follows from an error. Unauthenticated input can only reach `ignore` or a
// rate-limited `notify_peer`; the engine checks that in one place.
enum class Reaction : std::uint8_t { ignore, notify_peer, end_sa, tell_operator };

struct Explanation;  // base/explanation.h

// Errors are rare, and what only they need shall not lie between the instructions that every message needs: functions that are
// cold for the compiler make cold what leads to them. Here it is what frees an error.
class SharedExplanation : public std::shared_ptr<const Explanation> {
public:
    SharedExplanation() = default;
    SharedExplanation(std::shared_ptr<const Explanation> of) : shared_ptr(std::move(of)) {}
    SharedExplanation(const SharedExplanation&) = default;
    SharedExplanation(SharedExplanation&&) = default;
    SharedExplanation& operator=(const SharedExplanation&) = default;
    SharedExplanation& operator=(SharedExplanation&&) = default;
    [[gnu::cold]] ~SharedExplanation();
};

struct Error {
    Errc code{};
    const char* where = "";              // static text: the field, payload or function
    Reaction reaction = Reaction::ignore;
    std::uint16_t notify = 0;            // with notify_peer and end_sa: the Notify Message Type, 0 for none
    std::string detail{};                // a sentence for people: what happened and what to change
    SharedExplanation explanation{};  // its parts, where an operator can do something about it

    // "bad_length in SA proposal: 3 transforms announced, 2 present"
    std::string text() const;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[gnu::cold]] std::unexpected<Error> fail(Errc code, const char* where, std::string detail = {});
[[gnu::cold]] std::unexpected<Error> fail(Error error);

// TRY(expression of type Result<T>): yields the T, or returns the Error to the caller.
// The result's name is one of its own in each use: TRY may stand within the arguments of another TRY.
#define TRY(...) CYGNET_TRY_AS(CYGNET_JOINED(try_result_, __COUNTER__), __VA_ARGS__)
#define CYGNET_JOINED(a, b) CYGNET_JOINED_AS_TEXT(a, b)
#define CYGNET_JOINED_AS_TEXT(a, b) a##b
#define CYGNET_TRY_AS(name, ...)                                         \
    __extension__({                                                      \
        auto name = (__VA_ARGS__);                                       \
        if (!name) return ::cygnet::base::fail(std::move(name).error()); \
        ::cygnet::base::detail::take(std::move(name));                   \
    })

namespace detail {
template <class T>
T take(std::expected<T, Error>&& result) {
    return std::move(*result);
}
inline void take(std::expected<void, Error>&&) {}
}  // namespace detail

// Our own invariants, kept in release builds. Never reachable by a peer's input.
[[noreturn, gnu::cold]] void assertion_failed(const char* what, const char* file, int line);
#define ASSERT(condition) \
    ((condition) ? static_cast<void>(0) : ::cygnet::base::assertion_failed(#condition, __FILE__, __LINE__))

}  // namespace cygnet::inline base
