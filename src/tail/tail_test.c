/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "os/vfs.h"
#include "tail/acks.h"
#include "tail/tail.h"

/* A tail over a file system in memory; what it hands out is collected as "path@off text|". */
struct world {
    struct test *t;
    struct vfs *fs;
    struct clock_fake clock;
    struct tail *tail;
    struct tail_config config;
    struct str glob;
    struct buf got;
    struct buf ids;
    size_t lines_max; /* the sink is full behind it */
    size_t lines;
    uint64_t restarts; /* the store's counter */
    size_t keeps, forgets, flushes, errors;
    bool refuses_keep;
    bool shows_flags;
};

static bool on_line(void *owner, struct tail_file *file, const struct tail_line *line)
{
    struct world *w = owner;
    char id[TAIL_LINE_ID_LEN];
    if (w->lines == w->lines_max)
        return false;
    w->lines++;
    assert_int_equal(strlen(file->id), TAIL_ID_LEN);
    tail_line_id(file, line->off, id);
    buf_printf(&w->ids, "%.*s ", (int)sizeof(id), id);
    buf_printf(&w->got, "%.*s@%llu ", STR_ARG(path_name(file->path)),
               (unsigned long long)line->off);
    buf_add_str(&w->got, line->text);
    buf_add_str(&w->got, line->is_truncated ? STR("...|") : STR("|"));
    return true;
}
static int on_keep(void *owner, struct tail_file *file, struct err *err)
{
    struct world *w = owner;
    w->keeps++;
    assert_int_not_equal(file->id[0], 0);
    return w->refuses_keep ? err_set(err, ERR_DISK_FULL, "no room") : 0;
}
static uint64_t on_generation(void *owner, bool is_restart)
{
    struct world *w = owner;
    return is_restart ? ++w->restarts : w->restarts;
}
static void on_forget(void *owner, struct tail_file *file)
{
    struct world *w = owner;
    (void)file;
    w->forgets++;
    w->restarts++;
}
static bool on_flush(void *owner, struct tail_file *file, enum tail_close_reason reason)
{
    struct world *w = owner;
    (void)file;
    w->flushes++;
    if (w->shows_flags)
        buf_printf(&w->got, "<%s>", tail_close_reason_name(reason));
    return true;
}
static void on_report(void *owner, enum log_level level, const char *text)
{
    struct world *w = owner;
    if (level >= LOG_WARN) {
        w->errors++;
        buf_printf(&w->got, "!%s|", text);
    }
}
static const struct tail_sink sink = {.line = on_line,
                                      .keep = on_keep,
                                      .generation = on_generation,
                                      .forget = on_forget,
                                      .flush = on_flush,
                                      .report = on_report};

static void world_init(struct world *w, struct test *t, const char *glob)
{
    *w = (struct world){.t = t, .fs = vfs_mem_new(), .glob = str_from(glob), .lines_max = SIZE_MAX};
    clock_fake_init(&w->clock, 1700000000 * NS_PER_S);
    buf_init(&w->got, 0);
    buf_init(&w->ids, 0);
    w->config = (struct tail_config){.fs = w->fs,
                                     .clock = &w->clock.base,
                                     .globs = &w->glob,
                                     .glob_count = 1,
                                     .scan_ns = 10 * NS_PER_S,
                                     .backoff_ns = NS_PER_S,
                                     .backoff_max_ns = 10 * NS_PER_S,
                                     .close_inactive_ns = 300 * NS_PER_S,
                                     .close_removed = true,
                                     .clean_removed = true,
                                     .is_recursive = true};
    assert_ok(vfs_make_dir(w->fs, STR("d"), &t->err), &t->err);
}
static void world_start(struct world *w)
{
    w->tail = tail_new(&w->config, &sink, w);
}
static void world_deinit(struct world *w)
{
    tail_free(w->tail);
    vfs_mem_free(w->fs);
    buf_deinit(&w->got);
    buf_deinit(&w->ids);
}

