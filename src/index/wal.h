/* SPDX-License-Identifier: Apache-2.0 */
/* wal.h: the node's write-ahead log. Writers append frames (format.h) under the lane's lock and
 * then wait for the disk; all that wait share one sync: the first becomes the leader, writes
 * everything pending with one call, syncs, and wakes the rest.
 *
 * A failed sync is never tried again: its pages may be gone though marked clean. From then on every
 * call answers -ERR_READ_ONLY with the reason, and only opening the log anew, which reads what is
 * really there, goes on. A write that found the disk full, before any sync, is kept: calls answer
 * -ERR_DISK_FULL until wal_heal has cut the file back to what was synced and written the batch
 * again. Whoever waited for that batch got -ERR_IO: nothing may be assumed about it. */
#ifndef NARU_INDEX_WAL_H
#define NARU_INDEX_WAL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/metric.h"
#include "index/format.h"
#include "os/vfs.h"

struct wal;
struct clock;

#define WAL_FILE_BYTES_MAX (64 * MIB) /* a new file is begun behind this */

struct wal_frame {
    uint64_t seq;
    uint64_t index_id;
    uint8_t kind; /* enum wal_kind */
    uint32_t record_count;
    struct str payload;
};
/* Called for every valid frame in order while the log is opened. A negative result ends the
 * opening. */
typedef int wal_replay_fn(void *arg, const struct wal_frame *frame, struct err *err);

struct wal_config {
    struct vfs *fs;
    struct str dir;          /* made when missing */
    uint64_t seq_min;        /* the next sequence is at least this */
    uint64_t file_bytes_max; /* 0: WAL_FILE_BYTES_MAX */
    struct clock *clock;     /* MAY be NULL: then syncs have no times */
    wal_replay_fn *replay;
    void *arg;
    bool is_check; /* read only: nothing is cut or made */
};
/* Cuts a torn tail. -ERR_CORRUPT: damage before the tail. */
int wal_open(const struct wal_config *config, struct wal **ret_wal, struct err *err) WARN_UNUSED;
void wal_close(struct wal *wal);
DEFINE_CLEANUP(wal_close, struct wal)

/* Puts a frame into the queue for the disk. `frame->seq` is given here, also to *ret_seq. */
int wal_append(struct wal *wal, const struct wal_frame *frame, uint64_t *ret_seq,
               struct err *err) WARN_UNUSED;
/* Returns 0 when every frame up to `seq` is on disk. */
int wal_commit(struct wal *wal, uint64_t seq, struct err *err) WARN_UNUSED;
uint64_t wal_next_seq(struct wal *wal);
/* Frames below `seq` are needed no more: removes files that hold only such. */
int wal_truncate(struct wal *wal, uint64_t seq, struct err *err) WARN_UNUSED;
uint64_t wal_bytes(struct wal *wal); /* of all files */
/* Batches written and synced, with their times; the bytes of all of them. */
const struct metric_times *wal_syncs(const struct wal *wal, uint64_t *ret_bytes);
/* 0, or -ERR_READ_ONLY or -ERR_DISK_FULL with the reason for which no more writes are taken. */
int wal_state(struct wal *wal, struct err *err) WARN_UNUSED;
/* After a full disk: tries the kept batch again. Answers as wal_state. */
int wal_heal(struct wal *wal, struct err *err) WARN_UNUSED;

#endif
