// Numbers of private use that an operator gave instead of those of model/private_use.h. They are set once, before anything
// else runs, and hold for the process. In proposals and payloads methods have the numbers of the wire; look-ups by method come here.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/iana.h"

namespace cygnet::model {

struct AssignedNumber {
    Ke method{};
    Ke on_the_wire{};
    bool operator==(const AssignedNumber&) const = default;
};
using AssignedNumbers = std::vector<AssignedNumber>;

// "mceliece348864=50201,frodo640shake=50202": the words of proposals. Fails for methods whose numbers are not private, for
// numbers outside of the private range, and for one number of two methods.
Result<AssignedNumbers> parse_assigned_numbers(std::string_view text);
void use_assigned_numbers(AssignedNumbers numbers);

// The number that the method has on the wire.
Ke on_the_wire(Ke method);
// The method that a number of the wire means, or nothing if that number was taken from it.
std::optional<Ke> method_of(Ke number);
// The Vendor ID of those who use these numbers: model/private_use.h, and what was changed.
std::string_view private_vendor_id();

// Of a proposal's word ("frodo640shake").
std::optional<Ke> method_of_word(std::string_view word);

}  // namespace cygnet::model
