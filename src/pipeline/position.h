/* SPDX-License-Identifier: Apache-2.0 */
/* position.h: how far an input's source has been delivered, kept in a small file over restarts.
 * Batches are acknowledged in any order; the position moves over those that are delivered from the
 * front on, never past one that is not. */
#ifndef NARU_PIPELINE_POSITION_H
#define NARU_PIPELINE_POSITION_H

#include "base/err.h"
#include "event/event.h"
#include "os/vfs.h"

#define POSITION_BATCHES_MAX 256u /* in flight */

struct position;
/* Reads the file when there is one. `identity`: what the position belongs to (an index's uuid);
 * another one in the file makes the position `none` again. Strings are copied. */
int position_open(struct vfs *fs, struct str path, struct position **ret_position,
                  struct err *err) WARN_UNUSED;
/* Saves what moved, closes. All batches must be acknowledged. */
void position_close(struct position *position);

/* The identity that the file was written for; empty: there was none. Borrowed. */
struct str position_identity(const struct position *position);
/* Starts anew for another identity. */
void position_reset(struct position *position, struct str identity, int64_t value);
int64_t position_value(struct position *position); /* delivered; thread-safe */

/* Announces a batch that ends at `value`; *ret_cookie is for input_batch_new with position_ack.
 * False: too many are in flight, wait. Called by the input's thread only. */
bool position_begin(struct position *position, int64_t value, uint64_t *ret_cookie);
/* Takes an announced batch back that was never pushed: the newest one only. */
void position_cancel(struct position *position, uint64_t cookie);
/* An ack_fn: owner is the position. */
void position_ack(void *owner, uint64_t cookie, bool is_ok);
/* True once after a batch failed: the input must read again from position_value on; what is in
 * flight is forgotten. */
bool position_take_rewind(struct position *position);
bool position_is_idle(struct position *position); /* nothing is in flight */
/* Writes the file when the position moved since. */
int position_save(struct position *position, struct err *err) WARN_UNUSED;

#endif
