/* SPDX-License-Identifier: Apache-2.0 */
/* sort.c: what a sort clause says, and how its keys are read from columns. Each kind of value is
 * mapped to a uint64 in the same order (the sign bit of integers flipped, floats by their sortable
 * bits, ordinals twice plus one so that a text between two ordinals has a place), and turned round
 * for descending, so that comparing is always `<`. */
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "index/ip.h"
#include "query/dates.h"
#include "query/search_int.h"

#define SIGN_BIT (UINT64_C(1) << 63)

/* ---- Parsing ---- */

static int sort_error(const struct value *at, struct err *err, enum err_code code, const char *text,
                      struct str arg)
{
    char message[256];
    (void)arg;
    size_t n = strlen(text);
    memcpy(message, text, MIN_OF(n, sizeof(message) - 1));
    message[MIN_OF(n, sizeof(message) - 1)] = '\0';
    return dsl_error(at, err, code, "%s [" STR_FMT "]", message, STR_ARG(arg));
}

static void field_kind(struct sort_spec *spec, struct str name)
{
    spec->field = name;
    spec->kind = str_is(name, "_score")       ? SORT_SCORE
                 : str_is(name, "_doc")       ? SORT_DOC
                 : str_is(name, "_shard_doc") ? SORT_SNAPSHOT_DOC
                 : str_is(name, "_id")        ? SORT_ID
                 : str_is(name, "_index")     ? SORT_INDEX
                 : str_is(name, "_seq_no")    ? SORT_SEQ_NO
                 : str_is(name, "_version")   ? SORT_VERSION
                                              : SORT_FIELD;
    spec->is_desc = spec->kind == SORT_SCORE;
}

static int parse_order(struct sort_spec *spec, const struct value *v, struct err *err)
{
    if (v->kind != VALUE_STR ||
        (!str_eq_nocase(v->s, STR("asc")) && !str_eq_nocase(v->s, STR("desc"))))
        return dsl_error(v, err, ERR_INVALID,
                         "No enum constant org.elasticsearch.search.sort.SortOrder." STR_FMT,
                         STR_ARG(v->kind == VALUE_STR ? v->s : STR("?")));
    spec->is_desc = str_eq_nocase(v->s, STR("desc"));
    return 0;
}

static int parse_mode(struct sort_spec *spec, const struct value *v, struct err *err)
{
    static const char *const names[] = {"auto", "min", "max", "sum", "avg", "median"};
    for (size_t i = 1; i < ARRAY_COUNT(names); i++) {
        if (v->kind == VALUE_STR && str_eq_nocase(v->s, str_from(names[i]))) {
            spec->mode = (enum sort_mode)i;
            return 0;
        }
    }
    return sort_error(v, err, ERR_INVALID, "Unknown SortMode",
                      v->kind == VALUE_STR ? v->s : STR("?"));
}

static int parse_options(struct sort_spec *spec, const struct value *map, struct err *err)
{
    for (size_t i = 0; i < map->map->count; i++) {
        struct str key = map->map->keys[i];
        const struct value *v = &map->map->values[i];
        if (str_is(key, "order"))
            TRY(parse_order(spec, v, err));
        else if (str_is(key, "mode"))
            TRY(parse_mode(spec, v, err));
        else if (str_is(key, "missing"))
            spec->missing = *v;
        else if (str_is(key, "unmapped_type") && v->kind == VALUE_STR)
            spec->unmapped_type = v->s;
        else if (str_is(key, "format") && v->kind == VALUE_STR)
            spec->format = v->s;
        else if (str_is(key, "numeric_type") && v->kind == VALUE_STR)
            spec->numeric_type = v->s;
        else if (str_is(key, "nested") || str_is(key, "nested_path") ||
                 str_is(key, "nested_filter"))
            return sort_error(v, err, ERR_UNSUPPORTED,
                              "sorting by nested documents is not supported yet, found", key);
        else
            return sort_error(v, err, ERR_INVALID, "[field_sort] unknown field", key);
    }
    return 0;
}

