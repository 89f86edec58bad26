/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h: one record of comma-separated values (RFC 4180) as Ruby's CSV reads it, and the writer. */
#ifndef NARU_CODEC_CSV_H
#define NARU_CODEC_CSV_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#define CSV_FIELDS_MAX 100000u

struct csv_dialect {
    struct str separator;     /* empty: "," */
    char quote;               /* 0: '"' */
    bool has_no_quotes;       /* quotes are ordinary characters */
    struct str row_separator; /* of the writer; empty: "\n" */
};

struct csv_field {
    struct str text; /* borrows from the line when it has no doubled quotes */
    bool is_quoted;  /* an empty field without quotes is nil in Ruby, one with quotes "" */
};

struct csv_row {
    struct csv_field *fields;
    size_t count; /* 0: the line is empty */
};

/* Parses the first record of the text (quoted fields may hold line ends) and tells what it used
 * with its line end. -ERR_PARSE: a quote in the middle of an unquoted field, text behind a closing
 * quote, a field not closed; err.off. */
int csv_parse(struct str text, const struct csv_dialect *dialect, struct arena *mem,
              struct csv_row *ret_row, size_t *ret_used, struct err *err) WARN_UNUSED;

/* Appends a field: quoted when it has a separator, quote, CR, LF, or blanks at its ends, or is
 * empty (nil is not quoted). */
void csv_write_field(struct buf *out, const struct csv_dialect *dialect, struct str text,
                     bool is_nil, bool is_first);
void csv_write_row_end(struct buf *out, const struct csv_dialect *dialect);

#endif
