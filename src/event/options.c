/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: one function per kind of option turns a value into the C field; the loop around them
 * checks names, duplicates do not occur (the tree is a map), and required options. */
#include "event/options.h"

#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "event/event.h"

struct filler {
    const struct opt *opt;
    enum options_dialect dialect;
    void *field;
    struct err *err;
};

static int wrong(const struct filler *f, const struct value *v, const char *wanted)
{
    struct str text = v->kind == VALUE_STR && !(f->opt->flags & OPT_SECRET) ? v->s : STR_NONE;
    if (text.p)
        err_set(f->err, ERR_INVALID, "%s must be %s, not \"" STR_FMT "\"", f->opt->name, wanted,
                STR_ARG(text));
    else
        err_set(f->err, ERR_INVALID, "%s must be %s, not %s", f->opt->name, wanted,
                value_kind_name(v));
    if (v->pos > 0)
        err_at_off(f->err, (int64_t)v->pos - 1);
    return -(int)ERR_INVALID;
}

/* Text of a scalar; numbers as they are printed. */
static bool scalar_text(const struct value *v, char *scratch, size_t size, struct str *ret_text)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_STR:
    case VALUE_BIG:
        *ret_text = v->s;
        return true;
    case VALUE_BOOL:
        *ret_text = v->b ? STR("true") : STR("false");
        return true;
    case VALUE_INT:
        *ret_text = (struct str){scratch, (size_t)snprintf(scratch, size, "%lld", (long long)v->i)};
        return true;
    case VALUE_FLOAT:
        *ret_text = (struct str){scratch, f64_to_text(v->f, scratch)};
        return true;
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    default:
        return false;
    }
}

static int fill_str(const struct filler *f, const struct value *v, struct arena *mem)
{
    char scratch[40];
    struct str text;
    if (!scalar_text(v, scratch, sizeof(scratch), &text))
        return wrong(f, v, "a string");
    if (text.p == scratch)
        text = arena_str(mem, text);
    *(struct str *)f->field = text;
    return 0;
}

static int fill_bool(const struct filler *f, const struct value *v)
{
    if (v->kind == VALUE_BOOL)
        *(bool *)f->field = v->b;
    else if (v->kind == VALUE_STR && (str_is(v->s, "true") || str_is(v->s, "false")))
        *(bool *)f->field = str_is(v->s, "true");
    else
        return wrong(f, v, "true or false");
    return 0;
}

static int check_range(const struct filler *f, const struct value *v, int64_t n)
{
    if (f->opt->max > f->opt->min && (n < f->opt->min || n > f->opt->max)) {
        char text[96];
        (void)snprintf(text, sizeof(text), "between %lld and %lld", (long long)f->opt->min,
                       (long long)f->opt->max);
        return wrong(f, v, text);
    }
    return 0;
}

static int fill_int(const struct filler *f, const struct value *v)
{
    int64_t n;
    double d;
    if (v->kind == VALUE_INT)
        n = v->i;
    else if (v->kind == VALUE_FLOAT && v->f == floor(v->f) && fabs(v->f) < 9e15)
        n = (int64_t)v->f;
    else if (v->kind == VALUE_STR && str_to_i64(v->s, &n))
        ;
    else if (v->kind == VALUE_STR && str_to_f64(v->s, &d) && d == floor(d) && fabs(d) < 9e15)
        n = (int64_t)d;
    else
        return wrong(f, v, "a whole number");
    TRY(check_range(f, v, n));
    *(int64_t *)f->field = n;
    return 0;
}

static int fill_float(const struct filler *f, const struct value *v)
{
    double d;
    if (!value_to_f64(v, &d) && !(v->kind == VALUE_STR && str_to_f64(v->s, &d)))
        return wrong(f, v, "a number");
    *(double *)f->field = d;
    return 0;
}

static int fill_size(const struct filler *f, const struct value *v)
{
    uint64_t bytes;
    if (v->kind == VALUE_INT && v->i >= 0)
        bytes = (uint64_t)v->i;
    else if (v->kind != VALUE_STR || !str_to_size(v->s, f->dialect != OPTIONS_LOGSTASH, &bytes))
        return wrong(f, v, "a size like 64KiB or 10mb");
    TRY(check_range(f, v, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes));
    *(uint64_t *)f->field = bytes;
    return 0;
}

