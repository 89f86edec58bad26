/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opt.h"

#include "base/str.h"

#define NEAREST_DISTANCE_MAX 2u
#define NEAREST_NAME_MAX     64u

const struct opt *opt_find(const struct opt *opts, struct str name)
{
    for (const struct opt *opt = opts; opt && opt->kind != OPT_KIND_END; opt++) {
        if (str_eq(str_from(opt->name), name))
            return opt;
    }
    return NULL;
}

const char *opt_kind_name(enum opt_kind kind)
{
    static const char *const names[] = {"end",  "string",   "boolean", "number", "number",
                                        "size", "duration", "one of",  "field",  "array",
                                        "hash", "value",    "codec"};
    return names[kind];
}

/* Levenshtein distance over two rows; names longer than the limit count as far away. */
static size_t edit_distance(struct str a, struct str b)
{
    if (a.n > NEAREST_NAME_MAX || b.n > NEAREST_NAME_MAX)
        return SIZE_MAX;
    size_t row[NEAREST_NAME_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            size_t one_more = MIN_OF(row[j], row[j - 1]) + 1;
            row[j] = MIN_OF(replaced, one_more);
        }
    }
    return row[b.n];
}

static void consider(const char *candidate, struct str name, const char **best, size_t *distance)
{
    size_t d = edit_distance(str_from(candidate), name);
    if (d < *distance) {
        *distance = d;
        *best = candidate;
    }
}

const char *opt_nearest(const struct opt *opts, struct str name)
{
    const char *best = NULL;
    size_t distance = NEAREST_DISTANCE_MAX + 1;
    for (const struct opt *opt = opts; opt && opt->kind != OPT_KIND_END; opt++)
        consider(opt->name, name, &best, &distance);
    return best;
}

const char *name_nearest(const char *const *names, struct str name)
{
    const char *best = NULL;
    size_t distance = NEAREST_DISTANCE_MAX + 1;
    for (; *names; names++)
        consider(*names, name, &best, &distance);
    return best;
}