static int parse_one(struct sort_spec *spec, struct str name, const struct value *v,
                     struct err *err)
{
    if (str_is(name, "_geo_distance") || str_is(name, "_script"))
        return sort_error(v, err, ERR_UNSUPPORTED, "this sort is not supported yet:", name);
    field_kind(spec, name);
    spec->pos = v->pos;
    if (v->kind == VALUE_STR)
        return parse_order(spec, v, err);
    if (v->kind == VALUE_MAP)
        return parse_options(spec, v, err);
    return sort_error(v, err, ERR_INVALID, "malformed sort of field", name);
}

int sort_parse(const struct value *v, struct arena *mem, struct sort_spec **ret_specs,
               size_t *ret_count, struct err *err)
{
    struct sort_spec *specs = ARENA_ARRAY(mem, struct sort_spec, SORTS_MAX);
    size_t count = 0;
    const struct value *items = v->kind == VALUE_LIST ? v->list->items : v;
    size_t item_count = v->kind == VALUE_LIST ? v->list->count : 1;
    for (size_t i = 0; i < item_count; i++) {
        const struct value *item = &items[i];
        size_t more = item->kind == VALUE_MAP ? item->map->count : 1;
        if (count + more > SORTS_MAX)
            return dsl_error(item, err, ERR_INVALID, "more than %u sort fields", SORTS_MAX);
        if (item->kind == VALUE_STR) {
            specs[count].pos = item->pos;
            field_kind(&specs[count++], item->s);
            continue;
        }
        if (item->kind != VALUE_MAP)
            return dsl_error(item, err, ERR_INVALID,
                             "malformed sort format, within the sort array, an object, or an "
                             "actual string are allowed");
        for (size_t k = 0; k < item->map->count; k++)
            TRY(parse_one(&specs[count++], item->map->keys[k], &item->map->values[k], err));
    }
    /* By score alone is the default order: no sort values are shown then. */
    if (count == 1 && specs[0].kind == SORT_SCORE && specs[0].is_desc)
        count = 0;
    *ret_specs = specs;
    *ret_count = count;
    return 0;
}

/* ---- Keys ---- */

static uint64_t long_bits(int64_t v)
{
    return (uint64_t)v ^ SIGN_BIT;
}

