/* SPDX-License-Identifier: Apache-2.0 */
/* KQL to the query DSL, and errors with their hints. */
#include "support/test.h"

#include "base/buf.h"
#include "event/value.h"
#include "query/search.h"

#define ONE(clause) "{\"bool\":{\"should\":[" clause "],\"minimum_should_match\":1}}"
#define MATCH(f, v) ONE("{\"match\":{\"" f "\":" v "}}")

static void becomes_dsl(struct test *t)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "{\"match_all\":{}}"},
        {"  ", "{\"match_all\":{}}"},
        {"*:*", "{\"match_all\":{}}"},
        {"a", "{\"multi_match\":{\"type\":\"best_fields\",\"query\":\"a\",\"lenient\":true}}"},
        {"a b", "{\"multi_match\":{\"type\":\"best_fields\",\"query\":\"a b\",\"lenient\":true}}"},
        {"\"a b\"", "{\"multi_match\":{\"type\":\"phrase\",\"query\":\"a b\",\"lenient\":true}}"},
        {"f:v", MATCH("f", "\"v\"")},
        {"f : v w", MATCH("f", "\"v w\"")},
        {"f:\"v w\"", ONE("{\"match_phrase\":{\"f\":\"v w\"}}")},
        {"f:*", ONE("{\"exists\":{\"field\":\"f\"}}")},
        {"f:wi*d", ONE("{\"query_string\":{\"fields\":[\"f\"],\"query\":\"wi*d\"}}")},
        {"f:a-*", ONE("{\"query_string\":{\"fields\":[\"f\"],\"query\":\"a\\\\-*\"}}")},
        {"na*e:v", "{\"multi_match\":{\"type\":\"best_fields\",\"fields\":[\"na*e\"],\"query\":"
                   "\"v\",\"lenient\":true}}"},
        {"f:5", MATCH("f", "5")},
        {"f:007", MATCH("f", "\"007\"")},
        {"f:9007199254740993", MATCH("f", "9007199254740993")},
        {"f:true", MATCH("f", "true")},
        {"f:\"true\"", ONE("{\"match_phrase\":{\"f\":\"true\"}}")},
        {"f >= 5", ONE("{\"range\":{\"f\":{\"gte\":5}}}")},
        {"@timestamp < now-1d/d", ONE("{\"range\":{\"@timestamp\":{\"lt\":\"now-1d/d\"}}}")},
        {"f:a and g:b",
         "{\"bool\":{\"filter\":[" MATCH("f", "\"a\"") "," MATCH("g", "\"b\"") "]}}"},
        {"f:a OR g:b", "{\"bool\":{\"should\":[" MATCH("f", "\"a\"") "," MATCH(
                           "g", "\"b\"") "],\"minimum_should_match\":1}}"},
        {"not f:a", "{\"bool\":{\"must_not\":" MATCH("f", "\"a\"") "}}"},
        {"f:a or g:b and h:c",
         "{\"bool\":{\"should\":[" MATCH("f", "\"a\"") ",{\"bool\":{\"filter\":[" MATCH(
             "g", "\"b\"") "," MATCH("h", "\"c\"") "]}}],\"minimum_should_match\":1}}"},
        {"f:(1 or 2)", "{\"bool\":{\"should\":[" MATCH("f", "1") "," MATCH(
                           "f", "2") "],\"minimum_should_match\":1}}"},
        {"f:(1 and not 2)", "{\"bool\":{\"filter\":[" MATCH(
                                "f", "1") ",{\"bool\":{\"must_not\":" MATCH("f", "2") "}}]}}"},
        {"(f:a)", MATCH("f", "\"a\"")},
        {"f:a\\:b", MATCH("f", "\"a:b\"")},
        {"f:a \\and b", MATCH("f", "\"a and b\"")},
        {"f:\\*", MATCH("f", "\"*\"")},
        {"f:oregon", MATCH("f", "\"oregon\"")},
        {"p:{ f:a }",
         "{\"nested\":{\"path\":\"p\",\"query\":" MATCH("f", "\"a\"") ",\"score_mode\":\"none\"}}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v;
        struct buf out;
        buf_init(&out, 0);
        assert_ok(kql_to_dsl(str_from(rows[i].text), t->mem, &v, &t->err), &t->err);
        value_to_json(&v, &out);
        assert_str_eq(buf_str(&out), rows[i].want);
        buf_deinit(&out);
    }
}

static void errors_have_place_and_hint(struct test *t)
{
    static const struct {
        const char *text;
        int64_t off;
        const char *part;
    } rows[] = {
        {"f:", 2, "Expected \"(\", \"{\", value"},
        {"(f:a", 4, "Expected AND, OR, \")\""},
        {"f:\"a", 2, "closing quote"},
        {"f:a)", 3, "Expected AND, OR, end of input"},
        {"f:[1 TO 5] or \"", 14, "field >= low and field <= high"},
        {"_exists_:f:g", 10, "write \"field:*\""},
        {"a and", 5, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v;
        if (kql_to_dsl(str_from(rows[i].text), t->mem, &v, &t->err) == 0) {
            assert_str_eq(str_from(rows[i].text),
                          "a and"); /* a word at the end: "and" is no keyword there */
            continue;
        }
        assert_err_has(&t->err, rows[i].part);
        assert_int_equal(t->err.off, rows[i].off);
    }
}

TEST_MAIN(TEST(becomes_dsl), TEST(errors_have_place_and_hint))
