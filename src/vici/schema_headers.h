// The keys of a child that say how headers follow each other through its tunnel.
#pragma once

#include <algorithm>
#include <iterator>

#include "vici/schema_table.h"

namespace cygnet::vici {

// The default is "no", not strongSwan's "yes": a path that swallows large packets silently then stops no connection.
template <class T>
Result<> copy_df(T& into, const Value& value) {
    model::DontFragment& df = into.headers.dont_fragment;
    const auto copy = parse_bool(value.text);
    if (!copy && value.text != "set") return unacceptable("accepted are yes, no and set");
    if (!copy) df = model::DontFragment::set;  // our own
    else df = *copy ? model::DontFragment::copy : model::DontFragment::clear;
    return {};
}

template <class T>
Result<> copy_ecn(T& into, const Value& value) {
    const auto copy = parse_bool(value.text);
    if (!copy) return unacceptable("accepted are yes and no");
    into.headers.copy_ecn = *copy;
    return {};
}

template <class T>
Result<> copy_dscp(T& into, const Value& value) {
    struct Way {
        std::string_view word;
        bool out, in;
    };
    static constexpr Way ways[] = {{"out", true, false}, {"in", false, true}, {"yes", true, true}, {"no", false, false}};
    const auto* way = std::ranges::find(ways, value.text, &Way::word);
    if (way == std::end(ways)) return unacceptable("accepted are out, in, yes and no");
    into.headers.dscp_out = way->out;
    into.headers.dscp_in = way->in;
    return {};
}

template <class T>
Result<> icmp(T& into, const Value& value) {
    const auto errors = parse_bool(value.text);
    if (!errors && value.text != "checked") return unacceptable("accepted are yes, no and checked");
    if (!errors) into.icmp_errors = model::IcmpErrors::checked;  // our own
    else into.icmp_errors = *errors ? model::IcmpErrors::yes : model::IcmpErrors::no;
    return {};
}

}  // namespace cygnet::vici
