# The house rules that a script can check are a test like any other, and so is the script.
if(BUILD_TESTING)
    find_package(Python3 COMPONENTS Interpreter REQUIRED)
    add_test(NAME tidy COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/tidy)
    add_test(NAME tidy_test COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/tidy_test.py)
    # Every citation of a requirement names a row of the conformance list.
    add_test(NAME ledger COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/ledger --check)
    add_test(NAME ledger_test COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/ledger_test.py)
endif()
