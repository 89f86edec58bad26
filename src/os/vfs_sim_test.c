/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_sim_test.c: each rule of the crash model, over many seeds: what must hold holds in all of
 * them, and what may happen does happen in some, since a simulation that never loses anything would
 * prove nothing. */
#include "support/test.h"

#include "base/bits.h"
#include "os/vfs.h"

#define SEEDS 300u

static void put(struct test *t, struct vfs *fs, const char *path, uint64_t off, struct str s,
                bool syncs)
{
    struct vfs_file *file = NULL;
    assert_ok(vfs_open(fs, str_from(path), VFS_WRITE | VFS_CREATE, &file, &t->err), &t->err);
    assert_ok(vfs_write_at(file, off, s.p, s.n, &t->err), &t->err);
    if (syncs)
        assert_ok(vfs_sync(file, &t->err), &t->err);
    vfs_close(file);
}

static struct str filled(struct test *t, char c, size_t n)
{
    char *p = arena_alloc(t->mem, n);
    memset(p, c, n);
    return (struct str){p, n};
}

static void sync_root(struct test *t, struct vfs *fs)
{
    assert_ok(vfs_sync_dir(fs, STR("/"), &t->err), &t->err);
}

static bool is_there(struct vfs *fs, const char *path)
{
    struct vfs_stat st;
    return vfs_stat(fs, str_from(path), true, &st, NULL) == 0;
}

static struct str content(struct test *t, struct vfs *fs, const char *path)
{
    struct str s = STR_NONE;
    assert_ok(vfs_read_file(fs, str_from(path), 1 << 20, t->mem, &s, &t->err), &t->err);
    return s;
}

/* Counts what was seen over the seeds. */
struct seen {
    unsigned none, all, mixed;
};

static void what_is_synced_survives(struct test *t)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        assert_ok(vfs_make_dir(fs, STR("d/e"), &t->err), &t->err);
        struct str s = filled(t, 'x', 5000);
        put(t, fs, "d/e/f", 0, s, true);
        assert_ok(vfs_sync_dir(fs, STR("d/e"), &t->err), &t->err);
        put(t, fs, "d/e/other", 0, s, false);
        vfs_sim_crash(fs, seed);
        assert_strs_eq(content(t, fs, "d/e/f"), s);
        vfs_sim_crash(fs, seed + 1);
        assert_strs_eq(content(t, fs, "d/e/f"), s);
        vfs_sim_free(fs);
    }
}

static void unsynced_writes_are_kept_dropped_or_torn_by_sector(struct test *t)
{
    enum { SIZE = 4096 };
    struct seen seen = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, filled(t, 'o', SIZE), true);
        sync_root(t, fs);
        put(t, fs, "f", 0, filled(t, 'n', SIZE), false);
        assert_strs_eq(content(t, fs, "f"), filled(t, 'n', SIZE)); /* the live state has it */
        vfs_sim_crash(fs, seed);
        struct str s = content(t, fs, "f");
        assert_int_equal(s.n, SIZE);
        unsigned new_count = 0;
        for (size_t at = 0; at < SIZE; at += 512) {
            assert_true(s.p[at] == 'o' || s.p[at] == 'n');
            for (size_t i = 0; i < 512; i++)
                assert_int_equal(s.p[at + i], s.p[at]); /* a sector is whole */
            new_count += s.p[at] == 'n';
        }
        seen.none += new_count == 0;
        seen.all += new_count == SIZE / 512;
        seen.mixed += new_count > 0 && new_count < SIZE / 512;
        vfs_sim_free(fs);
    }
    assert_true(seen.none > 0 && seen.all > 0 && seen.mixed > 0);
}

static void writes_to_one_sector_keep_their_order(struct test *t)
{
    bool seen[4] = {false};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, STR("0000"), true);
        sync_root(t, fs);
        put(t, fs, "f", 0, STR("1"), false);
        put(t, fs, "f", 1, STR("2"), false);
        put(t, fs, "f", 2, STR("3"), false);
        vfs_sim_crash(fs, seed);
        struct str s = content(t, fs, "f");
        static const char *const prefixes[] = {"0000", "1000", "1200", "1230"};
        size_t i = 0;
        while (i < 4 && !str_eq(s, str_from(prefixes[i])))
            i++;
        assert_in_range(i, 0, 3);
        seen[i] = true;
        vfs_sim_free(fs);
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