static void put_at(struct world *w, const char *path, struct str text, bool is_new)
{
    struct err *err = &w->t->err;
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    struct vfs_stat st;
    clock_fake_advance(&w->clock, 1);
    assert_ok(vfs_open(w->fs, str_from(path), VFS_WRITE | VFS_CREATE | (is_new ? VFS_TRUNCATE : 0),
                       &file, err),
              err);
    assert_ok(vfs_file_stat(file, &st, err), err);
    assert_ok(vfs_write_at(file, st.size_bytes, text.p, text.n, err), err);
}
static void append(struct world *w, const char *path, const char *text)
{
    put_at(w, path, str_from(text), false);
}
/* As `> path` does: the inode stays. */
static void rewrite(struct world *w, const char *path, const char *text)
{
    put_at(w, path, str_from(text), true);
}
static void move(struct world *w, const char *from, const char *to)
{
    assert_ok(vfs_rename(w->fs, str_from(from), str_from(to), &w->t->err), &w->t->err);
}
static void delete (struct world *w, const char *path)
{
    assert_ok(vfs_remove(w->fs, str_from(path), &w->t->err), &w->t->err);
}

/* Polls for `seconds` of the clock's time and says what came. */
static void gives(struct world *w, int seconds, const char *want)
{
    buf_clear(&w->got);
    for (int i = 0; i <= seconds; i++) {
        struct tail_poll_result result;
        for (int k = 0; k < 4; k++)
            tail_poll(w->tail, &result);
        if (i < seconds)
            clock_fake_advance(&w->clock, NS_PER_S);
    }
    assert_str_eq(buf_str(&w->got), want);
}

static void new_files_and_growth(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/a.log", "one\ntwo\nhal");
    append(&w, "d/x.txt", "no\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 one|a.log@4 two|");
    assert_true(tail_is_idle(w.tail));
    gives(&w, 10, "");
    append(&w, "d/a.log", "f\r\n\n");
    gives(&w, 10, "a.log@8 half|a.log@14 |");
    append(&w, "d/b.log", "b\n");
    gives(&w, 11, "b.log@0 b|");
    assert_int_equal(w.keeps, 2);
    assert_int_equal(tail_file_count(w.tail), 2);
    world_deinit(&w);
}

static void the_sink_may_be_full(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/a.log");
    append(&w, "d/a.log", "1\n2\n3\n4\n5\n");
    world_start(&w);
    w.lines_max = 2;
    gives(&w, 0, "a.log@0 1|a.log@2 2|");
    assert_false(tail_is_idle(w.tail));
    gives(&w, 0, "");
    w.lines_max = 3;
    gives(&w, 0, "a.log@4 3|");
    w.lines_max = SIZE_MAX;
    gives(&w, 0, "a.log@6 4|a.log@8 5|");
    world_deinit(&w);
}

static void long_lines(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/a.log");
    w.config.line_bytes_max = 400000;
    char *big = arena_alloc(t->mem, 1000001);
    memset(big, 'x', 1000000);
    put_at(&w, "d/a.log", STR("first\n"), false);
    put_at(&w, "d/a.log", (struct str){big, 300000}, false);
    world_start(&w);
    gives(&w, 0, "a.log@0 first|");
    assert_true(tail_is_idle(w.tail));
    put_at(&w, "d/a.log", (struct str){big, 50000}, false);
    gives(&w, 2, "");
    append(&w, "d/a.log", "\nnext\n");
    buf_clear(&w.got);
    struct tail_poll_result result;
    clock_fake_advance(&w.clock, 10 * NS_PER_S);
    tail_poll(w.tail, &result);
    tail_poll(w.tail, &result);
    assert_int_equal(w.lines, 3);
    assert_int_equal(str_find(buf_str(&w.got), STR("\n")), -1);
    assert_str_has(buf_str(&w.got), "a.log@6 xxx");
    assert_str_has(buf_str(&w.got), "xxx|a.log@350007 next|");
    put_at(&w, "d/a.log", (struct str){big, 1000000}, false); /* over the limit: cut */
    append(&w, "d/a.log", "\nlast\n");
    clock_fake_advance(&w.clock, 10 * NS_PER_S);
    buf_clear(&w.got);
    tail_poll(w.tail, &result);
    tail_poll(w.tail, &result);
    assert_int_equal(w.got.n, strlen("a.log@350012 ") + 400000 + strlen("...|a.log@1350013 last|"));
    world_deinit(&w);
}

