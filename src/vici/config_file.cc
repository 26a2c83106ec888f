#include "vici/config_file.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "model/limits.h"
#include "vici/values.h"

namespace cygnet::vici {
namespace {

using File = std::shared_ptr<const std::string>;

// What was written, before inheritance: values and sections by name, in the order of first appearance.
struct Node {
    struct Item {
        std::string name;
        Place place;
        std::string value{};             // of a key
        std::unique_ptr<Node> section{};  // of a section
    };
    struct Reference {
        std::string name;
        Place place;
    };
    Place place{};
    std::vector<Item> items{};
    std::vector<Reference> references{};
    std::unordered_map<std::string, std::size_t> values{}, sections{};  // positions in items

    void assign(std::string name, std::string value, Place at);
    Node& open(std::string name, Place at);
    const Node* section(const std::string& name) const;
};

void Node::assign(std::string name, std::string value, Place at) {
    const auto [known, is_new] = values.emplace(name, items.size());
    if (is_new) items.push_back({std::move(name), std::move(at), std::move(value), nullptr});
    else {
        items[known->second].value = std::move(value);
        items[known->second].place = std::move(at);
    }
}

Node& Node::open(std::string name, Place at) {
    const auto [known, is_new] = sections.emplace(name, items.size());
    if (is_new) {
        items.push_back({std::move(name), at, {}, std::make_unique<Node>()});
        items.back().section->place = std::move(at);
    }
    return *items[known->second].section;
}

const Node* Node::section(const std::string& name) const {
    const auto found = sections.find(name);
    return found == sections.end() ? nullptr : items[found->second].section.get();
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_name_character(char c) {
    constexpr std::string_view reserved = ".,:{}=\"#";
    return c > ' ' && c != 0x7f && !reserved.contains(c);
}

// "a/b/c.conf" → "a/b/"
std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? std::string() : path.substr(0, slash + 1);
}

class Parser {
public:
    Parser(FileSource& files, ParsedConfigFile& result)
        : files_(files), complaints_(result.complaints), inherited_from_(result.inherited_from) {}

    void file(Node& into, const std::string& path, const Place& from, std::size_t depth);

private:
    // The text under the cursor; one for each file.
    struct Cursor {
        File file;
        std::string_view text;
        std::size_t at = 0;
        unsigned line = 1;
        std::size_t depth = 0;

        bool done() const { return at == text.size(); }
        char peek() const { return text[at]; }
        void advance() {
            if (text[at++] == '\n') ++line;
        }
        Place place() const { return {file, line}; }
    };

    void complain(const Place& place, std::string text) {
        complaints_.push_back({place, std::move(text)});
    }
    void skip_line(Cursor& cursor);
    void skip_blank(Cursor& cursor, bool lines);
    bool block(Cursor& cursor, Node& into, bool nested);
    void statement(Cursor& cursor, Node& into);
    std::string name(Cursor& cursor);
    std::string value(Cursor& cursor);
    void quoted(Cursor& cursor, std::string& out);
    void include(Cursor& cursor, Node& into, const Place& at);
    bool references(Cursor& cursor, Node& section);
    void open_section(Cursor& cursor, Node& into, std::string section_name, const Place& at);

