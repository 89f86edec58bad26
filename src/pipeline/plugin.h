/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h: what inputs, filters, outputs and codecs are, and what the pipeline does for them. A
 * plugin is a constant descriptor with an option table and callbacks. The core allocates the
 * instance (`size` bytes, zeroed), fills the options (event/options.h), counts events and time,
 * applies the common options (add_field, remove_field, add_tag, remove_tag, type, tags, id,
 * enable_metric, periodic_flush), batches, queues and acknowledges. A plugin has no parsing of
 * settings, no metrics plumbing and no queue of its own. */
#ifndef NARU_PIPELINE_PLUGIN_H
#define NARU_PIPELINE_PLUGIN_H

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/opt.h"
#include "base/rng.h"
#include "event/event.h"
#include "os/vfs.h"

struct engine;
struct pipeline;
struct plugin_common;
struct source;

/* What a plugin may use of the world. One per pipeline, borrowed for the plugin's life. */
struct plugin_env {
    struct vfs *fs;
    struct clock *clock;
    uint64_t seed;
    struct str pipeline_id;
    struct str data_dir;   /* the pipeline's own folder for state ("…/pipelines/<id>"), exists */
    struct engine *engine; /* the engine of this very process, NULL when there is none */
    uint16_t engine_http_port; /* hosts that name this port on loopback mean `engine`; 0: none */
    struct pipeline *pipeline;
    size_t batch_events_max; /* inputs that can choose make batches of so many events */
};

/* One configured plugin: its place in the configuration and its figures. */
struct plugin {
    const struct plugin_env *env;
    struct str name; /* "mutate" */
    struct str id;   /* the `id` option or a generated stable one */
    struct str file; /* where it stands, for messages */
    uint32_t line, column;
    struct arena *mem;     /* lives as long as the plugin */
    struct value settings; /* the map as configured */
    struct metric events_in, events_out, duration_ns, failures;
    /* The core's: */
    const struct source *source;  /* the text it stands in, NULL in hand-made instances */
    struct plugin_common *common; /* the compiled common options, NULL: none */
    struct log_limit warn_limit;
    bool wants_order; /* set by init of a filter or input: like FILTER_ORDERED, for this instance */
};

