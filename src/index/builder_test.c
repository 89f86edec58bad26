/* SPDX-License-Identifier: Apache-2.0 */
/* What documents of changing shapes, some of them refused, leave in a segment: values that were met
 * before share their tokens, expected names are read without a look-up, and none of it shows. */
#include "index/builder.h"

#include "event/value.h"
#include "index/mapping.h"
#include "index/segment_int.h"
#include "support/test.h"

#define DOCS        400u
#define WORDS_MAX   12u /* w0 … w11 */
#define SHORT_BYTES 9u  /* ignore_above: longer texts are no keyword */

#define MAPPING                                                                                    \
    "{\"properties\":{\"n\":{\"type\":\"integer\"},\"o\":{\"properties\":{\"p\":{\"properties\":{" \
    "\"k\":{\"type\":\"keyword\"}}},\"q\":{\"type\":\"keyword\"}}},\"off\":{\"enabled\":false},"   \
    "\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\",\"ignore_above\":9},"      \
    "\"again\":{\"type\":\"text\"}}},\"c\":{\"type\":\"text\",\"copy_to\":[\"t\"]}}}"

struct fixture {
    struct mapping *mapping;
    struct builder *builder;
    uint32_t count;                 /* documents that were taken */
    bool has_word[DOCS][WORDS_MAX]; /* in t */
    const char *names[DOCS];        /* in o.p.k */
    struct str whole[DOCS];         /* in t.raw, p == NULL: nothing */
};

static void begin(struct test *t, struct fixture *f)
{
    struct value body;
    struct err err;
    *f = (struct fixture){.mapping = mapping_new(), .builder = builder_new()};
    assert_int_equal(value_from_json(STR(MAPPING), t->mem, &body, &err), 0);
    assert_int_equal(mapping_put(f->mapping, &body, &err), 0);
}

static int add(struct test *t, struct fixture *f, struct str source)
{
    struct mapping *draft = NULL;
    struct err err = {0};
    struct builder_doc doc = {arena_printf(t->mem, "%u", f->count), STR_NONE, source, f->count, 1};
    int rc = builder_add(f->builder, f->mapping, &doc, &draft, &err);
    if (rc < 0 && err.code != ERR_MAPPER_PARSING)
        fail_msg("%s: " STR_FMT, err.text, STR_ARG(source));
    assert_null(draft);
    return rc;
}

static struct segment *seal(struct fixture *f)
{
    struct segment *seg;
    struct err err;
    void *bytes;
    size_t size;
    assert_int_equal(builder_seal(f->builder, BUILDER_SORT_NONE, &bytes, &size, &err), 0);
    assert_int_equal(segment_open_bytes(bytes, size, "test", &seg, &err), 0);
    assert_int_equal(segment_verify_all(seg, &err), 0);
    return seg;
}

static void end(struct fixture *f, struct segment *seg)
{
    segment_unref(seg);
    builder_free(f->builder);
    mapping_unref(f->mapping);
}

/* A few words of a small stock, so that texts come again; marks[i]: word i is in it. */
static struct str words(struct test *t, bool *marks)
{
    struct str text = STR("");
    for (uint64_t n = 1 + rng_below(&t->rng, 3); n > 0; n--) {
        uint64_t w = rng_below(&t->rng, WORDS_MAX);
        marks[w] = true;
        text = arena_printf(t->mem, STR_FMT "%sw%u", STR_ARG(text), text.n ? " " : "", (unsigned)w);
    }
    return text;
}

/* One of several ways to write o.p.k, or none. */
static struct str name_member(struct test *t, const char **ret_value)
{
    static const char *const values[] = {"red", "green", "blue"};
    const char *v = *ret_value = values[rng_below(&t->rng, ARRAY_COUNT(values))];
    switch (rng_below(&t->rng, 6)) {
    case 0:
        return arena_printf(t->mem, ",\"o\":{\"p\":{\"k\":\"%s\"},\"q\":\"x\"}", v);
    case 1:
        return arena_printf(t->mem, ", \"o\": {\"q\": \"x\", \"p\": {\"k\": \"%s\"}}", v);
    case 2:
        return arena_printf(t->mem, ",\"o.p\":{\"k\":\"%s\"}", v);
    case 3:
        return arena_printf(t->mem, ",\"o.p.k\":\"%s\",\"o.q\":\"x\"", v);
    case 4:
        return arena_printf(t->mem, ",\"o\":{\"\\u0070.k\":\"%s\" ,\"q\":\"x\"}", v);
    default:
        *ret_value = NULL;
        return STR(",\"off\":{\"o\":{\"p\":{\"k\":\"no\"}}},\"off.o\":{\"p\":1}");
    }
}

