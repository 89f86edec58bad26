/* SPDX-License-Identifier: Apache-2.0 */
/* terms_filter.c: see terms_filter.h. An expression is compiled for each run of a search, not kept.
 */
#include "query/buckets/terms_filter.h"

#include "base/hash.h"
#include "base/str.h"
#include "index/ip.h"
#include "query/dates.h"
#include "query/query.h"
#include "query/regexp_syntax.h"
#include "query/whole_number.h"
#include "text/regex.h"

/* What a value of a list means to each type of field. */
struct item {
    struct value value;
    struct str text;
    double number; /* NAN: it is none */
    struct whole_number whole;
    bool is_number, is_address;
    uint8_t address[IP_BYTES];
};

struct side {
    bool is_given;
    struct str pattern; /* p == NULL: a list */
    const struct item *items;
    size_t count;
};

struct terms_filter {
    struct side include, exclude;
    uint64_t partition, partition_count; /* 0: none */
};

static int parse_side(const struct value *v, const char *name, struct arena *mem, struct side *side,
                      struct err *err)
{
    if (v->kind == VALUE_NONE || v->kind == VALUE_NULL)
        return 0;
    side->is_given = true;
    if (v->kind == VALUE_STR) {
        struct str prefix;
        return regexp_translate(v->s, REGEXP_ALL, false, mem, &side->pattern, &prefix, err);
    }
    if (v->kind != VALUE_LIST)
        return dsl_error(v, err, ERR_PARSE, "Unrecognized token in [%s]", name);
    struct item *items = ARENA_ARRAY(mem, struct item, v->list->count + 1);
    for (size_t i = 0; i < v->list->count; i++) {
        struct item *item = &items[i];
        item->value = v->list->items[i];
        item->text = value_to_str(mem, &item->value);
        item->is_number = whole_number(&item->value, mem, &item->whole);
        item->is_address = ip_parse(item->text, item->address);
        if (!str_to_f64(item->text, &item->number))
            item->number = __builtin_nan("");
    }
    side->items = items;
    side->count = v->list->count;
    return 0;
}

static int parse_partition(const struct value *v, struct terms_filter *filter, struct err *err)
{
    const struct value *partition = value_map_get_lit(v, "partition"),
                       *count = value_map_get_lit(v, "num_partitions");
    if (!partition || !count || partition->kind != VALUE_INT || count->kind != VALUE_INT ||
        count->i < 1 || partition->i < 0 || partition->i >= count->i)
        return dsl_error(
            v, err, ERR_PARSE,
            "[include] needs partition and num_partitions, 0 <= partition < num_partitions");
    filter->partition = (uint64_t)partition->i;
    filter->partition_count = (uint64_t)count->i;
    return 0;
}

int terms_filter_parse(const struct value *include, const struct value *exclude, struct arena *mem,
                       struct terms_filter **ret_filter, struct err *err)
{
    if (include->kind == VALUE_NONE && exclude->kind == VALUE_NONE) {
        *ret_filter = NULL;
        return 0;
    }
    struct terms_filter *filter = ARENA_NEW(mem, struct terms_filter);
    if (include->kind == VALUE_MAP)
        TRY(parse_partition(include, filter, err));
    else
        TRY(parse_side(include, "include", mem, &filter->include, err));
    TRY(parse_side(exclude, "exclude", mem, &filter->exclude, err));
    *ret_filter = filter;
    return 0;
}

bool terms_filter_has_pattern(const struct terms_filter *filter)
{
    return filter->include.pattern.p || filter->exclude.pattern.p;
}

static int side_dates(struct side *side, const struct field *field, struct str format,
                      const struct time_zone *zone, int64_t now_ns, struct arena *mem,
                      struct err *err)
{
    struct item *items = ARENA_ARRAY(mem, struct item, side->count + 1);
    for (size_t i = 0; i < side->count; i++) {
        int64_t ns;
        TRY(dates_value(&side->items[i].value, format, zone, now_ns, false, mem, &ns, err));
        items[i].whole.floor = dates_to_stored(field, ns);
        items[i].is_number = true;
    }
    side->items = items;
    return 0;
}

