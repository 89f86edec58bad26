/* SPDX-License-Identifier: Apache-2.0 */
#include "event/value.h"

#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"

#define SLOT_EMPTY UINT32_MAX

struct value value_str_copy(struct arena *mem, struct str s)
{
    return value_str(arena_str(mem, s));
}

struct value value_list(struct arena *mem, size_t capacity)
{
    struct value_list *list = ARENA_NEW(mem, struct value_list);
    if (capacity > 0) {
        list->items = arena_alloc(mem, capacity * sizeof(struct value));
        list->capacity = capacity;
    }
    return (struct value){.kind = VALUE_LIST, .list = list};
}

struct value value_map(struct arena *mem, size_t capacity)
{
    struct value_map *map = ARENA_NEW(mem, struct value_map);
    if (capacity > 0) {
        map->keys = arena_alloc(mem, capacity * sizeof(struct str));
        map->values = arena_alloc(mem, capacity * sizeof(struct value));
        map->capacity = capacity;
    }
    return (struct value){.kind = VALUE_MAP, .map = map};
}

void value_list_add(struct arena *mem, struct value *list, struct value item)
{
    ASSERT(list->kind == VALUE_LIST);
    struct value_list *l = list->list;
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 4;
        l->items = arena_realloc(mem, l->items, l->count * sizeof(struct value),
                                 capacity * sizeof(struct value));
        l->capacity = capacity;
    }
    l->items[l->count++] = item;
}

/* ---- maps ---- */

static void slots_insert(struct value_map *map, size_t index)
{
    size_t mask = map->slot_count - 1;
    size_t at = hash_str(map->keys[index]) & mask;
    while (map->slots[at] != SLOT_EMPTY)
        at = (at + 1) & mask;
    map->slots[at] = (uint32_t)index;
}

static void slots_build(struct value_map *map)
{
    for (size_t i = 0; i < map->slot_count; i++)
        map->slots[i] = SLOT_EMPTY;
    for (size_t i = 0; i < map->count; i++)
        slots_insert(map, i);
}

static size_t map_find(const struct value_map *map, struct str key)
{
    if (!map->slots) {
        for (size_t i = 0; i < map->count; i++) {
            if (str_eq(map->keys[i], key))
                return i;
        }
        return SIZE_MAX;
    }
    size_t mask = map->slot_count - 1;
    for (size_t at = hash_str(key) & mask; map->slots[at] != SLOT_EMPTY; at = (at + 1) & mask) {
        if (str_eq(map->keys[map->slots[at]], key))
            return map->slots[at];
    }
    return SIZE_MAX;
}

struct value *value_map_get(const struct value *map, struct str key)
{
    if (!map || map->kind != VALUE_MAP)
        return NULL;
    size_t i = map_find(map->map, key);
    return i == SIZE_MAX ? NULL : &map->map->values[i];
}

void value_map_set(struct arena *mem, struct value *v, struct str key, struct value item)
{
    ASSERT(v->kind == VALUE_MAP);
    struct value_map *map = v->map;
    size_t i = map_find(map, key);
    if (i != SIZE_MAX) {
        map->values[i] = item;
        return;
    }
    ASSERT(map->count < SLOT_EMPTY - 1);
    if (map->count == map->capacity) {
        size_t capacity = map->capacity ? map->capacity * 2 : 8;
        map->keys = arena_realloc(mem, map->keys, map->count * sizeof(struct str),
                                  capacity * sizeof(struct str));
        map->values = arena_realloc(mem, map->values, map->count * sizeof(struct value),
                                    capacity * sizeof(struct value));
        map->capacity = capacity;
    }
    map->keys[map->count] = key;
    map->values[map->count] = item;
    map->count++;
    if (map->slots && map->count * 2 <= map->slot_count) {
        slots_insert(map, map->count - 1);
    } else if (map->count > VALUE_MAP_LINEAR_MAX) {
        map->slot_count = map->slot_count ? map->slot_count * 4 : 64;
        map->slots = arena_alloc(mem, map->slot_count * sizeof(uint32_t));
        slots_build(map);
    }
}

