/* SPDX-License-Identifier: Apache-2.0 */
/* parse_value.c: settings and their values: strings, numbers, barewords, arrays, hashes, and
 * plugins as values. A setting written twice is united with the first: hashes merge, arrays grow,
 * unequal scalars become an array. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "pipeline/config/parser_int.h"

/* ---- strings ---- */

/* With config.support_escapes: \" \' \\ \n \r \t and \0; any other \x stays as it is. */
static struct str unescape(struct parser *in, struct str raw)
{
    char *to = arena_alloc(in->mem, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        static const char from[] = "\"'\\nrt0", into[] = "\"'\\\n\r\t\0";
        const char *hit = NULL;
        if (raw.p[i] == '\\' && i + 1 < raw.n && raw.p[i + 1] != '\0')
            hit = strchr(from, raw.p[i + 1]);
        if (hit) {
            to[n++] = into[hit - from];
            i++;
        } else {
            to[n++] = raw.p[i];
        }
    }
    return (struct str){to, n};
}

/* Is the \" at p one that looks like a string's wanted end: only blanks and closers up to the
 * line's end? */
static bool is_suspect(const struct parser *in, const char *p)
{
    for (p += 2; p < in->end && *p != '\n'; p++) {
        if (*p == '#')
            return true;
        if (*p != ' ' && *p != '\t' && *p != '\r' && *p != ']' && *p != '}' && *p != ',')
            return false;
    }
    return true;
}

/* The bytes between the delimiters; the cursor is at the opening one and ends behind the closing
 * one. */
static int delimited(struct parser *in, const char *what, struct str *ret_raw)
{
    const char *start = in->p, quote = *in->p;
    const char *suspect = NULL;
    for (const char *p = start + 1; p < in->end; p++) {
        if (*p == '\\' && p + 1 < in->end && p[1] == quote) {
            if (!suspect && is_suspect(in, p))
                suspect = p;
            p++;
        } else if (*p == quote) {
            *ret_raw = (struct str){start + 1, (size_t)(p - start - 1)};
            in->p = p + 1;
            if (suspect && !in->suspect && memchr(suspect, '\n', (size_t)(p - suspect)))
                in->suspect = suspect;
            return 0;
        }
    }
    if (suspect) {
        in->suspect = suspect;
        return parser__fail_at(in, in->end, "the %s is not closed", what);
    }
    return parser__fail_at(in, start, "the %s that begins here is not closed: %c is missing", what,
                           quote);
}

int parser__string(struct parser *in, struct value *ret_v)
{
    const char *start = in->p;
    uint32_t pos = parser__pos(in);
    struct str raw;
    TRY(delimited(in, "string", &raw));
    if (in->options->support_escapes && memchr(raw.p, '\\', raw.n))
        raw = unescape(in, raw);
    if (config_env_expand(in->options, raw, in->mem, &raw, in->err) < 0) {
        ptrdiff_t at = str_find((struct str){start, (size_t)(in->p - start)}, STR("${"));
        return source_err_at(in->source,
                             (size_t)(start - in->source->text.p) + (size_t)MAX_OF(at, 0), in->err);
    }
    *ret_v = value_str(raw);
    ret_v->flags = VALUE_FLAG_QUOTED;
    ret_v->pos = pos;
    return 0;
}

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parser__at_number(const struct parser *in)
{
    const char *p = in->p;
    if (p < in->end && *p == '-')
        p++;
    return p < in->end && is_digit(*p);
}

/* Ruby's Integer(): a leading 0 makes it octal. */
static int octal(struct parser *in, const char *at, struct str text, struct value *ret_v)
{
    bool is_negative = text.p[0] == '-';
    int64_t v = 0;
    for (size_t i = is_negative; i < text.n; i++) {
        if (text.p[i] > '7')
            return parser__fail_at(in, at,
                                   "\"" STR_FMT
                                   "\" begins with 0, which makes it octal, and is no octal number:"
                                   " leave the 0 out",
                                   STR_ARG(text));
        if (v > INT64_MAX / 8)
            return parser__fail_at(in, at, "\"" STR_FMT "\" is too large", STR_ARG(text));
        v = v * 8 + (text.p[i] - '0');
    }
    parser__warn(
        in, at, "a number with a leading 0 is octal, as in Logstash: leave the 0 out, or quote it");
    *ret_v = value_int(is_negative ? -v : v);
    return 0;
}