static void rotation_by_rename(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/app.log*"); /* the rotated name is in the patterns */
    append(&w, "d/app.log", "1\n2\n");
    world_start(&w);
    gives(&w, 0, "app.log@0 1|app.log@2 2|");
    append(&w, "d/app.log", "3\n");
    move(&w, "d/app.log", "d/app.log.1");
    append(&w, "d/app.log", "new\n");
    append(&w, "d/app.log.1", "4\n");
    clock_fake_advance(&w.clock, 10 * NS_PER_S);
    gives(&w, 0, "app.log.1@4 3|app.log.1@6 4|app.log@0 new|"); /* the old one first */
    gives(&w, 30, "");
    world_deinit(&w);
}

static void rotation_out_of_the_patterns(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/app.log", "1\n");
    world_start(&w);
    gives(&w, 0, "app.log@0 1|");
    append(&w, "d/app.log", "2\n");
    move(&w, "d/app.log", "d/app.1");
    append(&w, "d/app.1", "3\n");
    append(&w, "d/app.log", "new\n");
    clock_fake_advance(&w.clock, 10 * NS_PER_S);
    gives(&w, 0, "app.1@2 2|app.1@4 3|app.log@0 new|");
    move(&w, "d/app.1", "d/app.2"); /* and on, while it is open */
    append(&w, "d/app.2", "late\n");
    gives(&w, 21, "app.1@6 late|"); /* its new name shows at the next scan */
    world_deinit(&w);
}

static void deletion(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/a.log", "1\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 1|");
    append(&w, "d/a.log", "2\n");
    delete (&w, "d/a.log"); /* what was written before is read */
    assert_int_equal(tail_open_count(w.tail), 1);
    gives(&w, 11, "a.log@2 2|");
    assert_int_equal(tail_open_count(w.tail), 0); /* the descriptor is given back soon */
    gives(&w, 11, "");
    assert_int_equal(w.forgets, 1);
    assert_int_equal(tail_file_count(w.tail), 0);
    append(&w, "d/a.log", "3\n");
    gives(&w, 11, "a.log@0 3|");
    world_deinit(&w);
}

static void ids_of(struct world *w, struct str *ret_first, struct str *ret_last)
{
    *ret_first = arena_str(w->t->mem, str_sub(buf_str(&w->ids), 0, TAIL_LINE_ID_LEN));
    *ret_last =
        arena_str(w->t->mem, str_from_off(buf_str(&w->ids), w->ids.n - TAIL_LINE_ID_LEN - 1));
    ret_last->n = TAIL_LINE_ID_LEN;
}

static void truncation(struct test *t)
{
    struct world w;
    struct str before, after;
    world_init(&w, t, "d/a.log");
    append(&w, "d/a.log", "head\n1\n2\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 head|a.log@5 1|a.log@7 2|");
    rewrite(&w, "d/a.log", "head\n");
    gives(&w, 11, "a.log@0 head|");
    ids_of(&w, &before, &after);
    assert_false(str_eq(before, after)); /* same first line at the same place, another life */
    assert_int_equal(w.restarts, 1);
    rewrite(&w, "d/a.log", ""); /* emptied, and nothing yet */
    gives(&w, 11, "");
    append(&w, "d/a.log", "x\n");
    gives(&w, 11, "a.log@0 x|");
    world_deinit(&w);
}

/* copytruncate, and more written than there was before anybody looked: the size says nothing. */
static void truncation_and_regrowth(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/a.log");
    append(&w, "d/a.log", "head\n1\n2\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 head|a.log@5 1|a.log@7 2|");
    rewrite(&w, "d/a.log", "head\n8\n9\n10\n11\n");
    gives(&w, 11, "a.log@0 head|a.log@5 8|a.log@7 9|a.log@9 10|a.log@12 11|");
    rewrite(&w, "d/a.log", "head\n8\n9\n10\n77\n"); /* even of the same size */
    gives(&w, 11, "a.log@0 head|a.log@5 8|a.log@7 9|a.log@9 10|a.log@12 77|");
    world_deinit(&w);
}

static struct tail_saved saved_of(struct test *t, struct tail *tail)
{
    size_t at = 0;
    struct tail_file *f = tail_next(tail, &at);
    return (struct tail_saved){.path = arena_str(t->mem, f->path),
                               .device = f->device,
                               .inode = f->inode,
                               .off = f->off,
                               .generation = f->generation,
                               .id = arena_str(t->mem, str_from(f->id)),
                               .print_len = f->print_len,
                               .print_hash = f->print_hash,
                               .updated_ns = f->updated_ns};
}

