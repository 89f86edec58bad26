/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/codecs/text.h"

#include <errno.h>
#include <iconv.h>

#include "base/arena.h"
#include "base/str.h"

static bool is_utf8_name(struct str charset)
{
    return charset.n == 0 || str_eq_nocase(charset, STR("UTF-8")) ||
           str_eq_nocase(charset, STR("UTF8")) || str_eq_nocase(charset, STR("ASCII")) ||
           str_eq_nocase(charset, STR("US-ASCII"));
}

static iconv_t charset_open(struct str charset)
{
    char name[64];
    if (charset.n >= sizeof(name)) {
        errno = EINVAL;
        return (iconv_t)-1;
    }
    memcpy(name, charset.p, charset.n);
    name[charset.n] = '\0';
    return iconv_open("UTF-8", name);
}

int text_charset_check(struct str charset, struct err *err)
{
    if (is_utf8_name(charset))
        return 0;
    iconv_t cd = charset_open(charset);
    if (cd == (iconv_t)-1)
        return err_set(err, ERR_CONFIG, "the character set \"" STR_FMT "\" is not known",
                       STR_ARG(charset));
    (void)iconv_close(cd);
    return 0;
}

/* Length of the valid UTF-8 character at p, 0 when it is none. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xC2 && c <= 0xDF   ? 2
                 : (c & 0xF0) == 0xE0     ? 3
                 : c >= 0xF0 && c <= 0xF4 ? 4
                                          : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) || (c == 0xF0 && p[1] < 0x90) ||
        (c == 0xF4 && p[1] > 0x8F))
        return 0;
    return len;
}

static size_t utf8_prefix(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        uint64_t word;
        while (i + 8 <= s.n) { /* eight ASCII bytes at a time */
            memcpy(&word, s.p + i, 8);
            if (word & UINT64_C(0x8080808080808080))
                break;
            i += 8;
        }
        if (i == s.n)
            break;
        size_t n = utf8_char((const unsigned char *)s.p + i, s.n - i);
        if (n == 0)
            return i;
        i += n;
    }
    return i;
}

static struct str escape_invalid(struct str bytes, struct arena *mem)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < bytes.n;) {
        size_t n = utf8_char((const unsigned char *)bytes.p + i, bytes.n - i);
        if (n == 0)
            buf_printf(&out, "\\x%02X", (unsigned char)bytes.p[i]);
        else
            buf_add(&out, bytes.p + i, n);
        i += n ? n : 1;
    }
    struct str result = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return result;
}

static struct str convert(struct str charset, struct str bytes, struct arena *mem)
{
    iconv_t cd = charset_open(charset);
    if (cd == (iconv_t)-1) /* checked at load: the system's tables went away */
        return escape_invalid(bytes, mem);
    struct buf out;
    buf_init(&out, 0);
    char *from = arena_cstr(mem, bytes);
    size_t from_n = bytes.n;
    while (from_n > 0) {
        char piece[4096], *to = piece;
        size_t to_n = sizeof(piece);
        size_t rc = iconv(cd, &from, &from_n, &to, &to_n);
        buf_add(&out, piece, sizeof(piece) - to_n);
        if (rc == (size_t)-1 && errno != E2BIG) { /* a bad or cut sequence */
            buf_printf(&out, "\\x%02X", (unsigned char)*from);
            from++;
            from_n--;
        }
    }
    (void)iconv_close(cd);
    struct str result = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return result;
}

struct str text_to_utf8(struct str charset, struct str bytes, struct arena *mem)
{
    if (!is_utf8_name(charset))
        return convert(charset, bytes, mem);
    return utf8_prefix(bytes) == bytes.n ? bytes : escape_invalid(bytes, mem);
}

/* ---- lines ---- */

/* Position of the delimiter, or -1. */
static ptrdiff_t find_delimiter(struct str s, struct str delimiter)
{
    if (delimiter.n == 1) {
        const char *hit = s.n ? memchr(s.p, delimiter.p[0], s.n) : NULL;
        return hit ? hit - s.p : -1;
    }
    return str_find(s, delimiter);
}

