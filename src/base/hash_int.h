/* SPDX-License-Identifier: Apache-2.0 */
/* hash_int.h: the twins behind crc32c, for the test that compares them. Both work on the inverted
 * sum. */
#ifndef NARU_BASE_HASH_INT_H
#define NARU_BASE_HASH_INT_H

#include "base/hash.h"

uint32_t hash__crc32c_portable(uint32_t c, const uint8_t *b, size_t n);
#if defined(__x86_64__)
uint32_t hash__crc32c_sse42(uint32_t crc, const uint8_t *b, size_t n); /* needs SSE4.2 */
#endif

#endif
