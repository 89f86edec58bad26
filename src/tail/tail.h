/* SPDX-License-Identifier: Apache-2.0 */
/* tail.h: follows the files that patterns name and hands their lines out: new files, growth,
 * rotation by rename, truncation, deletion. Used by the shipper's log and filestream inputs and by
 * the pipeline's file input, which keep the offsets in a store of their own (Filebeat's registry,
 * Logstash's sincedb).
 *
 * A tail belongs to one thread. It holds no lines back: what is not read is read again from the
 * file, so a thousand quiet files cost a thousand small structs and no buffers.
 *
 * A file is known by device and inode, and checked by a fingerprint of its first bytes, so that a
 * new file that got the inode of an old one, or one that was emptied and written past the old
 * offset, is seen for what it is. Each life of a file (new, emptied, replaced) has a stable id: see
 * `tail_file.id`. */
#ifndef NARU_TAIL_TAIL_H
#define NARU_TAIL_TAIL_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "os/vfs.h"

#define TAIL_OPEN_FILES_MAX         1024u
#define TAIL_FILES_MAX              1000000u
#define TAIL_LINE_BYTES_MAX_DEFAULT (10 * MIB)
#define TAIL_FINGERPRINT_BYTES      1024u
#define TAIL_ID_LEN                 20u /* hex digits of a file's id */
#define TAIL_DELIMITER_BYTES_MAX    8u

struct tail;

enum tail_identity {
    TAIL_IDENTITY_NATIVE,      /* inode and device */
    TAIL_IDENTITY_PATH,        /* the path */
    TAIL_IDENTITY_FINGERPRINT, /* the first 1,024 bytes; the file waits until it has them */
};

enum tail_close_reason {
    TAIL_CLOSE_INACTIVE,
    TAIL_CLOSE_REMOVED,
    TAIL_CLOSE_RENAMED,
    TAIL_CLOSE_EOF,
    TAIL_CLOSE_REPLACED, /* emptied, or another file took its place */
    TAIL_CLOSE_LIMIT,    /* its descriptor was needed for another file */
    TAIL_CLOSE_ERROR,
    TAIL_CLOSE_STOP,
};
const char *tail_close_reason_name(enum tail_close_reason reason);

/* One known file. The owner reads it and keeps `user`; all else is the tail's. */
struct tail_file {
    struct tail *tail;
    struct str path; /* where it was seen last */
    uint64_t device, inode;
    uint64_t off;       /* read up to here: the beginning of the next line */
    uint64_t acked_off; /* acknowledged up to here; <= off */
    /* Lives so far in sequence: goes up when the file is emptied or replaced, so that marks of an
     * earlier life change nothing. In memory only. */
    uint64_t epoch;
    /* From the store (tail_sink.generation): part of the id, so that a file that begins anew gets a
     * new one. */
    uint64_t generation;
    /* Hash of identity, generation and first line (at most 1,024 bytes of it); empty until there is
     * a line. */
    char id[TAIL_ID_LEN + 1];
    uint32_t
        print_len; /* fingerprint for recognising: hash of that many first bytes; grows to 1,024 */
    uint64_t print_hash;
    int64_t updated_ns; /* wall: last line read */
    void *user;         /* the owner's, freed in its `release` */

    /* ---- below: the tail's ---- */
    struct str key;
    struct vfs_file *file;   /* NULL: closed */
    struct tail_file *after; /* is read when that one has no more: rotation keeps the order */
    uint64_t scanned;        /* no delimiter between off and here: a long line in the making */
    uint64_t size_seen;
    int64_t modified_seen;
    int64_t next_ns, backoff_ns, read_ns, opened_ns; /* monotonic */
    uint32_t mark_count;
    uint32_t scan_seen;
    bool is_at_end;  /* the last read found nothing more */
    bool is_kept;    /* the store knows it */
    bool is_dirty;   /* acked_off, path or fingerprint changed since the store was told */
    bool is_missing; /* no pattern named it at the last scan */
    bool is_moved;   /* renamed while it was open */
    bool is_removed; /* neither at its path nor elsewhere in that folder */
    bool is_ignored; /* older than ignore_older and never read */
    bool was_reported;
    bool is_verified; /* restored from the store and checked against the file */
    struct tail_file *next_open, *prev_open;
};

struct tail_line {
    struct str
        text;     /* without the delimiter, and without the CR before a LF; cut at line_bytes_max */
    uint64_t off; /* of its first byte */
    uint64_t end_off; /* behind its delimiter */
    bool is_truncated;
};