    FileSource& files_;
    std::vector<Complaint>& complaints_;
    std::set<std::string, std::less<>>& inherited_from_;
};

void Parser::file(Node& into, const std::string& path, const Place& from, std::size_t depth) {
    const auto content = files_.read(path);
    if (!content) {
        const std::string why = content.error().detail.empty() ? content.error().text() : content.error().detail;
        complain(from, "cannot read " + path + ": " + why);
        return;
    }
    Cursor cursor{std::make_shared<const std::string>(path), *content, 0, 1, depth};
    while (!block(cursor, into, false))
        complain(cursor.place(), "'}' without a section that it could end");
}

void Parser::skip_line(Cursor& cursor) {
    while (!cursor.done() && cursor.peek() != '\n') cursor.advance();
}

// Blanks and comments, with `lines` also line ends.
void Parser::skip_blank(Cursor& cursor, bool lines) {
    while (!cursor.done()) {
        const char c = cursor.peek();
        if (c == '#') skip_line(cursor);
        else if (is_blank(c) || (lines && c == '\n')) cursor.advance();
        else return;
    }
}

// Statements up to the closing brace (true: it was there) or the end of the file.
bool Parser::block(Cursor& cursor, Node& into, bool nested) {
    const Place opened = cursor.place();
    while (true) {
        skip_blank(cursor, true);
        if (cursor.done()) {
            if (nested) complain(opened, "the section that begins here is never closed: a '}' is missing");
            return true;
        }
        if (cursor.peek() == '}') {
            cursor.advance();
            return nested;
        }
        statement(cursor, into);
    }
}

void Parser::statement(Cursor& cursor, Node& into) {
    const Place at = cursor.place();
    std::string word = name(cursor);
    if (word.empty()) {
        complain(at, std::string("unexpected '") + cursor.peek() + "'; a key or the name of a section goes here");
        skip_line(cursor);
        return;
    }
    skip_blank(cursor, false);
    const bool more = !cursor.done() && cursor.peek() != '\n';
    if (word == "include" && more && cursor.peek() != '=' && cursor.peek() != '{') {
        include(cursor, into, at);
        return;
    }
    if (!more) skip_blank(cursor, true);  // an opening brace may stand in the next line
    const char next = cursor.done() ? '\0' : cursor.peek();
    if (more && next == '=') {
        cursor.advance();
        into.assign(std::move(word), value(cursor), at);
    } else if (next == '{' || next == ':') {
        open_section(cursor, into, std::move(word), at);
    } else {
        complain(at, "'" + word + "' is followed by neither '=' nor '{'");
        if (more) skip_line(cursor);
    }
}

void Parser::open_section(Cursor& cursor, Node& into, std::string section_name, const Place& at) {
    Node& section = into.open(std::move(section_name), at);
    if (cursor.peek() == ':' && !references(cursor, section)) {
        complain(at, "after ':' the names of sections are expected, then '{'");
        skip_line(cursor);
        return;
    }
    cursor.advance();
    if (++cursor.depth > model::limits::vici_nesting) {
        complain(at, "sections are nested too deeply");
        cursor.at = cursor.text.size();
        return;
    }
    block(cursor, section, true);
    --cursor.depth;
}

// ": ref1, ref2.sub" up to the brace.
bool Parser::references(Cursor& cursor, Node& section) {
    do {
        cursor.advance();
        skip_blank(cursor, true);
        std::string full;
        while (!cursor.done() && (is_name_character(cursor.peek()) || cursor.peek() == '.')) {
            full += cursor.peek();
            cursor.advance();
        }
        if (full.empty()) return false;
        inherited_from_.insert(full.substr(0, full.find('.')));
        section.references.push_back({std::move(full), cursor.place()});
        skip_blank(cursor, true);
    } while (!cursor.done() && cursor.peek() == ',');
    return !cursor.done() && cursor.peek() == '{';
}

std::string Parser::name(Cursor& cursor) {
    std::string text;
    while (!cursor.done() && is_name_character(cursor.peek())) {
        text += cursor.peek();
        cursor.advance();
    }
    return text;
}

// Up to the end of the line, '#' or '}'; runs of blanks become one.
std::string Parser::value(Cursor& cursor) {
    std::string text;
    bool blank = false;
    while (!cursor.done()) {
        const char c = cursor.peek();
        if (c == '\n' || c == '#' || c == '}') break;
        if (is_blank(c)) {
            blank = true;
            cursor.advance();
            continue;
        }
        if (blank && !text.empty()) text += ' ';
        blank = false;
        if (c == '"') {
            quoted(cursor, text);
        } else {
            text += c;
            cursor.advance();
        }
    }
    return text;
}

void Parser::quoted(Cursor& cursor, std::string& out) {
    const Place at = cursor.place();
    cursor.advance();
    while (!cursor.done() && cursor.peek() != '\n') {
        char c = cursor.peek();
        cursor.advance();
        if (c == '"') return;
        if (c == '\\' && !cursor.done()) {
            c = cursor.peek();
            cursor.advance();
            if (c == '\n') continue;
            if (c == 'n') c = '\n';
            else if (c == 'r') c = '\r';
            else if (c == 't') c = '\t';
        }
        out += c;
    }
    complain(at, "the quotation that begins here does not end in its line");
}

void Parser::include(Cursor& cursor, Node& into, const Place& at) {
    std::string pattern = value(cursor);
    if (cursor.depth >= model::limits::config_include_depth) {
        complain(at, "files include each other too deeply");
        return;
    }
    if (!pattern.starts_with('/')) pattern = folder_of(*cursor.file) + pattern;
    const auto paths = files_.glob(pattern);
    if (paths.empty() && pattern.find_first_of("*?[") == pattern.npos)
        complain(at, "include: there is no file " + pattern);
    for (const std::string& path : paths) file(into, path, at, cursor.depth + 1);
}

// Inheritance: a section and everything that it refers to, nearest first.
class Resolver {
public:
    Resolver(const Node& root, std::vector<Complaint>& complaints)
        : root_(root), complaints_(complaints), left_(model::limits::config_sections_per_written * sections_in(root)) {}

