/* SPDX-License-Identifier: Apache-2.0 */
/* geo_test.c: geo_point fields from mapping to reply, and the two queries of places. The documents
 * and what is found were compared with an Elasticsearch 7.10.2; random ones with a walk over all.
 */
#include "query/search_support_test.h"

#include <math.h>
#include <stdio.h>

#include "index/geo_point.h"

#define MAPPING                                                                                    \
    "{\"mappings\":{\"properties\":{\"loc\":{\"type\":\"geo_point\"},\"m\":{\"type\":\"geo_"       \
    "point\",\"ignore_malformed\":true},\"n\":{\"type\":\"geo_point\",\"null_value\":\"1,2\"},"    \
    "\"z\":{\"type\":\"geo_point\",\"ignore_z_value\":false},\"k\":{\"type\":\"keyword\"}}}}"

static void fill(struct bed *bed)
{
    create(bed, "i", MAPPING);
    put(bed, "i", "1", "{\"loc\":{\"lat\":41.12,\"lon\":-71.34}}");
    put(bed, "i", "2", "{\"loc\":\"41.12,-71.34\"}");
    put(bed, "i", "3", "{\"loc\":\"drm3btev3e86\"}");
    put(bed, "i", "4", "{\"loc\":[-71.34,41.12]}");
    put(bed, "i", "5", "{\"loc\":\"POINT (-71.34 41.12)\"}");
    refresh(bed, "i");
    put(bed, "i", "6", "{\"loc\":[[-71.34,41.12],[10,20]]}");
    put(bed, "i", "7", "{\"loc\":[{\"lat\":1,\"lon\":2},\"3,4\"]}");
    put(bed, "i", "8", "{\"loc\":{\"geohash\":\"drm3b\"}}");
    put(bed, "i", "9", "{\"n\":null}");
    put(bed, "i", "10", "{\"m\":\"zz zz\",\"loc\":null}");
    put(bed, "i", "11", "{\"m\":{\"lat\":100,\"lon\":0}}");
    put(bed, "i", "12", "{\"m\":[{\"lat\":1},\"2,3\"],\"loc\":[]}");
    put(bed, "i", "13", "{\"loc\":\"90,180\"}");
    put(bed, "i", "14", "{\"loc\":\"-90,-180\",\"k\":\"a\"}");
    refresh(bed, "i");
}

#define BOX(box)     "{\"query\":{\"geo_bounding_box\":{\"loc\":{" box "}}},\"sort\":\"_doc\"}"
#define AROUND(more) "{\"query\":{\"geo_distance\":{" more "}},\"sort\":\"_doc\"}"

static void finds_places_in_boxes(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    finds(&bed, BOX("\"top\":42,\"left\":-72,\"bottom\":41,\"right\":-71"), "1 2 3 4 5 6 8");
    finds(&bed, BOX("\"top_left\":[-72,42],\"bottom_right\":\"41,-71\""), "1 2 3 4 5 6 8");
    finds(&bed, BOX("\"top_right\":{\"lat\":42,\"lon\":-71},\"bottom_left\":\"POINT (-72 41)\""),
          "1 2 3 4 5 6 8");
    finds(&bed, BOX("\"wkt\":\"BBOX (-72, -71, 42, 41)\""), "1 2 3 4 5 6 8");
    finds(&bed, BOX("\"top\":42,\"left\":170,\"bottom\":-41,\"right\":-70"), "1 2 3 4 5 6 8");
    finds(&bed, BOX("\"top_left\":\"drm3b\",\"bottom_right\":\"drm3b\""), "1 2 3 4 5 6 8");
    finds(&bed, BOX("\"top\":21,\"left\":9,\"bottom\":19,\"right\":11"), "6");
    finds(&bed, BOX("\"top\":3.5,\"left\":3,\"bottom\":2.5,\"right\":5"), "7");
    finds(&bed, BOX("\"top\":90,\"left\":-180,\"bottom\":-90,\"right\":180"),
          "1 2 3 4 5 6 7 8 13 14");
    finds(&bed, BOX("\"top\":90,\"left\":180,\"bottom\":-90,\"right\":-180"), "14");
    finds(&bed,
          "{\"query\":{\"geo_bounding_box\":{\"nope\":{\"top\":1,\"left\":0,\"bottom\":0,\"right\":"
          "1},\"ignore_unmapped\":true}}}",
          "");
    finds(&bed,
          "{\"query\":{\"geo_bounding_box\":{\"loc\":{\"top\":42,\"left\":288,\"bottom\":41,"
          "\"right\":289},\"validation_method\":\"COERCE\"}}}",
          "1 2 3 4 5 6 8");
    finds(&bed,
          "{\"query\":{\"geo_bounding_box\":{\"loc\":{\"top\":142,\"left\":0,\"bottom\":41,"
          "\"right\":289},\"validation_method\":\"IGNORE_MALFORMED\"}}}",
          "");
    gives(&bed,
          "{\"query\":{\"geo_bounding_box\":{\"loc\":{\"top\":4,\"left\":0,\"bottom\":0,\"right\":"
          "5},\"boost\":2.5,\"_name\":\"x\"}}}",
          "hits/max_score", "2.5");
    bed_deinit(&bed);
}

