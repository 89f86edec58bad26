/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h: zlib, gzip and zstd on bytes in memory, with a limit on what may come out. */
#ifndef NARU_CODEC_COMPRESS_H
#define NARU_CODEC_COMPRESS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum deflate_format { DEFLATE_ZLIB, DEFLATE_GZIP, DEFLATE_RAW };

/* Appends to `out`; level 1..9. Fails with -ERR_TOO_LARGE when `out` is over its maximum. */
int deflate_bytes(struct str in, enum deflate_format format, int level, struct buf *out,
                  struct err *err) WARN_UNUSED;
/* Appends at most `bytes_max` bytes: -ERR_TOO_LARGE beyond, -ERR_INVALID for damaged or cut-off
 * input. With DEFLATE_GZIP several members one behind the other are one text (RFC 1952). */
int inflate_bytes(struct str in, enum deflate_format format, size_t bytes_max, struct buf *out,
                  struct err *err) WARN_UNUSED;

int zstd_compress(struct str in, int level, struct buf *out, struct err *err) WARN_UNUSED;
int zstd_decompress(struct str in, size_t bytes_max, struct buf *out, struct err *err) WARN_UNUSED;

#endif