static uint64_t double_bits(double v)
{
    uint64_t bits;
    if (v == 0)
        v = 0; /* -0.0 and 0.0 are equal */
    memcpy(&bits, &v, sizeof(bits));
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static double double_of(uint64_t bits)
{
    double v;
    bits = bits & SIGN_BIT ? bits & ~SIGN_BIT : ~bits;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static uint64_t ordinal_bits(uint32_t ordinal)
{
    return (uint64_t)ordinal * 2 + 2; /* 0 and 1 are before the first */
}

static uint64_t turned(const struct sort_reader *reader, uint64_t bits)
{
    return reader->spec->is_desc ? ~bits : bits;
}

static enum sort_value_kind kind_of(const struct field *field)
{
    if (field->type == FIELD_UNSIGNED_LONG)
        return SORT_VALUE_UNSIGNED;
    if (field->type == FIELD_FLOAT || field->type == FIELD_HALF_FLOAT)
        return SORT_VALUE_FLOAT;
    if (field_is_double(field))
        return SORT_VALUE_DOUBLE;
    return field_is_string(field) || field->type == FIELD_IP ? SORT_VALUE_STR : SORT_VALUE_LONG;
}

static bool is_missing_word(const struct value *v, const char *word)
{
    return v->kind == VALUE_STR && str_eq(v->s, str_from(word));
}

static int value_key(struct sort_reader *reader, const struct value *v, int64_t now_ns,
                     struct arena *mem, uint64_t *ret_key, struct err *err);

/* Key of documents without the value: behind all (or before, with _first) as Elasticsearch does it:
 * with the greatest or least number of the type, which it also prints. */
static int missing_key(struct sort_reader *reader, int64_t now_ns, struct arena *mem,
                       struct err *err)
{
    const struct value *missing = &reader->spec->missing;
    bool is_first = is_missing_word(missing, "_first");
    if (missing->kind == VALUE_NONE || missing->kind == VALUE_NULL || is_first ||
        is_missing_word(missing, "_last")) {
        bool is_low =
            is_first != reader->spec->is_desc; /* the least value goes first when ascending */
        if (reader->kind == SORT_VALUE_STR || reader->kind == SORT_VALUE_NULL)
            reader->missing = is_first ? 0 : UINT64_MAX;
        else if (reader->kind == SORT_VALUE_DOUBLE || reader->kind == SORT_VALUE_FLOAT)
            reader->missing = turned(reader, double_bits(is_low ? -INFINITY : INFINITY));
        else
            reader->missing = turned(reader, is_low ? 0 : UINT64_MAX);
        return 0;
    }
    return value_key(reader, missing, now_ns, mem, &reader->missing, err);
}

static int id_cmp(const void *a, const void *b, void *owner)
{
    const struct str *ids = owner;
    return str_cmp(ids[*(const uint32_t *)a], ids[*(const uint32_t *)b]);
}

/* Ids have no column: they are read and ranked once per segment and search. */
static void rank_ids(struct sort_reader *reader, struct arena *mem)
{
    struct segment *seg = reader->part->segment;
    uint32_t count = segment_doc_count(seg);
    struct str *ids = ARENA_ARRAY(mem, struct str, count + 1);
    uint32_t *ranks = ARENA_ARRAY(mem, uint32_t, count + 1);
    reader->id_docs = ARENA_ARRAY(mem, uint32_t, count + 1);
    for (uint32_t doc = 0; doc < count; doc++) {
        ids[doc] = segment_id(seg, doc, mem);
        reader->id_docs[doc] = doc;
    }
    qsort_r(reader->id_docs, count, sizeof(uint32_t), id_cmp, ids);
    for (uint32_t rank = 0; rank < count; rank++)
        ranks[reader->id_docs[rank]] = rank;
    reader->id_ranks = ranks;
}

static int open_field(struct sort_reader *reader, const struct searcher_part *part,
                      struct arena *mem, struct err *err)
{
    const struct sort_spec *spec = reader->spec;
    const struct field *field = mapping_field(part->mapping, spec->field);
    if (!field && !spec->unmapped_type.p) {
        (void)err_set(err, ERR_INVALID, "No mapping found for [" STR_FMT "] in order to sort on",
                      STR_ARG(spec->field));
        return spec->pos ? err_at_off(err, (int64_t)spec->pos - 1) : -ERR_INVALID;
    }
    if (!field) {
        enum field_type type;
        struct field *unmapped = ARENA_NEW(mem, struct field);
        if (!field_type_from_name(spec->unmapped_type, &type))
            return err_set(err, ERR_INVALID, "No mapper found for type [" STR_FMT "]",
                           STR_ARG(spec->unmapped_type));
        *unmapped = (struct field){.path = spec->field, .type = type};
        field = unmapped;
    } else if (field_is_text(field)) {
        return err_set(
            err, ERR_INVALID,
            "Text fields are not optimised for operations that require per-document field data "
            "like "
            "aggregations and sorting, so these operations are disabled by default. Please use a "
            "keyword "
            "field instead. Alternatively, set fielddata=true on [" STR_FMT
            "] in order to load field data "
            "by uninverting the inverted index. Note that this can use significant memory.",
            STR_ARG(spec->field));
    } else if (field->type == FIELD_GEO_POINT) {
        return err_set(err, ERR_INVALID,
                       "can't sort on geo_point field without using specific sorting feature, like "
                       "geo_distance");
    } else if (field->has_doc_values) {
        reader->column = segment_column(part->segment, field);
    } else if (!field_is_string(field)) {
        return err_set(err, ERR_INVALID,
                       "Can't load fielddata on [" STR_FMT
                       "] because fielddata is unsupported on fields "
                       "of type [%s]. Use doc values instead.",
                       STR_ARG(spec->field), field_type_name(field->type));
    }
    reader->field = field;
    reader->kind = kind_of(field);
    reader->is_ip = field->type == FIELD_IP;
    reader->is_sorted = reader->column && column_is_sorted(reader->column);
    if (spec->format.p && field_is_date(field))
        TRY(dates_format(spec->format, mem, &reader->pattern, err));
    return 0;
}

int sort_reader_open(struct sort_reader *reader, const struct sort_spec *spec,
                     const struct searcher_part *part, uint32_t doc_base, uint64_t snapshot_base,
                     struct arena *mem, struct err *err)
{
    *reader = (struct sort_reader){.spec = spec, .part = part, .kind = SORT_VALUE_LONG};
    reader->doc_base = spec->kind == SORT_SNAPSHOT_DOC ? snapshot_base : doc_base;
    if (spec->kind == SORT_FIELD) {
        TRY(open_field(reader, part, mem, err));
        return missing_key(reader, 0, mem, err);
    }
    if (spec->kind == SORT_SCORE)
        reader->kind = SORT_VALUE_FLOAT;
    if (spec->kind == SORT_SEQ_NO)
        reader->column = segment_seq_no_column(part->segment);
    if (spec->kind == SORT_ID) {
        reader->kind = SORT_VALUE_STR;
        rank_ids(reader, mem);
    }
    if (spec->kind == SORT_INDEX)
        reader->kind = SORT_VALUE_STR;
    return 0;
}

int sort_printer_open(struct sort_reader *reader, const struct sort_spec *spec,
                      const struct searcher_part *part, struct arena *mem, struct err *err)
{
    if (spec->kind != SORT_ID)
        return sort_reader_open(reader, spec, part, 0, 0, mem, err);
    *reader = (struct sort_reader){.spec = spec, .part = part, .kind = SORT_VALUE_STR};
    return 0;
}

#define DOC_VALUES_MAX 1024u /* values of one document a sort looks at */

/* Halves go up, as Java rounds. */
static int64_t rounded(double v)
{
    double below = floor(v);
    return f64_to_i64(below + (v - below >= 0.5));
}

static int64_t long_by_mode(enum sort_mode mode, const int64_t *v, size_t n)
{
    int64_t sum = 0;
    switch (mode) {
    case SORT_MODE_MAX:
        return v[n - 1];
    case SORT_MODE_SUM:
    case SORT_MODE_AVG:
        for (size_t i = 0; i < n; i++)
            sum = (int64_t)((uint64_t)sum + (uint64_t)v[i]);
        return mode == SORT_MODE_SUM ? sum : rounded((double)sum / (double)n);
    case SORT_MODE_MEDIAN:
        return n % 2 ? v[n / 2] : rounded(((double)v[n / 2 - 1] + (double)v[n / 2]) / 2);
    case SORT_MODE_AUTO:
    case SORT_MODE_MIN:
        break;
    }
    return v[0];
}

static double double_by_mode(enum sort_mode mode, const double *v, size_t n)
{
    double sum = 0;
    switch (mode) {
    case SORT_MODE_MAX:
        return v[n - 1];
    case SORT_MODE_SUM:
    case SORT_MODE_AVG:
        for (size_t i = 0; i < n; i++)
            sum += v[i];
        return mode == SORT_MODE_SUM ? sum : sum / (double)n;
    case SORT_MODE_MEDIAN:
        return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
    case SORT_MODE_AUTO:
    case SORT_MODE_MIN:
        break;
    }
    return v[0];
}

static uint64_t multi_key(const struct sort_reader *reader, uint32_t doc)
{
    enum sort_mode mode = reader->spec->mode;
    if (mode == SORT_MODE_AUTO)
        mode = reader->spec->is_desc ? SORT_MODE_MAX : SORT_MODE_MIN;
    size_t n;
    switch (column_kind(reader->column)) {
    case COLUMN_LONG: {
        int64_t values[DOC_VALUES_MAX];
        n = MIN_OF(column_doc_longs(reader->column, doc, values, DOC_VALUES_MAX), DOC_VALUES_MAX);
        return n ? turned(reader, long_bits(long_by_mode(mode, values, n))) : reader->missing;
    }
    case COLUMN_DOUBLE: {
        double values[DOC_VALUES_MAX];
        n = MIN_OF(column_doc_doubles(reader->column, doc, values, DOC_VALUES_MAX), DOC_VALUES_MAX);
        return n ? turned(reader, double_bits(double_by_mode(mode, values, n))) : reader->missing;
    }
    case COLUMN_ORDINAL:
        break;
    }
    uint32_t ordinals[DOC_VALUES_MAX];
    n = MIN_OF(column_doc_ordinals(reader->column, doc, ordinals, DOC_VALUES_MAX), DOC_VALUES_MAX);
    if (!n)
        return reader->missing;
    return turned(reader, ordinal_bits(mode == SORT_MODE_MAX ? ordinals[n - 1] : ordinals[0]));
}

static void column_keys(struct sort_reader *reader, uint32_t first, uint32_t n,
                        const uint64_t *words, uint64_t *keys)
{
    uint64_t exists[WINDOW_WORDS] = {0};
    if (column_is_multi(reader->column)) {
        for (uint32_t i = 0; i < n; i++) {
            if (bitset_get(words, i))
                keys[i] = multi_key(reader, first + i);
        }
        return;
    }
    union {
        int64_t longs[ZONE_DOCS];
        double doubles[ZONE_DOCS];
        uint32_t ordinals[ZONE_DOCS];
    } v;
    switch (column_kind(reader->column)) {
    case COLUMN_LONG:
        column_read_longs(reader->column, first, n, v.longs, exists);
        for (uint32_t i = 0; i < n; i++)
            keys[i] = turned(reader, long_bits(v.longs[i]));
        break;
    case COLUMN_DOUBLE:
        column_read_doubles(reader->column, first, n, v.doubles, exists);
        for (uint32_t i = 0; i < n; i++)
            keys[i] = turned(reader, double_bits(v.doubles[i]));
        break;
    case COLUMN_ORDINAL:
        column_read_ordinals(reader->column, first, n, v.ordinals, exists);
        for (uint32_t i = 0; i < n; i++)
            keys[i] = turned(reader, ordinal_bits(v.ordinals[i]));
        break;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!bitset_get(exists, i))
            keys[i] = reader->missing;
    }
}

static uint64_t system_key(const struct sort_reader *reader, uint32_t doc)
{
    switch (reader->spec->kind) {
    case SORT_DOC:
    case SORT_SNAPSHOT_DOC:
        return turned(reader, long_bits((int64_t)reader->doc_base + doc));
    case SORT_ID:
        return turned(reader, ordinal_bits(reader->id_ranks[doc]));
    case SORT_SEQ_NO:
        return turned(reader, long_bits(segment_seq_no(reader->part->segment, doc)));
    case SORT_VERSION:
        return turned(reader, long_bits(segment_version(reader->part->segment, doc)));
    case SORT_INDEX:
        return turned(reader, ordinal_bits(0));
    case SORT_FIELD:
    case SORT_SCORE:
        break;
    }
    return reader->missing;
}

void sort_reader_keys(struct sort_reader *reader, uint32_t first, uint32_t n, const uint64_t *words,
                      const float *scores, uint64_t *keys)
{
    if (reader->column) {
        column_keys(reader, first, n, words, keys);
        return;
    }
    for (uint32_t word = 0; word * 64 < n; word++) {
        for (uint64_t left = words[word]; left; left &= left - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(left);
            if (reader->spec->kind == SORT_SCORE)
                keys[i] = turned(reader, double_bits(scores ? (double)scores[i] : 0));
            else
                keys[i] = system_key(reader, first + i);
        }
    }
}

static bool is_doc_sort(const struct sort_reader *reader)
{
    return reader->spec->kind == SORT_DOC || reader->spec->kind == SORT_SNAPSHOT_DOC;
}

/* The key of one end of a zone's values; false: they are not known. */
static bool zone_end(const struct sort_reader *reader, uint32_t zone, bool wants_max,
                     uint64_t *ret_key)
{
    struct column_zone stats;
    if (reader->spec->kind != SORT_FIELD && !reader->column)
        return false;
    if (!reader->column || !column_zone(reader->column, zone, &stats)) {
        *ret_key = reader->missing;
        return true;
    }
    if (column_is_multi(reader->column) && reader->spec->mode != SORT_MODE_AUTO)
        return false;
    uint64_t bits;
    if (column_kind(reader->column) == COLUMN_DOUBLE)
        bits = double_bits(wants_max ? stats.max_f : stats.min_f);
    else if (column_kind(reader->column) == COLUMN_LONG)
        bits = long_bits(wants_max ? stats.max_i : stats.min_i);
    else
        bits = ordinal_bits((uint32_t)(wants_max ? stats.max_i : stats.min_i));
    *ret_key = turned(reader, bits);
    return true;
}

uint64_t sort_reader_zone_best(const struct sort_reader *reader, uint32_t zone)
{
    bool is_desc = reader->spec->is_desc;
    uint64_t key;
    if (is_doc_sort(reader) && !is_desc)
        return long_bits((int64_t)reader->doc_base + (int64_t)zone * ZONE_DOCS);
    if (!zone_end(reader, zone, is_desc, &key))
        return 0;
    return reader->column && column_is_dense(reader->column) ? key : MIN_OF(key, reader->missing);
}

uint64_t sort_reader_zone_worst(const struct sort_reader *reader, uint32_t zone)
{
    bool is_desc = reader->spec->is_desc;
    uint64_t key;
    if (is_doc_sort(reader) && !is_desc)
        return long_bits((int64_t)reader->doc_base + (int64_t)(zone + 1) * ZONE_DOCS - 1);
    if (!zone_end(reader, zone, !is_desc, &key))
        return UINT64_MAX;
    return reader->column && column_is_dense(reader->column) ? key : MAX_OF(key, reader->missing);
}

uint64_t sort_part_best(const struct sort_spec *spec, const struct searcher_part *part,
                        struct arena *mem)
{
    struct sort_reader reader;
    struct column_zone stats;
    if (sort_reader_open(&reader, spec, part, 0, 0, mem, NULL) < 0 || reader.kind == SORT_VALUE_STR)
        return 0;
    if (!reader.column || !column_stats(reader.column, &stats))
        return reader.missing;
    if (column_is_multi(reader.column) && spec->mode != SORT_MODE_AUTO)
        return 0;
    uint64_t bits = column_kind(reader.column) == COLUMN_DOUBLE
                        ? double_bits(spec->is_desc ? stats.max_f : stats.min_f)
                        : long_bits(spec->is_desc ? stats.max_i : stats.min_i);
    uint64_t key = turned(&reader, bits);
    return column_is_dense(reader.column) ? key : MIN_OF(key, reader.missing);
}

float sort_reader_score(const struct sort_reader *reader, uint64_t key)
{
    return (float)double_of(turned(reader, key));
}

static int text_key(struct sort_reader *reader, struct str text, struct arena *mem,
                    uint64_t *ret_key, struct err *err)
{
    uint8_t ip[IP_BYTES];
    reader->missing_text = arena_str(mem, text);
    if (reader->is_ip) {
        if (!ip_parse(text, ip))
            return err_set(err, ERR_INVALID, "'" STR_FMT "' is not an IP string literal.",
                           STR_ARG(text));
        reader->missing_text = arena_str(mem, (struct str){(const char *)ip, IP_BYTES});
    }
    bool is_found = false;
    uint32_t ordinal = 0;
    if (reader->spec->kind == SORT_INDEX) {
        int cmp = str_cmp(text, reader->part->index);
        *ret_key = turned(reader, cmp == 0 ? ordinal_bits(0) : cmp < 0 ? 1 : ordinal_bits(0) + 1);
        return 0;
    }
    if (reader->id_ranks) {
        uint32_t low = 0, high = segment_doc_count(reader->part->segment);
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            struct str id = segment_id(reader->part->segment, reader->id_docs[mid], mem);
            int cmp = str_cmp(id, text);
            is_found = is_found || cmp == 0;
            if (cmp < 0)
                low = mid + 1;
            else
                high = mid;
        }
        ordinal = low;
    } else if (reader->column) {
        ordinal = column_ordinal_find(reader->column, reader->missing_text, &is_found);
    }
    *ret_key = turned(reader, is_found ? ordinal_bits(ordinal) : ordinal_bits(ordinal) - 1);
    return 0;
}

