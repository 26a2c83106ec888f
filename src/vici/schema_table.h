// How a table of keys is read: the machinery under schema.cc.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "vici/schema.h"
#include "vici/values.h"

namespace cygnet::vici {

enum class Shape : std::uint8_t { text, list, blobs };

// One value, whichever way it was sent: as text, or as a list.
struct Value {
    std::string_view text;   // of Shape::text
    const List& items;       // of the others
};

// One key. `read` fails with a sentence about what is accepted. A key of a feature that Cygnet does not have yet
// names it in `later`; the values in `harmless` (separated by blanks) ask for nothing and are accepted.
template <class T>
struct Row {
    std::string_view key;
    Shape shape = Shape::text;
    Result<> (*read)(T& into, const Value& value) = nullptr;
    std::string_view harmless{};
    std::string_view later{};
};

inline std::unexpected<Error> unacceptable(std::string detail) {
    return fail(Errc::bad_syntax, "value", std::move(detail));
}

// ---- readers of the usual kinds ---------------------------------------------------------------------

template <class T, auto member>
Result<> yes_or_no(T& into, const Value& value) {
    const auto flag = parse_bool(value.text);
    if (!flag) return unacceptable("accepted are yes and no");
    into.*member = *flag;
    return {};
}

template <class T, auto member>
Result<> time(T& into, const Value& value) {
    const auto duration = parse_time(value.text);
    if (!duration) return unacceptable("accepted is a time such as 90, 90s, 15m, 4h or 1d");
    into.*member = *duration;
    return {};
}

template <class T, auto member, std::uint64_t most = std::numeric_limits<std::uint32_t>::max()>
Result<> number(T& into, const Value& value) {
    const auto parsed = parse_number(value.text, most);
    if (!parsed) return unacceptable("accepted is a number from 0 to " + std::to_string(most));
    into.*member = static_cast<std::remove_reference_t<decltype(into.*member)>>(*parsed);
    return {};
}

template <class T, auto member>
Result<> volume(T& into, const Value& value) {
    const auto octets = parse_volume(value.text);
    if (!octets) return unacceptable("accepted is a count of bytes such as 1000000, 500k, 20m or 1g");
    into.*member = *octets;
    return {};
}

template <class E>
struct Word {
    std::string_view text;
    E value;
};

// Keywords are read without case (facts-swanctl-conf 1).
template <class T, auto member, const auto& words>
Result<> keyword(T& into, const Value& value) {
    std::string accepted;
    for (const auto& word : words) {
        if (equal_ignoring_case(word.text, value.text)) {
            into.*member = word.value;
            return {};
        }
        accepted += (accepted.empty() ? "" : ", ") + std::string(word.text);
    }
    return unacceptable("accepted are " + accepted);
}

// For keys that are understood and have no effect in IKEv2.
template <class T>
Result<> no_effect(T&, const Value&) {
    return {};
}

// ---- reading a section --------------------------------------------------------------------------------

// Where errors of one section go.
class Refuser {
public:
    Refuser(std::string path, Refusals& refusals) : path_(std::move(path)), refusals_(refusals) {}

    void refuse(Refusal::Kind kind, const Entry& entry, std::string detail) {
        // The usual mistake in a file: several keys in one line.
        if (entry.text() != nullptr && entry.text()->find(" = ") != std::string::npos)
            detail += " (a value ends with its line: write each key in a line of its own)";
        refusals_.push_back({kind, path_ + entry.name, entry.name, std::move(detail), entry.place});
    }
    Refuser inside(const Entry& entry) const { return {path_ + entry.name + ".", refusals_}; }

private:
    std::string path_;
    Refusals& refusals_;
};

std::string unknown_key_detail(std::string_view key, const std::vector<std::string_view>& accepted);
bool is_among(std::string_view value, std::string_view words);

template <class T>
void read_entry(const Entry& entry, const Row<T>& row, T& into, Refuser refuser) {
    static const List nothing;
    List split;
    Value value{{}, nothing};
    if (row.shape == Shape::text) {
        if (entry.text() == nullptr) {
            refuser.refuse(Refusal::Kind::invalid_value, entry, "one value is accepted, not a list");
            return;
        }
        value.text = *entry.text();
    } else if (entry.list() == nullptr) {
        split = row.shape == Shape::list ? split_list(*entry.text()) : List{*entry.text()};
    }
    const Value given{value.text, entry.list() != nullptr ? *entry.list() : split};
    const std::string_view whole = row.shape == Shape::text ? given.text
                                   : given.items.empty()    ? std::string_view("")
                                                            : std::string_view(given.items.front());
    if (!row.later.empty() && !is_among(whole, row.harmless)) {
        std::string detail = std::string(row.later) + " is not supported by this version of Cygnet";
        if (!row.harmless.empty()) detail += "; accepted: " + std::string(row.harmless);
        refuser.refuse(Refusal::Kind::invalid_value, entry, std::move(detail));
        return;
    }
    if (row.read == nullptr) return;
    if (auto read = row.read(into, given); !read)
        refuser.refuse(Refusal::Kind::invalid_value, entry, std::move(read).error().detail);
}

// Reads keys by the table and hands subsections to `subsection(entry)`, which says whether it knows them.
template <class T, class OnSection>
void read_section(const Section& section, std::span<const Row<T>> rows, T& into, Refuser refuser,
                  OnSection&& subsection) {
    for (const Entry& entry : section.entries()) {
        if (entry.section() != nullptr) {
            if (!subsection(entry))
                refuser.refuse(Refusal::Kind::invalid_section, entry, "there is no such section here");
            continue;
        }
        const auto row = std::ranges::find(rows, entry.name, &Row<T>::key);
        if (row != rows.end()) {
            read_entry(entry, *row, into, refuser);
            continue;
        }
        std::vector<std::string_view> accepted;
        for (const Row<T>& known : rows) accepted.push_back(known.key);
        refuser.refuse(Refusal::Kind::unknown_key, entry, unknown_key_detail(entry.name, accepted));
    }
}

}  // namespace cygnet::vici
