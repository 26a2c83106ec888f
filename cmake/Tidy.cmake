# The house rules that a script can check are a test like any other.
if(BUILD_TESTING AND EXISTS ${PROJECT_SOURCE_DIR}/tools/tidy)
    add_test(NAME tidy COMMAND ${PROJECT_SOURCE_DIR}/tools/tidy)
endif()
