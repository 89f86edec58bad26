/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c: what inputs and outputs call on their codec: streams, decoding, encoding, with the
 * figures counted. */
#include "base/arena.h"
#include "base/buf.h"
#include "pipeline/pipeline_int.h"

struct codec_stream *codec_stream_new(struct codec *codec)
{
    struct codec_stream *stream = MEM_NEW(struct codec_stream);
    stream->codec = codec;
    if (codec->type->stream_size)
        stream->state = mem_zalloc(codec->type->stream_size);
    return stream;
}

void codec_stream_free(struct codec_stream *stream)
{
    if (!stream)
        return;
    if (stream->codec->type->stream_deinit)
        stream->codec->type->stream_deinit(stream->codec->unit.self, stream->state);
    mem_free(stream->state);
    mem_free(stream);
}

static int64_t monotonic_ns(const struct codec *codec)
{
    return clock_monotonic_ns(codec->unit.plugin.env->clock);
}

void codec_decode(struct codec_stream *stream, struct str bytes, bool is_end, struct batch *batch,
                  int64_t now_ns)
{
    struct codec *codec = stream->codec;
    size_t count_before = batch->count;
    int64_t start_ns = monotonic_ns(codec);
    codec->type->decode(codec->unit.self, stream->state, bytes, is_end, batch, now_ns);
    batch->bytes += bytes.n;
    metric_add(&codec->decode_ns, (uint64_t)MAX_OF(monotonic_ns(codec) - start_ns, 0));
    metric_add(&codec->decode_bytes, bytes.n);
    metric_add(&codec->unit.plugin.events_out, batch->count - count_before);
}

void codec_encode(struct codec *codec, const struct event *ev, struct buf *out)
{
    ASSERT(codec->type
               ->encode); /* outputs are given only codecs that encode: see output_codec_check */
    codec->type->encode(codec->unit.self, ev, out);
    metric_add(&codec->unit.plugin.events_in, 1);
}

const char *codec_name(const struct codec *codec)
{
    return codec->type->name;
}
