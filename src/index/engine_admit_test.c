/* SPDX-License-Identifier: Apache-2.0 */
/* engine_admit_test.c: whether a request is taken, at the edges of the request's, the memory's, the
 * log's and the disk's limit; how the refusal is worded, and where it is counted. */
#include "index/engine_write_int.h"
#include "support/store.h"

static const struct doc_write some[2] = {{.op = DOC_DELETE}, {.op = DOC_INDEX}};

static int admit(struct store *s, size_t bytes, enum admitted *ret)
{
    return engine__admit(s->engine, some, ARRAY_COUNT(some), bytes, ret, &s->t->err);
}

static void is_taken(struct store *s, size_t bytes)
{
    enum admitted admitted;
    assert_ok(admit(s, bytes, &admitted), &s->t->err);
    assert_int_equal(admitted, ADMIT_ALL);
}

static void is_refused(struct store *s, size_t bytes, enum err_code code, const char *text)
{
    enum admitted admitted;
    int rc = admit(s, bytes, &admitted);
    assert_err(rc, &s->t->err, code);
    assert_str_eq(str_from(s->t->err.text), text);
}

/* Requests refused so far: by size, memory, log bytes, disk, read-only log. */
static void counts(struct store *s, uint64_t size, uint64_t memory, uint64_t log_bytes,
                   uint64_t disk, uint64_t log)
{
    const struct engine_metrics *m = engine_metrics(s->engine);
    assert_int_equal(metric_get(&m->rejected_size), size);
    assert_int_equal(metric_get(&m->rejected_memory), memory);
    assert_int_equal(metric_get(&m->rejected_log_bytes), log_bytes);
    assert_int_equal(metric_get(&m->rejected_disk), disk);
    assert_int_equal(metric_get(&m->rejected_log), log);
}

static void a_request_has_a_size(struct test *t)
{
    struct store s;
    store_init(&s, t);
    s.config.request_bytes_max = 1000;
    store_open(&s);
    is_taken(&s, 0);
    is_taken(&s, 1000);
    is_refused(&s, 1001, ERR_TOO_LARGE,
               "a write of 1001 bytes is over the limit request_bytes_max of 1000");
    assert_int_equal(err_http_status(t->err.code), 413);
    counts(&s, 1, 0, 0, 0, 0);
    store_deinit(&s);
}

/* A request needs twice its size, beside what builders and other requests have. */
static void memory_has_a_budget(struct test *t)
{
    static const struct {
        uint64_t flight;
        size_t bytes;
        const char *text; /* NULL: it is taken */
    } rows[] = {
        {0, 50000, NULL},
        {0, 50001,
         "[write] data too large: 0 bytes are in use and 100002 more needed, over the limit "
         "memory_bytes_max of 100000 (indices.memory.index_buffer_size)"},
        {99998, 1, NULL},
        {99999, 1,
         "[write] data too large: 99999 bytes are in use and 2 more needed, over the limit "
         "memory_bytes_max of 100000 (indices.memory.index_buffer_size)"},
        {100000, 0, NULL},
        {100001, 0,
         "[write] data too large: 100001 bytes are in use and 0 more needed, over the limit "
         "memory_bytes_max of 100000 (indices.memory.index_buffer_size)"},
    };
    struct store s;
    uint64_t refused = 0;
    store_init(&s, t);
    s.config.memory_bytes_max = 100000;
    store_open(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        s.engine->flight_bytes = rows[i].flight;
        if (!rows[i].text) {
            is_taken(&s, rows[i].bytes);
            continue;
        }
        is_refused(&s, rows[i].bytes, ERR_MEM_LIMIT, rows[i].text);
        assert_int_equal(err_http_status(t->err.code), 429);
        assert_int_equal(t->err.bytes_wanted, rows[i].flight + 2 * rows[i].bytes);
        assert_int_equal(t->err.bytes_limit, 100000);
        counts(&s, 0, ++refused, 0, 0, 0);
    }
    s.engine->flight_bytes = 0;
    store_deinit(&s);
}

