/* SPDX-License-Identifier: Apache-2.0 */
/* help.c: the overview (`naru` alone), help of one command, and the command `help`. */
#include <stdio.h>

#include "base/str.h"
#include "cli/command.h"

#define BOLD  (is_tty ? "\x1b[1m" : "")
#define PLAIN (is_tty ? "\x1b[0m" : "")

void help_print_overview(void)
{
    bool is_tty = os_is_tty(1);
    printf(
        "%snaru%s %s  collects events, transforms, searches and shows them, and archives to SQL\n\n"
        "Usage: naru COMMAND [FLAGS]\n\n",
        BOLD, PLAIN, NARU_VERSION);
    for (const struct command *const *c = commands; *c; c++)
        printf("  %s%-11s%s %s\n", BOLD, (*c)->name, PLAIN, (*c)->summary);
    printf("\nStart here\n"
           "  naru demo                          the stock day: simulator, pipelines, search, "
           "console\n"
           "  naru serve -f logstash.conf        everything in one process, with your pipeline\n"
           "  naru run -f logstash.conf -t       check a Logstash configuration\n"
           "  naru ship -c filebeat.yml          send files as Filebeat does\n\n"
           "Ports: 9200 Elasticsearch REST, 5601 console, 9600 monitoring, all on loopback unless "
           "told otherwise.\n"
           "More: naru COMMAND --help\n");
}

static void print_flag(const struct flag *f)
{
    char left[64];
    char letter[8] = "    ";
    if (f->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", f->letter);
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, f->opt.name, f->value_name ? " " : "",
                   f->value_name ? f->value_name : "");
    printf("  %-34s %s", left, f->opt.help);
    if (f->opt.dflt && f->opt.dflt[0] && f->opt.kind != OPT_KIND_BOOL)
        printf(" [%s]", f->opt.dflt);
    printf("\n");
}

void help_print_command(const struct command *command)
{
    bool is_tty = os_is_tty(1);
    printf("%snaru %s%s: %s\n\nUsage: %s\n", BOLD, command->name, PLAIN, command->summary,
           command->usage);
    if (command->text)
        printf("\n%s\n", command->text);
    if (command->flags && command->flags[0].opt.kind != OPT_KIND_END)
        printf("\nFlags\n");
    for (const struct flag *f = command->flags; f && f->opt.kind != OPT_KIND_END; f++)
        print_flag(f);
    if (command->examples)
        printf("\nExamples\n");
    for (const char *const *e = command->examples; e && e[0]; e += 2)
        printf("  %s\n      %s\n", e[0], e[1]);
}

static int help_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)app;
    (void)settings;
    if (arg_count == 0) {
        help_print_overview();
        return EXIT_OK;
    }
    const struct command *command = command_find(args[0]);
    if (!command) {
        fprintf(stderr, "naru: unknown command \"" STR_FMT "\"\n", STR_ARG(args[0]));
        return EXIT_USAGE;
    }
    help_print_command(command);
    return EXIT_OK;
}

const struct command command_help = {
    .name = "help",
    .summary = "this overview, or the help of one command",
    .usage = "naru help [COMMAND]",
    .args = "COMMAND",
    .run = help_run,
};

static int version_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)app;
    (void)settings;
    (void)args;
    (void)arg_count;
    printf("naru %s\n", NARU_VERSION);
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .summary = "the version",
    .usage = "naru version",
    .run = version_run,
};
