/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline_int.h: what the files of the runtime share.
 *
 * Life of a pipeline: load (parse, build, check) -> start (threads) -> running -> stopping (inputs
 * told) -> drained. Threads: one per input, N workers, one per output. They meet only through
 * bounded queues, and the end of one stage closes the queue of the next: the last input closes the
 * workers' queue; the last worker drains the filters and closes the outputs' queues; the last
 * output makes the pipeline finished. A stop only makes the inputs end; when its time is over,
 * `is_hard` makes everybody give up, and what was not delivered is acknowledged as failed. */
#ifndef NARU_PIPELINE_PIPELINE_INT_H
#define NARU_PIPELINE_PIPELINE_INT_H

#include <pthread.h>

#include "base/queue.h"
#include "pipeline/config/config.h"
#include "pipeline/pipeline.h"
#include "pipeline/registry.h"

#define PIPELINE_WORKERS_MAX      256u
#define PIPELINE_TICK_NS          (100 * NS_PER_MS) /* of the pipeline's clock … */
#define PIPELINE_TICK_REAL_NS_MIN (5 * NS_PER_MS)   /* … but no busier than this */
#define PIPELINE_PUSH_SLICE_NS                                                                     \
    (50 * NS_PER_MS) /* how often a waiting thread looks whether to give up */
#define PIPELINE_EVENT_BYTES                                                                       \
    4096u /* queue weight: a batch of large events counts as more events                           \
           */
#define PIPELINE_OUTPUT_EVENTS 5000u /* most events in one write, when the output does not say */

/* One configured plugin with its instance: the common head of inputs, filters, outputs and codecs.
 */
struct unit {
    struct plugin plugin;
    enum plugin_kind kind;
    void *self;
    bool is_inited;
    struct unit *next;
    uint32_t number; /* of its kind, from 0, in order of the configuration */
};

struct codec {
    struct unit unit;
    const struct codec_type *type;
    struct metric decode_bytes, decode_ns, encode_ns;
};

struct codec_stream {
    struct codec *codec;
    void *state;
};

struct input {
    struct unit unit;
    const struct input_type *type;
    struct pipeline *pipeline;
    struct codec *codec;
    struct metric push_ns;
    pthread_t thread;
    bool has_thread;
};

struct filter {
    struct unit unit;
    const struct filter_type *type;
    struct metric matched;
};

struct output {
    struct unit unit;
    const struct output_type *type;
    struct pipeline *pipeline;
    struct codec *codec;
    struct queue *queue; /* of struct output_item */
    struct rng rng;      /* of the output's thread */
    struct dead_letter *dead_letter;
    pthread_t thread;
    bool has_thread;
};

/* A batch on its way to the outputs; the last output that is done with it lets it go. */
struct delivery {
    struct batch *batch;
    struct pipeline *pipeline;
    size_t event_count;
    uint32_t refs;
};
struct output_item {
    struct delivery *delivery;
    struct event **events; /* in the batch's arena, as the item is */
    size_t count;
};

struct pipeline {
    struct pipeline_config config;
    struct plugin_env env;
    struct arena *mem;
    struct config tree;
    struct source **sources;
    size_t source_count, source_capacity;
    struct config_options options;
    struct unit *units[PLUGIN_CODEC + 1], *last_unit[PLUGIN_CODEC + 1];
    uint32_t unit_count[PLUGIN_CODEC + 1];
    struct unit **tick_filters; /* those with tick or drain, in order */
    size_t tick_count;
    size_t worker_count;
    struct vfs_file *lock_file;

    struct queue *queue; /* of struct batch */
    pthread_t *workers;
    size_t worker_thread_count;
    pthread_mutex_t mu;
    pthread_cond_t changed; /* with mu: is_stopping, is_hard or is_finished was set */
    bool is_started;        /* guarded by the owner's thread */
    bool is_stopping, is_hard, is_finished; /* written under mu, read atomically */
    uint32_t inputs_left, workers_left, outputs_left, workers_named; /* atomic */
    bool has_error; /* atomic; `error` is written once before it */
    struct err error;
    struct metric events_in, events_filtered, events_out, filter_ns, queue_events;
};

static inline bool pipeline__flag(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/* ---- unit.c ---- */
int pipeline__units_build(struct pipeline *pipeline, struct err *err);
void pipeline__units_free(struct pipeline *pipeline);
struct unit *unit__of(struct plugin *plugin);
static inline struct input *unit__input(struct unit *unit)
{
    return (struct input *)unit;
}
static inline struct filter *unit__filter(struct unit *unit)
{
    return (struct filter *)unit;
}
static inline struct output *unit__output(struct unit *unit)
{
    return (struct output *)unit;
}
static inline struct codec *unit__codec(struct unit *unit)
{
    return (struct codec *)unit;
}

/* ---- common.c: add_field, remove_field, add_tag, remove_tag, type, tags ---- */
int plugin__common_compile(struct plugin *plugin, enum plugin_kind kind, struct err *err);
void plugin__common_apply(const struct plugin_common *common, struct event *ev);

/* ---- program.c ---- */
struct selection {
    struct event **events;
    size_t count;
};
/* Runs the batch's events through the filters; *ret_out is what comes out, in the batch's arena. */
void program__filter(struct pipeline *pipeline, struct batch *batch, struct selection *ret_out);
/* tick (or drain) of one filter, on a new batch; what it emits goes through the filters behind it.
 */
struct batch *program__tick(struct pipeline *pipeline, struct unit *unit, bool is_drain,
                            struct selection *ret_out);
/* For each output in order: the events whose conditions hold. `lists` has one selection per output.
 */
void program__route(struct pipeline *pipeline, struct batch *batch, const struct selection *in,
                    struct selection *lists);

/* ---- worker.c, output.c ---- */
void *worker__main(void *pipeline);
void *output__main(void *output);
void *input__main(void *input);
void delivery__unref(struct delivery *delivery);
void pipeline__fail(struct pipeline *pipeline, const struct plugin *plugin, const struct err *err);
void pipeline__finished(struct pipeline *pipeline);
/* Waits up to `ns` of the pipeline's clock; false: woken by a stop (a hard one, when only_hard). */
bool pipeline__wait(struct pipeline *pipeline, int64_t ns, bool only_hard);
void pipeline__log_name(const struct pipeline *pipeline, char name[64]);

/* ---- dead_letter.c ---- */
struct dead_letter *dead_letter_new(const struct plugin_env *env, struct str plugin_id,
                                    struct str plugin_name);
void dead_letter_free(struct dead_letter *letters);
/* Appends; the reason and the event as one JSON line. */
int dead_letter_add(struct dead_letter *letters, const struct event *ev, const struct err *reason,
                    struct err *err) WARN_UNUSED;
/* Everything added is on disk. A failure of an earlier add comes out here too. */
int dead_letter_sync(struct dead_letter *letters, struct err *err) WARN_UNUSED;
uint64_t dead_letter_bytes(const struct dead_letter *letters);

#endif
