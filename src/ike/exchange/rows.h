// The transitions of the protocol as a table: which message, in which state, with which payloads, is
// handled by whom. Handlers never see a message without the payloads that their row requires.
#pragma once

#include <initializer_list>
#include <span>

#include "ike/context.h"

namespace cygnet::ike {

// A set of payload types of RFC 7296 §3.2 (33 to 96).
class PayloadSet {
public:
    constexpr PayloadSet() = default;
    constexpr PayloadSet(std::initializer_list<model::PayloadType> types) {
        for (const model::PayloadType type : types) bits_ |= bit(type);
    }
    constexpr bool contains(model::PayloadType type) const { return (bits_ & bit(type)) != 0; }
    constexpr bool contains(PayloadSet other) const { return (bits_ & other.bits_) == other.bits_; }
    constexpr bool disjoint(PayloadSet other) const { return (bits_ & other.bits_) == 0; }
    constexpr void add(model::PayloadType type) { bits_ |= bit(type); }
    constexpr bool operator==(const PayloadSet&) const = default;

private:
    static constexpr std::uint64_t bit(model::PayloadType type) {
        const auto number = static_cast<unsigned>(type);
        return number < 33 || number > 96 ? 0 : std::uint64_t{1} << (number - 33);
    }
    std::uint64_t bits_ = 0;
};

enum class Direction : std::uint8_t { request, response };
enum class Role : std::uint8_t { initiator, responder, any };  // ours, in the IKE SA

struct ExchangeRow {
    const char* story;
    model::ExchangeType exchange{};
    Direction direction{};
    Role role = Role::any;
    Phase phase{};
    PayloadSet required{};
    PayloadSet optional{};  // others are skipped: RFC 7296 §2.5 forbids no known payload
    Result<Next> (*handle)(Context&, Received){};
};

constexpr bool same_place(const ExchangeRow& a, const ExchangeRow& b) {
    return a.exchange == b.exchange && a.direction == b.direction && a.phase == b.phase &&
           (a.role == b.role || a.role == Role::any || b.role == Role::any);
}

// What a table must keep: a story and a handler everywhere, disjoint sets, and no row that an
// earlier one of the same place always hides.
consteval bool well_formed(std::span<const ExchangeRow> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].story == nullptr || rows[i].handle == nullptr) return false;
        if (!rows[i].required.disjoint(rows[i].optional)) return false;
        for (std::size_t j = 0; j < i; ++j)
            if (same_place(rows[i], rows[j]) && rows[i].required.contains(rows[j].required)) return false;
    }
    return true;
}

// All rows, grouped by the file that declares them.
std::span<const std::span<const ExchangeRow>> all_rows();

// The row for a message. Fails with state when the exchange has no place here at all, with
// bad_value when it has, but payloads are missing (the detail names them).
Result<const ExchangeRow*> find_row(const IkeSa& sa, const wire::Message& message);

}  // namespace cygnet::ike
