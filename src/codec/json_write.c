/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c: the writer. Pretty output is laid out as Elasticsearch does with ?pretty: two
 * spaces a level, blanks around the colon, "{ }" and "[ ]" when empty. */
#include "codec/json.h"

#include <math.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json_int.h"

static void write_escape(struct buf *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char names[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };
    if (names[c]) {
        buf_add(out, (char[]){'\\', names[c]}, 2);
    } else {
        ASSERT_SLOW(c < 0x20);
        buf_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void json_write_str(struct buf *out, struct str s)
{
    const char *p = s.p, *end = str_end(s);
    buf_add_char(out, '"');
    while (p < end) {
        const char *plain_end = json__plain_end(p, end);
        if (LIKELY(p == s.p && plain_end == end)) {
            char *to = buf_reserve(out, s.n + 1);
            if (to) {
                memcpy(to, p, s.n);
                to[s.n] = '"';
                buf_added(out, s.n + 1);
            }
            return;
        }
        buf_add(out, p, (size_t)(plain_end - p));
        p = plain_end;
        if (p == end)
            break;
        if ((uint8_t)*p < 0x80) {
            write_escape(out, (uint8_t)*p++);
        } else {
            buf_add_lit(out, "\xEF\xBF\xBD");
            p += json__utf8_bad_len(p, end);
        }
    }
    buf_add_char(out, '"');
}

void json_writer_init(struct json_writer *w, struct buf *out, bool is_pretty)
{
    *w = (struct json_writer){.out = out, .is_pretty = is_pretty};
}

static void new_line(struct json_writer *w)
{
    static const char blanks[] = "                                ";
    buf_add_char(w->out, '\n');
    for (size_t left = (size_t)w->depth * 2; left > 0;) {
        size_t n = MIN_OF(left, sizeof(blanks) - 1);
        buf_add(w->out, blanks, n);
        left -= n;
    }
}

static inline void before_item(struct json_writer *w)
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

static void container_begin(struct json_writer *w, char c)
{
    before_item(w);
    buf_add_char(w->out, c);
    w->depth++;
    w->needs_comma = false;
}

static void container_end(struct json_writer *w, char c)
{
    ASSERT(w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->is_pretty) {
        if (w->needs_comma)
            new_line(w);
        else
            buf_add_char(w->out, ' ');
    }
    buf_add_char(w->out, c);
    w->needs_comma = true;
}

void json_object_begin(struct json_writer *w)
{
    container_begin(w, '{');
}

void json_object_end(struct json_writer *w)
{
    container_end(w, '}');
}

void json_array_begin(struct json_writer *w)
{
    container_begin(w, '[');
}

void json_array_end(struct json_writer *w)
{
    container_end(w, ']');
}

void json_key(struct json_writer *w, struct str key)
{
    ASSERT_SLOW(!w->after_key);
    before_item(w);
    json_write_str(w->out, key);
    if (w->is_pretty)
        buf_add_lit(w->out, " : ");
    else
        buf_add_char(w->out, ':');
    w->after_key = true;
}

void json_key_plain(struct json_writer *w, const char *quoted, size_t bytes)
{
    ASSERT_SLOW(!w->after_key);
    before_item(w);
    if (w->is_pretty) {
        buf_add(w->out, quoted, bytes - 1);
        buf_add_lit(w->out, " : ");
    } else {
        buf_add(w->out, quoted, bytes);
    }
    w->after_key = true;
}

void json_str(struct json_writer *w, struct str s)
{
    before_item(w);
    json_write_str(w->out, s);
    w->needs_comma = true;
}

void json_i64(struct json_writer *w, int64_t v)
{
    before_item(w);
    buf_add_i64(w->out, v);
    w->needs_comma = true;
}

void json_u64(struct json_writer *w, uint64_t v)
{
    before_item(w);
    buf_add_u64(w->out, v);
    w->needs_comma = true;
}

/* Most numbers in documents are short decimals: i / 10^k with i below 10^15 and a small k. One
 * division rounds correctly, so that when it gives v back, those digits read back as v; and since
 * two decimals of at most 15 digits are never the same double, they are the shortest. */
static bool decimal_digits_short(double v, char digits[32], size_t *ret_count, int *ret_exponent)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    for (size_t k = 0; k < ARRAY_COUNT(powers); k++) {
        double scaled = v * powers[k];
        if (scaled >= 1e15)
            return false;
        uint64_t i = (uint64_t)(scaled + 0.5);
        if ((double)i / powers[k] != v)
            continue;
        char reversed[20];
        size_t n = 0, zeros = 0;
        for (; i > 0; i /= 10)
            reversed[n++] = (char)('0' + i % 10);
        while (reversed[zeros] == '0')
            zeros++;
        for (size_t at = n; at > zeros; at--)
            digits[n - at] = reversed[at - 1];
        *ret_count = n - zeros;
        *ret_exponent = (int)n - 1 - (int)k;
        return true;
    }
    return false;
}

/* Takes what f64_to_text wrote apart: the digits without leading and trailing zeros, and the power
 * of ten of the first. */
static size_t decimal_digits(double v, char digits[32], int *ret_exponent)
{
    char text[32];
    size_t n = f64_to_text(v, text), count = 0;
    int exponent = -1;
    bool in_fraction = false, has_exponent = false;
    size_t i = 0;
    for (; i < n; i++) {
        if (text[i] == '.') {
            in_fraction = true;
        } else if (text[i] == 'e') {
            has_exponent = true;
            break;
        } else {
            ASSERT(text[i] >= '0' && text[i] <= '9');
            if (count > 0 || text[i] != '0')
                digits[count++] = text[i];
            if (!in_fraction && count > 0)
                exponent++;
            else if (in_fraction && count == 0)
                exponent--;
        }
    }
    if (has_exponent) {
        struct str tail = {text + i + 1, n - i - 1};
        int64_t written = 0;
        if (tail.n > 0 && tail.p[0] == '+')
            tail = str_from_off(tail, 1);
        bool is_number = str_to_i64(tail, &written);
        ASSERT(is_number);
        exponent += (int)written;
    }
    while (count > 0 && digits[count - 1] == '0')
        count--;
    *ret_exponent = exponent;
    return count;
}

/* Java's Double.toString: digits with a point from 0.001 up to 10^7, else d.dddE±x; always a digit
 * behind the point. */
static size_t f64_as_java(double v, char text[48])
{
    size_t n = 0;
    if (signbit(v)) {
        text[n++] = '-';
        v = -v;
    }
    if (v == 0) {
        memcpy(text + n, "0.0", 3);
        return n + 3;
    }
    char digits[32];
    int exponent;
    size_t count;
    if (!decimal_digits_short(v, digits, &count, &exponent))
        count = decimal_digits(v, digits, &exponent);
    if (exponent >= -3 && exponent < 0) {
        text[n++] = '0';
        text[n++] = '.';
        for (int i = -1; i > exponent; i--)
            text[n++] = '0';
        memcpy(text + n, digits, count);
        return n + count;
    }
    size_t before = exponent >= 0 && exponent < 7 ? (size_t)exponent + 1 : 1;
    for (size_t i = 0; i < before; i++)
        text[n++] = i < count ? digits[i] : '0';
    text[n++] = '.';
    if (count <= before)
        text[n++] = '0';
    for (size_t i = before; i < count; i++)
        text[n++] = digits[i];
    if (exponent >= 0 && exponent < 7)
        return n;
    text[n++] = 'E';
    if (exponent < 0)
        text[n++] = '-';
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (size >= 100)
        text[n++] = (char)('0' + size / 100);
    if (size >= 10)
        text[n++] = (char)('0' + size / 10 % 10);
    text[n++] = (char)('0' + size % 10);
    return n;
}

void json_f64(struct json_writer *w, double v)
{
    if (!isfinite(v)) {
        json_null(w);
        return;
    }
    char text[48];
    before_item(w);
    buf_add(w->out, text, f64_as_java(v, text));
    w->needs_comma = true;
}

static void write_word(struct json_writer *w, struct str word)
{
    before_item(w);
    buf_add_str(w->out, word);
    w->needs_comma = true;
}

void json_bool(struct json_writer *w, bool v)
{
    write_word(w, v ? STR("true") : STR("false"));
}

void json_null(struct json_writer *w)
{
    write_word(w, STR("null"));
}

static void write_token(struct json_writer *w, struct json_reader *json, enum json_token token)
{
    struct str raw = {json->start + json->token_off, json->token_end - json->token_off};
    switch (token) {
    case JSON_OBJECT_BEGIN:
        json_object_begin(w);
        break;
    case JSON_OBJECT_END:
        json_object_end(w);
        break;
    case JSON_ARRAY_BEGIN:
        json_array_begin(w);
        break;
    case JSON_ARRAY_END:
        json_array_end(w);
        break;
    case JSON_KEY:
        before_item(w);
        buf_add_str(w->out, raw);
        buf_add_str(w->out, w->is_pretty ? STR(" : ") : STR(":"));
        w->after_key = true;
        break;
    case JSON_STRING:
    case JSON_INT:
    case JSON_FLOAT:
    case JSON_BIG_INT:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        write_word(w, raw);
        break;
    case JSON_END:
    case JSON_ERROR:
        break;
    }
}

/* Pretty output lays raw JSON out too, as Elasticsearch does with _source. */
static void raw_pretty(struct json_writer *w, struct str raw)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct json_reader json;
    json_reader_init(&json, raw, mem, JSON_REPLACE_UTF8 | JSON_LAZY_NUMBERS);
    enum json_token token;
    while ((token = json_next(&json)) != JSON_END && token != JSON_ERROR)
        write_token(w, &json, token);
}

void json_raw(struct json_writer *w, struct str json)
{
    if (w->is_pretty && json_validate(json, NULL) == 0) {
        raw_pretty(w, json);
        return;
    }
    before_item(w);
    buf_add_str(w->out, json);
    w->needs_comma = true;
}
