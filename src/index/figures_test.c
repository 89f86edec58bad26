/* SPDX-License-Identifier: Apache-2.0 */
/* figures_test.c: what the engine says of itself is what lies in its folder and what was asked of
 * it; segments are described as searches see them. */
#include "index/figures.h"
#include "support/store.h"

/* Bytes of the files in a folder, of those whose names end so. */
static uint64_t bytes_in(struct store *s, struct str dir, const char *ending)
{
    struct test *t = s->t;
    struct vfs_entry *entries;
    size_t count;
    uint64_t bytes = 0;
    assert_ok(vfs_list(s->fs, dir, t->mem, &entries, &count, &t->err), &t->err);
    for (size_t i = 0; i < count; i++) {
        struct vfs_stat st;
        if (!str_ends_with(entries[i].name, str_from(ending)))
            continue;
        struct str path = path_join(t->mem, dir, entries[i].name);
        assert_ok(vfs_stat(s->fs, path, true, &st, &t->err), &t->err);
        bytes += st.size_bytes;
    }
    return bytes;
}

static struct engine_figures figures_of(struct store *s)
{
    struct engine_figures f;
    engine_figures(s->engine, &f);
    return f;
}

static void metrics_are_added_one_by_one(struct test *t)
{
    enum { COUNT = sizeof(struct index_metrics) / sizeof(struct metric) };
    struct index_metrics sum = {0};
    struct metric *sums = (struct metric *)&sum;
    uint64_t want[COUNT] = {0};
    for (int round = 0; round < 10; round++) {
        struct index_metrics one;
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t v = rng_u64(&t->rng) >> rng_below(&t->rng, 64);
            metric_set(&((struct metric *)&one)[i], v);
            want[i] += v;
        }
        index_metrics_add(&sum, &one);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_true(metric_get(&sums[i]) == want[i]);
}

