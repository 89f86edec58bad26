/* SPDX-License-Identifier: Apache-2.0 */
/* lumberjack.c: see the header. The reader has two byte queues: `raw`, as it came from the peer,
 * and `plain`, what the compressed frame that is being opened has given so far. Frames are parsed
 * from `plain` while a compressed frame is open and from `raw` otherwise; `plain` is refilled a
 * chunk at a time.
 *
 * Sources: the frame table of elastic/go-lumber's protocol notes, and the traces of Filebeat 7.17.
 */
#include "codec/lumberjack.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"

#define INFLATE_CHUNK_BYTES (64 * KIB)
#define COMPACT_BYTES       (64 * KIB) /* as many consumed bytes are worth a move */

const struct lumberjack_limits lumberjack_limits_default = {
    .window_max = LUMBERJACK_WINDOW_MAX,
    .payload_bytes_max = LUMBERJACK_PAYLOAD_BYTES_MAX,
    .compressed_bytes_max = LUMBERJACK_COMPRESSED_BYTES_MAX,
    .inflated_bytes_max = LUMBERJACK_INFLATED_BYTES_MAX,
};

struct byte_queue {
    struct buf buf;
    size_t off; /* consumed */
};

struct lumberjack_reader {
    struct lumberjack_limits limits;
    struct byte_queue raw, plain;
    uint64_t stream_off; /* bytes of `raw` consumed since the start, for messages */
    z_stream zlib;
    bool is_compressed;       /* a 'C' frame is open */
    bool is_inflated;         /* … and its zlib stream has ended */
    uint32_t compressed_left; /* bytes of it that did not come in yet */
    uint64_t inflated_bytes;  /* what it gave so far */
    struct err failed;        /* code != 0: malformed once, malformed for ever */
};

static struct str queue_left(const struct byte_queue *queue)
{
    return str_from_off((struct str){queue->buf.p, queue->buf.n}, queue->off);
}

static void queue_compact(struct byte_queue *queue)
{
    if (queue->off == queue->buf.n)
        buf_clear(&queue->buf);
    else if (queue->off >= COMPACT_BYTES)
        buf_drop(&queue->buf, queue->off);
    else
        return;
    queue->off = 0;
}

struct lumberjack_reader *lumberjack_reader_new(const struct lumberjack_limits *limits)
{
    struct lumberjack_reader *reader = MEM_NEW(struct lumberjack_reader);
    reader->limits = limits ? *limits : lumberjack_limits_default;
    size_t bytes_max = (size_t)reader->limits.payload_bytes_max + 4 * INFLATE_CHUNK_BYTES;
    buf_init(&reader->raw.buf, bytes_max + MIB);
    buf_init(&reader->plain.buf, bytes_max);
    ASSERT(inflateInit(&reader->zlib) == Z_OK);
    return reader;
}

void lumberjack_reader_free(struct lumberjack_reader *reader)
{
    if (!reader)
        return;
    (void)inflateEnd(&reader->zlib);
    buf_deinit(&reader->raw.buf);
    buf_deinit(&reader->plain.buf);
    mem_free(reader);
}

void lumberjack_feed(struct lumberjack_reader *reader, const void *p, size_t n)
{
    queue_compact(&reader->raw);
    buf_add(&reader->raw.buf, p, n);
}

size_t lumberjack_reader_pending(const struct lumberjack_reader *reader)
{
    return queue_left(&reader->raw).n + queue_left(&reader->plain).n +
           (reader->is_compressed ? 1 : 0);
}

static int too_large(const char *what, uint64_t is, uint64_t max, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "lumberjack: %s is %llu, the limit is %llu", what,
                   (unsigned long long)is, (unsigned long long)max);
}

/* ---- one frame in bytes that lie in a row: *ret_n is its size, 0 when more is needed ---- */

