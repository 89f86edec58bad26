/* SPDX-License-Identifier: Apache-2.0 */
/* engine_write_int.h: between engine_write.c and engine_admit.c. */
#ifndef NARU_INDEX_ENGINE_WRITE_INT_H
#define NARU_INDEX_ENGINE_WRITE_INT_H

#include "index/index_int.h"

/* What the disk lets through. */
enum admitted { ADMIT_ALL, ADMIT_DELETES, ADMIT_NONE };

int engine__admit(struct engine *engine, const struct doc_write *writes, size_t count, size_t bytes,
                  enum admitted *ret, struct err *err) WARN_UNUSED;
uint64_t engine__memory_used(struct engine *engine);

#endif