/* Stops the tail, runs `change`, starts again from what the store had. */
static void restart_with(struct world *w, struct tail_saved saved)
{
    tail_free(w->tail);
    world_start(w);
    (void)tail_restore(w->tail, &saved);
}

static void restart(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/a.log", "head\n1\n2\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 head|a.log@5 1|a.log@7 2|");
    struct tail_saved saved = saved_of(t, w.tail);
    saved.off = 5; /* the last two were not acknowledged: they come again with the same ids */
    struct str ids = arena_str(t->mem, buf_str(&w.ids));
    buf_clear(&w.ids);
    restart_with(&w, saved);
    gives(&w, 0, "a.log@5 1|a.log@7 2|");
    assert_true(str_ends_with(ids, buf_str(&w.ids)));
    assert_int_equal(w.keeps, 1);

    saved = saved_of(t, w.tail); /* renamed out of the patterns while nobody looked */
    append(&w, "d/a.log", "3\n");
    move(&w, "d/a.log", "d/a.old");
    append(&w, "d/a.log", "new\n");
    restart_with(&w, saved);
    gives(&w, 11, "a.old@9 3|a.log@0 new|");
    world_deinit(&w);
}

static void restart_after_a_change_of_content(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/a.log", "head\n1\n2\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 head|a.log@5 1|a.log@7 2|");
    struct tail_saved saved = saved_of(t, w.tail);
    rewrite(&w, "d/a.log", "head\n1\n");
    restart_with(&w, saved);
    gives(&w, 0, "a.log@0 head|a.log@5 1|");
    saved = saved_of(t, w.tail);
    rewrite(&w, "d/a.log", "head\n3\n4\n5\n"); /* or the inode of a deleted file, used again */
    restart_with(&w, saved);
    gives(&w, 0, "a.log@0 head|a.log@5 3|a.log@7 4|a.log@9 5|");
    assert_int_equal(w.restarts, 2);
    world_deinit(&w);
}

static void closing_and_opening_again(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/a.log", "1\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 1|");
    gives(&w, 320, "");
    assert_int_equal(tail_open_count(w.tail), 0);
    assert_int_equal(w.flushes, 1);
    append(&w, "d/a.log", "2\n");
    gives(&w, 11, "a.log@2 2|");
    assert_int_equal(tail_open_count(w.tail), 1);
    assert_true(tail_close(w.tail));
    assert_int_equal(tail_open_count(w.tail), 0);
    world_deinit(&w);
}

static void many_files_and_few_descriptors(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/**/*.log");
    w.config.open_files_max = 3;
    for (int i = 0; i < 40; i++) {
        const char *path = arena_printf(t->mem, "d/s%d/%02d.log", i % 4, i).p;
        assert_ok(vfs_make_dir(w.fs, path_dir(str_from(path)), &t->err), &t->err);
        append(&w, path, "x\n");
    }
    world_start(&w);
    for (int i = 0; i < 60 && !(tail_is_idle(w.tail) && w.lines == 40); i++) {
        struct tail_poll_result result;
        tail_poll(w.tail, &result);
        assert_true(tail_open_count(w.tail) <= 3);
    }
    assert_int_equal(w.lines, 40);
    append(&w, "d/s0/00.log", "y\n");
    gives(&w, 11, "00.log@2 y|");
    world_deinit(&w);
}

static void old_files_and_starting_at_the_end(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    w.config.starts_at_end = true;
    append(&w, "d/a.log", "1\n");
    world_start(&w);
    gives(&w, 0, "");
    append(&w, "d/a.log", "2\n");
    append(&w, "d/b.log", "3\n"); /* came later: from its beginning */
    gives(&w, 11, "a.log@2 2|b.log@0 3|");
    world_deinit(&w);

    world_init(&w, t, "d/*.log");
    w.config.ignore_older_ns = 3600 * NS_PER_S;
    append(&w, "d/a.log", "1\n");
    clock_fake_advance(&w.clock, 7200 * NS_PER_S);
    struct vfs_stat st;
    assert_ok(vfs_stat(w.fs, STR("d/a.log"), true, &st, &t->err), &t->err);
    world_start(&w);
    if (st.modified_ns < clock_wall_ns(&w.clock.base) - 3600 * NS_PER_S) {
        gives(&w, 0, "");
        assert_int_equal(tail_open_count(w.tail), 0);
    }
    world_deinit(&w);
}