/* What a flush frees may be used by the request that needs it. */
static void a_flush_makes_room(struct test *t)
{
    struct store s;
    store_init(&s, t);
    s.config.memory_bytes_max = MIB;
    store_open(&s);
    (void)store_put(&s, "i", STR("1"), arena_printf(t->mem, "{\"x\":\"%0*u\"}", 1000, 7));
    uint64_t used = engine__memory_used(s.engine);
    assert_true(used > 1000);
    is_taken(&s, (size_t)(MIB - used) / 2);
    assert_int_equal(engine__memory_used(s.engine), used);
    is_taken(&s, (size_t)(MIB - used) / 2 + 1);
    assert_int_equal(engine__memory_used(s.engine), 0);
    counts(&s, 0, 0, 0, 0, 0);
    store_deinit(&s);
}

/* Of a gigabyte of log nothing is kept but the files' heads and what is small. */
static const struct vfs_ops *plain;

static int write_small(struct vfs_file *file, uint64_t off, const void *p, size_t n,
                       struct err *err)
{
    return n > MIB ? 0 : plain->write_at(file, off, p, n, err);
}

static void log_grow(struct store *s, uint64_t to_bytes)
{
    enum { PAYLOAD_BYTES = 48 * 1024 * 1024 };
    struct test *t = s->t;
    char *payload = mem_zalloc(PAYLOAD_BYTES);
    for (uint64_t bytes; (bytes = wal_bytes(s->engine->wal)) < to_bytes;) {
        uint64_t left = to_bytes - bytes - WAL_FRAME_HEAD, seq;
        struct wal_frame frame = {.kind = WAL_DOCS,
                                  .payload = {payload, MIN_OF(left, PAYLOAD_BYTES)}};
        assert_ok(wal_append(s->engine->wal, &frame, &seq, &t->err), &t->err);
        assert_ok(wal_commit(s->engine->wal, seq, &t->err), &t->err);
    }
    mem_free(payload);
}

/* Behind its limit nothing is taken until a flush let the log go. */
static void the_log_has_a_length(struct test *t)
{
    struct store s;
    struct wal_frame frame = {.kind = WAL_DOCS, .payload = STR("")};
    uint64_t seq;
    store_begin(&s, t);
    plain = s.fs->ops;
    struct vfs_ops ops = *plain;
    ops.write_at = write_small;
    s.fs->ops = &ops;
    is_taken(&s, 1);
    (void)store_put(&s, "i", STR("1"), STR("{}"));
    log_grow(&s, WAL_BYTES_MAX);
    assert_int_equal(wal_bytes(s.engine->wal), WAL_BYTES_MAX);
    is_taken(&s, 1);
    assert_int_equal(wal_bytes(s.engine->wal), WAL_BYTES_MAX); /* nothing was flushed */
    assert_ok(wal_append(s.engine->wal, &frame, &seq, &t->err), &t->err);
    assert_ok(wal_commit(s.engine->wal, seq, &t->err), &t->err);
    vfs_mem_fail_at(s.fs, 1, VFS_FAULT_EIO, true); /* no flush */
    is_refused(&s, 1, ERR_MEM_LIMIT,
               arena_printf(t->mem,
                            "[write] the log holds %llu bytes that are not flushed, over the "
                            "limit WAL_BYTES_MAX of 1073741824",
                            (unsigned long long)wal_bytes(s.engine->wal))
                   .p);
    assert_int_equal(t->err.bytes_wanted, wal_bytes(s.engine->wal));
    assert_int_equal(t->err.bytes_limit, WAL_BYTES_MAX);
    counts(&s, 0, 0, 1, 0, 0);
    vfs_mem_fail_at(s.fs, 0, VFS_FAULT_NONE, false);
    is_taken(&s, 1);
    assert_true(wal_bytes(s.engine->wal) < WAL_BYTES_MAX / 2);
    store_deinit(&s);
}

