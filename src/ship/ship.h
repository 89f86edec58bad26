/* SPDX-License-Identifier: Apache-2.0 */
/* ship.h: the light shipper: files to Logstash (or naru's beats input), from Filebeat's own
 * filebeat.yml. The only header of ship/ that others need; `naru ship` is a thin shell around it.
 */
#ifndef NARU_SHIP_SHIP_H
#define NARU_SHIP_SHIP_H

#include "base/clock.h"
#include "event/value.h"
#include "os/vfs.h"

/* What the events say they come from: the Filebeat whose behaviour this follows. */
#define SHIP_BEAT_VERSION "7.17.29"

struct ship;

struct ship_config {
    struct vfs *fs;
    struct clock *clock;
    uint64_t seed;
    struct str file;             /* filebeat.yml */
    struct str text;             /* its content; p == NULL: read from `file` */
    const struct str *overrides; /* -E: "output.logstash.hosts=[\"a:5044\"]" */
    size_t override_count;
    struct str data_path; /* --path.data; empty: `path.data`, else `path.home`/data, else "data" */
    bool is_once;         /* ends when everything that is there was read and acknowledged */
    struct str (*env_get)(void *owner, struct str name); /* NULL: the process's environment */
    void *env_owner;
};

struct ship_stats {
    uint64_t lines_read, bytes_read; /* of the files */
    uint64_t events;                 /* made of them */
    uint64_t
        events_filtered; /* left out by include_lines, exclude_lines, drop_event and empty lines */
    uint64_t events_acked;
    uint64_t batches_sent, batches_resent;
    uint64_t connections, failures; /* made; lost or refused */
    uint64_t wire_bytes;            /* sent */
    size_t files, open_files;
};

/* Reads and checks the whole configuration; opens nothing else. Everything not supported is an
 * error with file:line:column. */
int ship_load(const struct ship_config *config, struct ship **ret_ship,
              struct err *err) WARN_UNUSED;
/* Takes the data folder (-ERR_LOCKED names who holds it), goes on where the registry says, and
 * blocks until ship_stop or, with is_once, until all is read and acknowledged. On the caller's
 * thread; makes one thread per output client. */
int ship_run(struct ship *ship, struct err *err) WARN_UNUSED;
void ship_stop(struct ship *ship); /* from any thread; ship_run returns within shutdown_timeout
                                      (default 5 s) */
void ship_free(struct ship *ship);
DEFINE_CLEANUP(ship_free, struct ship)

void ship_stats(struct ship *ship, struct ship_stats *ret_stats); /* from any thread */
/* How many files the registry knows and how many bytes are acknowledged of them, as of the last
 * flush. */
struct str ship_data_path(const struct ship *ship);

#endif
