/* SPDX-License-Identifier: Apache-2.0 */
/* tuple_part.c: one part of a tuple: its values, their places in a segment, their order, and how
 * they are shown. */
#include <math.h>

#include "base/str.h"
#include "index/ip.h"
#include "query/buckets/tuples_int.h"
#include "query/dates.h"

/* Places of all parts together: what an array of bucket numbers may have per segment. */
#define PLACES_MAX 65536u
#define SPANS_MAX  4096u
#define INDEX_MAX  9.0e18

int tuple_spec_check(const struct agg_node *node, struct tuple_spec *spec, const struct value *body,
                     struct err *err)
{
    TRY(source_check(node, &spec->source, err));
    if (spec->order.p && !str_eq_nocase(spec->order, STR("asc")) &&
        !str_eq_nocase(spec->order, STR("desc")))
        return dsl_error(body, err, ERR_PARSE, "[order] must be asc or desc, not [" STR_FMT "]",
                         STR_ARG(spec->order));
    spec->is_desc = str_eq_nocase(spec->order, STR("desc"));
    if (spec->kind == TUPLE_HISTOGRAM && (!(spec->interval > 0) || !isfinite(spec->interval)))
        return dsl_error(body, err, ERR_INVALID,
                         "[interval] must be greater than 0 for [histogram] source");
    if (spec->kind != TUPLE_DATE_HISTOGRAM)
        return 0;
    struct date_intervals texts = {spec->calendar_interval, spec->fixed_interval,
                                   spec->either_interval, spec->offset};
    return date_rounding_parse(&spec->rounding, &texts, body, err);
}

/* ---- Keys ---- */

