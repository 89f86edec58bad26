/* SPDX-License-Identifier: Apache-2.0 */
/* value.h: the one tree of dynamic values: an event's fields, a parsed JSON body, a plugin's
 * settings. A value is 24 bytes by value; strings, lists and maps lie in the arena of their owner
 * (a batch, a request, a configuration) and are freed with it. */
#ifndef NARU_EVENT_VALUE_H
#define NARU_EVENT_VALUE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"

enum value_kind {
    VALUE_NONE = 0, /* not there; never inside a list or map */
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_BIG,  /* an integer beyond int64_t: its exact digits in `s` */
    VALUE_TIME, /* a timestamp: ns since 1970 UTC; printed as ISO 8601 */
    VALUE_STR,
    VALUE_LIST,
    VALUE_MAP,
};

struct value {
    uint8_t kind;
    uint8_t flags; /* VALUE_FLAG_ */
    uint16_t extra;
    uint32_t pos; /* where it was in its source text: byte offset, 0 when not from a text */
    union {
        bool b;
        int64_t i;
        double f;
        int64_t time_ns;
        struct str s;
        struct value_list *list;
        struct value_map *map;
    };
};

enum value_flags {
    VALUE_FLAG_QUOTED = 1, /* configuration: was a quoted string, not a bareword or number */
};

struct value_list {
    struct value *items;
    size_t count;
    size_t capacity;
};

/* Keeps the order of insertion. Lookup is linear up to VALUE_MAP_LINEAR_MAX entries, hashed above.
 */
#define VALUE_MAP_LINEAR_MAX 12u
struct value_map {
    struct str *keys;
    struct value *values;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* hash index, NULL while small */
    size_t slot_count;
};

static inline struct value value_null(void)
{
    return (struct value){.kind = VALUE_NULL};
}
static inline struct value value_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .b = b};
}
static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}
static inline struct value value_float(double f)
{
    return (struct value){.kind = VALUE_FLOAT, .f = f};
}
static inline struct value value_time(int64_t ns)
{
    return (struct value){.kind = VALUE_TIME, .time_ns = ns};
}
static inline struct value value_str(struct str s) /* borrows */
{
    return (struct value){.kind = VALUE_STR, .s = s};
}
struct value value_str_copy(struct arena *mem, struct str s);
struct value value_list(struct arena *mem, size_t capacity);
struct value value_map(struct arena *mem, size_t capacity);

void value_list_add(struct arena *mem, struct value *list, struct value item);
/* NULL when it is not a map or has no such key. The pointer is good until the map changes. */
struct value *value_map_get(const struct value *map, struct str key);
#define value_map_get_lit(map, lit) value_map_get((map), STR(lit))
/* Replaces or appends; the key is borrowed (copy it into mem first when it does not live as long).
 */
void value_map_set(struct arena *mem, struct value *map, struct str key, struct value v);
bool value_map_remove(struct value *map, struct str key); /* keeps the order of the others */

struct value value_copy(struct arena *mem, const struct value *v); /* deep, all bytes into mem */
bool value_eq(const struct value *a,
              const struct value *b); /* deep; INT 1 equals FLOAT 1.0; maps in any order */
/* Numbers by their exact values, whatever their kinds: *ret_order is below, at or above 0. False:
 * not two numbers, or one is NaN. */
bool value_order(const struct value *a, const struct value *b, int *ret_order);
/* "string", "number" …: for messages. */
const char *value_kind_name(const struct value *v);

/* As Logstash's to_s: text of a scalar ("" for null, ISO 8601 for a time), JSON for lists and maps.
 * The result borrows from `v` where it can, else lies in mem. */
struct str value_to_str(struct arena *mem, const struct value *v);
bool value_to_f64(const struct value *v, double *ret_f); /* numbers only */

/* JSON both ways. Trees keep integers exact (INT or BIG). `pos` of each value is its byte offset
 * + 1. */
int value_from_json(struct str json, struct arena *mem, struct value *ret_v,
                    struct err *err) WARN_UNUSED;
void value_to_json(const struct value *v, struct buf *out);
struct json_writer;
void value_write_json(const struct value *v, struct json_writer *w);

/* "2025-01-22T04:52:33.000Z": milliseconds always, more digits only when there are. Returns the
 * length, <= 40. */
size_t time_to_iso8601(int64_t ns, char *text);

#endif
