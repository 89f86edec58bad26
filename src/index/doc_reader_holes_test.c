/* SPDX-License-Identifier: Apache-2.0 */
/* doc_reader_holes_test.c: a reader fills every kind of hole of a source with what was sent, in any
 * order of documents and from segment to segment, and meets the damage of each: no value, several,
 * or one that prints nothing. */
#include "support/store.h"

#include "index/doc_reader.h"
#include "index/segment_writer.h"

#define DOCS   3000u
#define SHAPES 24u
#define FIELDS 13u

static const char *const properties =
    "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"ip\":{\"type\":\"ip\"},"
    "\"l\":{\"type\":\"long\"},\"es\":{\"type\":\"date\",\"format\":\"epoch_second\"},"
    "\"ul\":{\"type\":\"unsigned_long\"},\"b\":{\"type\":\"boolean\"},\"d\":{\"type\":\"double\"},"
    "\"f\":{\"type\":\"float\"},\"dt\":{\"type\":\"date\"},\"dn\":{\"type\":\"date_nanos\"},"
    "\"day\":{\"type\":\"date\"},\"x\":{\"type\":\"text\"}}}}";

static unsigned any(struct test *t, unsigned limit)
{
    return (unsigned)rng_below(&t->rng, limit);
}

/* A field with a value whose text its column gives back; the last two are always stored. */
static struct str member(struct test *t, unsigned field)
{
    struct arena *mem = t->mem;
    switch (field) {
    case 0:
        return arena_printf(mem, "\"k\":\"%0*u\"", any(t, 2) ? 5 : 60,
                            any(t, any(t, 2) ? 3 : 9999));
    case 1:
        return any(t, 2) ? arena_printf(mem, "\"ip\":\"10.%u.0.%u\"", any(t, 3), any(t, 256))
                         : arena_printf(mem, "\"ip\":\"2001:db8::%x\"", 1 + any(t, 65535));
    case 2:
        return arena_printf(mem, "\"l\":%lld", (long long)rng_u64(&t->rng) >> any(t, 64));
    case 3:
        return arena_printf(mem, "\"es\":%u", any(t, 2000000000));
    case 4:
        return arena_printf(mem, "\"ul\":%llu", (unsigned long long)rng_u64(&t->rng));
    case 5:
        return arena_printf(mem, "\"b\":%s", any(t, 2) ? "true" : "false");
    case 6:
        return arena_printf(mem, "\"d\":-%u.%02u%u", any(t, 100000), any(t, 100), 1 + any(t, 9));
    case 7:
        return arena_printf(mem, "\"f\":%u.%u", any(t, 1000), 1 + any(t, 9));
    case 8:
        return arena_printf(mem, "\"dt\":\"2025-01-%02uT%02u:59:%02u.%03u+09:00\"", 1 + any(t, 31),
                            any(t, 24), any(t, 60), any(t, 1000));
    case 9:
        return arena_printf(mem, "\"dn\":\"1999-12-31T23:%02u:00.%09uZ\"", any(t, 60),
                            any(t, 1000000000));
    case 10:
        return arena_printf(mem, "\"day\":\"%04u-02-%02u\"", 1700 + any(t, 500), 1 + any(t, 28));
    case 11:
        return arena_printf(mem, "\"x\":\"no keyword %u\"", any(t, 1000));
    default:
        return arena_printf(mem, "\"l2\":[%u, %u]", any(t, 1000), any(t, 1000));
    }
}

static struct str source_make(struct test *t, uint64_t shape)
{
    struct str all = STR("{");
    for (unsigned field = 0; field < FIELDS; field++) {
        struct str one = shape >> field & 1 ? member(t, field) : STR("\"null\":null");
        all = arena_printf(t->mem, STR_FMT STR_FMT "%s", STR_ARG(all), STR_ARG(one),
                           field + 1 < FIELDS ? " , " : "}");
    }
    return all;
}

static void reads(struct test *t, struct doc_reader *reader, struct segment *seg, uint32_t doc,
                  const struct str *sources)
{
    struct str json, id = doc_reader_id(reader, seg, doc, t->mem);
    uint64_t number;
    assert_true(str_to_u64(id, &number) && number < DOCS);
    assert_ok(doc_reader_source(reader, seg, doc, t->mem, &json, &t->err), &t->err);
    assert_strs_eq(json, sources[number]);
}

