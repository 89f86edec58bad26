/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: finds the command, fills its settings, runs it. */
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/command.h"

static int run_command(const struct command *command, struct app *app, int argc, char **argv)
{
    struct err err;
    bool wants_help;
    struct str *args;
    size_t arg_count;
    void *settings = arena_zalloc(app->mem, command->size ? command->size : 1);
    if (flags_parse(command, argc, argv, app->mem, settings, &wants_help, &args, &arg_count, &err) <
        0) {
        (void)app_fail(&err);
        return EXIT_USAGE;
    }
    if (wants_help) {
        help_print_command(command);
        return EXIT_OK;
    }
    return command->run(app, settings, args, arg_count);
}

static int unknown_command(const char *name)
{
    const char *names[32] = {0};
    for (size_t i = 0; commands[i] && i < ARRAY_COUNT(names) - 1; i++)
        names[i] = commands[i]->name;
    const char *near = name_nearest(names, str_from(name));
    fprintf(stderr, "naru: unknown command \"%s\"%s%s%s\n", name,
            near ? ": did you mean naru " : "", near ? near : "",
            near ? "?" : ": naru alone lists them");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    mem_tune(MAX_OF(os_cpu_count(), (size_t)2));
    struct app app = {.fs = vfs_posix(),
                      .clock = clock_system(),
                      .mem = arena_new(0),
                      .seed = os_entropy_u64(),
                      .program = str_from(argv[0])};
    log_set_clock(app.clock);
    int exit_code;
    if (argc < 2) {
        help_print_overview();
        exit_code = EXIT_OK;
    } else {
        const char *name = argv[1];
        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
            name = "help";
        if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
            name = "version";
        const struct command *command = command_find(str_from(name));
        exit_code =
            command ? run_command(command, &app, argc - 2, argv + 2) : unknown_command(name);
    }
    arena_free(app.mem);
    return exit_code;
}
