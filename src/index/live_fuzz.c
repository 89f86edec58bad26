/* SPDX-License-Identifier: Apache-2.0 */
/* live_fuzz.c: a file of live bits with its checksums made right; the first byte is how many
 * documents the segment has. What is accepted has no bit beyond them and as many as it says. */
#include "base/arena.h"
#include "base/str.h"
#include "index/index_int.h"
#include "support/fuzz.h"

static void file_put(struct vfs *fs, const uint8_t *p, size_t n)
{
    struct err err;
    ASSERT(vfs_write_file(fs, STR("l"), (struct str){(const char *)p, n}, &err) == 0);
}

bool fuzz_seed(unsigned n, struct buf *out)
{
    static const uint8_t docs[] = {1, 64, 65, 200};
    if (n >= ARRAY_COUNT(docs))
        return false;
    struct vfs *fs = vfs_mem_new();
    struct arena *mem = arena_new(0);
    uint64_t words[BITSET_WORDS(256)] = {0};
    struct str content;
    struct err err;
    for (unsigned i = 0; i < docs[n]; i += 1 + n)
        bitset_set(words, i);
    ASSERT(live_file_write(fs, STR("l"), docs[n], words, &err) == 0);
    ASSERT(vfs_read_file(fs, STR("l"), MIB, mem, &content, &err) == 0);
    buf_add_u8(out, docs[n]);
    buf_add_str(out, content);
    arena_free(mem);
    vfs_mem_free(fs);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + LIVE_HEAD)
        return 0;
    uint32_t docs = data[0] ? data[0] : 256, count;
    size_t n = size - 1;
    uint8_t *p = mem_alloc(n);
    memcpy(p, data + 1, n);
    memcpy(p, LIVE_MAGIC, 8);
    put_u32_le(p + 16, crc32c(0, p + LIVE_HEAD, n - LIVE_HEAD));
    put_u32_le(p + 20, crc32c(0, p, 20));
    struct vfs *fs = vfs_mem_new();
    uint64_t *words;
    struct err err;
    file_put(fs, p, n);
    if (live_file_read(fs, STR("l"), docs, &words, &count, &err) == 0) {
        ASSERT(count == bitset_count(words, BITSET_WORDS(docs)));
        for (uint32_t i = docs; i < BITSET_WORDS(docs) * 64; i++)
            ASSERT(!bitset_get(words, i));
        mem_free(words);
    }
    vfs_mem_free(fs);
    mem_free(p);
    return 0;
}
