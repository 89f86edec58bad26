/* SPDX-License-Identifier: Apache-2.0 */
/* field_plan.c: a value or a range against one field, by the field's type. A value that cannot be
 * one of the type is an error for the field's first variant and matches nothing for the others:
 * {"term": {"port": "abc"}} says what is wrong, and still finds documents whose port arrived as
 * text. */
#include <math.h>

#include "base/str.h"
#include "index/half.h"
#include "index/ip.h"
#include "query/dates.h"
#include "query/query.h"
#include "query/whole_number.h"

static struct plan *bad_value(struct planner *planner, const struct field *field,
                              const struct value *v, bool is_lenient)
{
    if (is_lenient || field->variant_index > 0 || field->next_variant)
        return NULL;
    struct str text = value_to_str(planner->mem, v);
    if (field->type == FIELD_IP)
        return plan_fail(planner, ERR_INVALID,
                         "failed to create query: '" STR_FMT "' is not an IP string literal.",
                         STR_ARG(text));
    if (field->type == FIELD_BOOLEAN)
        return plan_fail(planner, ERR_INVALID,
                         "failed to create query: Can't parse boolean value [" STR_FMT
                         "], expected [true] or [false]",
                         STR_ARG(text));
    return plan_fail(planner, ERR_INVALID,
                     "failed to create query: For input string: \"" STR_FMT "\"", STR_ARG(text));
}

/* A number of the body. Texts are read as numbers. */
static bool value_number(struct arena *mem, const struct value *v, double *ret_f)
{
    if (v->kind == VALUE_BOOL)
        return false;
    return value_to_f64(v, ret_f) || (str_to_f64(value_to_str(mem, v), ret_f) && !isnan(*ret_f));
}

static double as_stored(const struct field *field, double v)
{
    if (field->type == FIELD_FLOAT)
        return (double)(float)v;
    if (field->type == FIELD_HALF_FLOAT)
        return half_round(v);
    if (field->type == FIELD_SCALED_FLOAT && field->scaling_factor > 0)
        return round(v * field->scaling_factor) / field->scaling_factor;
    return v;
}

/* A bound of a range, as stored values are compared with it. What lies between two values of the
 * type stays there: 1.005 is above what a factor of 100 keeps as 1. */
static double bound_as_double(const struct field *field, double v)
{
    if (field->type == FIELD_FLOAT || field->type == FIELD_HALF_FLOAT)
        return (double)(float)v;
    return v;
}

static bool value_boolean(const struct value *v, int64_t *ret_i)
{
    if (v->kind == VALUE_BOOL)
        *ret_i = v->b;
    else if (v->kind == VALUE_STR && (str_is(v->s, "true") || str_is(v->s, "false") || v->s.n == 0))
        *ret_i = str_is(v->s, "true");
    else
        return false;
    return true;
}

static bool date_bound(struct planner *planner, const struct field *field, const struct value *v,
                       const struct range_options *range, bool is_up, int64_t *ret_i)
{
    struct str format = range && range->format.p ? range->format : field->format;
    const struct time_zone *zone = time_zone_utc();
    struct err err;
    bool is_quiet = field->variant_index > 0 || field->next_variant || (range && range->is_lenient);
    if (range && range->time_zone.p &&
        dates_zone(range->time_zone, planner->mem, &zone, &err) < 0) {
        (void)plan_fail(planner, ERR_INVALID, "%s", err.text);
        return false;
    }
    int64_t ns;
    if (dates_value(v, format, zone, planner->now_ns, is_up, planner->mem, &ns, &err) < 0) {
        if (!is_quiet)
            (void)plan_fail(planner, ERR_PARSE, "%s", err.text);
        return false;
    }
    *ret_i = dates_to_stored(field, ns);
    return true;
}

/* ---- One value ---- */

