/* SPDX-License-Identifier: Apache-2.0 */
/* source.c: the values an aggregation works on: a column of the segment at hand, read window by
 * window and shared by all nodes, with a value for documents that have none; and how such values
 * are printed. */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "index/ip.h"
#include "query/agg_tree.h"
#include "query/dates.h"
#include "query/decimal_format.h"
#include "query/whole_number.h"

int source_check(const struct agg_node *node, const struct source_params *params, struct err *err)
{
    struct value at = {.pos = node->pos};
    if (params->script.kind != VALUE_NONE)
        return dsl_error(&at, err, ERR_UNSUPPORTED,
                         "scripts in aggregation [" STR_FMT "] are not supported",
                         STR_ARG(node->name));
    if (!params->field.p)
        return dsl_error(&at, err, ERR_INVALID,
                         "Required one of fields [field, script], but none were specified. ");
    return 0;
}

static int text_field_error(const struct field *field, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "Text fields are not optimised for operations that require per-document field "
                   "data like aggregations "
                   "and sorting, so these operations are disabled by default. Please use a keyword "
                   "field instead. "
                   "Alternatively, set fielddata=true on [" STR_FMT
                   "] in order to load field data by uninverting the "
                   "inverted index. Note that this can use significant memory.",
                   STR_ARG(field->path));
}

static enum column_kind kind_of_type(const struct field *field)
{
    if (field_is_double(field))
        return COLUMN_DOUBLE;
    return field_is_string(field) || field->type == FIELD_IP ? COLUMN_ORDINAL : COLUMN_LONG;
}

static int first_field(struct source *source, const struct field *field,
                       const struct source_params *params, struct agg_run *run, struct err *err)
{
    source->field = field;
    source->zone = time_zone_utc();
    if (params->time_zone.p)
        TRY(dates_zone(params->time_zone, run->mem, &source->zone, err));
    if (field_is_date(field))
        TRY(dates_format(params->format.p ? params->format : field->format, run->mem,
                         &source->pattern, err));
    else
        source->decimal_format = params->format;
    return 0;
}

/* An integer where the column has integers, else what is nearest, or all are read as floats. */
static int read_missing_number(struct source *source, const struct value *v, struct str text,
                               bool may_widen, struct arena *mem, struct err *err)
{
    static const struct field plain = {.type = FIELD_LONG};
    const struct field *field = source->field ? source->field : &plain;
    struct whole_number whole;
    if (!str_to_f64(text, &source->missing_f) || !whole_number(v, mem, &whole))
        return err_set(err, ERR_INVALID, "For input string: \"" STR_FMT "\"", STR_ARG(text));
    bool is_exact =
        whole_number_stored(field, whole.floor, &source->missing_i) && !whole.has_fraction;
    if (source->kind != COLUMN_LONG || is_exact)
        return 0;
    if (may_widen) {
        source->is_widened = source->is_double = true;
        source->kind = COLUMN_DOUBLE;
        return 0;
    }
    int64_t unused;
    whole_int cut = whole.floor + (whole.floor < 0 && whole.has_fraction);
    whole_number_clamp(field, cut, WHOLE_NUMBER_MAX, &source->missing_i, &unused);
    return 0;
}

/* The value of documents without one, once its type is known. */
static int read_missing(struct source *source, const struct source_params *params,
                        struct agg_run *run, enum source_wants wants, struct err *err)
{
    static const struct field unknown_date = {.type = FIELD_DATE};
    const struct value *v = &params->missing;
    struct str text = value_to_str(run->mem, v);
    source->has_missing = v->kind != VALUE_NONE && v->kind != VALUE_NULL;
    if (!source->has_missing)
        return 0;
    const struct field *field = source->local;
    if (!field && wants == SOURCE_DATES)
        field = &unknown_date;
    if (source->kind == COLUMN_ORDINAL) {
        uint8_t ip[IP_BYTES];
        if (field && field->type == FIELD_IP && ip_parse(text, ip))
            text = (struct str){(const char *)ip, IP_BYTES};
        source->missing_text = arena_str(run->mem, text);
        return 0;
    }
    if (field && field_is_date(field)) {
        int64_t ns = v->kind == VALUE_INT ? dates_ns_of_ms(v->i) : 0;
        if (v->kind != VALUE_INT) /* which is milliseconds, whatever the format is */
            TRY(dates_value(v, params->format.p ? params->format : field->format, source->zone,
                            run->now_ns, false, run->mem, &ns, err));
        source->missing_i = dates_to_stored(field, ns);
    } else if (field && field->type == FIELD_BOOLEAN) {
        source->missing_i = str_is(text, "true") || str_is(text, "1");
    } else {
        TRY(read_missing_number(source, v, text, (wants & SOURCE_WIDENED) != 0, run->mem, err));
    }
    source->missing_f = source->kind == COLUMN_LONG ? (double)source->missing_i : source->missing_f;
    return 0;
}