static void read_to_the_end_and_close(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    w.config.close_eof = w.config.reads_last_line = true;
    append(&w, "d/a.log", "1\nlast");
    world_start(&w);
    gives(&w, 0, "a.log@0 1|a.log@2 last|");
    assert_int_equal(tail_open_count(w.tail), 0);
    assert_true(tail_is_idle(w.tail));
    gives(&w, 30, "");
    world_deinit(&w);
}

static void delimiters(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    w.config.delimiter = STR("<>");
    append(&w, "d/a.log", "a\r\nb<>c><>d<");
    world_start(&w);
    gives(&w, 0, "a.log@0 a\r\nb|a.log@6 c>|");
    append(&w, "d/a.log", ">");
    gives(&w, 2, "a.log@10 d|");
    world_deinit(&w);
}

static void the_store_comes_first(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    append(&w, "d/a.log", "1\n");
    w.refuses_keep = true;
    world_start(&w);
    struct tail_poll_result result;
    tail_poll(w.tail, &result);
    assert_int_equal(w.lines, 0);
    assert_int_equal(w.errors, 1);
    w.refuses_keep = false;
    gives(&w, 10, "a.log@0 1|");
    world_deinit(&w);
}

static void identity_by_path_and_by_content(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/*.log");
    w.config.identity = TAIL_IDENTITY_PATH;
    append(&w, "d/a.log", "1\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 1|");
    move(&w, "d/a.log", "d/a.old");
    append(&w, "d/a.log", "2\n");
    gives(&w, 31, "a.log@0 2|");
    world_deinit(&w);

    world_init(&w, t, "d/*.log");
    w.config.identity = TAIL_IDENTITY_FINGERPRINT;
    char *big = arena_alloc(t->mem, 1024);
    memset(big, 'x', 1024);
    big[1023] = '\n';
    append(&w, "d/short.log", "1\n");
    put_at(&w, "d/a.log", (struct str){big, 1024}, false);
    put_at(&w, "d/b.log", (struct str){big, 1024}, false); /* a copy: the same file */
    world_start(&w);
    struct tail_poll_result result;
    tail_poll(w.tail, &result);
    assert_int_equal(w.lines, 1);
    world_deinit(&w);
}

static void acknowledgements_in_order(struct test *t)
{
    struct world w;
    world_init(&w, t, "d/a.log");
    append(&w, "d/a.log", "1\n2\n3\n4\n");
    world_start(&w);
    gives(&w, 0, "a.log@0 1|a.log@2 2|a.log@4 3|a.log@6 4|");
    size_t at = 0;
    struct tail_file *file = tail_next(w.tail, &at);
    struct tail_acks *acks = tail_acks_new();
    uint64_t tickets[4];
    for (uint64_t i = 0; i < 4; i++) {
        struct tail_marks marks = {0};
        tail_marks_add(&marks, file, 2 * i + 1);
        tail_marks_add(&marks, file, 2 * i + 2);
        assert_int_equal(marks.count, 1);
        tickets[i] = tail_acks_add(acks, &marks);
    }
    assert_int_equal(file->mark_count, 4);
    tail_acks_done(acks, tickets[1]);
    assert_int_equal(tail_acks_apply(acks), 0);
    assert_int_equal(file->acked_off, 0);
    tail_acks_done(acks, tickets[0]);
    assert_int_equal(tail_acks_apply(acks), 2);
    assert_int_equal(file->acked_off, 4);
    at = 0;
    assert_ptr_equal(tail_next_dirty(w.tail, &at), file);
    at = 0;
    assert_null(tail_next_dirty(w.tail, &at));
    rewrite(&w, "d/a.log", "5\n"); /* a late acknowledgement of the earlier life moves nothing */
    gives(&w, 11, "a.log@0 5|");
    tail_acks_done(acks, tickets[2]);
    assert_int_equal(tail_acks_apply(acks), 1);
    assert_int_equal(file->acked_off, 0);
    assert_int_equal(tail_acks_open(acks), 1);
    tail_acks_free(acks);
    assert_int_equal(file->mark_count, 0);
    world_deinit(&w);
}

