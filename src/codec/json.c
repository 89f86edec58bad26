/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: the pull reader and the writer.
 *
 * The reader is a small state machine: `state` says what may come next, a bit per nesting level says whether that level
 * is an object. Strings are scanned 16 bytes at a time for the bytes that need care (quote, backslash, control
 * characters, non-ASCII); a string without any of those is handed out as it lies in the input. */
#include "codec/json.h"

#include <math.h>
#include <stdio.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum state {
    STATE_VALUE,          /* a value must come */
    STATE_FIRST_ITEM,     /* behind '[': a value or ']' */
    STATE_FIRST_KEY,      /* behind '{': a key or '}' */
    STATE_KEY,            /* behind ',' in an object: a key */
    STATE_AFTER_VALUE,    /* ',' or the end of the level */
    STATE_DONE,
    STATE_FAILED,
};

void json_reader_init(struct json_reader *json, struct str input, struct arena *mem, unsigned flags)
{
    *json = (struct json_reader){.p = input.p, .end = input.p + input.n, .start = input.p, .mem = mem, .flags = flags};
    err_clear(&json->err);
}

static enum json_token fail_at(struct json_reader *json, const char *at, const char *what)
{
    json->state = STATE_FAILED;
    err_set(&json->err, ERR_JSON, "%s", what);
    err_at_off(&json->err, at - json->start);
    return JSON_ERROR;
}

static enum json_token fail_unexpected(struct json_reader *json, const char *wanted)
{
    json->state = STATE_FAILED;
    if (json->p >= json->end)
        err_set(&json->err, ERR_JSON, "unexpected end of the JSON text: %s was expected", wanted);
    else if ((unsigned char)*json->p > 0x20 && (unsigned char)*json->p < 0x7F)
        err_set(&json->err, ERR_JSON, "unexpected character '%c': %s was expected", *json->p, wanted);
    else
        err_set(&json->err, ERR_JSON, "unexpected byte 0x%02x: %s was expected", (unsigned char)*json->p, wanted);
    err_at_off(&json->err, json->p - json->start);
    return JSON_ERROR;
}

static inline void skip_space(struct json_reader *json)
{
    while (json->p < json->end && (*json->p == ' ' || *json->p == '\n' || *json->p == '\r' || *json->p == '\t'))
        json->p++;
}

/* First byte at or behind p that is a quote, a backslash, a control character or not ASCII. */
static inline const char *scan_plain(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* As signed bytes, control characters and non-ASCII are all below 0x20. */
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                   _mm_cmplt_epi8(v, space));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
        p++;
    return p;
}

