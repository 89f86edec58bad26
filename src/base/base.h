/* SPDX-License-Identifier: Apache-2.0 */
/* base.h: the few names that every file of naru shares: fixed-width types, the borrowed string,
 * attributes and the bug check. Everything else has a header of its own. */
#ifndef NARU_BASE_BASE_H
#define NARU_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WARN_UNUSED       __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED            __attribute__((unused))
#define NORETURN          __attribute__((noreturn))
#define ALWAYS_INLINE     inline __attribute__((always_inline))
#define NOINLINE          __attribute__((noinline))
#define LIKELY(x)         __builtin_expect(!!(x), 1)
#define UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define ARRAY_COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b)      ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)      ((a) > (b) ? (a) : (b))

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* A broken invariant is a bug of ours: prints where and aborts, in release builds too. */
NORETURN void assert_failed(const char *file, int line, const char *what);
#define ASSERT(x)                                                                                  \
    do {                                                                                           \
        if (UNLIKELY(!(x)))                                                                        \
            assert_failed(__FILE__, __LINE__, #x);                                                 \
    } while (0)
#ifdef NDEBUG
#define ASSERT_SLOW(x) ((void)0)
#else
#define ASSERT_SLOW(x) ASSERT(x)
#endif

/* Runs `fn(&var)` when the variable leaves its scope; `fn` accepts a pointer to a NULL pointer. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Moves the pointer out of a CLEANUP variable: the variable becomes NULL, its old value is the
 * result. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_tmp_ = (p);                                                             \
        (p) = NULL;                                                                                \
        take_tmp_;                                                                                 \
    })

/* Defines `static void name_ptr(T **p)` for use in CLEANUP from a destructor `name(T *)`. */
#define DEFINE_CLEANUP(name, T)                                                                    \
    static inline UNUSED void name##_ptr(T **p)                                                    \
    {                                                                                              \
        name(*p);                                                                                  \
    }

/* Truncates as Java's cast does: NaN is 0, what lies beyond int64 becomes its nearest end. */
static inline UNUSED int64_t f64_to_i64(double v)
{
    if (v >= 0x1p63)
        return INT64_MAX;
    if (v <= -0x1p63)
        return INT64_MIN;
    return v == v ? (int64_t)v : 0;
}

/* A borrowed run of bytes; not NUL-terminated; passed by value. */
struct str {
    const char *p;
    size_t n;
};

#define STR(lit)   ((struct str){"" lit, sizeof(lit) - 1})
#define STR_NONE   ((struct str){NULL, 0})
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)((s).n > 4096 ? 4096 : (s).n), ((s).p ? (s).p : "")

struct arena;
struct buf;
struct err;
struct clock;
struct rng;
struct vfs;

#endif