static struct plan *ip_term(struct planner *planner, const struct field *field,
                            const struct value *v, bool is_lenient, float boost)
{
    struct str text = value_to_str(planner->mem, v);
    uint8_t low[IP_BYTES], high[IP_BYTES];
    ptrdiff_t slash = str_find_char(text, '/');
    int64_t bits = 128;
    struct str address = slash < 0 ? text : str_sub(text, 0, (size_t)slash);
    if (!ip_parse(address, low))
        return bad_value(planner, field, v, is_lenient);
    if (slash >= 0) {
        bool is_v4 = str_find_char(address, ':') < 0;
        if (!str_to_i64(str_from_off(text, (size_t)slash + 1), &bits) || bits < 0 ||
            bits > (is_v4 ? 32 : 128))
            return bad_value(planner, field, v, is_lenient);
        bits += is_v4 ? 96 : 0;
    }
    memcpy(high, low, sizeof(high));
    for (int64_t bit = bits; bit < 128; bit++) {
        uint8_t mask = (uint8_t)(0x80u >> (bit & 7));
        low[bit / 8] = (uint8_t)(low[bit / 8] & ~mask);
        high[bit / 8] |= mask;
    }
    return plan_term_range(planner, field, (struct str){(const char *)low, IP_BYTES}, true,
                           (struct str){(const char *)high, IP_BYTES}, true, boost);
}

static struct plan *long_term(struct planner *planner, const struct field *field,
                              const struct value *v, bool is_lenient, float boost)
{
    struct whole_number whole;
    int64_t i;
    if (!whole_number(v, planner->mem, &whole))
        return bad_value(planner, field, v, is_lenient);
    bool is_one = !whole.has_fraction && whole_number_stored(field, whole.floor, &i);
    return is_one ? plan_longs(planner, field, i, i, boost) : NULL;
}

static struct plan *double_term(struct planner *planner, const struct field *field,
                                const struct value *v, bool is_lenient, float boost)
{
    double f;
    if (!value_number(planner->mem, v, &f))
        return bad_value(planner, field, v, is_lenient);
    f = as_stored(field, f);
    return plan_doubles(planner, field, f, f, boost);
}

static struct plan *date_term(struct planner *planner, const struct field *field,
                              const struct value *v, bool is_lenient, float boost)
{
    struct range_options range = {.is_lenient = is_lenient};
    int64_t from, to;
    if (!date_bound(planner, field, v, &range, false, &from) ||
        !date_bound(planner, field, v, &range, true, &to))
        return NULL;
    return plan_longs(planner, field, from, to, boost);
}

struct plan *plan_variant_term(struct planner *planner, const struct field *field,
                               const struct value *v, bool is_lenient, float boost)
{
    int64_t i;
    if (planner->rc < 0)
        return NULL;
    if (field_is_text(field) || field_is_string(field))
        return plan_term(planner, field, value_to_str(planner->mem, v), boost);
    if (field_is_long(field))
        return long_term(planner, field, v, is_lenient, boost);
    if (field_is_double(field))
        return double_term(planner, field, v, is_lenient, boost);
    if (field_is_date(field))
        return date_term(planner, field, v, is_lenient, boost);
    if (field->type == FIELD_IP)
        return ip_term(planner, field, v, is_lenient, boost);
    if (field->type == FIELD_BOOLEAN)
        return value_boolean(v, &i) ? plan_boolean(planner, field, i != 0, boost)
                                    : bad_value(planner, field, v, is_lenient);
    if (is_lenient)
        return NULL;
    if (field->type == FIELD_GEO_POINT)
        return plan_fail(planner, ERR_INVALID,
                         "Geometry fields do not support exact searching, use dedicated geometry "
                         "queries instead: [" STR_FMT "]",
                         STR_ARG(field->path));
    return plan_fail(planner, ERR_UNSUPPORTED,
                     "field [" STR_FMT "] of type [%s] does not support term queries",
                     STR_ARG(field->path), field_type_name(field->type));
}

/* _index, _id and _seq_no look like fields. */
static struct plan *meta_term(struct planner *planner, struct str path, const struct value *v,
                              float boost)
{
    struct str text = value_to_str(planner->mem, v);
    if (str_is(path, "_index"))
        return str_glob(text, planner->index) ? plan_all(planner, boost) : NULL;
    if (str_is(path, "_id")) {
        struct str *id = ARENA_NEW(planner->mem, struct str);
        *id = text;
        return plan_ids(planner, id, 1, boost);
    }
    int64_t seq_no;
    if (str_is(path, "_seq_no") && str_to_i64(text, &seq_no))
        return plan_seq_nos(planner, seq_no, seq_no, boost);
    return NULL;
}

