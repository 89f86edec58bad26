/* SPDX-License-Identifier: Apache-2.0 */
/* first.c: the value with the lowest (first) or highest (last) order: opening and closing prices of
 * a window, whatever order the events came in. Any value, also a map. A value is copied only when
 * it wins, into a text that is used again for the next winner: a long window with many winners
 * stays small. Lists and maps are kept as JSON, so times inside them come back as ISO 8601 texts.
 */
#include "agg/agg_int.h"

struct ordered_value {
    struct agg_order order;
    struct value
        v; /* VALUE_NONE: nothing yet. Text of strings, JSON of lists and maps: in `text` */
    char *text;
    size_t n, capacity;
};

static const struct opt ordered_opts[] = {OPT_END};

static int order_cmp(const struct agg_order *a, const struct agg_order *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->tie > b->tie) - (a->tie < b->tie);
}

static void keep_text(struct agg *agg, struct str text)
{
    struct ordered_value *own = agg->state;
    if (text.n > own->capacity) {
        own->capacity = text.n * 2;
        own->text = arena_alloc(agg->mem, own->capacity);
    }
    if (text.n)
        memcpy(own->text, text.p, text.n);
    own->n = text.n;
}

static void keep(struct agg *agg, const struct value *v, const struct agg_order *order)
{
    struct ordered_value *own = agg->state;
    own->order = *order;
    own->v = *v;
    if (v->kind == VALUE_STR || v->kind == VALUE_BIG) {
        keep_text(agg, v->s);
    } else if (v->kind == VALUE_LIST || v->kind == VALUE_MAP) {
        struct buf json;
        buf_init(&json, 0);
        value_to_json(v, &json);
        keep_text(agg, buf_str(&json));
        buf_deinit(&json);
    }
}

/* The kept value; its texts lie in mem. */
static struct value kept(const struct ordered_value *own, struct arena *mem)
{
    struct value v = own->v;
    struct str text = {own->text, own->n};
    if (v.kind == VALUE_STR || v.kind == VALUE_BIG) {
        v.s = arena_str(mem, text);
    } else if (v.kind == VALUE_LIST || v.kind == VALUE_MAP) {
        int rc = value_from_json(arena_str(mem, text), mem, &v, NULL);
        ASSERT(rc == 0); /* value_to_json wrote it */
    }
    return v;
}

static bool first_add_value(struct agg *agg, const struct value *v, const struct agg_order *order)
{
    const struct ordered_value *own = agg->state;
    if (own->v.kind == VALUE_NONE || order_cmp(order, &own->order) < 0)
        keep(agg, v, order);
    return true;
}

static bool last_add_value(struct agg *agg, const struct value *v, const struct agg_order *order)
{
    const struct ordered_value *own = agg->state;
    if (own->v.kind == VALUE_NONE || order_cmp(order, &own->order) >= 0)
        keep(agg, v, order);
    return true;
}

/* `from` counts as added behind what is here. */
static void ordered_merge(struct agg *agg, const struct agg *from)
{
    const struct ordered_value *other = from->state;
    if (other->v.kind == VALUE_NONE)
        return;
    struct value v = kept(other, agg->mem);
    (void)agg->type->add_value(agg, &v, &other->order);
}

static struct value ordered_result(const struct agg *agg, struct arena *mem)
{
    const struct ordered_value *own = agg->state;
    return own->v.kind == VALUE_NONE ? value_null() : kept(own, mem);
}

static void ordered_encode(const struct agg *agg, struct buf *out)
{
    const struct ordered_value *own = agg->state;
    agg__put_i64(out, own->order.key);
    agg__put_i64(out, own->order.tie);
    struct arena *mem = arena_new(0);
    struct value v = kept(own, mem);
    agg__put_value(out, &v);
    arena_free(mem);
}

static bool ordered_decode(struct agg *agg, struct str *in)
{
    struct agg_order order;
    struct value v;
    if (!agg__get_i64(in, &order.key) || !agg__get_i64(in, &order.tie) ||
        !agg__get_value(in, agg->mem, &v))
        return false;
    if (v.kind != VALUE_NONE)
        keep(agg, &v, &order);
    return true;
}

const struct agg_type agg_type_first = {
    .name = "first",
    .summary = "The value that stands first in order.",
    .since = "0.1",
    .opts = ordered_opts,
    .state_size = sizeof(struct ordered_value),
    .flags = AGG_ANY_VALUE | AGG_ORDERED,
    .add_value = first_add_value,
    .merge = ordered_merge,
    .result = ordered_result,
    .encode = ordered_encode,
    .decode = ordered_decode,
};

const struct agg_type agg_type_last = {
    .name = "last",
    .summary = "The value that stands last in order.",
    .since = "0.1",
    .opts = ordered_opts,
    .state_size = sizeof(struct ordered_value),
    .flags = AGG_ANY_VALUE | AGG_ORDERED,
    .add_value = last_add_value,
    .merge = ordered_merge,
    .result = ordered_result,
    .encode = ordered_encode,
    .decode = ordered_decode,
};