static int number_value(struct parser *in, const char *at, struct str text, bool has_point,
                        struct value *ret_v)
{
    size_t first = text.p[0] == '-';
    if (has_point) {
        struct str digits = text;
        double f;
        if (digits.p[digits.n - 1] == '.')
            digits.n--;
        if (!str_to_f64(digits, &f))
            return parser__fail_at(in, at, "\"" STR_FMT "\" is no number", STR_ARG(text));
        *ret_v = value_float(f);
        return 0;
    }
    if (text.n > first + 1 && text.p[first] == '0')
        return octal(in, at, text, ret_v);
    int64_t i;
    if (str_to_i64(text, &i))
        *ret_v = value_int(i);
    else
        *ret_v = (struct value){.kind = VALUE_BIG, .s = text};
    return 0;
}

int parser__number(struct parser *in, struct value *ret_v)
{
    const char *start = in->p;
    uint32_t pos = parser__pos(in);
    bool has_point = false;
    if (*in->p == '-')
        in->p++;
    while (in->p < in->end && is_digit(*in->p))
        in->p++;
    if (parser__at(in, '.')) {
        has_point = true;
        in->p++;
        while (in->p < in->end && is_digit(*in->p))
            in->p++;
    }
    struct str text = {start, (size_t)(in->p - start)};
    if (in->p < in->end && (*in->p == 'e' || *in->p == 'E') && in->p + 1 < in->end &&
        (is_digit(in->p[1]) || in->p[1] == '-' || in->p[1] == '+'))
        return parser__fail_at(in, start,
                               "numbers have no exponent here: write it out, or quote it");
    TRY(number_value(in, start, text, has_point, ret_v));
    ret_v->pos = pos;
    return 0;
}

/* ---- names and barewords ---- */

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

int parser__name(struct parser *in, const char *what, struct str *ret_name)
{
    if (parser__at(in, '"') || parser__at(in, '\'')) {
        struct value v;
        TRY(parser__string(in, &v));
        *ret_name = v.s;
        return 0;
    }
    const char *start = in->p;
    while (in->p < in->end && parser__is_name_char(*in->p))
        in->p++;
    if (in->p == start)
        return parser__unexpected(in, what);
    *ret_name = (struct str){start, (size_t)(in->p - start)};
    return 0;
}

/* [A-Za-z_][A-Za-z0-9_]+ ; `what` names it in errors. */
static int bareword(struct parser *in, const char *what, struct value *ret_v)
{
    const char *start = in->p;
    uint32_t pos = parser__pos(in);
    while (in->p < in->end && parser__is_name_char(*in->p) && *in->p != '-')
        in->p++;
    size_t n = (size_t)(in->p - start);
    if (in->p < in->end &&
        (*in->p == '-' || *in->p == '.' || *in->p == '/' || *in->p == ':' || *in->p == '%')) {
        while (in->p < in->end && !strchr(" \t\r\n,]}{", *in->p))
            in->p++;
        return parser__fail_at(in, start, "%s \"%.*s\" needs quotes", what,
                               (int)MIN_OF(in->p - start, 80), start);
    }
    if (n < 2)
        return parser__fail_at(in, start, "%s of one character needs quotes: \"%c\"", what, *start);
    *ret_v = value_str((struct str){start, n});
    ret_v->pos = pos;
    return 0;
}

/* ---- arrays and hashes ---- */

