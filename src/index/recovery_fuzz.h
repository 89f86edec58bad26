/* SPDX-License-Identifier: Apache-2.0 */
/* recovery_fuzz.h: what the fuzz targets of the log and the manifest share: a data folder in memory
 * with an index of one segment, dead documents and a log that is not flushed; one of its files is
 * replaced and the folder opened. */
#ifndef NARU_INDEX_RECOVERY_FUZZ_H
#define NARU_INDEX_RECOVERY_FUZZ_H

#include "base/arena.h"
#include "base/str.h"
#include "index/index_int.h"
#include "support/fuzz.h"

struct recovery_file {
    struct str path, content;
};

struct recovery {
    struct arena *mem;
    struct recovery_file files[16];
    size_t count;
};

static inline int recovery_open(struct vfs *fs, struct engine **ret_engine, struct err *err)
{
    static struct clock_fake clock;
    clock_fake_init(&clock, INT64_C(1737500000) * NS_PER_S);
    struct engine_config config = {.fs = fs,
                                   .clock = &clock.base,
                                   .seed = 5,
                                   .path = STR("d"),
                                   .is_single_threaded = true,
                                   .lane_count = 1};
    return engine_open(&config, ret_engine, err);
}

static inline void recovery_write(struct engine *engine, struct arena *mem, uint32_t id,
                                  bool is_delete)
{
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    struct err err;
    write.index = STR("i");
    write.id = arena_printf(mem, "%u", id);
    write.op = is_delete ? DOC_DELETE : DOC_INDEX;
    write.source = arena_printf(mem, "{\"n\":%u,\"t\":\"word%u common\"}", id, id % 3);
    ASSERT(engine_write(engine, &write, 1, REFRESH_NONE, mem, &result, &err) == 0);
}

static inline void recovery_collect(struct recovery *r, struct vfs *fs, struct str dir)
{
    struct vfs_entry *entries;
    size_t count;
    struct err err;
    ASSERT(vfs_list(fs, dir, r->mem, &entries, &count, &err) == 0);
    for (size_t i = 0; i < count; i++) {
        struct str path = path_join(r->mem, dir, entries[i].name);
        if (entries[i].kind == VFS_KIND_DIR) {
            recovery_collect(r, fs, path);
        } else if (!str_is(entries[i].name, "lock")) {
            ASSERT(r->count < ARRAY_COUNT(r->files));
            r->files[r->count].path = path;
            ASSERT(vfs_read_file(fs, path, MIB, r->mem, &r->files[r->count].content, &err) == 0);
            r->count++;
        }
    }
}

static inline const struct recovery *recovery_get(void)
{
    static struct recovery r;
    if (r.mem)
        return &r;
    struct vfs *fs = vfs_mem_new();
    struct engine *engine;
    struct err err;
    r.mem = arena_new(0);
    ASSERT(recovery_open(fs, &engine, &err) == 0);
    for (uint32_t i = 0; i < 8; i++)
        recovery_write(engine, r.mem, i, false);
    ASSERT(engine_flush(engine, STR("i"), &err) == 0);
    recovery_write(engine, r.mem, 3, false);
    ASSERT(engine_flush(engine, STR("i"), &err) == 0);
    for (uint32_t i = 5; i < 11; i++)
        recovery_write(engine, r.mem, i, i == 7);
    recovery_collect(&r, fs, STR("d"));
    engine_close(engine);
    vfs_mem_free(fs);
    return &r;
}

static inline const struct recovery_file *recovery_file_like(struct str suffix)
{
    const struct recovery *r = recovery_get();
    for (size_t i = 0; i < r->count; i++) {
        if (str_ends_with(r->files[i].path, suffix))
            return &r->files[i];
    }
    ASSERT(false);
    return NULL;
}

static inline void recovery_read(struct engine *engine, struct arena *mem)
{
    struct str name = STR("i");
    struct searcher *s;
    struct err err;
    if (engine_snapshot(engine, &name, 1, &s, &err) < 0)
        return;
    size_t count;
    const struct searcher_part *parts = searcher_parts(s, &count);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t doc = 0; doc < segment_doc_count(parts[i].segment); doc++) {
            struct str source;
            (void)!segment_source(parts[i].segment, doc, mem, &source, &err);
            (void)segment_id(parts[i].segment, doc, mem);
        }
    }
    searcher_unref(s);
}

/* What is sound opens, and what opens works: it reads, takes a write, flushes, and is whole when it
 * is opened again. */
static inline void recovery_try(const struct recovery_file *replaced, struct str content)
{
    const struct recovery *r = recovery_get();
    struct vfs *fs = vfs_mem_new();
    struct arena *mem = arena_new(0);
    struct engine *engine;
    struct buf report;
    struct err err = {0};
    for (size_t i = 0; i < r->count; i++) {
        ASSERT(vfs_make_dir(fs, path_dir(r->files[i].path), &err) == 0);
        ASSERT(vfs_write_file(fs, r->files[i].path,
                              &r->files[i] == replaced ? content : r->files[i].content, &err) == 0);
    }
    buf_init(&report, 0);
    bool is_sound = index_check(fs, STR("d"), &report, &err) == 0;
    int rc = recovery_open(fs, &engine, &err);
    ASSERT(rc == 0 || !is_sound);
    if (rc == 0) {
        recovery_read(engine, mem);
        if (engine_index_exists(engine, STR("i"))) {
            struct doc_write write = DOC_WRITE_INIT;
            struct doc_result result;
            write.index = STR("i");
            write.id = STR("fuzz");
            write.source = STR("{\"n\":1}");
            if (engine_write(engine, &write, 1, REFRESH_NOW, mem, &result, &err) == 0)
                (void)!engine_flush(engine, STR("i"), &err);
        }
        engine_close(engine);
        ASSERT(!is_sound || index_check(fs, STR("d"), &report, &err) == 0);
        ASSERT(recovery_open(fs, &engine, &err) == 0);
        recovery_read(engine, mem);
        engine_close(engine);
    }
    buf_deinit(&report);
    arena_free(mem);
    vfs_mem_free(fs);
}

#endif
