/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config/source.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "os/vfs.h"

#define CARET_BEFORE_MAX 70u /* of a long line, so many bytes before the place are shown */
#define CARET_AFTER_MAX  40u

void source_position(struct str text, size_t off, uint32_t *ret_line, uint32_t *ret_column)
{
    off = MIN_OF(off, text.n);
    uint32_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < off; i++) {
        if (text.p[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    *ret_line = line;
    *ret_column = (uint32_t)(off - line_start) + 1;
}

int source_err_at(const struct source *source, size_t off, struct err *err)
{
    if (!err)
        return -ERR_CONFIG;
    uint32_t line, column;
    source_position(source->text, off, &line, &column);
    return err_at(err, source->name, line, column);
}

/* Length of the UTF-8 character at p, at least 1, at most n. */
static size_t char_bytes(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;
    size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    return MIN_OF(want, n);
}

/* East Asian wide ranges, roughly: Hangul, kana, CJK, full-width forms. Three bytes that begin with
 * E1 84..E1 87 (Jamo), E2 BA..ED 9F, EF A4..EF AB, EF BC..EF BD, and most of the four-byte ones. */
static bool is_wide(const char *p, size_t n)
{
    unsigned a = (unsigned char)p[0], b = n > 1 ? (unsigned char)p[1] : 0;
    if (n == 4)
        return true;
    if (n != 3)
        return false;
    if (a == 0xE1)
        return b >= 0x84 && b <= 0x87;
    if (a == 0xE2)
        return b >= 0xBA;
    if (a == 0xEF)
        return (b >= 0xA4 && b <= 0xAB) || b == 0xBC || b == 0xBD;
    return a >= 0xE3 && a <= 0xED;
}

/* The wanted line of the text, without its end. False: there is none. */
static bool line_find(struct str text, uint32_t line, struct str *ret_line)
{
    struct str part;
    for (uint32_t i = 1; str_split_next(&text, '\n', &part); i++) {
        if (i == line) {
            if (part.n && part.p[part.n - 1] == '\r')
                part.n--;
            *ret_line = part;
            return true;
        }
    }
    return false;
}

/* Moves back to the first byte of a character. */
static size_t char_start(struct str line, size_t at)
{
    while (at > 0 && at < line.n && ((unsigned char)line.p[at] & 0xC0) == 0x80)
        at--;
    return at;
}

struct str err_caret(const struct err *err, struct str text, struct arena *mem)
{
    struct str line;
    if (err->line == 0 || !line_find(text, err->line, &line))
        return STR_NONE;
    size_t at = err->column ? MIN_OF((size_t)err->column - 1, line.n) : 0;
    size_t from = char_start(line, at > CARET_BEFORE_MAX ? at - CARET_BEFORE_MAX : 0);
    size_t to = at + CARET_AFTER_MAX >= line.n ? line.n : char_start(line, at + CARET_AFTER_MAX);
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "%6u | %s", err->line, from ? "..." : "");
    buf_add(&out, line.p + from, to - from);
    buf_printf(&out, "%s\n       | %s", to < line.n ? "..." : "", from ? "   " : "");
    for (size_t i = from; i < at;) {
        size_t n = char_bytes(line.p + i, line.n - i);
        if (line.p[i] == '\t')
            buf_add_char(&out, '\t');
        else
            buf_add_str(&out, is_wide(line.p + i, n) ? STR("  ") : STR(" "));
        i += n;
    }
    buf_add_char(&out, '^');
    struct str result = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return result;
}

struct str source_caret(struct vfs *fs, const struct err *err, struct arena *mem)
{
    struct str text;
    if (err->line == 0 || !err->file[0] ||
        vfs_read_file(fs, str_from(err->file), SOURCE_BYTES_MAX, mem, &text, NULL) < 0)
        return STR_NONE;
    return err_caret(err, text, mem);
}