static void finds_places_around(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    finds(&bed, AROUND("\"distance\":\"1km\",\"loc\":\"41.12,-71.34\""), "1 2 3 4 5 6");
    finds(&bed, AROUND("\"distance\":\"1000\",\"loc\":[-71.34,41.121]"), "1 2 3 4 5 6");
    finds(&bed, AROUND("\"distance\":12,\"unit\":\"km\",\"loc\":{\"lat\":41.12,\"lon\":-71.40}"),
          "1 2 3 4 5 6 8");
    finds(&bed, AROUND("\"distance\":\"5mi\",\"loc\":\"drm3b\""), "1 2 3 4 5 6 8");
    finds(&bed, AROUND("\"distance\":\"20000km\",\"loc\":\"41.12,-71.4\""),
          "1 2 3 4 5 6 7 8 13 14");
    finds(&bed, AROUND("\"distance\":\"1km\",\"loc.lat\":41.12,\"loc.lon\":-71.34"), "1 2 3 4 5 6");
    finds(&bed, AROUND("\"distance\":\"1nmi\",\"distance_type\":\"plane\",\"loc\":\"90,7\""),
          "13"); /* a pole has every longitude */
    finds(&bed, AROUND("\"distance\":\"1yd\",\"loc\":\"0,0\""), "");
    bed_deinit(&bed);
}

static void shows_places(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    finds(&bed, "{\"query\":{\"exists\":{\"field\":\"loc\"}},\"size\":20,\"sort\":\"_doc\"}",
          "1 2 3 4 5 6 7 8 13 14");
    finds(&bed, "{\"query\":{\"exists\":{\"field\":\"m\"}}}", "12");
    finds(&bed, "{\"query\":{\"exists\":{\"field\":\"n\"}}}", "9");
    gives(&bed, "{\"docvalue_fields\":[\"loc\"],\"query\":{\"ids\":{\"values\":[6]}}}",
          "hits/hits/0/fields",
          "{\"loc\":[\"19.99999998137355, 9.999999990686774\",\"41.1199999647215, "
          "-71.34000004269183\"]}");
    gives(&bed, "{\"fields\":[\"loc\"],\"query\":{\"ids\":{\"values\":[6]}}}", "hits/hits/0/fields",
          "{\"loc\":[{\"coordinates\":[-71.34,41.12],\"type\":\"Point\"},{\"coordinates\":[10.0,"
          "20.0],\"type\":\"Point\"}]}");
    gives(&bed, "{\"query\":{\"ids\":{\"values\":[7]}}}", "hits/hits/0/_source",
          "{\"loc\":[{\"lat\":1,\"lon\":2},\"3,4\"]}");
    gives(&bed, "{\"size\":0,\"aggs\":{\"a\":{\"value_count\":{\"field\":\"loc\"}}}}",
          "aggregations/a/value", "12");
    gives(&bed, "{\"size\":0,\"aggs\":{\"a\":{\"missing\":{\"field\":\"loc\"}}}}",
          "aggregations/a/doc_count", "4");
    struct value mappings;
    assert_ok(engine_mapping_get(bed.engine, STR("i"), t->mem, &mappings, &t->err), &t->err);
    test__str_eq(json_of(&bed, at_path(&mappings, "properties/n")),
                 STR("{\"type\":\"geo_point\",\"null_value\":{\"lat\":1.0,\"lon\":2.0}}"), __FILE__,
                 __LINE__);
    test__str_eq(json_of(&bed, at_path(&mappings, "properties/z")),
                 STR("{\"type\":\"geo_point\",\"ignore_z_value\":false}"), __FILE__, __LINE__);
    bed_deinit(&bed);
}

