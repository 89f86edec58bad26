/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h: which values of a window lie in a range, as bits: bit i of words is set when value i
 * does. With AVX2 where the machine has it. n <= ZONE_DOCS; words has room for n bits rounded up to
 * whole words, and is overwritten. */
#ifndef NARU_QUERY_SCAN_H
#define NARU_QUERY_SCAN_H

#include "base/base.h"

void scan_longs_between(const int64_t *values, uint32_t n, int64_t min, int64_t max,
                        uint64_t *words);
void scan_u32s_between(const uint32_t *values, uint32_t n, uint32_t min, uint32_t max,
                       uint64_t *words);
void scan_doubles_between(const double *values, uint32_t n, double min, double max,
                          uint64_t *words);

/* The twins, for the test that compares them. */
void scan__longs_portable(const int64_t *values, uint32_t n, int64_t min, int64_t max,
                          uint64_t *words);
void scan__u32s_portable(const uint32_t *values, uint32_t n, uint32_t min, uint32_t max,
                         uint64_t *words);
void scan__doubles_portable(const double *values, uint32_t n, double min, double max,
                            uint64_t *words);

#endif
