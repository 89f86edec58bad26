# SPDX-License-Identifier: Apache-2.0
# Puts examples/stock into the binary, for `naru demo`.
file(GLOB demo_inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/examples/stock/*.conf ${CMAKE_SOURCE_DIR}/examples/stock/*.yml
    ${CMAKE_SOURCE_DIR}/examples/stock/*.sql)
set(gen ${CMAKE_BINARY_DIR}/gen/demo)
set(asm ".section .rodata\n")
set(rows "")
set(externs "")
set(n 0)
foreach(file IN LISTS demo_inputs)
    get_filename_component(name ${file} NAME)
    string(APPEND asm ".global demo_file_${n}\n.global demo_file_${n}_end\ndemo_file_${n}:\n.incbin \"${file}\"\n"
        "demo_file_${n}_end:\n.byte 0\n")
    string(APPEND externs "extern const uint8_t demo_file_${n}[], demo_file_${n}_end[];\n")
    string(APPEND rows "    {\"${name}\", demo_file_${n}, demo_file_${n}_end},\n")
    math(EXPR n "${n} + 1")
endforeach()
string(APPEND asm ".section .note.GNU-stack,\"\",%progbits\n")
file(CONFIGURE OUTPUT ${gen}/files.S CONTENT "${asm}" @ONLY)
file(CONFIGURE OUTPUT ${gen}/files.c CONTENT "#include \"cli/demo_files.h\"
#include <string.h>
${externs}const struct demo_file demo_files[] = {
${rows}    {NULL, NULL, NULL}};
const struct demo_file *demo_file_find(const char *name)
{
    for (const struct demo_file *f = demo_files; f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
    }
    return NULL;
}
" @ONLY)
if(TARGET naru_cli)
    set_source_files_properties(${gen}/files.S PROPERTIES OBJECT_DEPENDS "${demo_inputs}")
    target_sources(naru_cli PRIVATE ${gen}/files.c ${gen}/files.S)
endif()