/* Doubles as integers of the same order; -0 is 0. */
static int64_t sortable(double v)
{
    int64_t bits;
    if (v == 0)
        v = 0;
    memcpy(&bits, &v, sizeof(bits));
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

double part_double_of_key(int64_t key)
{
    double v;
    key = key < 0 ? key ^ INT64_MAX : key;
    memcpy(&v, &key, sizeof(v));
    return v;
}

static int64_t interval_of(const struct tuple_part *part, double v)
{
    double at = floor(v / part->spec->interval);
    return at > INDEX_MAX    ? (int64_t)INDEX_MAX
           : at < -INDEX_MAX ? (int64_t)-INDEX_MAX
                             : (int64_t)at;
}

int64_t tuple_key_of_double(double v)
{
    return sortable(v);
}

int64_t tuple_interval_of_key(const struct tuple_part *part, double key)
{
    double near = round(key / part->spec->interval);
    bool is_key =
        near * part->spec->interval == key; /* no rounding error may make it the one before */
    return interval_of(part, is_key ? (near + 0.5) * part->spec->interval : key);
}

static int64_t span_of(struct tuple_part *part, int64_t ms)
{
    if (ms < part->last.low || ms >= part->last.high) {
        part->last = date_rounding_span(&part->spec->rounding, part->source.zone, ms);
        part->last_place = PLACE_NONE;
    }
    return part->last.low;
}

int64_t part_key_of_long(struct tuple_part *part, int64_t stored)
{
    const struct field *field = part->source.local;
    if (part->spec->kind == TUPLE_TERMS) /* of date_nanos, too, milliseconds */
        return date_rounding_ms(field, stored);
    if (part->spec->kind == TUPLE_DATE_HISTOGRAM)
        return span_of(part, date_rounding_ms(field, stored));
    bool is_unsigned = field && field->type == FIELD_UNSIGNED_LONG;
    return interval_of(part, is_unsigned ? (double)((uint64_t)stored ^ (UINT64_C(1) << 63))
                                         : (double)stored);
}

int64_t part_key_of_double(struct tuple_part *part, double v)
{
    if (part->spec->kind == TUPLE_TERMS)
        return sortable(v);
    if (part->spec->kind == TUPLE_DATE_HISTOGRAM)
        return span_of(part, date_rounding_ms_of_double(v));
    return interval_of(part, v);
}

static struct part_value value_of_zone(struct tuple_part *part, int64_t i, double f)
{
    if (part_is_text(part))
        return (struct part_value){.ordinal = (uint32_t)i};
    return (struct part_value){.key = part->source.kind == COLUMN_DOUBLE
                                          ? part_key_of_double(part, f)
                                          : part_key_of_long(part, i)};
}

bool part_zone(struct tuple_part *part, uint32_t zone, struct part_value *ret_min,
               struct part_value *ret_max)
{
    struct column_zone found;
    if (!part->source.column || !column_zone(part->source.column, zone, &found))
        return false;
    *ret_min = value_of_zone(part, found.min_i, found.min_f);
    *ret_max = value_of_zone(part, found.max_i, found.max_f);
    return true;
}

bool part_is_constant(struct tuple_part *part, uint32_t zone, struct part_value *ret_value)
{
    struct part_value max;
    if (!part->source.column)
        return false;
    return !part->source.is_multi && column_is_dense(part->source.column) &&
           part_zone(part, zone, ret_value, &max) && ret_value->key == max.key &&
           ret_value->ordinal == max.ordinal;
}

void part_read(struct tuple_part *part, struct agg_run *run, uint32_t first)
{
    struct window_values *w = &part->values;
    const struct column *column = part->source.column;
    if (!column || (w->column == column && w->first == first))
        return;
    if (!w->longs) {
        w->longs = ARENA_ARRAY(run->mem, int64_t, ZONE_DOCS);
        w->exists = ARENA_ARRAY(run->mem, uint64_t, WINDOW_WORDS);
    }
    uint32_t n = MIN_OF(ZONE_DOCS, run->doc_count - first);
    memset(w->exists, 0, WINDOW_WORDS * sizeof(uint64_t));
    if (part->source.kind == COLUMN_LONG)
        column_read_longs(column, first, n, w->longs, w->exists);
    else if (part->source.kind == COLUMN_DOUBLE)
        column_read_doubles(column, first, n, w->doubles, w->exists);
    else
        column_read_ordinals(column, first, n, w->ordinals, w->exists);
    w->column = column;
    w->first = first;
}

bool part_missing(struct tuple_part *part, struct agg_run *run, struct part_value *ret_value)
{
    const struct source *source = &part->source;
    *ret_value = (struct part_value){.ordinal = SOURCE_MISSING};
    if (part->spec->has_missing)
        ret_value->is_missing = true;
    else if (!source->has_missing)
        return false;
    else if (part_is_text(part))
        ret_value->key = text_ids_get(&part->ids, source->missing_text, run->mem);
    else if (source->kind == COLUMN_DOUBLE)
        ret_value->key = part_key_of_double(part, source->missing_f);
    else
        ret_value->key = part_key_of_long(part, source->missing_i);
    return true;
}

bool part_value_at(struct tuple_part *part, uint32_t off, struct agg_run *run,
                   struct part_value *ret_value)
{
    const struct window_values *w = &part->values;
    if (!part->source.column || !bitset_get(w->exists, off))
        return part_missing(part, run, ret_value);
    *ret_value = (struct part_value){0};
    if (part_is_text(part))
        ret_value->ordinal = w->ordinals[off];
    else if (part->source.kind == COLUMN_DOUBLE)
        ret_value->key = part_key_of_double(part, w->doubles[off]);
    else
        ret_value->key = part_key_of_long(part, w->longs[off]);
    return true;
}

int64_t part_global(struct tuple_part *part, struct agg_run *run, const struct part_value *value)
{
    if (value->is_missing)
        return 0;
    if (!part_is_text(part) || value->ordinal == SOURCE_MISSING)
        return value->key;
    uint32_t *id = &part->id_of[value->ordinal];
    if (*id == UINT32_MAX)
        *id = text_ids_get(&part->ids,
                           column_ordinal_text(part->source.column, value->ordinal, run->scratch),
                           run->mem);
    return *id;
}

/* ---- Order ---- */

void part_edge_begin(const struct tuple_part *part, struct tuple_edge *edge)
{
    if (part_is_text(part) && part->source.column && !edge->is_missing)
        edge->ordinal = column_ordinal_find(part->source.column, edge->text, &edge->is_found);
}

int part_cmp(const struct tuple_part *part, const struct part_value *value,
             const struct tuple_edge *edge)
{
    int cmp;
    if (value->is_missing || edge->is_missing)
        cmp = (int)edge->is_missing - (int)value->is_missing;
    else if (part_is_text(part))
        cmp = value->ordinal < edge->ordinal   ? -1
              : value->ordinal > edge->ordinal ? 1
              : edge->is_found                 ? 0
                                               : 1;
    else
        cmp = (value->key > edge->key) - (value->key < edge->key);
    return part->spec->is_desc ? -cmp : cmp;
}

/* ---- Places ---- */

static bool place_longs(struct tuple_part *part)
{
    struct column_zone all;
    const struct field *field = part->source.local;
    bool is_turned =
        part->source.kind == COLUMN_DOUBLE || (field && field->type == FIELD_DATE_NANOS);
    if (is_turned && part->spec->kind == TUPLE_TERMS)
        return false;
    if (!column_stats(part->source.column, &all))
        return true;
    struct part_value min = value_of_zone(part, all.min_i, all.min_f),
                      max = value_of_zone(part, all.max_i, all.max_f);
    uint64_t width = (uint64_t)max.key - (uint64_t)min.key;
    if (width >= PLACES_MAX)
        return false;
    part->base = min.key;
    part->place_count = (uint32_t)width + 1;
    return true;
}

/* The segment's spans, one after the other. */
static bool place_spans(struct tuple_part *part, struct agg_run *run)
{
    struct column_zone all;
    const struct date_rounding *rounding = &part->spec->rounding;
    if (part->source.kind == COLUMN_DOUBLE)
        return false;
    if (!column_stats(part->source.column, &all))
        return true;
    int64_t max = date_rounding_ms(part->source.local, all.max_i);
    part->spans = ARENA_ARRAY(run->scratch, int64_t, SPANS_MAX);
    struct date_span span = date_rounding_span(rounding, part->source.zone,
                                               date_rounding_ms(part->source.local, all.min_i));
    for (;;) {
        if (part->span_count == SPANS_MAX)
            return false;
        part->spans[part->span_count++] = span.low;
        if (span.high > max)
            break;
        span = date_rounding_span(rounding, part->source.zone, span.high);
    }
    part->place_count = part->span_count;
    return true;
}

static bool part_count_places(struct tuple_part *part, struct agg_run *run)
{
    part->place_count = part->span_count = 0;
    part->has_missing_place = false;
    if (part->source.is_multi)
        return false;
    if (part->source.column) {
        if (part_is_text(part))
            part->place_count = column_ordinal_count(part->source.column);
        else if (!(part->spec->kind == TUPLE_DATE_HISTOGRAM ? place_spans(part, run)
                                                            : place_longs(part)))
            return false;
    }
    if ((part->spec->has_missing || part->source.has_missing) &&
        (!part->source.column || !column_is_dense(part->source.column))) {
        part->has_missing_place = true;
        part->place_count++;
    }
    return true;
}

void tuple_run_place(struct tuple_run *tuples, const struct agg_node *node, struct agg_run *run)
{
    uint64_t product = 1;
    tuples->place_count = 0;
    for (size_t i = 0; i < tuples->count; i++)
        part_edge_begin(&tuples->parts[i], &tuples->parts[i].after);
    /* Below other buckets there is a set per bucket: an array for each would cost more than hashing
     * does. */
    if (node->depth > 0 || tuples->is_empty)
        return;
    for (size_t i = 0; i < tuples->count; i++) {
        struct tuple_part *part = &tuples->parts[i];
        if (!part_count_places(part, run) || part->place_count == 0)
            return;
        part->stride = (uint32_t)product;
        product *= part->place_count;
        if (product > PLACES_MAX)
            return;
    }
    tuples->place_count = (uint32_t)product;
}

static uint32_t span_place(struct tuple_part *part, int64_t key)
{
    if (part->last_place != PLACE_NONE && part->spans[part->last_place] == key)
        return part->last_place;
    uint32_t low = 0, high = part->span_count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (part->spans[mid] <= key)
            low = mid;
        else
            high = mid;
    }
    return part->last_place = low;
}

