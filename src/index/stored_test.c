/* SPDX-License-Identifier: Apache-2.0 */
/* Stored source: documents of each length class, in blocks and across them, come back byte for
 * byte; a block that lies about its lengths is damage, as is a template that does not fit its
 * columns. */
#include "index/segment_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/segment_writer.h"

#define DOCS 10000u

/* Lengths that need one, two and three planes; many short ones, so that a block ends by its number
 * of documents too. */
static size_t length_of(uint32_t doc)
{
    return doc == 9000 ? 100000 : doc > 9900 ? 300 + doc % 7 : doc % 5;
}

static struct str text_of(struct arena *mem, uint32_t doc)
{
    char *p = arena_alloc(mem, length_of(doc) + 1);
    struct rng rng;
    rng_init(&rng, doc);
    for (size_t i = 0; i < length_of(doc); i++)
        p[i] = (char)rng_u64(&rng);
    return (struct str){p, length_of(doc)};
}

static struct str routing_of(uint32_t doc)
{
    return doc % 11 == 0 ? STR("route\0here") : STR_NONE;
}

/* What a segment of a test holds: document i. */
struct docs {
    uint32_t count;
    struct str (*text)(struct arena *mem, uint32_t doc);
    struct str (*routing)(uint32_t doc); /* NULL: none */
};

