# Everything taken from the machine, found in one place. What is required stops the configuration
# with one line; what is optional is reported and its users check `if(TARGET …)`.
set(CYGNET_INSTALL_HINT "run tools/install-packages as root")

macro(cygnet_require package)
    find_package(${package} ${ARGN} QUIET)
    if(NOT ${package}_FOUND)
        message(FATAL_ERROR "${package} ${ARGN} is missing: ${CYGNET_INSTALL_HINT}")
    endif()
    message(STATUS "Found ${package} ${${package}_VERSION}")
endmacro()

# `cygnet_pkg(mnl libmnl REQUIRED)` defines the target PkgConfig::mnl.
function(cygnet_pkg name module)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
    if(${name}_FOUND)
        message(STATUS "Found ${module} ${${name}_VERSION}")
    elseif("REQUIRED" IN_LIST ARGN)
        message(FATAL_ERROR "${module} is missing: ${CYGNET_INSTALL_HINT}")
    else()
        message(STATUS "Not found: ${module} (optional; ${CYGNET_INSTALL_HINT})")
    endif()
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
cygnet_require(Threads)
cygnet_require(PkgConfig)
cygnet_require(OpenSSL 3.0)
cygnet_require(fmt)
cygnet_require(spdlog)
cygnet_require(CLI11)
cygnet_require(nlohmann_json)

cygnet_pkg(mnl libmnl REQUIRED)
cygnet_pkg(cap libcap REQUIRED)
cygnet_pkg(seccomp libseccomp REQUIRED)
cygnet_pkg(pcap libpcap REQUIRED)

# Standalone Asio is headers only and ships no package file.
find_path(ASIO_INCLUDE_DIR asio.hpp)
if(NOT ASIO_INCLUDE_DIR)
    message(FATAL_ERROR "asio is missing: ${CYGNET_INSTALL_HINT}")
endif()
add_library(asio INTERFACE)
add_library(asio::asio ALIAS asio)
target_include_directories(asio SYSTEM INTERFACE ${ASIO_INCLUDE_DIR})
target_compile_definitions(asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
target_link_libraries(asio INTERFACE Threads::Threads)

include(IpsecMb)
include(AwsLc)

if(BUILD_TESTING)
    cygnet_require(GTest)
    cygnet_require(rapidcheck)
endif()
find_package(benchmark QUIET)
