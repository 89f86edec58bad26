/* SPDX-License-Identifier: Apache-2.0 */
/* input_registry_test.c: what the registry says of an input's files, and where a next life of the
 * shipper goes on. Files and registry in memory, the clock is the test's; there is no output, the
 * test acknowledges. */
#include "support/test.h"

#include "base/clock.h"
#include "base/log.h"
#include "ship/ship_int.h"

struct world {
    struct test *t;
    struct vfs *fs;
    struct clock_fake clock;
    struct ship *ship;
    const char *inputs; /* flow YAML */
};

static void start(struct world *w)
{
    struct err *err = &w->t->err;
    uint64_t torn;
    struct ship_config config = {
        .fs = w->fs,
        .clock = &w->clock.base,
        .file = STR("f.yml"),
        .text = arena_printf(w->t->mem,
                             "filebeat.inputs: [%s]\noutput.logstash.hosts: [h]\n"
                             "queue.mem.events: 100000\n",
                             w->inputs)};
    log_set_level(LOG_OFF);
    assert_ok(ship_load(&config, &w->ship, err), err);
    assert_ok(registry_open(w->fs, STR("data"), &w->ship->registry, &torn, err), err);
    for (size_t i = 0; i < w->ship->input_count; i++)
        assert_ok(ship__input_start(w->ship->inputs[i], err), err);
}
/* A power cut, when what is in memory was not flushed. */
static void stop(struct world *w)
{
    ship_free(TAKE(w->ship));
}
static void world_init(struct world *w, struct test *t, const char *inputs)
{
    *w = (struct world){.t = t, .fs = vfs_mem_new(), .inputs = inputs};
    clock_fake_init(&w->clock, 1700000000 * NS_PER_S);
    assert_ok(vfs_make_dir(w->fs, STR("/d"), &t->err), &t->err);
}
static void world_deinit(struct world *w)
{
    stop(w);
    vfs_mem_free(w->fs);
}

static void put(struct world *w, const char *path, const char *text, unsigned flags)
{
    struct err *err = &w->t->err;
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    struct vfs_stat st;
    clock_fake_advance(&w->clock, 1);
    assert_ok(vfs_open(w->fs, str_from(path), VFS_WRITE | VFS_CREATE | flags, &file, err), err);
    assert_ok(vfs_file_stat(file, &st, err), err);
    assert_ok(vfs_write_at(file, st.size_bytes, text, strlen(text), err), err);
}
static void append(struct world *w, const char *path, const char *text)
{
    put(w, path, text, 0);
}
/* '@' becomes /d/x.log's "native::<inode>-<device>", '#' its members of FileStateOS. */
static struct str filled(struct world *w, const char *text)
{
    struct vfs_stat st;
    struct buf out;
    assert_ok(vfs_stat(w->fs, STR("/d/x.log"), true, &st, &w->t->err), &w->t->err);
    unsigned long long inode = st.inode, device = st.device;
    buf_init(&out, 0);
    for (; *text; text++) {
        if (*text == '@')
            buf_printf(&out, "native::%llu-%llu", inode, device);
        else if (*text == '#')
            buf_printf(&out, "\"inode\":%llu,\"device\":%llu", inode, device);
        else
            buf_add_char(&out, *text);
    }
    struct str all = arena_str(w->t->mem, buf_str(&out));
    buf_deinit(&out);
    return all;
}
static void plant(struct world *w, struct str key, struct str value)
{
    struct registry *registry = NULL;
    uint64_t torn;
    struct err *err = &w->t->err;
    assert_ok(registry_open(w->fs, STR("data"), &registry, &torn, err), err);
    registry_set(registry, key, value);
    assert_ok(registry_flush(registry, err), err);
    registry_close(registry);
}

