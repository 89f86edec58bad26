/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c: the life of a pipeline: load, start, stop, free. See pipeline_int.h for its phases
 * and threads. */
#include <stdio.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "os/os.h"
#include "pipeline/pipeline_int.h"

#define WORKER_STACK_BYTES (8 * MIB)

void pipeline__log_name(const struct pipeline *pipeline, char name[64])
{
    (void)snprintf(name, 64, "pipeline." STR_FMT, STR_ARG(str_sub(pipeline->config.id, 0, 50)));
}

/* ---- load ---- */

static void warn_config(void *owner, const struct source *source, size_t off, const char *text)
{
    char who[64];
    uint32_t line, column;
    pipeline__log_name(owner, who);
    source_position(source->text, off, &line, &column);
    log_line(LOG_WARN, who, STR_FMT ":%u:%u: %s", STR_ARG(source->name), line, column, text);
}

static int parse_source(struct pipeline *pipeline, const struct source *source, struct err *err)
{
    return config_parse(&pipeline->tree, source, &pipeline->options, pipeline->mem, err);
}

/* What -e leaves out: from stdin, to stdout, as Logstash does. */
static int add_defaults(struct pipeline *pipeline, struct err *err)
{
    static const struct source input = {{"built-in input", 14},
                                        {"input { stdin { type => \"stdin\" } }", 35}};
    static const struct source output = {{"built-in output", 15},
                                         {"output { stdout { codec => rubydebug } }", 40}};
    if (!pipeline->tree.first[CONFIG_INPUT])
        TRY(parse_source(pipeline, &input, err));
    if (!pipeline->tree.first[CONFIG_OUTPUT])
        TRY(parse_source(pipeline, &output, err));
    return 0;
}

static int read_sources(struct pipeline *pipeline, struct err *err)
{
    const struct pipeline_config *c = &pipeline->config;
    for (size_t i = 0; i < c->file_count; i++)
        TRY(config_read(c->fs, c->files[i], pipeline->mem, &pipeline->sources,
                        &pipeline->source_count, &pipeline->source_capacity, err));
    for (size_t i = 0; i < pipeline->source_count; i++)
        TRY(parse_source(pipeline, pipeline->sources[i], err));
    if (c->text.n == 0)
        return 0;
    struct source *source = ARENA_NEW(pipeline->mem, struct source);
    source->name = str_from(SOURCE_CONFIG_STRING);
    source->text = arena_str(pipeline->mem, c->text);
    TRY(parse_source(pipeline, source, err));
    return c->file_count == 0 ? add_defaults(pipeline, err) : 0;
}

static void env_fill(struct pipeline *pipeline)
{
    const struct pipeline_config *c = &pipeline->config;
    struct str dir =
        path_join(pipeline->mem, c->data_path.n ? c->data_path : STR("data"), STR("pipelines"));
    pipeline->env = (struct plugin_env){
        .fs = c->fs,
        .clock = c->clock,
        .seed = c->seed,
        .pipeline_id = c->id,
        .data_dir = path_join(pipeline->mem, dir, c->id),
        .engine = c->engine,
        .engine_http_port = c->engine_http_port,
        .pipeline = pipeline,
    };
    pipeline->options = (struct config_options){
        .support_escapes = c->support_escapes,
        .env_get = c->env_get,
        .env_owner = c->env_owner,
        .warn = warn_config,
        .warn_owner = pipeline,
    };
}

static int id_check(struct str id, struct err *err)
{
    if (id.n == 0 || id.n > 200 || str_find_char(id, '/') >= 0 || str_find_char(id, '\0') >= 0 ||
        str_is(id, ".") || str_is(id, ".."))
        return err_set(err, ERR_CONFIG,
                       "\"" STR_FMT "\" cannot be a pipeline's id: it names a folder", STR_ARG(id));
    return 0;
}

static void sync_init(struct pipeline *pipeline)
{
    thread_cond_init(&pipeline->changed);
    ASSERT(pthread_mutex_init(&pipeline->mu, NULL) == 0);
}

