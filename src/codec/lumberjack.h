/* SPDX-License-Identifier: Apache-2.0 */
/* lumberjack.h: the frames of the Lumberjack protocol, versions 1 and 2, which Beats and Logstash
 * speak. Pure functions on bytes: whoever owns the socket feeds what came in and takes frames out,
 * or appends frames to a buffer and sends it.
 *
 *   byte 0     version: '1' or '2'
 *   byte 1     kind
 *   'W'        u32 count: a window of that many events follows
 *   'J'        u32 seq, u32 length, JSON text (version 2)
 *   'D'        u32 seq, u32 pairs, then for each u32 length, key, u32 length, value (version 1)
 *   'C'        u32 length, zlib stream of whole frames (never of another 'C')
 *   'A'        u32 seq: everything up to it is taken; 0 means "still busy, be patient"
 *
 * All integers are big-endian. A compressed frame is inflated piece by piece while its bytes come
 * in, so memory is bound by the largest single event and not by what a hostile peer packs into a
 * few kilobytes. */
#ifndef NARU_CODEC_LUMBERJACK_H
#define NARU_CODEC_LUMBERJACK_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#define LUMBERJACK_WINDOW_MAX (1u << 20) /* events in a window */
#define LUMBERJACK_PAYLOAD_BYTES_MAX                                                               \
    (64u << 20) /* one event: Filebeat's largest line, each byte escaped */
#define LUMBERJACK_COMPRESSED_BYTES_MAX (256u << 20)        /* a compressed frame as sent */
#define LUMBERJACK_INFLATED_BYTES_MAX   (UINT64_C(4) << 30) /* and what it may become */
#define LUMBERJACK_PAIRS_MAX            4096u               /* fields of a version 1 event */

struct lumberjack_limits {
    uint32_t window_max;
    uint32_t payload_bytes_max;
    uint32_t compressed_bytes_max;
    uint64_t inflated_bytes_max;
};
extern const struct lumberjack_limits lumberjack_limits_default;

enum lumberjack_kind {
    LUMBERJACK_MORE, /* no whole frame is there yet: feed */
    LUMBERJACK_WINDOW,
    LUMBERJACK_JSON,
    LUMBERJACK_DATA,
    LUMBERJACK_ACK,
};

struct lumberjack_frame {
    enum lumberjack_kind kind;
    uint8_t version;     /* 1 or 2 */
    uint32_t seq;        /* JSON, DATA, ACK; WINDOW: the count */
    uint32_t pair_count; /* DATA */
    struct str payload;  /* JSON: the text; DATA: the pairs. Borrowed until the next feed or next */
};

struct lumberjack_reader;

/* `limits`: NULL for the default ones; copied. */
struct lumberjack_reader *lumberjack_reader_new(const struct lumberjack_limits *limits);
void lumberjack_reader_free(struct lumberjack_reader *reader);
DEFINE_CLEANUP(lumberjack_reader_free, struct lumberjack_reader)

/* Adds what came in. To be called when lumberjack_next said LUMBERJACK_MORE. */
void lumberjack_feed(struct lumberjack_reader *reader, const void *p, size_t n);
/* The next whole frame; compressed frames are opened unseen. -ERR_PARSE (malformed; the position is
 * that of the stream) or -ERR_TOO_LARGE (a limit, named): the connection is of no use any more, and
 * every later call says the same. */
int lumberjack_next(struct lumberjack_reader *reader, struct lumberjack_frame *ret_frame,
                    struct err *err) WARN_UNUSED;
/* Bytes held that are no whole frame yet: at the end of the stream more than 0 means it was cut. */
size_t lumberjack_reader_pending(const struct lumberjack_reader *reader);

/* Takes the next key and value off a DATA frame's payload; false at its end. The reader has checked
 * the lengths. */
bool lumberjack_pair_next(struct str *payload, struct str *ret_key, struct str *ret_value);

void lumberjack_write_window(struct buf *out, uint8_t version, uint32_t count);
void lumberjack_write_ack(struct buf *out, uint8_t version, uint32_t seq);
void lumberjack_write_json(struct buf *out, uint32_t seq, struct str json);
/* For JSON that is encoded straight into the buffer: begin gives the frame's place, end fills in
 * the length. */
size_t lumberjack_json_begin(struct buf *out, uint32_t seq);
void lumberjack_json_end(struct buf *out, size_t begin);
/* Numbers the JSON frames of [from, n) anew, 1, 2, 3 …: for what is sent again after a partial
 * acknowledgement. Returns how many there are. The bytes MUST be frames that this file wrote. */
uint32_t lumberjack_renumber(char *frames, size_t n);
/* Where the frame behind the first `count` ones begins. */
size_t lumberjack_skip(struct str frames, uint32_t count);

/* A compressor that is kept: setting one up costs more than a small batch. Levels 1 to 9. */
struct lumberjack_deflater;
struct lumberjack_deflater *lumberjack_deflater_new(int level);
void lumberjack_deflater_free(struct lumberjack_deflater *deflater);
/* Appends one 'C' frame around `frames`. */
void lumberjack_write_compressed(struct buf *out, struct lumberjack_deflater *deflater,
                                 struct str frames);

#endif
