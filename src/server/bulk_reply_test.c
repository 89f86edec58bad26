/* SPDX-License-Identifier: Apache-2.0 */
/* Items that are copies of the one before read as those written member by member, which is how the
 * first of each shape, and every one of a pretty reply, is written. */
#include "support/test.h"

#include "server/bulk_reply.h"

#include "base/arena.h"
#include "base/buf.h"

static const struct doc_result created = {.outcome = DOC_CREATED,
                                          .status = 201,
                                          .index = {"logs", 4},
                                          .id = {"a", 1},
                                          .version = 1,
                                          .seq_no = 7,
                                          .primary_term = 1};

static struct str items(struct test *t, const struct doc_write *writes,
                        const struct doc_result *results, size_t count, bool is_pretty)
{
    struct json_writer w;
    struct buf out;
    buf_init(&out, 0);
    json_writer_init(&w, &out, is_pretty);
    json_array_begin(&w);
    bulk_items_write(writes, results, count, t->mem, &w);
    json_array_end(&w);
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static struct str minified(struct test *t, struct str json)
{
    struct buf out;
    buf_init(&out, 0);
    assert_int_equal(json_minify(json, &out, NULL), 0);
    struct str text = arena_str(t->mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void writes_an_item_like_a_document(struct test *t)
{
    struct doc_write write = DOC_WRITE_INIT;
    write.index = STR("logs");
    assert_str_eq(
        items(t, &write, &created, 1, false),
        "[{\"index\":{\"_index\":\"logs\",\"_type\":\"_doc\",\"_id\":\"a\",\"_version\":1,"
        "\"result\":\"created\",\"_shards\":{\"total\":2,\"successful\":1,\"failed\":0},"
        "\"_seq_no\":7,\"_primary_term\":1,\"status\":201}}]");
}

/* Every member changes between two items once, and once nothing does. */
static void items_of_all_shapes_follow_each_other(struct test *t)
{
    static const char *const ids[] = {"plain", "\"_id\":\"\"", "back\\slash", "\"_seq_no\":0",
                                      "\x01"};
    static const char *const indices[] = {"logs", "logs-2", "\"_id\":\"\""};
    struct err why;
    (void)err_set(&why, ERR_VERSION_CONFLICT, "[x]: version conflict");
    enum { COUNT = 2000 };
    struct doc_write *writes = ARENA_ARRAY(t->mem, struct doc_write, COUNT);
    struct doc_result *results = ARENA_ARRAY(t->mem, struct doc_result, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        bool is_same = i > 0 && rng_below(&t->rng, 2) == 0;
        writes[i] = is_same ? writes[i - 1] : DOC_WRITE_INIT;
        results[i] = is_same ? results[i - 1] : created;
        results[i].id = str_from(ids[rng_below(&t->rng, ARRAY_COUNT(ids))]);
        results[i].seq_no = (int64_t)rng_below(&t->rng, 1000000);
        if (is_same)
            continue;
        writes[i].op = (enum doc_op)rng_below(&t->rng, DOC_DELETE + 1);
        writes[i].index = results[i].index =
            str_from(indices[rng_below(&t->rng, ARRAY_COUNT(indices))]);
        results[i].outcome = (enum doc_outcome)rng_below(&t->rng, DOC_FAILED + 1);
        results[i].status = 200 + (int)rng_below(&t->rng, 3);
        results[i].version = 1 + (int64_t)rng_below(&t->rng, 3);
        results[i].primary_term = 1 + (int64_t)rng_below(&t->rng, 2);
        results[i].forced_refresh = rng_below(&t->rng, 4) == 0;
        results[i].err = &why;
    }
    struct str pretty = minified(t, items(t, writes, results, COUNT, true));
    struct str plain = items(t, writes, results, COUNT, false);
    assert_int_equal(plain.n, pretty.n);
    assert_memory_equal(plain.p, pretty.p, plain.n);
}

TEST_MAIN(TEST(writes_an_item_like_a_document), TEST(items_of_all_shapes_follow_each_other))
