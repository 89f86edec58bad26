/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "event/event.h"

struct ack {
    ack_fn *done;
    void *owner;
    uint64_t cookie;
    uint32_t refs;
    bool has_failed;
};

struct ack *ack_new(ack_fn *done, void *owner, uint64_t cookie)
{
    struct ack *ack = MEM_NEW(struct ack);
    *ack = (struct ack){done, owner, cookie, 1, false};
    return ack;
}

struct ack *ack_ref(struct ack *ack)
{
    if (ack)
        __atomic_add_fetch(&ack->refs, 1, __ATOMIC_RELAXED);
    return ack;
}

void ack_fail(struct ack *ack)
{
    if (ack)
        __atomic_store_n(&ack->has_failed, true, __ATOMIC_RELAXED);
}

void ack_unref(struct ack *ack)
{
    /* Release: a failure noted before is seen by whoever drops the last reference; acquire: by that
     * one. */
    if (!ack || __atomic_sub_fetch(&ack->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (ack->done)
        ack->done(ack->owner, ack->cookie, !__atomic_load_n(&ack->has_failed, __ATOMIC_RELAXED));
    mem_free(ack);
}
