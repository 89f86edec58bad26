/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: JSON (RFC 8259) as a pull reader over bytes in memory and as writer functions onto a buf.
 * The reader builds nothing: the engine parses straight into columns with it, event/value_json
 * builds trees from it. Numbers are handed out as text with a class, so nothing loses digits.
 *
 * Limits: nesting JSON_DEPTH_MAX; input size is the caller's. Invalid UTF-8 in strings is replaced
 * by U+FFFD when JSON_REPLACE_UTF8 is given, an error otherwise. */
#ifndef NARU_CODEC_JSON_H
#define NARU_CODEC_JSON_H

#include "base/base.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 128u

enum json_token {
    JSON_END, /* behind the only value: the text is complete */
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_KEY,     /* `text`: the key, unescaped */
    JSON_STRING,  /* `text`: unescaped; points into the input when it has no escapes, else into mem
                   */
    JSON_INT,     /* `i`: fits int64_t; `text`: its bytes */
    JSON_FLOAT,   /* `f`: has a fraction or exponent; `text`: its bytes */
    JSON_BIG_INT, /* integer beyond int64_t; `text` its bytes, `f` the nearest double */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_ERROR, /* `err` says what and at which byte */
};

enum json_flags {
    JSON_REPLACE_UTF8 = 1,
    JSON_LAZY_NUMBERS = 2, /* JSON_FLOAT: `f` is not computed (json_number_f64 does it on demand) */
};

struct json_reader {
    const char *p, *end, *start;
    struct arena *mem; /* for strings with escapes */
    unsigned flags;
    uint32_t depth;
    uint64_t is_object[JSON_DEPTH_MAX / 64]; /* bit d: nesting level d is an object */
    uint8_t state;
    struct str text;
    int64_t i;
    double f;
    size_t token_off; /* where the last token begins in the input */
    size_t token_end; /* where it ends (a key: behind its closing quote) */
    struct err err;
};

void json_reader_init(struct json_reader *json, struct str input, struct arena *mem,
                      unsigned flags);
enum json_token json_next(struct json_reader *json);
/* Reads the next token when it is the key `key`, written without escapes; true: as json_next gave
 * JSON_KEY with that text. False: nothing was read. `key` MUST hold no quote, backslash, control
 * character or invalid UTF-8, as any key that json_next lent from the input does. Cheaper than
 * reading a key and comparing it, for those who know what comes. */
bool json_key_is(struct json_reader *json, struct str key);
/* After a token that begins a value (or a JSON_KEY: its value): moves behind the whole value. False
 * on error. */
bool json_skip(struct json_reader *json, enum json_token token);
/* The same, and tells the bytes of the value. */
bool json_skip_raw(struct json_reader *json, enum json_token token, struct str *ret_raw);
double json_number_f64(struct str text);
/* Whole-text check; err has the byte position. */
int json_validate(struct str input, struct err *err) WARN_UNUSED;
/* Copies with all white space between tokens removed. */
int json_minify(struct str input, struct buf *out, struct err *err) WARN_UNUSED;

/* Writers: cannot fail (buf latches). The caller writes the punctuation through struct json_writer,
 * which knows where commas go. */
struct json_writer {
    struct buf *out;
    uint32_t depth;
    bool is_pretty; /* two spaces, as Elasticsearch's ?pretty */
    bool needs_comma;
    bool after_key;
};
void json_writer_init(struct json_writer *w, struct buf *out, bool is_pretty);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, struct str key);
void json_str(struct json_writer *w, struct str s); /* invalid UTF-8 is written as U+FFFD */
void json_i64(struct json_writer *w, int64_t v);
void json_u64(struct json_writer *w, uint64_t v);
void json_f64(struct json_writer *w,
              double v); /* as Java prints doubles ("1.0", "1.0E10"); NaN and infinities as null */
void json_bool(struct json_writer *w, bool v);
void json_null(struct json_writer *w);
void json_raw(struct json_writer *w, struct str json); /* a value that is JSON already */
/* A literal that needs no escapes. */
#define json_key_lit(w, lit) json_key_plain((w), "\"" lit "\":", sizeof("\"" lit "\":") - 1)
void json_key_plain(struct json_writer *w, const char *quoted, size_t bytes);

/* Only the string literal with quotes, escaped. */
void json_write_str(struct buf *out, struct str s);

#endif
