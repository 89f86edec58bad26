/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: the reader: a state machine over tokens, RFC 8259 exactly.
 *
 *   VALUE ──scalar──► AFTER ──',' in an array: a value follows──► AFTER
 *     │                 └─────',' in an object: a key follows──► VALUE
 *     │ '{' ► FIRST_KEY ──'}'──► AFTER, or a key ──► VALUE
 *     │ '[' ► FIRST_ITEM ──']'──► AFTER, or as VALUE
 *
 * AFTER at depth 0: only white space may follow. Nesting is a bit per level, so there is no
 * recursion. A string without escapes borrows from the input. A byte order mark at the start is
 * passed over, as section 8.1 allows. */
#include "codec/json.h"

#include <math.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json_int.h"

enum state { STATE_VALUE, STATE_FIRST_ITEM, STATE_FIRST_KEY, STATE_AFTER, STATE_FAILED };

static const char control_text[] =
    "control characters in strings are written as \\n, \\t or \\u00XX";

/* Set while a value is skipped: escapes are checked but not decoded. */
#define JSON_SKIPPING 0x80000000u

static const char replacement[3] = {'\xEF', '\xBF', '\xBD'}; /* U+FFFD */

void json_reader_init(struct json_reader *json, struct str input, struct arena *mem, unsigned flags)
{
    json->p = json->start = input.p ? input.p : "";
    json->mem = mem;
    json->flags = flags;
    json->depth = 0;
    json->state = STATE_VALUE;
    json->text = STR_NONE;
    json->token_off = json->token_end = 0;
    json->err.code =
        ERR_NONE; /* the rest of the error value is written with a code only: it is large */
    json->end = str_end(input);
    if (input.n >= 3 && memcmp(json->p, "\xEF\xBB\xBF", 3) == 0)
        json->p += 3;
}

/* ---- errors ---- */

static void find_line(const struct json_reader *json, const char *at, uint32_t *ret_line,
                      uint32_t *ret_column)
{
    const char *line = json->start;
    uint32_t number = 1;
    for (const char *nl; (nl = memchr(line, '\n', (size_t)(at - line))) != NULL; line = nl + 1)
        number++;
    *ret_line = number;
    *ret_column = (uint32_t)(at - line) + 1;
}

static NOINLINE enum json_token fail(struct json_reader *json, const char *at, const char *what)
{
    json->state = STATE_FAILED;
    uint32_t line, column;
    find_line(json, at, &line, &column);
    if (at >= json->end)
        err_set(&json->err, ERR_JSON, "%s, found the end of the text", what);
    else if ((uint8_t)*at > 0x20 && (uint8_t)*at < 0x7F)
        err_set(&json->err, ERR_JSON, "%s, found '%c'", what, *at);
    else
        err_set(&json->err, ERR_JSON, "%s, found byte 0x%02x", what, (unsigned)(uint8_t)*at);
    json->err.off = at - json->start;
    json->err.line = line;
    json->err.column = column;
    return JSON_ERROR;
}

static NOINLINE enum json_token fail_plain(struct json_reader *json, const char *at,
                                           const char *what)
{
    fail(json, at, "");
    err_set(&json->err, ERR_JSON, "%s", what);
    json->err.off = at - json->start;
    find_line(json, at, &json->err.line, &json->err.column);
    return JSON_ERROR;
}

/* ---- strings ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at p; -1: not four. */
static int32_t hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* A surrogate without its partner stands for no character: U+FFFD. Moves *p behind what it used. */
static uint32_t unicode_escape(const char **p, const char *end, int32_t unit)
{
    if (unit < 0xD800 || unit > 0xDFFF)
        return (uint32_t)unit;
    if (unit < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        int32_t low = hex4(*p + 2, end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p += 6;
            return 0x10000 + (((uint32_t)unit & 0x3FF) << 10 | ((uint32_t)low & 0x3FF));
        }
    }
    return 0xFFFD;
}

static const char escape_bytes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* The closing quote of a string, or NULL; counts bytes above 127 on the way: only they can grow
 * when replaced. */
