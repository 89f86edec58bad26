# SPDX-License-Identifier: Apache-2.0
# Loadable modules: modules/<name>/*.c becomes build/<preset>/modules/<name>.so, for connectors that carry a heavy
# library. A module is found next to the program, in NARU_MODULES, or in the build folder.
enable_language(ASM)
add_custom_target(naru_modules) # all of them: what a release consists of beside the program
function(naru_module name) # naru_module(ruby LINKS naru_event PkgConfig::pc_ruby-3.1)
    cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/modules/${name}/*.c ${CMAKE_SOURCE_DIR}/modules/${name}/*.S)
    list(FILTER sources EXCLUDE REGEX "_test\\.c$")
    if(NOT sources)
        return()
    endif()
    add_library(naru_module_${name} MODULE ${sources})
    set_target_properties(naru_module_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/modules)
    target_include_directories(naru_module_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    file(GLOB embedded CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/modules/${name}/*.rb)
    foreach(asm IN LISTS sources)
        if(asm MATCHES "\\.S$")
            set_source_files_properties(${asm} PROPERTIES OBJECT_DEPENDS "${embedded}"
                COMPILE_OPTIONS "-I${CMAKE_SOURCE_DIR}/modules/${name}")
        endif()
    endforeach()
    target_link_libraries(naru_module_${name} PRIVATE ${arg_LINKS})
    add_dependencies(naru_modules naru_module_${name})
endfunction()

pkg_check_modules(pc_ruby IMPORTED_TARGET GLOBAL ruby-3.1)
if(pc_ruby_FOUND AND TARGET naru_event)
    naru_module(ruby LINKS naru_event PkgConfig::pc_ruby)
    if(TARGET t_pipeline_ruby AND TARGET t_pipeline_registry)
        add_dependencies(t_pipeline_ruby naru_module_ruby)
        add_dependencies(t_pipeline_registry naru_module_ruby)
        # Ruby keeps its memory until the process ends, and its collector reads the stack as it is.
        set_tests_properties(pipeline/ruby pipeline/registry PROPERTIES
            ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0")
    endif()
endif()

pkg_check_modules(pc_mariadb IMPORTED_TARGET GLOBAL libmariadb)
if(pc_mariadb_FOUND AND TARGET naru_event)
    naru_module(mysql LINKS naru_event PkgConfig::pc_mariadb)
    if(TARGET t_pipeline_jdbc)
        add_dependencies(t_pipeline_jdbc naru_module_mysql)
    endif()
endif()