static int array(struct parser *in, struct value *ret_v)
{
    *ret_v = value_list(in->mem, 4);
    ret_v->pos = parser__pos(in);
    in->p++;
    TRY(parser__nest(in));
    parser__skip(in);
    while (!parser__at(in, ']')) {
        struct value item;
        TRY(parser__value(in, &item));
        value_list_add(in->mem, ret_v, item);
        parser__skip(in);
        if (parser__at(in, ']'))
            break;
        if (!parser__at(in, ','))
            return parser__unexpected(in, "a comma or ] in the array");
        const char *comma = in->p++;
        parser__skip(in);
        if (parser__at(in, ']'))
            return parser__fail_at(in, comma,
                                   "an array ends without a comma: remove the comma before ]");
    }
    in->p++;
    in->depth--;
    const char *behind = in->p;
    if (parser__at(in, '['))
        return parser__fail_at(
            in, behind, "two arrays in a row: a field reference needs quotes here, \"[a][b]\"");
    return 0;
}

static int hash_key(struct parser *in, struct value *ret_key)
{
    if (parser__at(in, '"') || parser__at(in, '\''))
        return parser__string(in, ret_key);
    if (parser__at_number(in)) {
        const char *start = in->p;
        TRY(parser__number(in, ret_key));
        *ret_key = (struct value){
            .kind = VALUE_STR, .pos = ret_key->pos, .s = {start, (size_t)(in->p - start)}};
        return 0;
    }
    if (in->p < in->end && is_word_start(*in->p))
        return bareword(in, "a hash key", ret_key);
    if (parser__at(in, '['))
        return parser__fail_at(in, in->p,
                               "a field reference as a hash key needs quotes: \"[a][b]\" => …");
    return parser__unexpected(in, "a hash key or }");
}

static int arrow(struct parser *in, struct str name)
{
    parser__skip(in);
    if (parser__at_text(in, "=>")) {
        in->p += 2;
        parser__skip(in);
        return 0;
    }
    const char *hint = parser__at(in, '=') || parser__at(in, ':') ? ", not = or :" : "";
    return parser__fail_at(in, in->p, "expected => behind \"" STR_FMT "\"%s", STR_ARG(name), hint);
}

static int hash(struct parser *in, struct value *ret_v)
{
    *ret_v = value_map(in->mem, 8);
    ret_v->pos = parser__pos(in);
    in->p++;
    TRY(parser__nest(in));
    for (;;) {
        parser__skip(in);
        if (parser__at(in, '}'))
            break;
        const char *at = in->p;
        struct value key, v;
        TRY(hash_key(in, &key));
        TRY(arrow(in, key.s));
        TRY(parser__value(in, &v));
        if (value_map_get(ret_v, key.s))
            return parser__fail_at(in, at, "the key \"" STR_FMT "\" is in the hash twice",
                                   STR_ARG(key.s));
        value_map_set(in->mem, ret_v, key.s, v);
    }
    in->p++;
    in->depth--;
    return 0;
}

/* ---- values ---- */

/* A name and then "{": a plugin as a value, as `codec => json { charset => "UTF-8" }`. The cursor
 * is behind the name. */
static int plugin_value(struct parser *in, struct str name, uint32_t pos, struct value *ret_v)
{
    struct value settings;
    TRY(parser__settings(in, &settings));
    settings.pos = pos;
    *ret_v = value_map(in->mem, 1);
    ret_v->extra = CONFIG_VALUE_PLUGIN;
    ret_v->pos = pos;
    value_map_set(in->mem, ret_v, name, settings);
    return 0;
}

/* Looks whether a "{" follows the name at the cursor, over blanks and comments; leaves the cursor.
 */
static bool is_plugin_value(struct parser *in)
{
    const char *back = in->p;
    if (*in->p == '"' || *in->p == '\'') {
        char quote = *in->p++;
        while (in->p < in->end && *in->p != quote)
            in->p += *in->p == '\\' && in->p + 1 < in->end ? 2 : 1;
        in->p = MIN_OF(in->p + 1, in->end);
    } else {
        while (in->p < in->end && parser__is_name_char(*in->p))
            in->p++;
    }
    bool has_name = in->p > back;
    parser__skip(in);
    bool result = has_name && parser__at(in, '{');
    in->p = back;
    return result;
}

