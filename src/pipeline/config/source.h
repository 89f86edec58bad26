/* SPDX-License-Identifier: Apache-2.0 */
/* source.h: a configuration's text and places in it: byte offset -> line and column, and the
 * picture of a line with a caret under the place that an error names. */
#ifndef NARU_PIPELINE_CONFIG_SOURCE_H
#define NARU_PIPELINE_CONFIG_SOURCE_H

#include "base/base.h"
#include "base/err.h"

#define SOURCE_BYTES_MAX     (16 * MIB) /* offsets + 1 fit struct value.pos */
#define SOURCE_CONFIG_STRING "config string"

struct source {
    struct str name; /* path, or SOURCE_CONFIG_STRING for -e */
    struct str text;
};

/* Line and column (1-based, in bytes) of a byte; behind the end counts as the end. */
void source_position(struct str text, size_t off, uint32_t *ret_line, uint32_t *ret_column);

/* Puts file, line and column of a byte onto an error; returns -code. */
int source_err_at(const struct source *source, size_t off, struct err *err);

/* The line an error names, with a caret under the column:
 *      12 |     port = 5044
 *         |          ^
 * `text`: the file's content. Wide characters count two columns. Empty when the error has no
 * position. */
struct str err_caret(const struct err *err, struct str text, struct arena *mem);

/* The same, reading the file that the error names. Empty when it cannot be read. */
struct str source_caret(struct vfs *fs, const struct err *err, struct arena *mem);

#endif