    Section resolve(const std::vector<const Node*>& written, std::size_t depth) {
        std::vector<const Node*> sources;
        for (const Node* node : written) collect(*node, sources);
        Section section;
        std::unordered_map<std::string_view, bool> seen;
        for (const Node* source : sources)
            for (const Node::Item& item : source->items)
                if (seen.emplace(item.name, true).second) take(item, sources, depth, section);
        return section;
    }

private:
    static std::size_t sections_in(const Node& node) {
        std::size_t count = 1;
        for (const Node::Item& item : node.items)
            if (item.section) count += sections_in(*item.section);
        return count;
    }

    void collect(const Node& node, std::vector<const Node*>& sources) {
        if (std::ranges::find(sources, &node) != sources.end()) return;
        sources.push_back(&node);
        for (const Node::Reference& reference : node.references) {
            const Node* target = look_up(reference.name);
            if (target != nullptr) collect(*target, sources);
            else complain(reference.place, "there is no section " + reference.name + " to inherit from");
        }
    }

    const Node* look_up(std::string_view path) const {
        const Node* node = &root_;
        while (node != nullptr) {
            const auto dot = path.find('.');
            node = node->section(std::string(path.substr(0, dot)));
            if (dot == path.npos) break;
            path.remove_prefix(dot + 1);
        }
        return node;
    }

    void take(const Node::Item& item, const std::vector<const Node*>& sources, std::size_t depth, Section& out) {
        if (!item.section) {
            // An empty value takes an inherited one away.
            if (!item.value.empty()) out.add_entry({item.name, item.value, item.place});
            return;
        }
        if (depth >= model::limits::vici_nesting) {
            complain(item.place, item.name + " inherits from what contains it");
            return;
        }
        if (left_ == 0) {
            complain({}, "sections inherit from each other so often that the whole is too large");
            return;
        }
        --left_;
        std::vector<const Node*> inner;
        for (const Node* source : sources)
            if (const Node* section = source->section(item.name)) inner.push_back(section);
        out.add_entry({item.name, resolve(inner, depth + 1), item.place});
    }

    void complain(const Place& place, std::string text) {
        const auto same = [&](const Complaint& other) {
            return other.place.line == place.line && other.text == text;
        };
        if (std::ranges::none_of(complaints_, same)) complaints_.push_back({place, std::move(text)});
    }

    const Node& root_;
    std::vector<Complaint>& complaints_;
    std::size_t left_;  // sections that may still be made
};

}  // namespace

std::string Complaint::line() const {
    const std::string where = place.text();
    return where.empty() ? text : where + ": " + text;
}

ParsedConfigFile parse_config_file(FileSource& files, const std::string& path) {
    ParsedConfigFile result;
    Node root;
    Parser(files, result).file(root, path, {}, 0);
    result.tree = Resolver(root, result.complaints).resolve({&root}, 0);
    return result;
}

}  // namespace cygnet::vici
