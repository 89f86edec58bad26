/* SPDX-License-Identifier: Apache-2.0 */
/* geo_point_test.c: the forms of a place, what they become in a column, boxes and distances. The
 * decoded numbers were read from an Elasticsearch 7.10.2 (docvalue_fields). */
#include "support/test.h"

#include <math.h>

#include "index/geo_point.h"

static struct value json(struct test *t, const char *text)
{
    struct value v;
    assert_ok(value_from_json(str_from(text), t->mem, &v, &t->err), &t->err);
    return v;
}

static void reads_every_form(struct test *t)
{
    static const struct {
        const char *text;
        double lat, lon; /* as stored */
    } rows[] = {
        {"{\"lat\":41.12,\"lon\":-71.34}", 41.1199999647215, -71.34000004269183},
        {"{\"lat\":\"41.12\",\"lon\":\"-71.34\"}", 41.1199999647215, -71.34000004269183},
        {"\"41.12,-71.34\"", 41.1199999647215, -71.34000004269183},
        {"\"  41.12 , -71.34 \"", 41.1199999647215, -71.34000004269183},
        {"[-71.34,41.12]", 41.1199999647215, -71.34000004269183},
        {"[-71.34,41.12,7]", 41.1199999647215, -71.34000004269183},
        {"\"POINT (-71.34 41.12)\"", 41.1199999647215, -71.34000004269183},
        {"\"point(-71.34  41.12 7)\"", 41.1199999647215, -71.34000004269183},
        {"\"drm3btev3e86\"", 41.119999922811985, -71.34000029414892},
        {"{\"geohash\":\"drm3b\"}", 41.0888671875, -71.3671875},
        {"\"1,2,3\"", 0.9999999823048711, 1.9999999646097422},
        {"\"20,10\"", 19.99999998137355, 9.999999990686774},
        {"\"-90,-180\"", -90, -180},
        {"\"90,180\"", 89.99999995809048, 179.99999991618097},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = json(t, rows[i].text);
        struct geo_point point;
        assert_ok(geo_point_parse(&v, true, &point, &t->err), &t->err);
        assert_null(geo_point_bad(&point));
        point = geo_decode(geo_encode(&point));
        if (point.lat != rows[i].lat || point.lon != rows[i].lon)
            fail_msg("%s: %.17g, %.17g", rows[i].text, point.lat, point.lon);
    }
}

static void refuses_the_rest(struct test *t)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"7", "geo_point expected"},
        {"true", "geo_point expected"},
        {"[]", "geo_point expected"},
        {"[1]", "geo_point expected"},
        {"[1,2,3,4]", "geo_point expected"},
        {"[\"1\",\"2\"]", "geo_point expected"},
        {"{}", "field [lat] missing"},
        {"{\"lat\":0}", "field [lon] missing"},
        {"{\"lat\":0,\"lon\":0,\"x\":1}", "field must be either [lat], [lon] or [geohash]"},
        {"{\"lat\":0,\"lon\":0,\"geohash\":\"u\"}", "either lat/lon or geohash"},
        {"{\"lat\":null,\"lon\":1}", "latitude must be a number"},
        {"{\"lat\":1,\"lon\":\"x\"}", "longitude must be a number"},
        {"{\"geohash\":7}", "geohash"},
        {"\"abc,def\"", "latitude must be a number"},
        {"\"1,def\"", "longitude must be a number"},
        {"\"1,2,3,4\"", "expected 2 or 3 coordinates"},
        {"\"hello world\"", "unsupported symbol"},
        {"\"\"", "empty geohash"},
        {"\"POINT 1 2\"", "WKT"},
        {"\"POINT (1)\"", "WKT"},
        {"\"POINT (1 2 3 4)\"", "WKT"},
        {"\"1,2,x\"", "no coordinate"},
    };
    struct geo_point point;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value v = json(t, rows[i].text);
        if (geo_point_parse(&v, true, &point, &t->err) == 0)
            fail_msg("%s is a place", rows[i].text);
        if (!strstr(t->err.text, rows[i].why))
            fail_msg("%s: %s", rows[i].text, t->err.text);
    }
    static const char *const with_z[] = {"\"1,2,3\"", "[1,2,3]", "\"POINT (1 2 3)\"",
                                         "{\"lat\":1,\"lon\":2,\"z\":3}"};
    for (size_t i = 0; i < ARRAY_COUNT(with_z); i++) {
        struct value v = json(t, with_z[i]);
        assert_true(geo_point_parse(&v, false, &point, &t->err) < 0);
        assert_err_has(&t->err, "[ignore_z_value] parameter is [false]");
    }
    struct geo_point bad[] = {{91, 0}, {-90.1, 0}, {0, 181}, {0, -180.5}, {NAN, 0}, {0, INFINITY}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_non_null(geo_point_bad(&bad[i]));
}

static struct geo_point draw_place(struct test *t)
{
    return (struct geo_point){rng_f64(&t->rng) * 180 - 90, rng_f64(&t->rng) * 360 - 180};
}

