/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/bits.h"

#define BUF_CAPACITY_MIN 256u

void buf_init(struct buf *buf, size_t bytes_max)
{
    *buf = (struct buf){.bytes_max = bytes_max ? bytes_max : BUF_BYTES_MAX_DEFAULT};
}

void buf_deinit(struct buf *buf)
{
    if (!buf)
        return;
    mem_free(buf->p);
    *buf = (struct buf){.bytes_max = buf->bytes_max};
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->is_over = false;
}

NOINLINE char *buf_reserve_slow(struct buf *buf, size_t n)
{
    if (buf->is_over || n > buf->bytes_max - buf->n) {
        buf->is_over = true;
        return NULL;
    }
    if (buf->p && n <= buf->capacity - buf->n)
        return buf->p + buf->n;
    size_t capacity = MAX_OF(buf->capacity * 2, (size_t)BUF_CAPACITY_MIN);
    capacity = MAX_OF(capacity, buf->n + n);
    capacity = MIN_OF(capacity, MAX_OF(buf->bytes_max, buf->n + n));
    buf->p = mem_realloc(buf->p, capacity);
    buf->capacity = capacity;
    return buf->p + buf->n;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(n >= 0);
    char *to = buf_reserve(buf, (size_t)n + 1);
    if (to) {
        (void)vsnprintf(to, (size_t)n + 1, format, again);
        buf->n += (size_t)n;
    }
    va_end(again);
}

void buf_add_u64(struct buf *buf, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_add_i64(struct buf *buf, int64_t v)
{
    if (v < 0)
        buf_add_char(buf, '-');
    buf_add_u64(buf, v < 0 ? ~(uint64_t)v + 1 : (uint64_t)v);
}

void buf_add_u8(struct buf *buf, uint8_t v)
{
    buf_add(buf, &v, 1);
}

void buf_add_u32_le(struct buf *buf, uint32_t v)
{
    uint8_t b[4];
    put_u32_le(b, v);
    buf_add(buf, b, sizeof(b));
}

void buf_add_u64_le(struct buf *buf, uint64_t v)
{
    uint8_t b[8];
    put_u64_le(b, v);
    buf_add(buf, b, sizeof(b));
}

void buf_add_u32_be(struct buf *buf, uint32_t v)
{
    uint8_t b[4];
    put_u32_be(b, v);
    buf_add(buf, b, sizeof(b));
}

void buf_add_varint(struct buf *buf, uint64_t v)
{
    if (LIKELY(v < 0x80)) {
        buf_add_char(buf, (char)v);
        return;
    }
    uint8_t b[VARINT_BYTES_MAX];
    buf_add(buf, b, put_varint(b, v));
}

void buf_drop(struct buf *buf, size_t n)
{
    ASSERT(n <= buf->n);
    if (n == 0)
        return;
    memmove(buf->p, buf->p + n, buf->n - n);
    buf->n -= n;
}

const char *buf_cstr(struct buf *buf)
{
    if (!buf_reserve(buf, 1))
        return "";
    buf->p[buf->n] = '\0';
    return buf->p;
}