/* Length of the valid UTF-8 sequence at p (RFC 3629), 0: invalid. */
static size_t utf8_sequence(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return left >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if ((p[0] & 0xF0) == 0xE0) {
        if (left < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80)
            return 0;
        bool is_overlong = p[0] == 0xE0 && p[1] < 0xA0, is_surrogate = p[0] == 0xED && p[1] > 0x9F;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (left < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80)
            return 0;
        bool is_overlong = p[0] == 0xF0 && p[1] < 0x90, is_beyond = p[0] == 0xF4 && p[1] > 0x8F;
        return is_overlong || is_beyond ? 0 : 4;
    }
    return 0;
}

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* Reads the escape at json->p (behind the backslash) into *to. False: failed. A lone surrogate becomes U+FFFD. */
static bool read_escape(struct json_reader *json, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (json->p >= json->end) {
        fail_at(json, json->end, "the string does not end");
        return false;
    }
    const char *hit = strchr(from, *json->p);
    if (hit && *json->p) {
        *(*to)++ = into[hit - from];
        json->p++;
        return true;
    }
    int c = *json->p == 'u' && json->end - json->p >= 5 ? hex4(json->p + 1) : -1;
    if (c < 0) {
        fail_at(json, json->p - 1, "unrecognized escape in a string");
        return false;
    }
    json->p += 5;
    uint32_t code = (uint32_t)c;
    if (c >= 0xD800 && c <= 0xDBFF && json->end - json->p >= 6 && json->p[0] == '\\' && json->p[1] == 'u') {
        int low = hex4(json->p + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((uint32_t)(c - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
            json->p += 6;
        }
    }
    if (code >= 0xD800 && code <= 0xDFFF)
        code = 0xFFFD;
    *to = put_utf8(*to, code);
    return true;
}

/* Checks or replaces one non-ASCII sequence; copies it when `to` is given. */
static bool read_wide(struct json_reader *json, char **to)
{
    size_t n = utf8_sequence((const unsigned char *)json->p, (const unsigned char *)json->end);
    if (n > 0) {
        if (to) {
            memcpy(*to, json->p, n);
            *to += n;
        }
        json->p += n;
        return true;
    }
    if (!(json->flags & JSON_REPLACE_UTF8)) {
        fail_at(json, json->p, "invalid UTF-8 in a string");
        return false;
    }
    ASSERT(to);
    *to = put_utf8(*to, 0xFFFD);
    json->p++;
    return true;
}

/* The slow way: from `from` (the first byte of the string) copying what was passed already. */
static bool read_copied_string(struct json_reader *json, const char *from)
{
    const char *quote = json->p; /* an upper bound of the length: each replaced byte grows to three */
    while (quote < json->end && *quote != '"')
        quote += *quote == '\\' ? 2 : 1;
    size_t bound = (size_t)(MIN_OF(quote, json->end) - from);
    if (json->flags & JSON_REPLACE_UTF8)
        bound *= 3;
    char *start = arena_alloc(json->mem, bound + 4), *to = start;
    memcpy(to, from, (size_t)(json->p - from));
    to += json->p - from;
    while (json->p < json->end && *json->p != '"') {
        unsigned char c = (unsigned char)*json->p;
        if (c == '\\') {
            json->p++;
            if (!read_escape(json, &to))
                return false;
        } else if (c >= 0x80) {
            if (!read_wide(json, &to))
                return false;
        } else if (c < 0x20) {
            fail_at(json, json->p, "a control character in a string must be escaped");
            return false;
        } else {
            const char *end = scan_plain(json->p, json->end);
            memcpy(to, json->p, (size_t)(end - json->p));
            to += end - json->p;
            json->p = end;
        }
    }
    json->text = (struct str){start, (size_t)(to - start)};
    return true;
}

/* json->p is behind the opening quote; leaves it behind the closing one. */
static bool read_string(struct json_reader *json)
{
    const char *from = json->p;
    for (;;) {
        json->p = scan_plain(json->p, json->end);
        if (json->p >= json->end)
            break;
        unsigned char c = (unsigned char)*json->p;
        if (c == '"') {
            json->text = (struct str){from, (size_t)(json->p - from)};
            json->p++;
            return true;
        }
        size_t n = c >= 0x80 ? utf8_sequence((const unsigned char *)json->p, (const unsigned char *)json->end) : 0;
        if (n > 0) {
            json->p += n;
            continue;
        }
        if (!read_copied_string(json, from))
            return false;
        if (json->p >= json->end)
            break;
        json->p++;
        return true;
    }
    fail_at(json, from - 1, "the string does not end");
    return false;
}

double json_number_f64(struct str text)
{
    double v = 0;
    return str_to_f64(text, &v) ? v : 0;
}

/* Exact for up to 15 digits and powers of ten up to 22 (Clinger 1990): one multiplication or division of two exact
 * doubles. Everything else goes to the C library. */
static bool fast_double(const char *p, const char *end, double *ret_v)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool is_negative = *p == '-';
    uint64_t digits = 0;
    int digit_count = 0, scale = 0;
    bool in_fraction = false;
    for (p += is_negative; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            in_fraction = true;
            continue;
        }
        if (++digit_count > 15)
            return false;
        digits = digits * 10 + (uint64_t)(*p - '0');
        scale -= in_fraction;
    }
    if (p < end) {
        int64_t exponent;
        struct str text = {p + 1, (size_t)(end - p - 1)};
        if (text.n && text.p[0] == '+')
            text = str_from_off(text, 1);
        if (!str_to_i64(text, &exponent) || exponent > 1000 || exponent < -1000)
            return false;
        scale += (int)exponent;
    }
    if (scale < -22 || scale > 22)
        return false;
    double v = (double)digits;
    v = scale < 0 ? v / powers[-scale] : v * powers[scale];
    *ret_v = is_negative ? -v : v;
    return true;
}