bool value_map_remove(struct value *v, struct str key)
{
    if (v->kind != VALUE_MAP)
        return false;
    struct value_map *map = v->map;
    size_t i = map_find(map, key);
    if (i == SIZE_MAX)
        return false;
    memmove(&map->keys[i], &map->keys[i + 1], (map->count - i - 1) * sizeof(struct str));
    memmove(&map->values[i], &map->values[i + 1], (map->count - i - 1) * sizeof(struct value));
    map->count--;
    if (map->slots)
        slots_build(map);
    return true;
}

/* ---- whole values ---- */

struct value value_copy(struct arena *mem, const struct value *v)
{
    struct value copy = *v;
    switch ((enum value_kind)v->kind) {
    case VALUE_STR:
    case VALUE_BIG:
        copy.s = arena_str(mem, v->s);
        break;
    case VALUE_LIST:
        copy.list = value_list(mem, v->list->count).list;
        for (size_t i = 0; i < v->list->count; i++)
            value_list_add(mem, &copy, value_copy(mem, &v->list->items[i]));
        break;
    case VALUE_MAP:
        copy.map = value_map(mem, v->map->count).map;
        for (size_t i = 0; i < v->map->count; i++)
            value_map_set(mem, &copy, arena_str(mem, v->map->keys[i]),
                          value_copy(mem, &v->map->values[i]));
        break;
    case VALUE_NONE:
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_TIME:
    default:
        break;
    }
    return copy;
}

static bool maps_eq(const struct value *a, const struct value *b)
{
    if (a->map->count != b->map->count)
        return false;
    for (size_t i = 0; i < a->map->count; i++) {
        const struct value *other = value_map_get(b, a->map->keys[i]);
        if (!other || !value_eq(&a->map->values[i], other))
            return false;
    }
    return true;
}

static bool lists_eq(const struct value *a, const struct value *b)
{
    if (a->list->count != b->list->count)
        return false;
    for (size_t i = 0; i < a->list->count; i++) {
        if (!value_eq(&a->list->items[i], &b->list->items[i]))
            return false;
    }
    return true;
}

/* ---- numbers ---- */

/* 2^63: what an int64 is below, and the least double that none reaches. */
#define TWO_63 9223372036854775808.0
/* Digits of the largest double, its sign and the end. */
#define F64_DIGITS_MAX 312

static int order_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Decimal integers without leading zeros. */
static int order_digits(struct str a, struct str b)
{
    bool is_negative = a.n > 0 && a.p[0] == '-';
    if (is_negative != (b.n > 0 && b.p[0] == '-'))
        return is_negative ? -1 : 1;
    int order = a.n != b.n ? (a.n > b.n) - (a.n < b.n) : str_cmp(a, b);
    return is_negative ? -order : order;
}

static int order_int_float(int64_t i, double f)
{
    if (f >= TWO_63 || f < -TWO_63)
        return f > 0 ? -1 : 1;
    double whole = trunc(f);
    int order = order_ints(i, (int64_t)whole);
    return order ? order : (whole > f) - (whole < f);
}

static int order_big_float(struct str big, double f)
{
    char text[F64_DIGITS_MAX];
    if (isinf(f))
        return f > 0 ? -1 : 1;
    int n = snprintf(text, sizeof(text), "%.0f", trunc(f)); /* beyond int64 none has a fraction */
    return order_digits(big, (struct str){text, (size_t)n});
}

static int order_big_int(struct str big, int64_t i)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)i);
    return order_digits(big, (struct str){text, (size_t)n});
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_BIG || (v->kind == VALUE_FLOAT && v->f == v->f);
}