/* Each document in order, and each with gaps; counts the holes. */
static void reads_through(struct test *t, struct doc_reader *reader, struct segment *seg,
                          const struct str *sources, uint64_t kinds[HOLE_KIND_COUNT])
{
    for (uint32_t doc = 0; doc < seg->doc_count; doc++) {
        struct stored_doc stored;
        reads(t, reader, seg, doc, sources);
        assert_ok(segment__stored_read(seg, doc, t->mem, &stored, &t->err), &t->err);
        for (uint32_t i = 0; stored.source_template && i < stored.source_template->hole_count; i++)
            kinds[stored.source_template->holes[i].kind]++;
    }
    for (uint32_t doc = 0; doc < seg->doc_count; doc += 1 + any(t, 40))
        reads(t, reader, seg, doc, sources);
}

static void every_kind_of_hole_is_filled(struct test *t)
{
    struct str *sources = ARENA_ARRAY(t->mem, struct str, DOCS), name = STR("h");
    uint64_t shapes[SHAPES], kinds[HOLE_KIND_COUNT] = {0};
    struct store s;
    struct searcher *searcher;
    size_t count;
    store_init(&s, t);
    store_open(&s);
    store_create(&s, "h", properties);
    for (uint32_t i = 0; i < SHAPES; i++)
        shapes[i] = i == 0 ? UINT64_MAX : rng_u64(&t->rng);
    for (uint32_t i = 0; i < DOCS; i++) {
        sources[i] = source_make(t, shapes[any(t, SHAPES)]);
        (void)store_put(&s, "h", arena_printf(t->mem, "%u", i), sources[i]);
        if (i == DOCS / 3)
            assert_ok(engine_flush(s.engine, name, &t->err), &t->err);
    }
    assert_ok(engine_refresh(s.engine, name, &t->err), &t->err);
    assert_ok(engine_snapshot(s.engine, &name, 1, &searcher, &t->err), &t->err);
    const struct searcher_part *parts = searcher_parts(searcher, &count);
    assert_int_equal(count, 2);
    struct doc_reader *reader = doc_reader_new();
    for (size_t i = 0; i < count; i++)
        reads_through(t, reader, parts[i].segment, sources, kinds);
    for (uint32_t k = 0; k < 1000; k++) { /* anywhere; now and then without a reader */
        struct segment *seg = parts[any(t, 2)].segment;
        reads(t, any(t, 9) ? reader : NULL, seg, any(t, seg->doc_count), sources);
    }
    for (size_t kind = 0; kind < HOLE_KIND_COUNT; kind++)
        assert_true(kinds[kind] > DOCS / SHAPES / 2);
    assert_in_range(doc_reader__bytes(reader), 1, DOC_READER_BYTES_MAX);
    doc_reader_free(reader);
    searcher_unref(searcher);
    store_deinit(&s);
}

/* ---- Damage ---- */

#define FIELD 5u
#define BAD   150u /* the document whose hole does not fit; those before it do */

struct hole_row {
    uint8_t kind;
    uint32_t param;
    enum field_type type;
    int64_t good;
    const char *text;
    size_t bad_count; /* values of the bad document */
    int64_t bad[2];
};