static void budgets_are_those_of_the_configuration(struct test *t)
{
    static const struct {
        size_t memory, request, lanes;
        uint64_t filters;
        bool has_no_filters;
        struct engine_figures want;
    } rows[] = {
        {0,
         0,
         3,
         0,
         false,
         {.memory_bytes_max = 256 * MIB,
          .request_bytes_max = 100 * MIB,
          .lane_count = 3,
          .filter_bytes_max = 16 * MIB}},
        {MIB,
         1000,
         64,
         5 * MIB,
         false,
         {.memory_bytes_max = MIB,
          .request_bytes_max = 1000,
          .lane_count = 64,
          .filter_bytes_max = 5 * MIB}},
        {MIB,
         1,
         65,
         5 * MIB,
         true,
         {.memory_bytes_max = MIB, .request_bytes_max = 1, .lane_count = LANES_MAX}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct engine_figures *want = &rows[i].want;
        struct store s;
        store_init(&s, t);
        s.config.memory_bytes_max = rows[i].memory;
        s.config.request_bytes_max = rows[i].request;
        s.config.lane_count = rows[i].lanes;
        s.config.filter_cache_bytes = rows[i].filters;
        s.config.has_no_filter_cache = rows[i].has_no_filters;
        store_open(&s);
        struct engine_figures f = figures_of(&s);
        assert_int_equal(f.memory_bytes_max, want->memory_bytes_max);
        assert_int_equal(f.request_bytes_max, want->request_bytes_max);
        assert_int_equal(f.lane_count, want->lane_count);
        assert_int_equal(f.filter_bytes_max, want->filter_bytes_max);
        assert_int_equal(f.memory_bytes + f.flight_bytes + f.filter_bytes + f.index_count, 0);
        assert_str_eq(f.path, "data");
        store_deinit(&s);
    }
}

static void memory_and_log_are_counted(struct test *t)
{
    static const char *const names[] = {"a", "b", "c"};
    struct store s;
    uint64_t written_before, written;
    store_init(&s, t);
    s.config.wal_file_bytes_max = 2000;
    store_open(&s);
    uint64_t syncs = metric_get(&engine_log_syncs(s.engine, &written)->count);
    for (uint32_t i = 0; i < 60; i++) {
        struct engine_figures before = figures_of(&s);
        bool is_new = i < ARRAY_COUNT(names);
        (void)engine_log_syncs(s.engine, &written_before);
        (void)store_put(&s, names[i % 3], arena_printf(t->mem, "%u", i), STR("{\"x\":[1,2,3]}"));
        syncs++;
        struct engine_figures f = figures_of(&s);
        uint64_t memory = 0;
        for (size_t k = 0; k < f.index_count; k++) {
            struct index_stats stats;
            assert_ok(engine_index_stats(s.engine, str_from(names[k]), t->mem, &stats, &t->err),
                      &t->err);
            memory += stats.memory_bytes;
        }
        assert_int_equal(f.index_count, before.index_count + is_new);
        assert_int_equal(f.memory_bytes, memory);
        assert_int_equal(f.flight_bytes, 0);
        assert_int_equal(f.log_bytes, bytes_in(&s, STR("data/wal"), ".log"));
        const struct metric_times *times = engine_log_syncs(s.engine, &written);
        assert_true(metric_get(&times->count) >= syncs); /* an index that is made syncs too */
        uint64_t grown = f.log_bytes - before.log_bytes;
        assert_in_range(grown - (written - written_before), 0, 64); /* heads of new files */
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        assert_ok(engine_flush(s.engine, str_from(names[i]), &t->err), &t->err);
    assert_int_equal(figures_of(&s).memory_bytes, 0);
    assert_int_equal(figures_of(&s).log_bytes, bytes_in(&s, STR("data/wal"), ".log"));
    assert_ok(engine_index_delete(s.engine, STR("b"), &t->err), &t->err);
    assert_int_equal(figures_of(&s).index_count, 2);
    store_deinit(&s);
}

static struct segment_info *segments_of(struct store *s, size_t want_count)
{
    struct segment_info *all;
    size_t count;
    assert_ok(engine_segments(s->engine, STR("i"), s->t->mem, &all, &count, &s->t->err),
              &s->t->err);
    assert_int_equal(count, want_count);
    return all;
}

static void is_described(const struct segment_info *info, const char *name, uint64_t docs,
                         uint64_t deleted)
{
    assert_str_eq(info->name, name);
    assert_int_equal(info->doc_count, docs);
    assert_int_equal(info->deleted_count, deleted);
    assert_int_equal(info->is_committed, info->number != 0);
    assert_true(info->is_searchable);
}

/* A delete counts when searches see it. */
static void segments_are_as_searches_see_them(struct test *t)
{
    struct store s;
    store_begin(&s, t);
    (void)segments_of(&s, 0);
    for (uint32_t i = 0; i < 5; i++)
        (void)store_put(&s, "i", arena_printf(t->mem, "%u", i), STR("{\"x\":1}"));
    (void)segments_of(&s, 0);
    assert_ok(engine_flush(s.engine, STR("i"), &t->err), &t->err);
    is_described(&segments_of(&s, 1)[0], "_1", 5, 0);
    (void)store_put(&s, "i", STR("5"), STR("{\"x\":1}"));
    (void)store_write(&s, DOC_DELETE, "i", STR("3"), STR_NONE);
    is_described(&segments_of(&s, 1)[0], "_1", 5, 0);
    assert_ok(engine_refresh(s.engine, STR("i"), &t->err), &t->err);
    struct segment_info *all = segments_of(&s, 2);
    is_described(&all[0], "_1", 4, 1);
    is_described(&all[1], "_m1", 1, 0);
    assert_int_equal(all[0].bytes, bytes_in(&s, store_index(&s, "i")->path, ".seg"));
    /* The one that is no file is held whole. */
    assert_int_equal(all[1].memory_bytes, all[0].memory_bytes + all[1].bytes);
    /* Not yet in what searches see: its own live bits count. */
    struct index *index = store_index(&s, "i");
    struct view none = {.refs = 1}, *view = index->view;
    index->view = &none;
    all = segments_of(&s, 2);
    index->view = view;
    assert_false(all[0].is_searchable || all[1].is_searchable);
    assert_int_equal(all[0].doc_count, 4);
    assert_int_equal(all[0].deleted_count, 1);
    store_deinit(&s);
}

static void segments_are_named_by_their_files(struct test *t)
{
    static const struct {
        uint64_t number;
        const char *name;
    } rows[] = {{0, "_m0"},
                {1, "_1"},
                {9, "_9"},
                {10, "_a"},
                {35, "_z"},
                {36, "_10"},
                {86, "_2e"},
                {1295, "_zz"},
                {46655, "_zzz"},
                {46656, "_1000"},
                {UINT64_MAX, "_3w5e11264sgsf"}};
    struct store s;
    store_begin(&s, t);
    (void)store_put(&s, "i", STR("1"), STR("{}"));
    assert_ok(engine_refresh(s.engine, STR("i"), &t->err), &t->err);
    struct slot *slot = store_index(&s, "i")->set->slots[0];
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        slot->number = rows[i].number;
        is_described(&segments_of(&s, 1)[0], rows[i].name, 1, 0);
    }
    slot->number = 0;
    struct segment_info *all;
    size_t count;
    int rc = engine_segments(s.engine, STR("other"), t->mem, &all, &count, &t->err);
    assert_err(rc, &t->err, ERR_INDEX_NOT_FOUND);
    assert_err_has(&t->err, "no such index [other]");
    store_deinit(&s);
}

TEST_MAIN(TEST(metrics_are_added_one_by_one), TEST(budgets_are_those_of_the_configuration),
          TEST(memory_and_log_are_counted), TEST(segments_are_as_searches_see_them),
          TEST(segments_are_named_by_their_files))