static enum json_token read_number(struct json_reader *json)
{
    const char *from = json->p, *p = from, *end = json->end;
    bool is_negative = *p == '-', is_float = false, is_big = false;
    p += is_negative;
    uint64_t v = 0;
    const char *digits = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (p - digits < 19)
            v = v * 10 + (uint64_t)(*p - '0');
        else
            is_big = true;
    }
    if (p == digits || (p - digits > 1 && *digits == '0')) {
        json->p = p == digits ? p : digits;
        return p == digits ? fail_unexpected(json, "a digit") : fail_at(json, digits, "a number must not begin with 0");
    }
    if (p < end && *p == '.') {
        is_float = true;
        const char *fraction = ++p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        if (p == fraction) {
            json->p = p;
            return fail_unexpected(json, "a digit behind the decimal point");
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        is_float = true;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        if (p == exponent) {
            json->p = p;
            return fail_unexpected(json, "a digit in the exponent");
        }
    }
    json->p = p;
    json->text = (struct str){from, (size_t)(p - from)};
    if (is_float) {
        if (!(json->flags & JSON_LAZY_NUMBERS) && !fast_double(from, p, &json->f))
            json->f = json_number_f64(json->text);
        return JSON_FLOAT;
    }
    if (is_big || v > (uint64_t)INT64_MAX + (is_negative ? 1 : 0)) {
        json->f = json_number_f64(json->text);
        return JSON_BIG_INT;
    }
    json->i = is_negative ? (int64_t)(~v + 1) : (int64_t)v;
    return JSON_INT;
}

static bool read_word(struct json_reader *json, const char *word, size_t n)
{
    if ((size_t)(json->end - json->p) < n || memcmp(json->p, word, n) != 0)
        return false;
    json->p += n;
    return true;
}

static inline bool in_object(const struct json_reader *json)
{
    unsigned d = json->depth - 1;
    return json->is_object[d / 64] >> (d % 64) & 1;
}