static void writes_to_different_sectors_are_reordered(struct test *t)
{
    unsigned only_second = 0, only_first = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, filled(t, '0', 2048), true);
        sync_root(t, fs);
        put(t, fs, "f", 0, STR("1"), false);
        put(t, fs, "f", 1024, STR("2"), false);
        vfs_sim_crash(fs, seed);
        struct str s = content(t, fs, "f");
        only_second += s.p[0] == '0' && s.p[1024] == '2';
        only_first += s.p[0] == '1' && s.p[1024] == '0';
        vfs_sim_free(fs);
    }
    assert_true(only_second > 0 && only_first > 0);
}

static void an_unsynced_size_comes_with_zeros_or_not_at_all(struct test *t)
{
    struct seen size = {0};
    unsigned zeros = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, STR("head"), true);
        sync_root(t, fs);
        put(t, fs, "f", 4, filled(t, 'x', 2000), false);
        vfs_sim_crash(fs, seed);
        struct str s = content(t, fs, "f");
        assert_true(s.n == 4 || s.n == 2004);
        assert_memory_equal(s.p, "head", 4); /* the synced part of a torn sector */
        size.none += s.n == 4;
        size.all += s.n == 2004;
        for (size_t i = 4; i < s.n; i++) {
            assert_true(s.p[i] == 'x' || s.p[i] == '\0');
            zeros += s.p[i] == '\0';
        }
        vfs_sim_free(fs);
    }
    assert_true(size.none > 0 && size.all > 0 && zeros > 0);
}

static void an_unsynced_truncation_may_not_have_happened(struct test *t)
{
    unsigned longer = 0, shorter = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, filled(t, 'x', 1500), true);
        sync_root(t, fs);
        struct vfs_file *file = NULL;
        assert_ok(vfs_open(fs, STR("f"), VFS_WRITE, &file, &t->err), &t->err);
        assert_ok(vfs_truncate(file, 700, &t->err), &t->err);
        vfs_close(file);
        vfs_sim_crash(fs, seed);
        struct str s = content(t, fs, "f");
        assert_true(s.n == 700 || s.n == 1500);
        assert_strs_eq(str_sub(s, 0, 700), filled(t, 'x', 700));
        longer += s.n == 1500;
        shorter += s.n == 700;
        vfs_sim_free(fs);
    }
    assert_true(longer > 0 && shorter > 0);
}

static void a_new_name_needs_the_sync_of_its_folder(struct test *t)
{
    struct seen seen = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, STR("synced"), true); /* the content only */
        vfs_sim_crash(fs, seed);
        if (is_there(fs, "f"))
            assert_str_eq(content(t, fs, "f"), "synced");
        seen.all += is_there(fs, "f");
        seen.none += !is_there(fs, "f");
        vfs_sim_free(fs);
    }
    assert_true(seen.all > 0 && seen.none > 0);
}

static void a_removal_may_come_back(struct test *t)
{
    struct seen seen = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, STR("1"), true);
        put(t, fs, "g", 0, STR("2"), true);
        sync_root(t, fs);
        assert_ok(vfs_remove(fs, STR("f"), &t->err), &t->err);
        assert_ok(vfs_remove(fs, STR("g"), &t->err), &t->err);
        vfs_sim_crash(fs, seed);
        unsigned left = (unsigned)is_there(fs, "f") + (unsigned)is_there(fs, "g");
        seen.none += left == 0;
        seen.mixed += left == 1;
        seen.all += left == 2;
        if (is_there(fs, "g"))
            assert_str_eq(content(t, fs, "g"), "2");
        vfs_sim_free(fs);
    }
    assert_true(seen.all > 0 && seen.none > 0 && seen.mixed > 0);
}

static void a_rename_is_atomic_and_may_be_lost(struct test *t)
{
    unsigned kept = 0, lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        assert_ok(vfs_make_dir(fs, STR("a"), &t->err), &t->err);
        assert_ok(vfs_make_dir(fs, STR("b"), &t->err), &t->err);
        put(t, fs, "a/f", 0, STR("one"), true);
        put(t, fs, "b/g", 0, STR("two"), true);
        assert_ok(vfs_sync_dir(fs, STR("a"), &t->err), &t->err);
        assert_ok(vfs_sync_dir(fs, STR("b"), &t->err), &t->err);
        assert_ok(vfs_rename(fs, STR("a/f"), STR("b/g"), &t->err), &t->err);
        bool syncs = seed % 2 == 0;
        if (syncs) /* either folder's sync makes all of it durable */
            assert_ok(vfs_sync_dir(fs, seed % 4 == 0 ? STR("a") : STR("b"), &t->err), &t->err);
        vfs_sim_crash(fs, seed);
        bool is_renamed = !is_there(fs, "a/f");
        assert_str_eq(content(t, fs, "b/g"), is_renamed ? "one" : "two");
        if (!is_renamed)
            assert_str_eq(content(t, fs, "a/f"), "one");
        assert_true(is_renamed || !syncs);
        kept += is_renamed && !syncs;
        lost += !is_renamed;
        vfs_sim_free(fs);
    }
    assert_true(kept > 0 && lost > 0);
}