/* Free space is asked for twice a second, and each time while there is none. */
static void the_disk_keeps_a_reserve(struct test *t)
{
    static const struct {
        int64_t step_ns;
        uint64_t free_bytes;
        enum admitted admitted;
    } rows[] = {
        {0, DISK_RESERVE_BYTES, ADMIT_ALL},
        {DISK_CHECK_NS - 1, 0, ADMIT_ALL},
        {1, DISK_RESERVE_BYTES - 1, ADMIT_DELETES},
        {0, DISK_RESERVE_BYTES - 1, ADMIT_DELETES},
        {0, DISK_RESERVE_BYTES, ADMIT_ALL},
        {DISK_CHECK_NS, 0, ADMIT_DELETES},
        {DISK_CHECK_NS, DISK_RESERVE_BYTES, ADMIT_ALL},
    };
    struct store s;
    uint64_t refused = 0;
    store_init(&s, t);
    store_open(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum admitted admitted;
        clock_fake_advance(&s.clock, rows[i].step_ns);
        vfs_mem_set_free_bytes(s.fs, rows[i].free_bytes);
        assert_ok(admit(&s, 1, &admitted), &t->err);
        if (admitted != rows[i].admitted)
            fail_msg("row %zu: %d", i, admitted);
        refused += admitted != ADMIT_ALL;
        counts(&s, 0, 0, 0, refused, 0);
        /* Deletes alone lose nothing, and are not counted. */
        assert_ok(engine__admit(s.engine, some, 1, 1, &admitted, &t->err), &t->err);
        counts(&s, 0, 0, 0, refused, 0);
        int rc = engine__disk_admit(s.engine, STR("name"), &t->err);
        assert_int_equal(rc, admitted == ADMIT_ALL ? 0 : -ERR_DISK_FULL);
        if (rc < 0)
            assert_str_eq(str_from(t->err.text),
                          "index [name] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded "
                          "flood-stage watermark, index has read-only-allow-delete block];");
    }
    store_deinit(&s);
}

/* A log that met a full disk takes nothing, not even deletes, until its write went through; one
 * whose disk failed takes nothing any more. */
static void the_log_must_be_sound(struct test *t)
{
    static const struct {
        enum vfs_fault fault;
        enum err_code code; /* of the refusal; ERR_NONE: item by item */
    } rows[] = {{VFS_FAULT_ENOSPC, ERR_NONE}, {VFS_FAULT_EIO, ERR_READ_ONLY}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct store s;
        struct doc_result r;
        struct doc_write write = DOC_WRITE_INIT;
        enum admitted admitted = ADMIT_ALL;
        store_begin(&s, t);
        write.index = STR("i");
        write.source = STR("{}");
        vfs_mem_fail_at(s.fs, 1, rows[i].fault, true);
        assert_true(engine_write(s.engine, &write, 1, REFRESH_NONE, t->mem, &r, &t->err) < 0);
        assert_int_equal(admit(&s, 1, &admitted), -(int)rows[i].code);
        counts(&s, 0, 0, 0, rows[i].code == ERR_NONE, rows[i].code != ERR_NONE);
        assert_int_equal(admitted, rows[i].code == ERR_NONE ? ADMIT_NONE : ADMIT_ALL);
        vfs_mem_fail_at(s.fs, 0, VFS_FAULT_NONE, false);
        assert_int_equal(admit(&s, 1, &admitted), -(int)rows[i].code);
        assert_int_equal(admitted, ADMIT_ALL);
        store_deinit(&s);
    }
}

TEST_MAIN(TEST(a_request_has_a_size), TEST(memory_has_a_budget), TEST(a_flush_makes_room),
          TEST(the_log_has_a_length), TEST(the_disk_keeps_a_reserve), TEST(the_log_must_be_sound))
