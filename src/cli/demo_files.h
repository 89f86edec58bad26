/* SPDX-License-Identifier: Apache-2.0 */
/* demo_files.h: the files of examples/stock inside the binary; the table is made by
 * cmake/demo.cmake. */
#ifndef NARU_CLI_DEMO_FILES_H
#define NARU_CLI_DEMO_FILES_H

#include "base/base.h"

struct demo_file {
    const char *name; /* NULL: end of the table */
    const uint8_t *text, *text_end;
};
extern const struct demo_file demo_files[];
const struct demo_file *demo_file_find(const char *name);

#endif
