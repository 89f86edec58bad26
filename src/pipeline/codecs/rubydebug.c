/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: codecs_test.c tests all codecs */
/* tidy: allow page: codecs.md describes all codecs */
/* rubydebug.c: events as people read them on a terminal, laid out as Ruby's awesome_print does it
 * in Logstash: keys right-aligned to the longest one, four columns of indent a level, strings as
 * Ruby's inspect writes them.
 *
 *     {
 *         "@timestamp" => 2025-01-22T04:52:33.000Z,
 *               "tags" => [
 *             [0] "a"
 *         ]
 *     }
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "pipeline/plugin.h"

#define INDENT 4u

struct rubydebug {
    bool metadata;
};

static const struct opt rubydebug_opts[] = {
    OPT_BOOL(struct rubydebug, metadata, .dflt = "false", .help = "Shows @metadata too."),
    OPT_END,
};

static void spaces(struct buf *out, size_t n)
{
    char *to = buf_reserve(out, n);
    if (!to)
        return;
    memset(to, ' ', n);
    buf_added(out, n);
}

/* Printable ASCII that inspect writes as it is; '#' may need a backslash. */
static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7F && c != '"' && c != '\\' && c != '#';
}

static void char_write(struct buf *out, struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    static const char from[] = "\"\\\n\r\t\f\v\b\a\x1b", into[] = "\"\\nrtfvbae";
    const char *hit = c ? strchr(from, (char)c) : NULL;
    if (hit) {
        buf_add_char(out, '\\');
        buf_add_char(out, into[hit - from]);
    } else if (c < 0x20 || c == 0x7F) {
        buf_printf(out, c == 0 ? "\\u0000" : "\\x%02X", c);
    } else if (c == '#' && i + 1 < s.n &&
               (s.p[i + 1] == '{' || s.p[i + 1] == '$' || s.p[i + 1] == '@')) {
        buf_add_lit(out, "\\#");
    } else {
        buf_add_char(out, (char)c);
    }
}

static void string_write(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t start = i;
        while (i < s.n && is_plain(s.p[i]))
            i++;
        buf_add(out, s.p + start, i - start);
        if (i < s.n)
            char_write(out, s, i++);
    }
    buf_add_char(out, '"');
}

/* Characters of a key as inspect writes it. */
static size_t key_width(struct str key)
{
    size_t plain = 0;
    while (plain < key.n && is_plain(key.p[plain]))
        plain++;
    if (plain == key.n)
        return key.n + 2;
    struct buf text;
    buf_init(&text, 0);
    string_write(&text, key);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    buf_deinit(&text);
    return n;
}

static void value_write(struct buf *out, const struct value *v, size_t indent);

static void map_write(struct buf *out, const struct value_map *map, const struct value *metadata,
                      size_t indent)
{
    static const struct str metadata_key = {"@metadata", 9};
    size_t width = metadata ? key_width(metadata_key) : 0;
    for (size_t i = 0; i < map->count; i++)
        width = MAX_OF(width, key_width(map->keys[i]));
    size_t count = map->count + (metadata != NULL);
    if (count == 0) {
        buf_add_lit(out, "{}");
        return;
    }
    buf_add_lit(out, "{\n");
    for (size_t i = 0; i < count; i++) {
        struct str key = i < map->count ? map->keys[i] : metadata_key;
        const struct value *v = i < map->count ? &map->values[i] : metadata;
        spaces(out, indent + width - key_width(key));
        string_write(out, key);
        buf_add_lit(out, " => ");
        value_write(out, v, indent);
        buf_add_str(out, i + 1 < count ? STR(",\n") : STR("\n"));
    }
    spaces(out, indent - INDENT);
    buf_add_char(out, '}');
}

static size_t digits(size_t n)
{
    size_t count = 1;
    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

static void list_write(struct buf *out, const struct value_list *list, size_t indent)
{
    if (list->count == 0) {
        buf_add_lit(out, "[]");
        return;
    }
    size_t width = digits(list->count - 1);
    buf_add_lit(out, "[\n");
    for (size_t i = 0; i < list->count; i++) {
        spaces(out, indent);
        buf_add_char(out, '[');
        spaces(out, width - digits(i));
        buf_add_u64(out, i);
        buf_add_lit(out, "] ");
        value_write(out, &list->items[i], indent);
        buf_add_str(out, i + 1 < list->count ? STR(",\n") : STR("\n"));
    }
    spaces(out, indent - INDENT);
    buf_add_char(out, ']');
}

static void float_write(struct buf *out, double f)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_f64(&w, f); /* as JRuby and Java print doubles, nearly: 1.0, 1.5E10 */
}

static void value_write(struct buf *out, const struct value *v, size_t indent)
{
    char time[40];
    switch ((enum value_kind)v->kind) {
    case VALUE_NONE:
    case VALUE_NULL:
        buf_add_lit(out, "nil");
        break;
    case VALUE_BOOL:
        buf_add_str(out, v->b ? STR("true") : STR("false"));
        break;
    case VALUE_INT:
        buf_add_i64(out, v->i);
        break;
    case VALUE_FLOAT:
        float_write(out, v->f);
        break;
    case VALUE_BIG:
        buf_add_str(out, v->s);
        break;
    case VALUE_TIME:
        buf_add(out, time, time_to_iso8601(v->time_ns, time));
        break;
    case VALUE_STR:
        string_write(out, v->s);
        break;
    case VALUE_LIST:
        list_write(out, v->list, indent + INDENT);
        break;
    case VALUE_MAP:
        map_write(out, v->map, NULL, indent + INDENT);
        break;
    }
}

static void rubydebug_encode(void *self, const struct event *ev, struct buf *out)
{
    const struct rubydebug *rubydebug = self;
    static const struct value_map no_fields;
    const struct value_map *map = ev->fields.kind == VALUE_MAP ? ev->fields.map : &no_fields;
    bool has_metadata =
        rubydebug->metadata && ev->metadata.kind == VALUE_MAP && ev->metadata.map->count > 0;
    map_write(out, map, has_metadata ? &ev->metadata : NULL, INDENT);
    buf_add_char(out, '\n');
}

const struct codec_type codec_rubydebug = {
    .name = "rubydebug",
    .summary = "Prints events for people to read.",
    .since = "0.1",
    .opts = rubydebug_opts,
    .size = sizeof(struct rubydebug),
    .encode = rubydebug_encode,
};
