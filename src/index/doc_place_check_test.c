/* SPDX-License-Identifier: Apache-2.0 */
/* doc_place_check_test.c: whether a write may replace the current document, which version it gets
 * then, and how Elasticsearch words the refusal. */
#include "index/doc_place.h"
#include "support/test.h"

#define NONE  SEQ_NO_NONE
#define INT   VERSION_INTERNAL
#define EXT   VERSION_EXTERNAL
#define GTE   VERSION_EXTERNAL_GTE
#define LIVE  true, true
#define TOMB  false, true
#define NEVER false, false

/* Of document "x", which has version 5 and sequence number 9 when it is or was there. */
static void writes_are_checked(struct test *t)
{
    static const struct {
        bool is_found, is_known;
        enum doc_op op;
        int64_t if_seq_no, if_term;
        enum version_type type;
        int64_t version, got;
        const char *text; /* behind "[x]: version conflict, "; NULL: taken, as version `got` */
    } rows[] = {
        {NEVER, DOC_INDEX, NONE, 0, INT, 0, 1, NULL},
        {LIVE, DOC_INDEX, NONE, 0, INT, 0, 6, NULL},
        {TOMB, DOC_CREATE, NONE, 0, INT, 0, 6, NULL},
        {NEVER, DOC_DELETE, NONE, 0, INT, 0, 1, NULL},
        {LIVE, DOC_CREATE, NONE, 0, INT, 0, 0, "document already exists (current version [5])"},
        {LIVE, DOC_INDEX, 9, 1, INT, 0, 6, NULL},
        {LIVE, DOC_CREATE, 9, 1, INT, 0, 0, "document already exists (current version [5])"},
        {LIVE, DOC_DELETE, 8, 1, INT, 0, 0,
         "required seqNo [8], primary term [1]. current document has seqNo [9] and primary term "
         "[1]"},
        {LIVE, DOC_INDEX, 9, 2, INT, 0, 0,
         "required seqNo [9], primary term [2]. current document has seqNo [9] and primary term "
         "[1]"},
        {TOMB, DOC_INDEX, 9, 1, INT, 0, 0,
         "required seqNo [9], primary term [1]. but no document was found"},
        {NEVER, DOC_INDEX, 0, 1, INT, 0, 0,
         "required seqNo [0], primary term [1]. but no document was found"},
        {NEVER, DOC_INDEX, NONE, 0, EXT, 0, 0, NULL},
        {LIVE, DOC_INDEX, NONE, 0, EXT, 6, 6, NULL},
        {TOMB, DOC_INDEX, NONE, 0, EXT, 77, 77, NULL},
        {LIVE, DOC_INDEX, NONE, 0, EXT, 5, 0,
         "current version [5] is higher or equal to the one provided [5]"},
        {TOMB, DOC_DELETE, NONE, 0, EXT, 4, 0,
         "current version [5] is higher or equal to the one provided [4]"},
        {LIVE, DOC_INDEX, NONE, 0, GTE, 5, 5, NULL},
        {TOMB, DOC_INDEX, NONE, 0, GTE, 4, 0,
         "current version [5] is higher than the one provided [4]"},
        {NEVER, DOC_INDEX, NONE, 0, EXT, -1, 0, "an external version must not be negative"},
        {NEVER, DOC_INDEX, NONE, 0, GTE, INT64_MIN, 0, "an external version must not be negative"},
        {LIVE, DOC_INDEX, NONE, 0, EXT, INT64_MAX, INT64_MAX, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct doc_place place = {rows[i].is_found, rows[i].is_known, .doc = DOC_NONE};
        struct doc_write write = DOC_WRITE_INIT;
        int64_t got = 0;
        if (place.is_known) {
            place.version = 5;
            place.seq_no = 9;
        }
        write.op = rows[i].op;
        write.if_seq_no = rows[i].if_seq_no;
        write.if_primary_term = rows[i].if_term;
        write.version_type = rows[i].type;
        write.version = rows[i].version;
        int rc = doc_place_check(&write, STR("x"), &place, &got, &t->err);
        assert_int_equal(rc, rows[i].text ? -ERR_VERSION_CONFLICT : 0);
        assert_int_equal(got, rows[i].got);
        if (rows[i].text)
            assert_str_eq(str_from(t->err.text),
                          arena_printf(t->mem, "[x]: version conflict, %s", rows[i].text).p);
    }
}

TEST_MAIN(TEST(writes_are_checked))
