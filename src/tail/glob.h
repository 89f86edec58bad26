/* SPDX-License-Identifier: Apache-2.0 */
/* glob.h: the paths that a pattern names, over a virtual file system. Patterns are those of Beats
 * and Logstash:
 * `*` and `?` within one part of a path, `[a-z]`, `[^a]`, `\x`, and `**` as a whole part for 0 to 8
 * folders. */
#ifndef NARU_TAIL_GLOB_H
#define NARU_TAIL_GLOB_H

#include "os/vfs.h"

#define TAIL_GLOB_DEPTH_MAX 8u /* folders that a `**` stands for at most, as in Filebeat */
#define TAIL_GLOB_PARTS_MAX 64u
#define TAIL_GLOB_PATHS_MAX 1000000u

struct tail_paths {
    struct str *items; /* in the arena, sorted bytewise, no path twice */
    size_t count, capacity;
};

/* Called for each folder that cannot be read (other than one that is not there). */
typedef void tail_glob_error_fn(void *owner, const struct err *err);

/* Whether a pattern is well formed: -ERR_INVALID says what is wrong with it. */
int tail_glob_check(struct str pattern, struct err *err) WARN_UNUSED;
/* Does one part of a path match? Linear in practice; no recursion. */
bool tail_glob_match(struct str pattern, struct str name);
/* Does the whole path match, without looking at any folder? */
bool tail_glob_path(struct str pattern, struct str path, bool is_recursive);
/* Appends what exists; `is_recursive` false: `**` is like `*`. -ERR_TOO_LARGE past
 * TAIL_GLOB_PATHS_MAX. */
int tail_glob(struct vfs *fs, struct str pattern, bool is_recursive, struct arena *mem,
              struct tail_paths *paths, tail_glob_error_fn *on_error, void *owner,
              struct err *err) WARN_UNUSED;
/* Sorts and drops doubles: after the last tail_glob. */
void tail_paths_sort(struct tail_paths *paths);

#endif