static enum column_kind unmapped_kind(const struct source_params *params, enum source_wants wants)
{
    if (str_is(params->value_type, "string") || str_is(params->value_type, "keyword"))
        return COLUMN_ORDINAL;
    if (str_is(params->value_type, "double") || str_is(params->value_type, "float"))
        return COLUMN_DOUBLE;
    if (params->value_type.p)
        return COLUMN_LONG;
    if (params->missing.kind == VALUE_STR && (wants & SOURCE_STRINGS))
        return COLUMN_ORDINAL;
    return params->missing.kind == VALUE_FLOAT ? COLUMN_DOUBLE
           : wants == SOURCE_STRINGS           ? COLUMN_ORDINAL
                                               : COLUMN_LONG;
}

/* Places are counted, and told apart; a number they are not. */
static bool is_place_misused(const struct field *field, struct str type)
{
    return field->type == FIELD_GEO_POINT && !str_is(type, "value_count") &&
           !str_is(type, "cardinality") && !str_is(type, "missing");
}

int source_begin(struct source *source, const struct agg_node *node,
                 const struct source_params *params, struct agg_run *run, enum source_wants wants,
                 struct err *err)
{
    const struct field *field = mapping_field(run->part->mapping, params->field);
    source->column = NULL;
    source->is_multi = false;
    if (!field) {
        if (!source->field) {
            source->zone = time_zone_utc();
            if (params->time_zone.p)
                TRY(dates_zone(params->time_zone, run->mem, &source->zone, err));
            source->kind = wants == SOURCE_DATES ? COLUMN_LONG : unmapped_kind(params, wants);
            return read_missing(source, params, run, wants, err);
        }
        return 0;
    }
    while (field_is_text(field) && field->next_variant)
        field = field->next_variant;
    if (field_is_text(field))
        return text_field_error(field, err);
    enum column_kind kind = kind_of_type(field);
    if (is_place_misused(field, node->type_name) ||
        (kind == COLUMN_ORDINAL ? !(wants & SOURCE_STRINGS) : !(wants & SOURCE_NUMBERS)))
        return err_set(
            err, ERR_INVALID,
            "Field [" STR_FMT "] of type [%s] is not supported for aggregation [" STR_FMT "]",
            STR_ARG(field->path), field_type_name(field->type), STR_ARG(node->type_name));
    if (!field->has_doc_values)
        return err_set(err, ERR_INVALID,
                       "Can't load fielddata on [" STR_FMT
                       "] because fielddata is unsupported on fields "
                       "of type [%s]. Use doc values instead.",
                       STR_ARG(field->path), field_type_name(field->type));
    if (!source->field)
        TRY(first_field(source, field, params, run, err));
    source->local = field;
    if (source->has_kind && (source->kind == COLUMN_ORDINAL) != (kind == COLUMN_ORDINAL))
        return err_set(
            err, ERR_INVALID,
            "Merging/Reducing the aggregations failed when computing the aggregation [" STR_FMT
            "] because the field you gave in the aggregation query existed as two different types "
            "in two "
            "different indices",
            STR_ARG(node->name));
    source->is_widened = false;
    source->is_double = source->is_double || kind == COLUMN_DOUBLE;
    source->kind = kind;
    source->has_kind = true;
    source->column = segment_column(run->part->segment, field);
    source->is_multi = source->column && column_is_multi(source->column);
    return read_missing(source, params, run, wants, err);
}

struct column *source_only_column(const struct source_params *params, const struct agg_run *run)
{
    size_t count;
    struct column *only = NULL;
    if (!run->env || params->missing.kind != VALUE_NONE)
        return NULL;
    const struct searcher_part *parts = search_env_parts(run->env, &count);
    for (size_t i = 0; i < count; i++) {
        const struct field *field = mapping_field(parts[i].mapping, params->field);
        while (field && field_is_text(field) && field->next_variant)
            field = field->next_variant;
        struct column *column = field ? segment_column(parts[i].segment, field) : NULL;
        if (column && (only || column_kind(column) != COLUMN_ORDINAL))
            return NULL;
        only = column ? column : only;
    }
    return only;
}

/* ---- Reading ---- */

