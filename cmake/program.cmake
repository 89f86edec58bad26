# SPDX-License-Identifier: Apache-2.0
# The program itself: build/<preset>/naru.
if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/main.c AND TARGET naru_cli)
    add_executable(naru src/cli/main.c)
    target_link_libraries(naru PRIVATE naru_cli)
    set_target_properties(naru PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endif()