/* Keeps at most TEXT_LINE_BYTES_MAX of a line. */
static void half_add(struct text_lines *lines, struct str part)
{
    size_t room = TEXT_LINE_BYTES_MAX - MIN_OF(lines->half.n, TEXT_LINE_BYTES_MAX);
    lines->is_cut = lines->is_cut || part.n > room;
    buf_add(&lines->half, part.p, MIN_OF(part.n, room));
}

static void half_flush(struct text_lines *lines, text_line_fn *fn, void *owner, struct batch *batch,
                       int64_t now_ns)
{
    fn(owner, buf_str(&lines->half), lines->is_cut, batch, now_ns);
    buf_clear(&lines->half);
    lines->is_cut = false;
}

void text_lines_decode(struct text_lines *lines, struct str delimiter, struct str bytes,
                       bool is_end, text_line_fn *fn, void *owner, struct batch *batch,
                       int64_t now_ns)
{
    if (!lines->is_inited) {
        buf_init(&lines->half, TEXT_LINE_BYTES_MAX + KIB);
        lines->is_inited = true;
    }
    /* A delimiter of several bytes may be cut between two calls: look at the joined text then. */
    if (delimiter.n > 1 && lines->half.n > 0) {
        size_t back = MIN_OF(delimiter.n - 1, lines->half.n);
        struct str tail = {lines->half.p + lines->half.n - back, back};
        for (size_t k = back; k > 0; k--) {
            if (bytes.n >= delimiter.n - k && memcmp(tail.p + back - k, delimiter.p, k) == 0 &&
                memcmp(bytes.p, delimiter.p + k, delimiter.n - k) == 0) {
                lines->half.n -= k;
                half_flush(lines, fn, owner, batch, now_ns);
                bytes = str_from_off(bytes, delimiter.n - k);
                break;
            }
        }
    }
    ptrdiff_t at;
    while ((at = find_delimiter(bytes, delimiter)) >= 0) {
        struct str line = {bytes.p, (size_t)at};
        if (lines->half.n > 0 || lines->is_cut || line.n > TEXT_LINE_BYTES_MAX) {
            half_add(lines, line);
            half_flush(lines, fn, owner, batch, now_ns);
        } else {
            fn(owner, line, false, batch, now_ns);
        }
        bytes = str_from_off(bytes, (size_t)at + delimiter.n);
    }
    if (bytes.n > 0)
        half_add(lines, bytes);
    if (is_end && lines->half.n > 0)
        half_flush(lines, fn, owner, batch, now_ns);
}

void text_lines_deinit(struct text_lines *lines)
{
    if (lines->is_inited)
        buf_deinit(&lines->half);
}

/* ---- events ---- */

struct event *text_event(struct batch *batch, struct str message, int64_t now_ns)
{
    struct event *ev = batch_add_stamped(batch, now_ns);
    value_map_set(ev->mem, &ev->fields, STR("message"), value_str_copy(ev->mem, message));
    return ev;
}

static void add_field(const struct event *ev, struct str name, struct str missing, struct buf *out)
{
    const struct value *v = value_map_get(&ev->fields, name);
    struct str text = missing;
    CLEANUP(arena_free_ptr) struct arena *mem = NULL;
    if (v) {
        mem = arena_new(0);
        text = value_to_str(mem, v);
    }
    buf_add_str(out, text);
}

void text_event_default(const struct event *ev, struct buf *out)
{
    add_field(ev, STR("@timestamp"), STR(""), out);
    buf_add_char(out, ' ');
    add_field(ev, STR("host"), STR("%{host}"), out);
    buf_add_char(out, ' ');
    add_field(ev, STR("message"), STR("%{message}"), out);
}

void text_encode(const struct sprintf_template *format, const struct event *ev, struct buf *out)
{
    if (!format) {
        text_event_default(ev, out);
        return;
    }
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    buf_add_str(out, sprintf_text(format, ev, mem));
}
