/* SPDX-License-Identifier: Apache-2.0 */
/* Fault loop: one scenario over the memory file system, run again and again with the n-th file call
 * failing (EIO, ENOSPC, a short write), once or from then on, until it completes without having met
 * the fault. Whatever fails: no crash, no leak, no acknowledgement that is not kept, and after a
 * restart on a healthy disk everything acknowledged is there, no index that was deleted is, and
 * index_check finds nothing. After a failure of the log that was no full disk, nothing more is
 * acknowledged until the engine is opened again; a full disk that has room again heals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "index/engine.h"

#define ROUNDS 10u

struct world {
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct arena *mem;
    uint64_t acked[ROUNDS][2]; /* content + 1; 0: not acknowledged */
    bool other_acked[ROUNDS];  /* documents of the index that is deleted half-way */
    bool is_delete_tried, is_delete_acked;
    bool is_read_only; /* a write was refused for a log that failed, in this opening */
    uint64_t call;
};

static int world_open(struct world *w, struct err *err)
{
    struct engine_config config = {.fs = w->fs,
                                   .clock = &w->clock.base,
                                   .seed = 3,
                                   .path = STR("d"),
                                   .is_single_threaded = true,
                                   .lane_count = 2,
                                   .wal_file_bytes_max = 1024};
    return engine_open(&config, &w->engine, err);
}

/* One request of two items, one in each index (until the other one is deleted). */
static void put(struct world *w, uint32_t id, uint64_t content, uint64_t *acked, bool *other_acked)
{
    struct doc_write writes[2] = {DOC_WRITE_INIT, DOC_WRITE_INIT};
    struct doc_result results[2];
    struct err err = {0};
    size_t count = other_acked ? 2 : 1;
    for (size_t i = 0; i < count; i++) {
        writes[i].index = i ? STR("j") : STR("i");
        writes[i].id = arena_printf(w->mem, "%u", id);
        writes[i].source =
            arena_printf(w->mem, "{\"c\":%llu,\"t\":\"some words\"}", (unsigned long long)content);
    }
    if (engine_write(w->engine, writes, count, REFRESH_NONE, w->mem, results, &err) < 0) {
        assert_true(err.code != ERR_NONE && err.text[0]);
        w->is_read_only |= err.code == ERR_READ_ONLY;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (results[i].outcome == DOC_FAILED) {
            assert_true(results[i].err->code != ERR_NONE && results[i].err->text[0]);
        } else if (w->is_read_only) {
            fail_msg("call %llu: acknowledged after the log failed", (unsigned long long)w->call);
        } else if (i == 0) {
            *acked = content + 1;
        } else {
            *other_acked = true;
        }
    }
}

static void scenario(struct world *w)
{
    struct err err = {0};
    if (world_open(w, &err) < 0) {
        w->engine = NULL;
        return;
    }
    for (uint32_t r = 0; r < ROUNDS; r++) {
        put(w, r, r, &w->acked[r][0], r < 5 ? &w->other_acked[r] : NULL);
        put(w, r / 2, 100 + r, &w->acked[r][1], NULL);
        if (r == 5 && engine_index_exists(w->engine, STR("j"))) {
            w->is_delete_tried = true;
            w->is_delete_acked = engine_index_delete(w->engine, STR("j"), &err) == 0;
        }
        if (r % 3 == 1)
            (void)!engine_flush(w->engine, STR("i"), &err);
        if (r % 3 == 2)
            (void)!engine_refresh(w->engine, STR("i"), &err);
        if (r == 6) {
            engine_close(w->engine);
            w->engine = NULL;
            w->is_read_only = false;
            if (world_open(w, &err) < 0)
                return;
        }
    }
    (void)!engine_force_merge(w->engine, STR("i"), 1, &err);
    clock_fake_advance(&w->clock, 400 * NS_PER_S);
    (void)!engine_tick(w->engine, &err);
}

/* After a disk that was full for one call: writes go on, at the latest in the next background
 * round. */
static void heals(struct world *w)
{
    struct err err = {0};
    uint64_t acked = 0;
    if (!w->engine)
        return;
    for (int i = 0; i < 3; i++) {
        clock_fake_advance(&w->clock, 2 * NS_PER_S);
        (void)!engine_tick(w->engine, &err);
    }
    put(w, ROUNDS, 1, &acked, NULL);
    /* A sync that failed is never tried again, whatever its reason. */
    if (!acked && !w->is_read_only)
        fail_msg("call %llu: the disk has room again and writes are still refused",
                 (unsigned long long)w->call);
}

