# libmceliece, the system's or as tools/fetch-mceliece leaves it in the user's cache: target `mceliece`, and
# CYGNET_HAVE_MCELIECE=1 for its users. The static form: it takes its random octets from crypto/mceliece.cc.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/fetch-mceliece --where
    OUTPUT_VARIABLE mceliece_folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(CYGNET_MCELIECE "" CACHE PATH "libmceliece fetched by tools/fetch-mceliece; empty: the user's cache")
if(CYGNET_MCELIECE)
    set(mceliece_folder ${CYGNET_MCELIECE})
endif()

# Looked for at each configuration: what was fetched since then counts.
unset(MCELIECE_INCLUDE_DIR CACHE)
unset(MCELIECE_LIBRARY CACHE)
find_path(MCELIECE_INCLUDE_DIR mceliece.h HINTS ${mceliece_folder}/include)
find_library(MCELIECE_LIBRARY libmceliece.a HINTS ${mceliece_folder}/lib)
mark_as_advanced(MCELIECE_INCLUDE_DIR MCELIECE_LIBRARY)
if(MCELIECE_INCLUDE_DIR AND MCELIECE_LIBRARY)
    add_library(mceliece INTERFACE)
    target_include_directories(mceliece SYSTEM INTERFACE ${MCELIECE_INCLUDE_DIR})
    target_link_libraries(mceliece INTERFACE ${MCELIECE_LIBRARY})
    target_compile_definitions(mceliece INTERFACE CYGNET_HAVE_MCELIECE=1)
    message(STATUS "Found libmceliece: ${MCELIECE_LIBRARY}")
else()
    message(STATUS "Not found: libmceliece (optional, Classic McEliece; run tools/fetch-mceliece)")
endif()
