/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h: Filebeat's registry on disk (its "memlog" store, version 1), so that an existing one
 * is taken over as it stands and Filebeat could take ours back.
 *
 *   <dir>/meta.json    {"version":"1"}
 *   <dir>/log.json     pairs of lines: {"op":"set","id":7} then {"k":"key","v":{…}}; or
 * {"op":"remove","id":8} then {"k":"key"} <dir>/<id>.json    a checkpoint: [{"_key":"key", …members
 * of the value…}, …]; the highest id counts <dir>/active.dat   the path of that checkpoint, for
 * people
 *
 * Ids go up by one. Loading takes the newest checkpoint, then the log's entries with higher ids,
 * and stops at the first gap or bad line: what is behind a torn write never happened. Where
 * Filebeat leaves writing back to the kernel, `registry_flush` syncs. Values are kept as JSON text:
 * what belongs to others passes unchanged.
 *
 * One owner thread. */
#ifndef NARU_SHIP_REGISTRY_H
#define NARU_SHIP_REGISTRY_H

#include "os/vfs.h"

#define REGISTRY_LOG_BYTES_MAX   (10 * MIB) /* then a checkpoint is made, as Filebeat does */
#define REGISTRY_BYTES_MAX       (256 * MIB)
#define REGISTRY_VALUE_BYTES_MAX (64 * KIB)

struct registry;

/* Makes the folder when it is missing. *ret_torn: how many bytes of the log were left out as
 * damaged. A damaged checkpoint or another version is -ERR_CORRUPT and nothing is changed. */
int registry_open(struct vfs *fs, struct str dir, struct registry **ret_registry,
                  uint64_t *ret_torn, struct err *err) WARN_UNUSED;
void registry_close(struct registry *registry); /* does not flush */
DEFINE_CLEANUP(registry_close, struct registry)

/* In memory and for the next flush. `value`: a JSON object. The same value again costs nothing. */
void registry_set(struct registry *registry, struct str key, struct str value);
void registry_remove(struct registry *registry, struct str key);
struct str registry_get(const struct registry *registry, struct str key); /* p == NULL: not there */
bool registry_next(const struct registry *registry, size_t *at, struct str *ret_key,
                   struct str *ret_value);
size_t registry_count(const struct registry *registry);

bool registry_is_changed(const struct registry *registry);
/* Everything set or removed before is on disk when it returns 0. After a failure it can be called
 * again. */
int registry_flush(struct registry *registry, struct err *err) WARN_UNUSED;

#endif
