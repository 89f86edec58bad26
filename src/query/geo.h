/* SPDX-License-Identifier: Apache-2.0 */
/* geo.h: what queries of places have in common: their field, their options, and the plan. */
#ifndef NARU_QUERY_GEO_H
#define NARU_QUERY_GEO_H

#include "index/geo_point.h"
#include "query/query.h"

/* Options that both queries have. */
struct geo_options {
    struct str field; /* the key that is no option */
    const struct value *value;
    bool ignore_unmapped;
    bool is_lenient; /* validation_method COERCE or IGNORE_MALFORMED */
    bool is_coerced;
};
/* Puts the keys that the type's table has into `rest`, the others' one into `options`. */
int geo_keys_split(struct dsl *dsl, const struct query_type *type, const struct value *body,
                   struct geo_options *options, struct value *ret_rest,
                   struct err *err) WARN_UNUSED;
int geo_validation_parse(struct str method, struct geo_options *options,
                         struct err *err) WARN_UNUSED;
/* Brings a place's longitude into its limits, and its latitude over the pole, as COERCE does. */
void geo_normalize(struct geo_point *point);

/* Documents with a place in a box, and within `meters` of the center when meters >= 0. */
struct plan *plan_places(struct planner *planner, const struct geo_options *options,
                         const struct geo_box *box, const struct geo_point *center, double meters,
                         float boost);

/* "12km", "12", 12 with a unit of its own: in meters. */
int geo_meters_parse(const struct value *v, struct str unit, double *ret_meters,
                     struct err *err) WARN_UNUSED;

#endif
