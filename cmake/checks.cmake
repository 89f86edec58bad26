# SPDX-License-Identifier: Apache-2.0
# The rules of the house as tests: layers, banned calls, missing tests and pages. Once, not again under sanitizers.
if(NOT NARU_SANITIZE)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    foreach(check IN ITEMS layers tidy)
        add_test(NAME tidy/${check} COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/${check})
    endforeach()
    add_test(NAME tidy/self COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/tidy_test.py)
    set_tests_properties(tidy/layers tidy/tidy tidy/self PROPERTIES TIMEOUT 120)
endif()