/* Walks the pairs of a 'D' frame as far as they are there. */
static int data_size(const struct lumberjack_reader *reader, struct str s, size_t *ret_n,
                     struct err *err)
{
    uint32_t pairs = get_u32_be(s.p + 6);
    if (pairs > LUMBERJACK_PAIRS_MAX)
        return too_large("the number of fields in a data frame", pairs, LUMBERJACK_PAIRS_MAX, err);
    uint64_t at = 10;
    *ret_n = 0;
    for (uint64_t i = 0; i < 2 * (uint64_t)pairs; i++) {
        if (s.n < at + 4)
            return 0;
        at += 4 + (uint64_t)get_u32_be(s.p + at);
        if (at > reader->limits.payload_bytes_max)
            return too_large("the size of a data frame", at, reader->limits.payload_bytes_max, err);
    }
    if (s.n >= at)
        *ret_n = (size_t)at;
    return 0;
}

static int json_size(const struct lumberjack_reader *reader, struct str s, size_t *ret_n,
                     struct err *err)
{
    uint32_t len = get_u32_be(s.p + 6);
    if (len > reader->limits.payload_bytes_max)
        return too_large("the size of an event", len, reader->limits.payload_bytes_max, err);
    *ret_n = s.n >= (size_t)len + 10 ? (size_t)len + 10 : 0;
    return 0;
}

static int unknown_frame(uint8_t version, uint8_t kind, struct err *err)
{
    if (version != '1' && version != '2')
        return err_set(err, ERR_PARSE,
                       "lumberjack: version byte 0x%02x instead of '1' or '2': no Beats client, or "
                       "one that speaks TLS",
                       version);
    return err_set(err, ERR_PARSE, "lumberjack: unknown frame type 0x%02x", kind);
}

/* Bytes of a frame before its payload, 0: no such frame. */
static size_t head_size(uint8_t kind)
{
    switch (kind) {
    case 'W':
    case 'A':
    case 'C':
        return 6;
    case 'J':
    case 'D':
        return 10;
    default:
        return 0;
    }
}

static int parse_head(const struct lumberjack_reader *reader, struct str s, bool is_inside,
                      struct lumberjack_frame *frame, size_t *ret_n, struct err *err)
{
    *ret_n = 0;
    frame->kind = LUMBERJACK_MORE;
    if (s.n >= 1 && s.p[0] != '1' && s.p[0] != '2')
        return unknown_frame((uint8_t)s.p[0], 0, err);
    if (s.n < 2)
        return 0;
    uint8_t kind = (uint8_t)s.p[1];
    size_t head = head_size(kind);
    if (head == 0 || (kind == 'C' && is_inside))
        return is_inside && kind == 'C'
                   ? err_set(err, ERR_PARSE,
                             "lumberjack: a compressed frame inside a compressed frame")
                   : unknown_frame((uint8_t)s.p[0], kind, err);
    if (s.n < head)
        return 0;
    frame->version = (uint8_t)(s.p[0] - '0');
    frame->seq = get_u32_be(s.p + 2);
    if (kind == 'J')
        return json_size(reader, s, ret_n, err);
    if (kind == 'D')
        return data_size(reader, s, ret_n, err);
    *ret_n = head;
    return 0;
}

static int parse_frame(const struct lumberjack_reader *reader, struct str s, bool is_inside,
                       struct lumberjack_frame *frame, size_t *ret_n, struct err *err)
{
    TRY(parse_head(reader, s, is_inside, frame, ret_n, err));
    if (*ret_n == 0)
        return 0;
    switch (s.p[1]) {
    case 'W':
        if (frame->seq > reader->limits.window_max)
            return too_large("the window", frame->seq, reader->limits.window_max, err);
        frame->kind = LUMBERJACK_WINDOW;
        break;
    case 'A':
        frame->kind = LUMBERJACK_ACK;
        break;
    case 'J':
        frame->kind = LUMBERJACK_JSON;
        frame->payload = (struct str){s.p + 10, *ret_n - 10};
        break;
    case 'D':
        frame->kind = LUMBERJACK_DATA;
        frame->pair_count = get_u32_be(s.p + 6);
        frame->payload = (struct str){s.p + 10, *ret_n - 10};
        break;
    default: /* 'C': the caller opens it */
        break;
    }
    return 0;
}

/* ---- compressed frames ---- */