static const char *closing_quote(const char *p, const char *end, size_t *ret_high)
{
    size_t high = 0;
    for (; p < end && *p != '"'; p++) {
        if (*p == '\\' && ++p == end)
            return NULL;
        high += (uint8_t)*p >= 0x80;
    }
    *ret_high = high;
    return p < end ? p : NULL;
}

/* Decodes from p, where something that is not plain begins; [from, p) is plain. `out` NULL: only
 * checks. */
static bool decode_rest(struct json_reader *json, const char *from, const char *p,
                        const char *quote, char *out)
{
    char *start = out, scratch[4];
    bool is_dry = !out;
#define EMIT(bytes, count)                                                                         \
    do {                                                                                           \
        if (!is_dry) {                                                                             \
            memcpy(out, (bytes), (count));                                                         \
            out += (count);                                                                        \
        }                                                                                          \
    } while (0)
    EMIT(from, (size_t)(p - from));
    while (p < quote) {
        uint8_t c = (uint8_t)*p;
        if (c == '\\' && escape_bytes[(uint8_t)p[1]]) {
            EMIT(&escape_bytes[(uint8_t)p[1]], 1);
            p += 2;
        } else if (c == '\\' && p[1] == 'u') {
            int32_t unit = hex4(p + 2, quote);
            if (unit < 0)
                return fail_plain(json, p, "expected four hexadecimal digits behind \\u"), false;
            p += 6;
            size_t n = (size_t)(put_utf8(scratch, unicode_escape(&p, quote, unit)) - scratch);
            EMIT(scratch, n);
        } else if (c == '\\') {
            return fail(json, p + 1, "expected one of \" \\ / b f n r t u behind a backslash"),
                   false;
        } else if (c < 0x20) {
            return fail_plain(json, p, control_text), false;
        } else if (!(json->flags & JSON_REPLACE_UTF8)) {
            return fail_plain(json, p, "the string is not valid UTF-8"), false;
        } else {
            EMIT(replacement, sizeof(replacement));
            p += json__utf8_bad_len(p, quote);
        }
        const char *plain_end = json__plain_end(p, quote);
        EMIT(p, (size_t)(plain_end - p));
        p = plain_end;
    }
#undef EMIT
    if (!is_dry)
        json->text = (struct str){start, (size_t)(out - start)};
    return true;
}

static NOINLINE bool slow_string(struct json_reader *json, const char *from, const char *p)
{
    size_t high = 0;
    const char *quote = closing_quote(p, json->end, &high);
    if (!quote) {
        if (p < json->end && (uint8_t)*p < 0x20)
            return fail_plain(json, p, control_text), false;
        return fail_plain(json, from - 1, "the string that begins here is not closed"), false;
    }
    json->p = quote + 1;
    char *out = NULL;
    if (!(json->flags & JSON_SKIPPING)) {
        size_t size = (size_t)(quote - from) + (json->flags & JSON_REPLACE_UTF8 ? 2 * high : 0);
        out = arena_alloc(json->mem, size + 1);
    }
    return decode_rest(json, from, p, quote, out);
}

/* json->p is behind the opening quote; afterwards behind the closing one, with `text` set. */
static inline bool read_string(struct json_reader *json)
{
    const char *from = json->p, *p = json__plain_end(from, json->end);
    if (LIKELY(p < json->end && *p == '"')) {
        json->text = (struct str){from, (size_t)(p - from)};
        json->p = p + 1;
        return true;
    }
    return slow_string(json, from, p);
}

/* ---- numbers ---- */

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && (uint8_t)(*p - '0') <= 9;
}

/* Clinger's fast case: a mantissa below 2^53 and a power of ten up to 10^22 are exact doubles, so
 * that one rounding happens. False: the general conversion has to do it. */
