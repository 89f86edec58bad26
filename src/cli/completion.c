/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c: shell completion scripts, made from the command tables. */
#include <stdio.h>

#include "base/str.h"
#include "cli/command.h"

static void print_words(const struct command *command)
{
    for (const struct flag *f = command->flags; f && f->opt.kind != OPT_KIND_END; f++) {
        printf("--%s ", f->opt.name);
        if (f->letter)
            printf("-%c ", f->letter);
    }
    printf("--help");
}

static void print_bash(void)
{
    printf("_naru() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} words\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='");
    for (const struct command *const *c = commands; *c; c++)
        printf("%s%s", c == commands ? "" : " ", (*c)->name);
    printf("'\n    else\n        case ${COMP_WORDS[1]} in\n");
    for (const struct command *const *c = commands; *c; c++) {
        printf("        %s) words='", (*c)->name);
        print_words(*c);
        printf("' ;;\n");
    }
    printf("        esac\n    fi\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "}\ncomplete -F _naru naru\n");
}

static void print_zsh(void)
{
    printf("#compdef naru\n_naru() {\n    local -a list\n    if (( CURRENT == 2 )); then\n        "
           "list=(\n");
    for (const struct command *const *c = commands; *c; c++)
        printf("            '%s:%s'\n", (*c)->name, (*c)->summary);
    printf("        )\n        _describe command list\n        return\n    fi\n    case $words[2] "
           "in\n");
    for (const struct command *const *c = commands; *c; c++) {
        printf("    %s) list=(", (*c)->name);
        print_words(*c);
        printf(") ;;\n");
    }
    printf("    esac\n    compadd -a list\n    _files\n}\n_naru \"$@\"\n");
}

static int completion_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)app;
    (void)settings;
    if (arg_count == 1 && str_is(args[0], "bash")) {
        print_bash();
        return EXIT_OK;
    }
    if (arg_count == 1 && str_is(args[0], "zsh")) {
        print_zsh();
        return EXIT_OK;
    }
    fprintf(stderr, "naru: completion is there for bash and zsh: naru completion bash\n");
    return EXIT_USAGE;
}

static const char *const completion_examples[] = {
    "source <(naru completion bash)", "completes commands and flags in this shell", NULL};

const struct command command_completion = {
    .name = "completion",
    .summary = "prints the completion script of a shell",
    .usage = "naru completion bash|zsh",
    .examples = completion_examples,
    .args = "SHELL",
    .run = completion_run,
};