static void a_folder_sync_brings_what_it_builds_on(struct test *t)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        assert_ok(vfs_make_dir(fs, STR("a"), &t->err), &t->err);
        assert_ok(vfs_make_dir(fs, STR("b"), &t->err), &t->err);
        put(t, fs, "a/new", 0, STR("text"), true);
        put(t, fs, "a/unrelated", 0, STR("x"), true);
        assert_ok(vfs_rename(fs, STR("a/new"), STR("b/new"), &t->err), &t->err);
        assert_ok(vfs_sync_dir(fs, STR("b"), &t->err), &t->err);
        vfs_sim_crash(fs, seed);
        assert_str_eq(content(t, fs, "b/new"), "text");
        assert_false(is_there(fs, "a/new"));
        vfs_sim_free(fs);
    }
}

/* Folders moved into each other, in both directions: no crash state is a knot, and nothing leaks.
 */
static void moved_folders_stay_a_tree(struct test *t)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        assert_ok(vfs_make_dir(fs, STR("a/b"), &t->err), &t->err);
        put(t, fs, "a/b/f", 0, STR("f"), true);
        assert_ok(vfs_sync_dir(fs, STR("a/b"), &t->err), &t->err);
        assert_ok(vfs_rename(fs, STR("a/b"), STR("b"), &t->err), &t->err);
        assert_ok(vfs_rename(fs, STR("a"), STR("b/a"), &t->err), &t->err);
        assert_ok(vfs_rename(fs, STR("b/a"), STR("a"), &t->err), &t->err);
        assert_ok(vfs_rename(fs, STR("b"), STR("a/c"), &t->err), &t->err);
        if (seed % 3 == 0)
            vfs_sim_crash(fs, seed);
        if (seed % 3 != 2)
            vfs_sim_crash(fs, seed + 1);
        unsigned places = (unsigned)is_there(fs, "a/b/f") + (unsigned)is_there(fs, "b/f") +
                          (unsigned)is_there(fs, "a/c/f");
        assert_int_equal(places, 1);
        vfs_sim_free(fs);
    }
}

static void open_files_die_in_a_crash(struct test *t)
{
    struct vfs *fs = vfs_sim_new(t->seed);
    struct vfs_file *file = NULL;
    assert_ok(vfs_open(fs, STR("f"), VFS_READ | VFS_WRITE | VFS_CREATE, &file, &t->err), &t->err);
    assert_ok(vfs_lock(file, &t->err), &t->err);
    assert_ok(vfs_sync(file, &t->err), &t->err);
    sync_root(t, fs);
    vfs_sim_crash(fs, 1);
    char c;
    size_t n;
    const void *p;
    struct vfs_stat st;
    assert_err(vfs_read_at(file, 0, &c, 1, &n, &t->err), &t->err, ERR_IO);
    assert_err(vfs_write_at(file, 0, "x", 1, &t->err), &t->err, ERR_IO);
    assert_err(vfs_sync(file, &t->err), &t->err, ERR_IO);
    assert_err(vfs_truncate(file, 0, &t->err), &t->err, ERR_IO);
    assert_err(vfs_map(file, 0, &p, &t->err), &t->err, ERR_IO);
    assert_err(vfs_file_stat(file, &st, &t->err), &t->err, ERR_IO);
    struct vfs_file *again = NULL;
    assert_ok(vfs_open(fs, STR("f"), VFS_WRITE, &again, &t->err), &t->err);
    assert_ok(vfs_lock(again, &t->err), &t->err); /* the dead process's lock is gone */
    vfs_close(file);                              /* and its end does not release the new one */
    struct vfs_file *third = NULL;
    assert_ok(vfs_open(fs, STR("f"), VFS_WRITE, &third, &t->err), &t->err);
    assert_err(vfs_lock(third, &t->err), &t->err, ERR_LOCKED);
    vfs_close(third);
    vfs_close(again);
    vfs_sim_free(fs);
}