int pipeline_load(const struct pipeline_config *config, struct pipeline **ret_pipeline,
                  struct err *err)
{
    TRY(id_check(config->id, err));
    CLEANUP(pipeline_free_ptr) struct pipeline *pipeline = MEM_NEW(struct pipeline);
    pipeline->mem = arena_new(0);
    pipeline->config = *config;
    pipeline->config.id = arena_str(pipeline->mem, config->id);
    sync_init(pipeline);
    env_fill(pipeline);
    pipeline->worker_count = config->worker_count ? config->worker_count : os_cpu_count();
    pipeline->worker_count =
        config->is_ordered ? 1 : MIN_OF(pipeline->worker_count, PIPELINE_WORKERS_MAX);
    pipeline->env.batch_events_max =
        config->batch_events_max ? config->batch_events_max : PIPELINE_BATCH_EVENTS_DEFAULT;
    TRY(read_sources(pipeline, err));
    TRY(pipeline__units_build(pipeline, err));
    *ret_pipeline = TAKE(pipeline);
    return 0;
}

/* ---- errors, waiting, the end ---- */

void pipeline__fail(struct pipeline *pipeline, const struct plugin *plugin, const struct err *err)
{
    struct err full = *err;
    if (full.code == ERR_NONE)
        (void)err_set(&full, ERR_INTERNAL, "failed without a reason");
    if (full.line == 0)
        err_at(&full, plugin->file, plugin->line, plugin->column);
    (void)err_wrap(&full, STR_FMT, STR_ARG(plugin->name));
    char who[64];
    pipeline__log_name(pipeline, who);
    log_err(LOG_ERROR, who, &full);
    pthread_mutex_lock(&pipeline->mu);
    if (!pipeline__flag(&pipeline->has_error)) {
        pipeline->error = full;
        __atomic_store_n(&pipeline->has_error, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&pipeline->mu);
}

static void flag_set(struct pipeline *pipeline, bool *flag)
{
    pthread_mutex_lock(&pipeline->mu);
    __atomic_store_n(flag, true, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&pipeline->changed);
    pthread_mutex_unlock(&pipeline->mu);
}

void pipeline__finished(struct pipeline *pipeline)
{
    flag_set(pipeline, &pipeline->is_finished);
}

/* Waits on `changed` up to `ns` of real time; called with mu. */
static void wait_changed(struct pipeline *pipeline, int64_t ns)
{
    struct timespec until = thread_deadline(ns);
    (void)thread_cond_wait(&pipeline->changed, &pipeline->mu, &until);
}

bool pipeline__wait(struct pipeline *pipeline, int64_t ns, bool only_hard)
{
    struct clock *clock = pipeline->config.clock;
    const bool *flag = only_hard ? &pipeline->is_hard : &pipeline->is_stopping;
    int64_t end_ns = clock_monotonic_ns(clock) + ns;
    pthread_mutex_lock(&pipeline->mu);
    while (!pipeline__flag(flag)) {
        int64_t left_ns = end_ns - clock_monotonic_ns(clock);
        if (left_ns <= 0)
            break;
        wait_changed(pipeline,
                     MIN_OF(MAX_OF(clock_to_real_ns(clock, left_ns), NS_PER_US * 100), NS_PER_S));
    }
    bool is_free = !pipeline__flag(flag);
    pthread_mutex_unlock(&pipeline->mu);
    return is_free;
}

/* ---- start ---- */

static int lock_take(struct pipeline *pipeline, struct err *err)
{
    struct vfs *fs = pipeline->config.fs;
    struct str path = path_join(pipeline->mem, pipeline->env.data_dir, STR(".lock"));
    TRY(vfs_make_dir(fs, pipeline->env.data_dir, err));
    TRY(vfs_open(fs, path, VFS_READ | VFS_WRITE | VFS_CREATE, &pipeline->lock_file, err));
    int rc = vfs_lock(pipeline->lock_file, err);
    if (rc == -ERR_LOCKED) {
        char pid[24] = {0};
        size_t n = 0;
        (void)!vfs_read_at(pipeline->lock_file, 0, pid, sizeof(pid) - 1, &n, NULL);
        struct str holder = str_trim((struct str){pid, n});
        return err_set(err, ERR_LOCKED,
                       "path.data \"" STR_FMT "\" is used by process " STR_FMT
                       " for pipeline \"" STR_FMT
                       "\": give this one its own --path.data, or stop the other",
                       STR_ARG(pipeline->config.data_path),
                       STR_ARG(holder.n ? holder : STR("(unknown)")), STR_ARG(pipeline->config.id));
    }
    TRY(rc);
    struct str pid = arena_printf(pipeline->mem, "%lld\n", (long long)os_pid());
    TRY(vfs_truncate(pipeline->lock_file, 0, err));
    return vfs_write_at(pipeline->lock_file, 0, pid.p, pid.n, err);
}

static int thread_start(pthread_t *thread, void *(*main)(void *), void *arg, struct err *err)
{
    pthread_attr_t attr;
    ASSERT(pthread_attr_init(&attr) == 0);
    (void)pthread_attr_setstacksize(&attr, WORKER_STACK_BYTES);
    int rc = pthread_create(thread, &attr, main, arg);
    (void)pthread_attr_destroy(&attr);
    return rc != 0 ? err_set(err, ERR_IO, "cannot start a thread (error %d)", rc) : 0;
}

static int outputs_start(struct pipeline *pipeline, struct err *err)
{
    pipeline->outputs_left = pipeline->unit_count[PLUGIN_OUTPUT];
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next) {
        struct output *output = unit__output(unit);
        output->queue = queue_new(PIPELINE_QUEUE_EVENTS_DEFAULT);
        output->dead_letter = dead_letter_new(&pipeline->env, unit->plugin.id, unit->plugin.name);
        rng_init(&output->rng, pipeline->config.seed ^ hash_u64(unit->number + 1u));
    }
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next) {
        struct output *output = unit__output(unit);
        TRY(thread_start(&output->thread, output__main, output, err));
        output->has_thread = true;
    }
    return 0;
}

