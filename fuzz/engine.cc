#include "sim/engine_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return cygnet::sim::drive_engines({data, size});
}