static int compressed_begin(struct lumberjack_reader *reader, uint32_t length, struct err *err)
{
    if (length > reader->limits.compressed_bytes_max)
        return too_large("the size of a compressed frame", length,
                         reader->limits.compressed_bytes_max, err);
    reader->is_compressed = true;
    reader->is_inflated = false;
    reader->compressed_left = length;
    reader->inflated_bytes = 0;
    ASSERT(inflateReset(&reader->zlib) == Z_OK);
    return 0;
}

/* One step of inflating what is there. *ret_moved: something was consumed or produced. */
static int inflate_some(struct lumberjack_reader *reader, bool *ret_moved, struct err *err)
{
    struct str left = queue_left(&reader->raw);
    size_t in = MIN_OF(left.n, (size_t)reader->compressed_left);
    *ret_moved = false;
    queue_compact(&reader->plain);
    char *to = buf_reserve(&reader->plain.buf, INFLATE_CHUNK_BYTES);
    if (!to)
        return too_large("an event inside a compressed frame", reader->plain.buf.n,
                         reader->plain.buf.bytes_max, err);
    z_stream *z = &reader->zlib;
    z->next_in = (const Bytef *)left.p;
    z->avail_in = (uInt)in;
    z->next_out = (Bytef *)to;
    z->avail_out = (uInt)INFLATE_CHUNK_BYTES;
    int rc = inflate(z, Z_NO_FLUSH);
    size_t used = in - z->avail_in, made = INFLATE_CHUNK_BYTES - z->avail_out;
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return err_set(err, ERR_PARSE, "lumberjack: a compressed frame is damaged: %s",
                       z->msg ? z->msg : "no zlib stream");
    reader->raw.off += used;
    reader->stream_off += used;
    reader->compressed_left -= (uint32_t)used;
    reader->inflated_bytes += made;
    buf_added(&reader->plain.buf, made);
    reader->is_inflated = rc == Z_STREAM_END;
    *ret_moved = used > 0 || made > 0 || reader->is_inflated;
    if (reader->inflated_bytes > reader->limits.inflated_bytes_max)
        return too_large("a compressed frame's content", reader->inflated_bytes,
                         reader->limits.inflated_bytes_max, err);
    return 0;
}

/* The open compressed frame has given no whole frame: refills, or closes it. *ret_moved false:
 * feed. */
static int compressed_more(struct lumberjack_reader *reader, bool *ret_moved, struct err *err)
{
    if (!reader->is_inflated) {
        TRY(inflate_some(reader, ret_moved, err));
        if (!*ret_moved && reader->compressed_left == 0)
            return err_set(err, ERR_PARSE, "lumberjack: a compressed frame is cut short");
        return 0;
    }
    if (queue_left(&reader->plain).n > 0)
        return err_set(err, ERR_PARSE,
                       "lumberjack: a compressed frame ends in the middle of a frame");
    if (reader->compressed_left > 0)
        return err_set(err, ERR_PARSE,
                       "lumberjack: %u bytes behind the end of a compressed frame's content",
                       reader->compressed_left);
    reader->is_compressed = false;
    *ret_moved = true;
    return 0;
}

static int next_frame(struct lumberjack_reader *reader, struct lumberjack_frame *frame,
                      struct err *err)
{
    for (;;) {
        bool is_inside = reader->is_compressed;
        struct byte_queue *queue = is_inside ? &reader->plain : &reader->raw;
        struct str left = queue_left(queue);
        size_t n;
        TRY(parse_frame(reader, left, is_inside, frame, &n, err));
        if (n > 0) {
            queue->off += n;
            reader->stream_off += is_inside ? 0 : n;
            if (left.p[1] != 'C')
                return 0;
            TRY(compressed_begin(reader, frame->seq, err));
            continue;
        }
        bool has_moved = false;
        if (is_inside)
            TRY(compressed_more(reader, &has_moved, err));
        if (!has_moved) {
            if (reader->raw.buf.is_over)
                return err_set(err, ERR_TOO_LARGE, "lumberjack: more than %zu bytes came in unread",
                               reader->raw.buf.bytes_max);
            frame->kind = LUMBERJACK_MORE;
            return 0;
        }
    }
}