static int workers_start(struct pipeline *pipeline, struct err *err)
{
    pipeline->workers = MEM_ARRAY(pthread_t, pipeline->worker_count);
    pipeline->workers_left = (uint32_t)pipeline->worker_count;
    for (size_t i = 0; i < pipeline->worker_count; i++) {
        TRY(thread_start(&pipeline->workers[i], worker__main, pipeline, err));
        pipeline->worker_thread_count++;
    }
    return 0;
}

static int inputs_start(struct pipeline *pipeline, struct err *err)
{
    pipeline->inputs_left = pipeline->unit_count[PLUGIN_INPUT];
    if (pipeline->inputs_left == 0)
        queue_close(pipeline->queue);
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next) {
        struct input *input = unit__input(unit);
        TRY(thread_start(&input->thread, input__main, input, err));
        input->has_thread = true;
    }
    return 0;
}

int pipeline_start(struct pipeline *pipeline, struct err *err)
{
    ASSERT(!pipeline->is_started);
    TRY(lock_take(pipeline, err));
    pipeline->queue = queue_new(PIPELINE_QUEUE_EVENTS_DEFAULT);
    pipeline->is_started = true;
    int rc = outputs_start(pipeline, err);
    if (rc == 0)
        rc = workers_start(pipeline, err);
    if (rc == 0)
        rc = inputs_start(pipeline, err);
    return rc;
}

/* ---- stop ---- */

static void inputs_stop(struct pipeline *pipeline)
{
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next) {
        struct input *input = unit__input(unit);
        if (input->has_thread && input->type->stop)
            input->type->stop(unit->self);
    }
}

