/* SPDX-License-Identifier: Apache-2.0 */
/* position.c: see position.h. A ring of batches in flight, oldest first; an acknowledgement marks
 * its place, and the front moves over marked ones. After a failure the generation changes, and
 * acknowledgements of the one before are ignored. */
#include "pipeline/position.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"

#define FILE_BYTES_MAX 65536u

struct flight {
    int64_t value;
    bool is_done;
};

struct position {
    struct vfs *fs;
    char *path, *identity;
    size_t path_len;
    pthread_mutex_t mu; /* guards all below */
    struct flight ring[POSITION_BATCHES_MAX];
    uint64_t first, next; /* numbers of batches: ring[n % MAX] */
    uint64_t first_valid; /* batches before are of a generation that failed */
    int64_t value;
    bool is_rewind, is_dirty;
};

static int file_parse(struct position *position, struct str text, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(MIB);
    struct value root;
    TRY(value_from_json(text, mem, &root, err));
    const struct value *identity = value_map_get_lit(&root, "identity"),
                       *value = value_map_get_lit(&root, "position");
    if (!identity || identity->kind != VALUE_STR || !value || value->kind != VALUE_INT)
        return err_set(err, ERR_CORRUPT, "it has no identity and position");
    position->identity = mem_cstr(identity->s);
    position->value = value->i;
    return 0;
}

int position_open(struct vfs *fs, struct str path, struct position **ret_position, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct position *position = MEM_NEW(struct position);
    position->fs = fs;
    position->path = mem_cstr(path);
    position->path_len = path.n;
    position->value = -1;
    (void)pthread_mutex_init(&position->mu, NULL);
    struct str text;
    int rc = vfs_read_file(fs, path, FILE_BYTES_MAX, mem, &text, err);
    if (rc == -ERR_NOT_FOUND)
        rc = 0;
    else if (rc == 0 && (rc = file_parse(position, text, err)) < 0)
        (void)err_wrap(err, "the position file \"" STR_FMT "\" is damaged, remove it to start anew",
                       STR_ARG(path));
    if (!position->identity)
        position->identity = mem_cstr(STR(""));
    if (rc < 0) {
        position_close(position);
        return rc;
    }
    *ret_position = position;
    return 0;
}

void position_close(struct position *position)
{
    if (!position)
        return;
    (void)!position_save(position, NULL); /* a lost save only means that some is read again */
    (void)pthread_mutex_destroy(&position->mu);
    mem_free(position->path);
    mem_free(position->identity);
    mem_free(position);
}

struct str position_identity(const struct position *position)
{
    return str_from(position->identity);
}

void position_reset(struct position *position, struct str identity, int64_t value)
{
    char *copy = mem_cstr(identity);
    (void)pthread_mutex_lock(&position->mu);
    mem_free(position->identity);
    position->identity = copy;
    position->value = value;
    position->first = position->first_valid = position->next;
    position->is_rewind = false;
    position->is_dirty = true;
    (void)pthread_mutex_unlock(&position->mu);
}

int64_t position_value(struct position *position)
{
    (void)pthread_mutex_lock(&position->mu);
    int64_t value = position->value;
    (void)pthread_mutex_unlock(&position->mu);
    return value;
}

bool position_begin(struct position *position, int64_t value, uint64_t *ret_cookie)
{
    (void)pthread_mutex_lock(&position->mu);
    bool has_room = position->next - position->first < POSITION_BATCHES_MAX;
    if (has_room) {
        position->ring[position->next % POSITION_BATCHES_MAX] = (struct flight){value, false};
        *ret_cookie = position->next++;
    }
    (void)pthread_mutex_unlock(&position->mu);
    return has_room;
}

void position_cancel(struct position *position, uint64_t cookie)
{
    (void)pthread_mutex_lock(&position->mu);
    if (cookie >= position->first_valid && cookie + 1 == position->next)
        position->next--;
    (void)pthread_mutex_unlock(&position->mu);
}

void position_ack(void *owner, uint64_t cookie, bool is_ok)
{
    struct position *position = owner;
    (void)pthread_mutex_lock(&position->mu);
    bool is_known =
        cookie >= position->first && cookie >= position->first_valid && cookie < position->next;
    if (is_known && is_ok) {
        position->ring[cookie % POSITION_BATCHES_MAX].is_done = true;
        while (position->first < position->next &&
               position->ring[position->first % POSITION_BATCHES_MAX].is_done) {
            position->value = position->ring[position->first++ % POSITION_BATCHES_MAX].value;
            position->is_dirty = true;
        }
    } else if (is_known) {
        position->first = position->first_valid = position->next;
        position->is_rewind = true;
    }
    (void)pthread_mutex_unlock(&position->mu);
}

bool position_take_rewind(struct position *position)
{
    (void)pthread_mutex_lock(&position->mu);
    bool is_rewind = position->is_rewind;
    position->is_rewind = false;
    (void)pthread_mutex_unlock(&position->mu);
    return is_rewind;
}

bool position_is_idle(struct position *position)
{
    (void)pthread_mutex_lock(&position->mu);
    bool is_idle = position->first == position->next;
    (void)pthread_mutex_unlock(&position->mu);
    return is_idle;
}

static void file_write(struct buf *out, struct str identity, int64_t value)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key_lit(&w, "identity");
    json_str(&w, identity);
    json_key_lit(&w, "position");
    json_i64(&w, value);
    json_object_end(&w);
    buf_add_char(out, '\n');
}

int position_save(struct position *position, struct err *err)
{
    struct buf out;
    buf_init(&out, FILE_BYTES_MAX);
    (void)pthread_mutex_lock(&position->mu);
    bool is_dirty = position->is_dirty;
    file_write(&out, str_from(position->identity), position->value);
    position->is_dirty = false;
    (void)pthread_mutex_unlock(&position->mu);
    int rc = is_dirty
                 ? vfs_write_file(position->fs, (struct str){position->path, position->path_len},
                                  buf_str(&out), err)
                 : 0;
    buf_deinit(&out);
    if (rc < 0) {
        (void)pthread_mutex_lock(&position->mu);
        position->is_dirty = true;
        (void)pthread_mutex_unlock(&position->mu);
    }
    return rc;
}