int terms_filter_dates(const struct terms_filter *filter, const struct field *field,
                       struct str format, const struct time_zone *zone, int64_t now_ns,
                       struct arena *mem, const struct terms_filter **ret_filter, struct err *err)
{
    struct terms_filter *dates = ARENA_NEW(mem, struct terms_filter);
    *dates = *filter;
    TRY(side_dates(&dates->include, field, format, zone, now_ns, mem, err));
    TRY(side_dates(&dates->exclude, field, format, zone, now_ns, mem, err));
    *ret_filter = dates;
    return 0;
}

/* Called once per distinct text of a run, so that compiling here is not in the inner loop. */
static bool pattern_has(struct str pattern, struct str text)
{
    CLEANUP(regex_free_ptr) struct regex *re = NULL;
    return regex_compile(pattern, REGEXP_COMPILE, &re, NULL) == 0 &&
           regex_find(re, text, 0, NULL) == 1;
}

static bool is_address(const struct field *field, struct str text)
{
    return field && field->type == FIELD_IP && text.n == IP_BYTES;
}

static bool side_has_text(const struct side *side, const struct field *field, struct str text)
{
    bool is_ip = is_address(field, text);
    if (side->pattern.p) {
        char buffer[IP_TEXT_BYTES];
        if (is_ip)
            text = (struct str){buffer, ip_format((const uint8_t *)text.p, buffer)};
        return pattern_has(side->pattern, text);
    }
    for (size_t i = 0; i < side->count; i++) {
        const struct item *item = &side->items[i];
        if (is_ip ? item->is_address && memcmp(item->address, text.p, IP_BYTES) == 0
                  : str_eq(item->text, text))
            return true;
    }
    return false;
}

static bool side_has_long(const struct side *side, const struct field *field, int64_t v)
{
    bool is_boolean = field && field->type == FIELD_BOOLEAN;
    for (size_t i = 0; i < side->count; i++) {
        const struct item *item = &side->items[i];
        int64_t stored;
        if (is_boolean && str_eq(item->text, v ? STR("true") : STR("false")))
            return true;
        if (item->is_number && !item->whole.has_fraction &&
            whole_number_stored(field, item->whole.floor, &stored) && stored == v)
            return true;
    }
    return false;
}

static bool side_has_double(const struct side *side, double v)
{
    for (size_t i = 0; i < side->count; i++) {
        if (side->items[i].number == v)
            return true;
    }
    return false;
}

static bool is_of_partition(const struct terms_filter *filter, uint64_t hash)
{
    return !filter->partition_count || hash % filter->partition_count == filter->partition;
}

bool terms_filter_text(const struct terms_filter *filter, const struct field *field,
                       struct str text)
{
    if (!is_of_partition(filter, hash_str(text)) ||
        (filter->include.is_given && !side_has_text(&filter->include, field, text)))
        return false;
    return !filter->exclude.is_given || !side_has_text(&filter->exclude, field, text);
}

bool terms_filter_long(const struct terms_filter *filter, const struct field *field, int64_t v)
{
    static const struct field plain = {.type = FIELD_LONG};
    field = field ? field : &plain;
    if (!is_of_partition(filter, hash_bytes(&v, sizeof(v))) ||
        (filter->include.is_given && !side_has_long(&filter->include, field, v)))
        return false;
    return !filter->exclude.is_given || !side_has_long(&filter->exclude, field, v);
}

bool terms_filter_double(const struct terms_filter *filter, double v)
{
    if (!is_of_partition(filter, hash_bytes(&v, sizeof(v))) ||
        (filter->include.is_given && !side_has_double(&filter->include, v)))
        return false;
    return !filter->exclude.is_given || !side_has_double(&filter->exclude, v);
}
