/* SPDX-License-Identifier: Apache-2.0 */
/* geo_point.c: reading and encoding of places; the arithmetic is that of Lucene 8.7's
 * GeoEncodingUtils and SloppyMath.haversinMeters, with libm's functions for its tables (they agree
 * to a micrometer at 1,000 km). */
#include "index/geo_point.h"

#include <math.h>

#include "base/str.h"

#define LAT_STEP        (180.0 / 4294967296.0)
#define LON_STEP        (360.0 / 4294967296.0)
#define EARTH_RADIUS_M  6371008.7714
#define GEOHASH_CHARS   12u
#define RADIANS(degree) ((degree) * (M_PI / 180.0))

/* ---- Numbers ---- */

/* The last cell's upper edge is one beyond what a cell's number holds: it stands for that cell, as
 * Java's cast does. */
static int32_t cell_ceil(double cells)
{
    return (int32_t)fmin(ceil(cells), INT32_MAX);
}

static int32_t lat_floor(double lat)
{
    return (int32_t)floor((lat >= 90 ? nextafter(90, 0) : lat) / LAT_STEP);
}
static int32_t lat_ceil(double lat)
{
    return cell_ceil(lat / LAT_STEP);
}
static int32_t lon_floor(double lon)
{
    return (int32_t)floor((lon >= 180 ? nextafter(180, 0) : lon) / LON_STEP);
}
static int32_t lon_ceil(double lon)
{
    return cell_ceil(lon / LON_STEP);
}

int64_t geo_encode(const struct geo_point *point)
{
    ASSERT(!geo_point_bad(point));
    uint64_t lat = (uint32_t)lat_floor(point->lat), lon = (uint32_t)lon_floor(point->lon);
    return (int64_t)(lat << 32 | lon);
}

struct geo_point geo_decode(int64_t encoded)
{
    return (struct geo_point){geo_encoded_lat(encoded) * LAT_STEP,
                              geo_encoded_lon(encoded) * LON_STEP};
}

const char *geo_point_bad(const struct geo_point *point)
{
    return !(fabs(point->lat) <= 90) ? "latitude" : !(fabs(point->lon) <= 180) ? "longitude" : NULL;
}

/* ---- Boxes and distances ---- */

struct geo_box geo_box_of(double south, double north, double west, double east)
{
    /* 90 and 180 degrees themselves cannot be encoded: a box that begins there holds nothing, or
     * goes on beyond the date line. */
    bool is_empty = south >= 90 || south > north || (west >= 180 && east >= 180);
    if (west >= 180 && east < west)
        west = -180;
    return (struct geo_box){
        .south = lat_ceil(south),
        .north = lat_floor(north),
        .west = lon_ceil(west),
        .east = lon_floor(east),
        .is_empty = is_empty,
    };
}

bool geo_box_has(const struct geo_box *box, int64_t encoded)
{
    int32_t lat = geo_encoded_lat(encoded), lon = geo_encoded_lon(encoded);
    if (box->is_empty || lat < box->south || lat > box->north)
        return false;
    return box->west <= box->east ? lon >= box->west && lon <= box->east
                                  : lon >= box->west || lon <= box->east;
}

struct geo_box geo_box_around(const struct geo_point *center, double meters)
{
    double angle = meters / EARTH_RADIUS_M + 1e-9; /* and some for rounding */
    double lat = RADIANS(center->lat), south = lat - angle, north = lat + angle;
    struct geo_box all = {INT32_MIN, INT32_MAX, INT32_MIN, INT32_MAX, false};
    all.south = south <= -M_PI / 2 ? INT32_MIN : lat_floor(south * (180.0 / M_PI));
    all.north = north >= M_PI / 2 ? INT32_MAX : lat_ceil(north * (180.0 / M_PI));
    if (south <= -M_PI / 2 || north >= M_PI / 2)
        return all; /* a pole is within: every longitude is */
    double wide = asin(fmin(1, sin(angle) / cos(lat))) * (180.0 / M_PI) + 1e-7;
    double west = center->lon - wide, east = center->lon + wide;
    if (wide >= 180)
        return all;
    all.west = lon_floor(west < -180 ? west + 360 : west);
    all.east = lon_ceil(east > 180 ? east - 360 : east);
    return all;
}

