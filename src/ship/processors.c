/* SPDX-License-Identifier: Apache-2.0 */
/* processors.c: see below. */
#include "ship/ship_int.h"

struct ship__processors {
    int unused;
};

int ship__processors_new(struct ship *ship, const struct value *list, struct ship__processors **ret_processors,
                         struct err *err)
{
    *ret_processors = NULL;
    if (list->kind == VALUE_LIST && list->list->count > 0)
        return ship__fail(ship, list, err, ERR_UNSUPPORTED, "processors are not supported yet");
    return 0;
}
bool ship__processors_are_static(const struct ship__processors *processors)
{
    (void)processors;
    return true;
}
bool ship__processors_run(const struct ship__processors *processors, struct value *event, struct arena *mem)
{
    (void)processors;
    (void)event;
    (void)mem;
    return true;
}
