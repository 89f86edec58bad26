/* SPDX-License-Identifier: Apache-2.0 */
/* index_int.h: the engine's inner objects. Locks, in the order in which they may be taken:
 *   engine.mu → index.merge_mu → index.flush_mu → index.seal_mu → lane.mu (by number) → index.mu →
 * wal → the filter cache's (filter_cache.c)
 *
 * An index is a list of slots: immutable segments in the order in which their documents came, each
 * with its live bits. Bits change at once (`live`), searches see them from the next refresh on
 * (`published`). Lanes take the writes. */
#ifndef NARU_INDEX_INDEX_INT_H
#define NARU_INDEX_INDEX_INT_H

#include <pthread.h>
#include <time.h>

#include "base/hash.h"
#include "base/metric.h"
#include "index/builder.h"
#include "index/engine.h"
#include "index/figures.h"
#include "index/filter_cache.h"
#include "index/mapping.h"
#include "index/merge.h"
#include "index/segment_int.h"
#include "index/wal.h"

#define MEMORY_BYTES_DEFAULT     (256 * MIB)
#define REQUEST_BYTES_DEFAULT    (100 * MIB)
#define BUILDER_BYTES_MAX        (48 * MIB)  /* of one index's lanes: then they are sealed */
#define WAL_FLUSH_BYTES          (256 * MIB) /* log behind which everything is flushed */
#define WAL_BYTES_MAX            GIB         /* behind it writes wait for a flush */
#define FLUSH_AGE_NS             (300 * NS_PER_S)
#define REFRESH_INTERVAL_DEFAULT NS_PER_S
#define SEARCH_IDLE_DEFAULT      (30 * NS_PER_S) /* index.search.idle.after */
#define FOLD_SLOTS_MAX           8u /* small in-memory segments of an index that are left apart */
#define FOLD_BYTES_MAX           (1 * MIB) /* what is small */
#define SCRUB_INTERVAL_NS        (INT64_C(86400) * NS_PER_S)
#define SCRUB_BYTES_PER_S        (16 * MIB)
#define MERGE_BYTES_PER_S        (16 * MIB)      /* while the engine is used */
#define TOMBS_MAX                100000u         /* remembered deletes of a lane */
#define TOMB_AGE_NS              (60 * NS_PER_S) /* index.gc_deletes */
#define DISK_RESERVE_BYTES       (64 * MIB)      /* less free space: writes are refused */
#define DISK_CHECK_NS            (500 * NS_PER_MS)
#define RETRY_NS                 NS_PER_S /* after a failed flush or merge in the background */
#define PRIMARY_TERM             1
#define LANES_MAX                64u
#define INDEX_NAME_BYTES_MAX     255u

/* An immutable copy of live bits, shared by views. */
struct live {
    uint32_t refs;
    uint32_t count;
    uint64_t words[];
};
struct live *live_ref(struct live *live);
void live_unref(struct live *live);

struct slot {
    uint32_t refs;
    struct segment *segment;
    uint64_t number; /* of its file; 0: in memory only */
    /* guarded by index.mu (bits of `live` are read by atomic loads) */
    uint64_t *live;
    uint32_t live_count;
    struct live *published; /* NULL: all live */
    struct live *next;      /* has_next: what the refresh under way will publish; NULL: all live */
    bool has_next;
    bool is_unpublished;      /* live differs from what is or will be published */
    bool is_dirty;            /* live differs from the file's */
    bool is_retired;          /* replaced by a merge */
    uint64_t live_generation; /* of the file on disk, 0: none */
};
struct slot *slot_new(struct segment *seg, uint64_t number); /* takes the reference */
struct slot *slot_ref(struct slot *slot);
void slot_unref(struct slot *slot);

struct slot_set {
    uint32_t refs;
    size_t count;
    struct slot *slots[];
};
struct slot_set *slot_set_ref(struct slot_set *set);
void slot_set_unref(struct slot_set *set);

/* What a search sees of an index. Immutable. */
struct view_part {
    struct segment *segment;
    struct live *live;
    uint32_t live_count;
};
struct view {
    uint32_t refs;
    struct mapping *mapping;
    uint64_t live_count;
    size_t count;
    struct view_part parts[];
};
struct view *view_ref(struct view *view);
void view_unref(struct view *view);

struct manifest_segment {
    uint64_t number, bytes, live_generation; /* bytes 0: set aside as damaged */
    uint32_t doc_count;
};