struct plan *plan_field_term(struct planner *planner, struct str path, const struct value *v,
                             bool is_lenient, float boost)
{
    const struct field *field = mapping_field(planner->mapping, path);
    if (!field)
        return meta_term(planner, path, v, boost);
    struct plan *all = NULL;
    for (; field; field = field->next_variant)
        all = plan_either(planner, all, plan_variant_term(planner, field, v, is_lenient, boost),
                          boost);
    return all;
}

/* ---- Ranges ---- */

static bool is_open(const struct value *v)
{
    return v->kind == VALUE_NONE || v->kind == VALUE_NULL;
}

/* The least and the greatest stored integer of a range. False: one of the bounds is no number,
 * which is *ret_bad. No integer: *ret_min is above *ret_max. */
static bool long_bounds(struct planner *planner, const struct field *field,
                        const struct range_options *range, int64_t *ret_min, int64_t *ret_max,
                        const struct value **ret_bad)
{
    struct whole_number low = {.floor = WHOLE_NUMBER_MIN}, high = {.floor = WHOLE_NUMBER_MAX};
    *ret_bad = &range->from;
    if (!is_open(&range->from) && !whole_number(&range->from, planner->mem, &low))
        return false;
    *ret_bad = &range->to;
    if (!is_open(&range->to) && !whole_number(&range->to, planner->mem, &high))
        return false;
    if (!is_open(&range->from) && (low.has_fraction || !range->includes_from))
        low.floor++;
    if (!is_open(&range->to) && !high.has_fraction && !range->includes_to)
        high.floor--;
    whole_number_clamp(field, low.floor, high.floor, ret_min, ret_max);
    return true;
}

static struct plan *long_range(struct planner *planner, const struct field *field,
                               const struct range_options *range, float boost)
{
    int64_t min, max;
    const struct value *bad;
    if (!long_bounds(planner, field, range, &min, &max, &bad))
        return bad_value(planner, field, bad, range->is_lenient);
    return plan_longs(planner, field, min, max, boost);
}

static struct plan *double_range(struct planner *planner, const struct field *field,
                                 const struct range_options *range, float boost)
{
    double min = -INFINITY, max = INFINITY, f;
    if (!is_open(&range->from)) {
        if (!value_number(planner->mem, &range->from, &f))
            return bad_value(planner, field, &range->from, range->is_lenient);
        f = bound_as_double(field, f);
        min = range->includes_from ? f : nextafter(f, INFINITY);
    }
    if (!is_open(&range->to)) {
        if (!value_number(planner->mem, &range->to, &f))
            return bad_value(planner, field, &range->to, range->is_lenient);
        f = bound_as_double(field, f);
        max = range->includes_to ? f : nextafter(f, -INFINITY);
    }
    return plan_doubles(planner, field, min, max, boost);
}

static struct plan *date_range(struct planner *planner, const struct field *field,
                               const struct range_options *range, float boost)
{
    int64_t min = INT64_MIN, max = INT64_MAX;
    /* gt rounds up and lte rounds up: `gt 2020-01` is after January, `lte 2020-01` is to its end.
     */
    if (!is_open(&range->from)) {
        if (!date_bound(planner, field, &range->from, range, !range->includes_from, &min))
            return NULL;
        if (!range->includes_from && __builtin_add_overflow(min, 1, &min))
            return NULL;
    }
    if (!is_open(&range->to)) {
        if (!date_bound(planner, field, &range->to, range, range->includes_to, &max))
            return NULL;
        if (!range->includes_to && __builtin_sub_overflow(max, 1, &max))
            return NULL;
    }
    return plan_longs(planner, field, min, max, boost);
}

