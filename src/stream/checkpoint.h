/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h: the file that keeps a stream's state: one whole state, then changes appended, each
 * a frame with a checksum and synced. After a crash it reads as the last frame that was saved
 * whole. When the changes outgrow the state, it is written anew beside the old one and renamed over
 * it.
 *
 *     frame:  u32 length · u32 CRC-32C of the payload · payload        little-endian
 *     file:   frame with the identity, frame with the state, frames with changes
 *
 * Valid: the first frame is whole and holds the identity asked for; a frame that is empty, cut
 * short or fails its checksum ends the file there, and the rest is cut off. */
#ifndef NARU_STREAM_CHECKPOINT_H
#define NARU_STREAM_CHECKPOINT_H

#include "base/buf.h"
#include "base/err.h"
#include "os/vfs.h"

#define CHECKPOINT_BYTES_MAX   (1 * GIB)
#define CHECKPOINT_CHANGES_MIN (1 * MIB) /* changes are let grow so far at least */

struct checkpoint;
/* Applies every payload in order through `apply` (which may fail with -ERR_CORRUPT). `identity`
 * tells what the state is of: -ERR_INVALID when the file is of something else. No file: nothing is
 * applied, *ret_is_new. */
typedef int checkpoint_apply_fn(void *owner, struct str payload, struct err *err);
int checkpoint_open(struct vfs *fs, struct str path, struct str identity,
                    checkpoint_apply_fn *apply, void *owner, struct checkpoint **ret_checkpoint,
                    struct err *err) WARN_UNUSED;
void checkpoint_close(struct checkpoint *checkpoint);
DEFINE_CLEANUP(checkpoint_close, struct checkpoint)
/* True when the next save should be a whole state: there is none yet, the changes are long, or an
 * append failed. */
bool checkpoint_wants_whole(const struct checkpoint *checkpoint);
/* At 0 the payload, which is never empty, is on disk; else the file reads as before. */
int checkpoint_append(struct checkpoint *checkpoint, struct str changes,
                      struct err *err) WARN_UNUSED;
int checkpoint_write(struct checkpoint *checkpoint, struct str state, struct err *err) WARN_UNUSED;

#endif