static bool f64_fast(struct str text, double *ret_f)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *p = text.p, *end = p + text.n;
    bool is_negative = p < end && *p == '-';
    uint64_t mantissa = 0;
    int digits = 0, exponent = 0;
    bool in_fraction = false;
    for (p += is_negative; p < end; p++) {
        if (*p == '.') {
            in_fraction = true;
            continue;
        }
        if (!is_digit(p, end))
            break;
        mantissa = mantissa * 10 + (uint64_t)(*p - '0');
        digits += mantissa > 0;
        exponent -= in_fraction;
        if (digits > 18)
            return false;
    }
    if (p < end) { /* e or E */
        bool is_down = ++p < end && *p == '-';
        p += is_down || (p < end && *p == '+');
        int v = 0;
        for (; is_digit(p, end) && v < 10000; p++)
            v = v * 10 + (*p - '0');
        exponent += is_down ? -v : v;
    }
    if (mantissa >> 53 || exponent < -22 || exponent > 22)
        return false;
    double f = (double)mantissa;
    f = exponent < 0 ? f / powers[-exponent] : f * powers[exponent];
    *ret_f = is_negative ? -f : f;
    return true;
}

/* A number with more characters than the general conversion takes: a double holds 17 digits, so the
 * first 300 and the right exponent give the nearest one, but for ties that differ behind the 300th.
 */
static NOINLINE double f64_long(struct str text)
{
    enum { DIGITS_MAX = 300 };
    char digits[DIGITS_MAX + 32];
    size_t n = 0, i = 0;
    int64_t exponent = 0;
    bool in_fraction = false, is_significant = false;
    if (text.p[0] == '-')
        digits[n++] = text.p[i++];
    for (; i < text.n && text.p[i] != 'e' && text.p[i] != 'E'; i++) {
        if (text.p[i] == '.') {
            in_fraction = true;
            continue;
        }
        is_significant |= text.p[i] != '0';
        exponent -= in_fraction;
        if (!is_significant)
            continue;
        if (n < DIGITS_MAX)
            digits[n++] = text.p[i];
        else
            exponent++;
    }
    int64_t written = 0;
    struct str tail = str_from_off(text, i + 1);
    if (i < text.n && !str_to_i64(tail.p[0] == '+' ? str_from_off(tail, 1) : tail, &written))
        written = tail.p[0] == '-' ? -100000 : 100000; /* far beyond any double */
    exponent += MIN_OF(MAX_OF(written, -1000000), 1000000);
    if (!is_significant)
        return text.p[0] == '-' ? -0.0 : 0.0;
    digits[n++] = 'e';
    uint64_t size = exponent < 0 ? (uint64_t)-exponent : (uint64_t)exponent;
    if (exponent < 0)
        digits[n++] = '-';
    char reversed[24];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    while (count > 0)
        digits[n++] = reversed[--count];
    double f = 0;
    bool is_number = str_to_f64((struct str){digits, n}, &f);
    ASSERT(is_number);
    return f;
}

double json_number_f64(struct str text)
{
    double f;
    if (f64_fast(text, &f) || str_to_f64(text, &f))
        return f;
    return text.n > 0 ? f64_long(text) : 0;
}

static enum json_token big_int(struct json_reader *json)
{
    json->f = json_number_f64(json->text);
    return JSON_BIG_INT;
}

static enum json_token read_int(struct json_reader *json, const char *digits, const char *end,
                                bool is_negative)
{
    uint64_t v = 0;
    if (end - digits > 19)
        return big_int(json);
    for (const char *p = digits; p < end; p++)
        v = v * 10 + (uint64_t)(*p - '0'); /* 19 digits fit into 64 bits */
    if (v > (uint64_t)INT64_MAX + is_negative)
        return big_int(json);
    json->i = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return JSON_INT;
}