static struct segment *made_of(struct arena *mem, const struct docs *docs, bool is_compressed)
{
    struct segment_writer_options options = {.doc_count = docs->count,
                                             .is_compressed = is_compressed};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    for (uint32_t i = 0; i < docs->count; i++)
        segment_writer_doc(
            w, &(struct segment_doc){.id = arena_printf(mem, "%06u", i),
                                     .routing = docs->routing ? docs->routing(i) : STR_NONE,
                                     .stored = docs->text(mem, i),
                                     .seq_no = i,
                                     .version = 1});
    assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(bytes, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

static struct segment *made(struct arena *mem, bool is_compressed)
{
    return made_of(mem, &(struct docs){DOCS, text_of, routing_of}, is_compressed);
}

static void comes_back(bool is_compressed)
{
    struct arena *mem = arena_new(0);
    struct segment *seg = made(mem, is_compressed);
    struct err err;
    assert_true(seg->stored_block_count >= 4);
    for (uint32_t k = 0; k < DOCS; k++) {
        uint32_t doc = k < DOCS / 2 ? k : k * 7919 % DOCS; /* in order, then not */
        struct str source, routing;
        if (segment_stored(seg, doc, mem, &source, &routing, &err) < 0)
            fail_msg("document %u: %s", doc, err.text);
        assert_true(str_eq(source, text_of(mem, doc)));
        assert_true(str_eq(routing, routing_of(doc)));
    }
    segment_unref(seg);
    arena_free(mem);
}

static void test_comes_back(void **state)
{
    (void)state;
    comes_back(false);
    comes_back(true);
}

/* One byte of the first stored block changed behind its checksum. */
static void is_damage(uint32_t at, uint8_t byte)
{
    struct arena *mem = arena_new(0);
    struct segment *seg = made(mem, false);
    struct str source, routing;
    struct err err;
    uint8_t *block = (uint8_t *)(uintptr_t)seg->bytes + get_u64_le(seg->stored_index);
    block[at] = byte;
    assert_int_equal(segment_stored(seg, 3, mem, &source, &routing, &err), -ERR_CORRUPT);
    assert_int_equal(segment_failure(seg, &err), -ERR_CORRUPT);
    segment_unref(seg);
    arena_free(mem);
}

static void test_damage(void **state)
{
    (void)state;
    is_damage(0, 1);                       /* another number of documents */
    is_damage(4, 1);                       /* another size */
    is_damage(8, 9);                       /* unknown codec */
    is_damage(8, STORED_ZSTD);             /* not packed at all */
    is_damage(9, 0);                       /* no lengths */
    is_damage(9, STORED_PLANES_MAX + 1);   /* too many of them */
    is_damage(STORED_BLOCK_HEAD + 3, 200); /* a length more than there is */
    is_damage(STORED_BLOCK_HEAD + 3, 0);   /* one less */
}

/* ---- Dictionary ---- */

#define LOG_LINES 20000u

static struct str log_line(struct arena *mem, uint32_t doc)
{
    static const char *const words[] = {"accepted",    "connection", "disconnected", "for",
                                        "invalid",     "journal",    "password",     "port",
                                        "publickey",   "session",    "systemd",      "user",
                                        "unreachable", "watchdog",   "yesterday",    "zone"};
    char line[200];
    struct rng rng;
    int n = 0;
    rng_init(&rng, doc);
    for (unsigned i = 0; i < 8; i++)
        n += snprintf(line + n, sizeof(line) - (size_t)n, "%s ",
                      words[rng_u64(&rng) % ARRAY_COUNT(words)]);
    n += snprintf(line + n, sizeof(line) - (size_t)n, "%u", (unsigned)(rng_u64(&rng) & 0xFFFF));
    return arena_str(mem, (struct str){line, (size_t)n});
}

static struct segment *log_made(struct arena *mem, uint32_t docs, bool is_compressed)
{
    return made_of(mem, &(struct docs){docs, log_line, NULL}, is_compressed);
}

/* Log lines, but for one document that is larger than what may be trained on. */
static struct str long_among_lines(struct arena *mem, uint32_t doc)
{
    if (doc != 1000)
        return log_line(mem, doc);
    char *p = arena_alloc(mem, MIB);
    memset(p, 'x', MIB);
    return (struct str){p, MIB};
}

static void test_dictionary(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    struct segment *seg = log_made(mem, LOG_LINES, true);
    struct err err;
    assert_in_range(seg->dictionary_bytes, 1, STORED_DICTIONARY_BYTES_MAX);
    /* Small blocks, from the first one on. */
    assert_true(seg->stored_block_count > seg->raw_bytes / (2 * STORED_SMALL_BLOCK_BYTES));
    for (uint32_t k = 0; k < LOG_LINES; k++) {
        uint32_t doc = k < 1000 ? k : k * 7919 % LOG_LINES;
        struct str source, routing;
        if (segment_stored(seg, doc, mem, &source, &routing, &err) < 0)
            fail_msg("document %u: %s", doc, err.text);
        assert_true(str_eq(source, log_line(mem, doc)));
    }
    segment_unref(seg);
    arena_free(mem);
}

/* Too little to learn from, or nothing packed at all: large blocks as ever. */
static void test_no_dictionary(void **state)
{
    (void)state;
    static const struct {
        uint32_t docs;
        bool is_compressed;
    } cases[] = {{LOG_LINES, false}, {4000, true}, {10, true}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena *mem = arena_new(0);
        struct segment *seg = log_made(mem, cases[i].docs, cases[i].is_compressed);
        struct str source, routing;
        struct err err;
        assert_int_equal(seg->dictionary_bytes, 0);
        assert_true(seg->stored_block_count <= seg->raw_bytes / STORED_BLOCK_BYTES + 1);
        assert_int_equal(segment_stored(seg, cases[i].docs - 1, mem, &source, &routing, &err), 0);
        assert_true(str_eq(source, log_line(mem, cases[i].docs - 1)));
        segment_unref(seg);
        arena_free(mem);
    }
}

/* The time that training takes is bounded, whatever comes first. */
static void test_no_training_on_long_documents(void **state)
{
    (void)state;
    struct arena *mem = arena_new(0);
    struct segment *seg = made_of(mem, &(struct docs){LOG_LINES, long_among_lines, NULL}, true);
    struct str source, routing;
    struct err err;
    assert_int_equal(seg->dictionary_bytes, 0);
    assert_int_equal(segment_stored(seg, 1000, mem, &source, &routing, &err), 0);
    assert_true(str_eq(source, long_among_lines(mem, 1000)));
    segment_unref(seg);
    arena_free(mem);
}

/* What is changed behind the checksums is damage or, where zstd has no use for the byte, nothing.
 */
static void test_dictionary_damage(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 64; at++) {
        struct arena *mem = arena_new(0);
        struct segment *seg = log_made(mem, LOG_LINES, true);
        struct str source, routing;
        struct err err;
        ((uint8_t *)(uintptr_t)seg->bytes)[seg->dictionary_off + at] ^= 0xFF;
        int rc = segment_stored(seg, 5, mem, &source, &routing, &err);
        assert_true(rc == 0 || rc == -ERR_CORRUPT);
        assert_true(at > 0 || rc == -ERR_CORRUPT); /* no longer the dictionary it was packed with */
        segment_unref(seg);
        arena_free(mem);
    }
    struct arena *mem = arena_new(0);
    struct segment *seg = log_made(mem, LOG_LINES, true);
    struct str source, routing;
    struct err err;
    seg->dictionary_bytes = 0; /* a block wants what the segment does not have */
    assert_int_equal(segment_stored(seg, 5, mem, &source, &routing, &err), -ERR_CORRUPT);
    segment_unref(seg);
    arena_free(mem);
}

/* ---- Templates ---- */

#define LONG_ID   7u
#define DOUBLE_ID 9u

/* Two documents of one template, the first with a long and a double: a hole of kind and field
 * before "L", then a tail "T". */
static struct segment *with_template(const char *encoded, size_t bytes, const char *stored)
{
    struct segment_writer_options options = {.doc_count = 2};
    struct segment_writer *w = segment_writer_new(&options);
    struct segment *seg;
    struct err err;
    void *out;
    size_t size;
    uint32_t number = segment_writer_template(w, (struct str){encoded, bytes}), doc = 0;
    int64_t value = 42;
    assert_int_equal(number, 1);
    for (uint32_t i = 0; i < 2; i++)
        segment_writer_doc(w, &(struct segment_doc){.id = i ? STR("b") : STR("a"),
                                                    .template_number = number,
                                                    .stored = str_from(stored),
                                                    .version = 1});
    segment_writer_field_begin(w, LONG_ID, FIELD_LONG, STR("l"));
    segment_writer_column(w, &(struct column_input){COLUMN_LONG, &doc, &value, 1});
    segment_writer_field_end(w);
    segment_writer_field_begin(w, DOUBLE_ID, FIELD_DOUBLE, STR("d"));
    segment_writer_column(w, &(struct column_input){COLUMN_DOUBLE, &doc, &value, 1});
    segment_writer_field_end(w);
    assert_int_equal(segment_writer_finish(w, &out, &size, &err), 0);
    segment_writer_free(w);
    if (segment_open_bytes(out, size, "test", &seg, &err) < 0)
        fail_msg("%s", err.text);
    return seg;
}

static void template_gives(const char *encoded, size_t bytes, const char *stored, uint32_t doc,
                           const char *source)
{
    struct arena *mem = arena_new(0);
    struct segment *seg = with_template(encoded, bytes, stored);
    struct str json, routing;
    struct err err = {0};
    int rc = segment_stored(seg, doc, mem, &json, &routing, &err);
    if (source) {
        assert_int_equal(rc, 0);
        if (!str_eq(json, str_from(source)))
            fail_msg(STR_FMT " is not %s", STR_ARG(json), source);
        assert_int_equal(segment_failure(seg, &err), 0);
    } else {
        assert_int_equal(rc, -ERR_CORRUPT);
        assert_int_equal(segment_failure(seg, &err), -ERR_CORRUPT);
    }
    segment_unref(seg);
    arena_free(mem);
}
#define GIVES(encoded, stored, doc, source)                                                        \
    template_gives(encoded, sizeof(encoded) - 1, stored, doc, source)

static void test_templates(void **state)
{
    (void)state;
    /* holes · kind · literal bytes · field · param · tail bytes · literals */
    GIVES("\1\3\1\7\0\1LT", "", 0, "L42T");
    GIVES("\1\3\1\7\0\1LT", "", 1, NULL);          /* no value */
    GIVES("\1\3\1\7\0\1LT", "x", 0, NULL);         /* something stored that no hole takes */
    GIVES("\1\3\1\7\3\1LT", "", 0, NULL);          /* 42 is no whole thousands */
    GIVES("\1\3\1\7\40\1LT", "", 0, NULL);         /* no such param */
    GIVES("\1\5\1\7\0\1LT", "", 0, NULL);          /* 42 is no boolean */
    GIVES("\1\3\1\10\0\1LT", "", 0, NULL);         /* no such field */
    GIVES("\1\3\1\11\0\1LT", "", 0, NULL);         /* a column of another kind */
    GIVES("\1\1\1\7\0\1LT", "", 0, NULL);          /* no dictionary */
    GIVES("\2\3\1\7\0\3\1\7\0\1LMT", "", 0, NULL); /* a field twice */
    GIVES("\2\0\1\0\1\1LMT", "a", 0, NULL);        /* one stored where two are wanted */
    template_gives("\0\1T", 3, "", 1, "T");
    template_gives("\1\0\1\1LT", 6, "stored", 1, "LstoredT");
}

/* The writer asserts that it gets templates, so their bytes are changed behind it. */
static void test_template_bytes(void **state)
{
    (void)state;
    static const char encoded[] = "\1\3\1\7\0\1LT";
    for (size_t at = 0; at < sizeof(encoded) - 1; at++) {
        struct arena *mem = arena_new(0);
        struct segment *seg = with_template(encoded, sizeof(encoded) - 1, "");
        struct str json, routing;
        struct err err;
        ((uint8_t *)(uintptr_t)seg->bytes)[seg->templates_off + at] = 0xFF;
        int rc = segment_stored(seg, 0, mem, &json, &routing, &err);
        assert_true(rc == -ERR_CORRUPT || (rc == 0 && json.n == 4)); /* another literal */
        segment_unref(seg);
        arena_free(mem);
    }
}

/* ---- Fields ---- */

/* Of two fields with one id a reader would take either: the footer is refused. */
static void test_fields_of_one_id(void **state)
{
    (void)state;
    for (uint32_t second = LONG_ID; second <= DOUBLE_ID; second += DOUBLE_ID - LONG_ID) {
        struct segment_writer_options options = {.doc_count = 1};
        struct segment_writer *w = segment_writer_new(&options);
        struct segment *seg = NULL;
        struct err err = {0};
        void *bytes;
        size_t size;
        uint32_t doc = 0;
        int64_t value = 42;
        segment_writer_doc(w, &(struct segment_doc){.id = STR("a"), .version = 1});
        for (unsigned i = 0; i < 2; i++) {
            segment_writer_field_begin(w, i ? second : LONG_ID, FIELD_LONG,
                                       i ? STR("m") : STR("l"));
            segment_writer_column(w, &(struct column_input){COLUMN_LONG, &doc, &value, 1});
            segment_writer_field_end(w);
        }
        assert_int_equal(segment_writer_finish(w, &bytes, &size, &err), 0);
        segment_writer_free(w);
        assert_int_equal(segment_open_bytes(bytes, size, "test", &seg, &err),
                         second == LONG_ID ? -ERR_CORRUPT : 0);
        segment_unref(seg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_back),
                                       cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_dictionary),
                                       cmocka_unit_test(test_no_dictionary),
                                       cmocka_unit_test(test_no_training_on_long_documents),
                                       cmocka_unit_test(test_dictionary_damage),
                                       cmocka_unit_test(test_templates),
                                       cmocka_unit_test(test_template_bytes),
                                       cmocka_unit_test(test_fields_of_one_id)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