static void encodes_in_order(struct test *t)
{
    for (int i = 0; i < 20000; i++) {
        struct geo_point a = draw_place(t), b = geo_decode(geo_encode(&a));
        assert_true(b.lat <= a.lat && a.lat - b.lat < 1e-7 && b.lon <= a.lon &&
                    a.lon - b.lon < 1e-7);
        assert_true(geo_encode(&b) == geo_encode(&a)); /* a stored place is one of its own */
        struct geo_point c = {a.lat > 0 ? a.lat - 1 : a.lat + 1, a.lon};
        assert_true((geo_encode(&c) < geo_encode(&a)) == (c.lat < a.lat)); /* latitude first */
    }
}

static bool is_in(double south, double north, double west, double east, double lat, double lon)
{
    struct geo_box box = geo_box_of(south, north, west, east);
    struct geo_point point = {lat, lon};
    return geo_box_has(&box, geo_encode(&point));
}

static void boxes_go_over_the_date_line(struct test *t)
{
    (void)t;
    assert_true(is_in(41, 42, -72, -71, 41.5, -71.5));
    assert_false(is_in(41, 42, -72, -71, 41.5, -70.5));
    assert_false(is_in(41, 42, -72, -71, 42.5, -71.5));
    assert_true(is_in(-10, 10, 170, -170, 0, 175));
    assert_true(is_in(-10, 10, 170, -170, 0, -175));
    assert_false(is_in(-10, 10, 170, -170, 0, 0));
    assert_true(is_in(-90, 90, -180, 180, 90, 180));
    assert_true(is_in(-90, 90, -180, 180, -90, -180));
    assert_true(is_in(-90, 90, 180, -180, -90, -180)); /* the date line alone */
    assert_false(is_in(-90, 90, 180, -180, -90, 179));
    assert_false(is_in(-90, 90, 180, 180, 0, 180));
    assert_false(is_in(90, 90, -180, 180, 90, 0));
}

/* Whatever is within a distance is in the box around. */
static void boxes_hold_their_circles(struct test *t)
{
    for (int i = 0; i < 20000; i++) {
        struct geo_point a = draw_place(t);
        double wide = pow(10, rng_f64(&t->rng) * 5 - 3);
        struct geo_point b = {a.lat + (rng_f64(&t->rng) - 0.5) * wide,
                              a.lon + (rng_f64(&t->rng) - 0.5) * wide * 2};
        if (geo_point_bad(&b))
            b.lon += b.lon > 180 ? -360 : b.lon < -180 ? 360 : 0;
        if (geo_point_bad(&b))
            continue;
        b = geo_decode(geo_encode(&b));
        struct geo_box box = geo_box_around(&a, geo_distance_m(&a, &b));
        if (!geo_box_has(&box, geo_encode(&b)))
            fail_msg("%.9g,%.9g is not around %.9g,%.9g", b.lat, b.lon, a.lat, a.lon);
    }
}

/* Circles that nearly touch the pole or the date line end in the last cell. */
static void boxes_end_in_the_last_cell(struct test *t)
{
    (void)t;
    static const double meters_per_degree = M_PI / 180 * 6371008.7714;
    struct geo_point center = {89, 0}, north = {89.5, 0};
    struct geo_box box = geo_box_around(&center, meters_per_degree - 0.008);
    assert_true(geo_box_has(&box, geo_encode(&north)));
    center = (struct geo_point){0, 179};
    struct geo_point east = {0, 179.5}, far = {0, -179.5};
    box = geo_box_around(&center, meters_per_degree - 0.014);
    assert_true(geo_box_has(&box, geo_encode(&east)));
    assert_false(geo_box_has(&box, geo_encode(&far)));
}

static void measures_arcs(struct test *t)
{
    static const struct {
        struct geo_point a, b;
        double meters;
    } rows[] = {
        {{0, 0}, {0, 0}, 0},
        {{0, 0}, {0, 180}, M_PI * 6371008.7714},
        {{90, 0}, {-90, 77}, M_PI * 6371008.7714},
        {{0, 0}, {1, 0}, M_PI * 6371008.7714 / 180},
        /* "sort": [_geo_distance] of Elasticsearch from 0,0 to these, as they are stored */
        {{0, 0}, {0.9999999823048711, 1.9999999646097422}, 248629.65275296295},
        {{0, 0}, {19.99999998137355, 9.999999990686774}, 2476174.817451977},
    };
    (void)t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        double m = geo_distance_m(&rows[i].a, &rows[i].b);
        if (fabs(m - rows[i].meters) > 0.05)
            fail_msg("row %zu: %.9g", i, m);
    }
}

TEST_MAIN(TEST(reads_every_form), TEST(refuses_the_rest), TEST(encodes_in_order),
          TEST(boxes_go_over_the_date_line), TEST(boxes_hold_their_circles),
          TEST(boxes_end_in_the_last_cell), TEST(measures_arcs))
