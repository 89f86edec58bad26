/* SPDX-License-Identifier: Apache-2.0 */
/* dissect.c: cuts a text at fixed delimiters: "%{ts} %{+ts} %{src} - %{?skip} %{msg}". No regular
 * expressions: each delimiter is searched once, from left to right. Either all delimiters are
 * found, or nothing is set.
 *
 *   %{f}      field            %{}  %{?f}   not kept            %{f->}   further delimiters right
 * behind are skipped
 *   %{+f}     appended to f, with the delimiter before it       %{+f/2}  … as the second of them
 *   %{&f}     value of the field whose name %{?f} or %{f} took */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "pipeline/filters/convert.h"
#include "pipeline/template.h"

#define DISSECT_PARTS_MAX 256u

enum part_kind { PART_FIELD, PART_SKIP, PART_APPEND, PART_INDIRECT };
struct part {
    enum part_kind kind;
    struct str name;
    struct str before; /* delimiter in front of it: what an append puts between */
    struct str after;  /* delimiter behind it; empty: takes the rest */
    bool is_greedy;    /* "->" */
    int64_t order;     /* of appends: /2 */
};

struct mapping {
    struct field_path source;
    struct str head; /* text before the first part */
    struct part *parts;
    size_t count;
};

struct dissect {
    struct value mapping, convert_datatype, tag_on_failure;
    struct mapping *mappings;
    size_t mapping_count;
};

static const struct opt dissect_opts[] = {
    OPT_MAP(struct dissect, mapping, .help = "Field => pattern of %{name} and delimiters."),
    OPT_MAP(struct dissect, convert_datatype, .help = "Field => int or float."),
    OPT_LIST(struct dissect, tag_on_failure,
             .help = "Tags when a delimiter is missing; else _dissectfailure."),
    OPT_END,
};

static int part_parse(struct str text, struct part *part, struct err *err)
{
    part->is_greedy = str_ends_with(text, STR("->"));
    if (part->is_greedy)
        text.n -= 2;
    part->kind = PART_FIELD;
    if (text.n == 0) {
        part->kind = PART_SKIP;
        return 0;
    }
    switch (text.p[0]) {
    case '?':
        part->kind = PART_SKIP;
        break;
    case '+':
        part->kind = PART_APPEND;
        break;
    case '&':
        part->kind = PART_INDIRECT;
        break;
    default:
        part->name = text;
        return 0;
    }
    part->name = str_from_off(text, 1);
    ptrdiff_t slash = part->kind == PART_APPEND ? str_find_char(part->name, '/') : -1;
    if (slash >= 0) {
        if (!str_to_i64(str_from_off(part->name, (size_t)slash + 1), &part->order))
            return err_set(err, ERR_CONFIG, "\"%%{" STR_FMT "}\": a number must follow the slash",
                           STR_ARG(text));
        part->name = str_sub(part->name, 0, (size_t)slash);
    }
    return 0;
}

static int pattern_parse(struct arena *mem, struct str pattern, struct mapping *mapping,
                         struct err *err)
{
    mapping->parts = ARENA_ARRAY(mem, struct part, DISSECT_PARTS_MAX);
    ptrdiff_t at = str_find(pattern, STR("%{"));
    if (at < 0)
        return err_set(err, ERR_CONFIG, "the pattern \"" STR_FMT "\" has no %%{field}",
                       STR_ARG(pattern));
    mapping->head = str_sub(pattern, 0, (size_t)at);
    struct str before = mapping->head, rest = str_from_off(pattern, (size_t)at);
    while (rest.n > 0) {
        ptrdiff_t close = str_find_char(rest, '}');
        if (close < 0)
            return err_set(err, ERR_CONFIG, "\"" STR_FMT "\" is not closed: } is missing",
                           STR_ARG(rest));
        if (mapping->count == DISSECT_PARTS_MAX)
            return err_set(err, ERR_CONFIG, "more than %u fields in a pattern", DISSECT_PARTS_MAX);
        struct part *part = &mapping->parts[mapping->count++];
        TRY(part_parse(str_sub(rest, 2, (size_t)close - 2), part, err));
        part->before = before;
        rest = str_from_off(rest, (size_t)close + 1);
        ptrdiff_t next = str_find(rest, STR("%{"));
        part->after = next < 0 ? rest : str_sub(rest, 0, (size_t)next);
        if (next == 0)
            return err_set(err, ERR_CONFIG,
                           "two fields without a delimiter between them in \"" STR_FMT "\"",
                           STR_ARG(pattern));
        before = part->after;
        rest = next < 0 ? STR("") : str_from_off(rest, (size_t)next);
    }
    return 0;
}

static int dissect_init(void *self, struct plugin *plugin, struct err *err)
{
    struct dissect *dissect = self;
    const struct value_map *map = dissect->mapping.kind == VALUE_MAP ? dissect->mapping.map : NULL;
    dissect->mapping_count = map ? map->count : 0;
    dissect->mappings = ARENA_ARRAY(plugin->mem, struct mapping, dissect->mapping_count);
    for (size_t i = 0; i < dissect->mapping_count; i++) {
        const struct value *pattern = &map->values[i];
        int rc = field_path_parse(plugin->mem, map->keys[i], &dissect->mappings[i].source, err);
        if (rc == 0)
            rc = pattern_parse(plugin->mem, value_to_str(plugin->mem, pattern),
                               &dissect->mappings[i], err);
        if (rc < 0)
            return plugin_err_at(plugin, pattern->pos, err);
    }
    const struct value_map *types =
        dissect->convert_datatype.kind == VALUE_MAP ? dissect->convert_datatype.map : NULL;
    for (size_t i = 0; types && i < types->count; i++) {
        const struct value *type = &types->values[i];
        if (type->kind != VALUE_STR || !(str_is(type->s, "int") || str_is(type->s, "float"))) {
            err_set(err, ERR_CONFIG, "\"convert_datatype\" wants int or float");
            return plugin_err_at(plugin, type->pos, err);
        }
    }
    return 0;
}

