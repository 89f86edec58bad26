/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h: runs a body again and again over a fresh `vfs_mem`, with the 1st, 2nd, 3rd … call
 * failing, for each kind of fault, once and from then on, until the body made fewer calls than
 * that.
 *
 *     FAULT_LOOP(f) {
 *         prepare(f.fs);                     // no faults yet
 *         fault_arm(&f);
 *         int rc = work(f.fs, &t->err);      // some call in it fails
 *         bool was_hit = fault_disarm(&f);
 *         assert_true(was_hit || rc == 0);   // without a fault it works
 *         check(f.fs, rc);                   // nothing acknowledged is lost
 *     }
 *
 * fault_name(&f) says which round it is. When a check in a round fails, the round's file system
 * leaks; the test has failed then anyway. */
#ifndef NARU_TESTS_SUPPORT_FAULT_H
#define NARU_TESTS_SUPPORT_FAULT_H

#include "os/vfs.h"
#include "support/test.h"

#define FAULT_ROUNDS_MAX 20000u /* of one kind: a body with more calls is no unit test */

struct fault_loop {
    struct vfs *fs; /* borrowed; new in each round */
    enum vfs_fault kind;
    bool stays;
    uint64_t at; /* the call that fails, from 1 */
    bool was_armed, is_armed, was_reached;
};

#define FAULT_LOOP(f) for (struct fault_loop f = {.kind = VFS_FAULT_EIO}; fault__next(&f);)

TEST_INLINE void fault_arm(struct fault_loop *f)
{
    f->was_armed = f->is_armed = true;
    vfs_mem_fail_at(f->fs, f->at, f->kind, f->stays);
}

/* True when the call that had to fail was reached. */
TEST_INLINE bool fault_disarm(struct fault_loop *f)
{
    if (f->is_armed) {
        f->is_armed = false;
        f->was_reached = vfs_mem_calls(f->fs) >= f->at;
        vfs_mem_fail_at(f->fs, 0, VFS_FAULT_NONE, false);
    }
    return f->was_reached;
}

TEST_INLINE bool fault__next_kind(struct fault_loop *f)
{
    f->at = 1;
    if (!f->stays) {
        f->stays = true;
        return true;
    }
    f->stays = false;
    f->kind = (enum vfs_fault)(f->kind + 1);
    return f->kind <= VFS_FAULT_SHORT_WRITE;
}

TEST_INLINE bool fault__next(struct fault_loop *f)
{
    if (!f->fs) { /* the first round */
        f->at = 1;
    } else {
        bool was_reached = fault_disarm(f);
        if (!f->was_armed)
            fail_msg("the body of FAULT_LOOP never called fault_arm");
        vfs_mem_free(f->fs);
        f->fs = NULL;
        f->at++;
        if (f->at > FAULT_ROUNDS_MAX)
            fail_msg("FAULT_LOOP: more than %u calls", FAULT_ROUNDS_MAX);
        if (!was_reached && !fault__next_kind(f))
            return false;
    }
    f->fs = vfs_mem_new();
    f->was_armed = f->was_reached = false;
    return true;
}

/* Names the round, for the message of a failed check in it. */
TEST_INLINE const char *fault_name(const struct fault_loop *f)
{
    static const char *const names[] = {"none", "EIO", "ENOSPC", "short write"};
    static char text[64];
    (void)snprintf(text, sizeof(text), "%s%s at call %llu", names[f->kind],
                   f->stays ? " from then on" : "", (unsigned long long)f->at);
    return text;
}

#endif