static struct plan *ip_range(struct planner *planner, const struct field *field,
                             const struct range_options *range, float boost)
{
    uint8_t low[IP_BYTES], high[IP_BYTES];
    struct str from = STR_NONE, to = STR_NONE;
    if (!is_open(&range->from)) {
        if (!ip_parse(value_to_str(planner->mem, &range->from), low))
            return bad_value(planner, field, &range->from, range->is_lenient);
        from = (struct str){(const char *)low, IP_BYTES};
    }
    if (!is_open(&range->to)) {
        if (!ip_parse(value_to_str(planner->mem, &range->to), high))
            return bad_value(planner, field, &range->to, range->is_lenient);
        to = (struct str){(const char *)high, IP_BYTES};
    }
    return plan_term_range(planner, field, from, range->includes_from, to, range->includes_to,
                           boost);
}

struct plan *plan_variant_range(struct planner *planner, const struct field *field,
                                const struct range_options *range, float boost)
{
    if (planner->rc < 0)
        return NULL;
    if (field_is_date(field))
        return date_range(planner, field, range, boost);
    if (field_is_long(field))
        return long_range(planner, field, range, boost);
    if (field_is_double(field))
        return double_range(planner, field, range, boost);
    if (field->type == FIELD_IP)
        return ip_range(planner, field, range, boost);
    if (field_is_text(field) || field_is_string(field)) {
        struct str from =
            is_open(&range->from) ? STR_NONE : value_to_str(planner->mem, &range->from);
        struct str to = is_open(&range->to) ? STR_NONE : value_to_str(planner->mem, &range->to);
        return plan_term_range(planner, field, from, range->includes_from, to, range->includes_to,
                               boost);
    }
    int64_t min = 0, max = 1;
    if (field->type == FIELD_BOOLEAN) {
        if (!is_open(&range->from) && !value_boolean(&range->from, &min))
            return bad_value(planner, field, &range->from, range->is_lenient);
        if (!is_open(&range->to) && !value_boolean(&range->to, &max))
            return bad_value(planner, field, &range->to, range->is_lenient);
        min += !is_open(&range->from) && !range->includes_from;
        max -= !is_open(&range->to) && !range->includes_to;
        return plan_longs(planner, field, min, max, boost);
    }
    if (range->is_lenient)
        return NULL;
    if (field->type == FIELD_GEO_POINT)
        return plan_fail(planner, ERR_INVALID,
                         "failed to create query: Field [" STR_FMT
                         "] of type [geo_point] does not support range queries",
                         STR_ARG(field->path));
    return plan_fail(planner, ERR_UNSUPPORTED,
                     "field [" STR_FMT "] of type [%s] does not support range queries",
                     STR_ARG(field->path), field_type_name(field->type));
}

struct plan *plan_range(struct planner *planner, struct str path, const struct range_options *range,
                        float boost)
{
    const struct field *field = mapping_field(planner->mapping, path);
    if (!field && str_is(path, "_seq_no")) {
        struct field seq_no = {.path = path, .type = FIELD_LONG};
        int64_t min, max;
        const struct value *bad;
        if (!long_bounds(planner, &seq_no, range, &min, &max, &bad))
            return bad_value(planner, &seq_no, bad, false);
        return plan_seq_nos(planner, min, max, boost);
    }
    struct plan *all = NULL;
    for (; field; field = field->next_variant)
        all = plan_either(planner, all, plan_variant_range(planner, field, range, boost), boost);
    return all;
}

const struct field **planner_fields(struct planner *planner, struct str pattern, size_t *ret_count)
{
    size_t count, n = 0;
    const struct field *const *all = mapping_fields(planner->mapping, &count);
    const struct field **found = ARENA_ARRAY(planner->mem, const struct field *, count + 1);
    if (str_find_char(pattern, '*') < 0) {
        const struct field *field = mapping_field(planner->mapping, pattern);
        if (field)
            found[n++] = field;
        *ret_count = n;
        return found;
    }
    for (size_t i = 0; i < count; i++) {
        if (all[i]->variant_index == 0 && all[i]->is_indexed && str_glob(pattern, all[i]->path))
            found[n++] = all[i];
    }
    *ret_count = n;
    return found;
}