static void refuses_what_it_cannot(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    fails(&bed, BOX("\"top\":41,\"left\":-72,\"bottom\":42,\"right\":-71"), ERR_INVALID,
          "top is below bottom corner");
    fails(&bed, BOX("\"top\":142,\"left\":-72,\"bottom\":42,\"right\":-71"), ERR_INVALID,
          "couldn't validate latitude/ longitude values");
    fails(&bed, BOX("\"top\":42"), ERR_INVALID, "left longitude is invalid: NaN");
    fails(&bed, BOX("\"top\":42,\"x\":1"), ERR_PARSE, "unexpected field [x]");
    fails(&bed, BOX("\"wkt\":\"BBOX (1, 2, 3)\""), ERR_PARSE, "WKT");
    fails(&bed, "{\"query\":{\"geo_bounding_box\":{}}}", ERR_PARSE, "bounding box not provided");
    fails(&bed, "{\"query\":{\"geo_bounding_box\":{\"a\":{},\"b\":{}}}}", ERR_PARSE,
          "does not support [b]");
    fails(&bed, "{\"query\":{\"geo_bounding_box\":{\"loc\":{},\"validation_method\":\"maybe\"}}}",
          ERR_INVALID, "STRICT, COERCE, or IGNORE_MALFORMED");
    fails(&bed,
          "{\"query\":{\"geo_bounding_box\":{\"nope\":{\"top\":1,\"left\":0,\"bottom\":0,\"right\":"
          "1}}}}",
          ERR_INVALID, "failed to find geo_point field [nope]");
    fails(&bed,
          "{\"query\":{\"geo_bounding_box\":{\"k\":{\"top\":1,\"left\":0,\"bottom\":0,\"right\":"
          "1}}}}",
          ERR_INVALID, "field [k] is not a geo_point field");
    fails(&bed, AROUND("\"distance\":\"0m\",\"loc\":\"41.12,-71.34\""), ERR_INVALID,
          "distance must be greater than zero");
    fails(&bed, AROUND("\"distance\":\"abc\",\"loc\":\"1,1\""), ERR_INVALID,
          "For input string: \"abc\"");
    fails(&bed, AROUND("\"distance\":1,\"unit\":\"parsec\",\"loc\":\"1,1\""), ERR_INVALID,
          "No distance unit match [parsec]");
    fails(&bed, AROUND("\"loc\":\"1,1\""), ERR_PARSE, "requires 'distance'");
    fails(&bed, AROUND("\"distance\":\"1km\""), ERR_INVALID, "fieldName must not be null or empty");
    fails(&bed, AROUND("\"distance\":\"1km\",\"loc\":\"95,0\""), ERR_INVALID,
          "center point latitude is invalid: 95");
    fails(&bed, AROUND("\"distance\":\"1km\",\"distance_type\":\"zz\",\"loc\":\"1,0\""),
          ERR_INVALID, "No geo distance for [zz]");
    fails(&bed, "{\"query\":{\"term\":{\"loc\":\"1,1\"}}}", ERR_INVALID,
          "Geometry fields do not support exact searching");
    fails(&bed, "{\"query\":{\"range\":{\"loc\":{\"gte\":1}}}}", ERR_INVALID,
          "does not support range queries");
    fails(&bed, "{\"sort\":\"loc\"}", ERR_INVALID, "can't sort on geo_point field");
    fails(&bed, "{\"aggs\":{\"a\":{\"avg\":{\"field\":\"loc\"}}}}", ERR_INVALID,
          "Field [loc] of type [geo_point] is not supported for aggregation [avg]");
    fails(&bed, "{\"aggs\":{\"a\":{\"terms\":{\"field\":\"loc\"}}}}", ERR_INVALID,
          "Field [loc] of type [geo_point] is not supported for aggregation [terms]");
    bed_deinit(&bed);
}

static void refuses_documents(struct test *t)
{
    static const char *const rows[] = {
        "{\"loc\":{\"lat\":91,\"lon\":0}}",
        "{\"loc\":7}",
        "{\"loc\":true}",
        "{\"loc\":[1]}",
        "{\"loc\":\"\"}",
        "{\"loc\":{}}",
        "{\"z\":[1,2,3]}",
        "{\"loc\":[[1,2],3]}",
        "{\"loc\":\"0,181\"}",
    };
    struct bed bed;
    bed_init(&bed, t);
    fill(&bed);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct doc_write write = DOC_WRITE_INIT;
        struct doc_result result;
        write.index = STR("i");
        write.source = str_from(rows[i]);
        assert_ok(engine_write(bed.engine, &write, 1, REFRESH_NONE, t->mem, &result, &t->err),
                  &t->err);
        assert_int_equal(result.status, 400);
        assert_non_null(strstr(result.err->text, "of type [geo_point]"));
    }
    bed_deinit(&bed);
}