static enum json_token open_level(struct json_reader *json, bool is_object)
{
    if (json->depth == JSON_DEPTH_MAX)
        return fail_at(json, json->p, "the JSON text is nested deeper than 128 levels");
    unsigned d = json->depth++;
    uint64_t bit = UINT64_C(1) << (d % 64);
    json->is_object[d / 64] = is_object ? json->is_object[d / 64] | bit : json->is_object[d / 64] & ~bit;
    json->p++;
    json->state = is_object ? STATE_FIRST_KEY : STATE_FIRST_ITEM;
    return is_object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

static enum json_token close_level(struct json_reader *json)
{
    bool is_object = in_object(json);
    json->p++;
    json->depth--;
    json->state = json->depth == 0 ? STATE_DONE : STATE_AFTER_VALUE;
    return is_object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_token read_value(struct json_reader *json)
{
    uint8_t after = json->depth == 0 ? STATE_DONE : STATE_AFTER_VALUE;
    enum json_token token = JSON_ERROR;
    switch (*json->p) {
    case '{':
        return open_level(json, true);
    case '[':
        return open_level(json, false);
    case '"':
        json->p++;
        if (!read_string(json))
            return JSON_ERROR;
        token = JSON_STRING;
        break;
    case 't':
        token = read_word(json, "true", 4) ? JSON_TRUE : JSON_ERROR;
        break;
    case 'f':
        token = read_word(json, "false", 5) ? JSON_FALSE : JSON_ERROR;
        break;
    case 'n':
        token = read_word(json, "null", 4) ? JSON_NULL : JSON_ERROR;
        break;
    default:
        if (*json->p != '-' && (*json->p < '0' || *json->p > '9'))
            return fail_unexpected(json, "a value");
        token = read_number(json);
        if (token == JSON_ERROR)
            return JSON_ERROR;
        break;
    }
    if (token == JSON_ERROR)
        return fail_unexpected(json, "a value");
    json->state = after;
    return token;
}

static enum json_token read_key(struct json_reader *json)
{
    if (*json->p != '"')
        return fail_unexpected(json, "a key in double quotes");
    json->p++;
    if (!read_string(json))
        return JSON_ERROR;
    skip_space(json);
    if (json->p >= json->end || *json->p != ':')
        return fail_unexpected(json, "':'");
    json->p++;
    json->state = STATE_VALUE;
    return JSON_KEY;
}

enum json_token json_next(struct json_reader *json)
{
    if (UNLIKELY(json->state == STATE_FAILED))
        return JSON_ERROR;
    skip_space(json);
    json->token_off = (size_t)(json->p - json->start);
    if (json->state == STATE_DONE)
        return json->p == json->end ? JSON_END : fail_unexpected(json, "the end of the text");
    if (json->p >= json->end)
        return fail_unexpected(json, json->depth ? "more" : "a value");
    if (json->state == STATE_AFTER_VALUE) {
        if (*json->p == (in_object(json) ? '}' : ']'))
            return close_level(json);
        if (*json->p != ',')
            return fail_unexpected(json, in_object(json) ? "',' or '}'" : "',' or ']'");
        json->p++;
        json->state = in_object(json) ? STATE_KEY : STATE_VALUE;
        skip_space(json);
        json->token_off = (size_t)(json->p - json->start);
        if (json->p >= json->end)
            return fail_unexpected(json, "more");
    }
    switch ((enum state)json->state) {
    case STATE_FIRST_ITEM:
        if (*json->p == ']')
            return close_level(json);
        return read_value(json);
    case STATE_FIRST_KEY:
        if (*json->p == '}')
            return close_level(json);
        return read_key(json);
    case STATE_KEY:
        return read_key(json);
    case STATE_VALUE:
        return read_value(json);
    case STATE_AFTER_VALUE:
    case STATE_DONE:
    case STATE_FAILED:
    default:
        ASSERT(!"state");
        return JSON_ERROR;
    }
}

bool json_skip(struct json_reader *json, enum json_token token)
{
    if (token == JSON_KEY)
        token = json_next(json);
    if (token == JSON_ERROR)
        return false;
    if (token != JSON_OBJECT_BEGIN && token != JSON_ARRAY_BEGIN)
        return true;
    uint32_t depth = json->depth - 1;
    while (json->depth > depth) {
        if (json_next(json) == JSON_ERROR)
            return false;
    }
    return true;
}

bool json_skip_raw(struct json_reader *json, enum json_token token, struct str *ret_raw)
{
    if (token == JSON_KEY)
        token = json_next(json);
    size_t from = json->token_off;
    if (!json_skip(json, token))
        return false;
    *ret_raw = (struct str){json->start + from, (size_t)(json->p - json->start) - from};
    return true;
}

int json_validate(struct str input, struct err *err)
{
    struct json_reader json;
    struct arena *mem = arena_new(0);
    json_reader_init(&json, input, mem, JSON_LAZY_NUMBERS);
    enum json_token token;
    do {
        token = json_next(&json);
    } while (token != JSON_END && token != JSON_ERROR);
    arena_free(mem);
    if (token == JSON_END)
        return 0;
    if (err)
        *err = json.err;
    return -(int)ERR_JSON;
}

int json_minify(struct str input, struct buf *out, struct err *err)
{
    TRY(json_validate(input, err));
    bool in_string = false;
    for (size_t i = 0; i < input.n; i++) {
        char c = input.p[i];
        if (in_string && c == '\\') {
            buf_add_char(out, c);
            c = input.p[++i];
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
            continue;
        }
        buf_add_char(out, c);
    }
    return 0;
}

/* ---- writing ---- */

void json_write_str(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789abcdef";
    buf_add_char(out, '"');
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        const char *plain = scan_plain(p, end);
        buf_add(out, p, (size_t)(plain - p));
        p = plain;
        if (p >= end)
            break;
        unsigned char c = (unsigned char)*p;
        if (c >= 0x80) {
            size_t n = utf8_sequence((const unsigned char *)p, (const unsigned char *)end);
            if (n)
                buf_add(out, p, n);
            else
                buf_add_lit(out, "\xEF\xBF\xBD");
            p += n ? n : 1;
            continue;
        }
        static const char from[] = "\"\\\b\f\n\r\t", into[] = "\"\\bfnrt";
        const char *hit = c ? strchr(from, (char)c) : NULL;
        if (hit) {
            char pair[2] = {'\\', into[hit - from]};
            buf_add(out, pair, 2);
        } else {
            char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(out, code, 6);
        }
        p++;
    }
    buf_add_char(out, '"');
}

void json_writer_init(struct json_writer *w, struct buf *out, bool is_pretty)
{
    *w = (struct json_writer){.out = out, .is_pretty = is_pretty};
}

static void new_line(struct json_writer *w)
{
    buf_add_char(w->out, '\n');
    for (uint32_t i = 0; i < w->depth; i++)
        buf_add_lit(w->out, "  ");
}

/* What stands before a value or key: nothing behind a key, a comma between siblings. */
static void before(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->needs_comma)
        buf_add_char(w->out, ',');
    if (w->is_pretty && w->depth > 0)
        new_line(w);
}

static void open(struct json_writer *w, char c)
{
    before(w);
    buf_add_char(w->out, c);
    w->depth++;
    w->needs_comma = false;
}