static enum json_token read_number(struct json_reader *json)
{
    const char *from = json->p, *end = json->end;
    bool is_negative = *from == '-', is_float = false;
    const char *digits = from + is_negative, *p = digits;
    if (!is_digit(p, end))
        return fail(json, p, "expected a digit behind '-'");
    if (*p == '0') {
        p++;
        if (is_digit(p, end))
            return fail_plain(json, from,
                              "a number cannot begin with a zero that is followed by digits");
    } else {
        while (is_digit(p, end))
            p++;
    }
    const char *int_end = p;
    if (p < end && *p == '.') {
        is_float = true;
        if (!is_digit(++p, end))
            return fail(json, p, "expected a digit behind the decimal point");
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        is_float = true;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end))
            return fail(json, p, "expected a digit in the exponent");
        while (is_digit(p, end))
            p++;
    }
    json->p = p;
    json->text = (struct str){from, (size_t)(p - from)};
    if (!is_float)
        return read_int(json, digits, int_end, is_negative);
    if (!(json->flags & JSON_LAZY_NUMBERS))
        json->f = json_number_f64(json->text);
    return JSON_FLOAT;
}

/* ---- tokens ---- */

static ALWAYS_INLINE void skip_blanks(struct json_reader *json)
{
    const char *p = json->p, *end = json->end;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    json->p = p;
}

static inline bool in_object(const struct json_reader *json)
{
    return bitset_get(json->is_object, json->depth - 1);
}