bool value_order(const struct value *a, const struct value *b, int *ret_order)
{
    if (!is_number(a) || !is_number(b))
        return false;
    if (a->kind == VALUE_INT && b->kind == VALUE_INT)
        *ret_order = order_ints(a->i, b->i);
    else if (a->kind == VALUE_FLOAT && b->kind == VALUE_FLOAT)
        *ret_order = (a->f > b->f) - (a->f < b->f);
    else if (a->kind == VALUE_BIG && b->kind == VALUE_BIG)
        *ret_order = order_digits(a->s, b->s);
    else if (a->kind == VALUE_BIG)
        *ret_order = b->kind == VALUE_INT ? order_big_int(a->s, b->i) : order_big_float(a->s, b->f);
    else if (b->kind == VALUE_BIG || a->kind == VALUE_FLOAT) {
        (void)value_order(b, a, ret_order);
        *ret_order = -*ret_order;
    } else {
        *ret_order = order_int_float(a->i, b->f);
    }
    return true;
}

bool value_eq(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) {
        int order;
        return value_order(a, b, &order) && order == 0;
    }
    switch ((enum value_kind)a->kind) {
    case VALUE_BOOL:
        return a->b == b->b;
    case VALUE_INT:
    case VALUE_TIME:
        return a->i == b->i;
    case VALUE_FLOAT:
        return a->f == b->f;
    case VALUE_BIG:
    case VALUE_STR:
        return str_eq(a->s, b->s);
    case VALUE_LIST:
        return lists_eq(a, b);
    case VALUE_MAP:
        return maps_eq(a, b);
    case VALUE_NONE:
    case VALUE_NULL:
    default:
        return true;
    }
}

const char *value_kind_name(const struct value *v)
{
    static const char *const names[] = {"nothing", "null",      "boolean", "integer", "float",
                                        "integer", "timestamp", "string",  "array",   "hash"};
    return v->kind < ARRAY_COUNT(names) ? names[v->kind] : "unknown";
}

bool value_to_f64(const struct value *v, double *ret_f)
{
    if (v->kind == VALUE_INT)
        *ret_f = (double)v->i;
    else if (v->kind == VALUE_FLOAT)
        *ret_f = v->f;
    else if (v->kind == VALUE_BIG)
        *ret_f = json_number_f64(v->s);
    else
        return false;
    return true;
}

static struct str buf_to_arena(struct arena *mem, struct buf *buf)
{
    struct str s = arena_str(mem, buf_str(buf));
    buf_deinit(buf);
    return s;
}

struct str value_to_str(struct arena *mem, const struct value *v)
{
    char text[48];
    struct buf buf;
    switch ((enum value_kind)v->kind) {
    case VALUE_STR:
    case VALUE_BIG:
        return v->s;
    case VALUE_BOOL:
        return v->b ? STR("true") : STR("false");
    case VALUE_INT:
        return arena_printf(mem, "%lld", (long long)v->i);
    case VALUE_TIME:
        return arena_str(mem, (struct str){text, time_to_iso8601(v->time_ns, text)});
    case VALUE_FLOAT:
    case VALUE_LIST:
    case VALUE_MAP:
        buf_init(&buf, 0);
        value_to_json(v, &buf);
        return buf_to_arena(mem, &buf);
    case VALUE_NONE:
    case VALUE_NULL:
    default:
        return STR("");
    }
}

static char *put_digits(char *to, uint32_t v, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        to[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return to + count;
}

size_t time_to_iso8601(int64_t ns, char *text)
{
    struct civil t = civil_from_ns(ns);
    char *p = text;
    int32_t year = t.year;
    if (year < 0) {
        *p++ = '-';
        year = -year;
    }
    p = put_digits(p, (uint32_t)year, 4);
    *p++ = '-';
    p = put_digits(p, t.month, 2);
    *p++ = '-';
    p = put_digits(p, t.day, 2);
    *p++ = 'T';
    p = put_digits(p, t.hour, 2);
    *p++ = ':';
    p = put_digits(p, t.minute, 2);
    *p++ = ':';
    p = put_digits(p, t.second, 2);
    *p++ = '.';
    uint32_t fraction = (uint32_t)t.nanosecond;
    if (fraction % 1000000 == 0)
        p = put_digits(p, fraction / 1000000, 3);
    else if (fraction % 1000 == 0)
        p = put_digits(p, fraction / 1000, 6);
    else
        p = put_digits(p, fraction, 9);
    *p++ = 'Z';
    return (size_t)(p - text);
}
