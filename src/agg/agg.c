/* SPDX-License-Identifier: Apache-2.0 */
/* agg.c: the table of accumulators and the calls that go through it. The types know only blocks of
 * numbers; here dynamic values are sorted into them, so that each type stays small. */
#include "agg/agg_int.h"
#include "base/hash.h"
#include "base/str.h"
#include "event/options.h"

static const struct agg_type *const types[] = {
#define AGG(symbol) &agg_type_##symbol,
#include "agg/aggs.tbl"
#undef AGG
    NULL,
};

const struct agg_type *const *agg_types(void)
{
    return types;
}

const struct agg_type *agg_type_find(struct str name)
{
    for (size_t i = 0; types[i]; i++) {
        if (str_eq(str_from(types[i]->name), name))
            return types[i];
    }
    return NULL;
}

static int unknown_type(struct str name, struct err *err)
{
    const char *names[ARRAY_COUNT(types)] = {NULL};
    for (size_t i = 0; types[i]; i++)
        names[i] = types[i]->name;
    const char *near = name_nearest(names, name);
    if (near)
        return err_set(err, ERR_INVALID,
                       "unknown aggregation \"" STR_FMT "\", did you mean \"%s\"?", STR_ARG(name),
                       near);
    return err_set(err, ERR_INVALID, "unknown aggregation \"" STR_FMT "\"", STR_ARG(name));
}

int agg_spec_init(struct agg_spec *spec, struct str type_name, const struct value *options,
                  struct arena *mem, struct err *err)
{
    const struct agg_type *type = agg_type_find(type_name);
    if (!type)
        return unknown_type(type_name, err);
    void *params = arena_zalloc(mem, type->opts_size ? type->opts_size : 1);
    struct value none = {.kind = VALUE_NONE};
    TRY(options_fill(type->opts, params, options ? options : &none, OPTIONS_JSON, mem, NULL, NULL,
                     NULL, err));
    if (type->check)
        TRY(type->check(params, mem, err));
    *spec = (struct agg_spec){type, params};
    return 0;
}

size_t agg_state_bytes(const struct agg_spec *spec)
{
    return (spec->type->state_size + 15u) & ~(size_t)15u;
}

void agg_init(struct agg *agg)
{
    memset(agg->state, 0, agg->type->state_size);
    if (agg->type->init)
        agg->type->init(agg);
}

struct agg agg_new(const struct agg_spec *spec, struct arena *mem)
{
    struct agg agg = agg_at(spec, mem, arena_alloc(mem, agg_state_bytes(spec)));
    agg_init(&agg);
    return agg;
}

int agg_create(struct str type_name, const struct value *options, struct arena *mem,
               struct agg *ret_agg, struct err *err)
{
    struct agg_spec spec;
    TRY(agg_spec_init(&spec, type_name, options, mem, err));
    *ret_agg = agg_new(&spec, mem);
    return 0;
}

/* Types that take any value get numbers as values too when they have no block form. */
void agg_add_longs(struct agg *agg, const int64_t *values, size_t count)
{
    if (agg->type->add_longs) {
        agg->type->add_longs(agg, values, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct value v = value_int(values[i]);
        (void)agg->type->add_value(agg, &v, &(struct agg_order){0});
    }
}

void agg_add_doubles(struct agg *agg, const double *values, size_t count)
{
    if (agg->type->add_doubles) {
        agg->type->add_doubles(agg, values, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct value v = value_float(values[i]);
        (void)agg->type->add_value(agg, &v, &(struct agg_order){0});
    }
}

void agg_add(struct agg *agg, double v)
{
    agg_add_doubles(agg, &v, 1);
}

void agg_add_int(struct agg *agg, int64_t v)
{
    agg_add_longs(agg, &v, 1);
}

static bool add_number_text(struct agg *agg, struct str text)
{
    int64_t i;
    double f;
    if (str_to_i64(text, &i)) {
        agg_add_int(agg, i);
        return true;
    }
    if (!str_to_f64(text, &f))
        return false;
    agg_add(agg, f);
    return true;
}

static bool add_scalar(struct agg *agg, const struct value *v, const struct agg_order *order)
{
    if (agg->type->add_value)
        return agg->type->add_value(agg, v, order);
    switch ((enum value_kind)v->kind) {
    case VALUE_INT:
    case VALUE_TIME:
        agg_add_int(agg, v->i);
        return true;
    case VALUE_FLOAT:
        agg_add(agg, v->f);
        return true;
    case VALUE_BIG:
    case VALUE_STR:
        return add_number_text(agg, v->s);
    case VALUE_BOOL:
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    return false;
}

bool agg_add_value(struct agg *agg, const struct value *v, const struct agg_order *order)
{
    static const struct agg_order none;
    if (v->kind == VALUE_NONE || v->kind == VALUE_NULL)
        return false;
    if (!order)
        order = &none;
    if (v->kind != VALUE_LIST)
        return add_scalar(agg, v, order);
    bool is_all = true;
    for (size_t i = 0; i < v->list->count; i++) {
        const struct value *item = &v->list->items[i];
        if (item->kind != VALUE_NULL && !add_scalar(agg, item, order))
            is_all = false;
    }
    return is_all;
}

uint64_t agg_hash_str(struct str s)
{
    return hash_str(s);
}

void agg_merge(struct agg *agg, const struct agg *from)
{
    ASSERT(agg->type == from->type);
    agg->type->merge(agg, from);
}

struct value agg_result(const struct agg *agg, struct arena *mem)
{
    return agg->type->result(agg, mem);
}

void agg_encode(const struct agg *agg, struct buf *out)
{
    agg->type->encode(agg, out);
}

int agg_decode(struct agg *agg, struct str *in, struct err *err)
{
    if (!agg->type->decode(agg, in))
        return err_set(err, ERR_CORRUPT, "state of aggregation \"%s\" is damaged", agg->type->name);
    return 0;
}
