/* SPDX-License-Identifier: Apache-2.0 */
/* append_file.h: files that outputs append whole lines to, durably. A batch is one write and one
 * sync; a write that failed half-way is cut off again, and a half line that a crash left is cut off
 * when the file is opened, so that a file holds whole lines only. A file that was renamed or
 * removed under us is followed: the next batch goes to a new one. */
#ifndef NARU_PIPELINE_APPEND_FILE_H
#define NARU_PIPELINE_APPEND_FILE_H

#include "os/vfs.h"

#define APPEND_FILES_OPEN_MAX 64u        /* the least recently written is closed for another */
#define APPEND_FILE_LINE_MAX  (16 * MIB) /* longest half line that is looked for */

struct append_files;
struct append_files_config {
    struct vfs *fs;
    char line_end;          /* last byte of a line */
    bool create_if_deleted; /* else a removed file is an error until it is back */
    bool is_overwrite;      /* the first open of a path in this run empties it */
    /* MAY be NULL. A half line was cut off: how many bytes, and how it began. */
    void (*repaired)(void *owner, struct str path, uint64_t bytes, struct str begin);
    void *owner;
};
struct append_files *append_files_new(const struct append_files_config *config);
void append_files_free(struct append_files *files);
DEFINE_CLEANUP(append_files_free, struct append_files)
/* Appends and syncs: at 0 the bytes are on disk, all of them; else none of them are in the file. */
int append_files_write(struct append_files *files, struct str path, struct str bytes,
                       struct err *err) WARN_UNUSED;
/* Closes all: they are opened anew at their next write (SIGHUP after a rotation). */
void append_files_reopen(struct append_files *files);

#endif
