/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_lines_test.c: what is taken from the lines of a _bulk, whole and byte by byte, and what
 * refuses it. The messages are Elasticsearch 7.10's. */
#include "support/test.h"

#include "base/buf.h"
#include "server/bulk_lines.h"

#define META "\"_index\":\"i\",\"_id\":\"1\""

static const struct bulk_defaults none = {0};

static int read_whole(struct test *t, const char *body, struct doc_write **ret_writes,
                      size_t *ret_count)
{
    struct bulk_lines *lines = bulk_lines_new(t->mem);
    TRY(bulk_lines_take(lines, str_from(body), &t->err));
    return bulk_lines_finish(lines, str_from(body), &none, ret_writes, ret_count, &t->err);
}

/* Each call sees one byte more, at another place. */
static int read_bytewise(struct test *t, const char *body, struct doc_write **ret_writes,
                         size_t *ret_count)
{
    struct bulk_lines *lines = bulk_lines_new(t->mem);
    struct str whole = str_from(body), copy = STR("");
    for (size_t n = 1; n <= whole.n; n++) {
        char *old = (char *)(uintptr_t)copy.p;
        copy = arena_str(t->mem, str_sub(whole, 0, n));
        if (n > 1)
            memset(old, '#', n - 1); /* what it points to must have moved */
        TRY(bulk_lines_take(lines, copy, &t->err));
    }
    return bulk_lines_finish(lines, copy, &none, ret_writes, ret_count, &t->err);
}

static const struct {
    const char *body, *reason; /* NULL: it is taken */
    enum err_code code;
} rows[] = {
    {"{\"index\":{" META "}}\n{}\n", NULL, ERR_NONE},
    {"", "request body is required", ERR_BODY},
    {"\n \r\n", "Validation Failed: 1: no requests added;", ERR_VALIDATION},
    {"{\"index\":{" META "}}\n{}", "The bulk request must be terminated by a newline [\\n]",
     ERR_INVALID},
    {"{\"index\":{" META "}}\n",
     "Validation Failed: 1: source is missing for the action of line 1;", ERR_VALIDATION},
    {"[]\n{}\n",
     "Malformed action/metadata line [1], expected START_OBJECT but found [START_ARRAY]",
     ERR_INVALID},
    {"{}\n{}\n", "Malformed action/metadata line [1], expected FIELD_NAME but found [END_OBJECT]",
     ERR_INVALID},
    {"{\"delete\":{" META "}}\n\n{\"foo\":{" META "}}\n{}\n",
     "Malformed action/metadata line [3], expected field [create], [delete], [index] or [update] "
     "but found [foo]",
     ERR_INVALID},
    {"{\"index\":1}\n{}\n",
     "Malformed action/metadata line [1], expected START_OBJECT but found [VALUE_NUMBER]",
     ERR_INVALID},
    {"{\"index\":{\"_id\":[1]}}\n{}\n",
     "Malformed action/metadata line [1], expected a simple value for field [_id] but found "
     "[START_ARRAY]",
     ERR_INVALID},
    {"{\"index\":{" META ",\"zz\":1}}\n{}\n",
     "Action/metadata line [1] contains an unknown parameter [zz]", ERR_INVALID},
    {"{\"index\":{" META "},\"create\":{}}\n{}\n",
     "Malformed action/metadata line [1], expected END_OBJECT but found [END]", ERR_INVALID},
    {"{\"index\":{" META "\n{}\n", "Malformed action/metadata line [1]: ", ERR_JSON},
    {"hello\n{}\n", "Malformed action/metadata line [1]: ", ERR_JSON},
    {"{\"index\":{" META "}} x\n{}\n", "Malformed action/metadata line [1]: ", ERR_JSON},
    {"{\"index\":{}}\n{}\n{\"delete\":{}}\n",
     "Validation Failed: 1: index is missing;2: index is missing;3: id is missing;",
     ERR_VALIDATION},
    {"{\"update\":{\"_index\":\"i\"}}\n{}\n", "Validation Failed: 1: id is missing;",
     ERR_VALIDATION},
    {"{\"index\":{\"_index\":\"i\",\"_id\":\"\"}}\n{}\n",
     "Validation Failed: 1: if _id is specified it must not be empty;", ERR_VALIDATION},
    {"{\"create\":{" META ",\"version\":2}}\n{}\n",
     "Validation Failed: 1: create operations do not support explicit versions. use index "
     "instead;",
     ERR_VALIDATION},
    {"{\"index\":{" META ",\"version\":2}}\n{}\n",
     "Validation Failed: 1: internal versioning can not be used for optimistic concurrency "
     "control. Please use `if_seq_no` and `if_primary_term` instead;",
     ERR_VALIDATION},
    {"{\"create\":{" META ",\"if_seq_no\":2,\"if_primary_term\":1}}\n{}\n",
     "Validation Failed: 1: create operations do not support compare and set. use index instead;",
     ERR_VALIDATION},
    {"{\"index\":{" META ",\"if_seq_no\":2}}\n{}\n",
     "Validation Failed: 1: ifSeqNo is set, but primary term is [0];", ERR_VALIDATION},
    {"{\"index\":{" META ",\"if_seq_no\":-1}}\n{}\n",
     "sequence numbers must be non negative. got [-1].", ERR_INVALID},
    {"{\"index\":{" META ",\"version_type\":\"external\"}}\n{}\n",
     "Validation Failed: 1: illegal version value [-3] for version type [EXTERNAL];",
     ERR_VALIDATION},
    {"{\"index\":{" META ",\"version_type\":\"zz\"}}\n{}\n", "No version type match [zz]",
     ERR_INVALID},
    {"{\"index\":{" META ",\"version\":\"x\"}}\n{}\n", "For input string: \"x\"", ERR_INVALID},
    {"{\"index\":{" META ",\"require_alias\":\"no\"}}\n{}\n",
     "Failed to parse value [no] as only [true] or [false] are allowed.", ERR_INVALID},
    {"{\"index\":{" META ",\"pipeline\":\"p\"}}\n{}\n", "pipeline with id [p] does not exist",
     ERR_INVALID},
    {"{\"index\":{" META ",\"op_type\":\"zz\"}}\n{}\n",
     "opType must be 'create' or 'index', found: [zz]", ERR_INVALID},
};

