#include "model/assigned_numbers.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace cygnet::model {
namespace {

struct InUse {
    AssignedNumbers numbers{};
    std::string vendor_id{private_use::vendor_id};
};
InUse& in_use() {
    static InUse one;
    return one;
}

std::unexpected<Error> refused(std::string_view item, const std::string& why) {
    return fail(Errc::bad_syntax, "numbers of private use", "'" + std::string(item) + "': " + why);
}

Result<AssignedNumber> parse_one(std::string_view item) {
    const auto equals = item.find('=');
    const auto method = method_of_word(item.substr(0, equals));
    if (equals == item.npos || !method) return refused(item, "a method and its number are accepted, as in mceliece348864=50201");
    if (!is_private_use(*method)) return refused(item, "the number of " + name_of(*method) + " is not of private use");
    const std::string_view digits = item.substr(equals + 1);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || !is_private_use(static_cast<Ke>(number)))
        return refused(item, "numbers of private use go from 1024 to 65535 (RFC 7296 §3.3.2)");
    return AssignedNumber{*method, static_cast<Ke>(number)};
}

}  // namespace

Result<AssignedNumbers> parse_assigned_numbers(std::string_view text) {
    AssignedNumbers numbers;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        const AssignedNumber one = TRY(parse_one(item));
        if (std::ranges::find(numbers, one.method, &AssignedNumber::method) != numbers.end()) return refused(item, "a second number for one method");
        if (one.method != one.on_the_wire) numbers.push_back(one);
        text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    }
    std::ranges::sort(numbers, {}, &AssignedNumber::method);
    std::vector<Ke> taken;
    for (const Ke method : key_exchange_methods()) {
        const auto changed = std::ranges::find(numbers, method, &AssignedNumber::method);
        taken.push_back(changed != numbers.end() ? changed->on_the_wire : method);
    }
    std::ranges::sort(taken);
    if (const auto twice = std::ranges::adjacent_find(taken); twice != taken.end())
        return refused(std::to_string(static_cast<unsigned>(*twice)), "two methods cannot have one number");
    return numbers;
}

void use_assigned_numbers(AssignedNumbers numbers) {
    InUse& now = in_use();
    now.vendor_id = private_use::vendor_id;
    for (const AssignedNumber& one : numbers)
        now.vendor_id += "; " + std::to_string(static_cast<unsigned>(one.method)) + "=" + std::to_string(static_cast<unsigned>(one.on_the_wire));
    now.numbers = std::move(numbers);
}

Ke on_the_wire(Ke method) {
    const AssignedNumbers& numbers = in_use().numbers;
    const auto found = std::ranges::find(numbers, method, &AssignedNumber::method);
    return found != numbers.end() ? found->on_the_wire : method;
}

std::optional<Ke> method_of(Ke number) {
    if (!is_private_use(number)) return number;
    const AssignedNumbers& numbers = in_use().numbers;
    if (const auto given = std::ranges::find(numbers, number, &AssignedNumber::on_the_wire); given != numbers.end()) return given->method;
    if (std::ranges::find(numbers, number, &AssignedNumber::method) != numbers.end()) return std::nullopt;
    return number;
}

std::string_view private_vendor_id() { return in_use().vendor_id; }

}  // namespace cygnet::model
