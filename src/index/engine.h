/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h: the door of the store. One engine per data folder: it owns the write-ahead log and all
 * indices. A document is JSON bytes plus index, id and op; there is one way in (engine_write), used
 * by REST and by the pipelines' elasticsearch output alike. Searches take a snapshot
 * (engine_snapshot), which never changes.
 *
 * Threads: every function may be called from any thread. engine_write of several callers at once
 * share one sync of the log (group commit). When it has returned 0, every item with status < 300
 * survives kill -9 and power loss. */
#ifndef NARU_INDEX_ENGINE_H
#define NARU_INDEX_ENGINE_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "index/figures.h"
#include "os/vfs.h"

struct engine;
struct value;
struct searcher;

struct engine_config {
    struct vfs *fs;           /* borrowed */
    struct clock *clock;      /* borrowed */
    uint64_t seed;            /* for generated ids */
    struct str path;          /* data folder; made when missing; locked against other processes */
    size_t memory_bytes_max;  /* budget of builders and in-memory segments; 0: default */
    size_t request_bytes_max; /* one engine_write; 0: default 100 MiB */
    size_t lane_count;        /* 0: one per core */
    uint64_t wal_file_bytes_max; /* a new log file is begun behind this; 0: default */
    uint64_t merge_bytes_per_s;  /* of background merges while the engine is used; 0: 16 MiB */
    uint64_t filter_cache_bytes; /* indices.queries.cache.size; 0: default 16 MiB */
    bool has_no_filter_cache;    /* nothing is kept */
    bool keeps_all_filters;      /* tests: every filter is kept on its first use */
    int64_t scrub_interval_ns;   /* how often each segment file is verified; 0: a day, < 0: never */
    uint64_t scrub_bytes_per_s;  /* at most; 0: 16 MiB */
    bool is_single_threaded; /* tests and crash simulation: no background threads; engine_tick does
                                their work */
};

/* Reads what the folder consists of. What is only in the log comes back in the background: until
 * then searches of the indices concerned answer -ERR_SHARDS_FAILED, gets -ERR_NO_SHARD, and writes
 * wait, for a while (then ERR_UNAVAILABLE); index_stats.is_recovering tells. With
 * is_single_threaded everything is back when it returns. */
int engine_open(const struct engine_config *config, struct engine **ret_engine,
                struct err *err) WARN_UNUSED;
/* Flushes what is in memory, stops the background, closes. */
void engine_close(struct engine *engine);
DEFINE_CLEANUP(engine_close, struct engine)
/* One round of background work (refresh, flush, merge that are due) for is_single_threaded. */
int engine_tick(struct engine *engine, struct err *err) WARN_UNUSED;

enum doc_op { DOC_INDEX, DOC_CREATE, DOC_UPDATE, DOC_DELETE };
enum doc_outcome { DOC_CREATED, DOC_UPDATED, DOC_DELETED, DOC_NOT_FOUND, DOC_NOOP, DOC_FAILED };
enum version_type { VERSION_INTERNAL, VERSION_EXTERNAL, VERSION_EXTERNAL_GTE };

#define SEQ_NO_NONE (-2)

struct doc_write {
    enum doc_op op;
    struct str index;
    struct str id;      /* empty: one is generated (20 characters, time-ordered) */
    struct str routing; /* stored, not used for placement */
    struct str
        source; /* JSON object; for DOC_UPDATE the body {doc, upsert, doc_as_upsert, detect_noop} */
    int64_t if_seq_no; /* SEQ_NO_NONE: no condition */
    int64_t if_primary_term;
    int64_t version; /* with version_type external */
    enum version_type version_type;
    bool is_alias_required; /* fails unless `index` is an alias; a delete does not ask */
};
/* A zeroed doc_write needs this to mean "no condition". */
#define DOC_WRITE_INIT ((struct doc_write){.if_seq_no = SEQ_NO_NONE})

struct doc_result {
    enum doc_outcome outcome;
    int status;       /* HTTP status of the item: 200, 201, 404, 409, 400, 429 … */
    struct str index; /* concrete index; strings lie in the mem given to engine_write */
    struct str id;
    int64_t version;
    int64_t seq_no;
    int64_t primary_term;
    bool forced_refresh;
    const struct err *err; /* in that mem too; only when outcome is DOC_FAILED */
    struct str index_uuid; /* of the index that refused it; p == NULL: it reached none */
};

enum write_refresh { REFRESH_NONE, REFRESH_NOW, REFRESH_WAIT };

/* Applies `count` writes in order (per id); results in the same order. Returns < 0 only when the
 * whole request is refused before any item was applied (memory budget: ERR_MEM_LIMIT, disk full,
 * read-only, shutdown) or when the log could not be synced (ERR_IO: nothing may be assumed about
 * the items). Item failures (mapping, version conflict) are in the results. */
int engine_write(struct engine *engine, const struct doc_write *writes, size_t count,
                 enum write_refresh refresh, struct arena *mem, struct doc_result *ret_results,
                 struct err *err) WARN_UNUSED;

/* Realtime get: sees acknowledged writes before any refresh. -ERR_INDEX_NOT_FOUND, or
 * *ret_doc.is_found false. */
struct doc_get {
    bool is_found;
    struct str index, index_uuid, id, routing, source;
    int64_t version, seq_no, primary_term;
};
int engine_get(struct engine *engine, struct str index, struct str id, bool is_realtime,
               struct arena *mem, struct doc_get *ret_doc, struct err *err) WARN_UNUSED;