int lumberjack_next(struct lumberjack_reader *reader, struct lumberjack_frame *ret_frame,
                    struct err *err)
{
    struct lumberjack_frame frame = {.kind = LUMBERJACK_MORE};
    if (reader->failed.code == ERR_NONE && next_frame(reader, &frame, &reader->failed) < 0)
        (void)err_at_off(&reader->failed, (int64_t)reader->stream_off);
    if (reader->failed.code != ERR_NONE) {
        if (err)
            *err = reader->failed;
        return -(int)reader->failed.code;
    }
    *ret_frame = frame;
    return 0;
}

static struct str take_part(struct str *payload)
{
    size_t n = get_u32_be(payload->p);
    struct str part = {payload->p + 4, n};
    *payload = (struct str){payload->p + 4 + n, payload->n - 4 - n};
    return part;
}

bool lumberjack_pair_next(struct str *payload, struct str *ret_key, struct str *ret_value)
{
    if (payload->n < 8)
        return false;
    *ret_key = take_part(payload);
    *ret_value = take_part(payload);
    return true;
}

/* ---- writing ---- */

static void write_head(struct buf *out, uint8_t version, char kind, uint32_t number)
{
    buf_add_char(out, (char)('0' + version));
    buf_add_char(out, kind);
    buf_add_u32_be(out, number);
}

void lumberjack_write_window(struct buf *out, uint8_t version, uint32_t count)
{
    write_head(out, version, 'W', count);
}

void lumberjack_write_ack(struct buf *out, uint8_t version, uint32_t seq)
{
    write_head(out, version, 'A', seq);
}

size_t lumberjack_json_begin(struct buf *out, uint32_t seq)
{
    size_t begin = out->n;
    write_head(out, 2, 'J', seq);
    buf_add_u32_be(out, 0);
    return begin;
}

void lumberjack_json_end(struct buf *out, size_t begin)
{
    if (!out->is_over)
        put_u32_be(out->p + begin + 6, (uint32_t)(out->n - begin - 10));
}

void lumberjack_write_json(struct buf *out, uint32_t seq, struct str json)
{
    size_t begin = lumberjack_json_begin(out, seq);
    buf_add_str(out, json);
    lumberjack_json_end(out, begin);
}

uint32_t lumberjack_renumber(char *frames, size_t n)
{
    uint32_t count = 0;
    for (size_t at = 0; at + 10 <= n; at += 10 + (size_t)get_u32_be(frames + at + 6)) {
        ASSERT(frames[at + 1] == 'J');
        put_u32_be(frames + at + 2, ++count);
    }
    return count;
}

size_t lumberjack_skip(struct str frames, uint32_t count)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count && at + 10 <= frames.n; i++)
        at += 10 + (size_t)get_u32_be(frames.p + at + 6);
    return at;
}

struct lumberjack_deflater {
    z_stream zlib;
};

struct lumberjack_deflater *lumberjack_deflater_new(int level)
{
    struct lumberjack_deflater *deflater = MEM_NEW(struct lumberjack_deflater);
    ASSERT(deflateInit(&deflater->zlib, level) == Z_OK);
    return deflater;
}

void lumberjack_deflater_free(struct lumberjack_deflater *deflater)
{
    if (!deflater)
        return;
    (void)deflateEnd(&deflater->zlib);
    mem_free(deflater);
}

void lumberjack_write_compressed(struct buf *out, struct lumberjack_deflater *deflater,
                                 struct str frames)
{
    ASSERT(frames.n <= UINT_MAX / 2);
    size_t begin = out->n;
    write_head(out, 2, 'C', 0);
    z_stream *z = &deflater->zlib;
    ASSERT(deflateReset(z) == Z_OK);
    size_t room = deflateBound(z, (uLong)frames.n);
    char *to = buf_reserve(out, room);
    if (!to)
        return;
    z->next_in = (const Bytef *)frames.p;
    z->avail_in = (uInt)frames.n;
    z->next_out = (Bytef *)to;
    z->avail_out = (uInt)room;
    ASSERT(deflate(z, Z_FINISH) == Z_STREAM_END);
    size_t made = room - z->avail_out;
    buf_added(out, made);
    put_u32_be(out->p + begin + 2, (uint32_t)made);
}
