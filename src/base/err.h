/* SPDX-License-Identifier: Apache-2.0 */
/* err.h: errors as values. A function that can fail for reasons from outside returns 0 or -ERR_x
 * and fills the caller's `struct err` (which may be NULL). The value owns its text, so it needs no
 * allocation and crosses threads by copy. The table is err.tbl. */
#ifndef NARU_BASE_ERR_H
#define NARU_BASE_ERR_H

#include "base/base.h"

enum err_code {
    ERR_NONE = 0,
#define ERR(name, status, retryable, type, help) ERR_##name,
#include "base/err.tbl"
#undef ERR
    ERR_COUNT
};

#define ERR_TEXT_BYTES 512
#define ERR_FILE_BYTES 128

struct err {
    enum err_code code;
    uint32_t line;                      /* 1-based, 0: not known */
    uint32_t column;                    /* 1-based, in bytes, 0: not known */
    int64_t off;                        /* byte position in the input, -1: not known */
    uint64_t bytes_wanted, bytes_limit; /* of a budget that refuses; 0: not one of bytes */
    char file[ERR_FILE_BYTES];
    char text[ERR_TEXT_BYTES]; /* lower case, no full stop, NUL-terminated, cut at a UTF-8 border */
};

/* Writes code and text; the position fields become "not known". Returns -code, so that a caller can
 * `return err_set(err, ERR_IO, "...")`. `err` may be NULL. */
int err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "text: " before what is there and keeps code and position. Returns -code (with NULL
 * -ERR_INTERNAL, so a function that wraps passes a value of its own down). */
int err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Adds a position. Each returns -code. */
int err_at(struct err *err, struct str file, uint32_t line, uint32_t column);
int err_at_off(struct err *err, int64_t off);
/* Adds what a budget would have had to hold and what it may hold. Returns -code. */
int err_bytes(struct err *err, uint64_t wanted, uint64_t limit);

void err_clear(struct err *err);

const char *err_name(enum err_code code);    /* "INDEX_NOT_FOUND" */
const char *err_es_type(enum err_code code); /* "index_not_found_exception" */
const char *err_help(enum err_code code);
int err_http_status(enum err_code code);
bool err_is_retryable(enum err_code code);

/* Returns from the enclosing function when the call's result is negative. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_rc_ = (call);                                                                      \
        if (UNLIKELY(try_rc_ < 0))                                                                 \
            return try_rc_;                                                                        \
    } while (0)

#endif
