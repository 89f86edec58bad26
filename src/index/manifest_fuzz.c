/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_fuzz.c: the JSON of a manifest, behind a head with the right checksums, over the files
 * that the good one names. */
#include "index/recovery_fuzz.h"

bool fuzz_seed(unsigned n, struct buf *out)
{
    if (n >= 1)
        return false;
    buf_add_str(out, str_from_off(recovery_file_like(STR("/manifest"))->content, MANIFEST_HEAD));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 64 * KIB)
        return 0;
    uint8_t *p = mem_alloc(MANIFEST_HEAD + size);
    memcpy(p, MANIFEST_MAGIC, 8);
    put_u32_le(p + 8, MANIFEST_VERSION);
    put_u32_le(p + 12, (uint32_t)size);
    put_u32_le(p + 16, crc32c(0, data, size));
    put_u32_le(p + 20, 0); /* of the identity, which is only asked when the rest is damaged */
    put_u32_le(p + 24, crc32c(0, p, 24));
    if (size)
        memcpy(p + MANIFEST_HEAD, data, size);
    recovery_try(recovery_file_like(STR("/manifest")),
                 (struct str){(const char *)p, MANIFEST_HEAD + size});
    mem_free(p);
    return 0;
}
