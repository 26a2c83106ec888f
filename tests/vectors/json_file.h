// Wycheproof's files: groups of tests, each of which is valid, invalid or acceptable.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/vectors/vector_files.h"

namespace cygnet::vectors {

using Json = nlohmann::json;
Json read_json(const std::filesystem::path& path);
std::filesystem::path wycheproof_file(const std::string& name);

struct WycheproofTest {
    const Json& group;
    const Json& test;

    Bytes octets(const char* name) const { return vectors::octets(test.at(name).get<std::string>()); }
    bool valid() const { return test.at("result") == "valid"; }
    bool invalid() const { return test.at("result") == "invalid"; }
    std::string name() const { return "tcId " + std::to_string(test.at("tcId").get<int>()); }
};
void for_each_test(const Json& file, const std::function<void(const WycheproofTest&)>& run);

#define NEED_WYCHEPROOF(name) NEED_FILE(wycheproof_file(name), "the folder of shared vectors")

}  // namespace cygnet::vectors
