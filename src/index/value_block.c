/* SPDX-License-Identifier: Apache-2.0 */
/* How: the writer sizes each codec from one pass over the values (minimum, maximum, greatest common
 * divisor of the distances, spread of the deltas) and takes the cheapest. DELTA must save a quarter
 * over FOR, since a single value then costs up to DELTA_STEP additions. */
#include "index/value_block.h"

#include "index/format.h"
#include "index/unpack.h"

void pack_bits(struct buf *out, const uint64_t *values, size_t n, unsigned width)
{
    ASSERT(width <= 64);
    size_t bytes = packed_bytes(n, width);
    if (bytes == 0)
        return;
    uint8_t *p = (uint8_t *)buf_reserve(out, bytes);
    if (!p)
        return;
    uint8_t *end = p + bytes;
    uint64_t word = 0;
    unsigned used = 0;
    for (size_t i = 0; i < n; i++) {
        word |= values[i] << used;
        unsigned sum = used + width;
        if (sum >= 64) {
            put_u64_le(p, word);
            p += 8;
            word = used ? values[i] >> (64 - used) : 0;
            sum -= 64;
        }
        used = sum;
    }
    while (p < end) {
        *p++ = (uint8_t)word;
        word >>= 8;
    }
    buf_added(out, bytes);
}

void pack_bits_u32(struct buf *out, const uint32_t *values, size_t n, unsigned width)
{
    uint64_t wide[VALUE_BLOCK_VALUES];
    ASSERT(n <= VALUE_BLOCK_VALUES);
    for (size_t i = 0; i < n; i++)
        wide[i] = values[i];
    pack_bits(out, wide, n, width);
}

void unpack_bits(const uint8_t *p, size_t first, size_t n, unsigned width, uint64_t *values)
{
    if (width <= 32) {
        unpack_scaled(p, first, n, width, 0, 1, (int64_t *)values);
    } else if (width <= 56) {
        uint64_t mask = (UINT64_C(1) << width) - 1;
        size_t bit = first * width;
        for (size_t i = 0; i < n; i++, bit += width)
            values[i] = (get_u64_le(p + (bit >> 3)) >> (bit & 7)) & mask;
    } else {
        for (size_t i = 0; i < n; i++)
            values[i] = unpack_one(p, first + i, width);
    }
}

void unpack_bits_u32(const uint8_t *p, size_t n, unsigned width, uint32_t *values)
{
    unpack_u32(p, 0, n, width, values);
}

