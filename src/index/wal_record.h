/* SPDX-License-Identifier: Apache-2.0 */
/* wal_record.h: a document's write or delete as it stands in a frame of the log (format.h). */
#ifndef NARU_INDEX_WAL_RECORD_H
#define NARU_INDEX_WAL_RECORD_H

#include "base/bits.h"
#include "base/buf.h"
#include "index/format.h"

/* Of a record without its texts: op, flags, five numbers. */
#define WAL_RECORD_OVERHEAD_BYTES_MAX (2u + 5u * VARINT_BYTES_MAX)

struct wal_record {
    uint8_t op, flags;
    struct str id, routing, source;
    uint64_t seq_no, version;
};

/* Appends a record; `flags` without the one for the routing. */
void wal_record_add(struct buf *out, enum wal_doc_op op, unsigned flags, struct str id,
                    struct str routing, struct str source, int64_t seq_no, int64_t version);
/* Reads the record at *p and moves behind it; the texts lie in the input. False: the bytes are
 * none.
 */
bool wal_record_take(const uint8_t **p, const uint8_t *end, struct wal_record *ret_record);

#endif
