// The text of a configuration file, through parser and schema.
#include "vici/store.h"

using namespace cygnet;

namespace {

struct OneFile final : vici::FileSource {
    std::string text{};
    int includes_left = 3;
    Result<std::string> read(const std::string&) override { return text; }
    std::vector<std::string> glob(const std::string& pattern) override {
        return pattern.ends_with("again") && includes_left-- > 0 ? std::vector<std::string>{pattern} : std::vector<std::string>{};
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    OneFile file;
    file.text.assign(reinterpret_cast<const char*>(data), size);
    vici::ConfigStore store;
    vici::load_files(store, file, "/fuzz.conf");
    return 0;
}