/* Reads what is there; the lines as "text|" in order. */
static struct str read_all(struct world *w)
{
    struct buf out;
    buf_init(&out, 0);
    clock_fake_advance(&w->clock, 11 * NS_PER_S); /* a scan's time */
    for (size_t i = 0; i < w->ship->input_count; i++) {
        struct tail_poll_result result;
        for (int round = 0; round < 3; round++)
            tail_poll(w->ship->inputs[i]->tail, &result);
    }
    struct ship__batch *batch = w->ship->batch;
    struct str left = batch ? buf_str(&batch->frames) : STR("");
    ptrdiff_t at;
    while ((at = str_find(left, STR("\"message\":\""))) >= 0) {
        left = str_from_off(left, (size_t)at + 11);
        buf_printf(&out, "%.*s|", STR_ARG(str_sub(left, 0, (size_t)str_find_char(left, '"'))));
    }
    if (batch)
        buf_clear(&batch->frames);
    struct str text = arena_str(w->t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}
/* All that was read is acknowledged and written down. */
static void ack(struct world *w)
{
    struct ship *ship = w->ship;
    if (ship->batch)
        tail_acks_done(ship->acks, tail_acks_add(ship->acks, &ship->batch->marks));
    (void)tail_acks_apply(ship->acks);
    for (size_t i = 0; i < ship->input_count; i++) {
        struct tail_file *file;
        size_t at = 0;
        while ((file = tail_next_dirty(ship->inputs[i]->tail, &at)) != NULL)
            ship__input_save(ship->inputs[i], file);
    }
    assert_ok(registry_flush(ship->registry, &w->t->err), &w->t->err);
}
static void gives(struct world *w, const char *want)
{
    assert_str_eq(read_all(w), want);
    ack(w);
}
static void restart_gives(struct world *w, const char *want)
{
    stop(w);
    start(w);
    gives(w, want);
}

#define LOG_D "{type: log, paths: ['/d/*.log']}"

/* The entries are Filebeat's own, with one text of ours that it leaves alone. */
static void what_is_written(struct test *t)
{
    static const struct {
        const char *input, *key, *value;
    } rows[] = {
        {LOG_D, "filebeat::logs::@",
         "{\"id\":\"@\",\"prev_id\":\"\",\"source\":\"/d/x.log\",\"offset\":3,\"timestamp\":["
         "281470681743361,1700000011],\"ttl\":-1,\"type\":\"log\",\"FileStateOS\":{#},"
         "\"identifier_name\":\"native\",\"naru\":\""},
        {"{type: log, paths: /d/x.log, file_identity: path}", "filebeat::logs::path::/d/x.log",
         "{\"id\":\"path::/d/x.log\",\"prev_id\":\"\",\"source\":\"/d/x.log\",\"offset\":3,"},
        {"{type: filestream, id: f, paths: /d/x.log}", "filestream::f::@",
         "{\"ttl\":-1,\"updated\":[281470681743361,1700000011],\"cursor\":{\"offset\":3},\"meta\":{"
         "\"source\":\"/d/x.log\",\"identifier_name\":\"native\"},\"naru\":\""},
        {"{type: filestream, paths: /d/x.log}", "filestream::.global::@", "{\"ttl\":-1,"},
        {"{type: filestream, id: 'a::native::b', paths: /d/x.log}", "filestream::a::native::b::@",
         "{\"ttl\":-1,"},
        {"{type: filestream, id: a, paths: /d/x.log}, {type: filestream, id: 'a::native', "
         "paths: /d/none}",
         "filestream::a::@", "{\"ttl\":-1,"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        struct str key, value;
        size_t at = 0;
        world_init(&w, t, rows[i].input);
        append(&w, "/d/x.log", "ab\nhalf");
        start(&w);
        gives(&w, "ab|");
        assert_int_equal(registry_count(w.ship->registry), 1);
        assert_true(registry_next(w.ship->registry, &at, &key, &value));
        assert_strs_eq(key, filled(&w, rows[i].key));
        struct str want = filled(&w, rows[i].value);
        assert_strs_eq(str_sub(value, 0, MIN_OF(want.n, value.n)), want);
        restart_gives(&w, "");
        append(&w, "/d/x.log", " way\n");
        restart_gives(&w, "half way|");
        world_deinit(&w);
    }
}

/* What happens to /d/x.log ("one two", all acknowledged) while nobody looks. */
enum change { NOTHING, GROWS, ROTATED, ROTATED_AWAY, EMPTIED, REWRITTEN, REMOVED };
static void change(struct world *w, enum change what)
{
    struct err *err = &w->t->err;
    if (what == GROWS)
        append(w, "/d/x.log", "three\n");
    if (what == ROTATED || what == ROTATED_AWAY) {
        append(w, "/d/x.log", "three\n");
        assert_ok(vfs_rename(w->fs, STR("/d/x.log"),
                             what == ROTATED ? STR("/d/y.log") : STR("/d/x.1"), err),
                  err);
        append(w, "/d/x.log", "fresh\n");
    }
    if (what == EMPTIED)
        put(w, "/d/x.log", "1\n", VFS_TRUNCATE);
    if (what == REWRITTEN)
        put(w, "/d/x.log", "uno\ndos\ntres\n", VFS_TRUNCATE);
    if (what == REMOVED)
        assert_ok(vfs_remove(w->fs, STR("/d/x.log"), err), err);
}

static void where_it_goes_on(struct test *t)
{
    static const struct {
        const char *input;
        enum change what;
        const char *want;
        size_t entries; /* without the counter of lives */
    } rows[] = {
        {LOG_D, NOTHING, "", 1},
        {LOG_D, GROWS, "three|", 1},
        {LOG_D, ROTATED, "three|fresh|", 2},
        {LOG_D, ROTATED_AWAY, "three|fresh|", 2},
        {LOG_D, EMPTIED, "1|", 1},
        {LOG_D, REWRITTEN, "uno|dos|tres|", 1},
        {LOG_D, REMOVED, "", 0},
        {"{type: log, paths: /d/x.log, clean_removed: false}", REMOVED, "", 1},
        {"{type: log, paths: /d/x.log, file_identity: path}", GROWS, "three|", 1},
        {"{type: log, paths: /d/x.log, file_identity: path}", REWRITTEN, "uno|dos|tres|", 1},
        {"{type: log, paths: /d/x.log, file_identity: path}", REMOVED, "", 0},
        {"{type: filestream, id: f, paths: '/d/*.log'}", ROTATED, "three|fresh|", 2},
        {"{type: filestream, id: f, paths: '/d/*.log'}", ROTATED_AWAY, "three|fresh|", 2},
        {"{type: filestream, id: f, paths: '/d/*.log'}", EMPTIED, "1|", 1},
        {"{type: filestream, id: f, paths: '/d/*.log'}", REMOVED, "", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        world_init(&w, t, rows[i].input);
        append(&w, "/d/x.log", "one\ntwo\n");
        start(&w);
        gives(&w, "one|two|");
        stop(&w);
        change(&w, rows[i].what);
        start(&w);
        struct str got = read_all(&w);
        ack(&w);
        size_t entries = registry_count(w.ship->registry);
        entries -= registry_get(w.ship->registry, STR("naru::generation")).p != NULL;
        assert_str_eq(arena_printf(t->mem, "%zu: %.*s %zu", i, STR_ARG(got), entries),
                      arena_printf(t->mem, "%zu: %s %zu", i, rows[i].want, rows[i].entries).p);
        restart_gives(&w, ""); /* and nothing comes twice */
        world_deinit(&w);
    }
}

static void what_is_not_acknowledged_comes_again(struct test *t)
{
    struct world w;
    char id[TAIL_ID_LEN + 1];
    size_t at = 0;
    world_init(&w, t, LOG_D);
    append(&w, "/d/x.log", "one\ntwo\n");
    start(&w);
    assert_str_eq(read_all(&w), "one|two|");
    assert_ok(registry_flush(w.ship->registry, &t->err), &t->err); /* as before sending */
    assert_str_has(registry_get(w.ship->registry, filled(&w, "filebeat::logs::@")), "\"offset\":0");
    memcpy(id, tail_next(w.ship->inputs[0]->tail, &at)->id, sizeof(id));
    restart_gives(&w, "one|two|");
    at = 0; /* with the same ids */
    assert_string_equal(tail_next(w.ship->inputs[0]->tail, &at)->id, id);
    world_deinit(&w);
}

/* Entries of a Filebeat, or damaged: the file holds "a b c", and offset 2 is behind "a". */
static void entries_of_others(struct test *t)
{
#define KEY  "filebeat::logs::@"
#define SRC  "\"source\":\"/d/x.log\""
#define OS   "\"FileStateOS\":{#}"
#define GOOD SRC ",\"offset\":2," OS
#define ID   "0123456789abcdef0123"
    static const struct {
        const char *key, *value, *want;
    } rows[] = {
        {KEY, "{" GOOD "}", "b|c|"},
        {KEY, "{" SRC ",\"offset\":2}", "b|c|"},
        {KEY, "{" SRC ",\"offset\":2,\"FileStateOS\":[1]}", "b|c|"},
        {KEY, "{" SRC ",\"offset\":0," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":6," OS "}", ""},
        {KEY, "{" SRC "," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":-2," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":7," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":9223372036854775807," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":18446744073709551615," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":99999999999999999999999," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":\"2\"," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":1e300," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":null," OS "}", "a|b|c|"},
        {KEY, "{" SRC ",\"offset\":4," GOOD "}", "b|c|"}, /* the last one counts */
        {KEY, "{\"offset\":2," OS "}", "a|b|c|"},
        {KEY, "{\"source\":7,\"offset\":2," OS "}", "a|b|c|"},
        {KEY, "{\"source\":\"\",\"offset\":2," OS "}", "a|b|c|"},
        {KEY, "{\"source\":\"/e/x.log\",\"offset\":2," OS "}", "a|b|c|"}, /* nobody looks there */
        {KEY, "{\"source\":\"/d/x.old\",\"offset\":2," OS "}", "b|c|"},   /* renamed back */
        {KEY, "{}", "a|b|c|"},
        {"filebeat::logs::native::x-y", "{" GOOD "}", "a|b|c|"},
        {"filebeat::logs::native::", "{" GOOD "}", "a|b|c|"},
        {"filebeat::logs::native::-1--1", "{" GOOD "}", "a|b|c|"},
        {"filebeat::logs::native::99999999999999999999999-1", "{" GOOD "}", "a|b|c|"},
        {"filebeat::logs::", "{" GOOD "}", "a|b|c|"},
        {"filestream::.global::@", "{" GOOD "}", "a|b|c|"},
        {KEY, "{" GOOD ",\"timestamp\":[281470681743360,1700000000]}", "b|c|"},
        {KEY, "{" GOOD ",\"timestamp\":[281470681743360,18446744011573954816]}", "b|c|"},
        {KEY, "{" GOOD ",\"timestamp\":[281470681743360,-62135596800]}", "b|c|"},
        {KEY, "{" GOOD ",\"timestamp\":[0,9223372036854775807]}", "b|c|"},
        {KEY, "{" GOOD ",\"timestamp\":\"2024-01-01T00:00:00Z\"}", "b|c|"},
        {KEY, "{" GOOD ",\"timestamp\":[1]}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":7}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"" ID "\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"" ID " 1 0 0000000000000000\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"" ID " 1 2 0000000000000000\"}",
         "a|b|c|"}, /* not its content */
        {KEY, "{" GOOD ",\"naru\":\"" ID " 1 5000 0000000000000000\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"" ID " -1 2 0000000000000000\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"" ID " 1 2 000000000000000g\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"0123 1 2 0000000000000000\"}", "b|c|"},
        {KEY, "{" GOOD ",\"naru\":\"\\\"},{},,,,,,,,,,,,\\\" 1 0 0000000000000000\"}", "b|c|"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        size_t at = 0;
        world_init(&w, t, LOG_D);
        append(&w, "/d/x.log", "a\nb\nc\n");
        plant(&w, filled(&w, rows[i].key), filled(&w, rows[i].value));
        start(&w);
        struct str got = read_all(&w);
        assert_str_eq(arena_printf(t->mem, "%s: %.*s", rows[i].value, STR_ARG(got)),
                      arena_printf(t->mem, "%s: %s", rows[i].value, rows[i].want).p);
        struct tail_file *file = NULL;
        while ((file = tail_next(w.ship->inputs[0]->tail, &at)) != NULL)
            assert_int_equal(strspn(file->id, "0123456789abcdef"), strlen(file->id));
        ack(&w);
        restart_gives(&w, "");
        append(&w, "/d/x.log", "d\n");
        restart_gives(&w, "d|");
        world_deinit(&w);
    }
}

/* Which of the inputs an entry of `log` goes to: how many files each of them has. */
static void whose_it_is(struct test *t)
{
#define XY     "{type: log, paths: /d/x.log}, {type: log, paths: /d/y.log}"
#define EITHER "{type: log, paths: '/d/*', exclude_files: y}, {type: log, paths: /d/y.log}"
    static const struct {
        const char *inputs, *source, *want;
    } rows[] = {
        {XY, "/d/x.log", "10"},
        {XY, "/d/y.log", "01"},
        {XY, "/d/x.log.1", "10"}, /* rotated: the first one that looks into the folder */
        {XY, "/e/x.log", "00"},
        {XY, "d/x.log", "00"},
        {XY, "/d/sub/x.log", "00"},
        {EITHER, "/d/x.log", "10"},
        {EITHER, "/d/y.log", "01"},
        {"{type: log, paths: /e/x}, {type: log, paths: '/d/**/x'}", "/d/a/b/z", "01"},
        {"{type: log, paths: /e/x}, {type: log, paths: /d/*/x}", "/d/a/b/z", "00"},
        {"{type: filestream, paths: /d/x.log}, {type: log, paths: /d/x.log}", "/d/x.log", "01"},
        {"{type: log, paths: /d/x.log, enabled: false}, {type: log, paths: /d/z}", "/d/x.log",
         "1"}, /* by the folder */
        {"{type: log, paths: /d/x.log, file_identity: path}", "/d/x.log", "0"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        char got[3] = "";
        world_init(&w, t, rows[i].inputs);
        plant(&w, STR("filebeat::logs::native::7-8"),
              arena_printf(t->mem, "{\"source\":\"%s\",\"offset\":2}", rows[i].source));
        start(&w);
        for (size_t k = 0; k < w.ship->input_count; k++)
            got[k] = (char)('0' + tail_file_count(w.ship->inputs[k]->tail));
        assert_str_eq(
            arena_printf(t->mem, "%s %s: %s", rows[i].inputs, rows[i].source, got),
            arena_printf(t->mem, "%s %s: %s", rows[i].inputs, rows[i].source, rows[i].want).p);
        world_deinit(&w);
    }
}

/* Whatever a file is: what was saved of it is restored. */
static void what_is_saved_is_restored(struct test *t)
{
    static const uint64_t ends[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    static const char *const inputs[] = {LOG_D, "{type: filestream, id: 'a b', paths: /d/*.log}",
                                         "{type: filestream, paths: /d/*.log}"};
    for (size_t i = 0; i < 3 * ARRAY_COUNT(ends) * ARRAY_COUNT(ends); i++) {
        struct world w;
        size_t at = 0;
        world_init(&w, t, inputs[i % 3]);
        start(&w);
        struct tail_file file = {.path = STR("/d/\"k\\o\xed\x95\x9c.log"),
                                 .inode = ends[i / 3 % ARRAY_COUNT(ends)],
                                 .device = ends[i / 3 / ARRAY_COUNT(ends)],
                                 .acked_off = ends[i % ARRAY_COUNT(ends)],
                                 .generation = rng_u64(&t->rng),
                                 .id = "fedcba98765432100123",
                                 .print_len = (uint32_t)(i % (TAIL_FINGERPRINT_BYTES + 1)),
                                 .print_hash = rng_u64(&t->rng),
                                 .updated_ns = (int64_t)(rng_u64(&t->rng) >> 1)};
        ship__input_save(w.ship->inputs[0], &file);
        assert_ok(registry_flush(w.ship->registry, &t->err), &t->err);
        stop(&w);
        start(&w);
        const struct tail_file *got = tail_next(w.ship->inputs[0]->tail, &at);
        assert_non_null(got);
        assert_strs_eq(got->path, file.path);
        assert_true(got->inode == file.inode && got->device == file.device);
        assert_true(got->acked_off == file.acked_off && got->off == file.acked_off);
        assert_true(got->generation == file.generation && got->print_hash == file.print_hash);
        assert_string_equal(got->id, file.id);
        assert_int_equal(got->print_len, file.print_len);
        assert_int_equal(got->updated_ns / NS_PER_S, file.updated_ns / NS_PER_S);
        world_deinit(&w);
    }
}

/* Forgotten for good, and whoever comes to the same place is somebody else. */
static void forgetting(struct test *t)
{
    static const struct {
        const char *input;
        bool is_removed;
        int seconds;
        bool is_there;
    } rows[] = {
        {LOG_D, false, 1000000, true},
        {LOG_D, true, 20, false},
        {"{type: log, paths: /d/x.log, clean_removed: false}", true, 20, true},
        {"{type: log, paths: /d/x.log, ignore_older: 1m, clean_inactive: 10m, close_inactive: 1s}",
         false, 500, true},
        {"{type: log, paths: /d/x.log, ignore_older: 1m, clean_inactive: 10m, close_inactive: 1s}",
         false, 700, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        world_init(&w, t, rows[i].input);
        clock_fake_init(&w.clock, NS_PER_S); /* when the files in memory were written */
        append(&w, "/d/x.log", "one\n");
        struct str key = filled(&w, "filebeat::logs::@");
        start(&w);
        gives(&w, "one|");
        if (rows[i].is_removed)
            assert_ok(vfs_remove(w.fs, STR("/d/x.log"), &t->err), &t->err);
        gives(&w, "");
        clock_fake_advance(&w.clock, rows[i].seconds * NS_PER_S);
        gives(&w, "");
        struct str generation = registry_get(w.ship->registry, STR("naru::generation"));
        assert_int_equal(registry_get(w.ship->registry, key).p != NULL, rows[i].is_there);
        assert_int_equal(generation.p != NULL, !rows[i].is_there);
        if (!rows[i].is_there)
            assert_str_eq(generation, "{\"generation\":1}");
        gives(&w, "");
        restart_gives(&w, ""); /* too old to be read anew, or gone */
        world_deinit(&w);
    }
}

TEST_MAIN(TEST(what_is_written), TEST(where_it_goes_on), TEST(what_is_not_acknowledged_comes_again),
          TEST(entries_of_others), TEST(whose_it_is), TEST(what_is_saved_is_restored),
          TEST(forgetting))
