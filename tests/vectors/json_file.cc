#include "tests/vectors/json_file.h"

#include <gtest/gtest.h>

namespace cygnet::vectors {

Json read_json(const std::filesystem::path& path) { return Json::parse(read_text(path)); }

std::filesystem::path wycheproof_file(const std::string& name) {
    return shared_folder() / "wycheproof" / (name + "_test.json");
}

void for_each_test(const Json& file, const std::function<void(const WycheproofTest&)>& run) {
    for (const Json& group : file.at("testGroups"))
        for (const Json& test : group.at("tests")) {
            const WycheproofTest each{group, test};
            SCOPED_TRACE(each.name());
            run(each);
        }
}

}  // namespace cygnet::vectors