static int number_key(struct sort_reader *reader, const struct value *v, int64_t now_ns,
                      struct arena *mem, uint64_t *ret_key, struct err *err)
{
    struct str text = value_to_str(mem, v);
    int64_t i;
    uint64_t u;
    double f;
    if (reader->kind == SORT_VALUE_DOUBLE || reader->kind == SORT_VALUE_FLOAT) {
        if (str_is(text, "Infinity") || str_is(text, "-Infinity"))
            f = text.p[0] == '-' ? -INFINITY : INFINITY;
        else if (!str_to_f64(text, &f))
            return err_set(err, ERR_INVALID,
                           "Failed to parse search_after value for field [" STR_FMT "].",
                           STR_ARG(reader->spec->field));
        *ret_key =
            turned(reader, double_bits(reader->kind == SORT_VALUE_FLOAT ? (double)(float)f : f));
        return 0;
    }
    if (reader->kind == SORT_VALUE_UNSIGNED && str_to_u64(text, &u)) {
        *ret_key = turned(reader, u);
        return 0;
    }
    if (v->kind != VALUE_STR && v->kind != VALUE_BOOL && str_to_i64(text, &i)) {
        *ret_key = turned(reader, long_bits(i));
        return 0;
    }
    if (reader->field && field_is_date(reader->field)) {
        int64_t ns;
        struct str format = reader->spec->format.p ? reader->spec->format : reader->field->format;
        TRY(dates_value(v, format, time_zone_utc(), now_ns, false, mem, &ns, err));
        *ret_key = turned(reader, long_bits(dates_to_stored(reader->field, ns)));
        return 0;
    }
    if (v->kind == VALUE_BOOL || str_is(text, "true") || str_is(text, "false")) {
        *ret_key = turned(reader, long_bits(str_is(text, "true")));
        return 0;
    }
    if (str_to_i64(text, &i) ||
        (str_to_f64(text, &f) && fabs(f) < 9e18 && (i = (int64_t)f, true))) {
        *ret_key = turned(reader, long_bits(i));
        return 0;
    }
    return err_set(err, ERR_INVALID, "Failed to parse search_after value for field [" STR_FMT "].",
                   STR_ARG(reader->spec->field));
}

