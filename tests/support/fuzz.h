/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what a fuzz target has. LLVMFuzzerTestOneInput MUST end by itself on any bytes and return
 * 0; what it finds wrong it ASSERTs. fuzz_seed MAY be there: valid inputs that need code to be made
 * (segments, logs), so that they follow the format; false: no n-th. */
#ifndef NARU_TESTS_SUPPORT_FUZZ_H
#define NARU_TESTS_SUPPORT_FUZZ_H

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) bool fuzz_seed(unsigned n, struct buf *out);

#endif
