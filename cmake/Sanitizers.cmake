# CYGNET_SANITIZE: a list for -fsanitize=, as "address,undefined" or "thread".
# CYGNET_LIBFUZZER: instrument everything for libFuzzer (clang only).
set(CYGNET_SANITIZE "" CACHE STRING "Sanitizers, comma separated")
option(CYGNET_LIBFUZZER "Build fuzz targets as libFuzzer programs" OFF)

if(CYGNET_SANITIZE)
    add_compile_options(-fsanitize=${CYGNET_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${CYGNET_SANITIZE})
    if(CYGNET_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
endif()

if(CYGNET_LIBFUZZER)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "CYGNET_LIBFUZZER needs clang 19: use the preset 'fuzz'")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
