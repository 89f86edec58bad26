/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "cli/command.h"

#define COMMAND(name) extern const struct command command_##name;
#include "cli/commands.tbl"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/commands.tbl"
#undef COMMAND
    NULL};

const struct command *command_find(struct str name)
{
    for (const struct command *const *c = commands; *c; c++) {
        if (str_eq(str_from((*c)->name), name))
            return *c;
    }
    return NULL;
}