double geo_distance_m(const struct geo_point *a, const struct geo_point *b)
{
    double x1 = RADIANS(a->lat), x2 = RADIANS(b->lat);
    double h = (1 - cos(x1 - x2)) + cos(x1) * cos(x2) * (1 - cos(RADIANS(a->lon - b->lon)));
    return 2 * EARTH_RADIUS_M * asin(fmin(1, sqrt(h * 0.5)));
}

/* ---- Texts ---- */

bool geo_hash_parse(struct str text, struct geo_point *ret_south_west,
                    struct geo_point *ret_north_east)
{
    static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    double low[2] = {-180, -90}, size[2] = {360, 180}; /* longitude and latitude in turns */
    unsigned turn = 0;
    if (text.n == 0)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
        if (!at)
            return false;
        for (int bit = 4; bit >= 0 && i < GEOHASH_CHARS; bit--, turn ^= 1) {
            size[turn] /= 2;
            if ((at - alphabet) >> bit & 1)
                low[turn] += size[turn];
        }
    }
    *ret_south_west = (struct geo_point){low[1], low[0]};
    *ret_north_east = (struct geo_point){low[1] + size[1], low[0] + size[0]};
    return true;
}

static int z_check(struct str text, bool ignores_z, struct err *err)
{
    double z;
    if (!str_to_f64(str_trim(text), &z))
        return err_set(err, ERR_BODY, "[" STR_FMT "] is no coordinate", STR_ARG(text));
    if (!ignores_z)
        return err_set(err, ERR_BODY,
                       "Exception parsing coordinates: found Z value [" STR_FMT
                       "] but [ignore_z_value] parameter is [false]",
                       STR_ARG(str_trim(text)));
    return 0;
}

/* "lat,lon" and "lat,lon,z" */
static int parse_coordinates(struct str text, bool ignores_z, struct geo_point *ret,
                             struct err *err)
{
    struct str parts[4];
    size_t n = 0;
    while (n < ARRAY_COUNT(parts) && str_split_next(&text, ',', &parts[n]))
        n++;
    if (n < 2 || n > 3)
        return err_set(err, ERR_BODY,
                       "failed to parse [" STR_FMT
                       "], expected 2 or 3 coordinates but found: [%zu]",
                       STR_ARG(text), n);
    if (!str_to_f64(str_trim(parts[0]), &ret->lat))
        return err_set(err, ERR_BODY, "latitude must be a number");
    if (!str_to_f64(str_trim(parts[1]), &ret->lon))
        return err_set(err, ERR_BODY, "longitude must be a number");
    return n == 3 ? z_check(parts[2], ignores_z, err) : 0;
}

static bool skip_word(struct str *s, const char *word)
{
    *s = str_trim(*s);
    size_t n = strlen(word);
    if (s->n < n || !str_eq_nocase(str_sub(*s, 0, n), str_from(word)))
        return false;
    *s = str_trim(str_from_off(*s, n));
    return true;
}

/* "POINT (lon lat)", "POINT (lon lat z)" */
static int parse_wkt(struct str text, bool ignores_z, struct geo_point *ret, struct err *err)
{
    struct str rest = text, parts[4], part;
    size_t n = 0;
    bool is_point = skip_word(&rest, "point") && skip_word(&rest, "(") && rest.n > 0 &&
                    rest.p[rest.n - 1] == ')';
    if (is_point)
        rest.n--;
    while (is_point && n < ARRAY_COUNT(parts) && str_split_next(&rest, ' ', &part)) {
        if (part.n)
            parts[n++] = part;
    }
    if (n < 2 || n > 3 || !str_to_f64(parts[0], &ret->lon) || !str_to_f64(parts[1], &ret->lat))
        return err_set(err, ERR_BODY, "Invalid WKT format, [" STR_FMT "] is no point",
                       STR_ARG(text));
    return n == 3 ? z_check(parts[2], ignores_z, err) : 0;
}

