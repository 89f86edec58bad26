/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h: a growing byte buffer that owns its memory and has a hard maximum. Going over the maximum
 * (or a failed write further up) latches `is_over`: appends then do nothing, and the owner checks
 * once at the end. No NUL at the end except after buf_cstr(). */
#ifndef NARU_BASE_BUF_H
#define NARU_BASE_BUF_H

#include "base/base.h"

struct buf {
    char *p;
    size_t n;
    size_t capacity;
    size_t bytes_max;
    bool is_over;
};

#define BUF_BYTES_MAX_DEFAULT (1 * GIB)

void buf_init(struct buf *buf, size_t bytes_max); /* 0: BUF_BYTES_MAX_DEFAULT */
void buf_deinit(struct buf *buf);
void buf_clear(struct buf *buf); /* keeps the memory, clears the latch */

char *buf_reserve_slow(struct buf *buf,
                       size_t n); /* the rest of buf_reserve: grows, or just fits */
/* Room for `n` more bytes; NULL when over. The caller writes and then calls buf_added. */
static ALWAYS_INLINE char *buf_reserve(struct buf *buf, size_t n)
{
    if (LIKELY(n < buf->capacity - buf->n && !buf->is_over))
        return buf->p + buf->n;
    return buf_reserve_slow(buf, n);
}
static inline void buf_added(struct buf *buf, size_t n)
{
    buf->n += n;
}

static inline void buf_add(struct buf *buf, const void *p, size_t n)
{
    if (n == 0)
        return;
    char *to = buf_reserve(buf, n);
    if (UNLIKELY(!to))
        return;
    memcpy(to, p, n);
    buf->n += n;
}
static inline void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.p, s.n);
}
static inline void buf_add_char(struct buf *buf, char c)
{
    char *to = buf_reserve(buf, 1);
    if (UNLIKELY(!to))
        return;
    *to = c;
    buf->n++;
}
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_add_u64(struct buf *buf, uint64_t v); /* decimal */
void buf_add_i64(struct buf *buf, int64_t v);
#define buf_add_lit(buf, lit) buf_add((buf), "" lit, sizeof(lit) - 1)

void buf_add_u8(struct buf *buf, uint8_t v);
void buf_add_u32_le(struct buf *buf, uint32_t v);
void buf_add_u64_le(struct buf *buf, uint64_t v);
void buf_add_u32_be(struct buf *buf, uint32_t v);
void buf_add_varint(struct buf *buf, uint64_t v); /* LEB128 */

/* Removes the first `n` bytes (moves the rest). */
void buf_drop(struct buf *buf, size_t n);
const char *buf_cstr(struct buf *buf); /* borrowed, NUL behind the content */
static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->p, buf->n};
}

#endif
