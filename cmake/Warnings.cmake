# Warnings for our own code only: everything found on the machine is a system include.
option(CYGNET_WERROR "Treat warnings as errors" OFF)

add_library(cygnet_warnings INTERFACE)
target_compile_options(cygnet_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
    -Wcast-align -Wundef -Wvla
    # Rows with designated initialisers leave the rest at its default on purpose.
    -Wno-missing-field-initializers
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op>
    # Joined sources (JoinedSources.cmake) see each other's names, and none of them looks like a header.
    $<$<BOOL:${CYGNET_JOIN_SOURCES}>:-Wno-shadow>
    $<$<AND:$<BOOL:${CYGNET_JOIN_SOURCES}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>
    # TRY is a statement expression behind __extension__; clang wants to hear it by name.
    $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression-from-macro-expansion>
    $<$<BOOL:${CYGNET_WERROR}>:-Werror>)

# Hardening costs next to nothing in code that moves whole batches.
add_compile_options(-fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
elseif(NOT CYGNET_SANITIZE)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
