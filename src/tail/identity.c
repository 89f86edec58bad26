/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c: what tells one file from another.
 *
 * The fingerprint is a hash of the first `print_len` bytes, at most 1,024 and never more than was
 * read. It grows with the file, and each time it is asked it is computed over as many bytes as it
 * was made from.
 *
 * The id is made once per life, when the first line is handed out: then the file has a first line,
 * and its hash can be computed the same way at any later time, however much was appended. A life
 * that began at the same place with the same first line (a CSV file emptied by copytruncate and
 * given the same heading again) differs by its generation. */
#include "tail/tail_int.h"

#include <stdio.h>

static int head(struct vfs_file *file, char *bytes, size_t want, size_t *ret_n, struct err *err)
{
    return vfs_read_at(file, 0, bytes, want, ret_n, err);
}

int tail__print(struct vfs_file *file, uint32_t len, uint64_t *ret_hash, uint32_t *ret_len,
                struct err *err)
{
    char bytes[TAIL_FINGERPRINT_BYTES];
    size_t n;
    TRY(head(file, bytes, MIN_OF(len, TAIL_FINGERPRINT_BYTES), &n, err));
    *ret_hash = hash_bytes(bytes, n);
    *ret_len = (uint32_t)n;
    return 0;
}

int tail__print_matches(const struct tail_file *file, struct vfs_file *handle, struct err *err)
{
    uint64_t hash;
    uint32_t len;
    if (file->print_len == 0)
        return 1;
    TRY(tail__print(handle, file->print_len, &hash, &len, err));
    return len == file->print_len && hash == file->print_hash;
}

int tail__print_grow(struct tail_file *file, struct err *err)
{
    uint32_t want = (uint32_t)MIN_OF(file->off, (uint64_t)TAIL_FINGERPRINT_BYTES);
    if (want <= file->print_len)
        return 0;
    TRY(tail__print(file->file, want, &file->print_hash, &file->print_len, err));
    tail__dirty(file);
    return 0;
}

static size_t first_line(const struct tail *tail, const char *bytes, size_t n)
{
    struct str delimiter = tail->config.delimiter;
    ptrdiff_t at = str_find((struct str){bytes, n}, delimiter);
    return at < 0 ? n : (size_t)at + delimiter.n;
}

int tail__id_make(struct tail_file *file, struct err *err)
{
    struct tail *tail = file->tail;
    char bytes[TAIL_FINGERPRINT_BYTES];
    size_t n;
    TRY(head(file->file, bytes, sizeof(bytes), &n, err));
    struct {
        uint64_t device, inode, generation, line, path;
    } all = {.device = file->device,
             .inode = file->inode,
             .generation = file->generation,
             .line = hash_bytes(bytes, first_line(tail, bytes, n))};
    if (tail->config.identity != TAIL_IDENTITY_NATIVE) {
        all.device = all.inode = 0;
        all.path = hash_str(file->key);
    }
    struct hash128 h = hash128_bytes(&all, sizeof(all));
    (void)snprintf(file->id, sizeof(file->id), "%016llx%04x", (unsigned long long)h.high,
                   (unsigned)(h.low & 0xFFFF));
    return 0;
}

void tail_line_id(const struct tail_file *file, uint64_t off, char *text)
{
    static const char digits[] = "0123456789abcdef";
    memcpy(text, file->id, TAIL_ID_LEN);
    for (size_t i = TAIL_LINE_ID_LEN; i-- > TAIL_ID_LEN; off >>= 4)
        text[i] = digits[off & 15];
}

/* The fingerprint identity needs the file's content. */
static bool print_key(struct tail *tail, struct str path, const struct vfs_stat *st, char *text,
                      size_t *ret_n, struct err *err)
{
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    uint64_t hash;
    uint32_t len;
    if (st->size_bytes < TAIL_FINGERPRINT_BYTES ||
        vfs_open(tail->config.fs, path, VFS_READ, &file, err) < 0 ||
        tail__print(file, TAIL_FINGERPRINT_BYTES, &hash, &len, err) < 0 ||
        len < TAIL_FINGERPRINT_BYTES)
        return false;
    *ret_n = (size_t)snprintf(text, TAIL__KEY_BYTES, "print-%016llx", (unsigned long long)hash);
    return true;
}

bool tail__key(struct tail *tail, struct str path, const struct vfs_stat *st, char *text,
               size_t *ret_n, struct err *err)
{
    err_clear(err);
    switch (tail->config.identity) {
    case TAIL_IDENTITY_FINGERPRINT:
        return print_key(tail, path, st, text, ret_n, err);
    case TAIL_IDENTITY_PATH: {
        struct hash128 h = hash128_bytes(path.p, path.n);
        *ret_n = (size_t)snprintf(text, TAIL__KEY_BYTES, "path-%016llx%016llx",
                                  (unsigned long long)h.high, (unsigned long long)h.low);
        return true;
    }
    case TAIL_IDENTITY_NATIVE:
        break;
    }
    *ret_n = (size_t)snprintf(text, TAIL__KEY_BYTES, "%llu-%llu", (unsigned long long)st->inode,
                              (unsigned long long)st->device);
    return true;
}
