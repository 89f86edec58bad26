/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/buf.h"
#include "bench/load/corpus.h"
#include "codec/json.h"

static struct corpus *make(struct test *t, const char *type, uint64_t docs, uint64_t seed)
{
    struct corpus *corpus;
    assert_ok(corpus_new(str_from(type), docs, seed, STR("p-"), &corpus, &t->err), &t->err);
    return corpus;
}

/* All documents, in bulks of the size. */
static void fill(const struct corpus *corpus, uint64_t bulk, struct buf *out)
{
    for (uint32_t i = 0; i < corpus->index_count; i++) {
        for (uint64_t at = 0; at < corpus->indices[i].count; at += bulk)
            corpus_bulk_add(corpus, i, at, MIN_OF(bulk, corpus->indices[i].count - at), out);
    }
}

static const char *const corpora[] = {"http_logs", "big5"};

static void same_seed_gives_the_same_bytes(struct test *t)
{
    for (size_t i = 0; i < ARRAY_COUNT(corpora); i++) {
        struct buf a, b, c;
        buf_init(&a, 0), buf_init(&b, 0), buf_init(&c, 0);
        CLEANUP(corpus_free_ptr) struct corpus *first = make(t, corpora[i], 3000, t->seed);
        CLEANUP(corpus_free_ptr) struct corpus *again = make(t, corpora[i], 3000, t->seed);
        CLEANUP(corpus_free_ptr) struct corpus *other = make(t, corpora[i], 3000, t->seed + 1);
        fill(first, 3000, &a);
        fill(again, 7, &b); /* whatever the size of the bulks */
        fill(other, 3000, &c);
        assert_true(str_eq(buf_str(&a), buf_str(&b)));
        assert_false(str_eq(buf_str(&a), buf_str(&c)));
        buf_deinit(&a), buf_deinit(&b), buf_deinit(&c);
    }
}

static void documents_are_json_of_the_size_that_is_said(struct test *t)
{
    static const size_t low[] = {128, 890}, high[] = {142, 960};
    for (size_t i = 0; i < ARRAY_COUNT(corpora); i++) {
        struct buf out;
        buf_init(&out, 0);
        CLEANUP(corpus_free_ptr) struct corpus *corpus = make(t, corpora[i], 20000, t->seed);
        fill(corpus, 5000, &out);
        struct str rest = buf_str(&out), line;
        size_t lines = 0, doc_bytes = 0;
        while (str_split_next(&rest, '\n', &line) && line.n > 0) {
            assert_ok(json_validate(line, &t->err), &t->err);
            doc_bytes += lines++ % 2 ? line.n + 1 : 0;
        }
        assert_int_equal(lines, 40000);
        assert_in_range(doc_bytes / 20000, low[i], high[i]);
        buf_deinit(&out);
    }
}

static void http_logs_has_seven_indices_in_the_real_proportions(struct test *t)
{
    CLEANUP(corpus_free_ptr) struct corpus *corpus = make(t, "http_logs", 2473000, t->seed);
    static const uint64_t docs[] = {27000, 97000, 131000, 176000, 107000, 120000, 1815000};
    uint64_t first = 0;
    assert_int_equal(corpus->index_count, ARRAY_COUNT(docs));
    for (uint32_t i = 0; i < corpus->index_count; i++) {
        assert_in_range(corpus->indices[i].count, docs[i] - 1, docs[i] + 1);
        assert_int_equal(corpus->indices[i].first, first);
        first += corpus->indices[i].count;
    }
    assert_int_equal(first, 2473000);
    assert_string_equal(corpus->indices[0].name, "p-logs-181998");
}

static uint64_t count_of(struct str text, struct str needle)
{
    uint64_t n = 0;
    for (ptrdiff_t at; (at = str_find(text, needle)) >= 0; n++)
        text = str_from_off(text, (size_t)at + needle.n);
    return n;
}

static void http_logs_has_what_the_operations_ask_for(struct test *t)
{
    struct buf out;
    buf_init(&out, 0);
    CLEANUP(corpus_free_ptr) struct corpus *corpus = make(t, "http_logs", 100000, t->seed);
    fill(corpus, 5000, &out);
    struct str text = buf_str(&out);
    assert_in_range(count_of(text, STR("\"GET / HTTP/1.0\"")), 800, 2200);
    assert_in_range(count_of(text, STR("\"status\":200")), 75000, 90000);
    assert_in_range(count_of(text, STR("\"status\":304,\"size\":0}")), 10000, 20000);
    assert_in_range(count_of(text, STR("\"status\":400")), 20, 100);
    buf_deinit(&out);
}

static void http_logs_time_only_grows(struct test *t)
{
    struct buf out;
    buf_init(&out, 0);
    CLEANUP(corpus_free_ptr) struct corpus *corpus = make(t, "http_logs", 50000, t->seed);
    fill(corpus, 5000, &out);
    struct str rest = buf_str(&out), line;
    uint64_t before = 893964617, second = 0; /* 1998-04-30 19:30:17 */
    while (str_split_next(&rest, '\n', &line) && line.n > 0) {
        if (!str_starts_with(line, STR("{\"@timestamp\":")))
            continue;
        assert_true(str_to_u64(str_sub(line, 14, 9), &second));
        assert_true(second >= before);
        before = second;
    }
    assert_in_range(second, 899200000, 899251199); /* the last hours of June */
    buf_deinit(&out);
}

static void big5_has_what_the_operations_ask_for(struct test *t)
{
    struct buf out;
    buf_init(&out, 0);
    CLEANUP(corpus_free_ptr) struct corpus *corpus = make(t, "big5", 30000, t->seed);
    fill(corpus, 5000, &out);
    struct str text = buf_str(&out);
    static const char *const wanted[] = {"\"/var/log/messages/birdknight\"",
                                         "\"/var/log/messages/solarshark\"",
                                         "\"log_stream\": \"indigodagger\"",
                                         " ip-50-136-239-27 ",
                                         " monkey ",
                                         " jackal ",
                                         " bear ",
                                         "{\"@timestamp\": \"2023-01-01T23:",
                                         "{\"@timestamp\": \"2023-01-13T",
                                         "{\"name\": \"systemd\"}",
                                         "{\"name\": \"kernel\"}"};
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++)
        if (count_of(text, str_from(wanted[i])) == 0)
            fail_msg("no document has %s", wanted[i]);
    buf_deinit(&out);
}

static void unknown_corpus_is_refused(struct test *t)
{
    struct corpus *corpus;
    assert_int_equal(corpus_new(STR("big6"), 1, 1, STR(""), &corpus, &t->err), -ERR_INVALID);
}

TEST_MAIN(TEST(same_seed_gives_the_same_bytes), TEST(documents_are_json_of_the_size_that_is_said),
          TEST(http_logs_has_seven_indices_in_the_real_proportions),
          TEST(http_logs_has_what_the_operations_ask_for), TEST(http_logs_time_only_grows),
          TEST(big5_has_what_the_operations_ask_for), TEST(unknown_corpus_is_refused))