static void close_with(struct json_writer *w, char c)
{
    ASSERT(w->depth > 0);
    w->depth--;
    if (w->is_pretty) {
        if (w->needs_comma)
            new_line(w);
        else
            buf_add_char(w->out, ' '); /* Elasticsearch prints an empty object as "{ }" */
    }
    buf_add_char(w->out, c);
    w->needs_comma = true;
}

void json_object_begin(struct json_writer *w)
{
    open(w, '{');
}

void json_object_end(struct json_writer *w)
{
    close_with(w, '}');
}

void json_array_begin(struct json_writer *w)
{
    open(w, '[');
}

void json_array_end(struct json_writer *w)
{
    close_with(w, ']');
}

void json_key(struct json_writer *w, struct str key)
{
    before(w);
    json_write_str(w->out, key);
    if (w->is_pretty)
        buf_add_lit(w->out, " : ");
    else
        buf_add_char(w->out, ':');
    w->after_key = true;
    w->needs_comma = true;
}

void json_str(struct json_writer *w, struct str s)
{
    before(w);
    json_write_str(w->out, s);
    w->needs_comma = true;
}

void json_i64(struct json_writer *w, int64_t v)
{
    before(w);
    buf_add_i64(w->out, v);
    w->needs_comma = true;
}

void json_u64(struct json_writer *w, uint64_t v)
{
    before(w);
    buf_add_u64(w->out, v);
    w->needs_comma = true;
}

/* The shortest digits that read back, in the form of Java's Double.toString: plain from 1e-3 up to 1e7 with at least
 * one digit behind the point, else d.dddE±x. */
void json_f64(struct json_writer *w, double v)
{
    before(w);
    w->needs_comma = true;
    if (!isfinite(v)) {
        buf_add_lit(w->out, "null");
        return;
    }
    if (v == 0) {
        buf_add(w->out, signbit(v) ? "-0.0" : "0.0", signbit(v) ? 4 : 3);
        return;
    }
    char text[40], digits[24];
    size_t n = f64_to_text(v, text), digit_count = 0;
    int exponent = 0, point = -1;
    bool is_negative = text[0] == '-';
    for (size_t i = is_negative; i < n; i++) {
        if (text[i] == '.') {
            point = (int)digit_count;
        } else if (text[i] == 'e') {
            int64_t e = 0;
            struct str rest = {text + i + 1, n - i - 1};
            if (rest.n && rest.p[0] == '+')
                rest = str_from_off(rest, 1);
            (void)str_to_i64(rest, &e);
            exponent = (int)e;
            break;
        } else if (digit_count < sizeof(digits)) {
            digits[digit_count++] = text[i];
        }
    }
    int whole = (point < 0 ? (int)digit_count : point) + exponent; /* value = 0.digits * 10^whole */
    size_t zeros = 0;
    while (zeros + 1 < digit_count && digits[zeros] == '0')
        zeros++;
    memmove(digits, digits + zeros, digit_count - zeros);
    digit_count -= zeros;
    whole -= (int)zeros;
    while (digit_count > 1 && digits[digit_count - 1] == '0')
        digit_count--;
    if (is_negative)
        buf_add_char(w->out, '-');
    double a = fabs(v);
    if (a >= 1e-3 && a < 1e7) {
        for (int i = 0; i < whole; i++)
            buf_add_char(w->out, i < (int)digit_count ? digits[i] : '0');
        if (whole <= 0)
            buf_add_char(w->out, '0');
        buf_add_char(w->out, '.');
        for (int i = whole; i < 0; i++)
            buf_add_char(w->out, '0');
        if (whole >= (int)digit_count)
            buf_add_char(w->out, '0');
        else
            buf_add(w->out, digits + MAX_OF(whole, 0), digit_count - (size_t)MAX_OF(whole, 0));
        return;
    }
    buf_add_char(w->out, digits[0]);
    buf_add_char(w->out, '.');
    if (digit_count == 1)
        buf_add_char(w->out, '0');
    else
        buf_add(w->out, digits + 1, digit_count - 1);
    buf_printf(w->out, "E%d", whole - 1);
}

void json_bool(struct json_writer *w, bool v)
{
    before(w);
    buf_add(w->out, v ? "true" : "false", v ? 4 : 5);
    w->needs_comma = true;
}

void json_null(struct json_writer *w)
{
    before(w);
    buf_add_lit(w->out, "null");
    w->needs_comma = true;
}

void json_raw(struct json_writer *w, struct str json)
{
    before(w);
    buf_add_str(w->out, json);
    w->needs_comma = true;
}