uint32_t part_place(struct tuple_part *part, const struct part_value *value)
{
    if (value->is_missing || (part_is_text(part) && value->ordinal == SOURCE_MISSING))
        return part->place_count - 1;
    if (part_is_text(part))
        return value->ordinal;
    return part->spec->kind == TUPLE_DATE_HISTOGRAM ? span_place(part, value->key)
                                                    : (uint32_t)(value->key - part->base);
}

static uint32_t place_at(struct tuple_part *part, uint32_t off)
{
    const struct window_values *w = &part->values;
    if (part_is_text(part))
        return w->ordinals[off];
    int64_t key = part->source.kind == COLUMN_DOUBLE ? part_key_of_double(part, w->doubles[off])
                                                     : part_key_of_long(part, w->longs[off]);
    return part->spec->kind == TUPLE_DATE_HISTOGRAM ? span_place(part, key)
                                                    : (uint32_t)(key - part->base);
}

/* Every document has a value: the loops that most documents go through. */
static void add_dense(struct tuple_part *part, const struct doc_block *block, uint32_t *places)
{
    const struct window_values *w = &part->values;
    uint32_t stride = part->stride;
    if (part_is_text(part)) {
        for (uint32_t i = 0; i < block->count; i++) {
            uint32_t add = w->ordinals[block_offset(block, i)] * stride;
            places[i] += places[i] == PLACE_NONE ? 0 : add;
        }
    } else if (part->spec->kind == TUPLE_TERMS) {
        for (uint32_t i = 0; i < block->count; i++) {
            uint32_t add = (uint32_t)(w->longs[block_offset(block, i)] - part->base) * stride;
            places[i] += places[i] == PLACE_NONE ? 0 : add;
        }
    } else {
        for (uint32_t i = 0; i < block->count; i++) {
            uint32_t add = place_at(part, block_offset(block, i)) * stride;
            places[i] += places[i] == PLACE_NONE ? 0 : add;
        }
    }
}

