/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: what tests of src/index share: an engine over files in memory, by a clock that stands
 * still until the test moves it, without background threads. */
#ifndef NARU_TESTS_SUPPORT_STORE_H
#define NARU_TESTS_SUPPORT_STORE_H

#include "support/test.h"

#include "base/clock.h"
#include "event/value.h"
#include "index/index_int.h"

#define STORE_NOW_NS (INT64_C(1737521553) * NS_PER_S) /* 2025-01-22T04:52:33Z */

struct store {
    struct test *t;
    struct vfs *fs;
    struct clock_fake clock;
    struct engine_config config; /* may be changed between store_init and store_open */
    struct engine *engine;
};

TEST_INLINE void store_init(struct store *s, struct test *t)
{
    *s = (struct store){.t = t, .fs = vfs_mem_new()};
    clock_fake_init(&s->clock, STORE_NOW_NS);
    s->config = (struct engine_config){.fs = s->fs,
                                       .clock = &s->clock.base,
                                       .seed = 1,
                                       .path = STR("data"),
                                       .lane_count = 1,
                                       .is_single_threaded = true};
}

TEST_INLINE void store_open(struct store *s)
{
    assert_ok(engine_open(&s->config, &s->engine, &s->t->err), &s->t->err);
}

/* With the index "i", which has no mapping yet. */
TEST_INLINE void store_begin(struct store *s, struct test *t)
{
    store_init(s, t);
    store_open(s);
    assert_ok(engine_index_create(s->engine, STR("i"), NULL, &t->err), &t->err);
}

TEST_INLINE void store_close(struct store *s)
{
    engine_close(s->engine);
    s->engine = NULL;
}

TEST_INLINE void store_deinit(struct store *s)
{
    if (s->engine)
        store_close(s);
    vfs_mem_free(s->fs);
}

/* `body`: {settings, mappings, aliases}. */
TEST_INLINE void store_create(struct store *s, const char *index, const char *body)
{
    struct test *t = s->t;
    struct value v;
    assert_ok(value_from_json(str_from(body), t->mem, &v, &t->err), &t->err);
    assert_ok(engine_index_create(s->engine, str_from(index), &v, &t->err), &t->err);
}

/* One write that is taken; its item may have failed. `id` "": one is generated. */
TEST_INLINE struct doc_result store_write(struct store *s, enum doc_op op, const char *index,
                                          struct str id, struct str source)
{
    struct test *t = s->t;
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    write.op = op;
    write.index = str_from(index);
    write.id = id;
    write.source = source;
    assert_ok(engine_write(s->engine, &write, 1, REFRESH_NONE, t->mem, &result, &t->err), &t->err);
    return result;
}

/* The same for a document that goes in. */
TEST_INLINE struct doc_result store_put(struct store *s, const char *index, struct str id,
                                        struct str source)
{
    struct doc_result result = store_write(s, DOC_INDEX, index, id, source);
    if (result.outcome == DOC_FAILED)
        fail_msg("%s: %s", index, result.err->text);
    return result;
}

/* Borrowed: it stays as long as nobody deletes the index. */
TEST_INLINE struct index *store_index(struct store *s, const char *index)
{
    struct index *found = engine__index(s->engine, str_from(index));
    assert_non_null(found);
    index__unref(found);
    return found;
}

#endif