static void refuses_the_whole(struct test *t)
{
    for (size_t i = 0; i < 2 * ARRAY_COUNT(rows); i++) {
        struct doc_write *writes;
        size_t count;
        const char *body = rows[i / 2].body, *reason = rows[i / 2].reason;
        int rc = (i % 2 ? read_bytewise : read_whole)(t, body, &writes, &count);
        if (rc != -(int)rows[i / 2].code)
            fail_msg("%s: %d %s", body, rc, rc ? t->err.text : "");
        if (reason && !str_starts_with(str_from(t->err.text), str_from(reason)))
            fail_msg("%s: %s", body, t->err.text);
    }
}

static void takes_every_parameter(struct test *t)
{
    static const char body[] =
        "{\"index\":{\"_index\":\"i\",\"_id\":7,\"_type\":\"_doc\",\"routing\":\"r\","
        "\"version\":\"5\",\"version_type\":\"external_gte\",\"pipeline\":\"_none\"}}\r\n"
        "{\"a\":1}\r\n\n"
        "{\"index\":{\"_index\":\"\\u006a\",\"op_type\":\"create\",\"require_alias\":\"true\","
        "\"_routing\":\"s\"}}\n\n"
        "{\"update\":{\"_index\":\"i\",\"_id\":\"u\",\"retry_on_conflict\":3,\"if_seq_no\":4,"
        "\"if_primary_term\":1}}\n{\"doc\":{}}\n"
        "{\"delete\":{\"_index\":\"i\",\"_id\":\"d\",\"routing\":null}}\n";
    for (int i = 0; i < 2; i++) {
        struct doc_write *w;
        size_t count;
        assert_ok((i ? read_bytewise : read_whole)(t, body, &w, &count), &t->err);
        assert_int_equal(count, 4);
        assert_true(w[0].op == DOC_INDEX && w[0].version == 5 &&
                    w[0].version_type == VERSION_EXTERNAL_GTE);
        assert_str_eq(w[0].index, "i");
        assert_str_eq(w[0].id, "7");
        assert_str_eq(w[0].routing, "r");
        assert_str_eq(w[0].source, "{\"a\":1}");
        assert_true(w[1].op == DOC_CREATE && w[1].is_alias_required && !w[1].id.p);
        assert_str_eq(w[1].index, "j");
        assert_str_eq(w[1].routing, "s");
        assert_str_eq(w[1].source, ""); /* an empty document is the engine's to refuse */
        assert_true(w[2].op == DOC_UPDATE && w[2].if_seq_no == 4 && w[2].if_primary_term == 1);
        assert_str_eq(w[2].source, "{\"doc\":{}}");
        assert_true(w[3].op == DOC_DELETE && !w[3].routing.p);
        assert_str_eq(w[3].id, "d");
    }
}