static void from_the_nth_step_on_every_call_fails(struct test *t)
{
    struct vfs *fs = vfs_sim_new(t->seed);
    put(t, fs, "f", 0, STR("1"), true);
    sync_root(t, fs);
    assert_int_equal(vfs_sim_steps(fs), 4); /* create, write, sync, sync_dir */
    vfs_sim_crash_at(fs, 6);
    struct vfs_file *file = NULL;
    assert_ok(vfs_open(fs, STR("f"), VFS_READ | VFS_WRITE, &file, &t->err), &t->err); /* no step */
    assert_ok(vfs_write_at(file, 0, "2", 1, &t->err), &t->err);
    assert_err(vfs_sync(file, &t->err), &t->err, ERR_IO);
    assert_err_has(&t->err, "the power is off");
    char c;
    size_t n;
    assert_err(vfs_read_at(file, 0, &c, 1, &n, &t->err), &t->err, ERR_IO);
    struct vfs_entry *entries;
    size_t count;
    assert_err(vfs_list(fs, STR("/"), t->mem, &entries, &count, &t->err), &t->err, ERR_IO);
    vfs_close(file);
    vfs_sim_crash(fs, 7);
    struct str s = content(t, fs, "f"); /* the power is on again */
    assert_true(str_is(s, "1") || str_is(s, "2"));
    assert_int_equal(vfs_sim_steps(fs), 6);
    vfs_sim_free(fs);
}

static void the_call_under_way_may_have_its_effect(struct test *t)
{
    struct seen seen = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct vfs *fs = vfs_sim_new(t->seed);
        put(t, fs, "f", 0, STR("1"), true);
        sync_root(t, fs);
        vfs_sim_crash_at(fs, vfs_sim_steps(fs) + 1);
        assert_err(vfs_rename(fs, STR("f"), STR("g"), &t->err), &t->err, ERR_IO);
        vfs_sim_crash(fs, seed);
        assert_true(is_there(fs, "f") != is_there(fs, "g"));
        seen.all += is_there(fs, "g");
        seen.none += is_there(fs, "f");
        vfs_sim_free(fs);
    }
    assert_true(seen.all > 0 && seen.none > 0);
}

static void vfs_write_file_is_atomic_and_durable(struct test *t)
{
    for (uint64_t step = 1; step <= 7; step++) {
        for (uint64_t seed = 0; seed < SEEDS / 3; seed++) {
            struct vfs *fs = vfs_sim_new(t->seed);
            struct str old_text = filled(t, 'o', 1300), new_text = filled(t, 'n', 2000);
            assert_ok(vfs_write_file(fs, STR("f"), old_text, &t->err), &t->err);
            vfs_sim_crash_at(fs, vfs_sim_steps(fs) + step);
            int rc = vfs_write_file(fs, STR("f"), new_text, &t->err);
            assert_int_equal(rc == 0, step > 5); /* create, write, sync, rename, sync_dir */
            vfs_sim_crash(fs, seed);
            struct str s = content(t, fs, "f");
            if (rc == 0 || s.n == new_text.n)
                assert_strs_eq(s, new_text);
            else
                assert_strs_eq(s, old_text);
            vfs_sim_free(fs);
        }
    }
}

/* The same operations and seeds give the same state, so a failure can be repeated. */
static void a_seed_repeats_exactly(struct test *t)
{
    struct str results[2];
    for (size_t run = 0; run < 2; run++) {
        struct rng rng;
        rng_init(&rng, t->seed);
        struct vfs *fs = vfs_sim_new(t->seed);
        for (unsigned i = 0; i < 200; i++) {
            char path[] = {(char)('a' + rng_below(&rng, 5)), '\0'};
            put(t, fs, path, rng_below(&rng, 5000), STR("some bytes"), rng_below(&rng, 3) == 0);
        }
        vfs_sim_crash(fs, 5);
        results[run] = STR("");
        for (char c = 'a'; c <= 'e'; c++) {
            char path[] = {c, '\0'};
            struct str s = is_there(fs, path) ? content(t, fs, path) : STR("-");
            results[run] = arena_printf(t->mem, "%.*s%016llx ", STR_ARG(results[run]),
                                        (unsigned long long)hash_str(s));
        }
        vfs_sim_free(fs);
    }
    assert_strs_eq(results[0], results[1]);
}

