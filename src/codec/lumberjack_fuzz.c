/* SPDX-License-Identifier: Apache-2.0 */
/* lumberjack_fuzz.c: libFuzzer's door to the frame reader. The first byte chooses how the rest is
 * cut into pieces. */
#include "base/base.h"
#include "codec/lumberjack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(struct lumberjack_reader *reader, bool *is_broken)
{
    struct lumberjack_frame frame = {.kind = LUMBERJACK_ACK};
    while (!*is_broken && frame.kind != LUMBERJACK_MORE) {
        *is_broken = lumberjack_next(reader, &frame, NULL) < 0;
        struct str key, value;
        while (!*is_broken && frame.kind == LUMBERJACK_DATA &&
               lumberjack_pair_next(&frame.payload, &key, &value))
            ASSERT(value.n <= LUMBERJACK_PAYLOAD_BYTES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lumberjack_limits limits = {.window_max = 4096,
                                                    .payload_bytes_max = 1 << 16,
                                                    .compressed_bytes_max = 1 << 16,
                                                    .inflated_bytes_max = 1 << 20};
    if (size == 0)
        return 0;
    size_t step = (size_t)data[0] + 1;
    bool is_broken = false;
    struct lumberjack_reader *reader = lumberjack_reader_new(&limits);
    for (size_t at = 1; at < size && !is_broken; at += step) {
        lumberjack_feed(reader, data + at, MIN_OF(step, size - at));
        drain(reader, &is_broken);
    }
    lumberjack_reader_free(reader);
    return 0;
}