static int parse_text(struct str text, bool ignores_z, struct geo_point *ret, struct err *err)
{
    struct str rest = text;
    struct geo_point corner;
    if (skip_word(&rest, "point"))
        return parse_wkt(text, ignores_z, ret, err);
    if (str_find_char(text, ',') >= 0)
        return parse_coordinates(text, ignores_z, ret, err);
    if (text.n == 0)
        return err_set(err, ERR_BODY, "empty geohash");
    if (!geo_hash_parse(text, ret, &corner))
        return err_set(err, ERR_BODY, "unsupported symbol in geohash [" STR_FMT "]", STR_ARG(text));
    return 0;
}

/* ---- Trees ---- */

static bool number_of(const struct value *v, double *ret)
{
    *ret = v->kind == VALUE_INT ? (double)v->i : v->f;
    return v->kind == VALUE_INT || v->kind == VALUE_FLOAT ||
           (v->kind == VALUE_STR && str_to_f64(str_trim(v->s), ret));
}

static int parse_map(const struct value *map, bool ignores_z, struct geo_point *ret,
                     struct err *err)
{
    const struct value *lat = value_map_get_lit(map, "lat"), *lon = value_map_get_lit(map, "lon"),
                       *hash = value_map_get_lit(map, "geohash"), *z = value_map_get_lit(map, "z");
    size_t known = 0u + (lat != NULL) + (lon != NULL) + (hash != NULL) + (z != NULL && lat);
    if (known < map->map->count)
        return err_set(err, ERR_BODY, "field must be either [lat], [lon] or [geohash]");
    if (hash && (lat || lon))
        return err_set(err, ERR_BODY, "field must be either lat/lon or geohash");
    if (hash) {
        struct geo_point corner;
        if (hash->kind != VALUE_STR || !geo_hash_parse(hash->s, ret, &corner))
            return err_set(err, ERR_BODY, "geohash must be a string of its symbols");
        return 0;
    }
    if (!lat)
        return err_set(err, ERR_BODY, "field [lat] missing");
    if (!lon)
        return err_set(err, ERR_BODY, "field [lon] missing");
    if (!number_of(lat, &ret->lat))
        return err_set(err, ERR_BODY, "latitude must be a number");
    if (!number_of(lon, &ret->lon))
        return err_set(err, ERR_BODY, "longitude must be a number");
    if (z && !ignores_z)
        return err_set(
            err, ERR_BODY,
            "Exception parsing coordinates: found Z value but [ignore_z_value] parameter "
            "is [false]");
    return 0;
}

static int parse_list(const struct value *list, bool ignores_z, struct geo_point *ret,
                      struct err *err)
{
    const struct value *items = list->list->items;
    size_t n = list->list->count;
    double z;
    if (n < 2 || n > 3)
        return err_set(err, ERR_BODY, "geo_point expected");
    if (!number_of(&items[0], &ret->lon) || items[0].kind == VALUE_STR ||
        !number_of(&items[1], &ret->lat) || items[1].kind == VALUE_STR ||
        (n == 3 && !number_of(&items[2], &z)))
        return err_set(err, ERR_BODY, "geo_point expected: an array holds numbers");
    if (n == 3 && !ignores_z)
        return err_set(err, ERR_BODY,
                       "Exception parsing coordinates: found Z value [%g] but [ignore_z_value] "
                       "parameter is [false]",
                       z);
    return 0;
}

int geo_point_parse(const struct value *v, bool ignores_z, struct geo_point *ret_point,
                    struct err *err)
{
    struct geo_point point = {0};
    if (v->kind == VALUE_STR)
        TRY(parse_text(v->s, ignores_z, &point, err));
    else if (v->kind == VALUE_MAP)
        TRY(parse_map(v, ignores_z, &point, err));
    else if (v->kind == VALUE_LIST)
        TRY(parse_list(v, ignores_z, &point, err));
    else
        return err_set(err, ERR_BODY, "geo_point expected");
    *ret_point = point;
    return 0;
}