/* A small log as a client would write it: number and check sum per record, some synced. After a
 * crash at any step the records that were acknowledged are there, in order, and what follows is a
 * prefix of what was written. */
enum { RECORD_BYTES = 100, RECORDS = 60 };

static void record_make(uint32_t number, uint8_t *record)
{
    memset(record, (int)(number & 0xFF), RECORD_BYTES);
    put_u32_le(record, number);
    put_u32_le(record + RECORD_BYTES - 4, crc32c(0, record, RECORD_BYTES - 4));
}

/* Returns how many records were acknowledged before the power went. */
static uint32_t log_write(struct test *t, struct vfs *fs)
{
    uint32_t acknowledged = 0;
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    if (vfs_open(fs, STR("log"), VFS_WRITE | VFS_CREATE, &file, NULL) < 0 ||
        vfs_sync_dir(fs, STR("/"), NULL) < 0)
        return 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint8_t record[RECORD_BYTES];
        record_make(i, record);
        if (vfs_write_at(file, (uint64_t)i * RECORD_BYTES, record, RECORD_BYTES, NULL) < 0)
            return acknowledged;
        if (rng_below(&t->rng, 4) == 0) {
            if (vfs_sync(file, NULL) < 0)
                return acknowledged;
            acknowledged = i + 1;
        }
    }
    return acknowledged;
}

static uint32_t log_read(struct test *t, struct vfs *fs)
{
    if (!is_there(fs, "log"))
        return 0;
    struct str s = content(t, fs, "log");
    uint32_t n = 0;
    for (; (n + 1) * RECORD_BYTES <= s.n; n++) {
        uint8_t record[RECORD_BYTES];
        record_make(n, record);
        if (memcmp(record, s.p + (size_t)n * RECORD_BYTES, RECORD_BYTES) != 0)
            break;
    }
    return n;
}

static void a_log_keeps_what_it_acknowledged(struct test *t)
{
    unsigned more = 0;
    for (uint64_t step = 1; step < RECORDS + 30; step++) {
        for (uint64_t seed = 0; seed < 10; seed++) {
            struct vfs *fs = vfs_sim_new(t->seed + seed);
            vfs_sim_crash_at(fs, step);
            uint32_t acknowledged = log_write(t, fs);
            vfs_sim_crash(fs, seed);
            uint32_t found = log_read(t, fs);
            assert_in_range(found, acknowledged, RECORDS);
            more += found > acknowledged;
            vfs_sim_free(fs);
        }
    }
    assert_true(more > 0);
}

/* Random calls against a small model of what must hold: a name that did not change since its
 * folder's sync is there after a crash (or is not), and a file without writes since its sync has
 * its content. */
enum { FOLDERS = 2, NAMES = 4, FILE_BYTES = 1500 };

struct model_file {
    char bytes[FILE_BYTES];
    bool is_synced;
};

struct model {
    struct test *t;
    struct vfs *fs;
    struct model_file *names[FOLDERS][NAMES]; /* NULL: no such file */
    bool is_settled[FOLDERS][NAMES];
};

static struct str name_path(struct model *m, size_t folder, size_t name)
{
    return arena_printf(m->t->mem, "d%zu/n%zu", folder, name);
}

static void model_write(struct model *m, size_t folder, size_t name)
{
    struct model_file **file = &m->names[folder][name];
    if (!*file) {
        *file = ARENA_NEW(m->t->mem, struct model_file);
        m->is_settled[folder][name] = false;
    }
    size_t off = rng_below(&m->t->rng, FILE_BYTES), n = 1 + rng_below(&m->t->rng, FILE_BYTES - off);
    memset((*file)->bytes + off, (int)('a' + rng_below(&m->t->rng, 26)), n);
    (*file)->is_synced = rng_below(&m->t->rng, 2) == 0;
    /* The whole file each time: its size is then always the same. */
    put(m->t, m->fs, name_path(m, folder, name).p, 0, (struct str){(*file)->bytes, FILE_BYTES},
        (*file)->is_synced);
}

static void model_remove(struct model *m, size_t folder, size_t name)
{
    if (!m->names[folder][name])
        return;
    assert_ok(vfs_remove(m->fs, name_path(m, folder, name), &m->t->err), &m->t->err);
    m->names[folder][name] = NULL;
    m->is_settled[folder][name] = false;
}

