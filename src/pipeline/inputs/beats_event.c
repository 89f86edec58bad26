/* SPDX-License-Identifier: Apache-2.0 */
/* beats_event.c: one frame into events, as Logstash's beats input makes them.
 *
 * The JSON (or the pairs of version 1, all texts) becomes the event, [@metadata] included;
 * [@metadata][ip_address] is the client's. `message` (`line` of logstash-forwarder) goes through
 * the codec; the other fields are put on what comes out. Tags: beats_input_codec_<codec>_applied,
 * or beats_input_raw_event when there is no message. */
#include "pipeline/inputs/beats_int.h"

#include "base/str.h"
#include "os/os.h"

static void set(struct event *ev, struct value *map, const char *key, struct value v)
{
    value_map_set(ev->mem, map, str_from(key), v);
}

/* A frame that is no JSON object: kept as text, so that nothing is lost and the client does not
 * send it for ever. */
static struct event *event_of_garbage(struct beats_conn *bc, struct str payload, int64_t now_ns,
                                      const struct err *why)
{
    struct event *ev = batch_add_stamped(bc->batch, now_ns);
    plugin_warn(bc->beats->plugin, "an event from %s is no JSON object: %s", bc->ip, why->text);
    set(ev, &ev->fields, "message", value_str_copy(ev->mem, payload));
    event_tag(ev, STR("_jsonparsefailure"));
    return ev;
}

static struct event *event_of_json(struct beats_conn *bc, struct str payload, int64_t now_ns)
{
    struct err err;
    struct event *ev;
    struct str json = arena_str(bc->batch->mem, payload); /* the tree's texts point into it */
    if (event_from_json(bc->batch, json, now_ns, &ev, &err) < 0)
        return event_of_garbage(bc, json, now_ns, &err);
    return ev;
}

static struct event *event_of_pairs(struct beats_conn *bc, struct str pairs, int64_t now_ns)
{
    struct event *ev = batch_add_stamped(bc->batch, now_ns);
    struct str key, value;
    while (lumberjack_pair_next(&pairs, &key, &value)) {
        key = str_is(key, "line") ? STR("message") : arena_str(ev->mem, key);
        value_map_set(ev->mem, &ev->fields, key, value_str_copy(ev->mem, value));
    }
    return ev;
}

/* `add_hostname`: host from [beat][hostname], or [agent][hostname]. */
static void copy_hostname(struct event *ev)
{
    const struct value *name = event_get_lit(ev, "[beat][hostname]");
    if (!name)
        name = event_get_lit(ev, "[agent][hostname]");
    if (name && !value_map_get_lit(&ev->fields, "host"))
        set(ev, &ev->fields, "host", *name);
}

static void finish(struct beats_conn *bc, struct event *ev, bool has_message)
{
    struct beats *beats = bc->beats;
    if (ev->metadata.kind != VALUE_MAP)
        ev->metadata = value_map(ev->mem, 2);
    set(ev, &ev->metadata, "ip_address", value_str_copy(ev->mem, str_from(bc->ip)));
    if (beats->add_hostname)
        copy_hostname(ev);
    if (beats->include_codec_tag)
        event_tag(ev, has_message ? beats->codec_tag : STR("beats_input_raw_event"));
    input_decorate(beats->input, ev);
}

/* The frame's other fields go onto each event that the codec made of its message. */
static void put_fields(struct event *ev, const struct event *from)
{
    for (size_t i = 0; i < from->fields.map->count; i++) {
        struct str key = from->fields.map->keys[i];
        if (!str_is(key, "message"))
            value_map_set(ev->mem, &ev->fields, key,
                          value_copy(ev->mem, &from->fields.map->values[i]));
    }
    if (from->metadata.kind == VALUE_MAP)
        ev->metadata = value_copy(ev->mem, &from->metadata);
}

static void decode(struct beats_conn *bc, struct event *ev, struct str message, int64_t now_ns)
{
    struct batch *batch = bc->batch;
    size_t from = --batch->count; /* the frame's own event is only where the fields come from */
    codec_decode(bc->stream, message, true, batch, now_ns);
    for (size_t i = from; i < batch->count; i++) {
        put_fields(batch->events[i], ev);
        finish(bc, batch->events[i], true);
    }
}

void beats__event_add(struct beats_conn *bc, const struct lumberjack_frame *frame)
{
    struct beats *beats = bc->beats;
    int64_t now_ns = clock_wall_ns(beats->plugin->env->clock);
    struct event *ev = frame->kind == LUMBERJACK_JSON ? event_of_json(bc, frame->payload, now_ns)
                                                      : event_of_pairs(bc, frame->payload, now_ns);
    bc->batch->bytes += frame->payload.n;
    const struct value *message = value_map_get_lit(&ev->fields, "message");
    bool has_message = message && message->kind == VALUE_STR;
    if (has_message && !beats->is_plain)
        decode(bc, ev, message->s, now_ns);
    else
        finish(bc, ev, has_message);
}