/* ---- Random places around the date line, in segments that are merged: against a walk ---- */

#define PLACES 3u
#define DOCS   600u
static struct geo_point places[DOCS][PLACES]; /* as they are stored; fewer: the first again */

static struct geo_point draw_place(struct test *t)
{
    struct geo_point p = {rng_f64(&t->rng) * 20 - 10, rng_f64(&t->rng) * 40 + 160};
    p.lon -= p.lon > 180 ? 360 : 0;
    return p;
}

static void put_places(struct bed *bed, uint32_t doc)
{
    struct test *t = bed->t;
    struct str text = STR("");
    size_t n = doc % 5 ? 1 : PLACES;
    for (size_t k = 0; k < PLACES; k++) {
        struct geo_point p = draw_place(t);
        places[doc][k] = k < n ? geo_decode(geo_encode(&p)) : places[doc][0];
        if (k < n)
            text = arena_printf(t->mem, STR_FMT "%s[%.17g,%.17g]", STR_ARG(text), k ? "," : "",
                                p.lon, p.lat);
    }
    put(bed, "i", arena_printf(t->mem, "%u", doc).p,
        arena_printf(t->mem, "{\"loc\":[" STR_FMT "]}", STR_ARG(text)).p);
}

static void put_docs(struct bed *bed)
{
    for (uint32_t i = 0; i < DOCS; i++) {
        put_places(bed, i);
        if (i % 150 == 149)
            refresh(bed, "i");
        if (i == DOCS / 2)
            assert_ok(engine_force_merge(bed->engine, STR("i"), 1, &bed->t->err), &bed->t->err);
    }
    refresh(bed, "i");
}

/* Documents with a place in a box, or, when there is none, around a center. */
static uint32_t count_docs(const struct geo_box *box, const struct geo_point *center, double meters)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < DOCS; i++) {
        bool is_match = false;
        for (size_t k = 0; k < PLACES; k++)
            is_match |= box ? geo_box_has(box, geo_encode(&places[i][k]))
                            : geo_distance_m(center, &places[i][k]) <= meters;
        count += is_match;
    }
    return count;
}

static void finds_so_many(struct bed *bed, struct str query, uint32_t count)
{
    struct str body =
        arena_printf(bed->t->mem, "{\"size\":0,\"query\":{" STR_FMT "}}", STR_ARG(query));
    struct value tree = reply(bed, "i", body.p);
    const struct value *total = at_path(&tree, "hits/total/value");
    if (total->i != count)
        fail_msg("%s: %lld, not %u", body.p, (long long)total->i, count);
}

static void agrees_with_a_walk(struct test *t)
{
    struct bed bed;
    bed_init(&bed, t);
    create(&bed, "i", MAPPING);
    put_docs(&bed);
    for (int round = 0; round < 50; round++) {
        struct geo_point c = draw_place(t);
        double meters = rng_f64(&t->rng) * 2000000;
        finds_so_many(&bed,
                      arena_printf(t->mem,
                                   "\"geo_distance\":{\"distance\":%.17g,\"loc\":[%.17g,%.17g]}",
                                   meters, c.lon, c.lat),
                      count_docs(NULL, &c, meters));
        double east = c.lon + 10 > 180 ? c.lon - 350 : c.lon + 10;
        struct geo_box box = geo_box_of(c.lat - 3, c.lat, c.lon, east);
        finds_so_many(&bed,
                      arena_printf(t->mem,
                                   "\"geo_bounding_box\":{\"loc\":{\"top\":%.17g,\"left\":%.17g,"
                                   "\"bottom\":%.17g,\"right\":%.17g}}",
                                   c.lat, c.lon, c.lat - 3, east),
                      count_docs(&box, NULL, 0));
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(finds_places_in_boxes), TEST(finds_places_around), TEST(shows_places),
          TEST(refuses_what_it_cannot), TEST(refuses_documents), TEST(agrees_with_a_walk))
