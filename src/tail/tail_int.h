/* SPDX-License-Identifier: Apache-2.0 */
/* tail_int.h: shared by the files of tail/ only. */
#ifndef NARU_TAIL_TAIL_INT_H
#define NARU_TAIL_TAIL_INT_H

#include "base/arena.h"
#include "base/str.h"
#include "tail/glob.h"
#include "tail/tail.h"

#define TAIL__CHUNK_BYTES (256 * KIB)
#define TAIL__TURN_BYTES  (4 * MIB) /* of one file before the next one's turn */
#define TAIL__KEY_BYTES   64u

struct tail {
    struct tail_config config;
    const struct tail_sink *sink;
    void *owner;
    struct strmap files; /* key -> struct tail_file; owns the structs */
    struct tail_file *open_first;
    size_t open_count;
    struct tail_file *turn; /* whose turn it is */
    size_t dirty_count;
    struct arena *scan_mem;
    uint32_t scan_number;
    int64_t scan_at_ns;
    bool was_scanned;
    bool is_pending; /* a file wants to be open and there is no descriptor for it */
    char *chunk;
    char *long_line;
    size_t long_capacity;
};

enum tail__read {
    TAIL__READ_MORE,
    TAIL__READ_END,
    TAIL__READ_WAIT, /* there is more, and the store has to take the file first */
    TAIL__READ_FULL,
    TAIL__READ_CLOSED,
};

/* reader.c */
enum tail__read tail__file_read(struct tail_file *file, struct tail_poll_result *result);

/* identity.c */
int tail__print(struct vfs_file *file, uint32_t len, uint64_t *ret_hash, uint32_t *ret_len,
                struct err *err);
/* Does the open file begin with what the fingerprint says? -1: cannot be read. */
int tail__print_matches(const struct tail_file *file, struct vfs_file *handle, struct err *err);
int tail__print_grow(struct tail_file *file, struct err *err);
int tail__id_make(struct tail_file *file, struct err *err);
/* False: it has no key yet (fingerprint identity, file too short). */
bool tail__key(struct tail *tail, struct str path, const struct vfs_stat *st, char *text,
               size_t *ret_n, struct err *err);

/* scan.c */
void tail__scan(struct tail *tail);

/* tail.c */
struct tail_file *tail__file_new(struct tail *tail, struct str key, struct str path,
                                 uint64_t device, uint64_t inode);
int tail__file_open(struct tail_file *file, struct err *err);
bool tail__file_close(struct tail_file *file,
                      enum tail_close_reason reason); /* false: the sink is full */
void tail__file_forget(struct tail_file *file);
void tail__file_restart(struct tail_file *file); /* its content is new: from 0, new life */
void tail__file_path(struct tail_file *file, struct str path);
void tail__look_now(struct tail_file *file);
void tail__dirty(struct tail_file *file);
void tail__report(struct tail *tail, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
