/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filters/grok_expand.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "text/regex.h"

static const struct {
    const char *name, *expression;
} stock[] = {
#define PATTERN(name, expression) {name, expression},
#include "pipeline/filters/grok_patterns.tbl"
#undef PATTERN
};

void grok_dict_add(struct grok_dict *dict, struct str name, struct str expression)
{
    struct str *copy = ARENA_NEW(dict->mem, struct str);
    *copy = arena_str(dict->mem, expression);
    (void)strmap_put(&dict->patterns, name, copy);
}

void grok_dict_init(struct grok_dict *dict, struct arena *mem)
{
    dict->mem = mem;
    strmap_init(&dict->patterns);
    for (size_t i = 0; i < ARRAY_COUNT(stock); i++) {
        struct str *expression = ARENA_NEW(mem, struct str);
        *expression = str_from(stock[i].expression);
        (void)strmap_put(&dict->patterns, str_from(stock[i].name), expression);
    }
}

void grok_dict_deinit(struct grok_dict *dict)
{
    strmap_deinit(&dict->patterns);
}

void grok_dict_add_lines(struct grok_dict *dict, struct str text)
{
    struct str line;
    while (str_split_next(&text, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        size_t n = 0;
        while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
            n++;
        if (n > 0 && n < line.n)
            grok_dict_add(dict, str_sub(line, 0, n), str_trim(str_from_off(line, n)));
    }
}

struct expansion {
    struct grok_dict *dict;
    struct grok_expanded *expanded;
    struct buf out;
    struct err *err;
    bool all_names;
    unsigned count, depth;
};

static size_t capture_add(struct expansion *e, struct str name, enum grok_type type)
{
    struct grok_expanded *x = e->expanded;
    if (x->count == x->capacity) {
        size_t capacity = x->capacity ? x->capacity * 2 : 16;
        x->captures = arena_realloc(e->dict->mem, x->captures, x->count * sizeof(*x->captures),
                                    capacity * sizeof(*x->captures));
        x->capacity = capacity;
    }
    x->captures[x->count] = (struct grok_capture){name, type};
    return x->count++;
}

static int expand_text(struct expansion *e, struct str text);

static enum grok_type type_of(struct str text)
{
    return str_is(text, "int") ? GROK_INT : str_is(text, "float") ? GROK_FLOAT : GROK_TEXT;
}

/* NAME, NAME:field, NAME:field:type, NAME=definition; what else is in it is left out. */
static int expand_reference(struct expansion *e, struct str text)
{
    struct str name = text, field = STR_NONE, type = STR_NONE, definition = STR_NONE;
    size_t n = 0;
    while (n < text.n &&
           ((text.p[n] >= 'A' && text.p[n] <= 'Z') || (text.p[n] >= 'a' && text.p[n] <= 'z') ||
            (text.p[n] >= '0' && text.p[n] <= '9') || text.p[n] == '_'))
        n++;
    name = str_sub(text, 0, n);
    struct str rest = str_from_off(text, n);
    if (rest.n && rest.p[0] == ':') {
        rest = str_from_off(rest, 1);
        ptrdiff_t equals = str_find_char(rest, '=');
        if (equals >= 0) {
            definition = str_from_off(rest, (size_t)equals + 1);
            rest = str_sub(rest, 0, (size_t)equals);
        }
        ptrdiff_t colon = str_find_char(rest, ':');
        field = colon < 0 ? rest : str_sub(rest, 0, (size_t)colon);
        type = colon < 0 ? STR_NONE : str_from_off(rest, (size_t)colon + 1);
    } else if (rest.n && rest.p[0] == '=') {
        definition = str_from_off(rest, 1);
    }
    if (definition.p)
        grok_dict_add(e->dict, name, definition);
    const struct str *expression = strmap_get(&e->dict->patterns, name);
    if (!expression)
        return err_set(e->err, ERR_CONFIG, "pattern %%{" STR_FMT "} not defined", STR_ARG(text));
    if (!field.n && e->all_names)
        field = name;
    if (field.n)
        buf_printf(&e->out, "(?<g%zu>", capture_add(e, field, type_of(type)));
    else
        buf_add_lit(&e->out, "(?:");
    TRY(expand_text(e, *expression));
    buf_add_char(&e->out, ')');
    return 0;
}

/* (?<name> or (?'name' : gets a name of ours. False: something else, as a look-behind. */
static bool inline_group(struct expansion *e, struct str text, size_t *at)
{
    size_t i = *at + 2;
    if (i + 1 >= text.n || (text.p[i] != '<' && text.p[i] != '\'') || text.p[i + 1] == '=' ||
        text.p[i + 1] == '!')
        return false;
    char close = text.p[i] == '<' ? '>' : '\'';
    ptrdiff_t end = str_find_char(str_from_off(text, i + 1), close);
    if (end <= 0)
        return false;
    struct str name = str_sub(text, i + 1, (size_t)end);
    enum grok_type type = GROK_TEXT;
    ptrdiff_t colon = str_find_char(name, ':');
    if (colon > 0) {
        type = type_of(str_from_off(name, (size_t)colon + 1));
        name = str_sub(name, 0, (size_t)colon);
    }
    buf_printf(&e->out, "(?<g%zu>", capture_add(e, name, type));
    *at = i + 1 + (size_t)end + 1;
    return true;
}

/* \k<name>: the newest group of that name. */
static bool back_reference(struct expansion *e, struct str text, size_t *at)
{
    if (*at + 3 >= text.n || text.p[*at + 1] != 'k' || text.p[*at + 2] != '<')
        return false;
    ptrdiff_t end = str_find_char(str_from_off(text, *at + 3), '>');
    if (end < 0)
        return false;
    struct str name = str_sub(text, *at + 3, (size_t)end);
    for (size_t i = e->expanded->count; i-- > 0;) {
        if (str_eq(e->expanded->captures[i].name, name)) {
            buf_printf(&e->out, "\\k<g%zu>", i);
            *at += 3 + (size_t)end + 1;
            return true;
        }
    }
    return false;
}

static int expand_text(struct expansion *e, struct str text)
{
    if (++e->count > GROK_EXPANSIONS_MAX || ++e->depth > GROK_DEPTH_MAX)
        return err_set(e->err, ERR_CONFIG,
                       "more than %u patterns in each other, or one that holds itself",
                       e->count > GROK_EXPANSIONS_MAX ? GROK_EXPANSIONS_MAX : GROK_DEPTH_MAX);
    bool in_set = false;
    for (size_t i = 0; i < text.n;) {
        char c = text.p[i];
        ptrdiff_t close;
        if (c == '\\' && i + 1 < text.n) {
            if (!in_set && back_reference(e, text, &i))
                continue;
            buf_add(&e->out, text.p + i, 2);
            i += 2;
        } else if (c == '%' && i + 1 < text.n && text.p[i + 1] == '{' &&
                   (close = str_find_char(str_from_off(text, i + 2), '}')) > 0) {
            TRY(expand_reference(e, str_sub(text, i + 2, (size_t)close)));
            i += 2 + (size_t)close + 1;
        } else if (!in_set && c == '(' && i + 2 < text.n && text.p[i + 1] == '?' &&
                   inline_group(e, text, &i)) {
            continue;
        } else {
            if (c == '[')
                in_set = true;
            else if (c == ']')
                in_set = false;
            buf_add_char(&e->out, c);
            i++;
        }
        if (e->out.n > REGEX_PATTERN_MAX)
            return err_set(e->err, ERR_CONFIG, "the expanded pattern is longer than %llu bytes",
                           (unsigned long long)REGEX_PATTERN_MAX);
    }
    e->depth--;
    return 0;
}

int grok_expand(struct grok_dict *dict, struct str pattern, bool all_names,
                struct grok_expanded *ret_expanded, struct err *err)
{
    struct grok_expanded expanded = {0};
    struct expansion e = {.dict = dict, .expanded = &expanded, .err = err, .all_names = all_names};
    buf_init(&e.out, REGEX_PATTERN_MAX + 4 * KIB);
    int rc = expand_text(&e, pattern);
    if (rc == 0) {
        expanded.expression = arena_str(dict->mem, buf_str(&e.out));
        *ret_expanded = expanded;
    }
    buf_deinit(&e.out);
    return rc;
}