/* True when the pipeline finished within `ns` of real time. */
static bool wait_finished(struct pipeline *pipeline, int64_t ns)
{
    struct timespec until = thread_deadline(ns);
    pthread_mutex_lock(&pipeline->mu);
    while (!pipeline__flag(&pipeline->is_finished)) {
        if (!thread_cond_wait(&pipeline->changed, &pipeline->mu, &until))
            break;
    }
    bool is_finished = pipeline__flag(&pipeline->is_finished);
    pthread_mutex_unlock(&pipeline->mu);
    return is_finished;
}

/* A start that failed half way has left stages without a thread: does what their threads would have
 * done. */
static void close_unstarted(struct pipeline *pipeline)
{
    bool all_inputs = true;
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next)
        all_inputs = all_inputs && unit__input(unit)->has_thread;
    if (!all_inputs)
        queue_close(pipeline->queue);
    if (pipeline->worker_thread_count == pipeline->worker_count)
        return;
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next) {
        if (unit__output(unit)->queue)
            queue_close(unit__output(unit)->queue);
    }
}

static void join_all(struct pipeline *pipeline)
{
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next) {
        if (unit__input(unit)->has_thread)
            (void)pthread_join(unit__input(unit)->thread, NULL);
        unit__input(unit)->has_thread = false;
    }
    for (size_t i = 0; i < pipeline->worker_thread_count; i++)
        (void)pthread_join(pipeline->workers[i], NULL);
    pipeline->worker_thread_count = 0;
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next) {
        if (unit__output(unit)->has_thread)
            (void)pthread_join(unit__output(unit)->thread, NULL);
        unit__output(unit)->has_thread = false;
    }
}

void pipeline_stop(struct pipeline *pipeline, int64_t drain_ns)
{
    if (!pipeline || !pipeline->is_started)
        return;
    flag_set(pipeline, &pipeline->is_stopping);
    inputs_stop(pipeline);
    close_unstarted(pipeline);
    if (!wait_finished(pipeline, drain_ns)) {
        char who[64];
        pipeline__log_name(pipeline, who);
        if (drain_ns > 0)
            log_line(LOG_WARN, who,
                     "not drained within %lld ms: what is left will be read again by its inputs",
                     (long long)(drain_ns / NS_PER_MS));
        flag_set(pipeline, &pipeline->is_hard);
    }
    join_all(pipeline);
    pipeline->is_started = false;
    flag_set(pipeline, &pipeline->is_finished);
}

bool pipeline_is_finished(struct pipeline *pipeline)
{
    return pipeline__flag(&pipeline->is_finished);
}

const struct err *pipeline_error(struct pipeline *pipeline)
{
    return pipeline__flag(&pipeline->has_error) ? &pipeline->error : NULL;
}

struct str pipeline_id(const struct pipeline *pipeline)
{
    return pipeline->config.id;
}

static void queue_drop_batches(struct queue *queue)
{
    void *item;
    while (queue && queue_pop(queue, &item, 0) == QUEUE_OK) {
        struct batch *batch = item;
        ack_fail(batch->ack);
        batch_unref(batch);
    }
    queue_free(queue);
}

static void queue_drop_items(struct queue *queue)
{
    void *p;
    while (queue && queue_pop(queue, &p, 0) == QUEUE_OK) {
        struct output_item *item = p;
        ack_fail(item->delivery->batch->ack);
        delivery__unref(item->delivery);
    }
    queue_free(queue);
}

void pipeline_free(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    pipeline_stop(pipeline, 0);
    queue_drop_batches(pipeline->queue);
    for (struct unit *unit = pipeline->units[PLUGIN_OUTPUT]; unit; unit = unit->next) {
        queue_drop_items(unit__output(unit)->queue);
        dead_letter_free(unit__output(unit)->dead_letter);
    }
    pipeline__units_free(pipeline);
    config_free(&pipeline->tree);
    vfs_close(pipeline->lock_file);
    (void)pthread_cond_destroy(&pipeline->changed);
    (void)pthread_mutex_destroy(&pipeline->mu);
    mem_free(pipeline->workers);
    mem_free(pipeline->sources);
    arena_free(pipeline->mem);
    mem_free(pipeline);
}
