/* SPDX-License-Identifier: Apache-2.0 */
/* wal_fuzz.c: a log file under a folder that needs it. The first byte says what is made right
 * before: with 1, each frame's head and payload checksums, with 2, its sequence as well, so that
 * hostile payloads reach the replay. */
#include "index/recovery_fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    if (n >= 2)
        return false;
    buf_add_u8(out, n ? 3 : 0);
    buf_add_str(out, recovery_file_like(STR(".log"))->content);
    return true;
}

static void fix(uint8_t *p, size_t n, uint8_t how)
{
    if (n < WAL_FILE_HEAD)
        return;
    memcpy(p, WAL_MAGIC, 8);
    put_u32_le(p + 8, WAL_VERSION);
    const char *good = recovery_file_like(STR(".log"))->content.p;
    memcpy(p + 16, good + 16, 8);
    put_u32_le(p + 28, crc32c(0, p, 28));
    uint64_t seq = get_u64_le(p + 16);
    for (size_t at = WAL_FILE_HEAD; (how & 1) && at + WAL_FRAME_HEAD <= n; seq++) {
        uint8_t *h = p + at;
        size_t payload = MIN_OF((size_t)get_u32_le(h), n - at - WAL_FRAME_HEAD);
        put_u32_le(h, (uint32_t)payload);
        put_u32_le(h + 4, crc32c(0, h + WAL_FRAME_HEAD, payload));
        if (how & 2) {
            put_u64_le(h + 8, seq);
            memcpy(h + 24, good + WAL_FILE_HEAD + 24, 8); /* the index */
        }
        put_u32_le(h + 44, crc32c(0, h, 44));
        at += WAL_FRAME_HEAD + payload;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 64 * KIB)
        return 0;
    uint8_t *p = mem_alloc(size);
    memcpy(p, data + 1, size - 1);
    fix(p, size - 1, data[0]);
    recovery_try(recovery_file_like(STR(".log")), (struct str){(const char *)p, size - 1});
    mem_free(p);
    return 0;
}