static int value_key(struct sort_reader *reader, const struct value *v, int64_t now_ns,
                     struct arena *mem, uint64_t *ret_key, struct err *err)
{
    if (v->kind == VALUE_NULL) {
        *ret_key = reader->missing;
        return 0;
    }
    if (reader->kind == SORT_VALUE_STR)
        return text_key(reader, value_to_str(mem, v), mem, ret_key, err);
    return number_key(reader, v, now_ns, mem, ret_key, err);
}

int sort_reader_after(struct sort_reader *reader, const struct value *v, int64_t now_ns,
                      struct arena *mem, uint64_t *ret_key, struct err *err)
{
    struct str missing = reader->missing_text; /* what documents without a value are taken for */
    int rc = value_key(reader, v, now_ns, mem, ret_key, err);
    reader->missing_text = missing;
    return rc;
}

struct sort_value sort_reader_value(const struct sort_reader *reader, uint64_t key,
                                    struct arena *mem)
{
    struct sort_value v = {.kind = reader->kind, .key = key};
    if (reader->kind != SORT_VALUE_STR)
        return v;
    bool is_missing = reader->spec->kind == SORT_FIELD && key == reader->missing;
    uint64_t bits = turned(reader, key);
    if (reader->spec->kind == SORT_INDEX) {
        v.text = reader->part->index;
    } else if (reader->spec->kind == SORT_ID) {
        v.text = segment_id(reader->part->segment, reader->id_docs[bits / 2 - 1], mem);
    } else if (is_missing && !reader->missing_text.p) {
        v.kind = SORT_VALUE_NULL;
    } else if (is_missing) {
        v.text = reader->missing_text;
    } else {
        v.text = column_ordinal_text(reader->column, (uint32_t)(bits / 2 - 1), mem);
    }
    return v;
}

