/* SPDX-License-Identifier: Apache-2.0 */
/* tuple_part_test.c: the parts of tuples, read from segments: each document's value, its place, its
 * order and how it is shown, against the small number that the document was made of. */
#include "query/buckets/tuple_part_model_test.h"

/* One part over the segments. */
struct reading {
    struct test *t;
    const struct model *m;
    const struct part_case *c;
    struct tuple_spec spec;
    struct tuple_run tuples;
    struct tuple_part *part;
    struct agg_run run;
    uint32_t places[ZONE_DOCS]; /* of the window at hand */
};

static struct value want_at(struct reading *r, int rank)
{
    return rank != RANK_NONE ? shown(r->t, r->c, rank) : value_null();
}

static void check_print(struct reading *r, const struct part_value *v, int64_t key,
                        const struct value *want)
{
    int64_t keys[2] = {key, v->is_missing};
    struct tuple_set set = {.keys = keys};
    struct value got = tuple_print(&set, &r->tuples, 0, 0, false, &r->run);
    struct bed bed = {.t = r->t};
    assert_strs_eq(json_of(&bed, &got), json_of(&bed, want));
}

static void check_order(struct reading *r, const struct part_value *v, const struct value *own,
                        int rank)
{
    int other = (int)rng_below(&r->t->rng, RANKS + r->spec.has_missing) - r->spec.has_missing;
    struct value theirs = want_at(r, other);
    struct tuple_edge edge = edge_of(r->part, &theirs);
    int want = cmp_shown(own, &theirs, rank, other);
    if (theirs.kind == VALUE_STR && rng_below(&r->t->rng, 2)) { /* between two texts */
        edge.text = arena_printf(r->t->mem, "k%02d!", other);
        want = rank <= other ? -1 : 1;
    }
    part_edge_begin(r->part, &edge);
    int got = part_cmp(r->part, v, &edge);
    assert_int_equal((got > 0) - (got < 0), r->spec.is_desc ? -want : want);
}

/* Numbers of the segment and of the run, and places, are equal as what they stand for is. */
static void check_same(const struct value *a, const struct value *b, const struct part_value *va,
                       const struct part_value *vb, const int64_t *keys, const uint32_t *places)
{
    bool is_one = is_same(a, b);
    assert_int_equal(is_one, va->is_missing == vb->is_missing && va->ordinal == vb->ordinal &&
                                 va->key == vb->key);
    assert_int_equal(is_one, keys[0] == keys[1] && va->is_missing == vb->is_missing);
    if (places)
        assert_int_equal(is_one, places[0] == places[1]);
}

static void check_window(struct reading *r, const int64_t *numbers, uint32_t first, uint32_t n)
{
    struct doc_block block = {first, n, NULL, NULL};
    struct part_value v[2], min, max, constant;
    bool has_zone = part_zone(r->part, first / ZONE_DOCS, &min, &max),
         is_constant = part_is_constant(r->part, first / ZONE_DOCS, &constant);
    bool has_places = r->tuples.place_count > 0, has_one = false;
    struct value want[2];
    int64_t keys[2];
    uint32_t places[2];
    bool is_far = *r->c->field == 'f' || (*r->c->field == 'u' && n > EQUAL_DOCS);
    assert_int_equal(has_places, r->c->kind != TUPLE_TERMS || !is_far);
    memset(r->places, 0, sizeof(r->places));
    if (has_places)
        part_add_places(r->part, &r->run, &block, r->places);
    part_read(r->part, &r->run, first);
    for (uint32_t i = 0; i < n; i++) {
        int rank = r->m->ranks[numbers[i]];
        bool has = part_value_at(r->part, i, &r->run, &v[0]);
        assert_int_equal(has, rank != RANK_NONE || r->spec.has_missing);
        if (!has) {
            assert_true(!has_places || r->places[i] == PLACE_NONE);
            continue;
        }
        want[0] = want_at(r, rank);
        keys[0] = part_global(r->part, &r->run, &v[0]);
        places[0] = r->places[i];
        assert_true(!has_places || places[0] < r->tuples.place_count);
        check_print(r, &v[0], keys[0], &want[0]);
        check_order(r, &v[0], &want[0], rank);
        if (has_one)
            check_same(&want[0], &want[1], &v[0], &v[1], keys, has_places ? places : NULL);
        if (has_zone && !v[0].is_missing)
            assert_true(v[0].ordinal >= min.ordinal && v[0].ordinal <= max.ordinal &&
                        v[0].key >= min.key && v[0].key <= max.key);
        assert_true(!is_constant || (v[0].key == constant.key && v[0].ordinal == constant.ordinal));
        has_one = true;
        want[1] = want[0];
        v[1] = v[0];
        keys[1] = keys[0];
        places[1] = places[0];
    }
    assert_true(is_constant || n > EQUAL_DOCS);
}