/* Documents of one template "L", hole, "T", and a dictionary of an address and another text. */
static struct segment *with_holes(struct test *t, const struct hole_row *row)
{
    static const char address[16] = {[15] = 1};
    struct template_hole hole = {row->kind, FIELD, row->param, 1, NULL};
    bool is_term = row->kind == HOLE_TERM || row->kind == HOLE_IP;
    enum column_kind column = is_term                     ? COLUMN_ORDINAL
                              : row->kind == HOLE_DECIMAL ? COLUMN_DOUBLE
                                                          : COLUMN_LONG;
    struct segment_writer *w =
        segment_writer_new(&(struct segment_writer_options){.doc_count = BAD + 1});
    uint32_t docs[BAD + 2], n = BAD;
    int64_t values[BAD + 2];
    struct segment *seg;
    struct buf encoded;
    void *bytes;
    size_t size;
    buf_init(&encoded, 0);
    buf_add_varint(&encoded, 1);
    template_hole_encode(&encoded, &hole);
    buf_add_varint(&encoded, 1);
    buf_add_str(&encoded, STR("LT"));
    uint32_t number = segment_writer_template(w, buf_str(&encoded));
    buf_deinit(&encoded);
    for (uint32_t i = 0; i <= BAD; i++) {
        segment_writer_doc(w, &(struct segment_doc){.id = arena_printf(t->mem, "%u", i),
                                                    .template_number = number});
        docs[i] = i;
        values[i] = row->good;
    }
    for (size_t i = 0; i < row->bad_count; i++, n++) {
        docs[n] = BAD;
        values[n] = row->bad[i];
    }
    segment_writer_field_begin(w, FIELD, row->type, STR("f"));
    if (column == COLUMN_ORDINAL) {
        segment_writer_terms_begin(w, 0);
        segment_writer_term(w, (struct str){address, 16}, &(struct term_postings){.count = 2});
        segment_writer_term(w, STR("x"), &(struct term_postings){.count = 2});
        segment_writer_terms_end(w, n);
    }
    segment_writer_column(w, &(struct column_input){column, docs, values, n});
    segment_writer_field_end(w);
    assert_ok(segment_writer_finish(w, &bytes, &size, &t->err), &t->err);
    segment_writer_free(w);
    assert_ok(segment_open_bytes(bytes, size, "test", &seg, &t->err), &t->err);
    return seg;
}

#define UTC_DAY      (HOLE_TIME_DATE_ONLY | HOLE_TIME_ZONE_BIAS << HOLE_TIME_ZONE_SHIFT)
#define HALF         INT64_C(0x3FE0000000000000) /* as a double's bits, as the two behind */
#define NOT_A_NUMBER INT64_C(0x7FF8000000000000)
#define TOO_LARGE    INT64_C(0x430C6BF526340000)

static const struct hole_row rows[] = {
    {HOLE_INTEGER, 1, FIELD_LONG, -420, "-42", 1, {421}},
    {HOLE_UNSIGNED, 0, FIELD_UNSIGNED_LONG, INT64_MAX, "18446744073709551615", 0, {0}},
    {HOLE_BOOLEAN, 0, FIELD_BOOLEAN, 1, "true", 1, {2}},
    {HOLE_TIME, UTC_DAY, FIELD_DATE, 0, "1970-01-01", 1, {INT64_MAX}},
    {HOLE_DECIMAL, 1, FIELD_DOUBLE, HALF, "0.5", 1, {NOT_A_NUMBER}},
    {HOLE_DECIMAL, 1, FIELD_DOUBLE, HALF, "0.5", 1, {TOO_LARGE}},
    {HOLE_TERM, 0, FIELD_KEYWORD, 1, "x", 1, {2}},
    {HOLE_IP, 0, FIELD_IP, 0, "::1", 1, {2}},
    {HOLE_IP, 0, FIELD_IP, 0, "::1", 1, {1}}, /* no 16 bytes */
};

static void is_damage(struct test *t, const struct hole_row *row)
{
    struct segment *seg = with_holes(t, row);
    struct doc_reader *reader = doc_reader_new();
    struct str json;
    for (uint32_t doc = 0; doc < BAD; doc++) {
        assert_ok(doc_reader_source(reader, seg, doc, t->mem, &json, &t->err), &t->err);
        assert_strs_eq(json, arena_printf(t->mem, "L%sT", row->text));
    }
    int rc = doc_reader_source(reader, seg, BAD, t->mem, &json, &t->err);
    assert_err(rc, &t->err, ERR_CORRUPT);
    assert_err_has(&t->err, "a document's source does not fit its columns");
    assert_null(json.p);
    doc_reader_free(reader);
    segment_unref(seg);
}

static void a_hole_that_does_not_fit_is_damage(struct test *t)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct hole_row row = rows[i];
        if (row.bad_count)
            is_damage(t, &row);
        row.bad[0] = row.bad[1] = row.good;
        row.bad_count = 0;
        is_damage(t, &row);
        row.bad_count = 2;
        is_damage(t, &row);
    }
}

TEST_MAIN(TEST(every_kind_of_hole_is_filled), TEST(a_hole_that_does_not_fit_is_damage))