static void add_missing(const struct source *source, struct value_batch *batch, uint32_t off)
{
    size_t at = batch->count++;
    batch->offs[at] = (uint16_t)off;
    if (source->kind == COLUMN_ORDINAL)
        batch->ordinals[at] = SOURCE_MISSING;
    else if (source->kind == COLUMN_DOUBLE)
        batch->doubles[at] = source->missing_f;
    else
        batch->longs[at] = source->missing_i;
}

static double widened(const struct source *source, int64_t v)
{
    return source->field->type == FIELD_UNSIGNED_LONG ? (double)((uint64_t)v ^ (UINT64_C(1) << 63))
                                                      : (double)v;
}

static void put_single(const struct source *source, struct value_batch *batch,
                       const struct window_values *w, uint32_t off)
{
    size_t at = batch->count++;
    batch->offs[at] = (uint16_t)off;
    if (source->kind == COLUMN_ORDINAL)
        batch->ordinals[at] = w->ordinals[off];
    else if (source->is_widened)
        batch->doubles[at] = widened(source, w->longs[off]);
    else if (source->kind == COLUMN_DOUBLE)
        batch->doubles[at] = w->doubles[off];
    else
        batch->longs[at] = w->longs[off];
}

static void read_single(const struct source *source, struct agg_run *run,
                        const struct doc_block *block, struct value_batch *batch)
{
    const struct window_values *w = run_window(run, source->column, block->first);
    bool is_dense = column_is_dense(source->column);
    if (is_dense && !block->offs && !source->is_widened) {
        for (uint32_t i = 0; i < block->count; i++)
            batch->offs[i] = (uint16_t)i;
        batch->count = block->count;
        size_t width = source->kind == COLUMN_ORDINAL ? sizeof(uint32_t) : sizeof(int64_t);
        memcpy(batch->longs, w->longs, block->count * width);
        return;
    }
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        if (is_dense || bitset_get(w->exists, off))
            put_single(source, batch, w, off);
        else if (source->has_missing)
            add_missing(source, batch, off);
    }
}

#define MULTI_STACK 256u

/* Values of one document behind the batch's end; false: they do not all fit, `within` tells how
 * many were taken. */
static bool read_multi_doc(const struct source *source, uint32_t doc, uint32_t off, size_t *within,
                           bool is_distinct, struct value_batch *batch, size_t *ret_n)
{
    int64_t longs[MULTI_STACK], *heap = NULL;
    union {
        int64_t *longs;
        double *doubles;
        uint32_t *ordinals;
    } v = {.longs = longs};
    size_t n = 0, max = MULTI_STACK;
    for (int pass = 0; pass < 2; pass++) {
        n = source->kind == COLUMN_LONG || source->is_widened
                ? column_doc_longs(source->column, doc, v.longs, max)
            : source->kind == COLUMN_DOUBLE
                ? column_doc_doubles(source->column, doc, v.doubles, max)
                : column_doc_ordinals(source->column, doc, v.ordinals, max);
        if (n <= max)
            break;
        v.longs = heap = MEM_ARRAY(int64_t, n);
        max = n;
    }
    *ret_n = n;
    size_t i = *within;
    for (; i < n && batch->count < BATCH_MAX; i++) {
        size_t at = batch->count;
        bool is_same = false;
        batch->offs[at] = (uint16_t)off;
        if (source->kind == COLUMN_ORDINAL) {
            is_same = i > 0 && v.ordinals[i] == v.ordinals[i - 1];
            batch->ordinals[at] = v.ordinals[i];
        } else if (source->is_widened) {
            is_same = i > 0 && v.longs[i] == v.longs[i - 1];
            batch->doubles[at] = widened(source, v.longs[i]);
        } else if (source->kind == COLUMN_DOUBLE) {
            is_same = i > 0 && v.doubles[i] == v.doubles[i - 1];
            batch->doubles[at] = v.doubles[i];
        } else {
            is_same = i > 0 && v.longs[i] == v.longs[i - 1];
            batch->longs[at] = v.longs[i];
        }
        batch->count += !(is_distinct && is_same);
    }
    if (heap)
        mem_free(heap);
    *within = i;
    return i >= n;
}

