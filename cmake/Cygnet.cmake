# The four kinds of things Cygnet builds. A folder's CMakeLists.txt calls one of these and is done:
#
#   cygnet_library(wire USES model base [SYSTEM_LIBS fmt::fmt] [TEST_USES …] [EXCLUDE x.cc])
#   cygnet_program(cygnetd SOURCES main.cc USES daemon [SYSTEM_LIBS CLI11::CLI11])
#   cygnet_fuzz_target(ike_header USES wire)
#   cygnet_benchmark(codec_bench SOURCES codec_bench.cc USES wire)
#
# Includes are written from src/ ("wire/payloads.h") or from the root ("sim/world.h").

# Where tests find shared vectors; a clone without them tests against what Debian packages.
set(shared_default "")
if(EXISTS ${PROJECT_SOURCE_DIR}/../shared)
    get_filename_component(shared_default ${PROJECT_SOURCE_DIR}/../shared REALPATH)
endif()
set(CYGNET_SHARED "${shared_default}" CACHE PATH "Folder of shared vectors and specifications")
# The environment variable of that name counts as well: `CYGNET_SHARED=… make test`, again at each run.
if(DEFINED ENV{CYGNET_SHARED})
    set_property(CACHE CYGNET_SHARED PROPERTY VALUE "$ENV{CYGNET_SHARED}")
endif()

function(cygnet_configure target)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE cygnet_warnings)
endfunction()

# Own sources of the current folder, without tests and without the programs' main.
function(cygnet_sources out_sources out_tests)
    file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
    set(tests ${all})
    list(FILTER tests INCLUDE REGEX "_test\\.cc$")
    list(FILTER all EXCLUDE REGEX "(_test\\.cc|/main\\.cc)$")
    set(${out_sources} ${all} PARENT_SCOPE)
    set(${out_tests} ${tests} PARENT_SCOPE)
endfunction()

# A gtest program, each of whose cases is a ctest test named `<target>.<Suite>.<case>`.
function(cygnet_gtest target)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
    add_executable(${target} ${ARG_SOURCES})
    cygnet_configure(${target})
    target_link_libraries(${target} PRIVATE ${ARG_USES}
        GTest::gmock GTest::gtest GTest::gtest_main rapidcheck fmt::fmt Threads::Threads)
    target_compile_definitions(${target} PRIVATE
        CYGNET_SOURCE_DIR="${PROJECT_SOURCE_DIR}" CYGNET_SHARED_DIR="${CYGNET_SHARED}")
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
        TEST_PREFIX ${target}. PROPERTIES TIMEOUT 300 ENVIRONMENT "CYGNET_SHARED=${CYGNET_SHARED}")
endfunction()

function(cygnet_library name)
    cmake_parse_arguments(ARG "" "" "USES;SYSTEM_LIBS;TEST_USES;EXCLUDE" ${ARGN})
    cygnet_sources(sources tests)
    list(TRANSFORM ARG_EXCLUDE PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    if(ARG_EXCLUDE)
        list(REMOVE_ITEM sources ${ARG_EXCLUDE})
        list(REMOVE_ITEM tests ${ARG_EXCLUDE})
    endif()
    if(sources)
        add_library(${name} STATIC ${sources})
        cygnet_configure(${name})
        target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
        target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE ${ARG_SYSTEM_LIBS})
    else()
        add_library(${name} INTERFACE)
        target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
        target_link_libraries(${name} INTERFACE ${ARG_USES} ${ARG_SYSTEM_LIBS})
    endif()
    if(BUILD_TESTING AND tests)
        cygnet_gtest(${name}_test SOURCES ${tests}
            USES ${name} ${ARG_SYSTEM_LIBS} ${ARG_TEST_USES})
    endif()
endfunction()

function(cygnet_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;SYSTEM_LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    cygnet_configure(${name})
    target_link_libraries(${name} PRIVATE ${ARG_USES} ${ARG_SYSTEM_LIBS})
    target_compile_definitions(${name} PRIVATE CYGNET_VERSION="${PROJECT_VERSION}")
    set_property(GLOBAL APPEND PROPERTY CYGNET_PROGRAMS ${name})
endfunction()

# fuzz/<name>.cc defines LLVMFuzzerTestOneInput; seeds lie in fuzz/corpus/<name>/. With the preset
# `fuzz` this is a libFuzzer program, else an ordinary test over the seeds and their mutations.
function(cygnet_fuzz_target name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;SYSTEM_LIBS" ${ARGN})
    if(NOT ARG_SOURCES)
        set(ARG_SOURCES ${name}.cc)
    endif()
    set(corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
    set(target fuzz_${name})
    if(CYGNET_LIBFUZZER)
        add_executable(${target} ${ARG_SOURCES})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME ${target} COMMAND ${target} -runs=20000 -seed=1 -max_total_time=60 ${corpus})
    else()
        if(NOT TARGET fuzz_replay)
            add_library(fuzz_replay STATIC ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cc)
            target_link_libraries(fuzz_replay PRIVATE cygnet_warnings)
        endif()
        add_executable(${target} ${ARG_SOURCES})
        target_link_libraries(${target} PRIVATE fuzz_replay)
        add_test(NAME ${target} COMMAND ${target} ${corpus})
    endif()
    set_tests_properties(${target} PROPERTIES TIMEOUT 300 LABELS fuzz)
    set_property(GLOBAL APPEND PROPERTY CYGNET_FUZZ_TARGETS ${target})
    cygnet_configure(${target})
    target_link_libraries(${target} PRIVATE ${ARG_USES} ${ARG_SYSTEM_LIBS})
endfunction()

# With Google Benchmark by default; NO_FRAMEWORK for a program with its own main.
function(cygnet_benchmark name)
    cmake_parse_arguments(ARG "NO_FRAMEWORK" "" "SOURCES;USES;SYSTEM_LIBS" ${ARGN})
    if(NOT ARG_SOURCES)
        set(ARG_SOURCES ${name}.cc)
    endif()
    if(NOT ARG_NO_FRAMEWORK AND NOT benchmark_FOUND)
        message(STATUS "Not built: ${name} (needs libbenchmark-dev; ${CYGNET_INSTALL_HINT})")
        return()
    endif()
    add_executable(${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
    cygnet_configure(${name})
    target_link_libraries(${name} PRIVATE ${ARG_USES} ${ARG_SYSTEM_LIBS}
        $<$<NOT:$<BOOL:${ARG_NO_FRAMEWORK}>>:benchmark::benchmark_main>)
    set_property(GLOBAL APPEND PROPERTY CYGNET_BENCHMARKS ${name})
endfunction()

include(GoogleTest)
