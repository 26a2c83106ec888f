// Files in memory, for tests.
#pragma once

#include <fnmatch.h>

#include <map>

#include "vici/file_source.h"

namespace cygnet::vici {

class TestFiles final : public FileSource {
public:
    std::map<std::string, std::string> contents{};

    Result<std::string> read(const std::string& path) override {
        const auto found = contents.find(path);
        if (found == contents.end()) return fail(Errc::not_found, "file", "no such file");
        return found->second;
    }
    std::vector<std::string> glob(const std::string& pattern) override {
        std::vector<std::string> found;
        for (const auto& [path, content] : contents)
            if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0) found.push_back(path);
        return found;
    }
};

}  // namespace cygnet::vici