/* Index administration. `body`: {settings, mappings, aliases} or VALUE_NONE. */
int engine_index_create(struct engine *engine, struct str index, const struct value *body,
                        struct err *err) WARN_UNUSED;
int engine_index_delete(struct engine *engine, struct str index,
                        struct err *err) WARN_UNUSED; /* one concrete name */
bool engine_index_exists(struct engine *engine, struct str index);
int engine_mapping_put(struct engine *engine, struct str index, const struct value *mappings,
                       struct err *err) WARN_UNUSED;
/* {"properties":{…}} and {"index":{…}} as Elasticsearch prints them, in mem. */
int engine_mapping_get(struct engine *engine, struct str index, struct arena *mem,
                       struct value *ret_mappings, struct err *err) WARN_UNUSED;
int engine_settings_put(struct engine *engine, struct str index, const struct value *settings,
                        struct err *err) WARN_UNUSED;
int engine_settings_get(struct engine *engine, struct str index, struct arena *mem,
                        struct value *ret_settings, struct err *err) WARN_UNUSED;

/* Resolves "_all", "" or "a,b*,-c,*" and aliases to concrete names, sorted, in mem. "-" takes away
 * behind a wildcard only. Wildcards that match nothing give none; a plain name that does not exist
 * is -ERR_INDEX_NOT_FOUND unless ignore_unavailable. */
int engine_resolve(struct engine *engine, struct str expression, bool ignore_unavailable,
                   struct arena *mem, struct str **ret_names, size_t *ret_count,
                   struct err *err) WARN_UNUSED;
/* The same as if there were no aliases. */
int engine_resolve_names(struct engine *engine, struct str expression, bool ignore_unavailable,
                         struct arena *mem, struct str **ret_names, size_t *ret_count,
                         struct err *err) WARN_UNUSED;

/* Aliases of one index: {"name": {"is_write_index": true}}. An index made under an alias's name,
 * and the reverse, is refused, and so are a second write index and an option that is not there yet.
 */
int engine_alias_put(struct engine *engine, struct str index, struct str alias,
                     const struct value *body, struct err *err) WARN_UNUSED;
int engine_alias_remove(struct engine *engine, struct str index, struct str alias,
                        struct err *err) WARN_UNUSED;
int engine_aliases_get(struct engine *engine, struct str index, struct arena *mem,
                       struct value *ret_aliases, struct err *err) WARN_UNUSED;

int engine_refresh(struct engine *engine, struct str index, struct err *err) WARN_UNUSED;
int engine_flush(struct engine *engine, struct str index, struct err *err) WARN_UNUSED;
int engine_force_merge(struct engine *engine, struct str index, size_t segment_count_max,
                       struct err *err) WARN_UNUSED;

/* Forgets what is kept of searches' filters over the index. */
int engine_filters_clear(struct engine *engine, struct str index, struct err *err) WARN_UNUSED;

struct index_stats {
    struct str name, uuid;
    uint64_t doc_count, deleted_count, store_bytes, segment_count, memory_bytes;
    uint64_t builder_bytes, segment_memory_bytes; /* memory_bytes without in-memory segments; what
                                                     segments have on the heap */
    uint64_t log_operations, log_bytes;           /* in the log, not flushed yet */
    int64_t flush_age_ns;
    struct index_metrics metrics;
    int64_t created_ns;
    int64_t seq_no_max;       /* highest acknowledged, -1: none */
    uint32_t damaged_count;   /* segments that were set aside; their documents are missing */
    char damaged_reason[128]; /* of the first of them; "" */
    bool is_recovering;       /* searches, gets and writes are refused until it is back */
    bool is_failed; /* the same until it is deleted or repaired; damaged_reason says why */
    bool is_read_only;
    char read_only_reason[128];
};
int engine_index_stats(struct engine *engine, struct str index, struct arena *mem,
                       struct index_stats *ret_stats, struct err *err) WARN_UNUSED;

/* For readers that follow an index by sequence number: every write up to and with *ret_seq_no (-1:
 * none) is durable, and a refresh that begins after the call shows it. Costs a sync of the log when
 * writes are waiting for one. */
int engine_settled_seq_no(struct engine *engine, struct str index, int64_t *ret_seq_no,
                          struct err *err) WARN_UNUSED;

/* Verifies every checksum and cross-reference below a data folder (`naru index check DIR`): what it
 * checked goes to `report` as lines; -ERR_CORRUPT when something is wrong. The folder must not be
 * in use. */
int index_check(struct vfs *fs, struct str path, struct buf *report, struct err *err) WARN_UNUSED;

/* A view of some indices at one moment: segments with their live documents. Reference-counted,
 * immutable. Writes that a refresh has made visible before the call are in it. */
int engine_snapshot(struct engine *engine, const struct str *indices, size_t count,
                    struct searcher **ret_searcher, struct err *err) WARN_UNUSED;
/* The same of those indices that are there; one that is being recovered, or could not be, is among
 * the failures. Fails when none is there. */
int engine_snapshot_partial(struct engine *engine, const struct str *indices, size_t count,
                            struct searcher **ret_searcher, struct err *err) WARN_UNUSED;
struct searcher_failure {
    struct str index; /* as long as the searcher */
    struct err err;
};
const struct searcher_failure *searcher_failures(const struct searcher *searcher,
                                                 size_t *ret_count);
struct searcher *searcher_ref(struct searcher *searcher);
void searcher_unref(struct searcher *searcher);
DEFINE_CLEANUP(searcher_unref, struct searcher)

#endif