/* Turns an option's value position (struct value.pos) into file:line:column on the error. */
int plugin_err_at(const struct plugin *plugin, uint32_t pos, struct err *err);
/* A warning or failure with the plugin's id in front; repeated ones are limited. */
void plugin_warn(struct plugin *plugin, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- Filters ---- */
struct filter_run {
    struct plugin *plugin;
    struct batch *batch; /* the events' batch; in tick a new empty one */
    int64_t now_ns;
    /* The core's: what filter_emit collected, in an array of batch->mem. */
    struct event **emitted;
    size_t emitted_count, emitted_capacity;
    struct event_origin emit_origin;
    uint32_t emit_number;
};
/* Counts the event as matched and applies add_field, remove_field, add_tag, remove_tag. */
void filter_matched(struct filter_run *run, struct event *ev);
/* Hands on a new event (made by batch_add or event_clone on run->batch) to the filters behind this
 * one. Events emitted with the same known origin get distinct sources, so that an output's stable
 * ids do not fall together. */
void filter_emit(struct filter_run *run, struct event *ev);
/* Counts a failure and tags the event. */
void filter_failed(struct filter_run *run, struct event *ev, struct str tag);

enum filter_flags {
    FILTER_ORDERED = 1, /* needs every event in order: its pipeline runs with one worker */
};
struct filter_type {
    const char *name, *summary, *since;
    const struct opt *opts;
    size_t size;
    unsigned flags;
    int (*init)(void *self, struct plugin *plugin, struct err *err); /* MAY be NULL */
    /* MUST. events: those of the batch whose branch conditions hold, none cancelled. Several
     * workers may call it at once with different batches unless FILTER_ORDERED. Sets is_cancelled
     * to drop an event. */
    void (*process)(void *self, struct filter_run *run, struct event **events, size_t count);
    /* MAY be NULL. Called after each batch and at least every 100 ms with an empty batch whose ack
     * is NULL; events it adds and emits go to the filters behind it. It may set run->batch->ack to
     * learn when they are delivered. */
    void (*tick)(void *self, struct filter_run *run);
    /* MAY be NULL. The pipeline is draining: last tick with everything that should go out at a
     * clean stop. */
    void (*drain)(void *self, struct filter_run *run);
    void (*deinit)(void *self);
};

/* ---- Inputs ---- */
struct input;
/* A batch with an ack that calls `done(owner, cookie, ok)` when it has reached every output; done
 * MAY be NULL. */
struct batch *input_batch_new(struct input *input, ack_fn *done, void *owner, uint64_t cookie);
/* Adds type, tags and add_field to an event, as the common options of inputs say. */
void input_decorate(struct input *input, struct event *ev);
/* Hands the batch to the pipeline's queue; the batch is taken on 0. Waits while the queue is full:
 * -ERR_TIMEOUT after `timeout_ns` (-1: for ever), -ERR_SHUTDOWN when the pipeline stops (the batch
 * stays the caller's). */
int input_push(struct input *input, struct batch *batch, int64_t timeout_ns) WARN_UNUSED;
bool input_is_stopping(const struct input *input);
/* Sleeps for `ns` of the clock's time, woken by a stop. False when stopping. */
bool input_wait(struct input *input, int64_t ns);
struct plugin *input_plugin(struct input *input);
struct codec *input_codec(struct input *input); /* the configured or default codec */

struct input_type {
    const char *name, *summary, *since;
    const struct opt *opts;
    size_t size;
    const char *default_codec; /* "plain", "line", "json" … */
    int (*init)(void *self, struct plugin *plugin,
                struct err *err); /* MAY be NULL: checks settings, opens nothing */
    /* MUST. On a thread of its own until input_is_stopping, or until its source is exhausted
     * (returns 0). */
    int (*run)(void *self, struct input *input, struct err *err);
    void (*stop)(void *self); /* MAY be NULL: wakes run; called from another thread */
    void (*deinit)(void *self);
};

/* ---- Outputs ---- */
struct output;
struct output_batch {
    struct event **events; /* from one or several batches; read-only: other outputs see them too */
    size_t count;
    struct arena *mem; /* scratch, reset after each write */
};
/* Waits before the next try: `first_ns` doubling to `max_ns` by attempt (0, 1, 2 …), with jitter.
 * False: the pipeline is stopping hard, give up (the batch will be redelivered by its input). */
bool output_backoff(struct output *output, unsigned attempt, int64_t first_ns, int64_t max_ns);
bool output_is_stopping(const struct output *output);
/* Puts an event that can never be delivered into the dead letter file, with the reason; counts it
 * as a failure. */
void output_dead_letter(struct output *output, const struct event *ev, const struct err *reason);
struct plugin *output_plugin(struct output *output);
struct codec *output_codec(struct output *output);

struct output_type {
    const char *name, *summary, *since;
    const struct opt *opts;
    size_t size;
    const char *default_codec; /* "plain", "rubydebug", "json_lines" …; NULL: no codec */
    size_t batch_count_max;    /* most events in one write; 0: default 5,000 */
    int (*init)(void *self, struct plugin *plugin, struct err *err);
    /* MUST. On the output's own thread. 0: every event is durable at its destination or in the dead
     * letters. Negative: given up because of a stop. Retries inside, with output_backoff. */
    int (*write)(void *self, struct output *output, const struct output_batch *batch,
                 struct err *err);
    void (*deinit)(void *self);
};

/* ---- Codecs ---- */
struct codec;
struct codec_type {
    const char *name, *summary, *since;
    const struct opt *opts;
    size_t size;        /* settings */
    size_t stream_size; /* per-stream state of decode (a half line), zeroed; 0: none */
    int (*init)(void *self, struct plugin *plugin, struct err *err);
    /* Decodes bytes of one stream into events of the batch; `is_end`: nothing follows, flush. May
     * keep copies in `stream`. */
    void (*decode)(void *self, void *stream, struct str bytes, bool is_end, struct batch *batch,
                   int64_t now_ns);
    void (*stream_deinit)(void *self, void *stream);
    /* Appends the event's text. MAY be NULL: cannot encode. */
    void (*encode)(void *self, const struct event *ev, struct buf *out);
    void (*deinit)(void *self);
};
struct codec_stream;
struct codec_stream *codec_stream_new(struct codec *codec);
void codec_stream_free(struct codec_stream *stream);
void codec_decode(struct codec_stream *stream, struct str bytes, bool is_end, struct batch *batch,
                  int64_t now_ns);
void codec_encode(struct codec *codec, const struct event *ev, struct buf *out);
const char *codec_name(const struct codec *codec);

/* ---- Registries: inputs/inputs.tbl, filters/filters.tbl, outputs/outputs.tbl, codecs/codecs.tbl
 * ---- */
const struct input_type *input_type_find(struct str name);
const struct filter_type *filter_type_find(struct str name);
const struct output_type *output_type_find(struct str name);
const struct codec_type *codec_type_find(struct str name);

#endif
