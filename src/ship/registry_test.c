/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "os/vfs.h"
#include "ship/registry.h"
#include "support/fault.h"

#define DIR STR("data/registry/filebeat")

static struct registry *opened(struct test *t, struct vfs *fs, uint64_t want_torn)
{
    struct registry *registry = NULL;
    uint64_t torn = 99;
    assert_ok(registry_open(fs, DIR, &registry, &torn, &t->err), &t->err);
    if (want_torn != UINT64_MAX)
        assert_int_equal(torn, want_torn);
    return registry;
}

static struct str content(struct test *t, struct vfs *fs, const char *name)
{
    struct str text;
    struct str path = arena_printf(t->mem, "data/registry/filebeat/%s", name);
    assert_ok(vfs_read_file(fs, path, MIB, t->mem, &text, &t->err), &t->err);
    return text;
}

static void put(struct test *t, struct vfs *fs, const char *name, struct str text)
{
    struct str path = arena_printf(t->mem, "data/registry/filebeat/%s", name);
    assert_ok(vfs_make_dir(fs, DIR, &t->err), &t->err);
    assert_ok(vfs_write_file(fs, path, text, &t->err), &t->err);
}

static void the_form_on_disk(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct registry *registry = opened(t, fs, 0);
    registry_set(registry, STR("a"), STR("{\"n\":1}"));
    registry_set(registry, STR("a"), STR("{\"n\":1}")); /* the same again costs nothing */
    registry_set(registry, STR("q\"k"), STR("{}"));
    assert_ok(registry_flush(registry, &t->err), &t->err);
    assert_str_eq(content(t, fs, "log.json"),
                  "{\"op\":\"set\",\"id\":1}\n{\"k\":\"a\",\"v\":{\"n\":1}}\n"
                  "{\"op\":\"set\",\"id\":2}\n{\"k\":\"q\\\"k\",\"v\":{}}\n");
    assert_str_eq(content(t, fs, "meta.json"), "{\"version\":\"1\"}");
    registry_remove(registry, STR("a"));
    registry_remove(registry, STR("none"));
    assert_ok(registry_flush(registry, &t->err), &t->err);
    assert_true(str_ends_with(content(t, fs, "log.json"),
                              STR("{\"op\":\"remove\",\"id\":3}\n{\"k\":\"a\"}\n")));
    registry_close(registry);
    registry = opened(t, fs, 0);
    assert_int_equal(registry_count(registry), 1);
    assert_str_eq(registry_get(registry, STR("q\"k")), "{}");
    registry_close(registry);
    vfs_mem_free(fs);
}

static void a_log_that_is_full_becomes_a_checkpoint(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct registry *registry = opened(t, fs, 0);
    char *big = arena_alloc(t->mem, 60000);
    memset(big, 'x', 60000);
    for (int i = 0; i < 400; i++) { /* more than 10 MiB of log */
        registry_set(registry, arena_printf(t->mem, "k%d", i % 7),
                     arena_printf(t->mem, "{\"i\":%d,\"t\":\"%.*s\"}", i, 50000, big));
        assert_ok(registry_flush(registry, &t->err), &t->err);
    }
    struct vfs_stat st;
    assert_ok(vfs_stat(fs, STR("data/registry/filebeat/log.json"), true, &st, &t->err), &t->err);
    assert_true(st.size_bytes <= REGISTRY_LOG_BYTES_MAX);
    assert_str_has(content(t, fs, "active.dat"), ".json");
    registry_close(registry);
    registry = opened(t, fs, 0);
    assert_int_equal(registry_count(registry), 7);
    assert_true(str_starts_with(registry_get(registry, STR("k0")), STR("{\"i\":399,")));
    registry_close(registry);
    struct vfs_entry *entries; /* one checkpoint is left */
    size_t count, checkpoints = 0;
    assert_ok(vfs_list(fs, DIR, t->mem, &entries, &count, &t->err), &t->err);
    for (size_t i = 0; i < count; i++)
        checkpoints += entries[i].name.p[0] >= '0' && entries[i].name.p[0] <= '9';
    assert_int_equal(checkpoints, 1);
    vfs_mem_free(fs);
}

