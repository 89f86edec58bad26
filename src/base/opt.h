/* SPDX-License-Identifier: Apache-2.0 */
/* opt.h: option tables. Each unit (filter, input, output, query type, endpoint, command …)
 * describes its options in one constant table; validation, defaults, documentation and completion
 * come from it. This header is the description only. Filling an instance from a parsed tree is
 * event/options.h, from command-line text is cli/flags.h.
 *
 *     static const struct opt date_opts[] = {
 *         OPT_LIST(struct date, match, .flags = OPT_REQUIRED, .help = "Field, then formats to
 * try."), OPT_STR(struct date, timezone, .help = "IANA zone for texts without one."),
 *         OPT_DURATION(struct date, timeout_ns, .name = "timeout", .dflt = "30s", .help = "..."),
 *         OPT_END
 *     };
 *
 * The field's C type must match the kind; the macros fail to compile otherwise. */
#ifndef NARU_BASE_OPT_H
#define NARU_BASE_OPT_H

#include "base/base.h"

enum opt_kind {
    OPT_KIND_END = 0,
    OPT_KIND_STR,      /* struct str; p == NULL when not given and no default */
    OPT_KIND_BOOL,     /* bool */
    OPT_KIND_INT,      /* int64_t, checked against min..max when max > min */
    OPT_KIND_FLOAT,    /* double */
    OPT_KIND_SIZE,     /* uint64_t bytes: "64KiB" */
    OPT_KIND_DURATION, /* int64_t ns: "10s"; a bare number is seconds */
    OPT_KIND_ENUM,     /* int: position in `choices` */
    OPT_KIND_FIELD,    /* struct str: a field reference, checked by field_path_is_valid */
    OPT_KIND_LIST,     /* struct value of kind list (a scalar is taken as a list of one, a map as
                          pairs), or null */
    OPT_KIND_MAP,   /* struct value of kind map (a list of pairs k,v,k,v is taken as a map), or null
                     */
    OPT_KIND_VALUE, /* struct value, anything */
    OPT_KIND_CODEC, /* struct value: a string (codec name) or a plugin node; resolved by the
                       pipeline */
};

enum opt_flags {
    OPT_REQUIRED = 1,
    OPT_SECRET = 2,     /* never printed */
    OPT_DEPRECATED = 4, /* accepted, warned about */
    OPT_OBSOLETE =
        8, /* accepted and without effect: exists in the original product only; warned about */
};

struct value;

struct opt {
    const char *name;
    enum opt_kind kind;
    unsigned flags;
    size_t offset;
    const char *dflt;           /* default as text, NULL: none */
    int64_t min, max;           /* for INT, SIZE and DURATION, when max > min */
    const char *const *choices; /* for ENUM: NULL-terminated */
    const char *since;
    const char *help;
};

/* A constant expression that is 0 when the member has type T and does not compile otherwise. */
#define OPT_TYPE_CHECK(S, m, T) (0 * sizeof(_Generic(&((S *)0)->m, T * : 1)))
#define OPT_ROW(S, m, T, k, ...)                                                                   \
    {                                                                                              \
        .name = #m, .kind = (k), .offset = offsetof(S, m) + OPT_TYPE_CHECK(S, m, T), __VA_ARGS__   \
    }

/* `.name = "..."` among the extra arguments overrides the member's name. */
#define OPT_STR(S, m, ...)      OPT_ROW(S, m, struct str, OPT_KIND_STR, __VA_ARGS__)
#define OPT_BOOL(S, m, ...)     OPT_ROW(S, m, bool, OPT_KIND_BOOL, __VA_ARGS__)
#define OPT_INT(S, m, ...)      OPT_ROW(S, m, int64_t, OPT_KIND_INT, __VA_ARGS__)
#define OPT_FLOAT(S, m, ...)    OPT_ROW(S, m, double, OPT_KIND_FLOAT, __VA_ARGS__)
#define OPT_SIZE(S, m, ...)     OPT_ROW(S, m, uint64_t, OPT_KIND_SIZE, __VA_ARGS__)
#define OPT_DURATION(S, m, ...) OPT_ROW(S, m, int64_t, OPT_KIND_DURATION, __VA_ARGS__)
#define OPT_ENUM(S, m, ...)     OPT_ROW(S, m, int, OPT_KIND_ENUM, __VA_ARGS__)
#define OPT_FIELD(S, m, ...)    OPT_ROW(S, m, struct str, OPT_KIND_FIELD, __VA_ARGS__)
#define OPT_LIST(S, m, ...)     OPT_ROW(S, m, struct value, OPT_KIND_LIST, __VA_ARGS__)
#define OPT_MAP(S, m, ...)      OPT_ROW(S, m, struct value, OPT_KIND_MAP, __VA_ARGS__)
#define OPT_VALUE(S, m, ...)    OPT_ROW(S, m, struct value, OPT_KIND_VALUE, __VA_ARGS__)
#define OPT_CODEC(S, m, ...)    OPT_ROW(S, m, struct value, OPT_KIND_CODEC, __VA_ARGS__)
#define OPT_END                                                                                    \
    {                                                                                              \
        .name = NULL, .kind = OPT_KIND_END                                                         \
    }

const struct opt *opt_find(const struct opt *opts, struct str name);
const char *opt_kind_name(enum opt_kind kind);
/* The option's name nearest to a mistyped one (edit distance <= 2), or NULL: "did you mean". */
const char *opt_nearest(const struct opt *opts, struct str name);
/* The same over any NULL-terminated list of names. */
const char *name_nearest(const char *const *names, struct str name);

#endif
