// The message tree of VICI: sections, key/values and lists in the order of the sender, and its
// encoding (facts-vici 3). swanctl.conf is read into the same tree.
//
//   section    01 <name>  … 02           key/value  03 <name> <value>
//   list       04 <name>  (05 <value>)* 06
//   <name>: one octet of length and text;  <value>: two octets of length and a blob
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cygnet::vici {

// Where an entry was written; VICI messages have no place.
struct Place {
    std::shared_ptr<const std::string> file{};
    unsigned line = 0;

    std::string text() const;  // "cygnet.conf:12", empty without a file
};

struct Entry;
using List = std::vector<std::string>;

class Section {
public:
    const std::vector<Entry>& entries() const { return entries_; }
    bool empty() const { return entries_.empty(); }

    // The first entry of that name and kind, or nothing.
    const Entry* find(std::string_view name) const;
    Entry* find(std::string_view name);
    std::optional<std::string_view> text(std::string_view name) const;
    const List* list(std::string_view name) const;
    const Section* section(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    // Whether the value is one of swanctl's words for yes.
    bool flag(std::string_view name) const;

    // Appends; names are not checked for repetition. References hold until the next addition.
    Section& add(std::string_view name, std::string_view value);
    Section& add(std::string_view name, std::uint64_t value);
    Section& add_flag(std::string_view name, bool value);  // "yes", or nothing at all
    Section& add_list(std::string_view name, List items = {});
    Section& add_section(std::string_view name);           // the new section, to be filled
    Entry& add_entry(Entry entry);
    void remove(std::string_view name);
    std::vector<Entry>& mutable_entries() { return entries_; }

    bool operator==(const Section& other) const;

private:
    std::vector<Entry> entries_;
};

struct Entry {
    std::string name;
    std::variant<std::string, List, Section> value;
    Place place{};

    const std::string* text() const { return std::get_if<std::string>(&value); }
    const List* list() const { return std::get_if<List>(&value); }
    const Section* section() const { return std::get_if<Section>(&value); }

    // The place is not compared.
    bool operator==(const Entry& other) const { return name == other.name && value == other.value; }
};

// Fails with Errc::limit when a name exceeds 255 or a value 65535 octets.
Result<Bytes> encode(const Section& message);
// The whole view is one message. Errors: truncated, bad_value (element type, unbalanced), limit (nesting).
Result<Section> decode(ByteView bytes);

// "key=value list=[a b] section {…}", as swanctl --raw prints messages.
std::string raw_text(const Section& message);

}  // namespace cygnet::vici
