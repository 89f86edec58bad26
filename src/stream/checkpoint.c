/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c: see checkpoint.h. */
#include "stream/checkpoint.h"

#include "base/arena.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/str.h"

#define FRAME_HEAD_BYTES 8u

struct checkpoint {
    struct vfs *fs;
    char *path;
    size_t path_len;
    char *identity;
    size_t identity_len;
    struct vfs_file *file;      /* NULL: none yet, or it must be written whole */
    uint64_t size, whole_bytes; /* of the file; of identity and state */
    struct buf frame;
};

static struct str path_of(const struct checkpoint *c)
{
    return (struct str){c->path, c->path_len};
}

static void frame_add(struct buf *out, struct str payload)
{
    ASSERT(payload.n > 0);
    buf_add_u32_le(out, (uint32_t)payload.n);
    buf_add_u32_le(out, crc32c(0, payload.p, payload.n));
    buf_add_str(out, payload);
}

/* False: there is no whole frame at *rest. */
static bool frame_take(struct str *rest, struct str *ret_payload)
{
    if (rest->n < FRAME_HEAD_BYTES)
        return false;
    uint32_t n = get_u32_le(rest->p), crc = get_u32_le(rest->p + 4);
    if (n == 0 ||
        n > rest->n - FRAME_HEAD_BYTES) /* zeros, as a crash may leave behind, are no frame */
        return false;
    struct str payload = str_sub(*rest, FRAME_HEAD_BYTES, n);
    if (crc32c(0, payload.p, payload.n) != crc)
        return false;
    *ret_payload = payload;
    *rest = str_from_off(*rest, FRAME_HEAD_BYTES + (size_t)n);
    return true;
}

/* Applies all whole frames; *ret_used: bytes of them, *ret_whole: of the first two. */
static int content_apply(struct checkpoint *c, struct str content, checkpoint_apply_fn *apply,
                         void *owner, uint64_t *ret_used, struct err *err)
{
    struct str rest = content, payload, identity = {c->identity, c->identity_len};
    if (!frame_take(&rest, &payload))
        return err_set(err, ERR_CORRUPT, "\"" STR_FMT "\" is damaged: its first frame is not whole",
                       STR_ARG(path_of(c)));
    if (!str_eq(payload, identity))
        return err_set(err, ERR_INVALID,
                       "the state in \"" STR_FMT "\" is of other settings (" STR_FMT
                       "): move the file away to begin anew; what is still open in it is lost then",
                       STR_ARG(path_of(c)), STR_ARG(payload));
    for (size_t i = 0; frame_take(&rest, &payload); i++) {
        if (apply(owner, payload, err) < 0)
            return err_wrap(err, "\"" STR_FMT "\"", STR_ARG(path_of(c)));
        if (i == 0)
            c->whole_bytes = content.n - rest.n;
    }
    *ret_used = content.n - rest.n;
    return 0;
}

static int file_open(struct checkpoint *c, uint64_t used, struct err *err)
{
    struct vfs_stat st;
    TRY(vfs_open(c->fs, path_of(c), VFS_READ | VFS_WRITE, &c->file, err));
    int rc = vfs_file_stat(c->file, &st, err);
    if (rc == 0 && st.size_bytes > used) {
        rc = vfs_truncate(c->file, used, err);
        rc = rc < 0 ? rc : vfs_sync(c->file, err);
    }
    c->size = used;
    if (rc < 0) {
        vfs_close(c->file);
        c->file = NULL;
    }
    return rc;
}

int checkpoint_open(struct vfs *fs, struct str path, struct str identity,
                    checkpoint_apply_fn *apply, void *owner, struct checkpoint **ret_checkpoint,
                    struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(checkpoint_close_ptr) struct checkpoint *c = MEM_NEW(struct checkpoint);
    c->fs = fs;
    c->path = mem_cstr(path);
    c->path_len = path.n;
    c->identity = mem_cstr(identity);
    c->identity_len = identity.n;
    buf_init(&c->frame, CHECKPOINT_BYTES_MAX + 1024);
    struct str content;
    uint64_t used = 0;
    int rc = vfs_read_file(fs, path, CHECKPOINT_BYTES_MAX, mem, &content, err);
    if (rc != -ERR_NOT_FOUND) {
        if (rc < 0)
            return rc;
        TRY(content_apply(c, content, apply, owner, &used, err));
        TRY(file_open(c, used, err));
    }
    *ret_checkpoint = TAKE(c);
    return 0;
}

void checkpoint_close(struct checkpoint *c)
{
    if (!c)
        return;
    vfs_close(c->file);
    mem_free(c->path);
    mem_free(c->identity);
    buf_deinit(&c->frame);
    mem_free(c);
}

bool checkpoint_wants_whole(const struct checkpoint *c)
{
    uint64_t changes = c->size - c->whole_bytes;
    return !c->file || changes > MAX_OF(c->whole_bytes * 4, CHECKPOINT_CHANGES_MIN);
}

int checkpoint_append(struct checkpoint *c, struct str changes, struct err *err)
{
    ASSERT(c->file);
    buf_clear(&c->frame);
    frame_add(&c->frame, changes);
    if (c->frame.is_over)
        return err_set(err, ERR_TOO_LARGE, "changes of state are above %llu bytes",
                       (unsigned long long)CHECKPOINT_BYTES_MAX);
    int rc = vfs_write_at(c->file, c->size, c->frame.p, c->frame.n, err);
    rc = rc < 0 ? rc : vfs_sync(c->file, err);
    if (rc == 0) {
        c->size += c->frame.n;
        return 0;
    }
    /* What is behind `size` now is unknown: the next save writes a new file, which needs nothing of
     * this one. */
    vfs_close(c->file);
    c->file = NULL;
    return rc;
}

int checkpoint_write(struct checkpoint *c, struct str state, struct err *err)
{
    buf_clear(&c->frame);
    frame_add(&c->frame, (struct str){c->identity, c->identity_len});
    frame_add(&c->frame, state);
    if (c->frame.is_over)
        return err_set(err, ERR_TOO_LARGE, "the state is above %llu bytes",
                       (unsigned long long)CHECKPOINT_BYTES_MAX);
    vfs_close(c->file);
    c->file = NULL;
    TRY(vfs_write_file(c->fs, path_of(c), buf_str(&c->frame), err));
    c->whole_bytes = c->frame.n;
    return file_open(c, c->frame.n, err);
}
