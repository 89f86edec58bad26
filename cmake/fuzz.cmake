# SPDX-License-Identifier: Apache-2.0
# A binary f_<module>_<name> per src/<module>/**/<name>_fuzz.c. With NARU_FUZZ (preset fuzz, clang) it is libFuzzer's; else
# tests/fuzz/replay.c drives it: the inputs kept in tests/fuzz/<module>_<name>/, the target's own seeds, and mutations of
# both from a fixed seed, as the test fuzz/<module>_<name>.
file(GLOB_RECURSE fuzz_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_fuzz.c)
foreach(file IN LISTS fuzz_files)
    file(RELATIVE_PATH inner ${CMAKE_SOURCE_DIR}/src ${file})
    string(REGEX MATCH "^[a-z_]+" module ${inner})
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name ${name})
    set(target f_${module}_${name})
    add_executable(${target} ${file})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${target} PRIVATE naru_${module} pthread m)
    if(NARU_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME fuzz/${module}_${name} COMMAND ${target} tests/fuzz/${module}_${name}
            WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        set_tests_properties(fuzz/${module}_${name} PROPERTIES TIMEOUT 300)
    endif()
    list(APPEND fuzz_targets ${target})
endforeach()
add_custom_target(naru_fuzz DEPENDS ${fuzz_targets})
