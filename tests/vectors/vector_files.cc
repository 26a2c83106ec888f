#include "tests/vectors/vector_files.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/result.h"

namespace cygnet::vectors {
namespace {

std::string trim(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return {};
    return std::string(text.substr(from, text.find_last_not_of(" \t\r") - from + 1));
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// "Name = value" into the record.
void add_field(Record& record, std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
        record[lower(trim(line))] = "";
    else
        record[lower(trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
}

}  // namespace

std::filesystem::path own_folder() { return CYGNET_VECTORS_DIR; }

std::filesystem::path shared_folder() {
    const char* variable = std::getenv("CYGNET_SHARED");
    const std::filesystem::path root = variable ? variable : CYGNET_SHARED_DIR;
    return root.empty() ? root : root / "vectors";
}

std::filesystem::path debian_folder() { return "/usr/lib/python3/dist-packages/cryptography_vectors"; }

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<Record> read_records(const std::filesystem::path& path) {
    std::istringstream file(read_text(path));
    std::vector<Record> records;
    Record section, record;
    bool new_section = true;
    const auto finish = [&] {
        if (!record.empty()) {
            Record whole = section;
            whole.insert(record.begin(), record.end());
            records.push_back(std::move(whole));
        }
        record.clear();
    };
    for (std::string raw; std::getline(file, raw);) {
        const std::string line = trim(raw);
        if (line.starts_with('#')) continue;
        if (line.starts_with('[')) {
            finish();
            // The lines of one heading belong together; the next heading starts afresh.
            if (std::exchange(new_section, false)) section.clear();
            add_field(section, std::string_view(line).substr(1, line.find(']') - 1));
        } else if (line.empty()) {
            finish();
        } else {
            new_section = true;
            add_field(record, line);
        }
    }
    finish();
    return records;
}

Bytes octets(std::string_view hex) {
    // A number may have lost its first zero.
    const auto value = from_hex(hex.size() % 2 ? "0" + std::string(hex) : std::string(hex));
    ASSERT(value);
    return *value;
}

Bytes octets(const Record& record, const std::string& name) {
    const auto field = record.find(name);
    return field == record.end() ? Bytes{} : octets(field->second);
}

}  // namespace cygnet::vectors
