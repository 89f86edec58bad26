/* SPDX-License-Identifier: Apache-2.0 */
/* acks.h: what was read may be acknowledged in any order and on any thread, but a file's offset
 * moves on only over what lies in an unbroken row from the oldest. A ticket stands for one batch;
 * its marks say how far each file was read by it. Tickets are made and applied by the tail's own
 * thread; `tail_acks_done` may come from any. */
#ifndef NARU_TAIL_ACKS_H
#define NARU_TAIL_ACKS_H

#include "tail/tail.h"

struct tail_acks;

struct tail_mark {
    struct tail_file *file;
    uint64_t off; /* behind the last line of this file in the batch */
    uint64_t epoch;
};
struct tail_marks {
    struct tail_mark *items; /* heap */
    size_t count, capacity;
};

/* Notes a line; lines of one file in a row share a mark. */
void tail_marks_add(struct tail_marks *marks, struct tail_file *file, uint64_t off);
void tail_marks_deinit(
    struct tail_marks *marks); /* releases the files of marks that never got a ticket */

struct tail_acks *tail_acks_new(void);
void tail_acks_free(
    struct tail_acks *acks); /* releases the files of all marks; nothing is applied */
/* Takes the marks' content (the struct is empty afterwards); returns the ticket's number. */
uint64_t tail_acks_add(struct tail_acks *acks, struct tail_marks *taken);
void tail_acks_done(struct tail_acks *acks, uint64_t ticket);
/* Moves the acknowledged offsets of the files on and returns how many tickets that were. */
size_t tail_acks_apply(struct tail_acks *acks);
size_t tail_acks_open(struct tail_acks *acks); /* tickets not applied yet */

#endif
