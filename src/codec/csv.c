/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c: as Ruby's CSV (3.x, strict): a quote may only open a field at its very start, and behind a
 * closing quote comes a separator or the line's end. Quoted fields may hold separators and line
 * ends; a doubled quote is a quote. */
#include "codec/csv.h"

#include "base/str.h"

struct reader {
    const char *p, *end, *start;
    struct str separator;
    char quote; /* 0: none */
    struct arena *mem;
    struct err *err;
    size_t number; /* of the field, from 1 */
};

static int fail(const struct reader *r, const char *at, const char *what)
{
    err_set(r->err, ERR_PARSE, "csv: %s in field %zu", what, r->number);
    return err_at_off(r->err, at - r->start);
}

static inline bool at_separator(const struct reader *r)
{
    return (size_t)(r->end - r->p) >= r->separator.n && *r->p == r->separator.p[0] &&
           memcmp(r->p, r->separator.p, r->separator.n) == 0;
}

static inline bool at_line_end(const struct reader *r)
{
    return r->p >= r->end || *r->p == '\n' || *r->p == '\r';
}

static int read_quoted(struct reader *r, struct csv_field *field)
{
    const char *open = r->p++, *from = r->p;
    size_t doubled = 0;
    for (;;) {
        const char *q = memchr(r->p, r->quote, (size_t)(r->end - r->p));
        if (!q)
            return fail(r, open, "a quote that is not closed");
        r->p = q + 1;
        if (r->p >= r->end || *r->p != r->quote)
            break;
        doubled++;
        r->p++;
    }
    struct str inner = {from, (size_t)(r->p - 1 - from)};
    if (!at_line_end(r) && !at_separator(r))
        return fail(r, r->p, "text behind a closing quote");
    field->is_quoted = true;
    field->text = inner;
    if (doubled == 0)
        return 0;
    char *out = arena_alloc(r->mem, inner.n);
    size_t n = 0;
    for (size_t i = 0; i < inner.n; i++) {
        out[n++] = inner.p[i];
        i += inner.p[i] == r->quote; /* the second of the two */
    }
    field->text = (struct str){out, n};
    return 0;
}

static int read_plain(struct reader *r, struct csv_field *field)
{
    const char *from = r->p, *p = from, *end = r->end;
    char first = r->separator.p[0], quote = r->quote ? r->quote : first;
    for (;; p++) {
        while (p < end && *p != first && *p != quote && *p != '\n' && *p != '\r')
            p++;
        r->p = p;
        if (at_line_end(r) || at_separator(r))
            break;
        if (r->quote && *p == r->quote)
            return fail(r, p, "a quote inside a field without quotes");
    }
    *field = (struct csv_field){.text = {from, (size_t)(r->p - from)}};
    return 0;
}

static void field_add(struct arena *mem, struct csv_row *row, size_t *capacity,
                      const struct csv_field *field)
{
    if (row->count == *capacity) {
        size_t grown = *capacity ? *capacity * 2 : 16;
        row->fields =
            arena_realloc(mem, row->fields, *capacity * sizeof(*field), grown * sizeof(*field));
        *capacity = grown;
    }
    row->fields[row->count++] = *field;
}

static struct reader reader_of(struct str text, const struct csv_dialect *dialect,
                               struct arena *mem, struct err *err)
{
    struct reader r = {
        .p = text.p ? text.p : "", .separator = STR(","), .quote = '"', .mem = mem, .err = err};
    r.start = r.p;
    r.end = str_end(text);
    if (dialect && dialect->separator.n > 0)
        r.separator = dialect->separator;
    if (dialect && dialect->quote)
        r.quote = dialect->quote;
    if (dialect && dialect->has_no_quotes)
        r.quote = '\0';
    return r;
}

int csv_parse(struct str text, const struct csv_dialect *dialect, struct arena *mem,
              struct csv_row *ret_row, size_t *ret_used, struct err *err)
{
    struct reader r = reader_of(text, dialect, mem, err);
    struct csv_row row = {.count = 0};
    size_t capacity = 0;
    bool is_empty = at_line_end(&r);
    while (!is_empty) {
        struct csv_field field = {.is_quoted = false};
        r.number = row.count + 1;
        if (row.count == CSV_FIELDS_MAX)
            return fail(&r, r.p, "more than 100000 fields");
        TRY(r.quote && r.p < r.end && *r.p == r.quote ? read_quoted(&r, &field)
                                                      : read_plain(&r, &field));
        field_add(mem, &row, &capacity, &field);
        if (at_line_end(&r))
            break;
        r.p += r.separator.n;
    }
    if (r.p < r.end && *r.p == '\r')
        r.p++;
    if (r.p < r.end && *r.p == '\n')
        r.p++;
    *ret_row = row;
    if (ret_used)
        *ret_used = (size_t)(r.p - r.start);
    return 0;
}

/* ---- writing ---- */

static bool needs_quotes(struct str text, struct str separator, char quote)
{
    if (text.n == 0 || text.p[0] == ' ' || text.p[0] == '\t' || text.p[text.n - 1] == ' ' ||
        text.p[text.n - 1] == '\t')
        return true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == quote || c == '\n' || c == '\r')
            return true;
    }
    return str_find(text, separator) >= 0;
}

void csv_write_field(struct buf *out, const struct csv_dialect *dialect, struct str text,
                     bool is_nil, bool is_first)
{
    struct reader r = reader_of(text, dialect, NULL, NULL);
    if (!is_first)
        buf_add_str(out, r.separator);
    if (is_nil)
        return;
    if (!r.quote || !needs_quotes(text, r.separator, r.quote)) {
        buf_add_str(out, text);
        return;
    }
    buf_add_char(out, r.quote);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == r.quote)
            buf_add_char(out, r.quote);
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, r.quote);
}

void csv_write_row_end(struct buf *out, const struct csv_dialect *dialect)
{
    buf_add_str(out, dialect && dialect->row_separator.n > 0 ? dialect->row_separator : STR("\n"));
}
