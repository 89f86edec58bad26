/* SPDX-License-Identifier: Apache-2.0 */
/* engine_settled.c: up to which sequence number an index is settled: for readers that follow it in
 * the order of its sequence numbers and must neither miss a write nor see one that a crash may take
 * back.
 *
 * A number is given out under its lane's lock, where the document also enters the builder and its
 * frame the log. So after reading the counter, passing once through every lane's lock makes sure
 * that the frames of all lower numbers are in the log; committing the log makes them durable; and
 * any refresh that begins later shows them. */
#include "index/index_int.h"
#include "index/wal.h"

int engine_settled_seq_no(struct engine *engine, struct str name, int64_t *ret_seq_no,
                          struct err *err)
{
    struct index *index = engine__index(engine, name);
    if (!index)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(name));
    int awaited = index__await(index, USE_CHANGE, err);
    if (awaited < 0) {
        index__unref(index);
        return awaited;
    }
    int64_t seq_no = __atomic_load_n(&index->seq_no_next, __ATOMIC_ACQUIRE) - 1;
    for (size_t i = 0; i < index->lane_count; i++) {
        mutex_lock(&index->lanes[i].mu);
        mutex_unlock(&index->lanes[i].mu);
    }
    uint64_t next = wal_next_seq(engine->wal);
    int rc = seq_no >= 0 && next > 0 ? wal_commit(engine->wal, next - 1, err) : 0;
    index__unref(index);
    if (rc == 0)
        *ret_seq_no = seq_no;
    return rc;
}