static double as_double(const struct sort_spec *spec, const struct sort_value *v)
{
    uint64_t bits = spec->is_desc ? ~v->key : v->key;
    if (v->kind == SORT_VALUE_LONG)
        return (double)(int64_t)(bits ^ SIGN_BIT);
    if (v->kind == SORT_VALUE_UNSIGNED)
        return (double)bits;
    return double_of(bits);
}

static bool is_number(const struct sort_value *v)
{
    return v->kind != SORT_VALUE_STR && v->kind != SORT_VALUE_NULL;
}

int sort_value_cmp(const struct sort_spec *spec, const struct sort_value *a,
                   const struct sort_value *b)
{
    if (is_number(a) && is_number(b)) {
        bool is_same =
            a->kind == b->kind || (a->kind >= SORT_VALUE_DOUBLE && b->kind >= SORT_VALUE_DOUBLE);
        if (is_same)
            return (a->key > b->key) - (a->key < b->key);
        double x = as_double(spec, a), y = as_double(spec, b);
        int cmp = (x > y) - (x < y);
        return spec->is_desc ? -cmp : cmp;
    }
    if (a->kind == SORT_VALUE_STR && b->kind == SORT_VALUE_STR) {
        int cmp = str_cmp(a->text, b->text);
        return spec->is_desc ? -cmp : cmp;
    }
    if (a->kind == b->kind)
        return 0;
    if (a->kind == SORT_VALUE_NULL || b->kind == SORT_VALUE_NULL) {
        bool is_first = is_missing_word(&spec->missing, "_first");
        return (a->kind == SORT_VALUE_NULL) == is_first ? -1 : 1;
    }
    int cmp =
        is_number(a) ? -1 : 1; /* numbers before texts when indices disagree about a field's type */
    return spec->is_desc ? -cmp : cmp;
}

