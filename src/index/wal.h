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
    struct str payload; /* when reading: its frame head lies right before it */
    bool is_damaged;    /* when reading: the head is whole, the payload is not */
};
/* Called for frames in order. A negative result ends the reading. */
typedef int wal_replay_fn(void *arg, const struct wal_frame *frame, struct err *err);
/* The same for all frames of one file at once; payloads are borrowed for the call. */
typedef int wal_file_fn(void *arg, const struct wal_frame *frames, size_t count, struct err *err);

struct wal_config {
    struct vfs *fs;
    struct str dir;          /* made when missing */
    uint64_t seq_min;        /* the next sequence is at least this */
    uint64_t file_bytes_max; /* 0: WAL_FILE_BYTES_MAX */
    struct clock *clock;     /* MAY be NULL: then syncs have no times */
    wal_replay_fn *replay;   /* MAY be NULL: whoever opens it calls wal_replay */
    void *arg;
    bool is_check; /* read only: nothing is cut or made */
};
/* Reads the last file to find the log's end, and cuts a torn tail there: then frames can be
 * appended. With `replay`, every frame is read and handed over before. -ERR_CORRUPT: damage before
 * the tail. */
int wal_open(const struct wal_config *config, struct wal **ret_wal, struct err *err) WARN_UNUSED;
/* The frames that were in the log when it was opened, file by file; appending may go on meanwhile,
 * wal_truncate must not. A frame that was on disk and whose payload alone is damaged is handed over
 * as such: its head says which index misses it. -ERR_CORRUPT: other damage, or files are missing.
 */
int wal_replay(struct wal *wal, wal_file_fn *fn, void *arg, struct err *err) WARN_UNUSED;
/* The same frames without their payloads, which are neither read nor verified: quick. */
int wal_replay_heads(struct wal *wal, wal_replay_fn *fn, void *arg, struct err *err) WARN_UNUSED;
/* The log turned out to be damaged: from now on it takes nothing more, for this reason. */
void wal_fail(struct wal *wal, const struct err *reason);
void wal_close(struct wal *wal);
DEFINE_CLEANUP(wal_close, struct wal)

/* Puts a frame into the queue for the disk. `frame->seq` is given here, also to *ret_seq. */
int wal_append(struct wal *wal, const struct wal_frame *frame, uint64_t *ret_seq,
               struct err *err) WARN_UNUSED;
/* The same for a payload that stands in `framed` behind WAL_FRAME_HEAD bytes of room, which saves
 * copying it when nothing else waits: then `framed` is taken, and what it holds afterwards means
 * nothing. The caller frees it either way. */
int wal_append_framed(struct wal *wal, struct wal_frame *frame, struct buf *framed,
                      uint64_t *ret_seq, struct err *err) WARN_UNUSED;
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
