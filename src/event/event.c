/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "event/iso8601.h"

struct batch *batch_new(struct ack *taken_ack)
{
    struct arena *mem = arena_new(BATCH_BYTES_MAX);
    struct batch *batch = MEM_NEW(struct batch);
    batch->mem = mem;
    batch->ack = taken_ack;
    batch->refs = 1;
    return batch;
}

struct batch *batch_ref(struct batch *batch)
{
    __atomic_add_fetch(&batch->refs, 1, __ATOMIC_RELAXED);
    return batch;
}

void batch_unref(struct batch *batch)
{
    if (!batch || __atomic_sub_fetch(&batch->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    struct ack *ack = batch->ack;
    arena_free(batch->mem);
    mem_free(batch);
    ack_unref(ack); /* last: its callback may stop the whole pipeline */
}

struct event *batch_add(struct batch *batch)
{
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity ? batch->capacity * 2 : 64;
        batch->events =
            arena_realloc(batch->mem, batch->events, batch->count * sizeof(struct event *),
                          capacity * sizeof(struct event *));
        batch->capacity = capacity;
    }
    struct event *ev = ARENA_NEW(batch->mem, struct event);
    ev->mem = batch->mem;
    ev->fields = value_map(batch->mem, VALUE_MAP_LINEAR_MAX);
    ev->metadata = value_map(batch->mem, 0);
    batch->events[batch->count++] = ev;
    return ev;
}

struct event *batch_add_stamped(struct batch *batch, int64_t now_ns)
{
    struct event *ev = batch_add(batch);
    value_map_set(ev->mem, &ev->fields, STR("@timestamp"), value_time(now_ns));
    value_map_set(ev->mem, &ev->fields, STR("@version"), value_str(STR("1")));
    return ev;
}

struct event *event_clone(struct batch *batch, const struct event *ev)
{
    struct event *copy = batch_add(batch);
    copy->fields = value_copy(batch->mem, &ev->fields);
    copy->metadata = value_copy(batch->mem, &ev->metadata);
    copy->origin = ev->origin;
    return copy;
}

static bool list_has(const struct value *list, struct str tag)
{
    for (size_t i = 0; i < list->list->count; i++) {
        const struct value *item = &list->list->items[i];
        if (item->kind == VALUE_STR && str_eq(item->s, tag))
            return true;
    }
    return false;
}

bool event_has_tag(const struct event *ev, struct str tag)
{
    const struct value *tags = value_map_get_lit(&ev->fields, "tags");
    if (!tags)
        return false;
    return tags->kind == VALUE_LIST ? list_has(tags, tag)
                                    : tags->kind == VALUE_STR && str_eq(tags->s, tag);
}

void event_tag(struct event *ev, struct str tag)
{
    if (event_has_tag(ev, tag))
        return;
    struct value *tags = value_map_get_lit(&ev->fields, "tags");
    if (!tags || tags->kind != VALUE_LIST) {
        struct value list = value_list(ev->mem, 2);
        if (tags && tags->kind != VALUE_NULL)
            value_list_add(ev->mem, &list, *tags);
        value_map_set(ev->mem, &ev->fields, STR("tags"), list);
        tags = value_map_get_lit(&ev->fields, "tags");
    }
    value_list_add(ev->mem, tags, value_str_copy(ev->mem, tag));
}

bool event_timestamp_ns(const struct event *ev, int64_t *ret_ns)
{
    const struct value *v = value_map_get_lit(&ev->fields, "@timestamp");
    if (!v || v->kind != VALUE_TIME)
        return false;
    *ret_ns = v->time_ns;
    return true;
}

void event_to_json(const struct event *ev, struct buf *out)
{
    value_to_json(&ev->fields, out);
}

/* As Logstash's Event.from_json: a bad timestamp text is kept aside and tagged. */
static void take_timestamp(struct event *ev, int64_t now_ns)
{
    struct value *v = value_map_get_lit(&ev->fields, "@timestamp");
    int64_t ns;
    if (v && v->kind == VALUE_STR && iso8601_parse(v->s, &ns)) {
        *v = value_time(ns);
        return;
    }
    struct value bad = v ? *v : (struct value){.kind = VALUE_NONE};
    value_map_set(ev->mem, &ev->fields, STR("@timestamp"), value_time(now_ns));
    if (bad.kind != VALUE_NONE && bad.kind != VALUE_NULL) {
        value_map_set(ev->mem, &ev->fields, STR("_@timestamp"), bad);
        event_tag(ev, STR("_timestampparsefailure"));
    }
}

int event_from_json(struct batch *batch, struct str json, int64_t now_ns, struct event **ret_ev,
                    struct err *err)
{
    struct value tree;
    TRY(value_from_json(json, batch->mem, &tree, err));
    if (tree.kind != VALUE_MAP)
        return err_set(err, ERR_INVALID, "an event must be a JSON object, not a %s",
                       value_kind_name(&tree));
    struct event *ev = batch_add(batch);
    ev->fields = tree;
    struct value *metadata = value_map_get_lit(&ev->fields, "@metadata");
    if (metadata && metadata->kind == VALUE_MAP)
        ev->metadata = *metadata;
    if (metadata)
        (void)value_map_remove(&ev->fields, STR("@metadata"));
    take_timestamp(ev, now_ns);
    if (!value_map_get_lit(&ev->fields, "@version"))
        value_map_set(ev->mem, &ev->fields, STR("@version"), value_str(STR("1")));
    *ret_ev = ev;
    return 0;
}
