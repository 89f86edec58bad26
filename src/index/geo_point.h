/* SPDX-License-Identifier: Apache-2.0 */
/* geo_point.h: places on the globe: the forms that Elasticsearch 7.10 takes them in, and the number
 * that a geo_point column holds. The number is Lucene 8.7's: latitude and longitude as 32-bit
 * integers, 180 and 360 degrees over 2^32 steps (below 5 mm), so that what is rounded where is the
 * same there. */
#ifndef NARU_INDEX_GEO_POINT_H
#define NARU_INDEX_GEO_POINT_H

#include "base/base.h"
#include "base/err.h"
#include "event/value.h"

struct geo_point {
    double lat, lon; /* degrees; as given, not checked against the limits */
};

/* {"lat": 1, "lon": 2}, {"geohash": "u"}, [lon, lat], "lat,lon", a geohash (its south-west corner)
 * or "POINT (lon lat)". A third number is dropped when `ignores_z`, else an error. */
int geo_point_parse(const struct value *v, bool ignores_z, struct geo_point *ret_point,
                    struct err *err) WARN_UNUSED;
/* A geohash's cell. */
bool geo_hash_parse(struct str text, struct geo_point *ret_south_west,
                    struct geo_point *ret_north_east);
/* NULL, or which of the two is beyond 90 and 180 degrees or no number. */
const char *geo_point_bad(const struct geo_point *point);

int64_t geo_encode(const struct geo_point *point); /* of a good one */
struct geo_point geo_decode(int64_t encoded);
static inline int32_t geo_encoded_lat(int64_t encoded)
{
    return (int32_t)(encoded >> 32);
}
static inline int32_t geo_encoded_lon(int64_t encoded)
{
    return (int32_t)(uint32_t)(uint64_t)encoded;
}

/* A box in encoded degrees, both ends within; with west > east it goes over the date line. */
struct geo_box {
    int32_t south, north, west, east;
    bool is_empty;
};
struct geo_box geo_box_of(double south, double north, double west, double east);
bool geo_box_has(const struct geo_box *box, int64_t encoded);
/* Everything within so many meters of a point lies in this box. */
struct geo_box geo_box_around(const struct geo_point *center, double meters);

/* On a sphere of Lucene's radius. */
double geo_distance_m(const struct geo_point *a, const struct geo_point *b);

#endif