static enum json_token open_container(struct json_reader *json, bool is_object)
{
    if (json->depth == JSON_DEPTH_MAX)
        return fail_plain(json, json->p, "nested deeper than 128 levels");
    if (is_object)
        bitset_set(json->is_object, json->depth);
    else
        bitset_clear(json->is_object, json->depth);
    json->depth++;
    json->p++;
    json->state = is_object ? STATE_FIRST_KEY : STATE_FIRST_ITEM;
    return is_object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

static enum json_token close_container(struct json_reader *json, bool is_object)
{
    json->depth--;
    json->p++;
    json->state = STATE_AFTER;
    return is_object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_token read_word(struct json_reader *json, struct str word, enum json_token token)
{
    for (size_t i = 0; i < word.n; i++) {
        if (json->p + i >= json->end || json->p[i] != word.p[i])
            return fail_plain(json, json->p,
                              "expected a value: a word here can only be true, false or null");
    }
    json->p += word.n;
    return token;
}

static enum json_token read_value(struct json_reader *json)
{
    if (json->p >= json->end)
        return fail(json, json->p, "expected a value");
    json->state = STATE_AFTER;
    switch (*json->p) {
    case '"':
        json->p++;
        return LIKELY(read_string(json)) ? JSON_STRING : JSON_ERROR;
    case '{':
        return open_container(json, true);
    case '[':
        return open_container(json, false);
    case 't':
        return read_word(json, STR("true"), JSON_TRUE);
    case 'f':
        return read_word(json, STR("false"), JSON_FALSE);
    case 'n':
        return read_word(json, STR("null"), JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(json);
    default:
        return fail(json, json->p, "expected a value");
    }
}

static enum json_token read_key(struct json_reader *json)
{
    if (json->p >= json->end || *json->p != '"')
        return fail(json, json->p, "expected a field name in double quotes");
    json->p++;
    if (UNLIKELY(!read_string(json)))
        return JSON_ERROR;
    json->token_end = (size_t)(json->p - json->start);
    skip_blanks(json);
    if (json->p >= json->end || *json->p != ':')
        return fail(json, json->p, "expected ':' behind the field name");
    json->p++;
    json->state = STATE_VALUE;
    return JSON_KEY;
}

static inline enum json_token begin_token(struct json_reader *json, bool is_key)
{
    json->token_off = (size_t)(json->p - json->start);
    if (is_key)
        return read_key(json);
    enum json_token token = read_value(json);
    json->token_end = (size_t)(json->p - json->start);
    return token;
}

static inline enum json_token close_token(struct json_reader *json, bool is_object)
{
    json->token_off = (size_t)(json->p - json->start);
    json->token_end = json->token_off + 1;
    return close_container(json, is_object);
}

static enum json_token read_after(struct json_reader *json)
{
    if (json->depth == 0) {
        if (json->p < json->end)
            return fail(json, json->p, "expected the end of the text behind the value");
        json->token_off = json->token_end = (size_t)(json->p - json->start);
        return JSON_END;
    }
    bool is_object = in_object(json);
    if (LIKELY(json->p < json->end)) {
        if (*json->p == (is_object ? '}' : ']'))
            return close_token(json, is_object);
        if (*json->p == ',') {
            json->p++;
            skip_blanks(json);
            return begin_token(json, is_object);
        }
    }
    return fail(json, json->p,
                is_object ? "expected ',' or '}' behind a value"
                          : "expected ',' or ']' behind a value");
}

enum json_token json_next(struct json_reader *json)
{
    skip_blanks(json);
    char at = json->p < json->end ? *json->p : '\0';
    switch ((enum state)json->state) {
    case STATE_AFTER:
        return read_after(json);
    case STATE_FIRST_KEY:
        return at == '}' ? close_token(json, true) : begin_token(json, true);
    case STATE_FIRST_ITEM:
        return at == ']' ? close_token(json, false) : begin_token(json, false);
    case STATE_VALUE:
        return begin_token(json, false);
    case STATE_FAILED:
        return JSON_ERROR;
    }
    return JSON_ERROR;
}

bool json_key_is(struct json_reader *json, struct str key)
{
    const char *p = json->p, *end = json->end;
    if (json->state == STATE_AFTER && json->depth > 0 && in_object(json)) {
        if (p >= end || *p != ',')
            return false;
        p++;
        if (p < end && *p == ' ')
            p++;
    } else if (json->state != STATE_FIRST_KEY) {
        return false;
    }
    /* Both quotes and the colon. */
    if ((size_t)(end - p) < key.n + 3 || p[0] != '"' || p[key.n + 1] != '"' ||
        p[key.n + 2] != ':' || memcmp(p + 1, key.p, key.n) != 0)
        return false;
    json->token_off = (size_t)(p - json->start);
    json->token_end = json->token_off + key.n + 2;
    json->text = (struct str){p + 1, key.n};
    json->p = p + key.n + 3;
    json->state = STATE_VALUE;
    return true;
}

/* ---- whole values ---- */

static bool skip_to_depth(struct json_reader *json, uint32_t depth)
{
    while (json->depth > depth) {
        if (json_next(json) == JSON_ERROR)
            return false;
    }
    return true;
}

static bool skip_value(struct json_reader *json, enum json_token token, size_t *ret_from)
{
    unsigned flags = json->flags;
    json->flags |= JSON_SKIPPING | JSON_LAZY_NUMBERS;
    if (token == JSON_KEY)
        token = json_next(json);
    *ret_from = json->token_off;
    bool is_ok = token != JSON_ERROR;
    if (token == JSON_OBJECT_BEGIN || token == JSON_ARRAY_BEGIN)
        is_ok = skip_to_depth(json, json->depth - 1);
    json->flags = flags;
    return is_ok;
}

bool json_skip(struct json_reader *json, enum json_token token)
{
    size_t from;
    return skip_value(json, token, &from);
}

bool json_skip_raw(struct json_reader *json, enum json_token token, struct str *ret_raw)
{
    size_t from;
    if (!skip_value(json, token, &from))
        return false;
    *ret_raw = (struct str){json->start + from, json->token_end - from};
    return true;
}

int json_validate(struct str input, struct err *err)
{
    struct json_reader json;
    json_reader_init(&json, input, NULL, JSON_SKIPPING | JSON_LAZY_NUMBERS);
    enum json_token token;
    do {
        token = json_next(&json);
    } while (token != JSON_END && token != JSON_ERROR);
    if (token == JSON_END)
        return 0;
    if (err)
        *err = json.err;
    return -(int)json.err.code;
}

int json_minify(struct str input, struct buf *out, struct err *err)
{
    TRY(json_validate(input, err));
    const char *p = input.p, *end = str_end(input);
    if (input.n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p <
           end) { /* the grammar is checked: white space ends at a token, a string at its quote */
        const char *from = p;
        while (p < end && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t' && *p != '"')
            p++;
        if (p < end && *p == '"') {
            for (p++; *p != '"'; p++)
                p += *p == '\\';
            p++;
        }
        buf_add(out, from, (size_t)(p - from));
        while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
            p++;
    }
    return 0;
}
