/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: parses a text field that holds JSON; its members become fields of the event, or of
 * `target`. */
#include "base/arena.h"
#include "base/str.h"
#include "event/iso8601.h"
#include "pipeline/template.h"

struct json {
    struct str source, target;
    struct value tag_on_failure;
    bool skip_on_invalid_json;
    struct field_path source_path, target_path;
};

static const struct opt json_opts[] = {
    OPT_FIELD(struct json, source, .flags = OPT_REQUIRED,
              .help = "Field that holds the JSON text."),
    OPT_FIELD(struct json, target, .help = "Field to put it under; else the event itself."),
    OPT_LIST(struct json, tag_on_failure,
             .help = "Tags when it is no JSON; else _jsonparsefailure."),
    OPT_BOOL(struct json, skip_on_invalid_json, .dflt = "false",
             .help = "No tag when it is no JSON."),
    OPT_END,
};

static int json_init(void *self, struct plugin *plugin, struct err *err)
{
    struct json *json = self;
    TRY(field_path_parse(plugin->mem, json->source, &json->source_path, err));
    return json->target.p ? field_path_parse(plugin->mem, json->target, &json->target_path, err)
                          : 0;
}

static void fail(const struct json *json, struct filter_run *run, struct event *ev)
{
    const struct value *tags;
    size_t count = setting_items(&json->tag_on_failure, &tags);
    bool is_default =
        json->tag_on_failure.kind == VALUE_NONE || json->tag_on_failure.kind == VALUE_NULL;
    filter_failed(run, ev, is_default ? STR("_jsonparsefailure") : STR_NONE);
    for (size_t i = 0; i < count; i++)
        event_tag(ev, value_to_str(ev->mem, &tags[i]));
}

/* A text becomes the event's time; what is none is kept aside, as Logstash does. */
static void set_timestamp(struct event *ev, const struct value *v, int64_t now_ns)
{
    int64_t ns;
    if (v->kind == VALUE_STR && iso8601_parse(v->s, &ns)) {
        value_map_set(ev->mem, &ev->fields, STR("@timestamp"), value_time(ns));
        return;
    }
    value_map_set(ev->mem, &ev->fields, STR("@timestamp"), value_time(now_ns));
    value_map_set(ev->mem, &ev->fields, STR("_@timestamp"), value_str(value_to_str(ev->mem, v)));
    event_tag(ev, STR("_timestampparsefailure"));
}

/* False: a name that is no field reference. */
static bool merge(struct event *ev, const struct value *object, int64_t now_ns)
{
    for (size_t i = 0; i < object->map->count; i++) {
        struct str key = object->map->keys[i];
        const struct value *v = &object->map->values[i];
        if (str_is(key, "@timestamp"))
            set_timestamp(ev, v, now_ns);
        else if (str_is(key, "@metadata") || (key.n && memchr(key.p, '[', key.n))) {
            if (event_set_text(ev, key, *v, NULL) < 0)
                return false;
        } else {
            value_map_set(ev->mem, &ev->fields, key, *v);
        }
    }
    return true;
}

static void one(const struct json *json, struct filter_run *run, struct event *ev)
{
    const struct value *v = event_get(ev, &json->source_path);
    struct value parsed;
    struct err err;
    if (!v || v->kind == VALUE_NULL)
        return;
    if (v->kind != VALUE_STR)
        err_set(&err, ERR_JSON, "the field \"" STR_FMT "\" is no text but %s",
                STR_ARG(json->source), value_kind_name(v));
    if (v->kind != VALUE_STR || value_from_json(v->s, ev->mem, &parsed, &err) < 0) {
        if (json->skip_on_invalid_json)
            return;
        plugin_warn(run->plugin, "error parsing json: %s", err.text);
        fail(json, run, ev);
        return;
    }
    bool is_ok = json->target.p ? event_set(ev, &json->target_path, parsed, NULL) >= 0
                                : parsed.kind == VALUE_MAP && merge(ev, &parsed, run->now_ns);
    if (is_ok)
        filter_matched(run, ev);
    else
        fail(json, run, ev);
}

static void json_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        one(self, run, events[i]);
}

const struct filter_type filter_json = {
    .name = "json",
    .summary = "Parses a field that holds JSON.",
    .since = "0.1",
    .opts = json_opts,
    .size = sizeof(struct json),
    .init = json_init,
    .process = json_process,
};
