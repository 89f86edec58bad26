/* SPDX-License-Identifier: Apache-2.0 */
#include "index/wal_record.h"

#include "support/test.h"

static struct str some_text(struct test *t, size_t n)
{
    char *p = arena_alloc(t->mem, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)rng_below(&t->rng, 256);
    return (struct str){p, n};
}

static void records_come_back(struct test *t)
{
    enum { COUNT = 300 };
    struct wal_record records[COUNT], got;
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < COUNT; i++) {
        struct wal_record *r = &records[i];
        bool has_source = rng_below(&t->rng, 4) > 0;
        *r = (struct wal_record){.op = has_source ? WAL_DOC_INDEX : WAL_DOC_DELETE,
                                 .id = some_text(t, 1 + rng_below(&t->rng, ID_BYTES_MAX)),
                                 .routing = some_text(t, rng_below(&t->rng, 2) * 7),
                                 .source = some_text(t, has_source ? rng_below(&t->rng, 400) : 0),
                                 .seq_no = rng_u64(&t->rng) >> 1,
                                 .version = rng_u64(&t->rng) >> 1};
        r->flags = rng_below(&t->rng, 2) ? WAL_DOC_FLAG_AUTO_ID : 0;
        wal_record_add(&out, (enum wal_doc_op)r->op, r->flags, r->id, r->routing, r->source,
                       (int64_t)r->seq_no, (int64_t)r->version);
    }
    const uint8_t *p = (const uint8_t *)out.p, *end = p + out.n;
    for (size_t i = 0; i < COUNT; i++) {
        const uint8_t *from = p;
        /* Cut short it is no record. */
        assert_true(wal_record_take(&p, end, &got));
        for (const uint8_t *to = from; i < 20 && to < p; to++) {
            const uint8_t *at = from;
            struct wal_record part;
            assert_false(wal_record_take(&at, to, &part));
        }
        assert_int_equal(got.op, records[i].op);
        assert_int_equal(got.flags & WAL_DOC_FLAG_AUTO_ID, records[i].flags);
        assert_strs_eq(got.id, records[i].id);
        assert_strs_eq(got.routing, records[i].routing);
        assert_strs_eq(got.source, records[i].source);
        assert_true(got.seq_no == records[i].seq_no && got.version == records[i].version);
    }
    assert_ptr_equal(p, end);
    buf_deinit(&out);
}

static void refuses_what_is_no_record(struct test *t)
{
    struct wal_record r;
    static const char *const bad[] = {"\x03\x00\x01x\x00\x00", "\x01\x00\x00\x00\x00\x00", "\x01"};
    static const size_t sizes[] = {6, 6, 1};
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const uint8_t *p = (const uint8_t *)bad[i];
        assert_false(wal_record_take(&p, p + sizes[i], &r));
    }
}

TEST_MAIN(TEST(records_come_back), TEST(refuses_what_is_no_record))