int parser__value(struct parser *in, struct value *ret_v)
{
    if (in->p >= in->end)
        return parser__unexpected(in, "a value");
    char c = *in->p;
    if ((parser__is_name_char(c) || c == '"' || c == '\'') && is_plugin_value(in)) {
        struct str name;
        uint32_t pos = parser__pos(in);
        TRY(parser__name(in, "a plugin's name", &name));
        parser__skip(in);
        return plugin_value(in, name, pos, ret_v);
    }
    if (c == '"' || c == '\'')
        return parser__string(in, ret_v);
    if (parser__at_number(in))
        return parser__number(in, ret_v);
    if (c == '[')
        return array(in, ret_v);
    if (c == '{')
        return hash(in, ret_v);
    if (is_word_start(c)) {
        TRY(bareword(in, "a value", ret_v));
        return 0;
    }
    if ((c == '+' || c == '.') && in->p + 1 < in->end && (is_digit(in->p[1]) || in->p[1] == '.'))
        return parser__fail_at(in, in->p,
                               "a number begins with a digit or -: write 0.5, not .5, and no +");
    if (c == '/')
        return parser__fail_at(in, in->p, "a pattern or path as a value needs quotes");
    return parser__unexpected(in, "a value");
}

/* ---- settings ---- */

static bool is_codec(struct str name)
{
    return str_is(name, "codec");
}

static void append_all(struct parser *in, struct value *list, const struct value *more)
{
    if (more->kind != VALUE_LIST) {
        value_list_add(in->mem, list, *more);
        return;
    }
    for (size_t i = 0; i < more->list->count; i++)
        value_list_add(in->mem, list, more->list->items[i]);
}

/* hash+hash, array+x, scalar+scalar: what Logstash does when a setting stands there twice. */
static int setting_unite(struct parser *in, const char *at, struct str name, struct value *old,
                         const struct value *v)
{
    if (is_codec(name))
        return parser__fail_at(in, at, "\"codec\" is set twice");
    if (old->kind == VALUE_MAP && v->kind == VALUE_MAP) {
        for (size_t i = 0; i < v->map->count; i++)
            value_map_set(in->mem, old, v->map->keys[i], v->map->values[i]);
        return 0;
    }
    if (old->kind != VALUE_LIST && v->kind != VALUE_LIST && value_eq(old, v))
        return 0;
    struct value list = value_list(in->mem, 4);
    list.pos = old->pos;
    append_all(in, &list, old);
    append_all(in, &list, v);
    *old = list;
    return 0;
}

static int setting(struct parser *in, struct value *map)
{
    const char *at = in->p;
    struct str name;
    struct value v;
    TRY(parser__name(in, "a setting's name or }", &name));
    TRY(arrow(in, name));
    TRY(parser__value(in, &v));
    struct value *old = value_map_get(map, name);
    if (old)
        return setting_unite(in, at, name, old, &v);
    value_map_set(in->mem, map, name, v);
    return 0;
}

int parser__settings(struct parser *in, struct value *ret_map)
{
    *ret_map = value_map(in->mem, 8);
    ret_map->pos = parser__pos(in);
    in->p++;
    TRY(parser__nest(in));
    bool is_first = true;
    for (;;) {
        const char *behind = in->p;
        bool has_blank = parser__skip(in);
        if (parser__at(in, '}'))
            break;
        if (!is_first && !has_blank && in->p < in->end && parser__is_name_char(*in->p))
            return parser__fail_at(in, in->p, "a blank is missing between two settings");
        if (!is_first && has_blank && *behind == '#')
            parser__warn(in, behind,
                         "a comment glued to a value: Logstash refuses it; put a blank before #");
        TRY(setting(in, ret_map));
        is_first = false;
    }
    in->p++;
    in->depth--;
    return 0;
}
