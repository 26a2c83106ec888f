# intel-ipsec-mb: target `ipsec_mb` where the library is there (x86-64 only; OpenSSL serves others).
find_path(IPSEC_MB_INCLUDE_DIR intel-ipsec-mb.h)
find_library(IPSEC_MB_LIBRARY IPSec_MB)
mark_as_advanced(IPSEC_MB_INCLUDE_DIR IPSEC_MB_LIBRARY)
if(IPSEC_MB_INCLUDE_DIR AND IPSEC_MB_LIBRARY)
    add_library(ipsec_mb INTERFACE)
    target_include_directories(ipsec_mb SYSTEM INTERFACE ${IPSEC_MB_INCLUDE_DIR})
    target_link_libraries(ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})
    target_compile_definitions(ipsec_mb INTERFACE CYGNET_HAVE_IPSEC_MB=1)
    message(STATUS "Found intel-ipsec-mb: ${IPSEC_MB_LIBRARY}")
else()
    message(STATUS "Not found: intel-ipsec-mb (optional, x86-64; ${CYGNET_INSTALL_HINT}); "
        "OpenSSL does ESP")
endif()
