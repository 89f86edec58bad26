/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file.h: a command's flags from a YAML file (`naru serve -c naru.yml`). */
#ifndef NARU_CLI_SETTINGS_FILE_H
#define NARU_CLI_SETTINGS_FILE_H

#include "cli/command.h"

/* Adds the file's settings to `given`, which keeps what the command line said already. Keys are the
 * flags' names; "http.port: 9201" and nested maps mean the same. `${VAR:default}` is replaced. An
 * unknown key is an error with file:line:column and "did you mean". */
int settings_file_read(struct vfs *fs, const struct command *command, struct str path,
                       struct arena *mem, struct value *given, struct err *err) WARN_UNUSED;

#endif
