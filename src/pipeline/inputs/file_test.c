/* SPDX-License-Identifier: Apache-2.0 */
/* file_test.c: the input alone; the test stands where the pipeline's workers would. */
#include "support/test.h"

#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/log.h"
#include "event/options.h"
#include "os/os.h"
#include "pipeline/pipeline_int.h"

#define WAIT_NS (20 * NS_PER_S)

struct world {
    struct test *t;
    struct pipeline *pipeline;
    struct input *input;
    struct codec codec;
    void *self;
    void *codec_self;
    pthread_t thread;
    struct err err;
    int rc;
};

static void *run_thread(void *arg)
{
    struct world *w = arg;
    w->rc = input_file.run(w->self, w->input, &w->err);
    return NULL;
}

static int prepare(struct world *w, struct test *t, const char *settings)
{
    *w = (struct world){.t = t};
    log_set_level(LOG_OFF);
    w->pipeline = MEM_NEW(struct pipeline);
    w->pipeline->config.clock = clock_system();
    w->pipeline->queue = queue_new(100000);
    ASSERT(pthread_mutex_init(&w->pipeline->mu, NULL) == 0);
    ASSERT(pthread_cond_init(&w->pipeline->changed, NULL) == 0);
    w->pipeline->env = (struct plugin_env){.clock = clock_system(),
                                           .fs = vfs_posix(),
                                           .pipeline_id = STR("main"),
                                           .data_dir = test_dir(t)};
    w->input = MEM_NEW(struct input);
    w->input->pipeline = w->pipeline;
    w->input->type = &input_file;
    const struct codec_type *plain = codec_type_find(STR("plain"));
    w->codec = (struct codec){.type = plain};
    w->codec.unit.plugin =
        (struct plugin){.env = &w->pipeline->env, .name = STR("plain"), .mem = t->mem};
    w->codec.unit.self = w->codec_self = mem_zalloc(MAX_OF(plain->size, (size_t)1));
    struct value none = value_map(t->mem, 1);
    assert_ok(options_fill(plain->opts, w->codec_self, &none, OPTIONS_LOGSTASH, t->mem, NULL, NULL,
                           NULL, &t->err),
              &t->err);
    if (plain->init)
        assert_ok(plain->init(w->codec_self, &w->codec.unit.plugin, &t->err), &t->err);
    w->input->codec = &w->codec;
    struct plugin *plugin = &w->input->unit.plugin;
    *plugin = (struct plugin){
        .env = &w->pipeline->env, .name = STR("file"), .id = STR("file_1"), .mem = t->mem};
    assert_ok(value_from_json(str_from(settings), t->mem, &plugin->settings, &t->err), &t->err);
    w->self = mem_zalloc(input_file.size);
    TRY(options_fill(input_file.opts, w->self, &plugin->settings, OPTIONS_LOGSTASH, t->mem, NULL,
                     NULL, NULL, &t->err));
    return input_file.init(w->self, plugin, &t->err);
}

/* `more`: further settings, each beginning with a comma. */
static void world_init(struct world *w, struct test *t, const char *more)
{
    struct str settings =
        arena_printf(t->mem,
                     "{\"path\":\"%s/*.log\",\"stat_interval\":\"20ms\",\"discover_interval\":2,"
                     "\"sincedb_path\":\"%s/sincedb\"%s}",
                     test_dir(t).p, test_dir(t).p, more);
    assert_ok(prepare(w, t, settings.p), &t->err);
    assert_int_equal(pthread_create(&w->thread, NULL, run_thread, w), 0);
}

static void free_world(struct world *w)
{
    void *batch;
    while (queue_pop(w->pipeline->queue, &batch, 0) == QUEUE_OK)
        batch_unref(batch);
    input_file.deinit(w->self);
    queue_free(w->pipeline->queue);
    (void)pthread_cond_destroy(&w->pipeline->changed);
    (void)pthread_mutex_destroy(&w->pipeline->mu);
    mem_free(w->self);
    mem_free(w->codec_self);
    mem_free(w->input);
    mem_free(w->pipeline);
}

static void world_deinit(struct world *w)
{
    pthread_mutex_lock(&w->pipeline->mu);
    __atomic_store_n(&w->pipeline->is_stopping, true, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&w->pipeline->changed);
    pthread_mutex_unlock(&w->pipeline->mu);
    (void)pthread_join(w->thread, NULL);
    assert_ok(w->rc, &w->err);
    free_world(w);
}

static void append(struct world *w, const char *name, const char *text)
{
    struct err *err = &w->t->err;
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    struct vfs_stat st;
    assert_ok(vfs_open(vfs_posix(), test_path(w->t, name), VFS_WRITE | VFS_CREATE, &file, err),
              err);
    assert_ok(vfs_file_stat(file, &st, err), err);
    assert_ok(vfs_write_at(file, st.size_bytes, text, strlen(text), err), err);
}

