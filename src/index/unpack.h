/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h: the inner loops of reading postings: bit-packed numbers of one width, and ascending
 * document numbers out of their distances. Chosen by the machine at run time; the portable twins
 * are compared with them by the test. */
#ifndef NARU_INDEX_UNPACK_H
#define NARU_INDEX_UNPACK_H

#include "base/base.h"

/* width <= 32. Reads up to UNPACK_OVER_BYTES behind the packed run. */
#define UNPACK_OVER_BYTES 16u
void unpack_u32(const uint8_t *p, size_t n, unsigned width, uint32_t *values);
/* values[i] = base + (values[0] + 1) + … + (values[i] + 1), in 32 bits that may wrap around. */
void sum_distances(uint32_t *values, size_t n, uint32_t base);
/* The same, portable. */
void unpack__u32_portable(const uint8_t *p, size_t n, unsigned width, uint32_t *values);
void unpack__sum_portable(uint32_t *values, size_t n, uint32_t base);

#endif