static void verify_other(struct world *w)
{
    bool is_there = engine_index_exists(w->engine, STR("j"));
    if (is_there && w->is_delete_acked)
        fail_msg("call %llu: a deleted index came back", (unsigned long long)w->call);
    for (uint32_t id = 0; id < ROUNDS && !w->is_delete_tried; id++) {
        struct doc_get doc = {0};
        struct err err = {0};
        if (w->other_acked[id] && (engine_get(w->engine, STR("j"), arena_printf(w->mem, "%u", id),
                                              true, w->mem, &doc, &err) < 0 ||
                                   !doc.is_found))
            fail_msg("call %llu: id %u of the other index was acknowledged and is gone",
                     (unsigned long long)w->call, id);
    }
}

/* The last acknowledged content of an id must be there; something newer only if it was tried. */
static void verify(struct world *w)
{
    for (uint32_t id = 0; id < ROUNDS; id++) {
        /* Writes to an id in their order: round `id` first, then rounds 2*id and 2*id + 1 as the
         * second write. */
        uint64_t tries[3], acks[3];
        size_t n = 0;
        for (uint32_t r = 0; r < ROUNDS; r++) {
            if (r == id) {
                tries[n] = r;
                acks[n++] = w->acked[r][0];
            }
            if (r / 2 == id) {
                tries[n] = 100 + r;
                acks[n++] = w->acked[r][1];
            }
        }
        struct doc_get doc = {0};
        struct err err = {0};
        int rc = engine_get(w->engine, STR("i"), arena_printf(w->mem, "%u", id), true, w->mem, &doc,
                            &err);
        size_t last = SIZE_MAX;
        for (size_t i = 0; i < n; i++)
            last = acks[i] ? i : last;
        if (rc == -ERR_INDEX_NOT_FOUND || !doc.is_found) {
            if (last != SIZE_MAX)
                fail_msg("call %llu: id %u was acknowledged and is gone",
                         (unsigned long long)w->call, id);
            continue;
        }
        uint64_t content = 0;
        struct str digits = str_from_off(doc.source, 5);
        (void)str_to_u64(str_sub(digits, 0, (size_t)str_find_char(digits, ',')), &content);
        bool is_ok = false;
        for (size_t i = last == SIZE_MAX ? 0 : last; i < n; i++)
            is_ok |= tries[i] == content;
        if (!is_ok)
            fail_msg("call %llu: id %u reads %llu", (unsigned long long)w->call, id,
                     (unsigned long long)content);
    }
}

/* True: the fault was met. */
static bool run(uint64_t call, enum vfs_fault fault, bool stays)
{
    struct world *w = MEM_NEW(struct world);
    struct err err = {0};
    struct buf report;
    w->fs = vfs_mem_new();
    w->mem = arena_new(0);
    w->call = call;
    clock_fake_init(&w->clock, INT64_C(1737500000) * NS_PER_S);
    vfs_mem_fail_at(w->fs, call, fault, stays);
    scenario(w);
    bool was_met = vfs_mem_calls(w->fs) >= call;
    if (fault != VFS_FAULT_EIO) {
        vfs_mem_fail_at(w->fs, 0, VFS_FAULT_NONE, false);
        heals(w);
    }
    engine_close(w->engine);
    vfs_mem_fail_at(w->fs, 0, VFS_FAULT_NONE, false);
    buf_init(&report, 0);
    if (index_check(w->fs, STR("d"), &report, &err) < 0)
        fail_msg("call %llu fault %d: check: %s", (unsigned long long)call, fault, err.text);
    if (world_open(w, &err) < 0)
        fail_msg("call %llu fault %d: restart: %s", (unsigned long long)call, fault, err.text);
    verify(w);
    verify_other(w);
    engine_close(w->engine);
    buf_deinit(&report);
    arena_free(w->mem);
    vfs_mem_free(w->fs);
    mem_free(w);
    return was_met;
}

static void test_faults(void **state)
{
    (void)state;
    static const enum vfs_fault faults[] = {VFS_FAULT_EIO, VFS_FAULT_ENOSPC, VFS_FAULT_SHORT_WRITE};
    for (size_t f = 0; f < ARRAY_COUNT(faults); f++) {
        for (int stays = 0; stays < 2; stays++) {
            uint64_t call = 1;
            while (run(call, faults[f], stays))
                call++;
            print_message("fault %zu, %s: %llu calls failed in turn\n", f,
                          stays ? "from then on" : "once", (unsigned long long)call - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