bool source_next(const struct source *source, struct agg_run *run, const struct doc_block *block,
                 struct source_cursor *cursor, bool is_distinct, struct value_batch *batch)
{
    batch->count = 0;
    if (cursor->at >= block->count)
        return false;
    if (!source->column) {
        cursor->at = block->count;
        for (uint32_t i = 0; source->has_missing && i < block->count; i++)
            add_missing(source, batch, block_offset(block, i));
        return batch->count > 0;
    }
    if (!source->is_multi) {
        cursor->at = block->count;
        read_single(source, run, block, batch);
        return batch->count > 0;
    }
    while (cursor->at < block->count && batch->count < BATCH_MAX) {
        uint32_t off = block_offset(block, cursor->at);
        size_t n;
        if (!read_multi_doc(source, block->first + off, off, &cursor->within, is_distinct, batch,
                            &n))
            break;
        if (n == 0 && source->has_missing)
            add_missing(source, batch, off);
        cursor->within = 0;
        cursor->at++;
    }
    return batch->count > 0;
}

bool source_codes(const struct source *source, uint32_t count_max, uint32_t *ret_count,
                  int64_t *ret_least)
{
    struct column_zone stats;
    *ret_least = 0;
    if (!source->column || source->is_multi || source->kind == COLUMN_DOUBLE)
        return false;
    if (source->kind == COLUMN_ORDINAL) {
        *ret_count = column_ordinal_count(source->column);
        return *ret_count <= count_max;
    }
    if (!column_stats(source->column, &stats))
        return false;
    uint64_t span = (uint64_t)stats.max_i - (uint64_t)stats.min_i;
    if (span >= count_max)
        return false;
    *ret_count = (uint32_t)span + 1;
    *ret_least = stats.min_i;
    return true;
}

/* Leaves out codes that the column's statistics do not know: a damaged segment must not make
 * anybody write behind an array. */
static size_t checked_codes(uint32_t *codes, uint16_t *offs, size_t n, uint32_t count)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = MAX_OF(most, codes[i]);
    if (LIKELY(most < count))
        return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        codes[kept] = codes[i];
        offs[kept] = offs[i];
        kept += codes[i] < count;
    }
    return kept;
}

static size_t all_codes(const struct source *source, const struct window_values *w, size_t n,
                        int64_t least, uint32_t *codes, uint16_t *offs)
{
    for (size_t i = 0; i < n; i++)
        offs[i] = (uint16_t)i;
    if (source->kind == COLUMN_ORDINAL) {
        memcpy(codes, w->ordinals, n * sizeof(*codes));
        return n;
    }
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint32_t)(w->longs[i] - least);
    return n;
}

size_t source_read_codes(const struct source *source, struct agg_run *run,
                         const struct doc_block *block, int64_t least, uint32_t count,
                         uint32_t *codes, uint16_t *offs)
{
    const struct window_values *w = run_window(run, source->column, block->first);
    bool is_dense = column_is_dense(source->column), is_ordinal = source->kind == COLUMN_ORDINAL;
    size_t n = 0;
    if (is_dense && !block->offs)
        return checked_codes(codes, offs, all_codes(source, w, block->count, least, codes, offs),
                             count);
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t off = block_offset(block, i);
        codes[n] = is_ordinal ? w->ordinals[off] : (uint32_t)(w->longs[off] - least);
        offs[n] = (uint16_t)off;
        n += is_dense || bitset_get(w->exists, off);
    }
    return checked_codes(codes, offs, n, count);
}

/* ---- Printing ---- */

bool source_prints_text(const struct source *source)
{
    return source->pattern || source->decimal_format.n ||
           (source->field && source->field->type == FIELD_BOOLEAN);
}

struct str source_print_long(const struct source *source, int64_t stored, struct arena *mem)
{
    if (source->pattern)
        return dates_print(dates_from_stored(source->field, stored), source->pattern, source->zone,
                           mem);
    if (source->field && source->field->type == FIELD_BOOLEAN)
        return stored ? STR("true") : STR("false");
    uint64_t u = (uint64_t)stored ^ (UINT64_C(1) << 63);
    bool is_unsigned = source->field && source->field->type == FIELD_UNSIGNED_LONG;
    struct str text = is_unsigned ? arena_printf(mem, "%llu", (unsigned long long)u)
                                  : arena_printf(mem, "%lld", (long long)stored);
    return source->decimal_format.n ? decimal_format_integer(source->decimal_format, text, mem)
                                    : text;
}

struct str source_print_double(const struct source *source, double v, struct arena *mem)
{
    if (source->pattern) /* milliseconds, of date_nanos too */
        return dates_print(dates_ns_of_ms(f64_to_i64(v)), source->pattern, source->zone, mem);
    if (source->field && source->field->type == FIELD_BOOLEAN)
        return v != 0 ? STR("true") : STR("false");
    if (source->decimal_format.n)
        return decimal_format_double(source->decimal_format, v, mem);
    struct value as_value = value_float(v);
    return value_to_str(mem, &as_value);
}
