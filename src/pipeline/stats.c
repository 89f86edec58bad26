/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: a pipeline's figures in the shape of Logstash's GET /_node/stats/pipelines. */
#include "base/str.h"
#include "codec/json.h"
#include "expr/condition.h"
#include "pipeline/pipeline_int.h"

static uint64_t ms(const struct metric *metric)
{
    return metric_get(metric) / (uint64_t)NS_PER_MS;
}

static void number(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, str_from(key));
    json_u64(w, v);
}

static void head(struct json_writer *w, const struct unit *unit)
{
    json_object_begin(w);
    json_key_lit(w, "id");
    json_str(w, unit->plugin.id);
    json_key_lit(w, "name");
    json_str(w, unit->plugin.name);
}

static void inputs(struct pipeline *pipeline, struct json_writer *w)
{
    json_key_lit(w, "inputs");
    json_array_begin(w);
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next) {
        head(w, unit);
        json_key_lit(w, "events");
        json_object_begin(w);
        number(w, "out", metric_get(&unit->plugin.events_out));
        number(w, "queue_push_duration_in_millis", ms(&unit__input(unit)->push_ns));
        json_object_end(w);
        number(w, "failures", metric_get(&unit->plugin.failures));
        json_object_end(w);
    }
    json_array_end(w);
}

static void codecs(struct pipeline *pipeline, struct json_writer *w)
{
    json_key_lit(w, "codecs");
    json_array_begin(w);
    for (struct unit *unit = pipeline->units[PLUGIN_CODEC]; unit; unit = unit->next) {
        const struct codec *codec = unit__codec(unit);
        head(w, unit);
        json_key_lit(w, "decode");
        json_object_begin(w);
        number(w, "writes_in", metric_get(&codec->decode_bytes));
        number(w, "out", metric_get(&unit->plugin.events_out));
        number(w, "duration_in_millis", ms(&codec->decode_ns));
        json_object_end(w);
        json_key_lit(w, "encode");
        json_object_begin(w);
        number(w, "writes_in", metric_get(&unit->plugin.events_in));
        number(w, "duration_in_millis", ms(&codec->encode_ns));
        json_object_end(w);
        json_object_end(w);
    }
    json_array_end(w);
}

static void with_events(struct pipeline *pipeline, enum plugin_kind kind, const char *key,
                        struct json_writer *w)
{
    json_key(w, str_from(key));
    json_array_begin(w);
    for (struct unit *unit = pipeline->units[kind]; unit; unit = unit->next) {
        head(w, unit);
        json_key_lit(w, "events");
        json_object_begin(w);
        number(w, "in", metric_get(&unit->plugin.events_in));
        number(w, "out", metric_get(&unit->plugin.events_out));
        number(w, "duration_in_millis", ms(&unit->plugin.duration_ns));
        json_object_end(w);
        number(w, "failures", metric_get(&unit->plugin.failures));
        json_object_end(w);
    }
    json_array_end(w);
}

static void reloads(struct json_writer *w)
{
    json_key_lit(w, "reloads");
    json_object_begin(w);
    json_key_lit(w, "last_error");
    json_null(w);
    number(w, "successes", 0);
    json_key_lit(w, "last_success_timestamp");
    json_null(w);
    json_key_lit(w, "last_failure_timestamp");
    json_null(w);
    number(w, "failures", 0);
    json_object_end(w);
}

static uint64_t dead_letter_size(struct pipeline *pipeline)
{
    uint64_t bytes = 0;
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next)
        bytes += dead_letter_bytes(unit__output(unit)->dead_letter);
    return bytes;
}

static uint64_t condition_errors(const struct config_node *nodes)
{
    uint64_t n = 0;
    for (const struct config_node *node = nodes; node; node = node->next) {
        for (const struct config_arm *arm = node->arms; arm; arm = arm->next)
            n += (arm->condition ? condition_error_count(arm->condition) : 0) +
                 condition_errors(arm->nodes);
    }
    return n;
}

void pipeline_totals(struct pipeline *pipeline, struct pipeline_totals *ret_totals)
{
    *ret_totals = (struct pipeline_totals){
        .events_in = metric_get(&pipeline->events_in),
        .events_filtered = metric_get(&pipeline->events_filtered),
        .events_out = metric_get(&pipeline->events_out),
        .queue_events = metric_get(&pipeline->queue_events),
    };
    for (size_t kind = 0; kind <= PLUGIN_CODEC; kind++) {
        for (struct unit *unit = pipeline->units[kind]; unit; unit = unit->next)
            ret_totals->failures += metric_get(&unit->plugin.failures);
    }
}

static uint64_t push_ms(struct pipeline *pipeline)
{
    uint64_t sum = 0;
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next)
        sum += ms(&unit__input(unit)->push_ns);
    return sum;
}

void pipeline_stats_write(struct pipeline *pipeline, struct json_writer *w)
{
    struct pipeline_totals totals;
    pipeline_totals(pipeline, &totals);
    json_object_begin(w);
    json_key_lit(w, "events");
    json_object_begin(w);
    number(w, "in", totals.events_in);
    number(w, "filtered", totals.events_filtered);
    number(w, "out", totals.events_out);
    number(w, "duration_in_millis", ms(&pipeline->filter_ns));
    number(w, "queue_push_duration_in_millis", push_ms(pipeline));
    json_object_end(w);
    json_key_lit(w, "plugins");
    json_object_begin(w);
    inputs(pipeline, w);
    codecs(pipeline, w);
    with_events(pipeline, PLUGIN_FILTER, "filters", w);
    with_events(pipeline, PLUGIN_OUTPUT, "outputs", w);
    json_object_end(w);
    reloads(w);
    json_key_lit(w, "queue");
    json_object_begin(w);
    json_key_lit(w, "type");
    json_str(w, STR("memory"));
    number(w, "events_count", totals.queue_events);
    number(w, "queue_size_in_bytes", 0);
    number(w, "max_queue_size_in_bytes", 0);
    json_object_end(w);
    json_key_lit(w, "dead_letter_queue");
    json_object_begin(w);
    number(w, "queue_size_in_bytes", dead_letter_size(pipeline));
    json_object_end(w);
    number(w, "failures", totals.failures);
    number(w, "condition_errors",
           condition_errors(pipeline->tree.first[CONFIG_FILTER]) +
               condition_errors(pipeline->tree.first[CONFIG_OUTPUT]));
    json_object_end(w);
}