void part_add_places(struct tuple_part *part, struct agg_run *run, const struct doc_block *block,
                     uint32_t *places)
{
    struct part_value constant;
    if (part_is_constant(part, block->first / ZONE_DOCS, &constant)) {
        uint32_t add = part_place(part, &constant) * part->stride;
        for (uint32_t i = 0; i < block->count; i++)
            places[i] += places[i] == PLACE_NONE ? 0 : add;
        return;
    }
    part_read(part, run, block->first);
    if (part->source.column && column_is_dense(part->source.column)) {
        add_dense(part, block, places);
        return;
    }
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        if (places[i] == PLACE_NONE)
            continue;
        if (part->source.column && bitset_get(part->values.exists, off))
            places[i] += place_at(part, off) * part->stride;
        else if (part->has_missing_place)
            places[i] += (part->place_count - 1) * part->stride;
        else
            places[i] = PLACE_NONE;
    }
}

/* ---- Segments ---- */

void tuple_run_init(struct tuple_run *tuples, const struct tuple_spec *specs, size_t count,
                    struct arena *mem)
{
    tuples->parts = ARENA_ARRAY(mem, struct tuple_part, count);
    tuples->count = count;
    for (size_t i = 0; i < count; i++)
        tuples->parts[i].spec = &specs[i];
}