/* A line like the one before says the same, whether the body was moved between them or not. */
static void copies_like_actions(struct test *t)
{
    static const char body[] = "{\"index\":{\"_index\":\"\\u0069\",\"_id\":\"a\",\"version\":7,"
                               "\"version_type\":\"external\"}}\n{\"n\":1}\n"
                               "{\"index\":{\"_index\":\"\\u0069\",\"_id\":\"a\",\"version\":7,"
                               "\"version_type\":\"external\"}}\n{\"n\":2}\n"
                               "{\"delete\":{\"_index\":\"i\",\"_id\":\"a\"}}\n"
                               "{\"delete\":{\"_index\":\"i\",\"_id\":\"a\"}}\n";
    for (int is_bytewise = 0; is_bytewise < 2; is_bytewise++) {
        struct doc_write *w;
        size_t count;
        struct bulk_lines *lines = bulk_lines_new(t->mem);
        if (is_bytewise) {
            assert_ok(read_bytewise(t, body, &w, &count), &t->err);
        } else {
            assert_ok(bulk_lines_take(lines, str_from(body), &t->err), &t->err);
            assert_ok(bulk_lines_finish(lines, str_from(body), &none, &w, &count, &t->err),
                      &t->err);
        }
        assert_int_equal(count, 4);
        for (size_t i = 0; i < count; i++) {
            assert_str_eq(w[i].index, "i");
            assert_str_eq(w[i].id, "a");
            assert_int_equal(w[i].op, i < 2 ? DOC_INDEX : DOC_DELETE);
        }
        assert_int_equal(w[1].version, 7);
        assert_int_equal(w[1].version_type, VERSION_EXTERNAL);
        assert_str_eq(w[0].source, "{\"n\":1}");
        assert_str_eq(w[1].source, "{\"n\":2}");
    }
}

static void adds_defaults_and_counts_memory(struct test *t)
{
    struct buf body;
    struct doc_write *writes;
    size_t count;
    struct bulk_lines *lines = bulk_lines_new(t->mem);
    struct bulk_defaults defaults = {STR("i"), STR("r"), true};
    assert_int_equal(bulk_lines_bytes(lines), 0);
    buf_init(&body, 0);
    for (int i = 0; i < 1000; i++)
        buf_add_str(&body, STR("{\"index\":{}}\n{}\n"));
    assert_ok(bulk_lines_take(lines, buf_str(&body), &t->err), &t->err);
    assert_true(bulk_lines_bytes(lines) >= 1000 * sizeof(struct doc_write));
    assert_ok(bulk_lines_finish(lines, buf_str(&body), &defaults, &writes, &count, &t->err),
              &t->err);
    assert_int_equal(count, 1000);
    assert_str_eq(writes[999].index, "i");
    assert_str_eq(writes[999].routing, "r");
    assert_true(writes[999].is_alias_required);
    buf_deinit(&body);
}

/* The malformed line is known as soon as it is complete, however much is still to come. */
static void refuses_at_once(struct test *t)
{
    struct bulk_lines *lines = bulk_lines_new(t->mem);
    struct str body = STR("{\"index\":{\"_index\":\"i\"}}\n{}\n{\"nope\":{}}\n");
    assert_ok(bulk_lines_take(lines, str_sub(body, 0, body.n - 1), &t->err), &t->err);
    assert_err(bulk_lines_take(lines, body, &t->err), &t->err, ERR_INVALID);
    assert_err_has(&t->err, "line [3]");
}

TEST_MAIN(TEST(refuses_the_whole), TEST(takes_every_parameter), TEST(copies_like_actions),
          TEST(adds_defaults_and_counts_memory), TEST(refuses_at_once))
