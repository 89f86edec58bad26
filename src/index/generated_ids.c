/* SPDX-License-Identifier: Apache-2.0 */
/* Ids for documents that come without one, and the lane that an id belongs to. */
#include "base/str.h"
#include "index/ids.h"
#include "index/index_int.h"

#define ID_SEQ_MAX 0xFFFF00u /* of the three bytes that count */

/* 15 bytes in 20 characters: 6 of milliseconds, taken anew at most once a second so that neighbours
 * share them, 6 that are this engine's own, 3 that count. */
static void id_prefix_write(const struct engine *engine, int64_t id_ms,
                            char prefix[COUNTED_ID_PREFIX_BYTES])
{
    uint8_t bytes[12];
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)((uint64_t)id_ms >> (40 - 8 * i));
    memcpy(bytes + 6, engine->id_node, 6);
    for (size_t i = 0; i < 4; i++) {
        uint32_t v =
            (uint32_t)bytes[i * 3] << 16 | (uint32_t)bytes[i * 3 + 1] << 8 | bytes[i * 3 + 2];
        prefix[i * 4] = id_digits[v >> 18];
        prefix[i * 4 + 1] = id_digits[(v >> 12) & 63];
        prefix[i * 4 + 2] = id_digits[(v >> 6) & 63];
        prefix[i * 4 + 3] = id_digits[v & 63];
    }
}

void engine__ids_make(struct engine *engine, uint32_t lane, size_t count,
                      char (*ids)[COUNTED_ID_BYTES])
{
    while (count > 0) {
        mutex_lock(&engine->id_mu);
        int64_t now_ms = clock_wall_ns(engine->clock) / NS_PER_MS;
        if (now_ms >= engine->id_ms + 1000 || engine->id_seq >= ID_SEQ_MAX) {
            engine->id_ms = MAX_OF(now_ms, engine->id_ms + 1);
            engine->id_seq = 0;
        }
        /* As many as the counter has left, so that another lane may count on at once. */
        uint32_t first = engine->id_seq, last = first;
        size_t n = 0;
        while (n < count && last < ID_SEQ_MAX)
            n += (++last & 63) % engine->lane_count == lane;
        int64_t id_ms = engine->id_ms;
        engine->id_seq = last;
        mutex_unlock(&engine->id_mu);
        char prefix[COUNTED_ID_PREFIX_BYTES];
        id_prefix_write(engine, id_ms, prefix);
        for (uint32_t seq = first + 1; seq <= last; seq++) {
            if ((seq & 63) % engine->lane_count != lane)
                continue;
            memcpy(*ids, prefix, sizeof(prefix));
            id_count_write(seq, *ids++ + COUNTED_ID_PREFIX_BYTES);
        }
        count -= n;
    }
}

/* The lane of an id. Ids that this engine made carry theirs in the last character, so that a whole
 * bulk without ids is one lane's work; any other id is hashed. */
uint32_t engine__lane_of(const struct engine *engine, struct str id)
{
    if (id.n == COUNTED_ID_BYTES &&
        memcmp(id.p + 8, engine->id_node_text, sizeof(engine->id_node_text)) == 0) {
        uint32_t seq;
        if (id_count_read(id, &seq))
            return (seq & 63) % (uint32_t)engine->lane_count;
    }
    return (uint32_t)(hash_str(id) % engine->lane_count);
}

void engine__ids_init(struct engine *engine)
{
    char id[1][COUNTED_ID_BYTES];
    rng_init(&engine->rng, engine->config.seed ^ (uint64_t)clock_wall_ns(engine->clock) ^
                               (wal_next_seq(engine->wal) * UINT64_C(0x9E3779B97F4A7C15)));
    uint64_t node = rng_u64(&engine->rng);
    memcpy(engine->id_node, &node, sizeof(engine->id_node));
    engine__ids_make(engine, 0, 1, id);
    memcpy(engine->id_node_text, id[0] + 8, sizeof(engine->id_node_text));
}
