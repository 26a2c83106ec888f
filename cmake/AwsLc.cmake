# AWS-LC as tools/build-aws-lc leaves it in the user's cache:
#   target aws_lc                      the static library, and CYGNET_HAVE_AWS_LC=1 for its users
#   cygnet_aws_lc_sources(aws_lc.cc)   gives only these files of the current folder its headers
#
# Its headers have OpenSSL's names: the include order decides which library a file speaks to, so no
# target ever carries them. The folder with the symbol prefix comes first.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/build-aws-lc --where
    OUTPUT_VARIABLE aws_lc_folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(CYGNET_AWS_LC "" CACHE PATH "AWS-LC built by tools/build-aws-lc; empty: the user's cache")
if(CYGNET_AWS_LC)
    set(aws_lc_folder ${CYGNET_AWS_LC})
endif()

if(EXISTS ${aws_lc_folder}/complete)
    add_library(aws_lc INTERFACE)
    target_link_libraries(aws_lc INTERFACE
        ${aws_lc_folder}/lib/libaws_lc_crypto.a Threads::Threads)
    target_compile_definitions(aws_lc INTERFACE CYGNET_HAVE_AWS_LC=1)
    message(STATUS "Found AWS-LC: ${aws_lc_folder}")
elseif(OPENSSL_VERSION VERSION_GREATER_EQUAL 3.5)
    message(STATUS "Not found: AWS-LC (optional, faster; run tools/build-aws-lc)")
else()
    message(WARNING "AWS-LC is missing and OpenSSL ${OPENSSL_VERSION} has no ML-KEM: "
        "run tools/build-aws-lc, then configure again")
endif()

function(cygnet_aws_lc_sources)
    if(TARGET aws_lc)
        set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS
            "-isystem;${aws_lc_folder}/include-prefix;-isystem;${aws_lc_folder}/include")
    endif()
endfunction()