/* The next `count` events as "name:message@position "; delivered, or given up. */
static struct str taken(struct world *w, size_t count, bool is_delivered)
{
    struct buf out;
    buf_init(&out, 0);
    while (count > 0) {
        void *p = NULL;
        if (queue_pop(w->pipeline->queue, &p, WAIT_NS) != QUEUE_OK)
            fail_msg("no batch came; so far: %.*s", STR_ARG(buf_str(&out)));
        struct batch *batch = p;
        assert_true(batch->count <= count);
        for (size_t i = 0; i < batch->count; i++) {
            const struct event *ev = batch->events[i];
            buf_printf(&out, "%.*s:%.*s@%llu ", STR_ARG(path_name(event_get_lit(ev, "path")->s)),
                       STR_ARG(event_get_lit(ev, "message")->s),
                       (unsigned long long)ev->origin.position);
            assert_int_not_equal(ev->origin.source, 0);
            assert_strs_eq(event_get_lit(ev, "host")->s, os_hostname());
            assert_strs_eq(event_get_lit(ev, "[@metadata][path]")->s, event_get_lit(ev, "path")->s);
        }
        count -= batch->count;
        if (!is_delivered)
            ack_fail(batch->ack);
        batch_unref(batch);
    }
    struct str s = arena_str(w->t->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void tail_from_the_beginning(struct test *t)
{
    struct world w = {.t = t};
    append(&w, "a.log", "1\n2\nhalf");
    world_init(&w, t, ",\"start_position\":\"beginning\"");
    assert_str_eq(taken(&w, 2, true), "a.log:1@2 a.log:2@4 ");
    append(&w, "a.log", "\n");
    assert_str_eq(taken(&w, 1, true), "a.log:half@9 ");
    append(&w, "b.log", "3\n");
    assert_str_eq(taken(&w, 1, true), "b.log:3@2 ");
    world_deinit(&w);
    append(&w, "a.log", "4\n"); /* goes on where it was */
    world_init(&w, t, ",\"start_position\":\"beginning\"");
    assert_str_eq(taken(&w, 1, true), "a.log:4@11 ");
    world_deinit(&w);
}

static void tail_from_the_end(struct test *t)
{
    struct world w = {.t = t};
    append(&w, "a.log", "1\n");
    world_init(&w, t, "");
    (void)nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
    append(&w, "a.log", "2\n");
    assert_str_eq(taken(&w, 1, true), "a.log:2@4 ");
    world_deinit(&w);
}

static void undelivered_lines_come_again(struct test *t)
{
    struct world w = {.t = t};
    append(&w, "a.log", "1\n2\n");
    world_init(&w, t, ",\"start_position\":\"beginning\"");
    assert_str_eq(taken(&w, 2, false), "a.log:1@2 a.log:2@4 ");
    world_deinit(&w);
    world_init(&w, t, ",\"start_position\":\"beginning\"");
    assert_str_eq(taken(&w, 2, true), "a.log:1@2 a.log:2@4 ");
    world_deinit(&w);
}

static void a_sincedb_of_logstash(struct test *t)
{
    struct world w = {.t = t};
    struct vfs_stat st;
    append(&w, "a.log", "1\n2\n3\n");
    assert_ok(vfs_stat(vfs_posix(), test_path(t, "a.log"), true, &st, &t->err), &t->err);
    struct str line =
        arena_printf(t->mem, "%llu %u %u 4 1700000000.5 %s\n", (unsigned long long)st.inode,
                     major(st.device), minor(st.device), test_path(t, "a.log").p);
    assert_ok(vfs_write_file(vfs_posix(), test_path(t, "sincedb"), line, &t->err), &t->err);
    world_init(&w, t, ",\"sincedb_clean_after\":\"5000 weeks\"");
    assert_str_eq(taken(&w, 1, true), "a.log:3@6 ");
    world_deinit(&w);
    struct str text;
    assert_ok(vfs_read_file(vfs_posix(), test_path(t, "sincedb"), MIB, t->mem, &text, &t->err),
              &t->err);
    assert_true(
        str_starts_with(text, arena_printf(t->mem, "%llu %u %u 6 ", (unsigned long long)st.inode,
                                           major(st.device), minor(st.device))));
}

static void read_once(struct test *t)
{
    struct world w = {.t = t};
    struct str text;
    append(&w, "a.log", "1\n2");
    append(&w, "b.log", "3\n");
    append(&w, "c.txt.log", "no\n");
    world_init(
        &w, t,
        arena_printf(
            t->mem,
            ",\"mode\":\"read\",\"exclude\":\"*.txt.*\",\"exit_after_read\":true,"
            "\"file_completed_action\":\"log_and_delete\",\"file_completed_log_path\":\"%s/done\"",
            test_dir(t).p)
            .p);
    struct str got = taken(&w, 3, true);
    assert_str_has(got, "a.log:1@2 a.log:2@3 ");
    assert_str_has(got, "b.log:3@2 ");
    (void)pthread_join(w.thread, NULL); /* ends by itself */
    assert_ok(w.rc, &w.err);
    free_world(&w);
    assert_int_equal(access(test_path(t, "a.log").p, F_OK), -1);
    assert_int_equal(access(test_path(t, "c.txt.log").p, F_OK), 0);
    assert_ok(vfs_read_file(vfs_posix(), test_path(t, "done"), MIB, t->mem, &text, &t->err),
              &t->err);
    assert_str_has(text, test_path(t, "a.log").p);
    assert_str_has(text, test_path(t, "b.log").p);
}

static void wrong_settings(struct test *t)
{
    static const struct {
        const char *settings, *part;
    } rows[] = {
        {"{\"path\":\"relative/*.log\"}", "absolute"},
        {"{\"path\":\"/x/[a\"}", "not closed"},
        {"{\"path\":\"/x\",\"stat_interval\":\"soon\"}", "stat_interval"},
        {"{\"path\":\"/x\",\"mode\":\"tial\"}", "mode"},
        {"{\"path\":\"/x\",\"mode\":\"read\",\"file_completed_action\":\"log\"}",
         "file_completed_log_path"},
        {"{\"path\":\"/x\",\"delimiter\":\"123456789\"}", "delimiter"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        assert_true(prepare(&w, t, rows[i].settings) < 0);
        assert_err_has(&t->err, rows[i].part);
        free_world(&w);
    }
}

TEST_MAIN(TEST(tail_from_the_beginning), TEST(tail_from_the_end),
          TEST(undelivered_lines_come_again), TEST(a_sincedb_of_logstash), TEST(read_once),
          TEST(wrong_settings))