static int part_begin(struct tuple_part *part, const struct agg_node *node, struct agg_run *run,
                      struct err *err)
{
    static const char *const names[] = {"terms", "histogram", "date_histogram"};
    struct agg_node named = *node; /* errors name the part's kind */
    bool had_field = part->source.field != NULL;
    enum column_kind kind = part->source.kind;
    named.type_name = str_from(names[part->spec->kind]);
    TRY(source_begin(&part->source, &named, &part->spec->source, run,
                     part->spec->kind == TUPLE_TERMS ? SOURCE_ANY : SOURCE_NUMBERS, err));
    if (part->spec->kind == TUPLE_TERMS && had_field && kind != part->source.kind)
        return err_set(err, ERR_UNSUPPORTED,
                       "aggregation [" STR_FMT "]: field [" STR_FMT
                       "] has whole numbers in one index and floats in another",
                       STR_ARG(node->name), STR_ARG(part->spec->source.field));
    if (part->spec->kind == TUPLE_DATE_HISTOGRAM && part->spec->source.time_zone.p)
        TRY(dates_zone(part->spec->source.time_zone, run->mem, &part->source.zone, err));
    part->last = (struct date_span){0, 0};
    part->last_place = PLACE_NONE;
    part->values.column = NULL;
    part->id_of = NULL;
    if (part_is_text(part) && part->source.column) {
        size_t bytes = ((size_t)column_ordinal_count(part->source.column) + 1) * sizeof(uint32_t);
        part->id_of = arena_alloc(run->scratch, bytes);
        memset(part->id_of, 0xFF, bytes);
    }
    return 0;
}

int tuple_run_begin(struct tuple_run *tuples, const struct agg_node *node, struct agg_run *run,
                    struct err *err)
{
    tuples->epoch++;
    tuples->is_empty = tuples->is_multi = false;
    for (size_t i = 0; i < tuples->count; i++) {
        struct tuple_part *part = &tuples->parts[i];
        TRY(part_begin(part, node, run, err));
        tuples->is_multi = tuples->is_multi || part->source.is_multi;
        if (!part->source.column && !part->spec->has_missing && !part->source.has_missing)
            tuples->is_empty = true;
    }
    return 0;
}

void tuple_run_adopt(struct tuple_run *tuples, const struct tuple_run *other)
{
    for (size_t i = 0; i < tuples->count; i++) {
        if (!tuples->parts[i].source.field)
            tuples->parts[i].source = other->parts[i].source;
    }
}

/* ---- Printing ---- */

static struct value print_text(const struct source *source, struct str text, struct agg_run *run)
{
    if (!source->field || source->field->type != FIELD_IP || text.n != IP_BYTES)
        return value_str(text);
    char buffer[IP_TEXT_BYTES];
    uint8_t bytes[IP_BYTES];
    memcpy(bytes, text.p, IP_BYTES);
    return value_str_copy(run->mem, (struct str){buffer, ip_format(bytes, buffer)});
}

static struct value print_number(const struct source *source, int64_t key, bool prints_dates,
                                 struct agg_run *run)
{
    enum field_type type = source->field ? source->field->type : FIELD_NONE;
    if (source->kind == COLUMN_DOUBLE)
        return value_float(part_double_of_key(key));
    if (type == FIELD_BOOLEAN)
        return value_bool(key != 0);
    if (prints_dates && source->pattern)
        return value_str(source_print_double(source, (double)key, run->mem));
    uint64_t u = (uint64_t)key ^ (UINT64_C(1) << 63);
    if (type == FIELD_UNSIGNED_LONG && u > INT64_MAX)
        return (struct value){.kind = VALUE_BIG,
                              .s = arena_printf(run->mem, "%llu", (unsigned long long)u)};
    return value_int(type == FIELD_UNSIGNED_LONG ? (int64_t)u : key);
}

struct value tuple_print(const struct tuple_set *set, const struct tuple_run *tuples,
                         uint32_t bucket, size_t part_index, bool prints_dates, struct agg_run *run)
{
    const struct tuple_part *part = &tuples->parts[part_index];
    const int64_t *keys = set->keys + (size_t)bucket * (tuples->count + 1);
    int64_t key = keys[part_index];
    if (keys[tuples->count] >> part_index & 1)
        return value_null();
    if (part->spec->kind == TUPLE_HISTOGRAM)
        return value_float((double)key * part->spec->interval);
    if (part->spec->kind == TUPLE_DATE_HISTOGRAM) {
        if (!part->spec->source.format.p || !part->source.pattern)
            return value_int(key);
        return value_str(
            dates_print(dates_ns_of_ms(key), part->source.pattern, part->source.zone, run->mem));
    }
    return part_is_text(part) ? print_text(&part->source, part->ids.texts[key], run)
                              : print_number(&part->source, key, prints_dates, run);
}
