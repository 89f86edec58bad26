/* SPDX-License-Identifier: Apache-2.0 */
/* compress.c: thin layer over zlib (RFC 1950-1952) and zstd (RFC 8878). zlib's streams are made per
 * call: their set-up costs a few microseconds, which is nothing beside the sizes that come here. */
#include "codec/compress.h"

#include <zlib.h>
#include <zstd.h>

#define CHUNK_BYTES (64 * KIB)

static int window_bits(enum deflate_format format)
{
    switch (format) {
    case DEFLATE_GZIP:
        return MAX_WBITS + 16;
    case DEFLATE_RAW:
        return -MAX_WBITS;
    case DEFLATE_ZLIB:
    default:
        return MAX_WBITS;
    }
}

/* zlib takes 32-bit lengths: a longer input is fed in pieces. */
static void feed(z_stream *z, struct str *in)
{
    if (z->avail_in > 0 || in->n == 0)
        return;
    size_t n = MIN_OF(in->n, (size_t)(1u << 30));
    z->next_in = (Bytef *)(uintptr_t)in->p;
    z->avail_in = (uInt)n;
    in->p += n;
    in->n -= n;
}

int deflate_bytes(struct str in, enum deflate_format format, int level, struct buf *out,
                  struct err *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, level, Z_DEFLATED, window_bits(format), 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(err, ERR_INTERNAL, "zlib cannot be set up with level %d", level);
    int rc = Z_OK;
    while (rc == Z_OK || rc == Z_BUF_ERROR) {
        feed(&z, &in);
        char *to = buf_reserve(out, CHUNK_BYTES);
        if (!to)
            break;
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)CHUNK_BYTES;
        rc = deflate(&z, in.n == 0 ? Z_FINISH : Z_NO_FLUSH);
        buf_added(out, CHUNK_BYTES - z.avail_out);
    }
    (void)deflateEnd(&z);
    if (rc != Z_STREAM_END)
        return err_set(err, ERR_TOO_LARGE, "the compressed data is larger than %zu bytes",
                       out->bytes_max);
    return 0;
}

/* One stream; *ret_left is what follows it. */
static int inflate_stream(struct str in, enum deflate_format format, size_t bytes_max,
                          struct buf *out, struct str *ret_left, struct err *err)
{
    z_stream z = {0};
    size_t before = out->n;
    if (inflateInit2(&z, window_bits(format)) != Z_OK)
        return err_set(err, ERR_INTERNAL, "zlib cannot be set up");
    int rc = Z_OK;
    while (rc == Z_OK && out->n - before <= bytes_max) {
        feed(&z, &in);
        size_t room = MIN_OF((size_t)CHUNK_BYTES, bytes_max - (out->n - before) + 1);
        char *to = buf_reserve(out, room);
        if (!to)
            break;
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)room;
        rc = inflate(&z, Z_NO_FLUSH);
        buf_added(out, room - z.avail_out);
        if (rc == Z_BUF_ERROR && z.avail_in == 0 && in.n == 0)
            break; /* cut off */
    }
    *ret_left = (struct str){(const char *)z.next_in, z.avail_in + in.n};
    (void)inflateEnd(&z);
    if (out->is_over || out->n - before > bytes_max)
        return err_set(err, ERR_TOO_LARGE, "the data unpacks to more than %zu bytes", bytes_max);
    if (rc != Z_STREAM_END)
        return err_set(err, ERR_INVALID, "the compressed data is damaged or cut off");
    return 0;
}

int inflate_bytes(struct str in, enum deflate_format format, size_t bytes_max, struct buf *out,
                  struct err *err)
{
    size_t start = out->n;
    do {
        TRY(inflate_stream(in, format, bytes_max - (out->n - start), out, &in, err));
    } while (format == DEFLATE_GZIP && in.n > 0);
    return 0;
}

int zstd_compress(struct str in, int level, struct buf *out, struct err *err)
{
    size_t room = ZSTD_compressBound(in.n);
    char *to = buf_reserve(out, room);
    if (!to)
        return err_set(err, ERR_TOO_LARGE, "the compressed data is larger than %zu bytes",
                       out->bytes_max);
    size_t n = ZSTD_compress(to, room, in.p, in.n, level);
    if (ZSTD_isError(n))
        return err_set(err, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(n));
    buf_added(out, n);
    return 0;
}

int zstd_decompress(struct str in, size_t bytes_max, struct buf *out, struct err *err)
{
    unsigned long long size = ZSTD_getFrameContentSize(in.p, in.n);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        return err_set(err, ERR_INVALID,
                       "the compressed data is no zstd frame that names its size");
    if (size > bytes_max)
        return err_set(err, ERR_TOO_LARGE, "the data unpacks to %llu bytes, more than %zu", size,
                       bytes_max);
    char *to = buf_reserve(out, (size_t)size);
    if (!to && size > 0)
        return err_set(err, ERR_TOO_LARGE, "the data unpacks to more than %zu bytes",
                       out->bytes_max);
    size_t n = ZSTD_decompress(to, (size_t)size, in.p, in.n);
    if (ZSTD_isError(n))
        return err_set(err, ERR_INVALID, "zstd: %s", ZSTD_getErrorName(n));
    buf_added(out, n);
    return 0;
}