struct tomb {
    int64_t version, seq_no, at_ns;
};

struct lane {
    struct index *index;
    pthread_mutex_t mu;
    struct builder *builder; /* guarded by mu, as the rest; NULL: empty */
    struct builder *sealing; /* being made a segment; only looked up in; NULL: none */
    uint64_t *sealing_dead;  /* documents of `sealing` that died since; NULL: none */
    struct slot *sealed;     /* made of `sealing`, not yet published; guarded by index.seal_mu */
    struct strmap tombs;     /* id -> struct tomb */
    uint32_t number;
};

enum index_use { USE_SEARCH, USE_GET, USE_CHANGE };
enum index_state { INDEX_READY, INDEX_RECOVERING, INDEX_FAILED }; /* engine_recover.c */

struct index {
    struct engine *engine;
    uint32_t refs;
    uint32_t state;              /* enum index_state; atomic, written under engine.recover_mu */
    int64_t seq_no_on_disk;      /* highest in the segments when it was opened, -1: none */
    uint64_t replay_to;          /* a flush while RECOVERING stands for frames below; flush_mu */
    struct str name, uuid, path; /* owned */
    uint64_t id;
    int64_t created_ns;
    struct lane *lanes;
    size_t lane_count;
    int64_t seq_no_next;      /* atomic */
    pthread_mutex_t merge_mu; /* one merge of files at a time; it runs without flush_mu, so that
                                 flushes go on */
    pthread_mutex_t flush_mu; /* one flush, fold or switch of the manifest at a time */
    pthread_mutex_t seal_mu;  /* one refresh at a time */
    uint64_t merging_number;  /* file being written by a merge, 0: none; guarded by flush_mu */
    uint64_t segment_next;    /* guarded by flush_mu */
    uint64_t manifest_generation;
    pthread_mutex_t mu;
    /* guarded by mu */
    struct mapping *mapping;
    struct slot_set *set;
    struct view *view;
    char *settings_json; /* {"index":{…}} without the derived ones */
    char *aliases_json;
    char *sort_path;        /* index_sort_path of the settings; owned */
    uint64_t wal_from;      /* first frame that is not flushed, 0: none */
    uint64_t wal_from_next; /* the same, counted from the cut of the flush that is running */
    bool is_flushing;
    uint64_t wal_flushed; /* frames below are in segments; written into the manifest */
    bool is_deleted;
    bool is_changed;                      /* something to refresh */
    bool is_mapping_dirty;                /* to be flushed for the mapping or settings alone */
    uint64_t refresh_begun, refresh_done; /* cuts, and the one that is published */
    bool is_refresh_wanted;
    int64_t refresh_interval_ns; /* < 0: off */
    bool is_interval_set;        /* by its settings: then it is kept without searches too */
    int64_t search_idle_ns;      /* index.search.idle.after */
    int64_t searched_ns;
    bool is_merge_free; /* index.merge.scheduler.auto_throttle is false */
    int64_t refreshed_ns, flushed_ns;
    int64_t retry_ns, merge_retry_ns; /* the background threads' own: no flush, no merge before */
    uint64_t memory_bytes;            /* builders and in-memory segments, as last counted */
    char trouble[128];                /* a damaged segment that was set aside */
    struct err failure;               /* why it is FAILED; guarded by engine.recover_mu, set once */
    /* Kept in the manifest without their size, so that nobody removes the file and it never counts
     * again by itself: what it held may have been written anew since. */
    struct manifest_segment *damaged;
    size_t damaged_count;
    struct index_metrics metrics;
    /* What the log held at the last flush, and at the cut of the one that is running. */
    uint64_t log_operations_flushed, log_bytes_flushed, log_operations_cut, log_bytes_cut;
};