/* Any failing call: lines come once and in order, when the disk is well again. */
static void faults(struct test *t)
{
    for (uint64_t n = 1; n < 60; n++) {
        struct world w;
        world_init(&w, t, "d/*.log");
        append(&w, "d/a.log", "1\n2\n");
        append(&w, "d/b.log", "3\n");
        world_start(&w);
        vfs_mem_fail_at(w.fs, n, VFS_FAULT_EIO, false);
        struct tail_poll_result result;
        for (int i = 0; i < 60; i++) {
            tail_poll(w.tail, &result);
            clock_fake_advance(&w.clock, NS_PER_S);
            if (i == 20) {
                vfs_mem_fail_at(w.fs, 0, VFS_FAULT_NONE, false);
                append(&w, "d/a.log", "4\n");
                vfs_mem_fail_at(w.fs, n / 2 + 1, VFS_FAULT_EIO, false);
            }
        }
        struct str got = buf_str(&w.got);
        struct buf lines;
        buf_init(&lines, 0);
        struct str part;
        while (str_split_next(&got, '|', &part)) {
            if (part.n && part.p[0] != '!')
                buf_printf(&lines, "%c", part.p[part.n - 1]);
        }
        if (lines.n != 4)
            fail_msg("fault at call %llu: %.*s", (unsigned long long)n, STR_ARG(buf_str(&w.got)));
        assert_true(str_find(buf_str(&lines), STR("12")) >= 0);
        assert_true(str_ends_with(buf_str(&lines), STR("4")));
        buf_deinit(&lines);
        world_deinit(&w);
    }
}

/* On the machine's own file system: links, folders in place of files, unreadable files. */
static void on_real_files(struct test *t)
{
    struct world w;
    world_init(&w, t, "");
    vfs_mem_free(w.fs);
    w.fs = w.config.fs = vfs_posix();
    w.glob = test_path(t, "*.log");
    append(&w, test_path(t, "a.log").p, "1\n");
    assert_int_equal(symlink(test_path(t, "a.log").p, test_path(t, "link.log").p), 0);
    assert_int_equal(mkdir(test_path(t, "folder.log").p, 0700), 0);
    world_start(&w);
    gives(&w, 0, "a.log@0 1|"); /* links are left out … */
    tail_free(w.tail);
    w.config.follows_links = true;
    world_start(&w);
    gives(&w, 0, "a.log@0 1|"); /* … or are the same file */
    assert_int_equal(tail_file_count(w.tail), 1);
    move(&w, test_path(t, "a.log").p, test_path(t, "a.1").p);
    append(&w, test_path(t, "a.log").p, "2\n");
    append(&w, test_path(t, "a.1").p, "1b\n");
    gives(&w, 11, "a.log@2 1b|a.log@0 2|"); /* the name is that of the last scan */
    delete (&w, test_path(t, "a.log").p);
    gives(&w, 21, "");
    assert_true(tail_open_count(w.tail) <= 1);
    if (geteuid() != 0) {
        append(&w, test_path(t, "secret.log").p, "x\n");
        assert_int_equal(chmod(test_path(t, "secret.log").p, 0), 0);
        buf_clear(&w.got);
        struct tail_poll_result result;
        tail_poll(w.tail, &result);
        assert_str_has(buf_str(&w.got), "cannot follow");
    }
    tail_free(w.tail);
    buf_deinit(&w.got);
    buf_deinit(&w.ids);
}

TEST_MAIN(TEST(new_files_and_growth), TEST(the_sink_may_be_full), TEST(long_lines),
          TEST(rotation_by_rename), TEST(rotation_out_of_the_patterns), TEST(deletion),
          TEST(truncation), TEST(truncation_and_regrowth), TEST(restart),
          TEST(restart_after_a_change_of_content), TEST(closing_and_opening_again),
          TEST(many_files_and_few_descriptors), TEST(old_files_and_starting_at_the_end),
          TEST(read_to_the_end_and_close), TEST(delimiters), TEST(the_store_comes_first),
          TEST(identity_by_path_and_by_content), TEST(acknowledgements_in_order), TEST(faults),
          TEST(on_real_files))