/* What Filebeat's own tests of this store hold: a log after a checkpoint, old entries, gaps, cut
 * lines. */
static void what_a_filebeat_left(struct test *t)
{
    static const struct {
        const char *checkpoint, *log, *want;
        bool is_torn;
    } rows[] = {
        {NULL, "{\"op\":\"set\", \"id\": 1}\n{\"K\":\"key0\",\"V\":{\"a\":0}}\n", "key0={\"a\":0} ",
         false},
        {"[{\"_key\":\"key0\",\"a\":0}]", "", "key0={\"a\":0} ", false},
        {"[\n{\"a\":0,\"_key\":\"key0\"},\n{\"_key\":\"key1\"}\n]", "", "key0={\"a\":0} key1={} ",
         false},
        {"[{\"_key\":\"key0\",\"a\":0}]",
         "{\"op\":\"set\",\"id\":6}\n{\"k\":\"key0\",\"v\":{\"a\":6}}\n", "key0={\"a\":6} ", false},
        {"[{\"_key\":\"key0\",\"a\":0}]",
         "{\"op\":\"set\",\"id\":3}\n{\"k\":\"key0\",\"v\":{\"a\":3}}\n", "key0={\"a\":0} ", false},
        {"[{\"_key\":\"key0\",\"a\":0}]",
         "{\"op\":\"set\",\"id\":7}\n{\"k\":\"key0\",\"v\":{\"a\":7}}\n", "key0={\"a\":0} ", true},
        {NULL,
         "{\"op\":\"set\",\"id\":1}\n{\"k\":\"key0\",\"v\":{\"a\":0}}\n{\"op\":\"set\",\"id\":3}\n{"
         "\"k\":\"key0\",\"v\":{\"a\":3}}\n",
         "key0={\"a\":0} ", true},
        {NULL,
         "{\"op\":\"set\",\"id\":1}\n{\"k\":\"key0\",\"v\":{\"a\":0}}\n{\"op\":\"set\",\"id\":2}\n{"
         "\"k\":\"key0\",\"v\":{\"a\":",
         "key0={\"a\":0} ", true},
        {NULL,
         "{\"op\":\"set\",\"id\":1}\n{\"k\":\"key0\",\"v\":{\"a\":0}}\n{\"op\":\"set\",\"id\":2}\n{"
         "\"k\":\"key0\",\"v\":{\"a\":2}}",
         "key0={\"a\":0} ", true},
        {NULL,
         "{\"op\":\"set\",\"id\":1}\n{\"k\":\"key0\",\"v\":{\"a\":0}}\n{\"op\":\"remove\",\"id\":2}"
         "\n{\"k\":\"key0\"}\n",
         "", false},
        {NULL, "garbage\n", "", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct vfs *fs = vfs_mem_new();
        put(t, fs, "meta.json", STR("{\"version\":\"1\"}"));
        if (rows[i].checkpoint)
            put(t, fs, "5.json", str_from(rows[i].checkpoint));
        put(t, fs, "log.json", str_from(rows[i].log));
        struct registry *registry = opened(t, fs, rows[i].is_torn ? UINT64_MAX : 0);
        struct buf got;
        buf_init(&got, 0);
        for (int k = 0; k < 2; k++) {
            struct str key = k ? STR("key1") : STR("key0"), value = registry_get(registry, key);
            if (value.p)
                buf_printf(&got, "%.*s=%.*s ", STR_ARG(key), STR_ARG(value));
        }
        assert_str_eq(buf_str(&got), rows[i].want);
        buf_deinit(&got);
        registry_set(registry, STR("new"), STR("{\"n\":1}")); /* and it goes on from there */
        assert_ok(registry_flush(registry, &t->err), &t->err);
        registry_close(registry);
        registry = opened(t, fs, 0);
        assert_str_eq(registry_get(registry, STR("new")), "{\"n\":1}");
        registry_close(registry);
        vfs_mem_free(fs);
    }
}

static void damaged_or_foreign(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct registry *registry = NULL;
    uint64_t torn;
    put(t, fs, "meta.json", STR("{\"version\":\"2\"}"));
    assert_err(registry_open(fs, DIR, &registry, &torn, &t->err), &t->err, ERR_CORRUPT);
    put(t, fs, "meta.json", STR("{\"version\":\"1\"}"));
    put(t, fs, "9.json", STR("[{\"_key\":\"a\""));
    assert_err(registry_open(fs, DIR, &registry, &torn, &t->err), &t->err, ERR_CORRUPT);
    assert_err_has(&t->err, "9.json");
    vfs_mem_free(fs);
}

/* Whatever call fails: what was flushed with success is there, and nothing that was never set. */
static void faults(struct test *t)
{
    FAULT_LOOP(f)
    {
        uint64_t torn, flushed = 0, tried = 0;
        struct registry *registry = NULL;
        fault_arm(&f);
        int rc = registry_open(f.fs, DIR, &registry, &torn, &t->err);
        for (uint64_t i = 1; rc == 0 && i <= 5; i++) {
            tried = i;
            registry_set(registry, STR("k"),
                         arena_printf(t->mem, "{\"i\":%llu}", (unsigned long long)i));
            if (registry_flush(registry, &t->err) == 0)
                flushed = i;
        }
        registry_close(TAKE(registry));
        bool was_hit = fault_disarm(&f);
        assert_true(was_hit || flushed == 5);
        registry = opened(t, f.fs, UINT64_MAX);
        struct str value = registry_get(registry, STR("k"));
        uint64_t got = 0;
        if (value.p)
            assert_true(str_to_u64(str_sub(value, 5, value.n - 6), &got));
        if (got < flushed || got > tried)
            fail_msg("%s: flushed %llu, tried %llu, found %llu", fault_name(&f),
                     (unsigned long long)flushed, (unsigned long long)tried,
                     (unsigned long long)got);
        registry_close(registry);
    }
}

/* The same with power cuts: unsynced writes are lost, torn or reordered. */
static void power_cuts(struct test *t)
{
    for (uint64_t step = 1; step < 60; step++) {
        struct vfs *fs = vfs_sim_new(t->seed + step);
        struct registry *registry = NULL;
        uint64_t torn, flushed = 0, tried = 0;
        vfs_sim_crash_at(fs, step);
        int rc = registry_open(fs, DIR, &registry, &torn, &t->err);
        for (uint64_t i = 1; rc == 0 && i <= 6; i++) {
            tried = i;
            registry_set(registry, STR("k"),
                         arena_printf(t->mem, "{\"i\":%llu}", (unsigned long long)i));
            if (registry_flush(registry, &t->err) == 0)
                flushed = i;
        }
        registry_close(TAKE(registry));
        vfs_sim_crash(fs, t->seed ^ step);
        registry = opened(t, fs, UINT64_MAX);
        struct str value = registry_get(registry, STR("k"));
        uint64_t got = 0;
        if (value.p)
            assert_true(str_to_u64(str_sub(value, 5, value.n - 6), &got));
        if (got < flushed || got > tried)
            fail_msg("step %llu: flushed %llu, tried %llu, found %llu", (unsigned long long)step,
                     (unsigned long long)flushed, (unsigned long long)tried,
                     (unsigned long long)got);
        registry_close(registry);
        vfs_sim_free(fs);
    }
}

TEST_MAIN(TEST(the_form_on_disk), TEST(a_log_that_is_full_becomes_a_checkpoint),
          TEST(what_a_filebeat_left), TEST(damaged_or_foreign), TEST(faults), TEST(power_cuts))