struct engine {
    struct engine_config config;
    struct vfs *fs;
    struct clock *clock;
    struct arena *mem; /* paths */
    struct str path, indices_path;
    struct vfs_file *lock_file;
    struct wal *wal;
    size_t lane_count;
    pthread_mutex_t mu;
    struct strmap indices; /* name -> struct index *, guarded by mu; holds a reference */
    struct rng rng;        /* guarded by id_mu */
    pthread_mutex_t id_mu;
    int64_t id_ms;
    uint32_t id_seq;
    uint8_t id_node[6];
    char id_node_text[8];
    size_t memory_max, request_max;
    uint64_t merge_bytes_per_s;
    int64_t scrub_interval_ns; /* < 0: off */
    uint64_t scrub_bytes_per_s;
    int64_t used_ns;         /* atomic: last write or search */
    uint64_t memory_bytes;   /* atomic: sum of indices */
    uint64_t flight_bytes;   /* atomic: requests being applied */
    uint32_t lane_turn;      /* atomic */
    int64_t disk_checked_ns; /* atomic */
    bool is_disk_full;       /* atomic */
    bool is_closing;         /* guarded by bg_mu */
    pthread_t thread, merge_thread, scrub_thread, recover_thread;
    bool has_thread, has_recover_thread;
    pthread_mutex_t recover_mu; /* taken last */
    pthread_cond_t recovered;   /* the state of an index changed, or recovery ended */
    bool is_recovering;         /* guarded by recover_mu, as the next two */
    uint32_t recovery_waiters;
    struct err recovery_error;
    bool is_log_kept;          /* the tail of a FAILED index could not be set aside */
    bool is_recovery_stopping; /* atomic */
    pthread_mutex_t bg_mu;
    pthread_cond_t bg_wake, bg_done, merge_wake, scrub_wake; /* done: a refresh happened */
    bool is_kicked;
    struct err background_error; /* guarded by bg_mu: of the last round */
    struct engine_metrics metrics;
    struct filter_cache *filter_cache;
};

static inline void mutex_lock(pthread_mutex_t *mu)
{
    ASSERT(pthread_mutex_lock(mu) == 0);
}
static inline void mutex_unlock(pthread_mutex_t *mu)
{
    ASSERT(pthread_mutex_unlock(mu) == 0);
}

/* ---- index.c ---- */
struct index *index__new(struct engine *engine, struct str name, struct str uuid, uint64_t id,
                         struct mapping *mapping);
struct index *index__ref(struct index *index);
void index__unref(struct index *index);
static inline void index__unref_ptr(struct index **p)
{
    index__unref(*p);
}
struct mapping *index__mapping(struct index *index); /* with a reference */
void index__set_slots(struct index *index, struct slot **slots,
                      size_t count); /* REQUIRES(mu): takes the references */
void index__publish(struct index *index, bool with_deletes); /* REQUIRES(mu): makes the view anew */
void index__lanes_lock(struct index *index);
void index__lanes_unlock(struct index *index);
void index__memory_count(struct index *index); /* REQUIRES(all lanes) */
struct live *slot__live_copy(const struct slot *slot);

/* Nobody has searched it for index.search.idle.after, and no refresh_interval is set: then it is
 * refreshed when somebody does. REQUIRES(mu) */
bool index__is_idle(const struct index *index);

/* ---- index_seal.c ---- */
typedef void index__cut_fn(struct index *index, void *arg); /* REQUIRES(all lanes) */
/* Everything written before the cut becomes slots and visible. `at_cut` MAY be NULL.
 * REQUIRES(seal_mu) */
int index__seal(struct index *index, index__cut_fn *at_cut, void *arg, struct err *err) WARN_UNUSED;
int index__refresh(struct index *index, struct err *err) WARN_UNUSED;
/* Only when the builders hold at least so many bytes by then. */
int index__refresh_over(struct index *index, uint64_t bytes_min, struct err *err) WARN_UNUSED;
struct builder *lane__builder(struct lane *lane); /* made when missing. REQUIRES(lane.mu) */
uint64_t lane__bytes(const struct lane *lane);    /* REQUIRES(lane.mu) */
/* A document that is being sealed and lives, DOC_NONE. REQUIRES(lane.mu) */
uint32_t lane__sealing_find(const struct lane *lane, struct str id);
void lane__sealing_kill(struct lane *lane, uint32_t doc); /* REQUIRES(lane.mu) */

/* ---- figures.c ---- */
uint64_t segment__memory_bytes(const struct segment *seg); /* on the heap */

/* ---- index_flush.c ---- */
/* Everything written so far is in segment files and the manifest; then the log may forget it. */
int index__flush(struct index *index, bool is_forced, struct err *err) WARN_UNUSED;
/* Of an index that is RECOVERING: frames below `seq` are in it. */
int index__flush_replayed(struct index *index, uint64_t seq, struct err *err) WARN_UNUSED;
int index__merge_due(struct index *index, bool *ret_did, struct err *err) WARN_UNUSED;
int index__merge_to(struct index *index, size_t segment_count_max, struct err *err) WARN_UNUSED;
int index__fold(struct index *index, struct err *err) WARN_UNUSED;
int index__manifest_write(struct index *index,
                          struct err *err) WARN_UNUSED; /* REQUIRES(flush_mu) */
