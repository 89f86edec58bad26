/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h: loading and running pipelines: inputs -> queue -> workers (filters) -> one queue per
 * output. Used by `naru run`, `serve`, `demo` and the monitoring API. */
#ifndef NARU_PIPELINE_PIPELINE_H
#define NARU_PIPELINE_PIPELINE_H

#include "pipeline/plugin.h"

#define PIPELINE_BATCH_EVENTS_DEFAULT                                                              \
    500u /* Logstash's is 125; larger batches cost no latency here: a batch is not waited for */
#define PIPELINE_QUEUE_EVENTS_DEFAULT 10000u

struct pipeline_config {
    struct str id; /* "main", or the file's name without .conf */
    const struct str
        *files; /* configuration files (a glob or folder is expanded by pipeline_files) */
    size_t file_count;
    struct str text;         /* -e: configuration text, may be empty */
    size_t worker_count;     /* 0: one per core */
    size_t batch_events_max; /* 0: default */
    bool support_escapes;
    bool is_ordered; /* pipeline.ordered: one worker keeps the order */
    struct vfs *fs;
    struct clock *clock;
    uint64_t seed;
    struct str data_path; /* --path.data; the pipeline uses "<data_path>/pipelines/<id>" */
    struct engine *engine;
    uint16_t engine_http_port;
    /* Looks an environment variable up; NULL: the process's environment. */
    struct str (*env_get)(void *owner, struct str name);
    void *env_owner;
};

/* Parses, checks everything (options, conditions, templates, patterns), builds; starts nothing.
 * With -t this is all. The error has file:line:column; err_caret (config/source.h) shows the line
 * with a caret. */
int pipeline_load(const struct pipeline_config *config, struct pipeline **ret_pipeline,
                  struct err *err) WARN_UNUSED;
int pipeline_start(struct pipeline *pipeline, struct err *err) WARN_UNUSED;
/* Stops inputs, drains filters and outputs for at most `drain_ns`, then gives up what is left (its
 * inputs will read it again). */
void pipeline_stop(struct pipeline *pipeline, int64_t drain_ns);
/* All inputs are exhausted and everything is delivered (stdin at its end, generator, --once). */
bool pipeline_is_finished(struct pipeline *pipeline);
/* A fatal error of an input or output, or NULL. */
const struct err *pipeline_error(struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);
DEFINE_CLEANUP(pipeline_free, struct pipeline)

/* Runs a batch through the filters on the calling thread, of a pipeline that is loaded and not
 * started: for tests and for explaining a configuration. What comes out lies in the batch's arena.
 */
void pipeline_filter(struct pipeline *pipeline, struct batch *batch, struct event ***ret_events,
                     size_t *ret_count);
/* Drains the filters (windows …): a new batch with what they had kept. The caller unrefs it. */
struct batch *pipeline_filter_drain(struct pipeline *pipeline, struct event ***ret_events,
                                    size_t *ret_count);

struct str pipeline_id(const struct pipeline *pipeline);
/* The object of this pipeline in Logstash's GET /_node/stats/pipelines: events, plugins {inputs,
 * codecs, filters, outputs}, reloads, queue, dead_letter_queue. */
struct json_writer;
void pipeline_stats_write(struct pipeline *pipeline, struct json_writer *w);
struct pipeline_totals {
    uint64_t events_in, events_filtered, events_out, queue_events, failures;
};
void pipeline_totals(struct pipeline *pipeline, struct pipeline_totals *ret_totals);

#endif
