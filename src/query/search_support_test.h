/* SPDX-License-Identifier: Apache-2.0 */
/* search_support_test.h: what the tests of the search share: an engine in memory, documents, and
 * searches as JSON in, JSON out. */
#ifndef NARU_QUERY_SEARCH_SUPPORT_H
#define NARU_QUERY_SEARCH_SUPPORT_H

#include "support/test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "codec/json.h"
#include "event/value.h"
#include "index/engine.h"
#include "os/vfs.h"
#include "query/search.h"

#define NOW_NS (INT64_C(1737500000) * NS_PER_S) /* 2025-01-21T22:53:20Z */

struct bed {
    struct test *t;
    struct vfs *fs;
    struct clock_fake clock;
    struct engine *engine;
    struct search_limits limits; /* of every search */
    bool keeps_filters;          /* every filter, on its first use */
};

TEST_INLINE void bed_open(struct bed *bed, uint64_t seed)
{
    struct engine_config config = {.fs = bed->fs,
                                   .clock = &bed->clock.base,
                                   .seed = seed,
                                   .path = STR("data"),
                                   .lane_count = 1,
                                   .keeps_all_filters = bed->keeps_filters,
                                   .is_single_threaded = true};
    assert_ok(engine_open(&config, &bed->engine, &bed->t->err), &bed->t->err);
}

TEST_INLINE void bed_init(struct bed *bed, struct test *t)
{
    *bed = (struct bed){.t = t, .fs = vfs_mem_new()};
    clock_fake_init(&bed->clock, NOW_NS);
    bed_open(bed, 1);
}

TEST_INLINE void bed_deinit(struct bed *bed)
{
    engine_close(bed->engine);
    vfs_mem_free(bed->fs);
}

TEST_INLINE struct value parsed(struct bed *bed, const char *json)
{
    struct value v;
    assert_ok(
        value_from_json(arena_str(bed->t->mem, str_from(json)), bed->t->mem, &v, &bed->t->err),
        &bed->t->err);
    return v;
}

TEST_INLINE void create(struct bed *bed, const char *index, const char *body)
{
    struct value v = parsed(bed, body);
    assert_ok(engine_index_create(bed->engine, str_from(index), &v, &bed->t->err), &bed->t->err);
}

TEST_INLINE void put(struct bed *bed, const char *index, const char *id, const char *source)
{
    struct doc_write write = DOC_WRITE_INIT;
    struct doc_result result;
    write.op = source ? DOC_INDEX : DOC_DELETE;
    write.index = str_from(index);
    write.id = str_from(id);
    write.source = str_from(source);
    assert_ok(
        engine_write(bed->engine, &write, 1, REFRESH_NONE, bed->t->mem, &result, &bed->t->err),
        &bed->t->err);
    if (result.status >= 300 && source)
        fail_msg("write %s: %d %s", source, result.status, result.err->text);
}

TEST_INLINE void refresh(struct bed *bed, const char *index)
{
    assert_ok(engine_refresh(bed->engine, str_from(index), &bed->t->err), &bed->t->err);
}

/* The snapshot of an expression. */
TEST_INLINE struct searcher *snapshot(struct bed *bed, const char *indices)
{
    struct str *names;
    size_t count;
    struct searcher *searcher;
    assert_ok(engine_resolve(bed->engine, str_from(indices), true, bed->t->mem, &names, &count,
                             &bed->t->err),
              &bed->t->err);
    assert_ok(engine_snapshot(bed->engine, names, count, &searcher, &bed->t->err), &bed->t->err);
    return searcher;
}

TEST_INLINE int search_try(struct bed *bed, const char *indices, const struct value *body,
                           struct search_request **ret_request, struct search_result *ret_result)
{
    struct searcher *searcher = snapshot(bed, indices);
    int rc = search_parse(body, NOW_NS, bed->t->mem, ret_request, &bed->t->err);
    if (rc == 0)
        rc = search_run(searcher, *ret_request, &bed->clock.base, &bed->limits, bed->t->mem,
                        ret_result, &bed->t->err);
    searcher_unref(searcher);
    return rc;
}

/* The whole reply. */
TEST_INLINE struct value reply(struct bed *bed, const char *indices, const char *body)
{
    struct value v = parsed(bed, body);
    struct search_request *request;
    struct search_result result;
    struct buf out;
    struct json_writer w;
    assert_ok(search_try(bed, indices, &v, &request, &result), &bed->t->err);
    buf_init(&out, 0);
    json_writer_init(&w, &out, false);
    json_object_begin(&w);
    search_result_write(request, &result, &w);
    json_object_end(&w);
    struct value tree;
    assert_ok(
        value_from_json(arena_str(bed->t->mem, buf_str(&out)), bed->t->mem, &tree, &bed->t->err),
        &bed->t->err);
    buf_deinit(&out);
    return tree;
}

TEST_INLINE const struct value *at_path(const struct value *v, const char *path)
{
    struct str rest = str_from(path), part;
    while (v && str_split_next(&rest, '/', &part)) {
        int64_t i;
        if (v->kind == VALUE_LIST && str_to_i64(part, &i))
            v = i >= 0 && (size_t)i < v->list->count ? &v->list->items[i] : NULL;
        else
            v = value_map_get(v, part);
    }
    return v;
}

TEST_INLINE struct str json_of(struct bed *bed, const struct value *v)
{
    struct buf out;
    if (!v)
        return STR("(nothing)");
    buf_init(&out, 0);
    value_to_json(v, &out);
    struct str copy = arena_str(bed->t->mem, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

/* "1 2 3": the ids found, in order. */
TEST_INLINE struct str found(struct bed *bed, const char *indices, const char *body)
{
    struct value tree = reply(bed, indices, body);
    const struct value *hits = at_path(&tree, "hits/hits");
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < hits->list->count; i++) {
        const struct value *id = value_map_get_lit(&hits->list->items[i], "_id");
        buf_printf(&out, "%s" STR_FMT, i ? " " : "", STR_ARG(id->s));
    }
    struct str ids = arena_str(bed->t->mem, buf_str(&out));
    buf_deinit(&out);
    return ids;
}

#define finds(bed, body, ids) test__str_eq(found(bed, "*", body), STR(ids), __FILE__, __LINE__)
/* The part of the reply at a path ("hits/total", "aggregations/a/buckets/0"), as JSON. */
#define gives(bed, body, path, json)                                                               \
    do {                                                                                           \
        struct value tree_ = reply(bed, "*", body);                                                \
        test__str_eq(json_of(bed, at_path(&tree_, path)), STR(json), __FILE__, __LINE__);          \
    } while (0)
#define fails(bed, body, code, part)                                                               \
    do {                                                                                           \
        struct value body_ = parsed(bed, body);                                                    \
        struct search_request *request_;                                                           \
        struct search_result result_;                                                              \
        assert_err(search_try(bed, "*", &body_, &request_, &result_), &(bed)->t->err, code);       \
        assert_err_has(&(bed)->t->err, part);                                                      \
    } while (0)

#endif