uint64_t engine__wal_needed(struct engine *engine);

/* ---- scrub.c ---- */
/* Of a file that was there at opening: it is due soon. */
void segment__scrub_start(struct segment *seg, const struct engine *engine);
void engine__scrub_round(struct engine *engine); /* all files that are due */
void *engine__scrubbing(void *engine);           /* the thread */

/* ---- merge_pace.c ---- */
struct merge_pacer {
    struct index *index;
    int64_t due_ns;
};
void merge_pacer_init(struct merge_pacer *pacer, struct index *index);
int merge_pacer_wait(void *pacer, uint64_t bytes, struct err *err) WARN_UNUSED;

/* ---- manifest.c ---- */
struct manifest {
    struct str name, uuid, settings_json, aliases_json, mapping_json;
    uint64_t id, generation, wal_flushed, segment_next;
    int64_t created_ns, seq_no_next;
    struct manifest_segment *segments;
    size_t segment_count;
};
int manifest_write(struct vfs *fs, struct str dir, const struct manifest *manifest,
                   struct err *err) WARN_UNUSED;
/* Strings in mem. */
int manifest_read(struct vfs *fs, struct str dir, struct arena *mem, struct manifest *ret_manifest,
                  struct err *err) WARN_UNUSED;
/* Name, uuid and id of one that manifest_read refused, when those are whole. */
bool manifest_identity(struct vfs *fs, struct str dir, struct arena *mem,
                       struct manifest *ret_manifest);
int live_file_write(struct vfs *fs, struct str path, uint32_t doc_count, const uint64_t *words,
                    struct err *err) WARN_UNUSED;
/* Words on the heap. */
int live_file_read(struct vfs *fs, struct str path, uint32_t doc_count, uint64_t **ret_words,
                   uint32_t *ret_count, struct err *err) WARN_UNUSED;
struct str segment_file_path(struct str dir, uint64_t number, struct arena *mem);
struct str live_file_path(struct str dir, uint64_t number, uint64_t generation, struct arena *mem);

/* ---- engine.c ---- */
struct index *engine__index(struct engine *engine, struct str name); /* with a reference; NULL */
int engine__index_get(struct engine *engine, struct str name, struct index **ret_index,
                      struct err *err) WARN_UNUSED;
struct index **engine__all(struct engine *engine, size_t *ret_count); /* heap, with references */
void engine__all_free(struct index **indices, size_t count);
void engine__kick(struct engine *engine);
struct timespec
engine__deadline(int64_t ns); /* of the system's monotonic clock, for waits on conditions */
/* Opens one index from its folder; a damaged segment is set aside. */
int index__open(struct engine *engine, struct str dir, struct index **ret_index,
                struct err *err) WARN_UNUSED;

/* ---- set_aside.c ---- */
/* The index serves no more, for this reason, until it is deleted or repaired. */
void index__fail(struct index *index, const struct err *why);
static inline bool index__is_failed(const struct index *index)
{
    return __atomic_load_n(&index->state, __ATOMIC_ACQUIRE) == INDEX_FAILED;
}
/* How requests to it are refused: as Elasticsearch does when no shard of an index is there. */
int index__failed_refuse(struct index *index, enum index_use use, struct err *err) WARN_UNUSED;
/* In place of index__open when that found it damaged: it is there, FAILED, and without anything. */
struct index *index__open_failed(struct engine *engine, struct str dir, const struct err *why);
/* -ERR_CORRUPT when its part of the log was set aside before. */
int index__tail_find(struct vfs *fs, struct str dir, struct err *err) WARN_UNUSED;
/* What the log holds of FAILED indices goes to files of their own, so that the log can let go. */
int engine__tails_set_aside(struct engine *engine, struct index **indices, size_t count,
                            struct err *err) WARN_UNUSED;

/* ---- engine_recover.c ---- */
/* Brings back what is only in the log: in the background, or here for is_single_threaded. Returns
 * when that is done or `wait_ns` have passed. */
