/* SPDX-License-Identifier: Apache-2.0 */
/* terms_filter.c: see terms_filter.h. An expression is compiled for each run of a search, not kept.
 */
#include "query/buckets/terms_filter.h"

#include "base/hash.h"
#include "base/str.h"
#include "query/query.h"
#include "query/regexp_syntax.h"
#include "text/regex.h"

struct side {
    bool is_given;
    struct str pattern; /* p == NULL: a list */
    const struct str *texts;
    const double *numbers; /* NAN for texts that are none */
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
    struct str *texts = ARENA_ARRAY(mem, struct str, v->list->count + 1);
    double *numbers = ARENA_ARRAY(mem, double, v->list->count + 1);
    for (size_t i = 0; i < v->list->count; i++) {
        texts[i] = value_to_str(mem, &v->list->items[i]);
        if (!str_to_f64(texts[i], &numbers[i]))
            numbers[i] = __builtin_nan("");
    }
    side->texts = texts;
    side->numbers = numbers;
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

/* Called once per distinct text of a run, so that compiling here is not in the inner loop. */
static bool pattern_has(struct str pattern, struct str text)
{
    CLEANUP(regex_free_ptr) struct regex *re = NULL;
    return regex_compile(pattern, REGEXP_COMPILE, &re, NULL) == 0 &&
           regex_find(re, text, 0, NULL) == 1;
}

static bool side_has_text(const struct side *side, struct str text)
{
    if (side->pattern.p)
        return pattern_has(side->pattern, text);
    for (size_t i = 0; i < side->count; i++) {
        if (str_eq(side->texts[i], text))
            return true;
    }
    return false;
}

static bool side_has_number(const struct side *side, double v)
{
    for (size_t i = 0; i < side->count; i++) {
        if (side->numbers[i] == v)
            return true;
    }
    return false;
}

bool terms_filter_text(const struct terms_filter *filter, struct str text)
{
    if (filter->partition_count && hash_str(text) % filter->partition_count != filter->partition)
        return false;
    if (filter->include.is_given && !side_has_text(&filter->include, text))
        return false;
    return !filter->exclude.is_given || !side_has_text(&filter->exclude, text);
}

bool terms_filter_number(const struct terms_filter *filter, double v)
{
    if (filter->partition_count &&
        hash_bytes(&v, sizeof(v)) % filter->partition_count != filter->partition)
        return false;
    if (filter->include.is_given && !side_has_number(&filter->include, v))
        return false;
    return !filter->exclude.is_given || !side_has_number(&filter->exclude, v);
}
