/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: stdout_test.c tests both */
/* null.c: lets events go. */
#include "pipeline/plugin.h"

static int null_write(void *self, struct output *output, const struct output_batch *batch,
                      struct err *err)
{
    (void)self;
    (void)output;
    (void)batch;
    (void)err;
    return 0;
}

const struct output_type output_null = {
    .name = "null",
    .summary = "Lets events go, for measuring.",
    .since = "0.1",
    .write = null_write,
};