int engine__recover_start(struct engine *engine, int64_t wait_ns, struct err *err) WARN_UNUSED;
void engine__recover_stop(struct engine *engine);
int engine__recover(struct engine *engine, struct err *err) WARN_UNUSED;
bool engine__is_recovering(struct engine *engine); /* or gave up: the log is still needed whole */
/* 0: READY. Searches and gets do not wait, changes do, for a while. */
int index__await(struct index *index, enum index_use use, struct err *err) WARN_UNUSED;
static inline bool index__is_ready(const struct index *index)
{
    return __atomic_load_n(&index->state, __ATOMIC_ACQUIRE) == INDEX_READY;
}

/* ---- engine_admin.c ---- */
int engine__index_make(struct engine *engine, struct str name, const struct value *body,
                       bool may_exist, struct index **ret_index, struct err *err) WARN_UNUSED;

/* ---- index_names.c ---- */
int index_name_check(struct str name, struct err *err) WARN_UNUSED;
int index__alias_name_check(struct str name, struct err *err) WARN_UNUSED; /* may be upper case */

/* ---- engine_alias.c ---- */
/* False: it has none. *ret_aliases is a map, in mem. */
bool index__aliases(struct index *index, struct arena *mem, struct value *ret_aliases);
bool index__has_alias(struct index *index, struct str alias, struct arena *mem);
bool engine__has_alias(struct engine *engine, struct str alias); /* REQUIRES(engine.mu) */
/* An index's aliases as a body has them, into what is kept. */
int index__aliases_read(const struct value *given, struct arena *mem, struct value *ret_aliases,
                        struct err *err) WARN_UNUSED;
/* Whether an index of that name may have them beside the others that are there.
 * REQUIRES(engine.mu) */
int engine__aliases_check(struct engine *engine, struct str name, const struct value *aliases,
                          struct err *err) WARN_UNUSED;
/* The index that writes to an alias go to; *ret_index stays as it is when nobody has the alias. */
int engine__alias_target(struct engine *engine, struct str alias, struct index **ret_index,
                         struct err *err) WARN_UNUSED;
/* The only index that has an alias; the same. */
int engine__alias_single(struct engine *engine, struct str alias, struct index **ret_index,
                         struct err *err) WARN_UNUSED;

/* ---- index_settings.c ---- */
/* Adds everything below a map, of the names before it in `prefix`, to `flat`. */
void index__settings_flatten(const struct value *v, struct str prefix, struct value *flat,
                             struct arena *mem);
int index__settings_check(const struct value *flat, struct arena *mem, struct err *err) WARN_UNUSED;
/* *ret stays as it is when the setting is not there. */
int index__setting_int(const struct value *flat, const char *key, int64_t min, int64_t max,
                       struct arena *mem, int64_t *ret, struct err *err) WARN_UNUSED;
void index__settings_apply(struct index *index); /* reads what matters out of settings_json */
void index__json_replace(char **json, const struct value *v); /* settings_json or aliases_json */
int index__manifest_now(struct index *index, struct err *err) WARN_UNUSED; /* after a change */

/* ---- engine_admit.c, engine_replay.c, generated_ids.c ---- */
/* The block that Elasticsearch puts on an index when the disk is nearly full. */
int engine__disk_blocked(struct str index, struct err *err) WARN_UNUSED;
int engine__disk_is_full(struct engine *engine, bool *ret_is_full, struct err *err) WARN_UNUSED;
int engine__disk_admit(struct engine *engine, struct str index, struct err *err) WARN_UNUSED;
/* The records whose lane is number `worker`, `worker` + `of` …, under `mapping`. */
int wal__replay_docs(struct index *index, struct mapping *mapping, const struct wal_frame *frame,
                     uint32_t worker, uint32_t of, struct err *err) WARN_UNUSED;
/* `count` new ids of a lane, ascending. */
void engine__ids_make(struct engine *engine, uint32_t lane, size_t count,
                      char (*ids)[COUNTED_ID_BYTES]);
void engine__ids_init(struct engine *engine); /* after the log is open */
uint32_t engine__lane_of(const struct engine *engine, struct str id);

/* ---- update.c ---- */
/* The body of an update over the source of the document (p == NULL: there is none). *ret_source
 * lies in mem; *ret_noop. */
int update_apply(struct str body, struct str source, struct str id, struct arena *mem,
                 struct str *ret_source, bool *ret_noop, struct err *err) WARN_UNUSED;

#endif