/* What the owner does. All on the tail's thread, from within tail_poll, except where said. */
struct tail_sink {
    /* MUST. False: full, the line comes again at the next poll. */
    bool (*line)(void *owner, struct tail_file *file, const struct tail_line *line);
    /* MUST. The file is new to the store, or begins a new life: makes it durable (id, generation,
     * offset) before its first line is handed out, so that after a crash its lines get the same
     * ids. Negative: not now. */
    int (*keep)(void *owner, struct tail_file *file, struct err *err);
    /* MUST. A number for a life that begins; `is_restart`: one that has seen other content at these
     * offsets. */
    uint64_t (*generation)(void *owner, bool is_restart);
    /* MAY. It will never come back: the store drops it. */
    void (*forget)(void *owner, struct tail_file *file);
    /* MAY. Its descriptor is closed or its life ends: half entries (multiline) should go out.
     * False: full, comes again. */
    bool (*flush)(void *owner, struct tail_file *file, enum tail_close_reason reason);
    /* MAY. The struct is about to be freed. */
    void (*release)(void *owner, struct tail_file *file);
    /* MAY. Something a person should know. */
    void (*report)(void *owner, enum log_level level, const char *text);
};

struct tail_config {
    struct vfs *fs; /* borrowed, as all here */
    struct clock *clock;
    const struct str *globs;
    size_t glob_count;
    bool (*is_excluded)(void *owner, struct str path); /* MAY be NULL */
    enum tail_identity identity;
    int64_t scan_ns, backoff_ns, backoff_max_ns;
    int64_t close_inactive_ns, close_after_ns;  /* 0: never */
    int64_t ignore_older_ns, clean_inactive_ns; /* 0: never */
    bool close_removed, close_renamed, close_eof, clean_removed;
    bool starts_at_end; /* files that are there at the first scan and not in the store */
    bool follows_links;
    bool is_recursive;    /* `**` */
    bool reads_last_line; /* at close_eof, a last line without its delimiter is a line (Logstash's
                             read mode) */
    size_t line_bytes_max;
    size_t open_files_max; /* 0: TAIL_OPEN_FILES_MAX */
    struct str delimiter;  /* "\n" when empty */
};

/* A file as the store remembers it. */
struct tail_saved {
    struct str path;
    uint64_t device, inode, off;
    uint64_t generation;
    struct str id; /* TAIL_ID_LEN digits, or empty: computed anew */
    uint32_t print_len;
    uint64_t print_hash;
    int64_t updated_ns;
};

struct tail *tail_new(const struct tail_config *config, const struct tail_sink *sink, void *owner);
void tail_free(struct tail *tail); /* closes without flushing */
/* Before the first poll. Returns the file, or NULL when its key is there already or the limit is
 * reached. */
struct tail_file *tail_restore(struct tail *tail, const struct tail_saved *saved);

struct tail_poll_result {
    uint64_t lines, bytes; /* handed out */
    bool is_full;          /* the sink refused a line */
    int64_t next_ns;       /* monotonic: nothing to do before it (unless the sink was full) */
};
/* Scans when it is time, reads each file a turn. Does not wait. */
void tail_poll(struct tail *tail, struct tail_poll_result *ret_result);
/* Scans at the next poll, whatever the time. */
void tail_scan_soon(struct tail *tail);
/* At least one scan was made, and every file known is read to its end (or cannot be opened). */
bool tail_is_idle(const struct tail *tail);
/* Closes all files with `flush`; false when the sink is full (call again). */
bool tail_close(struct tail *tail);

size_t tail_file_count(const struct tail *tail);
size_t tail_open_count(const struct tail *tail);
/* Walks the files in no order; `*at` starts at 0. NULL at the end. */
struct tail_file *tail_next(struct tail *tail, size_t *at);
/* The next file whose offset changed since the store was told, and counts it as told; NULL: none.
 * `*at` starts at 0. */
struct tail_file *tail_next_dirty(struct tail *tail, size_t *at);

/* For acks.c and owners with marks of their own. */
void tail_file_acked(struct tail_file *file, uint64_t off, uint64_t epoch);
void tail_file_unmark(struct tail_file *file);

/* "0123456789abcdef0123" + "00000000012c": the stable id of the line that begins at `off`. */
#define TAIL_LINE_ID_LEN (TAIL_ID_LEN + 12u)
void tail_line_id(const struct tail_file *file, uint64_t off, char *text);

#endif
