/* SPDX-License-Identifier: Apache-2.0 */
/* command.h: a subcommand of naru: name, help, flags, and what it does. One file a command, one
 * line in commands.tbl; help screens, parsing of flags and shell completion come from the same
 * tables. */
#ifndef NARU_CLI_COMMAND_H
#define NARU_CLI_COMMAND_H

#include "base/opt.h"
#include "cli/app.h"
#include "event/value.h"

/* A command-line flag: an option with an optional letter. `--name value`, `--name=value`, `-x
 * value`, `-xvalue`; booleans `--name` or `--name=false`. OPT_KIND_LIST flags may be repeated. */
struct flag {
    char letter;            /* 0: none */
    const char *value_name; /* "FILE", shown in help; NULL for booleans */
    struct opt opt;
};
#define FLAG_END                                                                                   \
    {                                                                                              \
        .opt = OPT_END                                                                             \
    }

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* the work failed: the reason was printed */
    EXIT_USAGE = 2,  /* the command line is wrong */
};

struct command {
    const char *name;
    const char *summary;         /* one line for the overview */
    const char *usage;           /* "naru run -f FILE [-f FILE] …" */
    const char *text;            /* a paragraph of help */
    const char *const *examples; /* pairs: command, what it does; NULL-terminated */
    const struct flag *flags;
    size_t size;               /* of the settings struct */
    const char *args;          /* how positional arguments are called, NULL: none are taken */
    const char *settings_flag; /* the flag that names a YAML file with the same settings, or NULL */
    int (*run)(struct app *app, void *settings, const struct str *args, size_t arg_count);
};

extern const struct command *const commands[]; /* NULL-terminated, in the order of commands.tbl */
const struct command *command_find(struct str name);

/* Fills settings by the flags; positional arguments go to *ret_args. The error names the flag, with
 * "did you mean". */
int flags_parse(const struct command *command, int argc, char **argv, struct arena *mem,
                void *settings, bool *ret_wants_help, struct str **ret_args, size_t *ret_arg_count,
                struct err *err) WARN_UNUSED;

void help_print_overview(void);
void help_print_command(const struct command *command);

#endif
