/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct err_row {
    const char *name;
    const char *es_type;
    const char *help;
    int http_status;
    bool is_retryable;
};

static const struct err_row rows[ERR_COUNT] = {
    [ERR_NONE] = {"NONE", "none", "", 200, false},
#define ERR(name_, status, retryable, type, help_)                                                 \
    [ERR_##name_] = {#name_, type, help_, status, retryable},
#include "base/err.tbl"
#undef ERR
};

void assert_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "naru: bug: %s:%d: %s\n", file, line, what);
    abort();
}

/* Cuts a text that vsnprintf truncated in the middle of a UTF-8 sequence. */
static void cut_at_utf8_border(char *text, size_t size)
{
    size_t n = strnlen(text, size);
    if (n + 1 < size)
        return;
    while (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80)
        n--;
    if (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0xC0)
        n--;
    text[n] = '\0';
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    ASSERT(code > ERR_NONE && code < ERR_COUNT);
    if (!err)
        return -(int)code;
    err_clear(err);
    err->code = code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    cut_at_utf8_border(err->text, sizeof(err->text));
    return -(int)code;
}

int err_wrap(struct err *err, const char *format, ...)
{
    if (!err)
        return -(int)ERR_INTERNAL; /* the code went with the value */
    ASSERT(err->code != ERR_NONE);
    char old[ERR_TEXT_BYTES];
    memcpy(old, err->text, sizeof(old));
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN_OF((size_t)n, sizeof(err->text) - 1);
    int left = (int)(sizeof(err->text) - used);
    (void)snprintf(err->text + used, (size_t)left, ": %.*s", MAX_OF(left - 3, 0), old);
    cut_at_utf8_border(err->text, sizeof(err->text));
    return -(int)err->code;
}

int err_at(struct err *err, struct str file, uint32_t line, uint32_t column)
{
    if (!err)
        return -(int)ERR_INTERNAL;
    size_t n = MIN_OF(file.n, sizeof(err->file) - 1);
    if (n > 0)
        memcpy(err->file, file.p, n);
    err->file[n] = '\0';
    err->line = line;
    err->column = column;
    return -(int)err->code;
}

int err_at_off(struct err *err, int64_t off)
{
    if (!err)
        return -(int)ERR_INTERNAL;
    err->off = off;
    return -(int)err->code;
}

int err_bytes(struct err *err, uint64_t wanted, uint64_t limit)
{
    if (!err)
        return -(int)ERR_INTERNAL;
    err->bytes_wanted = wanted;
    err->bytes_limit = limit;
    return -(int)err->code;
}

void err_clear(struct err *err)
{
    if (!err)
        return;
    err->code = ERR_NONE;
    err->line = err->column = 0;
    err->off = -1;
    err->bytes_wanted = err->bytes_limit = 0;
    err->file[0] = err->text[0] = '\0';
}

const char *err_name(enum err_code code)
{
    return rows[code].name;
}

const char *err_es_type(enum err_code code)
{
    return rows[code].es_type;
}

const char *err_help(enum err_code code)
{
    return rows[code].help;
}

int err_http_status(enum err_code code)
{
    return rows[code].http_status;
}

bool err_is_retryable(enum err_code code)
{
    return rows[code].is_retryable;
}