struct value sort_value_print(const struct sort_reader *reader, const struct sort_value *v,
                              struct arena *mem)
{
    uint64_t bits = turned(reader, v->key);
    char text[IP_TEXT_BYTES];
    switch (v->kind) {
    case SORT_VALUE_NULL:
        return value_null();
    case SORT_VALUE_STR:
        if (reader->is_ip && v->text.n == IP_BYTES) {
            uint8_t bytes[IP_BYTES];
            memcpy(bytes, v->text.p, IP_BYTES);
            size_t n = ip_format(bytes, text);
            return value_str_copy(mem, (struct str){text, n});
        }
        return value_str(v->text);
    case SORT_VALUE_UNSIGNED:
        if (bits > INT64_MAX)
            return (struct value){.kind = VALUE_BIG,
                                  .s = arena_printf(mem, "%llu", (unsigned long long)bits)};
        return value_int((int64_t)bits);
    case SORT_VALUE_DOUBLE:
    case SORT_VALUE_FLOAT: {
        double f = double_of(bits);
        if (isinf(f))
            return value_str(f > 0 ? STR("Infinity") : STR("-Infinity"));
        return value_float(v->kind == SORT_VALUE_FLOAT ? f32_shown((float)f) : f);
    }
    case SORT_VALUE_LONG:
        break;
    }
    int64_t i = (int64_t)(bits ^ SIGN_BIT);
    if (reader->pattern && v->key != reader->missing)
        return value_str(dates_print(dates_from_stored(reader->field, i), reader->pattern,
                                     time_zone_utc(), mem));
    return value_int(i);
}