/* Go's: the sum of several, each with its unit. */
static bool parse_duration_sum(struct str s, int64_t *ret_ns)
{
    bool is_negative = s.n > 0 && s.p[0] == '-';
    int64_t sum = 0;
    s = str_from_off(s, is_negative);
    do {
        size_t i = 0;
        int64_t ns;
        while (i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.'))
            i++;
        size_t digits = i;
        while (i < s.n && !((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.'))
            i++;
        if (digits == 0 || digits == i || !str_to_duration(str_sub(s, 0, i), &ns) ||
            __builtin_add_overflow(sum, ns, &sum))
            return false;
        s = str_from_off(s, i);
    } while (s.n > 0);
    *ret_ns = is_negative ? -sum : sum;
    return true;
}

static bool parse_duration(const struct filler *f, struct str s, int64_t *ret_ns)
{
    return str_to_duration(s, ret_ns) ||
           (f->dialect == OPTIONS_BEATS && parse_duration_sum(str_trim(s), ret_ns));
}

static int fill_duration(const struct filler *f, const struct value *v)
{
    int64_t ns;
    double d;
    if (value_to_f64(v, &d) && fabs(d) < 9e9)
        ns = (int64_t)(d * (double)NS_PER_S);
    else if (v->kind != VALUE_STR || !parse_duration(f, v->s, &ns))
        return wrong(f, v, "a duration like 500ms, 10s or 5m");
    TRY(check_range(f, v, ns));
    *(int64_t *)f->field = ns;
    return 0;
}

static int fill_enum(const struct filler *f, const struct value *v)
{
    char scratch[40];
    struct str text;
    if (scalar_text(v, scratch, sizeof(scratch), &text)) {
        for (int i = 0; f->opt->choices[i]; i++) {
            if (str_eq(text, str_from(f->opt->choices[i]))) {
                *(int *)f->field = i;
                return 0;
            }
        }
    }
    struct buf wanted;
    buf_init(&wanted, 2 * KIB);
    buf_add_lit(&wanted, "one of ");
    for (int i = 0; f->opt->choices[i]; i++)
        buf_printf(&wanted, "%s%s", i ? ", " : "", f->opt->choices[i]);
    int rc = wrong(f, v, buf_cstr(&wanted));
    buf_deinit(&wanted);
    return rc;
}

static int fill_field(const struct filler *f, const struct value *v)
{
    if (v->kind != VALUE_STR || !field_path_is_valid(v->s))
        return wrong(f, v, "a field reference like [a][b]");
    *(struct str *)f->field = v->s;
    return 0;
}

/* A list of one for a scalar, pairs for a map (of Beats: a list of one). */
static void fill_list(const struct filler *f, const struct value *v, struct arena *mem)
{
    struct value list = *v;
    if (v->kind == VALUE_MAP && f->dialect != OPTIONS_BEATS) {
        list = value_list(mem, v->map->count * 2);
        for (size_t i = 0; i < v->map->count; i++) {
            value_list_add(mem, &list, value_str(v->map->keys[i]));
            value_list_add(mem, &list, v->map->values[i]);
        }
    } else if (v->kind != VALUE_LIST) {
        list = value_list(mem, 1);
        value_list_add(mem, &list, *v);
    }
    list.pos = v->pos;
    *(struct value *)f->field = list;
}

static int fill_map(const struct filler *f, const struct value *v, struct arena *mem)
{
    if (v->kind == VALUE_MAP) {
        *(struct value *)f->field = *v;
        return 0;
    }
    if (f->dialect == OPTIONS_BEATS)
        return wrong(f, v, "a map");
    if (v->kind != VALUE_LIST || v->list->count % 2 != 0)
        return wrong(f, v, "a hash { \"key\" => \"value\" }");
    struct value map = value_map(mem, v->list->count / 2);
    for (size_t i = 0; i < v->list->count; i += 2) {
        if (v->list->items[i].kind != VALUE_STR)
            return wrong(f, &v->list->items[i], "a string as key");
        value_map_set(mem, &map, v->list->items[i].s, v->list->items[i + 1]);
    }
    map.pos = v->pos;
    *(struct value *)f->field = map;
    return 0;
}

static int fill_one(const struct filler *f, const struct value *v, struct arena *mem)
{
    switch (f->opt->kind) {
    case OPT_KIND_STR:
        return fill_str(f, v, mem);
    case OPT_KIND_BOOL:
        return fill_bool(f, v);
    case OPT_KIND_INT:
        return fill_int(f, v);
    case OPT_KIND_FLOAT:
        return fill_float(f, v);
    case OPT_KIND_SIZE:
        return fill_size(f, v);
    case OPT_KIND_DURATION:
        return fill_duration(f, v);
    case OPT_KIND_ENUM:
        return fill_enum(f, v);
    case OPT_KIND_FIELD:
        return fill_field(f, v);
    case OPT_KIND_LIST:
        fill_list(f, v, mem);
        return 0;
    case OPT_KIND_MAP:
        return fill_map(f, v, mem);
    case OPT_KIND_VALUE:
    case OPT_KIND_CODEC:
        *(struct value *)f->field = *v;
        return 0;
    case OPT_KIND_END:
    default:
        ASSERT(!"option kind");
        return 0;
    }
}

static bool is_skipped(const char *const *skip, struct str name)
{
    for (; skip && *skip; skip++) {
        if (str_eq(str_from(*skip), name))
            return true;
    }
    return false;
}

static int fill_default(const struct filler *f, struct arena *mem)
{
    if (!f->opt->dflt)
        return 0;
    struct value text = value_str(str_from(f->opt->dflt));
    int rc = fill_one(f, &text, mem);
    ASSERT(rc == 0); /* a default that does not fit its own option is a bug of the table */
    return rc;
}

static int unknown_option(const struct opt *opts, struct str name, const struct value *v,
                          struct err *err)
{
    const char *near = opt_nearest(opts, name);
    err_set(err, ERR_INVALID, "unknown option \"" STR_FMT "\"%s%s%s", STR_ARG(name),
            near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    if (v->pos > 0)
        err_at_off(err, (int64_t)v->pos - 1);
    return -(int)ERR_INVALID;
}

static int check_required(const struct opt *opts, const struct value *map,
                          enum options_dialect dialect, struct err *err)
{
    for (const struct opt *opt = opts; opt->kind != OPT_KIND_END; opt++) {
        const struct value *v = value_map_get(map, str_from(opt->name));
        bool is_given = v && !(v->kind == VALUE_NULL && dialect != OPTIONS_LOGSTASH);
        if (!(opt->flags & OPT_REQUIRED) || is_given)
            continue;
        err_set(err, ERR_INVALID, "the required option \"%s\" is missing: %s", opt->name,
                opt->help ? opt->help : "");
        if (map->pos > 0)
            err_at_off(err, (int64_t)map->pos - 1);
        return -(int)ERR_INVALID;
    }
    return 0;
}

static void warn_about(const struct opt *opt, const struct value *v, options_warn_fn *warn,
                       void *owner)
{
    char text[200];
    if (!warn || !(opt->flags & (OPT_DEPRECATED | OPT_OBSOLETE)))
        return;
    (void)snprintf(text, sizeof(text), "option \"%s\" %s", opt->name,
                   opt->flags & OPT_OBSOLETE ? "is accepted and has no effect here"
                                             : "is deprecated");
    warn(owner, v->pos, text);
}

int options_fill(const struct opt *opts, void *instance, const struct value *map,
                 enum options_dialect dialect, struct arena *mem, const char *const *skip,
                 options_warn_fn *warn, void *warn_owner, struct err *err)
{
    static const struct opt none[] = {OPT_END};
    opts = opts ? opts : none;
    for (const struct opt *opt = opts; opt->kind != OPT_KIND_END; opt++) {
        struct filler f = {opt, dialect, (char *)instance + opt->offset, err};
        TRY(fill_default(&f, mem));
    }
    for (size_t i = 0; map->kind == VALUE_MAP && i < map->map->count; i++) {
        struct str name = map->map->keys[i];
        const struct value *v = &map->map->values[i];
        const struct opt *opt = opt_find(opts, name);
        if (!opt && is_skipped(skip, name))
            continue;
        if (!opt)
            return unknown_option(opts, name, v, err);
        warn_about(opt, v, warn, warn_owner);
        if (v->kind == VALUE_NULL && dialect != OPTIONS_LOGSTASH)
            continue;
        struct filler f = {opt, dialect, (char *)instance + opt->offset, err};
        TRY(fill_one(&f, v, mem));
    }
    return check_required(opts, map, dialect, err);
}