static void add_any(struct test *t, struct fixture *f)
{
    bool marks[WORDS_MAX] = {0};
    const char *name;
    struct str text = words(t, marks), member = name_member(t, &name);
    bool is_copied = rng_below(&t->rng, 4) == 0, is_bad = rng_below(&t->rng, 3) == 0;
    bool is_bad_early = rng_below(&t->rng, 2) == 0;
    struct str source =
        arena_printf(t->mem, "{%s\"%s\":\"" STR_FMT "\"" STR_FMT "%s}",
                     is_bad && is_bad_early ? "\"n\":[]," : "", is_copied ? "c" : "t",
                     STR_ARG(text), STR_ARG(member), is_bad ? ",\"n\":\"none\"" : ",\"n\":3");
    int rc = add(t, f, source);
    assert_int_equal(rc < 0, is_bad);
    if (is_bad)
        return;
    memcpy(f->has_word[f->count], marks, sizeof(marks));
    f->names[f->count] = name;
    f->whole[f->count] = text.n <= SHORT_BYTES ? text : STR_NONE;
    f->count++;
}

static void has_postings(struct test *t, const struct fixture *f, struct segment *seg,
                         const char *path, unsigned word)
{
    const struct field *field = mapping_field(f->mapping, str_from(path));
    struct term_info info;
    bool is_there = segment_term(seg, field, arena_printf(t->mem, "w%u", word), &info);
    struct postings *p = is_there ? postings_open(seg, field, &info, POSTINGS_DOCS, t->mem) : NULL;
    uint32_t at = p ? postings_next(p) : DOC_NONE;
    for (uint32_t doc = 0; doc < f->count; doc++) {
        assert_int_equal(at == doc, f->has_word[doc][word]);
        if (at == doc)
            at = postings_next(p);
    }
    assert_int_equal(at, DOC_NONE);
}

static void has_text(struct test *t, const struct fixture *f, struct segment *seg, const char *path,
                     uint32_t doc, struct str text)
{
    struct column *c = segment_column(seg, mapping_field(f->mapping, str_from(path)));
    uint32_t ordinals[2];
    size_t n = c ? column_doc_ordinals(c, doc, ordinals, 2) : 0;
    assert_int_equal(n, text.p != NULL);
    if (n)
        assert_strs_eq(column_ordinal_text(c, ordinals[0], t->mem), text);
}

static void keeps_what_each_document_says(struct test *t)
{
    struct fixture f;
    begin(t, &f);
    while (f.count < DOCS)
        add_any(t, &f);
    struct segment *seg = seal(&f);
    for (unsigned w = 0; w < WORDS_MAX; w++) {
        has_postings(t, &f, seg, "t", w);
        has_postings(t, &f, seg, "t.again", w);
    }
    for (uint32_t doc = 0; doc < DOCS; doc++) {
        has_text(t, &f, seg, "t.raw", doc, f.whole[doc]);
        has_text(t, &f, seg, "o.p.k", doc, f.names[doc] ? str_from(f.names[doc]) : STR_NONE);
    }
    end(&f, seg);
}

/* The keyword begins anew behind a document that was taken back, while the text beside it has a
 * value: what its first term stood for is forgotten. */
static void forgets_terms_that_were_taken_back(struct test *t)
{
    struct fixture f;
    begin(t, &f);
    assert_int_equal(add(t, &f, STR("{\"t\":\"w0 w0 w0 w0 w0\"}")), 0);
    f.has_word[f.count++][0] = true;
    assert_true(add(t, &f, STR("{\"t\":\"w1\",\"n\":\"none\"}")) < 0);
    assert_int_equal(add(t, &f, STR("{\"t\":\"w2\"}")), 0);
    f.has_word[f.count++][2] = true;
    struct segment *seg = seal(&f);
    for (unsigned w = 0; w < 3; w++)
        has_postings(t, &f, seg, "t", w);
    end(&f, seg);
}

TEST_MAIN(TEST(keeps_what_each_document_says), TEST(forgets_terms_that_were_taken_back))