static uint64_t gcd_u64(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

struct spread {
    int64_t min, max;
    uint64_t gcd;
};

/* Smallest, largest and common divisor of the distances from the first. */
static struct spread spread_of(const int64_t *values, size_t n)
{
    struct spread s = {values[0], values[0], 0};
    for (size_t i = 1; i < n; i++) {
        s.min = MIN_OF(s.min, values[i]);
        s.max = MAX_OF(s.max, values[i]);
    }
    for (size_t i = 0; i < n && s.gcd != 1; i++) {
        uint64_t distance = (uint64_t)values[i] - (uint64_t)s.min;
        if (distance)
            s.gcd = gcd_u64(distance, s.gcd);
    }
    if (s.gcd == 0)
        s.gcd = 1;
    return s;
}

static unsigned spread_width(const struct spread *s)
{
    return bit_width(((uint64_t)s->max - (uint64_t)s->min) / s->gcd);
}

static void block_head(struct buf *out, uint8_t codec, unsigned width, uint8_t exponent, size_t n,
                       size_t data_bytes, int64_t base, uint64_t gcd)
{
    uint8_t head[VALUE_BLOCK_HEAD] = {codec, (uint8_t)width, exponent, 0};
    put_u16_le(head + 4, (uint16_t)(n - 1));
    put_u16_le(head + 6, (uint16_t)(data_bytes / 8));
    put_u64_le(head + 8, (uint64_t)base);
    put_u64_le(head + 16, gcd);
    buf_add(out, head, sizeof(head));
}

static size_t round8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static void pad_to(struct buf *out, size_t n)
{
    static const char zero[8];
    while (out->n < n && !out->is_over)
        buf_add(out, zero, MIN_OF(n - out->n, sizeof(zero)));
}

static void write_packed(struct buf *out, const int64_t *values, size_t n, uint64_t base,
                         uint64_t gcd, unsigned width)
{
    uint64_t packed[VALUE_BLOCK_VALUES];
    for (size_t i = 0; i < n; i++) {
        uint64_t distance = (uint64_t)values[i] - base;
        packed[i] = gcd == 1 ? distance : distance / gcd;
    }
    pack_bits(out, packed, n, width);
}

static void write_delta(struct buf *out, const int64_t *values, const int64_t *deltas, size_t n,
                        const struct spread *s, unsigned width, uint8_t exponent)
{
    size_t steps = (n + DELTA_STEP - 1) / DELTA_STEP;
    size_t bytes = round8(steps * 8 + packed_bytes(n, width));
    block_head(out, VALUE_CODEC_DELTA, width, exponent, n, bytes, s->min, s->gcd);
    size_t end = out->n + bytes;
    for (size_t i = 0; i < n; i += DELTA_STEP)
        buf_add_u64_le(out, (uint64_t)values[i]);
    write_packed(out, deltas, n, (uint64_t)s->min, s->gcd, width);
    pad_to(out, end);
}

void value_block_write(struct buf *out, const int64_t *values, size_t n, uint8_t exponent)
{
    ASSERT(n > 0 && n <= VALUE_BLOCK_VALUES);
    struct spread s = spread_of(values, n);
    if (s.min == s.max) {
        block_head(out, VALUE_CODEC_CONST, 0, exponent, n, 0, s.min, 1);
        return;
    }
    unsigned width = spread_width(&s);
    size_t for_bytes = round8(packed_bytes(n, width));
    int64_t deltas[VALUE_BLOCK_VALUES];
    for (size_t i = 1; i < n; i++)
        deltas[i] = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
    deltas[0] = deltas[1]; /* not used by the reader: the checkpoint is */
    struct spread d = spread_of(deltas, n);
    unsigned delta_width = spread_width(&d);
    size_t steps = (n + DELTA_STEP - 1) / DELTA_STEP;
    size_t delta_bytes = round8(steps * 8 + packed_bytes(n, delta_width));
    /* A spread of deltas beyond 63 bits wraps around, and so does the reader's sum: still exact. */
    if (delta_bytes < for_bytes - for_bytes / 4) {
        write_delta(out, values, deltas, n, &d, delta_width, exponent);
        return;
    }
    if (for_bytes >= n * 8) {
        block_head(out, VALUE_CODEC_RAW, 64, exponent, n, n * 8, 0, 1);
        for (size_t i = 0; i < n; i++)
            buf_add_u64_le(out, (uint64_t)values[i]);
        return;
    }
    block_head(out, VALUE_CODEC_FOR, width, exponent, n, for_bytes, s.min, s.gcd);
    size_t end = out->n + for_bytes;
    write_packed(out, values, n, (uint64_t)s.min, s.gcd, width);
    pad_to(out, end);
}

size_t value_block_bytes(const uint8_t *p, size_t size, size_t *ret_count)
{
    if (size < VALUE_BLOCK_HEAD)
        return 0;
    size_t n = (size_t)get_u16_le(p + 4) + 1;
    size_t data = (size_t)get_u16_le(p + 6) * 8;
    unsigned width = p[1];
    size_t need;
    switch (p[0]) {
    case VALUE_CODEC_CONST:
        need = 0;
        break;
    case VALUE_CODEC_FOR:
        need = packed_bytes(n, width);
        break;
    case VALUE_CODEC_DELTA:
        need = (n + DELTA_STEP - 1) / DELTA_STEP * 8 + packed_bytes(n, width);
        break;
    case VALUE_CODEC_RAW:
        need = n * 8;
        break;
    default:
        return 0;
    }
    if (n > VALUE_BLOCK_VALUES || width > 64 || need > data || data > size - VALUE_BLOCK_HEAD)
        return 0;
    *ret_count = n;
    return VALUE_BLOCK_HEAD + data;
}

static void read_delta(const uint8_t *p, size_t first, size_t n, int64_t *values)
{
    size_t count = (size_t)get_u16_le(p + 4) + 1;
    size_t steps = (count + DELTA_STEP - 1) / DELTA_STEP;
    const uint8_t *data = p + VALUE_BLOCK_HEAD, *packed = data + steps * 8;
    uint64_t base = get_u64_le(p + 8), gcd = get_u64_le(p + 16), deltas[DELTA_STEP];
    size_t end = first + n, at = first - first % DELTA_STEP;
    for (; at < end; at += DELTA_STEP) {
        size_t run = MIN_OF((size_t)DELTA_STEP, end - at);
        unpack_bits(packed, at, run, p[1], deltas);
        uint64_t v = get_u64_le(data + at / DELTA_STEP * 8);
        for (size_t i = 0; i < run; i++) {
            if (i)
                v += base + gcd * deltas[i];
            if (at + i >= first)
                values[at + i - first] = (int64_t)v;
        }
    }
}

void value_block_read(const uint8_t *p, size_t first, size_t n, int64_t *values)
{
    const uint8_t *data = p + VALUE_BLOCK_HEAD;
    uint64_t base = get_u64_le(p + 8), gcd = get_u64_le(p + 16);
    switch (p[0]) {
    case VALUE_CODEC_CONST:
        for (size_t i = 0; i < n; i++)
            values[i] = (int64_t)base;
        return;
    case VALUE_CODEC_FOR:
        if (p[1] <= 32) {
            unpack_scaled(data, first, n, p[1], base, gcd, values);
            return;
        }
        unpack_bits(data, first, n, p[1], (uint64_t *)values);
        if (gcd == 1) {
            for (size_t i = 0; i < n; i++)
                values[i] = (int64_t)((uint64_t)values[i] + base);
        } else {
            for (size_t i = 0; i < n; i++)
                values[i] = (int64_t)((uint64_t)values[i] * gcd + base);
        }
        return;
    case VALUE_CODEC_DELTA:
        read_delta(p, first, n, values);
        return;
    default:
        for (size_t i = 0; i < n; i++)
            values[i] = (int64_t)get_u64_le(data + (first + i) * 8);
        return;
    }
}

void value_block_read_u32(const uint8_t *p, size_t first, size_t n, uint32_t *values)
{
    uint64_t base = get_u64_le(p + 8), gcd = get_u64_le(p + 16);
    if (p[0] != VALUE_CODEC_FOR || p[1] > 32 || gcd != 1) {
        int64_t wide[VALUE_BLOCK_VALUES];
        value_block_read(p, first, n, wide);
        for (size_t i = 0; i < n; i++)
            values[i] = (uint32_t)wide[i];
        return;
    }
    unpack_u32(p + VALUE_BLOCK_HEAD, first, n, p[1], values);
    for (size_t i = 0; base && i < n; i++)
        values[i] += (uint32_t)base;
}