/* Finds each part's text. False: a delimiter is missing. */
static bool cut(const struct mapping *mapping, struct str text, struct str *found)
{
    if (!str_starts_with(text, mapping->head))
        return false;
    text = str_from_off(text, mapping->head.n);
    for (size_t i = 0; i < mapping->count; i++) {
        const struct part *part = &mapping->parts[i];
        if (part->after.n == 0) {
            found[i] = text;
            continue;
        }
        ptrdiff_t at = str_find(text, part->after);
        if (at < 0)
            return false;
        found[i] = str_sub(text, 0, (size_t)at);
        text = str_from_off(text, (size_t)at + part->after.n);
        while (part->is_greedy && str_starts_with(text, part->after))
            text = str_from_off(text, part->after.n);
    }
    return true;
}

/* All parts of one appended field, by their order and then place, joined with the delimiters before
 * them. */
static struct str appended(struct arena *mem, const struct mapping *mapping,
                           const struct str *found, struct str name)
{
    struct buf out;
    buf_init(&out, 0);
    size_t at[DISSECT_PARTS_MAX], n = 0;
    for (size_t i = 0; i < mapping->count; i++) {
        const struct part *part = &mapping->parts[i];
        if ((part->kind != PART_APPEND && part->kind != PART_FIELD) || !str_eq(part->name, name))
            continue;
        int64_t order = part->kind == PART_FIELD ? INT64_MIN : part->order;
        size_t k = n++;
        while (k > 0 && (mapping->parts[at[k - 1]].kind == PART_FIELD
                             ? INT64_MIN
                             : mapping->parts[at[k - 1]].order) > order) {
            at[k] = at[k - 1];
            k--;
        }
        at[k] = i;
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_str(&out,
                        mapping->parts[at[i]].before.n ? mapping->parts[at[i]].before : STR(" "));
        buf_add_str(&out, found[at[i]]);
    }
    struct str text = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static struct str name_of_indirect(const struct mapping *mapping, const struct str *found,
                                   struct str name)
{
    for (size_t i = 0; i < mapping->count; i++) {
        if (mapping->parts[i].kind != PART_INDIRECT && mapping->parts[i].kind != PART_APPEND &&
            str_eq(mapping->parts[i].name, name))
            return found[i];
    }
    return STR_NONE;
}

static void set_all(const struct mapping *mapping, struct event *ev, const struct str *found)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct part *part = &mapping->parts[i];
        struct str name = part->name, text = found[i];
        if (part->kind == PART_SKIP)
            continue;
        if (part->kind == PART_APPEND)
            text = appended(ev->mem, mapping, found, name);
        if (part->kind == PART_INDIRECT)
            name = name_of_indirect(mapping, found, name);
        if (name.n)
            (void)event_set_text(ev, name, value_str(text), NULL);
    }
}

static void convert_all(const struct dissect *dissect, struct event *ev)
{
    const struct value_map *types =
        dissect->convert_datatype.kind == VALUE_MAP ? dissect->convert_datatype.map : NULL;
    for (size_t i = 0; types && i < types->count; i++) {
        struct value *v = event_get_text(ev, types->keys[i]);
        double f;
        if (!v || v->kind != VALUE_STR)
            continue;
        if (!str_to_f64(str_trim(v->s), &f)) {
            event_tag(ev, arena_printf(ev->mem, "_dataconversionuncoercible_" STR_FMT "_" STR_FMT,
                                       STR_ARG(types->keys[i]), STR_ARG(types->values[i].s)));
            continue;
        }
        *v =
            str_is(types->values[i].s, "int") ? ruby_to_i(ev->mem, str_trim(v->s)) : value_float(f);
    }
}

static void fail(const struct dissect *dissect, struct filter_run *run, struct event *ev)
{
    const struct value *tags;
    size_t count = setting_items(&dissect->tag_on_failure, &tags);
    bool is_default =
        dissect->tag_on_failure.kind == VALUE_NONE || dissect->tag_on_failure.kind == VALUE_NULL;
    filter_failed(run, ev, is_default ? STR("_dissectfailure") : STR_NONE);
    for (size_t i = 0; i < count; i++)
        event_tag(ev, value_to_str(ev->mem, &tags[i]));
}

static void dissect_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    const struct dissect *dissect = self;
    struct str found[DISSECT_PARTS_MAX];
    for (size_t i = 0; i < count; i++) {
        struct event *ev = events[i];
        bool is_ok = true;
        for (size_t k = 0; k < dissect->mapping_count; k++) {
            const struct mapping *mapping = &dissect->mappings[k];
            const struct value *v = event_get(ev, &mapping->source);
            if (!v || v->kind == VALUE_NULL)
                continue;
            if (cut(mapping, value_to_str(ev->mem, v), found))
                set_all(mapping, ev, found);
            else
                is_ok = false;
        }
        convert_all(dissect, ev);
        if (is_ok)
            filter_matched(run, ev);
        else
            fail(dissect, run, ev);
    }
}

const struct filter_type filter_dissect = {
    .name = "dissect",
    .summary = "Cuts a text at fixed delimiters.",
    .since = "0.1",
    .opts = dissect_opts,
    .size = sizeof(struct dissect),
    .init = dissect_init,
    .process = dissect_process,
};
