#include "vici/message.h"

#include <algorithm>
#include <limits>

#include "base/reader.h"
#include "model/limits.h"
#include "vici/values.h"

namespace cygnet::vici {
namespace {

enum class Element : std::uint8_t {
    section_start = 1,
    section_end = 2,
    key_value = 3,
    list_start = 4,
    list_item = 5,
    list_end = 6,
};

Result<std::string> read_name(Reader& reader) {
    const auto size = TRY(reader.u8("VICI name length"));
    return std::string(text_of(TRY(reader.take(size, "VICI name"))));
}

Result<std::string> read_value(Reader& reader) {
    const auto size = TRY(reader.u16("VICI value length"));
    return std::string(text_of(TRY(reader.take(size, "VICI value"))));
}

Result<List> read_list(Reader& reader) {
    List items;
    while (true) {
        const auto element = static_cast<Element>(TRY(reader.u8("VICI list")));
        if (element == Element::list_end) return items;
        if (element != Element::list_item)
            return fail(Errc::bad_value, "VICI list", "a list holds items only");
        items.push_back(TRY(read_value(reader)));
    }
}

Result<Section> read_section(Reader& reader, std::size_t depth) {
    if (depth > model::limits::vici_nesting) return fail(Errc::limit, "VICI section nesting");
    Section section;
    while (true) {
        if (reader.empty()) {
            if (depth == 0) return section;
            return fail(Errc::truncated, "VICI section", "a section is not closed");
        }
        switch (static_cast<Element>(TRY(reader.u8("VICI element")))) {
            case Element::section_start: {
                std::string name = TRY(read_name(reader));
                Section inner = TRY(read_section(reader, depth + 1));
                section.add_entry({std::move(name), std::move(inner)});
                break;
            }
            case Element::section_end:
                if (depth == 0) return fail(Errc::bad_value, "VICI section", "closed but not open");
                return section;
            case Element::key_value: {
                std::string name = TRY(read_name(reader));
                std::string value = TRY(read_value(reader));
                section.add_entry({std::move(name), std::move(value)});
                break;
            }
            case Element::list_start: {
                std::string name = TRY(read_name(reader));
                List items = TRY(read_list(reader));
                section.add_entry({std::move(name), std::move(items)});
                break;
            }
            default: return fail(Errc::bad_value, "VICI element type");
        }
    }
}

Result<> write_name(Writer& writer, Element element, const std::string& name) {
    if (name.size() > std::numeric_limits<std::uint8_t>::max())
        return fail(Errc::limit, "VICI name", "longer than 255 octets");
    writer.u8(static_cast<std::uint8_t>(element));
    writer.u8(static_cast<std::uint8_t>(name.size()));
    writer.bytes(bytes_of(name));
    return {};
}

Result<> write_value(Writer& writer, const std::string& value) {
    if (value.size() > std::numeric_limits<std::uint16_t>::max())
        return fail(Errc::limit, "VICI value", "longer than 65535 octets");
    writer.u16(static_cast<std::uint16_t>(value.size()));
    writer.bytes(bytes_of(value));
    return {};
}

Result<> write_section(Writer& writer, const Section& section) {
    for (const Entry& entry : section.entries()) {
        if (const std::string* text = entry.text()) {
            TRY(write_name(writer, Element::key_value, entry.name));
            TRY(write_value(writer, *text));
        } else if (const List* list = entry.list()) {
            TRY(write_name(writer, Element::list_start, entry.name));
            for (const std::string& item : *list) {
                writer.u8(static_cast<std::uint8_t>(Element::list_item));
                TRY(write_value(writer, item));
            }
            writer.u8(static_cast<std::uint8_t>(Element::list_end));
        } else {
            TRY(write_name(writer, Element::section_start, entry.name));
            TRY(write_section(writer, *entry.section()));
            writer.u8(static_cast<std::uint8_t>(Element::section_end));
        }
    }
    return {};
}

// Text as it is, other blobs as 0x…
std::string printable(const std::string& value) {
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f; };
    if (std::ranges::all_of(value, plain)) return value;
    return "0x" + hex(bytes_of(value));
}

}  // namespace

std::string Place::text() const { return file ? *file + ":" + std::to_string(line) : std::string(); }

const Entry* Section::find(std::string_view name) const {
    const auto found = std::ranges::find(entries_, name, &Entry::name);
    return found == entries_.end() ? nullptr : &*found;
}

Entry* Section::find(std::string_view name) {
    const auto found = std::ranges::find(entries_, name, &Entry::name);
    return found == entries_.end() ? nullptr : &*found;
}

std::optional<std::string_view> Section::text(std::string_view name) const {
    const Entry* entry = find(name);
    if (entry == nullptr || entry->text() == nullptr) return std::nullopt;
    return *entry->text();
}

const List* Section::list(std::string_view name) const {
    const Entry* entry = find(name);
    return entry == nullptr ? nullptr : entry->list();
}

const Section* Section::section(std::string_view name) const {
    const Entry* entry = find(name);
    return entry == nullptr ? nullptr : entry->section();
}

bool Section::flag(std::string_view name) const {
    const auto value = text(name);
    return value && parse_bool(*value).value_or(false);
}

Section& Section::add(std::string_view name, std::string_view value) {
    entries_.push_back({std::string(name), std::string(value)});
    return *this;
}

Section& Section::add(std::string_view name, std::uint64_t value) {
    return add(name, std::to_string(value));
}

Section& Section::add_flag(std::string_view name, bool value) {
    return value ? add(name, "yes") : *this;
}

Section& Section::add_list(std::string_view name, List items) {
    entries_.push_back({std::string(name), std::move(items)});
    return *this;
}

Section& Section::add_section(std::string_view name) {
    entries_.push_back({std::string(name), Section()});
    return std::get<Section>(entries_.back().value);
}

Entry& Section::add_entry(Entry entry) {
    entries_.push_back(std::move(entry));
    return entries_.back();
}

void Section::remove(std::string_view name) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.name == name; });
}

bool Section::operator==(const Section& other) const { return entries_ == other.entries_; }

Result<Bytes> encode(const Section& message) {
    Bytes out;
    Writer writer(out);
    TRY(write_section(writer, message));
    return out;
}

Result<Section> decode(ByteView bytes) {
    Reader reader(bytes);
    return read_section(reader, 0);
}

std::string raw_text(const Section& message) {
    std::string text;
    for (const Entry& entry : message.entries()) {
        if (!text.empty()) text += ' ';
        text += entry.name;
        if (const std::string* value = entry.text()) {
            text += "=" + printable(*value);
        } else if (const List* list = entry.list()) {
            text += "=[";
            for (const std::string& item : *list) text += (&item == list->data() ? "" : " ") + printable(item);
            text += "]";
        } else {
            text += " {" + raw_text(*entry.section()) + "}";
        }
    }
    return text;
}

}  // namespace cygnet::vici