static void model_rename(struct model *m, size_t folder, size_t name)
{
    size_t to_folder = rng_below(&m->t->rng, FOLDERS), to_name = rng_below(&m->t->rng, NAMES);
    struct model_file *file = m->names[folder][name];
    if (!file || (folder == to_folder && name == to_name))
        return;
    assert_ok(
        vfs_rename(m->fs, name_path(m, folder, name), name_path(m, to_folder, to_name), &m->t->err),
        &m->t->err);
    m->names[folder][name] = NULL;
    m->names[to_folder][to_name] = file;
    m->is_settled[folder][name] = m->is_settled[to_folder][to_name] = false;
}

static void model_sync_dir(struct model *m, size_t folder)
{
    struct str path = arena_printf(m->t->mem, "d%zu", folder);
    assert_ok(vfs_sync_dir(m->fs, path, &m->t->err), &m->t->err);
    for (size_t name = 0; name < NAMES; name++)
        m->is_settled[folder][name] = true;
}

/* Checks what must hold, and takes over what is there now: it is all durable. */
static void model_check_after_crash(struct model *m)
{
    for (size_t i = 0; i < FOLDERS * NAMES; i++) {
        size_t folder = i / NAMES, name = i % NAMES;
        struct model_file *file = m->names[folder][name];
        bool was_settled = m->is_settled[folder][name];
        struct str path = name_path(m, folder, name);
        bool is_here = is_there(m->fs, path.p);
        if (was_settled)
            assert_int_equal(is_here, file != NULL);
        struct str s = is_here ? content(m->t, m->fs, path.p) : STR_NONE;
        if (was_settled && file && file->is_synced)
            assert_strs_eq(s, ((struct str){file->bytes, FILE_BYTES}));
        m->names[folder][name] = NULL;
        m->is_settled[folder][name] = true;
        if (!is_here)
            continue;
        file = m->names[folder][name] = ARENA_NEW(m->t->mem, struct model_file);
        if (s.n > 0)
            memcpy(file->bytes, s.p, s.n);
        file->is_synced = s.n == FILE_BYTES; /* a shorter one is checked again once written anew */
    }
}

static void what_must_hold_holds_after_any_calls(struct test *t)
{
    for (unsigned round = 0; round < 60; round++) {
        arena_reset(t->mem);
        struct model m = {.t = t, .fs = vfs_sim_new(t->seed + round)};
        assert_ok(vfs_make_dir(m.fs, STR("d0"), &t->err), &t->err);
        assert_ok(vfs_make_dir(m.fs, STR("d1"), &t->err), &t->err);
        for (unsigned step = 0; step < 120; step++) {
            size_t folder = rng_below(&t->rng, FOLDERS), name = rng_below(&t->rng, NAMES);
            switch (rng_below(&t->rng, 12)) {
            case 0:
                vfs_sim_crash(m.fs, rng_u64(&t->rng));
                model_check_after_crash(&m);
                break;
            case 1:
                model_remove(&m, folder, name);
                break;
            case 2:
            case 3:
                model_sync_dir(&m, folder);
                break;
            case 4:
            case 5:
            case 6:
                model_rename(&m, folder, name);
                break;
            default:
                model_write(&m, folder, name);
                break;
            }
        }
        vfs_sim_free(m.fs);
    }
}

TEST_MAIN(TEST(what_is_synced_survives), TEST(unsynced_writes_are_kept_dropped_or_torn_by_sector),
          TEST(writes_to_one_sector_keep_their_order),
          TEST(writes_to_different_sectors_are_reordered),
          TEST(an_unsynced_size_comes_with_zeros_or_not_at_all),
          TEST(an_unsynced_truncation_may_not_have_happened),
          TEST(a_new_name_needs_the_sync_of_its_folder), TEST(a_removal_may_come_back),
          TEST(a_rename_is_atomic_and_may_be_lost), TEST(a_folder_sync_brings_what_it_builds_on),
          TEST(moved_folders_stay_a_tree), TEST(open_files_die_in_a_crash),
          TEST(from_the_nth_step_on_every_call_fails), TEST(the_call_under_way_may_have_its_effect),
          TEST(vfs_write_file_is_atomic_and_durable), TEST(a_seed_repeats_exactly),
          TEST(a_log_keeps_what_it_acknowledged), TEST(what_must_hold_holds_after_any_calls))
