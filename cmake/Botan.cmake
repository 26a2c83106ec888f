# Botan's key encapsulation and SLH-DSA as tools/build-botan leaves it in the user's cache: target `botan`, and
# CYGNET_HAVE_BOTAN=1 for its users.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/build-botan --where
    OUTPUT_VARIABLE botan_folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(CYGNET_BOTAN "" CACHE PATH "Botan built by tools/build-botan; empty: the user's cache")
if(CYGNET_BOTAN)
    set(botan_folder ${CYGNET_BOTAN})
endif()

if(EXISTS ${botan_folder}/complete)
    add_library(botan INTERFACE)
    target_include_directories(botan SYSTEM INTERFACE ${botan_folder}/include)
    target_link_libraries(botan INTERFACE ${botan_folder}/lib/libbotan-3.a)
    target_compile_definitions(botan INTERFACE CYGNET_HAVE_BOTAN=1)
    message(STATUS "Found Botan: ${botan_folder}")
else()
    message(STATUS "Not found: Botan 3 (optional, FrodoKEM and SLH-DSA; run tools/build-botan)")
endif()
