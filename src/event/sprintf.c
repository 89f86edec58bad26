/* SPDX-License-Identifier: Apache-2.0 */
/* sprintf.c: templates, as Logstash's StringInterpolation: "%{" up to the next "}" is a reference,
 * whatever is between. A list is joined by ",", a map is JSON; "%{+…}" prints @timestamp in UTC.
 * What is missing stays as it was written. */
#include "base/buf.h"
#include "base/str.h"
#include "event/event.h"
#include "text/date_format.h"

#define TEMPLATE_PARTS_MAX 1000u
#define JOIN_DEPTH_MAX     128u

enum part_kind { PART_TEXT, PART_FIELD, PART_DATE, PART_EPOCH };

struct part {
    enum part_kind kind;
    struct str text; /* literal, or the reference with %{ } */
    struct field_path path;
    const struct date_pattern *pattern;
};

struct sprintf_template {
    struct part *parts;
    size_t count;
};

static int reference_compile(struct arena *mem, struct str text, size_t off, struct part *part,
                             struct err *err)
{
    struct str inside = str_sub(text, 2, text.n - 3);
    int rc;
    if (str_is(inside, "+%s")) {
        part->kind = PART_EPOCH;
        return 0;
    }
    if (inside.p[0] == '+') {
        part->kind = PART_DATE;
        rc = date_pattern_compile(str_from_off(inside, 1), DATE_JODA, mem, &part->pattern, err);
        if (rc < 0)
            return err_at_off(err, (int64_t)off + 3 + (err && err->off > 0 ? err->off : 0));
        return rc;
    }
    part->kind = PART_FIELD;
    rc = field_path_parse(mem, inside, &part->path, err);
    return rc < 0 ? err_at_off(err, (int64_t)off + 2) : 0;
}

static size_t count_parts(struct str text)
{
    size_t n = 1;
    for (ptrdiff_t at; (at = str_find(text, STR("%{"))) >= 0; n += 2)
        text = str_from_off(text, (size_t)at + 2);
    return n;
}

static void part_add(struct sprintf_template *t, const struct part *part)
{
    if (part->kind == PART_TEXT && part->text.n == 0)
        return;
    t->parts[t->count++] = *part;
}

int sprintf_compile(struct arena *mem, struct str text, struct sprintf_template **ret_t,
                    struct err *err)
{
    struct sprintf_template *t = ARENA_NEW(mem, struct sprintf_template);
    size_t max = count_parts(text), from = 0, at = 0;
    if (max > TEMPLATE_PARTS_MAX)
        return err_set(err, ERR_INVALID, "a template with more than %u parts", TEMPLATE_PARTS_MAX);
    text = arena_str(mem, text);
    t->parts = ARENA_ARRAY(mem, struct part, max);
    for (;;) {
        ptrdiff_t open = str_find(str_from_off(text, at), STR("%{"));
        ptrdiff_t close = open < 0 ? -1 : str_find_char(str_from_off(text, at + (size_t)open), '}');
        if (close < 0)
            break;
        size_t begin = at + (size_t)open, end = begin + (size_t)close + 1;
        at = end;
        if (end - begin == 3) /* "%{}" refers to nothing */
            continue;
        struct part literal = {.kind = PART_TEXT, .text = str_sub(text, from, begin - from)};
        struct part part = {.text = str_sub(text, begin, end - begin)};
        TRY(reference_compile(mem, part.text, begin, &part, err));
        part_add(t, &literal);
        part_add(t, &part);
        from = end;
    }
    struct part rest = {.kind = PART_TEXT, .text = str_from_off(text, from)};
    part_add(t, &rest);
    *ret_t = t;
    return 0;
}

bool sprintf_is_constant(const struct sprintf_template *t)
{
    return t->count == 0 || (t->count == 1 && t->parts[0].kind == PART_TEXT);
}

/* NULL: not there, or null. */
static const struct value *field_value(const struct part *part, const struct event *ev)
{
    if (part->path.is_metadata && part->path.count == 0)
        return &ev->metadata;
    const struct value *v = event_get(ev, &part->path);
    return v && v->kind != VALUE_NULL && v->kind != VALUE_NONE ? v : NULL;
}

static void join(const struct value *v, struct arena *mem, struct buf *out, unsigned depth)
{
    if (v->kind != VALUE_LIST || depth == JOIN_DEPTH_MAX) {
        buf_add_str(out, value_to_str(mem, v));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        join(&v->list->items[i], mem, out, depth + 1);
    }
}

static struct str buf_taken(struct buf *buf, struct arena *mem)
{
    struct str s = arena_str(mem, buf_str(buf));
    buf_deinit(buf);
    return s;
}

static struct str part_text(const struct part *part, const struct event *ev, struct arena *mem)
{
    struct buf buf;
    int64_t ns;
    const struct value *v;
    switch (part->kind) {
    case PART_TEXT:
        return part->text;
    case PART_FIELD:
        v = field_value(part, ev);
        if (!v)
            return part->text;
        if (v->kind != VALUE_LIST)
            return value_to_str(mem, v);
        buf_init(&buf, 0);
        join(v, mem, &buf, 0);
        return buf_taken(&buf, mem);
    case PART_DATE:
        if (!event_timestamp_ns(ev, &ns))
            return part->text;
        buf_init(&buf, 0);
        date_pattern_write(part->pattern, ns, NULL, &buf);
        return buf_taken(&buf, mem);
    case PART_EPOCH:
        if (!event_timestamp_ns(ev, &ns))
            return part->text;
        return arena_printf(mem, "%lld", (long long)(ns / NS_PER_S - (ns % NS_PER_S < 0)));
    }
    return part->text;
}

struct str sprintf_text(const struct sprintf_template *t, const struct event *ev, struct arena *mem)
{
    if (t->count == 0)
        return STR("");
    if (t->count == 1)
        return part_text(&t->parts[0], ev, mem);
    struct str *texts = arena_alloc(mem, t->count * sizeof(struct str));
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++) {
        texts[i] = part_text(&t->parts[i], ev, mem);
        n += texts[i].n;
    }
    char *out = arena_alloc(mem, n + 1), *p = out;
    for (size_t i = 0; i < t->count; i++) {
        if (texts[i].n > 0)
            memcpy(p, texts[i].p, texts[i].n);
        p += texts[i].n;
    }
    *p = '\0';
    return (struct str){out, n};
}

bool sprintf_is_complete(const struct sprintf_template *t, const struct event *ev)
{
    int64_t ns;
    for (size_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        if (part->kind == PART_FIELD && !field_value(part, ev))
            return false;
        if ((part->kind == PART_DATE || part->kind == PART_EPOCH) && !event_timestamp_ns(ev, &ns))
            return false;
    }
    return true;
}