static void read_part(struct reading *r)
{
    size_t count;
    const struct searcher_part *parts = searcher_parts(r->m->searcher, &count);
    const struct agg_node node = {.name = STR("x")};
    int64_t *numbers = ARENA_ARRAY(r->t->mem, int64_t, ZONE_DOCS);
    assert_int_equal(count, 3);
    assert_ok(tuple_spec_check(&node, &r->spec, NULL, &r->t->err), &r->t->err);
    tuple_run_init(&r->tuples, &r->spec, 1, r->t->mem);
    r->part = &r->tuples.parts[0];
    for (size_t i = 0; i < count; i++) {
        const struct field *field = mapping_field(parts[i].mapping, STR("i"));
        struct column *column = segment_column(parts[i].segment, field);
        r->run = (struct agg_run){.mem = r->t->mem, .scratch = r->t->mem, .part = &parts[i]};
        r->run.doc_count = segment_doc_count(parts[i].segment);
        assert_ok(tuple_run_begin(&r->tuples, &node, &r->run, &r->t->err), &r->t->err);
        tuple_run_place(&r->tuples, &node, &r->run);
        for (uint32_t first = 0; first < r->run.doc_count; first += ZONE_DOCS) {
            uint32_t n = MIN_OF(ZONE_DOCS, r->run.doc_count - first);
            column_read_longs(column, first, n, numbers, NULL);
            check_window(r, numbers, first, n);
        }
    }
}

static void parts_agree_with_their_documents(struct test *t)
{
    static struct model m;
    static struct reading r;
    model_init(&m, t);
    for (size_t i = 0; i < ARRAY_COUNT(cases) * 4; i++) {
        const struct part_case *c = &cases[i / 4];
        r = (struct reading){.t = t, .m = &m, .c = c};
        r.spec = (struct tuple_spec){.kind = c->kind,
                                     .source.field = str_from(c->field),
                                     .source.time_zone = str_from(c->zone),
                                     .calendar_interval = str_from(c->calendar),
                                     .order = i & 1 ? STR("Desc") : STR_NONE,
                                     .has_missing = i & 2,
                                     .interval = c->interval};
        read_part(&r);
    }
    searcher_unref(m.searcher);
    bed_deinit(&m.bed);
}

/* ---- Without documents ---- */

static void doubles_become_keys_of_the_same_order(struct test *t)
{
    static const double edges[] = {-INFINITY, -1e308, -1, -5e-324, 0, 5e-324, 1, 1e308, INFINITY};
    for (size_t i = 0; i + 1 < ARRAY_COUNT(edges); i++)
        assert_true(tuple_key_of_double(edges[i]) < tuple_key_of_double(edges[i + 1]));
    assert_int_equal(tuple_key_of_double(-0.0), tuple_key_of_double(0.0));
    for (int i = 0; i < 20000; i++) {
        double a = ldexp(rng_f64(&t->rng) - 0.5, (int)rng_below(&t->rng, 200) - 100),
               b = rng_below(&t->rng, 2) ? -a : nextafter(a, INFINITY);
        int64_t x = tuple_key_of_double(a), y = tuple_key_of_double(b);
        assert_true((a < b) == (x < y) && (a == b) == (x == y));
        assert_true(part_double_of_key(x) == a);
    }
}

/* A page's last key leads back to its own interval, although 3 * 0.1 is more than 0.3. */
static void keys_of_intervals_lead_back(struct test *t)
{
    static const double intervals[] = {0.1, 0.3, 1.0 / 3, 7, 1e-9, 1e9};
    for (size_t i = 0; i < ARRAY_COUNT(intervals); i++) {
        struct tuple_spec spec = {.kind = TUPLE_HISTOGRAM, .interval = intervals[i]};
        struct tuple_part part = {.spec = &spec};
        for (int k = 0; k < 3000; k++) {
            int64_t index = rng_between(&t->rng, -1000000, 1000000);
            assert_int_equal(tuple_interval_of_key(&part, (double)index * intervals[i]), index);
        }
        assert_true(part_key_of_double(&part, 1e300) == INT64_C(9000000000000000000));
        assert_true(part_key_of_double(&part, -1e300) == -INT64_C(9000000000000000000));
    }
}

static void wrong_parts_are_refused(struct test *t)
{
    static const struct {
        struct tuple_spec spec;
        enum err_code code;
        const char *why;
    } rows[] = {
        {{.source.field = {"n", 1}, .order = {"up", 2}},
         ERR_PARSE,
         "must be asc or desc, not [up]"},
        {{.kind = TUPLE_HISTOGRAM, .source.field = {"n", 1}},
         ERR_INVALID,
         "must be greater than 0"},
        {{.kind = TUPLE_HISTOGRAM, .source.field = {"n", 1}, .interval = -1},
         ERR_INVALID,
         "must be greater than 0"},
        {{.kind = TUPLE_HISTOGRAM, .source.field = {"n", 1}, .interval = NAN},
         ERR_INVALID,
         "must be greater than 0"},
        {{.kind = TUPLE_HISTOGRAM, .source.field = {"n", 1}, .interval = INFINITY},
         ERR_INVALID,
         "must be greater than 0"},
        {{.kind = TUPLE_DATE_HISTOGRAM, .source.field = {"d", 1}},
         ERR_INVALID,
         "Invalid interval specified"},
    };
    const struct agg_node node = {.name = STR("x")};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct tuple_spec spec = rows[i].spec;
        assert_err(tuple_spec_check(&node, &spec, NULL, &t->err), &t->err, rows[i].code);
        assert_err_has(&t->err, rows[i].why);
    }
}

TEST_MAIN(TEST(parts_agree_with_their_documents), TEST(doubles_become_keys_of_the_same_order),
          TEST(keys_of_intervals_lead_back), TEST(wrong_parts_are_refused))
